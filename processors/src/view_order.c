/*
 * view_order.c - orders as their owners see them: a head that changes with every event, lines that
 * are written once, a timeline, and an index of each owner's orders, newest first.
 */
#include "view_impl.h"

const char *view_order_status(const struct shop_order_view *order)
{
    if (order->cancelled)
        return "CANCELLED";
    if (order->abort_wanted)
        return "CANCELLING";
    if (order->confirmed)
        return "CONFIRMED";
    if (order->authorized)
        return "CONFIRMING";
    return order->stock_confirmed ? "PENDING_PAYMENT" : "PENDING_STOCK";
}

static void view_order_place(
    struct topo_context *context,
    const struct shop_order_placed *event,
    struct shop_order_view *order)
{
    struct mr_bytes key = view_order_key(
        topo_context_arena(context), event->owner_id, event->meta.occurred_at, event->order_id);
    struct shop_order_lines_state lines = {
        .lines = event->lines, .lines_count = event->lines_count};
    *order = (struct shop_order_view){
        .owner_id = event->owner_id,
        .cart_id = event->cart_id,
        .lines = (int32_t)event->lines_count,
        .items_total = event->items_total,
        .shipping_total = event->shipping_total,
        .tax_total = event->tax_total,
        .grand_total = event->grand_total,
        .placed_at = event->meta.occurred_at,
        .pay_deadline = event->pay_deadline,
    };
    state_put(context, VIEW_ORDER_LINES, SHOP_ORDER_LINES_STATE, event->order_id, &lines);
    topo_store_put(topo_context_store(context, VIEW_ORDERS_BY_OWNER), key, mr_bytes_of("", 0));
}

/* A copy of the attempts with room for one more, so that the fold can change it. */
static struct shop_order_payment_view *view_order_payment(
    struct topo_context *context, struct shop_order_view *order, struct mr_bytes payment_id)
{
    struct shop_order_payment_view *all =
        mr_arena_alloc(topo_context_arena(context), (order->payments_count + 1) * sizeof *all);
    if (order->payments_count)
        memcpy(all, order->payments, order->payments_count * sizeof *all);
    order->payments = all;
    for (size_t i = 0; i < order->payments_count; i++)
        if (mr_bytes_equal(all[i].payment_id, payment_id))
            return &all[i];
    struct shop_order_payment_view *added = &all[order->payments_count++];
    *added = (struct shop_order_payment_view){
        .payment_id = payment_id,
        .attempt = (int32_t)order->payments_count,
        .status = MR_LITERAL("started"),
    };
    return added;
}

static void view_order_confirm(
    struct topo_context *context,
    const struct shop_order_confirmed *event,
    struct shop_order_view *order)
{
    view_order_payment(context, order, event->payment_id)->status = mr_cstr("captured");
    order->confirmed = true;
    order->confirmation_no = event->confirmation_no;
    order->has_confirmed_at = true;
    order->confirmed_at = event->confirmed_at;
    order->captured = &event->captured;
}

/* False for an event that is not about orders. */
static bool view_order_fold(
    struct topo_context *context,
    const struct codec_message *message,
    struct shop_order_view *order)
{
    switch (message->id) {
    case SHOP_ORDER_PLACED:
        view_order_place(context, message->value, order);
        return true;
    case SHOP_ORDER_STOCK_CONFIRMED:
        order->stock_confirmed = true;
        return true;
    case SHOP_ORDER_PAYMENT_STARTED: {
        const struct shop_order_payment_started *event = message->value;
        view_order_payment(context, order, event->payment_id)->attempt = event->attempt;
        if (event->has_pay_deadline)
            order->pay_deadline = event->pay_deadline;
        return true;
    }
    case SHOP_ORDER_PAYMENT_FAILED: {
        const struct shop_order_payment_failed *event = message->value;
        struct shop_order_payment_view *payment =
            view_order_payment(context, order, event->payment_id);
        payment->status = mr_cstr("declined");
        payment->decline_class = event->decline_class;
        return true;
    }
    case SHOP_ORDER_PAYMENT_AUTHORIZED: {
        const struct shop_order_payment_authorized *event = message->value;
        view_order_payment(context, order, event->payment_id)->status = mr_cstr("authorized");
        order->authorized = true;
        return true;
    }
    case SHOP_ORDER_CONFIRMED:
        view_order_confirm(context, message->value, order);
        return true;
    case SHOP_ORDER_ABORT_REQUESTED:
        order->abort_wanted = true;
        order->cause = ((const struct shop_order_abort_requested *)message->value)->cause;
        return true;
    case SHOP_ORDER_CANCELLED: {
        const struct shop_order_cancelled *event = message->value;
        order->cancelled = true;
        order->cause = event->cause;
        order->refund = event->refund;
        order->short_lines = event->short_lines;
        order->short_lines_count = event->short_lines_count;
        return true;
    }
    case SHOP_ORDER_REFUNDED:
        order->refund = &((const struct shop_order_refunded *)message->value)->total;
        return true;
    case SHOP_ORDER_REFUND_REQUESTED:
    case SHOP_ORDER_CONFIRMATION_RESENT:
        return true; /* The version only. */
    default:
        return false;
    }
}

/* Every record has the id in a place of its own. */
static struct mr_bytes view_order_id_of(const struct codec_message *message)
{
#define ID_IN(name) ((const struct shop_##name *)message->value)->order_id
    switch (message->id) {
    case SHOP_ORDER_PLACED:
        return ID_IN(order_placed);
    case SHOP_ORDER_STOCK_CONFIRMED:
        return ID_IN(order_stock_confirmed);
    case SHOP_ORDER_PAYMENT_STARTED:
        return ID_IN(order_payment_started);
    case SHOP_ORDER_PAYMENT_FAILED:
        return ID_IN(order_payment_failed);
    case SHOP_ORDER_PAYMENT_AUTHORIZED:
        return ID_IN(order_payment_authorized);
    case SHOP_ORDER_CONFIRMED:
        return ID_IN(order_confirmed);
    case SHOP_ORDER_ABORT_REQUESTED:
        return ID_IN(order_abort_requested);
    case SHOP_ORDER_CANCELLED:
        return ID_IN(order_cancelled);
    case SHOP_ORDER_REFUND_REQUESTED:
        return ID_IN(order_refund_requested);
    case SHOP_ORDER_REFUNDED:
        return ID_IN(order_refunded);
    case SHOP_ORDER_CONFIRMATION_RESENT:
        return ID_IN(order_confirmation_resent);
    default:
        return mr_bytes_of(NULL, 0);
    }
#undef ID_IN
}

static int view_order_process(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    const struct shop_order_view *stored = NULL;
    int rc = view_decode(context, registry, record, &message, error);
    if (rc != 0)
        return rc;
    struct mr_bytes order_id = view_order_id_of(&message);
    if (!order_id.ptr)
        return 0;
    rc = state_get(context, VIEW_ORDERS, SHOP_ORDER_VIEW, order_id, (const void **)&stored, error);
    if (rc != 0)
        return rc;
    if (!stored && message.id != SHOP_ORDER_PLACED)
        return mr_fail(
            error, MR_MALFORMED, "an event of order %.*s before its first", MR_ARG(order_id));
    struct shop_order_view order = {0};
    if (stored)
        order = *stored;
    if (view_order_fold(context, &message, &order)) {
        order.version = view_meta(&message)->aggregate_version;
        state_put(context, VIEW_ORDERS, SHOP_ORDER_VIEW, order_id, &order);
        rc = view_timeline_fold(context, &message, order_id, &order, error);
    }
    return rc;
}

void view_order_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_ORDERS, false, 0);
    view_add_store(builder, VIEW_ORDER_LINES, false, 0);
    view_add_store(builder, VIEW_ORDERS_BY_OWNER, true, 0);
    view_add_store(builder, VIEW_ORDER_TIMELINES, false, 0);
    view_add_node(
        builder,
        "order-view",
        (const char *const[]){TOPIC_SALES_ORDER_EVENTS, NULL},
        (const char *const[]){
            VIEW_ORDERS, VIEW_ORDER_LINES, VIEW_ORDERS_BY_OWNER, VIEW_ORDER_TIMELINES, NULL},
        view_order_process,
        registry);
}
