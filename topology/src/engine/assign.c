/*
 * assign.c - what the group tells a worker, and where a polled record goes.
 *
 * Invariant: only RUNNING tasks have buffered records; what is polled for others goes back at once.
 */
#include "worker.h"

#include <base/alloc.h>

#include <assert.h>
#include <inttypes.h>

void worker_release(struct worker *worker, struct queue *queue)
{
    const struct queued *head = queue_head(queue);
    assert(worker->buffered_bytes >= head->bytes);
    worker->buffered_bytes -= head->bytes;
    worker->io.release(worker->io.self, head->token);
    queue_pop(queue);
}

static void drop_queues(struct worker *worker, struct task *task)
{
    for (size_t i = 0; i < task->queues.count; i++)
        while (task->queues.items[i].count > 0)
            worker_release(worker, &task->queues.items[i]);
}

void worker_drop_input(struct worker *worker)
{
    for (size_t i = 0; i < worker->tasks_count; i++)
        drop_queues(worker, worker->tasks[i]);
    assert(worker->buffered_bytes == 0);
}

void worker_suspend(struct worker *worker)
{
    worker_drop_input(worker);
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

/* -- records -- */

static struct queue *find_queue(struct worker *worker, const struct topo_record *record)
{
    struct queue *last = worker->last_queue;
    if (last && last->partition.partition == record->partition &&
        (last->partition.topic == record->topic ||
         strcmp(last->partition.topic, record->topic) == 0))
        return last;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        for (size_t k = 0; task->partition == record->partition && k < task->queues.count; k++) {
            struct queue *queue = &task->queues.items[k];
            if (strcmp(queue->partition.topic, record->topic) == 0) {
                worker->last_queue = queue;
                worker->last_task = task;
                return queue;
            }
        }
    }
    return NULL;
}

static void take_records(struct worker *worker, const struct topo_io_poll *poll)
{
    for (size_t i = 0; i < poll->records_count; i++) {
        const struct topo_record *record = &poll->records[i];
        struct queue *queue = find_queue(worker, record);
        bool wanted =
            queue && worker->last_task->state == TASK_RUNNING && record->offset >= queue->next;
        if (!wanted) {
            worker->io.release(worker->io.self, poll->tokens[i]);
            continue;
        }
        queue_push(queue, record, poll->tokens[i]);
        worker->buffered_bytes += queue_bytes_of(record);
    }
}

/* -- assignments -- */

static struct task *
find_task(const struct worker *worker, const struct graph_sub *sub, int32_t partition)
{
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (worker->tasks[i]->sub == sub && worker->tasks[i]->partition == partition)
            return worker->tasks[i];
    return NULL;
}

static bool is_assigned(const struct worker *worker, const struct topo_partition *partition)
{
    for (size_t i = 0; i < worker->assignment_count; i++)
        if (worker->assignment[i].partition == partition->partition &&
            strcmp(worker->assignment[i].topic, partition->topic) == 0)
            return true;
    return false;
}

static void keep_assignment(struct worker *worker, const struct topo_io_poll *poll)
{
    size_t count = poll->partitions_count;
    worker->assignment = mr_realloc(worker->assignment, (count + 1) * sizeof *worker->assignment);
    if (count > 0)
        memcpy(worker->assignment, poll->partitions, count * sizeof *worker->assignment);
    worker->assignment_count = count;
}

/* Tasks that went are closed; their files stay, so that coming back costs the delta only. */
static int close_gone(struct worker *worker, struct mr_error *error)
{
    int rc = 0;
    size_t kept = 0;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        bool stays = false;
        for (size_t k = 0; k < task->queues.count; k++)
            stays = stays || is_assigned(worker, &task->queues.items[k].partition);
        if (stays) {
            worker->tasks[kept++] = task;
            continue;
        }
        int closed = task_close(task, true, error);
        rc = rc ? rc : closed;
    }
    worker->tasks_count = kept;
    return rc;
}

static int
open_assigned(struct worker *worker, const struct topo_partition *partition, struct mr_error *error)
{
    struct graph_sub *sub = NULL;
    const struct graph_input *input =
        graph_input_of(worker->engine->topology, partition->topic, false, &sub);
    if (!input)
        return mr_fail(error, MR_CONFIG, "assigned a topic nobody reads: %s", partition->topic);
    if (find_task(worker, sub, partition->partition))
        return 0;
    struct task *task = NULL;
    int rc = task_open(worker->engine, worker, sub, partition->partition, &task, error);
    if (rc)
        return rc;
    worker->tasks = mr_realloc(worker->tasks, (worker->tasks_count + 1) * sizeof(struct task *));
    worker->tasks[worker->tasks_count++] = task;
    return 0;
}

/* A task needs its partition of every topic it reads. */
static int check_complete(const struct worker *worker, struct mr_error *error)
{
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *task = worker->tasks[i];
        for (size_t k = 0; k < task->queues.count; k++) {
            const struct topo_partition *partition = &task->queues.items[k].partition;
            if (!is_assigned(worker, partition))
                return mr_fail(
                    error,
                    MR_CONFIG,
                    "%s/%" PRId32
                    " went to another member than the other topics of task %s-%" PRId32
                    ": all members of the group must subscribe to the same topics with range",
                    partition->topic,
                    partition->partition,
                    task->sub->name,
                    task->partition);
        }
    }
    return 0;
}

int worker_open_tasks(struct worker *worker, struct mr_error *error)
{
    bool unopened = false;
    int rc = 0;
    for (size_t i = 0; i < worker->assignment_count && !rc; i++) {
        rc = open_assigned(worker, &worker->assignment[i], error);
        if (rc == MR_AGAIN) {
            unopened = true;
            rc = 0;
        }
    }
    if (!rc)
        rc = check_complete(worker, error);
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

static int assign(struct worker *worker, const struct topo_io_poll *poll, struct mr_error *error)
{
    worker_suspend(worker);
    keep_assignment(worker, poll);
    int rc = close_gone(worker, error);
    if (!rc)
        rc = worker_open_tasks(worker, error);
    if (rc)
        return rc;
    worker->assigned = worker->was_assigned = true;
    worker->report_now = true;
    metrics_add(&worker->engine->metrics.rebalances, 1);
    engine_log(
        worker->engine,
        MR_LOG_INFO,
        "assigned",
        "worker=%d tasks=%zu",
        worker->number,
        worker->tasks_count);
    return 0;
}

/* What is in hand is committed while the partitions are still ours. */
static int revoke(struct worker *worker, struct mr_error *error)
{
    struct mr_error why = {0};
    int rc = worker_has_changes(worker) ? worker_commit(worker, &why) : 0;
    if (mr_code_class(rc) == MR_CLASS_FATAL || mr_code_class(rc) == MR_CLASS_FENCED)
        return mr_fail(error, rc, "%s", why.text);
    if (rc)
        rc = worker_abort(worker, error);
    worker_suspend(worker);
    return rc;
}

static int lose(struct worker *worker, struct mr_error *error)
{
    int rc = worker_abort(worker, error);
    worker_suspend(worker);
    return rc;
}

int worker_poll(struct worker *worker, int timeout_ms, struct mr_error *error)
{
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    int64_t began_ns = engine_clock_ns();
    int rc = worker->io.poll(worker->io.self, timeout_ms, &poll, error);
    metrics_add(&worker->engine->metrics.poll_ns, (uint64_t)(engine_clock_ns() - began_ns));
    if (rc)
        return mr_code_class(rc) == MR_CLASS_RETRY ? 0 : rc;
    worker->progress = worker->progress || poll.event != TOPO_IO_NOTHING;
    switch (poll.event) {
    case TOPO_IO_RECORDS:
        take_records(worker, &poll);
        return 0;
    case TOPO_IO_ASSIGNED:
        return assign(worker, &poll, error);
    case TOPO_IO_REVOKED:
        return revoke(worker, error);
    case TOPO_IO_LOST:
        return lose(worker, error);
    case TOPO_IO_NOTHING:
        return 0;
    }
    return 0;
}

/* -- the bound on buffered input -- */

static int
set_paused(struct worker *worker, struct queue *queue, bool paused, struct mr_error *error)
{
    if (queue->paused == paused)
        return 0;
    int rc = worker->io.pause(worker->io.self, queue->partition, paused, error);
    if (mr_code_class(rc) == MR_CLASS_RETRY)
        return 0; /* The next step asks again. */
    if (!rc)
        queue->paused = paused;
    return rc;
}

/* Over the bound, partitions with something buffered are paused; an empty one never is, as its task
 * may wait for it. Each resumes when it is empty, or all do at half the bound. */
int worker_bound_buffers(struct worker *worker, struct mr_error *error)
{
    size_t bound = (size_t)worker->engine->options.buffered_bytes_max;
    bool over = worker->buffered_bytes > bound;
    if (!over && !worker->paused_any)
        return 0;
    bool resume = worker->buffered_bytes <= bound / 2;
    bool paused_any = false;
    int rc = 0;
    for (size_t i = 0; i < worker->tasks_count && !rc; i++) {
        struct task *task = worker->tasks[i];
        for (size_t k = 0; k < task->queues.count && !rc; k++) {
            struct queue *queue = &task->queues.items[k];
            bool paused = !resume && queue->count > 0 && (queue->paused || over);
            if (task->state == TASK_RUNNING) /* One that restores is paused still when it runs. */
                rc = set_paused(worker, queue, paused, error);
            paused_any = paused_any || queue->paused;
        }
    }
    worker->paused_any = paused_any;
    return rc;
}
