/* payments_payment_test.c - the rules of an attempt to pay, on a fake context. */
#include "../../processors/src/payments.h"
#include "../support/fake_task.h"

#include <base/alloc.h>
#include <tests/cmocka.h>

#include <stdlib.h>

#define PAYMENT "pay_00000000-0000-4000-8000-000000000001"
#define ORDER   "ord_one"
#define OWNER   "usr_a"

enum { PATIENCE_MS = 5000, DEADLINE_IN_MS = 900000 };

static const int64_t window_ms = INT64_C(7) * 24 * 3600 * 1000;

static int set_up(void **state)
{
    struct fake_task *task = mr_calloc(1, sizeof *task);
    fake_task_open(task, payments_aggregate);
    task->service.limits.psp_has_intents = true;
    *state = task;
    return 0;
}

static int tear_down(void **state)
{
    fake_task_close(*state);
    free(*state);
    return 0;
}

static void send_payment(struct fake_task *task, enum shop_type type, const void *message)
{
    struct mr_error error = {0};
    if (fake_task_tell(task, type, message, &error))
        fail_msg("%s: %s", shop_types[type].name, error.text);
}

static struct shop_authorize_payment authorize_message(const struct fake_task *task)
{
    return (struct shop_authorize_payment){
        .payment_id = mr_cstr(PAYMENT),
        .order_id = mr_cstr(ORDER),
        .owner_id = mr_cstr(OWNER),
        .attempt = 1,
        .amount = {1250, mr_cstr("GBP")},
        .psp = mr_cstr("simulator"),
        .method_token_sealed =
            {mr_cstr("payment-1"), mr_cstr("XC20P"), mr_cstr("nonce"), mr_cstr("ct")},
        .deadline = fake_task_now_ms(task) + DEADLINE_IN_MS,
        .capture_mode = mr_cstr("manual"),
    };
}

static void authorize_payment(struct fake_task *task)
{
    struct shop_authorize_payment message = authorize_message(task);
    send_payment(task, SHOP_AUTHORIZE_PAYMENT, &message);
}

static void capture_payment(struct fake_task *task)
{
    struct shop_capture_payment message = {
        .payment_id = mr_cstr(PAYMENT), .order_id = mr_cstr(ORDER), .owner_id = mr_cstr(OWNER)};
    send_payment(task, SHOP_CAPTURE_PAYMENT, &message);
}

static void return_funds(struct fake_task *task)
{
    struct shop_return_funds message = {
        .payment_id = mr_cstr(PAYMENT), .order_id = mr_cstr(ORDER), .owner_id = mr_cstr(OWNER)};
    send_payment(task, SHOP_RETURN_FUNDS, &message);
}

static void hear_result(struct fake_task *task, const char *op, const char *result)
{
    struct shop_record_psp_result message = {
        .payment_id = mr_cstr(PAYMENT),
        .op = mr_cstr(op),
        .op_key = mr_cstr("key"),
        .result = mr_cstr(result),
        .psp_ref = mr_cstr("ref"),
        .psp_event_id = mr_cstr("event"),
    };
    send_payment(task, SHOP_RECORD_PSP_RESULT, &message);
}

/* Checks that the last message asked the provider for `op`; NULL: for nothing. */
static void expect_asked(const struct fake_task *task, const char *op)
{
    assert_int_equal(fake_task_count(task, SHOP_PAYMENT_OP_REQUESTED), op ? 1 : 0);
    if (!op)
        return;
    const struct shop_payment_op_requested *asked = fake_task_last(task, SHOP_PAYMENT_OP_REQUESTED);
    assert_true(mr_bytes_equal(asked->op, mr_cstr(op)));
}

/* Checks that the last message answered the order with `result`; NULL: not at all. */
static void expect_answered(const struct fake_task *task, const char *result)
{
    assert_int_equal(fake_task_count(task, SHOP_PAYMENT_REPLY), result ? 1 : 0);
    if (!result)
        return;
    const struct shop_payment_reply *reply = fake_task_last(task, SHOP_PAYMENT_REPLY);
    assert_true(mr_bytes_equal(reply->result, mr_cstr(result)));
}

static void a_request_asks_the_provider_and_keeps_the_order_waiting(void **state)
{
    struct fake_task *task = *state;
    authorize_payment(task);
    assert_int_equal(fake_task_count(task, SHOP_PAYMENT_REQUESTED), 1);
    expect_asked(task, SHOP_OP_AUTHORIZE);
    expect_answered(task, NULL);
    authorize_payment(task);
    assert_int_equal(task->outputs_count, 0);
}

static void a_request_without_a_price_is_an_error(void **state)
{
    struct fake_task *task = *state;
    struct mr_error error = {0};
    struct shop_authorize_payment message = authorize_message(task);
    message.amount.minor = -1;
    assert_int_equal(fake_task_tell(task, SHOP_AUTHORIZE_PAYMENT, &message, &error), MR_INVALID);
    message = authorize_message(task);
    message.deadline = -1;
    assert_int_equal(fake_task_tell(task, SHOP_AUTHORIZE_PAYMENT, &message, &error), MR_INVALID);
}

static void an_authorization_is_captured_only_when_asked_for(void **state)
{
    struct fake_task *task = *state;
    authorize_payment(task);
    hear_result(task, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    expect_asked(task, NULL);
    expect_answered(task, SHOP_RESULT_AUTHORIZED);
    capture_payment(task);
    expect_asked(task, SHOP_OP_CAPTURE);
    expect_answered(task, NULL);
    hear_result(task, SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED);
    expect_answered(task, SHOP_RESULT_CAPTURED);
}

static void the_same_answer_twice_is_one_fact(void **state)
{
    struct fake_task *task = *state;
    authorize_payment(task);
    hear_result(task, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    hear_result(task, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    assert_int_equal(task->outputs_count, 0);
}

static void what_was_taken_is_given_back_the_way_it_was_taken(void **state)
{
    struct fake_task *task = *state;
    authorize_payment(task);
    hear_result(task, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    return_funds(task);
    expect_asked(task, SHOP_OP_VOID);
    expect_answered(task, NULL);
    /* It had been captured meanwhile, so only a refund gives it back. */
    hear_result(task, SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED);
    assert_int_equal(fake_task_count(task, SHOP_PAYMENT_LATE_SUCCESS), 1);
    expect_asked(task, SHOP_OP_REFUND);
    expect_answered(task, NULL);
    hear_result(task, SHOP_OP_REFUND, SHOP_PSP_REFUNDED);
    expect_answered(task, SHOP_RESULT_RETURNED);
    const struct shop_payment_reply *reply = fake_task_last(task, SHOP_PAYMENT_REPLY);
    assert_int_equal(reply->amount->minor, 1250);
}

static void a_return_that_overtakes_its_request_takes_nothing(void **state)
{
    struct fake_task *task = *state;
    return_funds(task);
    expect_asked(task, NULL);
    expect_answered(task, SHOP_RESULT_RETURNED);
    authorize_payment(task);
    expect_asked(task, NULL);
    expect_answered(task, SHOP_RESULT_RETURNED);
}

static void a_request_without_an_answer_is_repeated_under_its_key(void **state)
{
    struct fake_task *task = *state;
    authorize_payment(task);
    const struct shop_payment_op_requested *asked = fake_task_last(task, SHOP_PAYMENT_OP_REQUESTED);
    struct mr_bytes key = asked->op_key;
    fake_task_advance_ms(task, PATIENCE_MS + 1);
    fake_task_punctuate(task);
    assert_int_equal(fake_task_count(task, SHOP_PAYMENT_TIMED_OUT), 1);
    expect_asked(task, SHOP_OP_AUTHORIZE);
    asked = fake_task_last(task, SHOP_PAYMENT_OP_REQUESTED);
    assert_int_equal(asked->attempt_no, 2);
    assert_true(mr_bytes_equal(asked->op_key, key));
    /* Not due yet: the patience has doubled. */
    fake_task_advance_ms(task, PATIENCE_MS + 1);
    fake_task_punctuate(task);
    assert_int_equal(task->outputs_count, 0);
}

static void an_unanswered_return_ends_when_nothing_can_succeed_any_more(void **state)
{
    struct fake_task *task = *state;
    authorize_payment(task);
    return_funds(task);
    expect_asked(task, SHOP_OP_VOID);
    expect_answered(task, NULL);
    fake_task_advance_ms(task, DEADLINE_IN_MS + window_ms + 1);
    fake_task_punctuate(task);
    assert_int_equal(fake_task_count(task, SHOP_PAYMENT_VOIDED), 1);
    expect_answered(task, SHOP_RESULT_RETURNED);
    const struct shop_payment_reply *reply = fake_task_last(task, SHOP_PAYMENT_REPLY);
    assert_int_equal(reply->amount->minor, 0);
}

static void a_declined_void_settles_nothing(void **state)
{
    struct fake_task *task = *state;
    authorize_payment(task);
    hear_result(task, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    return_funds(task);
    hear_result(task, SHOP_OP_VOID, SHOP_PSP_DECLINED);
    assert_int_equal(task->outputs_count, 0);
    hear_result(task, SHOP_OP_VOID, SHOP_PSP_VOIDED);
    expect_answered(task, SHOP_RESULT_RETURNED);
}

#define PAYMENT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* -- refunds while the order stands -- */

static void refund_payment(struct fake_task *task, int64_t total)
{
    struct shop_refund_payment message = {
        .payment_id = mr_cstr(PAYMENT),
        .order_id = mr_cstr(ORDER),
        .owner_id = mr_cstr(OWNER),
        .total = {total, mr_cstr("GBP")}};
    send_payment(task, SHOP_REFUND_PAYMENT, &message);
}

static void hear_refunded(struct fake_task *task, int64_t total)
{
    struct shop_money amount = {total, mr_cstr("GBP")};
    struct shop_record_psp_result message = {
        .payment_id = mr_cstr(PAYMENT),
        .op = mr_cstr(SHOP_OP_REFUND),
        .op_key = mr_cstr("key"),
        .result = mr_cstr(SHOP_PSP_REFUNDED),
        .psp_event_id = mr_cstr("event"),
        .amount = &amount,
    };
    send_payment(task, SHOP_RECORD_PSP_RESULT, &message);
}

static void pay_in_full(struct fake_task *task)
{
    authorize_payment(task);
    hear_result(task, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    capture_payment(task);
    hear_result(task, SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED);
}

static void expect_refund(const struct fake_task *task, int64_t amount, const char *key)
{
    expect_asked(task, SHOP_OP_REFUND);
    const struct shop_payment_op_requested *asked = fake_task_last(task, SHOP_PAYMENT_OP_REQUESTED);
    assert_int_equal(asked->amount.minor, amount);
    assert_true(mr_bytes_equal(asked->op_key, mr_cstr(key)));
}

static void expect_refunded(const struct fake_task *task, int64_t total)
{
    expect_answered(task, SHOP_RESULT_REFUNDED);
    const struct shop_payment_reply *reply = fake_task_last(task, SHOP_PAYMENT_REPLY);
    assert_int_equal(reply->amount->minor, total);
}

static void a_part_goes_back_and_the_order_hears_how_much(void **state)
{
    struct fake_task *task = *state;
    pay_in_full(task);
    refund_payment(task, 250);
    expect_refund(task, 250, PAYMENT ":refund-to:250");
    hear_refunded(task, 250);
    const struct shop_payment_refunded *event = fake_task_last(task, SHOP_PAYMENT_REFUNDED);
    assert_int_equal(event->refunded.minor, 250);
    expect_refunded(task, 250);
    expect_asked(task, NULL);
    hear_refunded(task, 250);
    assert_int_equal(task->outputs_count, 0);
    refund_payment(task, 250);
    expect_asked(task, NULL);
}

static void a_refund_in_hand_keeps_its_amount_when_more_is_wanted(void **state)
{
    struct fake_task *task = *state;
    pay_in_full(task);
    refund_payment(task, 250);
    refund_payment(task, 400);
    expect_asked(
        task, NULL); /* The answer to the first may be lost: it is asked again as it was. */
    fake_task_advance_ms(task, PATIENCE_MS + 1);
    fake_task_punctuate(task);
    expect_refund(task, 250, PAYMENT ":refund-to:250");
    hear_refunded(task, 250);
    expect_refund(task, 150, PAYMENT ":refund-to:400");
    hear_refunded(task, 400);
    expect_refunded(task, 400);
}

static void a_return_finishes_the_part_in_hand_and_gives_the_rest(void **state)
{
    struct fake_task *task = *state;
    pay_in_full(task);
    refund_payment(task, 250);
    return_funds(task);
    expect_refund(task, 250, PAYMENT ":refund-to:250");
    hear_refunded(task, 250);
    expect_refund(task, 1000, PAYMENT ":refund-to:1250");
    expect_answered(task, NULL);
    hear_refunded(task, 1250);
    expect_answered(task, SHOP_RESULT_RETURNED);
    const struct shop_payment_reply *reply = fake_task_last(task, SHOP_PAYMENT_REPLY);
    assert_int_equal(reply->amount->minor, 1250);
    refund_payment(task, 1250);
    expect_asked(task, NULL);
}

static void no_more_goes_back_than_was_captured(void **state)
{
    struct fake_task *task = *state;
    pay_in_full(task);
    refund_payment(task, 99999);
    expect_refund(task, 1250, PAYMENT ":refund:1");
    hear_refunded(task, 99999);
    const struct shop_payment_refunded *event = fake_task_last(task, SHOP_PAYMENT_REFUNDED);
    assert_int_equal(event->refunded.minor, 1250);
    expect_refunded(task, 1250); /* Not RETURNED: the order stands, an operator wanted it so. */
    refund_payment(task, 2500);
    expect_asked(task, NULL);
}

static void a_part_that_went_back_by_hand_counts(void **state)
{
    struct fake_task *task = *state;
    pay_in_full(task);
    hear_refunded(task, 100);
    assert_int_equal(fake_task_count(task, SHOP_PAYMENT_REFUNDED), 1);
    refund_payment(task, 300);
    expect_refund(task, 200, PAYMENT ":refund-to:300");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAYMENT_TEST(a_request_asks_the_provider_and_keeps_the_order_waiting),
        PAYMENT_TEST(a_request_without_a_price_is_an_error),
        PAYMENT_TEST(an_authorization_is_captured_only_when_asked_for),
        PAYMENT_TEST(the_same_answer_twice_is_one_fact),
        PAYMENT_TEST(what_was_taken_is_given_back_the_way_it_was_taken),
        PAYMENT_TEST(a_return_that_overtakes_its_request_takes_nothing),
        PAYMENT_TEST(a_request_without_an_answer_is_repeated_under_its_key),
        PAYMENT_TEST(an_unanswered_return_ends_when_nothing_can_succeed_any_more),
        PAYMENT_TEST(a_declined_void_settles_nothing),
        PAYMENT_TEST(a_part_goes_back_and_the_order_hears_how_much),
        PAYMENT_TEST(a_refund_in_hand_keeps_its_amount_when_more_is_wanted),
        PAYMENT_TEST(a_return_finishes_the_part_in_hand_and_gives_the_rest),
        PAYMENT_TEST(no_more_goes_back_than_was_captured),
        PAYMENT_TEST(a_part_that_went_back_by_hand_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
