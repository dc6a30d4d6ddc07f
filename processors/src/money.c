/* money.c - sums and products of money, bounded. */
#include "money.h"

#include <processors/limits.h>

bool money_multiply(int64_t minor, int64_t quantity, int64_t *ret_minor)
{
    int64_t product;
    if (__builtin_mul_overflow(minor, quantity, &product) || product > SHOP_MONEY_MINOR_MAX ||
        product < -SHOP_MONEY_MINOR_MAX)
        return false;
    *ret_minor = product;
    return true;
}

bool money_add(int64_t a, int64_t b, int64_t *ret_minor)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum) || sum > SHOP_MONEY_MINOR_MAX ||
        sum < -SHOP_MONEY_MINOR_MAX)
        return false;
    *ret_minor = sum;
    return true;
}

bool money_is_price(const struct shop_money *money)
{
    if (money->minor < 0 || money->minor > SHOP_MONEY_MINOR_MAX || money->currency.len != 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (money->currency.ptr[i] < 'A' || money->currency.ptr[i] > 'Z')
            return false;
    return true;
}
