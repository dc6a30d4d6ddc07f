/*
 * store_positions.h - up to where each log is folded into a set's state: staged, committed, dirty.
 *
 * Threads  The owner's, except store_positions_read.
 */
#ifndef TOPOLOGY_STORE_POSITIONS_H
#define TOPOLOGY_STORE_POSITIONS_H

#include <base/bytes.h>

#include <pthread.h>

struct store_position {
    char *topic;
    int32_t partition;
    int64_t committed; /* Under the lock. -1: never set. */
    int64_t staged;    /* -1: not staged. */
    int64_t saved;     /* The value of `staged` at the save point, with `is_saved`. */
    bool is_saved;
    bool dirty; /* The disk has an older one. */
};

struct store_positions {
    pthread_mutex_t lock;
    struct store_position *items; /* Grown under the lock. */
    size_t count;
    size_t capacity;
    size_t last;         /* The index of the owner's last find: mostly the same again. */
    size_t staged_count; /* How many are staged. */
    bool any_saved;
    bool any_dirty;
};

void store_positions_init(struct store_positions *positions);
void store_positions_clean_up(struct store_positions *positions);

/* With `save`, what was staged before comes back on roll back. */
void store_positions_put(
    struct store_positions *positions,
    const char *topic,
    int32_t partition,
    int64_t next_offset,
    bool save);

/* Committed at once: restore, and what the disk says at open (not `dirty`). */
void store_positions_set(
    struct store_positions *positions,
    const char *topic,
    int32_t partition,
    int64_t next_offset,
    bool dirty);

int64_t
store_positions_get(const struct store_positions *positions, const char *topic, int32_t partition);
int64_t
store_positions_read(struct store_positions *positions, const char *topic, int32_t partition);

void store_positions_release(struct store_positions *positions);
void store_positions_rollback(struct store_positions *positions);
void store_positions_commit(struct store_positions *positions);
void store_positions_abort(struct store_positions *positions);

#endif
