/*
 * view_commands.c - every outcome by its command's id, for the week in which a client may ask
 * again.
 *
 * The value stays as it came: few are ever read, and the reader decodes.
 */
#include "view_impl.h"

#define OUTCOMES_KEPT_MS INT64_C(604800000) /* 7 days, as the topics keep them. */

static int view_commands_process(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct mr_bytes id = topo_record_header(record, "command-id");
    (void)user;
    if (id.len == 0)
        return mr_fail(error, MR_MALFORMED, "an outcome without the header command-id");
    if (record->value.ptr)
        topo_store_put(topo_context_store(context, VIEW_OUTCOMES), id, record->value);
    return 0;
}

void view_commands_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_OUTCOMES, false, OUTCOMES_KEPT_MS);
    view_add_node(
        builder,
        "commands-view",
        (const char *const[]){
            TOPIC_IDENTITY_CLAIM_OUTCOMES,
            TOPIC_IDENTITY_USER_OUTCOMES,
            TOPIC_CATALOG_PRODUCT_OUTCOMES,
            TOPIC_INVENTORY_STOCK_OUTCOMES,
            TOPIC_SALES_OUTCOMES,
            NULL},
        (const char *const[]){VIEW_OUTCOMES, NULL},
        view_commands_process,
        registry);
}
