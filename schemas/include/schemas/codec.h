/*
 * codec.h - records to framed bytes and back: 0x00, the schema id in 4 bytes big-endian, bare Avro.
 *
 * The frame is Confluent's wire format, so ordinary Avro consumers read what we write. A
 * record whose writer used exactly our schema is decoded by the generated code; any other
 * writer's record is read by avro-c with the writer's schema, and its fields are then bound
 * by name: fields we do not have are dropped, missing ones get our default, and a missing
 * one without a default refuses the record.
 *
 * Threads  Any number may encode and decode with one registry at the same time. The first
 *          path takes no lock; the second takes one inside the registry.
 * Memory   A decoded value lives in the arena, and its strings in the framed bytes (or in
 *          the arena, on the second path): keep both for as long as the value.
 */
#ifndef SCHEMAS_CODEC_H
#define SCHEMAS_CODEC_H

#include <schemas/registry.h>
#include <schemas/shop.h>

enum { CODEC_FRAME_BYTES = 5 };

/* A decoded record: `value` is the struct of `type`. */
struct codec_message {
    const struct codec_type *type;
    int id; /* An enum shop_type; an int, because a switch over it names only the few it wants. */
    const void *value;
};

/*
 * Append the framed record. `topic` may be NULL; if given, asserts that topics.json has this
 * type there. Asserts that codec_registry_bind has succeeded before.
 */
void codec_encode(
    const struct codec_registry *registry,
    enum shop_type id,
    const char *topic,
    const void *value,
    struct mr_buffer *out);

/*
 * MR_MALFORMED names the cause: too short, wrong magic byte, unknown schema id, a record
 * type that is not compiled in, where the bytes end too soon, bytes left over, a field that
 * is missing. Allocates at most in proportion to the length of `framed`.
 */
int codec_decode(
    const struct codec_registry *registry,
    struct mr_bytes framed,
    struct mr_arena *arena,
    struct codec_message *ret_message,
    struct mr_error *error);

/* The same on bare Avro bytes written with the compiled-in schema of `type`: for stored state. */
int codec_decode_bare(
    const struct codec_type *type,
    struct mr_bytes bare,
    struct mr_arena *arena,
    const void **ret_value,
    struct mr_error *error);

/* The schema id in the frame, or 0 when it is not a frame. */
int32_t codec_schema_id(struct mr_bytes framed);

/* The type of this full name ("shop.sales.CartItemAdded"), or NULL. */
const struct codec_type *codec_type_of(struct mr_bytes full_name);

/* The topic of this name, or NULL. */
const struct codec_topic *codec_topic_of(struct mr_bytes name);

static inline int codec_type_id(const struct codec_type *type)
{
    return (int)(type - shop_types);
}

/* The record's own metadata, by the type of its first field; NULL when that is another. */
static inline const struct shop_meta *codec_meta_of(const struct codec_message *message)
{
    return message->type->fields[0].record == &shop_types[SHOP_META] ? message->value : NULL;
}

static inline const struct shop_command_meta *
codec_command_meta_of(const struct codec_message *message)
{
    return message->type->fields[0].record == &shop_types[SHOP_COMMAND_META] ? message->value
                                                                             : NULL;
}

static inline const struct shop_saga_meta *codec_saga_meta_of(const struct codec_message *message)
{
    return message->type->fields[0].record == &shop_types[SHOP_SAGA_META] ? message->value : NULL;
}

/*
 * Append the value as one JSON object, fields in the schema's order, absent ones as null,
 * bytes in base64, times as numbers. Bytes of a string that are not UTF-8 become U+FFFD.
 */
void codec_print_json(const struct codec_type *type, const void *value, struct mr_buffer *out);

/* The same content, field by field; an absent string equals only an absent one. */
bool codec_equal(const struct codec_type *type, const void *a, const void *b);

#endif
