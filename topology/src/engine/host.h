/*
 * host.h - what every part of the engine stands on: its data, logging, pauses, retries, failure.
 *
 *     topo_engine --- global worker (0 or 1): a task per global sub-topology, folds and is read
 *                 \-- group workers (1..): each an io, a transaction, and the tasks it was assigned
 *
 * Calls go down only, but for the pair context.c and aggregate.c (decide forwards, and a forwarded
 * event is folded):
 *
 *     engine  query  status
 *     worker  global
 *     assign  restore  run  punctuate
 *     commit
 *     txn
 *     context <-> aggregate  input  resume
 *     task  cleanup
 *     host  watch  metrics  queue  record
 *
 * Threads  A worker and its tasks belong to one thread. Shared, and guarded by `mutex`: the state,
 *          the reports, the claims. Shared, and atomic: the metrics, `stopping`, `globals_ready`.
 *          The table of positions has a lock of its own (watch.h).
 */
#ifndef TOPOLOGY_HOST_H
#define TOPOLOGY_HOST_H

#include "graph/graph.h"
#include "metrics.h"
#include "watch.h"

#include <base/log.h>
#include <topology/engine.h>

#include <pthread.h>
#include <stdatomic.h>

struct worker;
struct global;

enum {
    HOST_REPORT_INTERVAL_MS = 250,
    HOST_END_KEPT_MS = 3000, /* An end that nobody confirmed for longer is not known. */
};

/* A task that has its directory open. */
struct host_claim {
    const struct graph_sub *sub;
    int32_t partition;
};

/* When a thread last began a step. */
struct host_beat {
    _Atomic int64_t stepped_ms; /* Monotonic; 0: it has not begun, or has ended. */
    atomic_bool away;           /* It is busy with something long on purpose. */
};

/* The memory of cleanup.c. */
struct cleanup {
    int64_t started_ms; /* UTC: when the engine was made. */
    int64_t looked_ms;  /* Monotonic; 0: not yet. */
    int foreign;        /* Folders that were named in the log. */
};

/* A store of a global sub-topology. */
struct host_store {
    const char *name;
    struct topo_store *store;
};

struct topo_engine {
    const struct topo_topology *topology;
    struct topo_engine_options options; /* Defaults filled in, strings copied. */
    char *instance_id;
    struct host_beat *beats;           /* One per report slot: 0 the globals', 1.. the workers'. */
    bool stuck;                        /* A thread did not end: everything stays as it is. */
    struct snapshot_thread *snapshots; /* NULL: not running. */
    struct cleanup cleanup;            /* The first worker's. */
    char *snapshot_dir;
    char *state_dir; /* <state_dir>/<application_id>; NULL: in memory. */
    bool threaded;
    int64_t (*store_now)(void *user); /* The clock of stores with a ttl; NULL: the system's. */
    void *store_now_user;

    struct worker **workers;
    size_t workers_count;
    struct global *global;
    struct host_store *globals; /* The stores that global_open published. */
    size_t globals_count;

    struct metrics metrics;
    struct watch_table watches;
    atomic_bool stopping;
    atomic_bool globals_ready;

    pthread_mutex_t mutex;
    struct mr_error failure; /* code 0: none. */
    bool stopped;
    struct host_claim *claims;
    size_t claims_count;
    struct metrics_reports *reports; /* One per worker, the global one first. */
};

/* A task's directory is one worker's at a time. False: another one has yet to close it. */
bool host_claim(struct topo_engine *engine, const struct graph_sub *sub, int32_t partition);
void host_disclaim(struct topo_engine *engine, const struct graph_sub *sub, int32_t partition);

/* The first failure stays; the engine is FAILED from now on. */
void host_fail(struct topo_engine *engine, const struct mr_error *why);

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void host_log(
    const struct topo_engine *engine,
    enum mr_log_level level,
    const char *event,
    const char *format,
    ...);

/* Milliseconds of real time, before something is tried again; none without threads. */
void host_pause_ms(const struct topo_engine *engine, int64_t ms);

/* MR_CONFIG: a topic that the topology needs does not exist. */
int host_refuse_topic(const char *topic, struct mr_error *error);

/* True: `rc` may be better the next time, and this was not the last of tries_max. Pauses, longer
 * each time. */
bool host_retry(struct topo_engine *engine, int rc, int tries_max, int *tries);

/* Counts and logs a record that somebody else wrote into a topic of ours. Not each of many is
 * logged: `count` is how many it is of this partition. */
void host_lay_aside(
    struct topo_engine *engine, const struct topo_record *record, int64_t count, const char *why);

/* From the thread of a slot: a step begins; its last one has ended; a long copy begins or ends. */
void host_step(struct topo_engine *engine, size_t slot);
void host_end_steps(struct topo_engine *engine, size_t slot);
void host_go_away(struct topo_engine *engine, size_t slot, bool away);

/* Takes over reports.tasks. Slot 0 is the global worker's, 1.. are the group workers'. */
void host_publish_reports(struct topo_engine *engine, size_t slot, struct metrics_reports reports);
bool host_report_is_due(int64_t now_ms, int64_t reported_ms);
/* Known to be the end at `known_ms`: too long ago to say anything? */
bool host_end_is_old(int64_t now_ms, int64_t known_ms);

/* Stores of global sub-topologies. Before the threads start, and after they ended. */
void host_publish_store(struct topo_engine *engine, const char *name, struct topo_store *store);
void host_withdraw_stores(struct topo_engine *engine);
/* NULL: unknown. */
struct topo_store *host_global_store(const struct topo_engine *engine, const char *name);

#endif
