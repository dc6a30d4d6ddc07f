/* routes.c - every path of the query side. Reading only: another method is 405 by itself. */
#include "query_api.h"

#include <assert.h>

const struct http_route query_routes[] = {
    {.method = "GET", .path = "/v1/products", .handle = query_get_products},
    {.method = "GET", .path = "/v1/products/{id}", .handle = query_get_product},
    {.method = "GET", .path = "/v1/products/{id}/availability", .handle = query_get_availability},
    {.method = "GET", .path = "/v1/categories", .handle = query_get_categories},
    {.method = "GET", .path = "/v1/cart", .handle = query_get_cart},
    {.method = "GET", .path = "/v1/orders", .handle = query_get_orders},
    {.method = "GET", .path = "/v1/orders/{id}", .handle = query_get_order},
    {.method = "GET", .path = "/v1/orders/{id}/confirmation", .handle = query_get_confirmation},
    {.method = "GET", .path = "/problems/{slug}", .handle = query_get_problem},
    {.method = "GET", .path = "/healthz", .handle = query_get_health},
    {.method = "GET", .path = "/readyz", .handle = query_get_ready},
    {.method = "GET", .path = "/metrics", .handle = query_get_metrics, .produces = "text/plain"},
};
const size_t query_routes_count = sizeof query_routes / sizeof query_routes[0];

void query_api_init(struct query_api *api, struct topo_engine *engine, struct token_keys *keys)
{
    assert(api && engine && keys);
    *api = (struct query_api){
        .engine = engine,
        .keys = keys,
        .ready_lag_max = 10000,
        .products = topo_engine_global(engine, VIEW_PRODUCTS),
        .availability = topo_engine_global(engine, VIEW_AVAILABILITY),
        .listings = topo_engine_global(engine, VIEW_LISTINGS),
        .categories = topo_engine_global(engine, VIEW_CATEGORIES),
        .carts = topo_engine_global(engine, VIEW_CARTS),
        .cart_lines = topo_engine_global(engine, VIEW_CART_LINES),
        .orders = topo_engine_global(engine, VIEW_ORDERS),
        .order_lines = topo_engine_global(engine, VIEW_ORDER_LINES),
        .orders_by_owner = topo_engine_global(engine, VIEW_ORDERS_BY_OWNER),
    };
    atomic_store(&api->caught_up_ms, mr_monotonic_ms());
}
