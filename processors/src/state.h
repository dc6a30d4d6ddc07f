/*
 * state.h - what aggregates and views keep: one record of the schemas per key of a store.
 *
 * Memory   State is copied into the record's arena before it is decoded, so that it stays what it
 *          was when the store is written.
 */
#ifndef PROCESSORS_STATE_H
#define PROCESSORS_STATE_H

#include <schemas/codec.h>
#include <topology/processor.h>

/* *ret_state is NULL when absent. MR_CORRUPT when the bytes are not a state of this type. */
int state_get(
    struct topo_context *context,
    const char *store,
    enum shop_type type,
    struct mr_bytes key,
    const void **ret_state,
    struct mr_error *error);
void state_put(
    struct topo_context *context,
    const char *store,
    enum shop_type type,
    struct mr_bytes key,
    const void *state);

/* "a/b". Ids hold no '/', so no two pairs give the same key. */
struct mr_bytes key_join(struct mr_arena *arena, struct mr_bytes a, struct mr_bytes b);

/* A key of a `timers` store: due times sort first. */
struct mr_bytes key_timer(struct mr_arena *arena, int64_t due_ms, struct mr_bytes id);

/* The due timers, at most `max`, oldest first; `ret_ids` are views into the arena. */
size_t timers_due(
    struct topo_context *context,
    const char *store,
    int64_t now_ms,
    struct mr_bytes *ret_ids,
    size_t max);

#endif
