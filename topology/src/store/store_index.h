/*
 * store_index.h - the keys of an ordered store that memory must add to a scan, in order.
 *
 * A skip list of entries: those staged, those dirty, those an open scan still needs; in memory-only
 * stores all of them.
 *
 * Threads  The owner changes it, with the lock held, and reads without. Other threads read with
 *          the lock held, one step of a scan at a time; a changed `version` means that nodes
 *          may have gone since.
 */
#ifndef TOPOLOGY_STORE_INDEX_H
#define TOPOLOGY_STORE_INDEX_H

#include "store_table.h"

struct store_node {
    uint64_t head; /* First 8 bytes of the key as a number: most comparisons end here. */
    struct store_entry *entry;
    struct store_node *next[]; /* As many as its height. */
};

struct store_index {
    pthread_mutex_t lock;
    uint64_t version; /* Under the lock. Changes whenever a node comes or goes. */
    uint64_t random;
    int height;
    struct store_node *first; /* A head node of full height, without an entry. */
};

void store_index_init(struct store_index *index);
void store_index_clean_up(struct store_index *index);

/* The owner. The entry must not be, must be, in the index. Both keep STORE_INDEXED right. */
void store_index_add(struct store_index *index, struct store_entry *entry);
void store_index_remove(struct store_index *index, struct store_entry *entry);
void store_index_clear(struct store_index *index); /* All of them, cheaper than one by one. */

/* The first node at (or, with `after`, behind) `key`; NULL when there is none. A NULL view is
 * before everything. */
struct store_node *
store_index_from(const struct store_index *index, struct mr_bytes key, bool after);

/* The last node before `key`; of all when `key` is a NULL view. NULL when there is none. */
struct store_node *store_index_before(const struct store_index *index, struct mr_bytes key);

#endif
