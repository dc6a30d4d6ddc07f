/*
 * commit.h - the commit of the open transaction, in its one order.
 *
 * Threads  The worker's.
 */
#ifndef TOPOLOGY_COMMIT_H
#define TOPOLOGY_COMMIT_H

#include "worker_state.h"

int commit_transaction(struct worker *worker, struct mr_error *error);

#endif
