/*
 * driver.h - a topology in the test's own thread, on the simulated log: no broker and no sleep.
 *
 *     struct topo_driver_options options = {.partitions = 2};
 *     struct topo_driver *driver = topo_driver_new(topology, &options);
 *     topo_driver_pipe(driver, "sales.commands", key, value, &error); // append, run, commit
 *     assert_true(topo_driver_read(driver, "sales.cart.events", &record));
 *
 * Every topic of the topology is created with `partitions` partitions. Stores are on disk under
 * `state_dir` if given (so that a crash keeps only what was flushed), else in memory and lost by a
 * crash: both must come back from the log.
 *
 *     pipe          topo_driver_pipe appends one record and runs; topo_sim_append and then
 *                   topo_driver_run: several at once, or into a partition of your choice
 *     read          topo_driver_read gives committed records only, as read_committed does;
 *                   topo_driver_store is the task's store, for topo_store_get and topo_read_*
 *     move time     topo_driver_advance_ms: wall-clock punctuations fire; else time stands still
 *     restart       topo_driver_restart: a clean stop, then a start
 *     crash         topo_driver_crash: no commit, no flush, then a start that restores
 *     fence, fail   the k-th call to Kafka from now fails as enum topo_sim_failure says:
 *
 *         topo_sim_fail_at(topo_driver_sim(driver), k, TOPO_SIM_FENCE);
 *         topo_driver_pipe(driver, ...);      // returns what stopped the engine, or 0
 *         if (topo_sim_crashed(topo_driver_sim(driver)))
 *             topo_driver_crash(driver, &error);
 *
 * A test that does this for k = 1, 2, 3, ... until topo_sim_pending still is true after a run has
 * failed every call there is; after each run the outputs and stores must be the same.
 */
#ifndef TOPOLOGY_DRIVER_H
#define TOPOLOGY_DRIVER_H

#include <topology/sim.h>

#include <base/api_begin.h>

struct topo_driver;

struct topo_driver_options {
    int32_t partitions; /* 0: 1 */
    const char *state_dir;
    const char *snapshot_dir; /* See snapshot.h. */
    uint64_t seed;
    int64_t start_ms;           /* 0: 1,700,000,000,000 */
    int64_t commit_records_max; /* 0: the engine's default, here and below */
    int64_t buffered_bytes_max;
    int64_t max_task_idle_ms;
    int workers;
    void (*on_log)(void *user, int level, const char *event, const char *text);
    void *log_user;
};

struct topo_driver *
topo_driver_new(const struct topo_topology *topology, const struct topo_driver_options *options);
void topo_driver_free(struct topo_driver *driver);
struct topo_sim *topo_driver_sim(struct topo_driver *driver);
/* For what engine.h asks an engine. NULL until the first run; another one after a restart. */
struct topo_engine *topo_driver_engine(struct topo_driver *driver);

/* Append and run until nothing is left to do (feedback through internal topics included). 0, or the
 * error that stopped the engine. */
int topo_driver_pipe(
    struct topo_driver *driver,
    const char *topic,
    struct mr_bytes key,
    struct mr_bytes value,
    struct mr_error *error);
int topo_driver_run(struct topo_driver *driver, struct mr_error *error);

/* Moves the clock, then runs: wall-clock punctuations fire. */
int topo_driver_advance_ms(struct topo_driver *driver, int64_t ms, struct mr_error *error);

/* The next committed record of a topic since the last read, partitions in order; false when none is
 * left. */
bool topo_driver_read(
    struct topo_driver *driver, const char *topic, struct topo_record *ret_record);

/* Committed state of the store in the task that owns `partition` (-1: a global store). */
struct topo_store *
topo_driver_store(struct topo_driver *driver, const char *store, int32_t partition);

/* Clean stop and start; or death without flush or commit, then start. */
int topo_driver_restart(struct topo_driver *driver, struct mr_error *error);
int topo_driver_crash(struct topo_driver *driver, struct mr_error *error);

#include <base/api_end.h>

#endif
