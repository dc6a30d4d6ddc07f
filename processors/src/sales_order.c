/*
 * sales_order.c - the order as process manager: a goal, monotone facts, and what is still missing.
 *
 * After every new fact order_advance looks at the goal and the facts and emits what is missing
 * (rows 4 to 23 of the saga's table). Nothing is a special case: a message that brings no new fact
 * is answered by silence, one that comes late changes only facts.
 *
 *     fulfil: all reserved -> authorise -> commit all -> capture -> confirmed
 *     abort:  release all, return the money -> cancelled
 *
 * Invariants: confirmed exactly once, only with all lines committed and the money captured; an
 * order ends only when every line is released and its payment is settled.
 */
#include "sales_progress.h"

#include <assert.h>
#include <stdio.h>

/* Each line is a message: what is left comes with the next call. */
enum { DEADLINES_PER_CALL_MAX = 100, DEADLINE_LINES_PER_CALL_MAX = 1000 };

int order_load(
    struct work *work,
    struct mr_bytes order_id,
    struct order *ret_order,
    bool *ret_exists,
    struct mr_error *error)
{
    const void *found;
    int rc = state_get(work->context, "orders", SHOP_ORDER_STATE, order_id, &found, error);
    if (rc)
        return rc;
    *ret_exists = found != NULL;
    if (!found)
        return 0;
    *ret_order = (struct order){.work = work, .id = order_id};
    ret_order->state = *(const struct shop_order_state *)found;
    return progress_get(ret_order, error);
}

struct shop_meta order_meta(struct order *order)
{
    return work_meta(order->work, "order", order->id, order->state.version + 1);
}

void order_emit(
    struct order *order, enum shop_type type, const struct shop_meta *meta, const void *event)
{
    assert(meta->aggregate_version == order->state.version + 1);
    const struct codec_type *kind = &shop_types[type];
    void *kept = mr_arena_alloc(order->work->arena, kind->size);
    memcpy(kept, event, kind->size);
    order_apply(&order->state, &(struct codec_message){kind, (int)type, kept});
    work_emit(order->work, "order-events", type, order->state.owner_id, meta, event);
}

/* -- messages to stock and payments -- */

static int order_send_lines(struct order *order, enum shop_type type, struct mr_error *error)
{
    struct work *work = order->work;
    int rc = order_lines(order, error);
    for (size_t i = 0; i < order->lines_count && !rc; i++) {
        const struct shop_order_line *line = &order->lines[i];
        struct shop_commit_stock commit = {
            work_saga(work),
            order->id,
            order->state.owner_id,
            line->line_no,
            line->product_id,
            line->quantity};
        struct shop_release_stock release = {
            work_saga(work),
            order->id,
            order->state.owner_id,
            line->line_no,
            line->product_id,
            line->quantity,
            order->facts[i] == LINE_COMMITTED};
        const void *message = type == SHOP_COMMIT_STOCK ? (const void *)&commit : &release;
        work_send(work, "stock-commands", type, line->product_id, message);
    }
    return rc;
}

static void order_send_capture(struct order *order)
{
    struct shop_capture_payment message = {
        work_saga(order->work), order->state.payment_id, order->id, order->state.owner_id};
    work_send(
        order->work, "payment-commands", SHOP_CAPTURE_PAYMENT, order->state.payment_id, &message);
}

static void order_send_return(struct order *order)
{
    if (!order->state.payment_id.ptr)
        return;
    struct shop_return_funds message = {
        work_saga(order->work), order->state.payment_id, order->id, order->state.owner_id};
    work_send(
        order->work, "payment-commands", SHOP_RETURN_FUNDS, order->state.payment_id, &message);
}

/* The payment is an aggregate of its own, named by order and attempt, so that a command that is
 * carried out twice pays once. */
void order_start_payment(struct order *order, const struct shop_sealed *method_token)
{
    assert(order->state.goal == ORDER_FULFIL && order->state.stock_confirmed);
    assert(!order->state.authorized);
    struct work *work = order->work;
    const struct shop_limits *limits = &work->service->limits;
    struct shop_id id = shop_payment_id(order->id, order->state.attempt + 1);
    struct shop_order_payment_started event = {
        .meta = order_meta(order),
        .order_id = order->id,
        .owner_id = order->state.owner_id,
        .payment_id = mr_arena_copy(work->arena, shop_id_view(&id)),
        .attempt = order->state.attempt + 1,
        .amount = order->state.grand_total,
        .method_kind = mr_cstr("token"),
        .has_pay_deadline = true,
        .pay_deadline = order->state.placed_at + limits->pay_deadline_ms,
    };
    order_emit(order, SHOP_ORDER_PAYMENT_STARTED, &event.meta, &event);
    order->progress.payment_fact = mr_cstr("none");
    struct shop_authorize_payment message = {
        .saga = work_saga(work),
        .payment_id = event.payment_id,
        .order_id = order->id,
        .owner_id = order->state.owner_id,
        .attempt = event.attempt,
        .amount = order->state.grand_total,
        .psp = mr_cstr(limits->psp),
        .method_token_sealed = *method_token,
        .deadline = order->state.pay_deadline,
        .capture_mode = mr_cstr(limits->psp_captures_at_once ? "automatic" : "manual"),
    };
    work_send(work, "payment-commands", SHOP_AUTHORIZE_PAYMENT, event.payment_id, &message);
}

static void order_send_notification(struct order *order, const char *template, struct mr_bytes id)
{
    struct shop_notification_requested event = {
        .meta = work_meta(order->work, "notification", id, 1),
        .template = mr_cstr(template),
        .subject_id = order->state.owner_id,
        .order_id = order->id,
    };
    work_emit(
        order->work,
        "notifications",
        SHOP_NOTIFICATION_REQUESTED,
        order->state.owner_id,
        &event.meta,
        &event);
}

static void order_notify(struct order *order, const char *template)
{
    order_send_notification(
        order,
        template,
        mr_arena_printf(order->work->arena, "%.*s.%s", MR_ARG(order->id), template));
}

void order_notify_again(struct order *order, const char *template, int64_t number)
{
    struct mr_bytes id = mr_arena_printf(
        order->work->arena, "%.*s.%s.%lld", MR_ARG(order->id), template, (long long)number);
    order_send_notification(order, template, id);
}

/* -- towards fulfilment -- */

static void order_confirm_stock(struct order *order)
{
    struct shop_order_stock_confirmed event = {order_meta(order), order->id, order->state.owner_id};
    order_emit(order, SHOP_ORDER_STOCK_CONFIRMED, &event.meta, &event);
    if (order->state.method_token_sealed)
        order_start_payment(order, order->state.method_token_sealed);
}

static int order_note_authorized(struct order *order, struct mr_error *error)
{
    struct shop_order_payment_authorized event = {
        order_meta(order),
        order->id,
        order->state.owner_id,
        order->state.payment_id,
        order->state.grand_total};
    order_emit(order, SHOP_ORDER_PAYMENT_AUTHORIZED, &event.meta, &event);
    return order_send_lines(order, SHOP_COMMIT_STOCK, error);
}

static void order_confirm(struct order *order)
{
    assert(order->progress.committed == order->state.lines && !order->state.confirmed);
    assert(progress_payment_is(order, SHOP_RESULT_CAPTURED));
    struct shop_id no = shop_confirmation_no(order->id);
    struct shop_order_confirmed event = {
        .meta = order_meta(order),
        .order_id = order->id,
        .owner_id = order->state.owner_id,
        .confirmation_no = mr_arena_copy(order->work->arena, shop_id_view(&no)),
        .payment_id = order->state.payment_id,
        .captured = order->state.grand_total,
        .confirmed_at = order->work->now_ms,
    };
    order_emit(order, SHOP_ORDER_CONFIRMED, &event.meta, &event);
    order_notify(order, "order_confirmation");
}

static int order_fulfil(struct order *order, struct mr_error *error)
{
    const struct shop_order_progress *progress = &order->progress;
    bool captured = progress_payment_is(order, SHOP_RESULT_CAPTURED);
    bool paid = captured || progress_payment_is(order, SHOP_RESULT_AUTHORIZED);
    bool all_committed = progress->committed == order->state.lines;
    if (!order->state.stock_confirmed &&
        progress->reserved + progress->committed == order->state.lines)
        order_confirm_stock(order);
    if (!order->state.authorized && paid) {
        int rc = order_note_authorized(order, error);
        if (rc)
            return rc;
    }
    if (all_committed && captured && !order->state.confirmed)
        order_confirm(order);
    else if (all_committed && paid && !captured)
        order_send_capture(order);
    return 0;
}

/* -- towards an end -- */

int order_abort(
    struct order *order, const char *cause, struct mr_bytes detail, struct mr_error *error)
{
    assert(order->state.goal == ORDER_FULFIL && !order->state.ended);
    struct shop_order_abort_requested event = {
        order_meta(order), order->id, order->state.owner_id, mr_cstr(cause), detail};
    order_emit(order, SHOP_ORDER_ABORT_REQUESTED, &event.meta, &event);
    order_send_return(order);
    return order_send_lines(order, SHOP_RELEASE_STOCK, error);
}

/* Money that went back while the order stood counts, too: a payment that is silent may add none. */
static void order_emit_cancelled(struct order *order)
{
    assert(order->state.goal == ORDER_ABORT && !order->state.ended);
    int64_t earlier = order->state.refunded_minor;
    int64_t now = order->progress.refunded_minor;
    struct shop_money refund = {now > earlier ? now : earlier, order->state.grand_total.currency};
    struct shop_order_cancelled event = {
        order_meta(order),
        order->id,
        order->state.owner_id,
        order->state.cause,
        refund.minor ? &refund : NULL,
        order->progress.short_lines,
        order->progress.short_lines_count};
    order_emit(order, SHOP_ORDER_CANCELLED, &event.meta, &event);
    order_notify(order, "order_cancelled");
}

void order_close(struct order *order)
{
    order_emit_cancelled(order);
}

static bool order_is_settled(const struct order *order)
{
    return !order->state.payment_id.ptr || progress_payment_is(order, SHOP_RESULT_DECLINED) ||
           progress_payment_is(order, SHOP_RESULT_RETURNED);
}

int order_advance(struct order *order, struct mr_error *error)
{
    if (order->state.ended)
        return 0;
    if (order->state.goal == ORDER_FULFIL)
        return order_fulfil(order, error);
    if (order->progress.released == order->state.lines && order_is_settled(order))
        order_emit_cancelled(order);
    return 0;
}

/* -- time -- */

/* An owner whose orders come to nothing again and again: a person should look, once a day. */
static int order_call_attention(struct order *order, struct mr_error *error)
{
    struct shop_owner_state owner;
    int rc = owner_load(order->work, order->state.owner_id, &owner, error);
    if (!rc && owner.expired_orders == order->work->service->limits.expired_orders_max)
        order_notify(order, "attention_unpaid_orders");
    return rc;
}

static int order_pass_deadline(
    struct topo_context *context,
    const struct shop_service *service,
    struct mr_bytes order_id,
    int64_t now_ms,
    int32_t *lines,
    struct mr_error *error)
{
    struct work work;
    struct order order;
    bool exists;
    work_begin_timer(&work, context, service, "/shop/sales", now_ms, (struct mr_bytes){0});
    int rc = order_load(&work, order_id, &order, &exists, error);
    if (rc)
        return rc;
    if (!exists)
        return mr_fail(error, MR_CORRUPT, "a timer of no order");
    *lines += order.state.lines;
    work.correlation_id = order.state.correlation_id;
    rc = order_abort(&order, "payment_timeout", (struct mr_bytes){0}, error);
    if (!rc)
        rc = order_reopen_cart(&order, NULL, error);
    if (!rc)
        rc = order_call_attention(&order, error);
    if (!rc)
        rc = order_advance(&order, error);
    if (!rc)
        progress_put(&order);
    return rc;
}

int order_deadlines(
    struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    struct mr_bytes ids[DEADLINES_PER_CALL_MAX];
    size_t count = timers_due(context, "order-timers", now_ms, ids, DEADLINES_PER_CALL_MAX);
    int32_t lines = 0;
    int rc = 0;
    for (size_t i = 0; i < count && !rc && lines < DEADLINE_LINES_PER_CALL_MAX; i++)
        rc = order_pass_deadline(context, user, ids[i], now_ms, &lines, error);
    return rc;
}
