/*
 * fake_task.h - one aggregate of the shop on a fake context: a rule is called, and what it emitted,
 * sent and decided is read, with no log, no topology and no time but the test's.
 *
 * The runtime's functions (topo_context_*, topo_store_*, topo_forward) are defined here, over one
 * sorted list of entries. An event is folded as soon as it is emitted, as the runtime does. Nothing
 * is undone when a rule fails: a test ends there.
 *
 * Memory   Everything lives until fake_task_close.
 * Threads  One task at a time, on one thread.
 */
#ifndef TESTS_FAKE_TASK_H
#define TESTS_FAKE_TASK_H

#include <processors/shop.h>
#include <topology/aggregate.h>

#include "../../processors/src/work.h"

struct fake_output {
    const char *child; /* The sink, as the rule names it. */
    struct mr_bytes key;
    const struct topo_header *headers;
    size_t headers_count;
    struct codec_message message; /* .value NULL: a tombstone. */
};

typedef struct topo_aggregate fake_aggregate_fn(const struct shop_service *service);

struct fake_task {
    struct shop_service service;
    struct topo_aggregate aggregate;
    struct topo_context *context;
    /* The last message's outcome; NULL when it was not a command. */
    const struct decision *decision;
    struct fake_output *outputs; /* The outputs of the last message or punctuation, in order. */
    size_t outputs_count, outputs_capacity;
    int commands; /* Makes command ids. */
};

void fake_task_open(struct fake_task *task, fake_aggregate_fn *aggregate);
void fake_task_close(struct fake_task *task);

struct mr_arena *fake_task_arena(const struct fake_task *task);
int64_t fake_task_now_ms(const struct fake_task *task);
void fake_task_advance_ms(struct fake_task *task, int64_t ms);

/* A command's meta with an id of its own: command-1, command-2, ... */
struct shop_command_meta fake_task_command(struct fake_task *task, const char *actor_kind);

/* decode, decide and, for a command, its outcome and reply. 0, or what the rule returned. */
int fake_task_tell(
    struct fake_task *task, enum shop_type type, const void *message, struct mr_error *error);
void fake_task_punctuate(struct fake_task *task);

/* An entry of a global store of the topology, which the aggregate only reads. */
void fake_task_set_global(
    struct fake_task *task,
    const char *store,
    enum shop_type type,
    const char *key,
    const void *state);

/* The state under `key`; NULL when absent. */
const void *fake_task_state(
    struct fake_task *task, const char *store, enum shop_type type, struct mr_bytes key);
size_t fake_task_entries(const struct fake_task *task, const char *store);

/* The number of records of a type that the last message emitted, and the last of them. */
size_t fake_task_count(const struct fake_task *task, enum shop_type type);
const void *fake_task_last(const struct fake_task *task, enum shop_type type);

#endif
