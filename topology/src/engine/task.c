/*
 * task.c - a task's parts: made, closed, rebuilt, written behind.
 *
 * Transitions, all by task_move
 *     SUSPENDED -> RESTORING   assign_open_tasks, global_open_tasks
 *     RESTORING -> RUNNING     restore_start_input, global_check_ready
 *     RUNNING   -> RESTORING   txn_undo
 *     RESTORING -> BLOCKED     task_block, by restore_block_task (its log) or
 *                              restore_step_task (its state, after txn_block_task)
 *     any       -> SUSPENDED   assign_suspend
 *
 * Invariants
 *   1. Only a RUNNING task has buffered input.
 *   2. A task with a directory has claimed it from the engine: from task_open to task_close.
 *   3. The fingerprint in a store's directory names what made it; another one is refused, but for
 *      the same global sub-topology with other stores: those are folded again.
 *   4. What is written behind is committed: data and positions in one batch.
 *   5. A store is removed only by task_rebuild and task_replace_stores, and that is logged.
 */
#include "task.h"

#include "cleanup.h"
#include "resume.h"
#include "snapshot.h"

#include <base/alloc.h>
#include <base/buffer.h>
#include <base/clock.h>

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Dirty entries of a worker's tasks together; less often written is less written, as keys change
 * again. */
enum { WRITE_BEHIND_BYTES = 64 << 20, WRITE_BEHIND_BYTES_MIN = 4 << 20 };

static const char *const state_names[] = {
    [TASK_SUSPENDED] = "suspended",
    [TASK_RESTORING] = "restoring",
    [TASK_RUNNING] = "running",
    [TASK_BLOCKED] = "blocked",
};

static const bool edges[4][4] = {
    [TASK_SUSPENDED] = {[TASK_SUSPENDED] = true, [TASK_RESTORING] = true},
    [TASK_RESTORING] =
        {[TASK_SUSPENDED] = true,
         [TASK_RESTORING] = true,
         [TASK_RUNNING] = true,
         [TASK_BLOCKED] = true},
    [TASK_BLOCKED] = {[TASK_SUSPENDED] = true},
    [TASK_RUNNING] = {[TASK_SUSPENDED] = true, [TASK_RESTORING] = true},
};

void task_move(struct task *task, enum task_state state)
{
    assert(edges[task->state][state]);
    if (task->state != state)
        host_log(
            task->engine,
            MR_LOG_INFO,
            "task",
            "task=%s-%" PRId32 " from=%s to=%s",
            task->sub->name,
            task->partition,
            state_names[task->state],
            state_names[state]);
    task->state = state;
    task->moved_ms = mr_monotonic_ms();
    task->restored = 0;
    task->restore = TASK_RESTORE_OFFSETS;
    for (size_t i = 0; i < task->queues.count; i++)
        assert(state == TASK_RUNNING || task->queues.items[i].count == 0);
}

void task_block(struct task *task, const char *why, const char *action)
{
    assert(task->state == TASK_RESTORING && why[0] != '\0');
    if (why != task->why_blocked)
        (void)snprintf(task->why_blocked, sizeof task->why_blocked, "%s", why);
    task->must_block = false;
    task_move(task, TASK_BLOCKED);
    host_log(
        task->engine,
        MR_LOG_ERROR,
        "partition-blocked",
        "task=%s-%" PRId32
        " error=\"%s\" action=\"%s, then start this instance again; the other partitions go on\"",
        task->sub->name,
        task->partition,
        task->why_blocked,
        action);
}

/* Names the stores and kinds that made this state: others would read it wrong. */
static char *task_make_fingerprint(const struct graph_sub *sub, const char *application_id)
{
    static const char *const kinds[] = {
        [TOPO_LOG_EVENTS] = "events",
        [TOPO_LOG_CHANGELOG] = "changelog",
        [TOPO_LOG_INPUT] = "input",
    };
    struct mr_buffer buffer;
    mr_buffer_init(&buffer);
    mr_buffer_printf(&buffer, "%s/%s:", application_id, sub->name);
    for (size_t i = 0; i < sub->stores_count; i++)
        mr_buffer_printf(
            &buffer,
            " %s(%s%s)",
            sub->stores[i]->name,
            kinds[sub->stores[i]->log],
            sub->stores[i]->ttl_ms ? ",ttl" : "");
    mr_buffer_add_byte(&buffer, '\0');
    return buffer.ptr;
}

static enum store_writer task_writer_of(const struct graph_store *store)
{
    if (store->log != TOPO_LOG_EVENTS)
        return STORE_BY_PROCESSORS;
    return store->is_outcomes ? STORE_BY_OUTCOMES : STORE_BY_EVOLVE;
}

/* All stores of a task are one set: they commit, abort and flush together. */
static int task_open_stores(struct task *task, struct mr_error *error)
{
    const struct graph_sub *sub = task->sub;
    struct store_spec *specs = mr_calloc(sub->stores_count + 1, sizeof *specs);
    for (size_t i = 0; i < sub->stores_count; i++)
        specs[i] = (struct store_spec){
            .name = sub->stores[i]->name,
            .ordered = sub->stores[i]->ordered,
            .changelog = sub->stores[i]->log == TOPO_LOG_CHANGELOG,
            .writer = task_writer_of(sub->stores[i]),
            .ttl_ms = sub->stores[i]->ttl_ms,
        };
    const struct store_set_options options = {
        .dir = task->dir,
        .fingerprint = task->fingerprint,
        .specs = specs,
        .specs_count = sub->stores_count,
        .table_bytes_max = task->engine->options.table_bytes_max,
        .now = task->engine->store_now,
        .now_user = task->engine->store_now_user,
    };
    int rc = store_set_open(&options, &task->set, error);
    free(specs);
    for (size_t i = 0; i < sub->stores_count && !rc; i++)
        task->stores[i] = store_set_store(task->set, sub->stores[i]->name);
    return rc;
}

static void task_make_parts(struct task *task)
{
    const struct graph_sub *sub = task->sub;
    task->stores = mr_calloc(sub->stores_count + 1, sizeof(struct topo_store *));
    task->logs = mr_calloc(sub->logs_count + 1, sizeof *task->logs);
    for (size_t i = 0; i < sub->logs_count; i++)
        task->logs[i] = (struct task_log){
            .log = &sub->logs[i],
            .partition = {sub->logs[i].topic, task->partition},
            .next = -1,
            .short_since_ms = -1,
        };
    if (!sub->global) {
        task->queues.items = mr_calloc(sub->inputs_count + 1, sizeof *task->queues.items);
        task->queues.count = sub->inputs_count;
        for (size_t i = 0; i < sub->inputs_count; i++)
            queue_init(&task->queues.items[i], &sub->inputs[i], task->partition);
    }
    task->timers = mr_calloc(sub->nodes_count + 1, sizeof *task->timers);
    for (size_t i = 0; i < sub->nodes_count; i++)
        if (sub->nodes[i]->punctuate)
            task->timers[task->timers_count++] = (struct task_timer){sub->nodes[i], -1, -1, 0};
}

/* A store's directory is flat. */
static int task_remove_files(const char *path, struct mr_error *error)
{
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? 0 : mr_fail(error, MR_IO, "%s: %s", path, strerror(errno));
    int rc = 0;
    for (struct dirent *entry; !rc && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0)
            rc = mr_fail(error, MR_IO, "%s/%s: %s", path, entry->d_name, strerror(errno));
    }
    closedir(dir);
    return rc;
}

/* A global sub-topology is the fold of its input and nothing else. Another version of it has made
 * what is there: a new one folds its own. */
static int task_replace_stores(struct task *task, const char *why, struct mr_error *error)
{
    host_log(
        task->engine,
        MR_LOG_WARN,
        "store-rebuild",
        "task=%s-%" PRId32 " reason=\"another version had other stores\" error=\"%s\"",
        task->sub->name,
        task->partition,
        why);
    metrics_add(&task->engine->metrics.rebuilds, 1);
    int rc = task_remove_files(task->dir, error);
    return rc ? rc : task_open_stores(task, error);
}

/* From its directory, or from a snapshot, or empty. */
static int task_open_first(struct task *task, struct mr_error *error)
{
    struct mr_error why = {0};
    bool placed = snapshot_place(task);
    int rc = task_open_stores(task, &why);
    if (placed && rc) {
        rc = snapshot_withdraw(task, why.text, error);
        return rc ? rc : task_open_stores(task, error);
    }
    if (rc == MR_CONFLICT && task->sub->global)
        return task_replace_stores(task, why.text, error);
    /* A task of the group has more than its input in its stores: that is for somebody to decide. */
    return rc ? mr_fail(error, rc == MR_CONFLICT ? MR_CONFIG : rc, "%s", why.text) : 0;
}

/* The claim comes first: what the task opens afterwards is its own until task_close. */
int task_open(
    struct topo_engine *engine,
    struct worker *worker,
    const struct graph_sub *sub,
    int32_t partition,
    struct task **ret_task,
    struct mr_error *error)
{
    assert(partition >= 0);
    if (engine->state_dir && !host_claim(engine, sub, partition))
        return mr_fail(
            error,
            MR_AGAIN,
            "another worker still has the stores of %s-%" PRId32,
            sub->name,
            partition);
    struct task *task = mr_calloc(1, sizeof *task);
    task->engine = engine;
    task->worker = worker;
    task->sub = sub;
    task->partition = partition;
    task->stream_time_ms = task->kept_stream_ms = INT64_MIN;
    task->flushed_ms = -1;
    task->fingerprint = task_make_fingerprint(sub, engine->topology->application_id);
    if (engine->state_dir)
        task->dir = mr_asprintf("%s/%s-%" PRId32, engine->state_dir, sub->name, partition);
    task_make_parts(task);
    task->context = (struct topo_context){.task = task};
    mr_arena_init(&task->context.arena);
    int rc = task_open_first(task, error);
    if (rc) {
        task_close(task, false, NULL);
        return rc;
    }
    *ret_task = task;
    return 0;
}

int task_close(struct task *task, bool flush, struct mr_error *error)
{
    if (!task)
        return 0;
    int rc = flush && task->set ? store_set_flush(task->set, error) : 0;
    for (size_t i = 0; i < task->queues.count; i++)
        queue_clean_up(&task->queues.items[i]);
    mr_arena_clean_up(&task->context.arena);
    free(task->context.outputs);
    store_set_close(task->set);
    if (task->dir) {
        cleanup_note_closed(task->dir);
        host_disclaim(task->engine, task->sub, task->partition);
    }
    free(task->queues.items);
    free(task->stores);
    free(task->logs);
    free(task->timers);
    free(task->fingerprint);
    free(task->dir);
    free(task);
    return rc;
}

int task_rebuild(struct task *task, struct mr_error *error)
{
    host_log(
        task->engine,
        MR_LOG_WARN,
        "store-rebuild",
        "task=%s-%" PRId32 " reason=\"the log no longer has what is missing\"",
        task->sub->name,
        task->partition);
    metrics_add(&task->engine->metrics.rebuilds, 1);
    int64_t *inputs = resume_save_positions(task);
    store_set_close(task->set);
    task->set = NULL;
    int rc = task->dir ? task_remove_files(task->dir, error) : 0;
    if (!rc)
        rc = task_open_stores(task, error);
    if (!rc)
        resume_put_back_positions(task, inputs);
    free(inputs);
    return rc;
}

static int
task_write_behind(struct task *task, size_t tasks_count, int64_t now_ms, struct mr_error *error)
{
    size_t share = WRITE_BEHIND_BYTES / tasks_count;
    size_t bytes_max = share > WRITE_BEHIND_BYTES_MIN ? share : WRITE_BEHIND_BYTES_MIN;
    if (!store_set_is_dirty(task->set) || task->flushed_ms < 0) {
        task->flushed_ms = now_ms;
        return 0;
    }
    int64_t age_ms = now_ms - task->flushed_ms;
    bool old = age_ms < 0 || age_ms >= task->engine->options.flush_interval_ms;
    if (store_set_dirty_bytes(task->set) < bytes_max && !old)
        return 0;
    int64_t began_ns = mr_monotonic_ns();
    task->flushed_ms = now_ms;
    int rc = store_set_flush(task->set, error);
    metrics_add(&task->engine->metrics.flush_ns, (uint64_t)(mr_monotonic_ns() - began_ns));
    return rc;
}

int task_write_behind_all(
    struct task *const *tasks, size_t tasks_count, int64_t now_ms, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < tasks_count && !rc; i++)
        rc = task_write_behind(tasks[i], tasks_count, now_ms, error);
    return rc;
}

int task_fail_short_log(
    const struct topo_partition *partition,
    int64_t known,
    int64_t high,
    int code,
    struct mr_error *error)
{
    assert(known > high);
    return mr_fail(
        error,
        code,
        "%s/%" PRId32 " ends at %" PRId64 ", but the state is its fold up to %" PRId64
        ": the topic was deleted or created again; remove the state directory to start from it",
        partition->topic,
        partition->partition,
        high,
        known);
}

struct task_log *task_log_of(const struct task *task, const char *topic, int32_t partition)
{
    if (partition != task->partition)
        return NULL;
    for (size_t i = 0; i < task->sub->logs_count; i++) {
        struct task_log *log = &task->logs[i];
        if (log->partition.topic == topic || strcmp(log->partition.topic, topic) == 0)
            return log;
    }
    return NULL;
}

void task_report(const struct task *task, struct metrics_task *ret_report)
{
    struct store_set_stats stats = {0};
    if (task->set)
        store_set_stats(task->set, &stats);
    *ret_report = (struct metrics_task){
        .sub = task->sub->name,
        .partition = task->partition,
        .global = task->sub->global,
        .state = state_names[task->state],
        .state_ms = mr_monotonic_ms() - task->moved_ms,
        .restored = task->restored,
        .stream_time_ms = task->stream_time_ms,
        .entries = stats.entries,
        .clean_bytes = stats.clean_bytes,
        .dirty_bytes = stats.dirty_bytes,
        .staged_bytes = stats.staged_bytes,
        .blocked = task->state == TASK_BLOCKED,
    };
    if (task->state == TASK_BLOCKED)
        memcpy(ret_report->why, task->why_blocked, sizeof ret_report->why);
    for (size_t i = 0; i < task->queues.count; i++)
        ret_report->buffered_bytes += task->queues.items[i].bytes;
    for (size_t i = 0; i < task->sub->logs_count && task->state == TASK_RESTORING; i++)
        if (task->logs[i].reading && task->logs[i].end > task->logs[i].next)
            ret_report->restore_remaining += task->logs[i].end - task->logs[i].next;
}
