/* import_count.c - how many records each topic has got since the import began, by reading them:
 * offsets alone would count transaction markers and what was aborted. */
#include "import.h"

#include <base/alloc.h>
#include <schemas/shop.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_TIMEOUT_MS = 500 };

static int count_find_ends(
    const struct topo_kafka_options *kafka,
    struct topo_kafka_end **ret_ends,
    size_t *ret_count,
    struct mr_error *error)
{
    const char *topics[SHOP_TOPIC_COUNT];
    for (size_t i = 0; i < SHOP_TOPIC_COUNT; i++)
        topics[i] = shop_topics[i].name;
    return topo_kafka_ends(kafka, topics, SHOP_TOPIC_COUNT, ret_ends, ret_count, error);
}

int import_count_begin(struct import *import, struct mr_error *error)
{
    assert(!import->began);
    return count_find_ends(&import->kafka, &import->began, &import->began_count, error);
}

/* The end of a partition before the import; 0 when it is new. */
static int64_t count_find_begin(const struct import *import, const struct topo_kafka_end *end)
{
    for (size_t i = 0; i < import->began_count; i++)
        if (import->began[i].partition == end->partition &&
            strcmp(import->began[i].topic, end->topic) == 0)
            return import->began[i].offset;
    return 0;
}

/* Committed records of one topic, between its ends then and now. */
static int count_read_topic(
    const struct import *import,
    const struct topo_kafka_end *ends,
    size_t partitions,
    int64_t *ret_records,
    struct mr_error *error)
{
    assert(partitions > 0);
    struct topo_kafka_reader *reader = NULL;
    int64_t records = 0;
    size_t done = 0;
    int rc = topo_kafka_reader_new(&import->kafka, &reader, error);
    for (size_t i = 0; rc == 0 && i < partitions; i++)
        rc = topo_kafka_reader_add(
            reader, ends[i].topic, ends[i].partition, count_find_begin(import, &ends[i]), error);
    while (rc == 0 && done < partitions) {
        const struct topo_record *unread = NULL;
        if (topo_kafka_reader_at_end(reader, ends[done].topic, ends[done].partition)) {
            done++;
            continue;
        }
        int count = topo_kafka_reader_poll(reader, READ_TIMEOUT_MS, &unread, error);
        rc = count < 0 ? count : 0;
        records += count < 0 ? 0 : count;
    }
    topo_kafka_reader_free(reader);
    if (rc == 0)
        *ret_records = records;
    return rc;
}

static bool
count_has_moved(const struct import *import, const struct topo_kafka_end *ends, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ends[i].offset != count_find_begin(import, &ends[i]))
            return true;
    return false;
}

static void count_print_row(const char *topic, int64_t records, double seconds)
{
    printf(
        "  %-34s %14" PRId64 " %14.0f\n",
        topic,
        records,
        seconds > 0 ? (double)records / seconds : 0.0);
}

int import_count_print(const struct import *import, double seconds, struct mr_error *error)
{
    struct topo_kafka_end *ends = NULL;
    size_t count = 0;
    int64_t total = 0;
    int rc = count_find_ends(&import->kafka, &ends, &count, error);
    if (rc)
        return rc;
    printf("\n  %-34s %14s %14s\n", "committed to Kafka meanwhile", "records", "records/s");
    for (size_t first = 0, next = 0; rc == 0 && first < count; first = next) {
        int64_t records = 0;
        while (next < count && ends[next].topic == ends[first].topic)
            next++;
        if (!count_has_moved(import, &ends[first], next - first))
            continue;
        rc = count_read_topic(import, &ends[first], next - first, &records, error);
        if (rc == 0)
            count_print_row(ends[first].topic, records, seconds);
        total += records;
    }
    if (rc == 0)
        count_print_row("all topics", total, seconds);
    free(ends);
    return rc;
}
