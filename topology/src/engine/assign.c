/*
 * assign.c - what the group assigns and revokes, and where a polled record goes.
 *
 * Transitions
 *     assigned   assign_take_partitions: tasks that went are closed, the others restore
 *     revoked    assign_revoke: what is in hand is committed while the partitions are still ours
 *     lost       assign_lose: what is in hand is aborted, as somebody else may have them already
 *
 * Invariants
 *   1. Only RUNNING tasks have buffered records; what is polled for others goes back at once.
 *   2. A suspended task keeps its stores open, so that coming back costs what it missed only.
 *   3. A task is opened whole or not at all: it has its partition of every topic it reads. While a
 *      group is upgraded to a topology that reads one topic more, only the new members ask for that
 *      topic, and get all of it: its partitions wait there until the last old member is gone.
 *   4. A directory that another worker of this engine still has open is waited for (`unopened`).
 */
#include "assign.h"

#include "commit.h"
#include "input.h"
#include "txn.h"

#include <base/alloc.h>
#include <base/clock.h>

#include <assert.h>
#include <inttypes.h>

void assign_suspend(struct worker *worker)
{
    input_drop_all(worker);
    worker->last_queue = NULL;
    worker->assigned = worker->unopened = false;
    worker->report_now = true;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        for (size_t k = 0; k < task->sub->logs_count; k++) {
            struct task_log *log = &task->logs[k];
            if (log->reading && worker->io_open)
                worker->io.log_remove(worker->io.self, log->partition, NULL);
            log->reading = false;
        }
        if (task->restore == TASK_RESTORE_READ && task->state == TASK_RESTORING)
            store_set_restore_mode(task->set, false);
        for (size_t k = 0; k < task->queues.count; k++)
            watch_remove(&worker->engine->watches, task->sub, &task->queues.items[k].partition);
        task_move(task, TASK_SUSPENDED);
    }
}

/* -- assignments -- */

static struct task *
assign_find_task(const struct worker *worker, const struct graph_sub *sub, int32_t partition)
{
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (worker->tasks[i]->sub == sub && worker->tasks[i]->partition == partition)
            return worker->tasks[i];
    return NULL;
}

static bool assign_is_assigned(const struct worker *worker, const struct topo_partition *partition)
{
    for (size_t i = 0; i < worker->assignment_count; i++)
        if (worker->assignment[i].partition == partition->partition &&
            strcmp(worker->assignment[i].topic, partition->topic) == 0)
            return true;
    return false;
}

static bool
assign_is_whole(const struct worker *worker, const struct graph_sub *sub, int32_t partition)
{
    for (size_t i = 0; i < sub->inputs_count; i++) {
        const struct topo_partition needed = {sub->inputs[i].topic, partition};
        if (!assign_is_assigned(worker, &needed))
            return false;
    }
    return true;
}

static void assign_keep_partitions(struct worker *worker, const struct topo_io_poll *poll)
{
    size_t count = poll->partitions_count;
    worker->assignment = mr_realloc(worker->assignment, (count + 1) * sizeof *worker->assignment);
    if (count > 0)
        memcpy(worker->assignment, poll->partitions, count * sizeof *worker->assignment);
    worker->assignment_count = count;
}

/* Tasks that went are closed; their files stay, so that coming back costs the delta only. */
static int assign_close_gone_tasks(struct worker *worker, struct mr_error *error)
{
    int rc = 0;
    size_t kept = 0;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        if (assign_is_whole(worker, task->sub, task->partition)) {
            worker->tasks[kept++] = task;
            continue;
        }
        int closed = task_close(task, true, error);
        rc = rc ? rc : closed;
    }
    worker->tasks_count = kept;
    return rc;
}

static int assign_open_task(
    struct worker *worker, const struct topo_partition *partition, struct mr_error *error)
{
    struct graph_sub *sub = NULL;
    const struct graph_input *input =
        graph_input_of(worker->engine->topology, partition->topic, false, &sub);
    if (!input)
        return mr_fail(error, MR_CONFIG, "assigned a topic nobody reads: %s", partition->topic);
    if (assign_find_task(worker, sub, partition->partition) ||
        !assign_is_whole(worker, sub, partition->partition))
        return 0;
    struct task *task = NULL;
    int rc = task_open(worker->engine, worker, sub, partition->partition, &task, error);
    if (rc)
        return rc;
    worker->tasks = mr_realloc(worker->tasks, (worker->tasks_count + 1) * sizeof(struct task *));
    worker->tasks[worker->tasks_count++] = task;
    return 0;
}

/* For operators: it is as it should be during an upgrade, and nothing goes on there after it. */
static void assign_report_parts(const struct worker *worker)
{
    for (size_t i = 0; i < worker->assignment_count; i++) {
        const struct topo_partition *partition = &worker->assignment[i];
        struct graph_sub *sub = NULL;
        if (!graph_input_of(worker->engine->topology, partition->topic, false, &sub) ||
            assign_is_whole(worker, sub, partition->partition))
            continue;
        host_log(
            worker->engine,
            MR_LOG_WARN,
            "task-incomplete",
            "task=%s-%" PRId32 " topic=%s reason=\"other topics of the task are another member's: "
            "it waits until all members of the group read the same topics\"",
            sub->name,
            partition->partition,
            partition->topic);
    }
}

int assign_open_tasks(struct worker *worker, struct mr_error *error)
{
    const size_t slot = (size_t)worker->number + 1;
    bool unopened = false;
    int rc = 0;
    host_go_away(worker->engine, slot, true); /* A copied snapshot, a long replay: no hang. */
    for (size_t i = 0; i < worker->assignment_count && !rc; i++) {
        rc = assign_open_task(worker, &worker->assignment[i], error);
        if (rc == MR_AGAIN) {
            unopened = true;
            rc = 0;
        }
    }
    host_go_away(worker->engine, slot, false);
    if (rc)
        return rc;
    worker->unopened = unopened;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        if (task->state != TASK_SUSPENDED)
            continue;
        task_move(task, TASK_RESTORING);
        for (size_t k = 0; k < task->queues.count; k++)
            task->queues.items[k].paused = false;
        worker->progress = worker->report_now = true;
    }
    return 0;
}

static int assign_take_partitions(
    struct worker *worker, const struct topo_io_poll *poll, struct mr_error *error)
{
    assert(poll->event == TOPO_IO_ASSIGNED);
    assign_suspend(worker);
    assign_keep_partitions(worker, poll);
    int rc = assign_close_gone_tasks(worker, error);
    if (!rc)
        rc = assign_open_tasks(worker, error);
    if (rc)
        return rc;
    assign_report_parts(worker);
    worker->assigned = worker->was_assigned = true;
    worker->report_now = true;
    metrics_add(&worker->engine->metrics.rebalances, 1);
    host_log(
        worker->engine,
        MR_LOG_INFO,
        "assigned",
        "worker=%d tasks=%zu",
        worker->number,
        worker->tasks_count);
    return 0;
}

/* Commits the work in hand while the partitions are still ours. */
static int assign_revoke(struct worker *worker, struct mr_error *error)
{
    struct mr_error why = {0};
    int rc = txn_has_changes(worker) ? commit_transaction(worker, &why) : 0;
    if (mr_code_class(rc) == MR_CLASS_FATAL || mr_code_class(rc) == MR_CLASS_FENCED)
        return mr_fail(error, rc, "%s", why.text);
    if (rc)
        rc = txn_abort(worker, error);
    assign_suspend(worker);
    return rc;
}

static int assign_lose(struct worker *worker, struct mr_error *error)
{
    int rc = txn_abort(worker, error);
    assign_suspend(worker);
    return rc;
}

int assign_poll(struct worker *worker, int timeout_ms, struct mr_error *error)
{
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    int64_t began_ns = mr_monotonic_ns();
    int rc = worker->io.poll(worker->io.self, timeout_ms, &poll, error);
    metrics_add(&worker->engine->metrics.poll_ns, (uint64_t)(mr_monotonic_ns() - began_ns));
    if (rc)
        return mr_code_class(rc) == MR_CLASS_RETRY ? 0 : rc;
    worker->progress = worker->progress || poll.event != TOPO_IO_NOTHING;
    switch (poll.event) {
    case TOPO_IO_RECORDS:
        input_take(worker, &poll);
        return 0;
    case TOPO_IO_ASSIGNED:
        return assign_take_partitions(worker, &poll, error);
    case TOPO_IO_REVOKED:
        return assign_revoke(worker, error);
    case TOPO_IO_LOST:
        return assign_lose(worker, error);
    case TOPO_IO_NOTHING:
        return 0;
    }
    return 0;
}
