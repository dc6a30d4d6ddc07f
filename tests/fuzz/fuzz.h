/*
 * fuzz.h - what a fuzz target is: one function that eats any bytes and asserts what always holds.
 *
 * The ordinary builds link it with fuzz_replay.c, which runs the committed corpus and seeded
 * mutations of it; the preset `fuzz` with libFuzzer.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <base/bytes.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Fuzzers and the replay call it with bytes that end where their memory ends. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, but in every build and with a place. */
#define FUZZ_HOLDS(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The bytes before the first 0xFF; *left goes on behind it. For inputs of several parts: text never
 * has this byte. */
static inline struct mr_bytes fuzz_part(struct mr_bytes *left)
{
    const char *end = left->len ? memchr(left->ptr, 0xFF, left->len) : NULL;
    size_t len = end ? (size_t)(end - left->ptr) : left->len;
    struct mr_bytes part = mr_bytes_of(left->ptr, len);
    size_t skip = end ? len + 1 : len;
    *left = mr_bytes_of(left->ptr + skip, left->len - skip);
    return part;
}

#endif
