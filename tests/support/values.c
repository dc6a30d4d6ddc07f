/* values.c - makes values by walking field tables; the tables themselves are proved by avro-c's
 * view. */
#include "values.h"

#include <assert.h>

enum how { MAKE_RANDOM, MAKE_EXAMPLE, MAKE_SPARSE };

struct maker {
    enum how how;
    struct values_seed *seed;
    struct mr_arena *arena;
    int64_t count; /* Numbers given out, for the example. */
};

static void make_value(struct maker *maker, const struct codec_type *type, char *ret_struct);

uint64_t values_next(struct values_seed *seed)
{
    uint64_t z = seed->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t random_below(struct maker *maker, size_t bound)
{
    return (size_t)(values_next(maker->seed) % bound);
}

/* All magnitudes are as likely, both signs too. */
static int64_t make_number(struct maker *maker, unsigned bits)
{
    if (maker->how != MAKE_RANDOM)
        return maker->how == MAKE_SPARSE ? 0 : 1000 + maker->count++;
    unsigned shift = (unsigned)random_below(maker, bits) + 64 - bits;
    return (int64_t)values_next(maker->seed) >> shift;
}

static struct mr_bytes make_random_text(struct maker *maker, bool utf8)
{
    size_t len = random_below(maker, 8) ? random_below(maker, 24) : random_below(maker, 300);
    char *text = mr_arena_alloc(maker->arena, len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = utf8 ? (char)(' ' + random_below(maker, 95)) : (char)random_below(maker, 256);
    if (utf8 && len >= 2 && random_below(maker, 4) == 0)
        memcpy(text, "\xc3\xa9", 2);
    return mr_bytes_of(text, len);
}

static struct mr_bytes make_text(struct maker *maker, const struct codec_field *field)
{
    if (maker->how == MAKE_RANDOM)
        return make_random_text(maker, field->kind == CODEC_STRING);
    if (maker->how == MAKE_SPARSE)
        return mr_cstr("");
    return mr_arena_printf(maker->arena, "%s %d", field->name, (int)maker->count++);
}

static void make_one(struct maker *maker, const struct codec_field *field, void *at)
{
    switch (field->kind) {
    case CODEC_STRING:
    case CODEC_BYTES:
        *(struct mr_bytes *)at = make_text(maker, field);
        break;
    case CODEC_INT:
        *(int32_t *)at = (int32_t)make_number(maker, 32);
        break;
    case CODEC_LONG:
        *(int64_t *)at = make_number(maker, 64);
        break;
    case CODEC_BOOLEAN:
        *(bool *)at =
            maker->how == MAKE_RANDOM ? random_below(maker, 2) : maker->how == MAKE_EXAMPLE;
        break;
    case CODEC_RECORD:
        make_value(maker, field->record, at);
        break;
    }
}

static void make_optional(struct maker *maker, const struct codec_field *field, char *ret_struct)
{
    bool there = maker->how == MAKE_RANDOM ? random_below(maker, 2) : maker->how == MAKE_EXAMPLE;
    if (!there)
        return;
    void *at = ret_struct + field->offset;
    if (field->kind == CODEC_RECORD) {
        void *inner = mr_arena_zalloc(maker->arena, field->record->size);
        *(void **)at = inner;
        at = inner;
    } else if (field->kind != CODEC_STRING && field->kind != CODEC_BYTES) {
        *(bool *)(ret_struct + field->beside) = true;
    }
    make_one(maker, field, at);
}

static void make_items(struct maker *maker, const struct codec_field *field, char *ret_struct)
{
    size_t count = maker->how == MAKE_RANDOM    ? random_below(maker, 5)
                   : maker->how == MAKE_EXAMPLE ? 2
                                                : 0;
    size_t size = field->kind == CODEC_RECORD ? field->record->size : sizeof(struct mr_bytes);
    if (field->shape == CODEC_MAP)
        size = sizeof(struct shop_map_entry);
    char *items = mr_arena_zalloc(maker->arena, count * size);
    for (size_t i = 0; i < count; i++) {
        if (field->shape != CODEC_MAP) {
            make_one(maker, field, items + i * size);
            continue;
        }
        struct shop_map_entry *entry = (struct shop_map_entry *)(void *)(items + i * size);
        entry->key = mr_arena_printf(maker->arena, "key %d", (int)i);
        make_one(maker, field, &entry->value);
    }
    *(void **)(void *)(ret_struct + field->offset) = items;
    *(size_t *)(void *)(ret_struct + field->beside) = count;
}

static void make_value(struct maker *maker, const struct codec_type *type, char *ret_struct)
{
    for (size_t i = 0; i < type->fields_count; i++) {
        const struct codec_field *field = &type->fields[i];
        if (field->shape == CODEC_ONE)
            make_one(maker, field, ret_struct + field->offset);
        else if (field->shape == CODEC_OPTIONAL)
            make_optional(maker, field, ret_struct);
        else
            make_items(maker, field, ret_struct);
    }
}

static const void *make_new(struct maker maker, const struct codec_type *type)
{
    void *value = mr_arena_zalloc(maker.arena, type->size);
    make_value(&maker, type, value);
    return value;
}

const void *
values_random(const struct codec_type *type, struct values_seed *seed, struct mr_arena *arena)
{
    return make_new((struct maker){.how = MAKE_RANDOM, .seed = seed, .arena = arena}, type);
}

const void *values_example(const struct codec_type *type, struct mr_arena *arena)
{
    return make_new((struct maker){.how = MAKE_EXAMPLE, .arena = arena}, type);
}

const void *values_sparse(const struct codec_type *type, struct mr_arena *arena)
{
    return make_new((struct maker){.how = MAKE_SPARSE, .arena = arena}, type);
}

static void fill_value(const struct codec_type *type, const char *from, avro_value_t *to);

static void check_avro(int failed)
{
    if (failed)
        (void)fprintf(stderr, "avro-c: %s\n", avro_strerror());
    assert(!failed);
}

static void fill_one(const struct codec_field *field, const void *from, avro_value_t *to)
{
    struct mr_bytes text;
    switch (field->kind) {
    case CODEC_STRING:
        text = *(const struct mr_bytes *)from;
        char *copy = strndup(text.ptr, text.len);
        check_avro(avro_value_set_string_len(to, copy, text.len + 1));
        free(copy);
        break;
    case CODEC_BYTES:
        text = *(const struct mr_bytes *)from;
        check_avro(avro_value_set_bytes(to, (void *)(uintptr_t)text.ptr, text.len));
        break;
    case CODEC_INT:
        check_avro(avro_value_set_int(to, *(const int32_t *)from));
        break;
    case CODEC_LONG:
        check_avro(avro_value_set_long(to, *(const int64_t *)from));
        break;
    case CODEC_BOOLEAN:
        check_avro(avro_value_set_boolean(to, *(const bool *)from));
        break;
    case CODEC_RECORD:
        fill_value(field->record, from, to);
        break;
    }
}

static void fill_optional(const struct codec_field *field, const char *from, avro_value_t *to)
{
    const void *at = from + field->offset;
    bool there;
    if (field->kind == CODEC_STRING || field->kind == CODEC_BYTES) {
        there = ((const struct mr_bytes *)at)->ptr != NULL;
    } else if (field->kind == CODEC_RECORD) {
        at = *(const void *const *)at;
        there = at != NULL;
    } else {
        there = *(const bool *)(from + field->beside);
    }
    avro_value_t branch;
    check_avro(avro_value_set_branch(to, there, &branch));
    if (there)
        fill_one(field, at, &branch);
    else
        check_avro(avro_value_set_null(&branch));
}

static void fill_items(const struct codec_field *field, const char *from, avro_value_t *to)
{
    const char *items = *(const char *const *)(const void *)(from + field->offset);
    size_t count = *(const size_t *)(const void *)(from + field->beside);
    size_t size = field->kind == CODEC_RECORD ? field->record->size : sizeof(struct mr_bytes);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        if (field->shape == CODEC_MANY) {
            check_avro(avro_value_append(to, &item, NULL));
            fill_one(field, items + i * size, &item);
            continue;
        }
        const struct shop_map_entry *entry = (const struct shop_map_entry *)(const void *)items + i;
        char *key = strndup(entry->key.ptr, entry->key.len);
        check_avro(avro_value_add(to, key, &item, NULL, NULL));
        free(key);
        fill_one(field, &entry->value, &item);
    }
}

/* A field of the writer's that we do not have. */
static void fill_unknown(avro_value_t *to)
{
    switch ((int)avro_value_get_type(to)) {
    case AVRO_STRING:
        check_avro(avro_value_set_string(to, "not for you"));
        break;
    case AVRO_INT64:
        check_avro(avro_value_set_long(to, -12345));
        break;
    case AVRO_UNION: {
        avro_value_t branch;
        check_avro(avro_value_set_branch(to, 1, &branch));
        fill_unknown(&branch);
        break;
    }
    default:
        break;
    }
}

static const struct codec_field *find_field(const struct codec_type *type, const char *name)
{
    for (size_t i = 0; i < type->fields_count; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

static void fill_value(const struct codec_type *type, const char *from, avro_value_t *to)
{
    size_t count = 0;
    check_avro(avro_value_get_size(to, &count));
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        avro_value_t member;
        check_avro(avro_value_get_by_index(to, i, &member, &name));
        const struct codec_field *field = find_field(type, name);
        if (!field)
            fill_unknown(&member);
        else if (field->shape == CODEC_ONE)
            fill_one(field, from + field->offset, &member);
        else if (field->shape == CODEC_OPTIONAL)
            fill_optional(field, from, &member);
        else
            fill_items(field, from, &member);
    }
}

void values_encode_by_avro(
    const struct codec_type *type, struct mr_bytes schema, const void *value, struct mr_buffer *out)
{
    avro_schema_t parsed;
    check_avro(avro_schema_from_json_length(schema.ptr, schema.len, &parsed));
    avro_value_iface_t *iface = avro_generic_class_from_schema(parsed);
    avro_value_t generic;
    check_avro(avro_generic_value_new(iface, &generic));
    fill_value(type, value, &generic);
    size_t size;
    check_avro(avro_value_sizeof(&generic, &size));
    char *at = mr_buffer_reserve(out, size);
    avro_writer_t writer = avro_writer_memory(at, (int64_t)size);
    check_avro(avro_value_write(writer, &generic));
    out->len += (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    avro_value_decref(&generic);
    avro_value_iface_decref(iface);
    avro_schema_decref(parsed);
}

static void set_default(const struct codec_field *field, char *value)
{
    void *at = value + field->offset;
    if (field->shape == CODEC_OPTIONAL && field->kind == CODEC_RECORD)
        *(const void **)at = NULL;
    else if (field->shape == CODEC_MANY || field->shape == CODEC_MAP)
        *(size_t *)(void *)(value + field->beside) = 0;
    else if (field->kind == CODEC_STRING || field->kind == CODEC_BYTES)
        *(struct mr_bytes *)at = field->default_text;
    else if (field->shape == CODEC_OPTIONAL)
        *(bool *)(value + field->beside) = false;
    else if (field->kind == CODEC_BOOLEAN)
        *(bool *)at = field->default_number != 0;
    else if (field->kind == CODEC_INT)
        *(int32_t *)at = (int32_t)field->default_number;
    else if (field->kind == CODEC_LONG)
        *(int64_t *)at = field->default_number;
}

void values_set_defaults(const struct codec_type *type, void *value)
{
    for (size_t i = 0; i < type->fields_count; i++) {
        const struct codec_field *field = &type->fields[i];
        char *at = (char *)value + field->offset;
        if (field->has_default) {
            set_default(field, value);
        } else if (field->kind == CODEC_RECORD && field->shape == CODEC_ONE) {
            values_set_defaults(field->record, at);
        } else if (field->kind == CODEC_RECORD && field->shape == CODEC_MANY) {
            char *items = *(char **)(void *)at;
            size_t count = *(size_t *)(void *)((char *)value + field->beside);
            for (size_t j = 0; j < count; j++)
                values_set_defaults(field->record, items + j * field->record->size);
        }
    }
}
