/*
 * punctuate_test.c - timers that fail: undone whole, counted, tried again at the next slot, and
 * whatever records come through meanwhile do so once and in order.
 */
#include <tests/cmocka.h>

#include <topology/driver.h>
#include <topology/engine.h>

#include <stdio.h>
#include <stdlib.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { LIMIT = 400, LARGE = 500 };

/* -- a record is put out twice and makes a row; its value says what of it is too large -- */

static struct mr_bytes grown(struct topo_context *context, struct mr_bytes value, const char *which)
{
    if (!mr_bytes_starts_with(value, mr_cstr(which)))
        return value;
    char *large = mr_arena_alloc(topo_context_arena(context), LARGE);
    memset(large, '+', LARGE);
    return mr_bytes_of(large, LARGE);
}

static void put_out(struct topo_context *context, struct mr_bytes key, struct mr_bytes value)
{
    const struct topo_output first = {.key = key, .value = grown(context, value, "first")};
    const struct topo_output second = {.key = key, .value = grown(context, value, "second")};
    topo_store_put(topo_context_store(context, "rows"), key, grown(context, value, "row"));
    topo_forward(context, "one", &first);
    topo_forward(context, "two", &second);
}

/* What the timer does; NULL: nothing. */
struct tick {
    const char *value;
    int fails; /* The code it returns after that. */
    int times;
};

static int copy(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    put_out(context, record->key, record->value);
    return 0;
}

static int beat(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    struct tick *tick = user;
    (void)now_ms;
    if (!tick->value)
        return 0;
    tick->times++;
    put_out(context, mr_cstr("tick"), mr_cstr(tick->value));
    return tick->fails ? mr_fail(error, tick->fails, "it will not") : 0;
}

static struct topo_topology *make_topology(struct tick *tick)
{
    struct topo_builder *builder = topo_builder_new("punctuate");
    topo_add_source(builder, &(struct topo_source){.name = "in", .topics = LIST("in")});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "rows", .log = TOPO_LOG_CHANGELOG, .changelog_topic = "rows.changelog"});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "copy",
            .parents = LIST("in"),
            .stores = LIST("rows"),
            .process = copy,
            .punctuate = beat,
            .punctuate_interval_ms = 1000,
            .user = tick});
    topo_add_sink(
        builder, &(struct topo_sink){.name = "one", .parents = LIST("copy"), .topic = "ones"});
    topo_add_sink(
        builder, &(struct topo_sink){.name = "two", .parents = LIST("copy"), .topic = "twos"});
    topo_set_dead_letters(builder, "dead");
    struct topo_topology *topology = NULL;
    struct mr_error error = {0};
    if (topo_build(builder, &topology, &error))
        fail_msg("%s", error.text);
    return topology;
}

struct world {
    struct tick tick;
    struct topo_topology *topology;
    struct topo_driver *driver;
    struct topo_sim *sim;
};

static void open_world(struct world *world, uint64_t seed)
{
    *world = (struct world){0};
    world->topology = make_topology(&world->tick);
    world->driver = topo_driver_new(world->topology, &(struct topo_driver_options){.seed = seed});
    world->sim = topo_driver_sim(world->driver);
    topo_sim_limit_records(world->sim, LIMIT);
}

static void close_world(struct world *world)
{
    topo_driver_free(world->driver);
    topo_topology_free(world->topology);
}

static void append(struct world *world, const char *key, const char *value)
{
    const struct topo_output output = {.key = mr_cstr(key), .value = mr_cstr(value)};
    topo_sim_append(world->sim, "in", -1, &output);
}

static void run(struct world *world)
{
    struct mr_error error = {0};
    if (topo_driver_run(world->driver, &error))
        fail_msg("%s", error.text);
}

static void advance(struct world *world, int64_t ms)
{
    struct mr_error error = {0};
    if (topo_driver_advance_ms(world->driver, ms, &error))
        fail_msg("%s", error.text);
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

static uint64_t metric(struct world *world, const char *name)
{
    struct mr_buffer text;
    mr_buffer_init(&text);
    mr_buffer_add_byte(&text, '\n');
    topo_engine_metrics(topo_driver_engine(world->driver), &text);
    mr_buffer_add_byte(&text, '\0');
    const char *at = strstr(text.ptr, name);
    uint64_t value = at ? strtoull(at + strlen(name), NULL, 10) : 0;
    mr_buffer_clean_up(&text);
    return value;
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
        append(world, key, mixture[i]);
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
    "\ntopo_punctuation_failures_total{application=\"punctuate\",node=\"copy\",class=\"poison\"}";

static void a_timer_that_fails_is_undone_counted_and_tried_again(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, 1);
    run(&world);
    world.tick = (struct tick){.value = "ok", .fails = MR_INVALID};
    append(&world, "a", "ok");
    advance(&world, 1000);
    append(&world, "b", "ok");
    advance(&world, 1000);
    assert_int_equal(world.tick.times, 2);
    assert_int_equal(metric(&world, failures), 2);
    assert_false(has_row(&world, "tick"));
    world.tick.fails = 0;
    advance(&world, 1000);
    assert_true(has_row(&world, "tick"));
    assert_next(&world, "ones", "a");
    assert_next(&world, "ones", "b");
    assert_next(&world, "ones", "tick");
    assert_next(&world, "ones", NULL);
    assert_next(&world, "dead", NULL);
    close_world(&world);
}

/* Whatever class: the transaction is undone with it, and then all is done again. */
static void a_timer_that_aborts_leaves_nothing_behind(void **state)
{
    (void)state;
    static const int codes[] = {MR_ABORTED, MR_AGAIN};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct world world;
        open_world(&world, 1);
        run(&world);
        world.tick = (struct tick){.value = "ok", .fails = codes[i]};
        append(&world, "a", "ok");
        topo_sim_advance_ms(world.sim, 1000);
        struct mr_error error = {0};
        assert_int_equal(topo_driver_run(world.driver, &error), MR_FATAL); /* For ever. */
        world.tick = (struct tick){0};
        assert_int_equal(topo_driver_crash(world.driver, &error), 0);
        assert_false(has_row(&world, "tick"));
        assert_true(has_row(&world, "a"));
        assert_next(&world, "ones", "a");
        assert_next(&world, "ones", NULL);
        close_world(&world);
    }
}

static void a_timer_whose_output_the_log_refuses_stops_nothing(void **state)
{
    (void)state;
    static const char *const larges[] = {"first", "second", "row"};
    for (size_t i = 0; i < 12; i++) {
        struct world world;
        open_world(&world, i);
        run(&world);
        world.tick.value = larges[i % 3];
        for (int beats = 0; beats < 5; beats++) {
            feed_mixture(&world);
            advance(&world, 1000);
            check_mixture(&world);
        }
        assert_true(world.tick.times >= 3);
        assert_true(metric(&world, failures) >= 3);
        assert_false(has_row(&world, "tick"));
        world.tick.value = "ok";
        advance(&world, 2000);
        assert_true(has_row(&world, "tick"));
        assert_next(&world, "ones", "tick");
        close_world(&world);
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
