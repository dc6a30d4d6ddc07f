/* health.c - live, ready, measured. */
#include "query_api.h"

#include <api/health.h>

static const struct {
    const char *view;
    const char *store;
    const char *topic; /* One store's fold may read several. */
} views[] = {
    {"catalog", VIEW_PRODUCTS, TOPIC_CATALOG_PRODUCT_EVENTS},
    {"availability", VIEW_AVAILABILITY, TOPIC_INVENTORY_STOCK_EVENTS},
    {"cart", VIEW_CARTS, TOPIC_SALES_CART_EVENTS},
    {"orders", VIEW_ORDERS, TOPIC_SALES_ORDER_EVENTS},
    {"sessions", VIEW_SESSIONS, TOPIC_IDENTITY_SESSION_EVENTS},
    {"attention", VIEW_ATTENTION, TOPIC_PAYMENTS_EVENTS},
};

void query_get_health(struct http_request *request, void *user)
{
    const struct query_api *api = user;
    api_send_health(api->engine, request);
}

struct view_lag {
    const char *topic;
    int64_t lag;
    int partitions;
    int unknown; /* Partitions whose end is not known. */
};

static void add_lag(void *user, const struct topo_position *position, int64_t lag)
{
    struct view_lag *view = user;
    if (strcmp(position->topic, view->topic) != 0)
        return;
    view->lag += lag > 0 ? lag : 0;
    view->unknown += lag < 0;
    view->partitions++;
}

/* Returns the sum of all views. Each view's lag is null when a partition's end is not known. */
static struct view_lag write_views(struct query_api *api, struct json_w *w)
{
    struct view_lag total = {0};
    json_w_key(w, "views");
    json_w_array(w);
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        struct view_lag view = {.topic = views[i].topic};
        topo_engine_positions(api->engine, views[i].store, add_lag, &view);
        json_w_object(w);
        json_w_key_text(w, "view", mr_cstr(views[i].view));
        json_w_key_integer(w, "partitions", view.partitions);
        json_w_key(w, "lag");
        if (view.unknown > 0)
            json_w_null(w);
        else
            json_w_integer(w, view.lag);
        json_w_object_end(w);
        total.lag += view.lag;
        total.unknown += view.unknown;
    }
    json_w_array_end(w);
    return total;
}

/* 503 while the views are restored or far behind, or may be: the end of a partition is not known
 * when its leader is silent. A proxy sends reads elsewhere then. */
void query_get_ready(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct mr_error why = {0};
    struct mr_buffer *out = http_response(request);
    struct json_w w = json_w_to(out);
    enum topo_engine_state state = topo_engine_state(api->engine, &why);
    static const char *const names[] = {"restoring", "running", "stopped", "failed"};
    json_w_object(&w);
    json_w_key_text(&w, "state", mr_cstr(names[state]));
    struct view_lag lag = write_views(api, &w);
    bool ready = state == TOPO_ENGINE_RUNNING && lag.lag <= api->ready_lag_max && lag.unknown == 0;
    json_w_key_bool(&w, "ready", ready);
    if (state == TOPO_ENGINE_FAILED)
        json_w_key_text(&w, "error", mr_cstr(why.text));
    json_w_key(&w, "engine");
    topo_engine_status_json(api->engine, out);
    w.comma = true;
    json_w_object_end(&w);
    if (!ready)
        http_set_header(request, "Retry-After", mr_cstr("1"));
    http_send(request, ready ? 200 : 503, NULL);
}

void query_get_metrics(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct mr_buffer *out = http_response(request);
    topo_engine_metrics(api->engine, out);
    http_server_metrics(http_request_server(request), out);
    query_attention_metrics(api, http_arena(request), out);
    http_send(request, 200, "text/plain; version=0.0.4");
}
