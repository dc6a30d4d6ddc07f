/*
 * store_rocksdb_impl.h - what the store_rocksdb files share: a database and its column families.
 */
#ifndef TOPOLOGY_STORE_ROCKSDB_IMPL_H
#define TOPOLOGY_STORE_ROCKSDB_IMPL_H

#include "store_rocksdb.h"

#include <base/buffer.h>

#include <rocksdb/c.h>

#include <stdatomic.h>

/* A column family, and what must live as long as it. */
struct store_family {
    rocksdb_column_family_handle_t *handle;
    rocksdb_compactionfilter_t *filter; /* Stores with a ttl. */
    int64_t ttl_ms;
    store_now_fn *now;
    void *now_user;
    atomic_bool written;
    struct store_disk_iter *resting; /* For the owner's next scan; NULL: none. */
};

struct store_disk {
    char *dir;
    char *fingerprint;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *default_handle;
    rocksdb_column_family_handle_t *positions;
    struct store_family *families;
    size_t families_count;
    rocksdb_column_family_handle_t **others; /* Families of no store of ours; closed with us. */
    size_t others_count;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_writebatch_t *batch;
    size_t batch_bytes;
    struct mr_buffer position_key;
    /* Under runtime.lock: */
    struct store_disk *next_open;
    int pins; /* Checkpoints under way: a close waits for them. */
    uint64_t memtable_bytes;
};

/* Fails with MR_CORRUPT or MR_IO and RocksDB's message, which it takes over. */
int store_disk_fail(struct mr_error *error, const char *dir, const char *doing, char *message);

/* store_rocksdb_memory.c: the cache that all databases share, and the bound of their memtables. */
rocksdb_cache_t *store_disk_cache(void);
void store_disk_enlist(struct store_disk *disk);
void store_disk_delist(struct store_disk *disk); /* Waits until nobody has it pinned. */
/* The one open at `dir`, which stays open until unpinned; NULL: none. */
struct store_disk *store_disk_pin(const char *dir);
void store_disk_unpin(struct store_disk *disk);
void store_disk_bound_memtables(struct store_disk *disk); /* After a write. */

#endif
