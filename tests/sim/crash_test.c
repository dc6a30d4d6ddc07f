/*
 * crash_test.c - whatever happens at whichever call to the outside, the books balance.
 *
 * For k = 1, 2, 3, ...: the k-th call fails in one way (or the process dies there); the topology
 * then runs to the end, over restarts if it must; and outputs, outcomes, positions, offsets,
 * changelog and stores must be exactly what the input demands. Until a run gets through before the
 * failure fires. In memory (everything comes back from the log) and on disk (what was flushed
 * stays). Then several failures in a row, the next one while the one before is mended.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "failures.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct world open_world(bool on_disk, uint64_t seed, int64_t commit_records)
{
    const struct topo_driver_options options = {
        .partitions = 2, .seed = seed, .commit_records_max = commit_records};
    struct topo_topology *topology = counter_topology("counter");
    return on_disk ? world_open_on_disk(topology, &options) : world_open(topology, &options);
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    return topo_driver_store(user, store, partition);
}

/* Runs to the end, over the deaths and the waits that the failure brings. */
static void run_to_the_end(struct world *world)
{
    struct mr_error error = {0};
    int rc = 0;
    for (int i = 0; i < 5; i++) {
        rc = topo_driver_run(world->driver, &error);
        /* A reader that waits for a transaction's timeout gets it. */
        if (!rc)
            rc = topo_driver_advance_ms(world->driver, 11000, &error);
        if (!rc)
            return;
        bool dead = topo_sim_crashed(topo_driver_sim(world->driver));
        assert_true(dead || mr_code_class(rc) != MR_CLASS_FATAL);
        if (dead)
            (void)topo_driver_crash(world->driver, &error);
    }
    fail_msg("it does not come up again: %s", error.text);
}

static void check_books(struct world *world, const char *when)
{
    struct topo_sim *sim = topo_driver_sim(world->driver);
    const char *bad = counter_check_log(sim, "counter");
    if (bad[0])
        fail_msg("%s: %s", when, bad);
    bad = counter_check_stores(sim, store_of, world->driver);
    if (bad[0])
        fail_msg("%s, stores: %s", when, bad);
}

static bool abort_next; /* The second try of the call has to abort. */

static void arm_failure(struct topo_sim *sim, int64_t k, enum topo_sim_failure failure)
{
    topo_sim_fail_at(sim, k, failure);
    if (abort_next)
        topo_sim_fail_then(sim, 1, TOPO_SIM_ABORTABLE);
    failures_arm_late_offsets(sim, k, failure);
}

/* One life: some commands, the failure among them, more commands, a death, a clean restart. */
static bool live_through(enum topo_sim_failure failure, int64_t k, bool on_disk, uint64_t seed)
{
    char when[96];
    snprintf(
        when,
        sizeof when,
        "%s at call %lld%s",
        failure_names[failure],
        (long long)k,
        on_disk ? " on disk" : "");
    struct world world = open_world(on_disk, seed, 7);
    struct topo_sim *sim = topo_driver_sim(world.driver);
    counter_feed(sim, &seed, 12);
    assert_int_equal(topo_driver_run(world.driver, NULL), 0);
    counter_feed(sim, &seed, 40);
    arm_failure(sim, k, failure);
    run_to_the_end(&world);
    bool fired = !topo_sim_pending(sim);
    check_books(&world, when);

    counter_feed(sim, &seed, 10);
    run_to_the_end(&world);
    check_books(&world, when);
    assert_int_equal(topo_driver_crash(world.driver, NULL), 0);
    check_books(&world, when);
    assert_int_equal(topo_driver_restart(world.driver, NULL), 0);
    check_books(&world, when);
    world_close(&world);
    return fired;
}

static void every_call(enum topo_sim_failure failure, bool on_disk)
{
    int64_t k = 1;
    while (live_through(failure, k, on_disk, 1))
        k++;
    assert_true(k > 50); /* Or the failure was never in the way. */
}

/* The same for the calls of a start: the engine's checks, joining, restore. */
static bool start_over(enum topo_sim_failure failure, int64_t k, bool on_disk)
{
    uint64_t seed = 2;
    struct world world = open_world(on_disk, seed, 7);
    struct topo_sim *sim = topo_driver_sim(world.driver);
    counter_feed(sim, &seed, 30);
    assert_int_equal(topo_driver_run(world.driver, NULL), 0);
    counter_feed(sim, &seed, 15);
    arm_failure(sim, k, failure);
    (void)topo_driver_crash(world.driver, NULL);
    run_to_the_end(&world);
    bool fired = !topo_sim_pending(sim);
    char when[64];
    snprintf(when, sizeof when, "%s at call %lld of a start", failure_names[failure], (long long)k);
    check_books(&world, when);
    world_close(&world);
    return fired;
}

static void every_call_of_a_start(enum topo_sim_failure failure, bool on_disk)
{
    int64_t k = 1;
    while (start_over(failure, k, on_disk))
        k++;
    assert_true(k > 10);
}

#define KIND(name, failure)                                                                        \
    static void name##_at_every_call(void **state)                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        every_call(failure, false);                                                                \
        every_call_of_a_start(failure, false);                                                     \
    }
KIND(a_retriable_failure, TOPO_SIM_RETRY)
KIND(an_abortable_failure, TOPO_SIM_ABORTABLE)
KIND(fencing, TOPO_SIM_FENCE)
KIND(death_before_it, TOPO_SIM_CRASH)
KIND(death_after_it, TOPO_SIM_CRASH_AFTER)
KIND(a_lost_answer, TOPO_SIM_LOST_ANSWER)
KIND(a_late_end, TOPO_SIM_LATE)
KIND(a_late_write, TOPO_SIM_LATE_WRITE)
KIND(late_offsets, TOPO_SIM_LATE_OFFSETS)
#undef KIND

static void a_lost_answer_and_then_an_abort_at_every_call(void **state)
{
    (void)state;
    abort_next = true;
    every_call(TOPO_SIM_LOST_ANSWER, false);
    every_call_of_a_start(TOPO_SIM_LOST_ANSWER, false);
    abort_next = false;
}

/* Recovery from recovery: two more failures, close behind each other. The seed picks kinds and
 * places; MILLRACE_LIVES=n runs so many of them. */
static bool fail_in_a_row(uint64_t life)
{
    char when[64];
    uint64_t seed = life;
    struct world world = open_world(life % 4 == 0, 1 + life, 7);
    struct topo_sim *sim = topo_driver_sim(world.driver);
    (void)snprintf(when, sizeof when, "life %llu", (unsigned long long)life);
    counter_feed(sim, &seed, 12);
    assert_int_equal(topo_driver_run(world.driver, NULL), 0);
    counter_feed(sim, &seed, 30);
    topo_sim_fail_at(
        sim,
        1 + (int64_t)(counter_random(&seed) % 80),
        (enum topo_sim_failure)(counter_random(&seed) % TOPO_SIM_FAILURES));
    for (int i = 0; i < 2; i++)
        topo_sim_fail_then(
            sim,
            1 + (int64_t)(counter_random(&seed) % 25),
            (enum topo_sim_failure)(counter_random(&seed) % TOPO_SIM_FAILURES));
    run_to_the_end(&world);
    bool all_fired = !topo_sim_pending(sim);
    check_books(&world, when);
    world_close(&world);
    return all_fired;
}

static void failures_in_a_row(void **state)
{
    (void)state;
    const char *asked = getenv("MILLRACE_LIVES");
    uint64_t lives = asked ? strtoull(asked, NULL, 10) : 500;
    uint64_t fired = 0;
    for (uint64_t life = 1; life <= lives; life++)
        fired += fail_in_a_row(life);
    assert_true(fired > lives / 2); /* Or they were never in the way. */
}

/* Only a crash shows what is on disk and what in memory only. */
static void death_at_every_call_on_disk(void **state)
{
    (void)state;
    every_call(TOPO_SIM_CRASH_AFTER, true);
    every_call_of_a_start(TOPO_SIM_CRASH, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_retriable_failure_at_every_call),
        cmocka_unit_test(an_abortable_failure_at_every_call),
        cmocka_unit_test(fencing_at_every_call),
        cmocka_unit_test(death_before_it_at_every_call),
        cmocka_unit_test(death_after_it_at_every_call),
        cmocka_unit_test(a_lost_answer_at_every_call),
        cmocka_unit_test(a_lost_answer_and_then_an_abort_at_every_call),
        cmocka_unit_test(a_late_end_at_every_call),
        cmocka_unit_test(a_late_write_at_every_call),
        cmocka_unit_test(late_offsets_at_every_call),
        cmocka_unit_test(death_at_every_call_on_disk),
        cmocka_unit_test(failures_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
