/*
 * main.c - millrace-payments: the connector with the simulated provider, until SIGTERM or SIGINT.
 */
#include <base/buffer.h>
#include <base/log.h>
#include <base/options.h>
#include <http/status.h>
#include <payments/connector.h>
#include <payments/simulator.h>
#include <processors/registry.h>
#include <topology/engine.h>
#include <topology/kafka.h>

#include <pthread.h>
#include <signal.h>
#include <time.h>

enum { WATCH_S = 1 };

static const struct mr_option options_table[] = {
    {"brokers", "MILLRACE_BROKERS", "HOST:PORT", "localhost:9092", "Kafka to connect to"},
    {"secrets-dir", "MILLRACE_SECRETS_DIR", "DIR", NULL, "key files (`millrace secrets init`)"},
    {"status-port", NULL, "PORT", "8083", "where /healthz, /readyz and /metrics are"},
    {"instance", NULL, "NAME", "0", "name of this instance; stable over restarts"},
    {"slow-ms", NULL, "MS", "3000", "how long pm_slow takes"},
    {"captures-at-once", NULL, NULL, NULL, "the provider captures when it authorizes"},
    {"log-level", "MILLRACE_LOG_LEVEL", "LEVEL", "info", "debug, info, warn or error"},
};
enum { OPTIONS = sizeof options_table / sizeof options_table[0] };

struct program {
    struct topo_kafka_options kafka;
    struct crypto_key payment_key;
    struct payments_connector connector;
    struct codec_registry *registry;
    struct psp_simulator *simulator;
    struct topo_topology *topology;
    struct topo_engine *engine;
    struct http_status *status;
    const char *instance;
    int64_t status_port;
};

static void on_engine_log(void *user, int level, const char *event, const char *text)
{
    (void)user;
    mr_log((enum mr_log_level)level, event, "%s", text);
}

static int is_ready(void *user, struct mr_buffer *out)
{
    const struct program *program = user;
    topo_engine_status_json(program->engine, out);
    return topo_engine_state(program->engine, NULL) == TOPO_RUNNING;
}

static void metrics(void *user, struct mr_buffer *out)
{
    const struct program *program = user;
    topo_engine_metrics(program->engine, out);
}

static int
configure(struct program *program, const struct mr_options *options, struct mr_error *error)
{
    const char *secrets_dir = mr_options_text(options, "secrets-dir");
    struct psp_simulator_options simulator = {
        .captures_at_once = mr_options_switch(options, "captures-at-once")};
    program->kafka = (struct topo_kafka_options){
        .brokers = mr_options_text(options, "brokers"), .client_id = "payments"};
    program->instance = mr_options_text(options, "instance");
    if (!secrets_dir)
        return mr_fail(error, MR_CONFIG, "--secrets-dir DIR is needed");
    int rc = mr_options_integer(options, "status-port", 0, 65535, &program->status_port, error);
    rc = rc ? rc : mr_options_integer(options, "slow-ms", 1, 3600000, &simulator.slow_ms, error);
    rc = rc ? rc : crypto_key_load(secrets_dir, "payment.key", &program->payment_key, error);
    if (rc == 0)
        program->simulator = psp_simulator_new(&simulator);
    return rc;
}

static int start(struct program *program, struct mr_error *error)
{
    int rc = shop_registry_load(
        program->kafka.brokers, program->kafka.client_id, &program->registry, error);
    if (rc)
        return rc;
    program->connector = (struct payments_connector){
        .registry = program->registry,
        .payment_key = &program->payment_key,
        .psp = psp_simulator_psp(program->simulator),
    };
    struct topo_engine_options engine = {
        .instance_id = program->instance,
        .io_open = topo_kafka_open,
        .io_user = &program->kafka,
        .on_log = on_engine_log,
    };
    rc = payments_connector_topology(&program->connector, &program->topology, error);
    rc = rc ? rc : topo_engine_start(program->topology, &engine, &program->engine, error);
    if (rc)
        return rc;
    struct http_status_options status = {
        .port = (uint16_t)program->status_port,
        .ready = is_ready,
        .metrics = metrics,
        .user = program,
    };
    return http_status_start(&status, &program->status, error);
}

static void stop(struct program *program)
{
    http_status_free(program->status);
    if (program->engine)
        topo_engine_stop(program->engine);
    topo_engine_free(program->engine);
    topo_topology_free(program->topology);
    codec_registry_free(program->registry);
    psp_simulator_free(program->simulator);
}

static int serve(struct program *program, const sigset_t *signals, struct mr_error *error)
{
    for (;;) {
        int number = sigtimedwait(signals, NULL, &(struct timespec){.tv_sec = WATCH_S});
        if (number > 0) {
            mr_log(MR_LOG_INFO, "stopping", "signal=%d", number);
            return 0;
        }
        if (topo_engine_state(program->engine, error) == TOPO_FAILED)
            return MR_FATAL;
    }
}

static int
run(struct program *program,
    const struct mr_options *options,
    const sigset_t *signals,
    struct mr_error *error)
{
    int rc = configure(program, options, error);
    rc = rc ? rc : start(program, error);
    if (rc == 0) {
        mr_log(MR_LOG_INFO, "running", "status_port=%d", (int)program->status_port);
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
    mr_log_init("payments", MR_LOG_INFO);
    if (mr_options_parse(&options, options_table, OPTIONS, argc, argv, &error)) {
        mr_log(MR_LOG_ERROR, "usage", "error=\"%s\"", error.text);
        return 2;
    }
    if (options.help_wanted) {
        mr_options_print_help(
            options_table,
            OPTIONS,
            "millrace-payments",
            "[OPTION]...",
            "Asks the payment provider what payments want to know; the provider is simulated.");
        mr_options_clean_up(&options);
        return 0;
    }
    mr_log_init("payments", mr_log_level_of(mr_options_text(&options, "log-level")));
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int status = run(&program, &options, &signals, &error) ? 1 : 0;
    if (status)
        mr_log(MR_LOG_ERROR, "failed", "error=\"%s\"", error.text);
    mr_options_clean_up(&options);
    return status;
}
