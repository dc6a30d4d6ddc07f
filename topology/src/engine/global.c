/*
 * global.c - folds the topics of the global sub-topologies, from where the stores are and on.
 *
 *     global_open --> (global_step: read, fold, commit, pass markers)* --> global_close
 *     RESTORING -> RUNNING   global_check_ready: all inputs are at the ends found at start
 *
 * Invariants
 *   1. A position is committed with the fold of all records below it; readers see both at once.
 *   2. A record without the header that its source asks for is laid aside: counted, logged.
 *   3. A record that a processor refuses (class POISON) is undone, counted, logged and skipped.
 *   4. After a record that cannot be folded yet nothing is folded: it comes again.
 *   5. A table has all partitions of its topics. One that is added later ends the fold: a table
 *      without it would be wrong without a sign.
 *   6. A partition whose ends cannot be asked for holds up nobody else: its log is added where the
 *      store is, the tables are not ready, and it is named until its leader answers
 *      (global_set_aside, global_take_back).
 *   7. Only class FATAL ends the fold (global_settle_error).
 */
#include "global.h"

#include "context.h"

#include <base/alloc.h>
#include <base/clock.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    TRIES_MAX = 10,
    COMMIT_RECORDS = 1000,
    PAUSE_MS = 50,
    PAUSE_MS_MAX = 1000,
    CHECK_MS = 1000,
    WAITED_MS_MAX = 10000, /* For ends at start; the partitions after that are not asked. */
};

static bool global_retry(const struct global *global, int rc, int *tries)
{
    return host_retry(global->engine, rc, TRIES_MAX, tries);
}

/* -- opening -- */

static int global_open_io(struct global *global, struct mr_error *error)
{
    const struct topo_engine *engine = global->engine;
    const struct topo_io_options options = {
        .application_id = engine->topology->application_id,
        .instance_id = engine->instance_id,
        .worker = engine->options.workers,
        .transactional = false,
    };
    if (global->io_open)
        return 0;
    int rc = engine->options.io_open(engine->options.io_user, &options, &global->io, error);
    global->io_open = rc == 0;
    return rc;
}

static int global_open_tasks(struct global *global, struct mr_error *error)
{
    const struct topo_topology *topology = global->engine->topology;
    global->tasks = mr_calloc(topology->subs_count + 1, sizeof(struct task *));
    for (size_t i = 0; i < topology->subs_count; i++) {
        if (!topology->subs[i].global)
            continue;
        struct task *task = NULL;
        int rc = task_open(global->engine, NULL, &topology->subs[i], 0, &task, error);
        if (rc)
            return rc;
        global->tasks[global->tasks_count++] = task;
        task_move(task, TASK_RESTORING);
    }
    return 0;
}

/* A table is the fold of all partitions, so there is an input for each. */
static int global_find_partitions(
    struct global *global,
    struct task *task,
    const struct graph_input *input,
    struct mr_error *error)
{
    int32_t count = 0;
    int tries = 0;
    int rc = 0;
    do
        rc = global->io.partitions_of(global->io.self, input->topic, &count, error);
    while (global_retry(global, rc, &tries));
    if (rc)
        return rc;
    if (count <= 0)
        return host_refuse_topic(input->topic, error);
    global->inputs =
        mr_realloc(global->inputs, (global->inputs_count + (size_t)count) * sizeof *global->inputs);
    for (int32_t p = 0; p < count; p++)
        global->inputs[global->inputs_count++] = (struct global_input){
            .task = task,
            .input = input,
            .partition = {input->topic, p},
            .next = -1,
            .end = -1,
        };
    return 0;
}

static int64_t global_known_position(const struct global_input *input)
{
    return store_set_position(input->task->set, input->partition.topic, input->partition.partition);
}

/* The others go on. Where it ends is not known, so the tables are not ready. */
static void global_set_aside(
    const struct global *global, struct global_input *input, const struct mr_error *why)
{
    int64_t known = global_known_position(input);
    input->unread = true;
    input->next = known > 0 ? known : 0;
    input->end = -1;
    host_log(
        global->engine,
        MR_LOG_ERROR,
        "partition-unreadable",
        "topic=%s partition=%" PRId32 " from=%" PRId64 " error=\"%s\"",
        input->partition.topic,
        input->partition.partition,
        input->next,
        why->text);
}

/* MR_TIMEOUT: nobody answers for the partition, or too much time went by for others before it. */
static int global_ask_ends(
    struct global *global,
    const struct global_input *input,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    int64_t began_ms = mr_monotonic_ms();
    int tries = 0;
    int rc = 0;
    if (global->waited_ms > WAITED_MS_MAX)
        return mr_fail(error, MR_TIMEOUT, "not asked, because others did not answer");
    do
        rc = global->io.watermarks(global->io.self, input->partition, ret_low, ret_high, error);
    while (rc != MR_TIMEOUT && global_retry(global, rc, &tries));
    if (mr_code_class(rc) == MR_CLASS_RETRY)
        global->waited_ms += mr_monotonic_ms() - began_ms;
    return rc;
}

/* Finds the offset to begin at. *ret_rebuild: the log no longer has what the state misses. */
static int global_find_start(
    struct global *global, struct global_input *input, bool *ret_rebuild, struct mr_error *error)
{
    int64_t low = 0;
    int64_t high = 0;
    struct mr_error why = {0};
    int rc = global_ask_ends(global, input, &low, &high, &why);
    if (mr_code_class(rc) == MR_CLASS_RETRY) {
        global_set_aside(global, input, &why);
        return 0;
    }
    if (rc)
        return mr_fail(error, rc, "%s", why.text);
    int64_t known = global_known_position(input);
    if (known > high)
        return task_fail_short_log(&input->partition, known, high, MR_CORRUPT, error);
    *ret_rebuild = known >= 0 && known < low;
    input->next = known > low ? known : low;
    input->end = high;
    return 0;
}

static int global_find_starts(struct global *global, struct task *task, struct mr_error *error)
{
    for (int round = 0; round < 2; round++) {
        bool rebuild_any = false;
        for (size_t i = 0; i < global->inputs_count; i++) {
            struct global_input *input = &global->inputs[i];
            bool rebuild = false;
            int rc = input->task == task ? global_find_start(global, input, &rebuild, error) : 0;
            if (rc)
                return rc;
            rebuild_any = rebuild_any || rebuild;
        }
        if (!rebuild_any)
            return 0;
        int rc = task_rebuild(task, error);
        if (rc)
            return rc;
    }
    return 0;
}

static int global_add_logs(struct global *global, struct mr_error *error)
{
    for (size_t i = 0; i < global->inputs_count; i++) {
        const struct global_input *input = &global->inputs[i];
        int tries = 0;
        int rc = 0;
        do
            rc = global->io.log_add(global->io.self, input->partition, input->next, error);
        while (global_retry(global, rc, &tries));
        if (rc)
            return rc;
        watch_set(
            &global->engine->watches, input->task->sub, &input->partition, input->next, input->end);
    }
    global->reading = true;
    return 0;
}

static void global_touch_key(void *user, const char *store, struct mr_bytes key)
{
    watch_touch_key(user, store, key);
}

static void global_publish_stores(const struct global *global)
{
    for (size_t i = 0; i < global->tasks_count; i++) {
        const struct task *task = global->tasks[i];
        store_set_on_change(task->set, global_touch_key, &global->engine->watches);
        for (size_t k = 0; k < task->sub->stores_count; k++)
            host_publish_store(global->engine, task->sub->stores[k]->name, task->stores[k]);
    }
}

int global_open(struct topo_engine *engine, struct global **ret_global, struct mr_error *error)
{
    struct global *global = mr_calloc(1, sizeof *global);
    global->engine = engine;
    int rc = global_open_io(global, error);
    if (!rc)
        rc = global_open_tasks(global, error);
    for (size_t i = 0; i < global->tasks_count && !rc; i++) {
        struct task *task = global->tasks[i];
        for (size_t k = 0; k < task->sub->inputs_count && !rc; k++)
            rc = global_find_partitions(global, task, &task->sub->inputs[k], error);
        if (!rc)
            rc = global_find_starts(global, task, error);
    }
    if (!rc)
        rc = global_add_logs(global, error);
    if (!rc)
        global_publish_stores(global);
    if (rc) {
        global_close(global, false);
        return rc;
    }
    *ret_global = global;
    return 0;
}

void global_close(struct global *global, bool flush)
{
    if (!global)
        return;
    host_withdraw_stores(global->engine);
    for (size_t i = 0; i < global->tasks_count; i++) {
        struct mr_error error = {0};
        if (task_close(global->tasks[i], flush && !global->failed, &error))
            host_log(global->engine, MR_LOG_ERROR, "flush-failed", "error=\"%s\"", error.text);
    }
    if (global->io_open)
        global->io.close(global->io.self);
    free(global->tasks);
    free(global->inputs);
    free(global);
}

/* -- folding -- */

static struct global_input *
global_find_input(struct global *global, const struct topo_record *record)
{
    struct global_input *last = global->last;
    for (size_t i = 0; i <= global->inputs_count; i++) {
        struct global_input *input = i == 0 ? last : &global->inputs[i - 1];
        if (input && input->partition.partition == record->partition &&
            (input->partition.topic == record->topic ||
             strcmp(input->partition.topic, record->topic) == 0)) {
            global->last = input;
            return input;
        }
    }
    return NULL;
}

static void global_skip_record(
    const struct global *global,
    const struct graph_node *node,
    const struct topo_record *record,
    const struct mr_error *why)
{
    const struct metrics *metrics = &global->engine->metrics;
    size_t row = node ? node->index : metrics->nodes_count;
    metrics_add(&metrics->dead_letters[row * METRICS_CLASSES + mr_code_class(why->code)], 1);
    host_log(
        global->engine,
        MR_LOG_WARN,
        "skipped",
        "topic=%s partition=%" PRId32 " offset=%" PRId64 " node=%s reason=\"%s\"",
        record->topic,
        record->partition,
        record->offset,
        node ? node->name : "",
        why->text);
}

/* Step 7 of an event's path, and of step 8 the commit: data and position in one. */
static int global_fold_record(
    struct global *global,
    struct global_input *input,
    const struct topo_record *borrowed,
    struct mr_error *error)
{
    assert(borrowed->offset >= input->next);
    struct task *task = input->task;
    task->restored += task->state == TASK_RESTORING;
    struct topo_record record = *borrowed;
    struct mr_error why = {0};
    const char *header = input->input->source->header;
    record.topic = input->partition.topic;
    if (header && !topo_record_header(&record, header).ptr) {
        host_lay_aside(global->engine, &record, ++input->laid_aside, "it does not have our header");
        input->next = record.offset + 1;
        return 0;
    }
    store_set_savepoint(task->set);
    int rc = context_run(&task->context, input->input->source, &record, global->now_ms, &why);
    if (rc)
        store_set_rollback(task->set);
    else
        store_set_release(task->set);
    if (rc && mr_code_class(rc) != MR_CLASS_POISON)
        return mr_fail(
            error,
            rc,
            "%s/%" PRId32 " offset %" PRId64 ": %.400s",
            record.topic,
            record.partition,
            record.offset,
            why.text);
    if (rc)
        global_skip_record(global, task->context.failed, &record, &why);
    input->next = record.offset + 1;
    return 0;
}

/* All inputs that moved, with the data of their stores. */
static int global_commit(struct global *global, struct mr_error *error)
{
    for (size_t i = 0; i < global->inputs_count; i++) {
        const struct global_input *input = &global->inputs[i];
        if (global_known_position(input) != input->next && input->next > 0)
            store_set_position_put(
                input->task->set, input->partition.topic, input->partition.partition, input->next);
    }
    for (size_t i = 0; i < global->tasks_count; i++) {
        int rc = store_set_check(global->tasks[i]->set, error);
        if (rc)
            return rc;
        store_set_commit(global->tasks[i]->set);
    }
    for (size_t i = 0; i < global->inputs_count; i++) {
        const struct global_input *input = &global->inputs[i];
        watch_set(
            &global->engine->watches,
            input->task->sub,
            &input->partition,
            input->next,
            input->end >= 0 && input->next > input->end ? input->next : -1);
    }
    watch_wake(&global->engine->watches);
    metrics_add(&global->engine->metrics.commits, 1);
    return 0;
}

static int
global_fold_batch(struct global *global, const struct topo_io_poll *poll, struct mr_error *error)
{
    int64_t began_ns = mr_monotonic_ns();
    size_t since_commit = 0;
    int rc = 0;
    for (size_t i = 0; i < poll->records_count; i++) {
        const struct topo_record *record = &poll->records[i];
        struct global_input *input = rc ? NULL : global_find_input(global, record);
        if (input && record->offset >= input->next)
            rc = global_fold_record(global, input, record, error);
        global->io.release(global->io.self, poll->tokens[i]);
        if (!rc && ++since_commit >= COMMIT_RECORDS) {
            rc = global_commit(global, error);
            since_commit = 0;
        }
    }
    /* Records given back unfolded are read again; the ones folded before them count. */
    global->reading = rc == 0;
    int committed =
        mr_code_class(rc) == MR_CLASS_FATAL ? 0 : global_commit(global, rc ? NULL : error);
    rc = rc ? rc : committed;
    struct metrics *metrics = &global->engine->metrics;
    metrics_add(&metrics->records, poll->records_count);
    metrics_add(&metrics->process_ns, (uint64_t)(mr_monotonic_ns() - began_ns));
    return rc;
}

/* Moves over markers and aborted records: no record that is delivered shows them. */
static int global_pass_markers(struct global *global, struct mr_error *error)
{
    bool moved = false;
    global->passed_ms = global->now_ms;
    for (size_t i = 0; i < global->inputs_count; i++) {
        struct global_input *input = &global->inputs[i];
        int64_t at = global->io.log_position(global->io.self, input->partition);
        if (at <= input->next)
            continue;
        input->next = at;
        moved = true;
    }
    return moved ? global_commit(global, error) : 0;
}

/* At the end of a poll of everything; but a topic that never rests must not hide the end of another
 * that does, so while the tables come up after each. */
static bool global_markers_are_due(const struct global *global)
{
    return !global->ready || host_report_is_due(global->now_ms, global->passed_ms);
}

static bool global_check_ready(struct global *global)
{
    if (global->ready)
        return false;
    for (size_t i = 0; i < global->inputs_count; i++)
        if (global->inputs[i].unread || global->inputs[i].next < global->inputs[i].end)
            return false;
    global->ready = true;
    for (size_t i = 0; i < global->tasks_count; i++)
        task_move(global->tasks[i], TASK_RUNNING);
    atomic_store(&global->engine->globals_ready, true);
    return true;
}

/* -- the step -- */

static void global_report(struct global *global)
{
    struct metrics_reports reports = {.assigned = true, .ready = global->ready};
    reports.tasks = mr_calloc(global->tasks_count + 1, sizeof *reports.tasks);
    for (size_t i = 0; i < global->tasks_count; i++) {
        struct metrics_task *own = &reports.tasks[reports.count++];
        task_report(global->tasks[i], own);
        for (size_t k = 0; k < global->inputs_count; k++) {
            const struct global_input *input = &global->inputs[k];
            int64_t lag = input->end > input->next ? input->end - input->next : 0;
            if (input->task != global->tasks[i])
                continue;
            own->restore_remaining += global->ready ? 0 : lag;
            metrics_add_input(
                own,
                &(struct metrics_input){
                    input->partition.topic,
                    input->partition.partition,
                    input->next,
                    input->end < 0 ? -1 : lag,
                    input->unread});
        }
    }
    host_publish_reports(global->engine, 0, reports);
    global->reported_ms = global->now_ms;
}

/* Records of a partition that was added are in no table: better no table than a wrong one. */
static int global_check_partitions(
    struct global *global, const struct global_input *input, struct mr_error *error)
{
    int32_t now = 0;
    int32_t known = 0;
    for (size_t i = 0; i < global->inputs_count; i++)
        known += global->inputs[i].partition.topic == input->partition.topic;
    if (global->io.partitions_of(global->io.self, input->partition.topic, &now, NULL) ||
        now <= known)
        return 0;
    return mr_fail(
        error,
        MR_CONFIG,
        "topic \"%s\" has %" PRId32 " partitions now, %" PRId32
        " were there when the tables came up: start again to fold them all",
        input->partition.topic,
        now,
        known);
}

/* An end that nobody has confirmed for a while says nothing about the lag. */
static void global_forget_end(struct global *global, struct global_input *input)
{
    if (input->end_ms == 0)
        input->end_ms = global->now_ms; /* It was asked for at the start. */
    if (input->end < 0 || !host_end_is_old(global->now_ms, input->end_ms))
        return;
    input->end = -1;
    watch_forget_end(&global->engine->watches, input->task->sub, &input->partition);
}

/* The lag that operators and readers see: by the ends that came with the last records, without a
 * question to a broker. One topic in a while is asked for its count of partitions. */
static int global_measure_lag(struct global *global, struct mr_error *error)
{
    for (size_t i = 0; i < global->inputs_count; i++) {
        struct global_input *input = &global->inputs[i];
        int64_t end = global->io.known_end(global->io.self, input->partition);
        if (end < 0) {
            global_forget_end(global, input);
            continue;
        }
        input->end = end;
        input->end_ms = global->now_ms;
        watch_set(&global->engine->watches, input->task->sub, &input->partition, -1, end);
    }
    if (global->now_ms - global->checked_ms < CHECK_MS && global->now_ms >= global->checked_ms)
        return 0;
    global->checked_ms = global->now_ms;
    const struct global_input *asked = &global->inputs[global->check_turn++ % global->inputs_count];
    return global_check_partitions(global, asked, error);
}

/* Its leader answers: the log goes on where the store is. Without a store it begins where the log
 * does, and only the leader knows that. */
static int
global_take_back(struct global *global, struct global_input *input, struct mr_error *error)
{
    int64_t low = 0;
    int64_t high = 0;
    int rc = global->io.watermarks(global->io.self, input->partition, &low, &high, error);
    if (!rc && global_known_position(input) < 0 && input->next < low) {
        rc = global->io.log_add(global->io.self, input->partition, low, error);
        if (!rc)
            input->next = low;
    }
    if (rc)
        return mr_code_class(rc) == MR_CLASS_RETRY ? 0 : rc;
    input->unread = false;
    input->end = high;
    input->end_ms = global->now_ms;
    watch_set(&global->engine->watches, input->task->sub, &input->partition, input->next, high);
    host_log(
        global->engine,
        MR_LOG_INFO,
        "partition-readable",
        "topic=%s partition=%" PRId32,
        input->partition.topic,
        input->partition.partition);
    return 0;
}

/* `all`: one of them is to be read where its log no longer is, and nobody knows which. */
static int global_take_all_back(struct global *global, bool all, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < global->inputs_count && !rc; i++) {
        struct global_input *input = &global->inputs[i];
        if (input->unread && (all || global->io.known_end(global->io.self, input->partition) >= 0))
            rc = global_take_back(global, input, error);
    }
    return rc;
}

static bool global_has_unread(const struct global *global)
{
    for (size_t i = 0; i < global->inputs_count; i++)
        if (global->inputs[i].unread)
            return true;
    return false;
}

/* Reads once, folds and commits what came; without records it looks for markers to pass. */
static int
global_turn(struct global *global, int timeout_ms, bool *ret_progress, struct mr_error *error)
{
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    int rc = global_open_io(global, error);
    if (!rc && !global->reading)
        rc = global_add_logs(global, error);
    if (rc)
        return rc;
    int64_t began_ns = mr_monotonic_ns();
    rc = global->io.log_poll(global->io.self, timeout_ms, &poll, error);
    metrics_add(&global->engine->metrics.poll_ns, (uint64_t)(mr_monotonic_ns() - began_ns));
    global->now_ms = global->io.now_ms(global->io.self);
    bool unread = !global->ready && global_has_unread(global);
    if (unread && (rc == 0 || rc == MR_NOT_FOUND)) {
        bool lost = rc == MR_NOT_FOUND;
        rc = global_take_all_back(global, lost, error);
        if (lost && !rc)
            rc = global_has_unread(global) ? mr_fail(error, MR_AGAIN, "no leader yet") : 0;
    }
    if (mr_code_class(rc) == MR_CLASS_POISON) {
        const struct mr_error why = error ? *error : (struct mr_error){0};
        rc = mr_fail(error, MR_FATAL, "the log lost what was not folded yet: %.400s", why.text);
    }
    *ret_progress = !rc && poll.event == TOPO_IO_RECORDS;
    if (*ret_progress)
        rc = global_fold_batch(global, &poll, error);
    if (!rc && (!*ret_progress || global_markers_are_due(global)))
        rc = global_pass_markers(global, error);
    if (!rc && global_check_ready(global))
        *ret_progress = true;
    if (rc)
        return rc;
    return task_write_behind_all(global->tasks, global->tasks_count, global->now_ms, error);
}

/* Only a broken store or a programming mistake ends a fold; all else is tried again. */
static int
global_settle_error(struct global *global, const struct mr_error *why, struct mr_error *error)
{
    switch (mr_code_class(why->code)) {
    case MR_CLASS_NONE:
        global->failures = 0;
        return 0;
    case MR_CLASS_FATAL:
        global->failed = true;
        host_fail(global->engine, why);
        return mr_fail(error, why->code, "%s", why->text);
    case MR_CLASS_FENCED:
        if (global->io_open)
            global->io.close(global->io.self);
        global->io_open = global->reading = false;
        break;
    case MR_CLASS_RETRY:
    case MR_CLASS_POISON:
    case MR_CLASS_ABORT:
        break;
    }
    /* Logs repeated failures at powers of two. */
    unsigned failures = ++global->failures;
    if ((failures & (failures - 1)) == 0)
        host_log(
            global->engine,
            MR_LOG_WARN,
            "global-retry",
            "failures=%u error=\"%s\"",
            failures,
            why->text);
    int64_t pause_ms = (int64_t)PAUSE_MS * failures;
    host_pause_ms(global->engine, pause_ms < PAUSE_MS_MAX ? pause_ms : PAUSE_MS_MAX);
    return 0;
}

int global_step(struct global *global, int timeout_ms, struct mr_error *error)
{
    struct mr_error why = {0};
    struct mr_error grown = {0};
    bool progress = false;
    bool was_ready = global->ready;
    if (global->failed)
        return 0;
    why.code = global_turn(global, timeout_ms, &progress, &why);
    int rc = global_settle_error(global, &why, error);
    if (rc)
        return rc;
    bool due = host_report_is_due(global->now_ms, global->reported_ms);
    if (due && global->engine->threaded && global->ready && global->io_open)
        rc = global_measure_lag(global, &grown);
    grown.code = rc;
    if (rc && (rc = global_settle_error(global, &grown, error)))
        return rc;
    if (due || was_ready != global->ready)
        global_report(global);
    return progress || why.code != 0;
}
