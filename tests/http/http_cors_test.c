/* http_cors_test.c - pages of listed origins may use the server, pages of others may not. */
#include "http_client.h"

#include <base/alloc.h>
#include <http/problem.h>
#include <http/server.h>

struct fixture {
    struct http_server *server;
    uint16_t port;
    struct client_answer answer;
};

static void say_hello(struct http_request *request, void *user)
{
    (void)user;
    http_set_header(request, "Vary", mr_cstr("Accept-Encoding"));
    mr_buffer_add(http_response(request), mr_cstr("{}"));
    http_send(request, 200, NULL);
}

/* Answers with the cookie "c", and with 403 to pages of other origins. */
static void show_cookie(struct http_request *request, void *user)
{
    struct mr_bytes cookie = http_cookie(request, "c");
    (void)user;
    mr_buffer_add(http_response(request), cookie.ptr ? cookie : mr_cstr("none"));
    http_send(request, http_is_same_origin(request) ? 200 : 403, "text/plain");
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/hello", .handle = say_hello},
    {.method = "GET", .path = "/cookie", .handle = show_cookie},
    {.method = "POST", .path = "/hello", .handle = say_hello},
};

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    const struct http_server_options options = {
        .routes = routes,
        .routes_count = sizeof routes / sizeof routes[0],
        .cors_origins = "https://m.shop.example, https://shop.example",
    };
    assert_int_equal(http_server_start(&options, &fixture->server, NULL), 0);
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

static const char *ask_from(struct fixture *fixture, const char *method, const char *fields)
{
    char request[512];
    (void)snprintf(
        request, sizeof request, "%s /hello HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
    client_ask(fixture->port, request, false, &fixture->answer);
    return client_header(&fixture->answer, "Access-Control-Allow-Origin");
}

#define ORIGIN "Origin: https://shop.example\r\n"

static void a_page_of_a_listed_origin_may_read_answers(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(ask_from(fixture, "GET", ORIGIN), "https://shop.example");
    assert_non_null(client_header(&fixture->answer, "Access-Control-Expose-Headers"));
    assert_non_null(strstr(client_header(&fixture->answer, "Vary"), "Origin"));
    assert_string_equal(ask_from(fixture, "PATCH", ORIGIN), "https://shop.example");
    assert_int_equal(fixture->answer.status, 405);
}

static void a_page_of_another_origin_may_not(void **state)
{
    struct fixture *fixture = *state;
    static const char *const others[] = {
        "",
        "Origin: https://shop.example.evil\r\n",
        "Origin: http://shop.example\r\n",
        "Origin: null\r\n",
        "Origin: https://shop.example,https://m.shop.example\r\n"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(ask_from(fixture, "GET", others[i]));
        assert_null(client_header(&fixture->answer, "Access-Control-Expose-Headers"));
        assert_non_null(strstr(client_header(&fixture->answer, "Vary"), "Origin"));
    }
}

static void a_preflight_is_answered_and_may_be_kept(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(
        ask_from(fixture, "OPTIONS", ORIGIN "Access-Control-Request-Method: POST\r\n"),
        "https://shop.example");
    assert_int_equal(fixture->answer.status, 204);
    assert_non_null(
        strstr(client_header(&fixture->answer, "Access-Control-Allow-Methods"), "POST"));
    assert_non_null(
        strstr(client_header(&fixture->answer, "Access-Control-Allow-Headers"), "Idempotency-Key"));
    assert_string_equal(client_header(&fixture->answer, "Access-Control-Max-Age"), "7200");
    assert_non_null(ask_from(fixture, "OPTIONS", ORIGIN));
    assert_null(client_header(&fixture->answer, "Access-Control-Max-Age"));
}

static int ask_cookie(struct fixture *fixture, const char *fields)
{
    char request[512];
    (void)snprintf(request, sizeof request, "GET /cookie HTTP/1.1\r\n%s\r\n", fields);
    client_ask(fixture->port, request, false, &fixture->answer);
    return fixture->answer.status;
}

static void a_page_of_our_origin_is_told_from_another(void **state)
{
    struct fixture *fixture = *state;
    static const char *const ours[] = {
        "Host: shop.example\r\n",
        "Host: shop.example\r\nOrigin: https://shop.example\r\n",
        "Host: shop.example\r\nOrigin: https://SHOP.example:8443\r\n",
        "Host: [::1]\r\nOrigin: http://[::1]:8080\r\n",
        "Host: shop.example:80\r\nOrigin: http://shop.example\r\nSec-Fetch-Site: same-origin\r\n",
    };
    static const char *const theirs[] = {
        "Host: shop.example\r\nOrigin: https://evil.example\r\n",
        "Host: shop.example\r\nOrigin: https://shop.example.evil\r\n",
        "Host: shop.example\r\nOrigin: https://m.shop.example\r\n", /* Listed, yet not ours. */
        "Host: shop.example\r\nOrigin: null\r\n",
        "Host: shop.example\r\nOrigin: \r\n",
        "Host: shop.example\r\nOrigin: https://shop.example\r\nSec-Fetch-Site: same-site\r\n",
        "Host: shop.example\r\nSec-Fetch-Site: cross-site\r\n",
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        assert_int_equal(ask_cookie(fixture, ours[i]), 200);
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        assert_int_equal(ask_cookie(fixture, theirs[i]), 403);
}

static void a_cookie_is_found_by_its_whole_name(void **state)
{
    struct fixture *fixture = *state;
    static const char *const sent[][2] = {
        {"Host: a\r\n", "none"},
        {"Host: a\r\nCookie: c=1\r\n", "1"},
        {"Host: a\r\nCookie: cc=2; b=3; c=a.b-c=4\r\n", "a.b-c=4"},
        {"Host: a\r\nCookie: c\r\n", "none"},
        {"Host: a\r\nCookie: xc=5;C=6\r\n", "none"},
    };
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        assert_int_equal(ask_cookie(fixture, sent[i][0]), 200);
        assert_string_equal(fixture->answer.body, sent[i][1]);
    }
}

static void a_list_of_origins_is_checked(void **state)
{
    static const char *const bad[] = {
        "shop.example", "https://shop.example/", "*", "https://", "https://a.example,,", "null"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct http_server_options options = {
            .routes = routes, .routes_count = 1, .cors_origins = bad[i]};
        struct http_server *server = NULL;
        struct mr_error error;
        assert_int_equal(http_server_start(&options, &server, &error), MR_CONFIG);
        assert_non_null(strstr(error.text, "cors-origins"));
    }
}

static void without_a_list_nothing_is_sent(void **state)
{
    const struct http_server_options options = {
        .routes = routes, .routes_count = sizeof routes / sizeof routes[0]};
    struct fixture fixture = {0};
    (void)state;
    assert_int_equal(http_server_start(&options, &fixture.server, NULL), 0);
    fixture.port = http_server_port(fixture.server);
    assert_null(ask_from(&fixture, "GET", ORIGIN));
    assert_null(client_header(&fixture.answer, "Access-Control-Expose-Headers"));
    assert_string_equal(client_header(&fixture.answer, "Vary"), "Accept-Encoding");
    http_server_free(fixture.server);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_page_of_a_listed_origin_may_read_answers),
        TEST(a_page_of_another_origin_may_not),
        TEST(a_preflight_is_answered_and_may_be_kept),
        TEST(a_page_of_our_origin_is_told_from_another),
        TEST(a_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(a_list_of_origins_is_checked),
        cmocka_unit_test(without_a_list_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
