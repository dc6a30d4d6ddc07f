/*
 * headers_fuzz.c - all header fields of one request, as a client chose them: each reader of ours
 * takes them or refuses them. The input is: field 0xFF field 0xFF ..., each "Name: value".
 *
 * libmicrohttpd's way to a header's value is the one below: the first field of that name.
 */
#include "fuzz.h"

#include "server_impl.h"

#include <policy.h>

#include <strings.h>

enum { FIELDS_MAX = 32 };

static struct {
    const char *name;
    const char *value;
} fields[FIELDS_MAX];
static size_t fields_count;

const char *MHD_lookup_connection_value(
    struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key)
{
    (void)connection;
    (void)kind;
    for (size_t i = 0; i < fields_count; i++)
        if (strcasecmp(fields[i].name, key) == 0)
            return fields[i].value;
    return NULL;
}

static void read_fields(struct mr_arena *arena, struct mr_bytes left)
{
    for (fields_count = 0; fields_count < FIELDS_MAX && left.len > 0; fields_count++) {
        char *field = mr_arena_cstr(arena, fuzz_part(&left));
        char *colon = strchr(field, ':');
        if (colon)
            *colon++ = '\0';
        fields[fields_count].name = field;
        fields[fields_count].value = colon ? colon + strspn(colon, " ") : "";
    }
}

static bool lies_within(struct mr_bytes part, struct mr_bytes whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_preferences(struct http_request *request)
{
    static const char *const names[] = {"wait", "respond-async", "handling", "return"};
    int wait_ms = http_prefer_wait_ms(request, 2000, 10000);
    FUZZ_HOLDS(wait_ms >= 0 && wait_ms <= 10000);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        FUZZ_HOLDS(lies_within(http_prefer(request, names[i]), http_header(request, "Prefer")));
}

static void check_conditions(struct http_request *request)
{
    int64_t version = -7;
    enum http_if_match match = http_if_match(request, &version);
    FUZZ_HOLDS((match == HTTP_IF_MATCH_VERSION) == (version != -7));
    FUZZ_HOLDS(version >= -1 || version == -7); /* -1: no version that there is. */
    bool weak = http_etag_matches(request, mr_cstr("v17"), true);
    bool strong = http_etag_matches(request, mr_cstr("v17"), false);
    struct mr_bytes known = http_header(request, "If-None-Match");
    const char *text = known.ptr ? known.ptr : "";
    FUZZ_HOLDS(!(weak || strong) || strchr(text, '*') || strstr(text, "v17"));
}

static void check_credentials(struct http_request *request)
{
    struct mr_bytes authorization = http_header(request, "Authorization");
    FUZZ_HOLDS(lies_within(http_bearer(request), authorization));
    struct mr_bytes cookie = http_cookie(request, "refresh");
    FUZZ_HOLDS(lies_within(cookie, http_header(request, "Cookie")));
    FUZZ_HOLDS(!cookie.ptr || !memchr(cookie.ptr, ';', cookie.len));
}

/* A key that is taken is one that a log line and a record can hold. */
static void check_key(struct http_request *request, struct mr_arena *arena)
{
    struct mr_bytes key = {0};
    if (!policy_idempotency_key(http_header(request, "Idempotency-Key"), arena, &key))
        return;
    FUZZ_HOLDS(key.len >= 16 && key.len <= 64);
    for (size_t i = 0; i < key.len; i++)
        FUZZ_HOLDS(key.ptr[i] > ' ' && key.ptr[i] <= '~');
}

static void check_names(struct http_request *request)
{
    struct mr_bytes trace = http_traceparent(request);
    FUZZ_HOLDS(!trace.ptr || (trace.len == 55 && !memchr(trace.ptr, '\n', trace.len)));
    request_set_id(request);
    FUZZ_HOLDS(request->request_id.len >= 8 && request->request_id.len <= 64);
    for (size_t i = 0; i < request->request_id.len; i++) {
        char c = request->request_id.ptr[i];
        FUZZ_HOLDS(
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            strchr("._-", c));
    }
}

/* Only an origin of the list is named in an answer, and then it is that one. */
static void check_origin(struct http_request *request)
{
    cors_preflight(request, "GET, POST");
    cors_set_headers(request);
    struct mr_bytes allowed = answer_value(request, "Access-Control-Allow-Origin");
    FUZZ_HOLDS(
        !allowed.ptr || mr_bytes_equal(allowed, mr_cstr("https://a.example")) ||
        mr_bytes_equal(allowed, mr_cstr("http://b.example:8080")));
    FUZZ_HOLDS(!answer_value(request, "Access-Control-Allow-Methods").ptr || allowed.ptr);
    FUZZ_HOLDS(!allowed.ptr || mr_bytes_equal(allowed, http_header(request, "Origin")));
    (void)accept_admits(http_header(request, "Accept"), NULL);
    (void)accept_admits(http_header(request, "Accept"), "text/html");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_server server = {
        .options = {.cors_origins = "https://a.example, http://b.example:8080"}};
    static bool started;
    struct mr_arena arena = {0};
    if (!started)
        pthread_mutex_init(&server.free_lock, NULL);
    started = true;
    read_fields(&arena, mr_bytes_of(data, size));
    struct http_request *request = request_take(&server, "/v1/products");
    request->method = "GET";
    check_preferences(request);
    check_conditions(request);
    check_credentials(request);
    check_key(request, &arena);
    check_names(request);
    check_origin(request);
    request_give_back(request);
    mr_arena_clean_up(&arena);
    return 0;
}
