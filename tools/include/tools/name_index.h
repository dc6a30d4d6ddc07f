/*
 * name_index.h - names to small numbers, in the order in which they first came.
 *
 * Threads  One at a time.
 * Memory   Copies the names.
 */
#ifndef TOOLS_NAME_INDEX_H
#define TOOLS_NAME_INDEX_H

#include <base/arena.h>
#include <base/bytes.h>

struct name_index {
    struct mr_bytes *names; /* By number. */
    size_t count;
    size_t names_capacity;
    uint32_t *slots; /* Number + 1; 0: free. */
    size_t slots_count;
    struct mr_arena arena;
};

void name_index_init(struct name_index *index);
void name_index_clean_up(struct name_index *index);

/* The name's number, a new one if it has none. */
uint32_t name_index_put(struct name_index *index, struct mr_bytes name);

/* False when the name has no number. */
bool name_index_find(const struct name_index *index, struct mr_bytes name, uint32_t *ret_number);

#endif
