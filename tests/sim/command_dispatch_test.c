/*
 * command_dispatch_test.c - the answer to a request with a command, whatever the log does and in
 * whatever order: acknowledged, lost, late, answered before it is acknowledged.
 *
 * Kafka's producer and reader are the ones below: a thread that does with a command what its topic
 * says, and a queue of replies. The server, its threads and the dispatch are the real ones.
 */
#include "../http/http_client.h"

#include "dispatch.h"

#include <schemas/reason.h>
#include <topology/client.h>

#include <base/alloc.h>
#include <base/id.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* -- the log ------------------------------------------------------------------------------- */

struct sent {
    struct sent *next;
    char topic[32];
    char command_id[64];
    topo_delivered_fn *done;
    void *user;
};

struct reply {
    struct reply *next;
    struct mr_buffer bytes;
    char key[64]; /* Empty: as an earlier version's processor sends it. */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct codec_registry *registry;
    struct sent *sent;     /* Not dealt with yet. */
    struct sent *held;     /* Their delivery report comes when `release` says so. */
    struct reply *replies; /* Not read yet. */
    struct reply *reading; /* The records of the last poll. */
    struct topo_record record;
    int taken;
    bool ends;
    pthread_t thread;
} kafka = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void put_reply(const char *command_id, bool bare)
{
    struct reply *reply = mr_calloc(1, sizeof *reply);
    struct shop_command_reply record = {
        .command_id = mr_cstr(command_id),
        .outcome = {
            .command_id = mr_cstr(command_id),
            .fingerprint = mr_cstr("f"),
            .principal = mr_cstr("usr_1"),
            .aggregate_id = mr_cstr("usr_1"),
            .status = mr_cstr("accepted"),
            .http_status = 200,
        }};
    codec_encode(kafka.registry, SHOP_COMMAND_REPLY, TOPIC_GATEWAY_REPLIES, &record, &reply->bytes);
    pthread_mutex_lock(&kafka.lock);
    reply->next = kafka.replies;
    snprintf(reply->key, sizeof reply->key, "%s", bare ? "" : command_id);
    kafka.replies = reply;
    pthread_cond_broadcast(&kafka.changed);
    pthread_mutex_unlock(&kafka.lock);
}

static void report_delivery(struct sent *sent, int code)
{
    sent->done(sent->user, code, 0, code ? -1 : 7);
    free(sent);
}

static void hold_record(struct sent *sent)
{
    pthread_mutex_lock(&kafka.lock);
    sent->next = kafka.held;
    kafka.held = sent;
    pthread_cond_broadcast(&kafka.changed);
    pthread_mutex_unlock(&kafka.lock);
}

static void deal_with(struct sent *sent)
{
    bool replies = strstr(sent->topic, "reply") != NULL;
    if (strcmp(sent->topic, "held") == 0) {
        hold_record(sent);
        return;
    }
    if (replies && strstr(sent->topic, "early"))
        put_reply(sent->command_id, strstr(sent->topic, "bare"));
    if (replies && strstr(sent->topic, "late")) {
        char id[64];
        memcpy(id, sent->command_id, sizeof id);
        bool bare = strstr(sent->topic, "bare");
        report_delivery(sent, 0);
        put_reply(id, bare);
        return;
    }
    if (strstr(sent->topic, "lost"))
        report_delivery(sent, MR_UNAVAILABLE);
    else if (strstr(sent->topic, "uncertain"))
        report_delivery(sent, MR_TIMEOUT);
    else
        report_delivery(sent, 0);
}

static void *be_the_log(void *user)
{
    (void)user;
    pthread_mutex_lock(&kafka.lock);
    while (!kafka.ends || kafka.sent) {
        struct sent *sent = kafka.sent;
        if (!sent) {
            pthread_cond_wait(&kafka.changed, &kafka.lock);
            continue;
        }
        kafka.sent = sent->next;
        pthread_mutex_unlock(&kafka.lock);
        deal_with(sent);
        pthread_mutex_lock(&kafka.lock);
    }
    pthread_mutex_unlock(&kafka.lock);
    return NULL;
}

/* Waits until a command is held, and lets it go with this delivery report. */
static void release_reports(int code)
{
    pthread_mutex_lock(&kafka.lock);
    while (!kafka.held)
        pthread_cond_wait(&kafka.changed, &kafka.lock);
    struct sent *sent = kafka.held;
    kafka.held = sent->next;
    pthread_mutex_unlock(&kafka.lock);
    report_delivery(sent, code);
}

static void until_held(void)
{
    pthread_mutex_lock(&kafka.lock);
    while (!kafka.held)
        pthread_cond_wait(&kafka.changed, &kafka.lock);
    pthread_mutex_unlock(&kafka.lock);
}

int topo_kafka_producer_new(
    const struct topo_kafka_options *options,
    int linger_ms,
    struct topo_kafka_producer **ret_producer,
    struct mr_error *error)
{
    (void)options;
    (void)linger_ms;
    (void)error;
    kafka.ends = false;
    kafka.taken = 0;
    *ret_producer = (struct topo_kafka_producer *)&kafka;
    return pthread_create(&kafka.thread, NULL, be_the_log, NULL);
}

void topo_kafka_producer_free(struct topo_kafka_producer *producer)
{
    if (!producer)
        return;
    pthread_mutex_lock(&kafka.lock);
    kafka.ends = true;
    pthread_cond_broadcast(&kafka.changed);
    pthread_mutex_unlock(&kafka.lock);
    pthread_join(kafka.thread, NULL);
    while (kafka.held)
        release_reports(MR_TIMEOUT);
}

/* Before the first command: every topic that commands go to. */
int topo_kafka_producer_prepare(
    struct topo_kafka_producer *producer,
    const char *const *topics,
    size_t count,
    int timeout_ms,
    struct mr_error *error)
{
    size_t known = 0;
    (void)producer;
    (void)timeout_ms;
    (void)error;
    for (size_t i = 0; i < count; i++)
        known += strcmp(topics[i], "sales.commands") == 0 ||
                 strcmp(topics[i], "identity.claim.commands") == 0 ||
                 strcmp(topics[i], "identity.user.commands") == 0;
    assert_int_equal(known, 3);
    return 0;
}

int topo_kafka_produce(
    struct topo_kafka_producer *producer,
    const char *topic,
    int32_t partition,
    const struct topo_output *record,
    topo_delivered_fn *done,
    void *user,
    struct mr_error *error)
{
    (void)producer;
    (void)partition;
    if (strcmp(topic, "full") == 0)
        return mr_fail(error, MR_AGAIN, "the queue is full");
    if (strcmp(topic, "broken") == 0)
        return mr_fail(error, MR_FATAL, "the producer is broken");
    struct sent *sent = mr_calloc(1, sizeof *sent);
    (void)snprintf(sent->topic, sizeof sent->topic, "%s", topic);
    (void)snprintf(sent->command_id, sizeof sent->command_id, "%.*s", MR_ARG(record->key));
    sent->done = done;
    sent->user = user;
    pthread_mutex_lock(&kafka.lock);
    kafka.taken++;
    sent->next = kafka.sent;
    kafka.sent = sent;
    pthread_cond_broadcast(&kafka.changed);
    pthread_mutex_unlock(&kafka.lock);
    return 0;
}

int topo_kafka_flush(struct topo_kafka_producer *producer, int timeout_ms, struct mr_error *error)
{
    (void)producer;
    (void)timeout_ms;
    (void)error;
    return 0;
}

int topo_kafka_partitions(
    const struct topo_kafka_options *options,
    const char *topic,
    int32_t *ret_count,
    struct mr_error *error)
{
    (void)options;
    (void)topic;
    (void)error;
    *ret_count = 1;
    return 0;
}

int topo_kafka_watermarks(
    const struct topo_kafka_options *options,
    const char *topic,
    int32_t partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    (void)options;
    (void)topic;
    (void)partition;
    (void)error;
    *ret_low = 0;
    *ret_high = 0;
    return 0;
}

int topo_kafka_reader_new(
    const struct topo_kafka_options *options,
    struct topo_kafka_reader **ret_reader,
    struct mr_error *error)
{
    (void)options;
    (void)error;
    *ret_reader = (struct topo_kafka_reader *)&kafka;
    return 0;
}

static void forget_reply(struct reply *reply)
{
    if (!reply)
        return;
    mr_buffer_clean_up(&reply->bytes);
    free(reply);
}

void topo_kafka_reader_free(struct topo_kafka_reader *reader)
{
    if (!reader)
        return;
    forget_reply(kafka.reading);
    kafka.reading = NULL;
    while (kafka.replies) {
        struct reply *next = kafka.replies->next;
        forget_reply(kafka.replies);
        kafka.replies = next;
    }
}

int topo_kafka_reader_add(
    struct topo_kafka_reader *reader,
    const char *topic,
    int32_t partition,
    int64_t offset,
    struct mr_error *error)
{
    (void)reader;
    (void)topic;
    (void)partition;
    (void)offset;
    (void)error;
    return 0;
}

static struct topo_record record_of(const struct reply *reply)
{
    static const struct topo_header fingerprint = {
        MR_LITERAL(SHOP_REPLY_FINGERPRINT), MR_LITERAL("f")};
    struct topo_record record = {.value = mr_buffer_view(&reply->bytes)};
    if (reply->key[0] == '\0')
        return record;
    record.key = mr_cstr(reply->key);
    record.headers = &fingerprint;
    record.headers_count = 1;
    return record;
}

int topo_kafka_reader_poll(
    struct topo_kafka_reader *reader,
    int timeout_ms,
    const struct topo_record **ret_records,
    struct mr_error *error)
{
    struct timespec until;
    (void)reader;
    (void)timeout_ms;
    (void)error;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&kafka.lock);
    if (!kafka.replies)
        (void)pthread_cond_timedwait(&kafka.changed, &kafka.lock, &until);
    forget_reply(kafka.reading);
    kafka.reading = kafka.replies;
    if (kafka.reading)
        kafka.replies = kafka.reading->next;
    if (kafka.reading)
        kafka.record = record_of(kafka.reading);
    int count = kafka.reading ? 1 : 0;
    pthread_mutex_unlock(&kafka.lock);
    *ret_records = &kafka.record;
    return count;
}

/* -- the requests -------------------------------------------------------------------------- */

static struct dispatch *dispatch;
static atomic_int commands;

static void
send_verdict(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    static const char *const names[] = {
        [DISPATCH_DECIDED] = "decided",
        [DISPATCH_PENDING] = "pending",
        [DISPATCH_UNKNOWN] = "unknown",
        [DISPATCH_UNAVAILABLE] = "unavailable",
        [DISPATCH_OVERLOADED] = "overloaded",
    };
    const char *command_id = user;
    assert_true(mr_bytes_equal(answer->command_id, mr_cstr(command_id)));
    if (answer->verdict == DISPATCH_DECIDED)
        assert_true(mr_bytes_equal(answer->reply->command_id, mr_cstr(command_id)));
    mr_buffer_add(http_response(request), mr_cstr(names[answer->verdict]));
    http_send(request, 200, "text/plain");
}

static void send_command(struct http_request *request, void *user)
{
    struct mr_bytes wait = http_query(request, "wait");
    struct mr_bytes fingerprint = http_query(request, "fingerprint");
    struct mr_bytes id =
        mr_arena_printf(http_arena(request), "command-%d", atomic_fetch_add(&commands, 1));
    struct dispatch_command command = {
        .topic = mr_arena_cstr(http_arena(request), http_path_param(request, 0)),
        .key = id,
        .value = mr_cstr("value"),
        .type = mr_cstr("shop.Test"),
        .command_id = id,
        .fingerprint = fingerprint.ptr ? fingerprint : mr_cstr("f"),
        .wait_ms = wait.ptr ? (int)strtol(wait.ptr, NULL, 10) : 60000,
        .answered = send_verdict,
        .user = (void *)(uintptr_t)id.ptr,
    };
    (void)user;
    dispatch_send(dispatch, request, &command);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/{topic}", .handle = send_command},
};

struct fixture {
    struct codec_registry *registry;
    struct http_server *server;
    struct client_answer answer;
};

static int set_up_for(void **state, unsigned waiters_max)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    struct mr_error error;
    fixture->registry = codec_registry_new_local();
    kafka.registry = fixture->registry;
    static const struct topo_kafka_options nowhere = {.brokers = "none", .client_id = "test"};
    const struct dispatch_options options = {.kafka = &nowhere, .registry = fixture->registry};
    assert_int_equal(dispatch_start(&options, &dispatch, &error), 0);
    const struct http_server_options server = {
        .routes = routes, .routes_count = 1, .threads = 3, .waiters_max = waiters_max};
    assert_int_equal(http_server_start(&server, &fixture->server, &error), 0);
    *state = fixture;
    return 0;
}

static int set_up(void **state)
{
    return set_up_for(state, 0);
}

static int set_up_narrow(void **state)
{
    return set_up_for(state, 1);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_server_stop(fixture->server, 100);
    dispatch_stop(dispatch);
    http_server_free(fixture->server);
    codec_registry_free(fixture->registry);
    free(fixture);
    return 0;
}

static int begin_request(struct fixture *fixture, const char *target)
{
    char request[128];
    int fd = client_connect(http_server_port(fixture->server));
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    client_send_text(fd, request);
    return fd;
}

static void expect_verdict(struct fixture *fixture, int fd, const char *verdict)
{
    assert_true(client_read(fd, false, &fixture->answer));
    assert_string_equal(fixture->answer.body, verdict);
    close(fd);
}

static void expect_of(void **state, const char *target, const char *verdict)
{
    expect_verdict(*state, begin_request(*state, target), verdict);
}

static void the_reply_decides(void **state)
{
    expect_of(state, "/late-reply", "decided");
}

/* Two requests with one key and different bodies have one command id. */
static void the_reply_to_another_request_with_the_same_id_decides_nothing(void **state)
{
    expect_of(state, "/late-reply?fingerprint=other&wait=200", "pending");
    expect_of(state, "/early-reply?fingerprint=other&wait=200", "pending");
    expect_of(state, "/late-reply-bare?fingerprint=other&wait=200", "pending");
}

static void the_reply_of_an_earlier_version_decides(void **state)
{
    expect_of(state, "/late-reply-bare", "decided");
    expect_of(state, "/early-reply-bare", "decided");
}

static void a_reply_may_come_before_the_acknowledgement(void **state)
{
    expect_of(state, "/early-reply", "decided");
}

static void a_reply_decides_though_the_log_could_not_say(void **state)
{
    expect_of(state, "/early-reply-uncertain", "decided");
}

static void no_reply_in_time_is_pending(void **state)
{
    expect_of(state, "/acknowledged?wait=10", "pending");
}

static void a_request_that_does_not_wait_is_answered_at_the_acknowledgement(void **state)
{
    expect_of(state, "/acknowledged?wait=0", "pending");
}

static void what_the_log_does_not_have_was_not_accepted(void **state)
{
    expect_of(state, "/lost", "unavailable");
    expect_of(state, "/lost?wait=0", "unavailable");
}

static void what_the_log_may_have_is_neither_accepted_nor_refused(void **state)
{
    expect_of(state, "/uncertain?wait=10", "unknown");
    expect_of(state, "/uncertain?wait=0", "unknown");
}

static void a_full_queue_is_overload(void **state)
{
    expect_of(state, "/full", "overloaded");
    assert_false(dispatch_has_failed(dispatch, NULL));
}

static void a_broken_producer_is_the_end(void **state)
{
    struct mr_error error;
    expect_of(state, "/broken", "unavailable");
    assert_true(dispatch_has_failed(dispatch, &error));
}

static void after_the_wait_the_delivery_report_is_waited_for(void **state)
{
    static const struct {
        int code;
        const char *verdict;
    } rows[] = {{0, "pending"}, {MR_TIMEOUT, "unknown"}, {MR_UNAVAILABLE, "unavailable"}};
    for (size_t i = 0; i < 3; i++) {
        int fd = begin_request(*state, "/held?wait=1");
        release_reports(rows[i].code); /* Before or after the wait: the answer is the same. */
        expect_verdict(*state, fd, rows[i].verdict);
    }
}

static void who_cannot_wait_sends_nothing(void **state)
{
    int fd = begin_request(*state, "/held");
    until_held();
    expect_of(state, "/late-reply", "overloaded");
    assert_int_equal(kafka.taken, 1);
    release_reports(MR_UNAVAILABLE);
    expect_verdict(*state, fd, "unavailable");
}

enum { STOP_MS = 2000 }; /* Half of it is waited. */

static void a_stop_promises_nothing_it_does_not_know(void **state)
{
    struct fixture *fixture = *state;
    int fd = begin_request(fixture, "/held");
    until_held();
    http_server_stop(fixture->server, STOP_MS);
    expect_verdict(fixture, fd, "unknown");
}

static void a_stop_reports_what_is_in_the_log(void **state)
{
    struct fixture *fixture = *state;
    int fd = begin_request(fixture, "/held");
    release_reports(0);
    http_server_stop(fixture->server, STOP_MS);
    expect_verdict(fixture, fd, "pending");
}

/* -- many at once -------------------------------------------------------------------------- */

enum { CLIENTS = 6, ROUNDS = 60 };

static void *storm_of_requests(void *user)
{
    static const struct {
        const char *target;
        const char *either;
        const char * or ;
    } rows[] = {
        {"/late-reply", "decided", "decided"},
        {"/early-reply", "decided", "decided"},
        {"/late-reply?wait=1", "decided", "pending"},
        {"/early-reply-lost", "decided", "unavailable"},
        {"/early-reply-uncertain?wait=1", "decided", "unknown"},
        {"/acknowledged?wait=1", "pending", "pending"},
        {"/acknowledged?wait=0", "pending", "pending"},
        {"/uncertain?wait=2", "unknown", "unknown"},
        {"/lost", "unavailable", "unavailable"},
        {"/full", "overloaded", "overloaded"},
    };
    struct fixture *fixture = user;
    struct client_answer *answer = mr_calloc(1, sizeof *answer);
    for (int i = 0; i < ROUNDS; i++) {
        size_t row = (size_t)i % (sizeof rows / sizeof rows[0]);
        int fd = begin_request(fixture, rows[row].target);
        assert_true(client_read(fd, false, answer));
        if (strcmp(answer->body, rows[row].either) != 0 && strcmp(answer->body, rows[row].or) != 0)
            fail_msg("%s: %s", rows[row].target, answer->body);
        close(fd);
    }
    free(answer);
    return NULL;
}

static void every_request_of_a_storm_is_answered_once(void **state)
{
    pthread_t threads[CLIENTS];
    struct mr_buffer metrics = {0};
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, storm_of_requests, *state), 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    dispatch_metrics(dispatch, &metrics);
    mr_buffer_add_byte(&metrics, '\0');
    assert_non_null(strstr(metrics.ptr, "millrace_commands_waiting 0\n"));
    mr_buffer_clean_up(&metrics);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_reply_decides),
        TEST(the_reply_to_another_request_with_the_same_id_decides_nothing),
        TEST(the_reply_of_an_earlier_version_decides),
        TEST(a_reply_may_come_before_the_acknowledgement),
        TEST(a_reply_decides_though_the_log_could_not_say),
        TEST(no_reply_in_time_is_pending),
        TEST(a_request_that_does_not_wait_is_answered_at_the_acknowledgement),
        TEST(what_the_log_does_not_have_was_not_accepted),
        TEST(what_the_log_may_have_is_neither_accepted_nor_refused),
        TEST(a_full_queue_is_overload),
        TEST(a_broken_producer_is_the_end),
        TEST(after_the_wait_the_delivery_report_is_waited_for),
        cmocka_unit_test_setup_teardown(who_cannot_wait_sends_nothing, set_up_narrow, tear_down),
        TEST(a_stop_promises_nothing_it_does_not_know),
        TEST(a_stop_reports_what_is_in_the_log),
        TEST(every_request_of_a_storm_is_answered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
