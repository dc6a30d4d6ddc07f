/*
 * types.h - what is known about every record type and every topic, as constant tables.
 *
 * The tables themselves are generated (schemas/shop.h). A type's fields describe the C
 * struct and the Avro record at once, so that binding by name, printing and comparing are
 * one loop each instead of one function per type. Encoding and decoding are not loops:
 * they are generated straight-line functions behind `encode` and `decode`.
 *
 * Threads  Everything here is constant; a codec_reader belongs to one thread.
 */
#ifndef SCHEMAS_TYPES_H
#define SCHEMAS_TYPES_H

#include <base/arena.h>
#include <base/buffer.h>
#include <base/bytes.h>
#include <base/error.h>

enum codec_kind {
    CODEC_STRING,  /* struct mr_bytes, UTF-8. */
    CODEC_BYTES,   /* struct mr_bytes. */
    CODEC_INT,     /* int32_t. */
    CODEC_LONG,    /* int64_t. */
    CODEC_BOOLEAN, /* bool. */
    CODEC_RECORD,  /* The struct of `record`. */
};

enum codec_shape {
    CODEC_ONE,      /* The value itself. */
    CODEC_OPTIONAL, /* Absent is: of text ptr NULL, of a record NULL, of a scalar a bool beside. */
    CODEC_MANY,     /* A pointer to the items, and their count beside. */
    CODEC_MAP,      /* A pointer to struct shop_map_entry, and their count beside. */
};

/* The rule a new schema version must keep towards every older one of its subject. */
enum codec_rule {
    CODEC_NONE,                /* No schema at all: the topic carries bytes as they came. */
    CODEC_BACKWARD_TRANSITIVE, /* The new one reads all old ones. */
    CODEC_FULL_TRANSITIVE,     /* And all old ones read the new one. */
};

struct codec_type;

struct codec_field {
    const char *name;
    enum codec_kind kind;
    enum codec_shape shape;
    size_t offset; /* The offset of the value, or of its pointer. */
    size_t beside; /* The offset of has_<name> or <name>_count, where there is one. */
    const struct codec_type *record; /* For CODEC_RECORD. */
    bool has_default;                /* Optional and empty where the two below say nothing. */
    struct mr_bytes default_text;
    int64_t default_number;
};

/* The position of a decode, and after a failure its cause. Reads never go past `end`. */
struct codec_reader {
    const uint8_t *at;
    const uint8_t *end;
    const char *problem; /* NULL while all is well: "truncated", "a negative length". */
    const char *where;   /* "CartItemAdded.owner_id". */
};

typedef void codec_encode_function(const void *value, struct mr_buffer *out);
typedef int codec_decode_function(struct codec_reader *in, struct mr_arena *arena, void *ret_value);

struct codec_type {
    const char *name;      /* "CartItemAdded". */
    const char *full_name; /* "shop.sales.CartItemAdded": the subject's second half, and ce_type. */
    struct mr_bytes schema; /* Self-contained JSON, as registered. */
    size_t size;            /* sizeof the struct. */
    const struct codec_field *fields;
    size_t fields_count;
    const struct codec_topic *topic; /* The one topic that carries it; NULL if none or several. */
    codec_encode_function *encode;   /* Appends bare Avro. */
    codec_decode_function *decode;   /* 0, or MR_MALFORMED with the reader saying why. */
};

struct codec_config {
    const char *name;
    const char *value;
};

struct codec_topic {
    const char *name;
    const char *key; /* A description of the key, for people. */
    int32_t partitions_development;
    int32_t partitions_production;
    const char *cleanup;  /* cleanup.policy: "delete" or "compact". */
    int64_t retention_ms; /* -1: without end. */
    enum codec_rule rule;
    const struct codec_config *configs; /* Further topic configuration, by Kafka's names. */
    size_t configs_count;
    const struct codec_type *const *types;
    size_t types_count;
    const char *const *writers; /* The services that write it, and those that read it. */
    size_t writers_count;
    const char *const *readers;
    size_t readers_count;
};

#endif
