/*
 * store_table.c - a chained hash table in shards, each with its own lock and bucket array.
 *
 * Transitions of a key, each with the function that performs it, all by the owner
 *     absent -> present   store_table_add: linked in whole, with its committed value
 *     value  -> value     store_table_publish: readers see the old one or the new one
 *     present -> absent   store_table_remove: unlinked first, then freed
 *     a shard doubles     table_grow, before an add when it is half full
 *
 * Invariants
 *   1. Only the owner writes. So it reads without a lock, and readers never wait for its reads.
 *   2. Chains, bucket arrays and committed values change with the shard's lock held. Whatever a
 *      reader may still look at is freed only after the lock was let go: no reader is inside then.
 *   3. The top bits of a hash name the shard, the low bits the bucket: a shard that grows keeps its
 *      entries, and the other shards notice nothing.
 *   4. An entry keeps its address from add to remove: lists, the undo and the index point at it.
 *   5. A value never changes once it is published; another one takes its place.
 *   6. A key is in the table once.
 */
#include "store_table.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 16, VALUE_LEN_MAX = 1 << 30 };

struct store_value store_value_unknown;

struct store_value *store_value_new(struct mr_bytes bytes, size_t prefix_len)
{
    assert(bytes.len <= VALUE_LEN_MAX);
    struct store_value *value = mr_malloc(sizeof *value + prefix_len + bytes.len);
    value->len = (uint32_t)(prefix_len + bytes.len);
    if (bytes.len)
        memcpy(value->bytes + prefix_len, bytes.ptr, bytes.len);
    return value;
}

void store_value_free(struct store_value *value)
{
    if (value != &store_value_unknown)
        free(value);
}

void store_table_init(struct store_table *table)
{
    memset(table, 0, sizeof *table);
    for (size_t i = 0; i < STORE_SHARDS; i++) {
        table->shards[i].buckets = mr_calloc(BUCKETS_MIN, sizeof(struct store_entry *));
        table->shards[i].mask = BUCKETS_MIN - 1;
        pthread_mutex_init(&table->locks[i].mutex, NULL);
    }
}

static void entry_free(struct store_entry *entry)
{
    assert(!(entry->flags & STORE_STAGED) || entry->staged != &store_value_unknown);
    store_value_free(entry->committed);
    if (entry->flags & STORE_STAGED)
        store_value_free(entry->staged);
    free(entry);
}

void store_table_clean_up(struct store_table *table)
{
    for (size_t i = 0; i < STORE_SHARDS; i++) {
        struct store_shard *shard = &table->shards[i];
        for (size_t at = 0; at <= shard->mask; at++) {
            while (shard->buckets[at]) {
                struct store_entry *next = shard->buckets[at]->next;
                entry_free(shard->buckets[at]);
                shard->buckets[at] = next;
            }
        }
        free(shard->buckets);
        pthread_mutex_destroy(&table->locks[i].mutex);
    }
}

struct store_entry *
store_table_find(const struct store_table *table, uint32_t hash, struct mr_bytes key)
{
    const struct store_shard *shard = &table->shards[store_shard_of(hash)];
    struct store_entry *entry = shard->buckets[hash & shard->mask];
    while (entry && (entry->hash != hash || entry->key_len != key.len ||
                     (key.len && memcmp(entry->key, key.ptr, key.len) != 0)))
        entry = entry->next;
    return entry;
}

/* The new array is made before the lock is taken: readers wait for the relinking only. */
static void table_grow(struct store_table *table, unsigned number)
{
    struct store_shard *shard = &table->shards[number];
    uint32_t mask = shard->mask * 2 + 1;
    struct store_entry **buckets = mr_calloc((size_t)mask + 1, sizeof(struct store_entry *));
    struct store_entry **old = shard->buckets;
    pthread_mutex_lock(&table->locks[number].mutex);
    for (size_t at = 0; at <= shard->mask; at++) {
        struct store_entry *entry = old[at];
        while (entry) {
            struct store_entry *next = entry->next;
            entry->next = buckets[entry->hash & mask];
            buckets[entry->hash & mask] = entry;
            entry = next;
        }
    }
    shard->buckets = buckets;
    shard->mask = mask;
    pthread_mutex_unlock(&table->locks[number].mutex);
    free(old);
}

struct store_entry *store_table_add(
    struct store_table *table, uint32_t hash, struct mr_bytes key, struct store_value *committed)
{
    assert(key.len <= UINT32_MAX);
    unsigned number = store_shard_of(hash);
    struct store_shard *shard = &table->shards[number];
    if (shard->count > shard->mask / 2 && shard->mask < (1U << 27) - 1)
        table_grow(table, number);
    struct store_entry *entry = mr_malloc(sizeof *entry + key.len);
    *entry = (struct store_entry){
        .committed = committed, .hash = hash, .key_len = (uint32_t)key.len, .recent = 1};
    if (key.len)
        memcpy(entry->key, key.ptr, key.len);
    struct store_entry **head = &shard->buckets[hash & shard->mask];
    pthread_mutex_lock(&table->locks[number].mutex);
    entry->next = *head;
    *head = entry;
    pthread_mutex_unlock(&table->locks[number].mutex);
    shard->count++;
    return entry;
}

void store_table_remove(struct store_table *table, struct store_entry *entry)
{
    unsigned number = store_shard_of(entry->hash);
    struct store_shard *shard = &table->shards[number];
    struct store_entry **link = &shard->buckets[entry->hash & shard->mask];
    while (*link != entry) {
        assert(*link); /* It is in the table. */
        link = &(*link)->next;
    }
    pthread_mutex_lock(&table->locks[number].mutex);
    *link = entry->next;
    pthread_mutex_unlock(&table->locks[number].mutex);
    shard->count--;
    entry_free(entry);
}

struct store_value *
store_table_publish(struct store_table *table, struct store_entry *entry, struct store_value *value)
{
    assert(value != &store_value_unknown);
    pthread_mutex_t *mutex = &table->locks[store_shard_of(entry->hash)].mutex;
    pthread_mutex_lock(mutex);
    struct store_value *before = entry->committed;
    entry->committed = value;
    pthread_mutex_unlock(mutex);
    return before;
}

static enum store_known
copy_locked(const struct store_entry *entry, struct mr_arena *arena, struct mr_bytes *ret_raw)
{
    const struct store_value *value = entry->committed;
    if (!value)
        return STORE_KNOWN_ABSENT;
    if (value == &store_value_unknown)
        return STORE_KNOWN_NOTHING;
    *ret_raw = mr_arena_copy(arena, mr_bytes_of(value->bytes, value->len));
    return STORE_KNOWN_VALUE;
}

enum store_known store_table_copy(
    struct store_table *table,
    uint32_t hash,
    struct mr_bytes key,
    struct mr_arena *arena,
    struct mr_bytes *ret_raw)
{
    pthread_mutex_t *mutex = &table->locks[store_shard_of(hash)].mutex;
    enum store_known known = STORE_KNOWN_NOTHING;
    pthread_mutex_lock(mutex);
    const struct store_entry *entry = store_table_find(table, hash, key);
    if (entry)
        known = copy_locked(entry, arena, ret_raw);
    pthread_mutex_unlock(mutex);
    return known;
}

enum store_known store_entry_copy(
    struct store_table *table,
    const struct store_entry *entry,
    struct mr_arena *arena,
    struct mr_bytes *ret_raw)
{
    pthread_mutex_t *mutex = &table->locks[store_shard_of(entry->hash)].mutex;
    pthread_mutex_lock(mutex);
    enum store_known known = copy_locked(entry, arena, ret_raw);
    pthread_mutex_unlock(mutex);
    return known;
}
