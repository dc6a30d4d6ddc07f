/* values.h - values of any record type, made by its field table: random ones, and one fixed
 * example. */
#ifndef TESTS_VALUES_H
#define TESTS_VALUES_H

#include <schemas/codec.h>

#include <avro.h>

/* splitmix64: the same seed always gives the same values. */
struct values_seed {
    uint64_t state;
};

uint64_t values_next(struct values_seed *seed);

/* Every shape is hit: absent and present, empty and long, negative and the extremes. */
const void *
values_random(const struct codec_type *type, struct values_seed *seed, struct mr_arena *arena);

/* Each text says its field's name, each number is distinct, everything optional is there. */
const void *values_example(const struct codec_type *type, struct mr_arena *arena);

/* Everything optional is absent, everything repeated is empty. */
const void *values_sparse(const struct codec_type *type, struct mr_arena *arena);

/*
 * The same value as avro-c has it, encoded by avro-c with `schema`. The schema may have the
 * fields in another order, lack some, and have others: those are given some value.
 */
void values_encode_by_avro(
    const struct codec_type *type,
    struct mr_bytes schema,
    const void *value,
    struct mr_buffer *out);

/* Set every field that has a default to it, however deep: what a writer without them means. */
void values_set_defaults(const struct codec_type *type, void *value);

#endif
