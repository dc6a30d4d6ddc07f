/*
 * run.h - the records of the running tasks.
 *
 * Threads  The worker's.
 */
#ifndef TOPOLOGY_RUN_H
#define TOPOLOGY_RUN_H

#include "worker_state.h"

/* Processes what is buffered, until a commit is due or the group must be polled again. */
int run_records(struct worker *worker, struct mr_error *error);
/* True: a record can be processed now. */
bool run_has_input(struct worker *worker);

#endif
