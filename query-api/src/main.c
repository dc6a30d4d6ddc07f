/* main.c - millrace-query-api: folds the views, serves them, stops when told to. */
#include "api.h"

#include <base/log.h>
#include <base/options.h>

#include <http/shop_paths.h>
#include <processors/registry.h>
#include <topology/kafka.h>

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { DRAIN_MS = 5000, LOOK_EVERY_MS = 500 };

static const struct mr_option options_table[] = {
    {"brokers", "MILLRACE_BROKERS", "HOST:PORT", "localhost:9092", "Kafka to read from"},
    {"state-dir",
     "MILLRACE_QUERY_STATE_DIR",
     "DIR",
     ".millrace/state/query",
     "where views are kept"},
    {"secrets-dir", "MILLRACE_SECRETS_DIR", "DIR", ".millrace/secrets", "where the keys are"},
    {"address", "MILLRACE_QUERY_ADDRESS", "IP", "127.0.0.1", "listen here"},
    {"port", "MILLRACE_QUERY_PORT", "PORT", "8082", "listen on this port"},
    {"threads", "MILLRACE_QUERY_THREADS", "N", "2", "threads that serve requests"},
    {"instance", "MILLRACE_INSTANCE", "NAME", "0", "stable name of this instance"},
    {"ready-lag", "MILLRACE_READY_LAG", "RECORDS", "10000", "not ready when further behind"},
    {"block-cache-mb", "MILLRACE_BLOCK_CACHE_MB", "MB", "128", "RocksDB's cache, all views"},
    {"write-buffers-mb", "MILLRACE_WRITE_BUFFERS_MB", "MB", "32", "RocksDB's memtables, all views"},
    {"log-level", "MILLRACE_LOG_LEVEL", "LEVEL", "info", "debug, info, warn or error"},
};
enum { OPTIONS = sizeof options_table / sizeof options_table[0] };

struct program {
    struct mr_options options;
    int64_t port;
    int64_t threads;
    int64_t ready_lag;
    struct codec_registry *registry;
    struct token_keys *keys;
    struct topo_topology *topology;
    struct topo_engine *engine;
    struct topo_kafka_options kafka;
    struct api api;
};

static void log_engine(void *user, int level, const char *event, const char *text)
{
    (void)user;
    mr_log((enum mr_log_level)level, event, "%s", text);
}

static const char *option(const struct program *program, const char *name)
{
    return mr_options_text(&program->options, name);
}

static int bound_memory(const struct mr_options *options, struct mr_error *error)
{
    struct topo_memory bounds = {0};
    int code = mr_options_mebibytes(options, "block-cache-mb", &bounds.block_cache_bytes, error);
    if (code == 0)
        code =
            mr_options_mebibytes(options, "write-buffers-mb", &bounds.write_buffers_bytes, error);
    if (code == 0)
        topo_memory_init(&bounds);
    return code;
}

static int start_views(struct program *program, struct mr_error *error)
{
    program->kafka = (struct topo_kafka_options){
        .brokers = option(program, "brokers"), .client_id = "millrace-query-api"};
    int code = shop_registry_load(
        program->kafka.brokers, program->kafka.client_id, &program->registry, error);
    if (code == 0)
        code = shop_views_query_topology(program->registry, &program->topology, error);
    if (code == 0)
        code = topo_engine_start(
            program->topology,
            &(struct topo_engine_options){
                .instance_id = option(program, "instance"),
                .state_dir = option(program, "state-dir"),
                .workers = 1,
                .io_open = topo_kafka_open,
                .io_user = &program->kafka,
                .on_log = log_engine,
            },
            &program->engine,
            error);
    return code;
}

static int start_server(struct program *program, struct mr_error *error)
{
    api_init(&program->api, program->engine, program->keys);
    program->api.ready_lag_max = program->ready_lag;
    return http_server_start(
        &(struct http_server_options){
            .address = option(program, "address"),
            .port = (uint16_t)program->port,
            .threads = (int)program->threads,
            .routes = api_routes,
            .routes_count = api_routes_count,
            .origin = shop_paths,
            .origin_count = shop_paths_count,
            .user = &program->api,
        },
        &program->api.server,
        error);
}

static int read_numbers(struct program *program, struct mr_error *error)
{
    int code = mr_options_integer(&program->options, "port", 0, 65535, &program->port, error);
    if (code == 0)
        code = mr_options_integer(&program->options, "threads", 1, 64, &program->threads, error);
    if (code == 0)
        code = mr_options_integer(
            &program->options, "ready-lag", 0, INT64_MAX, &program->ready_lag, error);
    if (code == 0)
        code = bound_memory(&program->options, error);
    return code;
}

/* Until a signal (0) or until the engine has failed. */
static int run(struct program *program, const sigset_t *signals, struct mr_error *error)
{
    bool announced = false;
    mr_log(MR_LOG_INFO, "listening", "port=%u", http_server_port(program->api.server));
    for (;;) {
        struct timespec tick = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
        int signal_no = sigtimedwait(signals, NULL, &tick);
        if (signal_no > 0) {
            mr_log(MR_LOG_INFO, "stopping", "signal=%d", signal_no);
            return 0;
        }
        enum topo_engine_state state = topo_engine_state(program->engine, error);
        if (state == TOPO_FAILED)
            return error->code ? error->code : MR_FATAL;
        if (state == TOPO_RUNNING && !announced) {
            announced = true;
            mr_log(MR_LOG_INFO, "ready", "port=%u", http_server_port(program->api.server));
        }
    }
}

static void stop(struct program *program)
{
    if (program->api.server)
        http_server_stop(program->api.server, DRAIN_MS);
    if (program->engine)
        topo_engine_stop(program->engine);
    http_server_free(program->api.server);
    if (program->engine)
        topo_engine_free(program->engine);
    topo_topology_free(program->topology);
    token_keys_free(program->keys);
    codec_registry_free(program->registry);
    mr_options_clean_up(&program->options);
}

static int start_and_run(struct program *program, const sigset_t *signals, struct mr_error *error)
{
    int code = read_numbers(program, error);
    if (code == 0)
        code = token_keys_load(
            option(program, "secrets-dir"), TOKEN_VERIFY | TOKEN_MAC, &program->keys, error);
    if (code == 0)
        code = start_views(program, error);
    if (code == 0)
        code = start_server(program, error);
    if (code == 0)
        code = run(program, signals, error);
    return code;
}

int main(int argc, char **argv)
{
    struct program program = {0};
    struct mr_error error = {0};
    sigset_t signals;
    mr_log_init("query-api", MR_LOG_INFO);
    int code = mr_options_parse(&program.options, options_table, OPTIONS, argc, argv, &error);
    if (code == 0 && program.options.help_wanted) {
        mr_options_print_help(
            options_table,
            OPTIONS,
            "millrace-query-api",
            "[options]",
            "Serves catalogue, carts and orders, read-only, from views folded out of Kafka.");
        mr_options_clean_up(&program.options);
        return EXIT_SUCCESS;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* Before any thread: all inherit it. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (code == 0) {
        mr_log_init("query-api", mr_log_level_of(option(&program, "log-level")));
        code = start_and_run(&program, &signals, &error);
    }
    if (code != 0)
        mr_log(MR_LOG_ERROR, "failed", "error=\"%s\"", error.text);
    stop(&program);
    return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
