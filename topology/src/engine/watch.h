/*
 * watch.h - how far each sub-topology has come in its input, and who waits for it to come further,
 * or for a key of a store to change.
 *
 * Workers publish committed positions; readers on other threads look, wait or leave a watch. A
 * watch of a key waits in a hash table, so that a commit looks at what it wrote, not at all that
 * is watched.
 *
 *     watch: WAITING --published or stopped--> FIRING (wake is called) --> FIRED
 *            any --unwatch--> freed (in FIRING: after wake has returned)
 *
 * Threads  Any. One mutex; wake is called without it.
 */
#ifndef TOPOLOGY_WATCH_H
#define TOPOLOGY_WATCH_H

#include "graph/graph.h"

#include <topology/engine.h>

#include <pthread.h>
#include <stdatomic.h>

enum { WATCH_BUCKETS = 4096 };

struct watch_entry {
    const char *topic; /* Interned. */
    int32_t partition;
    int64_t next; /* Committed. -1: not known yet. */
    int64_t end;  /* The end of the log, as last read; -1: not known. */
};

struct watch_sub {
    struct watch_entry *entries;
    size_t count;
    _Atomic uint64_t moves; /* Changes of its entries: made with the mutex held, read without. */
};

struct watch_table {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    struct watch_sub *subs; /* By graph_sub.index. */
    size_t subs_count;
    struct topo_watch *watches; /* For positions, and for keys that were touched. */
    struct topo_watch **keys;   /* The others, by hash: WATCH_BUCKETS lists. */
    atomic_size_t keys_count;
    bool stopped;
};

void watch_init(struct watch_table *table, size_t subs_count);
void watch_clean_up(struct watch_table *table);

/* Makes or moves an entry; -1 leaves `next` or `end` as it is. Wakes nobody. */
void watch_set(
    struct watch_table *table,
    const struct graph_sub *sub,
    const struct topo_partition *partition,
    int64_t next,
    int64_t end);
/* The end of the log is not known any more. */
void watch_forget_end(
    struct watch_table *table, const struct graph_sub *sub, const struct topo_partition *partition);
/* The partition is not here any more. */
void watch_remove(
    struct watch_table *table, const struct graph_sub *sub, const struct topo_partition *partition);
/* A commit has written the key of this store; called when readers see it. Wakes nobody. */
void watch_touch_key(struct watch_table *table, const char *store, struct mr_bytes key);
/* After some of these: wakes those whose position is reached or whose key was touched. */
void watch_wake(struct watch_table *table);
void watch_stop(struct watch_table *table);
/* Another number after every change of an entry of this sub-topology. */
uint64_t watch_moves(const struct watch_table *table, const struct graph_sub *sub);

/* -1: no such partition here. */
int64_t watch_next(
    struct watch_table *table, const struct graph_sub *sub, const char *topic, int32_t partition);

/* -- topology/engine.h, for one sub-topology -- */

enum topo_wait_result watch_await(
    struct watch_table *table,
    const struct graph_sub *sub,
    const struct topo_position *position,
    int wait_ms,
    const atomic_bool *globals_ready,
    int64_t *ret_applied);
/* True: reached already, and nothing was added. */
bool watch_add(
    struct watch_table *table,
    const struct graph_sub *sub,
    const struct topo_position *position,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch);
/* True: the table was stopped, and nothing was added. */
bool watch_add_key(
    struct watch_table *table,
    const char *store,
    struct mr_bytes key,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch);
/* After it returns wake is not called. */
void watch_cancel(struct watch_table *table, struct topo_watch *watch);
void watch_visit(
    struct watch_table *table, const struct graph_sub *sub, topo_position_fn *visit, void *user);

#endif
