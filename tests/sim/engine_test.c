/*
 * engine_test.c - what a processor can count on: save points, dead letters, timers, global tables,
 * priorities, bounds.
 */
#include <tests/cmocka.h>

#include "world.h"

#include <base/buffer.h>
#include <topology/driver.h>
#include <topology/engine.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* -- one topology for all: "in" and "urgent" are echoed, "facts" is a global table -- */

/* Value "bad": writes, forwards, and then refuses. Value "broken": finds its state broken. Value
 * "hot": asks for a table's row. */
static int echo_record(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user;
    struct topo_store *rows = topo_context_store(context, "rows");
    topo_store_put(rows, record->key, record->value);
    const struct topo_output output = {.key = record->key, .value = record->value};
    topo_forward(context, "out", &output);
    if (mr_bytes_equal(record->value, mr_cstr("bad")))
        return mr_fail(error, MR_INVALID, "it is bad");
    if (mr_bytes_equal(record->value, mr_cstr("broken")))
        return mr_fail(error, MR_CORRUPT, "the row is not one of ours");
    if (mr_bytes_equal(record->value, mr_cstr("fatal")))
        return mr_fail(error, MR_FATAL, "it is fatal");
    if (!mr_bytes_equal(record->value, mr_cstr("look")))
        return 0;
    struct mr_bytes fact = {0};
    struct mr_arena *arena = topo_context_arena(context);
    int rc =
        topo_read_get(topo_context_global(context, "facts"), mr_cstr("fact"), arena, &fact, error);
    const struct topo_output found = {
        .key = record->key,
        .value = fact.ptr ? fact : mr_arena_printf(arena, "nothing"),
    };
    topo_forward(context, "out", &found);
    return rc;
}

static int
tick_timer(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    (void)error;
    struct mr_arena *arena = topo_context_arena(context);
    const struct topo_output output = {
        .key = mr_cstr(user),
        .value = mr_arena_printf(arena, "%" PRId64, now_ms),
    };
    topo_forward(context, "ticks", &output);
    return 0;
}

static int pass_record(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)context, (void)user, (void)record, (void)error;
    return 0;
}

static int remember_fact(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user;
    if (mr_bytes_equal(record->value, mr_cstr("rumour")))
        return 0;
    topo_store_put(topo_context_store(context, "facts"), record->key, record->value);
    if (mr_bytes_equal(record->value, mr_cstr("bad")))
        return mr_fail(error, MR_INVALID, "it is bad");
    return 0;
}

static void add_sources(struct topo_builder *builder)
{
    const struct topo_source sources[] = {
        {.name = "slow", .topics = TOPO_LIST("in"), .priority = 1},
        {.name = "fast", .topics = TOPO_LIST("urgent")},
        {.name = "table", .topics = TOPO_LIST("facts.log"), .global = true},
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        topo_add_source(builder, &sources[i]);
    topo_add_store(builder, &(struct topo_store_options){.name = "facts", .log = TOPO_LOG_INPUT});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "rows",
            .log = TOPO_LOG_CHANGELOG,
            .changelog_topic = "rows.changelog",
        });
}

static struct topo_topology *make_topology(bool dead_letters)
{
    struct topo_builder *builder = topo_builder_new("engine-test");
    add_sources(builder);
    const struct topo_processor processors[] = {
        {.name = "echo",
         .parents = TOPO_LIST("slow", "fast"),
         .stores = TOPO_LIST("rows"),
         .process = echo_record},
        {.name = "fold",
         .parents = TOPO_LIST("table"),
         .stores = TOPO_LIST("facts"),
         .process = remember_fact},
        {.name = "clock",
         .parents = TOPO_LIST("slow"),
         .process = pass_record,
         .punctuate = tick_timer,
         .punctuate_interval_ms = 1000,
         .user = "wall"},
        {.name = "stream-clock",
         .parents = TOPO_LIST("slow"),
         .process = pass_record,
         .punctuate = tick_timer,
         .punctuate_interval_ms = 100,
         .punctuate_on_stream_time = true,
         .user = "stream"},
    };
    for (size_t i = 0; i < sizeof processors / sizeof processors[0]; i++)
        topo_add_processor(builder, &processors[i]);
    topo_add_sink(
        builder,
        &(struct topo_sink){.name = "out", .parents = TOPO_LIST("echo"), .topic = "echoed"});
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = "ticks",
            .parents = TOPO_LIST("clock", "stream-clock"),
            .topic = "ticked",
        });
    if (dead_letters)
        topo_set_dead_letters(builder, "dead");
    return world_build(builder);
}

static void assert_next(struct world *world, const char *topic, const char *key, const char *value)
{
    struct topo_record record;
    if (!topo_driver_read(world->driver, topic, &record))
        fail_msg("%s lacks %s=%s", topic, key, value);
    if (!mr_bytes_equal(record.key, mr_cstr(key)) || !mr_bytes_equal(record.value, mr_cstr(value)))
        fail_msg("%.*s=%.*s, not %s=%s", MR_ARG(record.key), MR_ARG(record.value), key, value);
}

static void assert_no_more(struct world *world, const char *topic)
{
    struct topo_record record;
    assert_false(topo_driver_read(world->driver, topic, &record));
}

static void assert_row(struct world *world, const char *key, const char *value)
{
    struct topo_store *rows = topo_driver_store(world->driver, "rows", 0);
    assert_non_null(rows);
    assert_true(mr_bytes_equal(topo_store_get(rows, mr_cstr(key)), mr_cstr(value)));
}

/* -- records -- */

static void a_refused_record_leaves_nothing_but_a_dead_letter(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_append(&world, "in", "a", "1");
    const struct topo_header header = {mr_cstr("own"), mr_cstr("header")};
    const struct topo_output bad = {
        .key = mr_cstr("a"),
        .value = mr_cstr("bad"),
        .headers = &header,
        .headers_count = 1,
    };
    topo_sim_append(world.sim, "in", -1, &bad);
    world_append(&world, "in", "b", "2");
    world_run(&world);
    assert_next(&world, "echoed", "a", "1");
    assert_next(&world, "echoed", "b", "2");
    assert_no_more(&world, "echoed");
    assert_row(&world, "a", "1");

    struct topo_record letter;
    assert_true(topo_driver_read(world.driver, "dead", &letter));
    static const char *const headers[][2] = {
        {"own", "header"},
        {"dead-letter-reason", "it is bad"},
        {"dead-letter-topic", "in"},
        {"dead-letter-partition", "0"},
        {"dead-letter-offset", "1"},
        {"dead-letter-node", "echo"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_true(
            mr_bytes_equal(topo_record_header(&letter, headers[i][0]), mr_cstr(headers[i][1])));
    assert_true(mr_bytes_equal(letter.value, mr_cstr("bad")));
    assert_no_more(&world, "dead");

    struct mr_buffer text;
    mr_buffer_init(&text);
    topo_engine_metrics(topo_driver_engine(world.driver), &text);
    mr_buffer_add_byte(&text, '\0');
    assert_non_null(strstr(
        text.ptr,
        "topo_dead_letters_total{application=\"engine-test\",node=\"echo\",class=\"poison\"} 1\n"));
    assert_non_null(strstr(text.ptr, "topo_records_total{application=\"engine-test\"} 3\n"));
    mr_buffer_clean_up(&text);
    world_close(&world);
}

static void without_dead_letters_a_refused_record_stops_the_engine(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(false), NULL);
    struct mr_error error = {0};
    world_append(&world, "in", "a", "bad");
    assert_int_equal(topo_driver_run(world.driver, &error), MR_FATAL);
    assert_non_null(strstr(error.text, "in/0 offset 0"));
    assert_int_equal(topo_engine_state(topo_driver_engine(world.driver), NULL), TOPO_ENGINE_FAILED);
    struct mr_buffer text;
    mr_buffer_init(&text);
    topo_engine_status_json(topo_driver_engine(world.driver), &text);
    mr_buffer_add_byte(&text, '\0');
    assert_non_null(strstr(text.ptr, "\"state\":\"failed\""));
    mr_buffer_clean_up(&text);
    assert_no_more(&world, "echoed");
    world_close(&world);
}

/* And nothing of the other partition is lost, which had its part in the same transaction. */
static void state_that_cannot_be_read_blocks_its_partition_and_no_other(void **state)
{
    (void)state;
    struct world world =
        world_open(make_topology(true), &(struct topo_driver_options){.seed = 7, .partitions = 2});
    const struct topo_output good = {.key = mr_cstr("a"), .value = mr_cstr("1")};
    const struct topo_output broken = {.key = mr_cstr("b"), .value = mr_cstr("broken")};
    world_run(&world);
    topo_sim_append(world.sim, "in", 0, &good);
    topo_sim_append(world.sim, "in", 1, &good);
    topo_sim_append(world.sim, "in", 1, &broken);
    topo_sim_append(world.sim, "in", 1, &good);
    world_run(&world);
    topo_sim_append(world.sim, "in", 0, &good);
    world_run(&world);
    assert_int_equal(world_metric(&world, "topo_blocked"), 1);
    assert_true(world_status_has(&world, "cannot process in/1 offset 1: the row is not one of"));
    assert_int_equal(topo_sim_committed(world.sim, "engine-test", "in", 0), 2);
    assert_true(topo_sim_committed(world.sim, "engine-test", "in", 1) <= 1);
    assert_int_equal(
        topo_engine_state(topo_driver_engine(world.driver), NULL), TOPO_ENGINE_RUNNING);
    world_close(&world);
}

static void more_input_than_the_bound_gets_through(void **state)
{
    (void)state;
    struct world world = world_open(
        make_topology(true), &(struct topo_driver_options){.seed = 3, .buffered_bytes_max = 500});
    for (int i = 0; i < 300; i++)
        world_append(&world, i % 2 ? "in" : "urgent", "k", "v");
    world_run(&world);
    for (int i = 0; i < 300; i++)
        assert_next(&world, "echoed", "k", "v");
    assert_no_more(&world, "echoed");
    world_close(&world);
}

static void a_restart_brings_the_rows_back_from_the_changelog(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_append(&world, "in", "a", "1");
    world_append(&world, "in", "a", "2");
    world_append(&world, "in", "b", "3");
    world_run(&world);
    assert_int_equal(topo_driver_crash(world.driver, NULL), 0);
    assert_row(&world, "a", "2");
    assert_row(&world, "b", "3");
    for (int i = 0; i < 3; i++)
        assert_true(topo_driver_read(world.driver, "echoed", &(struct topo_record){0}));
    assert_no_more(&world, "echoed");
    world_close(&world);
}

/* Or a store whose input says nothing new to it would restore from ever further back. */
static void the_position_of_an_input_that_writes_nothing_reaches_the_disk(void **state)
{
    (void)state;
    struct world world =
        world_open_on_disk(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_append(&world, "facts.log", "fact", "true");
    world_run(&world);
    assert_int_equal(topo_driver_advance_ms(world.driver, 1000, NULL), 0);
    for (int i = 0; i < 10; i++)
        world_append(&world, "facts.log", "fact", "rumour");
    world_run(&world);
    assert_int_equal(topo_driver_crash(world.driver, NULL), 0);
    assert_int_equal(
        world_metric(&world, "topo_records_total"), 10); /* Not old enough to be written. */
    assert_int_equal(topo_driver_advance_ms(world.driver, 1000, NULL), 0);
    assert_int_equal(topo_driver_crash(world.driver, NULL), 0);
    assert_int_equal(world_metric(&world, "topo_records_total"), 0);
    world_close(&world);
}

/* -- timers -- */

static void a_wall_clock_timer_fires_once_for_all_the_slots_it_missed(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_run(&world);
    const int64_t start = topo_sim_now_ms(world.sim);
    assert_int_equal(topo_driver_advance_ms(world.driver, 999, NULL), 0);
    assert_no_more(&world, "ticked");
    assert_int_equal(topo_driver_advance_ms(world.driver, 1, NULL), 0);
    char value[32];
    snprintf(value, sizeof value, "%" PRId64, start + 1000);
    assert_next(&world, "ticked", "wall", value);
    assert_int_equal(topo_driver_advance_ms(world.driver, 4500, NULL), 0);
    snprintf(value, sizeof value, "%" PRId64, start + 5500);
    assert_next(&world, "ticked", "wall", value);
    assert_no_more(&world, "ticked");
    assert_int_equal(topo_driver_advance_ms(world.driver, 500, NULL), 0);
    snprintf(value, sizeof value, "%" PRId64, start + 6000);
    assert_next(&world, "ticked", "wall", value);
    world_close(&world);
}

static void a_stream_timer_goes_by_the_records(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_run(&world);
    const int64_t start = topo_sim_now_ms(world.sim);
    const int64_t at[] = {0, 50, 100, 120};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        const struct topo_output output = {
            .key = mr_cstr("k"),
            .value = mr_cstr("v"),
            .timestamp_ms = start + at[i],
        };
        topo_sim_append(world.sim, "in", -1, &output);
        world_run(&world);
    }
    char value[32];
    snprintf(value, sizeof value, "%" PRId64, start + 100);
    assert_next(&world, "ticked", "stream", value);
    assert_no_more(&world, "ticked");
    world_close(&world);
}

/* -- global tables -- */

static void a_task_looks_into_a_table_that_came_up_before_it(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_append(&world, "facts.log", "fact", "old");
    world_append(&world, "facts.log", "fact", "bad");
    world_append(&world, "facts.log", "fact", "true");
    world_append(&world, "facts.log", "fact", "bad");
    world_append(&world, "in", "a", "look");
    world_run(&world);
    assert_next(&world, "echoed", "a", "look");
    assert_next(&world, "echoed", "a", "true");
    world_close(&world);
}

static void a_record_waits_for_the_position_it_requires(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_run(&world);
    const struct topo_header header = {
        mr_cstr("requires-position"),
        mr_cstr("facts.log:0:1,unknown:0:99"),
    };
    const struct topo_output look = {
        .key = mr_cstr("a"),
        .value = mr_cstr("look"),
        .headers = &header,
        .headers_count = 1,
    };
    topo_sim_append(world.sim, "in", -1, &look);
    world_append(&world, "in", "b", "behind it");
    world_run(&world);
    assert_no_more(&world, "echoed");
    world_append(&world, "facts.log", "fact", "true");
    world_run(&world);
    assert_next(&world, "echoed", "a", "look");
    assert_next(&world, "echoed", "a", "true");
    assert_next(&world, "echoed", "b", "behind it");
    /* A record that never comes is waited for two seconds at most. */
    const struct topo_header never = {header.name, mr_cstr("facts.log:0:50")};
    struct topo_output stuck = look;
    stuck.headers = &never;
    topo_sim_append(world.sim, "in", -1, &stuck);
    world_run(&world);
    assert_no_more(&world, "echoed");
    assert_int_equal(topo_driver_advance_ms(world.driver, 2000, NULL), 0);
    assert_next(&world, "echoed", "a", "look");
    world_close(&world);
}

static void a_long_list_of_positions_is_waited_for_too(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    struct mr_buffer list = {0};
    world_run(&world);
    for (int i = 0; i < 256; i++)
        mr_buffer_printf(&list, "catalog.product.events:%d:1234567,", i);
    mr_buffer_printf(&list, "facts.log:0:1");
    const struct topo_header header = {mr_cstr("requires-position"), mr_buffer_view(&list)};
    const struct topo_output look = {
        .key = mr_cstr("a"), .value = mr_cstr("look"), .headers = &header, .headers_count = 1};
    topo_sim_append(world.sim, "in", -1, &look);
    mr_buffer_clean_up(&list);
    world_run(&world);
    assert_no_more(&world, "echoed");
    world_append(&world, "facts.log", "fact", "true");
    world_run(&world);
    assert_next(&world, "echoed", "a", "look");
    world_close(&world);
}

static void append_requiring(struct world *world, const char *position)
{
    const struct topo_header header = {mr_cstr("requires-position"), mr_cstr(position)};
    const struct topo_output look = {
        .key = mr_cstr("a"), .value = mr_cstr("look"), .headers = &header, .headers_count = 1};
    topo_sim_append(world->sim, "in", -1, &look);
}

static int count_looks(struct world *world)
{
    struct topo_record record;
    int count = 0;
    while (topo_driver_read(world->driver, "echoed", &record))
        count += mr_bytes_equal(record.value, mr_cstr("look"));
    return count;
}

/* The table is far behind: its lag is waited for once, and again only when it has come up. */
static void a_late_table_is_waited_for_once_not_by_each_record(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_run(&world);
    for (int i = 0; i < 10; i++)
        append_requiring(&world, "facts.log:0:1000");
    world_run(&world);
    assert_int_equal(count_looks(&world), 0);
    world_advance(&world, 2000);
    assert_int_equal(count_looks(&world), 10);
    world_append(&world, "facts.log", "fact", "true");
    world_run(&world);
    append_requiring(&world, "facts.log:0:1");
    append_requiring(&world, "facts.log:0:2");
    world_run(&world);
    assert_int_equal(count_looks(&world), 1); /* The table moves again: the other one waits. */
    world_append(&world, "facts.log", "fact", "true");
    world_run(&world);
    assert_int_equal(count_looks(&world), 1);
    world_close(&world);
}

struct woken {
    int times;
};

static void wake_waiter(void *user)
{
    struct woken *woken = user;
    woken->times++;
}

static void whoever_watches_a_position_is_woken_once(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(true), &(struct topo_driver_options){.seed = 7});
    world_run(&world);
    struct topo_engine *engine = topo_driver_engine(world.driver);
    const struct topo_position position = {"facts.log", 0, 1};
    struct woken woken = {0};
    struct woken cancelled = {0};
    struct topo_watch *watch = NULL;
    struct topo_watch *other = NULL;
    assert_int_equal(topo_engine_wait(engine, "facts", &position, 1, NULL), TOPO_WAIT_BEHIND);
    assert_int_equal(topo_engine_wait(engine, "none", &position, 1, NULL), TOPO_WAIT_UNKNOWN_STORE);
    const struct topo_position elsewhere = {"facts.log", 9, 1};
    assert_int_equal(topo_engine_wait(engine, "facts", &elsewhere, 1, NULL), TOPO_WAIT_NOT_HERE);
    assert_false(topo_engine_watch(engine, "facts", &position, wake_waiter, &woken, &watch));
    assert_false(topo_engine_watch(engine, "facts", &position, wake_waiter, &cancelled, &other));
    topo_engine_unwatch(engine, other);
    world_append(&world, "facts.log", "fact", "true");
    world_run(&world);
    world_append(&world, "facts.log", "fact", "more");
    world_run(&world);
    assert_int_equal(woken.times, 1);
    assert_int_equal(cancelled.times, 0);
    topo_engine_unwatch(engine, watch);
    int64_t applied = 0;
    assert_int_equal(topo_engine_wait(engine, "facts", &position, 0, &applied), TOPO_WAIT_OK);
    assert_int_equal(applied, 2);
    assert_true(topo_engine_watch(engine, "facts", &position, wake_waiter, &woken, &watch));
    assert_null(watch);
    world_close(&world);
}

/* -- topics that do not fit -- */

static void a_topic_of_another_partition_count_is_refused(void **state)
{
    (void)state;
    struct topo_topology *topology = make_topology(true);
    struct topo_sim *sim = topo_sim_new(1);
    static const char *const topics[] = {
        "in", "facts.log", "rows.changelog", "echoed", "ticked", "dead"};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        topo_sim_create_topic(sim, topics[i], 2);
    const struct topo_engine_options options = {.io_open = topo_sim_open, .io_user = sim};
    struct topo_engine *engine = NULL;
    struct mr_error error = {0};
    assert_int_equal(topo_engine_start(topology, &options, &engine, &error), MR_CONFIG);
    assert_string_equal(
        error.text,
        "topic \"urgent\" does not exist: create it; topo_engine_create_topics creates every topic "
        "that is not an input");
    topo_sim_create_topic(sim, "urgent", 3);
    assert_int_equal(topo_engine_start(topology, &options, &engine, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "they must be equal"));
    topo_sim_free(sim);
    topo_topology_free(topology);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_record_leaves_nothing_but_a_dead_letter),
        cmocka_unit_test(without_dead_letters_a_refused_record_stops_the_engine),
        cmocka_unit_test(state_that_cannot_be_read_blocks_its_partition_and_no_other),
        cmocka_unit_test(more_input_than_the_bound_gets_through),
        cmocka_unit_test(a_restart_brings_the_rows_back_from_the_changelog),
        cmocka_unit_test(the_position_of_an_input_that_writes_nothing_reaches_the_disk),
        cmocka_unit_test(a_wall_clock_timer_fires_once_for_all_the_slots_it_missed),
        cmocka_unit_test(a_stream_timer_goes_by_the_records),
        cmocka_unit_test(a_task_looks_into_a_table_that_came_up_before_it),
        cmocka_unit_test(a_record_waits_for_the_position_it_requires),
        cmocka_unit_test(a_long_list_of_positions_is_waited_for_too),
        cmocka_unit_test(a_late_table_is_waited_for_once_not_by_each_record),
        cmocka_unit_test(whoever_watches_a_position_is_woken_once),
        cmocka_unit_test(a_topic_of_another_partition_count_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
