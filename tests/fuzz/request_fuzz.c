/*
 * request_fuzz.c - a request target and one header, as a client chose them: matched, decoded and
 * read, or refused. The input is: target 0xFF header value.
 *
 * libmicrohttpd's way to a header's value is the one below.
 */
#include "fuzz.h"

#include "server_impl.h"

#include <http/json.h>

static const char *header_value;

const char *MHD_lookup_connection_value(
    struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key)
{
    (void)connection;
    (void)kind;
    (void)key;
    return header_value;
}

static void never_called(struct http_request *request, void *user)
{
    (void)request;
    (void)user;
    abort();
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/v1/products", .handle = never_called},
    {.method = "GET", .path = "/v1/products/{id}", .handle = never_called},
    {.method = "POST", .path = "/v1/orders/{order_id}/payments", .handle = never_called},
    {.method = "GET", .path = "/{a}/{b}/{c}/{d}", .handle = never_called},
};

static const struct http_path *const origin[] = {
    &(const struct http_path){"PUT", "/v1/products/{id}", 0, NULL},
    &(const struct http_path){"DELETE", "/v1/cart", 0, NULL}};

static void read_target(struct http_request *request)
{
    char allow[64] = "";
    request->method = "GET";
    bool matched = route_match(request, allow, sizeof allow);
    FUZZ_HOLDS(!matched || request->route < sizeof routes / sizeof routes[0]);
    FUZZ_HOLDS(strlen(allow) < sizeof allow);
    for (size_t i = 0; matched && i < ROUTE_PARAMS_MAX; i++)
        FUZZ_HOLDS(!request->params[i].ptr || http_utf8_valid(request->params[i]));
    if (!request_parse_query(request))
        return;
    FUZZ_HOLDS(http_query_count(request) <= HTTP_QUERY_PARAMS_MAX);
    for (size_t i = 0; i < http_query_count(request); i++) {
        FUZZ_HOLDS(http_utf8_valid(http_query_name(request, i)));
        FUZZ_HOLDS(http_utf8_valid(http_query_value(request, i)));
    }
    (void)http_query(request, "limit");
}

static void read_header(struct http_request *request)
{
    static const char *const preferences[] = {"wait", "respond-async", "handling", "return"};
    int64_t version = -7;
    enum http_if_match match = http_if_match(request, &version);
    FUZZ_HOLDS((match == HTTP_IF_MATCH_VERSION) == (version != -7));
    FUZZ_HOLDS(version >= -1 || version == -7);
    int wait_ms = http_prefer_wait_ms(request, 1, 10000);
    FUZZ_HOLDS(wait_ms >= 0 && wait_ms <= 10000);
    for (size_t i = 0; i < sizeof preferences / sizeof preferences[0]; i++)
        FUZZ_HOLDS(http_prefer(request, preferences[i]).len <= strlen(header_value));
    FUZZ_HOLDS(http_bearer(request).len <= strlen(header_value));
    struct mr_bytes trace = http_traceparent(request);
    FUZZ_HOLDS(!trace.ptr || trace.len == 55);
    bool matches = http_etag_matches(request, mr_cstr("v17"), false);
    FUZZ_HOLDS(!matches || strpbrk(header_value, "*\""));
    request_set_id(request);
    FUZZ_HOLDS(request->request_id.len >= 8 && request->request_id.len <= 64);
    (void)accept_admits(mr_cstr(header_value), NULL);
    (void)accept_admits(mr_cstr(header_value), "text/plain");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_server server = {
        .options = {
            .routes = routes,
            .routes_count = sizeof routes / sizeof routes[0],
            .origin = origin,
            .origin_count = 2}};
    static bool started;
    struct mr_arena arena = {0};
    struct mr_bytes left = mr_bytes_of(data, size);
    if (!started)
        pthread_mutex_init(&server.free_lock, NULL);
    started = true;
    const char *target = mr_arena_cstr(&arena, fuzz_part(&left));
    header_value = mr_arena_cstr(&arena, left);
    struct http_request *request = request_take(&server, target);
    read_target(request);
    read_header(request);
    request_give_back(request);
    mr_arena_clean_up(&arena);
    return 0;
}
