/* amount.c - amounts of money as people write them. */
#include <tools/amount.h>

#include <assert.h>
#include <inttypes.h>

enum { EXPONENT_MAX = 3 };

static bool amount_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool amount_read(struct mr_bytes text, int exponent, int64_t max, int64_t *ret_minor)
{
    assert(exponent >= 0 && exponent <= EXPONENT_MAX && max <= INT64_MAX / 10000);
    int64_t minor = 0;
    int behind = -1; /* Digits behind the point; -1: no point yet. */
    if (text.len == 0 || !amount_is_digit(text.ptr[0]) || !amount_is_digit(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' && behind < 0) {
            behind = 0;
            continue;
        }
        if (!amount_is_digit(text.ptr[i]) || behind == exponent || minor > max)
            return false;
        minor = minor * 10 + (text.ptr[i] - '0');
        behind += behind >= 0;
    }
    for (int i = behind < 0 ? 0 : behind; i < exponent; i++)
        minor *= 10;
    if (minor < 1 || minor > max)
        return false;
    *ret_minor = minor;
    return true;
}

struct mr_bytes amount_write(struct mr_arena *arena, int64_t minor, int exponent)
{
    assert(exponent >= 0 && exponent <= EXPONENT_MAX && minor > INT64_MIN);
    static const int64_t units[] = {1, 10, 100, 1000};
    int64_t size = minor < 0 ? -minor : minor;
    const char *sign = minor < 0 ? "-" : "";
    if (exponent == 0)
        return mr_arena_printf(arena, "%s%" PRId64, sign, size);
    return mr_arena_printf(
        arena,
        "%s%" PRId64 ".%0*" PRId64,
        sign,
        size / units[exponent],
        exponent,
        size % units[exponent]);
}
