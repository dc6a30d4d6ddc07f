/* http_json_test.c - request bodies are read strictly, answers are written exactly. */
#include <http/json.h>

#include <tests/cmocka.h>

#include <stdio.h>

#include <stdlib.h>

struct order_body {
    struct mr_bytes product_id;
    int64_t quantity;
    bool gift;
    bool total_given;
    int64_t amount_minor;
    struct mr_bytes currency;
    struct mr_bytes address;
};

struct fixture {
    struct mr_arena arena;
    struct http_json_errors errors;
    struct mr_error error;
    struct order_body body;
};

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    mr_arena_clean_up(&fixture->arena);
    free(fixture);
    return 0;
}

static int read_body(struct fixture *fixture, const char *text, size_t len)
{
    struct order_body *body = &fixture->body;
    const struct http_json_field total[] = {
        {.name = "amount_minor",
         .kind = HTTP_JSON_INTEGER,
         .required = true,
         .out = &body->amount_minor},
        {.name = "currency",
         .kind = HTTP_JSON_TEXT,
         .required = true,
         .min = 3,
         .max = 3,
         .out = &body->currency},
    };
    const struct http_json_field fields[] = {
        {.name = "product_id",
         .kind = HTTP_JSON_TEXT,
         .required = true,
         .min = 1,
         .max = 8,
         .out = &body->product_id},
        {.name = "quantity",
         .kind = HTTP_JSON_INTEGER,
         .required = true,
         .min = 1,
         .max = 999,
         .out = &body->quantity},
        {.name = "gift", .kind = HTTP_JSON_BOOL, .out = &body->gift},
        {.name = "total",
         .kind = HTTP_JSON_OBJECT,
         .fields = total,
         .fields_count = 2,
         .out = &body->total_given},
        {.name = "address", .kind = HTTP_JSON_ANY, .out = &body->address},
    };
    return http_json_read(
        mr_bytes_of(text, len),
        fields,
        sizeof fields / sizeof fields[0],
        &fixture->arena,
        &fixture->errors,
        &fixture->error);
}

static int read_text(struct fixture *fixture, const char *text)
{
    return read_body(fixture, text, strlen(text));
}

static void
expect_error(struct fixture *fixture, const char *text, const char *pointer, const char *code)
{
    assert_int_equal(read_text(fixture, text), MR_INVALID);
    assert_int_equal(fixture->errors.count, 1);
    assert_string_equal(fixture->errors.items[0].pointer.ptr, pointer);
    assert_string_equal(fixture->errors.items[0].code, code);
}

static void expect_text(struct mr_bytes text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void good_body_fills_every_field(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        read_text(
            fixture,
            "{\"product_id\":\"prd_\\u00e9\",\"quantity\":3,\"gift\":true,\"total\":"
            "{\"amount_minor\":-5,\"currency\":\"GBP\"},\"address\":{\"z\":1,\"a\":[true]}}"),
        0);
    expect_text(fixture->body.product_id, "prd_\xc3\xa9");
    assert_int_equal(fixture->body.quantity, 3);
    assert_true(fixture->body.gift);
    assert_true(fixture->body.total_given);
    assert_int_equal(fixture->body.amount_minor, -5);
    expect_text(fixture->body.currency, "GBP");
    expect_text(fixture->body.address, "{\"z\":1,\"a\":[true]}");
}

static void absent_and_null_optional_fields_stay_untouched(void **state)
{
    struct fixture *fixture = *state;
    fixture->body.gift = true;
    assert_int_equal(read_text(fixture, "{\"product_id\":\"p\",\"quantity\":1,\"gift\":null}"), 0);
    assert_true(fixture->body.gift);
    assert_false(fixture->body.total_given);
    assert_null(fixture->body.address.ptr);
}

static void a_whole_number_may_have_a_fraction_of_zero(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(read_text(fixture, "{\"product_id\":\"p\",\"quantity\":7.0}"), 0);
    assert_int_equal(fixture->body.quantity, 7);
    expect_error(fixture, "{\"product_id\":\"p\",\"quantity\":1e300}", "/quantity", "type");
}

static void texts_are_bounded_in_characters(void **state)
{
    struct fixture *fixture = *state;
    /* Eight of three bytes each, then nine. */
    static const char eight[] = "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                                "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac";
    char text[128];
    (void)snprintf(text, sizeof text, "{\"product_id\":\"%s\",\"quantity\":1}", eight);
    assert_int_equal(read_text(fixture, text), 0);
    expect_text(fixture->body.product_id, eight);
    (void)snprintf(text, sizeof text, "{\"product_id\":\"%sx\",\"quantity\":1}", eight);
    expect_error(fixture, text, "/product_id", "length");
}

static void mistakes_are_pointed_at(void **state)
{
    struct fixture *fixture = *state;
    expect_error(fixture, "{\"quantity\":1}", "/product_id", "required");
    expect_error(fixture, "{\"product_id\":null,\"quantity\":1}", "/product_id", "type");
    expect_error(fixture, "{\"product_id\":7,\"quantity\":1}", "/product_id", "type");
    expect_error(fixture, "{\"product_id\":\"\",\"quantity\":1}", "/product_id", "length");
    expect_error(fixture, "{\"product_id\":\"123456789\",\"quantity\":1}", "/product_id", "length");
    expect_error(fixture, "{\"product_id\":\"p\",\"quantity\":0}", "/quantity", "range");
    expect_error(fixture, "{\"product_id\":\"p\",\"quantity\":1000}", "/quantity", "range");
    expect_error(fixture, "{\"product_id\":\"p\",\"quantity\":1.5}", "/quantity", "type");
    expect_error(fixture, "{\"product_id\":\"p\",\"quantity\":\"1\"}", "/quantity", "type");
    expect_error(fixture, "{\"product_id\":\"p\",\"quantity\":1,\"gift\":1}", "/gift", "type");
    expect_error(fixture, "{\"product_id\":\"p\",\"quantity\":1,\"total\":[]}", "/total", "type");
    expect_error(
        fixture,
        "{\"product_id\":\"p\",\"quantity\":1,\"total\":{\"amount_minor\":1}}",
        "/total/currency",
        "required");
    expect_error(
        fixture, "{\"product_id\":\"p\",\"quantity\":1,\"address\":3}", "/address", "type");
    expect_error(fixture, "[]", "", "type");
}

static void unknown_fields_are_refused_with_an_escaped_pointer(void **state)
{
    struct fixture *fixture = *state;
    expect_error(
        fixture, "{\"product_id\":\"p\",\"quantity\":1,\"a/b~c\":1}", "/a~1b~0c", "unknown");
    expect_error(
        fixture,
        "{\"product_id\":\"p\",\"quantity\":1,\"total\":{\"amount_minor\":1,\"currency\":\"GBP\","
        "\"x\":1}}",
        "/total/x",
        "unknown");
}

static void errors_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct mr_buffer text = {0};
    mr_buffer_printf(&text, "{");
    for (int i = 0; i < 100; i++)
        mr_buffer_printf(&text, "\"f%d\":1,", i);
    mr_buffer_printf(&text, "\"quantity\":1}");
    assert_int_equal(read_body(fixture, text.ptr, text.len), MR_INVALID);
    assert_int_equal(fixture->errors.count, HTTP_JSON_ERRORS_MAX);
    mr_buffer_clean_up(&text);
}

static void text_that_is_not_json_is_malformed(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[] = {
        "",
        "{",
        "{}}",
        "{\"a\":1,}",
        "{'a':1}",
        "nul",
        "\"text\"",
        "{\"product_id\":\"p\",\"product_id\":\"q\",\"quantity\":1}",
        "{\"product_id\":\"\\ud800\",\"quantity\":1}",
        "{\"product_id\":\"\xff\",\"quantity\":1}",
        "{\"product_id\":\"\xc0\xaf\",\"quantity\":1}",
        "{\"quantity\":01}",
        "{\"quantity\":NaN}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_text(fixture, bad[i]) != MR_MALFORMED)
            fail_msg("taken for JSON: %s", bad[i]);
    assert_int_equal(read_body(fixture, "{\"quantity\":1\0}", 15), MR_MALFORMED);
}

static void json_beyond_what_is_read_is_not_called_malformed(void **state)
{
    struct fixture *fixture = *state;
    static const char *const beyond[] = {
        "{\"product_id\":\"a\\u0000b\",\"quantity\":1}",
        "{\"quantity\":99999999999999999999}",
    };
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++)
        if (read_text(fixture, beyond[i]) != MR_TOO_LARGE)
            fail_msg("not refused for a limit: %s", beyond[i]);
}

static void depth_is_bounded_before_parsing(void **state)
{
    struct fixture *fixture = *state;
    char text[4001];
    memset(text, '[', sizeof text);
    assert_int_equal(read_body(fixture, text, sizeof text), MR_TOO_LARGE);
    assert_non_null(strstr(fixture->error.text, "at most 16 levels"));
    /* Brackets inside of strings do not count. */
    assert_int_equal(
        read_text(
            fixture,
            "{\"product_id\":\"p\",\"quantity\":1,\"address\":"
            "{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[\"}}"),
        0);
}

static void the_clients_text_is_not_repeated_in_the_error(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(read_text(fixture, "{\"product_id\": secret}"), MR_MALFORMED);
    assert_null(strstr(fixture->error.text, "secret"));
}

static void writer_escapes_what_must_be_escaped(void **state)
{
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    (void)state;
    json_w_object(&w);
    json_w_key_text(&w, "a", mr_bytes_of("q\"\\\n\t\x01/\xc3\xa9\x7f", 10));
    json_w_key_text(&w, "none", mr_bytes_of(NULL, 0));
    json_w_key(&w, "list");
    json_w_array(&w);
    json_w_integer(&w, INT64_MIN);
    json_w_integer(&w, 0);
    json_w_integer(&w, INT64_MAX);
    json_w_bool(&w, false);
    json_w_array(&w);
    json_w_array_end(&w);
    json_w_object(&w);
    json_w_object_end(&w);
    json_w_array_end(&w);
    json_w_key_time(&w, "at", INT64_C(1788257700123));
    json_w_key_time(&w, "before", -1);
    json_w_object_end(&w);
    expect_text(
        mr_buffer_view(&out),
        "{\"a\":\"q\\\"\\\\\\n\\t\\u0001/"
        "\xc3\xa9\x7f\",\"none\":null,\"list\":[-9223372036854775808,"
        "0,9223372036854775807,false,[],{}],\"at\":\"2026-09-01T10:15:00.123Z\","
        "\"before\":\"1969-12-31T23:59:59.999Z\"}");
    mr_buffer_clean_up(&out);
}

static void utf8_is_checked_by_the_letter(void **state)
{
    static const char *const good[] = {
        "",
        "a",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",
        "\xc1\xbf",
        "\xc2",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xe2\x82",
        "a\xc3"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(http_utf8_valid(mr_cstr(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(http_utf8_valid(mr_cstr(bad[i])));
    assert_false(http_utf8_valid(mr_bytes_of("a\0b", 3)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(good_body_fills_every_field),
        TEST(absent_and_null_optional_fields_stay_untouched),
        TEST(a_whole_number_may_have_a_fraction_of_zero),
        TEST(texts_are_bounded_in_characters),
        TEST(mistakes_are_pointed_at),
        TEST(unknown_fields_are_refused_with_an_escaped_pointer),
        TEST(errors_are_bounded),
        TEST(text_that_is_not_json_is_malformed),
        TEST(json_beyond_what_is_read_is_not_called_malformed),
        TEST(depth_is_bounded_before_parsing),
        TEST(the_clients_text_is_not_repeated_in_the_error),
        cmocka_unit_test(writer_escapes_what_must_be_escaped),
        cmocka_unit_test(utf8_is_checked_by_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
