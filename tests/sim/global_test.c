/*
 * global_test.c - global tables in adversity: topics that never rest, folds that cannot go on yet,
 * logs that are cut under the reader, members that are fenced; and who waits for them.
 */
#include <tests/cmocka.h>

#include "engine/engine_impl.h"
#include "world.h"

#include <topology/engine.h>
#include <topology/sim.h>

#include <stdio.h>
#include <stdlib.h>

static struct world world;

static struct {
    int later;      /* So many times a fold cannot go on. */
    bool trickle;   /* A record comes before each poll of the log. */
    int opens_left; /* Then opening an io fails, once. */
    int again;      /* Log lines of folds that are tried again. */
    int rebuilt;    /* Log lines of stores that are folded again. */
    int32_t added;  /* Partitions of each topic that the simulated log does not really have. */
    int (*log_poll)(void *, int, struct topo_io_poll *, struct mr_error *);
    int (*partitions_of)(void *, const char *, int32_t *, struct mr_error *);
} hooks;

/* Value "later": not now. */
static int remember_fact(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user;
    topo_store_put(topo_context_store(context, "facts"), record->key, record->value);
    if (mr_bytes_equal(record->value, mr_cstr("later")) && hooks.later-- > 0)
        return mr_fail(error, MR_UNAVAILABLE, "what it needs is not here");
    return 0;
}

static struct topo_topology *make_version(const char *const *stores)
{
    struct topo_builder *builder = topo_builder_new("tables");
    topo_add_source(
        builder,
        &(struct topo_source){.name = "log", .topics = TOPO_LIST("busy", "idle"), .global = true});
    for (size_t i = 0; stores[i]; i++)
        topo_add_store(
            builder, &(struct topo_store_options){.name = stores[i], .log = TOPO_LOG_INPUT});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "fold",
            .parents = TOPO_LIST("log"),
            .stores = stores,
            .process = remember_fact,
        });
    return world_build(builder);
}

static struct topo_topology *make_topology(void)
{
    return make_version(TOPO_LIST("facts"));
}

static int
trickling_poll(void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    if (hooks.trickle)
        world_append(&world, "busy", "drop", "one more");
    return hooks.log_poll(self, timeout_ms, ret_poll, error);
}

static int
more_partitions(void *self, const char *topic, int32_t *ret_count, struct mr_error *error)
{
    int rc = hooks.partitions_of(self, topic, ret_count, error);
    *ret_count += hooks.added;
    return rc;
}

static int open_io(
    void *user,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error)
{
    if (hooks.opens_left-- == 0)
        return mr_fail(error, MR_UNAVAILABLE, "no broker");
    int rc = topo_sim_open(user, options, ret_io, error);
    hooks.log_poll = ret_io->log_poll;
    ret_io->log_poll = trickling_poll;
    hooks.partitions_of = ret_io->partitions_of;
    ret_io->partitions_of = more_partitions;
    return rc;
}

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level;
    hooks.rebuilt += strcmp(event, "store-rebuild") == 0 && strstr(text, "other stores");
    hooks.again += strcmp(event, "global-retry") == 0;
}

static void start_engine(void)
{
    world_start(&world, &(struct topo_engine_options){.io_open = open_io, .on_log = on_log});
}

static int set_up(void **state)
{
    (void)state;
    static const char *const topics[] = {"busy", "idle", NULL};
    memset(&hooks, 0, sizeof hooks);
    hooks.opens_left = 1000;
    world = world_make(make_topology(), 1, topics, 1, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static int step_engine(int times, struct mr_error *error)
{
    int rc = 0;
    for (int i = 0; i < times && rc >= 0; i++)
        rc = topo_engine_step(world.engine, error);
    return rc;
}

static void assert_fact(const char *key, const char *value)
{
    struct mr_arena arena;
    struct mr_bytes found = {0};
    mr_arena_init(&arena);
    struct topo_reader *facts = topo_engine_global(world.engine, "facts");
    assert_int_equal(topo_read_get(facts, mr_cstr(key), &arena, &found, NULL), 0);
    if (!mr_bytes_equal(found, value ? mr_cstr(value) : (struct mr_bytes){0}))
        fail_msg("%s is \"%.*s\", not \"%s\"", key, MR_ARG(found), value ? value : "");
    mr_arena_clean_up(&arena);
}

/* -- ready -- */

/* A marker and an aborted record are all there is in "idle": no record shows its end. */
static void append_aborted(const char *topic)
{
    struct topo_io io;
    const struct topo_io_options options = {"writer", "0", 0, true};
    const struct topo_partition to = {topic, 0};
    const struct topo_record record = {.key = mr_cstr("k"), .value = mr_cstr("aborted")};
    assert_int_equal(topo_sim_open(world.sim, &options, &io, NULL), 0);
    assert_int_equal(io.init_transactions(io.self, NULL), 0);
    assert_int_equal(io.begin(io.self, NULL), 0);
    assert_int_equal(io.produce(io.self, &to, &record, NULL), 0);
    assert_int_equal(io.abort(io.self, NULL), 0);
    io.close(io.self);
}

static void a_table_comes_up_though_one_of_its_topics_never_rests(void **state)
{
    (void)state;
    append_aborted("idle");
    hooks.trickle = true;
    start_engine();
    world_steps(&world, 50);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    const struct topo_position end = {"idle", 0, topo_sim_end(world.sim, "idle", 0)};
    assert_int_equal(topo_engine_wait(world.engine, "facts", &end, 0, NULL), TOPO_WAIT_OK);
}

/* -- folds that fail -- */

static void a_fold_that_cannot_go_on_yet_is_tried_again_and_nothing_is_skipped(void **state)
{
    (void)state;
    char key[16];
    hooks.later = 5;
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "%d", i);
        world_append(&world, "busy", key, i == 40 ? "later" : "now");
    }
    start_engine();
    world_steps(&world, 3);
    assert_fact("40", NULL);
    assert_fact("41", NULL); /* Its turn is after it. */
    world_steps(&world, 50);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_fact(key, i == 40 ? "later" : "now");
    }
}

static void a_fold_that_never_goes_on_does_not_fill_the_log(void **state)
{
    (void)state;
    hooks.later = 1000;
    world_append(&world, "busy", "k", "later");
    start_engine();
    world_steps(&world, 500);
    assert_true(hooks.later < 600);
    assert_true(hooks.again > 0 && hooks.again < 20);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RESTORING);
}

/* -- the log and the member -- */

static void a_log_cut_under_the_reader_stops_it_and_a_restart_rebuilds(void **state)
{
    (void)state;
    world_append(&world, "busy", "gone", "1");
    start_engine();
    world_steps(&world, 10);
    world_stop(&world); /* Now it is on disk. */
    start_engine();
    world_steps(&world, 10);
    for (int i = 0; i < 8; i++)
        world_append(&world, "busy", "gone", "2");
    world_append(&world, "busy", "kept", "3");
    topo_sim_truncate(world.sim, "busy", 0, 9);
    struct mr_error error = {0};
    assert_int_equal(step_engine(10, &error), MR_FATAL);
    assert_non_null(strstr(error.text, "busy/0"));
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_FAILED);
    world_stop(&world);
    start_engine();
    world_steps(&world, 10);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    assert_int_equal(atomic_load(&world.engine->metrics.rebuilds), 1);
    assert_fact("gone", NULL); /* State has nothing that the log does not have. */
    assert_fact("kept", "3");
}

/* `low`: where the log begins that has no leader at first. */
static void come_up_without_a_leader(int64_t low)
{
    world_append(&world, "idle", "gone", "1");
    world_append(&world, "idle", "away", "2");
    world_append(&world, "busy", "here", "3");
    topo_sim_truncate(world.sim, "idle", 0, low);
    topo_sim_set_led(world.sim, "idle", 0, false);
    start_engine();
    world_steps(&world, 10);
    assert_fact("here", "3");
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RESTORING);
    assert_true(world_status_has(&world, "no leader answers"));
    assert_int_equal(world_metric(&world, "topo_input_unreadable"), 1);

    topo_sim_set_led(world.sim, "idle", 0, true);
    topo_sim_advance_ms(world.sim, 1000);
    world_steps(&world, 10);
    assert_fact("away", "2");
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    assert_int_equal(world_metric(&world, "topo_input_unreadable"), 0);
}

static void a_partition_without_a_leader_does_not_keep_the_others_waiting(void **state)
{
    (void)state;
    come_up_without_a_leader(0);
}

static void a_log_that_begins_later_is_read_from_there_when_its_leader_answers(void **state)
{
    (void)state;
    come_up_without_a_leader(1);
}

static void a_topic_that_has_grown_ends_the_fold(void **state)
{
    (void)state;
    start_engine();
    world_steps(&world, 10);
    world.engine->threaded = true; /* It is looked at beside the lag. */
    for (int i = 0; i < 4; i++) {
        topo_sim_advance_ms(world.sim, 1000);
        world_steps(&world, 1);
    }
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    hooks.added = 2;
    struct mr_error error = {0};
    int rc = 0;
    for (int i = 0; i < 4 && rc >= 0; i++) {
        topo_sim_advance_ms(world.sim, 1000);
        rc = step_engine(1, &error);
    }
    assert_int_equal(rc, MR_CONFIG);
    assert_non_null(strstr(error.text, "has 3 partitions now, 1 were there"));
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_FAILED);
    world.engine->threaded = false;
}

/* A folder of another version of the same tables, in both directions; the same one stays. */
static void tables_of_another_version_are_folded_again(void **state)
{
    (void)state;
    struct topo_topology *versions[] = {world.topology, make_version(TOPO_LIST("facts", "more"))};
    static const int order[] = {0, 0, 1, 1, 0};
    static const int rebuilt[] = {0, 0, 1, 1, 2};
    world_append(&world, "busy", "key", "value");
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        world.topology = versions[order[i]];
        start_engine();
        world_steps(&world, 10);
        assert_fact("key", "value");
        assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
        assert_int_equal(hooks.rebuilt, rebuilt[i]);
        world_stop(&world);
    }
    topo_topology_free(versions[1]);
}

static void a_reader_that_could_not_be_opened_again_at_once_reads_on_later(void **state)
{
    (void)state;
    start_engine();
    world_steps(&world, 10);
    hooks.opens_left = 0;
    topo_sim_fail_at(world.sim, 1, TOPO_SIM_FENCE);
    world_steps(&world, 5);
    assert_false(topo_sim_pending(world.sim));
    world_append(&world, "busy", "after", "it");
    world_steps(&world, 20);
    assert_fact("after", "it");
}

/* -- who waits -- */

struct waiter {
    int woken;
    struct topo_watch **cancels; /* This other one, when it is woken. */
};

static void wake_waiter(void *user)
{
    struct waiter *waiter = user;
    waiter->woken++;
    if (!waiter->cancels)
        return;
    topo_engine_unwatch(world.engine, *waiter->cancels);
    *waiter->cancels = NULL;
}

static void a_watch_that_another_ones_wake_cancelled_is_not_called(void **state)
{
    (void)state;
    start_engine();
    world_steps(&world, 10);
    const struct topo_position position = {"busy", 0, 1};
    struct topo_watch *watches[2] = {0};
    struct waiter waiters[2] = {{.cancels = &watches[1]}, {.cancels = &watches[0]}};
    for (int i = 0; i < 2; i++)
        assert_false(topo_engine_watch(
            world.engine, "facts", &position, wake_waiter, &waiters[i], &watches[i]));
    world_append(&world, "busy", "k", "v");
    world_steps(&world, 10);
    assert_int_equal(waiters[0].woken + waiters[1].woken, 1);
    for (int i = 0; i < 2; i++)
        topo_engine_unwatch(world.engine, watches[i]);
}

/* -- keys -- */

static void a_watch_of_a_key_is_called_when_that_key_changes(void **state)
{
    (void)state;
    start_engine();
    world_steps(&world, 10);
    struct topo_watch *watches[3] = {0};
    struct waiter waiters[3] = {0};
    static const char *const keys[] = {"mine", "mine", "another"};
    for (int i = 0; i < 3; i++)
        assert_false(topo_engine_watch_key(
            world.engine, "facts", mr_cstr(keys[i]), wake_waiter, &waiters[i], &watches[i]));
    world_append(&world, "busy", "third", "v");
    world_steps(&world, 10);
    assert_int_equal(waiters[0].woken + waiters[1].woken + waiters[2].woken, 0);
    for (int i = 0; i < 2; i++) {
        world_append(&world, "busy", "mine", i ? "two" : "one");
        world_steps(&world, 10);
    }
    assert_int_equal(waiters[0].woken, 1);
    assert_int_equal(waiters[1].woken, 1);
    assert_int_equal(waiters[2].woken, 0);
    for (int i = 0; i < 3; i++)
        topo_engine_unwatch(world.engine, watches[i]);
    world_append(&world, "busy", "another", "v");
    world_steps(&world, 10);
    assert_int_equal(waiters[2].woken, 0);
}

static void a_watch_of_a_key_is_called_when_the_engine_stops(void **state)
{
    (void)state;
    start_engine();
    world_steps(&world, 10);
    struct topo_watch *watch = NULL;
    struct topo_watch *late = NULL;
    struct waiter waiter = {0};
    const struct mr_bytes key = mr_cstr("mine");
    assert_false(topo_engine_watch_key(world.engine, "facts", key, wake_waiter, &waiter, &watch));
    assert_true(topo_engine_stop(world.engine));
    assert_int_equal(waiter.woken, 1);
    assert_true(topo_engine_watch_key(world.engine, "facts", key, wake_waiter, &waiter, &late));
    assert_null(late);
    topo_engine_unwatch(world.engine, watch);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_table_comes_up_though_one_of_its_topics_never_rests),
        TEST(a_fold_that_cannot_go_on_yet_is_tried_again_and_nothing_is_skipped),
        TEST(a_fold_that_never_goes_on_does_not_fill_the_log),
        TEST(a_log_cut_under_the_reader_stops_it_and_a_restart_rebuilds),
        TEST(a_partition_without_a_leader_does_not_keep_the_others_waiting),
        TEST(a_log_that_begins_later_is_read_from_there_when_its_leader_answers),
        TEST(a_topic_that_has_grown_ends_the_fold),
        TEST(tables_of_another_version_are_folded_again),
        TEST(a_reader_that_could_not_be_opened_again_at_once_reads_on_later),
        TEST(a_watch_that_another_ones_wake_cancelled_is_not_called),
        TEST(a_watch_of_a_key_is_called_when_that_key_changes),
        TEST(a_watch_of_a_key_is_called_when_the_engine_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
