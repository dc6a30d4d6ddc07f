/*
 * order_stream.c - one order as Server-Sent Events: what it is, then every change, to its end.
 *
 *     event: snapshot, then `change`      id: the order's version      data: the order
 *     event: end                data: {"reason":"final"}     or expired, stopping, session-over
 *
 * Invariants
 *   1. Versions only rise. A client that has seen more than this instance has, hears nothing until
 *      the view is further.
 *   2. The arena of the request lives as long as the stream: what is read for one event is in an
 *      arena of its own.
 */
#include "query_api.h"

#include <base/log.h>

enum { STREAM_MS_MAX = 10 * 60 * 1000, HEARTBEAT_MS = 15 * 1000, RETRY_MS = 2000 };

struct order_stream {
    struct query_order_wait wait; /* Its version is the one that was sent; 0: none. */
    struct mr_bytes owner;
    struct mr_bytes session_id; /* A customer's; NULL view: a guest. */
    int64_t until_ms;
    int64_t heartbeat_ms; /* The next one. */
};

static bool is_final(const char *status)
{
    return strcmp(status, "CONFIRMED") == 0 || strcmp(status, "CANCELLED") == 0;
}

static void end_stream(struct http_request *request, const char *reason)
{
    mr_buffer_printf(http_response(request), "event: end\ndata: {\"reason\":\"%s\"}\n\n", reason);
    http_stream_end(request);
}

/* One event: `order` as the other routes show it. */
static void add_order(
    struct http_request *request, struct order_stream *stream, const struct query_order *order)
{
    struct mr_buffer *out = http_response(request);
    mr_buffer_printf(
        out,
        "event: %s\nid: %lld\ndata: ",
        stream->wait.version == 0 ? "snapshot" : "change",
        (long long)order->view->version);
    struct json_w w = json_w_to(out);
    query_order_json(&w, order);
    mr_buffer_add(out, mr_cstr("\n\n"));
    stream->wait.version = order->view->version;
}

/* Adds what is newer than the client has. False: nothing is, or the view cannot be read. */
static bool add_news(struct http_request *request, struct order_stream *stream)
{
    struct query_order order = {0};
    struct mr_arena arena;
    struct mr_error error;
    bool newer = false;
    mr_arena_init(&arena);
    int rc =
        query_order_read(stream->wait.api, stream->wait.order_id, true, &arena, &order, &error);
    if (rc) {
        mr_log(MR_LOG_ERROR, "read-failed", "error=\"%s\"", error.text);
    } else if (order.view && order.view->version > stream->wait.version) {
        add_order(request, stream, &order);
        newer = true;
    }
    bool final = !rc && order.view && is_final(view_order_status(order.view)) &&
                 order.view->version == stream->wait.version;
    mr_arena_clean_up(&arena);
    if (rc || final)
        end_stream(request, rc ? "stopping" : "final");
    return newer || rc || final;
}

static void continue_stream(struct http_request *request, void *user);

static void
resume_stream(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct order_stream *stream = user;
    (void)payload;
    query_order_resumed(&stream->wait);
    if (why == HTTP_GONE)
        http_stream_end(request);
    else if (why == HTTP_STOPPING)
        end_stream(request, "stopping");
    else
        continue_stream(request, stream);
}

static void wait_for_news(struct http_request *request, struct order_stream *stream, int64_t now_ms)
{
    int64_t next_ms =
        stream->heartbeat_ms < stream->until_ms ? stream->heartbeat_ms : stream->until_ms;
    if (!query_order_suspend(
            request, &stream->wait, (int)(next_ms - now_ms), resume_stream, stream))
        end_stream(request, "stopping");
}

static void continue_stream(struct http_request *request, void *user)
{
    struct order_stream *stream = user;
    int64_t now_ms = mr_monotonic_ms();
    if (api_session_is_over(&stream->wait.api->auth, request, stream->session_id))
        end_stream(request, "session-over");
    else if (add_news(request, stream))
        stream->heartbeat_ms = now_ms + HEARTBEAT_MS;
    else if (now_ms >= stream->until_ms)
        end_stream(request, "expired");
    else if (now_ms >= stream->heartbeat_ms) {
        mr_buffer_add(http_response(request), mr_cstr(":hb\n\n"));
        stream->heartbeat_ms = now_ms + HEARTBEAT_MS;
    } else
        wait_for_news(request, stream, now_ms);
}

static void give_back(struct http_request *request, void *user)
{
    struct order_stream *stream = user;
    (void)request;
    query_streams_give_back(&stream->wait.api->streams, stream->owner);
}

/* Last-Event-ID: the version that the client has; 0: none, or not one of ours. */
static int64_t last_version(const struct http_request *request)
{
    struct mr_bytes id = http_header(request, "Last-Event-ID");
    int64_t version = 0;
    if (id.len > 18)
        return 0;
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] < '0' || id.ptr[i] > '9')
            return 0;
        version = version * 10 + (id.ptr[i] - '0');
    }
    return version;
}

/* A browser that has the end asks again: after a 204 it stops (HTML, "server-sent events"). */
static bool has_the_end(const struct query_order *order, int64_t version)
{
    return version == order->view->version && is_final(view_order_status(order->view));
}

static void serve_stream(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct query_order order;
    struct api_caller caller;
    int64_t version = last_version(request);
    if (!query_order_find_own(api, request, &order) || !api_identify(&api->auth, request, &caller))
        return;
    if (has_the_end(&order, version)) {
        http_send(request, 204, NULL);
        return;
    }
    if (!query_streams_take(&api->streams, request, order.view->owner_id))
        return;
    struct order_stream *stream = mr_arena_alloc(http_arena(request), sizeof *stream);
    int64_t now_ms = mr_monotonic_ms();
    *stream = (struct order_stream){
        .wait = {.api = api, .order_id = order.id, .version = version},
        .owner = order.view->owner_id,
        .session_id = caller.session_id,
        .until_ms = now_ms + STREAM_MS_MAX,
        .heartbeat_ms = now_ms + HEARTBEAT_MS,
    };
    http_set_header(request, "X-Accel-Buffering", mr_cstr("no"));
    mr_buffer_printf(http_response(request), "retry: %d\n\n", (int)RETRY_MS);
    http_stream(request, "text/event-stream", continue_stream, give_back, stream);
}

void query_get_order_stream(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = query_order_topics, .serve = serve_stream, .own = true};
    query_order_get_one(request, user, &read);
}
