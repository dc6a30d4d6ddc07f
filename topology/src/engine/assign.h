/*
 * assign.h - what the group assigns and revokes; where a polled record goes.
 *
 * Threads  The worker's.
 */
#ifndef TOPOLOGY_ASSIGN_H
#define TOPOLOGY_ASSIGN_H

#include "worker_state.h"

/* Polls the group once: takes records, opens and suspends tasks. */
int assign_poll(struct worker *worker, int timeout_ms, struct mr_error *error);
/* Opens the tasks that another worker had not closed yet. */
int assign_open_tasks(struct worker *worker, struct mr_error *error);
/* All tasks wait for the next assignment, their stores open. */
void assign_suspend(struct worker *worker);

#endif
