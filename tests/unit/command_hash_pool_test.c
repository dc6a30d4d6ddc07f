/* command_hash_pool_test.c - a flood of log-ins is bounded, answered whole, and stops nothing else.
 */
#include "../http/http_client.h"

#include "hash_pool.h"

#include <base/alloc.h>
#include <sealing/password.h>

#include <pthread.h>

enum { CLIENTS = 40, ROUNDS = 5, WORKERS = 2, QUEUE_MAX = 64 };

/* Verified in no time, for what is not about the hash. */
#define CHEAP_PHC                                                                                  \
    "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"                                           \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct hash_pool *pool;

static void
send_hashed(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    (void)user;
    mr_buffer_add(http_response(request), why == HTTP_WOKEN ? payload : mr_cstr("stopped"));
    http_send(request, why == HTTP_WOKEN ? 200 : 503, "text/plain");
}

static void hash_password(struct http_request *request, void *user)
{
    (void)user;
    if (!hash_pool_submit(pool, request, mr_cstr("correct horse"), NULL, send_hashed, NULL))
        http_send(request, 503, NULL);
}

static void verify_password(struct http_request *request, void *user)
{
    const char *phc = user;
    if (!hash_pool_submit(pool, request, http_path_param(request, 0), phc, send_hashed, NULL))
        http_send(request, 503, NULL);
}

static void at_once(struct http_request *request, void *user)
{
    (void)user;
    http_send(request, 204, NULL);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/hash", .handle = hash_password},
    {.method = "GET", .path = "/verify/{password}", .handle = verify_password},
    {.method = "GET", .path = "/now", .handle = at_once},
};

struct fixture {
    char phc[SEALING_PHC_SIZE];
    struct http_server *server;
    uint16_t port;
    struct client_answer answer;
};

static int set_up_for(void **state, const char *phc, int workers)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    struct mr_error error;
    if (phc)
        (void)snprintf(fixture->phc, sizeof fixture->phc, "%s", phc);
    else
        assert_int_equal(sealing_password_hash(mr_cstr("right"), fixture->phc, &error), 0);
    assert_int_equal(hash_pool_start(workers, &pool, &error), 0);
    const struct http_server_options options = {
        .routes = routes, .routes_count = 3, .user = fixture->phc, .threads = 2};
    assert_int_equal(http_server_start(&options, &fixture->server, &error), 0);
    fixture->port = http_server_port(fixture->server);
    *state = fixture;
    return 0;
}

static int set_up(void **state)
{
    return set_up_for(state, NULL, WORKERS);
}

static int set_up_cheap(void **state)
{
    return set_up_for(state, CHEAP_PHC, WORKERS);
}

static int set_up_idle(void **state)
{
    return set_up_for(state, CHEAP_PHC, 0);
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

static const char *ask_pool(struct fixture *fixture, const char *target)
{
    char request[128];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    client_ask(fixture->port, request, false, &fixture->answer);
    return fixture->answer.body;
}

static void a_password_is_hashed_and_judged(void **state)
{
    struct fixture *fixture = *state;
    assert_memory_equal(ask_pool(fixture, "/hash"), "$argon2id$", 10);
    assert_string_equal(ask_pool(fixture, "/verify/right"), "1");
    assert_string_equal(ask_pool(fixture, "/verify/wrong"), "0");
}

static int begin_request(struct fixture *fixture, const char *target)
{
    char request[128];
    int fd = client_connect(fixture->port);
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    client_send_text(fd, request);
    return fd;
}

static void until_queued(int count)
{
    char wanted[64];
    struct mr_buffer metrics = {0};
    (void)snprintf(wanted, sizeof wanted, "millrace_password_hashes_queued %d\n", count);
    do {
        mr_buffer_reset(&metrics);
        hash_pool_metrics(pool, &metrics);
        mr_buffer_add_byte(&metrics, '\0');
    } while (!strstr(metrics.ptr, wanted));
    mr_buffer_clean_up(&metrics);
}

static void a_flood_is_turned_away_and_the_rest_goes_on(void **state)
{
    struct fixture *fixture = *state;
    int fds[QUEUE_MAX];
    for (int i = 0; i < QUEUE_MAX; i++)
        fds[i] = begin_request(fixture, "/hash");
    until_queued(QUEUE_MAX);
    ask_pool(fixture, "/hash");
    assert_int_equal(fixture->answer.status, 503);
    ask_pool(fixture, "/now");
    assert_int_equal(fixture->answer.status, 204);
    http_server_stop(fixture->server, 100); /* Every queued job is answered. */
    for (int i = 0; i < QUEUE_MAX; i++) {
        assert_true(client_read(fds[i], false, &fixture->answer));
        assert_int_equal(fixture->answer.status, 503);
        assert_string_equal(fixture->answer.body, "stopped");
        close(fds[i]);
    }
}

static void *storm_of_requests(void *user)
{
    struct fixture *fixture = user;
    struct client_answer *answer = mr_calloc(1, sizeof *answer);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = begin_request(fixture, "/verify/wrong");
        assert_true(client_read(fd, false, answer));
        assert_string_equal(answer->body, "0");
        close(fd);
    }
    free(answer);
    return NULL;
}

static void many_at_once_are_each_answered(void **state)
{
    pthread_t threads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, storm_of_requests, *state), 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_password_is_hashed_and_judged),
        cmocka_unit_test_setup_teardown(
            a_flood_is_turned_away_and_the_rest_goes_on, set_up_idle, tear_down),
        cmocka_unit_test_setup_teardown(many_at_once_are_each_answered, set_up_cheap, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
