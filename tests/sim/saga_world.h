/*
 * saga_world.h - the engine as the model checker needs it: real aggregates, stores of a few cells
 * that can be copied, and every message in the checker's hands.
 *
 * Takes the place of the runtime at link time: the aggregates call topo_store_get and the others as
 * always. A world is a handful of numbers, for all keys and values are interned, so millions of
 * worlds fit into memory.
 *
 * Threads  One.
 */
#ifndef TESTS_SAGA_WORLD_H
#define TESTS_SAGA_WORLD_H

#include <topology/aggregate.h>

enum { WORLD_CELLS_MAX = 32, WORLD_TASKS_MAX = 4 };

struct world_cell {
    uint32_t slot; /* Task, store and key. */
    uint32_t value;
};

struct world {
    uint32_t count;
    struct world_cell cells[WORLD_CELLS_MAX];
};

/* Everything forwarded, events included, in order. Views live as long as the process. */
typedef void
world_output_fn(void *user, int task, const char *sink, struct mr_bytes key, struct mr_bytes value);

/* A task of an aggregate; returns its number. */
int world_add_task(const struct topo_aggregate *aggregate);

/* Global stores are read from this task's store of another name. */
void world_set_global(const char *name, int task, const char *store);

/* Runs one message, or the timers as of `now_ms`, through a task. Fails the test on an error. */
void world_deliver(
    struct world *world,
    int task,
    struct mr_bytes value,
    int64_t now_ms,
    world_output_fn *output,
    void *user);
void world_punctuate(
    struct world *world, int task, int64_t now_ms, world_output_fn *output, void *user);

/* NULL view when absent. */
struct mr_bytes
world_get(const struct world *world, int task, const char *store, struct mr_bytes key);
void world_erase(struct world *world, int task, const char *store, struct mr_bytes key);
void world_put(
    struct world *world, int task, const char *store, struct mr_bytes key, struct mr_bytes value);

/* The first key of an ordered store; NULL view when it is empty. */
struct mr_bytes world_first(const struct world *world, int task, const char *store);

/* The same bytes always give the same number. */
uint32_t world_intern(struct mr_bytes bytes);
struct mr_bytes world_bytes(uint32_t number);

void world_clean_up(void);

#endif
