/* service.c - the life of a program, from its options to its exit code. */
#include <service/service.h>

#include <base/descriptors.h>
#include <base/log.h>
#include <http/status.h>
#include <service/registry.h>

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CHECK_EVERY_MS = 500 };
enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Called before the first thread starts, so that all inherit the mask. */
static void service_block_signals(sigset_t *ret_signals)
{
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGTERM);
    sigaddset(ret_signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Counts the engines that run; an error when an engine or another part has failed. */
static int
service_check_parts(const struct service *service, size_t *ret_running, struct mr_error *error)
{
    size_t running = 0;
    for (size_t i = 0; i < service->engines_count; i++) {
        enum topo_engine_state state = topo_engine_state(service->engines[i].engine, error);
        if (state == TOPO_ENGINE_FAILED)
            return MR_FATAL;
        running += state == TOPO_ENGINE_RUNNING;
    }
    const struct service_spec *spec = service->spec;
    if (spec->has_failed && spec->has_failed(service->self, error))
        return MR_FATAL;
    *ret_running = running;
    return 0;
}

/* Logs once when an engine hangs, and once when it goes on. */
static void service_watch_engines(const struct service *service, bool *live)
{
    struct mr_error why = {0};
    bool all = true;
    for (size_t i = 0; i < service->engines_count && all; i++)
        all = topo_engine_is_live(service->engines[i].engine, &why);
    if (all != *live)
        mr_log(
            all ? MR_LOG_INFO : MR_LOG_ERROR, all ? "goes-on" : "stuck", "error=\"%s\"", why.text);
    *live = all;
}

static int service_wait_for_signal(
    const struct service *service, const sigset_t *signals, struct mr_error *error)
{
    bool announced = false;
    bool live = true;
    for (;;) {
        size_t running = 0;
        int rc = service_check_parts(service, &running, error);
        if (rc)
            return rc;
        if (!announced && running == service->engines_count) {
            announced = true;
            mr_log(MR_LOG_INFO, "ready", "engines=%zu", running);
        }
        service_watch_engines(service, &live);
        struct timespec tick = {.tv_nsec = CHECK_EVERY_MS * 1000000L};
        int number = sigtimedwait(signals, NULL, &tick);
        if (number > 0) {
            mr_log(MR_LOG_INFO, "stopping", "signal=%d", number);
            return 0;
        }
    }
}

/* In the order that service.h promises. */
static void service_stop_parts(struct service *service)
{
    const struct service_spec *spec = service->spec;
    if (service->server)
        http_server_stop(service->server, SERVICE_DRAIN_MS);
    http_status_free(service->status);
    if (spec->stop)
        spec->stop(service->self);
    bool stopped = true;
    for (size_t i = 0; i < service->engines_count; i++)
        if (service->engines[i].engine)
            stopped = topo_engine_stop(service->engines[i].engine) && stopped;
    if (!stopped)
        _exit(EXIT_FAILED);            /* A thread hangs in it: nothing can be freed. */
    http_server_free(service->server); /* No engine wakes its requests any more. */
    for (size_t i = 0; i < service->engines_count; i++) {
        topo_engine_free(service->engines[i].engine);
        topo_topology_free(service->engines[i].topology);
    }
    if (spec->clean_up)
        spec->clean_up(service->self);
    codec_registry_free(service->registry);
}

static int service_run(struct service *service, struct mr_error *error)
{
    const struct mr_options *options = &service->options;
    sigset_t signals;
    mr_log_init(service->spec->name, mr_log_level_of(mr_options_text(options, "log-level")));
    service_block_signals(&signals);
    service->kafka = (struct topo_kafka_options){
        .brokers = mr_options_text(options, "brokers"),
        .client_id = service->executable,
        .config_file = mr_options_text(options, "kafka-config"),
    };
    int rc = service->spec->configure(service, service->self, error);
    if (rc == 0)
        rc = shop_registry_load(&service->kafka, &service->registry, error);
    if (rc == 0)
        rc = service->spec->start(service, service->self, error);
    if (rc == 0)
        rc = service_wait_for_signal(service, &signals, error);
    service_stop_parts(service);
    return rc;
}

/* --help, --version, or the program itself. */
static int service_follow_options(struct service *service, struct mr_error *error)
{
    const struct service_spec *spec = service->spec;
    const struct mr_options *options = &service->options;
    if (options->operands_count)
        return mr_fail(error, MR_CONFIG, "this program takes no operands; see --help");
    if (!options->help_wanted && !options->version_wanted)
        return service_run(service, error);
    if (options->help_wanted)
        mr_options_print_help(
            spec->options, spec->options_count, service->executable, "[OPTION]...", spec->purpose);
    else
        mr_options_print_version(service->executable);
    return 0;
}

/* Keys, passwords and addresses are in our memory: no core file shall hold them, no other program
 * of the same user read them, and nothing we execute gain rights that we do not have. */
static void service_harden_process(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int service_main(const struct service_spec *spec, void *self, int argc, char **argv)
{
    assert(spec && spec->name && spec->purpose && spec->configure && spec->start);
    struct service service = {.spec = spec, .self = self};
    struct mr_error error = {.text = "failed"};
    mr_open_standard_descriptors();
    service_harden_process();
    mr_log_init(spec->name, MR_LOG_INFO);
    (void)snprintf(service.executable, sizeof service.executable, "millrace-%s", spec->name);
    int rc =
        mr_options_parse(&service.options, spec->options, spec->options_count, argc, argv, &error);
    if (rc == 0) {
        rc = service_follow_options(&service, &error);
        mr_options_clean_up(&service.options);
    }
    if (rc == 0)
        return EXIT_STOPPED;
    mr_log(MR_LOG_ERROR, "failed", "error=\"%s\"", error.text);
    return rc == MR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}
