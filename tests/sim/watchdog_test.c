/*
 * watchdog_test.c - a thread that hangs in a call is noticed and named, and a stop gives it up.
 *
 * The hang is a poll that waits until the test opens a gate. An engine whose stop gave up is let go
 * after that, so that the sanitizers see no thread and no memory left.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/engine_impl.h"
#include "world.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { STUCK_AFTER_MS = 200, STOP_MS = 1000, PATIENCE_MS = 10000 };

static atomic_bool gate_closed;
static atomic_int stop_lines;
static int (*real_poll)(void *, int, struct topo_io_poll *, struct mr_error *);

static void sleep_ms(int ms)
{
    const struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&nap, NULL);
}

static int
hanging_poll(void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    while (atomic_load(&gate_closed))
        sleep_ms(5);
    sleep_ms(5); /* The simulated log does not wait. */
    return real_poll(self, timeout_ms, ret_poll, error);
}

static int open_io(
    void *user,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error)
{
    int rc = topo_sim_open(user, options, ret_io, error);
    real_poll = ret_io->poll;
    ret_io->poll = hanging_poll;
    return rc;
}

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level, (void)text;
    atomic_fetch_add(&stop_lines, strcmp(event, "stop-stuck") == 0);
}

static bool await_live(struct topo_engine *engine, bool live, struct mr_error *ret_why)
{
    for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
        if (topo_engine_is_live(engine, ret_why) == live)
            return true;
        sleep_ms(10);
    }
    return false;
}

static void a_worker_that_hangs_is_named_and_a_stop_ends_within_its_bound(void **state)
{
    (void)state;
    struct world world = world_make(counter_topology("counter"), 3, counter_topics, 1, false);
    const struct topo_engine_options options = {
        .io_open = open_io,
        .io_user = world.sim,
        .stuck_after_ms = STUCK_AFTER_MS,
        .stop_ms_max = STOP_MS,
        .on_log = on_log};
    struct topo_engine *engine = NULL;
    struct mr_error error = {0};
    if (topo_engine_start(world.topology, &options, &engine, &error))
        fail_msg("%s", error.text);
    assert_true(await_live(engine, true, NULL));

    atomic_store(&gate_closed, true);
    assert_true(await_live(engine, false, &error));
    assert_non_null(strstr(error.text, "worker 0 has made no step"));
    atomic_store(&gate_closed, false);
    assert_true(await_live(engine, true, NULL));

    atomic_store(&gate_closed, true);
    assert_true(await_live(engine, false, NULL));
    assert_false(topo_engine_stop(engine));
    assert_int_equal(atomic_load(&stop_lines), 1);
    assert_false(topo_engine_stop(engine));

    atomic_store(&gate_closed, false); /* A program would end by _exit here. */
    engine->stuck = false;
    assert_true(topo_engine_stop(engine));
    topo_engine_free(engine);
    world_close(&world);
}

static bool await_status(struct topo_engine *engine, struct topo_sim *sim, const char *text)
{
    for (int ms = 0; ms < PATIENCE_MS; ms += 20) {
        struct mr_buffer out;
        mr_buffer_init(&out);
        topo_engine_status_json(engine, &out);
        mr_buffer_add_byte(&out, '\0');
        bool found = strstr(out.ptr, text) != NULL;
        mr_buffer_clean_up(&out);
        if (found)
            return true;
        topo_sim_advance_ms(sim, 500);
        sleep_ms(20);
    }
    return false;
}

/* The end of a silent partition was known a while ago: that says nothing about the lag. */
static void a_lag_that_is_not_known_is_not_told_as_none(void **state)
{
    (void)state;
    struct world world = world_make(counter_topology("counter"), 4, counter_topics, 1, false);
    const struct topo_engine_options options = {.io_open = open_io, .io_user = world.sim};
    struct topo_engine *engine = NULL;
    struct mr_error error = {0};
    if (topo_engine_start(world.topology, &options, &engine, &error))
        fail_msg("%s", error.text);
    assert_true(await_status(engine, world.sim, "\"lag\":0"));
    topo_sim_hide_ends(world.sim, true);
    assert_true(await_status(engine, world.sim, "\"lag\":null"));
    assert_true(await_status(engine, world.sim, "\"input_lag\":null"));
    topo_sim_hide_ends(world.sim, false);
    assert_true(await_status(engine, world.sim, "\"lag\":0"));
    assert_true(topo_engine_stop(engine));
    topo_engine_free(engine);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lag_that_is_not_known_is_not_told_as_none),
        cmocka_unit_test(a_worker_that_hangs_is_named_and_a_stop_ends_within_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
