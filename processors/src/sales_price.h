/*
 * sales_price.h - what sales knows of products and their prices, folded from the catalog's events.
 */
#ifndef PROCESSORS_SALES_PRICE_H
#define PROCESSORS_SALES_PRICE_H

#include "sales_cart.h"

/* The fold, in the global sub-topology. */
topo_process_fn price_process;

/* *ret_product is NULL when the price table does not know it. */
int price_find(
    struct work *work,
    struct mr_bytes product_id,
    const struct shop_product_state **ret_product,
    struct mr_error *error);

/* A rejection: the total is not what was expected, with what was quoted and what it costs now. */
void *price_reject(
    const struct cart *cart,
    const struct cart_item *items,
    size_t count,
    const struct shop_money *expected,
    const struct shop_money *current);

#endif
