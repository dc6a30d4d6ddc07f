/*
 * sales_saga.c - what an order hears: the replies of stock and payments, and its owner's commands.
 *
 * Each function is one or more rows of the saga's table: it turns a message into a fact or into
 * another goal, and order_advance (sales_order.c) emits what is then missing.
 *
 * Invariants
 *   1. A message changes the order once. Facts only move forward (sales_progress.c), so a duplicate
 *      or a late message brings no new fact, and nothing is emitted.
 *   2. The goal turns once, from FULFIL to ABORT, and never back (order_abort).
 *   3. Only the newest payment attempt counts. An earlier one is sent ReturnFunds before the
 *      next was started (saga_start_payment).
 *   4. A decline is final only when it is hard, the last attempt's, or at the capture; until then
 *      the owner may try again.
 *   5. An order that ends for no wish of its owner's gives its lines back to the cart.
 *   6. Facts and events of one message are kept in one transaction (saga_advance).
 *
 * Transitions, each with the function that performs it
 *
 *     line reserved, committed, released        saga_hear_stock -> order_advance
 *     line refused or lost: FULFIL -> ABORT     saga_lose_line; the cart is open again
 *     authorized, captured                      saga_hear_payment -> order_advance
 *     declined, another attempt is possible     saga_hear_declined
 *     declined for good: FULFIL -> ABORT        saga_hear_declined; the cart is open again
 *     returned: FULFIL -> ABORT                 saga_hear_payment; the cart is open again
 *     a payment starts                          saga_start_payment
 *     cancelled: FULFIL or CONFIRMED -> ABORT   saga_cancel
 *     the deadline passes: FULFIL -> ABORT      order_pass_deadline, in sales_order.c
 *     money goes back, CONFIRMED stands         staff_refund, in sales_staff.c
 *     ended before all is back                  staff_close, in sales_staff.c
 */
#include "sales_cart.h"
#include "sales_price.h"
#include "sales_progress.h"

static const struct mr_bytes no_text = MR_LITERAL("");

static int saga_advance(struct order *order, struct mr_error *error)
{
    int rc = order_advance(order, error);
    if (!rc)
        progress_put(order);
    return rc;
}

/* -- stock -- */

static enum line_fact saga_fact_of(struct mr_bytes result)
{
    if (text_is(result, SHOP_RESULT_RESERVED))
        return LINE_RESERVED;
    if (text_is(result, SHOP_RESULT_COMMITTED))
        return LINE_COMMITTED;
    if (text_is(result, SHOP_RESULT_REJECTED) || text_is(result, SHOP_RESULT_COMMIT_REJECTED))
        return LINE_REJECTED;
    return text_is(result, SHOP_RESULT_RELEASED) ? LINE_RELEASED : LINE_UNKNOWN;
}

static const char *saga_abort_cause(const struct shop_stock_reply *reply)
{
    if (text_is(reply->result, SHOP_RESULT_COMMIT_REJECTED))
        return "stock_lost";
    if (reply->cause.ptr && text_is(reply->cause, "price_changed"))
        return "price_changed";
    return "out_of_stock";
}

/* Rows 6, 7, 10, 14 and 16: the cart is open again, at the prices of now. */
int order_reopen_cart(
    struct order *order, const struct shop_stock_reply *reply, struct mr_error *error)
{
    struct work *work = order->work;
    struct shop_order_line *lines =
        mr_arena_alloc(work->arena, (order->lines_count + 1) * sizeof *lines);
    struct cart cart;
    bool exists;
    for (size_t i = 0; i < order->lines_count; i++) {
        const struct shop_product_state *product;
        int rc = price_find(work, order->lines[i].product_id, &product, error);
        if (rc)
            return rc;
        lines[i] = order->lines[i];
        if (product) {
            lines[i].unit_price = product->price;
            lines[i].price_version = product->price_version;
        }
        /* The catalog's own word is newer than the price table. */
        if (reply && lines[i].line_no == reply->line_no && reply->unit_price) {
            lines[i].unit_price = *reply->unit_price;
            if (reply->has_price_version)
                lines[i].price_version = reply->price_version;
        }
    }
    int rc = cart_load(work, order->state.owner_id, &cart, &exists, error);
    return rc ? rc : cart_reopen(&cart, lines, order->lines_count, order->id, error);
}

/* Rows 6, 7 and 14: a line is lost, so is the order. */
static int
saga_lose_line(struct order *order, const struct shop_stock_reply *reply, struct mr_error *error)
{
    const char *cause = saga_abort_cause(reply);
    struct mr_bytes detail = mr_arena_printf(
        order->work->arena,
        "line %d: %.*s",
        (int)reply->line_no,
        MR_ARG(reply->cause.ptr ? reply->cause : reply->result));
    int rc = order_abort(order, cause, detail, error);
    return rc ? rc : order_reopen_cart(order, reply, error);
}

/* For whoever asks which line it was: what there was instead. */
static int saga_note_short_line(
    struct order *order, const struct shop_stock_reply *reply, struct mr_error *error)
{
    struct shop_order_progress *progress = &order->progress;
    int rc = order_lines(order, error);
    if (rc)
        return rc;
    size_t count = progress->short_lines_count;
    struct shop_short_line *lines = mr_arena_alloc(order->work->arena, (count + 1) * sizeof *lines);
    for (size_t i = 0; i < count; i++)
        lines[i] = progress->short_lines[i];
    lines[count] = (struct shop_short_line){
        reply->line_no,
        reply->product_id,
        order->lines[reply->line_no - 1].quantity,
        reply->available};
    progress->short_lines = lines;
    progress->short_lines_count = count + 1;
    return 0;
}

static int
saga_hear_stock(struct order *order, const struct shop_stock_reply *reply, struct mr_error *error)
{
    enum line_fact fact = saga_fact_of(reply->result);
    if (fact == LINE_UNKNOWN)
        return mr_fail(error, MR_INVALID, "StockReply.result is unknown");
    if (order->state.ended || !progress_line(order, reply->line_no, fact))
        return 0;
    if (fact == LINE_REJECTED && strcmp(saga_abort_cause(reply), "out_of_stock") == 0) {
        int rc = saga_note_short_line(order, reply, error);
        if (rc)
            return rc;
    }
    if (order->state.goal == ORDER_FULFIL && fact >= LINE_REJECTED) {
        int rc = saga_lose_line(order, reply, error);
        if (rc)
            return rc;
    }
    return saga_advance(order, error);
}

/* -- payments -- */

static void saga_emit_payment_failed(struct order *order, struct mr_bytes decline_class)
{
    struct shop_order_payment_failed event = {
        order_meta(order),
        order->id,
        order->state.owner_id,
        order->state.payment_id,
        decline_class};
    order_emit(order, SHOP_ORDER_PAYMENT_FAILED, &event.meta, &event);
}

/* Rows 10, 11 and 16. A decline at capture says nothing about the authorization: it only aborts. */
static int saga_hear_declined(
    struct order *order, const struct shop_payment_reply *reply, struct mr_error *error)
{
    struct mr_bytes decline_class =
        reply->decline_class.ptr ? reply->decline_class : mr_cstr("hard");
    bool fulfilling = order->state.goal == ORDER_FULFIL;
    if (order->state.confirmed || progress_payment_is(order, SHOP_RESULT_CAPTURED))
        return 0;
    bool fresh = progress_payment(order, SHOP_RESULT_DECLINED);
    bool at_capture = !fresh && progress_payment_is(order, SHOP_RESULT_AUTHORIZED);
    if (!fresh && !(at_capture && fulfilling))
        return 0;
    if (fulfilling) {
        saga_emit_payment_failed(order, decline_class);
        bool again = fresh && text_is(decline_class, "soft") &&
                     order->state.attempt < order->work->service->limits.payment_attempts_max;
        int rc = again ? 0 : order_abort(order, "payment_declined", decline_class, error);
        if (!rc && !again)
            rc = order_reopen_cart(order, NULL, error);
        if (rc)
            return rc;
    }
    return saga_advance(order, error);
}

static int saga_hear_payment(
    struct order *order, const struct shop_payment_reply *reply, struct mr_error *error)
{
    static const char *const facts[] = {
        SHOP_RESULT_AUTHORIZED, SHOP_RESULT_CAPTURED, SHOP_RESULT_RETURNED};
    /* Earlier attempts were sent ReturnFunds, and see to that themselves. */
    if (order->state.ended || !order->state.payment_id.ptr ||
        !mr_bytes_equal(reply->payment_id, order->state.payment_id))
        return 0;
    if (text_is(reply->result, SHOP_RESULT_DECLINED))
        return saga_hear_declined(order, reply, error);
    if (text_is(reply->result, SHOP_RESULT_REFUNDED)) {
        staff_hear_refunded(order, reply);
        return saga_advance(order, error);
    }
    size_t i = 0;
    while (i < 3 && !text_is(reply->result, facts[i]))
        i++;
    if (i == 3)
        return mr_fail(error, MR_INVALID, "PaymentReply.result is unknown");
    if (!progress_payment(order, facts[i]))
        return 0;
    bool returned = strcmp(facts[i], SHOP_RESULT_RETURNED) == 0;
    if (returned && reply->amount)
        order->progress.refunded_minor = reply->amount->minor;
    if (returned && order->state.goal == ORDER_FULFIL) {
        int rc = order_abort(order, "payment_declined", mr_cstr("returned"), error);
        if (!rc)
            rc = order_reopen_cart(order, NULL, error);
        if (rc)
            return rc;
    }
    return saga_advance(order, error);
}

/* -- the owner -- */

/* The order's status forbids it. */
void *order_reject_state(struct order *order, enum shop_reason reason)
{
    struct shop_rejection facts = {.state = mr_cstr(order_status(&order->state))};
    if (reason == SHOP_REASON_ATTEMPTS_EXHAUSTED) {
        facts.has_limit = true;
        facts.limit = order->work->service->limits.payment_attempts_max;
    }
    return decision_reject(order->work, reason, order->id, &facts);
}

void order_accept(struct order *order, enum decision_effect effect, void **ret_decision)
{
    struct decision *decision = decision_accept(order->work, effect, order->id);
    decision->subject_id = order->id;
    decision->has_version = true;
    decision->version = order->state.version;
    *ret_decision = decision;
}

/* Row 9. */
static int saga_start_payment(
    struct order *order, const struct shop_start_payment *command, void **ret_decision)
{
    const struct shop_order_state *state = &order->state;
    if (state->goal != ORDER_FULFIL || !state->stock_confirmed || state->authorized) {
        *ret_decision = order_reject_state(order, SHOP_REASON_PAYMENT_NOT_EXPECTED);
        return 0;
    }
    if (state->attempt > 0 && !state->attempt_failed) {
        *ret_decision = order_reject_state(order, SHOP_REASON_PAYMENT_IN_PROGRESS);
        return 0;
    }
    if (state->attempt >= order->work->service->limits.payment_attempts_max) {
        *ret_decision = order_reject_state(order, SHOP_REASON_ATTEMPTS_EXHAUSTED);
        return 0;
    }
    /* The attempt before returns what it has, in case its decline is not the last word. */
    if (state->payment_id.ptr) {
        struct shop_return_funds message = {
            work_saga(order->work), state->payment_id, order->id, state->owner_id};
        work_send(order->work, "payment-commands", SHOP_RETURN_FUNDS, state->payment_id, &message);
    }
    order_start_payment(order, &command->method_token_sealed);
    progress_put(order);
    order_accept(order, DECISION_CREATED, ret_decision);
    return 0;
}

/* Rows 18 to 20, and 34. What a customer writes may be personal and goes into no event; an operator
 * has to give a reason, which is kept for the audit. */
static int saga_cancel(
    struct order *order,
    const struct shop_cancel_order *command,
    void **ret_decision,
    struct mr_error *error)
{
    bool by_operator = text_is(order->work->actor_kind, "operator");
    if (order->state.goal == ORDER_ABORT) {
        order_accept(order, DECISION_CHANGED, ret_decision);
        return 0;
    }
    work_take_reason(order->work, command->cause);
    if (decision_lacks_reason(order->work, true, order->id, ret_decision))
        return 0;
    struct mr_bytes no_detail = {0};
    int rc = order_abort(order, by_operator ? "operator" : "customer", no_detail, error);
    if (!rc)
        rc = saga_advance(order, error);
    if (!rc)
        order_accept(order, DECISION_REQUESTED, ret_decision);
    return rc;
}

/* -- dispatch -- */

static int saga_decide_command(
    struct work *work,
    const struct codec_message *message,
    struct mr_bytes owner_id,
    struct mr_bytes order_id,
    void **ret_decision,
    struct mr_error *error)
{
    struct order order;
    bool exists;
    if (!shop_id_is_valid(order_id))
        return mr_fail(error, MR_INVALID, "order_id is not a valid id");
    int rc = order_load(work, order_id, &order, &exists, error);
    if (rc)
        return rc;
    if (!exists || !mr_bytes_equal(order.state.owner_id, owner_id)) {
        *ret_decision = decision_reject(work, SHOP_REASON_ORDER_UNKNOWN, no_text, NULL);
        return 0;
    }
    if (decision_stale(work, order.state.version, order.id, ret_decision))
        return 0;
    if (message->id == SHOP_START_PAYMENT)
        return saga_start_payment(&order, message->value, ret_decision);
    if (message->id == SHOP_CANCEL_ORDER)
        return saga_cancel(&order, message->value, ret_decision, error);
    return staff_decide(&order, message, ret_decision, error);
}

static int saga_decide_reply(
    struct work *work,
    const struct codec_message *message,
    struct mr_bytes order_id,
    struct mr_error *error)
{
    struct order order;
    bool exists;
    int rc = order_load(work, order_id, &order, &exists, error);
    if (rc)
        return rc;
    if (!exists)
        return mr_fail(error, MR_INVALID, "%s to an unknown order", message->type->name);
    return message->id == SHOP_STOCK_REPLY ? saga_hear_stock(&order, message->value, error)
                                           : saga_hear_payment(&order, message->value, error);
}

/* Commands name the owner too, whose order it must be; replies the order only. */
int order_decide(
    struct work *work,
    const struct codec_message *message,
    void **ret_decision,
    struct mr_error *error)
{
    switch (message->id) {
    case SHOP_START_PAYMENT: {
        const struct shop_start_payment *start = message->value;
        return saga_decide_command(
            work, message, start->owner_id, start->order_id, ret_decision, error);
    }
    case SHOP_CANCEL_ORDER: {
        const struct shop_cancel_order *cancel_order = message->value;
        return saga_decide_command(
            work, message, cancel_order->owner_id, cancel_order->order_id, ret_decision, error);
    }
    case SHOP_REFUND_ORDER: {
        const struct shop_refund_order *refund = message->value;
        return saga_decide_command(
            work, message, refund->owner_id, refund->order_id, ret_decision, error);
    }
    case SHOP_CLOSE_ORDER: {
        const struct shop_close_order *end = message->value;
        return saga_decide_command(
            work, message, end->owner_id, end->order_id, ret_decision, error);
    }
    case SHOP_RESEND_CONFIRMATION: {
        const struct shop_resend_confirmation *again = message->value;
        return saga_decide_command(
            work, message, again->owner_id, again->order_id, ret_decision, error);
    }
    case SHOP_STOCK_REPLY:
        return saga_decide_reply(
            work, message, ((const struct shop_stock_reply *)message->value)->order_id, error);
    default:
        return saga_decide_reply(
            work, message, ((const struct shop_payment_reply *)message->value)->order_id, error);
    }
}
