/*
 * workers_test.c - the workers of one engine share its directory: a partition that goes from one to
 * the other is opened when the other has closed it, in whatever order the two find out.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/assign.h"
#include "engine/engine_impl.h"
#include "engine/run.h"
#include "engine/worker.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARTITIONS = 4, WORKERS = 2 };

static struct world open_world(uint64_t seed)
{
    struct world world =
        world_make(counter_topology("counter"), seed, counter_topics, PARTITIONS, true);
    world_start(&world, &(struct topo_engine_options){.workers = WORKERS, .commit_records_max = 5});
    return world;
}

static int step_worker(struct world *world, size_t worker)
{
    struct mr_error error = {0};
    int rc = worker_step(world->engine->workers[worker], 0, &error);
    if (rc < 0)
        fail_msg("worker %zu: %s", worker, error.text);
    return rc;
}

/* Without the commit of a step. */
static void process_one(struct world *world)
{
    struct mr_error error = {0};
    struct worker *worker = world->engine->workers[0];
    if (assign_poll(worker, 0, &error) || run_records(worker, &error))
        fail_msg("%s", error.text);
}

static void step_times(struct world *world, size_t worker, int count)
{
    for (int i = 0; i < count; i++)
        step_worker(world, worker);
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    struct world *world = user;
    for (size_t w = 0; w < WORKERS; w++) {
        const struct worker *worker = world->engine->workers[w];
        for (size_t i = 0; i < worker->tasks_count; i++) {
            const struct task *task = worker->tasks[i];
            for (size_t k = 0; k < task->sub->stores_count; k++)
                if (task->partition == partition && task->state == TASK_RUNNING &&
                    strcmp(task->sub->stores[k]->name, store) == 0)
                    return task->stores[k];
        }
    }
    return NULL;
}

static void run_to_the_end(struct world *world)
{
    for (int idle = 0, rounds = 0; idle < 8; rounds++) {
        bool progress = false;
        for (size_t w = 0; w < WORKERS; w++)
            progress = step_worker(world, w) || progress;
        idle = progress ? 0 : idle + 1;
        if (idle == 4)
            topo_sim_advance_ms(world->sim, 11000);
        assert_true(rounds < 100000);
    }
    assert_int_equal(topo_engine_state(world->engine, NULL), TOPO_ENGINE_RUNNING);
    for (size_t w = 0; w < WORKERS; w++)
        assert_int_equal(world->engine->workers[w]->tasks_count, PARTITIONS / WORKERS);
    const char *bad = counter_check_log(world->sim, "counter");
    if (!bad[0])
        bad = counter_check_stores(world->sim, store_of, world);
    if (bad[0])
        fail_msg("%s", bad);
}

/* `first` has all partitions; `second` comes, and hears of its share before `first` does. */
static void a_share_waits_for_the_worker_that_still_has_it(void **state)
{
    (void)state;
    for (size_t first = 0; first < WORKERS; first++) {
        struct world world = open_world(3);
        size_t second = 1 - first;

        counter_feed(world.sim, &world.seed, 40);
        step_times(&world, first, 40);
        assert_int_equal(world.engine->workers[first]->tasks_count, PARTITIONS);
        step_worker(&world, second);  /* It joins: */
        step_times(&world, first, 2); /* all is taken back, */
        step_times(&world, second, 20);
        assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RESTORING);
        counter_feed(world.sim, &world.seed, 40);
        run_to_the_end(&world);
        world_close(&world);
    }
}

/* One is fenced and cannot come back; its tasks go to the other, which shares its directory. */
static void a_worker_that_was_fenced_lets_go_of_its_stores(void **state)
{
    (void)state;
    struct world world = open_world(4);
    counter_feed(world.sim, &world.seed, 40);
    run_to_the_end(&world);
    counter_feed(world.sim, &world.seed, 20);
    topo_sim_fail_at(world.sim, 1, TOPO_SIM_FENCE);
    step_worker(&world, 1);
    assert_int_equal(world.engine->workers[1]->state, WORKER_CLOSED);
    topo_sim_advance_ms(world.sim, 11000); /* Its session is over. */
    step_times(&world, 0, 100);
    assert_int_equal(world.engine->workers[0]->tasks_count, PARTITIONS);
    for (size_t i = 0; i < PARTITIONS; i++)
        assert_int_equal(world.engine->workers[0]->tasks[i]->state, TASK_RUNNING);
    run_to_the_end(&world);
    world_close(&world);
}

/* -- a broker that is gone when the engine stops -- */

static int asked;

static int not_there(void *self, struct mr_error *error)
{
    (void)self;
    asked++;
    return mr_fail(error, MR_TIMEOUT, "nobody answers");
}

static int
no_commit(void *self, const struct topo_position *inputs, size_t count, struct mr_error *error)
{
    (void)inputs, (void)count;
    return not_there(self, error);
}

/* Each call may take ten seconds on Kafka. */
static void a_stop_asks_a_broker_that_is_gone_a_few_times_only(void **state)
{
    (void)state;
    for (int flush_too = 0; flush_too < 2; flush_too++) {
        struct world world = open_world(5);
        run_to_the_end(&world);
        struct topo_io *io = &world.engine->workers[0]->io;
        counter_feed(world.sim, &world.seed, 40);
        asked = 0;
        for (int i = 0; i < 10 && !world.engine->workers[0]->txn.open; i++)
            process_one(&world);
        assert_true(world.engine->workers[0]->txn.open);
        if (flush_too)
            io->flush = not_there;
        io->commit = no_commit;
        io->abort = not_there;
        atomic_store(&world.engine->stopping, true);
        worker_stop(world.engine->workers[0]);
        assert_in_range(asked, 2, 6);
        world_close(&world);
    }
}

/* In seeded orders, with seeded failures. */
static void random_orders_balance(void **state)
{
    (void)state;
    for (uint64_t life = 1; life <= 12; life++) {
        struct world world = open_world(life);
        uint64_t seed = life;

        for (int i = 0; i < 30; i++) {
            uint64_t kind = counter_random(&seed) % 8;
            if (kind == 0)
                topo_sim_expel(world.sim, "0");
            else if (kind == 1)
                topo_sim_advance_ms(world.sim, (int64_t)(counter_random(&seed) % 15000));
            else if (kind == 2)
                topo_sim_fail_at(
                    world.sim,
                    1 + (int64_t)(counter_random(&seed) % 40),
                    counter_random(&seed) % 2 ? TOPO_SIM_FENCE : TOPO_SIM_ABORTABLE);
            else if (kind < 5)
                counter_feed(world.sim, &seed, 10);
            else
                step_times(
                    &world, counter_random(&seed) % WORKERS, (int)(counter_random(&seed) % 12));
        }
        run_to_the_end(&world);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_waits_for_the_worker_that_still_has_it),
        cmocka_unit_test(a_worker_that_was_fenced_lets_go_of_its_stores),
        cmocka_unit_test(a_stop_asks_a_broker_that_is_gone_a_few_times_only),
        cmocka_unit_test(random_orders_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
