/* order_stream_test.c - waiting for an order: its stream of events, and a GET for a status. */
#include "query_shop.h"

#define STREAM "/v1/orders/ord_1/stream"

static char text[65536];
static size_t text_len;

static int set_up_order(void **state)
{
    (void)set_up(state);
    struct fixture *fixture = *state;
    text_len = 0;
    views_place(&fixture->views, "usr_1", "ord_1", 1000);
    return 0;
}

#define HEAD(version)                                                                              \
    .meta = meta_at(version, 100), .order_id = MR_LITERAL("ord_1"), .owner_id = MR_LITERAL("usr_1")

static void confirm_stock(struct fixture *fixture, int64_t version)
{
    struct shop_order_stock_confirmed event = {HEAD(version)};
    views_pipe(&fixture->views, SHOP_ORDER_STOCK_CONFIRMED, "usr_1", &event);
}

static void confirm_version(struct fixture *fixture, int64_t version)
{
    struct shop_order_confirmed event = {
        HEAD(version),
        .confirmation_no = MR_LITERAL("C123"),
        .payment_id = MR_LITERAL("pay_12345678"),
        .captured = money_pence(300),
        .confirmed_at = 777};
    views_pipe(&fixture->views, SHOP_ORDER_CONFIRMED, "usr_1", &event);
}

static int open_stream(struct fixture *fixture, const char *headers)
{
    struct mr_buffer request = {0};
    int fd = client_connect(http_server_port(fixture->server));
    mr_buffer_printf(
        &request, "GET %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n", STREAM, fixture->bearer, headers);
    client_send(fd, request.ptr, request.len);
    mr_buffer_clean_up(&request);
    text_len = 0;
    memset(text, 0, sizeof text);
    return fd;
}

/* Reads, head and chunks and all, until `wanted` has come. */
static void read_until(int fd, const char *wanted)
{
    while (!strstr(text, wanted)) {
        size_t room = sizeof text - text_len - 1;
        ssize_t got = recv(fd, text + text_len, room, 0);
        if (got <= 0)
            fail_msg("no \"%s\" in: %s", wanted, text);
        text_len += (size_t)got;
    }
}

#define END_OF_BODY "\r\n0\r\n\r\n"

static void every_change_follows_the_snapshot(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_stream(fixture, "");
    read_until(fd, "event: snapshot\nid: 1\ndata: {\"order_id\":\"ord_1\"");
    read_until(fd, "\"status\":\"PENDING_STOCK\"");
    assert_non_null(strstr(text, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(text, "X-Accel-Buffering: no\r\n"));
    assert_non_null(strstr(text, "Cache-Control: private, no-store\r\n"));
    views_place(&fixture->views, "usr_2", "ord_2", 2000); /* Nobody waits for that one. */
    confirm_stock(fixture, 2);
    read_until(fd, "event: change\nid: 2\ndata: {");
    read_until(fd, "\"status\":\"PENDING_PAYMENT\"");
    confirm_version(fixture, 3);
    read_until(fd, "event: end\ndata: {\"reason\":\"final\"}\n\n" END_OF_BODY);
    assert_non_null(strstr(text, "event: change\nid: 3\n"));
    assert_null(strstr(text, "ord_2"));
    close(fd);
}

static void a_client_goes_on_where_it_was(void **state)
{
    struct fixture *fixture = *state;
    confirm_stock(fixture, 2);
    int fd = open_stream(fixture, "Last-Event-ID: 1\r\n");
    read_until(fd, "event: change\nid: 2\n");
    assert_null(strstr(text, "snapshot"));
    close(fd);
    fd = open_stream(fixture, "Last-Event-ID: 2\r\n");
    read_until(fd, "retry: 2000\n\n");
    assert_null(strstr(text, "event:"));
    confirm_version(fixture, 3);
    read_until(fd, END_OF_BODY);
    assert_non_null(strstr(text, "event: change\nid: 3\n"));
    close(fd);
    /* A client that has the end gets a 204; another one gets the end. */
    fd = open_stream(fixture, "Last-Event-ID: 3\r\n");
    assert_true(client_read(fd, false, &fixture->answer));
    assert_int_equal(fixture->answer.status, 204);
    close(fd);
    fd = open_stream(fixture, "Last-Event-ID: nonsense\r\n");
    read_until(fd, END_OF_BODY);
    assert_non_null(strstr(text, "event: snapshot\nid: 3\n"));
    close(fd);
}

static void a_change_just_before_the_wait_is_not_missed(void **state)
{
    struct fixture *fixture = *state;
    fixture->api.streams.owner_max = 1000;
    for (int64_t version = 2; version < 200; version++) {
        char wanted[32];
        int fd = open_stream(fixture, "");
        (void)snprintf(wanted, sizeof wanted, "\nid: %lld\n", (long long)version);
        confirm_stock(fixture, version);
        read_until(fd, wanted);
        close(fd);
    }
}

static void an_order_of_another_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    char other[QUERY_BEARER_MAX];
    query_bearer(fixture->keys, "usr_2", other);
    assert_int_equal(query_get(fixture->server, STREAM, other, &fixture->answer), 404);
    assert_int_equal(query_get(fixture->server, STREAM, "", &fixture->answer), 401);
    assert_int_equal(
        query_get(fixture->server, "/v1/orders/ord_9/stream", fixture->bearer, &fixture->answer),
        404);
    assert_int_equal(
        query_get(fixture->server, STREAM "?x=1", fixture->bearer, &fixture->answer), 400);
    assert_int_equal(fixture->api.streams.count, 0);
}

/* The server counts down when the client's end has been noticed. */
static void await_streams(struct fixture *fixture, int64_t count)
{
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&fixture->api.streams.lock);
        int64_t now = fixture->api.streams.count;
        pthread_mutex_unlock(&fixture->api.streams.lock);
        if (now == count)
            return;
        usleep(1000);
    }
    fail_msg("there are not %lld streams", (long long)count);
}

static void streams_are_bounded_and_a_client_that_left_makes_room(void **state)
{
    struct fixture *fixture = *state;
    int fds[QUERY_STREAMS_OWNER_MAX];
    for (int i = 0; i < QUERY_STREAMS_OWNER_MAX; i++) {
        fds[i] = open_stream(fixture, "");
        read_until(fds[i], "event: snapshot\n");
    }
    assert_int_equal(query_get(fixture->server, STREAM, fixture->bearer, &fixture->answer), 429);
    assert_non_null(strstr(fixture->answer.body, "/problems/too-many-streams"));
    assert_string_equal(client_header(&fixture->answer, "Retry-After"), "5");
    close(fds[0]);
    await_streams(fixture, QUERY_STREAMS_OWNER_MAX - 1);
    fds[0] = open_stream(fixture, "");
    read_until(fds[0], "event: snapshot\n");
    for (int i = 0; i < QUERY_STREAMS_OWNER_MAX; i++)
        close(fds[i]);
    await_streams(fixture, 0);
    fixture->api.streams.max = 0;
    assert_int_equal(query_get(fixture->server, STREAM, fixture->bearer, &fixture->answer), 503);
    assert_non_null(strstr(fixture->answer.body, "/problems/overloaded"));
}

static void the_stop_ends_streams_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_stream(fixture, "");
    read_until(fd, "event: snapshot\n");
    int64_t began_ms = mr_monotonic_ms();
    http_server_stop(fixture->server, 8000);
    assert_true(mr_monotonic_ms() - began_ms < 2000);
    read_until(fd, "event: end\ndata: {\"reason\":\"stopping\"}\n\n" END_OF_BODY);
    assert_int_equal(fixture->api.streams.count, 0);
    close(fd);
}

static void the_end_of_the_session_ends_its_streams(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_stream(fixture, "");
    read_until(fd, "event: snapshot\n");
    struct shop_session_started started = {
        .meta = meta_at(1, 1),
        .user_id = MR_LITERAL("usr_1"),
        .session_id = MR_LITERAL("ses_0"),
        .family_id = MR_LITERAL("ses_0"),
        .expires_at = INT64_MAX};
    started.meta.aggregate_id = mr_cstr("ses_0");
    views_pipe(&fixture->views, SHOP_SESSION_STARTED, "usr_1", &started);
    struct shop_session_revoked revoked = {
        .meta = meta_at(2, 2),
        .user_id = MR_LITERAL("usr_1"),
        .session_id = MR_LITERAL("ses_0"),
        .cause = MR_LITERAL("logout")};
    views_pipe(&fixture->views, SHOP_SESSION_REVOKED, "usr_1", &revoked);
    confirm_stock(fixture, 2);
    read_until(fd, "event: end\ndata: {\"reason\":\"session-over\"}\n\n" END_OF_BODY);
    assert_null(strstr(text, "event: change"));
    close(fd);
}

static void head_opens_no_stream(void **state)
{
    struct fixture *fixture = *state;
    struct mr_buffer request = {0};
    mr_buffer_printf(&request, "HEAD %s HTTP/1.1\r\nHost: a\r\n%s\r\n", STREAM, fixture->bearer);
    mr_buffer_add_byte(&request, 0);
    client_ask(http_server_port(fixture->server), request.ptr, true, &fixture->answer);
    mr_buffer_clean_up(&request);
    assert_int_equal(fixture->answer.status, 200);
    await_streams(fixture, 0);
}

/* -- GET with wait_status -- */

#define WAITING "/v1/orders/ord_1?wait_status=CONFIRMED,CANCELLED"

static int begin_wait(struct fixture *fixture)
{
    struct mr_buffer request = {0};
    int fd = client_connect(http_server_port(fixture->server));
    mr_buffer_printf(
        &request,
        "GET %s HTTP/1.1\r\nHost: a\r\n%sPrefer: wait=10\r\n\r\n",
        WAITING,
        fixture->bearer);
    client_send(fd, request.ptr, request.len);
    mr_buffer_clean_up(&request);
    return fd;
}

static void a_status_is_waited_for_through_other_changes(void **state)
{
    struct fixture *fixture = *state;
    int64_t began_ms = mr_monotonic_ms();
    int fd = begin_wait(fixture);
    await_streams(fixture, 1);
    confirm_stock(fixture, 2);
    confirm_version(fixture, 3);
    assert_true(client_read(fd, false, &fixture->answer));
    assert_int_equal(fixture->answer.status, 200);
    assert_non_null(strstr(fixture->answer.body, "\"status\":\"CONFIRMED\""));
    assert_string_equal(client_header(&fixture->answer, "ETag"), "\"v3\"");
    close(fd);
    /* It is there: nothing to wait for. */
    assert_int_equal(query_get(fixture->server, WAITING, fixture->bearer, &fixture->answer), 200);
    assert_true(mr_monotonic_ms() - began_ms < 5000);
    assert_int_equal(fixture->api.streams.count, 0);
}

static void a_status_that_does_not_come_is_answered_with_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    char headers[QUERY_BEARER_MAX + 32];
    int64_t began_ms = mr_monotonic_ms();
    (void)snprintf(headers, sizeof headers, "%sPrefer: wait=1\r\n", fixture->bearer);
    assert_int_equal(query_get(fixture->server, WAITING, headers, &fixture->answer), 200);
    assert_non_null(strstr(fixture->answer.body, "\"status\":\"PENDING_STOCK\""));
    assert_true(mr_monotonic_ms() - began_ms >= 900);
    (void)snprintf(headers, sizeof headers, "%sPrefer: wait=0\r\n", fixture->bearer);
    assert_int_equal(query_get(fixture->server, WAITING, headers, &fixture->answer), 200);
    began_ms = mr_monotonic_ms();
    assert_int_equal(
        query_get(
            fixture->server, "/v1/orders/ord_1?wait_status=", fixture->bearer, &fixture->answer),
        200);
    assert_true(mr_monotonic_ms() - began_ms < 1500); /* No status, no wait. */
    assert_int_equal(fixture->api.streams.count, 0);
}

static void a_wait_is_for_statuses_that_there_are(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {
        "confirmed", "CONFIRMED,", "CONFIRMED,,CANCELLED", "CONFIRM", "CONFIRMED,CANCELLED2"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char target[96];
        (void)snprintf(target, sizeof target, "/v1/orders/ord_1?wait_status=%s", wrong[i]);
        assert_int_equal(
            query_get(fixture->server, target, fixture->bearer, &fixture->answer), 400);
        assert_non_null(strstr(fixture->answer.body, "\"parameter\":\"wait_status\""));
    }
}

static void waits_are_bounded_with_the_streams_and_end_with_the_server(void **state)
{
    struct fixture *fixture = *state;
    int fds[QUERY_STREAMS_OWNER_MAX];
    for (int i = 0; i < QUERY_STREAMS_OWNER_MAX; i++)
        fds[i] = begin_wait(fixture);
    await_streams(fixture, QUERY_STREAMS_OWNER_MAX);
    assert_int_equal(query_get(fixture->server, STREAM, fixture->bearer, &fixture->answer), 429);
    http_server_stop(fixture->server, 200);
    for (int i = 0; i < QUERY_STREAMS_OWNER_MAX; i++) {
        assert_true(client_read(fds[i], false, &fixture->answer));
        assert_int_equal(fixture->answer.status, 503);
        close(fds[i]);
    }
    assert_int_equal(fixture->api.streams.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_order, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_change_follows_the_snapshot),
        TEST(a_client_goes_on_where_it_was),
        TEST(a_change_just_before_the_wait_is_not_missed),
        TEST(an_order_of_another_is_not_found),
        TEST(streams_are_bounded_and_a_client_that_left_makes_room),
        TEST(the_stop_ends_streams_and_says_so),
        TEST(the_end_of_the_session_ends_its_streams),
        TEST(head_opens_no_stream),
        TEST(a_status_is_waited_for_through_other_changes),
        TEST(a_status_that_does_not_come_is_answered_with_what_is_there),
        TEST(a_wait_is_for_statuses_that_there_are),
        TEST(waits_are_bounded_with_the_streams_and_end_with_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
