/*
 * sales_cart.h - the cart of an owner: what is in it, what it is answered with, and how it comes
 * back from an order that failed.
 *
 * An owner has one cart; one that was checked out stays until something is added, which opens the
 * next. A line is a key of its own, so a change of one line costs the same at any size.
 */
#ifndef PROCESSORS_SALES_CART_H
#define PROCESSORS_SALES_CART_H

#include "work.h"

/* A cart at work: the owner's open one, or a fresh one for this command. */
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

/* Adds what another cart had of the product, at the price of now; what does not fit or is not for
 * sale is left out. */
int cart_take(
    struct cart *cart, struct mr_bytes product_id, int32_t quantity, struct mr_error *error);

/* The outcome of a command that is answered with the cart as it is. */
void cart_accept(struct cart *cart, void **ret_decision);

/* Its lines go to another owner. */
void cart_emit_merged(struct cart *cart, struct mr_bytes into_owner_id);

void cart_emit_checked_out(struct cart *cart, struct mr_bytes order_id);

/* -- sales_merge.c -- */

int merge_decide(
    struct work *work,
    const struct shop_merge_cart *command,
    void **ret_decision,
    struct mr_error *error);
int merge_take(
    struct work *work,
    const struct shop_take_cart_lines *command,
    void **ret_decision,
    struct mr_error *error);

/* The second half as if it were the first: whoever sent that waits for its id. */
struct codec_message *
merge_as_answer(struct mr_arena *arena, const struct codec_message *take_lines);

/* In place of an answer: the second half answers. */
int merge_reply(
    struct topo_context *context,
    const struct shop_service *service,
    const struct topo_command *command,
    bool replayed);

/* A cart's command is answered with the whole cart when that is asked for and small, else with the
 * line that has changed. */
enum { CART_REPLY_LINES_MAX = 100 };
int cart_render(
    struct work *work,
    const struct codec_message *command,
    const struct shop_cart_snapshot **ret_snapshot,
    struct mr_error *error);

#endif
