/*
 * input.c - the records a worker has polled and not processed yet.
 *
 * Invariants
 *   1. Only RUNNING tasks have buffered records; what is polled for others goes back at once.
 *   2. Every buffered record is given back to the io exactly once: input_release, when it is done
 *      or dropped.
 *   3. buffered_bytes is the sum of what all queues hold.
 *   4. Over the bound, partitions with something buffered are paused; an empty one never is, as its
 *      task may wait for it.
 */
#include "input.h"

#include <assert.h>

void input_release(struct worker *worker, struct queue *queue)
{
    const struct queued *head = queue_head(queue);
    assert(worker->buffered_bytes >= head->bytes);
    worker->buffered_bytes -= head->bytes;
    worker->io.release(worker->io.self, head->token);
    queue_pop(queue);
}

static void input_drop_task(struct worker *worker, struct task *task)
{
    for (size_t i = 0; i < task->queues.count; i++)
        while (task->queues.items[i].count > 0)
            input_release(worker, &task->queues.items[i]);
}

void input_drop_all(struct worker *worker)
{
    for (size_t i = 0; i < worker->tasks_count; i++)
        input_drop_task(worker, worker->tasks[i]);
    assert(worker->buffered_bytes == 0);
}

static struct queue *input_find_queue(struct worker *worker, const struct topo_record *record)
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

void input_take(struct worker *worker, const struct topo_io_poll *poll)
{
    assert(poll->event == TOPO_IO_RECORDS);
    for (size_t i = 0; i < poll->records_count; i++) {
        const struct topo_record *record = &poll->records[i];
        struct queue *queue = input_find_queue(worker, record);
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

static int
input_set_paused(struct worker *worker, struct queue *queue, bool paused, struct mr_error *error)
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
int input_bound(struct worker *worker, struct mr_error *error)
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
                rc = input_set_paused(worker, queue, paused, error);
            paused_any = paused_any || queue->paused;
        }
    }
    worker->paused_any = paused_any;
    return rc;
}
