/*
 * brokers_test.c - three brokers, and one of them dies: calls that need it take their whole timeout
 * of simulated time, leaders move one by one, and what living brokers lead goes on meanwhile. And
 * the clocks that run by themselves: of transactions, and of the sessions of members that are
 * silent.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/engine_impl.h"
#include "engine/worker.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BROKERS = 3,
    PARTITIONS = 9,
    DEAD = 1,
    STEP_MS = 2,
    SETTLE_STEPS = 400,
    QUESTION_MS = 5000, /* How long an answer is waited for, */
    PAUSE_MS = 5001,    /* and how long nobody is asked then. */
};

static struct world world;
static int64_t longest_step_ms;

static int open_world(void **state)
{
    (void)state;
    world = world_make(counter_topology("counter"), 5, counter_topics, PARTITIONS, false);
    topo_sim_set_brokers(world.sim, BROKERS);
    world_start(&world, NULL);
    longest_step_ms = 0;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void make_steps(int times)
{
    for (int i = 0; i < times; i++) {
        int64_t began_ms = topo_sim_now_ms(world.sim);
        world_steps(&world, 1);
        int64_t took_ms = topo_sim_now_ms(world.sim) - began_ms;
        longest_step_ms = took_ms > longest_step_ms ? took_ms : longest_step_ms;
        topo_sim_advance_ms(world.sim, STEP_MS);
    }
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    const struct worker *worker = world.engine->workers[0];
    (void)user;
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *task = worker->tasks[i];
        for (size_t k = 0; k < task->sub->stores_count; k++)
            if (task->partition == partition && task->state == TASK_RUNNING &&
                strcmp(task->sub->stores[k]->name, store) == 0)
                return task->stores[k];
    }
    return NULL;
}

static void check_books(void)
{
    assert_string_equal(counter_check_log(world.sim, "counter"), "");
    assert_string_equal(counter_check_stores(world.sim, store_of, NULL), "");
}

static int count_running(void)
{
    int running = 0;
    for (int32_t p = 0; p < PARTITIONS; p++)
        running += store_of(NULL, "totals", p) != NULL;
    return running;
}

static void the_books_balance_when_leaders_die_and_move_one_by_one(void **state)
{
    (void)state;
    counter_feed(world.sim, &world.seed, 60);
    make_steps(100);
    for (int dead = 0; dead < 2; dead++) {
        counter_feed(world.sim, &world.seed, 60);
        make_steps(1 + dead);
        topo_sim_kill_broker(world.sim, dead);
        make_steps(30);
        while (topo_sim_move_leader(world.sim)) {
            counter_feed(world.sim, &world.seed, 2);
            make_steps(5);
        }
        topo_sim_advance_ms(world.sim, PAUSE_MS);
        make_steps(SETTLE_STEPS);
        assert_int_equal(count_running(), PARTITIONS);
        check_books();
    }
    assert_true(longest_step_ms > 0); /* Somebody waited, or no broker was in the way. */
}

/* All tasks restore, as after an abort; those of the dead broker cannot. */
static void a_dead_broker_does_not_hold_up_what_others_lead(void **state)
{
    (void)state;
    counter_feed(world.sim, &world.seed, 60);
    make_steps(100);
    topo_sim_kill_broker(world.sim, DEAD);
    topo_sim_expel(world.sim, "0"); /* It comes back to its tasks, and restores them. */
    make_steps(40);
    assert_int_equal(count_running(), PARTITIONS - PARTITIONS / BROKERS);
    assert_true(longest_step_ms <= QUESTION_MS);

    /* Half of the time at most goes by in waiting for the dead. */
    int64_t began_ms = topo_sim_now_ms(world.sim);
    int steps = 0;
    for (; topo_sim_now_ms(world.sim) - began_ms < 60000; steps++)
        make_steps(1);
    assert_true(steps > 60000 / STEP_MS / 2 - 100);
    assert_int_equal(world_metric(&world, "topo_fenced_total"), 0);
    while (topo_sim_move_leader(world.sim))
        make_steps(5);
    topo_sim_advance_ms(world.sim, PAUSE_MS);
    make_steps(SETTLE_STEPS);
    assert_int_equal(count_running(), PARTITIONS);
    check_books();
}

/* A machine that slept: the group has given its tasks away, its transaction is aborted. */
static void who_was_silent_for_a_session_joins_again(void **state)
{
    (void)state;
    topo_sim_set_session_ms(world.sim, 10000);
    for (int life = 0; life < 20; life++) {
        counter_feed(world.sim, &world.seed, 20);
        make_steps(life);
        topo_sim_advance_ms(world.sim, 15000);
        make_steps(SETTLE_STEPS);
        assert_int_equal(count_running(), PARTITIONS);
        check_books();
    }
    assert_true(world_metric(&world, "topo_fenced_total") > 0);
}

/* A thread that was held up for longer than a transaction lasts: the broker has aborted it, and a
 * newer epoch has its name. What it did is done once more. */
static void a_transaction_that_took_too_long_is_done_again(void **state)
{
    (void)state;
    for (int life = 0; life < 20; life++) {
        counter_feed(world.sim, &world.seed, 20);
        make_steps(life % 5);
        topo_sim_advance_ms(world.sim, 10001);
        make_steps(SETTLE_STEPS);
        check_books();
    }
    assert_true(world_metric(&world, "topo_fenced_total") > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_books_balance_when_leaders_die_and_move_one_by_one),
        TEST(a_dead_broker_does_not_hold_up_what_others_lead),
        TEST(who_was_silent_for_a_session_joins_again),
        TEST(a_transaction_that_took_too_long_is_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
