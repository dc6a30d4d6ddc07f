/* kafka_reader.c - reading partitions by hand, for programs: the log fetcher with its ends. */
#include "kafka_impl.h"

#include <base/alloc.h>

#include <stdlib.h>

struct end {
    char *topic;
    int32_t partition;
    int64_t high; /* When the partition was added. */
};

struct topo_kafka_reader {
    struct kafka_fetcher *fetcher;
    struct kafka_client query;
    struct end **ends; /* Stable addresses: the fetcher borrows the names. */
    size_t ends_count;
    size_t ends_capacity;
    void **held; /* Tokens of the last poll. */
    size_t held_count;
    size_t held_capacity;
};

int topo_kafka_reader_new(
    const struct topo_kafka_options *options,
    struct topo_kafka_reader **ret_reader,
    struct mr_error *error)
{
    struct topo_kafka_reader *reader = mr_calloc(1, sizeof *reader);
    int rc = kafka_client_open_query(&reader->query, options, error);
    if (rc == 0)
        rc = kafka_fetcher_new(options, KAFKA_FETCH_LOG, &reader->fetcher, error);
    if (rc) {
        topo_kafka_reader_free(reader);
        return rc;
    }
    *ret_reader = reader;
    return 0;
}

void topo_kafka_reader_free(struct topo_kafka_reader *reader)
{
    if (!reader)
        return;
    kafka_fetcher_free(reader->fetcher);
    kafka_client_close(&reader->query);
    for (size_t i = 0; i < reader->ends_count; i++) {
        free(reader->ends[i]->topic);
        free(reader->ends[i]);
    }
    free(reader->ends);
    free(reader->held);
    free(reader);
}

static struct end *
reader_find(struct topo_kafka_reader *reader, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < reader->ends_count; i++)
        if (reader->ends[i]->partition == partition && strcmp(reader->ends[i]->topic, topic) == 0)
            return reader->ends[i];
    return NULL;
}

static struct end *
reader_add(struct topo_kafka_reader *reader, const char *topic, int32_t partition)
{
    struct end *end = mr_calloc(1, sizeof *end);
    end->topic = mr_strdup(topic);
    end->partition = partition;
    reader->ends =
        mr_grow(reader->ends, reader->ends_count, &reader->ends_capacity, sizeof *reader->ends);
    reader->ends[reader->ends_count++] = end;
    return end;
}

int topo_kafka_reader_add(
    struct topo_kafka_reader *reader,
    const char *topic,
    int32_t partition,
    int64_t offset,
    struct mr_error *error)
{
    int64_t low;
    int64_t high;
    int rc = kafka_query_settled_watermarks(
        &reader->query, (struct topo_partition){topic, partition}, &low, &high, error);
    if (rc)
        return rc;
    struct end *end = reader_find(reader, topic, partition);
    if (!end)
        end = reader_add(reader, topic, partition);
    end->high = high;
    /* Its ends as numbers: where it begins is then known before the first record. */
    if (offset == TOPO_KAFKA_BEGIN)
        offset = low;
    else if (offset == TOPO_KAFKA_END)
        offset = high;
    return kafka_fetcher_seek(
        reader->fetcher, (struct topo_partition){end->topic, partition}, offset, error);
}

int topo_kafka_reader_poll(
    struct topo_kafka_reader *reader,
    int timeout_ms,
    const struct topo_record **ret_records,
    struct mr_error *error)
{
    struct topo_io_poll poll;
    while (reader->held_count > 0)
        kafka_token_release(reader->held[--reader->held_count]);
    int rc = kafka_fetcher_poll(reader->fetcher, timeout_ms, &poll, error);
    if (rc)
        return rc;
    for (size_t i = 0; i < poll.records_count; i++) {
        reader->held =
            mr_grow(reader->held, reader->held_count, &reader->held_capacity, sizeof *reader->held);
        reader->held[reader->held_count++] = poll.tokens[i];
    }
    *ret_records = poll.records;
    return (int)poll.records_count;
}

bool topo_kafka_reader_at_end(
    struct topo_kafka_reader *reader, const char *topic, int32_t partition)
{
    const struct end *end = reader_find(reader, topic, partition);
    return end && kafka_fetcher_position(
                      reader->fetcher, (struct topo_partition){end->topic, partition}) >= end->high;
}
