/*
 * log_test.c - what a task does when its logs are not what it left: written by others, cut, gone.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "world.h"

#include <topology/engine.h>

#include <stdio.h>
#include <stdlib.h>

static struct world open_world(void)
{
    struct world world =
        world_open_on_disk(counter_topology("counter"), &(struct topo_driver_options){.seed = 9});
    counter_feed(world.sim, &world.seed, 40);
    world_run(&world);
    return world;
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    return topo_driver_store(user, store, partition);
}

/* The transaction is aborted and the offsets are read again; the event has no effect. */
static void one_event_of_a_stranger_costs_one_abort(void **state)
{
    (void)state;
    struct world world = open_world();
    const struct topo_output strange = {.key = mr_cstr("zz"), .value = mr_cstr("7")};
    topo_sim_append(world.sim, "counter.events", 0, &strange);
    counter_feed(world.sim, &world.seed, 10);
    assert_int_equal(topo_driver_run(world.driver, NULL), 0);
    struct topo_store *totals = topo_driver_store(world.driver, "totals", 0);
    assert_null(topo_store_get(totals, mr_cstr("zz")).ptr);
    assert_int_equal(world_metric(&world, "topo_aborts_total"), 1);
    world_close(&world);
}

/* The missing row was deleted from the changelog: only from its start is the fold whole. */
static void a_store_behind_the_start_of_its_changelog_is_rebuilt(void **state)
{
    (void)state;
    struct world world = open_world();
    assert_int_equal(topo_driver_restart(world.driver, NULL), 0); /* All on disk. */
    counter_feed(world.sim, &world.seed, 40);
    assert_int_equal(topo_driver_run(world.driver, NULL), 0);
    int64_t end = topo_sim_end(world.sim, "counter.seen", 0);
    topo_sim_truncate(world.sim, "counter.seen", 0, end - 1);
    assert_int_equal(topo_driver_crash(world.driver, NULL), 0);
    assert_int_equal(world_metric(&world, "topo_rebuilds_total"), 1);
    struct topo_store *totals = topo_driver_store(world.driver, "totals", 0);
    assert_non_null(totals); /* Its events are all there, so it is whole again. */
    const char *bad = counter_check_stores(world.sim, store_of, world.driver);
    assert_null(strstr(bad, "totals"));
    world_close(&world);
}

/* The committed records are known to be there, and not visible yet when the task comes back. */
static void a_marker_that_is_late_is_waited_for(void **state)
{
    (void)state;
    for (int calls = 1; calls < 40; calls++) {
        struct world world = open_world();
        topo_sim_late_markers(world.sim, calls);
        counter_feed(world.sim, &world.seed, 30);
        assert_int_equal(topo_driver_run(world.driver, NULL), 0);
        topo_sim_expel(world.sim, "0");
        counter_feed(world.sim, &world.seed, 30);
        for (int i = 0; i < 20; i++)
            assert_int_equal(topo_driver_run(world.driver, NULL), 0);
        assert_string_equal(counter_check_log(world.sim, "counter"), "");
        assert_string_equal(counter_check_stores(world.sim, store_of, world.driver), "");
        assert_int_equal(world_metric(&world, "topo_rebuilds_total"), 0);
        world_close(&world);
    }
}

static void nothing_is_rebuilt_otherwise(void **state)
{
    (void)state;
    struct world world = open_world();
    assert_int_equal(topo_driver_crash(world.driver, NULL), 0);
    assert_int_equal(world_metric(&world, "topo_rebuilds_total"), 0);
    assert_string_equal(counter_check_stores(world.sim, store_of, world.driver), "");
    world_close(&world);
}

static void a_topic_that_was_created_again_is_refused_with_what_to_do(void **state)
{
    (void)state;
    struct world world = open_world();
    assert_int_equal(topo_driver_restart(world.driver, NULL), 0);
    /* The same state directory, on a cluster that knows nothing of it. */
    struct topo_driver *other = topo_driver_new(
        world.topology, &(struct topo_driver_options){.seed = 1, .state_dir = world.dir});
    topo_driver_free(world.driver);
    world.driver = other;
    struct mr_error error = {0};
    assert_int_equal(topo_driver_run(other, &error), 0); /* It could be a marker that is late. */
    assert_int_equal(topo_driver_advance_ms(other, 10000, &error), MR_CORRUPT);
    assert_non_null(strstr(error.text, "remove the state directory"));
    world_close(&world);
}

/* The same under a running engine, which hears of it when it restores: no record is decided on a
 * history that is gone. */
static void a_log_that_is_made_again_meanwhile_is_noticed(void **state)
{
    static const char *const topics[] = {"counter.events", "counter.seen"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world = open_world();
        struct mr_error error = {0};
        topo_sim_recreate_topic(world.sim, topics[i]);
        topo_sim_expel(world.sim, "0");
        counter_feed(world.sim, &world.seed, 10);
        int64_t end = topo_sim_end(world.sim, "counter.replies", 0);
        (void)topo_driver_run(world.driver, &error);
        assert_int_equal(topo_driver_advance_ms(world.driver, 10001, &error), MR_CORRUPT);
        assert_non_null(strstr(error.text, topics[i]));
        assert_int_equal(topo_sim_end(world.sim, "counter.replies", 0), end);
        world_close(&world);
    }
}

static void input_that_is_made_again_meanwhile_blocks_its_task(void **state)
{
    (void)state;
    struct world world = open_world();
    struct mr_error error = {0};
    topo_sim_recreate_topic(world.sim, "counter.commands");
    topo_sim_expel(world.sim, "0");
    if (topo_driver_run(world.driver, &error))
        fail_msg("%s", error.text);
    assert_true(world_status_has(&world, "it was deleted or created again"));
    assert_int_equal(topo_sim_committed(world.sim, "counter", "counter.commands", 0), -1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_event_of_a_stranger_costs_one_abort),
        cmocka_unit_test(a_store_behind_the_start_of_its_changelog_is_rebuilt),
        cmocka_unit_test(a_marker_that_is_late_is_waited_for),
        cmocka_unit_test(nothing_is_rebuilt_otherwise),
        cmocka_unit_test(a_topic_that_was_created_again_is_refused_with_what_to_do),
        cmocka_unit_test(a_log_that_is_made_again_meanwhile_is_noticed),
        cmocka_unit_test(input_that_is_made_again_meanwhile_blocks_its_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
