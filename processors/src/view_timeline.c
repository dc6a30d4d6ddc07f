/*
 * view_timeline.c - what has happened to an order: one row for each of its events, for its owner.
 *
 * A row says what the events themselves show to an owner. Details, reasons and ids of staff stay in
 * the events.
 */
#include "view_impl.h"

/* The types by event. The provider's word is behind those that have an actor here; behind the
 * others is whoever sent the command. */
static const struct {
    int event; /* enum shop_type */
    const char *type;
    const char *actor;
} timeline_types[] = {
    {SHOP_ORDER_PLACED, "placed", NULL},
    {SHOP_ORDER_STOCK_CONFIRMED, "stock_held", NULL},
    {SHOP_ORDER_PAYMENT_STARTED, "payment_started", NULL},
    {SHOP_ORDER_PAYMENT_FAILED, "payment_failed", "payment_provider"},
    {SHOP_ORDER_PAYMENT_AUTHORIZED, "payment_authorized", "payment_provider"},
    {SHOP_ORDER_CONFIRMED, "confirmed", NULL},
    {SHOP_ORDER_REFUND_REQUESTED, "refund_requested", NULL},
    {SHOP_ORDER_REFUNDED, "refunded", "payment_provider"},
    {SHOP_ORDER_CONFIRMATION_RESENT, "confirmation_resent", NULL},
    {SHOP_ORDER_ABORT_REQUESTED, "cancelling", NULL},
    {SHOP_ORDER_CANCELLED, "cancelled", NULL},
};

enum { TIMELINE_TYPES = sizeof timeline_types / sizeof timeline_types[0] };

static const char *timeline_actor(struct mr_bytes kind)
{
    if (mr_bytes_equal(kind, mr_cstr("customer")) || mr_bytes_equal(kind, mr_cstr("guest")))
        return "customer";
    if (mr_bytes_equal(kind, mr_cstr("operator")))
        return "staff";
    return mr_bytes_equal(kind, mr_cstr("psp")) ? "payment_provider" : "system";
}

/* Cause and amount, of the events that have them. */
static void
timeline_add_facts(const struct codec_message *event, struct shop_order_timeline_row *row)
{
    switch (event->id) {
    case SHOP_ORDER_PLACED:
        row->amount = &((const struct shop_order_placed *)event->value)->grand_total;
        break;
    case SHOP_ORDER_PAYMENT_STARTED:
        row->amount = &((const struct shop_order_payment_started *)event->value)->amount;
        break;
    case SHOP_ORDER_PAYMENT_FAILED:
        row->cause = ((const struct shop_order_payment_failed *)event->value)->decline_class;
        break;
    case SHOP_ORDER_PAYMENT_AUTHORIZED:
        row->amount = &((const struct shop_order_payment_authorized *)event->value)->amount;
        break;
    case SHOP_ORDER_CONFIRMED:
        row->amount = &((const struct shop_order_confirmed *)event->value)->captured;
        break;
    case SHOP_ORDER_REFUND_REQUESTED:
        row->amount = &((const struct shop_order_refund_requested *)event->value)->amount;
        break;
    case SHOP_ORDER_REFUNDED:
        row->amount = &((const struct shop_order_refunded *)event->value)->refunded;
        break;
    case SHOP_ORDER_ABORT_REQUESTED:
        row->cause = ((const struct shop_order_abort_requested *)event->value)->cause;
        break;
    case SHOP_ORDER_CANCELLED:
        row->cause = ((const struct shop_order_cancelled *)event->value)->cause;
        row->amount = ((const struct shop_order_cancelled *)event->value)->refund;
        break;
    default:
        break;
    }
}

static int32_t
timeline_attempt(const struct codec_message *event, const struct shop_order_view *order)
{
    bool of_payment =
        event->id == SHOP_ORDER_PAYMENT_STARTED || event->id == SHOP_ORDER_PAYMENT_FAILED ||
        event->id == SHOP_ORDER_PAYMENT_AUTHORIZED || event->id == SHOP_ORDER_CONFIRMED;
    return of_payment && order->payments_count ? order->payments[order->payments_count - 1].attempt
                                               : 0;
}

/* An event is one row whatever happens: the record of the rows is written with the position of the
 * event. */
int view_timeline_fold(
    struct topo_context *context,
    const struct codec_message *event,
    struct mr_bytes order_id,
    const struct shop_order_view *order,
    struct mr_error *error)
{
    const void *found = NULL;
    size_t type = 0;
    while (type < TIMELINE_TYPES && timeline_types[type].event != event->id)
        type++;
    if (type == TIMELINE_TYPES)
        return 0;
    int rc = state_get(
        context, VIEW_ORDER_TIMELINES, SHOP_ORDER_TIMELINE_STATE, order_id, &found, error);
    if (rc)
        return rc;
    struct shop_order_timeline_state timeline = {0};
    if (found)
        timeline = *(const struct shop_order_timeline_state *)found;
    if (timeline.rows_count >= VIEW_TIMELINE_ROWS_MAX)
        return 0;
    const struct shop_meta *meta = view_meta(event);
    const char *actor = timeline_types[type].actor;
    int32_t attempt = timeline_attempt(event, order);
    struct shop_order_timeline_row *rows =
        mr_arena_alloc(topo_context_arena(context), (timeline.rows_count + 1) * sizeof *rows);
    if (timeline.rows_count)
        memcpy(rows, timeline.rows, timeline.rows_count * sizeof *rows);
    rows[timeline.rows_count] = (struct shop_order_timeline_row){
        .version = meta->aggregate_version,
        .at = meta->occurred_at,
        .type = mr_cstr(timeline_types[type].type),
        .actor = mr_cstr(actor ? actor : timeline_actor(meta->actor_kind)),
        .has_attempt = attempt > 0,
        .attempt = attempt,
    };
    timeline_add_facts(event, &rows[timeline.rows_count]);
    timeline.version = meta->aggregate_version;
    timeline.rows = rows;
    timeline.rows_count++;
    state_put(context, VIEW_ORDER_TIMELINES, SHOP_ORDER_TIMELINE_STATE, order_id, &timeline);
    return 0;
}
