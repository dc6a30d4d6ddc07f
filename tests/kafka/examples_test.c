/*
 * examples_test.c - each program of examples/ on a real broker: records in, records out, SIGTERM.
 *
 * The examples' topics have fixed names, so words, accounts and products are new ones each time.
 */
#include "kafka_fixture.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct sent {
    const char *topic;
    const char *key;
    const char *value;
};

static pid_t examples_start(const char *program, const char *port)
{
    char path[512];
    snprintf(path, sizeof path, "%s/example_%s", EXAMPLES_DIR, program);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (port)
            setenv("PORT", port, 1);
        execl(path, path, fixture_options.brokers, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* It has committed and flushed when it ends, and ends with 0. */
static void examples_stop(pid_t pid)
{
    int status = -1;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void examples_send(const struct sent *records, size_t count)
{
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    fixture_check(topo_kafka_producer_new(&fixture_options, 1, &producer, &error), &error);
    for (size_t i = 0; i < count; i++) {
        struct topo_output record = text_record(records[i].key, records[i].value);
        fixture_check(
            topo_kafka_produce(producer, records[i].topic, -1, &record, NULL, NULL, &error),
            &error);
        fixture_check(topo_kafka_flush(producer, FIXTURE_DEADLINE_MS, &error), &error);
    }
    topo_kafka_producer_free(producer);
}

/* Waits for the record in partition 0 of the topic, which has no other. */
static void examples_expect(const char *topic, const char *key, const char *value)
{
    struct mr_error error = {0};
    struct topo_kafka_reader *reader;
    bool found = false;
    fixture_check(topo_kafka_reader_new(&fixture_options, &reader, &error), &error);
    fixture_check(topo_kafka_reader_add(reader, topic, 0, TOPO_KAFKA_BEGIN, &error), &error);
    for (int ms = 0; ms < FIXTURE_DEADLINE_MS && !found; ms += FIXTURE_STEP_MS) {
        const struct topo_record *records;
        int count = topo_kafka_reader_poll(reader, FIXTURE_STEP_MS, &records, &error);
        fixture_check(count, &error);
        for (int i = 0; i < count; i++)
            found = found || (mr_bytes_equal(records[i].key, mr_cstr(key)) &&
                              mr_bytes_equal(records[i].value, mr_cstr(value)));
    }
    topo_kafka_reader_free(reader);
    if (!found)
        fail_msg("%s: no record %s = %s", topic, key, value);
}

/* The example creates its topics itself. */
static void examples_await_topic(const char *topic)
{
    const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
    int32_t count = 0;
    for (int i = 0; i < 400 && count == 0; i++) {
        struct mr_error error = {0};
        if (i > 0)
            nanosleep(&nap, NULL);
        fixture_check(topo_kafka_partitions(&fixture_options, topic, &count, &error), &error);
    }
    if (count == 0)
        fail_msg("topic %s was not created", topic);
}

static void word_count_counts(void **state)
{
    (void)state;
    char word[64], line[160];
    test_name_unique(word, sizeof word, "word");
    snprintf(line, sizeof line, "%s and %s", word, word);
    pid_t pid = examples_start("word_count", NULL);
    examples_await_topic("lines");
    examples_await_topic("word-counts");
    const struct sent records[] = {{"lines", "1", line}, {"lines", "2", word}};
    examples_send(records, 2);
    examples_expect("word-counts", word, "1");
    examples_expect("word-counts", word, "3");
    examples_stop(pid);

    /* Its state came back from the changelog: a third life would otherwise count from one. */
    pid = examples_start("word_count", NULL);
    examples_send(records, 1);
    examples_expect("word-counts", word, "5");
    examples_stop(pid);
}

static void running_total_answers_each_command_once(void **state)
{
    (void)state;
    char account[64], ids[2][64], commands[2][96];
    test_name_unique(account, sizeof account, "account");
    for (int i = 0; i < 2; i++) {
        test_name_unique(ids[i], sizeof ids[i], "id");
        snprintf(commands[i], sizeof commands[i], "%s %s", ids[i], i ? "-130" : "100");
    }
    pid_t pid = examples_start("running_total", NULL);
    examples_await_topic("account.commands");
    examples_await_topic("account.replies");
    examples_await_topic("account.dead-letters");
    const struct sent records[] = {
        {"account.commands", account, commands[0]},
        {"account.commands", account, commands[1]},
        {"account.commands", account, "nonsense"},
    };
    examples_send(records, 3);
    examples_expect("account.replies", ids[0], "accepted");
    examples_expect("account.replies", ids[1], "rejected");
    examples_expect("account.dead-letters", account, "nonsense");
    examples_stop(pid);
}

static void global_table_enriches(void **state)
{
    (void)state;
    char product[64], order[64], priced[128];
    test_name_unique(product, sizeof product, "tea");
    test_name_unique(order, sizeof order, "order");
    snprintf(priced, sizeof priced, "%s at 2.95", product);
    /* Before the start: a table is restored whole before its readers run. */
    const struct sent records[] = {
        {"prices", product, "2.95"},
        {"orders", order, product},
        {"orders", order, "unknown"},
    };
    make_topic("prices", 2);
    make_topic("orders", 2);
    examples_send(records, 3);
    pid_t pid = examples_start("global_table", NULL);
    examples_await_topic("priced-orders");
    examples_await_topic("unpriced-orders");
    examples_expect("priced-orders", order, priced);
    examples_expect("unpriced-orders", order, "unknown");
    examples_stop(pid);
}

/* A port that was free a moment ago. */
static uint16_t examples_find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool examples_get(uint16_t port, const char *path, char *answer, size_t size)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t len = 0;
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
        len = recv(fd, answer, size - 1, MSG_WAITALL);
    close(fd);
    answer[len > 0 ? len : 0] = '\0';
    return len > 0;
}

static void http_store_answers(void **state)
{
    (void)state;
    char product[64], path[96], port[16], answer[1024] = "";
    test_name_unique(product, sizeof product, "milk");
    snprintf(path, sizeof path, "/price/%s", product);
    const struct sent records[] = {{"prices", product, "1.10"}};
    examples_send(records, 1);
    uint16_t number = examples_find_port();
    snprintf(port, sizeof port, "%u", number);
    pid_t pid = examples_start("http_store", port);
    examples_await_topic("prices");
    for (int ms = 0; ms < FIXTURE_DEADLINE_MS && !strstr(answer, "200 OK"); ms += FIXTURE_STEP_MS) {
        usleep(FIXTURE_STEP_MS * 1000);
        examples_get(number, path, answer, sizeof answer);
    }
    assert_non_null(strstr(answer, "\r\n\r\n1.10"));
    assert_true(examples_get(number, "/price/nothing", answer, sizeof answer));
    assert_non_null(strstr(answer, "404 Not Found"));
    assert_true(examples_get(number, "/", answer, sizeof answer));
    assert_non_null(strstr(answer, "400 Bad Request"));
    examples_stop(pid);
}

/* -- topo_engine_create_topics -- */

static int examples_process(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)context, (void)user, (void)record, (void)error;
    return 0;
}

static void topics_of_sources_and_sinks_are_created_when_they_say_how_many_partitions(void **state)
{
    (void)state;
    char in[64], out[64], dead[64];
    test_name_unique(in, sizeof in, "in");
    test_name_unique(out, sizeof out, "out");
    test_name_unique(dead, sizeof dead, "dead");
    struct mr_error error = {0};
    struct topo_topology *topology;
    struct topo_builder *builder = topo_builder_new("inputs");
    topo_add_source(
        builder, &(struct topo_source){.name = "in", .topics = TOPO_LIST(in), .partitions = 4});
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = "out", .parents = TOPO_LIST("in"), .topic = out, .partitions = 3});
    topo_set_dead_letters(builder, dead);
    fixture_check(topo_build(builder, &topology, &error), &error);
    int created = -1;
    fixture_check(topo_engine_create_topics(topology, &fixture_options, &created, &error), &error);
    assert_int_equal(created, 3);
    const char *const topics[] = {in, out, dead};
    static const int32_t wanted[] = {4, 3, 1};
    for (size_t i = 0; i < 3; i++) {
        int32_t count = 0;
        fixture_check(topo_kafka_partitions(&fixture_options, topics[i], &count, &error), &error);
        assert_int_equal(count, wanted[i]);
    }
    topo_topology_free(topology);
}

static void topics_of_a_topology_are_created_with_its_partitions(void **state)
{
    (void)state;
    char in[64], by[64], log[64];
    test_name_unique(in, sizeof in, "in");
    test_name_unique(by, sizeof by, "by");
    test_name_unique(log, sizeof log, "log");
    struct mr_error error = {0};
    struct topo_topology *topology;
    struct topo_builder *builder = topo_builder_new("created");
    topo_add_source(builder, &(struct topo_source){.name = "in", .topics = TOPO_LIST(in)});
    topo_add_repartition(
        builder,
        &(struct topo_repartition){
            .name = "by", .parents = TOPO_LIST("in"), .topic = by, .partitions = 5});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "s", .log = TOPO_LOG_CHANGELOG, .changelog_topic = log});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "p",
            .parents = TOPO_LIST("by"),
            .stores = TOPO_LIST("s"),
            .process = examples_process});
    fixture_check(topo_build(builder, &topology, &error), &error);

    assert_int_equal(
        topo_engine_create_topics(topology, &fixture_options, NULL, &error), MR_NOT_FOUND);
    assert_non_null(strstr(error.text, in));

    int created = -1;
    int32_t count = 0;
    make_topic(in, 3);
    fixture_check(topo_engine_create_topics(topology, &fixture_options, &created, &error), &error);
    assert_int_equal(created, 2);
    fixture_check(topo_kafka_partitions(&fixture_options, by, &count, &error), &error);
    assert_int_equal(count, 5);
    fixture_check(topo_kafka_partitions(&fixture_options, log, &count, &error), &error);
    assert_int_equal(count, 5);
    fixture_check(topo_engine_create_topics(topology, &fixture_options, &created, &error), &error);
    assert_int_equal(created, 0);
    topo_topology_free(topology);
}

int main(void)
{
    fixture_options.brokers = test_brokers();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(word_count_counts),
        cmocka_unit_test(running_total_answers_each_command_once),
        cmocka_unit_test(global_table_enriches),
        cmocka_unit_test(http_store_answers),
        cmocka_unit_test(topics_of_sources_and_sinks_are_created_when_they_say_how_many_partitions),
        cmocka_unit_test(topics_of_a_topology_are_created_with_its_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
