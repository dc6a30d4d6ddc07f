/*
 * global_table.c - enriches a stream of orders with prices from a table that every task has whole.
 *
 *     prices --> keep --> price             a global store: every instance reads all partitions
 *     orders --> enrich --> priced-orders   looks the product's price up
 *
 * The key of a price is its product; the value of an order is its product.
 */
#include "example.h"

/* A null value is a deletion, as everywhere in Kafka. */
static int keep_price(struct topo_context *context, void *user, const struct topo_record *price,
    struct mr_error *error)
{
    struct topo_store *table = topo_context_store(context, "price");
    if (price->value.ptr)
        topo_store_put(table, price->key, price->value);
    else
        topo_store_delete(table, price->key);
    return 0;
}

/* The table is another sub-topology's: committed state, which may lag a little behind its topic. An
 * order of an unknown product is poison: it goes to the dead letters, and the stream goes on. */
static int enrich_order(struct topo_context *context, void *user, const struct topo_record *order,
    struct mr_error *error)
{
    struct mr_arena *arena = topo_context_arena(context);
    struct mr_bytes price = {NULL, 0};
    int rc =
        topo_read_get(topo_context_global(context, "price"), order->value, arena, &price, error);
    if (rc)
        return rc;
    if (!price.ptr)
        return mr_fail(error, MR_NOT_FOUND, "no price of \"%.*s\"", MR_ARG(order->value));
    struct topo_output priced = {.key = order->key,
        .value = mr_arena_printf(arena, "%.*s at %.*s", MR_ARG(order->value), MR_ARG(price))};
    topo_forward(context, "priced-orders", &priced);
    return 0;
}

static int make_topology(struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_source prices = {
        .name = "prices", .topics = TOPO_LIST("prices"), .global = true, .partitions = 2};
    struct topo_store_options table = {.name = "price", .log = TOPO_LOG_INPUT};
    struct topo_processor keep = {.name = "keep",
        .parents = TOPO_LIST("prices"),
        .stores = TOPO_LIST("price"),
        .process = keep_price};
    struct topo_source orders = {.name = "orders", .topics = TOPO_LIST("orders"), .partitions = 2};
    struct topo_processor enrich = {
        .name = "enrich", .parents = TOPO_LIST("orders"), .process = enrich_order};
    struct topo_sink priced = {.name = "priced-orders",
        .parents = TOPO_LIST("enrich"),
        .topic = "priced-orders",
        .partitions = 1};

    struct topo_builder *builder = topo_builder_new("global-table");
    topo_add_source(builder, &prices);
    topo_add_store(builder, &table);
    topo_add_processor(builder, &keep);
    topo_add_source(builder, &orders);
    topo_add_processor(builder, &enrich);
    topo_add_sink(builder, &priced);
    topo_set_dead_letters(builder, "unpriced-orders");
    return topo_build(builder, ret_topology, error);
}

static int run_on_driver(struct topo_driver *driver, struct mr_error *error)
{
    int rc = topo_driver_pipe(driver, "prices", mr_cstr("tea"), mr_cstr("2.95"), error);
    if (!rc)
        rc = topo_driver_pipe(driver, "orders", mr_cstr("order-1"), mr_cstr("tea"), error);
    if (!rc)
        rc = topo_driver_pipe(driver, "orders", mr_cstr("order-2"), mr_cstr("milk"), error);
    example_print(driver, "priced-orders");
    example_print(driver, "unpriced-orders");
    return rc;
}

int main(int argc, char **argv)
{
    return example_main(argc, argv, "global-table", make_topology, run_on_driver, NULL);
}
