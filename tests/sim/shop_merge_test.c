/* shop_merge_test.c - a guest's cart moves into a customer's: all of it, once, within the bounds,
 * over crashes and repetitions. */
#include "shop_harness.h"

#include <tests/cmocka.h>

#define GUEST "gst_g"
#define USER  "usr_a"

static int start_shop(void **state)
{
    struct shop_limits limits = shop_limits_default();
    limits.line_quantity_max = 10;
    limits.cart_lines_max = 3;
    struct shop *shop = shop_open(&limits);
    shop_make_product(shop, "MUG", 255, 100);
    shop_make_product(shop, "CUP", 300, 100);
    shop_make_product(shop, "JUG", 400, 100);
    shop_make_product(shop, "TUB", 500, 100);
    *state = shop;
    return 0;
}

static int stop_shop(void **state)
{
    shop_close(*state);
    return 0;
}

static void send_merge(struct shop *shop, const char *id)
{
    const struct shop_merge_cart merge = {
        .meta = shop_command(shop, id), .owner_id = mr_cstr(GUEST), .into_owner_id = mr_cstr(USER)};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_MERGE_CART, GUEST, &merge);
}

static int32_t units_of(struct shop *shop, const char *owner, const char *sku)
{
    struct shop_id product = shop_product_id(mr_cstr(sku));
    const struct shop_cart_line_state *line = shop_state(
        shop,
        MEMBER_SALES,
        "cart-lines",
        SHOP_CART_LINE_STATE,
        mr_arena_printf(&shop->arena, "%s/%s", owner, product.text));
    return line ? line->quantity : 0;
}

static void all_lines_move_and_the_answer_is_the_whole_cart(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, GUEST, "MUG", 2);
    shop_add_item(shop, GUEST, "CUP", 1);
    shop_add_item(shop, USER, "MUG", 3);
    send_merge(shop, NULL);
    const struct shop_command_reply *reply = shop_last(shop, SHOP_COMMAND_REPLY);
    assert_true(mr_bytes_equal(reply->outcome.status, mr_cstr("accepted")));
    assert_int_equal(reply->outcome.cart->lines_count, 2);
    assert_true(mr_bytes_equal(reply->outcome.cart->owner_id, mr_cstr(USER)));
    assert_int_equal(units_of(shop, USER, "MUG"), 5);
    assert_int_equal(units_of(shop, USER, "CUP"), 1);
    assert_int_equal(units_of(shop, GUEST, "MUG"), 0);
    assert_int_equal(shop_count(shop, SHOP_CART_MERGED), 1);
}

static void a_repetition_moves_nothing_twice_and_is_answered_again(void **state)
{
    struct shop *shop = *state;
    struct mr_error error = {0};
    shop_add_item(shop, GUEST, "MUG", 2);
    send_merge(shop, "merge-1");
    assert_int_equal(topo_driver_crash(shop->drivers[MEMBER_SALES], &error), 0);
    shop_add_item(shop, GUEST, "CUP", 1); /* In the guest's cart since. */
    size_t replies = shop_count(shop, SHOP_COMMAND_REPLY);
    send_merge(shop, "merge-1");
    assert_int_equal(shop_count(shop, SHOP_COMMAND_REPLY), replies + 1);
    const struct shop_command_reply *reply = shop_last(shop, SHOP_COMMAND_REPLY);
    assert_true(reply->replayed);
    assert_true(mr_bytes_equal(reply->outcome.cart->owner_id, mr_cstr(USER)));
    assert_int_equal(units_of(shop, USER, "MUG"), 2);
    assert_int_equal(units_of(shop, USER, "CUP"), 0);
    assert_int_equal(shop_count(shop, SHOP_CART_MERGED), 1);
    send_merge(shop, "merge-2");
    assert_int_equal(units_of(shop, USER, "CUP"), 1);
}

static void the_same_key_for_another_request_is_refused(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, GUEST, "MUG", 2);
    send_merge(shop, "merge-1");
    struct shop_merge_cart other = {
        .meta = shop_command(shop, "merge-1"),
        .owner_id = mr_cstr(GUEST),
        .into_owner_id = mr_cstr("usr_b")};
    other.meta.fingerprint = mr_cstr("another request");
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_MERGE_CART, GUEST, &other);
    shop_expect_outcome(shop, 422, "idempotency-key-reused");
    assert_int_equal(units_of(shop, USER, "MUG"), 2);
}

static void the_bounds_of_a_cart_hold(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, GUEST, "MUG", 8);
    shop_add_item(shop, GUEST, "JUG", 1);
    shop_add_item(shop, GUEST, "TUB", 1);
    shop_add_item(shop, USER, "CUP", 1);
    shop_add_item(shop, USER, "MUG", 7);
    send_merge(shop, NULL);
    assert_int_equal(units_of(shop, USER, "MUG"), 10); /* As many as a line may have. */
    assert_int_equal(units_of(shop, USER, "JUG"), 1);
    assert_int_equal(units_of(shop, USER, "TUB"), 0); /* A fourth line. */
    assert_int_equal(units_of(shop, GUEST, "TUB"), 0);
}

static void an_empty_or_unknown_cart_is_merged_too(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, USER, "MUG", 1);
    send_merge(shop, NULL);
    const struct shop_command_reply *reply = shop_last(shop, SHOP_COMMAND_REPLY);
    assert_int_equal(reply->outcome.cart->lines_count, 1);
    assert_int_equal(shop_count(shop, SHOP_CART_MERGED), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop_shop)
    const struct CMUnitTest tests[] = {
        TEST(all_lines_move_and_the_answer_is_the_whole_cart),
        TEST(a_repetition_moves_nothing_twice_and_is_answered_again),
        TEST(the_same_key_for_another_request_is_refused),
        TEST(the_bounds_of_a_cart_hold),
        TEST(an_empty_or_unknown_cart_is_merged_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
