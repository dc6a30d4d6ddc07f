/* state.c - state as records: decoded on the way out of a store, encoded on the way in. */
#include "state.h"

#include <assert.h>

enum { DUE_BYTES = 8 }; /* A timer's key begins with them, big-endian. */

int state_get(
    struct topo_context *context,
    const char *store,
    enum shop_type type,
    struct mr_bytes key,
    const void **ret_state,
    struct mr_error *error)
{
    struct mr_arena *arena = topo_context_arena(context);
    struct mr_bytes stored = topo_store_get(topo_context_store(context, store), key);
    const void *state = NULL;
    if (stored.ptr &&
        codec_decode_bare(&shop_types[type], mr_arena_copy(arena, stored), arena, &state, error))
        return mr_fail(
            error,
            MR_CORRUPT,
            "store %s: the value of %.*s is not a valid %s",
            store,
            MR_ARG(key),
            shop_types[type].name);
    *ret_state = state;
    return 0;
}

void state_put(
    struct topo_context *context,
    const char *store,
    enum shop_type type,
    struct mr_bytes key,
    const void *state)
{
    struct mr_buffer buffer;
    mr_buffer_init(&buffer);
    shop_types[type].encode(state, &buffer);
    topo_store_put(topo_context_store(context, store), key, mr_buffer_view(&buffer));
    mr_buffer_clean_up(&buffer);
}

struct mr_bytes key_join(struct mr_arena *arena, struct mr_bytes a, struct mr_bytes b)
{
    char *key = mr_arena_alloc(arena, a.len + 1 + b.len);
    memcpy(key, a.ptr, a.len);
    key[a.len] = '/';
    memcpy(key + a.len + 1, b.ptr, b.len);
    return mr_bytes_of(key, a.len + 1 + b.len);
}

struct mr_bytes key_timer(struct mr_arena *arena, int64_t due_ms, struct mr_bytes id)
{
    char *key = mr_arena_alloc(arena, DUE_BYTES + id.len);
    assert(due_ms >= 0);
    mr_put_be64(key, (uint64_t)due_ms);
    memcpy(key + DUE_BYTES, id.ptr, id.len);
    return mr_bytes_of(key, DUE_BYTES + id.len);
}

size_t timers_due(
    struct topo_context *context,
    const char *store,
    int64_t now_ms,
    struct mr_bytes *ret_ids,
    size_t max)
{
    struct mr_arena *arena = topo_context_arena(context);
    struct mr_bytes end = key_timer(arena, now_ms + 1, mr_bytes_of("", 0));
    struct topo_scan *scan =
        topo_store_scan(topo_context_store(context, store), mr_bytes_of("", 0), end);
    size_t count = 0;
    struct mr_bytes key, value;
    while (count < max && topo_scan_next(scan, &key, &value))
        ret_ids[count++] =
            mr_arena_copy(arena, mr_bytes_of(key.ptr + DUE_BYTES, key.len - DUE_BYTES));
    topo_scan_close(scan);
    return count;
}
