/*
 * strangers_test.c - records that somebody else wrote into the logs a state is restored from: they
 * change nothing, neither while the engine runs nor after a restart.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "world.h"

#include <base/log.h>

#include <stdio.h>
#include <stdlib.h>

enum { WRITES = 12, MANY = 100 };

static struct world world;

static struct {
    int writes_left; /* A stranger writes each time the engine has seen where its logs end. */
    int aborts;
    int laid_aside;
    int blocked;
    int shared;
} heard;

static void write_stranger(const char *topic, const char *key, struct mr_bytes value)
{
    const struct topo_output record = {.key = mr_cstr(key), .value = value};
    topo_sim_append(world.sim, topic, 0, &record);
}

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user;
    if (strcmp(event, "laid-aside") == 0) {
        assert_int_equal(level, MR_LOG_WARN);
        assert_non_null(strstr(text, "topic=counter."));
        assert_non_null(strstr(text, " partition=0 offset="));
        heard.laid_aside++;
    }
    heard.aborts += strcmp(event, "abort") == 0;
    heard.blocked += strcmp(event, "partition-blocked") == 0;
    heard.shared += strcmp(event, "shared-log") == 0;
    if (heard.writes_left > 0 && strcmp(event, "task") == 0 && strstr(text, "to=running")) {
        heard.writes_left--;
        write_stranger("counter.events", "a0", mr_cstr("1000"));
    }
}

static void crash_engine(void)
{
    struct mr_error error = {0};
    if (topo_driver_crash(world.driver, &error))
        fail_msg("%s", error.text);
    world_run(&world);
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    (void)user;
    return topo_driver_store(world.driver, store, partition);
}

static void expect_books_to_balance(void)
{
    assert_string_equal(counter_check_log(world.sim, "counter"), "");
    assert_string_equal(counter_check_stores(world.sim, store_of, NULL), "");
}

static int set_up(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof heard);
    world = world_open(
        counter_topology("counter"), &(struct topo_driver_options){.seed = 9, .on_log = on_log});
    counter_feed(world.sim, &world.seed, 40);
    world_run(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

/* Each log; a tombstone, an empty value, text, bytes, and a value that would be right if it were
 * ours. The key is one that is in use. */
static void what_has_no_effect_while_it_runs_has_none_after_a_restart(void **state)
{
    static const char *const logs[] = {"counter.events", "counter.outcomes", "counter.seen"};
    const struct mr_bytes values[] = {
        {0}, mr_cstr(""), mr_cstr("hello"), mr_bytes_of("\0\x0f\xff.", 4), mr_cstr("99x")};
    (void)state;
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++)
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
            write_stranger(logs[i], "a0", values[k]);
    counter_feed(world.sim, &world.seed, 20);
    world_run(&world);
    expect_books_to_balance();
    crash_engine();
    expect_books_to_balance();
    assert_true(heard.laid_aside >= 15);
    assert_int_equal(heard.blocked, 0);
    assert_true(world_metric(&world, "topo_laid_aside_total") >= 15);
    counter_feed(world.sim, &world.seed, 20);
    world_run(&world);
    expect_books_to_balance();
}

static void an_event_without_our_header_is_laid_aside_however_right_it_looks(void **state)
{
    (void)state;
    write_stranger("counter.events", "a0", mr_cstr("1000"));
    crash_engine();
    expect_books_to_balance();
    assert_int_equal(heard.laid_aside, 1);
}

/* An earlier version wrote its changelog without the header. */
static void a_row_of_an_earlier_version_is_taken_if_the_store_knows_it(void **state)
{
    (void)state;
    write_stranger("counter.seen", "zz", mr_cstr("7"));
    write_stranger("counter.seen", "yy", mr_cstr("seven"));
    crash_engine();
    struct topo_store *seen = topo_driver_store(world.driver, "seen", 0);
    assert_true(mr_bytes_equal(topo_store_get(seen, mr_cstr("zz")), mr_cstr("7")));
    assert_null(topo_store_get(seen, mr_cstr("yy")).ptr);
    assert_int_equal(heard.laid_aside, 1);
}

static void a_writer_between_our_records_delays_commits_and_stops_nothing(void **state)
{
    (void)state;
    heard.writes_left = WRITES;
    crash_engine();
    for (int i = 0; heard.writes_left > 0 && i < 2 * WRITES; i++) {
        counter_feed(world.sim, &world.seed, 10);
        world_run(&world);
    }
    assert_int_equal(heard.writes_left, 0);
    assert_true(heard.aborts >= WRITES - 1);
    assert_true(heard.shared > 0);
    expect_books_to_balance();
    crash_engine();
    expect_books_to_balance();
}

static void of_many_strangers_each_is_counted_and_some_are_logged(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++)
        write_stranger("counter.events", "a0", mr_cstr("hello"));
    crash_engine();
    assert_int_equal(world_metric(&world, "topo_laid_aside_total"), MANY);
    assert_true(heard.laid_aside >= 20 && heard.laid_aside < 30);
}

static void a_row_of_ours_that_cannot_be_read_blocks_its_partition(void **state)
{
    (void)state;
    const struct topo_header by_us = {mr_cstr(TOPO_WRITER_HEADER), mr_cstr("counter")};
    const struct topo_output record = {
        .key = mr_cstr("a0"), .value = mr_cstr("newer"), .headers = &by_us, .headers_count = 1};
    topo_sim_append(world.sim, "counter.seen", 0, &record);
    crash_engine();
    assert_int_equal(heard.blocked, 1);
    assert_true(world_status_has(&world, "\"state\":\"blocked\""));
    assert_true(world_status_has(&world, "counter.seen/0 at offset"));
    assert_int_equal(
        topo_engine_state(topo_driver_engine(world.driver), NULL), TOPO_ENGINE_RUNNING);
    counter_feed(world.sim, &world.seed, 5); /* Waits, and nothing of it is lost. */
    world_run(&world);
    int64_t end = topo_sim_end(world.sim, "counter.commands", 0);
    assert_int_equal(topo_sim_committed(world.sim, "counter", "counter.commands", 0), end - 5);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_has_no_effect_while_it_runs_has_none_after_a_restart),
        TEST(an_event_without_our_header_is_laid_aside_however_right_it_looks),
        TEST(a_row_of_an_earlier_version_is_taken_if_the_store_knows_it),
        TEST(a_writer_between_our_records_delays_commits_and_stops_nothing),
        TEST(of_many_strangers_each_is_counted_and_some_are_logged),
        TEST(a_row_of_ours_that_cannot_be_read_blocks_its_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
