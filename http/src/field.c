/* field.c - the parts of a header field's value (RFC 9110 5.6). */
#include "server_impl.h"

struct mr_bytes field_trim(struct mr_bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

struct mr_bytes field_next(struct mr_bytes *text, char separator)
{
    const char *at = memchr(text->ptr, separator, text->len);
    size_t len = at ? (size_t)(at - text->ptr) : text->len;
    struct mr_bytes part = mr_bytes_of(text->ptr, len);
    size_t skip = at ? len + 1 : len;
    *text = mr_bytes_of(text->ptr + skip, text->len - skip);
    return field_trim(part);
}

struct mr_bytes http_cookie(const struct http_request *request, const char *name)
{
    struct mr_bytes left = http_header(request, "Cookie");
    size_t len = strlen(name);
    while (left.len > 0) {
        struct mr_bytes pair = field_next(&left, ';');
        if (pair.len > len && pair.ptr[len] == '=' && memcmp(pair.ptr, name, len) == 0)
            return mr_bytes_of(pair.ptr + len + 1, pair.len - len - 1);
    }
    return (struct mr_bytes){0};
}
