/*
 * random.h - bytes nobody can guess, and the one-way functions the edges need.
 *
 * Threads  Any.
 */
#ifndef SEALING_RANDOM_H
#define SEALING_RANDOM_H

#include <base/arena.h>
#include <base/bytes.h>
#include <base/id.h>

enum { SEALING_DIGEST_BYTES = 32, SEALING_BASE32_LEN = 52 };

void sealing_random(void *out, size_t len);

/* A new UUIDv7 of this moment. */
struct mr_uuid sealing_uuid_v7(int64_t now_ms);

/* "PREFIX<uuid v7>" in the arena: sealing_new_id(arena, "usr_", now_ms). */
struct mr_bytes sealing_new_id(struct mr_arena *arena, const char *prefix, int64_t now_ms);

/* SHA-256 over the parts, each with its length before it, so that ("ab","c") is not ("a","bc"). */
void sealing_digest(
    const struct mr_bytes *parts, size_t count, uint8_t ret_digest[SEALING_DIGEST_BYTES]);

/* Lower-case RFC 4648 base32 of 32 bytes, without padding: 52 characters and a NUL. */
void sealing_base32(
    const uint8_t bytes[SEALING_DIGEST_BYTES], char ret_text[SEALING_BASE32_LEN + 1]);

/* Compares secrets in constant time for a given length. */
bool sealing_equal(struct mr_bytes a, struct mr_bytes b);

/* Overwrites memory that held a secret; the compiler does not leave it out. */
void sealing_wipe(void *ptr, size_t len);

#endif
