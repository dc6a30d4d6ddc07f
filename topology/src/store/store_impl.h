/*
 * store_impl.h - what the store files share: a store, the set it belongs to, and their invariants.
 *
 *     in the table, committed      flags              where it came from, where it goes
 *     ---------------------------  -----------------  -------------------------------------------
 *     unknown (the disk decides)   STAGED             a write without a read; gone after an abort
 *     value or absent              (none): clean      read from disk, or flushed; may be evicted
 *     value or absent              STAGED, DIRTY      staged: abort undoes; dirty: flush writes
 *
 * - What is in the table and not unknown is newer than, or the same as, what is on disk; so
 *   whoever asks the table first and the disk second never reads back in time.
 * - In an ordered store an entry that is staged, dirty or pinned is in the index: a scan that
 *   merges index and disk misses nothing. In memory-only sets the index has every entry.
 * - Only clean entries are evicted, and only between records: the views that get handed out stay.
 * - Memory-only sets have no disk, no dirty entries and no eviction; what is not in the table is
 *   absent.
 */
#ifndef TOPOLOGY_STORE_IMPL_H
#define TOPOLOGY_STORE_IMPL_H

#include "store_gap.h"
#include "store_index.h"
#include "store_positions.h"
#include "store_rocksdb.h"
#include "store_set.h"
#include "store_table.h"

#include <stdatomic.h>

/* Entries that were flushed while scans were open that may need them: first in, first out. */
struct store_pin {
    struct store_entry *entry;
    uint64_t epoch; /* Scans opened at this epoch or later find the entry on disk. */
};

struct store_pins {
    struct store_pin *items;
    size_t first;
    size_t count; /* Including those before `first`. */
    size_t capacity;
};

/* Reached through a store only. Readers write nothing, but they take locks and leave pins. */
struct topo_reader {
    struct topo_store *store;
};

struct topo_store {
    struct topo_reader reader;
    struct store_set *set;
    char *name;
    uint16_t number;
    bool ordered;
    bool changelog;
    enum store_writer writer;
    int64_t ttl_ms;
    /* The first bytes of a raw value in a store with a ttl: the time it was written. */
    size_t prefix_len;
    int owner_scans;
    struct store_gaps gaps; /* Ordered stores without a ttl. */
    struct store_pins pins;
    /* Under index.lock: */
    uint64_t epoch; /* Counts flushes. */
    struct topo_read_scan *scans;
    struct store_index index; /* Ordered stores only. */
    struct store_table table;
};

struct store_undo {
    struct store_entry *entry;
    struct store_value *staged; /* With was_staged. */
    bool was_staged;
};

struct store_entries {
    struct store_entry **items;
    size_t count;
    size_t capacity;
};

/* Written by the owner only, so that adding needs no atomic read-modify-write. */
struct store_counters {
    _Atomic size_t entries;
    _Atomic size_t clean_bytes;
    _Atomic size_t dirty_bytes;
    _Atomic size_t staged_bytes;
    _Atomic uint64_t hits;
    _Atomic uint64_t misses;
    _Atomic uint64_t evictions;
    _Atomic uint64_t flushes;
};
#define STORE_COUNT(counter, change)                                                               \
    atomic_store_explicit(                                                                         \
        &(counter),                                                                                \
        atomic_load_explicit(&(counter), memory_order_relaxed) + (change),                         \
        memory_order_relaxed)

struct store_set {
    struct store_disk *disk; /* NULL: in memory. */
    struct topo_store **stores;
    size_t stores_count;
    struct store_positions positions;
    store_now_fn *now;
    void *now_user;
    size_t table_bytes_max;
    enum store_writer writer; /* The writer at work now. */
    store_changed_fn *changed;
    void *changed_user;
    struct mr_buffer changed_key; /* A copy: a commit may free the entry. */
    bool restoring;
    bool in_savepoint;
    bool broken;
    struct mr_error broken_why;
    struct store_undo *undo; /* The undo records of the open save point. */
    size_t undo_count;
    size_t undo_capacity;
    struct store_entries staged;
    struct store_entries dirty;
    size_t hand_store; /* The clock's hand (store_evict.c). */
    unsigned hand_shard;
    uint32_t hand_bucket;
    struct store_counters counters;
};

static inline struct topo_store *
store_of(const struct store_set *set, const struct store_entry *entry)
{
    return set->stores[entry->store];
}

/* The value in a raw value: without its time, or a NULL view when it is older than the ttl. */
struct mr_bytes store_visible(const struct topo_store *store, struct mr_bytes raw);
struct mr_bytes
store_visible_value(const struct topo_store *store, const struct store_value *value);

static inline bool store_has_gaps(const struct topo_store *store)
{
    return store->ordered && store->prefix_len == 0;
}

/* The first disk error stays: see store_set_check. */
void store_set_break(struct store_set *set, const struct mr_error *why);

void store_entries_add(struct store_entries *list, struct store_entry *entry);

/* Call with -1 before and +1 after anything that changes an entry's values or flags. */
void store_account(struct store_set *set, const struct store_entry *entry, int sign);

/* Makes `value` (NULL: deleted) the committed one; takes it over. Leaves staged values alone. May
 * free the entry. */
void store_entry_commit(
    struct topo_store *store, struct store_entry *entry, struct store_value *value);

/* After a roll back or abort took the staged value away: the entry goes if nothing needs it. */
void store_entry_settle(struct topo_store *store, struct store_entry *entry);

/* Entries that scans on other threads may need stay in the index until those scans are closed;
 * epoch 0: no scan needs it. */
void store_pins_flushed(struct topo_store *store, struct store_entry *entry, uint64_t epoch);
void store_entry_unpinned(struct topo_store *store, struct store_entry *entry);
void store_pins_sweep(struct topo_store *store);

/* Evict clean entries when they are over the bound: a little, as much as it takes. Between records
 * only. */
void store_set_evict_some(struct store_set *set);
void store_set_evict_all(struct store_set *set);

#endif
