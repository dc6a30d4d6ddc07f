/*
 * worker.c - the life of a worker: its states, its step, and what is done about errors.
 *
 * Transitions, all by worker_move
 *     CLOSED  -> RUNNING   worker_join: io opened, epoch taken, outputs known, subscribed
 *     RUNNING -> CLOSED    worker_give_up: fenced, or a transaction that could not be aborted
 *     any     -> FAILED    worker_fail: an error of class FATAL
 *     any     -> STOPPED   worker_stop (commits and flushes), worker_kill (does neither)
 *
 * Invariants
 *   1. RUNNING has an open io, CLOSED has none.
 *   2. Error classes are acted on here only: worker_settle_error while RUNNING,
 *      worker_settle_closed before. Everything below returns a code.
 *   3. The producer's epoch is taken before anything is read: whoever ran under our name before is
 *      fenced by then, and its open transaction is aborted.
 *   4. After an abort every task is RESTORING, and its stores are as of the last commit.
 *   5. A step never waits longer than its timeout, plus the pauses between attempts.
 */
#include "worker.h"

#include "assign.h"
#include "cleanup.h"
#include "commit.h"
#include "input.h"
#include "punctuate.h"
#include "restore.h"
#include "run.h"
#include "txn.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

enum {
    HELD_MS = 5, /* A head waits for another worker's commit. */
    PAUSE_MS_MAX = 1000,
};

static const bool edges[4][4] = {
    [WORKER_CLOSED] = {[WORKER_RUNNING] = true, [WORKER_STOPPED] = true, [WORKER_FAILED] = true},
    [WORKER_RUNNING] = {[WORKER_CLOSED] = true, [WORKER_STOPPED] = true, [WORKER_FAILED] = true},
    [WORKER_STOPPED] = {[WORKER_STOPPED] = true},
    [WORKER_FAILED] = {[WORKER_STOPPED] = true},
};

static void worker_move(struct worker *worker, enum worker_state state)
{
    static const char *const names[] = {
        [WORKER_CLOSED] = "closed",
        [WORKER_RUNNING] = "running",
        [WORKER_STOPPED] = "stopped",
        [WORKER_FAILED] = "failed",
    };
    assert(edges[worker->state][state]);
    assert(state != WORKER_RUNNING || worker->io_open);
    assert(state != WORKER_CLOSED || !worker->io_open);
    host_log(
        worker->engine,
        MR_LOG_INFO,
        "worker",
        "worker=%d from=%s to=%s",
        worker->number,
        names[worker->state],
        names[state]);
    worker->state = state;
}

static void worker_list_inputs(struct worker *worker, const struct topo_topology *topology)
{
    size_t count = 0;
    for (size_t i = 0; i < topology->subs_count; i++)
        count += topology->subs[i].global ? 0 : topology->subs[i].inputs_count;
    worker->topics = mr_calloc(count + 1, sizeof *worker->topics);
    for (size_t i = 0; i < topology->subs_count; i++)
        for (size_t k = 0; !topology->subs[i].global && k < topology->subs[i].inputs_count; k++)
            worker->topics[worker->topics_count++] = topology->subs[i].inputs[k].topic;
}

static void worker_add_output(struct worker *worker, const char *topic)
{
    for (size_t i = 0; i < worker->outputs_count; i++)
        if (worker->outputs[i] == topic)
            return;
    worker->outputs =
        mr_realloc(worker->outputs, (worker->outputs_count + 1) * sizeof *worker->outputs);
    worker->outputs[worker->outputs_count++] = topic;
}

static void worker_list_outputs(struct worker *worker, const struct topo_topology *topology)
{
    for (size_t i = 0; i < topology->subs_count; i++) {
        const struct graph_sub *sub = &topology->subs[i];
        for (size_t k = 0; !sub->global && k < sub->nodes_count; k++)
            if (sub->nodes[k]->kind == GRAPH_SINK)
                worker_add_output(worker, sub->nodes[k]->topic);
        for (size_t k = 0; !sub->global && k < sub->logs_count; k++)
            worker_add_output(worker, sub->logs[k].topic);
    }
    if (topology->dead_letters)
        worker_add_output(worker, topology->dead_letters);
}

struct worker *worker_new(struct topo_engine *engine, int number)
{
    assert(engine && number >= 0);
    struct worker *worker = mr_calloc(1, sizeof *worker);
    worker->engine = engine;
    worker->number = number;
    worker_list_inputs(worker, engine->topology);
    worker_list_outputs(worker, engine->topology);
    return worker;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    assert(worker->tasks_count == 0 && !worker->io_open);
    free(worker->tasks);
    free(worker->assignment);
    free(worker->topics);
    free(worker->outputs);
    free(worker);
}

/* -- opening and closing -- */

int worker_open(struct worker *worker, struct mr_error *error)
{
    if (worker->io_open)
        return 0;
    const struct topo_engine *engine = worker->engine;
    const struct topo_io_options options = {
        .application_id = engine->topology->application_id,
        .instance_id = engine->instance_id,
        .worker = worker->number,
        .transactional = true,
    };
    int rc = engine->options.io_open(engine->options.io_user, &options, &worker->io, error);
    if (!rc)
        worker->io_open = true;
    return rc;
}

/* A partition that has no leader now need not be one that is written: the log says which it is, and
 * the flush waits for those that are. */
static int worker_prepare(struct worker *worker, struct mr_error *error)
{
    const struct topo_io *io = &worker->io;
    struct mr_error why = {0};
    int tries = 0;
    int rc = 0;
    do
        rc = io->prepare(io->self, worker->outputs, worker->outputs_count, &why);
    while (rc != MR_TIMEOUT && txn_retry(worker, rc, &tries));
    if (rc == MR_TIMEOUT) {
        host_log(
            worker->engine,
            MR_LOG_WARN,
            "not-led",
            "worker=%d error=\"%s\"",
            worker->number,
            why.text);
        return 0;
    }
    return rc ? mr_fail(error, rc, "%s", why.text) : 0;
}

/* The producer's epoch is taken before anything is read: our own hanging transaction is aborted and
 * whoever ran under our name before is fenced. */
static int worker_join(struct worker *worker, struct mr_error *error)
{
    const struct topo_io *io = &worker->io;
    int tries = 0;
    int rc = worker_open(worker, error);
    if (rc)
        return rc;
    do
        rc = io->init_transactions(io->self, error);
    while (txn_retry(worker, rc, &tries));
    if (rc)
        return rc;
    worker->unsettled = false;
    rc = worker_prepare(worker, error);
    if (rc)
        return rc;
    do
        rc = io->subscribe(io->self, worker->topics, worker->topics_count, error);
    while (txn_retry(worker, rc, &tries));
    if (rc)
        return rc;
    txn_now_ms(worker);
    worker_move(worker, WORKER_RUNNING);
    return 0;
}

static void worker_close_io(struct worker *worker)
{
    if (!worker->io_open)
        return;
    input_drop_all(worker);
    worker->io.close(worker->io.self);
    worker->io_open = false;
}

static void worker_close_tasks(struct worker *worker, bool flush)
{
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct mr_error error = {0};
        if (task_close(worker->tasks[i], flush, &error))
            host_log(worker->engine, MR_LOG_ERROR, "flush-failed", "error=\"%s\"", error.text);
    }
    worker->tasks_count = 0;
}

/* Somebody else has our tasks, or our name: start over with a new producer. */
static void worker_give_up(struct worker *worker, const struct mr_error *why)
{
    host_log(
        worker->engine, MR_LOG_WARN, "fenced", "worker=%d error=\"%s\"", worker->number, why->text);
    metrics_add(&worker->engine->metrics.fenced, 1);
    txn_undo(worker);
    assign_suspend(worker);
    if (worker->engine->workers_count > 1) /* Another worker may get them before we are back. */
        worker_close_tasks(worker, true);
    worker_close_io(worker);
    if (worker->state == WORKER_RUNNING)
        worker_move(worker, WORKER_CLOSED);
}

void worker_stop(struct worker *worker)
{
    if (worker->state == WORKER_STOPPED)
        return;
    struct mr_error error = {0};
    bool failed = worker->state == WORKER_FAILED;
    if (worker->state == WORKER_RUNNING && txn_has_changes(worker) &&
        commit_transaction(worker, &error)) {
        host_log(worker->engine, MR_LOG_WARN, "last-commit-failed", "error=\"%s\"", error.text);
        txn_undo(worker);
    }
    if (worker->io_open && worker->txn.open)
        worker->io.abort(worker->io.self, NULL);
    txn_undo(worker);
    assign_suspend(worker);
    worker_close_tasks(worker, !failed);
    worker_close_io(worker);
    worker_move(worker, WORKER_STOPPED);
}

void worker_kill(struct worker *worker)
{
    txn_undo(worker);
    assign_suspend(worker);
    worker_close_tasks(worker, false);
    worker_close_io(worker);
    if (worker->state != WORKER_STOPPED)
        worker_move(worker, WORKER_STOPPED);
}

/* -- errors: the only place that acts on classes -- */

/* Longer each time nothing came of it. */
static int64_t worker_backoff_ms(int times)
{
    int64_t ms = times < 10 ? 5LL << times : PAUSE_MS_MAX;
    return ms < PAUSE_MS_MAX ? ms : PAUSE_MS_MAX;
}

static int worker_fail(struct worker *worker, const struct mr_error *why, struct mr_error *error)
{
    txn_undo(worker);
    if (worker->state != WORKER_FAILED)
        worker_move(worker, WORKER_FAILED);
    host_fail(worker->engine, why);
    return mr_fail(error, why->code, "%s", why->text);
}

static int
worker_settle_error(struct worker *worker, const struct mr_error *why, struct mr_error *error)
{
    struct mr_error second = {0};
    int rc = 0;
    switch (mr_code_class(why->code)) {
    case MR_CLASS_NONE:
        return 0;
    case MR_CLASS_RETRY:
    case MR_CLASS_POISON:
    case MR_CLASS_ABORT:
        host_log(
            worker->engine,
            MR_LOG_WARN,
            "abort",
            "worker=%d error=\"%s\"",
            worker->number,
            why->text);
        worker->aborts++;
        rc = txn_abort(worker, &second); /* First: readers wait for its end. */
        host_pause_ms(worker->engine, worker_backoff_ms(worker->aborts));
        break;
    case MR_CLASS_FENCED:
        worker_give_up(worker, why);
        /* Two processes of one name are not to fence each other as fast as they can. */
        worker->aborts++;
        host_pause_ms(worker->engine, worker_backoff_ms(worker->aborts));
        return 0;
    case MR_CLASS_FATAL:
        return worker_fail(worker, why, error);
    }
    if (!rc)
        return 0;
    if (mr_code_class(rc) == MR_CLASS_FATAL)
        return worker_fail(worker, &second, error);
    /* The abort failed: rejoin, and init_transactions aborts it under the same id. */
    worker_give_up(worker, &second);
    return 0;
}

/* Before it runs, a worker has nothing to abort: only FATAL ends it. */
static int
worker_settle_closed(struct worker *worker, const struct mr_error *why, struct mr_error *error)
{
    if (mr_code_class(why->code) == MR_CLASS_FATAL)
        return worker_fail(worker, why, error);
    if (why->code == 0)
        return 0;
    host_log(
        worker->engine,
        MR_LOG_WARN,
        "join-failed",
        "worker=%d error=\"%s\"",
        worker->number,
        why->text);
    worker->aborts++;
    host_pause_ms(worker->engine, worker_backoff_ms(worker->aborts));
    worker_close_io(worker);
    return 0;
}

/* -- the step -- */

/* Ready takes all tasks of the assignment: RUNNING, or BLOCKED, which an operator has to see to. */
static void worker_report(struct worker *worker)
{
    struct metrics_reports reports = {.assigned = worker->was_assigned, .ready = true};
    reports.tasks = mr_calloc(worker->tasks_count + 1, sizeof *reports.tasks);
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *task = worker->tasks[i];
        struct metrics_task *own = &reports.tasks[reports.count++];
        task_report(task, own);
        for (size_t k = 0; k < task->queues.count; k++) {
            const struct queue *queue = &task->queues.items[k];
            const struct topo_partition *partition = &queue->partition;
            bool behind = queue->committed >= 0 && queue->idle_high > queue->committed;
            int64_t lag = behind ? queue->idle_high - queue->committed : 0;
            metrics_add_input(
                own,
                &(struct metrics_input){
                    partition->topic,
                    partition->partition,
                    queue->committed,
                    queue->end_unknown ? -1 : lag,
                    false});
        }
        reports.ready =
            reports.ready && (task->state == TASK_RUNNING || task->state == TASK_BLOCKED);
    }
    reports.ready = reports.ready && worker->assigned && !worker->unopened;
    host_publish_reports(worker->engine, (size_t)worker->number + 1, reports);
    worker->reported_ms = worker->now_ms;
    worker->report_now = false;
}

/* Input lag is for operators and for KIP-695. The ends are those that came with the last records:
 * a question to a broker would hold all partitions up when that broker is gone. */
static void worker_measure_lag(struct worker *worker)
{
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        for (size_t k = 0; task->state == TASK_RUNNING && k < task->queues.count; k++) {
            struct queue *queue = &task->queues.items[k];
            int64_t end = worker->io.known_end(worker->io.self, queue->partition);
            if (end >= 0 || queue->end_ms == 0)
                queue->end_ms = worker->now_ms;
            queue->end_unknown = end < 0 && host_end_is_old(worker->now_ms, queue->end_ms);
            if (queue->end_unknown)
                watch_forget_end(&worker->engine->watches, task->sub, &queue->partition);
            if (end < 0)
                continue;
            queue->idle_high = end;
            watch_set(&worker->engine->watches, task->sub, &queue->partition, -1, end);
        }
    }
}

static int worker_poll_timeout(struct worker *worker, int timeout_ms)
{
    if (run_has_input(worker) || txn_has_changes(worker))
        return 0;
    int most = restore_is_active(worker) && timeout_ms > 1 ? 1 : timeout_ms;
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (worker->tasks[i]->state == TASK_RUNNING && queues_next(&worker->tasks[i]->queues))
            most = most < HELD_MS ? most : HELD_MS;
    int64_t timer = punctuate_next_ms(worker);
    return timer >= 0 && timer < most ? (int)timer : most;
}

static int worker_turn(struct worker *worker, int timeout_ms, struct mr_error *error)
{
    int rc = assign_poll(worker, worker_poll_timeout(worker, timeout_ms), error);
    bool polled = worker->progress;
    txn_now_ms(worker);
    if (!rc && worker->unopened)
        rc = assign_open_tasks(worker, error);
    if (!rc)
        rc = restore_step(worker, error);
    if (!rc)
        rc = run_records(worker, error);
    if (!rc)
        rc = punctuate_run(worker, error);
    if (!rc)
        rc = input_bound(worker, error);
    bool drained = !polled && !run_has_input(worker);
    if (!rc && txn_is_due(worker, drained)) {
        rc = commit_transaction(worker, error);
        worker->progress = true;
    }
    if (rc)
        return rc;
    return task_write_behind_all(worker->tasks, worker->tasks_count, worker->now_ms, error);
}

static bool worker_report_is_due(const struct worker *worker)
{
    return worker->report_now || host_report_is_due(worker->now_ms, worker->reported_ms);
}

int worker_step(struct worker *worker, int timeout_ms, struct mr_error *error)
{
    assert(timeout_ms >= 0);
    struct mr_error why = {0};
    worker->progress = false;
    if (worker->state == WORKER_CLOSED) {
        int rc = worker_join(worker, &why);
        why.code = rc;
        worker->progress = rc == 0;
        return worker_settle_closed(worker, &why, error) ? why.code : worker->progress;
    }
    if (worker->state != WORKER_RUNNING)
        return 0;
    if (worker->number == 0)
        cleanup_step(worker->engine);
    why.code = worker_turn(worker, timeout_ms, &why);
    if (why.code) {
        worker->progress = true;
        int rc = worker_settle_error(worker, &why, error);
        if (rc)
            return rc;
    }
    if (worker->state == WORKER_RUNNING && worker->engine->threaded && worker_report_is_due(worker))
        worker_measure_lag(worker);
    if (worker_report_is_due(worker) || why.code)
        worker_report(worker);
    return worker->progress;
}
