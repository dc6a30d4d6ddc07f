/* query_shop.h - the read API over views on the simulated log, asked through a real socket. */
#ifndef TESTS_QUERY_SHOP_H
#define TESTS_QUERY_SHOP_H

#include "../unit/view_fixture.h"

#include "query_fixture.h"

#include <api/contract.h>

struct fixture {
    struct views views;
    struct token_keys *keys;
    struct query_api api;
    struct http_server *server;
    struct client_answer answer;
    char bearer[QUERY_BEARER_MAX]; /* usr_1's. */
};

static inline void fixture_open(struct fixture *fixture, int partitions)
{
    struct mr_error error;
    views_open_wide(&fixture->views, shop_views_query_topology, partitions);
    fixture->keys = query_keys();
    query_bearer(fixture->keys, "usr_1", fixture->bearer);
    query_api_init(&fixture->api, topo_driver_engine(fixture->views.driver), fixture->keys);
    const struct http_server_options options = {
        .threads = 2,
        .routes = query_routes,
        .routes_count = query_routes_count,
        .user = &fixture->api,
    };
    if (http_server_start(&options, &fixture->server, &error) != 0)
        fail_msg("%s", error.text);
}

static inline int set_up_wide(void **state, int partitions)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    fixture_open(fixture, partitions);
    *state = fixture;
    return 0;
}

static inline int set_up(void **state)
{
    return set_up_wide(state, VIEW_PARTITIONS);
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_server_free(fixture->server);
    views_close(&fixture->views);
    token_keys_free(fixture->keys);
    free(fixture);
    return 0;
}

/* GET with more header lines; the answer is in the fixture. */
static inline int get_status(struct fixture *fixture, const char *target, const char *headers)
{
    return query_get(fixture->server, target, headers, &fixture->answer);
}

static inline void expect_in_body(struct fixture *fixture, const char *text)
{
    if (!strstr(fixture->answer.body, text))
        fail_msg("no %s in: %s", text, fixture->answer.body);
}

static inline void
offer_product(struct fixture *fixture, const char *id, const char *title, int64_t minor)
{
    struct views *views = &fixture->views;
    static const struct mr_bytes category = MR_LITERAL("toys");
    struct shop_product_created created = {
        .meta = meta_at(1, minor),
        .product_id = mr_cstr(id),
        .sku = MR_LITERAL("SKU"),
        .title = mr_cstr(title),
        .description = MR_LITERAL("d"),
        .category_ids = &category,
        .category_ids_count = 1,
    };
    struct shop_price_changed price = {
        .meta = meta_at(2, 1),
        .product_id = mr_cstr(id),
        .price = money_pence(minor),
        .price_version = 1};
    struct shop_product_published published = {.meta = meta_at(3, 1), .product_id = mr_cstr(id)};
    views_pipe(views, SHOP_PRODUCT_CREATED, id, &created);
    views_pipe(views, SHOP_PRICE_CHANGED, id, &price);
    views_pipe(views, SHOP_PRODUCT_PUBLISHED, id, &published);
}

static inline void stock_product(struct fixture *fixture, const char *id, int64_t available)
{
    struct shop_stock_adjusted event = {
        .meta = meta_at(1, 2000),
        .product_id = mr_cstr(id),
        .cause = MR_LITERAL("delivery"),
        .on_hand_after = available,
        .available_after = available,
    };
    views_pipe(&fixture->views, SHOP_STOCK_ADJUSTED, id, &event);
}

static inline void confirm_order(struct fixture *fixture, const char *owner, const char *order)
{
    struct shop_order_confirmed event = {
        .meta = meta_at(2, 100),
        .order_id = mr_cstr(order),
        .owner_id = mr_cstr(owner),
        .confirmation_no = MR_LITERAL("C123"),
        .payment_id = MR_LITERAL("pay_12345678"),
        .captured = money_pence(300),
        .confirmed_at = 777,
    };
    views_pipe(&fixture->views, SHOP_ORDER_CONFIRMED, owner, &event);
}

#endif
