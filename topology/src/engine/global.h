/*
 * global.h - the worker of the global sub-topologies: every instance folds every partition.
 *
 * No group, no transaction: positions are in the stores, so a fold goes on where it was. Committed
 * after each poll that brought something; waiters for a position are woken then.
 *
 * A record that a processor refuses (class POISON) is undone, counted, logged and skipped. One that
 * it cannot fold yet (RETRY, ABORT, FENCED) is undone and comes again, and nothing after it is
 * folded before. When the log no longer has what is to be folded next the engine fails: a restart
 * rebuilds the state from what there is.
 *
 * Threads  One thread of its own, or the driver's. The stores are open from global_open to
 *          global_close, and read by any thread.
 */
#ifndef TOPOLOGY_GLOBAL_H
#define TOPOLOGY_GLOBAL_H

#include "task.h"

struct global_input {
    struct task *task;
    const struct graph_input *input;
    struct topo_partition partition;
    int64_t next;
    int64_t laid_aside; /* Records of others, so far. */
    bool unread; /* Its ends could not be asked for at start, and no leader has answered since. */
    int64_t end; /* At start: ready is when all inputs have come so far. -1: not known now. */
    int64_t end_ms; /* When it was known to be the end. */
};

struct global {
    struct topo_engine *engine;
    struct topo_io io;
    bool io_open;
    bool reading; /* The log reader has all inputs, each where it is to go on. */
    pthread_t thread;
    bool has_thread;
    struct task **tasks;
    size_t tasks_count;
    struct global_input *inputs;
    size_t inputs_count;
    struct global_input *last;
    bool ready;
    bool failed;
    unsigned failures; /* In a row. */
    int64_t waited_ms; /* At start, for the ends of partitions without a leader. */
    int64_t now_ms;
    int64_t reported_ms;
    int64_t passed_ms;  /* When markers were last looked for. */
    int64_t checked_ms; /* When a topic was last asked for its count of partitions. */
    size_t check_turn;
};

/* Opens the stores and the io, finds the partitions and their ends. */
int global_open(struct topo_engine *engine, struct global **ret_global, struct mr_error *error);
/* 1: something happened; 0: nothing came within timeout_ms; negative: failed. */
int global_step(struct global *global, int timeout_ms, struct mr_error *error);
/* NULL is fine. */
void global_close(struct global *global, bool flush);

#endif
