/*
 * shop_late_test.c - what comes late, twice or in the wrong order: the rows of the saga's table
 * that only a slow or strange payment provider, or a slow transport, brings about.
 */
#include "shop_harness.h"

#include <tests/cmocka.h>

static const char *const owner = "usr_a";

static int start_shop(void **state)
{
    struct shop *shop = shop_open(NULL);
    shop_make_product(shop, "MUG", 255, 10);
    *state = shop;
    return 0;
}

static int start_without_intents(void **state)
{
    struct shop_limits limits = shop_limits_default();
    limits.psp_has_intents = false;
    struct shop *shop = shop_open(&limits);
    shop_make_product(shop, "MUG", 255, 10);
    *state = shop;
    return 0;
}

static int stop_shop(void **state)
{
    shop_close(*state);
    return 0;
}

/* The provider speaks of its own accord. */
static void
psp_says(struct shop *shop, struct mr_bytes order_id, const char *op, const char *result)
{
    struct shop_id payment = shop_payment_id(order_id, 1);
    struct shop_record_psp_result message = {
        .payment_id = shop_id_view(&payment),
        .op = mr_cstr(op),
        .op_key = mr_cstr("k"),
        .result = mr_cstr(result),
        .psp_event_id = mr_cstr("e"),
        .decline_class = mr_cstr("hard")};
    shop_send(
        shop, MEMBER_PAYMENTS, "payments.commands", SHOP_RECORD_PSP_RESULT, payment.text, &message);
}

static struct mr_bytes order_with_a_silent_provider(struct shop *shop)
{
    shop->psp = NULL;
    shop_add_item(shop, owner, "MUG", 2);
    return shop_place(shop, owner, &shop_token);
}

static void row_16_a_decline_at_capture_cancels_and_voids(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = order_with_a_silent_provider(shop);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 8);
    shop->psp = SHOP_PSP_AUTHORIZED;
    psp_says(shop, id, SHOP_OP_CAPTURE, SHOP_PSP_DECLINED);
    assert_true(shop_order(shop, id)->ended);
    assert_false(shop_order(shop, id)->confirmed);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_VOIDED), 1);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
}

static void row_17_no_capture_answer_is_never_a_no(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = order_with_a_silent_provider(shop);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    for (int i = 0; i < 30; i++)
        shop_advance_ms(shop, 60 * 1000);
    assert_int_equal(shop_order(shop, id)->goal, 1);
    psp_says(shop, id, SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED);
    assert_true(shop_order(shop, id)->confirmed);
}

static void rows_19_and_24_a_capture_after_the_cancellation_is_refunded(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = order_with_a_silent_provider(shop);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    shop_cancel(shop, owner, id);
    assert_false(shop_order(shop, id)->ended);
    shop->psp = SHOP_PSP_AUTHORIZED;
    psp_says(shop, id, SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_LATE_SUCCESS), 1);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 1);
    assert_true(shop_order(shop, id)->ended);
    const struct shop_order_cancelled *cancelled = shop_last(shop, SHOP_ORDER_CANCELLED);
    assert_int_equal(cancelled->refund->minor, 510);
}

static void row_25_an_authorization_after_the_cancellation_is_voided(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = order_with_a_silent_provider(shop);
    shop_cancel(shop, owner, id);
    shop->psp = SHOP_PSP_AUTHORIZED;
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    shop_advance_ms(shop, 6000);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_VOIDED), 1);
    assert_true(shop_order(shop, id)->ended);
}

static void row_26_a_result_twice_changes_nothing(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = order_with_a_silent_provider(shop);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    size_t before = shop->seen_count;
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    assert_int_equal(shop->seen_count, before);
}

static void row_29_not_found_settles_for_now_and_a_late_success_is_returned(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = order_with_a_silent_provider(shop);
    shop_cancel(shop, owner, id);
    assert_false(shop_order(shop, id)->ended);
    psp_says(shop, id, SHOP_OP_QUERY, SHOP_PSP_NOT_FOUND);
    assert_true(shop_order(shop, id)->ended);
    size_t asked = shop_count(shop, SHOP_PAYMENT_OP_REQUESTED);
    shop_advance_ms(shop, 400 * 1000);
    assert_true(shop_count(shop, SHOP_PAYMENT_OP_REQUESTED) > asked);
    shop->psp = SHOP_PSP_AUTHORIZED;
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_CAPTURED);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 1);
}

static void row_32_a_release_before_its_reservation_bars_it(void **state)
{
    struct shop *shop = *state;
    struct shop_id product = shop_product_id(mr_cstr("MUG"));
    struct shop_release_stock release = {
        .order_id = mr_cstr("ord_x"),
        .owner_id = mr_cstr(owner),
        .line_no = 1,
        .product_id = shop_id_view(&product),
        .quantity = 2};
    struct shop_reserve_stock reserve = {
        .order_id = release.order_id,
        .owner_id = release.owner_id,
        .line_no = 1,
        .product_id = release.product_id,
        .quantity = 2,
        .unit_price = {255, mr_cstr("GBP")},
        .reserved_until = INT64_C(1800000000000)};
    struct mr_error error = {0};
    for (int i = 0; i < 2; i++) {
        mr_buffer_reset(&shop->scratch);
        codec_encode(
            shop->registry,
            i ? SHOP_RESERVE_STOCK : SHOP_RELEASE_STOCK,
            "inventory.stock.commands",
            i ? (const void *)&reserve : &release,
            &shop->scratch);
        assert_int_equal(
            topo_driver_pipe(
                shop->drivers[MEMBER_CATALOG],
                "inventory.stock.commands",
                shop_id_view(&product),
                mr_buffer_view(&shop->scratch),
                &error),
            0);
    }
    assert_int_equal(shop_stock(shop, "MUG")->reserved, 0);
    struct topo_record record;
    struct codec_message reply = {0};
    while (topo_driver_read(shop->drivers[MEMBER_CATALOG], "sales.replies", &record))
        assert_int_equal(
            codec_decode(shop->registry, record.value, &shop->arena, &reply, &error), 0);
    const struct shop_stock_reply *last = reply.value;
    assert_true(mr_bytes_equal(last->result, mr_cstr(SHOP_RESULT_REJECTED)));
    assert_true(mr_bytes_equal(last->cause, mr_cstr("released")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_16_a_decline_at_capture_cancels_and_voids),
        TEST(row_17_no_capture_answer_is_never_a_no),
        TEST(rows_19_and_24_a_capture_after_the_cancellation_is_refunded),
        TEST(row_25_an_authorization_after_the_cancellation_is_voided),
        TEST(row_26_a_result_twice_changes_nothing),
        cmocka_unit_test_setup_teardown(
            row_29_not_found_settles_for_now_and_a_late_success_is_returned,
            start_without_intents,
            stop_shop),
        TEST(row_32_a_release_before_its_reservation_bars_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
