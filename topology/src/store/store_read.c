/*
 * store_read.c - committed state for other threads: gets and ordered scans.
 *
 * A scan merges a disk snapshot, taken when it is opened, with the index as it is at each step.
 * What write-behind takes out of the index meanwhile would be in neither, so while a scan is open
 * such entries are pinned: the scan is registered, with the store's flush epoch, before its
 * snapshot.
 */
#include "store_impl.h"

#include <base/alloc.h>
#include <base/buffer.h>

#include <assert.h>
#include <stdlib.h>

struct topo_reader *topo_store_reader(struct topo_store *store)
{
    assert(store);
    return &store->reader;
}

int topo_read_get(
    struct topo_reader *reader,
    struct mr_bytes key,
    struct mr_arena *arena,
    struct mr_bytes *ret_value,
    struct mr_error *error)
{
    assert(reader && key.ptr);
    struct topo_store *store = reader->store;
    struct mr_bytes raw = {0};
    enum store_known known = store_table_copy(&store->table, store_hash(key), key, arena, &raw);
    struct store_disk *disk = store->set->disk;
    if (known == STORE_KNOWN_NOTHING && disk && store_disk_written(disk, store->number)) {
        struct store_disk_value value = {0};
        int found = store_disk_get(disk, store->number, key, &value, error);
        if (found < 0)
            return found;
        if (found)
            raw = mr_arena_copy(arena, value.raw);
        store_disk_release(&value);
    }
    *ret_value = store_visible(store, raw);
    return 0;
}

struct topo_read_scan {
    struct topo_store *store;
    struct mr_arena *arena;
    struct topo_read_scan *prev; /* Those opened before. Under index.lock. */
    struct topo_read_scan *next;
    uint64_t epoch;
    bool reverse;
    struct mr_bytes first; /* Copies in `arena`. */
    struct mr_bytes end;
    struct store_disk_iter *disk; /* NULL: nothing there. */
    struct mr_buffer at;          /* The last key passed, in memory or on disk. */
    bool started;
    struct store_node *node; /* The candidate, while the index is still at `version`. */
    uint64_t version;
};

static void read_enlist(struct topo_read_scan *scan)
{
    struct topo_store *store = scan->store;
    pthread_mutex_lock(&store->index.lock);
    scan->epoch = store->epoch;
    scan->version = store->index.version - 1; /* No candidate yet. */
    scan->next = store->scans;
    if (store->scans)
        store->scans->prev = scan;
    store->scans = scan;
    pthread_mutex_unlock(&store->index.lock);
}

static void read_delist(struct topo_read_scan *scan)
{
    struct topo_store *store = scan->store;
    pthread_mutex_lock(&store->index.lock);
    if (scan->prev)
        scan->prev->next = scan->next;
    else
        store->scans = scan->next;
    if (scan->next)
        scan->next->prev = scan->prev;
    pthread_mutex_unlock(&store->index.lock);
}

int topo_read_scan_open(
    struct topo_reader *reader,
    const struct topo_read_options *options,
    struct mr_arena *arena,
    struct topo_read_scan **ret_scan,
    struct mr_error *error)
{
    assert(reader && reader->store->ordered);
    struct topo_store *store = reader->store;
    struct topo_read_scan *scan = mr_calloc(1, sizeof *scan);
    scan->store = store;
    scan->arena = arena;
    scan->reverse = options->reverse;
    scan->first = mr_arena_copy(arena, options->first);
    scan->end = mr_arena_copy(arena, options->end);
    read_enlist(scan);
    struct store_disk *disk = store->set->disk;
    if (disk && store_disk_written(disk, store->number))
        scan->disk =
            store_disk_iter_new(disk, store->number, scan->first, scan->end, scan->reverse);
    int rc = scan->disk ? store_disk_iter_check(scan->disk, error) : 0;
    if (rc < 0) {
        topo_read_scan_close(scan);
        return rc;
    }
    *ret_scan = scan;
    return 0;
}

void topo_read_scan_close(struct topo_read_scan *scan)
{
    if (!scan)
        return;
    store_disk_iter_free(scan->disk);
    read_delist(scan);
    mr_buffer_clean_up(&scan->at);
    free(scan);
}

static struct store_node *read_seek(const struct topo_read_scan *scan)
{
    const struct store_index *index = &scan->store->index;
    if (scan->reverse)
        return store_index_before(index, scan->started ? mr_buffer_view(&scan->at) : scan->end);
    if (scan->started)
        return store_index_from(index, mr_buffer_view(&scan->at), true);
    return store_index_from(index, scan->first, false);
}

/* The next node inside the bounds; NULL: none. The lock is held. */
static struct store_node *read_find_candidate(struct topo_read_scan *scan)
{
    uint64_t version = scan->store->index.version;
    if (scan->version != version)
        scan->node = read_seek(scan);
    scan->version = version;
    if (!scan->node)
        return NULL;
    struct mr_bytes key = store_entry_key(scan->node->entry);
    bool inside = scan->reverse ? !scan->first.ptr || mr_bytes_compare(key, scan->first) >= 0
                                : !scan->end.ptr || mr_bytes_compare(key, scan->end) < 0;
    return inside ? scan->node : NULL;
}

static void read_pass_entry(struct topo_read_scan *scan, struct mr_bytes key)
{
    mr_buffer_reset(&scan->at);
    mr_buffer_add(&scan->at, key);
    scan->started = true;
}

enum step { STEP_END, STEP_DISK, STEP_MEMORY };

/* Finds the next key, and takes it if it is in memory. Of equal keys the one in memory counts,
 * unless it is not committed. The lock is held. */
static enum step step_locked(
    struct topo_read_scan *scan,
    struct mr_bytes *ret_key,
    struct mr_bytes *ret_raw,
    bool *ret_same_on_disk)
{
    bool disk = scan->disk && store_disk_iter_valid(scan->disk);
    struct store_node *node = read_find_candidate(scan);
    if (!node)
        return disk ? STEP_DISK : STEP_END;
    struct mr_bytes key = store_entry_key(node->entry);
    int order = disk ? mr_bytes_compare(store_disk_iter_key(scan->disk), key) : 1;
    if (scan->reverse && disk)
        order = -order;
    if (order < 0)
        return STEP_DISK;
    enum store_known known =
        store_entry_copy(&scan->store->table, node->entry, scan->arena, ret_raw);
    *ret_key = mr_arena_copy(scan->arena, key);
    *ret_same_on_disk = order == 0 && known != STORE_KNOWN_NOTHING;
    read_pass_entry(scan, key);
    scan->node = scan->reverse ? read_seek(scan) : node->next[0];
    return STEP_MEMORY;
}

static void
read_take_disk(struct topo_read_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_raw)
{
    struct mr_bytes key = store_disk_iter_key(scan->disk);
    *ret_key = mr_arena_copy(scan->arena, key);
    *ret_raw = mr_arena_copy(scan->arena, store_disk_iter_raw(scan->disk));
    read_pass_entry(scan, key);
    store_disk_iter_move(scan->disk);
}

static enum step
read_step(struct topo_read_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_raw)
{
    bool same_on_disk = false;
    pthread_mutex_lock(&scan->store->index.lock);
    enum step taken = step_locked(scan, ret_key, ret_raw, &same_on_disk);
    pthread_mutex_unlock(&scan->store->index.lock);
    if (taken == STEP_DISK)
        read_take_disk(scan, ret_key, ret_raw);
    if (same_on_disk)
        store_disk_iter_move(scan->disk);
    return taken;
}

int topo_read_scan_next(
    struct topo_read_scan *scan,
    struct mr_bytes *ret_key,
    struct mr_bytes *ret_value,
    struct mr_error *error)
{
    for (;;) {
        struct mr_bytes key = {0};
        struct mr_bytes raw = {0};
        if (read_step(scan, &key, &raw) == STEP_END)
            return scan->disk ? store_disk_iter_check(scan->disk, error) : 0;
        struct mr_bytes value = store_visible(scan->store, raw);
        if (!value.ptr)
            continue;
        *ret_key = key;
        *ret_value = value;
        return 1;
    }
}

/* The oldest open scan is the last in the list; all epochs before its own are needed. */
static uint64_t oldest_epoch(struct topo_store *store)
{
    uint64_t oldest = UINT64_MAX;
    pthread_mutex_lock(&store->index.lock);
    for (const struct topo_read_scan *scan = store->scans; scan; scan = scan->next)
        oldest = scan->epoch;
    pthread_mutex_unlock(&store->index.lock);
    return oldest;
}

void store_pins_sweep(struct topo_store *store)
{
    struct store_pins *pins = &store->pins;
    if (pins->first == pins->count)
        return;
    uint64_t oldest = oldest_epoch(store);
    while (pins->first < pins->count && pins->items[pins->first].epoch <= oldest) {
        struct store_entry *entry = pins->items[pins->first++].entry;
        if (--entry->pins == 0)
            store_entry_unpinned(store, entry);
    }
    size_t left = pins->count - pins->first;
    if (left <= pins->first) { /* Half is gone: the rest moves to the front. */
        memmove(pins->items, pins->items + pins->first, left * sizeof *pins->items);
        pins->first = 0;
        pins->count = left;
    }
}
