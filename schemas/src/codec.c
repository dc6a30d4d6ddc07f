/*
 * codec.c - the frame around a record, and the choice of how to read it.
 *
 * An id that was bound to a compiled-in type is found in a constant table and decoded by the
 * generated code. Everything else asks the registry, under its lock.
 */
#include <schemas/codec.h>

#include "foreign.h"
#include "registry_table.h"

#include <assert.h>

static bool topic_has(const char *topic, const struct codec_type *type)
{
    if (type->topic)
        return type->topic->name == topic || strcmp(type->topic->name, topic) == 0;
    const struct codec_topic *found = codec_topic_of(mr_cstr(topic));
    for (size_t i = 0; found && i < found->types_count; i++)
        if (found->types[i] == type)
            return true;
    return false;
}

void codec_encode(
    const struct codec_registry *registry,
    enum shop_type id,
    const char *topic,
    const void *value,
    struct mr_buffer *out)
{
    int32_t schema_id = registry_bound_id(registry, id);
    assert(schema_id && "bind first, and encode only what is in some topic");
    const struct codec_type *type = &shop_types[id];
    assert(!topic || topic_has(topic, type));
    char *frame = mr_buffer_reserve(out, CODEC_FRAME_BYTES);
    frame[0] = 0;
    mr_put_be32(frame + 1, (uint32_t)schema_id);
    out->len += CODEC_FRAME_BYTES;
    type->encode(value, out);
}

int32_t codec_schema_id(struct mr_bytes framed)
{
    if (framed.len < CODEC_FRAME_BYTES || framed.ptr[0] != 0)
        return 0;
    return (int32_t)mr_get_be32(framed.ptr + 1);
}

static int codec_refuse(
    const struct codec_type *type,
    const struct codec_reader *in,
    struct mr_bytes bare,
    struct mr_error *error)
{
    return mr_fail(
        error,
        MR_MALFORMED,
        "%s: %s at %s, byte %zu of %zu",
        type->full_name,
        in->problem,
        in->where,
        (size_t)(in->at - (const uint8_t *)bare.ptr),
        bare.len);
}

int codec_decode_bare(
    const struct codec_type *type,
    struct mr_bytes bare,
    struct mr_arena *arena,
    const void **ret_value,
    struct mr_error *error)
{
    struct codec_reader in = {.at = (const uint8_t *)(bare.ptr ? bare.ptr : "")};
    in.end = in.at + bare.len;
    void *value = mr_arena_alloc(arena, type->size);
    if (type->decode(&in, arena, value))
        return codec_refuse(type, &in, bare, error);
    if (in.at != in.end)
        return mr_fail(
            error,
            MR_MALFORMED,
            "%s: %zu bytes are left over",
            type->full_name,
            (size_t)(in.end - in.at));
    *ret_value = value;
    return 0;
}

static int decode_known(
    const struct codec_type *type,
    struct mr_bytes bare,
    struct mr_arena *arena,
    struct codec_message *ret_message,
    struct mr_error *error)
{
    const void *value = NULL;
    int rc = codec_decode_bare(type, bare, arena, &value, error);
    if (!rc)
        *ret_message = (struct codec_message){type, codec_type_id(type), value};
    return rc;
}

int codec_decode(
    const struct codec_registry *registry,
    struct mr_bytes framed,
    struct mr_arena *arena,
    struct codec_message *ret_message,
    struct mr_error *error)
{
    if (framed.len < CODEC_FRAME_BYTES)
        return mr_fail(
            error, MR_MALFORMED, "%zu bytes are too short for a framed record", framed.len);
    if (framed.ptr[0] != 0)
        return mr_fail(
            error, MR_MALFORMED, "the magic byte is 0x%02x, not 0x00", (uint8_t)framed.ptr[0]);
    int32_t schema_id = codec_schema_id(framed);
    struct mr_bytes bare =
        mr_bytes_of(framed.ptr + CODEC_FRAME_BYTES, framed.len - CODEC_FRAME_BYTES);
    int id = registry_bound_type(registry, schema_id);
    if (id != SHOP_NONE)
        return decode_known(&shop_types[id], bare, arena, ret_message, error);
    const struct codec_type *type = NULL;
    const void *value = NULL;
    int rc = registry_decode_foreign(registry, schema_id, bare, arena, &type, &value, error);
    if (rc)
        return rc;
    if (!value) /* Our own text under an id that is not bound. */
        return decode_known(type, bare, arena, ret_message, error);
    *ret_message = (struct codec_message){type, codec_type_id(type), value};
    return 0;
}

const struct codec_type *codec_type_of(struct mr_bytes full_name)
{
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++)
        if (mr_bytes_equal(full_name, mr_cstr(shop_types[id].full_name)))
            return &shop_types[id];
    return NULL;
}

const struct codec_topic *codec_topic_of(struct mr_bytes name)
{
    for (int topic = 0; topic < SHOP_TOPIC_COUNT; topic++)
        if (mr_bytes_equal(name, mr_cstr(shop_topics[topic].name)))
            return &shop_topics[topic];
    return NULL;
}
