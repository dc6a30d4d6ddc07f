/*
 * store_rocksdb.h - the database of a store set: the only place that knows RocksDB.
 *
 * One database per set: a column family per store (numbered as the set numbers them), one for
 * positions, and the fingerprint in the default one.
 *
 * Durability  Batches go through RocksDB's write-ahead log without fsync. A killed process loses
 *             nothing that was written; a machine that loses power falls back to an earlier batch,
 *             whole, and the log of events replays from there. The other way, no write-ahead log
 *             and atomic flushes, makes a flush cheaper by a quarter (bench/store_bench.c: 1.4 us
 *             an entry with the log, 1.05 without), but every crash would replay what the
 *             memtables held: minutes, not a second.
 *
 * Memory      One block cache for the process. RocksDB 7.8's C API has no write buffer manager, so
 *             this file does its work: it knows the memtable bytes of every open database, and
 *             when their sum goes over the bound it has the largest written out.
 *
 * Threads     get, store_disk_iter_new and store_disk_checkpoint: any thread. All else: the owner
 *             of the set.
 */
#ifndef TOPOLOGY_STORE_ROCKSDB_H
#define TOPOLOGY_STORE_ROCKSDB_H

#include "store_set.h"

struct store_disk;

typedef int64_t store_now_fn(void *user); /* ms UTC; any thread */

struct store_disk_options {
    const char *dir;
    const char *fingerprint;
    const struct store_spec *specs;
    size_t specs_count;
    store_now_fn *now; /* For compaction to drop what is older than its store's ttl_ms. */
    void *now_user;
};

/* Creates the directory and its parents, and the database, when they are not there. MR_CONFIG: made
 * by another topology. MR_CONFLICT: by this one, with other stores. MR_IO: the directory cannot be
 * used (the text has its path). MR_CORRUPT. */
int store_disk_open(
    const struct store_disk_options *options, struct store_disk **ret_disk, struct mr_error *error);
void store_disk_close(struct store_disk *disk); /* NULL is fine. */

/* Copies the database that this process has open at `dir` into `into`, which must not exist, by
 * hard links where the file system allows it. Does not hold up the owner, but for a close.
 * MR_NOT_FOUND: not open, or not any more. MR_IO. */
int store_disk_checkpoint(const char *dir, const char *into, struct mr_error *error);

/* Every position there is, in no order. */
typedef void
store_disk_position_fn(void *user, const char *topic, int32_t partition, int64_t next_offset);
int store_disk_positions(
    struct store_disk *disk, store_disk_position_fn *visit, void *user, struct mr_error *error);

/* False: the store has never held anything, so there is nothing to ask for. */
bool store_disk_written(const struct store_disk *disk, size_t store);

/* 1: found, and the view is valid until released; 0: absent; negative: MR_IO, MR_CORRUPT. */
struct store_disk_value {
    void *handle;
    struct mr_bytes raw;
};
int store_disk_get(
    struct store_disk *disk,
    size_t store,
    struct mr_bytes key,
    struct store_disk_value *ret_value,
    struct mr_error *error);
void store_disk_release(struct store_disk_value *value);

/* An iterator over a snapshot of first <= key < end (NULL views: open ended). It starts at the
 * first key, or in reverse at the last. Views are valid until the next move. One thread at a time.
 */
struct store_disk_iter;
struct store_disk_iter *store_disk_iter_new(
    struct store_disk *disk,
    size_t store,
    struct mr_bytes first,
    struct mr_bytes end,
    bool reverse);
void store_disk_iter_free(struct store_disk_iter *iter); /* NULL is fine. */

/* The owner's: forward, and cheap when there was another one since the last write. */
struct store_disk_iter *store_disk_iter_reuse(
    struct store_disk *disk, size_t store, struct mr_bytes first, struct mr_bytes end);

/* Lets go of what iterators that rest keep in memory. A write does it too. */
void store_disk_forget_iters(struct store_disk *disk);
bool store_disk_iter_valid(const struct store_disk_iter *iter);
void store_disk_iter_move(struct store_disk_iter *iter);
struct mr_bytes store_disk_iter_key(const struct store_disk_iter *iter);
struct mr_bytes store_disk_iter_raw(const struct store_disk_iter *iter);
int store_disk_iter_check(const struct store_disk_iter *iter, struct mr_error *error);

/* One batch at a time: collect, then write it all or nothing. */
void store_disk_put(
    struct store_disk *disk, size_t store, struct mr_bytes key, struct mr_bytes raw);
void store_disk_delete(struct store_disk *disk, size_t store, struct mr_bytes key);
void store_disk_put_position(
    struct store_disk *disk, const char *topic, int32_t partition, int64_t next_offset);
int store_disk_write(struct store_disk *disk, struct mr_error *error);

#endif
