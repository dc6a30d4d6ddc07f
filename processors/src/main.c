/*
 * main.c - millrace-processors: the write side. Runs all services or the named ones, each an engine
 * of its own, so that each scales by itself; stops when told to.
 */
#include <processors/registry.h>
#include <processors/shop.h>

#include <base/log.h>
#include <base/options.h>
#include <http/status.h>
#include <topology/kafka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_EVERY_MS = 500 };

static const struct mr_option options_table[] = {
    {"brokers", "MILLRACE_BROKERS", "HOST:PORT", "localhost:9092", "Kafka to work on"},
    {"state-dir",
     "MILLRACE_PROCESSORS_STATE_DIR",
     "DIR",
     ".millrace/state/processors",
     "where stores are kept"},
    {"instance", "MILLRACE_INSTANCE", "NAME", "0", "stable name of this instance"},
    {"only", "MILLRACE_ONLY", "A,B", NULL, "identity, catalog, sales, payments; default: all"},
    {"workers", "MILLRACE_WORKERS", "N", "1", "worker threads per service"},
    {"status-port", "MILLRACE_STATUS_PORT", "PORT", "8083", "/healthz, /readyz, /metrics"},
    {"line-quantity-max", "MILLRACE_LINE_QUANTITY_MAX", "N", "1000000", "units per cart line"},
    {"cart-lines-max", "MILLRACE_CART_LINES_MAX", "N", "5000", "lines per cart"},
    {"payment-attempts-max", "MILLRACE_PAYMENT_ATTEMPTS_MAX", "N", "5", "payments per order"},
    {"pay-deadline-s", "MILLRACE_PAY_DEADLINE_S", "S", "900", "an unpaid order is given up after"},
    {"psp", "MILLRACE_PSP", "NAME", "simulator", "payment provider of new payments"},
    {"psp-without-intents", NULL, NULL, NULL, "it cannot void what it has not heard of"},
    {"psp-captures-at-once", NULL, NULL, NULL, "it captures when it authorizes"},
    {"block-cache-mb", "MILLRACE_BLOCK_CACHE_MB", "MB", "128", "RocksDB's cache, all stores"},
    {"write-buffers-mb",
     "MILLRACE_WRITE_BUFFERS_MB",
     "MB",
     "64",
     "RocksDB's memtables, all stores"},
    {"log-level", "MILLRACE_LOG_LEVEL", "LEVEL", "info", "debug, info, warn or error"},
};
enum { OPTIONS = sizeof options_table / sizeof options_table[0] };

struct running {
    const char *name;
    struct topo_topology *topology;
    struct topo_engine *engine;
};

struct program {
    struct mr_options options;
    struct topo_kafka_options kafka;
    struct codec_registry *registry;
    struct shop_service service;
    int64_t workers, status_port;
    struct running running[SHOP_SERVICES];
    size_t running_count;
    struct http_status *status;
};

static const char *option(const struct program *program, const char *name)
{
    return mr_options_text(&program->options, name);
}

static void log_engine(void *user, int level, const char *event, const char *text)
{
    const struct running *running = user;
    mr_log((enum mr_log_level)level, event, "service=%s %s", running->name, text);
}

/* -- configuration -- */

static int read_limits(struct program *program, struct mr_error *error)
{
    const struct mr_options *options = &program->options;
    struct shop_limits *limits = &program->service.limits;
    int64_t quantity = 0, lines = 0, attempts = 0, deadline_s = 0;
    *limits = shop_limits_default();
    int code = mr_options_integer(options, "line-quantity-max", 1, INT32_MAX, &quantity, error);
    if (code == 0)
        code =
            mr_options_integer(options, "cart-lines-max", 1, SHOP_CART_LINES_LIMIT, &lines, error);
    if (code == 0)
        code = mr_options_integer(options, "payment-attempts-max", 1, 100, &attempts, error);
    if (code == 0)
        code = mr_options_integer(options, "pay-deadline-s", 1, 86400, &deadline_s, error);
    limits->line_quantity_max = (int32_t)quantity;
    limits->cart_lines_max = (int32_t)lines;
    limits->payment_attempts_max = (int32_t)attempts;
    limits->pay_deadline_ms = deadline_s * 1000;
    limits->psp = mr_options_text(options, "psp");
    limits->psp_has_intents = !mr_options_switch(options, "psp-without-intents");
    limits->psp_captures_at_once = mr_options_switch(options, "psp-captures-at-once");
    return code;
}

static int select_service(struct program *program, struct mr_bytes name, struct mr_error *error)
{
    for (size_t i = 0; i < SHOP_SERVICES; i++) {
        if (!mr_bytes_equal(name, mr_cstr(shop_services[i].name)))
            continue;
        for (size_t k = 0; k < program->running_count; k++)
            if (program->running[k].name == shop_services[i].name)
                return 0;
        program->running[program->running_count++].name = shop_services[i].name;
        return 0;
    }
    return mr_fail(
        error,
        MR_CONFIG,
        "--only: there is no service \"%.*s\"; there are identity, catalog, sales and payments",
        MR_ARG(name));
}

static int select_services(struct program *program, struct mr_error *error)
{
    const char *only = option(program, "only");
    const char *at = only ? only : "identity,catalog,sales,payments";
    int code = 0;
    while (code == 0 && *at) {
        size_t len = strcspn(at, ",");
        code = select_service(program, mr_bytes_of(at, len), error);
        at += len + (at[len] == ',');
    }
    if (code == 0 && program->running_count == 0)
        return mr_fail(error, MR_CONFIG, "--only names no service");
    return code;
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

static int configure(struct program *program, struct mr_error *error)
{
    program->kafka = (struct topo_kafka_options){
        .brokers = option(program, "brokers"), .client_id = "millrace-processors"};
    int code = read_limits(program, error);
    if (code == 0)
        code = bound_memory(&program->options, error);
    if (code == 0)
        code = mr_options_integer(&program->options, "workers", 1, 64, &program->workers, error);
    if (code == 0)
        code = mr_options_integer(
            &program->options, "status-port", 0, 65535, &program->status_port, error);
    if (code == 0)
        code = select_services(program, error);
    return code;
}

/* -- running -- */

static shop_topology_fn *make_of(const char *name)
{
    size_t i = 0;
    while (shop_services[i].name != name)
        i++;
    return shop_services[i].make;
}

static int start_service(struct program *program, struct running *running, struct mr_error *error)
{
    int code = make_of(running->name)(&program->service, &running->topology, error);
    if (code)
        return code;
    struct topo_engine_options options = {
        .instance_id = option(program, "instance"),
        .state_dir = option(program, "state-dir"),
        .workers = (int)program->workers,
        .io_open = topo_kafka_open,
        .io_user = &program->kafka,
        .on_log = log_engine,
        .log_user = running,
    };
    return topo_engine_start(running->topology, &options, &running->engine, error);
}

static int is_ready(void *user, struct mr_buffer *out)
{
    const struct program *program = user;
    int ready = 1;
    mr_buffer_add_byte(out, '{');
    for (size_t i = 0; i < program->running_count; i++) {
        const struct running *running = &program->running[i];
        mr_buffer_printf(out, "%s\"%s\":", i ? "," : "", running->name);
        topo_engine_status_json(running->engine, out);
        ready &= topo_engine_state(running->engine, NULL) == TOPO_RUNNING;
    }
    mr_buffer_add_byte(out, '}');
    return ready;
}

static void metrics(void *user, struct mr_buffer *out)
{
    const struct program *program = user;
    for (size_t i = 0; i < program->running_count; i++)
        topo_engine_metrics(program->running[i].engine, out);
}

static int start(struct program *program, struct mr_error *error)
{
    int code = shop_registry_load(
        program->kafka.brokers, program->kafka.client_id, &program->registry, error);
    program->service.registry = program->registry;
    for (size_t i = 0; code == 0 && i < program->running_count; i++)
        code = start_service(program, &program->running[i], error);
    if (code)
        return code;
    struct http_status_options status = {
        .port = (uint16_t)program->status_port,
        .ready = is_ready,
        .metrics = metrics,
        .user = program,
    };
    return http_status_start(&status, &program->status, error);
}

static bool all_running(const struct program *program)
{
    for (size_t i = 0; i < program->running_count; i++)
        if (topo_engine_state(program->running[i].engine, NULL) != TOPO_RUNNING)
            return false;
    return true;
}

/* Until a signal (0) or until an engine has failed. */
static int run(struct program *program, const sigset_t *signals, struct mr_error *error)
{
    bool announced = false;
    unsigned port = http_status_port(program->status);
    mr_log(MR_LOG_INFO, "listening", "status_port=%u", port);
    for (;;) {
        struct timespec tick = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
        int number = sigtimedwait(signals, NULL, &tick);
        if (number > 0) {
            mr_log(MR_LOG_INFO, "stopping", "signal=%d", number);
            return 0;
        }
        for (size_t i = 0; i < program->running_count; i++)
            if (topo_engine_state(program->running[i].engine, error) == TOPO_FAILED)
                return MR_FATAL;
        if (!announced && all_running(program)) {
            announced = true;
            mr_log(MR_LOG_INFO, "ready", "status_port=%u", port);
        }
    }
}

static void stop(struct program *program)
{
    http_status_free(program->status);
    for (size_t i = 0; i < program->running_count; i++) {
        struct running *running = &program->running[i];
        if (running->engine) {
            topo_engine_stop(running->engine);
            topo_engine_free(running->engine);
        }
        topo_topology_free(running->topology);
    }
    codec_registry_free(program->registry);
    mr_options_clean_up(&program->options);
}

static int work_until_told(struct program *program, struct mr_error *error)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* Before any thread: all inherit it. */
    (void)signal(SIGPIPE, SIG_IGN);
    int code = configure(program, error);
    if (code == 0)
        code = start(program, error);
    if (code == 0)
        code = run(program, &signals, error);
    return code;
}

int main(int argc, char **argv)
{
    struct program program = {0};
    struct mr_error error = {0};
    mr_log_init("processors", MR_LOG_INFO);
    int code = mr_options_parse(&program.options, options_table, OPTIONS, argc, argv, &error);
    if (code == 0 && program.options.help_wanted) {
        mr_options_print_help(
            options_table,
            OPTIONS,
            "millrace-processors",
            "[options]",
            "Decides commands and folds events: the write side of the shop.");
        mr_options_clean_up(&program.options);
        return EXIT_SUCCESS;
    }
    if (code == 0) {
        mr_log_init("processors", mr_log_level_of(option(&program, "log-level")));
        code = work_until_told(&program, &error);
    }
    if (code != 0)
        mr_log(MR_LOG_ERROR, "failed", "error=\"%s\"", error.text);
    stop(&program);
    return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
