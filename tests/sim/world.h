/*
 * world.h - the fixture of the runtime's tests: a topology on a simulated cluster of its own.
 *
 * Either a driver runs it (world_open, world_open_on_disk), or the test starts an engine and steps
 * it (world_make, world_start). world_close ends whatever there is.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <topology/driver.h>
#include <topology/topology.h>

struct world {
    struct topo_topology *topology;
    struct topo_sim *sim;
    struct topo_driver *driver; /* NULL: made by world_make. */
    struct topo_engine *engine; /* Between world_start and world_stop. */
    char *dir;                  /* The folder of the stores; NULL: in memory. */
    uint64_t seed;              /* For counter_feed. */
    int64_t start_ms;           /* The simulated clock, at first. */
};

/* Fails the test when the topology is refused. Takes the builder over. */
struct topo_topology *world_build(struct topo_builder *builder);

/* With a driver; options may be NULL. Takes the topology over. */
struct world world_open(struct topo_topology *topology, const struct topo_driver_options *options);
/* The same with stores in a directory that goes with the world. */
struct world
world_open_on_disk(struct topo_topology *topology, const struct topo_driver_options *options);

/* Without a driver: a cluster with these topics (the last one is NULL). */
struct world world_make(
    struct topo_topology *topology,
    uint64_t seed,
    const char *const *topics,
    int32_t partitions,
    bool on_disk);
/* An engine without threads. io_open, io_user and state_dir are the world's, unless given. */
void world_start(struct world *world, const struct topo_engine_options *options);
/* `times` steps; fails the test when the engine does. */
void world_steps(struct world *world, int times);
void world_stop(struct world *world);
/* As a process that dies. */
void world_kill(struct world *world);

void world_close(struct world *world);

/* Until nothing is left to do; fails the test when the engine does. */
void world_run(struct world *world);
void world_advance(struct world *world, int64_t ms);

/* The partition follows from the key; the time is now. Returns the offset. */
int64_t world_append(struct world *world, const char *topic, const char *key, const char *value);
/* `after_ms`: its time, from the start of the world on. */
void world_append_at(
    struct world *world, const char *topic, const char *key, const char *value, int64_t after_ms);

/* The sum of a metric over all its labels; 0: not there. With labels in `name`, of those only. */
uint64_t world_metric(const struct world *world, const char *name);
/* The engine's status as JSON has this text. */
bool world_status_has(const struct world *world, const char *text);

/* Removes the stores; nothing has them open. */
void world_empty_dir(struct world *world);

#endif
