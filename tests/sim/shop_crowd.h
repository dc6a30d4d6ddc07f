/*
 * shop_crowd.h - people of a shop under test: they fill carts, order, pay with every kind of token,
 * cancel at any moment and send commands again, while prices and stock change.
 *
 * What they sent is remembered: the invariants (shop_invariants.h) are checked against it. The seed
 * decides all that shop_crowd_step does; the other verbs are for scripts.
 */
#ifndef TESTS_SHOP_CROWD_H
#define TESTS_SHOP_CROWD_H

#include "shop_harness.h"

enum {
    SHOP_CROWD_OWNERS = 5,
    SHOP_CROWD_PRODUCTS = 5,
    SHOP_CROWD_ORDERS_MAX = 512,
    SHOP_CROWD_COMMANDS_MAX = 2048,
};

extern const char *const shop_crowd_owners[SHOP_CROWD_OWNERS];
extern const char *const shop_crowd_skus[SHOP_CROWD_PRODUCTS];

struct shop_sent {
    enum shop_member to;
    const char *topic;
    struct mr_bytes id, key, value;
};

struct shop_crowd {
    uint64_t seed;
    struct shop *shop;
    struct {
        const char *owner;
        struct mr_bytes id;
    } orders[SHOP_CROWD_ORDERS_MAX];
    int orders_count;
    struct shop_sent commands[SHOP_CROWD_COMMANDS_MAX];
    int commands_count;
};

/* Forgets what was sent before. */
void shop_crowd_open(struct shop_crowd *crowd, struct shop *shop, uint64_t seed);

void shop_crowd_make_product(struct shop_crowd *crowd, const char *sku, int64_t units);
/* Two users of one address: the first claim wins. */
void shop_crowd_register(struct shop_crowd *crowd, const char *user, const char *email);
void shop_crowd_add_item(
    struct shop_crowd *crowd, const char *owner, const char *sku, int quantity);
/* token NULL: to be paid later. Returns the order's index. */
int shop_crowd_place_order(struct shop_crowd *crowd, const char *owner, const char *token);
void shop_crowd_pay(struct shop_crowd *crowd, int order, const char *token);
void shop_crowd_cancel(struct shop_crowd *crowd, int order);
void shop_crowd_change_price(struct shop_crowd *crowd, const char *sku, int64_t minor);
void shop_crowd_adjust_stock(struct shop_crowd *crowd, const char *sku, int64_t delta);
void shop_crowd_send_again(struct shop_crowd *crowd, int command);

/* All products, with a seeded number of units. */
void shop_crowd_make_products(struct shop_crowd *crowd);
/* Something that somebody does; or time passes. */
void shop_crowd_step(struct shop_crowd *crowd);

/* Every order has an end, or is confirmed. */
bool shop_crowd_is_settled(struct shop_crowd *crowd);

#endif
