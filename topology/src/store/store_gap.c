/*
 * store_gap.c - a few ranges, each grown by scans and cut by writes.
 *
 * Invariant: no key that the owner can see lies in a gap. Staged deletions count as absent, so a
 * roll back and an abort cut too.
 */
#include "store_gap.h"

void store_gaps_init(struct store_gaps *gaps)
{
    *gaps = (struct store_gaps){0};
    for (size_t i = 0; i < STORE_GAPS; i++) {
        mr_buffer_init(&gaps->items[i].from);
        mr_buffer_init(&gaps->items[i].to);
    }
}

void store_gaps_clean_up(struct store_gaps *gaps)
{
    for (size_t i = 0; i < STORE_GAPS; i++) {
        mr_buffer_clean_up(&gaps->items[i].from);
        mr_buffer_clean_up(&gaps->items[i].to);
    }
}

static bool gap_has(const struct store_gap *gap, struct mr_bytes key)
{
    return mr_bytes_compare(mr_buffer_view(&gap->from), key) <= 0 &&
           mr_bytes_compare(key, mr_buffer_view(&gap->to)) < 0;
}

static void gap_set(struct mr_buffer *buffer, struct mr_bytes key)
{
    mr_buffer_reset(buffer);
    mr_buffer_add(buffer, key);
}

struct mr_bytes store_gaps_skip(const struct store_gaps *gaps, struct mr_bytes first)
{
    for (size_t i = 0; i < STORE_GAPS; i++)
        if (gap_has(&gaps->items[i], first))
            return mr_buffer_view(&gaps->items[i].to);
    return first;
}

void store_gaps_add(struct store_gaps *gaps, struct mr_bytes first, struct mr_bytes to)
{
    for (size_t i = 0; i < STORE_GAPS; i++) {
        struct store_gap *gap = &gaps->items[i];
        if (!gap_has(gap, first))
            continue;
        if (mr_bytes_compare(mr_buffer_view(&gap->to), to) < 0)
            gap_set(&gap->to, to);
        return;
    }
    if (mr_bytes_compare(first, to) >= 0)
        return;
    struct store_gap *gap = &gaps->items[gaps->oldest++ % STORE_GAPS];
    gap_set(&gap->from, first);
    gap_set(&gap->to, to);
}

void store_gaps_cut(struct store_gaps *gaps, struct mr_bytes key)
{
    for (size_t i = 0; i < STORE_GAPS; i++)
        if (gap_has(&gaps->items[i], key))
            gap_set(&gaps->items[i].to, key);
}
