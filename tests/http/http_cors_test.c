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

static const struct http_route routes[] = {
    {.method = "GET", .path = "/hello", .handle = say_hello},
    {.method = "POST", .path = "/hello", .handle = say_hello},
};

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    const struct http_server_options options = {
        .routes = routes,
        .routes_count = 2,
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
    const struct http_server_options options = {.routes = routes, .routes_count = 2};
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
        cmocka_unit_test(a_list_of_origins_is_checked),
        cmocka_unit_test(without_a_list_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
