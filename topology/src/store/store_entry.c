/* store_entry.c - what happens to one entry when it is committed, undone, flushed or evicted. */
#include "store_impl.h"

#include <base/alloc.h>

#include <assert.h>

enum { MALLOC_BYTES = 16 }; /* The cost of an allocation beyond its size, about. */

void store_entries_add(struct store_entries *list, struct store_entry *entry)
{
    assert(entry);
    list->items = mr_grow(list->items, list->count, &list->capacity, sizeof(struct store_entry *));
    list->items[list->count++] = entry;
}

static size_t value_bytes(const struct store_value *value)
{
    return value ? sizeof *value + value->len + MALLOC_BYTES : 0;
}

void store_account(struct store_set *set, const struct store_entry *entry, int sign)
{
    assert(sign == 1 || sign == -1);
    struct store_counters *counters = &set->counters;
    size_t by = (size_t)sign; /* Adding (size_t)-1 times n takes n away. */
    size_t bytes = sizeof *entry + entry->key_len + MALLOC_BYTES;
    STORE_COUNT(counters->entries, by);
    if (entry->flags & STORE_STAGED)
        STORE_COUNT(counters->staged_bytes, by * (bytes + value_bytes(entry->staged)));
    if (entry->flags & STORE_DIRTY)
        STORE_COUNT(counters->dirty_bytes, by * (bytes + value_bytes(entry->committed)));
    else if (entry->committed != &store_value_unknown)
        STORE_COUNT(counters->clean_bytes, by * (bytes + value_bytes(entry->committed)));
}

static void entry_drop(struct topo_store *store, struct store_entry *entry)
{
    assert(!(entry->flags & (STORE_STAGED | STORE_DIRTY | STORE_SAVED)) && entry->pins == 0);
    if (entry->flags & STORE_INDEXED)
        store_index_remove(&store->index, entry);
    store_table_remove(&store->table, entry);
}

/* Over a disk the index has only what the disk's iterator would miss. */
void store_entry_unpinned(struct topo_store *store, struct store_entry *entry)
{
    if ((entry->flags & STORE_INDEXED) && !(entry->flags & (STORE_STAGED | STORE_DIRTY)) &&
        entry->pins == 0)
        store_index_remove(&store->index, entry);
}

void store_entry_settle(struct topo_store *store, struct store_entry *entry)
{
    bool nothing =
        store->set->disk ? entry->committed == &store_value_unknown : entry->committed == NULL;
    if (nothing && !(entry->flags & STORE_STAGED)) {
        entry_drop(store, entry);
        return;
    }
    if (store->set->disk)
        store_entry_unpinned(store, entry);
    store_account(store->set, entry, 1);
}

void store_entry_commit(
    struct topo_store *store, struct store_entry *entry, struct store_value *value)
{
    assert(value != &store_value_unknown);
    struct store_set *set = store->set;
    store_value_free(store_table_publish(&store->table, entry, value));
    entry->recent = 1;
    bool to_write = set->disk && (value || !(entry->flags & STORE_DISK_ABSENT));
    if (to_write && !(entry->flags & STORE_DIRTY)) {
        entry->flags |= STORE_DIRTY;
        store_entries_add(&set->dirty, entry);
    }
    if (store->ordered && !(entry->flags & STORE_INDEXED) && (to_write || value))
        store_index_add(&store->index, entry);
    store_entry_settle(store, entry);
}

void store_pins_flushed(struct topo_store *store, struct store_entry *entry, uint64_t epoch)
{
    if (epoch == 0) {
        store_entry_unpinned(store, entry);
        return;
    }
    struct store_pins *pins = &store->pins;
    pins->items = mr_grow(pins->items, pins->count, &pins->capacity, sizeof *pins->items);
    pins->items[pins->count++] = (struct store_pin){.entry = entry, .epoch = epoch};
    entry->pins++;
}
