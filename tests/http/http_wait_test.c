/* http_wait_test.c - requests that wait: woken from another thread, by time, or by the stop. */
#include <http/server.h>

#include "http_client.h"

#include <base/alloc.h>
#include <pthread.h>

/* Handed from the handler to the test's thread. */
struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_waiter *waiter;
    int wait_ms;
    int again; /* Suspend so many times more. */
};

static void put_waiter(struct mailbox *mailbox, struct http_waiter *waiter)
{
    pthread_mutex_lock(&mailbox->lock);
    mailbox->waiter = waiter;
    pthread_cond_signal(&mailbox->changed);
    pthread_mutex_unlock(&mailbox->lock);
}

static struct http_waiter *take_waiter(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    while (!mailbox->waiter)
        pthread_cond_wait(&mailbox->changed, &mailbox->lock);
    struct http_waiter *waiter = mailbox->waiter;
    mailbox->waiter = NULL;
    pthread_mutex_unlock(&mailbox->lock);
    return waiter;
}

static void
go_on(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    static const char *const names[] = {"woken", "deadline", "stopping"};
    struct mailbox *mailbox = user;
    if (why == HTTP_WOKEN && mailbox->again > 0) {
        mailbox->again--;
        put_waiter(mailbox, http_suspend(request, mailbox->wait_ms, go_on, mailbox));
        return;
    }
    mr_buffer_printf(http_response(request), "%s:%.*s", names[why], MR_ARG(payload));
    http_send(request, why == HTTP_STOPPING ? 503 : 200, "text/plain");
}

static void wait_for_it(struct http_request *request, void *user)
{
    struct mailbox *mailbox = user;
    struct http_waiter *waiter = http_suspend(request, mailbox->wait_ms, go_on, mailbox);
    if (waiter)
        put_waiter(mailbox, waiter);
    else
        http_send(request, 503, NULL);
}

static void at_once(struct http_request *request, void *user)
{
    (void)user;
    http_send(request, 204, NULL);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/wait", .handle = wait_for_it},
    {.method = "POST", .path = "/wait", .handle = wait_for_it},
    {.method = "GET", .path = "/now", .handle = at_once},
};

struct fixture {
    struct mailbox mailbox;
    struct http_server *server;
    uint16_t port;
    struct client_answer answer;
};

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    struct mr_error error;
    pthread_mutex_init(&fixture->mailbox.lock, NULL);
    pthread_cond_init(&fixture->mailbox.changed, NULL);
    fixture->mailbox.wait_ms = 60000;
    const struct http_server_options options = {
        .routes = routes,
        .routes_count = sizeof routes / sizeof routes[0],
        .user = &fixture->mailbox,
        .waiters_max = 2,
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

static int start_waiting(struct fixture *fixture)
{
    int fd = client_connect(fixture->port);
    client_send_text(fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    return fd;
}

static void expect_body(struct fixture *fixture, int fd, const char *body)
{
    assert_true(client_read(fd, false, &fixture->answer));
    assert_string_equal(fixture->answer.body, body);
}

static void another_thread_wakes_with_a_payload(void **state)
{
    struct fixture *fixture = *state;
    int fd = start_waiting(fixture);
    struct http_waiter *waiter = take_waiter(&fixture->mailbox);
    char payload[] = "result";
    assert_true(http_wake(waiter, mr_cstr(payload)));
    memset(payload, 'x', sizeof payload - 1); /* It has been copied. */
    expect_body(fixture, fd, "woken:result");
    assert_false(http_wake(waiter, mr_cstr("too late")));
    http_waiter_release(waiter);
    close(fd);
}

static void a_body_is_there_before_the_wait(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_connect(fixture->port);
    client_send_text(fd, "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    struct http_waiter *waiter = take_waiter(&fixture->mailbox);
    assert_true(http_wake(waiter, mr_bytes_of(NULL, 0)));
    expect_body(fixture, fd, "woken:");
    http_waiter_release(waiter);
    /* The connection is good for more. */
    client_send_text(fd, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(client_read(fd, false, &fixture->answer));
    assert_int_equal(fixture->answer.status, 204);
    close(fd);
}

static void the_deadline_wakes(void **state)
{
    struct fixture *fixture = *state;
    fixture->mailbox.wait_ms = 20;
    int fd = start_waiting(fixture);
    expect_body(fixture, fd, "deadline:");
    struct http_waiter *waiter = take_waiter(&fixture->mailbox);
    assert_false(http_wake(waiter, mr_cstr("too late")));
    http_waiter_release(waiter);
    close(fd);
}

static void a_continuation_may_wait_again(void **state)
{
    struct fixture *fixture = *state;
    fixture->mailbox.again = 2;
    int fd = start_waiting(fixture);
    for (int i = 0; i < 3; i++) {
        struct http_waiter *waiter = take_waiter(&fixture->mailbox);
        assert_true(http_wake(waiter, mr_cstr(i == 2 ? "last" : "more")));
        http_waiter_release(waiter);
    }
    expect_body(fixture, fd, "woken:last");
    close(fd);
}

static void others_are_served_while_one_waits(void **state)
{
    struct fixture *fixture = *state;
    int fd = start_waiting(fixture);
    struct http_waiter *waiter = take_waiter(&fixture->mailbox);
    for (int i = 0; i < 10; i++) {
        client_ask(fixture->port, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
        assert_int_equal(fixture->answer.status, 204);
    }
    assert_true(http_wake(waiter, mr_cstr("x")));
    expect_body(fixture, fd, "woken:x");
    http_waiter_release(waiter);
    close(fd);
}

static void waiters_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    int first = start_waiting(fixture);
    struct http_waiter *one = take_waiter(&fixture->mailbox);
    int second = start_waiting(fixture);
    struct http_waiter *two = take_waiter(&fixture->mailbox);
    client_ask(fixture->port, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_int_equal(fixture->answer.status, 503);
    assert_true(http_wake(one, mr_cstr("1")));
    assert_true(http_wake(two, mr_cstr("2")));
    expect_body(fixture, first, "woken:1");
    expect_body(fixture, second, "woken:2");
    http_waiter_release(one);
    http_waiter_release(two);
    close(first);
    close(second);
}

static void stopping_answers_those_who_wait(void **state)
{
    struct fixture *fixture = *state;
    int fd = start_waiting(fixture);
    struct http_waiter *waiter = take_waiter(&fixture->mailbox);
    http_server_stop(fixture->server, 200);
    expect_body(fixture, fd, "stopping:");
    assert_int_equal(fixture->answer.status, 503);
    assert_false(http_wake(waiter, mr_cstr("too late")));
    http_waiter_release(waiter);
    close(fd);
}

static void *stop_it(void *user)
{
    http_server_stop(user, 60000);
    return NULL;
}

static void what_is_under_way_is_finished_before_the_stop(void **state)
{
    struct fixture *fixture = *state;
    pthread_t stopper;
    int fd = start_waiting(fixture);
    int other = client_connect(fixture->port);
    struct http_waiter *waiter = take_waiter(&fixture->mailbox);
    assert_int_equal(pthread_create(&stopper, NULL, stop_it, fixture->server), 0);
    do { /* Until the stop has begun. */
        client_send_text(other, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(client_read(other, false, &fixture->answer));
    } while (fixture->answer.status == 204);
    assert_int_equal(fixture->answer.status, 503);
    assert_true(client_closed(other));
    assert_true(http_wake(waiter, mr_cstr("in time")));
    expect_body(fixture, fd, "woken:in time");
    pthread_join(stopper, NULL);
    http_waiter_release(waiter);
    close(fd);
    close(other);
}

static void a_client_that_left_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    close(start_waiting(fixture));
    struct http_waiter *waiter = take_waiter(&fixture->mailbox);
    assert_true(http_wake(waiter, mr_cstr("nobody")));
    http_waiter_release(waiter);
    client_ask(fixture->port, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n", false, &fixture->answer);
    assert_int_equal(fixture->answer.status, 204);
}

struct race {
    struct http_waiter *waiter;
    bool won;
};

static void *wake_it(void *user)
{
    struct race *race = user;
    race->won = http_wake(race->waiter, mr_cstr("x"));
    return NULL;
}

static void of_many_wakes_at_once_one_wins(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 50; round++) {
        int fd = start_waiting(fixture);
        struct http_waiter *waiter = take_waiter(&fixture->mailbox);
        struct race races[4];
        pthread_t threads[4];
        int won = 0;
        for (int i = 0; i < 4; i++) {
            races[i] = (struct race){.waiter = waiter};
            assert_int_equal(pthread_create(&threads[i], NULL, wake_it, &races[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            won += races[i].won;
        }
        assert_int_equal(won, 1);
        expect_body(fixture, fd, "woken:x");
        http_waiter_release(waiter);
        close(fd);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(another_thread_wakes_with_a_payload),
        TEST(a_body_is_there_before_the_wait),
        TEST(the_deadline_wakes),
        TEST(a_continuation_may_wait_again),
        TEST(others_are_served_while_one_waits),
        TEST(waiters_are_bounded),
        TEST(stopping_answers_those_who_wait),
        TEST(what_is_under_way_is_finished_before_the_stop),
        TEST(a_client_that_left_does_no_harm),
        TEST(of_many_wakes_at_once_one_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
