/*
 * catalog_stock_fold.c - how stock and holds follow from stock events; the invariant is asserted
 * here.
 */
#include "catalog.h"

#include <assert.h>
#include <stdio.h>

struct mr_bytes stock_hold_key(
    struct mr_arena *arena, struct mr_bytes product_id, struct mr_bytes order_id, int32_t line)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)line);
    return key_join(arena, key_join(arena, product_id, order_id), mr_cstr(number));
}

int stock_load(
    struct topo_context *context,
    struct mr_bytes product_id,
    struct mr_bytes key,
    struct shop_stock_state *ret_stock,
    struct shop_hold_state *ret_hold,
    struct mr_error *error)
{
    const void *stock, *hold = NULL;
    int rc = state_get(context, "stock", SHOP_STOCK_STATE, product_id, &stock, error);
    if (!rc && key.ptr)
        rc = state_get(context, "hold", SHOP_HOLD_STATE, key, &hold, error);
    if (rc)
        return rc;
    *ret_stock = stock ? *(const struct shop_stock_state *)stock : (struct shop_stock_state){0};
    *ret_hold = hold ? *(const struct shop_hold_state *)hold
                     : (struct shop_hold_state){.status = HOLD_NONE};
    return 0;
}

/* -- the fold -- */

struct fold {
    struct topo_context *context;
    struct mr_bytes product_id, key;
    struct shop_stock_state stock;
    struct shop_hold_state hold;
};

static void timer_put(struct fold *fold)
{
    topo_store_put(
        topo_context_store(fold->context, "timers"),
        key_timer(topo_context_arena(fold->context), fold->hold.reserved_until, fold->key),
        mr_bytes_of("", 0));
}

/* From HELD to anything: the units are no longer held, and time no longer matters. */
static void leave(struct fold *fold, enum hold_status status)
{
    if (fold->hold.status == HOLD_HELD) {
        fold->stock.reserved -= fold->hold.quantity;
        topo_store_delete(
            topo_context_store(fold->context, "timers"),
            key_timer(topo_context_arena(fold->context), fold->hold.reserved_until, fold->key));
    }
    fold->hold.status = status;
}

static void apply(struct fold *fold, const struct codec_message *event)
{
    switch (event->id) {
    case SHOP_STOCK_RESERVED: {
        const struct shop_stock_reserved *reserved = event->value;
        fold->hold.status = HOLD_HELD;
        fold->hold.quantity = reserved->quantity;
        fold->hold.reserved_until = reserved->reserved_until;
        fold->stock.reserved += reserved->quantity;
        timer_put(fold);
        break;
    }
    case SHOP_STOCK_RESERVATION_REJECTED:
        fold->hold.status = HOLD_REJECTED;
        break;
    case SHOP_STOCK_COMMITTED:
        leave(fold, HOLD_COMMITTED);
        fold->stock.on_hand = ((const struct shop_stock_committed *)event->value)->on_hand_after;
        break;
    case SHOP_STOCK_RELEASED:
        leave(fold, HOLD_RELEASED);
        fold->stock.on_hand = ((const struct shop_stock_released *)event->value)->on_hand_after;
        break;
    case SHOP_STOCK_RESERVATION_EXPIRED:
        leave(fold, HOLD_EXPIRED);
        break;
    case SHOP_STOCK_ADJUSTED:
        fold->stock.on_hand = ((const struct shop_stock_adjusted *)event->value)->on_hand_after;
        break;
    default:
        break;
    }
    assert(fold->stock.reserved >= 0 && stock_available(&fold->stock) >= 0);
}

/* The hold that a stock event is about; a NULL key when it is about none. */
static bool
subject_of(const struct codec_message *event, struct mr_bytes *ret_order_id, int32_t *ret_line_no)
{
    switch (event->id) {
    case SHOP_STOCK_RESERVED:
        *ret_order_id = ((const struct shop_stock_reserved *)event->value)->order_id;
        *ret_line_no = ((const struct shop_stock_reserved *)event->value)->line_no;
        return true;
    case SHOP_STOCK_RESERVATION_REJECTED:
        *ret_order_id = ((const struct shop_stock_reservation_rejected *)event->value)->order_id;
        *ret_line_no = ((const struct shop_stock_reservation_rejected *)event->value)->line_no;
        return true;
    case SHOP_STOCK_COMMITTED:
        *ret_order_id = ((const struct shop_stock_committed *)event->value)->order_id;
        *ret_line_no = ((const struct shop_stock_committed *)event->value)->line_no;
        return true;
    case SHOP_STOCK_RELEASED:
        *ret_order_id = ((const struct shop_stock_released *)event->value)->order_id;
        *ret_line_no = ((const struct shop_stock_released *)event->value)->line_no;
        return true;
    case SHOP_STOCK_RESERVATION_EXPIRED:
        *ret_order_id = ((const struct shop_stock_reservation_expired *)event->value)->order_id;
        *ret_line_no = ((const struct shop_stock_reservation_expired *)event->value)->line_no;
        return true;
    case SHOP_STOCK_ADJUSTED:
    case SHOP_STOCK_COMMIT_REJECTED:
        *ret_order_id = (struct mr_bytes){0};
        return true;
    default:
        return false;
    }
}

int stock_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error)
{
    const struct shop_meta *meta = event_meta(event);
    struct fold fold = {.context = context, .product_id = meta->aggregate_id};
    struct mr_bytes order_id;
    int32_t line_no = 0;
    if (!subject_of(event, &order_id, &line_no))
        return 0;
    if (order_id.ptr)
        fold.key = stock_hold_key(topo_context_arena(context), fold.product_id, order_id, line_no);
    int rc = stock_load(context, fold.product_id, fold.key, &fold.stock, &fold.hold, error);
    if (rc)
        return rc;
    apply(&fold, event);
    fold.stock.version = meta->aggregate_version;
    state_put(context, "stock", SHOP_STOCK_STATE, fold.product_id, &fold.stock);
    if (fold.key.ptr)
        state_put(context, "hold", SHOP_HOLD_STATE, fold.key, &fold.hold);
    return 0;
}
