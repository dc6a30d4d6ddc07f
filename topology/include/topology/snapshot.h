/*
 * snapshot.h - copies of the state of tasks: made while they run, and what a new state starts from.
 *
 * A snapshot is a RocksDB checkpoint of one task: its stores, the positions that they are the fold
 * of, and the fingerprint. It is as good as the directory of a task that was killed at that time:
 * whoever starts from it folds the logs from those positions on, instead of from their start.
 *
 *     FOLDER/<application_id>/<task>-<partition>/20261127T153300.123Z/
 *
 * The folder may be shared by the instances of a cluster. A copy is made under another name and
 * renamed when it is whole, so what has a time for a name can be used.
 *
 * Threads  Any.
 */
#ifndef TOPOLOGY_SNAPSHOT_H
#define TOPOLOGY_SNAPSHOT_H

#include <base/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/api_begin.h>

struct topo_engine;

struct topo_snapshot {
    const char *application;
    const char *task; /* "sales-0" */
    const char *time; /* "20261127T153300.123Z" */
    const char *path;
    int64_t bytes;
};

/* Copies every task of the engine that has a directory into the engine's snapshot_dir, one after
 * the other, while they go on; then removes the oldest beyond snapshots_kept of each. *ret_count
 * (may be NULL) gets how many were copied. The first failure is returned, after the others were
 * tried. MR_CONFIG: the engine has no snapshot_dir. */
int topo_engine_snapshot(struct topo_engine *engine, int *ret_count, struct mr_error *error);

/* Asks every engine that has `folder` as its snapshot_dir, in any process, for a snapshot now: each
 * looks once a second. */
int topo_snapshot_request(const char *folder, struct mr_error *error);

/* Visits the snapshots in the order of application, task and time, until `visit` returns false. */
typedef bool topo_snapshot_fn(void *user, const struct topo_snapshot *snapshot);
int topo_snapshot_list(
    const char *folder, topo_snapshot_fn *visit, void *user, struct mr_error *error);

/* Copies a snapshot to <state_dir>/<application>/<task>. MR_CONFLICT: there is a state already. No
 * program may run on that directory. */
int topo_snapshot_restore(
    const struct topo_snapshot *snapshot, const char *state_dir, struct mr_error *error);

#include <base/api_end.h>

#endif
