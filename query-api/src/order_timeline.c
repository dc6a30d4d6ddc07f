/* order_timeline.c - what has happened to an order, one row an event. */
#include "query_api.h"

static void write_row(struct json_w *w, const struct shop_order_timeline_row *row)
{
    json_w_object(w);
    json_w_key_integer(w, "version", row->version);
    json_w_key_time(w, "at", row->at);
    json_w_key_text(w, "type", row->type);
    json_w_key_text(w, "actor", row->actor);
    if (row->cause.ptr)
        json_w_key_text(w, "cause", row->cause);
    if (row->amount)
        shop_json_key_money(w, "amount", row->amount);
    if (row->has_attempt)
        json_w_key_integer(w, "attempt", row->attempt);
    json_w_object_end(w);
}

static void serve_timeline(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct query_order order;
    const void *found = NULL;
    if (!query_order_find_own(api, request, &order) || query_order_not_modified(request, &order) ||
        !query_read_state(
            request, api->order_timelines, SHOP_ORDER_TIMELINE_STATE, order.id, &found))
        return;
    const struct shop_order_timeline_state *timeline = found;
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "order_id", order.id);
    json_w_key(&w, "items");
    json_w_array(&w);
    for (size_t i = 0; timeline && i < timeline->rows_count; i++)
        write_row(&w, &timeline->rows[i]);
    json_w_array_end(&w);
    json_w_object_end(&w);
    http_send(request, 200, NULL);
}

void query_get_order_timeline(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = query_order_topics, .serve = serve_timeline, .own = true, .kept = true};
    query_order_get_one(request, user, &read);
}
