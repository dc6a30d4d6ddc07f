/*
 * metrics.h - what the engine counts, and the reports its workers leave for readers.
 *
 * Threads  Counters are atomic and relaxed; each has one writer per worker, so sums are exact once
 *          the workers stand still. Reports are guarded by the engine's mutex.
 */
#ifndef TOPOLOGY_METRICS_H
#define TOPOLOGY_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    METRICS_BUCKETS = 14,
    METRICS_FIRST_BOUND_NS = 100000,
    METRICS_CLASSES = 6, /* enum mr_class */
};

/* Durations by upper bound, from 0.1 ms doubling; the last one is +Inf. */
struct metrics_histogram {
    _Atomic uint64_t buckets[METRICS_BUCKETS];
    _Atomic uint64_t count;
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t max_ns;
};

struct metrics {
    _Atomic uint64_t records;
    _Atomic uint64_t outputs;
    _Atomic uint64_t changelog_records;
    _Atomic uint64_t restored_records;
    _Atomic uint64_t punctuations;
    _Atomic uint64_t commits;
    _Atomic uint64_t aborts;
    _Atomic uint64_t fenced;
    _Atomic uint64_t producers_renewed;
    _Atomic uint64_t rebalances;
    _Atomic uint64_t retries;
    _Atomic uint64_t rebuilds;
    _Atomic uint64_t holds_given_up;
    _Atomic uint64_t input_lost;
    _Atomic uint64_t laid_aside;
    _Atomic uint64_t poll_ns;
    _Atomic uint64_t process_ns;
    _Atomic uint64_t flush_ns;
    struct metrics_histogram commit;
    _Atomic uint64_t *dead_letters;         /* [node][class]; the last row: the log refused. */
    _Atomic uint64_t *punctuation_failures; /* [node][class] */
    size_t nodes_count;
};

void metrics_init(struct metrics *metrics, size_t nodes_count);
void metrics_clean_up(struct metrics *metrics);

static inline void metrics_add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

void metrics_observe(struct metrics_histogram *histogram, uint64_t ns);

/* An input partition of a task. */
struct metrics_input {
    const char *topic; /* The topology's text. */
    int32_t partition;
    int64_t position; /* The next offset to commit; -1: not known yet. */
    int64_t lag;      /* -1: not known. */
    bool unreadable;  /* Since the start: it has no leader that answers. */
};

/* A task as its worker last reported it. */
enum { METRICS_WHY_SIZE = 400 };

struct metrics_task {
    const char *sub;
    int32_t partition;
    bool global;
    const char *state;
    int64_t state_ms; /* For so long. */
    int64_t restored; /* Log records folded in this state, in RESTORING. */
    int64_t restore_remaining;
    int64_t input_lag; /* Sum of the partitions whose end is known. */
    int64_t input_unreadable;
    int64_t input_unknown; /* How many the others are. */
    int64_t stream_time_ms;
    size_t buffered_bytes;
    size_t entries;
    size_t clean_bytes;
    size_t dirty_bytes;
    size_t staged_bytes;
    int64_t blocked; /* 1: a record of its own cannot be read, and `why` says which. */
    char why[METRICS_WHY_SIZE];
    struct metrics_input *inputs;
    size_t inputs_count;
};

struct metrics_reports {
    struct metrics_task *tasks;
    size_t count;
    bool assigned; /* A first assignment came, or it is the global worker. */
    bool ready;    /* All tasks are running. */
};

void metrics_add_input(struct metrics_task *task, const struct metrics_input *input);
void metrics_clean_up_reports(struct metrics_reports *reports);

#endif
