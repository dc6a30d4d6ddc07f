/* codec_print_json_test.c - values as JSON for people and audit tools. */
#include <tests/cmocka.h>

#include "values.h"

#include <jansson.h>

static void prints_value(enum shop_type id, const void *value, const char *expected)
{
    struct mr_buffer out = {0};
    codec_print_json(&shop_types[id], value, &out);
    mr_buffer_add_byte(&out, 0);
    assert_string_equal(out.ptr, expected);
    mr_buffer_clean_up(&out);
}

static void a_record_is_a_plain_object(void **state)
{
    (void)state;
    struct shop_money money = {.minor = -1999, .currency = MR_LITERAL("GBP")};
    prints_value(SHOP_MONEY, &money, "{\"minor\":-1999,\"currency\":\"GBP\"}");
    struct shop_order_cancelled cancelled = {.order_id = MR_LITERAL("o"), .refund = &money};
    struct mr_buffer out = {0};
    codec_print_json(&shop_types[SHOP_ORDER_CANCELLED], &cancelled, &out);
    mr_buffer_add_byte(&out, 0);
    assert_non_null(strstr(out.ptr, "\"refund\":{\"minor\":-1999,\"currency\":\"GBP\"}"));
    assert_non_null(strstr(out.ptr, "\"reason\":null"));
    mr_buffer_clean_up(&out);
}

static void bytes_are_base64(void **state)
{
    (void)state;
    struct shop_sealed sealed = {
        .key_id = MR_LITERAL("k"),
        .alg = MR_LITERAL("XC20P"),
        .nonce = MR_LITERAL("\xff\xfe\xfd"),
        .ct = MR_LITERAL("ab")};
    prints_value(
        SHOP_SEALED,
        &sealed,
        "{\"key_id\":\"k\",\"alg\":\"XC20P\",\"nonce\":\"//79\",\"ct\":\"YWI=\"}");
    sealed.nonce = mr_cstr("a");
    sealed.ct = mr_cstr("");
    prints_value(
        SHOP_SEALED,
        &sealed,
        "{\"key_id\":\"k\",\"alg\":\"XC20P\",\"nonce\":\"YQ==\",\"ct\":\"\"}");
}

static void currency_prints(const char *text, const char *expected)
{
    struct shop_money money = {.currency = mr_cstr(text)};
    char *whole = mr_asprintf("{\"minor\":0,\"currency\":\"%s\"}", expected);
    prints_value(SHOP_MONEY, &money, whole);
    free(whole);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    currency_prints("a\"b\\c\n\t\x01\x7f", "a\\\"b\\\\c\\n\\t\\u0001\\u007f");
    currency_prints(
        "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9b\x92", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9b\x92");
}

static void bytes_that_are_not_utf8_become_the_replacement_character(void **state)
{
    (void)state;
    currency_prints("a\xff z", "a\xef\xbf\xbd z");
    currency_prints("\xc3", "\xef\xbf\xbd");
    currency_prints("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");                 /* Overlong. */
    currency_prints("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* A surrogate. */
    currency_prints("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void arrays_and_maps_are_printed_whole(void **state)
{
    (void)state;
    const struct mr_bytes slugs[] = {MR_LITERAL("toys"), MR_LITERAL("home")};
    const struct shop_map_entry entries[] = {
        {MR_LITERAL("a"), MR_LITERAL("1")}, {MR_LITERAL("b"), MR_LITERAL("2")}};
    struct shop_product_created created = {
        .category_ids = slugs,
        .category_ids_count = 2,
        .attributes = entries,
        .attributes_count = 2};
    struct mr_buffer out = {0};
    codec_print_json(&shop_types[SHOP_PRODUCT_CREATED], &created, &out);
    mr_buffer_add_byte(&out, 0);
    assert_non_null(strstr(
        out.ptr, "\"category_ids\":[\"toys\",\"home\"],\"attributes\":{\"a\":\"1\",\"b\":\"2\"}}"));
    mr_buffer_clean_up(&out);
}

static void random_values_of_every_type_are_valid_json(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    struct mr_buffer out = {0};
    struct values_seed seed = {31};
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++)
        for (int round = 0; round < 20; round++) {
            mr_buffer_reset(&out);
            codec_print_json(&shop_types[id], values_random(&shop_types[id], &seed, &arena), &out);
            json_error_t problem;
            json_t *json = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, &problem);
            if (!json)
                fail_msg("%s: %s", shop_types[id].name, problem.text);
            assert_int_equal(json_object_size(json), shop_types[id].fields_count);
            json_decref(json);
            mr_arena_reset(&arena);
        }
    mr_buffer_clean_up(&out);
    mr_arena_clean_up(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_a_plain_object),
        cmocka_unit_test(bytes_are_base64),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_become_the_replacement_character),
        cmocka_unit_test(arrays_and_maps_are_printed_whole),
        cmocka_unit_test(random_values_of_every_type_are_valid_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
