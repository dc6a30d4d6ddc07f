/*
 * store_set.h - the stores of one task, changed only in whole transactions. For the engine.
 *
 *     OPEN --writes--> STAGED --commit--> OPEN         (staged entries become committed)
 *                             --abort---> OPEN         (undone, newest first)
 *     any  --flush--> committed dirty entries and the positions go to RocksDB in ONE write batch
 *
 * Save points   Each input record opens one; rolling back undoes exactly that record's writes.
 *               Commit and flush come between records.
 *
 * Positions     A small map (topic, partition) -> next offset: "this state is the fold of these
 *               logs up to here". Staged, committed, undone and flushed together with the entries;
 *               what the disk holds is one consistent commit, some commits behind memory.
 *
 * Fingerprint   Written at creation: what the caller says (the topology's name), the stores' names
 *               and which of them have a ttl. A directory whose fingerprint is another one is
 *               refused naming both: MR_CONFIG, or MR_CONFLICT when only the stores differ. Whether
 *               a store is ordered or has a changelog may change.
 *
 * Memory        One block cache and one bound of write buffers for the process
 *               (topo_memory_init); `table_bytes_max` bounds the clean entries of a set, staged
 *               and dirty ones are for the engine to bound, by committing and flushing. A set in
 *               memory only keeps all, old entries of stores with a ttl too.
 *
 * Threads       The owner's, except topo_read_* (store.h), store_set_position_read and
 *               store_set_stats.
 */
#ifndef TOPOLOGY_STORE_SET_H
#define TOPOLOGY_STORE_SET_H

#include <topology/record.h>
#include <topology/store.h>

struct store_set;

/* The one who writes a store, or who is at work on the set now. */
enum store_writer {
    STORE_BY_ANYONE,     /* No check: as a set is opened. */
    STORE_BY_PROCESSORS, /* Decisions, processors, timers. */
    STORE_BY_EVOLVE,
    STORE_BY_OUTCOMES, /* The engine itself. */
    STORE_BY_NOBODY,
};

struct store_spec {
    const char *name;
    bool ordered;   /* Scans are allowed; dirty keys are kept in order. */
    bool changelog; /* store_set_visit_staged reports it: its writes go to a changelog topic. */
    enum store_writer writer;
    /* 0: no limit. Older entries read as absent and are dropped by compaction. The age counts from
     * the put, so it starts again when state is rebuilt. */
    int64_t ttl_ms;
};

struct store_set_options {
    const char *dir; /* Created if absent, locked while open. NULL: in memory, no RocksDB. */
    const char *fingerprint; /* The maker of this state; see "Fingerprint" above. */
    const struct store_spec *specs;
    size_t specs_count;
    size_t table_bytes_max;     /* Clean entries kept in memory. 0: 64 MiB. */
    int64_t (*now)(void *user); /* ms UTC, for stores with a ttl; any thread. NULL: the system's. */
    void *now_user;
};

/* RocksDB's memory in use by the process (topology/engine.h has the bounds). Any thread. */
struct topo_memory;
void store_memory_used(struct topo_memory *ret_used);

int store_set_open(
    const struct store_set_options *options, struct store_set **ret_set, struct mr_error *error);

/* Discards what is staged; does not flush (call store_set_flush first at a clean stop). NULL is
 * fine. */
void store_set_close(struct store_set *set);

struct topo_store *store_set_store(struct store_set *set, const char *name); /* NULL: unknown */

/* MR_IO or MR_CORRUPT once a store met a disk error, with the first error's text. */
int store_set_check(const struct store_set *set, struct mr_error *error);

/* Names the writer at work from now on. A write to a store that is another's is asserted: restore
 * would not make it again. */
void store_set_writer(struct store_set *set, enum store_writer writer);

/* Save points nest like a stack of depth one: begin a record, then either release or roll back. */
void store_set_savepoint(struct store_set *set);
void store_set_release(struct store_set *set);
void store_set_rollback(struct store_set *set);

/* Positions. -1: never set. The owner reads staged ones; _read sees committed ones from any
 * thread. */
void store_set_position_put(
    struct store_set *set, const char *topic, int32_t partition, int64_t next_offset);
int64_t store_set_position(const struct store_set *set, const char *topic, int32_t partition);
int64_t store_set_position_read(struct store_set *set, const char *topic, int32_t partition);

/* Each entry of a changelog store written since the last commit, once, with its latest value (NULL:
 * deleted). */
typedef int store_visit_fn(
    void *user,
    struct topo_store *store,
    const char *name,
    struct mr_bytes key,
    struct mr_bytes value);
int store_set_visit_staged(struct store_set *set, store_visit_fn *visit, void *user);

size_t store_set_staged_bytes(const struct store_set *set);
bool store_set_has_staged(const struct store_set *set);
void store_set_commit(struct store_set *set); /* After Kafka's commit. Cannot fail: memory only. */
/* Called in a commit for each entry, when readers see it: a reader that adds a watch first and then
 * still reads the old value, is woken by the new one. */
typedef void store_changed_fn(void *user, const char *store, struct mr_bytes key);
void store_set_on_change(struct store_set *set, store_changed_fn *changed, void *user);
void store_set_abort(struct store_set *set);

/* Committed dirty entries and positions to RocksDB in one batch. Nothing to write: returns 0 at
 * once. */
size_t store_set_dirty_bytes(const struct store_set *set);
bool store_set_is_dirty(const struct store_set *set); /* Entries, or only positions. */
int store_set_flush(struct store_set *set, struct mr_error *error);

/* Restore: writes that are committed by definition (they come from the log). Same as put/delete +
 * commit, without undo; the engine flushes in large batches. */
void store_set_restore_mode(struct store_set *set, bool on);

struct store_set_stats {
    size_t entries;
    size_t clean_bytes;
    size_t dirty_bytes;
    size_t staged_bytes;
    uint64_t hits;
    uint64_t misses;
    uint64_t evictions;
    uint64_t flushes;
};
void store_set_stats(struct store_set *set, struct store_set_stats *ret_stats); /* Any thread. */

#endif
