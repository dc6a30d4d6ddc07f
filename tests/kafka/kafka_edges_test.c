/*
 * kafka_edges_test.c - what programs at the edge use, on a real broker: producer, reader, topics.
 */
#include "kafka_fixture.h"

#include <base/murmur2.h>

#include <stdatomic.h>
#include <stdlib.h>

static char topic[96];

static int set_up(void **state)
{
    (void)state;
    test_name_unique(topic, sizeof topic, "edges");
    return 0;
}

static void topics_are_made_once_with_their_settings(void **state)
{
    (void)state;
    char other[96];
    struct mr_error error = {0};
    const char *const configs[] = {"cleanup.policy=compact", "segment.bytes=1048576", NULL};
    struct topo_kafka_topic topics[2] = {
        {.name = topic, .partitions = 3, .configs = configs},
        {.name = test_name_unique(other, sizeof other, "edges"), .partitions = 1},
    };
    int created = -1;
    int32_t count = -1;
    fixture_check(topo_kafka_partitions(&fixture_options, topic, &count, &error), &error);
    assert_int_equal(count, 0);
    fixture_check(topo_kafka_create_topics(&fixture_options, topics, 1, &created, &error), &error);
    assert_int_equal(created, 1);
    fixture_check(topo_kafka_create_topics(&fixture_options, topics, 2, &created, &error), &error);
    assert_int_equal(created, 1);
    fixture_check(topo_kafka_create_topics(&fixture_options, topics, 2, &created, &error), &error);
    assert_int_equal(created, 0);
    fixture_check(topo_kafka_partitions(&fixture_options, topic, &count, &error), &error);
    assert_int_equal(count, 3);
}

static void another_partition_count_is_a_conflict_that_names_both(void **state)
{
    (void)state;
    struct mr_error error = {0};
    make_topic(topic, 2);
    const struct topo_kafka_topic wanted = {.name = topic, .partitions = 5};
    assert_int_equal(
        topo_kafka_create_topics(&fixture_options, &wanted, 1, NULL, &error), MR_CONFLICT);
    assert_non_null(strstr(error.text, topic));
    assert_non_null(strstr(error.text, "2"));
    assert_non_null(strstr(error.text, "5"));
}

static void a_setting_the_broker_refuses_is_reported(void **state)
{
    (void)state;
    struct mr_error error = {0};
    const char *const configs[] = {"cleanup.policy=nonsense", NULL};
    const struct topo_kafka_topic wanted = {.name = topic, .partitions = 1, .configs = configs};
    assert_int_equal(
        topo_kafka_create_topics(&fixture_options, &wanted, 1, NULL, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "cleanup.policy"));
}

/* The broker's value of the setting, and whether to alter it. */
struct seen {
    char value[64];
    int asked;
    bool alters;
};

static bool
may_alter(void *user, const char *name, const char *setting, const char *value, const char *wanted)
{
    struct seen *seen = user;
    assert_string_equal(name, topic);
    assert_string_equal(setting, "retention.ms");
    assert_string_equal(wanted, "7000");
    snprintf(seen->value, sizeof seen->value, "%s", value);
    seen->asked++;
    return seen->alters;
}

static struct seen settle_retention(const char *retention, bool alters)
{
    struct mr_error error = {0};
    struct seen seen = {.alters = alters};
    const char *const configs[] = {retention, "segment.bytes=1048576", NULL};
    const struct topo_kafka_topic wanted = {.name = topic, .partitions = 1, .configs = configs};
    fixture_check(
        topo_kafka_settle_topics(&fixture_options, &wanted, 1, may_alter, &seen, &error), &error);
    return seen;
}

static void a_setting_is_altered_when_that_is_wanted_and_the_others_stay(void **state)
{
    (void)state;
    struct mr_error error = {0};
    const char *const configs[] = {"retention.ms=5000", "segment.bytes=1048576", NULL};
    const struct topo_kafka_topic made = {.name = topic, .partitions = 1, .configs = configs};
    fixture_check(topo_kafka_create_topics(&fixture_options, &made, 1, NULL, &error), &error);
    struct seen seen = settle_retention("retention.ms=7000", false);
    assert_int_equal(seen.asked, 1);
    assert_string_equal(seen.value, "5000");
    seen = settle_retention("retention.ms=7000", true);
    assert_string_equal(seen.value, "5000");
    /* Not asked again of this one, nor of the one that was never to change. */
    assert_int_equal(settle_retention("retention.ms=7000", true).asked, 0);
}

static void ends_are_returned_of_every_partition(void **state)
{
    (void)state;
    char other[96];
    struct mr_error error = {0};
    struct topo_kafka_end *ends;
    size_t count;
    make_topic(topic, 2);
    make_topic(test_name_unique(other, sizeof other, "edges"), 1);
    fixture_feed(topic, 1, 0, 3);
    const char *const topics[] = {topic, "no-such-topic", other};
    fixture_check(topo_kafka_ends(&fixture_options, topics, 3, &ends, &count, &error), &error);
    assert_int_equal(count, 3);
    assert_string_equal(ends[1].topic, topic);
    assert_int_equal(ends[1].partition, 1);
    assert_int_equal(ends[0].offset, 0);
    assert_int_equal(ends[1].offset, 3);
    assert_string_equal(ends[2].topic, other);
    assert_int_equal(ends[2].offset, 0);
    free(ends);
}

static void a_broker_that_answers_answers_the_ping(void **state)
{
    (void)state;
    struct mr_error error = {0};
    fixture_check(topo_kafka_ping(&fixture_options, 5000, &error), &error);
}

struct delivered {
    atomic_int count;
    atomic_int failed;
    _Atomic int64_t last_offset;
    atomic_int partition;
};

static void on_delivered(void *user, int code, int32_t partition, int64_t offset)
{
    struct delivered *delivered = user;
    if (code != 0)
        atomic_fetch_add(&delivered->failed, 1);
    atomic_store(&delivered->last_offset, offset);
    atomic_store(&delivered->partition, partition);
    atomic_fetch_add(&delivered->count, 1);
}

static void records_come_back_as_they_were_sent(void **state)
{
    (void)state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    struct topo_kafka_reader *reader;
    struct delivered delivered = {0};
    const struct topo_record *records;
    const struct topo_header headers[] = {
        {mr_cstr("first"), mr_cstr("1")},
        {mr_cstr("empty"), mr_bytes_of("", 0)},
        {mr_cstr("first"), mr_bytes_of("\0x", 2)},
    };
    struct topo_output output = text_record("customer-1", "hello");
    output.headers = headers;
    output.headers_count = 3;
    output.timestamp_ms = 1234567890123;
    make_topic(topic, 1);
    fixture_check(topo_kafka_producer_new(&fixture_options, 0, &producer, &error), &error);
    fixture_check(
        topo_kafka_produce(producer, topic, -1, &output, on_delivered, &delivered, &error), &error);
    output = (struct topo_output){.key = mr_cstr("gone")}; /* A tombstone without headers. */
    fixture_check(
        topo_kafka_produce(producer, topic, -1, &output, on_delivered, &delivered, &error), &error);
    fixture_check(topo_kafka_flush(producer, FIXTURE_DEADLINE_MS, &error), &error);
    assert_int_equal(atomic_load(&delivered.count), 2);
    assert_int_equal(atomic_load(&delivered.failed), 0);
    assert_int_equal(atomic_load(&delivered.last_offset), 1);
    fixture_check(topo_kafka_reader_new(&fixture_options, &reader, &error), &error);
    fixture_check(topo_kafka_reader_add(reader, topic, 0, TOPO_KAFKA_BEGIN, &error), &error);
    int count = 0;
    for (int i = 0; i < 500 && count == 0; i++)
        count = topo_kafka_reader_poll(reader, FIXTURE_STEP_MS, &records, &error);
    assert_int_equal(count, 2);
    assert_int_equal(records[0].timestamp_ms, 1234567890123);
    assert_true(mr_bytes_equal(records[0].key, mr_cstr("customer-1")));
    assert_true(mr_bytes_equal(records[0].value, mr_cstr("hello")));
    assert_int_equal(records[0].headers_count, 3);
    assert_true(mr_bytes_equal(records[0].headers[1].value, mr_bytes_of("", 0)));
    assert_true(mr_bytes_equal(topo_record_header(&records[0], "first"), mr_bytes_of("\0x", 2)));
    assert_null(records[1].value.ptr);
    assert_int_equal(records[1].headers_count, 0);
    assert_true(topo_kafka_reader_at_end(reader, topic, 0));
    topo_kafka_reader_free(reader);
    topo_kafka_producer_free(producer);
}

static void keys_land_where_murmur2_says(void **state)
{
    (void)state;
    enum { PARTITIONS = 6, KEYS = 50 };
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    char key[16];
    make_topic(topic, PARTITIONS);
    fixture_check(topo_kafka_producer_new(&fixture_options, 0, &producer, &error), &error);
    for (int i = 0; i < KEYS; i++) {
        struct delivered delivered = {0};
        snprintf(key, sizeof key, "sku-%d", i);
        struct topo_output record = text_record(key, "v");
        fixture_check(
            topo_kafka_produce(producer, topic, -1, &record, on_delivered, &delivered, &error),
            &error);
        fixture_check(topo_kafka_flush(producer, FIXTURE_DEADLINE_MS, &error), &error);
        assert_int_equal(
            atomic_load(&delivered.partition), mr_partition_of(mr_cstr(key), PARTITIONS));
    }
    topo_kafka_producer_free(producer);
}

static void a_reader_at_the_end_sees_what_comes_later_only(void **state)
{
    (void)state;
    struct mr_error error = {0};
    struct topo_kafka_reader *reader;
    const struct topo_record *records;
    int64_t low;
    int64_t high;
    int count = 0;
    make_topic(topic, 1);
    fixture_feed(topic, 0, 0, 100);
    fixture_check(topo_kafka_watermarks(&fixture_options, topic, 0, &low, &high, &error), &error);
    assert_int_equal(low, 0);
    assert_int_equal(high, 100);
    fixture_check(topo_kafka_reader_new(&fixture_options, &reader, &error), &error);
    fixture_check(topo_kafka_reader_add(reader, topic, 0, TOPO_KAFKA_END, &error), &error);
    assert_true(topo_kafka_reader_at_end(reader, topic, 0));
    assert_int_equal(topo_kafka_reader_poll(reader, 200, &records, &error), 0);
    fixture_feed(topic, 0, 100, 1);
    for (int i = 0; i < 500 && count == 0; i++)
        count = topo_kafka_reader_poll(reader, FIXTURE_STEP_MS, &records, &error);
    assert_int_equal(count, 1);
    assert_int_equal(records[0].offset, 100);
    topo_kafka_reader_free(reader);
}

static void a_topic_that_is_not_there_fails_the_delivery(void **state)
{
    (void)state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    struct delivered delivered = {0};
    struct topo_output record = text_record("k", "v");
    const char *const properties[] = {"message.timeout.ms=2000", NULL};
    fixture_options.properties = properties;
    fixture_check(topo_kafka_producer_new(&fixture_options, 0, &producer, &error), &error);
    fixture_options.properties = NULL;
    int code = topo_kafka_produce(producer, topic, -1, &record, on_delivered, &delivered, &error);
    if (code == 0) {
        topo_kafka_producer_free(producer);
        assert_int_equal(atomic_load(&delivered.count), 1);
        assert_int_equal(atomic_load(&delivered.failed), 1);
    } else {
        assert_int_equal(code, MR_NOT_FOUND);
        topo_kafka_producer_free(producer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(topics_are_made_once_with_their_settings, set_up),
        cmocka_unit_test_setup(another_partition_count_is_a_conflict_that_names_both, set_up),
        cmocka_unit_test_setup(a_setting_the_broker_refuses_is_reported, set_up),
        cmocka_unit_test_setup(
            a_setting_is_altered_when_that_is_wanted_and_the_others_stay, set_up),
        cmocka_unit_test_setup(ends_are_returned_of_every_partition, set_up),
        cmocka_unit_test_setup(a_broker_that_answers_answers_the_ping, set_up),
        cmocka_unit_test_setup(records_come_back_as_they_were_sent, set_up),
        cmocka_unit_test_setup(keys_land_where_murmur2_says, set_up),
        cmocka_unit_test_setup(a_reader_at_the_end_sees_what_comes_later_only, set_up),
        cmocka_unit_test_setup(a_topic_that_is_not_there_fails_the_delivery, set_up),
    };
    fixture_options.brokers = test_brokers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
