/* kafka_txn_test.c - exactly-once on a real broker: visibility, offsets, fencing, latency. */
#include "kafka_fixture.h"

#include <time.h>

static char topic_in[96];
static char topic_out[96];
static char application[96];

static int set_up(void **state)
{
    (void)state;
    test_name_unique(topic_in, sizeof topic_in, "txn-in");
    test_name_unique(topic_out, sizeof topic_out, "txn-out");
    test_name_unique(application, sizeof application, "txn-app");
    make_topic(topic_in, 1);
    make_topic(topic_out, 1);
    return 0;
}

/* A member that owns the input's only partition, its producer ready. */
static void start_io(struct topo_io *io, const char *instance)
{
    struct mr_error error = {0};
    const char *topics[] = {topic_in};
    open_io(io, application, instance, 0);
    fixture_check(io->init_transactions(io->self, &error), &error);
    fixture_check(io->subscribe(io->self, topics, 1, &error), &error);
    struct topo_io_poll poll = await_event(io);
    assert_int_equal(poll.event, TOPO_IO_ASSIGNED);
    assert_int_equal(poll.partitions_count, 1);
    assert_ptr_equal(poll.partitions[0].topic, topic_in);
}

static void produce_value(struct topo_io *io, const char *value)
{
    struct mr_error error = {0};
    const struct topo_partition to = {topic_out, 0};
    const struct topo_record record = {.key = mr_cstr("k"), .value = mr_cstr(value)};
    fixture_check(io->produce(io->self, &to, &record, &error), &error);
}

static int commit_offset(struct topo_io *io, int64_t next_offset, struct mr_error *error)
{
    const struct topo_position input = {topic_in, 0, next_offset};
    return io->commit(io->self, &input, 1, error);
}

static int64_t committed_offset(struct topo_io *io)
{
    struct mr_error error = {0};
    const struct topo_partition partition = {topic_in, 0};
    int64_t offset = -2;
    int code = MR_AGAIN;
    for (int i = 0; i < 20 && code == MR_AGAIN; i++)
        code = io->committed(io->self, &partition, 1, &offset, &error);
    fixture_check(code, &error);
    return offset;
}

static void outputs_are_seen_after_the_commit_and_not_before(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    int64_t low;
    int64_t high;
    int last = -1;
    start_io(&io, "a");
    assert_int_equal(committed_offset(&io), -1);
    fixture_check(io.begin(io.self, &error), &error);
    produce_value(&io, "7");
    fixture_check(io.flush(io.self, &error), &error);
    assert_int_equal(io.last_offset(io.self, (struct topo_partition){topic_out, 0}), 0);
    fixture_check(
        io.watermarks(io.self, (struct topo_partition){topic_out, 0}, &low, &high, &error), &error);
    assert_int_equal(high, 1); /* Open transactions count. */
    struct topo_kafka_reader *reader;
    const struct topo_record *records;
    fixture_check(topo_kafka_reader_new(&fixture_options, &reader, &error), &error);
    fixture_check(topo_kafka_reader_add(reader, topic_out, 0, TOPO_KAFKA_BEGIN, &error), &error);
    assert_int_equal(topo_kafka_reader_poll(reader, 300, &records, &error), 0);
    assert_false(topo_kafka_reader_at_end(reader, topic_out, 0));
    topo_kafka_reader_free(reader);
    fixture_check(commit_offset(&io, 42, &error), &error);
    assert_int_equal(count_committed(topic_out, 0, &last), 1);
    assert_int_equal(last, 7);
    assert_int_equal(committed_offset(&io), 42);
    io.close(io.self);
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    start_io(&io, "a");
    fixture_check(io.begin(io.self, &error), &error);
    produce_value(&io, "1");
    fixture_check(io.flush(io.self, &error), &error);
    fixture_check(io.abort(io.self, &error), &error);
    assert_int_equal(count_committed(topic_out, 0, NULL), 0);
    assert_int_equal(committed_offset(&io), -1);
    fixture_check(io.begin(io.self, &error), &error);
    assert_int_equal(io.last_offset(io.self, (struct topo_partition){topic_out, 0}), -1);
    produce_value(&io, "2");
    fixture_check(commit_offset(&io, 3, &error), &error);
    assert_int_equal(count_committed(topic_out, 0, NULL), 1);
    io.close(io.self);
}

static void the_last_offset_is_that_of_the_last_record(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    start_io(&io, "a");
    fixture_check(io.begin(io.self, &error), &error);
    for (int i = 0; i < 2000; i++)
        produce_value(&io, "1");
    fixture_check(io.flush(io.self, &error), &error);
    assert_int_equal(io.last_offset(io.self, (struct topo_partition){topic_out, 0}), 1999);
    assert_int_equal(io.last_offset(io.self, (struct topo_partition){topic_in, 0}), -1);
    fixture_check(commit_offset(&io, 1, &error), &error);
    io.close(io.self);
}

/* A transaction leaves a marker at the end of the log: nobody gets to read it, so it is nobody's
 * lag. */
static void a_marker_at_the_end_is_not_behind_anybody(void **state)
{
    (void)state;
    struct topo_io writer;
    struct topo_io reader;
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    struct mr_error error = {0};
    const char *topics[] = {topic_out};
    const struct topo_partition out = {topic_out, 0};
    char other[112];
    int64_t end = -1;
    start_io(&writer, "a");
    (void)snprintf(other, sizeof other, "%s-reader", application);
    open_io(&reader, other, "r", 0);
    fixture_check(reader.subscribe(reader.self, topics, 1, &error), &error);
    assert_int_equal(await_event(&reader).event, TOPO_IO_ASSIGNED);
    fixture_check(reader.seek(reader.self, out, 0, &error), &error);
    fixture_check(writer.begin(writer.self, &error), &error);
    produce_value(&writer, "1");
    fixture_check(commit_offset(&writer, 1, &error), &error);
    poll = await_event(&reader);
    assert_int_equal(poll.event, TOPO_IO_RECORDS);
    reader.release(reader.self, poll.tokens[0]);
    for (int waited = 0; waited < FIXTURE_DEADLINE_MS && end != 1; waited += FIXTURE_STEP_MS) {
        fixture_check(reader.poll(reader.self, FIXTURE_STEP_MS, &poll, &error), &error);
        assert_int_equal(poll.event, TOPO_IO_NOTHING);
        end = reader.known_end(reader.self, out);
    }
    assert_int_equal(end, 1);
    fixture_check(reader.seek(reader.self, out, 0, &error), &error);
    assert_int_equal(reader.known_end(reader.self, out), 2); /* Not passed again yet. */
    reader.close(reader.self);
    writer.close(writer.self);
}

static void a_second_io_of_the_same_name_fences_the_first(void **state)
{
    (void)state;
    struct topo_io first;
    struct topo_io second;
    struct mr_error error = {0};
    start_io(&first, "a");
    fixture_check(first.begin(first.self, &error), &error);
    produce_value(&first, "1");
    fixture_check(first.flush(first.self, &error), &error);
    start_io(&second, "a");
    assert_int_equal(commit_offset(&first, 1, &error), MR_FENCED);
    assert_int_equal(first.abort(first.self, &error), MR_FENCED);
    /* Its membership is gone as well. */
    struct topo_io_poll poll;
    int code = 0;
    for (int i = 0; i < 500 && code == 0; i++)
        code = first.poll(first.self, FIXTURE_STEP_MS, &poll, &error);
    assert_int_equal(code, MR_FENCED);
    assert_int_equal(count_committed(topic_out, 0, NULL), 0);
    fixture_check(second.begin(second.self, &error), &error);
    produce_value(&second, "2");
    fixture_check(commit_offset(&second, 1, &error), &error);
    assert_int_equal(count_committed(topic_out, 0, NULL), 1);
    first.close(first.self);
    second.close(second.self);
}

/* The first dies in a transaction of the one producer or the other; the second must find what it
 * wrote aborted, both lanes free, and the offsets where it foresees them. */
static void a_second_io_takes_over_whichever_producer_is_in_turn(void **state)
{
    (void)state;
    struct mr_error error = {0};
    const struct topo_partition to = {topic_out, 0};
    int64_t low = 0;
    int64_t next = 0;
    int committed = 0;
    for (int turn = 0; turn < 4; turn++) {
        struct topo_io first;
        struct topo_io second;
        start_io(&first, "a");
        for (int i = 0; i <= turn; i++) {
            fixture_check(first.begin(first.self, &error), &error);
            produce_value(&first, "1");
            fixture_check(first.flush(first.self, &error), &error);
            if (i < turn)
                fixture_check(commit_offset(&first, ++committed, &error), &error);
        }
        start_io(&second, "a");
        assert_int_equal(commit_offset(&first, 1, &error), MR_FENCED);
        assert_int_equal(committed_offset(&second), committed > 0 ? committed : -1);
        assert_int_equal(count_committed(topic_out, 0, NULL), committed);
        fixture_check(second.watermarks(second.self, to, &low, &next, &error), &error);
        for (int i = 0; i < 3; i++) {
            fixture_check(second.begin(second.self, &error), &error);
            produce_value(&second, "2");
            fixture_check(second.flush(second.self, &error), &error);
            assert_int_equal(second.last_offset(second.self, to), next);
            next += 2;
            fixture_check(commit_offset(&second, ++committed, &error), &error);
        }
        first.close(first.self);
        second.close(second.self);
    }
    assert_int_equal(count_committed(topic_out, 0, NULL), committed);
}

static void a_record_that_is_too_large_is_refused_and_the_rest_commits(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    static char large[2000000];
    const struct topo_partition to = {topic_out, 0};
    const struct topo_record record = {.value = mr_bytes_of(large, sizeof large)};
    start_io(&io, "a");
    fixture_check(io.begin(io.self, &error), &error);
    assert_int_equal(io.produce(io.self, &to, &record, &error), MR_TOO_LARGE);
    produce_value(&io, "1");
    fixture_check(commit_offset(&io, 1, &error), &error);
    assert_int_equal(count_committed(topic_out, 0, NULL), 1);
    io.close(io.self);
}

/* The topic takes less than the client: it shows in the delivery only. */
static void a_record_that_its_topic_finds_too_large_is_reported_by_the_flush(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    char topic[64];
    char value[4000];
    uint32_t noise = 1; /* Batches are compressed, and this cannot be. */
    for (size_t i = 0; i < sizeof value; i++) {
        noise = noise * 1664525 + 1013904223;
        value[i] = (char)(noise >> 24);
    }
    snprintf(topic, sizeof topic, "%.40s-small", topic_out);
    const struct topo_kafka_topic small = {
        .name = topic,
        .partitions = 1,
        .configs = (const char *const[]){"max.message.bytes=1000", NULL},
    };
    fixture_check(topo_kafka_create_topics(&fixture_options, &small, 1, NULL, &error), &error);
    const struct topo_partition to = {topic, 0};
    const struct topo_record record = {.value = mr_bytes_of(value, sizeof value)};
    start_io(&io, "a");
    fixture_check(io.begin(io.self, &error), &error);
    produce_value(&io, "1");
    fixture_check(io.produce(io.self, &to, &record, &error), &error);
    assert_int_equal(io.flush(io.self, &error), MR_TOO_LARGE);
    fixture_check(io.abort(io.self, &error), &error);
    fixture_check(io.begin(io.self, &error), &error);
    produce_value(&io, "2");
    fixture_check(commit_offset(&io, 1, &error), &error);
    assert_int_equal(count_committed(topic_out, 0, NULL), 1);
    io.close(io.self);
}

static void offsets_can_be_foreseen_from_transaction_to_transaction(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    const struct topo_partition to = {topic_out, 0};
    int64_t low;
    int64_t high;
    int64_t next = 0;
    start_io(&io, "a");
    for (int i = 0; i < 100; i++) {
        fixture_check(io.begin(io.self, &error), &error);
        produce_value(&io, "1");
        fixture_check(io.flush(io.self, &error), &error);
        assert_int_equal(io.last_offset(io.self, to), next);
        next += 2; /* The record and the marker. */
        if (i % 10 == 9) {
            fixture_check(io.abort(io.self, &error), &error);
            fixture_check(io.watermarks(io.self, to, &low, &high, &error), &error);
            assert_int_equal(high, next);
        } else {
            fixture_check(commit_offset(&io, i + 1, &error), &error);
        }
    }
    io.close(io.self);
}

/* Printed, not asserted: a figure belongs to its machine. */
static void a_transaction_of_one_record_takes(void **state)
{
    (void)state;
    enum { ROUNDS = 200 };
    struct topo_io io;
    struct mr_error error = {0};
    struct timespec begin;
    struct timespec end;
    start_io(&io, "a");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < ROUNDS; i++) {
        fixture_check(io.begin(io.self, &error), &error);
        produce_value(&io, "1");
        fixture_check(io.flush(io.self, &error), &error);
        fixture_check(commit_offset(&io, i + 1, &error), &error);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ms =
        (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
    print_message("one-record transaction: %.2f ms\n", ms / ROUNDS);
    assert_int_equal(count_committed(topic_out, 0, NULL), ROUNDS);
    io.close(io.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(outputs_are_seen_after_the_commit_and_not_before, set_up),
        cmocka_unit_test_setup(an_aborted_transaction_leaves_nothing, set_up),
        cmocka_unit_test_setup(the_last_offset_is_that_of_the_last_record, set_up),
        cmocka_unit_test_setup(a_marker_at_the_end_is_not_behind_anybody, set_up),
        cmocka_unit_test_setup(a_second_io_of_the_same_name_fences_the_first, set_up),
        cmocka_unit_test_setup(a_second_io_takes_over_whichever_producer_is_in_turn, set_up),
        cmocka_unit_test_setup(a_record_that_is_too_large_is_refused_and_the_rest_commits, set_up),
        cmocka_unit_test_setup(
            a_record_that_its_topic_finds_too_large_is_reported_by_the_flush, set_up),
        cmocka_unit_test_setup(offsets_can_be_foreseen_from_transaction_to_transaction, set_up),
        cmocka_unit_test_setup(a_transaction_of_one_record_takes, set_up),
    };
    fixture_options.brokers = test_brokers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
