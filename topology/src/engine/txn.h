/*
 * txn.h - the open transaction of a worker.
 *
 * Threads  The worker's.
 */
#ifndef TOPOLOGY_TXN_H
#define TOPOLOGY_TXN_H

#include "worker_state.h"

enum { TXN_TIMER_PAUSE_MS = 1000 }; /* The pause of a timer whose outputs were refused. */

/* Reads the clock: worker->now_ms. */
int64_t txn_now_ms(struct worker *worker);
/* True: `rc` may be better the next time, and this was not the last try. Pauses. */
bool txn_retry(struct worker *worker, int rc, int *tries);

/* Harmless when it is open already. */
int txn_begin(struct worker *worker, struct mr_error *error);
/* `rc` is the answer to the end of a transaction, or to its flush: not known, perhaps. */
void txn_unsettle(struct worker *worker, int rc);
/* The transaction has something from now on. */
void txn_touch(struct worker *worker);
int txn_produce(
    struct worker *worker,
    const struct topo_partition *to,
    const struct topo_record *record,
    struct mr_error *error);
/* Waits until everything produced is acknowledged. */
int txn_flush(struct worker *worker, struct mr_error *error);
/* Produces the outputs that the context keeps. A failure of class POISON: the log refused the
 * record behind the first *ret_emitted ones. */
int txn_emit(struct worker *worker, struct task *task, size_t *ret_emitted, struct mr_error *error);

/* The log refused something of this transaction: finds out which record it was, by committing each
 * alone from now on. Returns `rc`, or MR_ABORTED in place of a class POISON. */
int txn_blame_record(struct worker *worker, int rc, struct mr_error *error);
/* The log refused what the last timer of the transaction put out: counted, and not fired again at
 * once. MR_ABORTED, always. */
int txn_blame_timer(struct worker *worker, const struct mr_error *why, struct mr_error *error);
void txn_count_timer_failure(
    const struct worker *worker, const struct task_timer *timer, const struct mr_error *why);

/* The task's state does not let `where` be processed (MR_CORRUPT): the transaction is aborted, and
 * the task blocks when it comes to restore. Other tasks do their part again. MR_ABORTED, always. */
int txn_block_task(
    struct task *task, const char *where, const struct mr_error *why, struct mr_error *error);

bool txn_has_changes(const struct worker *worker);
/* `drained`: no more input is at hand. */
bool txn_is_due(struct worker *worker, bool drained);

/* Undoes the open transaction; the tasks restore (at most what they missed) and rewind. */
int txn_abort(struct worker *worker, struct mr_error *error);
/* The same without the io, which is not there any more. */
void txn_undo(struct worker *worker);

#endif
