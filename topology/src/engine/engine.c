/*
 * engine.c - the engine as a whole: made, checked, started, stopped.
 *
 *     topo_engine_new -> topo_engine_check -> engine_start_threads
 *         -> engine_close_all -> topo_engine_free
 *
 * Invariants
 *   1. Topics are checked before the first thread starts: they exist, and those of a sub-topology
 *      have equal partition counts.
 *   2. Workers stop before the global worker does: what they read of its tables stays open.
 *   3. Readers of global stores are woken and sent away before the stores close (watch_stop).
 *   4. Stopping twice is harmless; freeing stops first.
 */
#include "engine_impl.h"

#include "global.h"
#include "snapshot.h"
#include "store/store_dir.h"
#include "txn.h"
#include "worker.h"

#include <base/alloc.h>
#include <base/clock.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum {
    STEP_MS = 100,
    CHECK_TRIES_MAX = 10,
    SNAPSHOTS_KEPT = 2,
    STATE_CLEANUP_MS = 24 * 3600 * 1000,
    STUCK_AFTER_MS = 15000,
    STOP_MS_MAX = 20000
};

/* -- making -- */

static int64_t engine_or_default(int64_t value, int64_t default_value)
{
    return value > 0 ? value : default_value;
}

static void
engine_set_options(struct topo_engine *engine, const struct topo_engine_options *options)
{
    struct topo_engine_options *own = &engine->options;
    *own = *options;
    own->workers = options->workers > 0 ? options->workers : 1;
    own->commit_records_max = engine_or_default(options->commit_records_max, 10000);
    own->commit_bytes_max = engine_or_default(options->commit_bytes_max, 16 << 20);
    own->commit_interval_ms_max = engine_or_default(options->commit_interval_ms_max, 100);
    own->buffered_bytes_max = engine_or_default(options->buffered_bytes_max, 64 << 20);
    own->state_cleanup_ms =
        options->state_cleanup_ms ? options->state_cleanup_ms : STATE_CLEANUP_MS;
    own->stuck_after_ms = engine_or_default(options->stuck_after_ms, STUCK_AFTER_MS);
    own->stop_ms_max = engine_or_default(options->stop_ms_max, STOP_MS_MAX);
    own->flush_interval_ms = engine_or_default(options->flush_interval_ms, 1000);
    own->table_bytes_max = options->table_bytes_max ? options->table_bytes_max : 64 << 20;
    engine->instance_id = mr_strdup(options->instance_id ? options->instance_id : "0");
    own->instance_id = engine->instance_id;
    if (options->state_dir)
        engine->state_dir =
            mr_asprintf("%s/%s", options->state_dir, engine->topology->application_id);
    own->state_dir = engine->state_dir;
    engine->snapshot_dir = options->snapshot_dir ? mr_strdup(options->snapshot_dir) : NULL;
    own->snapshot_dir = engine->snapshot_dir;
    own->snapshots_kept = options->snapshots_kept > 0 ? options->snapshots_kept : SNAPSHOTS_KEPT;
}

static bool engine_has_sub(const struct topo_topology *topology, bool global)
{
    for (size_t i = 0; i < topology->subs_count; i++)
        if (topology->subs[i].global == global)
            return true;
    return false;
}

/* Nothing is opened here but the state directory, so that a refusal leaves nothing behind. */
int topo_engine_new(
    const struct topo_topology *topology,
    const struct topo_engine_options *options,
    struct topo_engine **ret_engine,
    struct mr_error *error)
{
    assert(topology && options && options->io_open);
    struct topo_engine *engine = mr_calloc(1, sizeof *engine);
    engine->topology = topology;
    engine->cleanup.started_ms = mr_unix_ms();
    engine_set_options(engine, options);
    pthread_mutex_init(&engine->mutex, NULL);
    metrics_init(&engine->metrics, topology->nodes_count);
    watch_init(&engine->watches, topology->subs_count);
    bool group = engine_has_sub(topology, false);
    engine->workers_count = group ? (size_t)engine->options.workers : 0;
    engine->workers = mr_calloc(engine->workers_count + 1, sizeof(struct worker *));
    engine->beats = mr_calloc(engine->workers_count + 1, sizeof *engine->beats);
    engine->reports = mr_calloc(engine->workers_count + 1, sizeof *engine->reports);
    for (size_t i = 0; i < engine->workers_count; i++)
        engine->workers[i] = worker_new(engine, (int)i);
    atomic_init(&engine->globals_ready, !engine_has_sub(topology, true));
    engine->reports[0].ready = engine->reports[0].assigned = !engine_has_sub(topology, true);
    int rc = options->state_dir ? store_dir_make(options->state_dir, error) : 0;
    if (rc) {
        topo_engine_free(engine);
        return rc;
    }
    *ret_engine = engine;
    return 0;
}

/* -- checks: topics exist, and go together -- */

static int engine_count_partitions(
    struct worker *worker, const char *topic, int32_t *ret_count, struct mr_error *error)
{
    int tries = 0;
    int rc = 0;
    do
        rc = worker->io.partitions_of(worker->io.self, topic, ret_count, error);
    while (txn_retry(worker, rc, &tries));
    if (!rc && *ret_count <= 0)
        rc = host_refuse_topic(topic, error);
    return rc;
}

static int engine_check_count(
    struct worker *worker,
    const struct graph_sub *sub,
    const char *topic,
    int32_t expected,
    struct mr_error *error)
{
    int32_t count = 0;
    int rc = engine_count_partitions(worker, topic, &count, error);
    if (rc || count == expected)
        return rc;
    return mr_fail(
        error,
        MR_CONFIG,
        "sub-topology \"%s\": topic \"%s\" has %" PRId32 " partitions and \"%s\" has %" PRId32
        "; they must be equal",
        sub->name,
        topic,
        count,
        sub->inputs[0].topic,
        expected);
}

static int
engine_check_sub(struct worker *worker, const struct graph_sub *sub, struct mr_error *error)
{
    int32_t expected = 0;
    int rc = engine_count_partitions(worker, sub->inputs[0].topic, &expected, error);
    for (size_t i = 1; i < sub->inputs_count && !rc; i++)
        rc = engine_check_count(worker, sub, sub->inputs[i].topic, expected, error);
    for (size_t i = 0; i < sub->logs_count && !rc; i++)
        rc = engine_check_count(worker, sub, sub->logs[i].topic, expected, error);
    for (size_t i = 0; i < sub->nodes_count && !rc; i++) {
        const struct graph_node *node = sub->nodes[i];
        int32_t any = 0;
        if (node->kind == GRAPH_SINK && node->partition_by == TOPO_PARTITION_BY_TASK)
            rc = engine_check_count(worker, sub, node->topic, expected, error);
        else if (node->kind == GRAPH_SINK)
            rc = engine_count_partitions(worker, node->topic, &any, error);
    }
    return rc;
}

int topo_engine_check(struct topo_engine *engine, struct mr_error *error)
{
    const struct topo_topology *topology = engine->topology;
    int rc = 0;
    if (engine_has_sub(topology, true))
        rc = global_open(engine, &engine->global, error);
    if (rc || engine->workers_count == 0)
        return rc;
    struct worker *worker = engine->workers[0];
    rc = worker_open(worker, error);
    for (size_t i = 0; i < topology->subs_count && !rc; i++)
        if (!topology->subs[i].global)
            rc = engine_check_sub(worker, &topology->subs[i], error);
    int32_t count = 0;
    if (!rc && topology->dead_letters)
        rc = engine_count_partitions(worker, topology->dead_letters, &count, error);
    return rc;
}

/* -- running -- */

int topo_engine_step(struct topo_engine *engine, struct mr_error *error)
{
    int progress = 0;
    if (engine->global) {
        int rc = global_step(engine->global, 0, error);
        if (rc < 0)
            return rc;
        progress |= rc;
    }
    for (size_t i = 0; i < engine->workers_count; i++) {
        int rc = worker_step(engine->workers[i], 0, error);
        if (rc < 0)
            return rc;
        progress |= rc;
    }
    return progress;
}

int topo_engine_aborts_in_a_row(const struct topo_engine *engine)
{
    int worst = 0;
    for (size_t i = 0; i < engine->workers_count; i++)
        worst = engine->workers[i]->aborts > worst ? engine->workers[i]->aborts : worst;
    return worst;
}

static void *engine_worker_main(void *argument)
{
    struct worker *worker = argument;
    struct mr_error error = {0};
    size_t slot = (size_t)worker->number + 1;
    do
        host_step(worker->engine, slot);
    while (!atomic_load(&worker->engine->stopping) && worker_step(worker, STEP_MS, &error) >= 0);
    worker_stop(worker);
    host_end_steps(worker->engine, slot);
    return NULL;
}

static void *engine_global_main(void *argument)
{
    struct global *global = argument;
    struct mr_error error = {0};
    do
        host_step(global->engine, 0);
    while (!atomic_load(&global->engine->stopping) && global_step(global, STEP_MS, &error) >= 0);
    host_end_steps(global->engine, 0);
    return NULL;
}

static int engine_start_threads(struct topo_engine *engine, struct mr_error *error)
{
    if (engine->global) {
        if (pthread_create(&engine->global->thread, NULL, engine_global_main, engine->global) != 0)
            return mr_fail(error, MR_FATAL, "cannot start a thread");
        engine->global->has_thread = true;
    }
    for (size_t i = 0; i < engine->workers_count; i++) {
        struct worker *worker = engine->workers[i];
        if (pthread_create(&worker->thread, NULL, engine_worker_main, worker) != 0)
            return mr_fail(error, MR_FATAL, "cannot start a thread");
        worker->has_thread = true;
    }
    return 0;
}

int topo_engine_start(
    const struct topo_topology *topology,
    const struct topo_engine_options *options,
    struct topo_engine **ret_engine,
    struct mr_error *error)
{
    struct topo_engine *engine = NULL;
    int rc = topo_engine_new(topology, options, &engine, error);
    if (rc)
        return rc;
    engine->threaded = true;
    rc = topo_engine_check(engine, error);
    if (!rc)
        rc = engine_start_threads(engine, error);
    if (!rc)
        rc = snapshot_start(engine, error);
    if (rc) {
        topo_engine_free(engine);
        return rc;
    }
    *ret_engine = engine;
    return 0;
}

/* False: it has not ended by then, and will be left as it is. */
static bool engine_join(struct topo_engine *engine, pthread_t thread, const struct timespec *until)
{
    int rc = pthread_timedjoin_np(thread, NULL, until);
    if (rc == 0)
        return true;
    struct mr_error why = {.text = "it may still commit"};
    (void)topo_engine_is_live(engine, &why);
    host_log(
        engine,
        MR_LOG_ERROR,
        "stop-stuck",
        "error=\"a thread does not end: %s\" action=\"the process ends without it\"",
        why.text);
    engine->stuck = true;
    return false;
}

static struct timespec engine_stop_deadline(const struct topo_engine *engine)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += engine->options.stop_ms_max / 1000;
    return until;
}

/* Readers of global stores are sent away before the stores close. */
static bool engine_close_all(struct topo_engine *engine, bool kill)
{
    snapshot_stop(engine);
    const struct timespec until = engine_stop_deadline(engine);
    for (size_t i = 0; i < engine->workers_count; i++) {
        struct worker *worker = engine->workers[i];
        if (worker->has_thread && !engine_join(engine, worker->thread, &until))
            return false;
        worker->has_thread = false;
        if (kill)
            worker_kill(worker);
        else
            worker_stop(worker);
    }
    watch_stop(&engine->watches);
    struct global *global = engine->global;
    if (global && global->has_thread && !engine_join(engine, global->thread, &until))
        return false;
    global_close(global, !kill);
    engine->global = NULL;
    pthread_mutex_lock(&engine->mutex);
    engine->stopped = true;
    pthread_mutex_unlock(&engine->mutex);
    return true;
}

bool topo_engine_stop(struct topo_engine *engine)
{
    if (engine->stuck)
        return false;
    atomic_store(&engine->stopping, true);
    return engine_close_all(engine, false);
}

void topo_engine_kill(struct topo_engine *engine)
{
    atomic_store(&engine->stopping, true);
    (void)engine_close_all(engine, true);
}

void topo_engine_free(struct topo_engine *engine)
{
    if (!engine)
        return;
    if (!engine->stopped && !topo_engine_stop(engine))
        return; /* A thread still uses all of it. */
    for (size_t i = 0; i < engine->workers_count; i++)
        worker_free(engine->workers[i]);
    for (size_t i = 0; i <= engine->workers_count; i++)
        metrics_clean_up_reports(&engine->reports[i]);
    watch_clean_up(&engine->watches);
    metrics_clean_up(&engine->metrics);
    pthread_mutex_destroy(&engine->mutex);
    assert(engine->claims_count == 0);
    free(engine->claims);
    free(engine->workers);
    free(engine->reports);
    free(engine->beats);
    free(engine->instance_id);
    free(engine->state_dir);
    free(engine->snapshot_dir);
    free(engine);
}
