/* money.h - minor units of a currency, within SHOP_MONEY_MINOR_MAX either way. */
#ifndef PROCESSORS_MONEY_H
#define PROCESSORS_MONEY_H

#include <schemas/codec.h>

/* False when the result is over SHOP_MONEY_MINOR_MAX either way. */
bool money_multiply(int64_t minor, int64_t quantity, int64_t *ret_minor);
bool money_add(int64_t a, int64_t b, int64_t *ret_minor);

static inline bool money_equal(const struct shop_money *a, const struct shop_money *b)
{
    return a->minor == b->minor && mr_bytes_equal(a->currency, b->currency);
}

/* Not negative, within bounds, and of a three-letter currency. */
bool money_is_price(const struct shop_money *money);

#endif
