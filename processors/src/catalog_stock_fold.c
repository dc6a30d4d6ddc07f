/*
 * catalog_stock_fold.c - how stock and holds follow from stock events, and when a hold is
 * forgotten; the invariant is asserted here.
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
    int64_t at_ms; /* When the event happened. */
    struct shop_stock_state stock;
    struct shop_hold_state hold;
};

static bool is_over(const struct shop_hold_state *hold)
{
    return hold->status != HOLD_NONE && hold->status != HOLD_HELD;
}

/* The key of the hold's timer; a NULL view when it has none. */
static struct mr_bytes timer_of(const struct fold *fold)
{
    if (fold->hold.status == HOLD_NONE)
        return (struct mr_bytes){0};
    struct mr_bytes key = key_timer(topo_context_arena(fold->context), fold->hold.until, fold->key);
    if (is_over(&fold->hold))
        mr_put_be64((char *)(uintptr_t)key.ptr, HOLD_FORGET_BIT | (uint64_t)fold->hold.until);
    return key;
}

static void move_to(struct fold *fold, enum hold_status status, int64_t until)
{
    struct topo_store *timers = topo_context_store(fold->context, "timers");
    struct mr_bytes before = timer_of(fold);
    if (before.ptr)
        topo_store_delete(timers, before);
    fold->hold.status = status;
    fold->hold.until = until;
    topo_store_put(timers, timer_of(fold), mr_bytes_of("", 0));
}

/* To an end: if the units were held, they no longer are. */
static void stock_leave_hold(struct fold *fold, enum hold_status status)
{
    if (fold->hold.status == HOLD_HELD)
        fold->stock.reserved -= fold->hold.quantity;
    move_to(fold, status, fold->at_ms + HOLD_KEPT_MS);
}

/*
 * Every FORGET_EVERY-th event of a product forgets what is due on the whole partition, more than
 * what as many events can have added: each ends one hold at most.
 */
static void stock_forget_hold(const struct fold *fold)
{
    enum { FORGET_EVERY = 64, FORGOTTEN_MAX = 256, TIME_BYTES = 8 };
    struct topo_store *timers = topo_context_store(fold->context, "timers");
    struct topo_store *holds = topo_context_store(fold->context, "hold");
    struct mr_arena *arena = topo_context_arena(fold->context);
    struct mr_bytes due[FORGOTTEN_MAX], key, value;
    char first[TIME_BYTES], end[TIME_BYTES];
    size_t count = 0;
    if (fold->stock.version % FORGET_EVERY != 0)
        return;
    mr_put_be64(first, HOLD_FORGET_BIT);
    mr_put_be64(end, HOLD_FORGET_BIT | (uint64_t)fold->at_ms);
    struct topo_scan *scan =
        topo_store_scan(timers, mr_bytes_of(first, sizeof first), mr_bytes_of(end, sizeof end));
    while (count < FORGOTTEN_MAX && topo_scan_next(scan, &key, &value))
        due[count++] = mr_arena_copy(arena, key);
    topo_scan_close(scan);
    for (size_t i = 0; i < count; i++) {
        topo_store_delete(timers, due[i]);
        topo_store_delete(holds, mr_bytes_of(due[i].ptr + TIME_BYTES, due[i].len - TIME_BYTES));
    }
}

/* on_hand is the event's; reserved follows from the holds. The assertion is the invariant of
 * both. */
static void stock_apply(struct fold *fold, const struct codec_message *event)
{
    switch (event->id) {
    case SHOP_STOCK_RESERVED: {
        const struct shop_stock_reserved *reserved = event->value;
        fold->hold.quantity = reserved->quantity;
        fold->stock.reserved += reserved->quantity;
        move_to(fold, HOLD_HELD, reserved->reserved_until);
        break;
    }
    case SHOP_STOCK_RESERVATION_REJECTED:
        stock_leave_hold(fold, HOLD_REJECTED);
        break;
    case SHOP_STOCK_COMMITTED:
        stock_leave_hold(fold, HOLD_COMMITTED);
        fold->stock.on_hand = ((const struct shop_stock_committed *)event->value)->on_hand_after;
        break;
    case SHOP_STOCK_RELEASED:
        stock_leave_hold(fold, HOLD_RELEASED);
        fold->stock.on_hand = ((const struct shop_stock_released *)event->value)->on_hand_after;
        break;
    case SHOP_STOCK_RESERVATION_EXPIRED:
        stock_leave_hold(fold, HOLD_EXPIRED);
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
    struct fold fold = {
        .context = context, .product_id = meta->aggregate_id, .at_ms = meta->occurred_at};
    struct mr_bytes order_id;
    int32_t line_no = 0;
    if (!subject_of(event, &order_id, &line_no))
        return 0;
    if (order_id.ptr)
        fold.key = stock_hold_key(topo_context_arena(context), fold.product_id, order_id, line_no);
    int rc = stock_load(context, fold.product_id, fold.key, &fold.stock, &fold.hold, error);
    if (rc)
        return rc;
    stock_apply(&fold, event);
    fold.stock.version = meta->aggregate_version;
    state_put(context, "stock", SHOP_STOCK_STATE, fold.product_id, &fold.stock);
    if (fold.key.ptr)
        state_put(context, "hold", SHOP_HOLD_STATE, fold.key, &fold.hold);
    stock_forget_hold(&fold);
    return 0;
}
