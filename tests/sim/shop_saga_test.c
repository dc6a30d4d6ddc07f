/*
 * shop_saga_test.c - the checkout step by step, with the messages between the services held back:
 * the rows of docs/concepts/saga.md that a shop without delays passes through too fast to be seen.
 *
 * The table's rows and the tests that hold them (here unless another file is named;
 * saga_model_test.c explores every path through them):
 *      1  row_1_...                              18  shop_whole_test.c
 *      2, 3  shop_whole_test.c                   19, 24  shop_late_test.c
 *      4  row_4_...                              20  shop_whole_test.c
 *      5  row_5_... (two)                        21  row_21_...
 *      6  row_6_...; shop_whole_test.c           22  row_22_... (two)
 *      7  shop_whole_test.c; row_7_...           23  row_23_...
 *      8, 9, 10, 11  shop_whole_test.c           25, 26  shop_late_test.c
 *      11 row_11_... (attempts exhausted)        27, 28  shop_whole_test.c
 *      12 row_12_...                             29  shop_late_test.c
 *      13 row_13_...                             30, 31  shop_whole_test.c
 *      14 row_14_...                             32  shop_late_test.c
 *      15 row_15_...                             33  row_33_...
 *      16, 17  shop_late_test.c                  34 to 36  here
 */
#include "shop_harness.h"

#include <tests/cmocka.h>

static const char *const owner = "usr_a";

static int start_shop(void **state)
{
    struct shop *shop = shop_open(NULL);
    shop_make_product(shop, "MUG", 255, 10);
    shop_make_product(shop, "TIN", 100, 3);
    *state = shop;
    return 0;
}

static int stop_shop(void **state)
{
    shop_close(*state);
    return 0;
}

static struct mr_bytes place_two(struct shop *shop, const struct shop_sealed *token)
{
    shop_add_item(shop, owner, "MUG", 2);
    shop_add_item(shop, owner, "TIN", 1);
    return shop_place(shop, owner, token);
}

/* Nobody hears of anything until it is delivered. */
static struct mr_bytes
place_held(struct shop *shop, const char *held, const struct shop_sealed *token)
{
    shop_add_item(shop, owner, "MUG", 2);
    shop_add_item(shop, owner, "TIN", 1);
    shop->held = held;
    return shop_place(shop, owner, token);
}

static void let_go(struct shop *shop)
{
    shop->held = NULL;
    shop_settle(shop);
}

/* How many of a type wait. */
static int count_waiting(struct shop *shop, enum shop_type type)
{
    int count = 0;
    for (size_t i = 0; i < shop->carried_count; i++) {
        struct codec_message message;
        struct mr_error error = {0};
        assert_int_equal(
            codec_decode(shop->registry, shop->carried[i].value, &shop->arena, &message, &error),
            0);
        count += message.id == (int)type;
    }
    return count;
}

/* The last operation that the provider was asked for. */
static bool asked_for(struct shop *shop, const char *op)
{
    const struct shop_payment_op_requested *request = shop_last(shop, SHOP_PAYMENT_OP_REQUESTED);
    return request && mr_bytes_equal(request->op, mr_cstr(op));
}

static void
psp_says(struct shop *shop, struct mr_bytes order_id, const char *op, const char *result)
{
    struct shop_id payment = shop_payment_id(order_id, 1);
    struct shop_record_psp_result message = {
        .payment_id = shop_id_view(&payment),
        .op = mr_cstr(op),
        .op_key = mr_cstr("k"),
        .result = mr_cstr(result),
        .psp_event_id = mr_cstr("e")};
    shop_send(
        shop, MEMBER_PAYMENTS, "payments.commands", SHOP_RECORD_PSP_RESULT, payment.text, &message);
}

static void expect_status(struct shop *shop, struct mr_bytes id, int goal, bool ended)
{
    assert_int_equal(shop_order(shop, id)->goal, goal);
    assert_int_equal(shop_order(shop, id)->ended, ended);
}

static void expect_cause(struct shop *shop, struct mr_bytes id, const char *cause)
{
    assert_true(mr_bytes_equal(shop_order(shop, id)->cause, mr_cstr(cause)));
}

static void row_1_placing_closes_the_cart_and_asks_for_every_line(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_held(shop, "inventory.stock.commands", &shop_token);
    shop_expect_outcome(shop, 201, NULL);
    assert_int_equal(shop_count(shop, SHOP_CART_CHECKED_OUT), 1);
    assert_int_equal(shop_count(shop, SHOP_ORDER_PLACED), 1);
    assert_int_equal(count_waiting(shop, SHOP_RESERVE_STOCK), 2);
    expect_status(shop, id, 1, false);
    assert_false(shop_order(shop, id)->stock_confirmed);
}

static void row_4_some_lines_are_not_enough(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_held(shop, "sales.replies", &shop_token);
    shop_deliver_held(shop, 1);
    assert_false(shop_order(shop, id)->stock_confirmed);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REQUESTED), 0);
}

static void row_5_the_last_line_starts_the_payment(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    struct mr_bytes id = place_held(shop, "sales.replies", &shop_token);
    shop_deliver_held(shop, 1);
    shop_deliver_held(shop, 0);
    assert_true(shop_order(shop, id)->stock_confirmed);
    assert_int_equal(shop_count(shop, SHOP_ORDER_STOCK_CONFIRMED), 1);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REQUESTED), 1);
    assert_true(asked_for(shop, SHOP_OP_AUTHORIZE));
}

static void row_5_without_a_method_the_order_waits_for_one(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, NULL);
    assert_true(shop_order(shop, id)->stock_confirmed);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REQUESTED), 0);
}

static void row_6_lines_not_answered_yet_are_released_too(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "TIN", 4);
    shop_add_item(shop, owner, "MUG", 2);
    shop->held = "sales.replies";
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    shop_deliver_held(shop, 0);
    if (shop_order(shop, id)->goal == 1) /* The partitions are read in turn: it was the other. */
        shop_deliver_held(shop, 0);
    expect_status(shop, id, 2, false);
    let_go(shop);
    expect_status(shop, id, 2, true);
    expect_cause(shop, id, "out_of_stock");
    assert_int_equal(shop_count(shop, SHOP_STOCK_RELEASED), 2);
    assert_int_equal(shop_stock(shop, "MUG")->reserved, 0);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
}

/* The catalog's word comes before the price table has heard of it. */
static void row_7_the_new_quote_has_the_version_of_its_price(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_error error = {0};
    struct shop_id product = shop_product_id(mr_cstr("MUG"));
    struct shop_change_price change = {
        .meta = shop_command(shop, NULL),
        .product_id = shop_id_view(&product),
        .price = {300, mr_cstr("GBP")}};
    assert_int_equal(
        topo_driver_pipe(
            shop->drivers[MEMBER_CATALOG],
            "catalog.product.commands",
            shop_id_view(&product),
            shop_encode(shop, "catalog.product.commands", SHOP_CHANGE_PRICE, &change),
            &error),
        0);
    shop->without_prices = true;
    shop_place(shop, owner, &shop_token);
    const struct shop_cart_item_added *back = shop_last(shop, SHOP_CART_ITEM_ADDED);
    assert_int_equal(back->quoted_unit_price.minor, 300);
    assert_int_equal(back->price_version, 2);
}

static void start_payment(struct shop *shop, struct mr_bytes order_id)
{
    struct shop_start_payment again = {
        .meta = shop_command(shop, NULL),
        .owner_id = mr_cstr(owner),
        .order_id = order_id,
        .method_token_sealed = shop_token};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_START_PAYMENT, owner, &again);
}

static void row_9_the_attempt_before_gives_back_what_it_may_yet_get(void **state)
{
    struct shop *shop = *state;
    shop->psp = "soft";
    struct mr_bytes id = place_two(shop, &shop_token);
    shop->psp = SHOP_PSP_AUTHORIZED;
    start_payment(shop, id);
    assert_true(shop_order(shop, id)->confirmed);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_RETURN_REQUESTED), 1);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_VOIDED), 1);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_CAPTURED), 1);
    expect_status(shop, id, 1, false);
}

static void row_11_the_last_attempt_cancels(void **state)
{
    struct shop *shop = *state;
    shop->psp = "soft";
    struct mr_bytes id = place_two(shop, &shop_token);
    for (int i = 2; i <= 5; i++) {
        expect_status(shop, id, 1, false);
        start_payment(shop, id);
        shop_expect_outcome(shop, 201, NULL);
        assert_int_equal(shop_order(shop, id)->attempt, i);
    }
    expect_status(shop, id, 2, true);
    expect_cause(shop, id, "payment_declined");
    assert_int_equal(shop_count(shop, SHOP_ORDER_PAYMENT_FAILED), 5);
    assert_int_equal(shop_stock(shop, "MUG")->reserved, 0);
}

static void row_12_the_authorization_commits_every_line(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    struct mr_bytes id = place_two(shop, &shop_token);
    shop->held = "inventory.stock.commands";
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    assert_true(shop_order(shop, id)->authorized);
    assert_int_equal(count_waiting(shop, SHOP_COMMIT_STOCK), 2);
    assert_true(asked_for(shop, SHOP_OP_AUTHORIZE));
}

static void row_13_only_the_last_commit_captures(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    struct mr_bytes id = place_two(shop, &shop_token);
    shop->held = "sales.replies";
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    shop_deliver_held(shop, 0); /* authorized */
    shop_deliver_held(shop, 0); /* committed, one line */
    assert_true(asked_for(shop, SHOP_OP_AUTHORIZE));
    shop_deliver_held(shop, 0);
    assert_true(asked_for(shop, SHOP_OP_CAPTURE));
    assert_false(shop_order(shop, id)->confirmed);
}

static void row_14_a_unit_sold_to_somebody_else_cancels_and_restocks(void **state)
{
    struct shop *shop = *state;
    struct mr_error error = {0};
    shop->psp = NULL;
    struct mr_bytes id = place_two(shop, &shop_token);
    /* The stock's clock alone: its holds expire before the order's deadline. */
    assert_int_equal(
        topo_driver_advance_ms(shop->drivers[MEMBER_CATALOG], 21 * 60 * 1000, &error), 0);
    shop_settle(shop);
    assert_int_equal(shop_count(shop, SHOP_STOCK_RESERVATION_EXPIRED), 2);
    shop->psp = SHOP_PSP_AUTHORIZED;
    shop_add_item(shop, "usr_b", "TIN", 3);
    assert_true(shop_order(shop, shop_place(shop, "usr_b", &shop_token))->confirmed);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    expect_status(shop, id, 2, true);
    expect_cause(shop, id, "stock_lost");
    assert_int_equal(shop_count(shop, SHOP_STOCK_COMMIT_REJECTED), 1);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_VOIDED), 1);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10); /* Was committed, came back. */
    assert_int_equal(shop_stock(shop, "TIN")->on_hand, 0);
}

static void row_15_the_capture_confirms_and_notifies_once(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    struct mr_bytes id = place_two(shop, &shop_token);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    assert_false(shop_order(shop, id)->confirmed);
    psp_says(shop, id, SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED);
    psp_says(shop, id, SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED);
    assert_true(shop_order(shop, id)->confirmed);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CONFIRMED), 1);
    const struct shop_notification_requested *note = shop_last(shop, SHOP_NOTIFICATION_REQUESTED);
    assert_true(mr_bytes_equal(note->template, mr_cstr("order_confirmation")));
    assert_int_equal(shop_count(shop, SHOP_NOTIFICATION_REQUESTED), 1);
}

static void row_21_it_ends_when_lines_and_money_are_back(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    shop->held = "sales.replies";
    shop_cancel(shop, owner, id);
    assert_int_equal(shop->carried_count, 3); /* Two lines, one refund. */
    shop_deliver_held(shop, 2);
    shop_deliver_held(shop, 0);
    expect_status(shop, id, 2, false);
    shop_deliver_held(shop, 0);
    expect_status(shop, id, 2, true);
    const struct shop_order_cancelled *cancelled = shop_last(shop, SHOP_ORDER_CANCELLED);
    assert_int_equal(cancelled->refund->minor, 610);
    const struct shop_notification_requested *note = shop_last(shop, SHOP_NOTIFICATION_REQUESTED);
    assert_true(mr_bytes_equal(note->template, mr_cstr("order_cancelled")));
}

static void row_22_a_late_reservation_changes_nothing_while_cancelling(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_held(shop, "sales.replies", &shop_token);
    shop_cancel(shop, owner, id);
    int64_t version = shop_order(shop, id)->version;
    shop_deliver_held(shop, 0); /* reserved */
    shop_deliver_held(shop, 0); /* reserved: all lines, but nothing is confirmed */
    assert_int_equal(shop_order(shop, id)->version, version);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REQUESTED), 0);
    let_go(shop);
    expect_status(shop, id, 2, true);
    assert_int_equal(shop_stock(shop, "MUG")->reserved, 0);
}

static void row_22_late_money_and_stock_change_nothing_while_cancelling(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    struct mr_bytes id = place_two(shop, &shop_token);
    shop->held = "sales.replies";
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    shop_deliver_held(shop, 0); /* authorized: the lines are committed */
    shop_cancel(shop, owner, id);
    int64_t version = shop_order(shop, id)->version;
    shop_deliver_held(shop, 0); /* committed */
    shop_deliver_held(shop, 0); /* committed: all, but nothing is captured */
    assert_int_equal(shop_order(shop, id)->version, version);
    assert_true(asked_for(shop, SHOP_OP_VOID));
    psp_says(shop, id, SHOP_OP_VOID, SHOP_PSP_VOIDED);
    let_go(shop);
    expect_status(shop, id, 2, true);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
}

static void reply_stock(struct shop *shop, struct mr_bytes order_id, const char *result)
{
    struct shop_stock_reply reply = {
        .order_id = order_id, .owner_id = mr_cstr(owner), .line_no = 1, .result = mr_cstr(result)};
    shop_send(shop, MEMBER_SALES, "sales.replies", SHOP_STOCK_REPLY, owner, &reply);
}

static void reply_payment(struct shop *shop, struct mr_bytes order_id, const char *result)
{
    struct shop_id payment = shop_payment_id(order_id, 1);
    struct shop_payment_reply reply = {
        .order_id = order_id,
        .owner_id = mr_cstr(owner),
        .payment_id = shop_id_view(&payment),
        .result = mr_cstr(result)};
    shop_send(shop, MEMBER_SALES, "sales.replies", SHOP_PAYMENT_REPLY, owner, &reply);
}

static void row_23_nothing_changes_a_cancelled_order(void **state)
{
    static const char *const stock[] = {
        SHOP_RESULT_RESERVED,
        SHOP_RESULT_REJECTED,
        SHOP_RESULT_COMMITTED,
        SHOP_RESULT_COMMIT_REJECTED,
        SHOP_RESULT_RELEASED};
    static const char *const money[] = {
        SHOP_RESULT_AUTHORIZED, SHOP_RESULT_CAPTURED, SHOP_RESULT_DECLINED, SHOP_RESULT_RETURNED};
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    shop_cancel(shop, owner, id);
    expect_status(shop, id, 2, true);
    size_t seen = shop->seen_count;
    for (int i = 0; i < 5; i++)
        reply_stock(shop, id, stock[i]);
    for (int i = 0; i < 4; i++)
        reply_payment(shop, id, money[i]);
    shop_advance_ms(shop, 30 * 60 * 1000);
    assert_int_equal(shop->seen_count, seen);
    shop_cancel(shop, owner, id);
    shop_expect_outcome(shop, 200, NULL);
    start_payment(shop, id);
    shop_expect_outcome(shop, 409, "payment-not-expected");
    assert_int_equal(shop_count(shop, SHOP_ORDER_CANCELLED), 1);
}

static void row_33_releasing_what_was_committed_restocks_once(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 8);
    struct shop_id product = shop_product_id(mr_cstr("MUG"));
    struct shop_release_stock release = {
        .order_id = id,
        .owner_id = mr_cstr(owner),
        .line_no = 1,
        .product_id = shop_id_view(&product),
        .quantity = 2};
    shop->held = "sales.replies";
    for (int i = 0; i < 2; i++)
        shop_send(
            shop,
            MEMBER_CATALOG,
            "inventory.stock.commands",
            SHOP_RELEASE_STOCK,
            product.text,
            &release);
    const struct shop_stock_released *released = shop_last(shop, SHOP_STOCK_RELEASED);
    assert_true(mr_bytes_equal(released->cause, mr_cstr("restock")));
    assert_int_equal(shop_count(shop, SHOP_STOCK_RELEASED), 1);
    assert_int_equal(shop->carried_count, 2); /* Answered all the same. */
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
}

static void close_by_operator(struct shop *shop, struct mr_bytes id, const char *reason)
{
    struct shop_cancel_order close = {
        .meta = shop_command(shop, NULL),
        .owner_id = mr_cstr(owner),
        .order_id = id,
        .cause = mr_cstr(reason)};
    close.meta.actor_kind = mr_cstr("operator");
    close.meta.principal = mr_cstr("usr_operator");
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_CANCEL_ORDER, owner, &close);
}

static void row_34_an_operator_closes_an_order_with_a_reason(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    close_by_operator(shop, id, "fraud team, case 12");
    shop_expect_outcome(shop, 202, NULL);
    expect_status(shop, id, 2, true);
    expect_cause(shop, id, "operator");
    const struct shop_order_abort_requested *abort = shop_last(shop, SHOP_ORDER_ABORT_REQUESTED);
    assert_true(mr_bytes_equal(abort->meta.actor_kind, mr_cstr("operator")));
    assert_true(mr_bytes_equal(abort->meta.actor_id, mr_cstr("usr_operator")));
    assert_true(mr_bytes_equal(abort->meta.reason, mr_cstr("fraud team, case 12")));
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 1);
}

static void row_34_an_operator_without_a_reason_is_refused(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    close_by_operator(shop, id, "");
    shop_expect_outcome(shop, 422, "validation");
    expect_status(shop, id, 1, false);
}

static void row_34_a_dispute_is_recorded_once_and_the_order_stands(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    psp_says(shop, id, SHOP_OP_QUERY, SHOP_PSP_DISPUTED);
    psp_says(shop, id, SHOP_OP_QUERY, SHOP_PSP_DISPUTED);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_DISPUTED), 1);
    const struct shop_payment_disputed *disputed = shop_last(shop, SHOP_PAYMENT_DISPUTED);
    assert_int_equal(disputed->disputed.minor, 610);
    assert_true(shop_order(shop, id)->confirmed);
    expect_status(shop, id, 1, false);
    close_by_operator(shop, id, "chargeback, case 13");
    expect_status(shop, id, 2, true);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 1);
}

static struct shop_command_meta operator_meta(struct shop *shop, const char *reason)
{
    struct shop_command_meta meta = shop_command(shop, NULL);
    meta.actor_kind = mr_cstr("operator");
    meta.principal = mr_cstr("usr_operator");
    meta.reason = mr_cstr(reason);
    return meta;
}

static void refund_by_operator(struct shop *shop, struct mr_bytes id, int64_t minor)
{
    struct shop_money amount = {minor, mr_cstr("GBP")};
    struct shop_refund_order refund = {
        .meta = operator_meta(shop, "case 14"),
        .owner_id = mr_cstr(owner),
        .order_id = id,
        .amount = minor ? &amount : NULL};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_REFUND_ORDER, owner, &refund);
}

static int64_t sum_refunded(const struct shop *shop)
{
    int64_t sum = 0;
    for (size_t i = 0; i < shop->seen_count; i++)
        if (shop->seen[i].message.id == SHOP_ORDER_REFUNDED)
            sum +=
                ((const struct shop_order_refunded *)shop->seen[i].message.value)->refunded.minor;
    return sum;
}

static void row_35_parts_are_refunded_and_the_order_stands(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    refund_by_operator(shop, id, 110);
    shop_expect_outcome(shop, 202, NULL);
    refund_by_operator(shop, id, 200);
    assert_int_equal(sum_refunded(shop), 310);
    expect_status(shop, id, 1, false);
    refund_by_operator(shop, id, 301);
    shop_expect_outcome(shop, 422, "validation");
    refund_by_operator(shop, id, 0);
    assert_int_equal(sum_refunded(shop), 610);
    expect_status(shop, id, 1, false);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 8);
}

static void row_35_a_cancellation_after_a_part_gives_back_the_rest(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    refund_by_operator(shop, id, 110);
    close_by_operator(shop, id, "sent back, case 15");
    expect_status(shop, id, 2, true);
    const struct shop_order_cancelled *over = shop_last(shop, SHOP_ORDER_CANCELLED);
    assert_int_equal(over->refund->minor, 610);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 2);
    const struct shop_payment_refunded *rest = shop_last(shop, SHOP_PAYMENT_REFUNDED);
    assert_int_equal(rest->refunded.minor, 500);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
}

static void row_36_an_operator_ends_a_cancellation_that_finds_no_end(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, &shop_token);
    shop->held = "payments.commands";
    close_by_operator(shop, id, "case 16");
    expect_status(shop, id, 2, false);
    struct shop_close_order end = {
        .meta = operator_meta(shop, "the provider is gone"),
        .owner_id = mr_cstr(owner),
        .order_id = id};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_CLOSE_ORDER, owner, &end);
    expect_status(shop, id, 2, true);
    let_go(shop);
    /* The money goes back all the same. */
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 1);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CANCELLED), 1);
}

/* A customer's text may name a person: it is in no event. */
static void a_customers_words_stay_out_of_the_log(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = place_two(shop, NULL);
    struct shop_cancel_order stop_it = {
        .meta = shop_command(shop, NULL),
        .owner_id = mr_cstr(owner),
        .order_id = id,
        .cause = mr_cstr("my neighbour Jane Roe, 07700 900123, has one")};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_CANCEL_ORDER, owner, &stop_it);
    expect_status(shop, id, 2, true);
    for (size_t i = 0; i < shop->seen_count; i++)
        assert_null(memmem(shop->seen[i].value.ptr, shop->seen[i].value.len, "Jane Roe", 8));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_1_placing_closes_the_cart_and_asks_for_every_line),
        TEST(row_4_some_lines_are_not_enough),
        TEST(row_5_the_last_line_starts_the_payment),
        TEST(row_5_without_a_method_the_order_waits_for_one),
        TEST(row_6_lines_not_answered_yet_are_released_too),
        TEST(row_7_the_new_quote_has_the_version_of_its_price),
        TEST(row_9_the_attempt_before_gives_back_what_it_may_yet_get),
        TEST(row_11_the_last_attempt_cancels),
        TEST(row_12_the_authorization_commits_every_line),
        TEST(row_13_only_the_last_commit_captures),
        TEST(row_14_a_unit_sold_to_somebody_else_cancels_and_restocks),
        TEST(row_15_the_capture_confirms_and_notifies_once),
        TEST(row_21_it_ends_when_lines_and_money_are_back),
        TEST(row_22_a_late_reservation_changes_nothing_while_cancelling),
        TEST(row_22_late_money_and_stock_change_nothing_while_cancelling),
        TEST(row_23_nothing_changes_a_cancelled_order),
        TEST(row_33_releasing_what_was_committed_restocks_once),
        TEST(row_34_an_operator_closes_an_order_with_a_reason),
        TEST(row_34_an_operator_without_a_reason_is_refused),
        TEST(row_34_a_dispute_is_recorded_once_and_the_order_stands),
        TEST(row_35_parts_are_refunded_and_the_order_stands),
        TEST(row_35_a_cancellation_after_a_part_gives_back_the_rest),
        TEST(row_36_an_operator_ends_a_cancellation_that_finds_no_end),
        TEST(a_customers_words_stay_out_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
