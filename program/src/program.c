/* program.c - the life of a program, from its options to its exit code. */
#include <program/program.h>

#include <base/log.h>
#include <http/status.h>
#include <program/registry.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { LOOK_EVERY_MS = 500 };
enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Before any thread: all inherit it. */
static void block_signals(sigset_t *ret_signals)
{
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGTERM);
    sigaddset(ret_signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* The number of engines that run; an error when one of them or of the other parts has failed. */
static int look(const struct program *program, size_t *ret_running, struct mr_error *error)
{
    size_t running = 0;
    for (size_t i = 0; i < program->engines_count; i++) {
        enum topo_engine_state state = topo_engine_state(program->engines[i].engine, error);
        if (state == TOPO_FAILED)
            return MR_FATAL;
        running += state == TOPO_RUNNING;
    }
    const struct program_spec *spec = program->spec;
    if (spec->has_failed && spec->has_failed(program->self, error))
        return MR_FATAL;
    *ret_running = running;
    return 0;
}

static int
serve_until_told(const struct program *program, const sigset_t *signals, struct mr_error *error)
{
    bool announced = false;
    for (;;) {
        size_t running = 0;
        int code = look(program, &running, error);
        if (code)
            return code;
        if (!announced && running == program->engines_count) {
            announced = true;
            mr_log(MR_LOG_INFO, "ready", "engines=%zu", running);
        }
        struct timespec tick = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
        int number = sigtimedwait(signals, NULL, &tick);
        if (number > 0) {
            mr_log(MR_LOG_INFO, "stopping", "signal=%d", number);
            return 0;
        }
    }
}

static void stop(struct program *program)
{
    const struct program_spec *spec = program->spec;
    if (program->server)
        http_server_stop(program->server, PROGRAM_DRAIN_MS);
    http_status_free(program->status);
    if (spec->stop)
        spec->stop(program->self);
    for (size_t i = 0; i < program->engines_count; i++)
        if (program->engines[i].engine)
            topo_engine_stop(program->engines[i].engine);
    http_server_free(program->server); /* Now that no engine wakes its requests any more. */
    for (size_t i = 0; i < program->engines_count; i++) {
        topo_engine_free(program->engines[i].engine);
        topo_topology_free(program->engines[i].topology);
    }
    if (spec->clean_up)
        spec->clean_up(program->self);
    codec_registry_free(program->registry);
}

static int run(struct program *program, struct mr_error *error)
{
    const struct mr_options *options = &program->options;
    sigset_t signals;
    mr_log_init(program->spec->name, mr_log_level_of(mr_options_text(options, "log-level")));
    block_signals(&signals);
    program->kafka = (struct topo_kafka_options){
        .brokers = mr_options_text(options, "brokers"), .client_id = program->executable};
    int code = program->spec->configure(program, program->self, error);
    if (code == 0)
        code = shop_registry_load(
            program->kafka.brokers, program->kafka.client_id, &program->registry, error);
    if (code == 0)
        code = program->spec->start(program, program->self, error);
    if (code == 0)
        code = serve_until_told(program, &signals, error);
    stop(program);
    return code;
}

/* Does what the options say. */
static int obey(struct program *program, struct mr_error *error)
{
    const struct program_spec *spec = program->spec;
    const struct mr_options *options = &program->options;
    if (options->operands_count)
        return mr_fail(error, MR_CONFIG, "it takes no operands; see --help");
    if (!options->help_wanted && !options->version_wanted)
        return run(program, error);
    if (options->help_wanted)
        mr_options_print_help(
            spec->options, spec->options_count, program->executable, "[OPTION]...", spec->purpose);
    else
        mr_options_print_version(program->executable);
    return 0;
}

int program_main(const struct program_spec *spec, void *self, int argc, char **argv)
{
    struct program program = {.spec = spec, .self = self};
    struct mr_error error = {.text = "failed"};
    mr_log_init(spec->name, MR_LOG_INFO);
    (void)snprintf(program.executable, sizeof program.executable, "millrace-%s", spec->name);
    int code =
        mr_options_parse(&program.options, spec->options, spec->options_count, argc, argv, &error);
    if (code == 0) {
        code = obey(&program, &error);
        mr_options_clean_up(&program.options);
    }
    if (code == 0)
        return EXIT_STOPPED;
    mr_log(MR_LOG_ERROR, "failed", "error=\"%s\"", error.text);
    return code == MR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}
