/*
 * status.c - what the engine counts and what its workers reported, as Prometheus text and as JSON.
 *
 * Invariants: a counter that was ever shown is shown always, zero included; reports are read with
 * the engine's mutex held, counters without it.
 */
#include "host.h"
#include "store/store_set.h"

#include <inttypes.h>

static const char *const class_names[METRICS_CLASSES] = {
    [MR_CLASS_NONE] = "none",
    [MR_CLASS_RETRY] = "retry",
    [MR_CLASS_POISON] = "poison",
    [MR_CLASS_ABORT] = "abort",
    [MR_CLASS_FENCED] = "fenced",
    [MR_CLASS_FATAL] = "fatal",
};

static uint64_t status_get(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* -- Prometheus -- */

static void status_put_counter(
    struct mr_buffer *out,
    const char *application,
    const char *name,
    const char *help,
    uint64_t value)
{
    mr_buffer_printf(
        out,
        "# HELP %s %s\n# TYPE %s counter\n%s{application=\"%s\"} %" PRIu64 "\n",
        name,
        help,
        name,
        name,
        application,
        value);
}

static void status_put_seconds(
    struct mr_buffer *out, const char *application, const char *name, const char *help, uint64_t ns)
{
    mr_buffer_printf(
        out,
        "# HELP %s %s\n# TYPE %s counter\n%s{application=\"%s\"} %.6f\n",
        name,
        help,
        name,
        name,
        application,
        (double)ns / 1e9);
}

/* Prometheus counts each bucket with all below it. */
static void status_put_commit_seconds(
    struct mr_buffer *out, const char *application, struct metrics_histogram *histogram)
{
    uint64_t below = 0;
    uint64_t bound = METRICS_FIRST_BOUND_NS;
    mr_buffer_printf(
        out,
        "# HELP topo_commit_seconds Time of a commit, from the changelog to the answer.\n"
        "# TYPE topo_commit_seconds histogram\n");
    for (size_t i = 0; i + 1 < METRICS_BUCKETS; i++, bound *= 2) {
        below += status_get(&histogram->buckets[i]);
        mr_buffer_printf(
            out,
            "topo_commit_seconds_bucket{application=\"%s\",le=\"%.4f\"} %" PRIu64 "\n",
            application,
            (double)bound / 1e9,
            below);
    }
    mr_buffer_printf(
        out,
        "topo_commit_seconds_bucket{application=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
        "topo_commit_seconds_sum{application=\"%s\"} %.6f\n"
        "topo_commit_seconds_count{application=\"%s\"} %" PRIu64 "\n"
        "# TYPE topo_commit_seconds_max gauge\n"
        "topo_commit_seconds_max{application=\"%s\"} %.6f\n",
        application,
        status_get(&histogram->count),
        application,
        (double)status_get(&histogram->sum_ns) / 1e9,
        application,
        status_get(&histogram->count),
        application,
        (double)status_get(&histogram->max_ns) / 1e9);
}

static void status_put_failures(
    const struct topo_engine *engine,
    const char *name,
    const char *help,
    _Atomic uint64_t *counts,
    struct mr_buffer *out)
{
    const struct topo_topology *topology = engine->topology;
    mr_buffer_printf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
    for (size_t i = 0; i <= topology->nodes_count; i++) {
        for (size_t c = 0; c < METRICS_CLASSES; c++) {
            uint64_t count = status_get(&counts[i * METRICS_CLASSES + c]);
            if (count > 0)
                mr_buffer_printf(
                    out,
                    "%s{application=\"%s\",node=\"%s\",class=\"%s\"} %" PRIu64 "\n",
                    name,
                    topology->application_id,
                    i < topology->nodes_count ? topology->nodes[i]->name : "output",
                    class_names[c],
                    count);
        }
    }
}

/* Names are a contract with whoever has alerts on them: add, never rename. */
struct counter {
    const char *name;
    const char *help;
    size_t offset;
    bool is_time;
};

static const struct counter counters[] = {
    {"topo_records_total", "Input records processed.", offsetof(struct metrics, records), false},
    {"topo_outputs_total", "Records put out.", offsetof(struct metrics, outputs), false},
    {"topo_changelog_records_total",
     "Changelog records written.",
     offsetof(struct metrics, changelog_records),
     false},
    {"topo_restored_records_total",
     "Log records folded in restores.",
     offsetof(struct metrics, restored_records),
     false},
    {"topo_punctuations_total", "Timers fired.", offsetof(struct metrics, punctuations), false},
    {"topo_commits_total", "Transactions committed.", offsetof(struct metrics, commits), false},
    {"topo_aborts_total", "Transactions aborted.", offsetof(struct metrics, aborts), false},
    {"topo_fenced_total",
     "Times the tasks were given up.",
     offsetof(struct metrics, fenced),
     false},
    {"topo_producers_renewed_total",
     "Producers replaced because the end of a transaction was not known at first.",
     offsetof(struct metrics, producers_renewed),
     false},
    {"topo_rebalances_total", "Assignments received.", offsetof(struct metrics, rebalances), false},
    {"topo_retries_total", "Calls made again.", offsetof(struct metrics, retries), false},
    {"topo_rebuilds_total",
     "Stores removed and restored from the start of their logs.",
     offsetof(struct metrics, rebuilds),
     false},
    {"topo_holds_given_up_total",
     "Records processed although the position they require was not reached in time.",
     offsetof(struct metrics, holds_given_up),
     false},
    {"topo_input_lost_total",
     "Input offsets deleted before they were processed.",
     offsetof(struct metrics, input_lost),
     false},
    {"topo_laid_aside_total",
     "Records of others in its own logs and tables, passed over.",
     offsetof(struct metrics, laid_aside),
     false},
    {"topo_poll_seconds", "Time in polls.", offsetof(struct metrics, poll_ns), true},
    {"topo_process_seconds", "Time in processing.", offsetof(struct metrics, process_ns), true},
    {"topo_flush_seconds", "Time writing behind.", offsetof(struct metrics, flush_ns), true},
};

static void status_put_counters(struct topo_engine *engine, struct mr_buffer *out)
{
    struct metrics *metrics = &engine->metrics;
    const char *id = engine->topology->application_id;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        const struct counter *counter = &counters[i];
        void *at = (char *)metrics + counter->offset;
        uint64_t value = status_get((_Atomic uint64_t *)at);
        if (counter->is_time)
            status_put_seconds(out, id, counter->name, counter->help, value);
        else
            status_put_counter(out, id, counter->name, counter->help, value);
    }
    status_put_commit_seconds(out, id, &metrics->commit);
    status_put_failures(
        engine,
        "topo_dead_letters_total",
        "Records refused, by node and class.",
        metrics->dead_letters,
        out);
    status_put_failures(
        engine,
        "topo_punctuation_failures_total",
        "Timers refused, by node and class.",
        metrics->punctuation_failures,
        out);
}

struct gauge {
    const char *name;
    const char *help;
    size_t offset;
    bool is_size;
};

static const struct gauge gauges[] = {
    {"topo_restore_remaining",
     "Log records a task has yet to fold.",
     offsetof(struct metrics_task, restore_remaining),
     false},
    {"topo_input_lag",
     "Input records behind the end.",
     offsetof(struct metrics_task, input_lag),
     0},
    {"topo_input_lag_unknown",
     "Input partitions whose end is not known: their leader is silent.",
     offsetof(struct metrics_task, input_unknown),
     false},
    {"topo_input_unreadable",
     "Input partitions that could not be read since the start.",
     offsetof(struct metrics_task, input_unreadable),
     false},
    {"topo_buffered_bytes",
     "Input buffered in memory.",
     offsetof(struct metrics_task, buffered_bytes),
     true},
    {"topo_store_entries", "Entries in memory.", offsetof(struct metrics_task, entries), true},
    {"topo_store_clean_bytes", "Evictable.", offsetof(struct metrics_task, clean_bytes), true},
    {"topo_store_dirty_bytes",
     "Committed, not yet on disk.",
     offsetof(struct metrics_task, dirty_bytes),
     true},
    {"topo_store_staged_bytes",
     "Written in the open transaction.",
     offsetof(struct metrics_task, staged_bytes),
     true},
    {"topo_blocked",
     "1: the task stands still, because a record of its own cannot be read.",
     offsetof(struct metrics_task, blocked),
     false},
};

static int64_t status_gauge_value(const struct metrics_task *task, const struct gauge *gauge)
{
    const char *at = (const char *)task + gauge->offset;
    if (gauge->is_size) {
        size_t value = 0;
        memcpy(&value, at, sizeof value);
        return (int64_t)value;
    }
    int64_t value = 0;
    memcpy(&value, at, sizeof value);
    return value;
}

static void
status_put_gauge(const struct topo_engine *engine, const struct gauge *gauge, struct mr_buffer *out)
{
    mr_buffer_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", gauge->name, gauge->help, gauge->name);
    for (size_t w = 0; w <= engine->workers_count; w++) {
        const struct metrics_reports *reports = &engine->reports[w];
        for (size_t i = 0; i < reports->count; i++)
            mr_buffer_printf(
                out,
                "%s{application=\"%s\",task=\"%s\",partition=\"%" PRId32 "\"} %" PRId64 "\n",
                gauge->name,
                engine->topology->application_id,
                reports->tasks[i].sub,
                reports->tasks[i].partition,
                status_gauge_value(&reports->tasks[i], gauge));
    }
}

static void status_put_signal(
    const struct topo_engine *engine,
    struct mr_buffer *out,
    const char *name,
    const char *help,
    size_t value)
{
    mr_buffer_printf(
        out,
        "# HELP %s %s\n# TYPE %s gauge\n%s{application=\"%s\"} %zu\n",
        name,
        help,
        name,
        name,
        engine->topology->application_id,
        value);
}

/* Signals are of the moment: what an alert or a proxy goes by. */
static void status_put_signals(struct topo_engine *engine, struct mr_buffer *out)
{
    enum topo_engine_state state = topo_engine_state(engine, NULL);
    bool live = (state == TOPO_ENGINE_RUNNING || state == TOPO_ENGINE_RESTORING) &&
                topo_engine_is_live(engine, NULL);
    struct topo_memory memory;
    store_memory_used(&memory);
    status_put_signal(
        engine,
        out,
        "topo_live",
        "Neither failed nor stopped, and every thread makes steps.",
        live);
    status_put_signal(
        engine, out, "topo_ready", "All tasks are running.", state == TOPO_ENGINE_RUNNING);
    status_put_signal(
        engine, out, "topo_restoring", "Tasks are coming up.", state == TOPO_ENGINE_RESTORING);
    status_put_signal(
        engine,
        out,
        "topo_rocksdb_cache_bytes",
        "The process's block cache.",
        memory.block_cache_bytes);
    status_put_signal(
        engine,
        out,
        "topo_rocksdb_write_buffer_bytes",
        "The process's memtables, as of each database's last write.",
        memory.write_buffers_bytes);
}

void topo_engine_metrics(struct topo_engine *engine, struct mr_buffer *out)
{
    status_put_counters(engine, out);
    status_put_signals(engine, out);
    pthread_mutex_lock(&engine->mutex);
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++)
        status_put_gauge(engine, &gauges[i], out);
    pthread_mutex_unlock(&engine->mutex);
}

/* -- JSON -- */

static void status_put_json_text(struct mr_buffer *out, const char *text)
{
    mr_buffer_add_byte(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            mr_buffer_printf(out, "\\%c", c);
        else if (c < 0x20)
            mr_buffer_printf(out, "\\u%04x", c);
        else
            mr_buffer_add_byte(out, c);
    }
    mr_buffer_add_byte(out, '"');
}

/* A rate over a state that began just now would be a guess. */
static int64_t status_restore_rate(const struct metrics_task *task)
{
    return task->state_ms < 100 ? 0 : task->restored * 1000 / task->state_ms;
}

static void status_put_json_lag(struct mr_buffer *out, bool unknown, int64_t lag)
{
    if (unknown)
        mr_buffer_printf(out, "null");
    else
        mr_buffer_printf(out, "%" PRId64, lag);
}

static void status_put_json_inputs(struct mr_buffer *out, const struct metrics_task *task)
{
    mr_buffer_printf(out, ",\"inputs\":[");
    for (size_t i = 0; i < task->inputs_count; i++) {
        const struct metrics_input *input = &task->inputs[i];
        mr_buffer_printf(out, "%s{\"topic\":", i ? "," : "");
        status_put_json_text(out, input->topic);
        mr_buffer_printf(
            out,
            ",\"partition\":%" PRId32 ",\"position\":%" PRId64 ",\"lag\":",
            input->partition,
            input->position);
        status_put_json_lag(out, input->lag < 0, input->lag);
        if (input->unreadable)
            mr_buffer_printf(out, ",\"error\":\"no leader answers\"");
        mr_buffer_add_byte(out, '}');
    }
    mr_buffer_add_byte(out, ']');
}

static void status_put_json_task(struct mr_buffer *out, const struct metrics_task *task)
{
    mr_buffer_printf(
        out,
        "{\"name\":\"%s\",\"partition\":%" PRId32 ",\"global\":%s,\"state\":\"%s\","
        "\"state_ms\":%" PRId64 ",\"restore_lag\":%" PRId64 ",\"restore_per_second\":%" PRId64
        ",\"entries\":%zu,\"dirty_bytes\":%zu,\"input_lag\":",
        task->sub,
        task->partition,
        task->global ? "true" : "false",
        task->state,
        task->state_ms,
        task->restore_remaining,
        status_restore_rate(task),
        task->entries,
        task->dirty_bytes);
    status_put_json_lag(out, task->input_unknown > 0, task->input_lag);
    status_put_json_inputs(out, task);
    if (task->blocked) {
        mr_buffer_printf(out, ",\"error\":");
        status_put_json_text(out, task->why);
    }
    mr_buffer_add_byte(out, '}');
}

/* A failure is part of the answer: whoever asks is looking for it. */
void topo_engine_status_json(struct topo_engine *engine, struct mr_buffer *out)
{
    static const char *const names[] = {
        [TOPO_ENGINE_RESTORING] = "restoring",
        [TOPO_ENGINE_RUNNING] = "running",
        [TOPO_ENGINE_STOPPED] = "stopped",
        [TOPO_ENGINE_FAILED] = "failed",
    };
    struct mr_error why = {0};
    enum topo_engine_state state = topo_engine_state(engine, &why);
    mr_buffer_printf(
        out,
        "{\"application\":\"%s\",\"instance\":\"%s\",\"state\":\"%s\"",
        engine->topology->application_id,
        engine->instance_id,
        names[state]);
    if (state == TOPO_ENGINE_FAILED) {
        mr_buffer_printf(out, ",\"error\":");
        status_put_json_text(out, why.text);
    }
    mr_buffer_printf(out, ",\"tasks\":[");
    pthread_mutex_lock(&engine->mutex);
    bool first = true;
    for (size_t w = 0; w <= engine->workers_count; w++) {
        for (size_t i = 0; i < engine->reports[w].count; i++) {
            if (!first)
                mr_buffer_add_byte(out, ',');
            status_put_json_task(out, &engine->reports[w].tasks[i]);
            first = false;
        }
    }
    pthread_mutex_unlock(&engine->mutex);
    mr_buffer_printf(out, "]}");
}
