/* utf8.c - is this text valid UTF-8? RFC 3629: no overlong forms, no surrogates, no NUL. */
#include <http/json.h>

/* The length of the sequence that starts here, 0 when it is broken. */
static size_t sequence_len(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t len = 0;
    if (first >= 0xC2 && first <= 0xDF)
        len = 2;
    else if (first >= 0xE0 && first <= 0xEF)
        len = 3;
    else if (first >= 0xF0 && first <= 0xF4)
        len = 4;
    if (len == 0 || left < len)
        return 0;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (at[i] < 0x80 || at[i] > 0xBF)
            return 0;
    return len;
}

bool http_utf8_valid(struct mr_bytes text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    size_t left = text.len;
    while (left > 0) {
        size_t len = 1;
        if (*at == 0)
            return false;
        if (*at >= 0x80)
            len = sequence_len(at, left);
        if (len == 0)
            return false;
        at += len;
        left -= len;
    }
    return true;
}
