/*
 * foreign.c - avro-c's only user: reads a value with its writer's schema, binds it by name.
 *
 * Avro's own resolution is not used because avro-c cannot apply defaults in it. The rules
 * are the specification's for what our records contain: fields match by name, an int may
 * become a long, string and bytes may become each other, a union is what was written in it.
 */
#include "foreign.h"

#include "avsc.h"
#include "walk.h"

#include <schemas/codec.h>

#include <avro.h>
#include <stdlib.h>

struct foreign_schema {
    struct mr_arena arena; /* The tree. */
    const struct avsc_node *tree;
    const struct codec_type *type;
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value; /* Reused from record to record. */
};

/* The state of one bind, for its errors and its memory. */
struct bind {
    struct mr_arena *arena;
    struct mr_error *error;
    const char *record;
};

static int foreign_bind_record(
    struct bind *bind, const struct codec_type *type, const avro_value_t *from, char *ret_struct);

static int
foreign_refuse(const struct bind *bind, const struct codec_field *field, const char *problem)
{
    return mr_fail(bind->error, MR_MALFORMED, "%s.%s: %s", bind->record, field->name, problem);
}

/* The value inside the union, however deep. */
static avro_value_t foreign_unwrap(const avro_value_t *from)
{
    avro_value_t value = *from;
    while (avro_value_get_type(&value) == AVRO_UNION) {
        avro_value_t branch;
        if (avro_value_get_current_branch(&value, &branch))
            break;
        value = branch;
    }
    return value;
}

static int bind_text(
    struct bind *bind,
    const struct codec_field *field,
    const avro_value_t *from,
    struct mr_bytes *ret)
{
    size_t size = 0;
    const char *text = NULL;
    const void *bytes = NULL;
    avro_type_t kind = avro_value_get_type(from);
    if (kind == AVRO_STRING && avro_value_get_string(from, &text, &size) == 0)
        *ret = mr_arena_copy(bind->arena, mr_bytes_of(text, size - 1)); /* Size counts the NUL. */
    else if (kind == AVRO_BYTES && avro_value_get_bytes(from, &bytes, &size) == 0)
        *ret = mr_arena_copy(bind->arena, mr_bytes_of(bytes ? bytes : "", size));
    else
        return foreign_refuse(bind, field, "was written as something that is not a string");
    return 0;
}

static int bind_long(
    struct bind *bind, const struct codec_field *field, const avro_value_t *from, int64_t *ret)
{
    int32_t small = 0;
    avro_type_t kind = avro_value_get_type(from);
    if (kind == AVRO_INT64 && avro_value_get_long(from, ret) == 0)
        return 0;
    if (kind != AVRO_INT32 || avro_value_get_int(from, &small))
        return foreign_refuse(bind, field, "was written as something that is not a long");
    *ret = small;
    return 0;
}

static int
bind_one(struct bind *bind, const struct codec_field *field, const avro_value_t *from, void *ret)
{
    int flag = 0;
    avro_type_t kind = avro_value_get_type(from);
    switch (field->kind) {
    case CODEC_STRING:
    case CODEC_BYTES:
        return bind_text(bind, field, from, ret);
    case CODEC_LONG:
        return bind_long(bind, field, from, ret);
    case CODEC_INT:
        if (kind != AVRO_INT32 || avro_value_get_int(from, ret))
            return foreign_refuse(bind, field, "was written as something that is not an int");
        return 0;
    case CODEC_BOOLEAN:
        if (kind != AVRO_BOOLEAN || avro_value_get_boolean(from, &flag))
            return foreign_refuse(bind, field, "was written as something that is not a boolean");
        *(bool *)ret = flag;
        return 0;
    case CODEC_RECORD:
        if (kind != AVRO_RECORD)
            return foreign_refuse(bind, field, "was written as something that is not a record");
        return foreign_bind_record(bind, field->record, from, ret);
    }
    return MR_MALFORMED;
}

static int bind_optional(
    struct bind *bind, const struct codec_field *field, const avro_value_t *from, char *ret_struct)
{
    if (avro_value_get_type(from) == AVRO_NULL)
        return 0; /* Zeroed already. */
    if (field->kind == CODEC_RECORD) {
        void *inner = mr_arena_zalloc(bind->arena, field->record->size);
        *(void **)(void *)(ret_struct + field->offset) = inner;
        return bind_one(bind, field, from, inner);
    }
    if (field->kind != CODEC_STRING && field->kind != CODEC_BYTES)
        *(bool *)(ret_struct + field->beside) = true;
    return bind_one(bind, field, from, ret_struct + field->offset);
}

static int bind_map_entry(
    struct bind *bind,
    const struct codec_field *field,
    const avro_value_t *item,
    const char *key,
    struct shop_map_entry *ret)
{
    ret->key = mr_arena_copy(bind->arena, mr_cstr(key));
    return bind_text(bind, field, item, &ret->value);
}

static int bind_items(
    struct bind *bind, const struct codec_field *field, const avro_value_t *from, char *ret_struct)
{
    bool map = field->shape == CODEC_MAP;
    size_t count = 0;
    if (avro_value_get_type(from) != (map ? AVRO_MAP : AVRO_ARRAY) ||
        avro_value_get_size(from, &count))
        return foreign_refuse(
            bind, field, map ? "was not written as a map" : "was not written as an array");
    size_t size = map                           ? sizeof(struct shop_map_entry)
                  : field->kind == CODEC_RECORD ? field->record->size
                                                : sizeof(struct mr_bytes);
    char *items = mr_arena_zalloc(bind->arena, count * size);
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        avro_value_t item;
        const char *key = NULL;
        void *at = items + i * size;
        if (avro_value_get_by_index(from, i, &item, &key))
            return foreign_refuse(bind, field, "has an item that avro-c does not give");
        item = foreign_unwrap(&item);
        rc = map ? bind_map_entry(bind, field, &item, key, at) : bind_one(bind, field, &item, at);
    }
    *(void **)(void *)(ret_struct + field->offset) = items;
    *(size_t *)(void *)(ret_struct + field->beside) = count;
    return rc;
}

/* The field is not in the writer's schema. */
static int apply_default(struct bind *bind, const struct codec_field *field, char *ret_struct)
{
    if (!field->has_default)
        return foreign_refuse(bind, field, "is missing and has no default");
    void *at = ret_struct + field->offset;
    if (field->shape != CODEC_ONE)
        return 0; /* Absent, or empty: zeroed already. */
    switch (field->kind) {
    case CODEC_STRING:
    case CODEC_BYTES:
        *(struct mr_bytes *)at = field->default_text;
        break;
    case CODEC_INT:
        *(int32_t *)at = (int32_t)field->default_number;
        break;
    case CODEC_LONG:
        *(int64_t *)at = field->default_number;
        break;
    case CODEC_BOOLEAN:
        *(bool *)at = field->default_number != 0;
        break;
    case CODEC_RECORD:
        break;
    }
    return 0;
}

static int bind_field(
    struct bind *bind, const struct codec_field *field, const avro_value_t *from, char *ret_struct)
{
    avro_value_t written;
    if (avro_value_get_by_name(from, field->name, &written, NULL))
        return apply_default(bind, field, ret_struct);
    written = foreign_unwrap(&written);
    switch (field->shape) {
    case CODEC_ONE:
        return bind_one(bind, field, &written, ret_struct + field->offset);
    case CODEC_OPTIONAL:
        return bind_optional(bind, field, &written, ret_struct);
    case CODEC_MANY:
    case CODEC_MAP:
        return bind_items(bind, field, &written, ret_struct);
    }
    return MR_MALFORMED;
}

/* `ret_struct` is zeroed. */
static int foreign_bind_record(
    struct bind *bind, const struct codec_type *type, const avro_value_t *from, char *ret_struct)
{
    const char *above = bind->record;
    bind->record = type->name;
    int rc = 0;
    for (size_t i = 0; !rc && i < type->fields_count; i++)
        rc = bind_field(bind, &type->fields[i], from, ret_struct);
    bind->record = above;
    return rc;
}

static int open_schema(struct foreign_schema *schema, struct mr_bytes text, struct mr_error *error)
{
    int rc = avsc_parse(text, &schema->arena, &schema->tree, error);
    if (rc)
        return rc;
    const char *name = schema->tree->full_name;
    if (schema->tree->kind != AVSC_RECORD || !(schema->type = codec_type_of(mr_cstr(name))))
        return mr_fail(
            error,
            MR_MALFORMED,
            "%s is not a record that is compiled in",
            name ? name : avsc_kind_name(schema->tree->kind));
    if (avro_schema_from_json_length(text.ptr, text.len, &schema->schema))
        return mr_fail(error, MR_MALFORMED, "%s: avro-c: %s", name, avro_strerror());
    schema->iface = avro_generic_class_from_schema(schema->schema);
    if (!schema->iface || avro_generic_value_new(schema->iface, &schema->value))
        return mr_fail(error, MR_MALFORMED, "%s: avro-c: %s", name, avro_strerror());
    return 0;
}

int foreign_schema_new(
    struct mr_bytes text, struct foreign_schema **ret_schema, struct mr_error *error)
{
    struct foreign_schema *schema = mr_calloc(1, sizeof *schema);
    mr_arena_init(&schema->arena);
    int rc = open_schema(schema, text, error);
    if (rc) {
        foreign_schema_free(schema);
        return rc;
    }
    *ret_schema = schema;
    return 0;
}

void foreign_schema_free(struct foreign_schema *schema)
{
    if (!schema)
        return;
    if (schema->value.iface)
        avro_value_decref(&schema->value);
    if (schema->iface)
        avro_value_iface_decref(schema->iface);
    if (schema->schema)
        avro_schema_decref(schema->schema);
    mr_arena_clean_up(&schema->arena);
    free(schema);
}

static int read_value(struct foreign_schema *schema, struct mr_bytes bare, struct mr_error *error)
{
    const char *name = schema->type->full_name;
    const uint8_t *start = (const uint8_t *)bare.ptr;
    struct codec_reader in = {.at = start, .end = start + bare.len};
    if (walk_check(schema->tree, &in))
        return mr_fail(
            error,
            MR_MALFORMED,
            "%s: %s at %s, byte %zu of %zu",
            name,
            in.problem,
            in.where,
            (size_t)(in.at - start),
            bare.len);
    avro_reader_t reader = avro_reader_memory(bare.ptr, (int64_t)bare.len);
    int failed = avro_value_reset(&schema->value) || avro_value_read(reader, &schema->value);
    avro_reader_free(reader);
    return failed ? mr_fail(error, MR_MALFORMED, "%s: avro-c: %s", name, avro_strerror()) : 0;
}

int foreign_schema_decode(
    struct foreign_schema *schema,
    struct mr_bytes bare,
    struct mr_arena *arena,
    const struct codec_type **ret_type,
    const void **ret_value,
    struct mr_error *error)
{
    int rc = read_value(schema, bare, error);
    if (rc)
        return rc;
    struct bind bind = {.arena = arena, .error = error};
    void *value = mr_arena_zalloc(arena, schema->type->size);
    rc = foreign_bind_record(&bind, schema->type, &schema->value, value);
    if (rc)
        return rc;
    *ret_type = schema->type;
    *ret_value = value;
    return 0;
}
