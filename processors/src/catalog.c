/* catalog.c - the catalog aggregate: hands each message and event to products or to stock. */
#include "catalog.h"

enum { EXPIRY_INTERVAL_MS = 1000 };

static int catalog_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)record;
    const struct codec_message *message = command->message;
    struct work work;
    bool found;
    work_begin(&work, context, user, "/shop/catalog", message);
    int rc = product_decide(&work, message, &found, ret_decision, error);
    if (rc || found)
        return rc;
    work.source = "/shop/inventory";
    rc = stock_decide(&work, message, &found, ret_decision, error);
    if (rc || found)
        return rc;
    return mr_fail(error, MR_INVALID, "%s is not a message to the catalog", message->type->name);
}

static int catalog_evolve(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message event;
    int rc = event_decode(context, user, record, &event, error);
    if (rc)
        return rc;
    return text_is(event_meta(&event)->aggregate, "product")
               ? product_evolve(context, &event, error)
               : stock_evolve(context, &event, error);
}

static int catalog_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    struct mr_error *error)
{
    return work_reply("replies", context, user, command, outcome, replayed, NULL, error);
}

/* Products and stock have one key, the product's id, so one task decides on both. */
struct topo_aggregate catalog_aggregate(const struct shop_service *service)
{
    static const char *const parents[] = {"product-commands", "stock-commands", NULL};
    static const char *const stores[] = {"product", "stock", "hold", "timers", "outcomes", NULL};
    static const struct topo_log_sink event_sinks[] = {
        {"product-events", TOPIC_CATALOG_PRODUCT_EVENTS},
        {"stock-events", TOPIC_INVENTORY_STOCK_EVENTS},
        {NULL, NULL},
    };
    static const struct topo_log_sink outcome_sinks[] = {
        {"product-outcomes", TOPIC_CATALOG_PRODUCT_OUTCOMES},
        {"stock-outcomes", TOPIC_INVENTORY_STOCK_OUTCOMES},
        {NULL, NULL},
    };
    return (struct topo_aggregate){
        .name = "catalog",
        .parents = parents,
        .stores = stores,
        .event_sinks = event_sinks,
        .event_header = WORK_EVENT_HEADER,
        .outcome_sinks = outcome_sinks,
        .outcome_store = "outcomes",
        .decode = work_decode,
        .decide = catalog_decide,
        .evolve = catalog_evolve,
        .outcome = work_outcome,
        .reply = catalog_reply,
        .punctuate = stock_expire,
        .punctuate_interval_ms = EXPIRY_INTERVAL_MS,
        .user = (void *)(uintptr_t)service,
    };
}
