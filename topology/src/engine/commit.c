/*
 * commit.c - the commit of the open transaction: eight steps in one order.
 *
 * Why it survives a death between any two steps:
 *   1. the stores are sound               a decision on a broken store is not committed
 *   2. changelog records are produced     one per key that changed since the last commit
 *   3. all is acknowledged                now the offsets of our records are known
 *   4. they are where we foresaw them     outcomes name them, so else nothing of this is committed
 *   5. positions are staged               of our logs, behind the marker that the commit leaves;
 *                                         of the input, as the group gets them
 *   6. input offsets and commit           dead before it: all is gone; after it: the log has all
 *   7. the stores commit, in memory       dead here: restore folds the log from the older position
 *   8. waiters for a position are woken
 */
#include "commit.h"

#include "resume.h"
#include "txn.h"

#include <base/alloc.h>
#include <base/clock.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    COMMIT_TRIES_MAX = 1000,
    COMMIT_PAUSE_MS_MAX = 500,
    MISMATCHES_MANY = 3,
    ONE_BY_ONE_RECORDS = 64,
};

/* -- 2. changelogs -- */

struct changelog_visit {
    struct worker *worker;
    struct task *task;
    struct mr_error *error;
};

static struct task_log *commit_changelog_of(struct task *task, const struct topo_store *store)
{
    for (size_t i = 0; i < task->sub->logs_count; i++) {
        const struct graph_log *log = &task->sub->logs[i];
        if (log->kind == GRAPH_LOG_CHANGELOG && task->stores[log->store->index] == store)
            return &task->logs[i];
    }
    return NULL;
}

/* One key that changed since the last commit; without a value it was deleted. */
static int commit_produce_row(
    void *user,
    struct topo_store *store,
    const char *name,
    struct mr_bytes key,
    struct mr_bytes value)
{
    const struct changelog_visit *visit = user;
    struct task_log *log = commit_changelog_of(visit->task, store);
    const struct topo_header by_us = {
        mr_cstr(TOPO_WRITER_HEADER), mr_cstr(visit->worker->engine->topology->application_id)};
    (void)name;
    assert(log);
    const struct topo_record record = {
        .topic = log->partition.topic,
        .partition = log->partition.partition,
        .offset = -1,
        .timestamp_ms = visit->worker->now_ms,
        .key = key,
        .value = value,
        .headers = &by_us,
        .headers_count = 1,
    };
    int rc = txn_produce(visit->worker, &log->partition, &record, visit->error);
    if (rc)
        return rc;
    log->next++;
    log->touched = true;
    metrics_add(&visit->worker->engine->metrics.changelog_records, 1);
    return 0;
}

static int commit_produce_changelogs(struct worker *worker, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < worker->tasks_count && !rc; i++) {
        struct changelog_visit visit = {worker, worker->tasks[i], error};
        rc = store_set_visit_staged(worker->tasks[i]->set, commit_produce_row, &visit);
    }
    return txn_blame_record(worker, rc, error);
}

/* -- 4. offsets as foreseen -- */

/* Somebody else wrote between our records. Nothing of the transaction is committed, the restore
 * reads what they wrote, and the same input is done again. When it happens again and again, small
 * transactions are less often in their way. */
static int commit_fail_shared_log(
    struct worker *worker, const struct task_log *log, int64_t last, struct mr_error *error)
{
    worker->mismatches++;
    if (worker->mismatches >= MISMATCHES_MANY) {
        worker->one_by_one = ONE_BY_ONE_RECORDS;
        host_log(
            worker->engine,
            MR_LOG_ERROR,
            "shared-log",
            "topic=%s partition=%" PRId32
            " times=%d reason=\"another producer writes to this topic: stop it; until then this "
            "service commits only between its records\"",
            log->partition.topic,
            log->partition.partition,
            worker->mismatches);
    }
    return mr_fail(
        error,
        MR_ABORTED,
        "%s/%" PRId32 ": our last record is at %" PRId64 ", expected was %" PRId64
        ": another producer wrote between our records",
        log->partition.topic,
        log->partition.partition,
        last,
        log->next - 1);
}

static int
commit_check_log(struct worker *worker, const struct task_log *log, struct mr_error *error)
{
    int64_t last = worker->io.last_offset(worker->io.self, log->partition);
    return last == log->next - 1 ? 0 : commit_fail_shared_log(worker, log, last, error);
}

static int commit_check_offsets(struct worker *worker, struct mr_error *error)
{
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *task = worker->tasks[i];
        for (size_t k = 0; k < task->sub->logs_count; k++) {
            int rc = task->logs[k].touched ? commit_check_log(worker, &task->logs[k], error) : 0;
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* -- 5. and 6. -- */

static void commit_stage_positions(struct task *task, int64_t now_ms)
{
    for (size_t k = 0; k < task->sub->logs_count; k++) {
        const struct task_log *log = &task->logs[k];
        if (log->touched)
            store_set_position_put(
                task->set, log->partition.topic, log->partition.partition, log->next + 1);
    }
    if (task->state == TASK_RUNNING)
        resume_stage_positions(task, now_ms);
}

/* The positions that moved; if none did (timers only), one that stayed: a transaction without an
 * input offset carries no generation and would not be fenced. */
static size_t
commit_collect_inputs(const struct worker *worker, struct topo_position *positions, bool moved_only)
{
    size_t count = 0;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *task = worker->tasks[i];
        for (size_t k = 0; task->state == TASK_RUNNING && k < task->queues.count; k++) {
            const struct queue *queue = &task->queues.items[k];
            int64_t next = queue_position(queue);
            assert(next >= 0);
            if (moved_only && next == queue->committed)
                continue;
            positions[count++] = (struct topo_position){
                queue->partition.topic,
                queue->partition.partition,
                next,
            };
            if (!moved_only)
                return count;
        }
    }
    return count;
}

static int commit_send_inputs(struct worker *worker, struct mr_error *error)
{
    size_t max = 1;
    for (size_t i = 0; i < worker->tasks_count; i++)
        max += worker->tasks[i]->queues.count;
    struct topo_position *positions = mr_calloc(max, sizeof *positions);
    size_t count = commit_collect_inputs(worker, positions, true);
    if (count == 0)
        count = commit_collect_inputs(worker, positions, false);
    int rc = txn_begin(worker, error);
    int tries = worker->engine->threaded ? COMMIT_TRIES_MAX : 10;
    int64_t pause_ms = 1;
    /* An answer that did not come is asked for again, never guessed. */
    while (!rc) {
        rc = worker->io.commit(worker->io.self, positions, count, error);
        txn_unsettle(worker, rc);
        if (mr_code_class(rc) != MR_CLASS_RETRY || --tries == 0)
            break;
        if (atomic_load(&worker->engine->stopping))
            tries = 1;
        host_pause_ms(worker->engine, pause_ms);
        pause_ms = pause_ms * 2 < COMMIT_PAUSE_MS_MAX ? pause_ms * 2 : COMMIT_PAUSE_MS_MAX;
        rc = 0;
    }
    free(positions);
    if (mr_code_class(rc) == MR_CLASS_RETRY) {
        /* Unknown still: a new producer under our name settles it, and restore reads what it is. */
        const struct mr_error last = error ? *error : (struct mr_error){0};
        return mr_fail(error, MR_FENCED, "the commit's answer does not come: %.400s", last.text);
    }
    return rc;
}

/* -- 7. and 8. -- */

static void commit_settle_task(struct worker *worker, struct task *task)
{
    store_set_commit(task->set);
    task->kept_stream_ms = task->stream_time_ms;
    for (size_t i = 0; i < task->timers_count; i++)
        task->timers[i].kept_ms = task->timers[i].due_ms;
    for (size_t k = 0; k < task->sub->logs_count; k++) {
        struct task_log *log = &task->logs[k];
        log->next += log->touched;
        log->touched = false;
    }
    for (size_t k = 0; task->state == TASK_RUNNING && k < task->queues.count; k++) {
        struct queue *queue = &task->queues.items[k];
        int64_t next = queue_position(queue);
        if (next == queue->committed)
            continue;
        queue->committed = next;
        watch_set(&worker->engine->watches, task->sub, &queue->partition, next, -1);
    }
}

static void commit_settle(struct worker *worker)
{
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (worker->tasks[i]->state == TASK_RUNNING)
            commit_settle_task(worker, worker->tasks[i]);
    watch_wake(&worker->engine->watches);
    if (worker->one_by_one > 0)
        worker->one_by_one -= worker->txn.records;
    worker->txn = (struct worker_txn){0};
    worker->aborts = worker->mismatches = 0;
}

/* Step 6 of an event's path: in this order, and whole. */
int commit_transaction(struct worker *worker, struct mr_error *error)
{
    assert(worker->state == WORKER_RUNNING && worker->io_open);
    int64_t began_ns = mr_monotonic_ns();
    int rc = 0;
    for (size_t i = 0; i < worker->tasks_count && !rc; i++)
        rc = store_set_check(worker->tasks[i]->set, error); /* 1. */
    if (!rc)
        rc = commit_produce_changelogs(worker, error); /* 2. */
    if (!rc && worker->txn.open)
        rc = txn_blame_record(worker, txn_flush(worker, error), error); /* 3. */
    if (!rc && worker->txn.open)
        rc = commit_check_offsets(worker, error); /* 4. */
    for (size_t i = 0; i < worker->tasks_count && !rc; i++)
        commit_stage_positions(worker->tasks[i], worker->now_ms); /* 5. */
    if (!rc)
        rc = commit_send_inputs(worker, error); /* 6. */
    if (rc)
        return rc;
    commit_settle(worker); /* 7., 8. */
    struct metrics *metrics = &worker->engine->metrics;
    metrics_add(&metrics->commits, 1);
    metrics_observe(&metrics->commit, (uint64_t)(mr_monotonic_ns() - began_ns));
    return 0;
}
