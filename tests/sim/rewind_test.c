/*
 * rewind_test.c - after an abort all is as if the transaction had not been: what was paused flows,
 * timers fire again, what a log refuses is laid aside; and the clock may jump.
 */
#include <tests/cmocka.h>

#include "world.h"

#include <topology/driver.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* -- "in" is echoed twice over and counted in rows; two clocks tick -- */

/* Value "fat": a row that no changelog takes. */
static int echo_record(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    struct mr_arena *arena = topo_context_arena(context);
    struct topo_store *rows = topo_context_store(context, "rows");
    struct mr_bytes row = record->value;
    if (mr_bytes_equal(record->value, mr_cstr("fat")))
        row = mr_arena_printf(arena, "%0200d", 0);
    topo_store_put(rows, record->key, row);
    const struct topo_output output = {
        .key = record->key,
        .value = mr_arena_printf(arena, "%.*s%.*s", MR_ARG(record->value), MR_ARG(record->value)),
    };
    topo_forward(context, "out", &output);
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

static int
tick_timer(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    (void)error;
    const struct topo_output output = {
        .key = mr_cstr(user),
        .value = mr_arena_printf(topo_context_arena(context), "%" PRId64, now_ms),
    };
    topo_forward(context, "ticks", &output);
    return 0;
}

static void add_clock(struct topo_builder *builder, const char *name, int64_t ms, bool on_stream)
{
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = name,
            .parents = TOPO_LIST("input"),
            .process = pass_record,
            .punctuate = tick_timer,
            .punctuate_interval_ms = ms,
            .punctuate_on_stream_time = on_stream,
            .user = (void *)(uintptr_t)name,
        });
}

static struct topo_topology *make_topology(void)
{
    struct topo_builder *builder = topo_builder_new("rewind");
    topo_add_source(
        builder, &(struct topo_source){.name = "input", .topics = TOPO_LIST("in", "in2")});
    topo_add_source(
        builder,
        &(struct topo_source){.name = "log", .topics = TOPO_LIST("facts"), .global = true});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "rows",
            .log = TOPO_LOG_CHANGELOG,
            .changelog_topic = "rows.changelog",
        });
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "echo",
            .parents = TOPO_LIST("input"),
            .stores = TOPO_LIST("rows"),
            .process = echo_record});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "facts", .parents = TOPO_LIST("log"), .process = pass_record});
    add_clock(builder, "wall", 1000, false);
    add_clock(builder, "stream", 100, true);
    topo_add_sink(
        builder,
        &(struct topo_sink){.name = "out", .parents = TOPO_LIST("echo"), .topic = "echoed"});
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = "ticks", .parents = TOPO_LIST("wall", "stream"), .topic = "ticked"});
    topo_set_dead_letters(builder, "dead");
    return world_build(builder);
}

static int count_records(struct world *world, const char *topic, const char *key)
{
    struct topo_record record;
    int found = 0;
    while (topo_driver_read(world->driver, topic, &record))
        found += mr_bytes_equal(record.key, mr_cstr(key));
    return found;
}

/* -- aborts -- */

static void append_held(struct world *world)
{
    const struct topo_header header = {mr_cstr("requires-position"), mr_cstr("facts:0:50")};
    const struct topo_output held = {
        .key = mr_cstr("k"), .value = mr_cstr("v"), .headers = &header, .headers_count = 1};
    topo_sim_append(world->sim, "in", -1, &held);
}

/* A restore that takes more than one step, as over a network: a call of it is answered late. */
struct lateness {
    struct topo_sim *sim;
    int64_t call;
};

static void answer_late(void *user, int level, const char *event, const char *text)
{
    struct lateness *lateness = user;
    (void)level, (void)text;
    if (strcmp(event, "abort") == 0)
        topo_sim_fail_at(lateness->sim, lateness->call, TOPO_SIM_RETRY);
}

/* Behind a held record more is buffered than the bound, so the partition is paused; the record
 * before it is aborted. */
static bool flows_after(int64_t k, int64_t late)
{
    struct lateness lateness = {.call = late};
    struct world world = world_open(
        make_topology(),
        &(struct topo_driver_options){
            .buffered_bytes_max = 500, .on_log = answer_late, .log_user = &lateness});
    lateness.sim = world.sim;
    world_run(&world);
    world_append_at(&world, "in", "k", "v", 0);
    append_held(&world);
    for (int i = 0; i < 200; i++)
        world_append_at(&world, "in", "k", "v", i);
    topo_sim_fail_at(world.sim, k, TOPO_SIM_ABORTABLE);
    world_run(&world);
    bool fired = !topo_sim_pending(world.sim);
    world_advance(&world, 2000);
    int echoed = count_records(&world, "echoed", "k");
    if (echoed != 202)
        fail_msg("abort at call %" PRId64 ", then %" PRId64 ": %d of 202", k, late, echoed);
    world_close(&world);
    return fired;
}

static void what_was_paused_flows_again_after_an_abort(void **state)
{
    (void)state;
    for (int64_t late = 1; late < 12; late++) {
        int64_t k = 1;
        while (flows_after(k, late))
            k++;
        assert_true(k > 10);
    }
}

/* One slot of stream time passes, in a transaction that fails in all ways: its tick is out once. */
static bool ticks_once(enum topo_sim_failure failure, int64_t k)
{
    struct world world = world_open(make_topology(), NULL);
    world_append_at(&world, "in", "k", "v", 0);
    world_run(&world);
    world_append_at(&world, "in", "k", "v", 120);
    topo_sim_fail_at(world.sim, k, failure);
    world_run(&world);
    bool fired = !topo_sim_pending(world.sim);
    world_run(&world);
    int ticks = count_records(&world, "ticked", "stream");
    if (ticks != 1)
        fail_msg("failure %d at call %" PRId64 ": %d ticks", (int)failure, k, ticks);
    world_close(&world);
    return fired;
}

static void a_stream_timer_of_an_aborted_transaction_fires_again(void **state)
{
    (void)state;
    static const enum topo_sim_failure failures[] = {
        TOPO_SIM_RETRY, TOPO_SIM_ABORTABLE, TOPO_SIM_FENCE, TOPO_SIM_LOST_ANSWER};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        int64_t k = 1;
        while (ticks_once(failures[i], k))
            k++;
        assert_true(k > 10);
    }
}

static bool wall_ticks_once(int64_t k)
{
    struct world world = world_open(make_topology(), NULL);
    world_append_at(&world, "in", "k", "v", 0);
    world_run(&world);
    topo_sim_fail_at(world.sim, k, TOPO_SIM_ABORTABLE);
    world_advance(&world, 1000);
    bool fired = !topo_sim_pending(world.sim);
    int ticks = count_records(&world, "ticked", "wall");
    if (ticks != 1)
        fail_msg("abort at call %" PRId64 ": %d ticks", k, ticks);
    world_close(&world);
    return fired;
}

static void a_wall_clock_timer_of_an_aborted_transaction_fires_again(void **state)
{
    (void)state;
    int64_t k = 1;
    while (wall_ticks_once(k))
        k++;
    assert_true(k > 5);
}

/* -- what the log refuses -- */

static void records_whose_outputs_are_refused_do_not_keep_each_other_alive(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(), NULL);
    char large[64];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    topo_sim_limit_records(world.sim, 100);
    world_append_at(&world, "in", "k", "v", 0);
    for (int i = 0; i < 5; i++)
        world_append_at(&world, "in", "k", large, 0);
    world_append_at(&world, "in", "k", "v", 0);
    world_run(&world);
    assert_int_equal(count_records(&world, "dead", "k"), 5);
    assert_int_equal(count_records(&world, "echoed", "k"), 2);
    world_close(&world);
}

static void a_record_whose_row_the_changelog_refuses_is_a_dead_letter(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(), NULL);
    topo_sim_limit_records(world.sim, 100);
    for (int i = 0; i < 4; i++) {
        world_append_at(&world, "in", "k", "v", 0);
        world_append_at(&world, "in2", "k", "fat", 0);
    }
    world_append_at(&world, "in", "k", "v", 0);
    world_run(&world);
    assert_int_equal(count_records(&world, "dead", "k"), 4);
    assert_int_equal(count_records(&world, "echoed", "k"), 5);
    struct topo_store *rows = topo_driver_store(world.driver, "rows", 0);
    assert_true(mr_bytes_equal(topo_store_get(rows, mr_cstr("k")), mr_cstr("v")));
    world_close(&world);
}

/* With its headers a letter is larger than the record was; here the limit is on the value. */
static void a_dead_letter_that_is_refused_itself_is_cut(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(), NULL);
    struct topo_record letter = {0};
    char value[301] = {0};
    memset(value, 'x', 300);
    topo_sim_limit_records(world.sim, 200);
    world_append_at(&world, "in", "k", value, 0);
    world_append_at(&world, "in", "k", "v", 0);
    world_run(&world);
    assert_true(topo_driver_read(world.driver, "dead", &letter));
    assert_int_equal(letter.value.len, 150);
    assert_true(mr_bytes_equal(topo_record_header(&letter, "dead-letter-cut"), mr_cstr("300")));
    assert_true(mr_bytes_equal(topo_record_header(&letter, "dead-letter-topic"), mr_cstr("in")));
    assert_int_equal(count_records(&world, "echoed", "k"), 1);
    topo_sim_limit_records(world.sim, 100);
    world_append_at(&world, "in", "k", value, 0);
    world_run(&world);
    assert_true(topo_driver_read(world.driver, "dead", &letter));
    assert_int_equal(letter.value.len, 0);
    world_close(&world);
}

static void a_record_that_fits_no_dead_letter_blocks_its_partition(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(), NULL);
    char key[301] = {0};
    memset(key, 'x', 300);
    topo_sim_limit_records(world.sim, 100);
    world_append_at(&world, "in", key, "v", 0);
    world_append_at(&world, "in", "k", "v", 0);
    world_run(&world);
    assert_true(world_status_has(&world, "blocked"));
    assert_int_equal(count_records(&world, "dead", key), 0);
    assert_int_equal(count_records(&world, "echoed", "k"), 0);
    topo_sim_limit_records(world.sim, 1000); /* As the log line asks for. */
    assert_int_equal(topo_driver_restart(world.driver, NULL), 0);
    assert_int_equal(count_records(&world, "echoed", "k"), 1);
    world_close(&world);
}

/* -- everything -- */

/* Deaths included: every output is out once and in order, whatever call fails. */
static bool all_out_once(enum topo_sim_failure failure, int64_t k)
{
    enum { RECORDS = 25 };
    struct world world =
        world_open(make_topology(), &(struct topo_driver_options){.commit_records_max = 4});
    struct mr_error error = {0};
    char value[16];
    topo_sim_limit_records(world.sim, 100);
    for (int i = 0; i < RECORDS; i++) {
        snprintf(value, sizeof value, "%d", i);
        const struct topo_output output = {
            .key = mr_cstr(value), /* Rows of their own: of one only the last would be written. */
            .value = mr_cstr(i % 10 == 7 ? "fat" : value),
            .timestamp_ms = world.start_ms + 60 * (int64_t)i,
        };
        topo_sim_append(world.sim, "in", -1, &output);
    }
    topo_sim_fail_at(world.sim, k, failure);
    int rc = topo_driver_run(world.driver, &error);
    bool fired = !topo_sim_pending(world.sim);
    for (int i = 0; rc && i < 3; i++) {
        if (!topo_sim_crashed(world.sim) && mr_code_class(rc) == MR_CLASS_FATAL)
            fail_msg("failure %d at call %" PRId64 ": %s", (int)failure, k, error.text);
        rc = topo_driver_crash(world.driver, &error);
    }
    assert_int_equal(rc, 0);
    if (fired)
        world_advance(&world, 11000); /* The open transaction is aborted. */
    for (int i = 0; i < RECORDS; i++) {
        struct topo_record record;
        if (i % 10 == 7)
            continue;
        snprintf(value, sizeof value, "%d%d", i, i);
        if (!topo_driver_read(world.driver, "echoed", &record) ||
            !mr_bytes_equal(record.value, mr_cstr(value)))
            fail_msg("failure %d at call %" PRId64 ": %s is not next", (int)failure, k, value);
    }
    assert_false(topo_driver_read(world.driver, "echoed", &(struct topo_record){0}));
    assert_int_equal(count_records(&world, "dead", "7"), 1);
    world_close(&world);
    return fired;
}

static void all_comes_out_once_and_in_order_whatever_call_fails(void **state)
{
    (void)state;
    for (int failure = TOPO_SIM_RETRY; failure <= TOPO_SIM_LOST_ANSWER; failure++) {
        int64_t k = 1;
        while (all_out_once((enum topo_sim_failure)failure, k))
            k++;
        assert_true(k > 50);
    }
}

/* -- the clock jumps back an hour -- */

enum { HOUR_MS = 3600 * 1000 };

static void jump_back(struct world *world)
{
    topo_sim_set_ms(world->sim, topo_sim_now_ms(world->sim) - HOUR_MS);
    world_run(world);
}

static void timers_go_on_after_the_clock_jumped_back(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(), NULL);
    world_run(&world);
    world_advance(&world, 1000);
    assert_int_equal(count_records(&world, "ticked", "wall"), 1);
    jump_back(&world);
    world_advance(&world, 1000);
    assert_int_equal(count_records(&world, "ticked", "wall"), 1);
    world_close(&world);
}

static void a_held_record_is_held_no_longer_for_a_clock_that_jumped_back(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(), NULL);
    world_run(&world);
    append_held(&world);
    world_run(&world);
    jump_back(&world);
    assert_int_equal(world_metric(&world, "topo_holds_given_up_total"), 0);
    world_advance(&world, 2000);
    assert_int_equal(count_records(&world, "echoed", "k"), 1);
    assert_int_equal(world_metric(&world, "topo_holds_given_up_total"), 1);
    world_close(&world);
}

/* -- what an operator sees -- */

static void input_that_was_deleted_unread_is_counted(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(), NULL);
    for (int i = 0; i < 10; i++)
        world_append_at(&world, "in", "k", "v", i);
    world_run(&world);
    assert_int_equal(world_metric(&world, "topo_input_lost_total"), 0);
    for (int i = 0; i < 10; i++)
        world_append_at(&world, "in", "k", "v", i);
    topo_sim_truncate(world.sim, "in", 0, 17);
    struct mr_error error = {0};
    assert_int_equal(topo_driver_run(world.driver, &error), MR_FATAL); /* Under the reader. */
    assert_int_equal(world_metric(&world, "topo_live"), 0);
    assert_int_equal(topo_driver_restart(world.driver, &error), 0);
    assert_int_equal(world_metric(&world, "topo_input_lost_total"), 7);
    assert_int_equal(world_metric(&world, "topo_live"), 1);
    assert_int_equal(world_metric(&world, "topo_ready"), 1);
    assert_int_equal(world_metric(&world, "topo_restoring"), 0);
    assert_int_equal(count_records(&world, "echoed", "k"), 13);
    world_close(&world);
}

static void dirty_entries_go_to_disk_though_the_clock_jumped_back(void **state)
{
    (void)state;
    struct world world = world_open_on_disk(make_topology(), NULL);
    world_append_at(&world, "in", "k", "v", 0);
    world_run(&world);
    world_advance(&world, 300);
    assert_true(world_metric(&world, "topo_store_dirty_bytes") > 0);
    jump_back(&world);
    world_advance(&world, 1000);
    world_advance(&world, 300); /* Reports come every quarter of a second. */
    assert_int_equal(world_metric(&world, "topo_store_dirty_bytes"), 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_paused_flows_again_after_an_abort),
        cmocka_unit_test(a_stream_timer_of_an_aborted_transaction_fires_again),
        cmocka_unit_test(a_wall_clock_timer_of_an_aborted_transaction_fires_again),
        cmocka_unit_test(records_whose_outputs_are_refused_do_not_keep_each_other_alive),
        cmocka_unit_test(a_record_whose_row_the_changelog_refuses_is_a_dead_letter),
        cmocka_unit_test(a_dead_letter_that_is_refused_itself_is_cut),
        cmocka_unit_test(a_record_that_fits_no_dead_letter_blocks_its_partition),
        cmocka_unit_test(all_comes_out_once_and_in_order_whatever_call_fails),
        cmocka_unit_test(timers_go_on_after_the_clock_jumped_back),
        cmocka_unit_test(a_held_record_is_held_no_longer_for_a_clock_that_jumped_back),
        cmocka_unit_test(input_that_was_deleted_unread_is_counted),
        cmocka_unit_test(dirty_entries_go_to_disk_though_the_clock_jumped_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
