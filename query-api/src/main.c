/* main.c - millrace-query-api: folds the views, and serves them. */
#include "query_api.h"

#include <api/contract.h>
#include <base/descriptors.h>
#include <base/log.h>
#include <service/service.h>

enum {
    STREAMS_MAX = 1000000,
    OTHER_CONNECTIONS = 4096,
    OTHER_WAITERS = 1024,
    OTHER_DESCRIPTORS = 1024,
    CONNECTIONS_MIN = 256,
};

static const struct mr_option options_table[] = {
    SERVICE_OPTIONS,
    SERVICE_INSTANCE_OPTION,
    SERVICE_MEMORY_OPTIONS("128", "32"),
    SERVICE_SECRETS_DIR_OPTION,
    SERVICE_HTTP_OPTIONS("MILLRACE_QUERY_", "8082"),
    {"state-dir",
     "MILLRACE_QUERY_STATE_DIR",
     "DIR",
     ".millrace/state/query-api",
     "where the views are kept"},
    SERVICE_SNAPSHOT_OPTIONS,
    API_CORS_OPTION,
    {"ready-lag", "MILLRACE_READY_LAG", "RECORDS", "10000", "not ready when further behind"},
    {"streams", "MILLRACE_STREAMS", "N", "10000", "requests that may wait for orders at a time"},
    {"streams-per-owner", "MILLRACE_STREAMS_PER_OWNER", "N", "4", "the same, of one caller"},
};

struct query_program {
    struct token_keys *keys;
    int64_t ready_lag;
    int64_t streams;
    int64_t streams_per_owner;
    struct query_api api;
};

static int configure_api(const struct service *service, void *self, struct mr_error *error)
{
    struct query_program *query = self;
    const struct mr_options *options = &service->options;
    const char *secrets = mr_options_text(options, "secrets-dir");
    int rc = mr_options_integer(options, "ready-lag", 0, INT64_MAX, &query->ready_lag, error);
    if (rc == 0)
        rc = mr_options_integer(options, "streams", 1, STREAMS_MAX, &query->streams, error);
    if (rc == 0)
        rc = mr_options_integer(
            options, "streams-per-owner", 1, STREAMS_MAX, &query->streams_per_owner, error);
    if (rc == 0)
        rc = service_bound_memory(service, error);
    return rc ? rc : token_keys_load(secrets, TOKEN_VERIFY | TOKEN_MAC, &query->keys, error);
}

/* As many connections as the streams and all others need, and no more than there are descriptors:
 * one for each connection, and those that RocksDB and the log hold. */
static int64_t bound_connections(const struct query_program *query)
{
    int64_t wanted = query->streams + OTHER_CONNECTIONS;
    int64_t allowed = mr_allow_descriptors(wanted + OTHER_DESCRIPTORS) - OTHER_DESCRIPTORS;
    if (allowed >= wanted)
        return wanted;
    mr_log(
        MR_LOG_WARN,
        "few-descriptors",
        "allowed=%lld wanted=%lld reason=\"raise the hard limit of open files (ulimit -Hn, "
        "LimitNOFILE=), or lower --streams\"",
        (long long)(allowed + OTHER_DESCRIPTORS),
        (long long)(wanted + OTHER_DESCRIPTORS));
    return allowed > CONNECTIONS_MIN ? allowed : CONNECTIONS_MIN;
}

static int start_api(struct service *service, void *self, struct mr_error *error)
{
    struct query_program *query = self;
    struct topo_topology *topology = NULL;
    struct topo_engine_options options = {
        .state_dir = mr_options_text(&service->options, "state-dir")};
    int rc = service_read_snapshots(service, &options, error);
    if (rc == 0)
        rc = shop_views_query_topology(service->registry, &topology, error);
    if (rc == 0)
        rc = service_start_engine(service, "views", topology, &options, error);
    if (rc)
        return rc;
    query_api_init(&query->api, service->engines[0].engine, query->keys);
    query->api.ready_lag_max = query->ready_lag;
    query_streams_init(&query->api.streams, query->streams, query->streams_per_owner);
    struct http_server_options server = {
        .routes = query_routes,
        .routes_count = query_routes_count,
        .origin = api_paths,
        .origin_count = api_operations_count,
        .user = &query->api,
        .connections_max = (unsigned)bound_connections(query),
        .waiters_max = (unsigned)(query->streams + OTHER_WAITERS),
        .cors_origins = mr_options_text(&service->options, "cors-origins"),
    };
    return service_start_http(service, &server, error);
}

static void clean_up(void *self)
{
    struct query_program *query = self;
    token_keys_free(query->keys);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {
        .name = "query-api",
        .purpose = "Serves catalogue, carts and orders, read-only, from views folded out of Kafka.",
        .options = options_table,
        .options_count = sizeof options_table / sizeof options_table[0],
        .configure = configure_api,
        .start = start_api,
        .clean_up = clean_up,
    };
    static struct query_program query;
    return service_main(&spec, &query, argc, argv);
}
