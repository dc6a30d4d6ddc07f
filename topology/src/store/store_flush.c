/* store_flush.c - write-behind: what is committed and dirty goes to disk with its positions. */
#include "store_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

size_t store_set_dirty_bytes(const struct store_set *set)
{
    return atomic_load_explicit(&set->counters.dirty_bytes, memory_order_relaxed);
}

bool store_set_is_dirty(const struct store_set *set)
{
    return set->disk && (set->dirty.count > 0 || set->positions.any_dirty);
}

struct sortable {
    uint64_t head;
    struct store_entry *entry;
};

static int flush_compare(const void *a, const void *b)
{
    const struct sortable *left = a;
    const struct sortable *right = b;
    if (left->entry->store != right->entry->store)
        return left->entry->store < right->entry->store ? -1 : 1;
    if (left->head != right->head)
        return left->head < right->head ? -1 : 1;
    return mr_bytes_compare(store_entry_key(left->entry), store_entry_key(right->entry));
}

static void flush_sort(struct store_entries *list)
{
    struct sortable *items = mr_malloc(list->count * sizeof *items);
    for (size_t i = 0; i < list->count; i++) {
        struct mr_bytes key = store_entry_key(list->items[i]);
        char head[8] = {0};
        memcpy(head, key.ptr, key.len < 8 ? key.len : 8);
        items[i].entry = list->items[i];
        items[i].head = mr_get_be64(head);
    }
    qsort(items, list->count, sizeof *items, flush_compare);
    for (size_t i = 0; i < list->count; i++)
        list->items[i] = items[i].entry;
    free(items);
}

static void flush_collect(struct store_set *set)
{
    flush_sort(&set->dirty);
    for (size_t i = 0; i < set->dirty.count; i++) {
        const struct store_entry *entry = set->dirty.items[i];
        const struct store_value *value = entry->committed;
        if (value)
            store_disk_put(
                set->disk,
                entry->store,
                store_entry_key(entry),
                mr_bytes_of(value->bytes, value->len));
        else if (!(entry->flags & STORE_DISK_ABSENT))
            store_disk_delete(set->disk, entry->store, store_entry_key(entry));
    }
    for (size_t i = 0; i < set->positions.count; i++) {
        const struct store_position *item = &set->positions.items[i];
        if (item->dirty)
            store_disk_put_position(set->disk, item->topic, item->partition, item->committed);
    }
}

/* The epoch under which a store's flushed entries must be pinned; 0: no scan is open. A scan that
 * registers later than this takes its snapshot later than the write, and finds them on disk. */
static uint64_t next_epoch(struct topo_store *store)
{
    if (!store->ordered)
        return 0;
    pthread_mutex_lock(&store->index.lock);
    uint64_t epoch = ++store->epoch;
    bool open = store->scans != NULL;
    pthread_mutex_unlock(&store->index.lock);
    return open ? epoch : 0;
}

/* With no scan open and nothing staged the disk now has all that the index was for. */
static void clear_index(const struct store_set *set, struct topo_store *store, uint64_t epoch)
{
    if (store->ordered && epoch == 0 && set->staged.count == 0)
        store_index_clear(&store->index);
}

static void flush_settle(struct store_set *set)
{
    uint64_t *epochs = mr_calloc(set->stores_count, sizeof *epochs);
    for (size_t i = 0; i < set->stores_count; i++) {
        epochs[i] = next_epoch(set->stores[i]);
        clear_index(set, set->stores[i], epochs[i]);
    }
    for (size_t i = 0; i < set->dirty.count; i++) {
        struct store_entry *entry = set->dirty.items[i];
        store_account(set, entry, -1);
        entry->flags &= (uint8_t) ~(STORE_DIRTY | STORE_DISK_ABSENT);
        if (!entry->committed)
            entry->flags |= STORE_DISK_ABSENT;
        store_account(set, entry, 1);
        store_pins_flushed(set->stores[entry->store], entry, epochs[entry->store]);
    }
    set->dirty.count = 0;
    for (size_t i = 0; i < set->positions.count; i++)
        set->positions.items[i].dirty = false;
    set->positions.any_dirty = false;
    free(epochs);
}

int store_set_flush(struct store_set *set, struct mr_error *error)
{
    assert(!set->in_savepoint);
    for (size_t i = 0; i < set->stores_count; i++) {
        assert(set->stores[i]->owner_scans == 0);
        store_pins_sweep(set->stores[i]);
    }
    int rc = store_set_check(set, error);
    if (rc < 0 || !set->disk)
        return rc;
    store_disk_forget_iters(set->disk); /* An idle store is not to pin what RocksDB compacts. */
    if (set->dirty.count == 0 && !set->positions.any_dirty)
        return 0;
    struct mr_error why = {0};
    flush_collect(set);
    if (store_disk_write(set->disk, &why) < 0) {
        store_set_break(set, &why);
        return store_set_check(set, error);
    }
    flush_settle(set);
    STORE_COUNT(set->counters.flushes, 1);
    store_set_evict_all(set);
    return 0;
}
