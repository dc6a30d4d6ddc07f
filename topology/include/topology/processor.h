/*
 * processor.h - what the code inside a node can see and do.
 *
 * A processor is a function of (stores, record). It has no clock, no I/O, no randomness of its own
 * and allocates from the record's arena only; everything comes through the context. What it
 * forwards is held back until it returns 0; when it returns an error of class POISON its writes and
 * outputs are undone and the record goes to the dead-letter topic.
 *
 * Threads  A context belongs to the task's thread, for the length of one call.
 */
#ifndef TOPOLOGY_PROCESSOR_H
#define TOPOLOGY_PROCESSOR_H

#include <base/arena.h>
#include <base/error.h>

#include <topology/record.h>
#include <topology/store.h>

#include <base/api_begin.h>

struct topo_context;

/* A processor's or aggregate's setup: called once, by topo_build, to look up by name what it uses.
 * It keeps what it gets in `user`, for all tasks. A name that its node does not have is an error of
 * topo_build, which names it. */
struct topo_setup;
struct topo_store_ref;
struct topo_child_ref;
typedef void topo_setup_fn(struct topo_setup *setup, void *user);
const struct topo_store_ref *topo_setup_store(struct topo_setup *setup, const char *name);
const struct topo_child_ref *topo_setup_child(struct topo_setup *setup, const char *name);

/* Return 0, or a negative code with `error` filled. */
typedef int topo_process_fn(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error);

/* `now_ms` is the wall clock or the stream time, as scheduled. There is no record to lay aside: a
 * punctuation that returns class POISON, or whose outputs the log refuses, is undone, counted and
 * logged, and the next one tries again. */
typedef int
topo_punctuate_fn(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error);

/* Reset after the record. */
struct mr_arena *topo_context_arena(struct topo_context *context);

/* Wall clock, ms UTC, read once per record. What must replay alike belongs into an event,
 * not here. */
int64_t topo_context_now_ms(const struct topo_context *context);

/* Maximum record timestamp this task has seen. */
int64_t topo_context_stream_time_ms(const struct topo_context *context);

/* The task's partition number (0 in a global task). */
int32_t topo_context_partition(const struct topo_context *context);

/* The task's part of a store that setup looked up; of its own node. */
struct topo_store *
topo_context_store_of(struct topo_context *context, const struct topo_store_ref *store);

/* The same by name, a search each time. Asserts that the node's `stores` have it. */
struct topo_store *topo_context_store(struct topo_context *context, const char *name);

/* A store of a global sub-topology of the same topology, for topo_read_*: committed state, maybe a
 * little behind. Asserts that it exists. */
struct topo_reader *topo_context_global(struct topo_context *context, const char *name);

struct topo_output {
    struct mr_bytes key;
    struct mr_bytes value;
    const struct topo_header *headers;
    size_t headers_count;
    int64_t timestamp_ms; /* 0: the input record's. */
    int32_t partition;    /* TOPO_PARTITION_EXPLICIT sinks only. */
};

/* To a child (sink or processor) that setup looked up. Views must live until the record is done
 * (arena). */
void topo_forward_to(
    struct topo_context *context,
    const struct topo_child_ref *child,
    const struct topo_output *output);

/* The same by name, a search each time. With a name that is not a child's the record fails with
 * MR_CONFIG, which stops the engine. */
void topo_forward(
    struct topo_context *context, const char *child, const struct topo_output *output);

/* Ask for a commit after this record. */
void topo_request_commit(struct topo_context *context);

#include <base/api_end.h>

#endif
