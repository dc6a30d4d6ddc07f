/*
 * sales.h - carts and orders: one aggregate keyed by their owner, so that a checkout is one
 * transaction on one partition.
 *
 * Stores, and whose fold they are:
 *     cart            owner_id                     -> CartState         sales.cart.events
 *     cart-lines      owner_id/product_id          -> CartLineState     sales.cart.events
 *     orders          order_id                     -> OrderState        sales.order.events
 *     order-lines     order_id                     -> OrderLinesState   sales.order.events
 *     owners          owner_id                     -> OwnerState        sales.order.events
 *     order-timers    be64 pay_deadline | order_id -> ""                sales.order.events
 *     order-progress  order_id                     -> OrderProgress     its changelog: facts that
 *                                                     are no events (row 4 of the saga's table),
 *                                                     of the orders under way
 *     price (global)  product_id                   -> ProductState      catalog.product.events
 */
#ifndef PROCESSORS_SALES_H
#define PROCESSORS_SALES_H

#include "work.h"

enum order_goal { ORDER_FULFIL = 1, ORDER_ABORT = 2 };

enum line_fact { LINE_UNKNOWN, LINE_RESERVED, LINE_COMMITTED, LINE_REJECTED, LINE_RELEASED };

struct topo_aggregate sales_aggregate(const struct shop_service *service);

/* The price table's fold, in the global sub-topology. */
topo_process_fn price_process;

/* -- carts -- */

/* `key` of a line, and an open cart or a fresh one for this command. */
struct cart {
    struct work *work;
    struct mr_bytes owner_id;
    struct shop_cart_state state; /* Kept as the fold has it. */
};

struct cart_item {
    struct mr_bytes product_id;
    struct shop_cart_line_state state;
};

int cart_decide(
    struct work *work,
    const struct codec_message *message,
    void **ret_decision,
    struct mr_error *error);
int cart_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error);

/* The newest cart of the owner; *ret_exists is false when there never was one. */
int cart_load(
    struct work *work,
    struct mr_bytes owner_id,
    struct cart *ret_cart,
    bool *ret_exists,
    struct mr_error *error);

/* The lines in the order in which they were added, in the arena. */
int cart_items(
    const struct cart *cart,
    struct cart_item **ret_items,
    size_t *ret_count,
    struct mr_error *error);

/* Puts lines back after an order failed, at these prices; what no longer fits is left out. */
int cart_reopen(
    struct cart *cart,
    const struct shop_order_line *lines,
    size_t count,
    struct mr_bytes order_id,
    struct mr_error *error);

/* About what a line of an order or a snapshot takes in a record. */
static inline size_t line_bytes(
    struct mr_bytes product_id,
    struct mr_bytes sku,
    struct mr_bytes title,
    struct mr_bytes currency)
{
    enum { NUMBERS = 64 };
    return product_id.len + sku.len + title.len + 2 * currency.len + NUMBERS;
}

void cart_emit_checked_out(struct cart *cart, struct mr_bytes order_id);

/* What a cart's command is answered with: the whole cart when it is asked for and small, else the
 * line that has changed. */
enum { CART_REPLY_LINES_MAX = 100 };
int cart_render(
    struct work *work,
    const struct codec_message *command,
    const struct shop_cart_snapshot **ret_snapshot,
    struct mr_error *error);

/* -- prices -- */

/* *ret_product is NULL when the price table does not know it. */
int price_find(
    struct work *work,
    struct mr_bytes product_id,
    const struct shop_product_state **ret_product,
    struct mr_error *error);

/* The total is not what was expected: a decision that says what was quoted, and what it costs now.
 */
void *price_reject(
    const struct cart *cart,
    const struct cart_item *items,
    size_t count,
    const struct shop_money *expected,
    const struct shop_money *current);

/* -- orders -- */

/* What the owner holds without having paid. */
int owner_load(
    struct work *work,
    struct mr_bytes owner_id,
    struct shop_owner_state *ret_owner,
    struct mr_error *error);

/* An order at work. `state` and `progress` are kept as the folds and the store have them. */
struct order {
    struct work *work;
    struct mr_bytes id;
    struct shop_order_state state;
    struct shop_order_progress progress;
    uint8_t *facts;                      /* progress.line_facts, writable. */
    const struct shop_order_line *lines; /* NULL until order_lines. */
    size_t lines_count;
};

int order_place(
    struct work *work,
    const struct shop_place_order *command,
    void **ret_decision,
    struct mr_error *error);

/* StartPayment, CancelOrder, and the replies of stock and payments. */
int order_decide(
    struct work *work,
    const struct codec_message *message,
    void **ret_decision,
    struct mr_error *error);
int order_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error);

/* Orders whose deadline has come. */
topo_punctuate_fn order_deadlines;

int order_load(
    struct work *work,
    struct mr_bytes order_id,
    struct order *ret_order,
    bool *ret_exists,
    struct mr_error *error);
int order_lines(struct order *order, struct mr_error *error);

/* Emits and applies the event to order->state. `event` begins with its meta. */
struct shop_meta order_meta(struct order *order);
void order_emit(
    struct order *order, enum shop_type type, const struct shop_meta *meta, const void *event);

/* The goal turns to abort: the event, and everything is asked back. */
int order_abort(
    struct order *order, const char *cause, struct mr_bytes detail, struct mr_error *error);

/* An order that ended through no wish of its owner's gives the lines back to the cart. `reply`: of
 * the line that was lost, or NULL. */
int order_reopen_cart(
    struct order *order, const struct shop_stock_reply *reply, struct mr_error *error);

/* What is still missing for the goal, now that a fact has changed. */
int order_advance(struct order *order, struct mr_error *error);

void order_start_payment(struct order *order, const struct shop_sealed *method_token);

/* False when the fact was known or does not matter any more. */
bool progress_line(struct order *order, int32_t line_no, enum line_fact fact);
bool progress_payment(struct order *order, const char *fact);
bool progress_payment_is(const struct order *order, const char *fact);
struct shop_order_progress
progress_new(struct mr_arena *arena, struct mr_bytes order_id, size_t lines, uint8_t **ret_facts);

/* Kept while the order is under way: of one that is confirmed or has ended, its state says all. */
/* Of a record of the progress's changelog, as topo_check_fn; `user` is the service. */
int progress_check(
    void *user, const struct topo_record *record, struct mr_arena *arena, struct mr_error *error);

int progress_get(struct order *order, struct mr_error *error);
void progress_put(const struct order *order);

/* Applies an order event to the state: the fold and the decision at work use the same code. */
void order_apply(struct shop_order_state *state, const struct codec_message *event);

const char *order_status(const struct shop_order_state *state);

int order_snapshot(
    struct order *order, const struct shop_order_snapshot **ret_snapshot, struct mr_error *error);

#endif
