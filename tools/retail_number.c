/*
 * retail_number.c - decimal text to integers, exactly: "12", ".85", "5.", "+1.50", "8.5E-05".
 *
 * The digits are kept as text; the exponent only says where the point is. Nothing is rounded but
 * the third decimal of a price, and no floating-point number is involved.
 */
#include <tools/retail.h>

#include <string.h>
#include <strings.h>

#include <assert.h>

enum { DIGITS_MAX = 64, EXPONENT_MAX = 400, PRICE_DECIMALS = 2 };

/* digits[0..count) with the point behind `point` of them; point may lie outside. */
struct decimal {
    bool negative;
    char digits[DIGITS_MAX];
    int count;
    int point;
};

static bool number_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a leading sign off. True: it was a minus. */
static bool number_take_sign(struct mr_bytes *text)
{
    if (text->len == 0 || (text->ptr[0] != '-' && text->ptr[0] != '+'))
        return false;
    bool negative = text->ptr[0] == '-';
    text->ptr++;
    text->len--;
    return negative;
}

/* The whole number behind an "e". */
static bool number_parse_exponent(struct mr_bytes text, int *ret_exponent)
{
    bool negative = number_take_sign(&text);
    int value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!number_is_digit(text.ptr[i]))
            return false;
        value = value * 10 + (text.ptr[i] - '0');
        if (value > EXPONENT_MAX)
            return false;
    }
    *ret_exponent = negative ? -value : value;
    return true;
}

/* Keeps the digits and the place of the point, and computes nothing: no price is rounded here. */
static bool number_parse_decimal(struct mr_bytes text, struct decimal *ret_decimal)
{
    struct decimal decimal = {.negative = number_take_sign(&text)};
    bool pointed = false;
    int exponent = 0;
    size_t at = 0;
    for (; at < text.len && (number_is_digit(text.ptr[at]) || (text.ptr[at] == '.' && !pointed));
         at++) {
        if (text.ptr[at] == '.') {
            pointed = true;
            continue;
        }
        if (decimal.count == DIGITS_MAX)
            return false;
        decimal.digits[decimal.count++] = text.ptr[at];
        decimal.point += !pointed;
    }
    if (decimal.count == 0)
        return false;
    if (at < text.len) {
        if (text.ptr[at] != 'e' && text.ptr[at] != 'E')
            return false;
        if (!number_parse_exponent(mr_bytes_of(text.ptr + at + 1, text.len - at - 1), &exponent))
            return false;
    }
    decimal.point += exponent;
    *ret_decimal = decimal;
    return true;
}

static bool number_is_zero(const struct decimal *decimal)
{
    for (int i = 0; i < decimal->count; i++)
        if (decimal->digits[i] != '0')
            return false;
    return true;
}

/* The digit at a place, 0 being the first one in front of the point; outside there are zeros. */
static int number_digit_at(const struct decimal *decimal, int place)
{
    return place >= 0 && place < decimal->count ? decimal->digits[place] - '0' : 0;
}

/* The first `places` digits as a number. False: over `max`. */
static bool
number_take_places(const struct decimal *decimal, int places, int64_t max, int64_t *ret_value)
{
    int64_t value = 0;
    for (int i = 0; i < places; i++) {
        value = value * 10 + number_digit_at(decimal, i);
        if (value > max)
            return false;
        if (value == 0 && i >= decimal->count)
            break;
    }
    *ret_value = value;
    return true;
}

bool retail_parse_quantity(struct mr_bytes text, int32_t *ret_quantity)
{
    assert(ret_quantity);
    struct decimal decimal;
    int64_t value = 0;
    if (!number_parse_decimal(text, &decimal))
        return false;
    for (int i = decimal.point > 0 ? decimal.point : 0; i < decimal.count; i++)
        if (decimal.digits[i] != '0')
            return false;
    if (!number_take_places(&decimal, decimal.point, INT64_C(1) << 32, &value))
        return false;
    value = decimal.negative ? -value : value;
    if (value < INT32_MIN || value > INT32_MAX || (decimal.point < 0 && !number_is_zero(&decimal)))
        return false;
    *ret_quantity = (int32_t)value;
    return true;
}

bool retail_parse_price(struct mr_bytes text, int *ret_sign, int64_t *ret_minor)
{
    assert(ret_sign && ret_minor);
    struct decimal decimal;
    int64_t minor = 0;
    if (!number_parse_decimal(text, &decimal))
        return false;
    int places = decimal.point + PRICE_DECIMALS;
    if (!number_take_places(&decimal, places, RETAIL_MINOR_MAX, &minor))
        return false;
    minor += number_digit_at(&decimal, places) >= 5;
    if (minor > RETAIL_MINOR_MAX)
        return false;
    *ret_sign = number_is_zero(&decimal) ? 0 : decimal.negative ? -1 : 1;
    *ret_minor = decimal.negative ? -minor : minor;
    return true;
}

/* -- what is wrong with it -- */

static bool number_is_infinite(struct mr_bytes text)
{
    (void)number_take_sign(&text);
    return (text.len == 3 && strncasecmp(text.ptr, "inf", 3) == 0) ||
           (text.len == 8 && strncasecmp(text.ptr, "infinity", 8) == 0);
}

/* Digits with something between them that is not a part of a number. */
static bool number_has_separators(struct mr_bytes text)
{
    static const char *const separators[] = {" ", "'", "_", "\xc2\xa0", "\xe2\x80\xaf"};
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++)
        if (memmem(text.ptr, text.len, separators[i], strlen(separators[i])))
            return text.len > 0 && number_is_digit(text.ptr[0]) &&
                   number_is_digit(text.ptr[text.len - 1]);
    return false;
}

static bool number_has_currency(struct mr_bytes text)
{
    static const char *const signs[] = {
        "$", "\xc2\xa3", "\xc2\xa5", "\xe2\x82\xac", "GBP", "EUR", "USD"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (memmem(text.ptr, text.len, signs[i], strlen(signs[i])))
            return true;
    return false;
}

const char *retail_number_fault(struct mr_bytes text, bool whole)
{
    struct decimal decimal;
    if (text.len && memchr(text.ptr, ',', text.len))
        return "has a comma: a number has a decimal point and no thousands separators";
    if (number_parse_decimal(text, &decimal)) {
        for (int i = decimal.point > 0 ? decimal.point : 0; whole && i < decimal.count; i++)
            if (decimal.digits[i] != '0')
                return "is not a whole number";
        return "is out of range";
    }
    if (number_is_infinite(text))
        return "is not finite";
    if (number_has_currency(text))
        return "has a currency: a price is a number alone, in GBP";
    if (number_has_separators(text))
        return "has thousands separators: write the digits without them";
    return whole ? "is not a whole number" : "is not a decimal number";
}
