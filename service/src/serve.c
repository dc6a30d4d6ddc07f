/* serve.c - starts what a program takes from the libraries: engines on Kafka, and HTTP. */
#include <service/service.h>

#include <base/log.h>
#include <http/status.h>

#include <assert.h>

enum {
    PORT_MAX = 65535,
    THREADS_MAX = 64,
    SNAPSHOT_INTERVAL_S_MAX = 30 * 86400,
    STATE_CLEANUP_S_MAX = 3650 * 86400
};

static void serve_log_event(void *user, int level, const char *event, const char *text)
{
    const struct service_engine *engine = user;
    mr_log((enum mr_log_level)level, event, "engine=%s %s", engine->name, text);
}

int service_start_engine(
    struct service *service,
    const char *name,
    struct topo_topology *topology,
    const struct topo_engine_options *options,
    struct mr_error *error)
{
    assert(name && topology && options);
    assert(service->engines_count < SERVICE_ENGINES_MAX);
    struct service_engine *engine = &service->engines[service->engines_count++];
    *engine = (struct service_engine){.name = name, .topology = topology};
    struct topo_engine_options all = *options;
    all.instance_id = mr_options_text(&service->options, "instance");
    all.io_open = topo_kafka_open;
    all.io_user = &service->kafka;
    all.on_log = serve_log_event;
    all.log_user = engine;
    return topo_engine_start(topology, &all, &engine->engine, error);
}

int service_bound_memory(const struct service *service, struct mr_error *error)
{
    const struct mr_options *options = &service->options;
    struct topo_memory bounds = {0};
    int rc = mr_options_mebibytes(options, "block-cache-mb", &bounds.block_cache_bytes, error);
    if (rc == 0)
        rc = mr_options_mebibytes(options, "write-buffers-mb", &bounds.write_buffers_bytes, error);
    if (rc == 0)
        topo_memory_init(&bounds);
    return rc;
}

int service_read_snapshots(
    const struct service *service, struct topo_engine_options *ret_options, struct mr_error *error)
{
    const struct mr_options *options = &service->options;
    int64_t interval_s = 0;
    int rc = mr_options_integer(
        options, "snapshot-interval-s", 0, SNAPSHOT_INTERVAL_S_MAX, &interval_s, error);
    if (rc)
        return rc;
    ret_options->snapshot_dir = mr_options_text(options, "snapshot-dir");
    ret_options->snapshot_interval_ms = interval_s * 1000;
    return 0;
}

int service_read_cleanup(
    const struct service *service, struct topo_engine_options *ret_options, struct mr_error *error)
{
    int64_t after_s = 0;
    int rc = mr_options_integer(
        &service->options, "state-cleanup-s", 0, STATE_CLEANUP_S_MAX, &after_s, error);
    if (rc == 0)
        ret_options->state_cleanup_ms = after_s > 0 ? after_s * 1000 : -1;
    return rc;
}

int service_start_http(
    struct service *service, const struct http_server_options *options, struct mr_error *error)
{
    assert(!service->server && options->routes_count > 0);
    struct http_server_options server = *options;
    int64_t port = 0, threads = 0;
    int rc = mr_options_integer(&service->options, "port", 0, PORT_MAX, &port, error);
    if (rc == 0)
        rc = mr_options_integer(&service->options, "threads", 1, THREADS_MAX, &threads, error);
    server.address = mr_options_text(&service->options, "address");
    server.port = (uint16_t)port;
    server.threads = (int)threads;
    if (rc == 0)
        rc = http_server_start(&server, &service->server, error);
    if (rc)
        return rc;
    unsigned at = http_server_port(service->server);
    mr_log(MR_LOG_INFO, "listening", "address=%s port=%u", server.address, at);
    return 0;
}

/* The status of each engine, by name. Returns whether all of them run. */
static int serve_write_status(void *user, struct mr_buffer *out)
{
    const struct service *service = user;
    int ready = 1;
    mr_buffer_add_byte(out, '{');
    for (size_t i = 0; i < service->engines_count; i++) {
        const struct service_engine *engine = &service->engines[i];
        mr_buffer_printf(out, "%s\"%s\":", i ? "," : "", engine->name);
        topo_engine_status_json(engine->engine, out);
        ready &= topo_engine_state(engine->engine, NULL) == TOPO_ENGINE_RUNNING;
    }
    mr_buffer_add_byte(out, '}');
    return ready;
}

static bool serve_is_live(void *user, struct mr_error *ret_why)
{
    const struct service *service = user;
    for (size_t i = 0; i < service->engines_count; i++)
        if (!topo_engine_is_live(service->engines[i].engine, ret_why))
            return false;
    return true;
}

static void serve_write_metrics(void *user, struct mr_buffer *out)
{
    const struct service *service = user;
    for (size_t i = 0; i < service->engines_count; i++)
        topo_engine_metrics(service->engines[i].engine, out);
}

int service_start_status(struct service *service, struct mr_error *error)
{
    assert(!service->status);
    int64_t port = 0;
    int rc = mr_options_integer(&service->options, "status-port", 0, PORT_MAX, &port, error);
    if (rc)
        return rc;
    struct http_status_options status = {
        .port = (uint16_t)port,
        .ready = serve_write_status,
        .live = serve_is_live,
        .metrics = serve_write_metrics,
        .user = service,
    };
    rc = http_status_start(&status, &service->status, error);
    if (rc == 0)
        mr_log(MR_LOG_INFO, "listening", "status_port=%u", http_status_port(service->status));
    return rc;
}
