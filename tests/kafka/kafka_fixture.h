/* kafka_fixture.h - what the tests on a real broker share: topics, an io that is ready, reading. */
#ifndef TESTS_KAFKA_FIXTURE_H
#define TESTS_KAFKA_FIXTURE_H

#include <tests/broker.h>
#include <tests/cmocka.h>

#include <topology/client.h>

#include <string.h>

enum { FIXTURE_DEADLINE_MS = 30000, FIXTURE_STEP_MS = 20 };

static struct topo_kafka_options fixture_options = {.client_id = "test"};

/* Fails the test with the library's message. */
static inline void fixture_check(int code, const struct mr_error *error)
{
    if (code < 0)
        fail_msg("%s: %s", mr_code_text(code), error->text);
}

static inline void make_topic(const char *name, int32_t partitions)
{
    struct mr_error error = {0};
    const struct topo_kafka_topic topic = {.name = name, .partitions = partitions};
    fixture_check(topo_kafka_create_topics(&fixture_options, &topic, 1, NULL, &error), &error);
}

static inline void
open_io(struct topo_io *io, const char *application, const char *instance, int worker)
{
    struct mr_error error = {0};
    const struct topo_io_options options = {application, instance, worker, true};
    fixture_check(topo_kafka_open(&fixture_options, &options, io, &error), &error);
}

static inline struct topo_output text_record(const char *key, const char *value)
{
    return (struct topo_output){.key = mr_cstr(key), .value = mr_cstr(value), .partition = -1};
}

/* `count` records "0", "1", ... into the partition, delivered. */
static inline void fixture_feed(const char *topic, int32_t partition, int first, int count)
{
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    char value[16];
    fixture_check(topo_kafka_producer_new(&fixture_options, 1, &producer, &error), &error);
    for (int i = first; i < first + count; i++) {
        snprintf(value, sizeof value, "%d", i);
        struct topo_output record = text_record("key", value);
        fixture_check(
            topo_kafka_produce(producer, topic, partition, &record, NULL, NULL, &error), &error);
    }
    fixture_check(topo_kafka_flush(producer, FIXTURE_DEADLINE_MS, &error), &error);
    topo_kafka_producer_free(producer);
}

/* Polls until an event that is not "nothing" comes. */
static inline struct topo_io_poll await_event(struct topo_io *io)
{
    struct mr_error error = {0};
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    for (int waited = 0; waited < FIXTURE_DEADLINE_MS && poll.event == TOPO_IO_NOTHING;
         waited += FIXTURE_STEP_MS)
        fixture_check(io->poll(io->self, FIXTURE_STEP_MS, &poll, &error), &error);
    return poll;
}

/* Reads the partition from its start to where it ends now; returns the number of committed records
 * and, when asked, the last one's value as a number. */
static inline int count_committed(const char *topic, int32_t partition, int *ret_last)
{
    struct mr_error error = {0};
    struct topo_kafka_reader *reader;
    const struct topo_record *records;
    int total = 0;
    fixture_check(topo_kafka_reader_new(&fixture_options, &reader, &error), &error);
    fixture_check(
        topo_kafka_reader_add(reader, topic, partition, TOPO_KAFKA_BEGIN, &error), &error);
    for (int waited = 0;
         waited < FIXTURE_DEADLINE_MS && !topo_kafka_reader_at_end(reader, topic, partition);
         waited += FIXTURE_STEP_MS) {
        int count = topo_kafka_reader_poll(reader, FIXTURE_STEP_MS, &records, &error);
        fixture_check(count, &error);
        if (count > 0 && ret_last)
            *ret_last = (int)strtol(records[count - 1].value.ptr, NULL, 10);
        total += count;
    }
    assert_true(topo_kafka_reader_at_end(reader, topic, partition));
    topo_kafka_reader_free(reader);
    return total;
}

#endif
