/* store.c - what a processor does with a store: get, put, delete. */
#include "store_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

enum { TIME_LEN = 8 };

struct mr_bytes store_visible(const struct topo_store *store, struct mr_bytes raw)
{
    if (!raw.ptr || store->prefix_len == 0)
        return raw;
    if (raw.len < TIME_LEN)
        return (struct mr_bytes){0};
    int64_t written_ms = (int64_t)mr_get_be64(raw.ptr);
    if (written_ms + store->ttl_ms <= store->set->now(store->set->now_user))
        return (struct mr_bytes){0};
    return mr_bytes_of(raw.ptr + TIME_LEN, raw.len - TIME_LEN);
}

struct mr_bytes store_visible_value(const struct topo_store *store, const struct store_value *value)
{
    if (!value)
        return (struct mr_bytes){0};
    return store_visible(store, mr_bytes_of(value->bytes, value->len));
}

/* A new entry about which nothing else is known; not accounted yet. */
static struct store_entry *store_add(struct topo_store *store, uint32_t hash, struct mr_bytes key)
{
    const struct store_disk *disk = store->set->disk;
    bool ask_disk = disk && store_disk_written(disk, store->number);
    struct store_entry *entry =
        store_table_add(&store->table, hash, key, ask_disk ? &store_value_unknown : NULL);
    entry->store = store->number;
    entry->flags = ask_disk ? 0 : STORE_DISK_ABSENT;
    return entry;
}

/* A miss: what the disk says, absence too, is kept as a clean entry. */
static struct mr_bytes store_load(struct topo_store *store, uint32_t hash, struct mr_bytes key)
{
    struct store_set *set = store->set;
    struct store_disk_value value = {0};
    struct mr_error why = {0};
    if (!set->disk || !store_disk_written(set->disk, store->number))
        return (struct mr_bytes){0};
    STORE_COUNT(set->counters.misses, 1);
    int found = store_disk_get(set->disk, store->number, key, &value, &why);
    if (found < 0) {
        store_set_break(set, &why);
        return (struct mr_bytes){0};
    }
    struct store_value *copy = found ? store_value_new(value.raw, 0) : NULL;
    store_disk_release(&value);
    struct store_entry *entry = store_table_add(&store->table, hash, key, copy);
    entry->store = store->number;
    entry->flags = found ? 0 : STORE_DISK_ABSENT;
    store_account(set, entry, 1);
    return store_visible_value(store, copy);
}

struct mr_bytes topo_store_get(struct topo_store *store, struct mr_bytes key)
{
    assert(key.ptr);
    if (store->set->broken)
        return (struct mr_bytes){0};
    uint32_t hash = store_hash(key);
    struct store_entry *entry = store_table_find(&store->table, hash, key);
    if (!entry)
        return store_load(store, hash, key);
    STORE_COUNT(store->set->counters.hits, 1);
    entry->recent = 1;
    if (entry->flags & STORE_STAGED)
        return store_visible_value(store, entry->staged);
    return store_visible_value(store, entry->committed);
}

/* The staged value moves to the save point's undo list, or is freed. */
static void store_displace(struct store_set *set, struct store_entry *entry)
{
    bool was_staged = entry->flags & STORE_STAGED;
    if (!set->in_savepoint || (entry->flags & STORE_SAVED)) {
        if (was_staged)
            store_value_free(entry->staged);
        return;
    }
    set->undo = mr_grow(set->undo, set->undo_count, &set->undo_capacity, sizeof *set->undo);
    set->undo[set->undo_count++] = (struct store_undo){
        .entry = entry, .staged = was_staged ? entry->staged : NULL, .was_staged = was_staged};
    entry->flags |= STORE_SAVED;
}

static void
store_stage(struct topo_store *store, struct store_entry *entry, struct store_value *value)
{
    store_displace(store->set, entry);
    entry->staged = value;
    entry->recent = 1;
    if (!(entry->flags & STORE_STAGED)) {
        entry->flags |= STORE_STAGED;
        store_entries_add(&store->set->staged, entry);
    }
    if (store->ordered && !(entry->flags & STORE_INDEXED))
        store_index_add(&store->index, entry);
    store_account(store->set, entry, 1);
}

/* A fold is written by evolve and by nothing else, or a restore would not find the same. */
static bool may_write(const struct topo_store *store)
{
    enum store_writer now = store->set->writer;
    return store->writer == now || store->writer == STORE_BY_ANYONE || now == STORE_BY_ANYONE;
}

/* `value` was copied first: it may be a view into what this write displaces. */
static void store_write(struct topo_store *store, struct mr_bytes key, struct store_value *value)
{
    uint32_t hash = store_hash(key);
    struct store_entry *entry = store_table_find(&store->table, hash, key);
    if (value && store_has_gaps(store))
        store_gaps_cut(&store->gaps, key);
    if (entry)
        store_account(store->set, entry, -1);
    else
        entry = store_add(store, hash, key);
    if (store->set->restoring)
        store_entry_commit(store, entry, value);
    else
        store_stage(store, entry, value);
}

void topo_store_put(struct topo_store *store, struct mr_bytes key, struct mr_bytes value)
{
    assert(key.ptr && value.ptr && store->owner_scans == 0);
    assert(may_write(store));
    if (store->set->broken)
        return;
    struct store_value *copy = store_value_new(value, store->prefix_len);
    if (store->prefix_len)
        mr_put_be64(copy->bytes, (uint64_t)store->set->now(store->set->now_user));
    store_write(store, key, copy);
}

void topo_store_delete(struct topo_store *store, struct mr_bytes key)
{
    assert(key.ptr && store->owner_scans == 0);
    assert(may_write(store));
    if (!store->set->broken)
        store_write(store, key, NULL);
}
