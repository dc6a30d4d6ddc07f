/* percent.c - percent-decoding of paths and query strings, strict. */
#include "server_impl.h"

#include <http/json.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool percent_decode(
    struct mr_arena *arena, struct mr_bytes text, bool plus, struct mr_bytes *ret_decoded)
{
    char *out = mr_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '+' && plus)
            c = ' ';
        if (c == '%') {
            if (text.len - i < 3)
                return false;
            int high = hex_value(text.ptr[i + 1]);
            int low = hex_value(text.ptr[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    struct mr_bytes decoded = mr_bytes_of(out, len);
    if (!http_utf8_valid(decoded))
        return false;
    *ret_decoded = decoded;
    return true;
}
