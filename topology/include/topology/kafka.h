/*
 * kafka.h - an engine on Kafka: its io, and the topics that are its own.
 *
 *     struct topo_kafka_options kafka = {.brokers = "127.0.0.1:9092", .client_id = "word-count"};
 *     struct topo_engine_options options = {.io_open = topo_kafka_open, .io_user = &kafka};
 *     topo_engine_create_topics(topology, &kafka, NULL, &error);
 *     topo_engine_start(topology, &options, &engine, &error);
 *
 * Programs that only write to topics or read them, and tools: client.h.
 */
#ifndef TOPOLOGY_KAFKA_H
#define TOPOLOGY_KAFKA_H

#include <topology/engine.h>
#include <topology/io.h>

#include <base/api_begin.h>

struct topo_kafka_options {
    const char *brokers;   /* "host:port,host:port" */
    const char *client_id; /* The program's name. */
    /* Extra librdkafka properties, "name=value", NULL-terminated; NULL: none. "name=" gives the
     * library's default back. Not group.instance.id: MR_CONFIG. A dynamic member that lost its
     * session would commit offsets without a generation, and the broker would take them. */
    const char *const *properties;
    /* A file of librdkafka's properties, for TLS and passwords; NULL: none. topo_kafka_check_config
     * has the rules. Read again for each client, so that a new password needs no restart. */
    const char *config_file;
};

/*
 * MR_CONFIG when a client would refuse the file, with the number of the line. It is name=value
 * lines, and comments from # on at a line's start; blanks around a name or a value do not count. It
 * belongs to the user of this process or to root, and nobody else has a right to it (root may use
 * anybody's); the same holds
 * for a private key that it names. What the runtime relies on (group.id, transactional.id, acks
 * ...) is refused by its name. No text of an error has a value of it.
 */
int topo_kafka_check_config(const char *path, struct mr_error *error);

/* topo_io_open_fn; `user` is a struct topo_kafka_options that outlives the engine. MR_UNAVAILABLE
 * with the address within 5 s when no broker answers.
 *
 * group.instance.id is application-instance-worker; the transactional ids are that and -0, -1: two
 * producers taken in turn. begin waits until the markers of the transaction before it are in the
 * logs, abort until its own are, so that the next offset of a partition that only this worker
 * writes is its last offset + 2 after each transaction. An input offset that is not in the log is
 * MR_FATAL from poll, a log's is MR_NOT_FOUND from log_poll. */
int topo_kafka_open(
    void *user,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error);

/* Creates those topics of the topology that are missing and its own: changelogs (compacted),
 * repartitions (kept for a week), event topics (kept without end) and outcome topics (the broker's
 * default), with as many partitions as the tasks have, and dead letters (one partition, kept for 30
 * days). Topics of sources and sinks are created if they say how many partitions; MR_NOT_FOUND
 * names the input that is missing otherwise. Topics that exist stay as they are.
 * ret_created (may be NULL) counts. */
int topo_engine_create_topics(
    const struct topo_topology *topology,
    const struct topo_kafka_options *options,
    int *ret_created,
    struct mr_error *error);

#include <base/api_end.h>

#endif
