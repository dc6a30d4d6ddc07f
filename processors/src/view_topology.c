/* view_topology.c - the page that names the views of both programs. */
#include "view_impl.h"

int shop_views_query_topology(
    const struct codec_registry *registry,
    struct topo_topology **ret_topology,
    struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("millrace-query");
    view_catalog_add(builder, registry);
    view_cart_add(builder, registry);
    view_order_add(builder, registry);
    view_sessions_add(builder, registry);
    view_attention_add(builder, registry);
    return topo_build(builder, ret_topology, error);
}

int shop_views_command_topology(
    const struct codec_registry *registry,
    struct topo_topology **ret_topology,
    struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("millrace-command");
    view_commands_add(builder, registry);
    view_credentials_add(builder, registry);
    view_revoked_add(builder, registry);
    view_users_add(builder, registry);
    return topo_build(builder, ret_topology, error);
}
