/*
 * worker_state.h - what a worker has: the data that its parts share. The functions are elsewhere:
 *
 *     worker.h     its life, its step, what is done about errors
 *     assign.h     the group assigns, revokes, moves on; polls
 *     restore.h    from an assignment to a running task
 *     run.h        records, dead letters
 *     punctuate.h  timers
 *     commit.h     the commit in its order
 *     txn.h        the open transaction
 *     input.h      buffered records
 *
 * Threads  The worker's own, or the driver's.
 */
#ifndef TOPOLOGY_WORKER_STATE_H
#define TOPOLOGY_WORKER_STATE_H

#include "task.h"

enum worker_state { WORKER_CLOSED, WORKER_RUNNING, WORKER_STOPPED, WORKER_FAILED };

/* The open transaction, or what the next one will commit. */
struct worker_txn {
    bool open;
    bool wanted; /* A processor asked for a commit. */
    int64_t records;
    int64_t bytes;
    int64_t began_ms;         /* The time of the first record in it. */
    struct queue *last;       /* The queue of its last record, */
    int64_t last_offset;      /* and which one it was. */
    struct task_timer *timer; /* The last one that fired. */
};

struct worker {
    struct topo_engine *engine;
    int number;
    enum worker_state state;
    pthread_t thread;
    bool has_thread;

    struct topo_io io;
    bool io_open;
    const char **topics; /* The topics of the subscription. */
    size_t topics_count;
    const char **outputs; /* Every topic it may write. */
    size_t outputs_count;

    struct task **tasks;
    size_t tasks_count;
    struct topo_partition *assignment; /* The partitions that the group gave last. */
    size_t assignment_count;
    bool unopened; /* Another worker of this engine still has stores of the assignment. */
    bool assigned; /* Since the last revocation. */
    bool was_assigned;
    struct queue *last_queue; /* Records come in runs. */
    struct task *last_task;

    struct worker_txn txn;
    bool unsettled;     /* A request of an earlier transaction may be on its way still. */
    int64_t one_by_one; /* A commit was refused: so many records get one each, to find out which. */
    int64_t now_ms;     /* As last read. */
    bool progress;      /* In this step. */
    bool asked_in_vain; /* A restore waited for an answer in this step. */
    uint64_t questions; /* Those that had none. */
    int64_t ask_after_ms;
    size_t buffered_bytes;
    bool paused_any;
    int aborts;     /* In a row, without a commit. */
    int mismatches; /* In a row. */
    int64_t reported_ms;
    bool report_now; /* A task came, went or changed its state. */
};

#endif
