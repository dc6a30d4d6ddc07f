/*
 * restore.c - from an assignment to a running task, one step after the other.
 *
 * Steps of a task, all by restore_step_to
 *     OFFSETS -> TARGETS   restore_read_offsets: what the group has committed
 *     TARGETS -> READ      restore_set_targets: where the logs end now
 *     READ    -> GLOBALS   restore_finish_read: the logs are folded up to there
 *     READ    -> TARGETS   restore_start_over: a log lost its beginning, or cannot be folded yet
 *     GLOBALS -> SEEK      restore_step_task: the global tables have come up
 *     SEEK    -> (RUNNING) restore_start_input: input flows from the committed offsets
 *
 * Invariants
 *   1. The committed offsets are read before the ends of the logs: an end read first could be older
 *      than the input offset, and the task would decide on state that misses its own last
 *      transaction.
 *   2. Done means that the reader's position is at the end, not that the last record was seen: the
 *      last offset may be a marker.
 *   3. A record that somebody else wrote is passed over and counted (restore_lay_aside). A record
 *      of ours that cannot be read blocks its task (restore_block_task) and no other.
 *   4. A position is put with the fold of all records below it.
 *   5. Running tasks go on meanwhile: a step reads some batches only, and waits for one answer that
 *      does not come at most. Then all wait as long as it did, before a silent leader is asked
 *      again, the one that was silent first (restore_may_ask).
 */
#include "restore.h"

#include "aggregate.h"
#include "context.h"
#include "resume.h"
#include "txn.h"

#include <base/alloc.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    POLLS_PER_STEP = 8,
    POLL_MS = 10,
    SHORT_PAUSE_MS = 5,
    AGAIN_PAUSE_MS = 200,
    SHORT_MS_MAX = 10000,
    SLOW_MS = 50,
    ASK_PAUSE_MS_MAX = 5000,
    DELETIONS_KEPT_MS = 23 * 3600000, /* An hour less than Kafka's default delete.retention.ms. */
};

static bool restore_is_at(const struct task *task, enum task_restore step)
{
    return task->state == TASK_RESTORING && task->restore == step;
}

static void restore_step_to(struct worker *worker, struct task *task, enum task_restore step)
{
    task->restore = step;
    worker->progress = true;
}

bool restore_is_active(const struct worker *worker)
{
    if (worker->unopened)
        return true;
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (worker->tasks[i]->state == TASK_RESTORING)
            return true;
    return false;
}

/* A call that may work later is tried again in the next step. */
static int restore_later(int rc)
{
    return mr_code_class(rc) == MR_CLASS_RETRY ? 0 : rc;
}

/* -- questions to leaders, one of which may be dead -- */

/* No transaction of the running tasks is kept open for an answer that will hardly come. */
static bool restore_may_ask(const struct worker *worker, const struct task *task)
{
    int64_t wait_ms = worker->ask_after_ms - worker->now_ms;
    if (worker->asked_in_vain)
        return false;
    if (task->unanswered == 0)
        return true;
    if ((wait_ms > 0 && wait_ms <= ASK_PAUSE_MS_MAX) || txn_has_changes(worker))
        return false;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *other = worker->tasks[i];
        if (other->state == TASK_RESTORING && other->unanswered > 0 &&
            other->unanswered < task->unanswered)
            return false;
    }
    return true;
}

/* One leader is back, so the others may be. */
static void restore_ask_all_again(struct worker *worker)
{
    for (size_t i = 0; i < worker->tasks_count; i++)
        worker->tasks[i]->unanswered = 0;
}

static int restore_ask_ends(
    struct worker *worker,
    struct task *task,
    struct topo_partition partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    if (!restore_may_ask(worker, task))
        return mr_fail(error, MR_AGAIN, "the leader of %s was silent just now", partition.topic);
    int64_t began_ms = txn_now_ms(worker);
    int rc = worker->io.watermarks(worker->io.self, partition, ret_low, ret_high, error);
    int64_t took_ms = txn_now_ms(worker) - began_ms;
    if (rc == 0 && task->unanswered > 0)
        restore_ask_all_again(worker);
    if (mr_code_class(rc) == MR_CLASS_RETRY && took_ms >= SLOW_MS) {
        worker->asked_in_vain = true;
        worker->ask_after_ms =
            worker->now_ms + (took_ms < ASK_PAUSE_MS_MAX ? took_ms : ASK_PAUSE_MS_MAX);
        task->unanswered = ++worker->questions;
    }
    return rc;
}

/* -- the committed offsets, all tasks in one request -- */

/* One request for all tasks: each would cost a round trip to the coordinator. */
static int restore_read_offsets(struct worker *worker, struct mr_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (restore_is_at(worker->tasks[i], TASK_RESTORE_OFFSETS))
            count += worker->tasks[i]->queues.count;
    if (count == 0)
        return 0;
    struct topo_partition *partitions = mr_calloc(count, sizeof *partitions);
    int64_t *offsets = mr_calloc(count, sizeof *offsets);
    size_t n = 0;
    for (size_t i = 0; i < worker->tasks_count; i++)
        for (size_t k = 0; k < worker->tasks[i]->queues.count; k++)
            if (restore_is_at(worker->tasks[i], TASK_RESTORE_OFFSETS))
                partitions[n++] = worker->tasks[i]->queues.items[k].partition;
    int rc = worker->io.committed(worker->io.self, partitions, count, offsets, error);
    n = 0;
    for (size_t i = 0; i < worker->tasks_count && !rc; i++) {
        struct task *task = worker->tasks[i];
        if (!restore_is_at(task, TASK_RESTORE_OFFSETS))
            continue;
        for (size_t k = 0; k < task->queues.count; k++)
            task->queues.items[k].committed = offsets[n++];
        restore_step_to(worker, task, TASK_RESTORE_TARGETS);
    }
    free(partitions);
    free(offsets);
    return restore_later(rc);
}

/* -- the ends of the logs -- */

/* The marker of our own last commit may not be in the log yet: it is looked at again in the next
 * step. A topic that was deleted and created again stays shorter than what we know of it. */
static int restore_check_end(
    struct worker *worker,
    struct task_log *log,
    int64_t known,
    int64_t high,
    struct mr_error *error)
{
    if (high >= known) {
        log->short_since_ms = -1;
        return 0;
    }
    if (log->short_since_ms < 0)
        log->short_since_ms = worker->now_ms;
    host_pause_ms(worker->engine, SHORT_PAUSE_MS);
    bool waits = worker->now_ms - log->short_since_ms < SHORT_MS_MAX;
    return task_fail_short_log(&log->partition, known, high, waits ? MR_AGAIN : MR_CORRUPT, error);
}

/* A compacted log forgets that a key was deleted: who has slept for longer would keep it. Nothing
 * was missed if the log did not move. */
static bool restore_is_too_old(
    const struct worker *worker,
    const struct task *task,
    const struct task_log *log,
    int64_t known,
    int64_t high)
{
    int64_t age_ms = resume_age_ms(task, worker->now_ms);
    if (log->log->kind != GRAPH_LOG_CHANGELOG || known < 0 || known >= high ||
        age_ms < DELETIONS_KEPT_MS)
        return false;
    host_log(
        worker->engine,
        MR_LOG_WARN,
        "store-too-old",
        "topic=%s partition=%" PRId32 " hours=%" PRId64
        " reason=\"deletions since then may have been compacted away: it is folded from the "
        "start\"",
        log->partition.topic,
        log->partition.partition,
        age_ms / 3600000);
    return true;
}

static int restore_find_target(
    struct worker *worker,
    struct task *task,
    struct task_log *log,
    bool *ret_rebuild,
    struct mr_error *error)
{
    int64_t low = 0;
    int64_t high = 0;
    if (log->reading)
        return 0;
    int rc = restore_ask_ends(worker, task, log->partition, &low, &high, error);
    if (mr_code_class(rc) == MR_CLASS_POISON)
        return mr_fail(
            error,
            MR_CONFIG,
            "task %s-%" PRId32 " has no partition of %s: its topics must have equal counts",
            task->sub->name,
            task->partition,
            log->partition.topic);
    int64_t known = store_set_position(task->set, log->partition.topic, log->partition.partition);
    if (!rc)
        rc = restore_check_end(worker, log, known, high, error);
    if (rc)
        return rc;
    if (restore_is_too_old(worker, task, log, known, high)) {
        *ret_rebuild = true;
        return 0;
    }
    /* Outcomes that are gone from the log have outlived their use. */
    if (known >= 0 && known < low && log->log->kind != GRAPH_LOG_OUTCOMES) {
        *ret_rebuild = true;
        return 0;
    }
    if (known < 0 && low > 0 && log->log->kind == GRAPH_LOG_EVENTS)
        host_log(
            worker->engine,
            MR_LOG_ERROR,
            "history-cut",
            "topic=%s partition=%" PRId32 " from=%" PRId64
            " reason=\"older events are deleted: the state is the fold of the rest only\"",
            log->partition.topic,
            log->partition.partition,
            low);
    log->next = known > low ? known : low;
    log->end = high;
    if (log->next >= high)
        return 0;
    rc = worker->io.log_add(worker->io.self, log->partition, log->next, error);
    if (!rc) {
        log->reading = true;
        log->done = false;
    }
    return rc;
}

static void restore_stop_reading(struct worker *worker, struct task *task)
{
    for (size_t i = 0; i < task->sub->logs_count; i++) {
        if (task->logs[i].reading)
            worker->io.log_remove(worker->io.self, task->logs[i].partition, NULL);
        task->logs[i].reading = false;
    }
}

static int restore_set_targets(struct worker *worker, struct task *task, struct mr_error *error)
{
    int rc = 0;
    bool rebuild = false;
    for (size_t i = 0; i < task->sub->logs_count && !rc && !rebuild; i++)
        rc = restore_find_target(worker, task, &task->logs[i], &rebuild, error);
    /* Logs added already would be polled, and their records dropped, before the task is at READ. */
    if (rc || rebuild)
        restore_stop_reading(worker, task);
    if (rebuild) {
        worker->progress = true;
        return task_rebuild(task, error);
    }
    if (rc)
        return restore_later(rc);
    store_set_restore_mode(task->set, true);
    restore_step_to(worker, task, TASK_RESTORE_READ);
    return 0;
}

/* -- folding -- */

static struct task_log *restore_find_log(
    const struct worker *worker, const struct topo_record *record, struct task **ret_task)
{
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        struct task_log *log = task_log_of(task, record->topic, record->partition);
        if (log && restore_is_at(task, TASK_RESTORE_READ) && log->reading) {
            *ret_task = task;
            return log;
        }
    }
    return NULL;
}

/* By the headers that only we write; restore_check_row looks at those of a changelog. */
static bool restore_is_own(const struct task_log *log, const struct topo_record *record)
{
    switch (log->log->kind) {
    case GRAPH_LOG_EVENTS: {
        const char *header = log->log->aggregate->aggregate.event_header;
        return !header || topo_record_header(record, header).ptr;
    }
    case GRAPH_LOG_OUTCOMES:
        return aggregate_is_outcome(record);
    case GRAPH_LOG_CHANGELOG:
        return record->key.ptr;
    }
    return true;
}

/* A live run never reads its own logs, so a record that somebody else wrote there has had no
 * effect; a restart must not be worse. */
static void restore_lay_aside(
    struct task *task, struct task_log *log, const struct topo_record *record, const char *why)
{
    host_lay_aside(task->engine, record, ++log->laid_aside, why);
}

/* Decides on a record of a changelog: ours is folded, or cannot be read; a value without our
 * header is taken if the store knows it as one of its own, as earlier versions wrote none; a
 * deletion without it is never taken: a row that stays is harmless, one that is missing is not. */
static int restore_check_row(
    struct task *task,
    const struct graph_store *store,
    const struct topo_record *record,
    bool *ret_own,
    struct mr_error *error)
{
    struct mr_error why = {0};
    bool own = topo_record_header(record, TOPO_WRITER_HEADER).ptr != NULL;
    int rc = 0;
    if (record->value.ptr && store->check)
        rc = store->check(store->check_user, record, &task->context.arena, &why);
    if (mr_code_class(rc) == MR_CLASS_RETRY || (rc && own))
        return mr_fail(
            error, own && mr_code_class(rc) != MR_CLASS_RETRY ? MR_CORRUPT : rc, "%s", why.text);
    *ret_own = own || (record->value.ptr && store->check && !rc);
    if (!*ret_own)
        mr_fail(error, MR_INVALID, "%s", rc ? why.text : "it does not have our header");
    return 0;
}

static int restore_fold_row(
    struct task *task,
    struct task_log *log,
    const struct topo_record *record,
    struct mr_error *error)
{
    const struct graph_store *store = log->log->store;
    struct mr_error why = {0};
    bool own = false;
    int rc = restore_check_row(task, store, record, &own, &why);
    if (rc)
        return mr_fail(error, rc, "%s", why.text);
    context_enter(&task->context, CONTEXT_PROCESS);
    if (!own)
        restore_lay_aside(task, log, record, why.text);
    else if (record->value.ptr)
        topo_store_put(task->stores[store->index], record->key, record->value);
    else
        topo_store_delete(task->stores[store->index], record->key);
    return 0;
}

static int restore_fold_record(
    struct task *task,
    struct task_log *log,
    const struct topo_record *record,
    struct mr_error *error)
{
    assert(log->reading && record->offset >= log->next);
    task->restored++;
    struct topo_context *context = &task->context;
    struct mr_error why = {0};
    int rc = 0;
    if (!restore_is_own(log, record)) {
        restore_lay_aside(task, log, record, "it does not have our headers");
        log->next = record->offset + 1;
        return 0;
    }
    resume_fall_behind(task);
    mr_arena_reset(&context->arena);
    store_set_savepoint(task->set); /* Makes room: nothing is staged in a restore. */
    switch (log->log->kind) {
    case GRAPH_LOG_EVENTS:
        context_enter(context, CONTEXT_RESTORE);
        context->record = record;
        rc = aggregate_evolve(context, log->log->aggregate, record, &why);
        context->record = NULL;
        break;
    case GRAPH_LOG_OUTCOMES:
        context_enter(context, CONTEXT_REMEMBER);
        rc = aggregate_restore_outcome(task, log->log, record, &why);
        break;
    case GRAPH_LOG_CHANGELOG:
        rc = restore_fold_row(task, log, record, &why);
        break;
    }
    store_set_release(task->set);
    if (!rc) {
        log->next = record->offset + 1;
        return 0;
    }
    bool retry = mr_code_class(rc) == MR_CLASS_RETRY;
    return mr_fail(
        error,
        retry ? rc : MR_CORRUPT,
        "cannot fold %s/%" PRId32 " at offset %" PRId64 ": %s",
        record->topic,
        record->partition,
        record->offset,
        why.text);
}

static void restore_put_positions(struct task *task)
{
    for (size_t i = 0; i < task->sub->logs_count; i++) {
        const struct task_log *log = &task->logs[i];
        if (log->reading)
            store_set_position_put(
                task->set, log->partition.topic, log->partition.partition, log->next);
    }
}

/* The records folded so far count, with their positions; the rest waits for a version that can
 * read it. */
static void restore_block_task(struct worker *worker, struct task *task, const struct mr_error *why)
{
    assert(task->state == TASK_RESTORING);
    restore_put_positions(task);
    restore_stop_reading(worker, task);
    store_set_restore_mode(task->set, false);
    task_block(task, why->text, "run the version that wrote the record");
    worker->progress = worker->report_now = true;
}

static int
restore_fold_batch(struct worker *worker, const struct topo_io_poll *poll, struct mr_error *error)
{
    struct task *task = NULL;
    struct task_log *log = NULL;
    int rc = 0;
    for (size_t i = 0; i < poll->records_count; i++) {
        const struct topo_record *record = &poll->records[i];
        bool same = log && log->partition.partition == record->partition &&
                    strcmp(log->partition.topic, record->topic) == 0;
        if (!same)
            log = restore_find_log(worker, record, &task);
        /* A batch is given back whole, whatever becomes of it. */
        if (log && !rc && record->offset >= log->next)
            rc = restore_fold_record(task, log, record, error);
        if (mr_code_class(rc) == MR_CLASS_FATAL) {
            restore_block_task(worker, task, error);
            log = NULL;
            rc = 0;
        }
        worker->io.release(worker->io.self, poll->tokens[i]);
    }
    metrics_add(&worker->engine->metrics.restored_records, poll->records_count);
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (restore_is_at(worker->tasks[i], TASK_RESTORE_READ))
            restore_put_positions(worker->tasks[i]);
    return rc;
}

/* A log lost the records to read next, or they cannot be folded yet: its end, and whether the state
 * can still be completed from it, are looked up again. */
static int restore_start_over(struct worker *worker, const struct mr_error *why)
{
    host_log(
        worker->engine,
        MR_LOG_WARN,
        "restore-retry",
        "worker=%d error=\"%s\"",
        worker->number,
        why ? why->text : "");
    for (size_t i = 0; i < worker->tasks_count; i++) {
        struct task *task = worker->tasks[i];
        if (!restore_is_at(task, TASK_RESTORE_READ))
            continue;
        restore_stop_reading(worker, task);
        store_set_restore_mode(task->set, false);
        restore_step_to(worker, task, TASK_RESTORE_TARGETS);
    }
    host_pause_ms(worker->engine, AGAIN_PAUSE_MS);
    return 0;
}

/* Step by step with the other work: some batches, then the rest of the turn. */
static int restore_read_logs(struct worker *worker, struct mr_error *error)
{
    bool reading = false;
    bool others = false;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        for (size_t k = 0; k < worker->tasks[i]->sub->logs_count; k++)
            reading = reading || worker->tasks[i]->logs[k].reading;
        others = others || worker->tasks[i]->state == TASK_RUNNING;
    }
    int wait_ms = !others && worker->engine->threaded ? POLL_MS : 0;
    for (int i = 0; reading && i < POLLS_PER_STEP; i++) {
        struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
        int rc = worker->io.log_poll(worker->io.self, wait_ms, &poll, error);
        if (mr_code_class(rc) == MR_CLASS_POISON)
            return restore_start_over(worker, error);
        if (rc || poll.event != TOPO_IO_RECORDS)
            return restore_later(rc);
        worker->progress = true;
        rc = restore_fold_batch(worker, &poll, error);
        if (mr_code_class(rc) == MR_CLASS_RETRY)
            return restore_start_over(worker, error);
        if (rc)
            return rc;
    }
    return 0;
}

/* A log that was read is looked at once more: a marker may have followed what we saw. */
static int restore_look_at_end(
    struct worker *worker, struct task *task, struct task_log *log, struct mr_error *error)
{
    int64_t at = worker->io.log_position(worker->io.self, log->partition);
    int64_t low = 0;
    if (at < log->end)
        return 0;
    int rc = restore_ask_ends(worker, task, log->partition, &low, &log->end, error);
    if (rc || at < log->end)
        return rc;
    log->next = at;
    log->done = true;
    store_set_position_put(task->set, log->partition.topic, log->partition.partition, at);
    return 0;
}

static int restore_finish_log(
    struct worker *worker, struct task *task, struct task_log *log, struct mr_error *error)
{
    int rc = log->done ? 0 : restore_look_at_end(worker, task, log, error);
    if (rc || !log->done)
        return rc;
    rc = worker->io.log_remove(worker->io.self, log->partition, error);
    if (rc)
        return rc;
    log->reading = log->done = false;
    worker->progress = true;
    return 0;
}

static int restore_finish_read(struct worker *worker, struct task *task, struct mr_error *error)
{
    bool reading = false;
    for (size_t i = 0; i < task->sub->logs_count; i++) {
        struct task_log *log = &task->logs[i];
        int rc = log->reading ? restore_finish_log(worker, task, log, error) : 0;
        if (rc)
            return restore_later(rc);
        reading = reading || log->reading;
    }
    if (reading)
        return 0;
    int rc = store_set_check(task->set, error);
    if (rc)
        return rc;
    store_set_restore_mode(task->set, false);
    restore_step_to(worker, task, TASK_RESTORE_GLOBALS);
    return 0;
}

/* -- input -- */

static int restore_seek_queue(
    struct worker *worker, struct task *task, struct queue *queue, struct mr_error *error)
{
    int64_t low = 0;
    int64_t high = 0;
    int rc = restore_ask_ends(worker, task, queue->partition, &low, &high, error);
    if (rc)
        return rc;
    resume_find_next(task, queue, low, high);
    if (task->must_block) /* Nobody knows where it goes on; from where it was, it would end us. */
        return 0;
    queue->idle_high = high;
    return worker->io.seek(worker->io.self, queue->partition, queue->next, error);
}

static int restore_start_input(struct worker *worker, struct task *task, struct mr_error *error)
{
    assert(restore_is_at(task, TASK_RESTORE_SEEK));
    for (size_t i = 0; i < task->queues.count; i++) {
        struct queue *queue = &task->queues.items[i];
        int rc = restore_seek_queue(worker, task, queue, error);
        if (rc || task->must_block)
            return restore_later(rc);
        watch_set(
            &worker->engine->watches, task->sub, &queue->partition, queue->next, queue->idle_high);
    }
    for (size_t i = 0; i < task->timers_count; i++) {
        struct task_timer *timer = &task->timers[i];
        if (!timer->node->punctuate_on_stream_time && timer->due_ms < 0)
            timer->due_ms = timer->kept_ms = worker->now_ms + timer->node->punctuate_interval_ms;
    }
    resume_keep_positions(task, worker->now_ms);
    watch_wake(&worker->engine->watches); /* The state has reached what the group had committed. */
    task_move(task, TASK_RUNNING);
    worker->progress = worker->report_now = true;
    return 0;
}

/* The state is as of the last commit, and its next input cannot be processed on it. */
static void restore_block_again(struct worker *worker, struct task *task)
{
    char action[512] = "repair the state";
    if (task->dir)
        (void)snprintf(action, sizeof action, "remove %s, so that it is restored", task->dir);
    task_block(task, task->why_blocked, task->block_action ? task->block_action : action);
    task->block_action = NULL;
    worker->progress = worker->report_now = true;
}

static int restore_step_task(struct worker *worker, struct task *task, struct mr_error *error)
{
    int rc = 0;
    if (task->must_block) {
        restore_block_again(worker, task);
        return 0;
    }
    if (restore_is_at(task, TASK_RESTORE_TARGETS))
        rc = restore_set_targets(worker, task, error);
    if (!rc && restore_is_at(task, TASK_RESTORE_READ))
        rc = restore_finish_read(worker, task, error);
    if (!rc && restore_is_at(task, TASK_RESTORE_GLOBALS) &&
        atomic_load(&worker->engine->globals_ready))
        restore_step_to(worker, task, TASK_RESTORE_SEEK);
    if (!rc && restore_is_at(task, TASK_RESTORE_SEEK))
        rc = restore_start_input(worker, task, error);
    return rc;
}

int restore_step(struct worker *worker, struct mr_error *error)
{
    if (!restore_is_active(worker))
        return 0;
    worker->asked_in_vain = false;
    int rc = restore_read_offsets(worker, error);
    if (!rc)
        rc = restore_read_logs(worker, error);
    for (size_t i = 0; i < worker->tasks_count && !rc; i++)
        if (worker->tasks[i]->state == TASK_RESTORING)
            rc = restore_step_task(worker, worker->tasks[i], error);
    return rc;
}
