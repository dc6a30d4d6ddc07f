/*
 * shop_topology.c - the one page that names every source, processor, store and sink of the write
 * side.
 *
 * One topology per service, so that each scales by itself. Names of stores are the API of state:
 * renaming one is a migration.
 */
#include <processors/shop.h>

#include "catalog.h"
#include "identity.h"
#include "payments.h"
#include "sales.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* An outcome is remembered as long as its topic keeps it. */
#define OUTCOME_TTL_MS (INT64_C(7) * 24 * 3600 * 1000)

const struct shop_named_topology shop_services[SHOP_SERVICES] = {
    {"identity", shop_identity_topology},
    {"catalog", shop_catalog_topology},
    {"sales", shop_sales_topology},
    {"payments", shop_payments_topology},
};

static void source(struct topo_builder *builder, const char *name, const char *topic, int priority)
{
    topo_add_source(
        builder, &(struct topo_source){.name = name, .topics = LIST(topic), .priority = priority});
}

static void sink(
    struct topo_builder *builder,
    const char *name,
    const char *parent,
    const char *topic,
    enum topo_partition_by partition_by)
{
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = name, .parents = LIST(parent), .topic = topic, .partition_by = partition_by});
}

/* A fold of the aggregate's own events. */
static void state(struct topo_builder *builder, const char *name, bool ordered)
{
    topo_add_store(
        builder,
        &(struct topo_store_options){.name = name, .log = TOPO_LOG_EVENTS, .ordered = ordered});
}

static void outcomes(struct topo_builder *builder, const char *name)
{
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = name, .log = TOPO_LOG_EVENTS, .ttl_ms = OUTCOME_TTL_MS});
}

static void add_claim(struct topo_builder *builder, const struct shop_service *service)
{
    struct topo_aggregate claim = claim_aggregate(service);
    source(builder, "claim-commands", "identity.claim.commands", 0);
    state(builder, "claim", false);
    outcomes(builder, "claim-outcomes");
    topo_add_aggregate(builder, &claim);
    sink(builder, "claim-outcomes", "claim", "identity.claim.outcomes", TOPO_BY_TASK);
    sink(builder, "claim-events", "claim", "identity.claim.events", TOPO_BY_TASK);
    sink(builder, "create-user", "claim", "identity.user.commands", TOPO_BY_KEY);
    sink(builder, "claim-replies", "claim", "gateway.replies", TOPO_BY_HAND);
}

static void add_user(struct topo_builder *builder, const struct shop_service *service)
{
    struct topo_aggregate user = user_aggregate(service);
    source(builder, "user-commands", "identity.user.commands", 0);
    state(builder, "user", false);
    outcomes(builder, "user-outcomes");
    topo_add_aggregate(builder, &user);
    sink(builder, "user-outcomes", "user", "identity.user.outcomes", TOPO_BY_TASK);
    sink(builder, "user-events", "user", "identity.user.events", TOPO_BY_TASK);
    sink(builder, "session-events", "user", "identity.session.events", TOPO_BY_TASK);
    sink(builder, "credentials", "user", "identity.credentials", TOPO_BY_KEY);
    sink(builder, "subject-keys", "user", "identity.subject-keys", TOPO_BY_KEY);
    sink(builder, "user-replies", "user", "gateway.replies", TOPO_BY_HAND);
}

/* Two sub-topologies, so that claims and users have partition counts of their own: a sink that both
 * fed would make them one. */
int shop_identity_topology(
    const struct shop_service *service, struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("identity");
    add_claim(builder, service);
    add_user(builder, service);
    topo_set_dead_letters(builder, "dead-letters.identity");
    return topo_build(builder, ret_topology, error);
}

int shop_catalog_topology(
    const struct shop_service *service, struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("catalog");
    struct topo_aggregate catalog = catalog_aggregate(service);
    source(builder, "product-commands", "catalog.product.commands", 0);
    source(builder, "stock-commands", "inventory.stock.commands", 0);
    state(builder, "product", false);
    state(builder, "stock", false);
    state(builder, "hold", false);
    state(builder, "timers", true);
    outcomes(builder, "outcomes");
    topo_add_aggregate(builder, &catalog);
    sink(builder, "product-outcomes", "catalog", "catalog.product.outcomes", TOPO_BY_TASK);
    sink(builder, "stock-outcomes", "catalog", "inventory.stock.outcomes", TOPO_BY_TASK);
    sink(builder, "product-events", "catalog", "catalog.product.events", TOPO_BY_TASK);
    sink(builder, "stock-events", "catalog", "inventory.stock.events", TOPO_BY_TASK);
    sink(builder, "replies-to-sales", "catalog", "sales.replies", TOPO_BY_KEY);
    sink(builder, "replies", "catalog", "gateway.replies", TOPO_BY_HAND);
    topo_set_dead_letters(builder, "dead-letters.catalog");
    return topo_build(builder, ret_topology, error);
}

/* What a cart is quoted: every instance knows every price. */
static void add_price_table(struct topo_builder *builder, const struct shop_service *service)
{
    topo_add_source(
        builder,
        &(struct topo_source){
            .name = "product-events", .topics = LIST("catalog.product.events"), .global = true});
    topo_add_store(builder, &(struct topo_store_options){.name = "price", .log = TOPO_LOG_INPUT});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "price-table",
            .parents = LIST("product-events"),
            .stores = LIST("price"),
            .process = price_process,
            .user = (void *)(uintptr_t)service});
}

int shop_sales_topology(
    const struct shop_service *service, struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("sales");
    struct topo_aggregate sales = sales_aggregate(service);
    add_price_table(builder, service);
    /* Replies first: a flood of new orders must not starve those under way. */
    source(builder, "replies-in", "sales.replies", 0);
    source(builder, "commands", "sales.commands", 1);
    state(builder, "cart", false);
    state(builder, "cart-lines", true);
    state(builder, "orders", false);
    state(builder, "order-lines", false);
    state(builder, "order-timers", true);
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "order-progress",
            .log = TOPO_LOG_CHANGELOG,
            .changelog_topic = "sales.order-progress.changelog",
            .check = progress_check,
            .check_user = (void *)(uintptr_t)service});
    outcomes(builder, "outcomes");
    topo_add_aggregate(builder, &sales);
    sink(builder, "outcomes", "sales", "sales.outcomes", TOPO_BY_TASK);
    sink(builder, "cart-events", "sales", "sales.cart.events", TOPO_BY_TASK);
    sink(builder, "order-events", "sales", "sales.order.events", TOPO_BY_TASK);
    sink(builder, "stock-commands", "sales", "inventory.stock.commands", TOPO_BY_KEY);
    sink(builder, "payment-commands", "sales", "payments.commands", TOPO_BY_KEY);
    sink(builder, "notifications", "sales", "notifications.events", TOPO_BY_KEY);
    sink(builder, "subject-keys", "sales", "identity.subject-keys", TOPO_BY_KEY);
    sink(builder, "replies", "sales", "gateway.replies", TOPO_BY_HAND);
    topo_set_dead_letters(builder, "dead-letters.sales");
    return topo_build(builder, ret_topology, error);
}

int shop_payments_topology(
    const struct shop_service *service, struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("payments");
    struct topo_aggregate payments = payments_aggregate(service);
    source(builder, "commands", "payments.commands", 0);
    state(builder, "payment", false);
    state(builder, "payment-timers", true);
    topo_add_aggregate(builder, &payments);
    sink(builder, "payment-events", "payments", "payments.events", TOPO_BY_TASK);
    sink(builder, "replies-to-sales", "payments", "sales.replies", TOPO_BY_KEY);
    topo_set_dead_letters(builder, "dead-letters.payments");
    return topo_build(builder, ret_topology, error);
}
