/* request.c - what a handler can ask about its request; and the pool the requests come from. */
#include "server_impl.h"

#include <base/clock.h>

#include <http/json.h>

#include <assert.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

enum { SPARE_REQUESTS_MAX = 256, SPARE_BUFFER_BYTES_MAX = 256 * 1024 };

static struct http_request *take_spare(struct http_server *server)
{
    pthread_mutex_lock(&server->free_lock);
    struct http_request *request = server->free_requests;
    if (request) {
        server->free_requests = request->next_free;
        server->free_count--;
    }
    pthread_mutex_unlock(&server->free_lock);
    return request;
}

static void set_uri(struct http_request *request, const char *uri)
{
    size_t len = strlen(uri);
    request->uri = mr_arena_copy(&request->arena, mr_bytes_of(uri, len));
    struct mr_bytes path = request->uri;
    const char *authority = strstr(path.ptr, "://");
    if (path.len > 0 && path.ptr[0] != '/' && authority) { /* absolute-form */
        const char *slash = strchr(authority + 3, '/');
        const char *start = slash ? slash : path.ptr + path.len;
        path = mr_bytes_of(start, path.len - (size_t)(start - path.ptr));
    }
    const char *question = path.len ? memchr(path.ptr, '?', path.len) : NULL;
    if (question)
        path.len = (size_t)(question - path.ptr);
    request->path = path;
}

struct http_request *request_take(struct http_server *server, const char *uri)
{
    struct http_request *request = take_spare(server);
    if (!request)
        request = mr_calloc(1, sizeof *request);
    request->server = server;
    request->state = REQUEST_NEW;
    request->method = "";
    request->route = server->options.routes_count;
    request->started_us = mr_monotonic_us();
    set_uri(request, uri);
    atomic_fetch_add(&server->requests_open, 1);
    return request;
}

static void recycle_buffer(struct mr_buffer *buffer)
{
    if (buffer->capacity > SPARE_BUFFER_BYTES_MAX)
        mr_buffer_clean_up(buffer);
    mr_buffer_reset(buffer);
}

static void request_free(struct http_request *request)
{
    mr_buffer_clean_up(&request->body);
    mr_buffer_clean_up(&request->response);
    mr_arena_clean_up(&request->arena);
    free(request);
}

void request_give_back(struct http_request *request)
{
    struct http_server *server = request->server;
    http_waiter_release(request->waiter);
    recycle_buffer(&request->body);
    recycle_buffer(&request->response);
    mr_arena_reset(&request->arena);
    *request = (struct http_request){
        .server = server,
        .body = request->body,
        .response = request->response,
        .arena = request->arena,
    };
    pthread_mutex_lock(&server->free_lock);
    bool keep = server->free_count < SPARE_REQUESTS_MAX && !server->stopped;
    if (keep) {
        request->next_free = server->free_requests;
        server->free_requests = request;
        server->free_count++;
    }
    pthread_mutex_unlock(&server->free_lock);
    if (!keep)
        request_free(request);
    atomic_fetch_sub(&server->requests_open, 1);
}

static bool add_param(struct http_request *request, struct mr_bytes part)
{
    if (part.len == 0)
        return true;
    if (request->query_count == HTTP_QUERY_PARAMS_MAX)
        return false;
    struct query_param *param = &request->query[request->query_count];
    const char *equals = memchr(part.ptr, '=', part.len);
    size_t name_len = equals ? (size_t)(equals - part.ptr) : part.len;
    struct mr_bytes value = mr_bytes_of(part.ptr + part.len, 0);
    if (equals)
        value = mr_bytes_of(equals + 1, part.len - name_len - 1);
    if (!percent_decode(&request->arena, mr_bytes_of(part.ptr, name_len), true, &param->name) ||
        !percent_decode(&request->arena, value, true, &param->value))
        return false;
    request->query_count++;
    return true;
}

bool request_parse_query(struct http_request *request)
{
    const char *end = request->uri.ptr + request->uri.len;
    const char *at = request->path.ptr + request->path.len;
    while (at < end) {
        const char *start = at + 1; /* Behind '?' or '&'. */
        const char *stop = memchr(start, '&', (size_t)(end - start));
        if (!stop)
            stop = end;
        if (!add_param(request, mr_bytes_of(start, (size_t)(stop - start))))
            return false;
        at = stop;
    }
    return true;
}

static bool id_is_ours(struct mr_bytes id)
{
    if (id.len < 8 || id.len > 64)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

/* Fetched for many ids at once: a system call for each costs as much as the answer. */
static const uint8_t *take_random(size_t len)
{
    static _Thread_local uint8_t pool[256];
    static _Thread_local size_t left;
    if (left < len) {
        left = sizeof pool;
        (void)!getrandom(pool, sizeof pool, 0);
    }
    left -= len;
    return pool + left;
}

void request_set_id(struct http_request *request)
{
    struct mr_bytes given = http_header(request, "Request-Id");
    if (id_is_ours(given)) {
        request->request_id = given;
        return;
    }
    enum { ID_BYTES = 16 };
    const uint8_t *random = take_random(ID_BYTES);
    char *text = mr_arena_alloc(&request->arena, 2 * ID_BYTES + 1);
    for (size_t i = 0; i < ID_BYTES; i++) {
        text[2 * i] = "0123456789abcdef"[random[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
    }
    text[2 * ID_BYTES] = '\0';
    request->request_id = mr_bytes_of(text, 2 * ID_BYTES);
}

struct mr_arena *http_arena(struct http_request *request)
{
    return &request->arena;
}

const struct http_server *http_request_server(const struct http_request *request)
{
    return request->server;
}

int64_t http_age_ms(const struct http_request *request)
{
    return (mr_monotonic_us() - request->started_us) / 1000;
}

struct mr_bytes http_method(const struct http_request *request)
{
    return mr_cstr(request->method);
}

struct mr_bytes http_path(const struct http_request *request)
{
    return request->path;
}

const char *http_route_path(const struct http_request *request)
{
    const struct http_server_options *options = &request->server->options;
    return request->route < options->routes_count ? options->routes[request->route].path : "other";
}

struct mr_bytes http_path_param(const struct http_request *request, size_t index)
{
    return index < ROUTE_PARAMS_MAX ? request->params[index] : mr_bytes_of(NULL, 0);
}

struct mr_bytes http_header(const struct http_request *request, const char *name)
{
    return mr_cstr(MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name));
}

struct mr_bytes http_body(const struct http_request *request)
{
    return mr_buffer_view(&request->body);
}

struct mr_bytes http_request_id(const struct http_request *request)
{
    return request->request_id;
}

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

struct mr_bytes http_traceparent(const struct http_request *request)
{
    enum { TRACE_AT = 3, TRACE_LEN = 32, SPAN_AT = 36, SPAN_LEN = 16, FLAGS_AT = 53, LEN = 55 };
    struct mr_bytes text = http_header(request, "traceparent");
    if (text.len != LEN || !mr_bytes_starts_with(text, mr_cstr("00-")) ||
        text.ptr[SPAN_AT - 1] != '-' || text.ptr[FLAGS_AT - 1] != '-' ||
        !is_hex(text.ptr + TRACE_AT, TRACE_LEN) || !is_hex(text.ptr + SPAN_AT, SPAN_LEN) ||
        !is_hex(text.ptr + FLAGS_AT, LEN - FLAGS_AT))
        return mr_bytes_of(NULL, 0);
    return text;
}

size_t http_query_count(const struct http_request *request)
{
    return request->query_count;
}

struct mr_bytes http_query_name(const struct http_request *request, size_t index)
{
    return index < request->query_count ? request->query[index].name : mr_bytes_of(NULL, 0);
}

struct mr_bytes http_query_value(const struct http_request *request, size_t index)
{
    return index < request->query_count ? request->query[index].value : mr_bytes_of(NULL, 0);
}

struct mr_bytes http_query(const struct http_request *request, const char *name)
{
    assert(request && name);
    for (size_t i = 0; i < request->query_count; i++)
        if (mr_bytes_equal(request->query[i].name, mr_cstr(name)))
            return request->query[i].value;
    return mr_bytes_of(NULL, 0);
}

struct mr_bytes http_bearer(const struct http_request *request)
{
    struct mr_bytes header = http_header(request, "Authorization");
    if (header.len <= 7 || strncasecmp(header.ptr, "Bearer ", 7) != 0)
        return mr_bytes_of(NULL, 0);
    while (header.len > 7 && header.ptr[7] == ' ') {
        header.ptr++;
        header.len--;
    }
    return mr_bytes_of(header.ptr + 7, header.len - 7);
}

/* "wait=10" against "wait" -> "10"; "respond-async" -> "". */
static bool preference_of(struct mr_bytes part, const char *name, struct mr_bytes *ret_value)
{
    size_t len = strlen(name);
    if (part.len < len || strncasecmp(part.ptr, name, len) != 0)
        return false;
    struct mr_bytes rest = field_trim(mr_bytes_of(part.ptr + len, part.len - len));
    if (rest.len == 0) {
        *ret_value = mr_bytes_of("", 0);
        return true;
    }
    if (rest.ptr[0] != '=')
        return false;
    rest = field_trim(mr_bytes_of(rest.ptr + 1, rest.len - 1));
    if (rest.len >= 2 && rest.ptr[0] == '"' && rest.ptr[rest.len - 1] == '"')
        rest = mr_bytes_of(rest.ptr + 1, rest.len - 2);
    *ret_value = rest;
    return true;
}

struct mr_bytes http_prefer(const struct http_request *request, const char *name)
{
    assert(request && name);
    struct mr_bytes left = http_header(request, "Prefer");
    struct mr_bytes value = {0};
    while (left.len > 0) {
        if (preference_of(field_next(&left, ','), name, &value))
            return value;
    }
    return value;
}

int http_prefer_wait_ms(const struct http_request *request, int default_ms, int max_ms)
{
    assert(request && default_ms >= 0 && max_ms >= default_ms);
    struct mr_bytes wait = http_prefer(request, "wait");
    int64_t seconds = 0;
    if (wait.len == 0 || wait.len > 6)
        return default_ms;
    for (size_t i = 0; i < wait.len; i++) {
        if (wait.ptr[i] < '0' || wait.ptr[i] > '9')
            return default_ms;
        seconds = seconds * 10 + (wait.ptr[i] - '0');
    }
    return seconds * 1000 > max_ms ? max_ms : (int)(seconds * 1000);
}
