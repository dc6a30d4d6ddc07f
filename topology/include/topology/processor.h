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

struct topo_context;

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

/* A store named in the node's `stores`. Asserts that it is. */
struct topo_store *topo_context_store(struct topo_context *context, const char *name);

/* A store of a global sub-topology of the same topology, for topo_read_*: committed state, maybe a
 * little behind. Asserts that it exists. */
struct topo_store *topo_context_global(struct topo_context *context, const char *name);

struct topo_output {
    struct mr_bytes key;
    struct mr_bytes value;
    const struct topo_header *headers;
    size_t headers_count;
    int64_t timestamp_ms; /* 0: the input record's. */
    int32_t partition;    /* TOPO_BY_HAND sinks only. */
};

/* To the child (sink or processor) of this name. Views must live until the record is done
 * (arena). */
void topo_forward(
    struct topo_context *context, const char *child, const struct topo_output *output);

/* Ask for a commit after this record. */
void topo_request_commit(struct topo_context *context);

#endif
