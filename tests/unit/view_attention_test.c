/* view_attention_test.c - which payments need a person, why and since when. */
#include "view_fixture.h"

#include <processors/shop.h>

#define ORDER   "ord_1"
#define PAYMENT "pay_1"

static int64_t attention_version;

static struct shop_meta attention_meta(int64_t at)
{
    struct shop_meta meta = meta_at(++attention_version, at);
    meta.aggregate_id = mr_cstr(PAYMENT);
    return meta;
}

static void ask_provider(struct views *views, const char *op, int32_t attempt_no, int64_t at)
{
    struct shop_payment_op_requested event = {
        .meta = attention_meta(at),
        .payment_id = mr_cstr(PAYMENT),
        .order_id = mr_cstr(ORDER),
        .owner_id = mr_cstr("usr_1"),
        .op = mr_cstr(op),
        .op_key = mr_cstr("k"),
        .attempt_no = attempt_no,
        .amount = money_pence(300),
        .psp = mr_cstr("simulator")};
    views_pipe(views, SHOP_PAYMENT_OP_REQUESTED, PAYMENT, &event);
}

static void
expect_attention(struct views *views, int64_t now_ms, enum view_attention why, int64_t since)
{
    const struct shop_attention_view *row =
        views_get(views, VIEW_ATTENTION, SHOP_ATTENTION_VIEW, mr_cstr(PAYMENT));
    int64_t from = 0;
    enum view_attention got = row ? view_attention_of(row, now_ms, &from) : VIEW_ATTENTION_NONE;
    assert_string_equal(view_attention_name(got), view_attention_name(why));
    if (why != VIEW_ATTENTION_NONE) {
        assert_int_equal(from, since);
        assert_true(mr_bytes_equal(row->order_id, mr_cstr(ORDER)));
    }
}

static void a_capture_is_unknown_after_two_minutes_and_until_its_answer(void **state)
{
    struct views *views = *state;
    ask_provider(views, SHOP_OP_AUTHORIZE, 1, 500);
    expect_attention(views, 10 * VIEW_CAPTURE_UNKNOWN_MS, VIEW_ATTENTION_NONE, 0);
    ask_provider(views, SHOP_OP_CAPTURE, 1, 1000);
    ask_provider(views, SHOP_OP_CAPTURE, 2, 6000);
    ask_provider(views, SHOP_OP_QUERY, 4, 90000);
    expect_attention(views, 1000 + VIEW_CAPTURE_UNKNOWN_MS - 1, VIEW_ATTENTION_NONE, 0);
    expect_attention(views, 1000 + VIEW_CAPTURE_UNKNOWN_MS, VIEW_ATTENTION_CAPTURE, 1000);
    struct shop_payment_captured captured = {
        .meta = attention_meta(200000),
        .payment_id = mr_cstr(PAYMENT),
        .order_id = mr_cstr(ORDER),
        .owner_id = mr_cstr("usr_1"),
        .psp_ref = mr_cstr("r"),
        .captured = money_pence(300)};
    views_pipe(views, SHOP_PAYMENT_CAPTURED, PAYMENT, &captured);
    assert_null(views_get(views, VIEW_ATTENTION, SHOP_ATTENTION_VIEW, mr_cstr(PAYMENT)));
}

static void a_refund_fails_after_more_tries_than_five(void **state)
{
    struct views *views = *state;
    for (int32_t attempt = 1; attempt <= VIEW_COMPENSATION_TRIES; attempt++)
        ask_provider(views, SHOP_OP_REFUND, attempt, 1000 * attempt);
    expect_attention(views, 10 * VIEW_CAPTURE_UNKNOWN_MS, VIEW_ATTENTION_NONE, 0);
    ask_provider(views, SHOP_OP_QUERY, VIEW_COMPENSATION_TRIES + 1, 90000);
    expect_attention(views, 90000, VIEW_ATTENTION_COMPENSATION, 1000);
}

static void a_dispute_stays(void **state)
{
    struct views *views = *state;
    struct shop_payment_disputed disputed = {
        .meta = attention_meta(7000),
        .payment_id = mr_cstr(PAYMENT),
        .order_id = mr_cstr(ORDER),
        .owner_id = mr_cstr("usr_1"),
        .psp_code = mr_cstr("c"),
        .disputed = money_pence(300)};
    views_pipe(views, SHOP_PAYMENT_DISPUTED, PAYMENT, &disputed);
    expect_attention(views, 7000, VIEW_ATTENTION_DISPUTE, 7000);
    ask_provider(views, SHOP_OP_REFUND, 1, 8000);
    struct shop_payment_refunded refunded = {
        .meta = attention_meta(9000),
        .payment_id = mr_cstr(PAYMENT),
        .order_id = mr_cstr(ORDER),
        .owner_id = mr_cstr("usr_1"),
        .refunded = money_pence(300)};
    views_pipe(views, SHOP_PAYMENT_REFUNDED, PAYMENT, &refunded);
    expect_attention(views, 9000, VIEW_ATTENTION_DISPUTE, 7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_capture_is_unknown_after_two_minutes_and_until_its_answer,
            views_set_up,
            views_tear_down),
        cmocka_unit_test_setup_teardown(
            a_refund_fails_after_more_tries_than_five, views_set_up, views_tear_down),
        cmocka_unit_test_setup_teardown(a_dispute_stays, views_set_up, views_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
