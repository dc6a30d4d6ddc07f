/* codec_foreign_test.c - records of writers with another schema: read by avro-c, bound to our
 * struct by name. */
#include <tests/cmocka.h>

#include "values.h"

#include <jansson.h>

enum { WRITER_ID = 9000, ROUNDS = 10 };

struct fixture {
    struct codec_registry *registry;
    struct mr_arena arena;
    struct mr_buffer framed;
    struct codec_message message;
    struct mr_error error;
};

static int set_up_registry(void **state)
{
    struct fixture *f = mr_calloc(1, sizeof *f);
    f->registry = codec_registry_new_local();
    *state = f;
    return 0;
}

static int tear_down_registry(void **state)
{
    struct fixture *f = *state;
    codec_registry_free(f->registry);
    mr_arena_clean_up(&f->arena);
    mr_buffer_clean_up(&f->framed);
    free(f);
    return 0;
}

/* Put `schema` under `schema_id`, with a subject of its own. */
static void register_text(struct fixture *f, int schema_id, const char *schema)
{
    char *subject = mr_asprintf("some.topic-%d", schema_id);
    json_t *key = json_pack(
        "{s:s,s:s,s:i,s:i}", "keytype", "SCHEMA", "subject", subject, "version", 1, "magic", 1);
    json_t *value = json_pack("{s:i,s:s}", "id", schema_id, "schema", schema);
    char *key_text = json_dumps(key, 0);
    char *value_text = json_dumps(value, 0);
    struct mr_error error = {0};
    if (codec_registry_apply(f->registry, mr_cstr(key_text), mr_cstr(value_text), &error))
        fail_msg("%s", error.text);
    json_decref(key);
    json_decref(value);
    free(key_text);
    free(value_text);
    free(subject);
}

static void frame_bytes(struct fixture *f, int schema_id)
{
    mr_buffer_reset(&f->framed);
    mr_buffer_add_byte(&f->framed, 0);
    mr_put_be32(mr_buffer_reserve(&f->framed, 4), (uint32_t)schema_id);
    f->framed.len += 4;
}

/* A record of `schema` with these bytes. */
static int
decode_foreign(struct fixture *f, int schema_id, const char *schema, const char *bare, size_t len)
{
    register_text(f, schema_id, schema);
    frame_bytes(f, schema_id);
    mr_buffer_add(&f->framed, mr_bytes_of(bare, len));
    return codec_decode(f->registry, mr_buffer_view(&f->framed), &f->arena, &f->message, &f->error);
}

static void error_says(const struct fixture *f, const char *words)
{
    if (!strstr(f->error.text, words))
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, words);
}

#define SEALED(fields)                                                                             \
    "{\"type\":\"record\",\"name\":\"Sealed\",\"namespace\":\"shop.common\",\"fields\":[" fields   \
    "]}"
#define POSITION(fields)                                                                           \
    "{\"type\":\"record\",\"name\":\"Position\",\"namespace\":\"shop.gateway\",\"fields\":"        \
    "[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

static void a_missing_field_gets_its_default(void **state)
{
    struct fixture *f = *state;
    const char *schema = SEALED(
        FIELD("key_id", "\"string\"") "," FIELD("nonce", "\"bytes\"") "," FIELD("ct", "\"bytes\""));
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x02k\x02n\x04\x00\xff", 7), 0);
    assert_int_equal(f->message.id, SHOP_SEALED);
    const struct shop_sealed *sealed = f->message.value;
    assert_true(mr_bytes_equal(sealed->key_id, mr_cstr("k")));
    assert_true(mr_bytes_equal(sealed->alg, mr_cstr("XC20P")));
    assert_true(mr_bytes_equal(sealed->ct, mr_bytes_of("\x00\xff", 2)));
}

static void a_missing_field_without_default_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *schema = POSITION(FIELD("topic", "\"string\"") "," FIELD("partition", "\"int\""));
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x02t\x02", 3), MR_MALFORMED);
    error_says(f, "Position.next_offset: is missing and has no default");
}

static void numbers_and_texts_are_promoted(void **state)
{
    struct fixture *f = *state;
    const char *schema = POSITION(FIELD("topic", "\"bytes\"") "," FIELD(
        "partition", "\"int\"") "," FIELD("next_offset", "\"int\""));
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x02t\x02\x03", 4), 0);
    const struct shop_position *position = f->message.value;
    assert_true(mr_bytes_equal(position->topic, mr_cstr("t")));
    assert_int_equal(position->partition, 1);
    assert_int_equal(position->next_offset, -2);
}

static void what_cannot_be_promoted_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *schema = POSITION(FIELD("topic", "\"string\"") "," FIELD(
        "partition", "\"long\"") "," FIELD("next_offset", "\"long\""));
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x02t\x02\x03", 4), MR_MALFORMED);
    error_says(f, "Position.partition: was written as something that is not an int");
    schema = POSITION(FIELD("topic", "\"double\"") "," FIELD("partition", "\"int\"") "," FIELD(
        "next_offset", "\"long\""));
    assert_int_equal(
        decode_foreign(f, WRITER_ID + 1, schema, "\0\0\0\0\0\0\0\0\x02\x03", 10), MR_MALFORMED);
    error_says(f, "Position.topic: was written as something that is not a string");
}

static void a_union_is_what_was_written_in_it(void **state)
{
    struct fixture *f = *state;
    const char *schema = POSITION(FIELD("topic", "[\"long\",\"null\",\"string\"]") "," FIELD(
        "partition", "\"int\"") "," FIELD("next_offset", "[\"null\",\"int\",\"long\"]"));
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x04\x02t\x02\x02\x08", 6), 0);
    const struct shop_position *position = f->message.value;
    assert_true(mr_bytes_equal(position->topic, mr_cstr("t")));
    assert_int_equal(position->next_offset, 4);
    frame_bytes(f, WRITER_ID);
    mr_buffer_add(&f->framed, mr_bytes_of("\x02\x02\x02\x08", 4)); /* topic is null. */
    assert_int_equal(
        codec_decode(f->registry, mr_buffer_view(&f->framed), &f->arena, &f->message, &f->error),
        MR_MALFORMED);
    error_says(f, "Position.topic: was written as something that is not a string");
}

static void bytes_that_do_not_fit_the_writers_schema_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *schema =
        POSITION(FIELD("gone", "{\"type\":\"array\",\"items\":\"null\"}") "," FIELD(
            "topic",
            "\"string\"") "," FIELD("partition", "\"int\"") "," FIELD("next_offset", "\"long\""));
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x04\x00\x02t\x02\x03", 6), 0);
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x04\x00\x02t\x02", 5), MR_MALFORMED);
    error_says(f, "shop.gateway.Position: truncated at next_offset, byte 5 of 5");
    assert_int_equal(
        decode_foreign(f, WRITER_ID, schema, "\x04\x00\x02t\x02\x03!", 7), MR_MALFORMED);
    error_says(f, "bytes left over");
    /* A billion nulls in no bytes. */
    assert_int_equal(
        decode_foreign(f, WRITER_ID, schema, "\x80\xa8\xd6\xb9\x07\x00\x02t\x02\x03", 10),
        MR_MALFORMED);
    error_says(f, "more items than there are bytes for at gone");
    /* A string of 2^40 bytes. */
    assert_int_equal(
        decode_foreign(f, WRITER_ID, schema, "\x00\x80\x80\x80\x80\x80\x40t", 8), MR_MALFORMED);
    error_says(f, "truncated at topic");
}

static void a_record_that_is_not_compiled_in_is_named(void **state)
{
    struct fixture *f = *state;
    const char *schema = "{\"type\":\"record\",\"name\":\"Gift\",\"namespace\":\"shop.sales\","
                         "\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}";
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x02", 1), MR_MALFORMED);
    error_says(f, "shop.sales.Gift is not a record that is compiled in");
    assert_int_equal(decode_foreign(f, WRITER_ID + 1, "\"string\"", "\x02z", 2), MR_MALFORMED);
    error_says(f, "string is not a record");
    assert_int_equal(decode_foreign(f, WRITER_ID + 2, "syntax = proto3;", "\x02", 1), MR_MALFORMED);
    error_says(f, "no Avro schema");
}

/* Rewrites of a schema's JSON, applied to it and to every record inside it. */
typedef void rewrite_function(json_t *fields);

static void rewrite_schema(json_t *json, rewrite_function *change)
{
    json_t *inner;
    size_t index;
    const char *key;
    json_array_foreach(json, index, inner)
    {
        rewrite_schema(inner, change);
    }
    json_object_foreach(json, key, inner)
    {
        rewrite_schema(inner, change);
    }
    json_t *fields = json_object_get(json, "fields");
    if (fields)
        change(fields);
}

/* The last field first; only if the definitions it carries are not used before them. */
static void move_fields(json_t *fields)
{
    for (size_t i = 0; i + 1 < json_array_size(fields); i++) {
        json_t *type = json_object_get(json_array_get(fields, json_array_size(fields) - 1), "type");
        if (!json_is_string(type) || strchr(json_string_value(type), '.') ||
            strcmp(json_string_value(type), "Money") == 0)
            return;
        json_t *last = json_incref(json_array_get(fields, json_array_size(fields) - 1));
        json_array_remove(fields, json_array_size(fields) - 1);
        json_array_insert_new(fields, i, last);
    }
}

static void add_fields(json_t *fields)
{
    json_array_insert_new(fields, 0, json_pack("{s:s,s:s}", "name", "gone_a", "type", "string"));
    json_array_insert_new(
        fields, 1, json_pack("{s:s,s:[s,s]}", "name", "gone_b", "type", "null", "string"));
    json_array_append_new(fields, json_pack("{s:s,s:s}", "name", "gone_c", "type", "long"));
}

static bool defines_a_type(const json_t *json)
{
    const json_t *inner;
    size_t index;
    const char *key;
    if (json_object_get(json, "fields"))
        return true;
    json_array_foreach(json, index, inner)
    {
        if (defines_a_type(inner))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)json, key, inner)
    {
        if (defines_a_type(inner))
            return true;
    }
    return false;
}

static bool all_droppable;

/* Drop what has a default, unless a type is spelt out in it that is used further on. */
static void drop_defaults(json_t *fields)
{
    for (size_t i = json_array_size(fields); i-- > 0;) {
        const json_t *field = json_array_get(fields, i);
        if (!json_object_get(field, "default"))
            continue;
        if (defines_a_type(field))
            all_droppable = false;
        else
            json_array_remove(fields, i);
    }
}

static char *rewritten_schema(const struct codec_type *type, rewrite_function *change)
{
    json_t *json = json_loadb(type->schema.ptr, type->schema.len, 0, NULL);
    rewrite_schema(json, change);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static const void *read_through(
    struct fixture *f, const struct codec_type *type, const char *schema, const void *value)
{
    frame_bytes(f, WRITER_ID + codec_type_id(type));
    values_encode_by_avro(type, mr_cstr(schema), value, &f->framed);
    struct mr_bytes framed = mr_buffer_view(&f->framed);
    if (codec_decode(f->registry, framed, &f->arena, &f->message, &f->error))
        fail_msg("%s: %s", type->name, f->error.text);
    assert_ptr_equal(f->message.type, type);
    return f->message.value;
}

static void every_type_reads_right_through(struct fixture *f, rewrite_function *change)
{
    struct values_seed seed = {21};
    int changed = 0;
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        char *schema = rewritten_schema(type, change);
        register_text(f, WRITER_ID + id, schema);
        changed += !mr_bytes_equal(mr_cstr(schema), type->schema);
        for (int round = 0; round < ROUNDS; round++) {
            const void *value = values_random(type, &seed, &f->arena);
            if (!codec_equal(type, value, read_through(f, type, schema, value)))
                fail_msg("%s: another value came back", type->name);
        }
        free(schema);
        mr_arena_reset(&f->arena);
    }
    assert_in_range(changed, SHOP_TYPE_COUNT / 2, SHOP_TYPE_COUNT);
}

static void fields_may_have_moved_in_every_type(void **state)
{
    every_type_reads_right_through(*state, move_fields);
}

static void fields_that_are_gone_are_skipped_in_every_type(void **state)
{
    every_type_reads_right_through(*state, add_fields);
}

static void missing_fields_get_their_defaults_in_every_type(void **state)
{
    struct fixture *f = *state;
    struct values_seed seed = {22};
    int seen = 0;
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        all_droppable = true;
        char *schema = rewritten_schema(type, drop_defaults);
        if (all_droppable) {
            register_text(f, WRITER_ID + id, schema);
            void *value = (void *)(uintptr_t)values_random(type, &seed, &f->arena);
            const void *back = read_through(f, type, schema, value);
            values_set_defaults(type, value);
            if (!codec_equal(type, value, back))
                fail_msg("%s: other defaults", type->name);
            seen++;
        }
        free(schema);
        mr_arena_reset(&f->arena);
    }
    assert_in_range(seen, SHOP_TYPE_COUNT / 2, SHOP_TYPE_COUNT);
}

static void a_foreign_record_owns_its_strings(void **state)
{
    struct fixture *f = *state;
    const char *schema = POSITION(FIELD("topic", "\"string\"") "," FIELD(
        "partition", "\"int\"") "," FIELD("next_offset", "\"int\""));
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x02t\x02\x03", 4), 0);
    const struct shop_position *first = f->message.value;
    assert_int_equal(decode_foreign(f, WRITER_ID, schema, "\x02u\x02\x03", 4), 0);
    memset(f->framed.ptr, 0, f->framed.len);
    assert_true(mr_bytes_equal(first->topic, mr_cstr("t")));
}

/* The same schema under an id that no subject of ours has, spelt with other spacing. */
static void our_own_schema_under_another_id_is_read_too(void **state)
{
    struct fixture *f = *state;
    const struct codec_type *type = &shop_types[SHOP_ORDER_PLACED];
    json_t *json = json_loadb(type->schema.ptr, type->schema.len, 0, NULL);
    char *schema = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);
    register_text(f, WRITER_ID, schema);
    frame_bytes(f, WRITER_ID);
    const void *value = values_example(type, &f->arena);
    type->encode(value, &f->framed);
    struct mr_bytes framed = mr_buffer_view(&f->framed);
    assert_int_equal(codec_decode(f->registry, framed, &f->arena, &f->message, &f->error), 0);
    assert_true(codec_equal(type, value, f->message.value));
    free(schema);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_missing_field_gets_its_default, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            a_missing_field_without_default_is_refused, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            numbers_and_texts_are_promoted, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            what_cannot_be_promoted_is_refused, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            a_union_is_what_was_written_in_it, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            bytes_that_do_not_fit_the_writers_schema_are_refused,
            set_up_registry,
            tear_down_registry),
        cmocka_unit_test_setup_teardown(
            a_record_that_is_not_compiled_in_is_named, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            fields_may_have_moved_in_every_type, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            fields_that_are_gone_are_skipped_in_every_type, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            missing_fields_get_their_defaults_in_every_type, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            a_foreign_record_owns_its_strings, set_up_registry, tear_down_registry),
        cmocka_unit_test_setup_teardown(
            our_own_schema_under_another_id_is_read_too, set_up_registry, tear_down_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
