/*
 * input.h - the records that were polled and not processed yet.
 *
 * Threads  The worker's.
 */
#ifndef TOPOLOGY_INPUT_H
#define TOPOLOGY_INPUT_H

#include "worker_state.h"

/* Buffers what RUNNING tasks have yet to process; gives the rest back. */
void input_take(struct worker *worker, const struct topo_io_poll *poll);
/* Gives the head of a queue back. */
void input_release(struct worker *worker, struct queue *queue);
/* Gives every buffered record back. */
void input_drop_all(struct worker *worker);
/* Pauses and resumes partitions, so that what is buffered stays near the bound. */
int input_bound(struct worker *worker, struct mr_error *error);

#endif
