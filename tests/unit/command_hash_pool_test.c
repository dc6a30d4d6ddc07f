/* command_hash_pool_test.c - a flood of log-ins is bounded, answered whole, and stops nothing else.
 */
#include "../http/http_client.h"

#include "hash_pool.h"

#include <base/alloc.h>
#include <crypto/password.h>

#include <pthread.h>

enum { CLIENTS = 100, WORKERS = 2, QUEUE_MAX = 64 };

static struct hash_pool *pool;

static void
hashed(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    (void)user;
    mr_buffer_add(http_response(request), why == HTTP_WOKEN ? payload : mr_cstr("stopped"));
    http_send(request, why == HTTP_WOKEN ? 200 : 503, "text/plain");
}

static void hash(struct http_request *request, void *user)
{
    (void)user;
    if (!hash_pool_submit(pool, request, mr_cstr("correct horse"), NULL, hashed, NULL))
        http_send(request, 503, NULL);
}

static void verify(struct http_request *request, void *user)
{
    const char *phc = user;
    if (!hash_pool_submit(pool, request, http_path_param(request, 0), phc, hashed, NULL))
        http_send(request, 503, NULL);
}

static void at_once(struct http_request *request, void *user)
{
    (void)user;
    http_send(request, 204, NULL);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/hash", .handle = hash},
    {.method = "GET", .path = "/verify/{password}", .handle = verify},
    {.method = "GET", .path = "/now", .handle = at_once},
};

struct fixture {
    char phc[CRYPTO_PHC_SIZE];
    struct http_server *server;
    uint16_t port;
    struct client_answer answer;
};

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    struct mr_error error;
    assert_int_equal(crypto_password_hash(mr_cstr("right"), fixture->phc, &error), 0);
    assert_int_equal(hash_pool_start(WORKERS, &pool, &error), 0);
    const struct http_server_options options = {
        .routes = routes, .routes_count = 3, .user = fixture->phc, .threads = 2};
    assert_int_equal(http_server_start(&options, &fixture->server, &error), 0);
    fixture->port = http_server_port(fixture->server);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_server_stop(fixture->server, 2000);
    hash_pool_stop(pool);
    http_server_free(fixture->server);
    free(fixture);
    return 0;
}

static const char *ask(struct fixture *fixture, const char *target)
{
    char request[128];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    client_ask(fixture->port, request, false, &fixture->answer);
    return fixture->answer.body;
}

static void a_password_is_hashed_and_judged(void **state)
{
    struct fixture *fixture = *state;
    assert_memory_equal(ask(fixture, "/hash"), "$argon2id$", 10);
    assert_string_equal(ask(fixture, "/verify/right"), "1");
    assert_string_equal(ask(fixture, "/verify/wrong"), "0");
}

static int begin_hash(struct fixture *fixture)
{
    int fd = client_connect(fixture->port);
    client_send_text(fd, "GET /hash HTTP/1.1\r\nHost: a\r\n\r\n");
    return fd;
}

static void a_flood_is_turned_away_and_the_rest_goes_on(void **state)
{
    struct fixture *fixture = *state;
    int fds[CLIENTS];
    int hashed_count = 0;
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = begin_hash(fixture);
    ask(fixture, "/now");
    assert_int_equal(fixture->answer.status, 204);
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(client_read(fds[i], false, &fixture->answer));
        assert_true(fixture->answer.status == 200 || fixture->answer.status == 503);
        hashed_count += fixture->answer.status == 200;
        close(fds[i]);
    }
    assert_true(hashed_count >= QUEUE_MAX);
}

static void stopping_answers_all_who_queue(void **state)
{
    struct fixture *fixture = *state;
    int fds[QUEUE_MAX];
    for (int i = 0; i < QUEUE_MAX; i++)
        fds[i] = begin_hash(fixture);
    assert_true(client_read(fds[0], false, &fixture->answer)); /* The others are under way. */
    http_server_stop(fixture->server, 100);
    for (int i = 1; i < QUEUE_MAX; i++) {
        if (client_read(fds[i], false, &fixture->answer)) /* Not yet accepted: closed. */
            assert_true(fixture->answer.status == 200 || fixture->answer.status == 503);
        close(fds[i]);
    }
    close(fds[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_password_is_hashed_and_judged),
        TEST(a_flood_is_turned_away_and_the_rest_goes_on),
        TEST(stopping_answers_all_who_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
