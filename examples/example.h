/*
 * example.h - what the examples share: a topology in this process without Kafka, or on Kafka.
 *
 * With no argument run_on_driver runs it. With HOST:PORT [DIR] it runs on Kafka until Ctrl-C or
 * SIGTERM, and its state is in DIR, or in memory only and restored from Kafka at each start.
 */
#ifndef EXAMPLES_EXAMPLE_H
#define EXAMPLES_EXAMPLE_H

#include <topology/aggregate.h>
#include <topology/driver.h>
#include <topology/engine.h>
#include <topology/kafka.h>

#include <signal.h>
#include <stdio.h>
#include <time.h>

static volatile sig_atomic_t example_interrupted;

static inline void example_interrupt(int signal)
{
    (void)signal;
    example_interrupted = 1;
}

static inline void example_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level;
    fprintf(stderr, "%s %s\n", event, text);
}

typedef int example_make_fn(struct topo_topology **ret_topology, struct mr_error *error);
typedef int example_driver_fn(struct topo_driver *driver, struct mr_error *error);
typedef void example_serve_fn(struct topo_engine *engine);

/* Sends values with one key, each in a run of its own. */
static inline int example_pipe(struct topo_driver *driver, const char *topic, const char *key,
    const char *const *values, struct mr_error *error)
{
    int rc = 0;
    for (; *values && !rc; values++)
        rc = topo_driver_pipe(driver, topic, mr_cstr(key), mr_cstr(*values), error);
    return rc;
}

/* Prints what a topic got since the last call. */
static inline void example_print(struct topo_driver *driver, const char *topic)
{
    struct topo_record record;
    while (topo_driver_read(driver, topic, &record))
        printf("%.*s %.*s\n", MR_ARG(record.key), MR_ARG(record.value));
}

/* The engine has threads of its own; this one only waits. `serve` (may be NULL) is called again and
 * again. */
static inline int example_run_on_kafka(const struct topo_topology *topology, const char *name,
    const char *brokers, const char *state_dir, example_serve_fn *serve, struct mr_error *error)
{
    struct topo_kafka_options kafka = {.brokers = brokers, .client_id = name};
    struct topo_engine_options options = {.state_dir = state_dir};
    struct topo_engine *engine = NULL;
    options.io_open = topo_kafka_open;
    options.io_user = &kafka;
    options.on_log = example_log;
    signal(SIGINT, example_interrupt);
    signal(SIGTERM, example_interrupt);
    int rc = topo_engine_create_topics(topology, &kafka, NULL, error);
    if (!rc)
        rc = topo_engine_start(topology, &options, &engine, error);
    while (!rc && !example_interrupted) {
        const struct timespec tenth = {.tv_nsec = 100 * 1000 * 1000};
        nanosleep(&tenth, NULL);
        if (serve)
            serve(engine);
        if (topo_engine_state(engine, error) == TOPO_ENGINE_FAILED)
            rc = error->code;
    }
    topo_engine_stop(engine); /* Commits what is in hand and flushes the stores. */
    topo_engine_free(engine);
    return rc;
}

static inline int example_main(int argc, char **argv, const char *name, example_make_fn *make,
    example_driver_fn *run_on_driver, example_serve_fn *serve)
{
    struct topo_topology *topology = NULL;
    struct topo_driver *driver = NULL;
    struct mr_error error = {.code = 0};
    int rc = make(&topology, &error);
    if (!rc && argc > 1) {
        rc = example_run_on_kafka(topology, name, argv[1], argv[2], serve, &error);
    } else if (!rc) {
        driver = topo_driver_new(topology, NULL);
        rc = run_on_driver(driver, &error);
    }
    if (rc)
        fprintf(stderr, "%s: %s\n", name, error.text);
    topo_driver_free(driver);
    topo_topology_free(topology);
    return rc ? 1 : 0;
}

#endif
