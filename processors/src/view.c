/* view.c - what every view does around its fold, and how it is placed in a topology. */
#include "view_impl.h"

#include "work.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

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

void view_add_store(struct topo_builder *builder, const char *name, bool ordered, int64_t ttl_ms)
{
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = name, .log = TOPO_LOG_INPUT, .ordered = ordered, .ttl_ms = ttl_ms});
}

/* Whether each topic carries events only, which have WORK_EVENT_HEADER. */
static bool view_reads_events(const char *const *topics)
{
    static const char suffix[] = ".events";
    for (; *topics; topics++) {
        size_t len = strlen(*topics);
        if (len < sizeof suffix || strcmp(*topics + len - (sizeof suffix - 1), suffix) != 0)
            return false;
    }
    return true;
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
        builder,
        &(struct topo_source){
            .name = source,
            .topics = topics,
            .header = view_reads_events(topics) ? WORK_EVENT_HEADER : NULL,
            .global = true});
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
