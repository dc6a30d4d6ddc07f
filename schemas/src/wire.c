/* wire.c - the parts of reading Avro that are too long to be inline. */
#include "wire.h"

enum { VARINT_BYTES_MAX = 10 };

int codec_reader_fail(struct codec_reader *in, const char *where)
{
    if (!in->where)
        in->where = where;
    return MR_MALFORMED;
}

bool codec_get_long_slow(struct codec_reader *in, int64_t *ret)
{
    const uint8_t *at = in->at;
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_BYTES_MAX; shift += 7) {
        if (at == in->end)
            return codec_get_problem(in, "truncated");
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            break;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            in->at = at;
            *ret = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
            return true;
        }
    }
    return codec_get_problem(in, "a number over 64 bits");
}

/* Doubling, so that many small blocks cost no more memory than one large one. */
static void make_room(struct mr_arena *arena, struct codec_items *items)
{
    size_t wanted = items->count + items->block;
    if (wanted <= items->capacity)
        return;
    if (wanted < 2 * items->capacity)
        wanted = 2 * items->capacity;
    void *grown = mr_arena_alloc(arena, wanted * items->item_size);
    if (items->count)
        memcpy(grown, items->ptr, items->count * items->item_size);
    items->ptr = grown;
    items->capacity = wanted;
}

bool codec_get_block(struct codec_reader *in, struct mr_arena *arena, struct codec_items *items)
{
    int64_t count;
    if (!codec_get_long(in, &count))
        return false;
    if (count < 0) { /* The block's size in bytes follows; we have no use for it. */
        int64_t size;
        if (!codec_get_long(in, &size))
            return false;
        if (count == INT64_MIN || size < 0)
            return codec_get_problem(in, "a block with a bad size");
        count = -count;
    }
    if ((uint64_t)count > (uint64_t)(in->end - in->at) / items->item_bytes_min)
        return codec_get_problem(in, "truncated: more items than there are bytes for");
    items->block = (size_t)count;
    make_room(arena, items);
    return true;
}
