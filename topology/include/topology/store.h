/*
 * store.h - the keyed state of one task: a bounded table in memory over a RocksDB column family.
 *
 * A store maps byte keys to byte values. Reads hit the table; misses fall through to RocksDB and
 * fill it; cold clean entries are evicted. Writes of the open transaction are staged: the task that
 * made them reads them back at once, other threads and the disk do not see them.
 *
 *     ABSENT or CLEAN --put, delete--> STAGED --commit--> DIRTY --write-behind--> CLEAN
 *                                        |
 *                                        +--abort--> as before
 *
 * The stores of a task form a set (store_set.h, engine only): one RocksDB database, a column family
 * per store, and one more for positions. Commit, abort, save point and flush act on the whole set,
 * so the disk always says "I am exactly the fold of these positions" and a crash replays from
 * there.
 *
 * Failure  A store that met a disk error answers "absent", takes no writes and is marked broken;
 *          the engine sees the mark before it commits anything, so no decision made on it survives.
 * Threads  topo_store_*: the thread that owns the task. topo_read_*: any thread, committed state
 *          only. Readers must be gone before the set is closed.
 * Memory   Keys and values are copied in. What get hands out is a view into the table, valid until
 *          the next write to that key or the end of the record; what a scan hands out, until its
 *          next step.
 */
#ifndef TOPOLOGY_STORE_H
#define TOPOLOGY_STORE_H

#include <base/arena.h>
#include <base/bytes.h>
#include <base/error.h>

#include <base/api_begin.h>

struct topo_store;

/* --- the owner's side: used by processors ------------------------------------------------ */

/* NULL view when absent. Sees the task's own staged writes. */
struct mr_bytes topo_store_get(struct topo_store *store, struct mr_bytes key);

void topo_store_put(struct topo_store *store, struct mr_bytes key, struct mr_bytes value);
void topo_store_delete(struct topo_store *store, struct mr_bytes key);

/* Visits first <= key < end in key order (end NULL: to the last key), staged writes included. Only
 * for stores opened `ordered`. The store must not be written between open and close. */
struct topo_scan;
struct topo_scan *
topo_store_scan(struct topo_store *store, struct mr_bytes first, struct mr_bytes end);
struct topo_scan *topo_store_scan_prefix(struct topo_store *store, struct mr_bytes prefix);
bool topo_scan_next(struct topo_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_value);
void topo_scan_close(struct topo_scan *scan); /* NULL is fine. */

/* --- committed state, from any thread ---------------------------------------------------- */

/* A reader's handle has a type of its own: writing through it does not compile. */
struct topo_reader;

/* The committed state of a task's own store; as long as the store. */
struct topo_reader *topo_store_reader(struct topo_store *store);

/* Copies the committed value into `arena`; NULL view when absent. Never blocks on the owner for
 * longer than the copy of one entry. MR_IO on a disk error. */
int topo_read_get(
    struct topo_reader *reader,
    struct mr_bytes key,
    struct mr_arena *arena,
    struct mr_bytes *ret_value,
    struct mr_error *error);

/* A scan over committed state, forward or reverse, bounded by the caller (pages, not tables). What
 * next hands out is copied into `arena`. Entries committed during the scan may or may not be seen;
 * entries that stay are always seen, whatever write-behind does meanwhile. */
struct topo_read_scan;
struct topo_read_options {
    struct mr_bytes first; /* Inclusive; NULL: from the first key. */
    struct mr_bytes end;   /* Exclusive; NULL: to the last key. */
    bool reverse;          /* From end downwards. */
};
int topo_read_scan_open(
    struct topo_reader *reader,
    const struct topo_read_options *options,
    struct mr_arena *arena,
    struct topo_read_scan **ret_scan,
    struct mr_error *error);
/* 1: an entry; 0: the end; negative: an error. */
int topo_read_scan_next(
    struct topo_read_scan *scan,
    struct mr_bytes *ret_key,
    struct mr_bytes *ret_value,
    struct mr_error *error);
void topo_read_scan_close(struct topo_read_scan *scan); /* NULL is fine. */

#include <base/api_end.h>

#endif
