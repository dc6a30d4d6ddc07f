/* http_stream_test.c - answers without a known end: sent on, resumed, ended from every side. */
#include <http/server.h>

#include "http_client.h"

#include <base/alloc.h>
#include <base/clock.h>
#include <pthread.h>
#include <stdatomic.h>

enum { LINES_MAX = 3 };

/* The stream of the test, as its handler and the test's thread see it. */
struct story {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_waiter *waiter;
    int lines; /* Sent so far. */
    int burst; /* Lines sent before the first wait. */
    size_t line_bytes;
    int wait_ms;
    _Atomic int why;
    _Atomic int ended;
};

static void go_on(struct http_request *request, void *user);

static void
go_on_after(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct story *story = user;
    atomic_store(&story->why, (int)why);
    if (why == HTTP_WOKEN)
        mr_buffer_printf(http_response(request), "told %.*s\n", MR_ARG(payload));
    else if (why == HTTP_DEADLINE)
        mr_buffer_printf(http_response(request), "still here\n");
    else
        http_stream_end(request);
    if (why == HTTP_WOKEN && mr_bytes_equal(payload, mr_cstr("end")))
        http_stream_end(request);
}

static void go_on(struct http_request *request, void *user)
{
    struct story *story = user;
    if (story->lines < story->burst) {
        mr_buffer_printf(http_response(request), "line %d ", story->lines++);
        for (size_t i = 0; i < story->line_bytes; i++)
            mr_buffer_add_byte(http_response(request), '.');
        mr_buffer_add_byte(http_response(request), '\n');
        return;
    }
    struct http_waiter *waiter = http_suspend(request, story->wait_ms, go_on_after, story);
    if (!waiter) {
        http_stream_end(request);
        return;
    }
    pthread_mutex_lock(&story->lock);
    http_waiter_release(story->waiter);
    story->waiter = waiter;
    pthread_cond_signal(&story->changed);
    pthread_mutex_unlock(&story->lock);
}

static void note_end(struct http_request *request, void *user)
{
    struct story *story = user;
    (void)request;
    atomic_fetch_add(&story->ended, 1);
}

static void begin_story(struct http_request *request, void *user)
{
    mr_buffer_printf(http_response(request), "hello\n");
    http_stream(request, "text/event-stream", go_on, note_end, user);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/story", .handle = begin_story, .produces = "text/event-stream"},
};

struct fixture {
    struct story story;
    struct http_server *server;
    char text[1 << 20];
    size_t text_len;
};

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    struct mr_error error;
    pthread_mutex_init(&fixture->story.lock, NULL);
    pthread_cond_init(&fixture->story.changed, NULL);
    fixture->story.wait_ms = 60000;
    atomic_store(&fixture->story.why, -1);
    const struct http_server_options options = {
        .routes = routes, .routes_count = 1, .user = &fixture->story};
    if (http_server_start(&options, &fixture->server, &error) != 0)
        fail_msg("%s", error.text);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_server_free(fixture->server);
    http_waiter_release(fixture->story.waiter);
    free(fixture);
    return 0;
}

static int open_story(struct fixture *fixture, const char *version)
{
    char request[128];
    int fd = client_connect(http_server_port(fixture->server));
    (void)snprintf(request, sizeof request, "GET /story %s\r\nHost: a\r\n\r\n", version);
    client_send_text(fd, request);
    return fd;
}

/* Reads, head and chunks and all, until `wanted` has come. */
static void read_until(struct fixture *fixture, int fd, const char *wanted)
{
    while (!strstr(fixture->text, wanted)) {
        ssize_t got = recv(
            fd, fixture->text + fixture->text_len, sizeof fixture->text - fixture->text_len - 1, 0);
        if (got <= 0)
            fail_msg("no \"%s\" in: %s", wanted, fixture->text);
        fixture->text_len += (size_t)got;
    }
}

static struct http_waiter *take_waiter(struct story *story)
{
    pthread_mutex_lock(&story->lock);
    while (!story->waiter)
        pthread_cond_wait(&story->changed, &story->lock);
    struct http_waiter *waiter = story->waiter;
    story->waiter = NULL;
    pthread_mutex_unlock(&story->lock);
    return waiter;
}

static void tell_story(struct fixture *fixture, const char *word)
{
    struct http_waiter *waiter = take_waiter(&fixture->story);
    assert_true(http_wake(waiter, mr_cstr(word)));
    http_waiter_release(waiter);
}

static void await_end(struct fixture *fixture)
{
    int64_t until_ms = mr_monotonic_ms() + 10000;
    while (atomic_load(&fixture->story.ended) == 0 && mr_monotonic_ms() < until_ms)
        usleep(1000);
    assert_int_equal(atomic_load(&fixture->story.ended), 1);
}

static void what_is_told_is_sent_at_once(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_story(fixture, "HTTP/1.1");
    read_until(fixture, fd, "hello\n");
    assert_non_null(strstr(fixture->text, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(fixture->text, "X-Content-Type-Options: nosniff\r\n"));
    for (int i = 0; i < LINES_MAX; i++) {
        char word[16];
        (void)snprintf(word, sizeof word, "word%d", i);
        tell_story(fixture, word);
        read_until(fixture, fd, word);
    }
    tell_story(fixture, "end");
    read_until(fixture, fd, "told end\n\r\n0\r\n\r\n");
    await_end(fixture);
    /* The connection is good for more. */
    fixture->text_len = 0;
    memset(fixture->text, 0, sizeof fixture->text);
    client_send_text(fd, "GET /story HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(fixture, fd, "hello\n");
    close(fd);
}

static void a_long_burst_is_sent_in_order(void **state)
{
    struct fixture *fixture = *state;
    fixture->story.burst = LINES_MAX;
    fixture->story.line_bytes = 200000;
    int fd = open_story(fixture, "HTTP/1.1");
    tell_story(fixture, "end");
    read_until(fixture, fd, "\r\n0\r\n\r\n");
    const char *first = strstr(fixture->text, "line 0");
    const char *last = strstr(fixture->text, "line 2");
    assert_true(first && last && first < last && fixture->text_len > 600000);
    close(fd);
}

static void time_passes(void **state)
{
    struct fixture *fixture = *state;
    fixture->story.wait_ms = 20;
    int fd = open_story(fixture, "HTTP/1.1");
    read_until(fixture, fd, "still here\n");
    close(fd);
}

static void a_client_that_closes_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_story(fixture, "HTTP/1.1");
    read_until(fixture, fd, "hello\n");
    http_waiter_release(take_waiter(&fixture->story));
    close(fd);
    await_end(fixture);
    assert_int_equal(atomic_load(&fixture->story.why), HTTP_GONE);
}

static void a_client_of_http_1_0_reads_to_the_end_of_the_connection(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_story(fixture, "HTTP/1.0");
    read_until(fixture, fd, "hello\n");
    tell_story(fixture, "end");
    read_until(fixture, fd, "told end\n");
    assert_true(client_closed(fd));
    close(fd);
}

static void head_gets_the_header_fields_only(void **state)
{
    struct fixture *fixture = *state;
    struct client_answer answer;
    client_ask(
        http_server_port(fixture->server),
        "HEAD /story HTTP/1.1\r\nHost: a\r\n\r\n",
        true,
        &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(client_header(&answer, "Content-Type"), "text/event-stream");
    await_end(fixture);
}

static void stopping_ends_a_stream_at_once(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_story(fixture, "HTTP/1.1");
    read_until(fixture, fd, "hello\n");
    http_waiter_release(take_waiter(&fixture->story));
    int64_t began_ms = mr_monotonic_ms();
    http_server_stop(fixture->server, 8000);
    assert_true(mr_monotonic_ms() - began_ms < 2000);
    read_until(fixture, fd, "\r\n0\r\n\r\n");
    assert_int_equal(atomic_load(&fixture->story.why), HTTP_STOPPING);
    assert_int_equal(atomic_load(&fixture->story.ended), 1);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_told_is_sent_at_once),
        TEST(a_long_burst_is_sent_in_order),
        TEST(time_passes),
        TEST(a_client_that_closes_is_noticed),
        TEST(a_client_of_http_1_0_reads_to_the_end_of_the_connection),
        TEST(head_gets_the_header_fields_only),
        TEST(stopping_ends_a_stream_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
