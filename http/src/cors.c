/*
 * cors.c - which other origins' pages may read answers and send requests (Fetch, 3.2).
 *
 * Without a list nothing is sent: a browser lets only pages of our own origin in. Credentials are
 * header fields; the one cookie is for our own pages only, so there is no
 * Access-Control-Allow-Credentials.
 */
#include "server_impl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXPOSED                                                                                    \
    "Cache-Status, Consistency-Token, ETag, Idempotency-Replayed, Link, Location, "                \
    "Preference-Applied, RateLimit, RateLimit-Policy, Request-Id, Retry-After, View-Lag, "         \
    "View-Position"
#define ALLOWED                                                                                    \
    "Authorization, Cart-Token, Consistency-Token, Content-Type, Idempotency-Key, If-Match, "      \
    "If-None-Match, Last-Event-ID, Prefer, Request-Id, traceparent"
#define PREFLIGHT_SECONDS "7200" /* No browser keeps one longer. */

static bool cors_lists(const char *origins, struct mr_bytes origin)
{
    struct mr_bytes left = mr_cstr(origins);
    while (left.len > 0)
        if (mr_bytes_equal(field_next(&left, ','), origin))
            return true;
    return false;
}

/* "https://shop.example:8443": a scheme, a host, perhaps a port, and no path. */
static bool cors_is_origin(struct mr_bytes text)
{
    size_t start = mr_bytes_starts_with(text, mr_cstr("https://"))  ? 8
                   : mr_bytes_starts_with(text, mr_cstr("http://")) ? 7
                                                                    : text.len;
    for (size_t i = start; i < text.len; i++) {
        char c = text.ptr[i];
        if (c <= ' ' || c >= 127 || (c >= 'A' && c <= 'Z') || strchr("/?#*\"\\@", c))
            return false;
    }
    return start < text.len;
}

int cors_check(const char *origins, struct mr_error *error)
{
    struct mr_bytes left = mr_cstr(origins);
    while (left.len > 0) {
        struct mr_bytes origin = field_next(&left, ',');
        if (!cors_is_origin(origin))
            return mr_fail(
                error,
                MR_CONFIG,
                "cors-origins: \"%.*s\" is not an origin such as https://shop.example",
                MR_ARG(origin));
    }
    return 0;
}

/* "https://shop.example:8443" -> "shop.example"; "[::1]:80" -> "[::1]". */
static struct mr_bytes cors_host(struct mr_bytes text)
{
    const char *scheme = text.len > 0 ? memmem(text.ptr, text.len, "://", 3) : NULL;
    size_t start = scheme ? (size_t)(scheme - text.ptr) + 3 : 0;
    struct mr_bytes host = mr_bytes_of(text.ptr + start, text.len - start);
    const char *colon = host.len > 0 ? memrchr(host.ptr, ':', host.len) : NULL;
    bool is_port = colon && !memchr(colon, ']', host.len - (size_t)(colon - host.ptr));
    return is_port ? mr_bytes_of(host.ptr, (size_t)(colon - host.ptr)) : host;
}

bool http_is_same_origin(const struct http_request *request)
{
    struct mr_bytes site = http_header(request, "Sec-Fetch-Site");
    struct mr_bytes origin = http_header(request, "Origin");
    struct mr_bytes host = cors_host(http_header(request, "Host"));
    if (site.ptr && !mr_bytes_equal(site, mr_cstr("same-origin")))
        return false;
    if (!origin.ptr)
        return true;
    struct mr_bytes theirs = cors_host(origin);
    return host.len > 0 && host.len == theirs.len &&
           strncasecmp(host.ptr, theirs.ptr, host.len) == 0;
}

static bool cors_wanted(const struct http_request *request)
{
    const char *origins = request->server->options.cors_origins;
    return origins && origins[0];
}

void cors_preflight(struct http_request *request, const char *allow)
{
    if (!cors_wanted(request) || !http_header(request, "Access-Control-Request-Method").ptr ||
        !cors_lists(request->server->options.cors_origins, http_header(request, "Origin")))
        return;
    http_set_header(request, "Access-Control-Allow-Methods", mr_cstr(allow));
    http_set_header(request, "Access-Control-Allow-Headers", mr_cstr(ALLOWED));
    http_set_header(request, "Access-Control-Max-Age", mr_cstr(PREFLIGHT_SECONDS));
}

/* Vary stands in every answer, with and without an Origin: a cache must keep both apart. */
void cors_set_headers(struct http_request *request)
{
    if (!cors_wanted(request))
        return;
    struct mr_bytes vary = answer_value(request, "Vary");
    struct mr_bytes origin = http_header(request, "Origin");
    http_set_header_f(request, "Vary", "%.*s%sOrigin", MR_ARG(vary), vary.len > 0 ? ", " : "");
    if (!origin.ptr || !cors_lists(request->server->options.cors_origins, origin))
        return;
    http_set_header(request, "Access-Control-Allow-Origin", origin);
    http_set_header(request, "Access-Control-Expose-Headers", mr_cstr(EXPOSED));
}
