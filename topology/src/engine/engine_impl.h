/*
 * engine_impl.h - the engine from the inside: what workers, tasks and the driver share.
 *
 *     topo_engine --- global worker (0 or 1): a task per global sub-topology, folds and is read
 *                 \-- group workers (1..): each an io, a transaction, and the tasks it was assigned
 *
 * Threads  A worker and its tasks belong to one thread. Shared, and guarded by `mutex`: the state,
 *          the reports, the claims. Shared, and atomic: the metrics, `stopping`, `globals_ready`.
 * The table of positions has a lock of its own (watch.h).
 */
#ifndef TOPOLOGY_ENGINE_IMPL_H
#define TOPOLOGY_ENGINE_IMPL_H

#include "graph/graph.h"
#include "metrics.h"
#include "watch.h"

#include <base/log.h>
#include <topology/engine.h>

#include <pthread.h>
#include <stdatomic.h>

struct worker;
struct global;

/* A task that has its directory open. */
struct engine_claim {
    const struct graph_sub *sub;
    int32_t partition;
};

struct topo_engine {
    const struct topo_topology *topology;
    struct topo_engine_options options; /* Defaults filled in, strings copied. */
    char *instance_id;
    char *state_dir; /* <state_dir>/<application_id>; NULL: in memory. */
    bool threaded;
    int64_t (*store_now)(void *user); /* Of stores with a ttl; NULL: the system's clock. */
    void *store_now_user;

    struct worker **workers;
    size_t workers_count;
    struct global *global;

    struct metrics metrics;
    struct watch_table watches;
    atomic_bool stopping;
    atomic_bool globals_ready;

    pthread_mutex_t mutex;
    struct mr_error failure; /* code 0: none. */
    bool stopped;
    struct engine_claim *claims;
    size_t claims_count;
    struct metrics_reports *reports; /* One per worker, the global one first. */
};

/* Everything but the threads: opens the stores and ios of the globals, checks the topics. */
int engine_new(
    const struct topo_topology *topology,
    const struct topo_engine_options *options,
    struct topo_engine **ret_engine,
    struct mr_error *error);
int engine_check(struct topo_engine *engine, struct mr_error *error);

/* Without threads: each worker makes one step. 1: something happened; 0: nothing to do; negative:
 * the engine has failed. */
int engine_step(struct topo_engine *engine, struct mr_error *error);

/* As a process that dies: no commit, no flush. */
void engine_kill(struct topo_engine *engine);

/* A task's directory is one worker's at a time. False: another one has yet to close it. */
bool engine_claim(struct topo_engine *engine, const struct graph_sub *sub, int32_t partition);
void engine_disclaim(struct topo_engine *engine, const struct graph_sub *sub, int32_t partition);

/* The first failure stays; the engine is FAILED from now on. */
void engine_fail(struct topo_engine *engine, const struct mr_error *why);

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void engine_log(
    const struct topo_engine *engine,
    enum mr_log_level level,
    const char *event,
    const char *format,
    ...);

/* Milliseconds of real time, before something is tried again; none without threads. */
void engine_pause_ms(const struct topo_engine *engine, int64_t ms);

int64_t engine_clock_ns(void); /* Monotonic. */

/* The store of a global sub-topology; NULL: unknown. */
struct topo_store *engine_global_store(const struct topo_engine *engine, const char *name);

/* The worst consecutive aborts of any worker: the driver's guard against turning for ever. */
int engine_aborts_in_a_row(const struct topo_engine *engine);

#endif
