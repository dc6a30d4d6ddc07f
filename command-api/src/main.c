/*
 * main.c - millrace-command-api: the write side of the shop over HTTP. Starts its parts in the
 * order in which they need each other, serves until SIGTERM or SIGINT, and stops them in reverse.
 */
#include "api.h"

#include <base/log.h>
#include <base/options.h>
#include <http/shop_paths.h>
#include <processors/registry.h>
#include <processors/views.h>
#include <topology/kafka.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN_MS = 5000, WATCH_S = 1 };

static const struct mr_option options_table[] = {
    {"brokers", "MILLRACE_BROKERS", "HOST:PORT", "localhost:9092", "Kafka to connect to"},
    {"state-dir", "MILLRACE_STATE_DIR", "DIR", NULL, "where the folded views are kept"},
    {"secrets-dir", "MILLRACE_SECRETS_DIR", "DIR", NULL, "key files (`millrace secrets init`)"},
    {"address", NULL, "ADDRESS", "127.0.0.1", "where to listen"},
    {"port", NULL, "PORT", "8081", "where to listen"},
    {"instance", NULL, "N", "0", "number of this instance: its partition of gateway.replies"},
    {"hash-workers", NULL, "N", "0", "threads that hash passwords (0: one per core)"},
    {"threads", NULL, "N", "2", "threads that serve HTTP"},
    {"log-level", "MILLRACE_LOG_LEVEL", "LEVEL", "info", "debug, info, warn or error"},
};
enum { OPTIONS = sizeof options_table / sizeof options_table[0] };

struct program {
    struct api api;
    struct codec_registry *registry;
    struct topo_topology *views;
    struct topo_kafka_options kafka;
    const char *state_dir;
    const char *secrets_dir;
    const char *address;
    int64_t port;
    int64_t instance;
    int64_t hash_workers;
    int64_t threads;
};

static int
read_options(struct program *program, const struct mr_options *options, struct mr_error *error)
{
    program->kafka = (struct topo_kafka_options){
        .brokers = mr_options_text(options, "brokers"), .client_id = "command-api"};
    program->state_dir = mr_options_text(options, "state-dir");
    program->secrets_dir = mr_options_text(options, "secrets-dir");
    program->address = mr_options_text(options, "address");
    if (!program->state_dir || !program->secrets_dir)
        return mr_fail(error, MR_CONFIG, "--state-dir DIR and --secrets-dir DIR are needed");
    int rc = mr_options_integer(options, "port", 0, 65535, &program->port, error);
    rc = rc ? rc : mr_options_integer(options, "instance", 0, 1023, &program->instance, error);
    rc =
        rc ? rc : mr_options_integer(options, "hash-workers", 0, 64, &program->hash_workers, error);
    rc = rc ? rc : mr_options_integer(options, "threads", 1, 64, &program->threads, error);
    if (program->hash_workers == 0)
        program->hash_workers = sysconf(_SC_NPROCESSORS_ONLN);
    return rc;
}

static int load_secrets(struct program *program, struct mr_error *error)
{
    struct api *api = &program->api;
    const char *dir = program->secrets_dir;
    int rc = token_keys_load(dir, TOKEN_SIGN | TOKEN_VERIFY | TOKEN_MAC, &api->tokens, error);
    rc = rc ? rc : crypto_key_load(dir, "email_hmac.key", &api->email_hmac, error);
    rc = rc ? rc : crypto_key_load(dir, "kek.key", &api->kek, error);
    rc = rc ? rc : crypto_key_load(dir, "credential.key", &api->credential, error);
    return rc ? rc : crypto_key_load(dir, "payment.key", &api->payment, error);
}

static void on_engine_log(void *user, int level, const char *event, const char *text)
{
    (void)user;
    mr_log((enum mr_log_level)level, event, "%s", text);
}

static int start_views(struct program *program, struct mr_error *error)
{
    struct api *api = &program->api;
    char instance[16];
    snprintf(instance, sizeof instance, "%" PRId64, program->instance);
    struct topo_engine_options options = {
        .instance_id = instance,
        .state_dir = program->state_dir,
        .io_open = topo_kafka_open,
        .io_user = &program->kafka,
        .on_log = on_engine_log,
    };
    int rc = shop_views_command_topology(program->registry, &program->views, error);
    rc = rc ? rc : topo_engine_start(program->views, &options, &api->engine, error);
    if (rc)
        return rc;
    api->outcomes = topo_engine_global(api->engine, VIEW_OUTCOMES);
    api->claims = topo_engine_global(api->engine, VIEW_CLAIMS);
    api->credentials = topo_engine_global(api->engine, VIEW_CREDENTIALS);
    return 0;
}

static int start_server(struct program *program, struct mr_error *error)
{
    struct http_server_options options = {
        .address = program->address,
        .port = (uint16_t)program->port,
        .threads = (int)program->threads,
        .routes = api_routes,
        .routes_count = api_routes_count,
        .origin = shop_paths,
        .origin_count = shop_paths_count,
        .user = &program->api,
    };
    return http_server_start(&options, &program->api.server, error);
}

static int start(struct program *program, struct mr_error *error)
{
    struct api *api = &program->api;
    int rc = load_secrets(program, error);
    rc = rc ? rc
            : shop_registry_load(
                  program->kafka.brokers, program->kafka.client_id, &program->registry, error);
    if (rc)
        return rc;
    api->registry = program->registry;
    api->instance = (int32_t)program->instance;
    api->delays = login_delay_new();
    struct gateway_options gateway = {
        .brokers = program->kafka.brokers,
        .reply_partition = api->instance,
        .registry = api->registry,
    };
    rc = gateway_start(&gateway, &api->gateway, error);
    rc = rc ? rc : hash_pool_start((int)program->hash_workers, &api->pool, error);
    rc = rc ? rc : start_views(program, error);
    return rc ? rc : start_server(program, error);
}

static void stop(struct program *program)
{
    struct api *api = &program->api;
    if (api->server)
        http_server_stop(api->server, DRAIN_MS);
    hash_pool_stop(api->pool);
    gateway_stop(api->gateway);
    if (api->engine)
        topo_engine_stop(api->engine);
    http_server_free(api->server);
    topo_engine_free(api->engine);
    topo_topology_free(program->views);
    codec_registry_free(program->registry);
    token_keys_free(api->tokens);
    login_delay_free(api->delays);
}

/* Until a signal asks to stop (0) or the views have failed. */
static int serve(struct program *program, const sigset_t *signals, struct mr_error *error)
{
    for (;;) {
        int number = sigtimedwait(signals, NULL, &(struct timespec){.tv_sec = WATCH_S});
        if (number > 0) {
            mr_log(MR_LOG_INFO, "stopping", "signal=%d", number);
            return 0;
        }
        if (topo_engine_state(program->api.engine, error) == TOPO_FAILED ||
            gateway_has_failed(program->api.gateway, error))
            return MR_FATAL;
    }
}

static int run(struct program *program, const sigset_t *signals, struct mr_error *error)
{
    int rc = start(program, error);
    if (rc == 0) {
        mr_log(
            MR_LOG_INFO,
            "listening",
            "address=%s port=%d instance=%" PRId64,
            program->address,
            http_server_port(program->api.server),
            program->instance);
        rc = serve(program, signals, error);
    }
    stop(program);
    return rc;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct mr_options options;
    struct mr_error error = {.text = "failed"};
    sigset_t signals;
    mr_log_init("command-api", MR_LOG_INFO);
    if (mr_options_parse(&options, options_table, OPTIONS, argc, argv, &error)) {
        mr_log(MR_LOG_ERROR, "usage", "error=\"%s\"", error.text);
        return 2;
    }
    if (options.help_wanted) {
        mr_options_print_help(
            options_table,
            OPTIONS,
            "millrace-command-api",
            "[OPTION]...",
            "The write side of the shop over HTTP.");
        mr_options_clean_up(&options);
        return 0;
    }
    mr_log_init("command-api", mr_log_level_of(mr_options_text(&options, "log-level")));
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int rc = read_options(&program, &options, &error);
    int status = rc ? 2 : 0;
    if (rc == 0 && run(&program, &signals, &error))
        status = 1;
    if (status)
        mr_log(MR_LOG_ERROR, "failed", "error=\"%s\"", error.text);
    mr_options_clean_up(&options);
    return status;
}
