/* view_impl.h - what the view files share: decoding, and their parts of the topologies. */
#ifndef PROCESSORS_VIEW_IMPL_H
#define PROCESSORS_VIEW_IMPL_H

#include "state.h"

#include <processors/views.h>

/* The event of a record; `user` of every view is the registry. */
int view_decode(
    struct topo_context *context,
    const void *registry,
    const struct topo_record *record,
    struct codec_message *ret_message,
    struct mr_error *error);

/* The event's own metadata; every event has it. */
const struct shop_meta *view_meta(const struct codec_message *event);

/* The event's row, in VIEW_ORDER_TIMELINES; `order` is the head with this event. */
int view_timeline_fold(
    struct topo_context *context,
    const struct codec_message *event,
    struct mr_bytes order_id,
    const struct shop_order_view *order,
    struct mr_error *error);

void view_add_store(struct topo_builder *builder, const char *name, bool ordered, int64_t ttl_ms);

/* A global source named "<node>-input" of `topics` and a processor `node` on it. */
void view_add_node(
    struct topo_builder *builder,
    const char *node,
    const char *const *topics,
    const char *const *stores,
    topo_process_fn *process,
    const struct codec_registry *registry);

void view_catalog_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_cart_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_order_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_attention_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_commands_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_sessions_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_users_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_revoked_add(struct topo_builder *builder, const struct codec_registry *registry);
void view_credentials_add(struct topo_builder *builder, const struct codec_registry *registry);

#endif
