/* http_server_test.c - the server on a real socket: what it answers by itself, and its limits. */
#include <http/json.h>
#include <http/server.h>
#include <http/status.h>

#include "http_client.h"

static void say_hello(struct http_request *request, void *user)
{
    (void)user;
    http_set_header(request, "Cache-Control", mr_cstr("public, max-age=5"));
    if (http_etag_matches(request, mr_cstr("v7"), false)) {
        http_send(request, 304, NULL);
        return;
    }
    mr_buffer_add(http_response(request), mr_cstr("{\"hello\":true}"));
    http_send(request, 200, NULL);
}

static void echo_params(struct http_request *request, void *user)
{
    static const char *const known[] = {"q", "limit", NULL};
    (void)user;
    if (!http_query_only(request, known))
        return;
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "id", http_path_param(request, 0));
    json_w_key_text(&w, "q", http_query(request, "q"));
    json_w_key_text(&w, "request_id", http_request_id(request));
    json_w_object_end(&w);
    http_send(request, 200, NULL);
}

static void post_quantity(struct http_request *request, void *user)
{
    int64_t quantity = 0;
    const struct http_json_field fields[] = {
        {.name = "quantity",
         .kind = HTTP_JSON_INTEGER,
         .required = true,
         .min = 1,
         .max = 9,
         .out = &quantity}};
    (void)user;
    if (!http_read_json(request, fields, 1))
        return;
    mr_buffer_printf(http_response(request), "{\"quantity\":%lld}", (long long)quantity);
    http_send(request, 201, NULL);
}

static void body_length(struct http_request *request, void *user)
{
    (void)user;
    mr_buffer_printf(http_response(request), "%zu", http_body(request).len);
    http_send(request, 200, "text/plain");
}

static void show_if_match(struct http_request *request, void *user)
{
    int64_t version = -1;
    (void)user;
    enum http_if_match match = http_if_match(request, &version);
    mr_buffer_printf(http_response(request), "%d %lld", (int)match, (long long)version);
    http_send(request, 200, "text/plain");
}

static const struct http_path named = {"GET", "/named/{id}", 0, "text/plain"};
static const struct http_path *const origin[] = {
    &(const struct http_path){"GET", "/hello", 0, NULL},
    &(const struct http_path){"POST", "/hello", 0, NULL},
    &(const struct http_path){"PATCH", "/elsewhere/{id}", 0, NULL}};

static const struct http_route routes[] = {
    {.method = "GET", .path = "/hello", .handle = say_hello},
    {.method = "GET", .path = "/things/{id}/echo", .handle = echo_params},
    {.method = "DELETE", .path = "/things/{id}", .handle = say_hello},
    {.method = "POST", .path = "/things/new", .handle = say_hello},
    {.method = "POST", .path = "/quantities", .handle = post_quantity},
    {.method = "PUT", .path = "/bodies", .handle = body_length, .body_bytes_max = 100000},
    {.method = "DELETE", .path = "/hello", .handle = say_hello},
    {.method = "GET", .path = "/text", .handle = body_length, .produces = "text/plain"},
    {.method = "GET", .path = "/keys", .handle = say_hello, .produces = "application/jwk-set+json"},
    {.method = "GET", .path = "/if-match", .handle = show_if_match},
    {.named = &named, .handle = say_hello},
};

struct fixture {
    struct http_server *server;
    uint16_t port;
    struct client_answer answer;
};

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    struct mr_error error;
    const struct http_server_options options = {
        .threads = 2,
        .routes = routes,
        .routes_count = sizeof routes / sizeof routes[0],
        .origin = origin,
        .origin_count = sizeof origin / sizeof origin[0],
        .receive_timeout_ms = 300,
        .keepalive_timeout_ms = 60000,
    };
    if (http_server_start(&options, &fixture->server, &error) != 0)
        fail_msg("%s", error.text);
    fixture->port = http_server_port(fixture->server);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_server_free(fixture->server);
    free(fixture);
    return 0;
}

static const struct client_answer *ask_server(struct fixture *fixture, const char *request)
{
    client_ask(fixture->port, request, strncmp(request, "HEAD", 4) == 0, &fixture->answer);
    return &fixture->answer;
}

static void
expect_problem(struct fixture *fixture, const char *request, int status, const char *slug)
{
    const struct client_answer *answer = ask_server(fixture, request);
    char type[128];
    (void)snprintf(type, sizeof type, "\"type\":\"/problems/%s\"", slug);
    assert_int_equal(answer->status, status);
    assert_string_equal(client_header(answer, "Content-Type"), "application/problem+json");
    assert_string_equal(client_header(answer, "Cache-Control"), "no-store");
    if (!strstr(answer->body, type))
        fail_msg("not %s: %s", slug, answer->body);
}

static void get_answers_with_headers_that_are_always_there(void **state)
{
    const struct client_answer *answer =
        ask_server(*state, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->body, "{\"hello\":true}");
    assert_string_equal(client_header(answer, "Content-Type"), "application/json");
    assert_string_equal(client_header(answer, "Cache-Control"), "public, max-age=5");
    assert_string_equal(client_header(answer, "ETag"), "\"v7\"");
    assert_string_equal(client_header(answer, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(client_header(answer, "Content-Security-Policy"), "default-src 'none'");
    assert_null(client_header(answer, "Strict-Transport-Security")); /* RFC 6797, 7.2. */
    assert_int_equal(strlen(client_header(answer, "Request-Id")), 32);
}

static void head_is_get_without_the_body(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_connect(fixture->port);
    client_send_text(
        fd, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(client_read(fd, true, &fixture->answer));
    assert_int_equal(fixture->answer.status, 200);
    assert_string_equal(client_header(&fixture->answer, "Content-Length"), "14");
    assert_string_equal(client_header(&fixture->answer, "ETag"), "\"v7\"");
    /* The next answer follows at once, not a body. */
    assert_true(client_read(fd, false, &fixture->answer));
    assert_string_equal(fixture->answer.body, "{\"hello\":true}");
    close(fd);
}

static void known_etag_gives_304_without_a_body(void **state)
{
    struct fixture *fixture = *state;
    static const char *const matching[] = {"\"v7\"", "W/\"v7\"", "\"v1\", \"v7\"", "*"};
    static const char *const others[] = {"\"v8\"", "\"v7x\"", "v7", "\"\""};
    char request[256];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(
            request,
            sizeof request,
            "GET /hello HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n",
            matching[i]);
        assert_int_equal(ask_server(fixture, request)->status, 304);
        assert_int_equal(fixture->answer.body_len, 0);
        assert_string_equal(client_header(&fixture->answer, "ETag"), "\"v7\"");
        (void)snprintf(
            request,
            sizeof request,
            "GET /hello HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n",
            others[i]);
        assert_int_equal(ask_server(fixture, request)->status, 200);
    }
}

static void a_path_of_its_own_is_no_parameter_of_another(void **state)
{
    struct fixture *fixture = *state;
    expect_problem(
        fixture, "DELETE /things/new HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method-not-allowed");
    assert_string_equal(client_header(&fixture->answer, "Allow"), "POST, OPTIONS");
    expect_problem(
        fixture, "POST /things/old HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method-not-allowed");
    assert_string_equal(client_header(&fixture->answer, "Allow"), "DELETE, OPTIONS");
}

static void other_methods_are_405_with_allow(void **state)
{
    struct fixture *fixture = *state;
    expect_problem(
        fixture,
        "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        405,
        "method-not-allowed");
    assert_string_equal(
        client_header(&fixture->answer, "Allow"), "GET, HEAD, DELETE, POST, OPTIONS");
    expect_problem(fixture, "BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method-not-allowed");
}

static void options_lists_the_methods(void **state)
{
    const struct client_answer *answer =
        ask_server(*state, "OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(answer->status, 204);
    assert_string_equal(client_header(answer, "Allow"), "GET, HEAD, DELETE, POST, OPTIONS");
}

static void allow_speaks_for_the_whole_origin(void **state)
{
    struct fixture *fixture = *state;
    expect_problem(fixture, "POST /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method-not-allowed");
    assert_string_equal(
        client_header(&fixture->answer, "Allow"), "GET, HEAD, DELETE, POST, OPTIONS");
    expect_problem(
        fixture, "GET /elsewhere/1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method-not-allowed");
    assert_string_equal(client_header(&fixture->answer, "Allow"), "PATCH, OPTIONS");
}

static int ask_accepting(struct fixture *fixture, const char *path, const char *accept)
{
    char request[512];
    (void)snprintf(
        request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\nAccept: %s\r\n\r\n", path, accept);
    return ask_server(fixture, request)->status;
}

static void what_the_client_does_not_take_is_406(void **state)
{
    static const struct {
        const char *path;
        const char *accept;
        int status;
    } rows[] = {
        {"/hello", "*/*", 200},
        {"/hello", "application/json", 200},
        {"/hello", "Application/JSON; charset=utf-8", 200},
        {"/hello", "text/html, application/*;q=0.1", 200},
        {"/hello", "text/html,application/xhtml+xml,*/*;q=0.8", 200},
        {"/hello", "", 200},
        {"/hello", "text/html", 406},
        {"/hello", "application/problem+json", 406},
        {"/hello", "application/jsonx, applicatio/*, application/", 406},
        {"/hello", "application/json;q=0, */*", 406},
        {"/hello", "application/json; q=0.000, application/*", 406},
        {"/hello", "*/*;q=0.001", 200},
        {"/hello", "*/*;q=0", 406},
        {"/hello", ",;,;q=0,,", 406},
        {"/text", "text/plain;version=0.0.4", 200},
        {"/text", "text/*", 200},
        {"/text", "application/json", 406},
        {"/keys", "application/json", 200},
        {"/keys", "application/jwk-set+json", 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ask_accepting(*state, rows[i].path, rows[i].accept) != rows[i].status)
            fail_msg("%s with Accept: %s is not %d", rows[i].path, rows[i].accept, rows[i].status);
}

static void a_version_is_read_from_if_match(void **state)
{
    static const struct {
        const char *header;
        enum http_if_match match;
        int version;
    } rows[] = {
        {"*", HTTP_IF_MATCH_ANY, -1},
        {"\"v17\"", HTTP_IF_MATCH_VERSION, 17},
        {"\"v17.9af3\"", HTTP_IF_MATCH_VERSION, 17},
        {"W/\"v17.9af3\"", HTTP_IF_MATCH_VERSION, 17}, /* As a gateway that compresses has it. */
        {"W/", HTTP_IF_MATCH_BAD, -1},
        {"v17", HTTP_IF_MATCH_BAD, -1},
        {"\"17\"", HTTP_IF_MATCH_VERSION, -1},
        {"\"v\"", HTTP_IF_MATCH_VERSION, -1},
        {"\"v.1\"", HTTP_IF_MATCH_VERSION, -1},
        {"\"v-1\"", HTTP_IF_MATCH_VERSION, -1},
        {"\"v1\", \"v2\"", HTTP_IF_MATCH_BAD, -1},
        {"\"v3\", \"abc\"", HTTP_IF_MATCH_VERSION, 3}, /* A tag that is not ours matches nothing. */
        {"\"a,b\" , \"v3\"", HTTP_IF_MATCH_VERSION, 3},
        {"\"v3\" \"abc\"", HTTP_IF_MATCH_BAD, -1},
        {"\"v9999999999999999999\"", HTTP_IF_MATCH_VERSION, -1},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char request[256];
        char expected[32];
        (void)snprintf(
            request,
            sizeof request,
            "GET /if-match HTTP/1.1\r\nHost: a\r\nIf-Match: %s\r\n\r\n",
            rows[i].header);
        (void)snprintf(expected, sizeof expected, "%d %d", (int)rows[i].match, rows[i].version);
        ask_server(fixture, request);
        if (strcmp(fixture->answer.body, expected) != 0)
            fail_msg("If-Match: %s gives %s", rows[i].header, fixture->answer.body);
    }
}

static void only_a_sane_traceparent_is_taken(void **state)
{
    static const char good[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    static const char *const bad[] = {
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-\xff\xff"
        "f92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
    };
    struct fixture *fixture = *state;
    char request[256];
    for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(
            request,
            sizeof request,
            "GET /hello HTTP/1.1\r\nHost: a\r\ntraceparent: %s\r\n\r\n",
            i ? bad[i - 1] : good);
        const char *echoed = client_header(ask_server(fixture, request), "traceparent");
        if (i == 0)
            assert_string_equal(echoed, good);
        else if (echoed)
            fail_msg("taken: %s", bad[i - 1]);
    }
}

static void unknown_paths_are_404(void **state)
{
    expect_problem(*state, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not-found");
    expect_problem(*state, "GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not-found");
    expect_problem(*state, "GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not-found");
    expect_problem(*state, "GET /things//echo HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not-found");
    expect_problem(*state, "GET /things/%zz/echo HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not-found");
    expect_problem(*state, "GET /things/%00/echo HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not-found");
    expect_problem(*state, "POST /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not-found");
}

static void path_and_query_are_decoded(void **state)
{
    const struct client_answer *answer = ask_server(
        *state,
        "GET /things/a%2Fb%20c/echo?q=x+y%26%C3%A9&limit=1 HTTP/1.1\r\nHost: a\r\n"
        "Request-Id: my-request.1\r\n\r\n");
    assert_int_equal(answer->status, 200);
    assert_string_equal(
        answer->body, "{\"id\":\"a/b c\",\"q\":\"x y&\xc3\xa9\",\"request_id\":\"my-request.1\"}");
    assert_string_equal(client_header(answer, "Request-Id"), "my-request.1");
}

static void request_ids_of_another_form_are_replaced(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[] = {"short", "has blank in it", "semi;colon;semi"};
    for (size_t i = 0; i < 3; i++) {
        char request[256];
        (void)snprintf(
            request,
            sizeof request,
            "GET /hello HTTP/1.1\r\nHost: a\r\nRequest-Id: %s\r\n\r\n",
            bad[i]);
        ask_server(fixture, request);
        assert_string_not_equal(client_header(&fixture->answer, "Request-Id"), bad[i]);
    }
}

static void unknown_repeated_and_broken_parameters_are_400(void **state)
{
    struct fixture *fixture = *state;
    expect_problem(
        fixture, "GET /things/1/echo?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "unknown-parameter");
    assert_non_null(strstr(fixture->answer.body, "\"parameter\":\"x\""));
    expect_problem(
        fixture,
        "GET /things/1/echo?q=1&q=2 HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "unknown-parameter");
    expect_problem(
        fixture, "GET /things/1/echo?q=%f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed-query");
    expect_problem(
        fixture, "GET /things/1/echo?q=%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed-query");
}

static void bodies_are_read_and_judged(void **state)
{
    struct fixture *fixture = *state;
#define POST(type, length, body)                                                                   \
    "POST /quantities HTTP/1.1\r\nHost: a\r\nContent-Type: " type "\r\nContent-Length: " length    \
    "\r\n\r\n" body
    assert_int_equal(
        ask_server(fixture, POST("application/json", "14", "{\"quantity\":3}"))->status, 201);
    assert_string_equal(fixture->answer.body, "{\"quantity\":3}");
    expect_problem(
        fixture, POST("text/plain", "14", "{\"quantity\":3}"), 415, "unsupported-media-type");
    expect_problem(
        fixture, POST("application/json", "14", "{\"quantity\":x}"), 400, "malformed-json");
    expect_problem(fixture, POST("application/json", "0", ""), 400, "malformed-json");
    expect_problem(
        fixture,
        POST("application/json", "27", "{\"quantity\":3,\"quantity\":4}"),
        400,
        "malformed-json");
    expect_problem(fixture, POST("application/json", "15", "{\"quantity\":30}"), 422, "validation");
    assert_non_null(strstr(fixture->answer.body, "\"pointer\":\"/quantity\""));
}

static void chunked_bodies_are_put_together(void **state)
{
    const struct client_answer *answer = ask_server(
        *state,
        "POST /quantities HTTP/1.1\r\nHost: a\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"qua\r\n9\r\nntity\":3}\r\n0\r\n\r\n");
    assert_int_equal(answer->status, 201);
}

static void too_long_a_body_is_413(void **state)
{
    struct fixture *fixture = *state;
    expect_problem(
        fixture,
        "POST /quantities HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n",
        413,
        "content-too-large");
    expect_problem(
        fixture,
        "POST /quantities HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999\r\n\r\n",
        413,
        "content-too-large");
}

/* Sends a chunked body of `len` bytes. */
static void put_chunked(struct fixture *fixture, size_t len)
{
    char *request = mr_calloc(1, len + 200);
    int head = snprintf(
        request,
        200,
        "PUT /bodies HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
        len);
    memset(request + head, 'x', len);
    memcpy(request + head + len, "\r\n0\r\n\r\n", 8);
    int fd = client_connect(fixture->port);
    client_send_text(fd, request);
    assert_true(client_read(fd, false, &fixture->answer));
    close(fd);
    free(request);
}

static void a_route_has_its_own_body_limit(void **state)
{
    struct fixture *fixture = *state;
    put_chunked(fixture, 100000);
    assert_int_equal(fixture->answer.status, 200);
    assert_string_equal(fixture->answer.body, "100000");
    put_chunked(fixture, 100001);
    assert_int_equal(fixture->answer.status, 413);
}

static void get_long_uri(struct fixture *fixture, size_t len)
{
    char *request = mr_calloc(1, len + 100);
    memcpy(request, "GET ", 4);
    memset(request + 4, 'a', len);
    request[4] = '/';
    memcpy(request + 4 + len, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
    client_ask(fixture->port, request, false, &fixture->answer);
    free(request);
}

static void too_long_a_target_is_414(void **state)
{
    struct fixture *fixture = *state;
    get_long_uri(fixture, HTTP_URI_BYTES_MAX);
    assert_int_equal(fixture->answer.status, 404);
    get_long_uri(fixture, HTTP_URI_BYTES_MAX + 1);
    assert_int_equal(fixture->answer.status, 414);
    get_long_uri(fixture, 200000);
    assert_int_equal(fixture->answer.status, 414);
}

static void get_with_headers(struct fixture *fixture, int count, int len)
{
    struct mr_buffer request = {0};
    mr_buffer_printf(&request, "GET /hello HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < count; i++)
        mr_buffer_printf(&request, "X-%d: %0*d\r\n", i, len, 1);
    mr_buffer_printf(&request, "\r\n");
    int fd = client_connect(fixture->port);
    client_send(fd, request.ptr, request.len);
    assert_true(client_read(fd, false, &fixture->answer));
    close(fd);
    mr_buffer_clean_up(&request);
}

static void too_many_or_too_long_headers_are_431(void **state)
{
    struct fixture *fixture = *state;
    get_with_headers(fixture, HTTP_HEADERS_MAX + HTTP_GATEWAY_HEADERS - 1, 1);
    assert_int_equal(fixture->answer.status, 200);
    get_with_headers(fixture, HTTP_HEADERS_MAX + HTTP_GATEWAY_HEADERS, 1);
    assert_int_equal(fixture->answer.status, 431);
    get_with_headers(fixture, 3, 5000);
    assert_int_equal(fixture->answer.status, 200);
    get_with_headers(fixture, 4, 5000);
    assert_int_equal(fixture->answer.status, 431);
    get_with_headers(fixture, 40, 5000);
    assert_int_equal(fixture->answer.status, 431);
}

/* The end of such a request is in doubt: nothing more is read from its connection. */
static void a_request_of_doubtful_framing_ends_its_connection(void **state)
{
#define NEXT "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
    static const struct {
        const char *request;
        const char *slug;
        int status;
    } rows[] = {
        {"GET /hello HTTP/1.1\r\n\r\n", "malformed-request", 400},
        {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "malformed-request", 400},
        {"PUT /bodies HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
         "malformed-request",
         400},
        {"PUT /bodies HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: "
         "chunked\r\n\r\n"
         "0\r\n\r\n",
         "malformed-request",
         400},
        {"GET /hello HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer "
         "b\r\n\r\n",
         "malformed-request",
         400},
        {"PUT /bodies HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
         "not-implemented",
         501},
        {"PUT /bodies HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", "malformed-request", 400},
        {"PUT /bodies HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\n", "malformed-request", 400},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct client_answer *answer = ask_server(fixture, rows[i].request);
        if (answer->status != rows[i].status || !strstr(answer->body, rows[i].slug))
            fail_msg("%d %s\nto %s", answer->status, answer->body, rows[i].request);
        expect_problem(fixture, rows[i].request, rows[i].status, rows[i].slug);
        int fd = client_connect(fixture->port);
        client_send_text(fd, rows[i].request);
        client_send_text(fd, NEXT);
        assert_true(client_read(fd, false, &fixture->answer));
        assert_int_equal(fixture->answer.status, rows[i].status);
        if (client_read(fd, false, &fixture->answer))
            fail_msg("answered behind a refusal: %s", rows[i].request);
        close(fd);
    }
#undef NEXT
    assert_int_equal(ask_server(fixture, "GET /hello HTTP/1.0\r\n\r\n")->status, 200);
}

static void a_body_in_a_coding_is_415_and_says_what_is_read(void **state)
{
#define CODED(coding)                                                                              \
    "PUT /bodies HTTP/1.1\r\nHost: a\r\nContent-Encoding: " coding "\r\nContent-Length: "          \
    "2\r\n\r\n{}"
    struct fixture *fixture = *state;
    static const char *const coded[] = {CODED("gzip"), CODED("identity, br"), CODED("x")};
    for (size_t i = 0; i < sizeof coded / sizeof coded[0]; i++) {
        expect_problem(fixture, coded[i], 415, "unsupported-media-type");
        assert_string_equal(client_header(&fixture->answer, "Accept-Encoding"), "identity");
    }
    assert_int_equal(ask_server(fixture, CODED("Identity"))->status, 200);
#undef CODED
}

static void an_expectation_that_is_not_ours_is_417(void **state)
{
    expect_problem(
        *state,
        "GET /hello HTTP/1.1\r\nHost: a\r\nExpect: coffee\r\n\r\n",
        417,
        "expectation-failed");
}

static void connections_are_kept_for_many_requests(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_connect(fixture->port);
    for (int i = 0; i < 50; i++) {
        client_send_text(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(client_read(fd, false, &fixture->answer));
        assert_int_equal(fixture->answer.status, 200);
    }
    close(fd);
}

static void who_never_finishes_a_request_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    int silent = client_connect(fixture->port);
    int dripping = client_connect(fixture->port);
    client_send_text(dripping, "GET /hello HTTP/1.1\r\n");
    bool cut = false;
    for (int i = 0; i < 200 && !cut; i++) { /* Each byte would restart an inactivity timeout. */
        char byte;
        usleep(50000);
        cut =
            send(dripping, "X", 1, MSG_NOSIGNAL) < 0 || recv(dripping, &byte, 1, MSG_DONTWAIT) == 0;
    }
    assert_true(cut);
    assert_true(client_closed(silent));
    close(silent);
    close(dripping);
    assert_int_equal(ask_server(fixture, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")->status, 200);
}

static void a_taken_port_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct http_server *second = NULL;
    struct mr_error error;
    struct http_server_options options = {
        .port = fixture->port, .routes = routes, .routes_count = 1};
    assert_int_equal(http_server_start(&options, &second, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "Address already in use"));
    options.address = "no address";
    assert_int_equal(http_server_start(&options, &second, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "no address"));
    assert_null(second);
}

static void requests_are_counted_by_route_and_status(void **state)
{
    struct fixture *fixture = *state;
    struct mr_buffer metrics = {0};
    ask_server(fixture, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    ask_server(fixture, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    http_server_stop(fixture->server, 1000); /* All answers are counted when it returns. */
    http_server_metrics(fixture->server, &metrics);
    mr_buffer_add_byte(&metrics, 0);
    assert_non_null(strstr(
        metrics.ptr,
        "millrace_http_requests_total{method=\"GET\",route=\"/hello\",status=\"200\"} 1\n"));
    assert_non_null(strstr(
        metrics.ptr,
        "millrace_http_requests_total{method=\"any\",route=\"other\",status=\"404\"} 1\n"));
    assert_non_null(strstr(metrics.ptr, "route=\"/hello\",le=\"+Inf\"} 1\n"));
    mr_buffer_clean_up(&metrics);
}

static int not_ready(void *user, struct mr_buffer *out)
{
    mr_buffer_printf(out, "{\"lag\":5}");
    return *(int *)user;
}

static void some_metrics(void *user, struct mr_buffer *out)
{
    (void)user;
    mr_buffer_printf(out, "up 1\n");
}

static void a_program_without_an_api_serves_its_status(void **state)
{
    struct fixture *fixture = *state;
    static int ready = 0;
    struct http_status *status = NULL;
    struct mr_error error;
    const struct http_status_options options = {
        .ready = not_ready, .metrics = some_metrics, .user = &ready};
    assert_int_equal(http_status_start(&options, &status, &error), 0);
    uint16_t port = http_status_port(status);
    client_ask(port, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_int_equal(fixture->answer.status, 200);
    client_ask(port, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_int_equal(fixture->answer.status, 503);
    assert_string_equal(fixture->answer.body, "{\"lag\":5}");
    ready = 1;
    client_ask(port, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_int_equal(fixture->answer.status, 200);
    client_ask(port, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_string_equal(fixture->answer.body, "up 1\n");
    http_status_free(status);
}

static void a_route_may_name_a_path_of_the_origin(void **state)
{
    struct fixture *fixture = *state;
    client_ask(fixture->port, "GET /named/7 HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_int_equal(fixture->answer.status, 200);
    client_ask(fixture->port, "POST /named/7 HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_int_equal(fixture->answer.status, 405);
    assert_string_equal(client_header(&fixture->answer, "Allow"), "GET, HEAD, OPTIONS");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_route_may_name_a_path_of_the_origin),
        TEST(get_answers_with_headers_that_are_always_there),
        TEST(head_is_get_without_the_body),
        TEST(known_etag_gives_304_without_a_body),
        TEST(a_path_of_its_own_is_no_parameter_of_another),
        TEST(other_methods_are_405_with_allow),
        TEST(options_lists_the_methods),
        TEST(allow_speaks_for_the_whole_origin),
        TEST(what_the_client_does_not_take_is_406),
        TEST(a_version_is_read_from_if_match),
        TEST(only_a_sane_traceparent_is_taken),
        TEST(unknown_paths_are_404),
        TEST(path_and_query_are_decoded),
        TEST(request_ids_of_another_form_are_replaced),
        TEST(unknown_repeated_and_broken_parameters_are_400),
        TEST(bodies_are_read_and_judged),
        TEST(chunked_bodies_are_put_together),
        TEST(too_long_a_body_is_413),
        TEST(a_route_has_its_own_body_limit),
        TEST(too_long_a_target_is_414),
        TEST(too_many_or_too_long_headers_are_431),
        TEST(a_body_in_a_coding_is_415_and_says_what_is_read),
        TEST(an_expectation_that_is_not_ours_is_417),
        TEST(connections_are_kept_for_many_requests),
        TEST(who_never_finishes_a_request_is_cut_off),
        TEST(a_taken_port_is_named),
        TEST(requests_are_counted_by_route_and_status),
        TEST(a_program_without_an_api_serves_its_status),
        TEST(a_request_of_doubtful_framing_ends_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
