/*
 * members_test.c - two members of one group: takeovers, zombies, and seeded random lives.
 *
 * Both engines make their steps in this thread, in an order that the seed decides. TOPO_SEED=n
 * replays one life; the seed of a life that went wrong is printed.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/engine_impl.h"
#include "engine/worker.h"

#include <stdio.h>
#include <stdlib.h>

enum { MEMBERS = 2, PARTITIONS = 4, LIVES = 500, DEEDS = 40 };

struct world {
    struct topo_topology *topology;
    struct topo_sim *sim;
    struct topo_engine *engines[MEMBERS];
    uint64_t seed;
    int64_t commit_records;
};

static const char *const instances[MEMBERS] = {"left", "right"};

static void say(void *user, int level, const char *event, const char *text)
{
    (void)level;
    if (getenv("TOPO_SEED"))
        fprintf(stderr, "%s: event=%s %s\n", (const char *)user, event, text);
}

static void start(struct world *world, size_t member)
{
    const struct topo_engine_options options = {
        .instance_id = instances[member],
        .io_open = topo_sim_open,
        .io_user = world->sim,
        .commit_records_max = world->commit_records,
        .on_log = say,
        .log_user = (void *)(uintptr_t)instances[member],
    };
    struct mr_error error = {0};
    if (world->engines[member])
        return;
    if (engine_new(world->topology, &options, &world->engines[member], &error))
        fail_msg("%s", error.text);
    if (engine_check(world->engines[member], &error) == 0)
        return;
    engine_kill(world->engines[member]);
    topo_engine_free(world->engines[member]);
    world->engines[member] = NULL;
}

static void end(struct world *world, size_t member, bool kill)
{
    struct topo_engine *engine = world->engines[member];
    if (!engine)
        return;
    if (kill) {
        topo_sim_kill(world->sim, instances[member]);
        engine_kill(engine);
    } else {
        topo_engine_stop(engine);
    }
    topo_engine_free(engine);
    world->engines[member] = NULL;
}

static void open_world(struct world *world, uint64_t seed)
{
    static const char *const topics[] = {
        "counter.commands",
        "counter.events",
        "counter.outcomes",
        "counter.replies",
        "counter.seen",
        "counter.dead"};
    *world = (struct world){.seed = seed, .commit_records = 5};
    world->topology = counter_topology("counter");
    world->sim = topo_sim_new(seed);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        topo_sim_create_topic(world->sim, topics[i], PARTITIONS);
}

static void close_world(struct world *world)
{
    for (size_t i = 0; i < MEMBERS; i++)
        end(world, i, true);
    topo_sim_free(world->sim);
    topo_topology_free(world->topology);
}

/* One step of a member; a process that died is buried. */
static int step(struct world *world, size_t member)
{
    struct mr_error error = {0};
    if (!world->engines[member])
        return 0;
    int rc = engine_step(world->engines[member], &error);
    if (rc < 0 || topo_engine_state(world->engines[member], &error) == TOPO_FAILED) {
        if (!topo_sim_crashed(world->sim))
            fail_msg("seed %llu: %s", (unsigned long long)world->seed, error.text);
        end(world, member, true);
        return 1;
    }
    return rc;
}

static void run_to_the_end(struct world *world)
{
    for (int rounds = 0, idle = 0; idle < 8; rounds++) {
        bool progress = false;
        for (size_t i = 0; i < MEMBERS; i++) {
            start(world, i);
            progress = step(world, i) || progress;
        }
        idle = progress ? 0 : idle + 1;
        if (idle == 4) /* Sessions and transactions of the dead run out. */
            topo_sim_advance_ms(world->sim, 11000);
        assert_true(rounds < 100000);
    }
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    struct world *world = user;
    for (size_t m = 0; m < MEMBERS; m++) {
        const struct worker *worker = world->engines[m]->workers[0];
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

static void check(struct world *world, uint64_t life)
{
    const char *bad = counter_check_log(world->sim, "counter");
    if (!bad[0])
        bad = counter_check_stores(world->sim, store_of, world);
    if (bad[0])
        fail_msg("TOPO_SEED=%llu: %s", (unsigned long long)life, bad);
}

static void steps(struct world *world, size_t member, int count)
{
    for (int i = 0; i < count; i++)
        step(world, member);
}

static void the_tasks_are_shared_and_taken_over(void **state)
{
    (void)state;
    struct world world;
    uint64_t seed = 11;
    open_world(&world, seed);
    counter_feed(world.sim, &seed, 60);
    run_to_the_end(&world);
    for (size_t i = 0; i < MEMBERS; i++)
        assert_int_equal(world.engines[i]->workers[0]->tasks_count, PARTITIONS / MEMBERS);
    check(&world, seed);

    end(&world, 0, true);
    counter_feed(world.sim, &seed, 60);
    steps(&world, 1, 50);
    topo_sim_advance_ms(world.sim, 11000);
    steps(&world, 1, 500);
    assert_int_equal(world.engines[1]->workers[0]->tasks_count, PARTITIONS);
    run_to_the_end(&world);
    check(&world, seed);
    close_world(&world);
}

/* The left one stops being scheduled in the middle of a transaction, is given up, and wakes when
 * the right one has gone on with its tasks: what it still does is fenced. */
static void a_zombie_commits_nothing(void **state)
{
    (void)state;
    int in_transaction = 0;
    for (int stop_after = 0; stop_after < 40; stop_after++) {
        struct world world;
        uint64_t seed = 5;
        open_world(&world, seed);
        world.commit_records = 1000;
        counter_feed(world.sim, &seed, 30);
        run_to_the_end(&world);
        counter_feed(world.sim, &seed, 80);
        steps(&world, 0, stop_after);
        in_transaction += world.engines[0]->workers[0]->txn.open;
        topo_sim_expel(world.sim, "left");
        steps(&world, 1, 60);
        counter_feed(world.sim, &seed, 20);
        steps(&world, 0, 3);
        steps(&world, 1, 20);
        run_to_the_end(&world);
        check(&world, seed);
        close_world(&world);
    }
    assert_true(in_transaction > 0);
}

static void deed(struct world *world, uint64_t *seed)
{
    size_t member = counter_random(seed) % MEMBERS;
    uint64_t kind = counter_random(seed) % 20;
    if (kind < 3) {
        counter_feed(world->sim, seed, 10);
    } else if (kind == 3) {
        end(world, member, true);
    } else if (kind == 4) {
        end(world, member, false);
    } else if (kind == 5) {
        topo_sim_expel(world->sim, instances[member]);
    } else if (kind == 6) {
        topo_sim_advance_ms(world->sim, (int64_t)(counter_random(seed) % 15000));
    } else if (kind < 10) {
        enum topo_sim_failure failure =
            (enum topo_sim_failure)(counter_random(seed) % (TOPO_SIM_LOST_ANSWER + 1));
        topo_sim_fail_at(world->sim, 1 + (int64_t)(counter_random(seed) % 60), failure);
    } else if (kind < 12) {
        start(world, member);
    } else {
        steps(world, member, (int)(counter_random(seed) % 15));
    }
}

static void live(uint64_t life)
{
    struct world world;
    uint64_t seed = life;
    open_world(&world, life);
    for (size_t i = 0; i < MEMBERS; i++)
        start(&world, i);
    for (int i = 0; i < DEEDS; i++)
        deed(&world, &seed);
    run_to_the_end(&world);
    check(&world, life);
    close_world(&world);
}

static void random_lives_balance(void **state)
{
    (void)state;
    const char *replay = getenv("TOPO_SEED");
    if (replay) {
        live(strtoull(replay, NULL, 10));
        return;
    }
    for (uint64_t life = 1; life <= LIVES; life++)
        live(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tasks_are_shared_and_taken_over),
        cmocka_unit_test(a_zombie_commits_nothing),
        cmocka_unit_test(random_lives_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
