/*
 * sales_staff.c - an operator's acts on an order: money back while it stands, an end where a
 * cancellation finds none, the confirmation again. Each needs a reason, which its event has.
 *
 * Invariant: operators never ask back more than was captured. The payment gets the sum of it each
 * time, so a message twice or late gives nothing back twice.
 */
#include "sales_progress.h"

#include <assert.h>

static int64_t staff_asked_back(const struct shop_order_state *state)
{
    return state->refund_wanted_minor > state->refunded_minor ? state->refund_wanted_minor
                                                              : state->refunded_minor;
}

/* The rest that can still be given back; 0: nothing. */
static int64_t staff_refundable(const struct order *order)
{
    assert(order->state.captured);
    return order->state.captured->minor - staff_asked_back(&order->state);
}

static void staff_emit_refund(struct order *order, int64_t minor)
{
    struct mr_bytes currency = order->state.captured->currency;
    struct shop_order_refund_requested event = {
        .meta = order_meta(order),
        .order_id = order->id,
        .owner_id = order->state.owner_id,
        .payment_id = order->state.payment_id,
        .amount = {minor, currency},
        .total = {staff_asked_back(&order->state) + minor, currency},
    };
    order_emit(order, SHOP_ORDER_REFUND_REQUESTED, &event.meta, &event);
    struct shop_refund_payment message = {
        .saga = work_saga(order->work),
        .payment_id = order->state.payment_id,
        .order_id = order->id,
        .owner_id = order->state.owner_id,
        .total = event.total,
    };
    work_send(
        order->work, "payment-commands", SHOP_REFUND_PAYMENT, order->state.payment_id, &message);
}

/* Row 35. A confirmed order only: before that there is nothing to give back, and a cancellation
 * gives back all. */
static void *staff_refund(struct order *order, const struct shop_refund_order *command)
{
    void *decision = NULL;
    if (!order->state.confirmed || order->state.goal != ORDER_FULFIL)
        return order_reject_state(order, SHOP_REASON_NOT_REFUNDABLE);
    int64_t left = staff_refundable(order);
    int64_t minor = command->amount ? command->amount->minor : left;
    bool other = command->amount &&
                 !mr_bytes_equal(command->amount->currency, order->state.captured->currency);
    if (other || minor < 1 || minor > left)
        return decision_reject(
            order->work,
            SHOP_REASON_REFUND_LIMIT,
            order->id,
            &(struct shop_rejection){
                .subject = order->state.captured->currency, .has_limit = true, .limit = left});
    staff_emit_refund(order, minor);
    order_accept(order, DECISION_REQUESTED, &decision);
    return decision;
}

/* Row 36. */
static void *staff_close(struct order *order)
{
    void *decision = NULL;
    if (order->state.goal != ORDER_ABORT)
        return order_reject_state(order, SHOP_REASON_NOT_CLOSABLE);
    if (!order->state.ended) {
        order_close(order);
        progress_put(order);
    }
    order_accept(order, DECISION_CHANGED, &decision);
    return decision;
}

static void *staff_resend(struct order *order)
{
    void *decision = NULL;
    if (!order->state.confirmed || order->state.goal != ORDER_FULFIL)
        return order_reject_state(order, SHOP_REASON_NOT_CONFIRMED);
    struct shop_order_confirmation_resent event = {
        order_meta(order), order->id, order->state.owner_id};
    order_emit(order, SHOP_ORDER_CONFIRMATION_RESENT, &event.meta, &event);
    order_notify_again(order, "order_confirmation", order->state.version);
    order_accept(order, DECISION_CHANGED, &decision);
    return decision;
}

int staff_decide(
    struct order *order,
    const struct codec_message *message,
    void **ret_decision,
    struct mr_error *error)
{
    if (!text_is(order->work->actor_kind, "operator"))
        return mr_fail(error, MR_INVALID, "%s is an operator's", message->type->name);
    if (decision_lacks_reason(order->work, true, order->id, ret_decision))
        return 0;
    if (message->id == SHOP_REFUND_ORDER)
        *ret_decision = staff_refund(order, message->value);
    else if (message->id == SHOP_CLOSE_ORDER)
        *ret_decision = staff_close(order);
    else
        *ret_decision = staff_resend(order);
    return 0;
}

/* An order that is being cancelled has the sum with the payment's last word. */
void staff_hear_refunded(struct order *order, const struct shop_payment_reply *reply)
{
    struct shop_order_state *state = &order->state;
    if (!reply->amount || state->goal != ORDER_FULFIL ||
        reply->amount->minor <= state->refunded_minor)
        return;
    struct shop_order_refunded event = {
        .meta = order_meta(order),
        .order_id = order->id,
        .owner_id = state->owner_id,
        .payment_id = state->payment_id,
        .refunded = {reply->amount->minor - state->refunded_minor, reply->amount->currency},
        .total = *reply->amount,
    };
    order_emit(order, SHOP_ORDER_REFUNDED, &event.meta, &event);
    order_notify_again(order, "order_refunded", event.total.minor);
}
