/*
 * punctuate_test.c - timers that fail: undone whole, counted, tried again at the next slot, and
 * whatever records come through meanwhile do so once and in order.
 */
#include <tests/cmocka.h>

#include "world.h"

#include <topology/driver.h>
#include <topology/engine.h>

#include <stdio.h>
#include <stdlib.h>

enum { LIMIT = 400, LARGE = 500 };

/* -- a record is put out twice and makes a row; its value names the part that is too large -- */

static struct mr_bytes
grown_value(struct topo_context *context, struct mr_bytes value, const char *which)
{
    if (!mr_bytes_starts_with(value, mr_cstr(which)))
        return value;
    char *large = mr_arena_alloc(topo_context_arena(context), LARGE);
    memset(large, '+', LARGE);
    return mr_bytes_of(large, LARGE);
}

static void put_out(struct topo_context *context, struct mr_bytes key, struct mr_bytes value)
{
    const struct topo_output first = {.key = key, .value = grown_value(context, value, "first")};
    const struct topo_output second = {.key = key, .value = grown_value(context, value, "second")};
    topo_store_put(topo_context_store(context, "rows"), key, grown_value(context, value, "row"));
    topo_forward(context, "one", &first);
    topo_forward(context, "two", &second);
}

/* The timer's action; NULL: none. */
struct tick {
    const char *value;
    int fails; /* The code it returns after that. */
    int times;
};

static int copy_record(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    put_out(context, record->key, record->value);
    return 0;
}

static int
beat_timer(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    struct tick *tick = user;
    (void)now_ms;
    if (!tick->value)
        return 0;
    tick->times++;
    put_out(context, mr_cstr("tick"), mr_cstr(tick->value));
    return tick->fails ? mr_fail(error, tick->fails, "it will not") : 0;
}

static struct tick ticking; /* The timer of the open world. */

static struct topo_topology *make_topology(void)
{
    struct topo_builder *builder = topo_builder_new("punctuate");
    topo_add_source(builder, &(struct topo_source){.name = "in", .topics = TOPO_LIST("in")});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "rows", .log = TOPO_LOG_CHANGELOG, .changelog_topic = "rows.changelog"});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "copy",
            .parents = TOPO_LIST("in"),
            .stores = TOPO_LIST("rows"),
            .process = copy_record,
            .punctuate = beat_timer,
            .punctuate_interval_ms = 1000,
            .user = &ticking});
    topo_add_sink(
        builder, &(struct topo_sink){.name = "one", .parents = TOPO_LIST("copy"), .topic = "ones"});
    topo_add_sink(
        builder, &(struct topo_sink){.name = "two", .parents = TOPO_LIST("copy"), .topic = "twos"});
    topo_set_dead_letters(builder, "dead");
    return world_build(builder);
}

static struct world open_world(uint64_t seed)
{
    ticking = (struct tick){0};
    struct world world = world_open(make_topology(), &(struct topo_driver_options){.seed = seed});
    topo_sim_limit_records(world.sim, LIMIT);
    return world;
}

/* The topic's next key; NULL: there is none. */
static void assert_next(struct world *world, const char *topic, const char *key)
{
    struct topo_record record = {0};
    bool found = topo_driver_read(world->driver, topic, &record);
    if (found != (key != NULL) || (found && !mr_bytes_equal(record.key, mr_cstr(key))))
        fail_msg("%s: \"%.*s\", not %s", topic, MR_ARG(record.key), key ? key : "its end");
}

static bool has_row(struct world *world, const char *key)
{
    struct topo_store *rows = topo_driver_store(world->driver, "rows", 0);
    assert_non_null(rows);
    return topo_store_get(rows, mr_cstr(key)).ptr != NULL;
}

/* Good records and bad ones, two bad ones in a row among them. */
static const char *const mixture[] = {
    "ok", "second", "ok", "row", "row", "ok", "first", "ok", "first", "ok"};
enum { MIXED = sizeof mixture / sizeof mixture[0] };

static void feed_mixture(struct world *world)
{
    for (int i = 0; i < MIXED; i++) {
        char key[8];
        snprintf(key, sizeof key, "%d", i);
        world_append(world, "in", key, mixture[i]);
    }
}

static void check_mixture(struct world *world)
{
    for (int i = 0; i < MIXED; i++) {
        char key[8];
        snprintf(key, sizeof key, "%d", i);
        bool good = strcmp(mixture[i], "ok") == 0;
        assert_next(world, good ? "ones" : "dead", key);
        if (good)
            assert_next(world, "twos", key);
        assert_int_equal(has_row(world, key), good);
    }
    assert_next(world, "ones", NULL);
    assert_next(world, "twos", NULL);
    assert_next(world, "dead", NULL);
}

static const char failures[] =
    "topo_punctuation_failures_total{application=\"punctuate\",node=\"copy\",class=\"poison\"}";

static void a_timer_that_fails_is_undone_counted_and_tried_again(void **state)
{
    (void)state;
    struct world world = open_world(1);
    world_run(&world);
    ticking = (struct tick){.value = "ok", .fails = MR_INVALID};
    world_append(&world, "in", "a", "ok");
    world_advance(&world, 1000);
    world_append(&world, "in", "b", "ok");
    world_advance(&world, 1000);
    assert_int_equal(ticking.times, 2);
    assert_int_equal(world_metric(&world, failures), 2);
    assert_false(has_row(&world, "tick"));
    ticking.fails = 0;
    world_advance(&world, 1000);
    assert_true(has_row(&world, "tick"));
    assert_next(&world, "ones", "a");
    assert_next(&world, "ones", "b");
    assert_next(&world, "ones", "tick");
    assert_next(&world, "ones", NULL);
    assert_next(&world, "dead", NULL);
    world_close(&world);
}

/* With every class the transaction is undone, and then all is done again. */
static void a_timer_that_aborts_leaves_nothing_behind(void **state)
{
    (void)state;
    static const int codes[] = {MR_ABORTED, MR_AGAIN};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct world world = open_world(1);
        world_run(&world);
        ticking = (struct tick){.value = "ok", .fails = codes[i]};
        world_append(&world, "in", "a", "ok");
        topo_sim_advance_ms(world.sim, 1000);
        struct mr_error error = {0};
        assert_int_equal(topo_driver_run(world.driver, &error), MR_FATAL); /* Without end. */
        ticking = (struct tick){0};
        assert_int_equal(topo_driver_crash(world.driver, &error), 0);
        assert_false(has_row(&world, "tick"));
        assert_true(has_row(&world, "a"));
        assert_next(&world, "ones", "a");
        assert_next(&world, "ones", NULL);
        world_close(&world);
    }
}

static void a_timer_whose_output_the_log_refuses_stops_nothing(void **state)
{
    (void)state;
    static const char *const larges[] = {"first", "second", "row"};
    for (size_t i = 0; i < 12; i++) {
        struct world world = open_world(i);
        world_run(&world);
        ticking.value = larges[i % 3];
        for (int beats = 0; beats < 5; beats++) {
            feed_mixture(&world);
            world_advance(&world, 1000);
            check_mixture(&world);
        }
        assert_true(ticking.times >= 3);
        assert_true(world_metric(&world, failures) >= 3);
        assert_false(has_row(&world, "tick"));
        ticking.value = "ok";
        world_advance(&world, 2000);
        assert_true(has_row(&world, "tick"));
        assert_next(&world, "ones", "tick");
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_that_fails_is_undone_counted_and_tried_again),
        cmocka_unit_test(a_timer_that_aborts_leaves_nothing_behind),
        cmocka_unit_test(a_timer_whose_output_the_log_refuses_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
