/* random.c - randomness, digests and base32, from libsodium. */
#include <sealing/random.h>

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/* libsodium wants to be asked once before anything else; asking again is harmless and cheap. */
static void random_ready(void)
{
    if (sodium_init() < 0)
        abort();
}

void sealing_random(void *out, size_t len)
{
    random_ready();
    randombytes_buf(out, len);
}

struct mr_uuid sealing_uuid_v7(int64_t now_ms)
{
    uint8_t random[10];
    sealing_random(random, sizeof random);
    return mr_uuid_v7(now_ms, random);
}

struct mr_bytes sealing_new_id(struct mr_arena *arena, const char *prefix, int64_t now_ms)
{
    char text[MR_UUID_TEXT_LEN + 1];
    mr_uuid_format(sealing_uuid_v7(now_ms), text);
    return mr_arena_printf(arena, "%s%s", prefix, text);
}

void sealing_digest(
    const struct mr_bytes *parts, size_t count, uint8_t ret_digest[SEALING_DIGEST_BYTES])
{
    crypto_hash_sha256_state state;
    static_assert(SEALING_DIGEST_BYTES == crypto_hash_sha256_BYTES, "SHA-256");
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count; i++) {
        uint8_t len[8];
        mr_put_be64(len, parts[i].len);
        crypto_hash_sha256_update(&state, len, sizeof len);
        if (parts[i].len)
            crypto_hash_sha256_update(&state, (const uint8_t *)parts[i].ptr, parts[i].len);
    }
    crypto_hash_sha256_final(&state, ret_digest);
}

void sealing_base32(
    const uint8_t bytes[SEALING_DIGEST_BYTES], char ret_text[SEALING_BASE32_LEN + 1])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t at = 0;
    for (size_t i = 0; i < SEALING_DIGEST_BYTES; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 5; held -= 5)
            ret_text[at++] = digits[bits >> (held - 5) & 31];
    }
    ret_text[at++] = digits[bits << (5 - held) & 31];
    ret_text[at] = '\0';
    assert(at == SEALING_BASE32_LEN);
}

bool sealing_equal(struct mr_bytes a, struct mr_bytes b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void sealing_wipe(void *ptr, size_t len)
{
    sodium_memzero(ptr, len);
}
