/*
 * punctuate.c - the timers of the running tasks.
 *
 * Invariant: a punctuation is done whole or undone whole, as a record is.
 */
#include "punctuate.h"

#include "context.h"
#include "txn.h"

#include <assert.h>

/* Something went wrong lately: what may be at fault stands alone in its transaction. */
static bool punctuate_is_careful(const struct worker *worker)
{
    return worker->aborts > 0 || worker->one_by_one > 0;
}

/* There is no record to lay aside: the timer is undone, and its next slot tries again. */
static int punctuate_undo_timer(
    struct worker *worker,
    struct task *task,
    const struct task_timer *timer,
    const struct mr_error *why)
{
    store_set_rollback(task->set);
    txn_count_timer_failure(worker, timer, why);
    return 0;
}

static int punctuate_emit(
    struct worker *worker, struct task *task, struct task_timer *timer, struct mr_error *error)
{
    struct mr_error why = {0};
    size_t emitted = 0;
    worker->txn.timer = timer;
    int rc = txn_emit(worker, task, &emitted, &why);
    bool refused = mr_code_class(rc) == MR_CLASS_POISON;
    if (refused && emitted > 0)
        return txn_blame_timer(worker, &why, error);
    if (refused)
        return punctuate_undo_timer(worker, task, timer, &why);
    if (rc)
        return mr_fail(error, rc, "%s", why.text);
    store_set_release(task->set);
    bool wanted = task->context.commit_requested || punctuate_is_careful(worker);
    worker->txn.wanted = worker->txn.wanted || wanted;
    metrics_add(&worker->engine->metrics.punctuations, 1);
    worker->progress = true;
    return 0;
}

static int punctuate_fire_timer(
    struct worker *worker,
    struct task *task,
    struct task_timer *timer,
    int64_t time_ms,
    struct mr_error *error)
{
    assert(task->state == TASK_RUNNING && timer->node->punctuate);
    struct mr_error why = {0};
    txn_touch(worker);
    task->context.commit_requested = false;
    store_set_savepoint(task->set);
    int rc = context_punctuate(&task->context, timer->node, worker->now_ms, time_ms, &why);
    if (mr_code_class(rc) == MR_CLASS_POISON)
        return punctuate_undo_timer(worker, task, timer, &why);
    if (rc == MR_CORRUPT)
        return txn_block_task(task, timer->node->name, &why, error);
    return rc ? mr_fail(error, rc, "%s", why.text) : punctuate_emit(worker, task, timer, error);
}

/* Slots that were missed are skipped: a timer fires once and is then due at the next one. */
static int punctuate_run_timer(
    struct worker *worker, struct task *task, struct task_timer *timer, struct mr_error *error)
{
    bool on_stream = timer->node->punctuate_on_stream_time;
    int64_t interval_ms = timer->node->punctuate_interval_ms;
    int64_t time_ms = on_stream ? task->stream_time_ms : worker->now_ms;
    if (on_stream && time_ms == INT64_MIN)
        return 0;
    if (timer->due_ms < 0 || timer->due_ms > time_ms + interval_ms) /* Or the clock went back. */
        timer->due_ms = time_ms + interval_ms;
    int64_t pause_ms = timer->not_before_ms - worker->now_ms;
    if (time_ms < timer->due_ms || (pause_ms > 0 && pause_ms <= TXN_TIMER_PAUSE_MS))
        return 0;
    if (punctuate_is_careful(worker) && txn_has_changes(worker))
        return 0;
    int rc = punctuate_fire_timer(worker, task, timer, time_ms, error);
    if (!rc)
        timer->due_ms += ((time_ms - timer->due_ms) / interval_ms + 1) * interval_ms;
    return rc;
}

int punctuate_run(struct worker *worker, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        for (size_t k = 0; task->state == TASK_RUNNING && k < task->timers_count && !rc; k++)
            rc = punctuate_run_timer(worker, task, &task->timers[k], error);
    }
    if (!txn_has_changes(worker))
        worker->txn.began_ms = 0;
    return rc;
}

int64_t punctuate_next_ms(const struct worker *worker)
{
    int64_t next = -1;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *task = worker->tasks[i];
        for (size_t k = 0; task->state == TASK_RUNNING && k < task->timers_count; k++) {
            const struct task_timer *timer = &task->timers[k];
            if (timer->node->punctuate_on_stream_time || timer->due_ms < 0)
                continue;
            int64_t due_ms =
                timer->due_ms > timer->not_before_ms ? timer->due_ms : timer->not_before_ms;
            int64_t in_ms = due_ms > worker->now_ms ? due_ms - worker->now_ms : 0;
            next = next < 0 || in_ms < next ? in_ms : next;
        }
    }
    return next;
}
