/*
 * store_table.h - the hash table of one store: what it knows about keys, for one writer and many
 * readers.
 *
 * An entry has a committed value (shared with readers) and, while a transaction is open, a staged
 * one (the owner's alone). Its address never changes while it is in the table.
 *
 * Threads  The owner is the only one that changes anything, so it reads without a lock. It takes a
 *          shard's lock to change what readers see: chains, bucket arrays, committed values.
 *          Readers take the same lock to find and copy one entry. Nobody holds one for longer than
 *          that, but for the doubling of a shard's buckets (1/16 of a table).
 */
#ifndef TOPOLOGY_STORE_TABLE_H
#define TOPOLOGY_STORE_TABLE_H

#include <base/arena.h>
#include <base/bytes.h>

#include <pthread.h>

enum { STORE_SHARDS = 16 };

/* Immutable once readers can see it. */
struct store_value {
    uint32_t len;
    char bytes[];
};

/* Stands for "the disk decides": the entry exists only for its staged value. */
extern struct store_value store_value_unknown;

enum {
    STORE_STAGED = 1 << 0,      /* `staged` counts. In the set's list of staged entries. */
    STORE_SAVED = 1 << 1,       /* The open save point has its undo record. */
    STORE_DIRTY = 1 << 2,       /* `committed` is newer than the disk. In the list of dirty ones. */
    STORE_DISK_ABSENT = 1 << 3, /* The disk is known not to have the key. */
    STORE_INDEXED = 1 << 4,     /* In the store's ordered index. */
};

struct store_entry {
    struct store_entry *next;      /* Under the shard's lock, as is the next one. */
    struct store_value *committed; /* NULL: known to be absent; or store_value_unknown. */
    struct store_value *staged;    /* With STORE_STAGED; NULL: deleted. */
    uint32_t hash;
    uint32_t key_len;
    uint32_t pins;  /* Open scans that still need it in the index (store_pins_*). */
    uint16_t store; /* Number in the set. */
    uint8_t flags;
    uint8_t recent; /* Read or written since the clock's hand came by. */
    char key[];
};

/* Buckets apart from locks: the owner's lookups never touch a line that readers write. */
struct store_shard {
    struct store_entry **buckets;
    uint32_t mask;
    uint32_t count;
};

struct store_lock {
    pthread_mutex_t mutex;
    char padding[64 - sizeof(pthread_mutex_t) % 64];
};

struct store_table {
    struct store_shard shards[STORE_SHARDS];
    struct store_lock locks[STORE_SHARDS];
};

static inline struct mr_bytes store_entry_key(const struct store_entry *entry)
{
    return mr_bytes_of(entry->key, entry->key_len);
}

static inline uint32_t store_hash(struct mr_bytes key)
{
    return (uint32_t)(mr_bytes_hash(key) >> 32);
}

static inline unsigned store_shard_of(uint32_t hash)
{
    return hash >> 28;
}

/* The value's first `prefix_len` bytes are left for the caller to fill. */
struct store_value *store_value_new(struct mr_bytes bytes, size_t prefix_len);
void store_value_free(struct store_value *value); /* NULL and unknown are fine. */

void store_table_init(struct store_table *table);
void store_table_clean_up(struct store_table *table); /* Frees every entry. */

/* The owner, or with the shard's lock held. NULL: not in the table. */
struct store_entry *
store_table_find(const struct store_table *table, uint32_t hash, struct mr_bytes key);

/* The owner. The key must not be in the table. Takes over `committed`. */
struct store_entry *store_table_add(
    struct store_table *table, uint32_t hash, struct mr_bytes key, struct store_value *committed);
void store_table_remove(struct store_table *table, struct store_entry *entry); /* And frees it. */

/* The owner: readers see `value` from now on. Returns the value before, for the caller to free. */
struct store_value *store_table_publish(
    struct store_table *table, struct store_entry *entry, struct store_value *value);

/* Any thread. What the table knows about a key's committed state. */
enum store_known {
    STORE_KNOWN_NOTHING, /* Ask the disk. */
    STORE_KNOWN_ABSENT,
    STORE_KNOWN_VALUE, /* The raw value, copied into the arena. */
};
enum store_known store_table_copy(
    struct store_table *table,
    uint32_t hash,
    struct mr_bytes key,
    struct mr_arena *arena,
    struct mr_bytes *ret_raw);

/* Any thread, for an entry that cannot go away meanwhile (the index lock is held). */
enum store_known store_entry_copy(
    struct store_table *table,
    const struct store_entry *entry,
    struct mr_arena *arena,
    struct mr_bytes *ret_raw);

#endif
