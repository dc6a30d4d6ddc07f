/* shop_json.h - the shop's records as both APIs show them: one shape for one thing. */
#ifndef HTTP_SHOP_JSON_H
#define HTTP_SHOP_JSON_H

#include <http/json.h>

#include <schemas/shop.h>

/* {"amount_minor":1999,"currency":"GBP","exponent":2} */
void shop_json_money(struct json_w *w, const struct shop_money *money);
void shop_json_key_money(struct json_w *w, const char *key, const struct shop_money *money);

/* "in_stock", "low" (under 10) or "out". */
const char *shop_band(int64_t available);

/* What the catalogue says now about a cart's line. */
struct shop_line_now {
    bool known;
    bool sold; /* Published and not discontinued. */
    struct shop_money price;
    int64_t available;
};

/* The cart of http.md 3.3. `now` is parallel to the lines; NULL: quotes only (the command side). */
void shop_json_cart(
    struct json_w *w, const struct shop_cart_snapshot *cart, const struct shop_line_now *now);

void shop_json_order(struct json_w *w, const struct shop_order_snapshot *order);

/* The same order as proof of purchase; the order must be CONFIRMED. */
void shop_json_confirmation(struct json_w *w, const struct shop_order_snapshot *order);

#endif
