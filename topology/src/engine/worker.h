/*
 * worker.h - one consumer, one transactional producer, and the tasks they carry.
 *
 *     CLOSED --io opened, producer's epoch taken, outputs known, subscribed--> RUNNING --> STOPPED
 *        ^-----------------------------fenced------------------------------------'   stop
 *     any --fatal--> FAILED
 *
 * A step of a RUNNING worker: poll, restore, process, punctuate, commit, write behind. What a step
 * returns is acted on in one place (worker_settle_error), by its class: try again,
 * abort, give the tasks up, fail.
 *
 * Threads  The worker's own, or the driver's.
 */
#ifndef TOPOLOGY_WORKER_H
#define TOPOLOGY_WORKER_H

#include "worker_state.h"

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

#endif
