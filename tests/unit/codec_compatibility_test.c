/* codec_compatibility_test.c - which schema can read what which other wrote, rule by rule. */
#include <tests/cmocka.h>

#include "compatibility.h"

#include <schemas/shop.h>

static int check_schemas(const char *reader, const char *writer, struct mr_error *error)
{
    struct mr_arena arena = {0};
    const struct avsc_node *reading = NULL;
    const struct avsc_node *written = NULL;
    assert_int_equal(avsc_parse(mr_cstr(reader), &arena, &reading, error), 0);
    assert_int_equal(avsc_parse(mr_cstr(writer), &arena, &written, error), 0);
    int err = compatibility_check(reading, written, error);
    mr_arena_clean_up(&arena);
    return err;
}

static void reads_schema(const char *reader, const char *writer)
{
    struct mr_error error = {0};
    if (check_schemas(reader, writer, &error))
        fail_msg("%s", error.text);
}

static void does_not_read(const char *reader, const char *writer, const char *words)
{
    struct mr_error error = {0};
    assert_int_equal(check_schemas(reader, writer, &error), MR_CONFLICT);
    assert_string_equal(error.text, words);
}

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type)    "{\"name\":\"" name "\",\"type\":" type "}"
#define DEFAULTED(name, type, value)                                                               \
    "{\"name\":\"" name "\",\"type\":" type ",\"default\":" value "}"

#define A RECORD("R", FIELD("a", "\"int\""))

static void a_schema_reads_itself(void **state)
{
    (void)state;
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++)
        reads_schema(shop_types[id].schema.ptr, shop_types[id].schema.ptr);
}

static void a_field_may_be_added_with_a_default_only(void **state)
{
    (void)state;
    reads_schema(RECORD("R", FIELD("a", "\"int\"") "," DEFAULTED("b", "\"long\"", "7")), A);
    reads_schema(
        RECORD("R", DEFAULTED("b", "[\"null\",\"string\"]", "null") "," FIELD("a", "\"int\"")), A);
    does_not_read(
        RECORD("R", FIELD("a", "\"int\"") "," FIELD("b", "\"long\"")),
        A,
        "R.b: is not written and has no default");
}

static void a_field_may_go(void **state)
{
    (void)state;
    reads_schema(A, RECORD("R", FIELD("b", "\"string\"") "," FIELD("a", "\"int\"")));
}

static void a_record_keeps_its_simple_name(void **state)
{
    (void)state;
    reads_schema(RECORD("new.R", FIELD("a", "\"int\"")), RECORD("old.R", FIELD("a", "\"int\"")));
    does_not_read(A, RECORD("S", FIELD("a", "\"int\"")), "R: R cannot be read from S");
}

static void numbers_widen_and_do_not_narrow(void **state)
{
    (void)state;
    const char *kinds[] = {"\"int\"", "\"long\"", "\"float\"", "\"double\""};
    struct mr_error error;
    for (int reader = 0; reader < 4; reader++)
        for (int writer = 0; writer < 4; writer++)
            assert_int_equal(
                check_schemas(kinds[reader], kinds[writer], &error),
                reader >= writer ? 0 : MR_CONFLICT);
}

static void texts_and_bytes_read_each_other_and_nothing_else(void **state)
{
    (void)state;
    reads_schema("\"string\"", "\"bytes\"");
    reads_schema("\"bytes\"", "\"string\"");
    does_not_read("\"string\"", "\"int\"", "the schema: string cannot be read from int");
    does_not_read("\"long\"", "\"string\"", "the schema: long cannot be read from string");
    does_not_read("\"boolean\"", "\"int\"", "the schema: boolean cannot be read from int");
}

static void a_value_may_become_optional_but_not_the_reverse(void **state)
{
    (void)state;
    reads_schema("[\"null\",\"long\"]", "\"int\"");
    does_not_read("\"long\"", "[\"null\",\"long\"]", "the schema: long cannot be read from null");
    reads_schema("[\"null\",\"long\",\"string\"]", "[\"null\",\"long\"]");
    does_not_read(
        "[\"null\",\"long\"]",
        "[\"null\",\"string\"]",
        "the schema: union cannot be read from string");
}

static void the_message_names_the_field_deep_inside(void **state)
{
    (void)state;
#define ORDER(quantity)                                                                            \
    RECORD(                                                                                        \
        "Order",                                                                                   \
        FIELD(                                                                                     \
            "lines",                                                                               \
            "{\"type\":\"array\",\"items\":" RECORD("Line", FIELD("quantity", quantity)) "}"))
    does_not_read(
        ORDER("\"int\""), ORDER("\"string\""), "Line.quantity: int cannot be read from string");
}

static void containers_are_judged_by_what_is_in_them(void **state)
{
    (void)state;
    reads_schema(
        "{\"type\":\"array\",\"items\":\"long\"}", "{\"type\":\"array\",\"items\":\"int\"}");
    does_not_read(
        "{\"type\":\"map\",\"values\":\"int\"}",
        "{\"type\":\"map\",\"values\":\"long\"}",
        "the schema: int cannot be read from long");
    does_not_read(
        "{\"type\":\"map\",\"values\":\"int\"}",
        "{\"type\":\"array\",\"items\":\"int\"}",
        "the schema: map cannot be read from array");
}

static void an_enum_needs_every_written_symbol_or_a_default(void **state)
{
    (void)state;
    const char *ab = "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}";
    const char *a = "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}";
    const char *a_else = "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"A\"}";
    reads_schema(ab, a);
    does_not_read(a, ab, "E: the symbol B is not known");
    reads_schema(a_else, ab);
}

static void a_fixed_keeps_its_size(void **state)
{
    (void)state;
    const char *four = "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}";
    const char *five = "{\"type\":\"fixed\",\"name\":\"F\",\"size\":5}";
    reads_schema(four, four);
    does_not_read(four, five, "F: another size");
}

static void recursion_ends(void **state)
{
    (void)state;
    const char *list = "{\"type\":\"record\",\"name\":\"L\",\"fields\":["
                       "{\"name\":\"v\",\"type\":\"long\"},"
                       "{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}";
    const char *narrow = "{\"type\":\"record\",\"name\":\"L\",\"fields\":["
                         "{\"name\":\"next\",\"type\":[\"null\",\"L\"]},"
                         "{\"name\":\"v\",\"type\":\"int\"}]}";
    reads_schema(list, list);
    reads_schema(list, narrow);
    struct mr_error error = {0};
    assert_int_equal(check_schemas(narrow, list, &error), MR_CONFLICT);
}

static void a_text_that_is_not_a_schema_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "",
        "{",
        "7",
        "\"strin\"",
        "{\"type\":\"record\"}",
        "{\"type\":\"record\",\"name\":\"R\"}",
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{}]}",
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\"}]}",
        "{\"type\":\"array\"}",
        "{\"type\":\"enum\",\"name\":\"E\"}",
        "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}",
        "[\"null\",\"nothing\"]"};
    struct mr_arena arena = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct avsc_node *node = NULL;
        struct mr_error error = {0};
        assert_int_equal(avsc_parse(mr_cstr(bad[i]), &arena, &node, &error), MR_MALFORMED);
        assert_non_null(strstr(error.text, "no Avro schema"));
        assert_null(node);
    }
    mr_arena_clean_up(&arena);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    enum { DEPTH = 1000 };
    struct mr_arena arena = {0};
    struct mr_buffer text = {0};
    for (int i = 0; i < DEPTH; i++)
        mr_buffer_add(&text, mr_cstr("{\"type\":"));
    mr_buffer_add(&text, mr_cstr("\"int\""));
    for (int i = 0; i < DEPTH; i++)
        mr_buffer_add_byte(&text, '}');
    const struct avsc_node *node = NULL;
    assert_int_equal(avsc_parse(mr_buffer_view(&text), &arena, &node, NULL), MR_MALFORMED);
    mr_buffer_clean_up(&text);
    mr_arena_clean_up(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_reads_itself),
        cmocka_unit_test(a_field_may_be_added_with_a_default_only),
        cmocka_unit_test(a_field_may_go),
        cmocka_unit_test(a_record_keeps_its_simple_name),
        cmocka_unit_test(numbers_widen_and_do_not_narrow),
        cmocka_unit_test(texts_and_bytes_read_each_other_and_nothing_else),
        cmocka_unit_test(a_value_may_become_optional_but_not_the_reverse),
        cmocka_unit_test(the_message_names_the_field_deep_inside),
        cmocka_unit_test(containers_are_judged_by_what_is_in_them),
        cmocka_unit_test(an_enum_needs_every_written_symbol_or_a_default),
        cmocka_unit_test(a_fixed_keeps_its_size),
        cmocka_unit_test(recursion_ends),
        cmocka_unit_test(a_text_that_is_not_a_schema_is_refused),
        cmocka_unit_test(nesting_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
