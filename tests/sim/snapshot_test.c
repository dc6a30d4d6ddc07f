/*
 * snapshot_test.c - copies made of running tasks, and tasks that come up from one: the state is the
 * fold of the log, as if there had been no copy.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/engine_impl.h"
#include "engine/worker.h"
#include "world.h"

#include <topology/snapshot.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NEWEST "20990101T000000.000Z"

enum { PARTITIONS = 2 };

static struct world world;
static char folder[64];
static int placed, refused;

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level, (void)text;
    placed += strcmp(event, "snapshot-placed") == 0;
    refused += strcmp(event, "snapshot-refused") == 0;
}

static void start_engine(void)
{
    world_start(
        &world,
        &(struct topo_engine_options){
            .snapshot_dir = folder, .flush_interval_ms = 1, .on_log = on_log});
}

/* Everything that the log has is folded, and on disk. */
static void run_commands(int count)
{
    counter_feed(world.sim, &world.seed, count);
    for (int i = 0; i < 30; i++) {
        topo_sim_advance_ms(world.sim, 10);
        world_steps(&world, 4);
    }
}

static int take_snapshot(void)
{
    struct mr_error error = {0};
    int count = 0;
    if (topo_engine_snapshot(world.engine, &count, &error))
        fail_msg("%s", error.text);
    return count;
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    (void)user;
    const struct worker *worker = world.engine->workers[0];
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (worker->tasks[i]->partition == partition)
            return store_set_store(worker->tasks[i]->set, store);
    return NULL;
}

static void check_all(void)
{
    assert_string_equal(counter_check_log(world.sim, "counter"), "");
    assert_string_equal(counter_check_stores(world.sim, store_of, NULL), "");
}

/* The disk is gone with the process, the snapshots are not. */
static void lose_disk(void)
{
    world_kill(&world);
    world_empty_dir(&world);
    start_engine();
}

static int set_up(void **state)
{
    (void)state;
    placed = refused = 0;
    snprintf(folder, sizeof folder, "/tmp/millrace-snapshots-XXXXXX");
    assert_non_null(mkdtemp(folder));
    world = world_make(counter_topology("counter"), 5, counter_topics, PARTITIONS, true);
    start_engine();
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    world_close(&world);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void a_task_without_its_disk_starts_from_a_snapshot_and_equals_the_fold(void **state)
{
    (void)state;
    run_commands(200);
    assert_int_equal(take_snapshot(), PARTITIONS);
    run_commands(50);
    lose_disk();
    run_commands(10);
    assert_int_equal(placed, PARTITIONS);
    assert_int_equal(refused, 0);
    check_all();
    uint64_t with = world_metric(&world, "topo_restored_records_total");

    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'/counter", folder);
    assert_int_equal(system(command), 0);
    lose_disk();
    run_commands(10);
    assert_int_equal(placed, PARTITIONS);
    check_all();
    uint64_t without = world_metric(&world, "topo_restored_records_total");
    assert_true(with > 0);
    assert_true(with * 2 < without);
}

static void a_snapshot_of_a_task_that_restores_is_as_good(void **state)
{
    (void)state;
    run_commands(200);
    world_kill(&world);
    world_empty_dir(&world);
    start_engine();
    world_steps(&world, 2);
    assert_int_equal(take_snapshot(), PARTITIONS);
    lose_disk();
    run_commands(10);
    check_all();
}

static void a_state_that_is_there_is_not_replaced(void **state)
{
    (void)state;
    run_commands(100);
    take_snapshot();
    run_commands(100);
    world_kill(&world);
    start_engine();
    run_commands(10);
    assert_int_equal(placed, 0);
    check_all();
}

/* Newer than the real one, and nothing that RocksDB can open. */
static void a_snapshot_that_cannot_be_opened_is_put_away_and_the_log_is_folded(void **state)
{
    char path[160];
    (void)state;
    run_commands(100);
    take_snapshot();
    for (int partition = 0; partition < PARTITIONS; partition++) {
        snprintf(path, sizeof path, "%s/counter/counter-%d/" NEWEST, folder, partition);
        assert_int_equal(mkdir(path, 0777), 0);
        snprintf(path, sizeof path, "%s/counter/counter-%d/" NEWEST "/CURRENT", folder, partition);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs("not a manifest\n", file);
        fclose(file);
    }
    lose_disk();
    run_commands(10);
    assert_int_equal(refused, PARTITIONS);
    check_all();
}

static bool count_one(void *user, const struct topo_snapshot *snapshot)
{
    int *count = user;
    assert_string_equal(snapshot->application, "counter");
    assert_true(snapshot->bytes > 0);
    (*count)++;
    return true;
}

static int count_snapshots(void)
{
    int count = 0;
    struct mr_error error = {0};
    assert_int_equal(topo_snapshot_list(folder, count_one, &count, &error), 0);
    return count;
}

static void the_newest_two_of_a_task_are_kept(void **state)
{
    (void)state;
    run_commands(20);
    for (int i = 0; i < 4; i++) {
        run_commands(5);
        assert_int_equal(take_snapshot(), PARTITIONS);
        assert_int_equal(take_snapshot(), PARTITIONS); /* In the same millisecond, maybe. */
    }
    assert_int_equal(count_snapshots(), 2 * PARTITIONS);
}

static bool restore_one(void *user, const struct topo_snapshot *snapshot)
{
    struct mr_error error = {0};
    if (topo_snapshot_restore(snapshot, world.dir, &error))
        fail_msg("%s", error.text);
    assert_int_equal(topo_snapshot_restore(snapshot, world.dir, &error), MR_CONFLICT);
    ++*(int *)user;
    return true;
}

static void an_operator_restores_one_into_an_empty_state_folder(void **state)
{
    (void)state;
    run_commands(100);
    take_snapshot();
    world_kill(&world);
    world_empty_dir(&world);
    int restored = 0;
    struct mr_error error = {0};
    assert_int_equal(topo_snapshot_list(folder, restore_one, &restored, &error), 0);
    assert_int_equal(restored, PARTITIONS);
    world_start(&world, &(struct topo_engine_options){.on_log = on_log});
    run_commands(10);
    assert_int_equal(placed, 0);
    check_all();
}

static void an_engine_without_a_folder_refuses(void **state)
{
    struct mr_error error = {0};
    (void)state;
    world_stop(&world);
    world_start(&world, NULL);
    assert_int_equal(topo_engine_snapshot(world.engine, NULL, &error), MR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_task_without_its_disk_starts_from_a_snapshot_and_equals_the_fold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_snapshot_of_a_task_that_restores_is_as_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_state_that_is_there_is_not_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_snapshot_that_cannot_be_opened_is_put_away_and_the_log_is_folded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_two_of_a_task_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_operator_restores_one_into_an_empty_state_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_engine_without_a_folder_refuses, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
