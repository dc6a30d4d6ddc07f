/*
 * txn.c - the open transaction of a worker: begun lazily, written to, blamed, undone whole.
 *
 *     none --txn_begin (by the first txn_produce, or by the commit)--> open
 *     open --commit.c--> none        open --txn_abort--> none
 *
 * Invariants
 *   1. Nothing is produced outside an open transaction.
 *   2. The log's next offsets count what was produced: task_log.next is where the next record of
 *      ours goes, if nobody else writes there. The commit checks it.
 *   3. A record or timer whose outputs the log refuses is found by committing it alone
 *      (one_by_one), then laid aside (txn_blame_record) or paused (txn_blame_timer).
 *   4. State that cannot be read stops its task only (txn_block_task).
 *   5. After an end whose answer did not come the producer takes a new epoch before the next
 *      transaction: the request may still be on its way, and would end that one.
 *   6. txn_undo leaves every task as of its last commit, and RESTORING.
 */
#include "txn.h"

#include "context.h"
#include "input.h"

#include <assert.h>
#include <stdio.h>

enum {
    TXN_TRIES_MAX = 8,
    TXN_ABORTS_MAX = 3, /* An abort that has to be aborted itself. */
};

int64_t txn_now_ms(struct worker *worker)
{
    worker->now_ms = worker->io.now_ms(worker->io.self);
    return worker->now_ms;
}

bool txn_retry(struct worker *worker, int rc, int *tries)
{
    return host_retry(worker->engine, rc, TXN_TRIES_MAX, tries);
}

/* -- begin, produce -- */

void txn_unsettle(struct worker *worker, int rc)
{
    if (mr_code_class(rc) == MR_CLASS_RETRY)
        worker->unsettled = true;
}

static int txn_renew(struct worker *worker, struct mr_error *error)
{
    int tries = 0;
    int rc = 0;
    do
        rc = worker->io.init_transactions(worker->io.self, error);
    while (txn_retry(worker, rc, &tries));
    if (rc)
        return rc;
    worker->unsettled = false;
    metrics_add(&worker->engine->metrics.producers_renewed, 1);
    host_log(worker->engine, MR_LOG_WARN, "producer-renewed", "worker=%d", worker->number);
    return 0;
}

int txn_begin(struct worker *worker, struct mr_error *error)
{
    assert(worker->io_open);
    int tries = 0;
    if (worker->txn.open)
        return 0;
    int rc = worker->unsettled ? txn_renew(worker, error) : 0;
    if (rc)
        return rc;
    do
        rc = worker->io.begin(worker->io.self, error);
    while (txn_retry(worker, rc, &tries));
    /* It may have begun in a try whose answer was lost: then there is something to abort. */
    worker->txn.open = rc == 0 || mr_code_class(rc) == MR_CLASS_ABORT;
    return rc;
}

void txn_touch(struct worker *worker)
{
    if (worker->txn.began_ms == 0)
        worker->txn.began_ms = worker->now_ms;
}

void txn_count_timer_failure(
    const struct worker *worker, const struct task_timer *timer, const struct mr_error *why)
{
    const struct metrics *metrics = &worker->engine->metrics;
    size_t row = timer->node->index * METRICS_CLASSES;
    metrics_add(&metrics->punctuation_failures[row + mr_code_class(why->code)], 1);
    host_log(
        worker->engine,
        MR_LOG_WARN,
        "punctuation-failed",
        "node=%s reason=\"%s\"",
        timer->node->name,
        why->text);
}

int txn_blame_timer(struct worker *worker, const struct mr_error *why, struct mr_error *error)
{
    assert(worker->txn.timer);
    struct task_timer *timer = worker->txn.timer;
    txn_count_timer_failure(worker, timer, why);
    timer->not_before_ms = worker->now_ms + TXN_TIMER_PAUSE_MS;
    return mr_fail(
        error,
        MR_ABORTED,
        "the log refused what \"%s\" put out: %.400s",
        timer->node->name,
        why->text);
}

/* The log refused something of this transaction: a row of a changelog, or what it found too large
 * only when it got it. Which record that is of shows when it is alone in one. */
int txn_blame_record(struct worker *worker, int rc, struct mr_error *error)
{
    const struct worker_txn *txn = &worker->txn;
    const struct mr_error why = error ? *error : (struct mr_error){0};
    if (mr_code_class(rc) != MR_CLASS_POISON)
        return rc;
    if (txn->records == 0 && txn->timer)
        return txn_blame_timer(worker, &why, error);
    bool again = txn->records == 1 && txn->last->refusal.offset == txn->last_offset;
    if (again || (worker->one_by_one > 0 && txn->records == 1))
        queue_refuse(txn->last, txn->last_offset, rc, why.text);
    worker->one_by_one = txn->records;
    return mr_fail(error, MR_ABORTED, "a record was refused: %.400s", why.text);
}

int txn_flush(struct worker *worker, struct mr_error *error)
{
    int tries = 0;
    int rc = 0;
    do {
        rc = worker->io.flush(worker->io.self, error);
        txn_unsettle(worker, rc);
    } while (txn_retry(worker, rc, &tries));
    return rc;
}

int txn_block_task(
    struct task *task, const char *where, const struct mr_error *why, struct mr_error *error)
{
    assert(task->state == TASK_RUNNING && why->code == MR_CORRUPT);
    (void)snprintf(
        task->why_blocked, sizeof task->why_blocked, "cannot process %s: %.300s", where, why->text);
    task->must_block = true;
    return mr_fail(error, MR_ABORTED, "%s", task->why_blocked);
}

/* A full queue is drained by a flush: that is the back-pressure. */
int txn_produce(
    struct worker *worker,
    const struct topo_partition *to,
    const struct topo_record *record,
    struct mr_error *error)
{
    int tries = 0;
    int rc = txn_begin(worker, error);
    if (rc)
        return rc;
    rc = worker->io.produce(worker->io.self, to, record, error);
    while (txn_retry(worker, rc, &tries)) {
        rc = txn_flush(worker, error);
        if (mr_code_class(rc) == MR_CLASS_POISON && worker->txn.records > 0)
            return txn_blame_record(worker, rc, error); /* Not of this record, perhaps. */
        if (!rc)
            rc = worker->io.produce(worker->io.self, to, record, error);
    }
    if (!rc)
        worker->txn.bytes += (int64_t)(record->key.len + record->value.len);
    return rc;
}

/* The sink says which partition; what goes to one of the task's logs moves its next offset. */
static int txn_emit_one(
    struct worker *worker,
    struct task *task,
    const struct context_output *pending,
    struct mr_error *error)
{
    assert(pending->sink->kind == GRAPH_SINK);
    const struct graph_node *sink = pending->sink;
    const struct topo_output *output = &pending->output;
    const struct topo_context *context = &task->context;
    int32_t partition = -1;
    if (sink->partition_by == TOPO_PARTITION_BY_TASK)
        partition = task->partition;
    else if (sink->partition_by == TOPO_PARTITION_EXPLICIT)
        partition = output->partition;
    const struct topo_partition to = {sink->topic, partition};
    const struct topo_record record = {
        .topic = sink->topic,
        .partition = partition,
        .offset = -1,
        .timestamp_ms = output->timestamp_ms ? output->timestamp_ms : context->timestamp_ms,
        .key = output->key,
        .value = output->value,
        .headers = output->headers,
        .headers_count = output->headers_count,
    };
    int rc = txn_produce(worker, &to, &record, error);
    if (!rc && sink->role != GRAPH_PLAIN) {
        task->logs[sink->log].next++;
        task->logs[sink->log].touched = true;
    }
    return rc;
}

int txn_emit(struct worker *worker, struct task *task, size_t *ret_emitted, struct mr_error *error)
{
    assert(task->state == TASK_RUNNING);
    struct topo_context *context = &task->context;
    size_t emitted = 0;
    int rc = 0;
    while (emitted < context->outputs_count && !rc) {
        rc = txn_emit_one(worker, task, &context->outputs[emitted], error);
        emitted += rc == 0;
    }
    metrics_add(&worker->engine->metrics.outputs, emitted);
    context_forget(context);
    *ret_emitted = emitted;
    return rc;
}

/* -- when to commit -- */

bool txn_has_changes(const struct worker *worker)
{
    if (worker->txn.open || worker->txn.records > 0)
        return true;
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (store_set_has_staged(worker->tasks[i]->set))
            return true;
    return false;
}

bool txn_is_due(struct worker *worker, bool drained)
{
    const struct topo_engine_options *options = &worker->engine->options;
    const struct worker_txn *txn = &worker->txn;
    if (!txn_has_changes(worker))
        return false;
    if (drained || txn->wanted || txn->records >= options->commit_records_max)
        return true;
    int64_t age_ms = worker->now_ms - txn->began_ms;
    if (age_ms < 0 || age_ms >= options->commit_interval_ms_max)
        return true;
    int64_t bytes = txn->bytes;
    for (size_t i = 0; i < worker->tasks_count; i++)
        bytes += (int64_t)store_set_staged_bytes(worker->tasks[i]->set);
    return bytes >= options->commit_bytes_max;
}

/* -- undoing -- */

void txn_undo(struct worker *worker)
{
    input_drop_all(worker);
    worker->last_queue = NULL;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        context_forget(&task->context);
        if (task->set) /* NULL: it could not be rebuilt. */
            store_set_abort(task->set);
        task->stream_time_ms = task->kept_stream_ms;
        for (size_t k = 0; k < task->timers_count; k++)
            task->timers[k].due_ms = task->timers[k].kept_ms;
        for (size_t k = 0; k < task->sub->logs_count; k++)
            task->logs[k].touched = false;
        if (task->state == TASK_RUNNING)
            task_move(task, TASK_RESTORING);
    }
    worker->txn = (struct worker_txn){0};
    worker->report_now = true;
}

int txn_abort(struct worker *worker, struct mr_error *error)
{
    assert(worker->io_open);
    int tries = 0;
    int rc = 0;
    metrics_add(&worker->engine->metrics.aborts, 1);
    while (worker->txn.open) {
        rc = worker->io.abort(worker->io.self, error);
        txn_unsettle(worker, rc);
        bool again = mr_code_class(rc) == MR_CLASS_ABORT && tries++ < TXN_ABORTS_MAX;
        if (!again && !txn_retry(worker, rc, &tries))
            break;
    }
    txn_undo(worker);
    return rc;
}
