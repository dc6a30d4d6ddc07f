/*
 * reason.h - why a command is rejected, and what an accepted one did: the names in an outcome.
 *
 * A rule names the reason; the code that answers a client finds the status, the text and the
 * members for it (api/shop_problem.h). Names are kept for 7 days in outcomes, so a name may be
 * added, and taken out only when no processor has written it for a week.
 */
#ifndef SCHEMAS_REASON_H
#define SCHEMAS_REASON_H

#include <base/bytes.h>

/* A reply's key is the id of its command, and this header the fingerprint of the request that it
 * answers: whoever waits claims it without decoding it. */
#define SHOP_REPLY_FINGERPRINT "fingerprint"

/* X(enumerator, name), and which facts of a Rejection come with it. */
#define SHOP_REASONS(X)                                                                            \
    X(SHOP_REASON_STALE_VERSION, "stale-version") /* actual */                                     \
    X(SHOP_REASON_KEY_REUSED, "key-reused")                                                        \
    X(SHOP_REASON_FIELD_INVALID, "field-invalid")       /* subject: the field */                   \
    X(SHOP_REASON_NOT_FOR_SALE, "not-for-sale")         /* subject: the product */                 \
    X(SHOP_REASON_QUANTITY_LIMIT, "quantity-limit")     /* limit */                                \
    X(SHOP_REASON_CART_FULL, "cart-full")               /* limit */                                \
    X(SHOP_REASON_AMOUNT_LIMIT, "amount-limit")         /* limit */                                \
    X(SHOP_REASON_CURRENCY_DIFFERS, "currency-differs") /* subject: the cart's */                  \
    X(SHOP_REASON_CART_EMPTY, "cart-empty")                                                        \
    X(SHOP_REASON_PRICE_CHANGED, "price-changed") /* prices, both totals */                        \
    X(SHOP_REASON_ORDER_ID_FOREIGN, "order-id-foreign")                                            \
    X(SHOP_REASON_ORDER_ID_TAKEN, "order-id-taken")                                                \
    X(SHOP_REASON_ORDER_TOO_LARGE, "order-too-large")                 /* limit, actual: bytes */   \
    X(SHOP_REASON_UNPAID_ORDERS_LIMIT, "unpaid-orders-limit")         /* limit */                  \
    X(SHOP_REASON_UNPAID_UNITS_LIMIT, "unpaid-units-limit")           /* limit */                  \
    X(SHOP_REASON_PAYMENT_METHOD_REQUIRED, "payment-method-required") /* limit: unpaid a day */    \
    X(SHOP_REASON_ORDER_UNKNOWN, "order-unknown")                                                  \
    X(SHOP_REASON_PAYMENT_NOT_EXPECTED, "payment-not-expected")   /* state */                      \
    X(SHOP_REASON_PAYMENT_IN_PROGRESS, "payment-in-progress")     /* state */                      \
    X(SHOP_REASON_ATTEMPTS_EXHAUSTED, "attempts-exhausted")       /* state, limit */               \
    X(SHOP_REASON_OPERATOR_GIVES_REASON, "operator-gives-reason") /* limit: bytes */               \
    X(SHOP_REASON_NOT_REFUNDABLE, "not-refundable")               /* state */                      \
    X(SHOP_REASON_REFUND_LIMIT, "refund-limit")                   /* limit: minor units */         \
    X(SHOP_REASON_NOT_CLOSABLE, "not-closable")                   /* state */                      \
    X(SHOP_REASON_NOT_CONFIRMED, "not-confirmed")                 /* state */                      \
    X(SHOP_REASON_PRODUCT_EXISTS, "product-exists")                                                \
    X(SHOP_REASON_PRODUCT_UNKNOWN, "product-unknown")                                              \
    X(SHOP_REASON_PRODUCT_DISCONTINUED, "product-discontinued")                                    \
    X(SHOP_REASON_STOCK_LIMIT, "stock-limit") /* limit */                                          \
    X(SHOP_REASON_STOCK_HELD, "stock-held")   /* actual: held, limit: there */                     \
    X(SHOP_REASON_EMAIL_TAKEN, "email-taken")                                                      \
    X(SHOP_REASON_USER_UNKNOWN, "user-unknown")                                                    \
    X(SHOP_REASON_PASSWORD_CHANGED, "password-changed")                                            \
    X(SHOP_REASON_SESSION_UNKNOWN, "session-unknown")                                              \
    X(SHOP_REASON_SESSION_OVER, "session-over")                                                    \
    X(SHOP_REASON_REFRESH_REUSED, "refresh-reused")                                                \
    X(SHOP_REASON_NOT_ALLOWED, "not-allowed")

#define SHOP_REASON_ENUMERATOR(enumerator, name) enumerator,
enum shop_reason { SHOP_REASON_NONE, SHOP_REASONS(SHOP_REASON_ENUMERATOR) SHOP_REASON_COUNT };
#undef SHOP_REASON_ENUMERATOR

/* CommandOutcome.effect: what an accepted command did. Absent: it changed something, or nothing was
 * left to change. */
#define SHOP_EFFECT_CREATED   "created"   /* Something new; its id is the outcome's subject_id. */
#define SHOP_EFFECT_REQUESTED "requested" /* It goes on from here, by itself. */

/* SHOP_REASON_NONE: a name that a newer writer knows. */
enum shop_reason shop_reason_of(struct mr_bytes name);
const char *shop_reason_name(enum shop_reason reason); /* "" of SHOP_REASON_NONE. */

#endif
