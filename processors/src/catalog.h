/*
 * catalog.h - products and their stock: one aggregate over two command topics, because the price
 * and the units of a product are confirmed by one writer, in one task.
 *
 * Stores (all folds of the service's own two event topics, whose keys they do not share):
 *     product   product_id                      -> ProductState   catalog.product.events
 *     stock     product_id                      -> StockState     inventory.stock.events
 *     hold      product_id/order_id/line_no     -> HoldState      inventory.stock.events
 *     timers    be64 until | hold key           -> ""             inventory.stock.events
 *
 * A hold that is over is kept for HOLD_KEPT_MS, so that late messages are answered from what was,
 * and then forgotten: while another event is folded, by that event's time and not by a clock. Its
 * timer sorts behind all times (HOLD_FORGET_BIT), where no look for due holds finds it.
 */
#ifndef PROCESSORS_CATALOG_H
#define PROCESSORS_CATALOG_H

#include "work.h"

#include <processors/product.h>

enum hold_status {
    HOLD_NONE,
    HOLD_HELD,
    HOLD_COMMITTED,
    HOLD_RELEASED,
    HOLD_EXPIRED,
    HOLD_REJECTED
};

/* Twice as long as a message between aggregates lives. */
#define HOLD_KEPT_MS    (INT64_C(14) * 24 * 3600 * 1000)
#define HOLD_FORGET_BIT (UINT64_C(1) << 63)

struct topo_aggregate catalog_aggregate(const struct shop_service *service);

/* Each handles the messages of its own topic; `found`: the message was one of its own. */
int product_decide(
    struct work *work,
    const struct codec_message *message,
    bool *ret_found,
    void **ret_decision,
    struct mr_error *error);
int stock_decide(
    struct work *work,
    const struct codec_message *message,
    bool *ret_found,
    void **ret_decision,
    struct mr_error *error);

/* Folds: events that are not theirs are left alone. */
int product_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error);
int stock_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error);

/* The same fold makes the price table of sales. */
int product_fold(
    struct topo_context *context,
    const char *store,
    const struct codec_message *event,
    struct mr_error *error);

/* Shared by deciding and folding stock: state that is absent reads as zero. `key` may be NULL. */
struct mr_bytes stock_hold_key(
    struct mr_arena *arena, struct mr_bytes product_id, struct mr_bytes order_id, int32_t line);
int stock_load(
    struct topo_context *context,
    struct mr_bytes product_id,
    struct mr_bytes key,
    struct shop_stock_state *ret_stock,
    struct shop_hold_state *ret_hold,
    struct mr_error *error);

static inline int64_t stock_available(const struct shop_stock_state *stock)
{
    return stock->on_hand - stock->reserved;
}

/* Holds whose time has come. */
topo_punctuate_fn stock_expire;

#endif
