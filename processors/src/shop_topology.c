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
#include "sales_price.h"
#include "sales_progress.h"

/* An outcome is remembered as long as its topic keeps it. */
#define OUTCOME_TTL_MS (INT64_C(7) * 24 * 3600 * 1000)

const struct shop_named_topology shop_services[SHOP_SERVICES] = {
    {"identity", shop_identity_topology},
    {"catalog", shop_catalog_topology},
    {"sales", shop_sales_topology},
    {"payments", shop_payments_topology},
};

static void
shop_add_source(struct topo_builder *builder, const char *name, const char *topic, int priority)
{
    topo_add_source(
        builder,
        &(struct topo_source){.name = name, .topics = TOPO_LIST(topic), .priority = priority});
}

static void shop_add_sink(
    struct topo_builder *builder,
    const char *name,
    const char *parent,
    const char *topic,
    enum topo_partition_by partition_by)
{
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = name,
            .parents = TOPO_LIST(parent),
            .topic = topic,
            .partition_by = partition_by});
}

/* A fold of the aggregate's own events. */
static void shop_add_state(struct topo_builder *builder, const char *name, bool ordered)
{
    topo_add_store(
        builder,
        &(struct topo_store_options){.name = name, .log = TOPO_LOG_EVENTS, .ordered = ordered});
}

static void shop_add_outcomes(struct topo_builder *builder, const char *name)
{
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = name, .log = TOPO_LOG_EVENTS, .ttl_ms = OUTCOME_TTL_MS});
}

static void add_claim(struct topo_builder *builder, const struct shop_service *service)
{
    struct topo_aggregate claim = claim_aggregate(service);
    shop_add_source(builder, "claim-commands", TOPIC_IDENTITY_CLAIM_COMMANDS, 0);
    shop_add_state(builder, "claim", false);
    shop_add_outcomes(builder, "claim-outcomes");
    topo_add_aggregate(builder, &claim);
    shop_add_sink(
        builder, "create-user", "claim", TOPIC_IDENTITY_USER_COMMANDS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(
        builder, "claim-replies", "claim", TOPIC_GATEWAY_REPLIES, TOPO_PARTITION_EXPLICIT);
}

static void add_user(struct topo_builder *builder, const struct shop_service *service)
{
    struct topo_aggregate user = user_aggregate(service);
    shop_add_source(builder, "user-commands", TOPIC_IDENTITY_USER_COMMANDS, 0);
    shop_add_state(builder, "user", false);
    shop_add_state(builder, "sessions", false);
    shop_add_outcomes(builder, "user-outcomes");
    topo_add_aggregate(builder, &user);
    shop_add_sink(
        builder, "credentials", "user", TOPIC_IDENTITY_CREDENTIALS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(
        builder, "subject-keys", "user", TOPIC_IDENTITY_SUBJECT_KEYS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(builder, "user-replies", "user", TOPIC_GATEWAY_REPLIES, TOPO_PARTITION_EXPLICIT);
}

/* Two sub-topologies, so that claims and users have partition counts of their own: a sink that both
 * fed would make them one. */
int shop_identity_topology(
    const struct shop_service *service, struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("identity");
    add_claim(builder, service);
    add_user(builder, service);
    topo_set_dead_letters(builder, TOPIC_DEAD_LETTERS_IDENTITY);
    return topo_build(builder, ret_topology, error);
}

int shop_catalog_topology(
    const struct shop_service *service, struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("catalog");
    struct topo_aggregate catalog = catalog_aggregate(service);
    shop_add_source(builder, "product-commands", TOPIC_CATALOG_PRODUCT_COMMANDS, 0);
    shop_add_source(builder, "stock-commands", TOPIC_INVENTORY_STOCK_COMMANDS, 0);
    shop_add_state(builder, "product", false);
    shop_add_state(builder, "stock", false);
    shop_add_state(builder, "hold", false);
    shop_add_state(builder, "timers", true);
    shop_add_outcomes(builder, "outcomes");
    topo_add_aggregate(builder, &catalog);
    shop_add_sink(
        builder, "replies-to-sales", "catalog", TOPIC_SALES_REPLIES, TOPO_PARTITION_BY_KEY);
    shop_add_sink(builder, "replies", "catalog", TOPIC_GATEWAY_REPLIES, TOPO_PARTITION_EXPLICIT);
    topo_set_dead_letters(builder, TOPIC_DEAD_LETTERS_CATALOG);
    return topo_build(builder, ret_topology, error);
}

/* Carts quote from this table: every instance has every price. */
static void add_price_table(struct topo_builder *builder, const struct shop_service *service)
{
    topo_add_source(
        builder,
        &(struct topo_source){
            .name = "product-events",
            .topics = TOPO_LIST(TOPIC_CATALOG_PRODUCT_EVENTS),
            .header = WORK_EVENT_HEADER,
            .global = true});
    topo_add_store(builder, &(struct topo_store_options){.name = "price", .log = TOPO_LOG_INPUT});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "price-table",
            .parents = TOPO_LIST("product-events"),
            .stores = TOPO_LIST("price"),
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
    shop_add_source(builder, "replies-in", TOPIC_SALES_REPLIES, 0);
    shop_add_source(builder, "commands", TOPIC_SALES_COMMANDS, 1);
    shop_add_state(builder, "cart", false);
    shop_add_state(builder, "cart-lines", true);
    shop_add_state(builder, "orders", false);
    shop_add_state(builder, "order-lines", false);
    shop_add_state(builder, "order-timers", true);
    shop_add_state(builder, "owners", false);
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "order-progress",
            .log = TOPO_LOG_CHANGELOG,
            .changelog_topic = TOPIC_SALES_ORDER_PROGRESS_CHANGELOG,
            .check = progress_check,
            .check_user = (void *)(uintptr_t)service});
    shop_add_outcomes(builder, "outcomes");
    topo_add_aggregate(builder, &sales);
    shop_add_sink(
        builder, "stock-commands", "sales", TOPIC_INVENTORY_STOCK_COMMANDS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(builder, "own-commands", "sales", TOPIC_SALES_COMMANDS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(
        builder, "payment-commands", "sales", TOPIC_PAYMENTS_COMMANDS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(
        builder, "notifications", "sales", TOPIC_NOTIFICATIONS_EVENTS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(
        builder, "subject-keys", "sales", TOPIC_IDENTITY_SUBJECT_KEYS, TOPO_PARTITION_BY_KEY);
    shop_add_sink(builder, "replies", "sales", TOPIC_GATEWAY_REPLIES, TOPO_PARTITION_EXPLICIT);
    topo_set_dead_letters(builder, TOPIC_DEAD_LETTERS_SALES);
    return topo_build(builder, ret_topology, error);
}

int shop_payments_topology(
    const struct shop_service *service, struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_builder *builder = topo_builder_new("payments");
    struct topo_aggregate payments = payments_aggregate(service);
    shop_add_source(builder, "commands", TOPIC_PAYMENTS_COMMANDS, 0);
    shop_add_state(builder, "payment", false);
    shop_add_state(builder, "payment-timers", true);
    topo_add_aggregate(builder, &payments);
    shop_add_sink(
        builder, "replies-to-sales", "payments", TOPIC_SALES_REPLIES, TOPO_PARTITION_BY_KEY);
    topo_set_dead_letters(builder, TOPIC_DEAD_LETTERS_PAYMENTS);
    return topo_build(builder, ret_topology, error);
}
