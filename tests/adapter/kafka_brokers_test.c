/*
 * kafka_brokers_test.c - the Kafka adapter on a mock cluster of three brokers, one of which dies:
 * every question ends within its time, and a new leader is heard of at once.
 *
 * The mock cluster is not a judge of exactly-once; whether a call returns it does show.
 */
#include "kafka/kafka_impl.h"

#include <tests/cmocka.h>

#include <librdkafka/rdkafka_mock.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { DEAD = 2, LIVING = 1, PATIENCE_MS = 12000 };

typedef rd_kafka_error_t *init_transactions_fn(rd_kafka_t *rk, int timeout_ms);

static bool late_answer; /* The next init_transactions times out, and is done all the same. */

/* In place of librdkafka's: the adapter is linked with this one. */
rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *rk, int timeout_ms)
{
    init_transactions_fn *real = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "rd_kafka_init_transactions");
    if (!late_answer)
        return real(rk, timeout_ms);
    rd_kafka_error_t *failure = real(rk, 1);
    if (!failure)
        return NULL; /* Faster than its time: the test asks again. */
    late_answer = false;
    rd_kafka_error_t *next = NULL;
    while ((next = real(rk, 5000)) != NULL) {
        assert_true(rd_kafka_error_is_retriable(next));
        rd_kafka_error_destroy(next);
    }
    return failure;
}

struct cluster {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *mock;
    struct topo_kafka_options options;
    struct topo_io io;
};

static void cluster_check(int rc, const struct mr_error *error)
{
    if (rc < 0)
        fail_msg("%s: %s", mr_code_text(rc), error->text);
}

/* Partition 0 of each topic is led by a broker that lives, partition 1 by the one that will die. */
static int set_up(void **state)
{
    static struct cluster cluster;
    static const char *const topics[] = {"in", "out"};
    char text[256];
    struct mr_error error = {0};
    cluster = (struct cluster){0};
    cluster.rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    cluster.mock = rd_kafka_mock_cluster_new(cluster.rk, 3);
    cluster.options.brokers = rd_kafka_mock_cluster_bootstraps(cluster.mock);
    for (size_t i = 0; i < 2; i++) {
        rd_kafka_mock_topic_create(cluster.mock, topics[i], 2, 3);
        rd_kafka_mock_partition_set_leader(cluster.mock, topics[i], 0, LIVING);
        rd_kafka_mock_partition_set_leader(cluster.mock, topics[i], 1, DEAD);
    }
    rd_kafka_mock_coordinator_set(cluster.mock, "transaction", "app-a-0", LIVING);
    const struct topo_io_options options = {"app", "a", 0, true};
    cluster_check(topo_kafka_open(&cluster.options, &options, &cluster.io, &error), &error);
    *state = &cluster;
    return 0;
}

static int tear_down(void **state)
{
    struct cluster *cluster = *state;
    cluster->io.close(cluster->io.self);
    rd_kafka_mock_cluster_destroy(cluster->mock);
    rd_kafka_destroy(cluster->rk);
    return 0;
}

static void kill_broker(struct cluster *cluster)
{
    rd_kafka_mock_broker_set_down(cluster->mock, DEAD);
}

static void move_leaders(struct cluster *cluster)
{
    rd_kafka_mock_partition_set_leader(cluster->mock, "in", 1, LIVING);
    rd_kafka_mock_partition_set_leader(cluster->mock, "out", 1, LIVING);
}

static int ask_ends(struct cluster *cluster, int32_t partition, int64_t *ret_took_ms)
{
    struct mr_error error = {0};
    int64_t low = -1;
    int64_t high = -1;
    int64_t began_ms = kafka_clock_ms();
    int rc = cluster->io.watermarks(
        cluster->io.self, (struct topo_partition){"in", partition}, &low, &high, &error);
    *ret_took_ms = kafka_clock_ms() - began_ms;
    return rc;
}

static void a_question_to_a_dead_broker_ends_within_its_time(void **state)
{
    struct cluster *cluster = *state;
    int64_t took_ms = 0;
    assert_int_equal(ask_ends(cluster, 0, &took_ms), 0);
    assert_int_equal(ask_ends(cluster, 1, &took_ms), 0);
    kill_broker(cluster);
    int rc = ask_ends(cluster, 1, &took_ms);
    assert_int_equal(mr_code_class(rc), MR_CLASS_RETRY);
    assert_true(took_ms < PATIENCE_MS);
    assert_int_equal(ask_ends(cluster, 0, &took_ms), 0);
}

static void a_new_leader_is_heard_of_soon(void **state)
{
    struct cluster *cluster = *state;
    int64_t took_ms = 0;
    int64_t began_ms = 0;
    assert_int_equal(ask_ends(cluster, 1, &took_ms), 0);
    kill_broker(cluster);
    (void)ask_ends(cluster, 1, &took_ms);
    move_leaders(cluster);
    began_ms = kafka_clock_ms();
    while (ask_ends(cluster, 1, &took_ms) != 0)
        if (kafka_clock_ms() - began_ms > PATIENCE_MS)
            fail_msg("the new leader is not known after %d ms", PATIENCE_MS);
}

/* Polls until the end of the partition is known, or is not. */
static bool await_known_end(struct cluster *cluster, int32_t partition, bool known)
{
    struct mr_error error = {0};
    struct topo_io_poll poll;
    int64_t until_ms = kafka_clock_ms() + PATIENCE_MS;
    while (kafka_clock_ms() < until_ms) {
        cluster_check(cluster->io.log_poll(cluster->io.self, 50, &poll, &error), &error);
        int64_t end =
            cluster->io.known_end(cluster->io.self, (struct topo_partition){"in", partition});
        if ((end >= 0) == known)
            return true;
    }
    return false;
}

static void an_end_is_known_only_while_its_leader_answers(void **state)
{
    struct cluster *cluster = *state;
    struct mr_error error = {0};
    for (int32_t p = 0; p < 2; p++) {
        cluster_check(
            cluster->io.log_add(cluster->io.self, (struct topo_partition){"in", p}, 0, &error),
            &error);
        assert_true(await_known_end(cluster, p, true));
    }
    kill_broker(cluster);
    assert_true(await_known_end(cluster, 1, false));
    assert_true(await_known_end(cluster, 0, true)); /* Its leader lives. */
    move_leaders(cluster);
    assert_true(await_known_end(cluster, 1, true));
}

/* Later than one question takes: Kafka takes 9 s and more to replace a leader. */
static void *move_leaders_later(void *argument)
{
    nanosleep(&(struct timespec){.tv_sec = 7}, NULL);
    move_leaders(argument);
    return NULL;
}

static void a_program_that_starts_waits_for_the_new_leader(void **state)
{
    struct cluster *cluster = *state;
    struct mr_error error = {0};
    pthread_t mover;
    int64_t low = -1;
    int64_t high = -1;
    kill_broker(cluster);
    assert_int_equal(pthread_create(&mover, NULL, move_leaders_later, cluster), 0);
    int rc = topo_kafka_watermarks(&cluster->options, "in", 1, &low, &high, &error);
    pthread_join(mover, NULL);
    cluster_check(rc, &error);
    assert_int_equal(high, 0);
}

static void a_program_that_starts_waits_for_a_leader(void **state)
{
    struct cluster *cluster = *state;
    struct mr_error error = {0};
    pthread_t mover;
    int64_t low = -1;
    int64_t high = -1;
    rd_kafka_mock_partition_set_leader(cluster->mock, "in", 1, -1);
    assert_int_equal(pthread_create(&mover, NULL, move_leaders_later, cluster), 0);
    int rc = topo_kafka_watermarks(&cluster->options, "in", 1, &low, &high, &error);
    pthread_join(mover, NULL);
    cluster_check(rc, &error);
    assert_int_equal(high, 0);
}

static void a_close_does_not_wait_for_a_dead_broker(void **state)
{
    struct cluster *cluster = *state;
    int64_t took_ms = 0;
    assert_int_equal(ask_ends(cluster, 1, &took_ms), 0);
    kill_broker(cluster);
    (void)ask_ends(cluster, 1, &took_ms);
    int64_t began_ms = kafka_clock_ms();
    cluster->io.close(cluster->io.self);
    assert_true(kafka_clock_ms() - began_ms < PATIENCE_MS);
    const struct topo_io_options options = {"app", "a", 0, true};
    struct mr_error error = {0};
    cluster_check(topo_kafka_open(&cluster->options, &options, &cluster->io, &error), &error);
}

static void a_producer_whose_start_timed_out_but_was_done_is_used(void **state)
{
    struct cluster *cluster = *state;
    const struct topo_io_options options = {"app", "b", 0, true};
    struct mr_error error = {0};
    late_answer = true;
    for (int i = 0; late_answer && i < 10; i++) {
        struct topo_io io;
        cluster_check(topo_kafka_open(&cluster->options, &options, &io, &error), &error);
        cluster_check(io.init_transactions(io.self, &error), &error);
        io.close(io.self);
    }
    assert_false(late_answer);
}

#define ON_CLUSTER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_CLUSTER(a_question_to_a_dead_broker_ends_within_its_time),
        ON_CLUSTER(a_new_leader_is_heard_of_soon),
        ON_CLUSTER(an_end_is_known_only_while_its_leader_answers),
        ON_CLUSTER(a_program_that_starts_waits_for_the_new_leader),
        ON_CLUSTER(a_program_that_starts_waits_for_a_leader),
        ON_CLUSTER(a_producer_whose_start_timed_out_but_was_done_is_used),
        ON_CLUSTER(a_close_does_not_wait_for_a_dead_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
