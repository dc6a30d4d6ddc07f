/*
 * catalog_stock.c - the units of a product: on hand, held for order lines, committed, given back.
 *
 * Invariant of every product: on_hand - reserved >= 0, where reserved is the sum of its open holds.
 *
 * A hold's life; every message is always answered, whatever the state:
 *
 *     (none) --Reserve--> HELD --Commit--> COMMITTED
 *        |  \              | \                 |
 *        |   +-refused--+  |  +--time--> EXPIRED --Commit, if still free--> COMMITTED
 *        |              v  v                   |
 *        +--Release--> REJECTED/RELEASED <-----+-- Release from anywhere; COMMITTED restocks
 *
 * Nothing leaves RELEASED: a reservation that comes after its release is refused, so no unit leaks.
 *
 * What is over is forgotten in the end (catalog.h), and is (none) again. That is sound, because a
 * reservation whose time has passed long ago is refused whatever is known of it, a commit of
 * nothing is refused, and a release says itself whether its order had the units committed. A hold
 * lasts a day and some minutes at most (pay-deadline-s), so a reservation that comes after its hold
 * was forgotten is late by more than half of HOLD_KEPT_MS.
 */
#include "catalog.h"

#include <assert.h>
#include <stdio.h>

enum { EXPIRED_PER_CALL_MAX = 1000 };

/* One order line's claim on a product, as the three messages name it. */
struct claim {
    struct work *work;
    struct mr_bytes product_id, order_id, owner_id;
    int32_t line_no, quantity;
    bool committed; /* In a release: as the order knows it. */
    struct mr_bytes key;
    struct shop_stock_state stock;
    struct shop_hold_state hold;
};

static struct shop_meta stock_next_meta(struct claim *claim)
{
    return work_meta(claim->work, "stock", claim->product_id, ++claim->stock.version);
}

static void stock_emit(
    struct claim *claim, enum shop_type type, const struct shop_meta *meta, const void *event)
{
    work_emit(claim->work, "stock-events", type, claim->product_id, meta, event);
}

/* `product` goes with a price that has changed. */
static void stock_reply(
    struct claim *claim,
    const char *result,
    const char *cause,
    const struct shop_product_state *product)
{
    struct shop_stock_reply message = {
        .saga = work_saga(claim->work),
        .order_id = claim->order_id,
        .owner_id = claim->owner_id,
        .line_no = claim->line_no,
        .product_id = claim->product_id,
        .result = mr_cstr(result),
        .cause = mr_cstr(cause),
        .available = stock_available(&claim->stock),
        .unit_price = product ? &product->price : NULL,
        .has_price_version = product != NULL,
        .price_version = product ? product->price_version : 0,
    };
    work_send(claim->work, "replies-to-sales", SHOP_STOCK_REPLY, claim->owner_id, &message);
}

/* -- reserve -- */

static void
stock_refuse(struct claim *claim, const char *cause, const struct shop_product_state *product)
{
    struct shop_stock_reservation_rejected event = {
        .meta = stock_next_meta(claim),
        .product_id = claim->product_id,
        .order_id = claim->order_id,
        .line_no = claim->line_no,
        .cause = mr_cstr(cause),
        .available = stock_available(&claim->stock),
    };
    if (product) {
        event.unit_price = &product->price;
        event.has_price_version = true;
        event.price_version = product->price_version;
    }
    stock_emit(claim, SHOP_STOCK_RESERVATION_REJECTED, &event.meta, &event);
    stock_reply(claim, SHOP_RESULT_REJECTED, cause, product);
}

static void stock_hold_units(struct claim *claim, const struct shop_reserve_stock *message)
{
    struct shop_stock_reserved event = {
        .meta = stock_next_meta(claim),
        .product_id = claim->product_id,
        .order_id = claim->order_id,
        .line_no = claim->line_no,
        .quantity = claim->quantity,
        .unit_price = message->unit_price,
        .price_version = message->price_version,
        .on_hand_after = claim->stock.on_hand,
        .available_after = stock_available(&claim->stock) - claim->quantity,
        .reserved_until = message->reserved_until,
    };
    claim->stock.reserved += claim->quantity;
    stock_emit(claim, SHOP_STOCK_RESERVED, &event.meta, &event);
    stock_reply(claim, SHOP_RESULT_RESERVED, NULL, NULL);
}

static int
stock_reserve(struct claim *claim, const struct shop_reserve_stock *message, struct mr_error *error)
{
    const void *found;
    if (message->reserved_until < 0)
        return mr_fail(error, MR_INVALID, "ReserveStock.reserved_until is not a valid time");
    int rc = state_get(
        claim->work->context, "product", SHOP_PRODUCT_STATE, claim->product_id, &found, error);
    if (rc)
        return rc;
    const struct shop_product_state *product = found;
    if (claim->hold.status == HOLD_HELD)
        stock_reply(claim, SHOP_RESULT_RESERVED, NULL, NULL);
    else if (claim->hold.status == HOLD_COMMITTED)
        stock_reply(claim, SHOP_RESULT_COMMITTED, NULL, NULL);
    else if (claim->hold.status != HOLD_NONE)
        stock_reply(claim, SHOP_RESULT_REJECTED, "released", NULL);
    else if (message->reserved_until <= claim->work->now_ms - HOLD_KEPT_MS / 2)
        stock_refuse(claim, "expired", NULL);
    else if (!product || product->status != SHOP_PRODUCT_STATUS_PUBLISHED)
        stock_refuse(claim, "discontinued", NULL);
    else if (!money_equal(&product->price, &message->unit_price))
        stock_refuse(claim, "price_changed", product);
    else if (stock_available(&claim->stock) < claim->quantity)
        stock_refuse(claim, "out_of_stock", NULL);
    else
        stock_hold_units(claim, message);
    return 0;
}

/* -- commit -- */

static void commit_units(struct claim *claim)
{
    bool held = claim->hold.status == HOLD_HELD;
    struct shop_stock_committed event = {
        .meta = stock_next_meta(claim),
        .product_id = claim->product_id,
        .order_id = claim->order_id,
        .line_no = claim->line_no,
        .quantity = claim->hold.quantity,
        .on_hand_after = claim->stock.on_hand - claim->hold.quantity,
        .available_after = stock_available(&claim->stock) - (held ? 0 : claim->hold.quantity),
    };
    claim->stock.on_hand -= claim->hold.quantity;
    claim->stock.reserved -= held ? claim->hold.quantity : 0;
    stock_emit(claim, SHOP_STOCK_COMMITTED, &event.meta, &event);
    stock_reply(claim, SHOP_RESULT_COMMITTED, NULL, NULL);
}

static void refuse_commit(struct claim *claim, const char *cause)
{
    struct shop_stock_commit_rejected event = {
        .meta = stock_next_meta(claim),
        .product_id = claim->product_id,
        .order_id = claim->order_id,
        .line_no = claim->line_no,
        .cause = mr_cstr(cause),
    };
    stock_emit(claim, SHOP_STOCK_COMMIT_REJECTED, &event.meta, &event);
    stock_reply(claim, SHOP_RESULT_COMMIT_REJECTED, cause, NULL);
}

static void stock_commit(struct claim *claim)
{
    switch ((enum hold_status)claim->hold.status) {
    case HOLD_COMMITTED:
        stock_reply(claim, SHOP_RESULT_COMMITTED, NULL, NULL);
        break;
    case HOLD_HELD:
        commit_units(claim);
        break;
    case HOLD_EXPIRED:
        if (stock_available(&claim->stock) >= claim->hold.quantity)
            commit_units(claim);
        else
            refuse_commit(claim, "expired");
        break;
    case HOLD_NONE:
    case HOLD_RELEASED:
    case HOLD_REJECTED:
    default:
        stock_reply(claim, SHOP_RESULT_COMMIT_REJECTED, "not_held", NULL);
        break;
    }
}

/* -- release -- */

/* A release always leaves RELEASED behind, a tombstone at least: a reservation that comes after
 * it is refused. */
static void stock_release(struct claim *claim)
{
    int32_t quantity = 0;
    const char *cause = "tombstone";
    if (claim->hold.status == HOLD_RELEASED) {
        stock_reply(claim, SHOP_RESULT_RELEASED, NULL, NULL);
        return;
    }
    if (claim->hold.status == HOLD_HELD) {
        quantity = claim->hold.quantity;
        cause = "released";
        claim->stock.reserved -= quantity;
    } else if (
        claim->hold.status == HOLD_COMMITTED ||
        (claim->hold.status == HOLD_NONE && claim->committed)) {
        quantity = claim->hold.status == HOLD_NONE ? claim->quantity : claim->hold.quantity;
        cause = "restock";
        claim->stock.on_hand += quantity;
    } else if (claim->hold.status == HOLD_EXPIRED) {
        cause = "expired";
    }
    struct shop_stock_released event = {
        .meta = stock_next_meta(claim),
        .product_id = claim->product_id,
        .order_id = claim->order_id,
        .line_no = claim->line_no,
        .quantity = quantity,
        .cause = mr_cstr(cause),
        .on_hand_after = claim->stock.on_hand,
        .available_after = stock_available(&claim->stock),
    };
    stock_emit(claim, SHOP_STOCK_RELEASED, &event.meta, &event);
    stock_reply(claim, SHOP_RESULT_RELEASED, NULL, NULL);
}

/* -- adjust -- */

/* Units that are reserved stay: an adjustment below them is refused. */
static void *stock_adjust(struct claim *claim, const struct shop_adjust_stock *command)
{
    int64_t after;
    if (__builtin_add_overflow(claim->stock.on_hand, command->delta, &after) ||
        after > SHOP_STOCK_MAX)
        return decision_reject(
            claim->work,
            SHOP_REASON_STOCK_LIMIT,
            claim->product_id,
            &(struct shop_rejection){.has_limit = true, .limit = SHOP_STOCK_MAX});
    if (after < claim->stock.reserved)
        return decision_reject(
            claim->work,
            SHOP_REASON_STOCK_HELD,
            claim->product_id,
            &(struct shop_rejection){
                .has_limit = true,
                .limit = claim->stock.on_hand,
                .has_actual = true,
                .actual = claim->stock.reserved});
    struct shop_stock_adjusted event = {
        .meta = stock_next_meta(claim),
        .product_id = claim->product_id,
        .delta = command->delta,
        .cause = command->cause,
        .on_hand_after = after,
        .available_after = after - claim->stock.reserved,
    };
    stock_emit(claim, SHOP_STOCK_ADJUSTED, &event.meta, &event);
    struct decision *decision = decision_accept(claim->work, DECISION_CREATED, claim->product_id);
    decision->has_version = true;
    decision->version = claim->stock.version;
    return decision;
}

static int stock_decide_adjust(
    struct work *work,
    const struct shop_adjust_stock *command,
    void **ret_decision,
    struct mr_error *error)
{
    struct claim claim = {.work = work, .product_id = command->product_id};
    if (!shop_id_is_valid(command->product_id))
        return mr_fail(error, MR_INVALID, "product_id is not a valid id");
    struct mr_bytes no_hold = {0};
    int rc = stock_load(work->context, claim.product_id, no_hold, &claim.stock, &claim.hold, error);
    if (rc)
        return rc;
    work_take_reason(work, command->cause);
    if (!decision_lacks_reason(work, true, claim.product_id, ret_decision) &&
        !decision_stale(work, claim.stock.version, claim.product_id, ret_decision))
        *ret_decision = stock_adjust(&claim, command);
    return 0;
}

/* -- decide -- */

/* The three messages name a line of an order in three types; from here on it is one claim. */
static bool stock_claim_of(const struct codec_message *message, struct claim *ret_claim)
{
    if (message->id == SHOP_RESERVE_STOCK) {
        const struct shop_reserve_stock *reserve_message = message->value;
        ret_claim->product_id = reserve_message->product_id;
        ret_claim->order_id = reserve_message->order_id;
        ret_claim->owner_id = reserve_message->owner_id;
        ret_claim->line_no = reserve_message->line_no;
        ret_claim->quantity = reserve_message->quantity;
        return true;
    }
    if (message->id == SHOP_COMMIT_STOCK) {
        const struct shop_commit_stock *commit_message = message->value;
        ret_claim->product_id = commit_message->product_id;
        ret_claim->order_id = commit_message->order_id;
        ret_claim->owner_id = commit_message->owner_id;
        ret_claim->line_no = commit_message->line_no;
        ret_claim->quantity = commit_message->quantity;
        return true;
    }
    if (message->id == SHOP_RELEASE_STOCK) {
        const struct shop_release_stock *release_message = message->value;
        ret_claim->product_id = release_message->product_id;
        ret_claim->order_id = release_message->order_id;
        ret_claim->owner_id = release_message->owner_id;
        ret_claim->line_no = release_message->line_no;
        ret_claim->quantity = release_message->quantity;
        ret_claim->committed = release_message->committed;
        return true;
    }
    return false;
}

int stock_decide(
    struct work *work,
    const struct codec_message *message,
    bool *ret_found,
    void **ret_decision,
    struct mr_error *error)
{
    struct claim claim = {.work = work};
    *ret_found = true;
    if (message->id == SHOP_ADJUST_STOCK)
        return stock_decide_adjust(work, message->value, ret_decision, error);
    *ret_found = stock_claim_of(message, &claim);
    if (!*ret_found)
        return 0;
    if (!shop_id_is_valid(claim.product_id) || !shop_id_is_valid(claim.order_id) ||
        !shop_id_is_valid(claim.owner_id) || claim.quantity < 1 || claim.line_no < 1)
        return mr_fail(
            error, MR_INVALID, "%s does not name a valid order line", message->type->name);
    claim.key = stock_hold_key(work->arena, claim.product_id, claim.order_id, claim.line_no);
    int rc =
        stock_load(work->context, claim.product_id, claim.key, &claim.stock, &claim.hold, error);
    if (rc)
        return rc;
    if (message->id == SHOP_RESERVE_STOCK)
        return stock_reserve(&claim, message->value, error);
    if (message->id == SHOP_COMMIT_STOCK)
        stock_commit(&claim);
    else
        stock_release(&claim);
    return 0;
}

/* -- time -- */

/* Splits "product/order/line". */
static bool stock_split_key(struct mr_bytes key, struct claim *ret_claim)
{
    const char *first = memchr(key.ptr, '/', key.len);
    const char *last = memrchr(key.ptr, '/', key.len);
    if (!first || first == last)
        return false;
    const char *end = key.ptr + key.len;
    ret_claim->product_id = mr_bytes_of(key.ptr, (size_t)(first - key.ptr));
    ret_claim->order_id = mr_bytes_of(first + 1, (size_t)(last - first - 1));
    ret_claim->line_no = 0;
    for (const char *at = last + 1; at < end; at++)
        ret_claim->line_no = ret_claim->line_no * 10 + (*at - '0');
    ret_claim->key = key;
    return true;
}

static int stock_expire_hold(
    struct topo_context *context,
    const struct shop_service *service,
    struct mr_bytes key,
    int64_t now_ms,
    struct mr_error *error)
{
    struct work work;
    struct claim claim = {.work = &work};
    if (!stock_split_key(key, &claim))
        return mr_fail(error, MR_CORRUPT, "a timer whose key does not name a hold");
    work_begin_timer(&work, context, service, "/shop/inventory", now_ms, claim.order_id);
    int rc = stock_load(context, claim.product_id, key, &claim.stock, &claim.hold, error);
    if (rc)
        return rc;
    assert(claim.hold.status == HOLD_HELD);
    claim.stock.reserved -= claim.hold.quantity;
    struct shop_stock_reservation_expired event = {
        .meta = stock_next_meta(&claim),
        .product_id = claim.product_id,
        .order_id = claim.order_id,
        .line_no = claim.line_no,
        .quantity = claim.hold.quantity,
        .on_hand_after = claim.stock.on_hand,
        .available_after = stock_available(&claim.stock),
    };
    stock_emit(&claim, SHOP_STOCK_RESERVATION_EXPIRED, &event.meta, &event);
    return 0;
}

int stock_expire(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    struct mr_arena *arena = topo_context_arena(context);
    struct mr_bytes *keys = mr_arena_alloc(arena, EXPIRED_PER_CALL_MAX * sizeof *keys);
    size_t count = timers_due(context, "timers", now_ms, keys, EXPIRED_PER_CALL_MAX);
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++)
        rc = stock_expire_hold(context, user, keys[i], now_ms, error);
    return rc;
}
