/*
 * restore_test.c - what is logged and done when a log loses its beginning, before a task
 * comes up or while it does, and who is woken when it is up.
 */
#include <tests/cmocka.h>

#include "counter.h"
#include "engine/engine_impl.h"
#include "engine/worker.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct world world;

static struct {
    int cut;        /* Log lines that say so. */
    int64_t cut_to; /* The changelog, when its reader is made; -1: not. */
    int (*log_add)(void *, struct topo_partition, int64_t, struct mr_error *);
} hooks;

static int
cutting_add(void *self, struct topo_partition partition, int64_t offset, struct mr_error *error)
{
    int rc = hooks.log_add(self, partition, offset, error);
    if (hooks.cut_to >= 0 && strcmp(partition.topic, "counter.seen") == 0) {
        topo_sim_truncate(world.sim, partition.topic, partition.partition, hooks.cut_to);
        hooks.cut_to = -1;
    }
    return rc;
}

static int open_io(
    void *user,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error)
{
    int rc = topo_sim_open(user, options, ret_io, error);
    hooks.log_add = ret_io->log_add;
    ret_io->log_add = cutting_add;
    return rc;
}

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)text;
    if (strcmp(event, "history-cut") != 0)
        return;
    assert_int_equal(level, MR_LOG_ERROR);
    assert_non_null(strstr(text, "counter.events"));
    hooks.cut++;
}

static void start_engine(void)
{
    world_start(&world, &(struct topo_engine_options){.io_open = open_io, .on_log = on_log});
}

static int set_up(void **state)
{
    (void)state;
    memset(&hooks, 0, sizeof hooks);
    hooks.cut_to = -1;
    world = world_make(counter_topology("counter"), 9, counter_topics, 1, true);
    counter_feed(world.sim, &world.seed, 40);
    start_engine();
    world_steps(&world, 40);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void a_changelog_cut_while_it_is_read_is_looked_at_again(void **state)
{
    (void)state;
    world_stop(&world);
    start_engine();
    world_steps(&world, 20);
    counter_feed(world.sim, &world.seed, 40);
    world_steps(&world, 20);
    world_kill(&world); /* The disk has the first part, the log both. */
    hooks.cut_to = topo_sim_end(world.sim, "counter.seen", 0) - 2;
    start_engine();
    world_steps(&world, 60);
    assert_int_equal(hooks.cut_to, -1);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    assert_int_equal(atomic_load(&world.engine->metrics.rebuilds), 1);
    counter_feed(world.sim, &world.seed, 10);
    world_steps(&world, 20);
    const char *bad = counter_check_log(world.sim, "counter");
    assert_null(strstr(bad, "total"));
}

/* Something that is not a file stands in the folder of the stores. */
static void a_store_that_cannot_be_rebuilt_fails_with_the_reason(void **state)
{
    (void)state;
    struct mr_error error = {0};
    char path[160];
    world_stop(&world);
    start_engine();
    world_steps(&world, 20);
    counter_feed(world.sim, &world.seed, 40);
    world_steps(&world, 20);
    snprintf(path, sizeof path, "%s/lost+found", world.engine->workers[0]->tasks[0]->dir);
    world_kill(&world);
    assert_int_equal(mkdir(path, 0700), 0);
    topo_sim_truncate(world.sim, "counter.seen", 0, topo_sim_end(world.sim, "counter.seen", 0) - 1);
    start_engine();
    int rc = 0;
    for (int i = 0; i < 60 && rc >= 0; i++)
        rc = topo_engine_step(world.engine, &error);
    assert_int_equal(rc, MR_IO);
    assert_non_null(strstr(error.text, "lost+found"));
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_FAILED);
}

static struct topo_store *store_of(void *user, const char *store, int32_t partition)
{
    (void)user;
    const struct worker *worker = world.engine->workers[0];
    const struct task *task = worker->tasks_count ? worker->tasks[0] : NULL;
    for (size_t k = 0; task && k < task->sub->stores_count; k++)
        if (task->partition == partition && strcmp(task->sub->stores[k]->name, store) == 0)
            return task->stores[k];
    return NULL;
}

static void an_event_that_cannot_be_folded_yet_is_waited_for(void **state)
{
    (void)state;
    world_stop(&world);
    world_empty_dir(&world);
    counter_later = 3;
    start_engine();
    world_steps(&world, 60);
    assert_int_equal(counter_later, 0);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    assert_string_equal(counter_check_stores(world.sim, store_of, NULL), "");
}

static void a_history_without_its_beginning_is_logged(void **state)
{
    (void)state;
    world_stop(&world);
    assert_int_equal(hooks.cut, 0);
    world_empty_dir(&world);
    topo_sim_truncate(world.sim, "counter.events", 0, 5);
    start_engine();
    world_steps(&world, 40);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    assert_int_equal(hooks.cut, 1);
}

static void wake_waiter(void *user)
{
    ++*(int *)user;
}

/* No commit follows that would wake it. */
static void whoever_watches_a_task_is_woken_when_it_comes_up(void **state)
{
    (void)state;
    world_stop(&world);
    start_engine();
    int woken = 0;
    struct topo_watch *watch = NULL;
    const struct topo_position position = {"counter.commands", 0, 40};
    assert_false(topo_engine_watch(world.engine, "totals", &position, wake_waiter, &woken, &watch));
    world_steps(&world, 40);
    assert_int_equal(topo_engine_state(world.engine, NULL), TOPO_ENGINE_RUNNING);
    assert_int_equal(woken, 1);
    topo_engine_unwatch(world.engine, watch);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_changelog_cut_while_it_is_read_is_looked_at_again),
        TEST(a_store_that_cannot_be_rebuilt_fails_with_the_reason),
        TEST(an_event_that_cannot_be_folded_yet_is_waited_for),
        TEST(a_history_without_its_beginning_is_logged),
        TEST(whoever_watches_a_task_is_woken_when_it_comes_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
