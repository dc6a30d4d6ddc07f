/* world.c - opening, stepping, reading and closing the world of a test. */
#include "world.h"

#include <tests/cmocka.h>

#include "engine/engine_impl.h"

#include <base/alloc.h>

#include <stdio.h>
#include <stdlib.h>

struct topo_topology *world_build(struct topo_builder *builder)
{
    struct topo_topology *topology = NULL;
    struct mr_error error = {0};
    if (topo_build(builder, &topology, &error))
        fail_msg("%s", error.text);
    return topology;
}

static char *world_make_dir(void)
{
    char *dir = mr_strdup("/tmp/millrace-world-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static struct world
world_open_in(struct topo_topology *topology, const struct topo_driver_options *options, char *dir)
{
    struct topo_driver_options own = options ? *options : (struct topo_driver_options){0};
    struct world world = {.topology = topology, .dir = dir, .seed = own.seed};
    if (dir)
        own.state_dir = dir;
    world.driver = topo_driver_new(topology, &own);
    world.sim = topo_driver_sim(world.driver);
    world.start_ms = topo_sim_now_ms(world.sim);
    return world;
}

struct world world_open(struct topo_topology *topology, const struct topo_driver_options *options)
{
    return world_open_in(topology, options, NULL);
}

struct world
world_open_on_disk(struct topo_topology *topology, const struct topo_driver_options *options)
{
    return world_open_in(topology, options, world_make_dir());
}

struct world world_make(
    struct topo_topology *topology,
    uint64_t seed,
    const char *const *topics,
    int32_t partitions,
    bool on_disk)
{
    struct world world = {.topology = topology, .seed = seed};
    world.dir = on_disk ? world_make_dir() : NULL;
    world.sim = topo_sim_new(seed);
    world.start_ms = topo_sim_now_ms(world.sim);
    for (size_t i = 0; topics[i]; i++)
        topo_sim_create_topic(world.sim, topics[i], partitions);
    return world;
}

void world_start(struct world *world, const struct topo_engine_options *options)
{
    struct topo_engine_options own = options ? *options : (struct topo_engine_options){0};
    struct mr_error error = {0};
    assert_null(world->engine);
    own.io_open = own.io_open ? own.io_open : topo_sim_open;
    own.io_user = own.io_user ? own.io_user : world->sim;
    own.state_dir = own.state_dir ? own.state_dir : world->dir;
    if (topo_engine_new(world->topology, &own, &world->engine, &error) ||
        topo_engine_check(world->engine, &error))
        fail_msg("%s", error.text);
}

void world_steps(struct world *world, int times)
{
    struct mr_error error = {0};
    for (int i = 0; i < times; i++)
        if (topo_engine_step(world->engine, &error) < 0)
            fail_msg("%s", error.text);
}

void world_stop(struct world *world)
{
    topo_engine_stop(world->engine);
    topo_engine_free(world->engine);
    world->engine = NULL;
}

void world_kill(struct world *world)
{
    topo_sim_kill(world->sim, world->engine->instance_id);
    topo_engine_kill(world->engine);
    topo_engine_free(world->engine);
    world->engine = NULL;
}

static void world_remove(const char *dir, const char *what)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'%s", dir, what);
    assert_int_equal(system(command), 0);
}

void world_empty_dir(struct world *world)
{
    world_remove(world->dir, "/*");
}

void world_close(struct world *world)
{
    if (world->engine)
        world_stop(world);
    if (world->driver)
        topo_driver_free(world->driver);
    else
        topo_sim_free(world->sim);
    topo_topology_free(world->topology);
    if (world->dir)
        world_remove(world->dir, "");
    free(world->dir);
}

void world_run(struct world *world)
{
    struct mr_error error = {0};
    if (topo_driver_run(world->driver, &error))
        fail_msg("%s", error.text);
}

void world_advance(struct world *world, int64_t ms)
{
    struct mr_error error = {0};
    if (topo_driver_advance_ms(world->driver, ms, &error))
        fail_msg("%s", error.text);
}

int64_t world_append(struct world *world, const char *topic, const char *key, const char *value)
{
    const struct topo_output output = {.key = mr_cstr(key), .value = mr_cstr(value)};
    return topo_sim_append(world->sim, topic, -1, &output);
}

void world_append_at(
    struct world *world, const char *topic, const char *key, const char *value, int64_t after_ms)
{
    const struct topo_output output = {
        .key = mr_cstr(key),
        .value = mr_cstr(value),
        .timestamp_ms = world->start_ms + after_ms,
    };
    topo_sim_append(world->sim, topic, -1, &output);
}

static struct topo_engine *world_engine(const struct world *world)
{
    return world->driver ? topo_driver_engine(world->driver) : world->engine;
}

uint64_t world_metric(const struct world *world, const char *name)
{
    struct mr_buffer text;
    char start[160];
    uint64_t sum = 0;
    mr_buffer_init(&text);
    topo_engine_metrics(world_engine(world), &text);
    mr_buffer_add_byte(&text, '\0');
    snprintf(start, sizeof start, strchr(name, '{') ? "\n%s" : "\n%s{", name);
    for (const char *at = text.ptr; (at = strstr(at, start)); at++)
        sum += strtoull(strstr(at, "} ") + 2, NULL, 10);
    mr_buffer_clean_up(&text);
    return sum;
}

bool world_status_has(const struct world *world, const char *text)
{
    struct mr_buffer status;
    mr_buffer_init(&status);
    topo_engine_status_json(world_engine(world), &status);
    mr_buffer_add_byte(&status, '\0');
    bool has = strstr(status.ptr, text) != NULL;
    mr_buffer_clean_up(&status);
    return has;
}
