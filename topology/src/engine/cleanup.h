/*
 * cleanup.h - folders of tasks that went to other instances are removed after a time.
 *
 * Threads  That of the first group worker.
 */
#ifndef TOPOLOGY_CLEANUP_H
#define TOPOLOGY_CLEANUP_H

#include "host.h"

/* Looks once a minute, and removes one folder at most. A failure is logged, and tried again. */
void cleanup_step(struct topo_engine *engine);

/* The task's folder is in use no more, from now on. */
void cleanup_note_closed(const char *dir);

#endif
