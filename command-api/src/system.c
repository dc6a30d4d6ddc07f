/*
 * system.c - the routes for operators and verifiers: keys, health, readiness, metrics; all routes.
 */
#include "command_api.h"

#include <api/contract.h>
#include <api/health.h>

static void jwks_get(struct http_request *request, void *user)
{
    const struct command_api *api = user;
    token_jwks(api->tokens, http_response(request));
    http_set_header(request, "Cache-Control", mr_cstr("public, max-age=300"));
    http_send(request, 200, "application/jwk-set+json");
}

static void health_get(struct http_request *request, void *user)
{
    const struct command_api *api = user;
    api_send_health(api->engine, request);
}

static void ready_get(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct mr_error error = {0};
    struct mr_buffer views;
    bool ready = topo_engine_state(api->engine, &error) == TOPO_ENGINE_RUNNING &&
                 dispatch_is_ready(api->dispatch, &error);
    mr_buffer_init(&views);
    topo_engine_status_json(api->engine, &views);
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_bool(&w, "ready", ready);
    if (!ready && error.text[0])
        json_w_key_text(&w, "reason", mr_cstr(error.text));
    json_w_key(&w, "views");
    json_w_raw(&w, mr_buffer_view(&views));
    json_w_object_end(&w);
    mr_buffer_clean_up(&views);
    if (!ready)
        http_set_header(request, "Retry-After", mr_cstr("1"));
    http_send(request, ready ? 200 : 503, NULL);
}

static void metrics_get(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct mr_buffer *out = http_response(request);
    http_server_metrics(http_request_server(request), out);
    dispatch_metrics(api->dispatch, out);
    hash_pool_metrics(api->pool, out);
    topo_engine_metrics(api->engine, out);
    http_send(request, 200, "text/plain; version=0.0.4");
}

const struct http_route command_routes[] = {
    {.named = &api_post_user.http, .handle = users_post},
    {.named = &api_get_profile.http, .handle = profile_get},
    {.named = &api_patch_profile.http, .handle = profile_patch},
    {.named = &api_put_password.http, .handle = password_put},
    {.named = &api_post_session.http, .handle = sessions_post},
    {.named = &api_post_session_refresh.http, .handle = sessions_refresh_post},
    {.named = &api_delete_current_session.http, .handle = session_current_delete},
    {.named = &api_delete_session.http, .handle = session_delete},
    {.named = &api_delete_sessions.http, .handle = sessions_delete},
    {.named = &api_post_guest_cart.http, .handle = guest_carts_post},
    {.named = &api_post_cart_item.http, .handle = cart_items_post},
    {.named = &api_clear_cart.http, .handle = cart_items_delete},
    {.named = &api_post_cart_merge.http, .handle = cart_merge_post},
    {.named = &api_put_cart_item.http, .handle = cart_item_put},
    {.named = &api_delete_cart_item.http, .handle = cart_item_delete},
    {.named = &api_post_order.http, .handle = orders_post},
    {.named = &api_post_payment.http, .handle = order_payments_post},
    {.named = &api_post_cancellation.http, .handle = order_cancellation_post},
    {.named = &api_get_command.http, .handle = command_get},
    {.named = &api_get_jwks.http, .handle = jwks_get},
    {.named = &api_get_openapi.http, .handle = api_send_openapi},
    {.named = &api_get_health.http, .handle = health_get},
    {.named = &api_get_ready.http, .handle = ready_get},
    {.named = &api_get_metrics.http, .handle = metrics_get},
};

const size_t command_routes_count = sizeof command_routes / sizeof command_routes[0];
