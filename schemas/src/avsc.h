/*
 * avsc.h - a schema's text as a tree, for the two jobs that have to look inside other
 * people's schemas: judging compatibility, and checking bytes before avro-c reads them.
 *
 * Memory   The whole tree is in the arena given to the parser; a recursive schema gives a
 *          tree with cycles.
 */
#ifndef SCHEMAS_AVSC_H
#define SCHEMAS_AVSC_H

#include <base/arena.h>
#include <base/error.h>

enum avsc_kind {
    AVSC_NULL,
    AVSC_BOOLEAN,
    AVSC_INT,
    AVSC_LONG,
    AVSC_FLOAT,
    AVSC_DOUBLE,
    AVSC_BYTES,
    AVSC_STRING,
    AVSC_RECORD,
    AVSC_ENUM,
    AVSC_FIXED,
    AVSC_ARRAY,
    AVSC_MAP,
    AVSC_UNION,
};

struct avsc_node;

struct avsc_field {
    const char *name;
    const struct avsc_node *type;
    bool has_default;
};

struct avsc_node {
    enum avsc_kind kind;
    const char *full_name;     /* Set for a record, enum or fixed. */
    struct avsc_field *fields; /* Set for a record. */
    size_t fields_count;
    /* The branches of a union, or the one inner type of an array or map. */
    const struct avsc_node **branches;
    size_t branches_count;
    const char **symbols; /* Set for an enum. */
    size_t symbols_count;
    bool has_default; /* Set for an enum: the symbol that stands for unknown ones. */
    int64_t size;     /* Set for a fixed. */
};

/* MR_MALFORMED names what is not valid Avro. Nesting is bounded. */
int avsc_parse(
    struct mr_bytes text,
    struct mr_arena *arena,
    const struct avsc_node **ret_node,
    struct mr_error *error);

/* "int", "record": for messages. */
const char *avsc_kind_name(enum avsc_kind kind);

/* The part of a full name behind its last dot. */
const char *avsc_simple_name(const char *full_name);

/* True when the two texts are the same JSON, whatever their spacing and order of members. */
bool avsc_text_equal(struct mr_bytes a, struct mr_bytes b);

#endif
