/*
 * store_rocksdb_checkpoint.c - a copy of an open database, made beside its owner.
 *
 * RocksDB links the files that never change and copies the rest: what was written by then is in the
 * copy whole, a batch with its positions or not at all. The owner goes on writing meanwhile.
 */
#include "store_rocksdb_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* More than there ever is: the write-ahead log is copied, and no memtable is written out for it. */
enum { CHECKPOINT_WAL_BYTES = 1 << 30 };

static int checkpoint_make(struct store_disk *disk, const char *into, struct mr_error *error)
{
    char *message = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(disk->db, &message);
    if (!message) {
        rocksdb_checkpoint_create(checkpoint, into, CHECKPOINT_WAL_BYTES, &message);
        rocksdb_checkpoint_object_destroy(checkpoint);
    }
    return message ? store_disk_fail(error, into, "cannot copy the state", message) : 0;
}

int store_disk_checkpoint(const char *dir, const char *into, struct mr_error *error)
{
    assert(dir && into);
    struct store_disk *disk = store_disk_pin(dir);
    if (!disk)
        return mr_fail(error, MR_NOT_FOUND, "%s is not open in this process", dir);
    int rc = checkpoint_make(disk, into, error);
    store_disk_unpin(disk);
    return rc;
}
