/*
 * resume.c - the positions of a task's input in its stores: staged, kept, and compared with the
 * group's.
 *
 * Invariants
 *   1. A position is in one batch with the data that its input made. It is never ahead of the group
 *      in normal life: the group hears of it in the transaction, the stores when that is committed.
 *   2. It may be behind: the disk is some commits behind the group, and a restore folds what those
 *      commits put out. From the first such record on `behind` is kept beside the positions, until
 *      the group has an offset again.
 *   3. So without the group's offset a position is exact when nothing was folded since; then it
 *      is used. Else the input after it was done once already, and nobody knows how far: the task
 *      blocks.
 */
#include "resume.h"

#include <base/alloc.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIME_STEP_MS = 60000 };

/* No topic has a colon in its name. */
static const char behind_name[] = "input:";
static const char time_name[] = "time:";

static int64_t resume_position(const struct task *task, const struct queue *queue)
{
    return store_set_position(task->set, queue->position_name, queue->partition.partition);
}

int64_t resume_age_ms(const struct task *task, int64_t now_ms)
{
    int64_t seen_ms = store_set_position(task->set, time_name, task->partition);
    return seen_ms < 0 ? -1 : now_ms - seen_ms;
}

/* Not at each commit: it would be all that the flush of an idle task has to write. */
static void resume_put_time(struct task *task, int64_t now_ms)
{
    int64_t age_ms = resume_age_ms(task, now_ms);
    if (now_ms >= 0 && (age_ms < 0 || age_ms >= TIME_STEP_MS))
        store_set_position_put(task->set, time_name, task->partition, now_ms);
}

void resume_stage_positions(struct task *task, int64_t now_ms)
{
    assert(task->state == TASK_RUNNING && !task->behind);
    resume_put_time(task, now_ms);
    for (size_t i = 0; i < task->queues.count; i++) {
        const struct queue *queue = &task->queues.items[i];
        int64_t next = queue_position(queue);
        if (next != resume_position(task, queue))
            store_set_position_put(
                task->set, queue->position_name, queue->partition.partition, next);
    }
}

void resume_fall_behind(struct task *task)
{
    if (!task->behind)
        store_set_position_put(task->set, behind_name, task->partition, 1);
    task->behind = true;
}

void resume_keep_positions(struct task *task, int64_t now_ms)
{
    assert(task->state == TASK_RESTORING);
    store_set_restore_mode(task->set, true);
    resume_put_time(task, now_ms);
    for (size_t i = 0; i < task->queues.count; i++) {
        const struct queue *queue = &task->queues.items[i];
        if (queue->next != resume_position(task, queue))
            store_set_position_put(
                task->set, queue->position_name, queue->partition.partition, queue->next);
    }
    if (store_set_position(task->set, behind_name, task->partition) > 0)
        store_set_position_put(task->set, behind_name, task->partition, 0);
    task->behind = false;
    store_set_restore_mode(task->set, false);
}

struct resume_place {
    char text[400];
};

static struct resume_place resume_describe(const struct queue *queue, int64_t from, int64_t to)
{
    struct resume_place place;
    (void)snprintf(
        place.text,
        sizeof place.text,
        "topic=%s partition=%" PRId32 " from=%" PRId64 " to=%" PRId64,
        queue->partition.topic,
        queue->partition.partition,
        from,
        to);
    return place;
}

static bool resume_has_history(const struct task *task)
{
    for (size_t i = 0; i < task->sub->logs_count; i++)
        if (task->logs[i].end > 0)
            return true;
    return false;
}

static void
resume_block(struct task *task, const struct queue *queue, const char *why, const char *action)
{
    (void)snprintf(
        task->why_blocked,
        sizeof task->why_blocked,
        "%s/%" PRId32 ": %s",
        queue->partition.topic,
        queue->partition.partition,
        why);
    task->block_action = action;
    task->must_block = true;
}

/* The group has no offset: exact, or nobody knows, or nothing was ever kept (see invariant 3). */
static int64_t resume_without_offset(
    struct task *task, const struct queue *queue, int64_t kept, int64_t low, int64_t high)
{
    if (kept < 0) {
        if (high > low && resume_has_history(task))
            host_log(
                task->engine,
                MR_LOG_WARN,
                "input-from-start",
                "%s reason=\"neither the group nor the stores know how far it was done: all that "
                "is retained is done, again if it was done before\"",
                resume_describe(queue, low, high).text);
        return low;
    }
    if (store_set_position(task->set, behind_name, task->partition) > 0)
        resume_block(
            task,
            queue,
            "the group has no offset of it any more, and the stores were not closed cleanly: "
            "nobody knows how far it was done",
            "set the group's offset (kafka-consumer-groups --reset-offsets), or remove the state "
            "folder to do again all that is retained");
    else
        host_log(
            task->engine,
            MR_LOG_ERROR,
            "offsets-gone",
            "%s reason=\"the group has no offset of it any more: it goes on where the stores are\"",
            resume_describe(queue, kept, high).text);
    return kept;
}

/* The later one rules: both are true, and the group may have been set back. */
void resume_find_next(struct task *task, struct queue *queue, int64_t low, int64_t high)
{
    int64_t kept = resume_position(task, queue);
    int64_t next = queue->committed;
    if (next < 0)
        next = resume_without_offset(task, queue, kept, low, high);
    if (kept > high) {
        resume_block(
            task,
            queue,
            "it ends before what the stores have done of it: it was deleted or created again",
            "remove the state folder to start from it");
        return;
    }
    if (kept > next) {
        host_log(
            task->engine,
            MR_LOG_WARN,
            "offset-behind",
            "%s reason=\"the group's offset was set back: the stores have done more, and go on "
            "there\"",
            resume_describe(queue, next, kept).text);
        next = kept;
    }
    if (next < low) {
        metrics_add(&task->engine->metrics.input_lost, (uint64_t)(low - next));
        host_log(
            task->engine,
            MR_LOG_ERROR,
            "input-lost",
            "%s reason=\"deleted by retention before it was processed\"",
            resume_describe(queue, next, low).text);
    }
    queue->next = next > low ? next : low;
}

int64_t *resume_save_positions(const struct task *task)
{
    int64_t *saved = mr_calloc(task->queues.count + 1, sizeof *saved);
    for (size_t i = 0; i < task->queues.count; i++)
        saved[i] = resume_position(task, &task->queues.items[i]);
    saved[task->queues.count] = store_set_position(task->set, behind_name, task->partition);
    return saved;
}

void resume_put_back_positions(struct task *task, const int64_t *saved)
{
    store_set_restore_mode(task->set, true);
    for (size_t i = 0; i < task->queues.count; i++) {
        const struct queue *queue = &task->queues.items[i];
        if (saved[i] >= 0)
            store_set_position_put(
                task->set, queue->position_name, queue->partition.partition, saved[i]);
    }
    task->behind = false;
    if (saved[task->queues.count] > 0)
        resume_fall_behind(task);
    store_set_restore_mode(task->set, false);
}
