/*
 * sales_saga_test.c - the rules of an order under way: each message alone, and what it sets off.
 *
 * tests/sim/shop_saga_test.c walks the same rows through all services, and saga_model_test in every
 * order; here a red test names the rule.
 */
#include "sales_fixture.h"

/* Two lines, 3 of FIRST and 1 of SECOND: 550. */
static struct mr_bytes saga_place(struct fake_task *task, const struct shop_sealed *method)
{
    sales_add(task, FIRST, 3);
    sales_add(task, SECOND, 1);
    return sales_place(task, method);
}

static struct mr_bytes saga_reserve(struct fake_task *task, const struct shop_sealed *method)
{
    struct mr_bytes id = saga_place(task, method);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RESERVED);
    return id;
}

static struct mr_bytes saga_confirm(struct fake_task *task)
{
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_AUTHORIZED, NULL);
    sales_hear_stock(task, id, 1, SHOP_RESULT_COMMITTED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_COMMITTED);
    sales_hear_payment(task, id, 1, SHOP_RESULT_CAPTURED, NULL);
    return id;
}

static void saga_pay(struct fake_task *task, struct mr_bytes order_id)
{
    struct shop_start_payment command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = order_id,
        .method_token_sealed = sales_method,
    };
    sales_tell(task, SHOP_START_PAYMENT, &command);
}

static void saga_cancel(
    struct fake_task *task, struct mr_bytes order_id, const char *actor_kind, const char *reason)
{
    struct shop_cancel_order command = {
        .meta = fake_task_command(task, actor_kind),
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = order_id,
        .cause = mr_cstr(reason),
    };
    sales_tell(task, SHOP_CANCEL_ORDER, &command);
}

static void saga_expect_aborted(const struct fake_task *task, const char *cause)
{
    const struct shop_order_abort_requested *event =
        fake_task_last(task, SHOP_ORDER_ABORT_REQUESTED);
    assert_non_null(event);
    assert_true(text_is(event->cause, cause));
    assert_int_equal(fake_task_count(task, SHOP_RELEASE_STOCK), 2);
}

/* -- towards fulfilment -- */

static void a_payment_starts_when_every_line_is_reserved(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_place(task, &sales_method);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RESERVED);
    assert_int_equal(task->outputs_count, 0);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_STOCK_CONFIRMED), 1);
    const struct shop_authorize_payment *authorize = fake_task_last(task, SHOP_AUTHORIZE_PAYMENT);
    assert_int_equal(authorize->amount.minor, 550);
    assert_int_equal(authorize->attempt, 1);
    assert_int_equal(authorize->deadline, sales_order(task, id)->pay_deadline);
}

static void without_a_method_the_order_waits_for_one(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, NULL);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_STOCK_CONFIRMED), 1);
    assert_int_equal(fake_task_count(task, SHOP_AUTHORIZE_PAYMENT), 0);
    assert_string_equal(order_status(sales_order(task, id)), "PENDING_PAYMENT");
    saga_pay(task, id);
    sales_expect_accepted(task);
    assert_int_equal(fake_task_count(task, SHOP_AUTHORIZE_PAYMENT), 1);
}

static void a_message_that_comes_twice_changes_nothing(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_place(task, &sales_method);
    for (int i = 0; i < 2; i++)
        sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    assert_int_equal(task->outputs_count, 0);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RESERVED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RESERVED);
    assert_int_equal(task->outputs_count, 0);
    for (int i = 0; i < 2; i++)
        sales_hear_payment(task, id, 1, SHOP_RESULT_AUTHORIZED, NULL);
    assert_int_equal(task->outputs_count, 0);
}

static void units_are_committed_when_the_money_is_there(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_AUTHORIZED, NULL);
    assert_int_equal(fake_task_count(task, SHOP_COMMIT_STOCK), 2);
    assert_int_equal(fake_task_count(task, SHOP_CAPTURE_PAYMENT), 0);
    assert_int_equal(fake_task_entries(task, "order-timers"), 0); /* Nothing expires any more. */
    sales_hear_stock(task, id, 1, SHOP_RESULT_COMMITTED);
    assert_int_equal(fake_task_count(task, SHOP_CAPTURE_PAYMENT), 0);
    sales_hear_stock(task, id, 2, SHOP_RESULT_COMMITTED);
    assert_int_equal(fake_task_count(task, SHOP_CAPTURE_PAYMENT), 1);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CONFIRMED), 0);
}

static void an_order_is_confirmed_once_with_units_and_money(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    const struct shop_order_confirmed *confirmed = fake_task_last(task, SHOP_ORDER_CONFIRMED);
    assert_non_null(confirmed);
    assert_int_equal(confirmed->captured.minor, 550);
    assert_int_equal(fake_task_count(task, SHOP_NOTIFICATION_REQUESTED), 1);
    assert_int_equal(fake_task_entries(task, "order-progress"), 0);
    sales_hear_payment(task, id, 1, SHOP_RESULT_CAPTURED, NULL);
    sales_hear_stock(task, id, 1, SHOP_RESULT_COMMITTED);
    assert_int_equal(task->outputs_count, 0);
}

/* A provider that captures at once: the money alone confirms nothing. */
static void money_before_the_units_does_not_confirm(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_CAPTURED, NULL);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CONFIRMED), 0);
    assert_int_equal(fake_task_count(task, SHOP_COMMIT_STOCK), 2);
    sales_hear_stock(task, id, 1, SHOP_RESULT_COMMITTED);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CONFIRMED), 0);
    sales_hear_stock(task, id, 2, SHOP_RESULT_COMMITTED);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CONFIRMED), 1);
    assert_int_equal(fake_task_count(task, SHOP_CAPTURE_PAYMENT), 0);
}

/* -- towards an end -- */

static void a_line_out_of_stock_ends_the_order(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_place(task, &sales_method);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_REJECTED);
    saga_expect_aborted(task, "out_of_stock");
    assert_int_equal(fake_task_count(task, SHOP_RETURN_FUNDS), 0); /* There was no payment. */
    sales_hear_stock(task, id, 1, SHOP_RESULT_RELEASED);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CANCELLED), 0);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RELEASED);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CANCELLED), 1);
    assert_true(sales_order(task, id)->ended);
}

static void units_lost_at_the_commit_return_the_money(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_AUTHORIZED, NULL);
    sales_hear_stock(task, id, 1, SHOP_RESULT_COMMITTED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_COMMIT_REJECTED);
    saga_expect_aborted(task, "stock_lost");
    assert_int_equal(fake_task_count(task, SHOP_RETURN_FUNDS), 1);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RELEASED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RELEASED);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CANCELLED), 0); /* The money is out. */
    sales_hear_payment(task, id, 1, SHOP_RESULT_RETURNED, NULL);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_CANCELLED), 1);
}

static void a_soft_decline_waits_for_another_attempt(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_DECLINED, "soft");
    assert_int_equal(fake_task_count(task, SHOP_ORDER_PAYMENT_FAILED), 1);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_ABORT_REQUESTED), 0);
    saga_pay(task, id);
    sales_expect_accepted(task);
    /* The first attempt is asked to return everything, should it have succeeded after all. */
    const struct shop_return_funds *back = fake_task_last(task, SHOP_RETURN_FUNDS);
    struct shop_id first = shop_payment_id(id, 1);
    assert_true(mr_bytes_equal(back->payment_id, shop_id_view(&first)));
    const struct shop_authorize_payment *authorize = fake_task_last(task, SHOP_AUTHORIZE_PAYMENT);
    assert_int_equal(authorize->attempt, 2);
    /* A late answer of the first attempt does not concern the second. */
    sales_hear_payment(task, id, 1, SHOP_RESULT_AUTHORIZED, NULL);
    assert_int_equal(task->outputs_count, 0);
    sales_hear_payment(task, id, 2, SHOP_RESULT_AUTHORIZED, NULL);
    assert_int_equal(fake_task_count(task, SHOP_COMMIT_STOCK), 2);
}

static void a_hard_decline_ends_the_order(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_DECLINED, "hard");
    saga_expect_aborted(task, "payment_declined");
    assert_string_equal(order_status(sales_order(task, id)), "CANCELLING");
}

static void the_last_soft_decline_ends_the_order(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.payment_attempts_max = 2;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_DECLINED, "soft");
    saga_pay(task, id);
    sales_hear_payment(task, id, 2, SHOP_RESULT_DECLINED, "soft");
    saga_expect_aborted(task, "payment_declined");
}

static void money_that_went_back_ends_the_order(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_AUTHORIZED, NULL);
    sales_hear_payment(task, id, 1, SHOP_RESULT_RETURNED, NULL);
    saga_expect_aborted(task, "payment_declined");
}

static void an_unpaid_order_ends_at_its_deadline_and_not_before(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, NULL);
    int64_t left = sales_order(task, id)->pay_deadline - fake_task_now_ms(task);
    fake_task_advance_ms(task, left - 1);
    fake_task_punctuate(task);
    assert_int_equal(task->outputs_count, 0);
    fake_task_advance_ms(task, 1);
    fake_task_punctuate(task);
    saga_expect_aborted(task, "payment_timeout");
    fake_task_punctuate(task);
    assert_int_equal(task->outputs_count, 0);
}

/* -- the owner -- */

static void a_second_payment_beside_the_first_is_refused(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_place(task, NULL);
    saga_pay(task, id);
    sales_expect_refused(task, SHOP_REASON_PAYMENT_NOT_EXPECTED); /* Not reserved yet. */
    sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RESERVED);
    saga_pay(task, id);
    sales_expect_accepted(task);
    saga_pay(task, id);
    sales_expect_refused(task, SHOP_REASON_PAYMENT_IN_PROGRESS);
    sales_hear_payment(task, id, 1, SHOP_RESULT_AUTHORIZED, NULL);
    saga_pay(task, id);
    sales_expect_refused(task, SHOP_REASON_PAYMENT_NOT_EXPECTED);
}

static void too_many_attempts_are_refused(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.payment_attempts_max = 2;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    sales_hear_payment(task, id, 1, SHOP_RESULT_DECLINED, "soft");
    task->service.limits.payment_attempts_max = 1; /* Lowered meanwhile. */
    saga_pay(task, id);
    sales_expect_refused(task, SHOP_REASON_ATTEMPTS_EXHAUSTED);
}

static void a_customer_cancels_and_the_reason_is_not_kept(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, NULL);
    saga_cancel(task, id, "customer", "my address is 1 High Street");
    sales_expect_accepted(task);
    saga_expect_aborted(task, "customer");
    const struct shop_order_abort_requested *event =
        fake_task_last(task, SHOP_ORDER_ABORT_REQUESTED);
    assert_int_equal(event->detail.len, 0);
    assert_int_equal(event->meta.reason.len, 0);
    saga_cancel(task, id, "customer", "");
    sales_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
}

static void an_operator_cancels_with_a_reason_only(void **state)
{
    struct fake_task *task = *state;
    static char long_reason[SHOP_REASON_BYTES_MAX + 2];
    memset(long_reason, 'x', sizeof long_reason - 1);
    struct mr_bytes id = saga_reserve(task, NULL);
    saga_cancel(task, id, "operator", "");
    sales_expect_refused(task, SHOP_REASON_OPERATOR_GIVES_REASON);
    saga_cancel(task, id, "operator", long_reason);
    sales_expect_refused(task, SHOP_REASON_OPERATOR_GIVES_REASON);
    saga_cancel(task, id, "operator", "fraud desk, case 7");
    saga_expect_aborted(task, "operator");
    const struct shop_order_abort_requested *event =
        fake_task_last(task, SHOP_ORDER_ABORT_REQUESTED);
    assert_true(text_is(event->meta.reason, "fraud desk, case 7"));
}

static void a_confirmed_order_that_is_cancelled_gives_units_and_money_back(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    saga_cancel(task, id, "customer", "");
    saga_expect_aborted(task, "customer");
    const struct shop_release_stock *release = fake_task_last(task, SHOP_RELEASE_STOCK);
    assert_true(release->committed); /* So the units come back, though their hold is forgotten. */
    assert_int_equal(fake_task_count(task, SHOP_RETURN_FUNDS), 1);
}

static void an_order_of_somebody_else_is_not_found(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_reserve(task, NULL);
    struct shop_cancel_order command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr("usr_b"),
        .order_id = id,
        .cause = mr_cstr(""),
    };
    sales_tell(task, SHOP_CANCEL_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_ORDER_UNKNOWN);
}

/* -- messages that cannot be meant -- */

static void a_reply_that_says_nothing_known_is_poison(void **state)
{
    struct fake_task *task = *state;
    struct mr_error error = {0};
    struct mr_bytes id = saga_reserve(task, &sales_method);
    struct shop_id payment = shop_payment_id(id, 1);
    struct shop_stock_reply stock = {.order_id = id, .line_no = 1, .result = mr_cstr("perhaps")};
    struct shop_payment_reply paid = {
        .order_id = id, .payment_id = shop_id_view(&payment), .result = mr_cstr("perhaps")};
    assert_int_equal(fake_task_tell(task, SHOP_STOCK_REPLY, &stock, &error), MR_INVALID);
    assert_int_equal(fake_task_tell(task, SHOP_PAYMENT_REPLY, &paid, &error), MR_INVALID);
    stock = (struct shop_stock_reply){
        .order_id = mr_cstr("ord_x"), .line_no = 1, .result = mr_cstr(SHOP_RESULT_RESERVED)};
    assert_int_equal(fake_task_tell(task, SHOP_STOCK_REPLY, &stock, &error), MR_INVALID);
    stock = (struct shop_stock_reply){
        .order_id = id, .line_no = 99, .result = mr_cstr(SHOP_RESULT_REJECTED)};
    assert_int_equal(fake_task_tell(task, SHOP_STOCK_REPLY, &stock, &error), 0);
    assert_int_equal(task->outputs_count, 0);
}

/* -- the staff -- */

static struct shop_command_meta saga_operator(struct fake_task *task)
{
    struct shop_command_meta meta = fake_task_command(task, "operator");
    meta.reason = mr_cstr("case 7");
    return meta;
}

/* minor 0: all that is left. */
static void saga_refund(struct fake_task *task, struct mr_bytes order_id, int64_t minor)
{
    struct shop_money amount = {minor, mr_cstr("GBP")};
    struct shop_refund_order command = {
        .meta = saga_operator(task),
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = order_id,
        .amount = minor ? &amount : NULL,
    };
    sales_tell(task, SHOP_REFUND_ORDER, &command);
}

static void saga_hear_refunded(struct fake_task *task, struct mr_bytes order_id, int64_t total)
{
    struct shop_id id = shop_payment_id(order_id, 1);
    struct shop_money amount = {total, mr_cstr("GBP")};
    struct shop_payment_reply reply = {
        .payment_id = shop_id_view(&id),
        .order_id = order_id,
        .owner_id = mr_cstr(SALES_OWNER),
        .result = mr_cstr(SHOP_RESULT_REFUNDED),
        .amount = &amount,
    };
    sales_tell(task, SHOP_PAYMENT_REPLY, &reply);
}

static void a_part_is_refunded_and_the_order_stands(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    saga_refund(task, id, 150);
    sales_expect_accepted(task);
    const struct shop_refund_payment *asked = fake_task_last(task, SHOP_REFUND_PAYMENT);
    assert_int_equal(asked->total.minor, 150);
    const struct shop_order_refund_requested *event =
        fake_task_last(task, SHOP_ORDER_REFUND_REQUESTED);
    assert_true(text_is(event->meta.reason, "case 7"));
    saga_hear_refunded(task, id, 150);
    const struct shop_order_refunded *refunded = fake_task_last(task, SHOP_ORDER_REFUNDED);
    assert_int_equal(refunded->refunded.minor, 150);
    saga_hear_refunded(task, id, 150);
    assert_int_equal(task->outputs_count, 0);
    saga_refund(task, id, 100);
    asked = fake_task_last(task, SHOP_REFUND_PAYMENT);
    assert_int_equal(asked->total.minor, 250);
    assert_string_equal(order_status(sales_order(task, id)), "CONFIRMED");
    assert_int_equal(fake_task_count(task, SHOP_RELEASE_STOCK), 0);
}

static void no_more_is_refunded_than_was_captured(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    saga_refund(task, id, 551);
    sales_expect_refused(task, SHOP_REASON_REFUND_LIMIT);
    assert_int_equal(task->decision->rejection->limit, 550);
    saga_refund(task, id, -1);
    sales_expect_refused(task, SHOP_REASON_REFUND_LIMIT);
    saga_refund(task, id, 500);
    saga_refund(task, id, 51);
    sales_expect_refused(task, SHOP_REASON_REFUND_LIMIT);
    assert_int_equal(task->decision->rejection->limit, 50);
    saga_refund(task, id, 0);
    const struct shop_refund_payment *asked = fake_task_last(task, SHOP_REFUND_PAYMENT);
    assert_int_equal(asked->total.minor, 550);
    saga_refund(task, id, 0);
    sales_expect_refused(task, SHOP_REASON_REFUND_LIMIT);
    saga_hear_refunded(task, id, 550);
    assert_string_equal(order_status(sales_order(task, id)), "CONFIRMED");
}

static void money_that_went_back_by_hand_counts_against_the_limit(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    saga_hear_refunded(task, id, 100);
    saga_refund(task, id, 451);
    sales_expect_refused(task, SHOP_REASON_REFUND_LIMIT);
    saga_refund(task, id, 50);
    const struct shop_refund_payment *asked = fake_task_last(task, SHOP_REFUND_PAYMENT);
    assert_int_equal(asked->total.minor, 150);
}

static void only_a_confirmed_order_is_refunded_and_by_an_operator_with_a_reason(void **state)
{
    struct fake_task *task = *state;
    struct mr_error error;
    struct mr_bytes id = saga_reserve(task, &sales_method);
    saga_refund(task, id, 1);
    sales_expect_refused(task, SHOP_REASON_NOT_REFUNDABLE);
    struct shop_refund_order command = {
        .meta = fake_task_command(task, "operator"),
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = id};
    sales_tell(task, SHOP_REFUND_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_OPERATOR_GIVES_REASON);
    command.meta = fake_task_command(task, "customer");
    command.meta.reason = mr_cstr("mine");
    assert_int_equal(fake_task_tell(task, SHOP_REFUND_ORDER, &command, &error), MR_INVALID);
    saga_cancel(task, id, "customer", "");
    saga_refund(task, id, 1);
    sales_expect_refused(task, SHOP_REASON_NOT_REFUNDABLE);
}

static void an_order_is_closed_when_its_cancellation_finds_no_end(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    struct shop_close_order command = {
        .meta = saga_operator(task), .owner_id = mr_cstr(SALES_OWNER), .order_id = id};
    sales_tell(task, SHOP_CLOSE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_NOT_CLOSABLE);
    saga_cancel(task, id, "customer", "");
    sales_hear_stock(task, id, 1, SHOP_RESULT_RELEASED);
    command.meta = saga_operator(task);
    sales_tell(task, SHOP_CLOSE_ORDER, &command);
    sales_expect_accepted(task);
    const struct shop_order_cancelled *event = fake_task_last(task, SHOP_ORDER_CANCELLED);
    assert_true(text_is(event->meta.reason, "case 7"));
    assert_string_equal(order_status(sales_order(task, id)), "CANCELLED");
    assert_int_equal(fake_task_entries(task, "order-progress"), 0);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RELEASED);
    sales_hear_payment(task, id, 1, SHOP_RESULT_RETURNED, NULL);
    assert_int_equal(task->outputs_count, 0);
    command.meta = saga_operator(task);
    sales_tell(task, SHOP_CLOSE_ORDER, &command);
    sales_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
}

static void a_closed_order_still_knows_what_had_gone_back_before(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    saga_refund(task, id, 150);
    saga_hear_refunded(task, id, 150);
    saga_cancel(task, id, "customer", "");
    struct shop_close_order command = {
        .meta = saga_operator(task), .owner_id = mr_cstr(SALES_OWNER), .order_id = id};
    sales_tell(task, SHOP_CLOSE_ORDER, &command);
    sales_expect_accepted(task);
    const struct shop_order_cancelled *event = fake_task_last(task, SHOP_ORDER_CANCELLED);
    assert_non_null(event->refund);
    assert_int_equal(event->refund->minor, 150);
}

static void a_confirmation_is_sent_again_as_another_mail(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = saga_confirm(task);
    const struct shop_notification_requested *mail =
        fake_task_last(task, SHOP_NOTIFICATION_REQUESTED);
    struct mr_bytes first = mr_arena_copy(fake_task_arena(task), mail->meta.event_id);
    for (int i = 0; i < 2; i++) {
        struct shop_resend_confirmation command = {
            .meta = saga_operator(task), .owner_id = mr_cstr(SALES_OWNER), .order_id = id};
        sales_tell(task, SHOP_RESEND_CONFIRMATION, &command);
        sales_expect_accepted(task);
        assert_int_equal(fake_task_count(task, SHOP_ORDER_CONFIRMATION_RESENT), 1);
        mail = fake_task_last(task, SHOP_NOTIFICATION_REQUESTED);
        assert_true(text_is(mail->template, "order_confirmation"));
        assert_false(mr_bytes_equal(mail->meta.event_id, first));
        first = mr_arena_copy(fake_task_arena(task), mail->meta.event_id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SALES_TEST(a_payment_starts_when_every_line_is_reserved),
        SALES_TEST(without_a_method_the_order_waits_for_one),
        SALES_TEST(a_message_that_comes_twice_changes_nothing),
        SALES_TEST(units_are_committed_when_the_money_is_there),
        SALES_TEST(an_order_is_confirmed_once_with_units_and_money),
        SALES_TEST(money_before_the_units_does_not_confirm),
        SALES_TEST(a_line_out_of_stock_ends_the_order),
        SALES_TEST(units_lost_at_the_commit_return_the_money),
        SALES_TEST(a_soft_decline_waits_for_another_attempt),
        SALES_TEST(a_hard_decline_ends_the_order),
        SALES_TEST(the_last_soft_decline_ends_the_order),
        SALES_TEST(money_that_went_back_ends_the_order),
        SALES_TEST(an_unpaid_order_ends_at_its_deadline_and_not_before),
        SALES_TEST(a_second_payment_beside_the_first_is_refused),
        SALES_TEST(too_many_attempts_are_refused),
        SALES_TEST(a_customer_cancels_and_the_reason_is_not_kept),
        SALES_TEST(an_operator_cancels_with_a_reason_only),
        SALES_TEST(a_confirmed_order_that_is_cancelled_gives_units_and_money_back),
        SALES_TEST(an_order_of_somebody_else_is_not_found),
        SALES_TEST(a_reply_that_says_nothing_known_is_poison),
        SALES_TEST(a_part_is_refunded_and_the_order_stands),
        SALES_TEST(no_more_is_refunded_than_was_captured),
        SALES_TEST(money_that_went_back_by_hand_counts_against_the_limit),
        SALES_TEST(only_a_confirmed_order_is_refunded_and_by_an_operator_with_a_reason),
        SALES_TEST(an_order_is_closed_when_its_cancellation_finds_no_end),
        SALES_TEST(a_closed_order_still_knows_what_had_gone_back_before),
        SALES_TEST(a_confirmation_is_sent_again_as_another_mail),
    };
    return cmocka_run_group_tests_name("sales_saga", tests, NULL, NULL);
}
