/*
 * driver.c - a topology on the simulated log, in the caller's thread.
 *
 * The engine makes its steps here, one worker after the other, until several rounds in a row have
 * nothing to do. An engine that could not start (a failure was armed) starts at the next run.
 */
#include <topology/driver.h>

#include "engine/engine_impl.h"
#include "engine/worker.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

enum {
    IDLE_ROUNDS = 4, /* Enough for a retry of each kind of call to be seen through. */
    ABORTS_MAX = 50,
};

struct driver_cursor {
    char *topic;
    int32_t partitions;
    int64_t *offsets;
};

struct topo_driver {
    const struct topo_topology *topology;
    struct topo_driver_options options;
    char *state_dir;
    struct topo_sim *sim;
    struct topo_engine *engine; /* NULL: not started yet. */
    struct driver_cursor *cursors;
    size_t cursors_count;
};

static int64_t driver_now_ms(void *user)
{
    return topo_sim_now_ms(user);
}

/* An engine without threads; its stores take their time from the simulated clock. */
static int driver_start(struct topo_driver *driver, struct mr_error *error)
{
    if (driver->engine)
        return 0;
    const struct topo_engine_options options = {
        .state_dir = driver->state_dir,
        .snapshot_dir = driver->options.snapshot_dir,
        .io_open = topo_sim_open,
        .io_user = driver->sim,
        .commit_records_max = driver->options.commit_records_max,
        .on_log = driver->options.on_log,
        .log_user = driver->options.log_user,
        .buffered_bytes_max = driver->options.buffered_bytes_max,
        .max_task_idle_ms = driver->options.max_task_idle_ms,
        .workers = driver->options.workers,
    };
    struct topo_engine *engine = NULL;
    int rc = topo_engine_new(driver->topology, &options, &engine, error);
    if (rc)
        return rc;
    engine->store_now = driver_now_ms;
    engine->store_now_user = driver->sim;
    rc = topo_engine_check(engine, error);
    if (rc) {
        topo_engine_kill(engine);
        topo_engine_free(engine);
        return rc;
    }
    driver->engine = engine;
    return 0;
}

static void driver_create_topics(struct topo_driver *driver)
{
    const struct topo_topology *topology = driver->topology;
    int32_t partitions = driver->options.partitions;
    for (size_t i = 0; i < topology->nodes_count; i++) {
        const struct graph_node *node = topology->nodes[i];
        for (size_t k = 0; k < node->topics.count; k++)
            topo_sim_create_topic(driver->sim, node->topics.items[k], partitions);
        if (node->topic)
            topo_sim_create_topic(driver->sim, node->topic, partitions);
    }
    for (size_t i = 0; i < topology->stores_count; i++)
        if (topology->stores[i]->changelog_topic)
            topo_sim_create_topic(driver->sim, topology->stores[i]->changelog_topic, partitions);
    if (topology->dead_letters)
        topo_sim_create_topic(driver->sim, topology->dead_letters, partitions);
}

struct topo_driver *
topo_driver_new(const struct topo_topology *topology, const struct topo_driver_options *options)
{
    struct topo_driver *driver = mr_calloc(1, sizeof *driver);
    driver->topology = topology;
    if (options)
        driver->options = *options;
    if (driver->options.partitions <= 0)
        driver->options.partitions = 1;
    driver->state_dir = driver->options.state_dir ? mr_strdup(driver->options.state_dir) : NULL;
    driver->sim = topo_sim_new(driver->options.seed);
    if (driver->options.start_ms > 0)
        topo_sim_set_ms(driver->sim, driver->options.start_ms);
    driver_create_topics(driver);
    return driver;
}

static void driver_end(struct topo_driver *driver, bool kill)
{
    if (!driver->engine)
        return;
    if (kill)
        topo_engine_kill(driver->engine);
    else
        topo_engine_stop(driver->engine);
    topo_engine_free(driver->engine);
    driver->engine = NULL;
}

void topo_driver_free(struct topo_driver *driver)
{
    if (!driver)
        return;
    driver_end(driver, true);
    topo_sim_free(driver->sim);
    for (size_t i = 0; i < driver->cursors_count; i++) {
        free(driver->cursors[i].topic);
        free(driver->cursors[i].offsets);
    }
    free(driver->cursors);
    free(driver->state_dir);
    free(driver);
}

struct topo_sim *topo_driver_sim(struct topo_driver *driver)
{
    return driver->sim;
}

struct topo_engine *topo_driver_engine(struct topo_driver *driver)
{
    return driver->engine;
}

int topo_driver_run(struct topo_driver *driver, struct mr_error *error)
{
    int rc = driver_start(driver, error);
    int idle = 0;
    while (!rc && idle < IDLE_ROUNDS) {
        int progress = topo_engine_step(driver->engine, error);
        if (progress < 0)
            return progress;
        struct mr_error why;
        if (topo_engine_state(driver->engine, &why) == TOPO_ENGINE_FAILED)
            return mr_fail(error, why.code, "%s", why.text);
        idle = progress ? 0 : idle + 1;
        if (topo_engine_aborts_in_a_row(driver->engine) > ABORTS_MAX)
            return mr_fail(error, MR_FATAL, "%d aborts in a row", ABORTS_MAX);
    }
    return rc;
}

int topo_driver_pipe(
    struct topo_driver *driver,
    const char *topic,
    struct mr_bytes key,
    struct mr_bytes value,
    struct mr_error *error)
{
    const struct topo_output output = {.key = key, .value = value};
    topo_sim_append(driver->sim, topic, -1, &output);
    return topo_driver_run(driver, error);
}

int topo_driver_advance_ms(struct topo_driver *driver, int64_t ms, struct mr_error *error)
{
    topo_sim_advance_ms(driver->sim, ms);
    return topo_driver_run(driver, error);
}

static struct driver_cursor *driver_cursor_of(struct topo_driver *driver, const char *topic)
{
    for (size_t i = 0; i < driver->cursors_count; i++)
        if (strcmp(driver->cursors[i].topic, topic) == 0)
            return &driver->cursors[i];
    int32_t partitions = topo_sim_partitions(driver->sim, topic);
    assert(partitions > 0);
    driver->cursors =
        mr_realloc(driver->cursors, (driver->cursors_count + 1) * sizeof *driver->cursors);
    struct driver_cursor *cursor = &driver->cursors[driver->cursors_count++];
    cursor->topic = mr_strdup(topic);
    cursor->partitions = partitions;
    cursor->offsets = mr_calloc((size_t)partitions, sizeof *cursor->offsets);
    return cursor;
}

bool topo_driver_read(struct topo_driver *driver, const char *topic, struct topo_record *ret_record)
{
    struct driver_cursor *cursor = driver_cursor_of(driver, topic);
    for (int32_t p = 0; p < cursor->partitions; p++)
        if (topo_sim_read(driver->sim, topic, p, &cursor->offsets[p], ret_record))
            return true;
    return false;
}

struct topo_store *
topo_driver_store(struct topo_driver *driver, const char *store, int32_t partition)
{
    if (!driver->engine)
        return NULL;
    if (partition < 0)
        return (struct topo_store *)topo_engine_global(driver->engine, store);
    for (size_t w = 0; w < driver->engine->workers_count; w++) {
        const struct worker *worker = driver->engine->workers[w];
        for (size_t i = 0; i < worker->tasks_count; i++) {
            const struct task *task = worker->tasks[i];
            for (size_t k = 0; k < task->sub->stores_count; k++)
                if (task->partition == partition && task->state == TASK_RUNNING &&
                    strcmp(task->sub->stores[k]->name, store) == 0)
                    return task->stores[k];
        }
    }
    return NULL;
}

int topo_driver_restart(struct topo_driver *driver, struct mr_error *error)
{
    driver_end(driver, false);
    return topo_driver_run(driver, error);
}

int topo_driver_crash(struct topo_driver *driver, struct mr_error *error)
{
    topo_sim_kill(driver->sim, "0");
    driver_end(driver, true);
    return topo_driver_run(driver, error);
}
