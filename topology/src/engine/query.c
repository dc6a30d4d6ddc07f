/*
 * query.c - what readers on other threads ask of the engine: global stores, and how far they are.
 *
 * Invariant: only committed state and published positions are seen here; nothing is locked that a
 * worker holds while it processes.
 */
#include "host.h"

#include <assert.h>

enum topo_engine_state topo_engine_state(const struct topo_engine *engine, struct mr_error *ret_why)
{
    struct topo_engine *own = (struct topo_engine *)(uintptr_t)engine; /* For its mutex. */
    enum topo_engine_state state = TOPO_ENGINE_RUNNING;
    pthread_mutex_lock(&own->mutex);
    for (size_t i = 0; i <= own->workers_count; i++)
        if (!own->reports[i].ready)
            state = TOPO_ENGINE_RESTORING;
    if (own->stopped)
        state = TOPO_ENGINE_STOPPED;
    if (own->failure.code != 0) {
        state = TOPO_ENGINE_FAILED;
        if (ret_why)
            *ret_why = own->failure;
    }
    pthread_mutex_unlock(&own->mutex);
    return state;
}

struct topo_reader *topo_engine_global(struct topo_engine *engine, const char *store)
{
    struct topo_store *found = host_global_store(engine, store);
    return found ? topo_store_reader(found) : NULL;
}

enum topo_wait_result topo_engine_wait(
    struct topo_engine *engine,
    const char *store,
    const struct topo_position *position,
    int wait_ms,
    int64_t *ret_applied)
{
    assert(position);
    const struct graph_store *known = graph_store_of(engine->topology, store);
    if (!known)
        return TOPO_WAIT_UNKNOWN_STORE;
    return watch_await(
        &engine->watches, known->sub, position, wait_ms, &engine->globals_ready, ret_applied);
}

bool topo_engine_watch(
    struct topo_engine *engine,
    const char *store,
    const struct topo_position *position,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch)
{
    const struct graph_store *known = graph_store_of(engine->topology, store);
    assert(known && wake);
    return watch_add(&engine->watches, known->sub, position, wake, user, ret_watch);
}

bool topo_engine_watch_key(
    struct topo_engine *engine,
    const char *store,
    struct mr_bytes key,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch)
{
    const struct graph_store *known = graph_store_of(engine->topology, store);
    assert(known && known->sub->global && wake && key.ptr);
    return watch_add_key(&engine->watches, known->name, key, wake, user, ret_watch);
}

void topo_engine_unwatch(struct topo_engine *engine, struct topo_watch *watch)
{
    if (watch)
        watch_cancel(&engine->watches, watch);
}

void topo_engine_positions(
    struct topo_engine *engine, const char *store, topo_position_fn *visit, void *user)
{
    const struct graph_store *known = graph_store_of(engine->topology, store);
    if (known)
        watch_visit(&engine->watches, known->sub, visit, user);
}

uint64_t topo_engine_moves(const struct topo_engine *engine, const char *store)
{
    const struct graph_store *known = graph_store_of(engine->topology, store);
    return known ? watch_moves(&engine->watches, known->sub) : 0;
}
