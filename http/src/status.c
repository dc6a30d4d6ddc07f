/* status.c - a server of three routes, for programs that have no API of their own. */
#include <http/json.h>
#include <http/problem.h>
#include <http/server.h>
#include <http/status.h>

#include <stdlib.h>

struct http_status {
    struct http_status_options options;
    struct http_server *server;
};

static void get_health(struct http_request *request, void *user)
{
    const struct http_status *status = user;
    struct mr_error why = {0};
    bool live = !status->options.live || status->options.live(status->options.user, &why);
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "status", mr_cstr(live ? "ok" : "stuck"));
    if (!live)
        json_w_key_text(&w, "reason", mr_cstr(why.text));
    json_w_object_end(&w);
    http_send(request, live ? 200 : 503, NULL);
}

static void get_ready(struct http_request *request, void *user)
{
    struct http_status *status = user;
    struct mr_buffer *out = http_response(request);
    int ready = status->options.ready(status->options.user, out);
    if (out->len == 0)
        mr_buffer_add(out, mr_cstr(ready ? "{\"ready\":true}\n" : "{\"ready\":false}\n"));
    http_send(request, ready ? 200 : 503, NULL);
}

static void get_metrics(struct http_request *request, void *user)
{
    struct http_status *status = user;
    struct mr_buffer *out = http_response(request);
    if (status->options.metrics)
        status->options.metrics(status->options.user, out);
    http_send(request, 200, "text/plain; version=0.0.4");
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/healthz", .handle = get_health},
    {.method = "GET", .path = "/readyz", .handle = get_ready},
    {.method = "GET", .path = "/metrics", .handle = get_metrics, .produces = "text/plain"},
};

int http_status_start(
    const struct http_status_options *options,
    struct http_status **ret_status,
    struct mr_error *error)
{
    struct http_status *status = mr_calloc(1, sizeof *status);
    status->options = *options;
    int rc = http_server_start(
        &(struct http_server_options){
            .address = options->address,
            .port = options->port,
            .routes = routes,
            .routes_count = sizeof routes / sizeof routes[0],
            .user = status,
            .connections_max = 64,
        },
        &status->server,
        error);
    if (rc != 0) {
        free(status);
        return rc;
    }
    *ret_status = status;
    return 0;
}

uint16_t http_status_port(const struct http_status *status)
{
    return http_server_port(status->server);
}

void http_status_free(struct http_status *status)
{
    if (!status)
        return;
    http_server_free(status->server);
    free(status);
}
