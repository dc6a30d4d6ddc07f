/*
 * worker.h - one consumer, one transactional producer, and the tasks they carry.
 *
 *     CLOSED --io opened, producer's epoch taken, outputs known, subscribed--> RUNNING --> STOPPED
 *        ^-----------------------------fenced------------------------------------'   stop
 *     any --fatal--> FAILED
 *
 * A step of a RUNNING worker: poll, restore, process, punctuate, commit, write behind. What a step
 * returns is acted on in one place (worker_settle), by its class: try again, abort, give the tasks
 * up, fail.
 *
 *     worker.c     states, the step, what to do about errors
 *     assign.c     assigned, revoked, lost; where a polled record goes
 *     restore.c    from an assignment to a running task
 *     run.c        records, dead letters
 *     punctuate.c  timers
 *     commit.c     begin, produce, the commit in its order, abort
 *
 * Threads  The worker's own, or the driver's.
 */
#ifndef TOPOLOGY_WORKER_H
#define TOPOLOGY_WORKER_H

#include "task.h"

enum worker_state { WORKER_CLOSED, WORKER_RUNNING, WORKER_STOPPED, WORKER_FAILED };

/* The open transaction, or what the next one will commit. */
struct worker_txn {
    bool open;
    bool wanted; /* A processor asked for a commit. */
    int64_t records;
    int64_t bytes;
    int64_t began_ms;         /* Of the first record in it. */
    struct queue *last;       /* Where its last record came from, */
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
    const char **topics; /* Of the subscription. */
    size_t topics_count;
    const char **outputs; /* Every topic it may write. */
    size_t outputs_count;

    struct task **tasks;
    size_t tasks_count;
    struct topo_partition *assignment; /* What the group gave last. */
    size_t assignment_count;
    bool unopened; /* Another worker of this engine still has stores of the assignment. */
    bool assigned; /* Since the last revocation. */
    bool was_assigned;
    struct queue *last_queue; /* Records come in runs. */
    struct task *last_task;

    struct worker_txn txn;
    int64_t one_by_one; /* A commit was refused: so many records get one each, to find out which. */
    int64_t now_ms;     /* As last read. */
    bool progress;      /* In this step. */
    size_t buffered_bytes;
    bool paused_any;
    int aborts;     /* In a row, without a commit. */
    int mismatches; /* In a row. */
    int64_t reported_ms;
    bool report_now; /* A task came, went or changed its state. */
    size_t lag_turn;
};

struct worker *worker_new(struct topo_engine *engine, int number);
void worker_free(struct worker *worker);

/* 1: something happened; 0: nothing to do (after at most timeout_ms); negative: failed. */
int worker_step(struct worker *worker, int timeout_ms, struct mr_error *error);

/* Commits what is in hand, flushes, closes. */
void worker_stop(struct worker *worker);
/* Closes without either. */
void worker_kill(struct worker *worker);

/* Opens the io if it is not: the engine's checks at start use the first worker's. */
int worker_open(struct worker *worker, struct mr_error *error);

/* True: `rc` may be better the next time, and this was not yet the last time to try. Waits. */
bool worker_again(struct worker *worker, int rc, int *tries);
int64_t worker_now_ms(struct worker *worker);

/* -- assign.c -- */
int worker_poll(struct worker *worker, int timeout_ms, struct mr_error *error);
/* Opens the tasks that another worker had not closed yet. */
int worker_open_tasks(struct worker *worker, struct mr_error *error);
/* Gives every buffered record back. */
void worker_drop_input(struct worker *worker);
void worker_release(struct worker *worker, struct queue *queue);
void worker_suspend(struct worker *worker);
int worker_bound_buffers(struct worker *worker, struct mr_error *error);

/* -- restore.c -- */
int worker_restore(struct worker *worker, struct mr_error *error);
bool worker_is_restoring(const struct worker *worker);

/* -- run.c -- */
int worker_run(struct worker *worker, struct mr_error *error);
/* The transaction has something from now on. */
void worker_touch(struct worker *worker);
/* Produces what the context holds. A failure of class POISON: the log refused the record behind the
 * first *ret_emitted ones. */
int worker_emit(
    struct worker *worker, struct task *task, size_t *ret_emitted, struct mr_error *error);
/* Is there a record that can be processed now? */
bool worker_has_input(struct worker *worker);
/* The header of a record that must not be processed before a global table has come so far. */
bool worker_is_held(struct worker *worker, struct queue *queue);

/* -- punctuate.c -- */
int worker_punctuate(struct worker *worker, struct mr_error *error);
/* Milliseconds until the next wall-clock timer; -1: none. */
int64_t worker_next_timer_ms(const struct worker *worker);
/* What the last timer of the open transaction put out is refused: counted, and not at once again.
 * MR_ABORTED, always. */
int worker_timer_refused(struct worker *worker, const struct mr_error *why, struct mr_error *error);

/* -- commit.c -- */
int worker_produce(
    struct worker *worker,
    const struct topo_partition *to,
    const struct topo_record *record,
    struct mr_error *error);
bool worker_has_changes(const struct worker *worker);
bool worker_commit_is_due(struct worker *worker, bool drained);
int worker_commit(struct worker *worker, struct mr_error *error);
/* Undoes the open transaction; the tasks restore (at most what they missed) and rewind. */
int worker_abort(struct worker *worker, struct mr_error *error);
/* The same without the io, which is not there any more. */
void worker_undo(struct worker *worker);

#endif
