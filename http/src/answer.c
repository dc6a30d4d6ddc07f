/* answer.c - a request's answer: its headers, its validators, and handing it to libmicrohttpd. */
#include "server_impl.h"

#include <base/log.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* The headers of every answer. Strict-Transport-Security is the gateway's: we speak no TLS. */
static const struct answer_header always[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy", "default-src 'none'"},
    {"Referrer-Policy", "no-referrer"},
};

struct mr_buffer *http_response(struct http_request *request)
{
    return &request->response;
}

void http_set_header(struct http_request *request, const char *name, struct mr_bytes value)
{
    assert(request && name && name[0] != 0);
    struct answer_header *header = NULL;
    for (size_t i = 0; i < request->headers_count && !header; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            header = &request->headers[i];
    if (!header) {
        assert(request->headers_count < ANSWER_HEADERS_MAX);
        header = &request->headers[request->headers_count++];
    }
    *header = (struct answer_header){name, mr_arena_cstr(&request->arena, value)};
}

void http_set_header_f(struct http_request *request, const char *name, const char *format, ...)
{
    char value[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (len < 0)
        return;
    size_t used = (size_t)len < sizeof value ? (size_t)len : sizeof value - 1;
    http_set_header(request, name, mr_bytes_of(value, used));
}

/* Weak comparison (RFC 9110 13.1.2): W/ does not count. */
static bool list_has_tag(struct mr_bytes list, struct mr_bytes etag)
{
    size_t at = 0;
    while (at < list.len) {
        char c = list.ptr[at];
        if (c == '*')
            return true;
        if (c != '"') {
            at++;
            continue;
        }
        const char *start = list.ptr + at + 1;
        const char *stop = memchr(start, '"', list.len - at - 1);
        if (!stop)
            return false;
        if (mr_bytes_equal(mr_bytes_of(start, (size_t)(stop - start)), etag))
            return true;
        at = (size_t)(stop - list.ptr) + 1;
    }
    return false;
}

bool http_etag_matches(struct http_request *request, struct mr_bytes etag, bool weak)
{
    http_set_header_f(request, "ETag", "%s\"%.*s\"", weak ? "W/" : "", MR_ARG(etag));
    return list_has_tag(http_header(request, "If-None-Match"), etag);
}

/* "v17" or "v17.<whatever>" -> 17; -1 for a tag that is another's. */
static int64_t version_of(struct mr_bytes tag)
{
    int64_t version = 0;
    if (tag.len < 2 || tag.ptr[0] != 'v' || tag.ptr[1] == '.')
        return -1;
    for (size_t at = 1; at < tag.len && tag.ptr[at] != '.'; at++) {
        if (at > 18 || tag.ptr[at] < '0' || tag.ptr[at] > '9')
            return -1;
        version = version * 10 + (tag.ptr[at] - '0');
    }
    return version;
}

/* Takes one entity-tag off the list. False: it is not one. */
static bool take_tag(struct mr_bytes *list, struct mr_bytes *ret_tag)
{
    struct mr_bytes text = field_trim(*list);
    if (mr_bytes_starts_with(text, mr_cstr("W/")))
        text = mr_bytes_of(text.ptr + 2, text.len - 2);
    const char *stop = text.len > 1 ? memchr(text.ptr + 1, '"', text.len - 1) : NULL;
    if (!stop || text.ptr[0] != '"')
        return false;
    *ret_tag = mr_bytes_of(text.ptr + 1, (size_t)(stop - text.ptr) - 1);
    struct mr_bytes rest = field_trim(mr_bytes_of(stop + 1, text.len - ret_tag->len - 2));
    if (rest.len > 0 && rest.ptr[0] != ',')
        return false;
    *list = rest.len ? field_trim(mr_bytes_of(rest.ptr + 1, rest.len - 1)) : rest;
    return true;
}

enum http_if_match http_if_match(const struct http_request *request, int64_t *ret_version)
{
    struct mr_bytes list = http_header(request, "If-Match");
    int64_t known = -1;
    if (!list.ptr)
        return HTTP_IF_MATCH_NONE;
    list = field_trim(list);
    if (mr_bytes_equal(list, mr_cstr("*")))
        return HTTP_IF_MATCH_ANY;
    if (list.len == 0)
        return HTTP_IF_MATCH_BAD;
    while (list.len > 0) {
        struct mr_bytes tag;
        if (!take_tag(&list, &tag))
            return HTTP_IF_MATCH_BAD;
        int64_t version = version_of(tag);
        if (version >= 0 && known >= 0 && version != known)
            return HTTP_IF_MATCH_BAD; /* A command expects one version. */
        known = version >= 0 ? version : known;
    }
    *ret_version = known;
    return HTTP_IF_MATCH_VERSION;
}

struct mr_bytes answer_value(const struct http_request *request, const char *name)
{
    assert(request && name);
    for (size_t i = 0; i < request->headers_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return mr_cstr(request->headers[i].value);
    return mr_bytes_of(NULL, 0);
}

static bool has_header(const struct http_request *request, const char *name)
{
    return answer_value(request, name).ptr != NULL;
}

void answer_add_always(struct MHD_Response *response)
{
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        MHD_add_response_header(response, always[i].name, always[i].value);
}

static void add_headers(struct http_request *request, struct MHD_Response *response)
{
    answer_add_always(response);
    for (size_t i = 0; i < request->headers_count; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
}

/* Bounds of the bytes that wait for clients that do not read, in all. */
enum { HELD_BYTES_MAX = 64 << 20, TRIM_BYTES = 16 << 20, SMALL_BYTES = 64 << 10 };

static bool account_answer(struct http_request *request)
{
    struct http_server *server = request->server;
    size_t bytes = request->response.capacity + request->arena.used_bytes;
    if (bytes <= SMALL_BYTES)
        return true;
    size_t before = atomic_fetch_add(&server->held_bytes, bytes);
    if (before + bytes > HELD_BYTES_MAX) {
        atomic_fetch_sub(&server->held_bytes, bytes);
        return false;
    }
    request->held_bytes = bytes;
    if (before + bytes > TRIM_BYTES)
        atomic_store(&server->trim_wanted, true);
    return true;
}

void answer_unaccount(struct http_request *request)
{
    atomic_fetch_sub(&request->server->held_bytes, request->held_bytes);
    request->held_bytes = 0;
}

/* Too much is on its way already: this answer is given up, and its memory with it. */
static int give_up_answer(struct http_request *request)
{
    mr_buffer_clean_up(&request->response);
    http_problem_render(
        &(struct http_problem){
            .slug = "overloaded", .detail = mr_cstr("Too much is waiting to be read.")},
        request->server->options.problem_base,
        mr_bytes_of(NULL, 0),
        &request->response);
    http_set_header(request, "Content-Type", mr_cstr("application/problem+json"));
    http_set_header(request, "Cache-Control", mr_cstr("no-store"));
    http_set_header_f(request, "Retry-After", "%d", http_retry_after_s(1));
    http_set_header(request, "Connection", mr_cstr("close"));
    return 503;
}

/* The header fields that every answer has, whatever it is. */
static void complete_headers(struct http_request *request, int status)
{
    struct http_server *server = request->server;
    if (!has_header(request, "Cache-Control"))
        http_set_header(request, "Cache-Control", mr_cstr("no-store"));
    if (request->request_id.ptr)
        http_set_header(request, "Request-Id", request->request_id);
    if (http_traceparent(request).ptr)
        http_set_header(request, "traceparent", http_traceparent(request));
    if (server->options.on_response)
        server->options.on_response(request, status, server->options.user);
    cors_set_headers(request);
    kept_add(request);
    if (atomic_load(&server->stopping))
        http_set_header(request, "Connection", mr_cstr("close"));
}

void answer_queue(struct http_request *request, int status, struct MHD_Response *response)
{
    request->status = status;
    complete_headers(request, status);
    if (!response)
        return; /* Out of memory inside the library: it closes the connection. */
    add_headers(request, response);
    if (MHD_queue_response(request->connection, (unsigned)status, response) == MHD_NO)
        mr_log(MR_LOG_DEBUG, "response-refused", "status=%d", status);
    MHD_destroy_response(response);
}

void http_send(struct http_request *request, int status, const char *content_type)
{
    assert(request && status >= 100 && status < 600);
    assert(request->state == REQUEST_HANDED || request->state == REQUEST_BODY);
    request->state = REQUEST_ANSWERED;
    if (!account_answer(request))
        status = give_up_answer(request);
    if (status == 204 || status == 304)
        mr_buffer_reset(&request->response);
    if (request->response.len > 0 && !has_header(request, "Content-Type"))
        http_set_header(
            request, "Content-Type", mr_cstr(content_type ? content_type : "application/json"));
    answer_queue(
        request,
        status,
        MHD_create_response_from_buffer(
            request->response.len, request->response.ptr, MHD_RESPMEM_PERSISTENT));
}
