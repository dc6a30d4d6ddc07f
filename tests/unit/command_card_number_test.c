/* command_card_number_test.c - card numbers are found wherever they hide, and nothing else is. */
#include "card_number.h"

#include <base/buffer.h>
#include <tests/cmocka.h>

static bool in_text(const char *text)
{
    return card_number_in_text(mr_cstr(text));
}

static void cards_are_known_by_issuer_length_and_check_digit(void **state)
{
    (void)state;
    static const char *const cards[] = {
        "4111111111111111",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "30569309025904",
        "3530111333300000",
        "6011111111111117",
        "6200000000000005",
    };
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++)
        if (!in_text(cards[i]))
            fail_msg("%s", cards[i]);
}

static void other_numbers_are_no_cards(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "4111111111111112",                   /* A wrong check digit. */
        "411111111111111",                    /* Visa of another length. */
        "1548138160707",                      /* A time in ms, */
        "123456789012347",                    /* a parcel, */
        "490154203237518",                    /* an IMEI, */
        "000000000000000000",                 /* nothing at all, */
        "DE89 3704 0044 0532 0130 00",        /* an IBAN, */
        "+44 20 7946 0958, +44 20 7946 0000", /* telephones, */
        "9783161484100",                      /* a book, */
        "tok_a4111111111111111b",             /* digits of a token, */
        "41111111111111114111111111111111",   /* of something longer. */
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (in_text(others[i]))
            fail_msg("%s", others[i]);
}

static void blanks_dots_dashes_and_other_digits_hide_none(void **state)
{
    (void)state;
    static const char *const cards[] = {
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111 1111-1111 1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111\xc2\xa0"
        "1111\xc2\xa0"
        "1111\xc2\xa0"
        "1111",
        "4111\xe2\x80\x93"
        "1111\xe2\x80\x93"
        "1111\xe2\x80\x93"
        "1111",
        "\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef"
        "\xbc\x91"
        "\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef"
        "\xbc\x91",
        "card:4111111111111111",
        "pm_4111111111111111",
        "my card is 4111 1111 1111 1111, thanks",
        "4111111111111111 12/28 123",
        "3782 822463 10005 12/28",
        "no 17: 4111111111111111",
    };
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++)
        if (!in_text(cards[i]))
            fail_msg("%s", cards[i]);
}

static void finds_at(const char *json, const char *wanted)
{
    struct mr_arena arena;
    struct mr_bytes pointer = {0};
    mr_arena_init(&arena);
    bool found = card_number_in_json(mr_cstr(json), &arena, &pointer);
    if (found != (wanted != NULL) || (found && !mr_bytes_equal(pointer, mr_cstr(wanted))))
        fail_msg("%s: %d %.*s", json, found, MR_ARG(pointer));
    mr_arena_clean_up(&arena);
}

static void the_field_is_named(void **state)
{
    (void)state;
    finds_at("{\"a\":{\"b\":[1,\"4111111111111111\"]}}", "/a/b/1");
    finds_at("{\"x\":1,\"contact\":{\"card\":4111111111111111,\"cvc\":123}}", "/contact/card");
    finds_at(
        "{\"payment\":{\"method_token\":\"\\u0034111111111111111\"}}", "/payment/method_token");
    finds_at("{\"a/b\":\"4111 1111 1111 1111\"}", "/a~1b");
    finds_at("{\"4111111111111111\":1}", "/4111111111111111");
    finds_at("{\"a\":4111111111111111.0}", "/a");
    finds_at("{\"contact\":{\"client_ts\":\"1548138160707\"}}", NULL);
    finds_at("{\"a\":1548138160707,\"b\":490154203237518}", NULL);
    finds_at("{\"a\":\"pm_approve\",\"b\":12}", NULL);
    finds_at("{\"a\\\"\":\"x\\\\\",\"b\":\"\"}", NULL);
    finds_at("]]}}\"4111111111111111", "");
    finds_at("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", NULL);
    finds_at("\"\\u00", NULL);
    finds_at("\"\\", NULL);
}

/* Decoded strings take no more than the body that they stand in, however many there are. */
static void many_strings_take_little_memory(void **state)
{
    enum { STRINGS = 16000 };
    (void)state;
    struct mr_buffer json = {0};
    struct mr_arena arena;
    struct mr_bytes pointer = {0};
    mr_arena_init(&arena);
    for (int i = 0; i < STRINGS; i++)
        mr_buffer_add(&json, mr_cstr("\"\","));
    assert_false(card_number_in_json(mr_buffer_view(&json), &arena, &pointer));
    assert_true(arena.used_bytes <= 16 * json.len);
    mr_arena_clean_up(&arena);
    mr_buffer_clean_up(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_are_known_by_issuer_length_and_check_digit),
        cmocka_unit_test(other_numbers_are_no_cards),
        cmocka_unit_test(blanks_dots_dashes_and_other_digits_hide_none),
        cmocka_unit_test(the_field_is_named),
        cmocka_unit_test(many_strings_take_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
