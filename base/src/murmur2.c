/* murmur2.c - Kafka's variant of MurmurHash2 (seed 0x9747b28c, little-endian words). */
#include <base/murmur2.h>

int32_t mr_murmur2(struct mr_bytes key)
{
    const uint32_t m = 0x5bd1e995U;
    const unsigned char *at = (const unsigned char *)key.ptr;
    uint32_t left = (uint32_t)key.len;
    uint32_t h = 0x9747b28cU ^ left;
    for (; left >= 4; left -= 4, at += 4) {
        uint32_t k =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = h * m ^ k;
    }
    if (left >= 3)
        h ^= (uint32_t)at[2] << 16;
    if (left >= 2)
        h ^= (uint32_t)at[1] << 8;
    if (left >= 1)
        h = (h ^ at[0]) * m;
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)h;
}

int32_t mr_partition_of(struct mr_bytes key, int32_t partitions)
{
    return (mr_murmur2(key) & 0x7fffffff) % partitions;
}
