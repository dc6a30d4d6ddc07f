/* bytes.c - comparing and hashing views of bytes. */
#include <base/bytes.h>

bool mr_bytes_equal(struct mr_bytes a, struct mr_bytes b)
{
    if (!a.ptr || !b.ptr)
        return a.ptr == b.ptr;
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

int mr_bytes_compare(struct mr_bytes a, struct mr_bytes b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool mr_bytes_starts_with(struct mr_bytes text, struct mr_bytes prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

static uint64_t bytes_mix_words(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load_tail(const unsigned char *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    return word;
}

uint64_t mr_bytes_hash(struct mr_bytes bytes)
{
    const uint64_t k0 = 0xa0761d6478bd642fULL;
    const uint64_t k1 = 0xe7037ed1a0b428dbULL;
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;
    uint64_t hash = k0 ^ bytes.len;
    while (left >= 8) {
        hash = bytes_mix_words(hash ^ load_tail(at, 8), k1);
        at += 8;
        left -= 8;
    }
    if (left)
        hash = bytes_mix_words(hash ^ load_tail(at, left), k1);
    return bytes_mix_words(hash, k0);
}

void mr_put_be32(void *out, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(out, &value, sizeof value);
}

void mr_put_be64(void *out, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(out, &value, sizeof value);
}

uint32_t mr_get_be32(const void *in)
{
    uint32_t value;
    memcpy(&value, in, sizeof value);
    return __builtin_bswap32(value);
}

uint64_t mr_get_be64(const void *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    return __builtin_bswap64(value);
}
