/*
 * aggregate.h - event sourcing as a node: decide, evolve, an outcome for every command, once.
 *
 * For each input record the engine runs:
 *
 *   1. decode   bytes -> command. POISON: dead letter.
 *   2. replay   a command whose id already has an outcome is answered with it: no decision,
 *               no effect.
 *   3. decide   reads the stores, emits events and messages with topo_forward. What is forwarded
 *               to one of `event_sinks` is handed to evolve at once, byte for byte as the log will
 *               have it.
 *   4. outcome  for a command with an id: the bytes to remember. They go to the outcome sink of the
 *               parent it came by (header "command-id") and into `outcome_store` under its id.
 *   5. reply    sends the answer to whoever waits, from the remembered bytes: the same for the
 *               first answer and for a replay.
 *
 * Restore folds the aggregate's partition of every event sink's topic with the same evolve, and of
 * every outcome sink's topic into `outcome_store`. So state == fold(own events), which the crash
 * tests prove.
 *
 * Positions  The owner is the only writer of its event partitions, so the engine knows the offsets
 *            of the events before they are delivered, gives them to `outcome`, and checks them
 *            against the delivery reports before it commits: a mismatch aborts. A client gets exact
 *            positions.
 * Writes     Stores with TOPO_LOG_EVENTS may be written only in evolve; TOPO_LOG_CHANGELOG stores
 *            only in decide and punctuate; `outcome_store` only by the engine. Another write would
 *            be gone after a restart, or there twice: it is asserted. So are forwarding in evolve,
 *            a look at the time or at a global table there, and events outside decide.
 * Order      Restore folds the event topics one beside the other: events of different topics must
 *            fold into keys of their own, or commute.
 */
#ifndef TOPOLOGY_AGGREGATE_H
#define TOPOLOGY_AGGREGATE_H

#include <topology/processor.h>

#include <base/api_begin.h>

struct topo_command {
    struct mr_bytes id;  /* Unique per intention; NULL: no outcome is needed, steps 2, 4, 5 skip. */
    const void *message; /* The decoded form; lives in the arena. */
};

/* A sink of the aggregate's own, TOPO_PARTITION_BY_TASK: the aggregate declares it, nobody else
 * writes to it, and a restore reads it back. */
struct topo_log_sink {
    const char *name; /* topo_forward's, for events. */
    const char *topic;
};

struct topo_aggregate {
    const char *name;
    const char *const *parents;              /* Sources. */
    const char *const *stores;               /* All stores used, outcome_store included. */
    const struct topo_log_sink *event_sinks; /* Its log; ends with {NULL, NULL}. NULL: no events. */
    /* One for all parents, or one per parent in their order; ends with {NULL, NULL}. NULL: no
     * commands with ids. */
    const struct topo_log_sink *outcome_sinks;
    /* A header that every event it emits carries. A record of its event topics without it was
     * written by somebody else: it is laid aside when the state is restored. NULL: nobody can
     * tell. */
    const char *event_header;
    const char *outcome_store; /* Knows all of them: an id is answered once, whatever it came by. */

    /* 1. */
    int (*decode)(
        void *user,
        const struct topo_record *record,
        struct mr_arena *arena,
        struct topo_command *ret_command,
        struct mr_error *error);

    /* 3. A rejection is an outcome, not an error. *ret_decision is opaque: `outcome` gets it. */
    int (*decide)(
        struct topo_context *context,
        void *user,
        const struct topo_record *record,
        const struct topo_command *command,
        void **ret_decision,
        struct mr_error *error);

    /* Folds one event (live or restored) into the stores. `event->offset` is -1 when live. */
    int (*evolve)(
        struct topo_context *context,
        void *user,
        const struct topo_record *event,
        struct mr_error *error);

    /* 4. `positions`: one per event topic touched by this command. */
    int (*outcome)(
        struct topo_context *context,
        void *user,
        const struct topo_command *command,
        const void *decision,
        const struct topo_position *positions,
        size_t positions_count,
        struct mr_bytes *ret_outcome,
        struct mr_error *error);

    /* 5. Forwards to the reply sink, or does nothing when nobody waits. A replayed outcome may
     * belong to another request with the same id (compare fingerprints here). */
    int (*reply)(
        struct topo_context *context,
        void *user,
        const struct topo_command *command,
        struct mr_bytes outcome,
        bool replayed,
        struct mr_error *error);

    topo_setup_fn *setup; /* Looks its stores and children up, in topo_build. NULL: none. */

    /* Timers: decides on time instead of on a command. NULL: none. Bounded work per call. */
    topo_punctuate_fn *punctuate;
    int64_t punctuate_interval_ms;
    void *user;
};

#include <base/api_end.h>

#endif
