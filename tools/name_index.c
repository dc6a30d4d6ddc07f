/* name_index.c - open addressing with linear probing, at most half full. */
#include <base/alloc.h>
#include <tools/name_index.h>

#include <assert.h>
#include <stdlib.h>

enum { SLOTS_MIN = 64 };

void name_index_init(struct name_index *index)
{
    *index = (struct name_index){
        .slots = mr_calloc(SLOTS_MIN, sizeof(uint32_t)),
        .slots_count = SLOTS_MIN,
    };
    mr_arena_init(&index->arena);
}

void name_index_clean_up(struct name_index *index)
{
    free(index->names);
    free(index->slots);
    mr_arena_clean_up(&index->arena);
    *index = (struct name_index){0};
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t *index_find_slot(const struct name_index *index, struct mr_bytes name)
{
    size_t at = (size_t)mr_bytes_hash(name) & (index->slots_count - 1);
    while (index->slots[at] && !mr_bytes_equal(index->names[index->slots[at] - 1], name))
        at = (at + 1) & (index->slots_count - 1);
    return &index->slots[at];
}

static void index_widen_slots(struct name_index *index)
{
    free(index->slots);
    index->slots_count *= 2;
    index->slots = mr_calloc(index->slots_count, sizeof(uint32_t));
    for (size_t i = 0; i < index->count; i++)
        *index_find_slot(index, index->names[i]) = (uint32_t)i + 1;
}

uint32_t name_index_put(struct name_index *index, struct mr_bytes name)
{
    assert(name.ptr);
    uint32_t *slot = index_find_slot(index, name);
    if (*slot)
        return *slot - 1;
    assert(index->count < UINT32_MAX - 1);
    index->names =
        mr_grow(index->names, index->count, &index->names_capacity, sizeof *index->names);
    index->names[index->count] = mr_arena_copy(&index->arena, name);
    *slot = (uint32_t)++index->count;
    if (index->count * 2 > index->slots_count)
        index_widen_slots(index);
    return (uint32_t)index->count - 1;
}

bool name_index_find(const struct name_index *index, struct mr_bytes name, uint32_t *ret_number)
{
    assert(ret_number);
    uint32_t slot = *index_find_slot(index, name);
    if (slot == 0)
        return false;
    *ret_number = slot - 1;
    return true;
}
