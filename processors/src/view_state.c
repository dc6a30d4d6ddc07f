/* view_state.c - events in, state out: what every view does around its fold. */
#include "view_parts.h"

#include <assert.h>
#include <stdio.h>

int view_decode(
    struct topo_context *context,
    const void *registry,
    const struct topo_record *record,
    struct codec_message *ret_message,
    struct mr_error *error)
{
    return codec_decode(registry, record->value, topo_context_arena(context), ret_message, error);
}

const struct shop_meta *view_meta(const struct codec_message *event)
{
    const struct shop_meta *meta = codec_meta_of(event);
    assert(meta);
    return meta;
}

int view_get(
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
            error, MR_CORRUPT, "view %s: %.*s is no %s", store, MR_ARG(key), shop_types[type].name);
    *ret_state = state;
    return 0;
}

void view_put(
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

void view_add_store(struct topo_builder *builder, const char *name, bool ordered, int64_t ttl_ms)
{
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = name, .log = TOPO_LOG_INPUT, .ordered = ordered, .ttl_ms = ttl_ms});
}

void view_add_node(
    struct topo_builder *builder,
    const char *node,
    const char *const *topics,
    const char *const *stores,
    topo_process_fn *process,
    const struct codec_registry *registry)
{
    char source[64];
    (void)snprintf(source, sizeof source, "%s-input", node);
    topo_add_source(
        builder, &(struct topo_source){.name = source, .topics = topics, .global = true});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = node,
            .parents = (const char *const[]){source, NULL},
            .stores = stores,
            .process = process,
            .user = (void *)(uintptr_t)registry,
        });
}
