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
 *                                                     are not events (row 4 of the saga's table),
 *                                                     of the orders under way
 *     price (global)  product_id                   -> ProductState      catalog.product.events
 */
#ifndef PROCESSORS_SALES_H
#define PROCESSORS_SALES_H

#include "work.h"

struct topo_aggregate sales_aggregate(const struct shop_service *service);

#endif
