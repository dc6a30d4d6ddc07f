/*
 * compact_test.c - a store that slept while another instance deleted keys and the log cleaner took
 * the deletions away: the keys do not come back.
 */
#include <tests/cmocka.h>

#include "engine/engine_impl.h"
#include "engine/worker.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOUR_MS = 3600000 };

static const char *const topics[] = {"in", "kv.rows", NULL};

static struct world world;
static int too_old;

/* An empty value deletes. */
static int keep_row(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    struct topo_store *rows = topo_context_store(context, "rows");
    if (record->value.len)
        topo_store_put(rows, record->key, record->value);
    else
        topo_store_delete(rows, record->key);
    return 0;
}

static struct topo_topology *make_topology(void)
{
    struct topo_builder *builder = topo_builder_new("kv");
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "rows", .log = TOPO_LOG_CHANGELOG, .changelog_topic = "kv.rows"});
    topo_add_source(builder, &(struct topo_source){.name = "in", .topics = TOPO_LIST("in")});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "keep",
            .parents = TOPO_LIST("in"),
            .stores = TOPO_LIST("rows"),
            .process = keep_row});
    return world_build(builder);
}

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level, (void)text;
    too_old += strcmp(event, "store-too-old") == 0;
}

/* An instance with a disk of its own does it all, and stops. */
static void live_through(const char *dir, const char *key, const char *value)
{
    world_start(&world, &(struct topo_engine_options){.state_dir = dir, .on_log = on_log});
    if (key)
        topo_sim_append(
            world.sim,
            "in",
            0,
            &(struct topo_output){.key = mr_cstr(key), .value = mr_cstr(value)});
    world_steps(&world, 30);
}

static bool has_row(const char *key)
{
    const struct task *task = world.engine->workers[0]->tasks[0];
    assert_int_equal(task->state, TASK_RUNNING);
    return topo_store_get(task->stores[0], mr_cstr(key)).ptr != NULL;
}

static int set_up(void **state)
{
    (void)state;
    too_old = 0;
    world = world_make(make_topology(), 5, topics, 1, true);
    live_through(world.dir, "a", "1");
    world_stop(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void delete_elsewhere(void)
{
    char other[] = "/tmp/millrace-compact-XXXXXX";
    char command[64];
    assert_non_null(mkdtemp(other));
    live_through(other, "a", "");
    world_stop(&world);
    live_through(other, "b", "1");
    world_stop(&world);
    (void)snprintf(command, sizeof command, "rm -r %s", other);
    assert_int_equal(system(command), 0);
}

static void a_deleted_key_does_not_come_back(void **state)
{
    (void)state;
    delete_elsewhere();
    topo_sim_advance_ms(world.sim, 25 * HOUR_MS);
    topo_sim_compact(world.sim, "kv.rows", 0);
    live_through(world.dir, NULL, NULL);
    assert_false(has_row("a"));
    assert_true(has_row("b"));
    assert_int_equal(too_old, 1);
    world_stop(&world);
    live_through(world.dir, "c", "1"); /* It is young again. */
    assert_true(has_row("b"));
    assert_int_equal(too_old, 1);
}

static void a_short_sleep_costs_the_delta_only(void **state)
{
    (void)state;
    delete_elsewhere();
    topo_sim_advance_ms(world.sim, 20 * HOUR_MS);
    live_through(world.dir, NULL, NULL);
    assert_false(has_row("a"));
    assert_int_equal(too_old, 0);
    assert_int_equal(atomic_load(&world.engine->metrics.rebuilds), 0);
}

/* A week's holiday: nobody wrote meanwhile. */
static void a_log_that_did_not_move_hides_nothing(void **state)
{
    (void)state;
    topo_sim_advance_ms(world.sim, 200 * (int64_t)HOUR_MS);
    topo_sim_compact(world.sim, "kv.rows", 0);
    live_through(world.dir, NULL, NULL);
    assert_true(has_row("a"));
    assert_int_equal(too_old, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deleted_key_does_not_come_back),
        TEST(a_short_sleep_costs_the_delta_only),
        TEST(a_log_that_did_not_move_hides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
