/*
 * wire.h - Avro's binary encoding of single values, inline: what the generated codecs are made of.
 */
#ifndef SCHEMAS_WIRE_H
#define SCHEMAS_WIRE_H

#include <schemas/types.h>

/* The items of one array or map while its blocks are read. */
struct codec_items {
    size_t item_size;      /* In memory. */
    size_t item_bytes_min; /* On the wire; at least 1. */
    void *ptr;
    size_t count;    /* Read so far. */
    size_t block;    /* In the block just opened; 0 at the end. */
    size_t capacity; /* The capacity of `ptr`, in items. */
};

/* Note where it went wrong (the innermost field wins) and return MR_MALFORMED. */
int codec_reader_fail(struct codec_reader *in, const char *where) __attribute__((cold));

bool codec_get_long_slow(struct codec_reader *in, int64_t *ret);

/*
 * Open the next block and make room for its items in the arena. The count is held against
 * the bytes that are left before anything is allocated.
 */
bool codec_get_block(struct codec_reader *in, struct mr_arena *arena, struct codec_items *items);

static inline bool codec_get_problem(struct codec_reader *in, const char *problem)
{
    in->problem = problem;
    return false;
}

static inline bool codec_get_long(struct codec_reader *in, int64_t *ret)
{
    if (in->at < in->end && *in->at < 0x80) {
        uint64_t n = *in->at++;
        *ret = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
        return true;
    }
    return codec_get_long_slow(in, ret);
}

static inline bool codec_get_int(struct codec_reader *in, int32_t *ret)
{
    int64_t value;
    if (!codec_get_long(in, &value))
        return false;
    if (value < INT32_MIN || value > INT32_MAX)
        return codec_get_problem(in, "an int over 32 bits");
    *ret = (int32_t)value;
    return true;
}

static inline bool codec_get_boolean(struct codec_reader *in, bool *ret)
{
    if (in->at == in->end)
        return codec_get_problem(in, "truncated");
    if (*in->at > 1)
        return codec_get_problem(in, "a boolean that is neither 0 nor 1");
    *ret = *in->at++;
    return true;
}

/* Strings and bytes alike: a view into the input. */
static inline bool codec_get_bytes(struct codec_reader *in, struct mr_bytes *ret)
{
    int64_t len;
    if (!codec_get_long(in, &len))
        return false;
    if (len < 0)
        return codec_get_problem(in, "a negative length");
    if (len > in->end - in->at)
        return codec_get_problem(in, "truncated");
    *ret = mr_bytes_of(in->at, (size_t)len);
    in->at += len;
    return true;
}

/* The branch of ["null", T]. */
static inline bool codec_get_branch(struct codec_reader *in, bool *ret_present)
{
    int64_t branch;
    if (!codec_get_long(in, &branch))
        return false;
    if (branch != 0 && branch != 1)
        return codec_get_problem(in, "a union branch that does not exist");
    *ret_present = branch == 1;
    return true;
}

/* The puts write at `at`, where the caller has made room, and return the end. */
static inline uint8_t *codec_put_long(uint8_t *at, int64_t value)
{
    uint64_t n = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    while (n >= 0x80) {
        *at++ = (uint8_t)(n | 0x80);
        n >>= 7;
    }
    *at++ = (uint8_t)n;
    return at;
}

static inline uint8_t *codec_put_int(uint8_t *at, int32_t value)
{
    return codec_put_long(at, value);
}

static inline uint8_t *codec_put_boolean(uint8_t *at, bool value)
{
    *at++ = value;
    return at;
}

static inline uint8_t *codec_put_bytes(uint8_t *at, struct mr_bytes value)
{
    at = codec_put_long(at, (int64_t)value.len);
    if (value.len)
        memcpy(at, value.ptr, value.len);
    return at + value.len;
}

#endif
