/*
 * task.h - a sub-topology x a partition number: its stores, its input, its logs, its timers.
 *
 *     SUSPENDED --assigned--> RESTORING --caught up--> RUNNING
 *         ^                     |  ^---------abort---------'
 *         |                     '--its log or its state cannot be read--> BLOCKED
 *         '----revoked, lost------ any
 *
 * A blocked task stands still until it is assigned again: its input stays where it is, and the
 * other tasks go on.
 *
 * RESTORING goes by steps (restore.c). A suspended task keeps its stores open: if it comes back, it
 * restores what it missed. Between records nothing is staged but what the open transaction did.
 *
 * Threads  The worker's, except the reads of store.h.
 */
#ifndef TOPOLOGY_TASK_H
#define TOPOLOGY_TASK_H

#include "host.h"
#include "queue.h"
#include "store/store_set.h"

enum task_state { TASK_SUSPENDED, TASK_RESTORING, TASK_RUNNING, TASK_BLOCKED };

enum task_restore {
    TASK_RESTORE_OFFSETS, /* The committed offsets are read first: stable ones only. */
    TASK_RESTORE_TARGETS, /* Then the ends of the logs, */
    TASK_RESTORE_READ,    /* which are folded up to there. */
    TASK_RESTORE_GLOBALS, /* The tables it looks into have come up. */
    TASK_RESTORE_SEEK,    /* Input flows from the committed offsets. */
};

/* The task's partition of one of sub->logs. Only this task writes it. */
struct task_log {
    const struct graph_log *log;
    struct topo_partition partition;
    int64_t next;           /* The offset that the next record produced to it will get. */
    int64_t pending;        /* Records of the current input record, not yet produced. */
    bool touched;           /* By the open transaction: its marker will take an offset. */
    int64_t end;            /* Restore: the target. */
    int64_t short_since_ms; /* Restore: when it was first seen to end before what we know; or -1. */
    int64_t laid_aside;     /* Records of others, so far. */
    bool reading;           /* Restore: the log reader has it. */
    bool done;              /* Restore: read to its end, yet to be taken from the reader. */
};

struct task_timer {
    const struct graph_node *node;
    int64_t due_ms;        /* -1: stream time is not known yet. */
    int64_t kept_ms;       /* As of the last commit: where an abort takes it back to. */
    int64_t not_before_ms; /* Wall-clock time of the next try: the log refused its outputs. */
};

/* The state of a record's run through the graph; public as struct topo_context. */
enum context_phase {
    CONTEXT_PROCESS,
    CONTEXT_DECIDE,
    CONTEXT_EVOLVE,
    CONTEXT_ANSWER,   /* Outcome and reply. */
    CONTEXT_REMEMBER, /* The engine keeps the outcome. */
    CONTEXT_RESTORE,  /* Evolve, on what the log has. */
};

struct context_output {
    const struct graph_node *sink;
    struct topo_output output;
};

struct topo_context {
    struct task *task;
    const struct graph_node *node;   /* The node whose function runs. */
    const struct graph_node *source; /* The record's source. NULL: a punctuation. */
    enum context_phase phase;
    const struct topo_record *record; /* NULL: a punctuation. */
    int64_t now_ms;
    int64_t timestamp_ms; /* The timestamp of outputs that name none. */
    struct mr_arena arena;
    struct context_output *outputs; /* Pending: not yet produced. */
    size_t outputs_count;
    size_t outputs_capacity;
    const struct graph_node *failed; /* The first node that failed, and how. */
    struct mr_error failure;
    bool commit_requested;
};

struct task {
    struct topo_engine *engine;
    struct worker *worker; /* NULL: the task of a global sub-topology. */
    const struct graph_sub *sub;
    int32_t partition;
    enum task_state state;
    enum task_restore restore;
    int64_t moved_ms; /* Monotonic time of the move into its state. */
    int64_t restored; /* Log records folded since. */
    struct store_set *set;
    struct topo_store **stores; /* Parallel to sub->stores. */
    char *dir;                  /* NULL: in memory. Claimed from the engine. */
    char *fingerprint;
    struct queues queues;
    struct task_log *logs; /* Parallel to sub->logs. */
    struct task_timer *timers;
    size_t timers_count;
    int64_t stream_time_ms;   /* INT64_MIN: no record yet. */
    int64_t kept_stream_ms;   /* As of the last commit. */
    int64_t flushed_ms;       /* When something dirty was last written, or first seen. */
    uint64_t unanswered;      /* The number of its last question if that had no answer; else 0. */
    bool behind;              /* The stores have folded more than their input positions say. */
    const char *block_action; /* For operators; NULL: remove the folder. */
    bool must_block;          /* When it comes to restore: txn_block_task. */
    char why_blocked[METRICS_WHY_SIZE];
    struct topo_context context;
};

/* MR_AGAIN: another worker of the engine has yet to close it. */
int task_open(
    struct topo_engine *engine,
    struct worker *worker,
    const struct graph_sub *sub,
    int32_t partition,
    struct task **ret_task,
    struct mr_error *error);

/* The input was given back. `flush`: a clean stop. NULL is fine. */
int task_close(struct task *task, bool flush, struct mr_error *error);

/* Closes the stores, removes their files and opens them again, empty: what they hold can not be
 * completed from the log any more. */
int task_rebuild(struct task *task, struct mr_error *error);

void task_move(struct task *task, enum task_state state);

/* RESTORING to BLOCKED. `why` and `action` are sentences for operators. */
void task_block(struct task *task, const char *why, const char *action);

/* Writes behind each task that is old enough, or has more than its share dirty: positions
 * alone too, or a store that its input leaves alone would be restored from ever further back. */
int task_write_behind_all(
    struct task *const *tasks, size_t tasks_count, int64_t now_ms, struct mr_error *error);

/* Fills `error`, returns `code`: the log ends below the position that the stores have. */
int task_fail_short_log(
    const struct topo_partition *partition,
    int64_t known,
    int64_t high,
    int code,
    struct mr_error *error);

struct task_log *task_log_of(const struct task *task, const char *topic, int32_t partition);

void task_report(const struct task *task, struct metrics_task *ret_report);

#endif
