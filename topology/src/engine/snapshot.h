/* snapshot.h - the engine's part in snapshots: a thread makes them, and a task starts from one. */
#ifndef TOPOLOGY_ENGINE_SNAPSHOT_H
#define TOPOLOGY_ENGINE_SNAPSHOT_H

#include "task.h"

/* Starts the thread, when the engine has a snapshot_dir: it makes snapshots at the interval and on
 * request. */
int snapshot_start(struct topo_engine *engine, struct mr_error *error);

/* Waits for a copy under way. Without a thread: nothing. */
void snapshot_stop(struct topo_engine *engine);

/* Before the task's stores are opened for the first time: when its directory has no database, the
 * newest snapshot is copied there. True: it was. A failure is logged, and the state is restored
 * from the log's start. */
bool snapshot_place(const struct task *task);

/* The snapshot that was placed cannot be opened: removed again, and logged. */
int snapshot_withdraw(const struct task *task, const char *why, struct mr_error *error);

#endif
