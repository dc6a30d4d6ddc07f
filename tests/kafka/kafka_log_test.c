/* kafka_log_test.c - reading logs on a real broker: restore past markers, stable offsets. */
#include "kafka_fixture.h"

#include <base/clock.h>

#include <librdkafka/rdkafka.h>

static char topic[96];
static char application[96];

static int set_up(void **state)
{
    (void)state;
    test_name_unique(topic, sizeof topic, "log");
    test_name_unique(application, sizeof application, "log-app");
    make_topic(topic, 2);
    return 0;
}

static void start_writer(struct topo_io *io)
{
    struct mr_error error = {0};
    open_io(io, application, "w", 0);
    fixture_check(io->init_transactions(io->self, &error), &error);
}

/* A transaction of `count` records; returns after the commit or the abort. */
static void write_records(struct topo_io *io, int count, bool commit)
{
    struct mr_error error = {0};
    const struct topo_partition to = {topic, 0};
    const struct topo_position input = {topic, 1, 1};
    const struct topo_record record = {.key = mr_cstr("k"), .value = mr_cstr("v")};
    fixture_check(io->begin(io->self, &error), &error);
    for (int i = 0; i < count; i++)
        fixture_check(io->produce(io->self, &to, &record, &error), &error);
    fixture_check(io->flush(io->self, &error), &error);
    if (commit)
        fixture_check(io->commit(io->self, &input, 1, &error), &error);
    else
        fixture_check(io->abort(io->self, &error), &error);
}

/* Reads the log to its high watermark; returns the records seen. */
static int restore_log(struct topo_io *io, int64_t from)
{
    struct mr_error error = {0};
    struct topo_io_poll poll;
    const struct topo_partition partition = {topic, 0};
    int64_t low;
    int64_t high;
    int seen = 0;
    fixture_check(io->watermarks(io->self, partition, &low, &high, &error), &error);
    fixture_check(io->log_add(io->self, partition, from, &error), &error);
    for (int waited = 0;
         waited < FIXTURE_DEADLINE_MS && io->log_position(io->self, partition) < high;
         waited += FIXTURE_STEP_MS) {
        fixture_check(io->log_poll(io->self, FIXTURE_STEP_MS, &poll, &error), &error);
        for (size_t i = 0; i < poll.records_count; i++, seen++)
            io->release(io->self, poll.tokens[i]);
    }
    assert_true(io->log_position(io->self, partition) >= high); /* A late marker adds one. */
    return seen;
}

static void a_restore_reaches_the_end_past_markers_and_aborted_records(void **state)
{
    (void)state;
    struct topo_io io;
    start_writer(&io);
    write_records(&io, 10, true);
    write_records(&io, 5, false);
    assert_int_equal(restore_log(&io, 0), 10);
    io.close(io.self);
}

static void a_restore_of_nothing_is_done_at_once(void **state)
{
    (void)state;
    struct topo_io io;
    start_writer(&io);
    assert_int_equal(restore_log(&io, 0), 0);
    write_records(&io, 3, true);
    assert_int_equal(restore_log(&io, 3), 0); /* The marker alone. */
    io.close(io.self);
}

static void a_log_that_was_removed_is_silent_and_begins_again_at_its_offset(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    struct topo_io_poll poll;
    const struct topo_partition partition = {topic, 0};
    start_writer(&io);
    write_records(&io, 10, true);
    restore_log(&io, 0);
    fixture_check(io.log_remove(io.self, partition, &error), &error);
    assert_int_equal(io.log_position(io.self, partition), -1);
    write_records(&io, 10, true);
    for (int i = 0; i < 10; i++) {
        fixture_check(io.log_poll(io.self, FIXTURE_STEP_MS, &poll, &error), &error);
        assert_int_equal(poll.event, TOPO_IO_NOTHING);
    }
    assert_int_equal(restore_log(&io, 5), 15);
    io.close(io.self);
}

static void a_log_follows_what_is_written_later(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    struct topo_io_poll poll;
    int seen = 0;
    start_writer(&io);
    restore_log(&io, 0);
    write_records(&io, 7, true);
    for (int i = 0; i < 500 && seen < 7; i++) {
        fixture_check(io.log_poll(io.self, FIXTURE_STEP_MS, &poll, &error), &error);
        for (size_t j = 0; j < poll.records_count; j++, seen++)
            io.release(io.self, poll.tokens[j]);
    }
    assert_int_equal(seen, 7);
    io.close(io.self);
}

static void an_offset_that_the_log_does_not_have_is_reported(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    struct topo_io_poll poll;
    int code = 0;
    start_writer(&io);
    fixture_check(io.log_add(io.self, (struct topo_partition){topic, 0}, 99, &error), &error);
    for (int i = 0; i < 500 && code == 0; i++)
        code = io.log_poll(io.self, FIXTURE_STEP_MS, &poll, &error);
    assert_int_equal(code, MR_NOT_FOUND);
    assert_non_null(strstr(error.text, topic));
    io.close(io.self);
}

/* Another program's producer that has sent the group's offsets and not committed. */
static rd_kafka_t *hang_with_offsets(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", fixture_options.brokers, text, sizeof text);
    rd_kafka_conf_set(conf, "transactional.id", application, text, sizeof text);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    assert_non_null(rk);
    assert_null(rd_kafka_init_transactions(rk, FIXTURE_DEADLINE_MS));
    assert_null(rd_kafka_begin_transaction(rk));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = 5;
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(application);
    assert_null(rd_kafka_send_offsets_to_transaction(rk, list, group, FIXTURE_DEADLINE_MS));
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    return rk;
}

static void await_committed(struct topo_io *io, int64_t wanted)
{
    struct mr_error error = {0};
    const struct topo_partition partition = {topic, 0};
    int64_t offset = -7;
    int code = MR_AGAIN;
    for (int i = 0; i < 20 && code == MR_AGAIN; i++)
        code = io->committed(io->self, &partition, 1, &offset, &error);
    fixture_check(code, &error);
    assert_int_equal(offset, wanted);
}

static void offsets_in_an_open_transaction_are_not_returned_yet(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    const struct topo_partition partition = {topic, 0};
    int64_t offset = -7;
    start_writer(&io);
    rd_kafka_t *rk = hang_with_offsets();
    assert_int_equal(io.committed(io.self, &partition, 1, &offset, &error), MR_AGAIN);
    assert_int_equal(offset, -7);
    assert_null(rd_kafka_commit_transaction(rk, FIXTURE_DEADLINE_MS));
    await_committed(&io, 5);
    rd_kafka_destroy(rk);
    io.close(io.self);
}

/* A transaction of ours is aborted meanwhile, so that its marker ends what we have left behind. */
static void offsets_that_stay_unfinished_are_cleared_and_no_others_are_lost(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    const struct topo_partition partition = {topic, 0};
    const struct topo_position next = {topic, 0, 6};
    int64_t offset = -7;
    start_writer(&io);
    rd_kafka_t *rk = hang_with_offsets();
    int64_t until_ms = mr_monotonic_ms() + 33 * 1000;
    while (mr_monotonic_ms() < until_ms)
        assert_int_equal(io.committed(io.self, &partition, 1, &offset, &error), MR_AGAIN);
    assert_null(rd_kafka_commit_transaction(rk, FIXTURE_DEADLINE_MS));
    await_committed(&io, 5);
    fixture_check(io.begin(io.self, &error), &error);
    fixture_check(io.commit(io.self, &next, 1, &error), &error);
    rd_kafka_destroy(rk);
    io.close(io.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_restore_reaches_the_end_past_markers_and_aborted_records, set_up),
        cmocka_unit_test_setup(a_restore_of_nothing_is_done_at_once, set_up),
        cmocka_unit_test_setup(
            a_log_that_was_removed_is_silent_and_begins_again_at_its_offset, set_up),
        cmocka_unit_test_setup(a_log_follows_what_is_written_later, set_up),
        cmocka_unit_test_setup(an_offset_that_the_log_does_not_have_is_reported, set_up),
        cmocka_unit_test_setup(offsets_in_an_open_transaction_are_not_returned_yet, set_up),
        cmocka_unit_test_setup(
            offsets_that_stay_unfinished_are_cleared_and_no_others_are_lost, set_up),
    };
    fixture_options.brokers = test_brokers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
