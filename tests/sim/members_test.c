/*
 * members_test.c - two members of one group: takeovers, zombies, and seeded random lives.
 *
 * Both engines make their steps in this thread, in an order that the seed decides. MILLRACE_SEED=n
 * replays one life; the seed of a life that went wrong is printed.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/engine_impl.h"
#include "engine/worker.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { MEMBERS = 2, PARTITIONS = 4, LIVES = 500, DEEDS = 40 };

struct cluster {
    struct world world;
    struct topo_engine *engines[MEMBERS];
    int64_t commit_records;
};

static const char *const instances[MEMBERS] = {"left", "right"};

static void print_log(void *user, int level, const char *event, const char *text)
{
    (void)level;
    if (getenv("MILLRACE_SEED"))
        fprintf(stderr, "%s: event=%s %s\n", (const char *)user, event, text);
}

static void start_member(struct cluster *cluster, size_t member)
{
    const struct topo_engine_options options = {
        .instance_id = instances[member],
        .io_open = topo_sim_open,
        .io_user = cluster->world.sim,
        .commit_records_max = cluster->commit_records,
        .on_log = print_log,
        .log_user = (void *)(uintptr_t)instances[member],
    };
    struct mr_error error = {0};
    if (cluster->engines[member])
        return;
    if (topo_engine_new(cluster->world.topology, &options, &cluster->engines[member], &error))
        fail_msg("%s", error.text);
    if (topo_engine_check(cluster->engines[member], &error) == 0)
        return;
    topo_engine_kill(cluster->engines[member]);
    topo_engine_free(cluster->engines[member]);
    cluster->engines[member] = NULL;
}

static void end_member(struct cluster *cluster, size_t member, bool kill)
{
    struct topo_engine *engine = cluster->engines[member];
    if (!engine)
        return;
    if (kill) {
        topo_sim_kill(cluster->world.sim, instances[member]);
        topo_engine_kill(engine);
    } else {
        topo_engine_stop(engine);
    }
    topo_engine_free(engine);
    cluster->engines[member] = NULL;
}

static void open_cluster(struct cluster *cluster, uint64_t seed)
{
    *cluster = (struct cluster){.commit_records = 5};
    cluster->world =
        world_make(counter_topology("counter"), seed, counter_topics, PARTITIONS, false);
}

static void close_cluster(struct cluster *cluster)
{
    for (size_t i = 0; i < MEMBERS; i++)
        end_member(cluster, i, true);
    world_close(&cluster->world);
}

/* One step of a member; a process that died is buried. */
static int step_member(struct cluster *cluster, size_t member)
{
    struct mr_error error = {0};
    if (!cluster->engines[member])
        return 0;
    int rc = topo_engine_step(cluster->engines[member], &error);
    if (rc < 0 || topo_engine_state(cluster->engines[member], &error) == TOPO_ENGINE_FAILED) {
        if (!topo_sim_crashed(cluster->world.sim))
            fail_msg("seed %llu: %s", (unsigned long long)cluster->world.seed, error.text);
        end_member(cluster, member, true);
        return 1;
    }
    return rc;
}

static void run_to_the_end(struct cluster *cluster)
{
    for (int rounds = 0, idle = 0; idle < 8; rounds++) {
        bool progress = false;
        for (size_t i = 0; i < MEMBERS; i++) {
            start_member(cluster, i);
            progress = step_member(cluster, i) || progress;
        }
        idle = progress ? 0 : idle + 1;
        if (idle == 4) /* Sessions and transactions of the dead run out. */
            topo_sim_advance_ms(cluster->world.sim, 11000);
        assert_true(rounds < 100000);
    }
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    struct cluster *cluster = user;
    for (size_t m = 0; m < MEMBERS; m++) {
        const struct worker *worker = cluster->engines[m]->workers[0];
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

static void check_books(struct cluster *cluster, uint64_t life)
{
    const char *bad = counter_check_log(cluster->world.sim, "counter");
    if (!bad[0])
        bad = counter_check_stores(cluster->world.sim, store_of, cluster);
    if (bad[0])
        fail_msg("MILLRACE_SEED=%llu: %s", (unsigned long long)life, bad);
}

static void step_times(struct cluster *cluster, size_t member, int count)
{
    for (int i = 0; i < count; i++)
        step_member(cluster, member);
}

static void the_tasks_are_shared_and_taken_over(void **state)
{
    (void)state;
    struct cluster cluster;
    uint64_t seed = 11;
    open_cluster(&cluster, seed);
    counter_feed(cluster.world.sim, &seed, 60);
    run_to_the_end(&cluster);
    for (size_t i = 0; i < MEMBERS; i++)
        assert_int_equal(cluster.engines[i]->workers[0]->tasks_count, PARTITIONS / MEMBERS);
    check_books(&cluster, seed);

    end_member(&cluster, 0, true);
    counter_feed(cluster.world.sim, &seed, 60);
    step_times(&cluster, 1, 50);
    topo_sim_advance_ms(cluster.world.sim, 11000);
    step_times(&cluster, 1, 500);
    assert_int_equal(cluster.engines[1]->workers[0]->tasks_count, PARTITIONS);
    run_to_the_end(&cluster);
    check_books(&cluster, seed);
    close_cluster(&cluster);
}

/* The left one stops being scheduled in the middle of a transaction, is given up, and wakes when
 * the right one has gone on with its tasks: what it still does is fenced. */
static void a_zombie_commits_nothing(void **state)
{
    (void)state;
    int in_transaction = 0;
    for (int stop_after = 0; stop_after < 40; stop_after++) {
        struct cluster cluster;
        uint64_t seed = 5;
        open_cluster(&cluster, seed);
        cluster.commit_records = 1000;
        counter_feed(cluster.world.sim, &seed, 30);
        run_to_the_end(&cluster);
        counter_feed(cluster.world.sim, &seed, 80);
        step_times(&cluster, 0, stop_after);
        in_transaction += cluster.engines[0]->workers[0]->txn.open;
        topo_sim_expel(cluster.world.sim, "left");
        step_times(&cluster, 1, 60);
        counter_feed(cluster.world.sim, &seed, 20);
        step_times(&cluster, 0, 3);
        step_times(&cluster, 1, 20);
        run_to_the_end(&cluster);
        check_books(&cluster, seed);
        close_cluster(&cluster);
    }
    assert_true(in_transaction > 0);
}

static void do_something(struct cluster *cluster, uint64_t *seed)
{
    size_t member = counter_random(seed) % MEMBERS;
    uint64_t kind = counter_random(seed) % 20;
    if (kind < 3) {
        counter_feed(cluster->world.sim, seed, 10);
    } else if (kind == 3) {
        end_member(cluster, member, true);
    } else if (kind == 4) {
        end_member(cluster, member, false);
    } else if (kind == 5) {
        topo_sim_expel(cluster->world.sim, instances[member]);
    } else if (kind == 6) {
        topo_sim_advance_ms(cluster->world.sim, (int64_t)(counter_random(seed) % 15000));
    } else if (kind < 10) {
        enum topo_sim_failure failure =
            (enum topo_sim_failure)(counter_random(seed) % TOPO_SIM_FAILURES);
        topo_sim_fail_at(cluster->world.sim, 1 + (int64_t)(counter_random(seed) % 60), failure);
    } else if (kind < 12) {
        start_member(cluster, member);
    } else {
        step_times(cluster, member, (int)(counter_random(seed) % 15));
    }
}

static void live_once(uint64_t life)
{
    struct cluster cluster;
    uint64_t seed = life;
    open_cluster(&cluster, life);
    for (size_t i = 0; i < MEMBERS; i++)
        start_member(&cluster, i);
    for (int i = 0; i < DEEDS; i++)
        do_something(&cluster, &seed);
    run_to_the_end(&cluster);
    check_books(&cluster, life);
    close_cluster(&cluster);
}

static void random_lives_balance(void **state)
{
    (void)state;
    const char *replay = getenv("MILLRACE_SEED");
    if (replay) {
        live_once(strtoull(replay, NULL, 10));
        return;
    }
    for (uint64_t life = 1; life <= LIVES; life++)
        live_once(life);
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
