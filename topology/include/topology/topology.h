/*
 * topology.h - a graph of sources, processors, aggregates and sinks with named stores.
 *
 * Names are the API of state: every node and store has one, and renaming a store is a migration.
 * Build a topology once, at start; it is immutable afterwards and shared by all workers.
 *
 *     source --> processor/aggregate --> sink
 *                     |
 *                   stores
 *
 * A sub-topology is a connected part of the graph. A sub-topology x a partition number is a task;
 * its source topics must have equal partition counts (checked at start). A *global* sub-topology
 * has one task per instance, which reads every partition of its topics, sends nothing, and whose
 * stores every thread of the process may read: global tables, and the views of a query program.
 *
 * Errors  A builder keeps the first mistake; topo_build reports it: MR_CONFIG with the node's name.
 * Memory  Strings are copied; option arrays end with NULL.
 */
#ifndef TOPOLOGY_TOPOLOGY_H
#define TOPOLOGY_TOPOLOGY_H

#include <stdio.h>

#include <topology/processor.h>
#include <topology/version.h>

#include <base/api_begin.h>

struct topo_topology;
struct topo_builder;

/* The lists below: TOPO_LIST("words", "numbers"). In C it lives as long as the block it stands in
 * (at file scope: always); in C++ its names must be constants. */
#ifdef __cplusplus
#define TOPO_LIST(...)                                                                             \
    ([]() -> const char *const * {                                                                 \
        static const char *const list[] = {__VA_ARGS__, nullptr};                                  \
        return list;                                                                               \
    }())
#else
#define TOPO_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#endif

struct topo_builder *topo_builder_new(const char *application_id); /* The consumer group's name. */

struct topo_source {
    const char *name;
    const char *const *topics; /* {"sales.commands", NULL} */
    int priority;              /* Lower first; equal priorities are merged by timestamp. */
    bool global;               /* Every instance reads every partition. */
    /* Global only: a header that every record of the topics carries. One without it was written by
     * somebody else, and is laid aside. NULL: all are processed. */
    const char *header;
    /* For topo_engine_create_topics, where a topic does not exist. 0: it must exist, for its count
     * is the number of tasks and cannot change later. */
    int32_t partitions;
};
void topo_add_source(struct topo_builder *builder, const struct topo_source *source);

enum topo_store_log {
    TOPO_LOG_EVENTS,    /* The fold of the aggregate's own event topics: they are the changelog. */
    TOPO_LOG_CHANGELOG, /* A compacted topic: one record per key changed in a transaction. */
    TOPO_LOG_INPUT,     /* Global sub-topologies: the fold of the input; no log of its own. */
};
/* Every record of a changelog has this header, with the application's id. */
#define TOPO_WRITER_HEADER "written-by"

/* Returns 0 when a changelog's record can be one of the store's; class RETRY: not known yet. */
typedef int topo_check_fn(
    void *user, const struct topo_record *record, struct mr_arena *arena, struct mr_error *error);

struct topo_store_options {
    const char *name;
    enum topo_store_log log;
    const char *changelog_topic; /* TOPO_LOG_CHANGELOG only. */
    bool ordered;                /* Prefix and range scans. */
    int64_t ttl_ms;              /* 0: no end. */
    /* Checks a changelog's values in a restore. One without TOPO_WRITER_HEADER, as an earlier
     * version wrote it, is taken only if it passes; NULL: it is laid aside. */
    topo_check_fn *check;
    void *check_user;
};
void topo_add_store(struct topo_builder *builder, const struct topo_store_options *store);

struct topo_processor {
    const char *name;
    const char *const *parents; /* Sources or processors. */
    const char *const *stores;  /* NULL: none. */
    topo_setup_fn *setup;       /* Looks its stores and children up, in topo_build. NULL: none. */
    topo_process_fn *process;
    topo_punctuate_fn *punctuate;  /* NULL: none. */
    int64_t punctuate_interval_ms; /* Wall-clock time, or stream time: */
    bool punctuate_on_stream_time;
    void *user;
};
void topo_add_processor(struct topo_builder *builder, const struct topo_processor *processor);

/* decide/evolve; see aggregate.h. */
struct topo_aggregate;
void topo_add_aggregate(struct topo_builder *builder, const struct topo_aggregate *aggregate);

enum topo_partition_by {
    TOPO_PARTITION_BY_KEY,   /* murmur2(key), as Java's default. */
    TOPO_PARTITION_BY_TASK,  /* The task's own partition number: an aggregate's event topics. */
    TOPO_PARTITION_EXPLICIT, /* The output says (topo_output.partition). */
};
struct topo_sink {
    const char *name;
    const char *const *parents;
    const char *topic;
    enum topo_partition_by partition_by;
    int32_t partitions; /* For topo_engine_create_topics; 0: the topic must exist. */
};
void topo_add_sink(struct topo_builder *builder, const struct topo_sink *sink);

/* A sink and a source of the same topic, to continue in tasks that have the records by their new
 * key. Parents forward to `name`, and nodes after it have `name` as their parent. */
struct topo_repartition {
    const char *name;
    const char *const *parents;
    const char *topic;  /* Internal: nobody else writes to it. */
    int32_t partitions; /* For topo_engine_create_topics; 0: as many as the parents' tasks. */
};
void topo_add_repartition(struct topo_builder *builder, const struct topo_repartition *repartition);

/* Bad records (MR_CLASS_POISON from a processor) go here with their original key, value and
 * headers, and headers dead-letter-{reason,topic,partition,offset,node}. Without one a bad record
 * stops the engine. */
void topo_set_dead_letters(struct topo_builder *builder, const char *topic);

/* Consumes the builder, on failure too. */
int topo_build(
    struct topo_builder *builder, struct topo_topology **ret_topology, struct mr_error *error);
void topo_topology_free(struct topo_topology *topology);

enum topo_describe_format { TOPO_DESCRIBE_TEXT, TOPO_DESCRIBE_DOT, TOPO_DESCRIBE_JSON };
/* topo_describe_many draws several topologies as one picture. */
void topo_describe(
    const struct topo_topology *topology, enum topo_describe_format format, FILE *out);
void topo_describe_many(
    const struct topo_topology *const *topologies,
    size_t count,
    enum topo_describe_format format,
    FILE *out);

#include <base/api_end.h>

#endif
