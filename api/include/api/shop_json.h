/* shop_json.h - the shop's records as both APIs show them: one shape for one thing. */
#ifndef API_SHOP_JSON_H
#define API_SHOP_JSON_H

#include <http/json.h>

#include <schemas/shop.h>

/* {"amount_minor":1999,"currency":"GBP","exponent":2} */
void shop_json_key_money(struct json_w *w, const char *key, const struct shop_money *money);

/* Digits of the currency's smallest unit (ISO 4217): 0, 2 or 3. */
int shop_exponent(struct mr_bytes currency);

/* "in_stock", "low" (under 10) or "out". */
const char *shop_band(int64_t available);

/* A cart's line as the catalogue has it now. */
struct shop_line_now {
    bool known;
    bool sold; /* Published and not discontinued. */
    struct shop_money price;
    int64_t available;
};

/* The cart as the APIs return it. `now` is parallel to the lines; NULL: quotes only. */
void shop_json_cart(
    struct json_w *w, const struct shop_cart_snapshot *cart, const struct shop_line_now *now);

/* The query side knows this of an order beyond its snapshot. */
struct shop_order_extra {
    const struct shop_order_payment_view *payments;
    size_t payments_count;
    const struct shop_money *refund; /* NULL: none. */
    const char *next_action;         /* NULL: none. */
    const char *attention;           /* NULL: none. */
    bool without_lines;              /* For listings. */
};

/* `extra` NULL: the snapshot only (the command side). */
void shop_json_order(
    struct json_w *w,
    const struct shop_order_snapshot *order,
    const struct shop_order_extra *extra);

/* The same order as proof of purchase; the order must be CONFIRMED. */
void shop_json_confirmation(struct json_w *w, const struct shop_order_snapshot *order);

#endif
