/*
 * restore.h - from an assignment to a running task.
 *
 * Threads  The worker's.
 */
#ifndef TOPOLOGY_RESTORE_H
#define TOPOLOGY_RESTORE_H

#include "worker_state.h"

/* One step of every task that is RESTORING. */
int restore_step(struct worker *worker, struct mr_error *error);
bool restore_is_active(const struct worker *worker);

#endif
