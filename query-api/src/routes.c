/* routes.c - every path of the query side. Reading only: another method is 405 by itself. */
#include "query_api.h"

#include <api/contract.h>
#include <assert.h>

const struct http_route query_routes[] = {
    {.named = &api_get_products.http, .handle = query_get_products},
    {.named = &api_get_product.http, .handle = query_get_product},
    {.named = &api_get_availability.http, .handle = query_get_availability},
    {.named = &api_get_categories.http, .handle = query_get_categories},
    {.named = &api_get_cart.http, .handle = query_get_cart},
    {.named = &api_get_orders.http, .handle = query_get_orders},
    {.named = &api_get_order.http, .handle = query_get_order},
    {.named = &api_get_order_stream.http, .handle = query_get_order_stream},
    {.named = &api_get_order_timeline.http, .handle = query_get_order_timeline},
    {.named = &api_get_confirmation.http, .handle = query_get_confirmation},
    {.named = &api_get_sessions.http, .handle = query_get_sessions},
    {.named = &api_get_problem.http, .handle = query_get_problem},
    {.named = &api_get_openapi.http, .handle = api_send_openapi},
    {.named = &api_get_health.http, .handle = query_get_health},
    {.named = &api_get_ready.http, .handle = query_get_ready},
    {.named = &api_get_metrics.http, .handle = query_get_metrics},
};
const size_t query_routes_count = sizeof query_routes / sizeof query_routes[0];

void query_api_init(struct query_api *api, struct topo_engine *engine, struct token_keys *keys)
{
    assert(api && engine && keys);
    *api = (struct query_api){
        .engine = engine,
        .keys = keys,
        .auth = {keys, engine, topo_engine_global(engine, VIEW_REVOKED)},
        .ready_lag_max = 10000,
        .products = topo_engine_global(engine, VIEW_PRODUCTS),
        .availability = topo_engine_global(engine, VIEW_AVAILABILITY),
        .listings = topo_engine_global(engine, VIEW_LISTINGS),
        .words = topo_engine_global(engine, VIEW_WORDS),
        .categories = topo_engine_global(engine, VIEW_CATEGORIES),
        .carts = topo_engine_global(engine, VIEW_CARTS),
        .cart_lines = topo_engine_global(engine, VIEW_CART_LINES),
        .orders = topo_engine_global(engine, VIEW_ORDERS),
        .order_lines = topo_engine_global(engine, VIEW_ORDER_LINES),
        .orders_by_owner = topo_engine_global(engine, VIEW_ORDERS_BY_OWNER),
        .sessions = topo_engine_global(engine, VIEW_SESSIONS),
        .order_timelines = topo_engine_global(engine, VIEW_ORDER_TIMELINES),
        .attention = topo_engine_global(engine, VIEW_ATTENTION),
    };
    query_streams_init(&api->streams, QUERY_STREAMS_MAX, QUERY_STREAMS_OWNER_MAX);
    for (size_t i = 0; i < QUERY_VIEWS; i++)
        atomic_store(&api->caught_up_ms[i], mr_monotonic_ms());
}
