/*
 * shop_ids_test.c - ids are derived, distinct where they must be, and order ids tell their owner.
 */
#include <base/murmur2.h>
#include <processors/ids.h>
#include <tests/cmocka.h>

#include <stdio.h>

static void same_input_gives_the_same_id(void **state)
{
    (void)state;
    struct shop_id a = shop_product_id(mr_cstr("85123A"));
    struct shop_id b = shop_product_id(mr_cstr("85123A"));
    struct shop_id c = shop_product_id(mr_cstr("85123B"));
    assert_string_equal(a.text, b.text);
    assert_string_not_equal(a.text, c.text);
    assert_true(mr_bytes_starts_with(shop_id_view(&a), mr_cstr("prd_")));
    assert_int_equal(strlen(a.text), 4 + MR_UUID_TEXT_LEN);
}

static void parts_do_not_run_into_each_other(void **state)
{
    (void)state;
    struct mr_bytes x = mr_cstr("x");
    struct shop_id a = shop_command_id(mr_cstr("ab"), mr_cstr("c"), x, x);
    struct shop_id b = shop_command_id(mr_cstr("a"), mr_cstr("bc"), x, x);
    assert_string_not_equal(a.text, b.text);
    struct mr_uuid uuid;
    assert_true(mr_uuid_parse(shop_id_view(&a), &uuid));
    assert_int_equal(uuid.bytes[6] >> 4, 8);
}

static void an_order_id_names_its_owner(void **state)
{
    (void)state;
    struct mr_bytes owner = mr_cstr("usr_0198c0de-0000-7000-8000-000000000001");
    struct mr_bytes other = mr_cstr("usr_0198c0de-0000-7000-8000-000000000002");
    struct shop_id order = shop_order_id(owner, mr_cstr("command"));
    char prefix[16];
    snprintf(prefix, sizeof prefix, "ord_%08x-", (unsigned)mr_murmur2(owner));
    assert_true(mr_bytes_starts_with(shop_id_view(&order), mr_cstr(prefix)));
    assert_true(shop_order_id_is_of(shop_id_view(&order), owner));
    assert_false(shop_order_id_is_of(shop_id_view(&order), other));
    assert_false(shop_order_id_is_of(mr_cstr("ord_"), owner));
}

static void an_order_id_finds_its_owners_partition(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        char owner[32];
        snprintf(owner, sizeof owner, "usr_%d", i);
        struct shop_id order = shop_order_id(mr_cstr(owner), mr_cstr("command"));
        for (int32_t partitions = 1; partitions < 30; partitions++)
            assert_int_equal(
                shop_order_partition(shop_id_view(&order), partitions),
                mr_partition_of(mr_cstr(owner), partitions));
    }
    static const char *const wrong[] = {
        "",
        "ord_",
        "ord_0000000g-0198c0de-0000-7000-8000-000000000001",
        "prd_00000000-0198c0de-0000-7000-8000-000000000001",
        "ord_00000000-0198c0de-0000-7000-8000-00000000000",
        "ord_00000000_0198c0de-0000-7000-8000-000000000001"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(shop_order_partition(mr_cstr(wrong[i]), 6), -1);
}

static void a_guest_is_named_by_a_cart_token_and_by_nothing_else(void **state)
{
    static const char token[] = "0123456789abcdefghijABCDEFGHIJ-_0123456789a";
    struct shop_id one = {0}, again = {0};
    (void)state;
    assert_true(shop_guest_id(mr_cstr(token), &one));
    assert_true(shop_guest_id(mr_cstr(token), &again));
    assert_string_equal(one.text, again.text);
    assert_true(mr_bytes_starts_with(shop_id_view(&one), mr_cstr("gst_")));
    assert_null(strstr(one.text, token));
    assert_false(shop_guest_id(mr_cstr(token + 1), &one));
    assert_false(shop_guest_id(mr_cstr("0123456789abcdefghijABCDEFGHIJ-_0123456789/"), &one));
    assert_false(shop_guest_id(mr_cstr(NULL), &one));
    assert_string_equal(one.text, again.text);
}

static void events_of_an_aggregate_have_distinct_ids(void **state)
{
    (void)state;
    struct shop_id one = shop_event_id(mr_cstr("crt_a"), 1);
    struct shop_id two = shop_event_id(mr_cstr("crt_a"), 2);
    struct shop_id other = shop_event_id(mr_cstr("crt_b"), 1);
    assert_string_not_equal(one.text, two.text);
    assert_string_not_equal(one.text, other.text);
}

static void only_plain_characters_are_valid(void **state)
{
    (void)state;
    assert_true(shop_id_is_valid(mr_cstr("usr_0A-z")));
    assert_false(shop_id_is_valid(mr_cstr("")));
    assert_false(shop_id_is_valid(mr_cstr("a/b")));
    assert_false(shop_id_is_valid(mr_bytes_of("a\0b", 3)));
    assert_false(shop_id_is_valid((struct mr_bytes){0}));
    char text[SHOP_ID_BYTES_MAX + 1];
    memset(text, 'a', sizeof text);
    assert_true(shop_id_is_valid(mr_bytes_of(text, SHOP_ID_BYTES_MAX - 1)));
    assert_false(shop_id_is_valid(mr_bytes_of(text, SHOP_ID_BYTES_MAX)));
}

static void confirmation_numbers_are_readable(void **state)
{
    (void)state;
    struct shop_id no = shop_confirmation_no(mr_cstr("ord_1"));
    struct shop_id other = shop_confirmation_no(mr_cstr("ord_2"));
    assert_int_equal(strlen(no.text), 11);
    assert_int_equal(strspn(no.text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 11);
    assert_string_not_equal(no.text, other.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_input_gives_the_same_id),
        cmocka_unit_test(parts_do_not_run_into_each_other),
        cmocka_unit_test(an_order_id_names_its_owner),
        cmocka_unit_test(an_order_id_finds_its_owners_partition),
        cmocka_unit_test(a_guest_is_named_by_a_cart_token_and_by_nothing_else),
        cmocka_unit_test(events_of_an_aggregate_have_distinct_ids),
        cmocka_unit_test(only_plain_characters_are_valid),
        cmocka_unit_test(confirmation_numbers_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
