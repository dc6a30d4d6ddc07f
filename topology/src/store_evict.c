/* store_evict.c - keeps the clean entries of a set within their bound: a clock over the buckets. */
#include "store_impl.h"

/* The hand forgives an entry that was used since it last came by, and evicts it the next time. */
static void sweep_bucket(struct topo_store *store, struct store_entry *entry)
{
    while (entry) {
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

void store_set_evict(struct store_set *set, size_t patience)
{
    const _Atomic size_t *clean_bytes = &set->counters.clean_bytes;
    if (!set->disk || set->stores_count == 0 ||
        atomic_load_explicit(clean_bytes, memory_order_relaxed) <= set->table_bytes_max)
        return;
    /* Twice around: once to forgive, once to evict. */
    size_t buckets = patience ? patience : 2 * buckets_count(set);
    while (buckets-- > 0 &&
           atomic_load_explicit(clean_bytes, memory_order_relaxed) > set->table_bytes_max) {
        struct topo_store *store = set->stores[set->hand_store];
        sweep_bucket(store, store->table.shards[set->hand_shard].buckets[set->hand_bucket]);
        move_hand(set);
    }
}
