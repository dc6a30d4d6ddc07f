/*
 * store_gap.h - ranges of an ordered store that the owner has seen to be empty.
 *
 * Who looks for what is due scans from the first key, over and over. What was deleted there lies
 * on disk as tombstones until it is compacted, and each look would walk over all of them. So a scan
 * leaves behind from where to where it found nothing, and the next one starts there.
 *
 * Threads  The owner's.
 */
#ifndef TOPOLOGY_STORE_GAP_H
#define TOPOLOGY_STORE_GAP_H

#include <base/buffer.h>

enum { STORE_GAPS = 4 }; /* Several parts of a store may be scanned in turn. */

struct store_gap {
    struct mr_buffer from; /* Inclusive. */
    struct mr_buffer to;   /* Exclusive. Not above `from`: the gap is unused. */
};

struct store_gaps {
    struct store_gap items[STORE_GAPS];
    size_t oldest;
};

void store_gaps_init(struct store_gaps *gaps);
void store_gaps_clean_up(struct store_gaps *gaps);

/* The first key at or after `first` that may be there: a view that the next call may move. */
struct mr_bytes store_gaps_skip(const struct store_gaps *gaps, struct mr_bytes first);

/* A scan from `first` on met its first key at `to`, or its end. */
void store_gaps_add(struct store_gaps *gaps, struct mr_bytes first, struct mr_bytes to);

/* `key` was written, or is back after a roll back. */
void store_gaps_cut(struct store_gaps *gaps, struct mr_bytes key);

#endif
