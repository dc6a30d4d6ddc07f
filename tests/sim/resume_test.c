/*
 * resume_test.c - where the input goes on when the group's offsets are gone, set back, or as they
 * should be: nothing is done twice, and what nobody can know is asked for.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/engine_impl.h"
#include "engine/worker.h"
#include "sim/sim_impl.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static struct world world;
static struct {
    int gone, behind, from_start, blocked;
    char text[1024];
} lines;

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level;
    lines.gone += strcmp(event, "offsets-gone") == 0;
    lines.behind += strcmp(event, "offset-behind") == 0;
    lines.from_start += strcmp(event, "input-from-start") == 0;
    lines.blocked += strcmp(event, "partition-blocked") == 0;
    if (strcmp(event, "partition-blocked") == 0)
        (void)snprintf(lines.text, sizeof lines.text, "%s", text);
}

static void start_engine(int64_t flush_ms)
{
    world_start(
        &world, &(struct topo_engine_options){.on_log = on_log, .flush_interval_ms = flush_ms});
    world_steps(&world, 40);
}

static int open_world(bool on_disk)
{
    memset(&lines, 0, sizeof lines);
    world = world_make(counter_topology("counter"), 9, counter_topics, 1, on_disk);
    counter_feed(world.sim, &world.seed, 40);
    start_engine(0);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return open_world(true);
}

static int set_up_memory(void **state)
{
    (void)state;
    return open_world(false);
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static int64_t events_end(void)
{
    return topo_sim_end(world.sim, "counter.events", 0);
}

static void feed_more(void)
{
    counter_feed(world.sim, &world.seed, 10);
    world_steps(&world, 40);
    assert_string_equal(counter_check_log(world.sim, "counter"), "");
}

static void stores_that_were_closed_cleanly_go_on_without_the_groups_offsets(void **state)
{
    (void)state;
    int64_t end = events_end();
    world_stop(&world);
    topo_sim_expire_offsets(world.sim, "counter");
    start_engine(0);
    assert_int_equal(events_end(), end);
    assert_int_equal(topo_sim_committed(world.sim, "counter", "counter.commands", 0), -1);
    assert_int_equal(lines.gone, 1);
    feed_more();
    world_stop(&world);
    start_engine(0);
    assert_int_equal(lines.gone, 1); /* The group has them again. */
    feed_more();
}

/* The disk is behind the commits that the log has. */
static void stores_that_died_ask_the_operator_and_still_do_at_the_next_start(void **state)
{
    (void)state;
    world_stop(&world);
    start_engine(1000000);
    counter_feed(world.sim, &world.seed, 10);
    world_steps(&world, 40);
    int64_t end = events_end();
    world_kill(&world);
    topo_sim_expire_offsets(world.sim, "counter");
    for (int i = 1; i <= 2; i++) {
        start_engine(0);
        assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
        assert_int_equal(lines.blocked, i);
        assert_non_null(strstr(lines.text, "counter.commands/0"));
        assert_non_null(strstr(lines.text, "kafka-consumer-groups"));
        assert_int_equal(events_end(), end);
        world_stop(&world);
    }
    struct sim_group *group = sim_group_of(world.sim, "counter");
    sim_offset_put(
        &group->offsets,
        sim_topic_of(world.sim, "counter.commands"),
        0,
        topo_sim_end(world.sim, "counter.commands", 0));
    start_engine(0);
    assert_int_equal(lines.blocked, 2);
    feed_more();
}

static void an_offset_that_was_set_back_does_not_do_the_input_again(void **state)
{
    (void)state;
    int64_t end = events_end();
    world_stop(&world);
    sim_group_of(world.sim, "counter")->offsets.items[0].next = 3;
    start_engine(0);
    assert_int_equal(lines.behind, 1);
    assert_int_equal(events_end(), end);
    feed_more();
}

/* A changelog was cut, so the stores are folded again; what they knew of the input stays known. */
static void a_rebuild_does_not_forget_the_input(void **state)
{
    (void)state;
    int64_t end = events_end();
    world_stop(&world);
    topo_sim_truncate(world.sim, "counter.seen", 0, topo_sim_end(world.sim, "counter.seen", 0));
    topo_sim_append(
        world.sim,
        "counter.seen",
        0,
        &(struct topo_output){.key = mr_cstr("x"), .value = mr_cstr("stranger")});
    topo_sim_truncate(world.sim, "counter.seen", 0, topo_sim_end(world.sim, "counter.seen", 0));
    topo_sim_expire_offsets(world.sim, "counter");
    start_engine(0);
    assert_int_equal(atomic_load(&world.engine->metrics.rebuilds), 1);
    assert_int_equal(lines.blocked, 1);
    assert_int_equal(events_end(), end);
}

/* No store, no offset: all is done again, as the log line says. Outcomes hold what they can. */
static void without_stores_the_retained_input_is_done_and_that_is_logged(void **state)
{
    (void)state;
    world_stop(&world);
    start_engine(0);
    assert_int_equal(lines.from_start, 0);
    world_stop(&world);
    topo_sim_expire_offsets(world.sim, "counter");
    start_engine(0);
    assert_int_equal(lines.from_start, 1);
    assert_int_equal(lines.gone, 0);
}

static void a_topic_that_was_made_anew_blocks_its_partition(void **state)
{
    (void)state;
    world_stop(&world);
    topo_sim_expire_offsets(world.sim, "counter");
    struct sim_partition *log = sim_partition_of(world.sim, "counter.commands", 0);
    while (log->count > 2)
        free(log->entries[--log->count]);
    log->stable = 2;
    start_engine(0);
    assert_int_equal(lines.blocked, 1);
    assert_non_null(strstr(lines.text, "created again"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stores_that_were_closed_cleanly_go_on_without_the_groups_offsets),
        TEST(stores_that_died_ask_the_operator_and_still_do_at_the_next_start),
        TEST(an_offset_that_was_set_back_does_not_do_the_input_again),
        TEST(a_rebuild_does_not_forget_the_input),
        TEST(a_topic_that_was_made_anew_blocks_its_partition),
        cmocka_unit_test_setup_teardown(
            without_stores_the_retained_input_is_done_and_that_is_logged, set_up_memory, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
