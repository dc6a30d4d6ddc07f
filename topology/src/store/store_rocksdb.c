/* store_rocksdb.c - reads and writes the database of a store set. */
#include "store_rocksdb_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

/* Bound of a batch's memory that is kept from one write to the next. */
enum { BATCH_KEPT_BYTES = 4 << 20 };

int store_disk_fail(struct mr_error *error, const char *dir, const char *doing, char *message)
{
    assert(message);
    int code = strncmp(message, "Corruption", 10) == 0 ? MR_CORRUPT : MR_IO;
    mr_fail(error, code, "%s: %s: %s", dir, doing, message);
    rocksdb_free(message);
    return code;
}

bool store_disk_written(const struct store_disk *disk, size_t store)
{
    assert(store < disk->families_count);
    return atomic_load_explicit(&disk->families[store].written, memory_order_acquire);
}

int store_disk_get(
    struct store_disk *disk,
    size_t store,
    struct mr_bytes key,
    struct store_disk_value *ret_value,
    struct mr_error *error)
{
    assert(store < disk->families_count && key.ptr);
    char *message = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(
        disk->db, disk->read, disk->families[store].handle, key.ptr, key.len, &message);
    if (message)
        return store_disk_fail(error, disk->dir, "cannot read", message);
    if (!slice)
        return 0;
    size_t len = 0;
    const char *raw = rocksdb_pinnableslice_value(slice, &len);
    *ret_value = (struct store_disk_value){.handle = slice, .raw = mr_bytes_of(raw, len)};
    return 1;
}

void store_disk_release(struct store_disk_value *value)
{
    if (value->handle)
        rocksdb_pinnableslice_destroy(value->handle);
}

struct store_disk_iter {
    const struct store_disk *disk;
    struct store_family *home; /* The slot where it rests between the owner's scans; NULL: none. */
    rocksdb_readoptions_t *read;
    rocksdb_iterator_t *iter;
    bool reverse;
    struct mr_buffer first; /* RocksDB keeps pointers to the bounds. */
    struct mr_buffer end;
};

static struct store_disk_iter *iter_new(struct store_disk *disk, bool reverse)
{
    struct store_disk_iter *iter = mr_calloc(1, sizeof *iter);
    iter->disk = disk;
    iter->read = rocksdb_readoptions_create();
    iter->reverse = reverse;
    return iter;
}

static void set_end(struct store_disk_iter *iter, struct mr_bytes end)
{
    mr_buffer_reset(&iter->end);
    mr_buffer_add(&iter->end, end);
    struct mr_bytes view = mr_buffer_view(&iter->end);
    rocksdb_readoptions_set_iterate_upper_bound(iter->read, view.ptr, view.len);
}

struct store_disk_iter *store_disk_iter_new(
    struct store_disk *disk, size_t store, struct mr_bytes first, struct mr_bytes end, bool reverse)
{
    assert(store < disk->families_count);
    struct store_disk_iter *iter = iter_new(disk, reverse);
    if (first.len > 0) { /* The empty key bounds nothing. */
        mr_buffer_add(&iter->first, first);
        rocksdb_readoptions_set_iterate_lower_bound(iter->read, iter->first.ptr, first.len);
    }
    if (end.ptr)
        set_end(iter, end);
    iter->iter = rocksdb_create_iterator_cf(disk->db, iter->read, disk->families[store].handle);
    if (reverse)
        rocksdb_iter_seek_to_last(iter->iter);
    else
        rocksdb_iter_seek_to_first(iter->iter);
    return iter;
}

/* An iterator reads its upper bound through a pointer at each seek, so one can serve scan after
 * scan, as long as the database is as it was when the iterator was made. Making one costs more than
 * a short scan. */
struct store_disk_iter *store_disk_iter_reuse(
    struct store_disk *disk, size_t store, struct mr_bytes first, struct mr_bytes end)
{
    struct store_family *family = &disk->families[store];
    if (!end.ptr)
        return store_disk_iter_new(disk, store, first, end, false);
    struct store_disk_iter *iter = family->resting;
    family->resting = NULL;
    if (!iter)
        iter = iter_new(disk, false);
    set_end(iter, end);
    if (!iter->iter)
        iter->iter = rocksdb_create_iterator_cf(disk->db, iter->read, family->handle);
    iter->home = family;
    rocksdb_iter_seek(iter->iter, first.ptr ? first.ptr : "", first.len);
    return iter;
}

static void iter_destroy(struct store_disk_iter *iter)
{
    rocksdb_iter_destroy(iter->iter);
    rocksdb_readoptions_destroy(iter->read);
    mr_buffer_clean_up(&iter->first);
    mr_buffer_clean_up(&iter->end);
    free(iter);
}

void store_disk_iter_free(struct store_disk_iter *iter)
{
    if (!iter)
        return;
    if (iter->home && !iter->home->resting)
        iter->home->resting = iter;
    else
        iter_destroy(iter);
}

void store_disk_forget_iters(struct store_disk *disk)
{
    for (size_t i = 0; i < disk->families_count; i++) {
        if (disk->families[i].resting)
            iter_destroy(disk->families[i].resting);
        disk->families[i].resting = NULL;
    }
}

bool store_disk_iter_valid(const struct store_disk_iter *iter)
{
    return rocksdb_iter_valid(iter->iter);
}

void store_disk_iter_move(struct store_disk_iter *iter)
{
    if (iter->reverse)
        rocksdb_iter_prev(iter->iter);
    else
        rocksdb_iter_next(iter->iter);
}

struct mr_bytes store_disk_iter_key(const struct store_disk_iter *iter)
{
    size_t len = 0;
    const char *key = rocksdb_iter_key(iter->iter, &len);
    return mr_bytes_of(key, len);
}

struct mr_bytes store_disk_iter_raw(const struct store_disk_iter *iter)
{
    size_t len = 0;
    const char *raw = rocksdb_iter_value(iter->iter, &len);
    return mr_bytes_of(raw, len);
}

int store_disk_iter_check(const struct store_disk_iter *iter, struct mr_error *error)
{
    char *message = NULL;
    rocksdb_iter_get_error(iter->iter, &message);
    return message ? store_disk_fail(error, iter->disk->dir, "cannot read", message) : 0;
}

/* Key: the topic, a NUL, the partition. Value: the next offset. Both big-endian. */
static bool
parse_position(struct mr_bytes key, struct mr_bytes raw, store_disk_position_fn *visit, void *user)
{
    if (key.len < 5 || raw.len != 8 || strnlen(key.ptr, key.len) != key.len - 5)
        return false;
    int64_t next_offset = (int64_t)mr_get_be64(raw.ptr);
    if (next_offset < 0)
        return false;
    visit(user, key.ptr, (int32_t)mr_get_be32(key.ptr + key.len - 4), next_offset);
    return true;
}

int store_disk_positions(
    struct store_disk *disk, store_disk_position_fn *visit, void *user, struct mr_error *error)
{
    rocksdb_iterator_t *iter = rocksdb_create_iterator_cf(disk->db, disk->read, disk->positions);
    int rc = 0;
    for (rocksdb_iter_seek_to_first(iter); rc == 0 && rocksdb_iter_valid(iter);
         rocksdb_iter_next(iter)) {
        struct mr_bytes key = {0};
        struct mr_bytes raw = {0};
        key.ptr = rocksdb_iter_key(iter, &key.len);
        raw.ptr = rocksdb_iter_value(iter, &raw.len);
        if (!parse_position(key, raw, visit, user))
            rc = mr_fail(error, MR_CORRUPT, "%s: a position does not parse", disk->dir);
    }
    char *message = NULL;
    rocksdb_iter_get_error(iter, &message);
    if (message)
        rc = store_disk_fail(error, disk->dir, "cannot read the positions", message);
    rocksdb_iter_destroy(iter);
    return rc;
}

void store_disk_put(struct store_disk *disk, size_t store, struct mr_bytes key, struct mr_bytes raw)
{
    assert(store < disk->families_count);
    struct store_family *family = &disk->families[store];
    rocksdb_writebatch_put_cf(disk->batch, family->handle, key.ptr, key.len, raw.ptr, raw.len);
    disk->batch_bytes += key.len + raw.len;
    atomic_store_explicit(&family->written, true, memory_order_release); /* Before it is. */
}

void store_disk_delete(struct store_disk *disk, size_t store, struct mr_bytes key)
{
    assert(store < disk->families_count);
    rocksdb_writebatch_delete_cf(disk->batch, disk->families[store].handle, key.ptr, key.len);
    disk->batch_bytes += key.len;
}

void store_disk_put_position(
    struct store_disk *disk, const char *topic, int32_t partition, int64_t next_offset)
{
    char number[4];
    char value[8];
    mr_put_be32(number, (uint32_t)partition);
    mr_put_be64(value, (uint64_t)next_offset);
    mr_buffer_reset(&disk->position_key);
    mr_buffer_add(&disk->position_key, mr_bytes_of(topic, strlen(topic) + 1));
    mr_buffer_add(&disk->position_key, mr_bytes_of(number, sizeof number));
    rocksdb_writebatch_put_cf(
        disk->batch,
        disk->positions,
        disk->position_key.ptr,
        disk->position_key.len,
        value,
        sizeof value);
}

int store_disk_write(struct store_disk *disk, struct mr_error *error)
{
    char *message = NULL;
    store_disk_forget_iters(disk);
    rocksdb_write(disk->db, disk->write, disk->batch, &message);
    rocksdb_writebatch_clear(disk->batch);
    if (disk->batch_bytes > BATCH_KEPT_BYTES) {
        rocksdb_writebatch_destroy(disk->batch);
        disk->batch = rocksdb_writebatch_create();
    }
    disk->batch_bytes = 0;
    if (message)
        return store_disk_fail(error, disk->dir, "cannot write", message);
    store_disk_bound_memtables(disk);
    return 0;
}
