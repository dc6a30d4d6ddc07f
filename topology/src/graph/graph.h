/*
 * graph.h - a built topology from the inside: what the engine walks. For the engine.
 *
 * topo_build makes it once; it is immutable afterwards and shared by all threads. All names and
 * topics are interned: two equal topics of one topology are the same pointer.
 *
 *     builder.c  collects nodes and stores, the first mistake wins
 *     graph.c    links them, cuts the graph into sub-topologies, checks each
 */
#ifndef TOPOLOGY_GRAPH_H
#define TOPOLOGY_GRAPH_H

#include <topology/aggregate.h>
#include <topology/topology.h>

struct graph_sub;
struct graph_store;

enum graph_kind { GRAPH_SOURCE, GRAPH_PROCESSOR, GRAPH_AGGREGATE, GRAPH_SINK };

/* The role of a sink for its aggregate. */
enum graph_sink_role { GRAPH_PLAIN, GRAPH_EVENTS, GRAPH_OUTCOMES };

struct graph_names {
    const char **items;
    size_t count;
};

struct graph_node {
    enum graph_kind kind;
    const char *name;
    size_t index; /* In topology->nodes: parents before children. */
    struct graph_sub *sub;
    struct graph_names parent_names;
    struct graph_names store_names;
    struct graph_node **children;
    size_t children_count;
    struct graph_store **stores;
    size_t stores_count;

    /* Source */
    struct graph_names topics;
    int priority;
    bool global;
    const char *header; /* NULL: not asked for. */

    /* Processor */
    topo_process_fn *process;
    topo_setup_fn *setup;         /* Aggregates too. */
    topo_punctuate_fn *punctuate; /* Aggregates too. */
    int64_t punctuate_interval_ms;
    bool punctuate_on_stream_time;
    void *user;

    /* Aggregate */
    struct topo_aggregate aggregate; /* Only its functions are read. */
    struct graph_names event_sink_names;
    struct graph_names outcome_sink_names;
    const char *outcome_store_name;
    struct graph_node **outcome_sinks; /* Parallel to parent_names; NULL: no outcomes. */
    struct graph_store *outcome_store;

    /* Sink */
    const char *topic;
    enum topo_partition_by partition_by;
    enum graph_sink_role role;
    size_t log;                     /* Index in sub->logs of an event or outcome sink. */
    struct graph_node *repartition; /* The source of the same topic; NULL: a plain sink. */
    int32_t repartition_partitions; /* 0: as many as the tasks before it. */
    int32_t created_partitions;     /* For topics that do not exist; 0: they must. */
};

struct graph_store {
    const char *name;
    enum topo_store_log log;
    const char *changelog_topic;
    bool ordered;
    int64_t ttl_ms;
    topo_check_fn *check;
    void *check_user;
    struct graph_sub *sub;
    size_t index; /* In sub->stores. */
    bool is_outcomes;
};

struct graph_input {
    const char *topic;
    struct graph_node *source;
};

/* A topic whose partition of the task only this sub-topology writes, and folds to restore. */
struct graph_log {
    enum graph_log_kind { GRAPH_LOG_EVENTS, GRAPH_LOG_OUTCOMES, GRAPH_LOG_CHANGELOG } kind;
    const char *topic;
    struct graph_node *aggregate; /* Events. */
    struct graph_store *store;    /* Outcomes, changelog. */
};

struct graph_sub {
    /* The name of its first processor or aggregate: state directories are named after it. */
    const char *name;
    size_t index;
    bool global;
    struct graph_node **nodes;
    size_t nodes_count;
    struct graph_store **stores;
    size_t stores_count;
    struct graph_input *inputs;
    size_t inputs_count;
    struct graph_log *logs;
    size_t logs_count;
};

struct topo_topology {
    const char *application_id;
    struct graph_node **nodes;
    size_t nodes_count;
    struct graph_store **stores;
    size_t stores_count;
    struct graph_sub *subs;
    size_t subs_count;
    const char *dead_letters; /* NULL: none. */
    char **strings;           /* The interned ones. */
    size_t strings_count;
};

/* Links and checks what the builder collected: MR_CONFIG names the node. */
int graph_link(struct topo_topology *topology, struct mr_error *error);

/* The interned string, made on first use. NULL stays NULL. */
const char *graph_intern(struct topo_topology *topology, const char *text);

struct graph_node *graph_node_of(const struct topo_topology *topology, const char *name);
struct graph_store *graph_store_of(const struct topo_topology *topology, const char *name);

/* The interned pointer of a topic that a source reads, and where it goes; NULL: nobody reads it. */
const struct graph_input *graph_input_of(
    const struct topo_topology *topology,
    const char *topic,
    bool global,
    struct graph_sub **ret_sub);

#endif
