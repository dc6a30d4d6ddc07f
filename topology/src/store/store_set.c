/*
 * store_set.c - the stores of a task as one: open, save points, commit, abort, flush.
 *
 * Transitions of a write, each with the function that performs it
 *     (none)    -> STAGED      topo_store_put, topo_store_delete; store_set_position_put
 *     STAGED    -> undone      store_set_rollback: to the save point of the record
 *     STAGED    -> (none)      store_set_abort: to the last commit
 *     STAGED    -> committed   store_set_commit: other threads see it, and it is dirty
 *     (none)    -> committed   the same writes in restore mode (store_set_restore_mode)
 *     dirty     -> clean       store_set_flush: written to the disk in one batch
 *     clean     -> (on disk)   store_set_evict_some, store_set_evict_all
 *     any       -> broken      store_set_break: the disk failed; only store_set_close helps
 *
 * Invariants
 *   1. Entries and positions change together: a position names the state beside it, whether staged,
 *      committed or on disk.
 *   2. A commit publishes entries before positions, so whoever reads a position finds at least the
 *      state that it names.
 *   3. `staged` has each staged entry once, in the order of their first write. So the entries first
 *      staged since the save point are its tail, and a roll back takes them off the end.
 *   4. At most one save point is open. Commit, flush and eviction come between two.
 *   5. In restore mode nothing is staged.
 *   6. A broken set reads as empty and takes no write. The engine asks store_set_check before it
 *      commits (commit.c, step 1), so nothing decided on such reads is kept.
 *   7. The counters have every entry as it is: a change stands between two store_account calls.
 */
#include "store_set.h"

#include "store_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>
#include <time.h>

enum { TABLE_BYTES_MAX = 64 << 20 };

static int64_t system_now_ms(void *user)
{
    (void)user;
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct topo_store *
store_new(struct store_set *set, const struct store_spec *spec, size_t number)
{
    struct topo_store *store = mr_calloc(1, sizeof *store);
    store->set = set;
    store->reader.store = store;
    store->name = mr_strdup(spec->name);
    store->number = (uint16_t)number;
    store->ordered = spec->ordered;
    store->changelog = spec->changelog;
    store->writer = spec->writer;
    store->ttl_ms = spec->ttl_ms;
    store->prefix_len = spec->ttl_ms > 0 ? sizeof(uint64_t) : 0;
    store->epoch = 1;
    store_table_init(&store->table);
    if (store->ordered)
        store_index_init(&store->index);
    store_gaps_init(&store->gaps);
    return store;
}

static void store_free(struct topo_store *store)
{
    assert(!store->scans && store->owner_scans == 0);
    if (store->ordered)
        store_index_clean_up(&store->index);
    store_gaps_clean_up(&store->gaps);
    store_table_clean_up(&store->table);
    free(store->pins.items);
    free(store->name);
    free(store);
}

static void position_on_disk(void *user, const char *topic, int32_t partition, int64_t next_offset)
{
    struct store_set *set = user;
    store_positions_set(&set->positions, topic, partition, next_offset, false);
}

static int
open_disk(struct store_set *set, const struct store_set_options *options, struct mr_error *error)
{
    const struct store_disk_options disk_options = {
        .dir = options->dir,
        .fingerprint = options->fingerprint,
        .specs = options->specs,
        .specs_count = options->specs_count,
        .now = set->now,
        .now_user = set->now_user,
    };
    int rc = store_disk_open(&disk_options, &set->disk, error);
    if (rc < 0)
        return rc;
    return store_disk_positions(set->disk, position_on_disk, set, error);
}

int store_set_open(
    const struct store_set_options *options, struct store_set **ret_set, struct mr_error *error)
{
    assert(options->specs_count <= UINT16_MAX && (!options->dir || options->fingerprint));
    struct store_set *set = mr_calloc(1, sizeof *set);
    set->now = options->now ? options->now : system_now_ms;
    set->now_user = options->now_user;
    set->table_bytes_max = options->table_bytes_max ? options->table_bytes_max : TABLE_BYTES_MAX;
    store_positions_init(&set->positions);
    set->stores = mr_calloc(options->specs_count, sizeof(struct topo_store *));
    for (size_t i = 0; i < options->specs_count; i++)
        set->stores[set->stores_count++] = store_new(set, &options->specs[i], i);
    int rc = options->dir ? open_disk(set, options, error) : 0;
    if (rc < 0) {
        store_set_close(set);
        return rc;
    }
    *ret_set = set;
    return 0;
}

void store_set_close(struct store_set *set)
{
    if (!set)
        return;
    store_set_abort(set);
    for (size_t i = 0; i < set->stores_count; i++)
        store_free(set->stores[i]);
    store_disk_close(set->disk);
    store_positions_clean_up(&set->positions);
    free(set->stores);
    free(set->undo);
    free(set->staged.items);
    free(set->dirty.items);
    mr_buffer_clean_up(&set->changed_key);
    free(set);
}

struct topo_store *store_set_store(struct store_set *set, const char *name)
{
    assert(name);
    for (size_t i = 0; i < set->stores_count; i++)
        if (strcmp(set->stores[i]->name, name) == 0)
            return set->stores[i];
    return NULL;
}

void store_set_break(struct store_set *set, const struct mr_error *why)
{
    assert(why->code < 0);
    if (!set->broken)
        set->broken_why = *why;
    set->broken = true;
}

int store_set_check(const struct store_set *set, struct mr_error *error)
{
    if (!set->broken)
        return 0;
    return mr_fail(error, set->broken_why.code, "%s", set->broken_why.text);
}

void store_set_writer(struct store_set *set, enum store_writer writer)
{
    set->writer = writer;
}

void store_set_savepoint(struct store_set *set)
{
    assert(!set->in_savepoint);
    store_set_evict_some(set);
    set->in_savepoint = true;
}

static void forget_undo(struct store_set *set)
{
    for (size_t i = 0; i < set->undo_count; i++) {
        set->undo[i].entry->flags &= (uint8_t)~STORE_SAVED;
        store_value_free(set->undo[i].staged);
    }
    set->undo_count = 0;
    set->in_savepoint = false;
    store_positions_release(&set->positions);
}

void store_set_release(struct store_set *set)
{
    assert(set->in_savepoint);
    forget_undo(set);
}

/* The staged value is gone; was it a deletion, the key can be seen again. */
static void set_take_back(const struct store_set *set, struct store_entry *entry)
{
    struct topo_store *store = store_of(set, entry);
    if (store_has_gaps(store))
        store_gaps_cut(&store->gaps, store_entry_key(entry));
    store_entry_settle(store, entry);
}

/* Entries first staged since the save point are the tail of the staged list. */
static void undo_one(struct store_set *set, const struct store_undo *undo)
{
    struct store_entry *entry = undo->entry;
    store_account(set, entry, -1);
    store_value_free(entry->staged);
    entry->staged = undo->staged;
    entry->flags &= (uint8_t)~STORE_SAVED;
    assert(entry->flags & STORE_STAGED);
    if (!undo->was_staged) {
        entry->flags &= (uint8_t)~STORE_STAGED;
        assert(set->staged.items[set->staged.count - 1] == entry);
        set->staged.count--;
    }
    set_take_back(set, entry);
}

void store_set_rollback(struct store_set *set)
{
    assert(set->in_savepoint);
    while (set->undo_count > 0)
        undo_one(set, &set->undo[--set->undo_count]);
    store_positions_rollback(&set->positions);
    set->in_savepoint = false;
}

void store_set_position_put(
    struct store_set *set, const char *topic, int32_t partition, int64_t next_offset)
{
    assert(topic && partition >= 0 && next_offset >= 0);
    if (set->broken)
        return;
    if (set->restoring)
        store_positions_set(&set->positions, topic, partition, next_offset, true);
    else
        store_positions_put(&set->positions, topic, partition, next_offset, set->in_savepoint);
}

int64_t store_set_position(const struct store_set *set, const char *topic, int32_t partition)
{
    return store_positions_get(&set->positions, topic, partition);
}

int64_t store_set_position_read(struct store_set *set, const char *topic, int32_t partition)
{
    return store_positions_read(&set->positions, topic, partition);
}

int store_set_visit_staged(struct store_set *set, store_visit_fn *visit, void *user)
{
    assert(!set->in_savepoint);
    for (size_t i = 0; i < set->staged.count; i++) {
        const struct store_entry *entry = set->staged.items[i];
        assert(entry->flags & STORE_STAGED);
        struct topo_store *store = store_of(set, entry);
        if (!store->changelog)
            continue;
        struct mr_bytes value = store_visible_value(store, entry->staged);
        int rc = visit(user, store, store->name, store_entry_key(entry), value);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void store_set_on_change(struct store_set *set, store_changed_fn *changed, void *user)
{
    set->changed = changed;
    set->changed_user = user;
}

size_t store_set_staged_bytes(const struct store_set *set)
{
    return atomic_load_explicit(&set->counters.staged_bytes, memory_order_relaxed);
}

bool store_set_has_staged(const struct store_set *set)
{
    return set->staged.count > 0 || set->positions.staged_count > 0;
}

/* The callback comes after the change, which it may read at once; the entry may be gone by then. */
static void set_commit_entry(struct store_set *set, struct store_entry *entry)
{
    struct topo_store *store = store_of(set, entry);
    struct store_value *value = entry->staged;
    if (set->changed) {
        mr_buffer_reset(&set->changed_key);
        mr_buffer_add(&set->changed_key, store_entry_key(entry));
    }
    entry->staged = NULL;
    entry->flags &= (uint8_t)~STORE_STAGED;
    store_entry_commit(store, entry, value);
    if (set->changed)
        set->changed(set->changed_user, store->name, mr_buffer_view(&set->changed_key));
}

void store_set_commit(struct store_set *set)
{
    assert(!set->in_savepoint && set->undo_count == 0);
    for (size_t i = 0; i < set->staged.count; i++) {
        store_account(set, set->staged.items[i], -1);
        set_commit_entry(set, set->staged.items[i]);
    }
    set->staged.count = 0;
    store_positions_commit(&set->positions);
}

void store_set_abort(struct store_set *set)
{
    forget_undo(set);
    for (size_t i = 0; i < set->staged.count; i++) {
        struct store_entry *entry = set->staged.items[i];
        store_account(set, entry, -1);
        store_value_free(entry->staged);
        entry->staged = NULL;
        entry->flags &= (uint8_t)~STORE_STAGED;
        set_take_back(set, entry);
    }
    set->staged.count = 0;
    store_positions_abort(&set->positions);
}

void store_set_restore_mode(struct store_set *set, bool on)
{
    assert(set->staged.count == 0 && set->positions.staged_count == 0 && !set->in_savepoint);
    set->restoring = on;
}

void store_set_stats(struct store_set *set, struct store_set_stats *ret_stats)
{
    const struct store_counters *counters = &set->counters;
    *ret_stats = (struct store_set_stats){
        .entries = atomic_load_explicit(&counters->entries, memory_order_relaxed),
        .clean_bytes = atomic_load_explicit(&counters->clean_bytes, memory_order_relaxed),
        .dirty_bytes = atomic_load_explicit(&counters->dirty_bytes, memory_order_relaxed),
        .staged_bytes = atomic_load_explicit(&counters->staged_bytes, memory_order_relaxed),
        .hits = atomic_load_explicit(&counters->hits, memory_order_relaxed),
        .misses = atomic_load_explicit(&counters->misses, memory_order_relaxed),
        .evictions = atomic_load_explicit(&counters->evictions, memory_order_relaxed),
        .flushes = atomic_load_explicit(&counters->flushes, memory_order_relaxed),
    };
}
