/*
 * limits.h - the bounds and the patience of the shop: configuration, with defaults that fit a
 * wholesaler. What a fold needs of them is written into the event when it is decided.
 */
#ifndef PROCESSORS_LIMITS_H
#define PROCESSORS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct shop_limits {
    int32_t line_quantity_max;
    int32_t cart_lines_max;
    int32_t payment_attempts_max;
    int32_t guest_cart_lines_max;
    int32_t unpaid_orders_max;  /* Orders of an owner under way that are not paid. */
    int64_t unpaid_units_max;   /* Units that an owner holds without a payment method. */
    int32_t expired_orders_max; /* Given up unpaid in a day: then a method comes with the order. */
    int64_t unpaid_hold_ms;    /* From PlaceOrder until one without a payment method is given up. */
    int64_t pay_deadline_ms;   /* The same once there is a method. */
    int64_t reserve_slack_ms;  /* Holds outlive the pay deadline by this. */
    const char *psp;           /* The payment provider of new payments. */
    bool psp_has_intents;      /* An attempt can be voided before it was authorized. */
    bool psp_captures_at_once; /* capture_mode of new payments: "automatic", else "manual". */
};

static inline struct shop_limits shop_limits_default(void)
{
    return (struct shop_limits){
        .line_quantity_max = 1000000,
        .cart_lines_max = 5000,
        .payment_attempts_max = 5,
        .guest_cart_lines_max = 100,
        .unpaid_orders_max = 10,
        .unpaid_units_max = 1000,
        .expired_orders_max = 5,
        .unpaid_hold_ms = INT64_C(2) * 60 * 1000,
        .pay_deadline_ms = INT64_C(15) * 60 * 1000,
        .reserve_slack_ms = INT64_C(5) * 60 * 1000,
        .psp = "simulator",
        .psp_has_intents = true,
    };
}

/* |minor| of every amount; far below 2^53, so that JSON numbers stay exact. */
#define SHOP_MONEY_MINOR_MAX INT64_C(1000000000000)

/* on_hand of every product. */
#define SHOP_STOCK_MAX INT64_C(1000000000000)

/* Texts of products. */
enum { SHOP_SKU_BYTES_MAX = 64, SHOP_TITLE_BYTES_MAX = 512, SHOP_TEXT_BYTES_MAX = 16384 };

/* Bound of the lines of one cart or order in a record. A Kafka client's records end at 1,000,000
 * bytes, and a record that is too large could not even be refused: there would be no outcome. */
#define SHOP_LINES_BYTES_MAX ((size_t)800000)

/* The highest cart_lines_max that a configuration may set; the read side shows as many. */
enum { SHOP_CART_LINES_LIMIT = 20000 };

/* Sessions of a user; one more ends the oldest. */
enum { SHOP_SESSIONS_MAX = 20 };

/* Why an operator does something. */
enum { SHOP_REASON_BYTES_MAX = 200 };

#endif
