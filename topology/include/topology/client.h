/*
 * client.h - Kafka for programs beside an engine: a producer, a reader, topics.
 *
 * Errors are codes of base/error.h. Producers partition by murmur2_random, with acks=all and
 * idempotence. Client ids name the program.
 *
 * Threads  topo_kafka_produce: any. Everything else: one thread per handle.
 */
#ifndef TOPOLOGY_CLIENT_H
#define TOPOLOGY_CLIENT_H

#include <topology/kafka.h>

#include <base/api_begin.h>

/* -- producer: acks=all, idempotent, no transactions -- */
struct topo_kafka_producer;
int topo_kafka_producer_new(
    const struct topo_kafka_options *options,
    int linger_ms, /* 0 for requests, some for bulk. */
    struct topo_kafka_producer **ret_producer,
    struct mr_error *error);
/* Learns who leads the topics, so that the first record to each does not wait for that. Before the
 * first record. MR_TIMEOUT names a topic that is not there in time. */
int topo_kafka_producer_prepare(
    struct topo_kafka_producer *producer,
    const char *const *topics,
    size_t count,
    int timeout_ms,
    struct mr_error *error);
/* Flushes for up to 5 s, then gives up what is left (their callbacks get MR_UNAVAILABLE). */
void topo_kafka_producer_free(struct topo_kafka_producer *producer);

/* From the producer's own thread, exactly once per accepted record: code 0 and where it is;
 * MR_TIMEOUT when it may be in the log or may not; any other code when it is not. */
typedef void topo_delivered_fn(void *user, int code, int32_t partition, int64_t offset);
/* MR_AGAIN: the local queue is full. partition -1: murmur2 of the key. `done` may be NULL. */
int topo_kafka_produce(
    struct topo_kafka_producer *producer,
    const char *topic,
    int32_t partition,
    const struct topo_output *record,
    topo_delivered_fn *done,
    void *user,
    struct mr_error *error);
/* Waits until all is delivered or failed. */
int topo_kafka_flush(struct topo_kafka_producer *producer, int timeout_ms, struct mr_error *error);

/* -- reader: read_committed, partitions by hand, no group -- */
struct topo_kafka_reader;
enum { TOPO_KAFKA_BEGIN = -2, TOPO_KAFKA_END = -1 };
int topo_kafka_reader_new(
    const struct topo_kafka_options *options,
    struct topo_kafka_reader **ret_reader,
    struct mr_error *error);
void topo_kafka_reader_free(struct topo_kafka_reader *reader);
int topo_kafka_reader_add(
    struct topo_kafka_reader *reader,
    const char *topic,
    int32_t partition,
    int64_t offset,
    struct mr_error *error);
/* Up to `max` records into ret_records, valid until the next poll. Returns the count or a negative
 * code. */
int topo_kafka_reader_poll(
    struct topo_kafka_reader *reader,
    int timeout_ms,
    const struct topo_record **ret_records,
    struct mr_error *error);
/* True when the partition has been read up to the high watermark that it had when it was added. */
bool topo_kafka_reader_at_end(
    struct topo_kafka_reader *reader, const char *topic, int32_t partition);

/* -- topics -- */
struct topo_kafka_topic {
    const char *name;
    int32_t partitions;
    const char *const *configs; /* "cleanup.policy=compact", ..., NULL */
};
/* MR_UNAVAILABLE within timeout_ms when no broker answers: the text says which address was
 * tried. */
int topo_kafka_ping(
    const struct topo_kafka_options *options, int timeout_ms, struct mr_error *error);
/* Creates what is missing (replication factor -1: the broker's default). MR_CONFLICT names the
 * topic that exists with another partition count. ret_created (may be NULL) counts. */
int topo_kafka_create_topics(
    const struct topo_kafka_options *options,
    const struct topo_kafka_topic *topics,
    size_t count,
    int *ret_created,
    struct mr_error *error);
/* Called for a setting whose value at the broker differs; returns true when it is to be altered. */
typedef bool topo_kafka_setting_fn(
    void *user, const char *topic, const char *name, const char *value, const char *wanted);
/* Compares the topics' configs with what the broker has, and alters what may_alter says, a topic
 * at once or not at all. Other settings that somebody has given a topic stay; one given by somebody
 * else in the same moment may be lost. */
int topo_kafka_settle_topics(
    const struct topo_kafka_options *options,
    const struct topo_kafka_topic *topics,
    size_t count,
    topo_kafka_setting_fn *may_alter,
    void *user,
    struct mr_error *error);
/* How many copies of a record there are, and how many of them acks=all waits for. */
struct topo_kafka_copies {
    int replicas; /* The replication factor. */
    int in_sync;  /* min.insync.replicas */
};
/* A topic's, by its first partition; with `topic` NULL a broker's defaults: new topics get them. */
int topo_kafka_ask_copies(
    const struct topo_kafka_options *options,
    const char *topic,
    struct topo_kafka_copies *ret_copies,
    struct mr_error *error);
/* Partition count, 0 when the topic does not exist. */
int topo_kafka_partitions(
    const struct topo_kafka_options *options,
    const char *topic,
    int32_t *ret_count,
    struct mr_error *error);
/* The end of a partition: the offset that its next record gets. */
struct topo_kafka_end {
    const char *topic; /* The caller's text. */
    int32_t partition;
    int64_t offset;
};
/* The ends of all partitions of the topics, in this order; *ret_ends is the caller's to free. A
 * topic that does not exist has none. */
int topo_kafka_ends(
    const struct topo_kafka_options *options,
    const char *const *topics,
    size_t topics_count,
    struct topo_kafka_end **ret_ends,
    size_t *ret_count,
    struct mr_error *error);
int topo_kafka_watermarks(
    const struct topo_kafka_options *options,
    const char *topic,
    int32_t partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error);

#include <base/api_end.h>

#endif
