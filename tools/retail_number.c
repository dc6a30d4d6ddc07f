/* retail_number.c - decimal text to integers, exactly. */
#include <tools/retail.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a leading minus off. */
static bool take_minus(struct mr_bytes *text)
{
    if (text->len == 0 || text->ptr[0] != '-')
        return false;
    text->ptr++;
    text->len--;
    return true;
}

bool retail_parse_quantity(struct mr_bytes text, int32_t *ret_quantity)
{
    bool negative = take_minus(&text);
    int64_t value = 0;
    if (text.len == 0 || text.len > 10)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
        value = value * 10 + (text.ptr[i] - '0');
    }
    value = negative ? -value : value;
    if (value < INT32_MIN || value > INT32_MAX)
        return false;
    *ret_quantity = (int32_t)value;
    return true;
}

/* Up to two decimals count, the third rounds, all must be digits. */
static bool parse_decimals(struct mr_bytes text, int64_t *minor, bool *above_zero)
{
    int64_t decimals = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
        int digit = text.ptr[i] - '0';
        *above_zero |= digit > 0;
        if (i < 2)
            decimals += digit * (i == 0 ? 10 : 1);
        else if (i == 2 && digit >= 5)
            decimals++;
    }
    *minor += decimals;
    return text.len > 0;
}

bool retail_parse_price(struct mr_bytes text, int *ret_sign, int64_t *ret_minor)
{
    bool negative = take_minus(&text);
    bool above_zero = false;
    int64_t minor = 0;
    size_t at = 0;
    for (; at < text.len && is_digit(text.ptr[at]); at++) {
        above_zero |= text.ptr[at] > '0';
        minor = minor * 10 + (text.ptr[at] - '0') * 100;
        if (minor > RETAIL_MINOR_MAX)
            return false;
    }
    if (at == 0)
        return false;
    if (at < text.len) {
        struct mr_bytes decimals = {text.ptr + at + 1, text.len - at - 1};
        if (text.ptr[at] != '.' || !parse_decimals(decimals, &minor, &above_zero))
            return false;
    }
    if (minor > RETAIL_MINOR_MAX)
        return false;
    *ret_sign = !above_zero ? 0 : negative ? -1 : 1;
    *ret_minor = negative ? -minor : minor;
    return true;
}
