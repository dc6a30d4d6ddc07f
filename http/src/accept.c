/* accept.c - content negotiation (RFC 9110 12.5.1), as far as one representation needs it. */
#include "server_impl.h"

#include <strings.h>

static bool equal_without_case(struct mr_bytes text, const char *other)
{
    return text.len == strlen(other) && strncasecmp(text.ptr, other, text.len) == 0;
}

/* How closely a range names the type: 3 the type, 2 "application/""*", 1 "*""/""*", 0 not. */
static int rate_range(struct mr_bytes range, const char *type)
{
    size_t major = strcspn(type, "/") + 1;
    if (equal_without_case(range, type))
        return 3;
    if (range.len == major + 1 && range.ptr[major] == '*' &&
        strncasecmp(range.ptr, type, major) == 0)
        return 2;
    return equal_without_case(range, "*/*") ? 1 : 0;
}

/* "q=0", "q=0.0", "q=0.000": not wanted. */
static bool is_refused(struct mr_bytes parameters)
{
    while (parameters.len > 0) {
        struct mr_bytes part = field_next(&parameters, ';');
        if (part.len < 3 || strncasecmp(part.ptr, "q=0", 3) != 0)
            continue;
        size_t i = 3;
        while (i < part.len && (part.ptr[i] == '.' || part.ptr[i] == '0'))
            i++;
        return i == part.len;
    }
    return false;
}

static bool admits_type(struct mr_bytes accept, const char *type)
{
    int closest = 0;
    bool admitted = false;
    while (accept.len > 0) {
        struct mr_bytes parameters = field_next(&accept, ',');
        struct mr_bytes range = field_next(&parameters, ';');
        int close = rate_range(range, type);
        if (close > closest) {
            closest = close;
            admitted = !is_refused(parameters);
        }
    }
    return admitted;
}

/* A type that is some kind of JSON is admitted by application/json, too. */
bool accept_admits(struct mr_bytes accept, const char *type)
{
    return field_trim(accept).len == 0 || (type && admits_type(accept, type)) ||
           ((!type || strstr(type, "+json")) && admits_type(accept, "application/json"));
}
