/* routes.c - every path of the query side. Reading only: another method is 405 by itself. */
#include "api.h"

const struct http_route api_routes[] = {
    {.method = "GET", .path = "/v1/products", .handle = api_get_products},
    {.method = "GET", .path = "/v1/products/{id}", .handle = api_get_product},
    {.method = "GET", .path = "/v1/products/{id}/availability", .handle = api_get_availability},
    {.method = "GET", .path = "/v1/categories", .handle = api_get_categories},
    {.method = "GET", .path = "/v1/cart", .handle = api_get_cart},
    {.method = "GET", .path = "/v1/orders", .handle = api_get_orders},
    {.method = "GET", .path = "/v1/orders/{id}", .handle = api_get_order},
    {.method = "GET", .path = "/v1/orders/{id}/confirmation", .handle = api_get_confirmation},
    {.method = "GET", .path = "/problems/{slug}", .handle = api_get_problem},
    {.method = "GET", .path = "/healthz", .handle = api_get_health},
    {.method = "GET", .path = "/readyz", .handle = api_get_ready},
    {.method = "GET", .path = "/metrics", .handle = api_get_metrics, .produces = "text/plain"},
};
const size_t api_routes_count = sizeof api_routes / sizeof api_routes[0];

void api_init(struct api *api, struct topo_engine *engine, struct token_keys *keys)
{
    *api = (struct api){
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
