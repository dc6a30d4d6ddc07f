/*
 * punctuate.h - the timers of the running tasks.
 *
 * Threads  The worker's.
 */
#ifndef TOPOLOGY_PUNCTUATE_H
#define TOPOLOGY_PUNCTUATE_H

#include "worker_state.h"

/* Fires what is due. */
int punctuate_run(struct worker *worker, struct mr_error *error);
/* Milliseconds until the next wall-clock timer; -1: none. */
int64_t punctuate_next_ms(const struct worker *worker);

#endif
