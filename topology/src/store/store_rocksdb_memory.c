/* store_rocksdb_memory.c - the open databases of the process, and the memory that they share. */
#include "store_rocksdb_impl.h"

#include <topology/engine.h>

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum {
    BLOCK_CACHE_BYTES = 128 << 20,
    WRITE_BUFFERS_BYTES = 64 << 20,
    MEMTABLE_WORTH_FLUSHING = 256 << 10,
};

/* Process-wide, made at the first open and kept to the end. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t unpinned;
    struct topo_memory bounds;
    rocksdb_cache_t *cache;
    struct store_disk *open;
} runtime = {.lock = PTHREAD_MUTEX_INITIALIZER, .unpinned = PTHREAD_COND_INITIALIZER};

void topo_memory_init(const struct topo_memory *bounds)
{
    pthread_mutex_lock(&runtime.lock);
    if (!runtime.cache)
        runtime.bounds = *bounds;
    pthread_mutex_unlock(&runtime.lock);
}

void store_memory_used(struct topo_memory *ret_used)
{
    struct topo_memory used = {0};
    pthread_mutex_lock(&runtime.lock);
    if (runtime.cache)
        used.block_cache_bytes = rocksdb_cache_get_usage(runtime.cache);
    for (const struct store_disk *disk = runtime.open; disk; disk = disk->next_open)
        used.write_buffers_bytes += disk->memtable_bytes;
    pthread_mutex_unlock(&runtime.lock);
    *ret_used = used;
}

rocksdb_cache_t *store_disk_cache(void)
{
    pthread_mutex_lock(&runtime.lock);
    if (!runtime.cache) {
        size_t bytes = runtime.bounds.block_cache_bytes;
        runtime.cache = rocksdb_cache_create_lru(bytes ? bytes : BLOCK_CACHE_BYTES);
    }
    pthread_mutex_unlock(&runtime.lock);
    return runtime.cache;
}

void store_disk_enlist(struct store_disk *disk)
{
    pthread_mutex_lock(&runtime.lock);
    disk->next_open = runtime.open;
    runtime.open = disk;
    pthread_mutex_unlock(&runtime.lock);
}

void store_disk_delist(struct store_disk *disk)
{
    pthread_mutex_lock(&runtime.lock);
    while (disk->pins > 0)
        pthread_cond_wait(&runtime.unpinned, &runtime.lock);
    for (struct store_disk **link = &runtime.open; *link; link = &(*link)->next_open) {
        if (*link == disk) {
            *link = disk->next_open;
            break;
        }
    }
    pthread_mutex_unlock(&runtime.lock);
}

struct store_disk *store_disk_pin(const char *dir)
{
    pthread_mutex_lock(&runtime.lock);
    struct store_disk *disk = runtime.open;
    while (disk && strcmp(disk->dir, dir) != 0)
        disk = disk->next_open;
    if (disk)
        disk->pins++;
    pthread_mutex_unlock(&runtime.lock);
    return disk;
}

void store_disk_unpin(struct store_disk *disk)
{
    pthread_mutex_lock(&runtime.lock);
    assert(disk->pins > 0);
    disk->pins--;
    pthread_cond_broadcast(&runtime.unpinned);
    pthread_mutex_unlock(&runtime.lock);
}

static uint64_t memtable_bytes_of(struct store_disk *disk, size_t store)
{
    uint64_t bytes = 0;
    (void)rocksdb_property_int_cf(
        disk->db, disk->families[store].handle, "rocksdb.cur-size-all-mem-tables", &bytes);
    return bytes;
}

/* In the background. One that fails shows as the error of a later write. */
static void flush_memtables(struct store_disk *disk)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 0);
    for (size_t i = 0; i < disk->families_count; i++) {
        char *message = NULL;
        if (memtable_bytes_of(disk, i) >= MEMTABLE_WORTH_FLUSHING)
            rocksdb_flush_cf(disk->db, options, disk->families[i].handle, &message);
        rocksdb_free(message);
    }
    rocksdb_flushoptions_destroy(options);
    disk->memtable_bytes = 0;
}

/* See "Memory" in the header. The lock keeps the largest database open while it starts to flush. */
void store_disk_bound_memtables(struct store_disk *disk)
{
    uint64_t own = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < disk->families_count; i++)
        own += memtable_bytes_of(disk, i);
    pthread_mutex_lock(&runtime.lock);
    disk->memtable_bytes = own;
    struct store_disk *largest = disk;
    for (struct store_disk *other = runtime.open; other; other = other->next_open) {
        sum += other->memtable_bytes;
        if (other->memtable_bytes > largest->memtable_bytes)
            largest = other;
    }
    size_t bytes_max = runtime.bounds.write_buffers_bytes;
    if (sum > (bytes_max ? bytes_max : WRITE_BUFFERS_BYTES))
        flush_memtables(largest);
    pthread_mutex_unlock(&runtime.lock);
}
