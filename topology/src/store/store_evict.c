/* store_evict.c - keeps the clean entries of a set within their bound: a clock over the buckets. */
#include "store_impl.h"

#include <assert.h>

/* The hand forgives an entry that was used since it last came by, and evicts it the next time. */
static size_t sweep_bucket(struct topo_store *store, struct store_entry *entry)
{
    size_t looked_at = 0;
    for (; entry; looked_at++) {
        struct store_entry *next = entry->next;
        bool needed = entry->pins ||
                      (entry->flags & (STORE_STAGED | STORE_DIRTY | STORE_SAVED | STORE_INDEXED));
        if (!needed && !entry->recent) {
            store_account(store->set, entry, -1);
            STORE_COUNT(store->set->counters.evictions, 1);
            store_table_remove(&store->table, entry);
        } else if (!needed) {
            entry->recent = 0;
        }
        entry = next;
    }
    return looked_at;
}

static void move_hand(struct store_set *set)
{
    const struct store_shard *shard = &set->stores[set->hand_store]->table.shards[set->hand_shard];
    if (++set->hand_bucket <= shard->mask)
        return;
    set->hand_bucket = 0;
    if (++set->hand_shard < STORE_SHARDS)
        return;
    set->hand_shard = 0;
    set->hand_store = (set->hand_store + 1) % set->stores_count;
}

static size_t buckets_count(const struct store_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->stores_count; i++)
        for (size_t shard = 0; shard < STORE_SHARDS; shard++)
            count += (size_t)set->stores[i]->table.shards[shard].mask + 1;
    return count;
}

static bool is_over(const struct store_set *set)
{
    return atomic_load_explicit(&set->counters.clean_bytes, memory_order_relaxed) >
           set->table_bytes_max;
}

static void evict_sweep(struct store_set *set, size_t buckets, size_t entries)
{
    assert(!set->in_savepoint);
    while (buckets-- > 0 && entries > 0 && is_over(set)) {
        struct topo_store *store = set->stores[set->hand_store];
        size_t looked_at =
            sweep_bucket(store, store->table.shards[set->hand_shard].buckets[set->hand_bucket]);
        entries -= looked_at < entries ? looked_at : entries;
        move_hand(set);
    }
}

/* A record reads a few entries, so looking at a few more each time keeps up. */
void store_set_evict_some(struct store_set *set)
{
    if (set->disk && is_over(set))
        evict_sweep(set, 1024, 16);
}

/* Twice around: once to forgive, once to evict. */
void store_set_evict_all(struct store_set *set)
{
    if (set->disk && is_over(set))
        evict_sweep(set, 2 * buckets_count(set), SIZE_MAX);
}
