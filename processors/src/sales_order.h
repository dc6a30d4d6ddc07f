/*
 * sales_order.h - an order as process manager: a goal, facts that only move forward, and what is
 * still missing. The status that people see follows from them and is stored nowhere.
 *
 *     FULFIL: PENDING_STOCK -> PENDING_PAYMENT -> CONFIRMING -> CONFIRMED
 *     ABORT:  CANCELLING -> CANCELLED, from each of them, CONFIRMED too
 */
#ifndef PROCESSORS_SALES_ORDER_H
#define PROCESSORS_SALES_ORDER_H

#include "work.h"

enum order_goal { ORDER_FULFIL = 1, ORDER_ABORT = 2 };

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

/* The commands to an order but PlaceOrder, and the replies of stock and payments. */
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

/* Emits what is still missing for the goal, after a fact has changed. */
int order_advance(struct order *order, struct mr_error *error);

/* Ends an order that is being cancelled although something has not come back: stock and payment go
 * on by themselves. */
void order_close(struct order *order);

/* A mail to the owner; `number` makes it another one of its template. */
void order_notify_again(struct order *order, const char *template, int64_t number);

/* RefundOrder, CloseOrder and ResendConfirmation: an operator's. */
int staff_decide(
    struct order *order,
    const struct codec_message *message,
    void **ret_decision,
    struct mr_error *error);

/* The order stands, and the payment has given money back. */
void staff_hear_refunded(struct order *order, const struct shop_payment_reply *reply);

/* How a command to an order ended: refused for its status, or accepted with its version. */
void *order_reject_state(struct order *order, enum shop_reason reason);
void order_accept(struct order *order, enum decision_effect effect, void **ret_decision);

void order_start_payment(struct order *order, const struct shop_sealed *method_token);

/* Applies an order event to the state: the fold and the decision at work use the same code. */
void order_apply(struct shop_order_state *state, const struct codec_message *event);

const char *order_status(const struct shop_order_state *state);

/* With at most ORDER_REPLY_LINES_MAX lines; those of a larger order are left out, all of them. */
enum { ORDER_REPLY_LINES_MAX = 100 };
int order_snapshot(
    struct order *order, const struct shop_order_snapshot **ret_snapshot, struct mr_error *error);

/* The orders and units that the owner holds without having paid. */
int owner_load(
    struct work *work,
    struct mr_bytes owner_id,
    struct shop_owner_state *ret_owner,
    struct mr_error *error);

#endif
