/* bytes.h - a view of bytes (or UTF-8 text) somebody else owns. Pass it by value; never free it. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <base/api_begin.h>

struct mr_bytes {
    const char *ptr; /* NULL means "no value", which is not the same as zero length. */
    size_t len;
};

/* printf("%.*s", MR_ARG(view)); a NULL view prints nothing. */
#define MR_ARG(view) (int)(view).len, ((view).ptr ? (view).ptr : "")

/* A view of a string literal, usable in static initialisers. */
#define MR_LITERAL(text)                                                                           \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static inline struct mr_bytes mr_bytes_of(const void *ptr, size_t len)
{
    return (struct mr_bytes){(const char *)ptr, len};
}

/* A view of a C string; NULL gives the "no value" view. */
static inline struct mr_bytes mr_cstr(const char *text)
{
    return (struct mr_bytes){text, text ? strlen(text) : 0};
}

/* Same length and same bytes. "No value" equals only "no value". Not constant-time. */
bool mr_bytes_equal(struct mr_bytes a, struct mr_bytes b);

/* memcmp order, a prefix before the longer one: the order of RocksDB's default comparator. */
int mr_bytes_compare(struct mr_bytes a, struct mr_bytes b);

bool mr_bytes_starts_with(struct mr_bytes text, struct mr_bytes prefix);

/* 64-bit hash for hash tables in memory (wyhash-like); never stored, never sent. */
uint64_t mr_bytes_hash(struct mr_bytes bytes);

/* Big-endian integers, so that memcmp order is numeric order for values >= 0. */
void mr_put_be32(void *out, uint32_t value);
void mr_put_be64(void *out, uint64_t value);
uint32_t mr_get_be32(const void *in);
uint64_t mr_get_be64(const void *in);

#include <base/api_end.h>

#endif
