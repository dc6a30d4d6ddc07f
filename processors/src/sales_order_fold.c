/*
 * sales_order_fold.c - how an order follows from its events, and what is read from it.
 *
 * The status that people see is derived from the goal and the facts, never stored.
 */
#include "sales_order.h"

static const struct mr_bytes no_text = MR_LITERAL("");

const char *order_status(const struct shop_order_state *state)
{
    if (state->goal == ORDER_ABORT)
        return state->ended ? "CANCELLED" : "CANCELLING";
    if (state->confirmed)
        return "CONFIRMED";
    if (state->authorized)
        return "CONFIRMING";
    return state->stock_confirmed ? "PENDING_PAYMENT" : "PENDING_STOCK";
}

static int64_t order_count_units(const struct shop_order_placed *placed)
{
    int64_t units = 0;
    for (size_t i = 0; i < placed->lines_count; i++)
        units += placed->lines[i].quantity;
    return units;
}

static struct shop_order_state order_state_of_placed(const struct shop_order_placed *placed)
{
    return (struct shop_order_state){
        .owner_id = placed->owner_id,
        .cart_id = placed->cart_id,
        .goal = ORDER_FULFIL,
        .lines = (int32_t)placed->lines_count,
        .items_total = placed->items_total,
        .shipping_total = placed->shipping_total,
        .tax_total = placed->tax_total,
        .grand_total = placed->grand_total,
        .placed_at = placed->meta.occurred_at,
        .pay_deadline = placed->pay_deadline,
        .reserve_ttl_s = placed->reserve_ttl_s,
        .method_token_sealed = placed->method_token_sealed,
        .correlation_id = placed->meta.correlation_id,
        .units = order_count_units(placed),
    };
}

static void order_apply_payment(struct shop_order_state *state, const struct codec_message *event)
{
    if (event->id == SHOP_ORDER_PAYMENT_STARTED) {
        const struct shop_order_payment_started *started = event->value;
        state->payment_id = started->payment_id;
        state->attempt = started->attempt;
        state->attempt_failed = false;
        if (started->has_pay_deadline)
            state->pay_deadline = started->pay_deadline;
    } else if (event->id == SHOP_ORDER_PAYMENT_FAILED) {
        state->attempt_failed = true;
    } else if (event->id == SHOP_ORDER_PAYMENT_AUTHORIZED) {
        state->authorized = true;
    }
}

static void
order_apply_confirmed(struct shop_order_state *state, const struct shop_order_confirmed *confirmed)
{
    state->confirmed = true;
    state->confirmation_no = confirmed->confirmation_no;
    state->has_confirmed_at = true;
    state->confirmed_at = confirmed->confirmed_at;
    state->captured = &confirmed->captured;
}

/* Each event has all that its state needs. */
void order_apply(struct shop_order_state *state, const struct codec_message *event)
{
    switch (event->id) {
    case SHOP_ORDER_PLACED:
        *state = order_state_of_placed(event->value);
        break;
    case SHOP_ORDER_STOCK_CONFIRMED:
        state->stock_confirmed = true;
        break;
    case SHOP_ORDER_CONFIRMED:
        order_apply_confirmed(state, event->value);
        break;
    case SHOP_ORDER_ABORT_REQUESTED:
        state->goal = ORDER_ABORT;
        state->cause = ((const struct shop_order_abort_requested *)event->value)->cause;
        break;
    case SHOP_ORDER_CANCELLED:
        state->ended = true;
        break;
    case SHOP_ORDER_REFUND_REQUESTED:
        state->refund_wanted_minor =
            ((const struct shop_order_refund_requested *)event->value)->total.minor;
        break;
    case SHOP_ORDER_REFUNDED:
        state->refunded_minor = ((const struct shop_order_refunded *)event->value)->total.minor;
        break;
    default:
        order_apply_payment(state, event);
        break;
    }
    state->version = event_meta(event)->aggregate_version;
}

/* The deadline is watched until the money is there or the order is given up. */
static bool order_is_watched(const struct shop_order_state *state)
{
    return state->version > 0 && state->goal == ORDER_FULFIL && !state->authorized;
}

static void order_keep_timer(
    struct topo_context *context,
    struct mr_bytes order_id,
    const struct shop_order_state *before,
    const struct shop_order_state *after)
{
    struct topo_store *timers = topo_context_store(context, "order-timers");
    struct mr_arena *arena = topo_context_arena(context);
    bool moved = before->pay_deadline != after->pay_deadline;
    if (order_is_watched(before) && (!order_is_watched(after) || moved))
        topo_store_delete(timers, key_timer(arena, before->pay_deadline, order_id));
    if (order_is_watched(after) && (!order_is_watched(before) || moved))
        topo_store_put(timers, key_timer(arena, after->pay_deadline, order_id), no_text);
}

/* The count of what the owner holds without having paid, and of orders that expired today. */
static int order_keep_owner(
    struct topo_context *context,
    const struct codec_message *event,
    const struct shop_order_state *before,
    const struct shop_order_state *after,
    struct mr_error *error)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    struct shop_owner_state owner = {0};
    const void *found;
    int change = order_is_watched(after) - order_is_watched(before);
    if (change == 0)
        return 0;
    int rc = state_get(context, "owners", SHOP_OWNER_STATE, after->owner_id, &found, error);
    if (rc)
        return rc;
    if (found)
        owner = *(const struct shop_owner_state *)found;
    owner.unpaid_orders += change;
    owner.unpaid_units += change * after->units;
    if (event->id == SHOP_ORDER_ABORT_REQUESTED && text_is(after->cause, "payment_timeout")) {
        int64_t day = event_meta(event)->occurred_at / DAY_MS;
        owner.expired_orders = owner.expired_day == day ? owner.expired_orders + 1 : 1;
        owner.expired_day = day;
    }
    if (owner.unpaid_orders == 0 && owner.expired_orders == 0)
        topo_store_delete(topo_context_store(context, "owners"), after->owner_id);
    else
        state_put(context, "owners", SHOP_OWNER_STATE, after->owner_id, &owner);
    return 0;
}

int order_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error)
{
    struct mr_bytes order_id = event_meta(event)->aggregate_id;
    struct shop_order_state state = {0};
    const void *found;
    int rc = state_get(context, "orders", SHOP_ORDER_STATE, order_id, &found, error);
    if (rc)
        return rc;
    if (found)
        state = *(const struct shop_order_state *)found;
    struct shop_order_state before = state;
    order_apply(&state, event);
    state_put(context, "orders", SHOP_ORDER_STATE, order_id, &state);
    if (event->id == SHOP_ORDER_PLACED) {
        const struct shop_order_placed *placed = event->value;
        struct shop_order_lines_state lines = {placed->lines, placed->lines_count};
        state_put(context, "order-lines", SHOP_ORDER_LINES_STATE, order_id, &lines);
    }
    order_keep_timer(context, order_id, &before, &state);
    return order_keep_owner(context, event, &before, &state, error);
}

int owner_load(
    struct work *work,
    struct mr_bytes owner_id,
    struct shop_owner_state *ret_owner,
    struct mr_error *error)
{
    const void *found;
    int rc = state_get(work->context, "owners", SHOP_OWNER_STATE, owner_id, &found, error);
    if (!rc)
        *ret_owner = found ? *(const struct shop_owner_state *)found : (struct shop_owner_state){0};
    return rc;
}

/* -- reading -- */

int order_lines(struct order *order, struct mr_error *error)
{
    const void *found;
    if (order->lines)
        return 0;
    int rc = state_get(
        order->work->context, "order-lines", SHOP_ORDER_LINES_STATE, order->id, &found, error);
    if (rc)
        return rc;
    const struct shop_order_lines_state *lines = found;
    if (!lines || lines->lines_count != (size_t)order->state.lines)
        return mr_fail(error, MR_CORRUPT, "order %.*s has lost lines", MR_ARG(order->id));
    order->lines = lines->lines;
    order->lines_count = lines->lines_count;
    return 0;
}

/* An order as an answer shows it; the status is derived here. */
int order_snapshot(
    struct order *order, const struct shop_order_snapshot **ret_snapshot, struct mr_error *error)
{
    const struct shop_order_state *state = &order->state;
    bool with_lines = state->lines <= ORDER_REPLY_LINES_MAX;
    int rc = with_lines ? order_lines(order, error) : 0;
    if (rc)
        return rc;
    struct shop_order_snapshot *snapshot = mr_arena_alloc(order->work->arena, sizeof *snapshot);
    *snapshot = (struct shop_order_snapshot){
        .order_id = order->id,
        .owner_id = state->owner_id,
        .cart_id = state->cart_id,
        .version = state->version,
        .status = mr_cstr(order_status(state)),
        .goal = mr_cstr(state->goal == ORDER_ABORT ? "abort" : "fulfil"),
        .lines = with_lines ? order->lines : NULL,
        .lines_count = with_lines ? order->lines_count : 0,
        .items_total = state->items_total,
        .shipping_total = state->shipping_total,
        .tax_total = state->tax_total,
        .grand_total = state->grand_total,
        .placed_at = state->placed_at,
        .pay_deadline = state->pay_deadline,
        .payment_id = state->payment_id,
        .attempt = state->attempt,
        .confirmation_no = state->confirmation_no,
        .has_confirmed_at = state->has_confirmed_at,
        .confirmed_at = state->confirmed_at,
        .captured = state->captured,
        .cause = state->cause,
    };
    *ret_snapshot = snapshot;
    return 0;
}
