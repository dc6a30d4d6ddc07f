/*
 * cart_workload.h - the carts that ours and the peer fold: event number i follows from i alone, and
 * here is the fold that both must equal.
 *
 *     An event changes a line of one of CART_COUNT carts. A known sku: its quantity grows by the
 *     event's (which may be negative), its price is the event's, and at 0 or less the line goes.
 *     An unknown sku with a quantity above 0 is a new last line; the first of 21 lines goes.
 *     Each event raises the version by one and gives one total: the sum of quantity times price.
 */
#ifndef BENCH_CART_WORKLOAD_H
#define BENCH_CART_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

enum {
    CART_COUNT = 50000,
    CART_SKUS = 4000,
    CART_LINES_MAX = 20,
    CART_PARTITIONS = 4,
    CART_FRAME_BYTES = 5, /* 0x00, and the id of the schema in 4 bytes. */
    CART_EVENT_ID = 1,
    CART_TOTAL_ID = 2,
    CART_STATE_ID = 3,
    CART_KEY_LEN = 11,
    CART_SKU_LEN = 6,
    CART_EVENT_BYTES_MAX = 128,
};

struct cart_event {
    char event_id[37];
    uint32_t cart;
    uint32_t sku;
    int32_t quantity;
    int64_t price_minor;
    int64_t occurred_ms;
};

struct cart_line {
    uint32_t sku;
    int32_t quantity;
    int64_t price_minor;
};

struct cart {
    struct cart_line lines[CART_LINES_MAX + 1];
    int count;
    int64_t total_minor;
    int64_t version;
};

void cart_event_at(uint64_t number, struct cart_event *ret_event);
/* Framed Avro; returns its length. */
size_t cart_event_encode(const struct cart_event *event, uint8_t out[CART_EVENT_BYTES_MAX]);
void cart_apply(struct cart *cart, const struct cart_event *event);
void cart_key(uint32_t cart, char out[CART_KEY_LEN + 1]);
/* -1: not a key of a cart. */
int64_t cart_of_key(const char *key, size_t len);
void cart_sku(uint32_t sku, char out[CART_SKU_LEN + 1]);

#endif
