/* store_flush.c - write-behind: what is committed and dirty goes to disk with its positions. */
#include "store_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

size_t store_set_dirty_bytes(const struct store_set *set)
{
    return atomic_load_explicit(&set->counters.dirty_bytes, memory_order_relaxed);
}

static void collect(struct store_set *set)
{
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

static void settle(struct store_set *set)
{
    uint64_t *epochs = mr_calloc(set->stores_count, sizeof *epochs);
    for (size_t i = 0; i < set->stores_count; i++)
        epochs[i] = next_epoch(set->stores[i]);
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
    for (size_t i = 0; i < set->stores_count; i++)
        store_pins_sweep(set->stores[i]);
    int result = store_set_check(set, error);
    if (result < 0 || !set->disk || (set->dirty.count == 0 && !set->positions.any_dirty))
        return result;
    struct mr_error why = {0};
    collect(set);
    if (store_disk_write(set->disk, &why) < 0) {
        store_set_break(set, &why);
        return store_set_check(set, error);
    }
    settle(set);
    STORE_COUNT(set->counters.flushes, 1);
    store_set_evict(set, 0);
    return 0;
}
