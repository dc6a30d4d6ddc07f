/* cleanup_test.c - folders of tasks that went are removed after a time, and no others. */
#include <tests/cmocka.h>

#include "counter.h"
#include "world.h"

#include <base/log.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARTITIONS = 2, SHORT_MS = 30 };

static struct world world;
static int removed, foreign;

static void on_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level, (void)text;
    removed += strcmp(event, "state-removed") == 0;
    foreign += strcmp(event, "foreign-state") == 0;
}

static void start_engine(int64_t cleanup_ms)
{
    removed = foreign = 0;
    world_start(
        &world, &(struct topo_engine_options){.state_cleanup_ms = cleanup_ms, .on_log = on_log});
}

/* In the folder of the application. */
static void run_shell(const char *script)
{
    char command[256];
    (void)snprintf(command, sizeof command, "cd '%s/counter' && %s", world.dir, script);
    assert_int_equal(system(command), 0);
}

static bool has_folder(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/counter/%s", world.dir, name);
    return access(path, F_OK) == 0;
}

/* The cluster has two partitions, so task 7 is nobody's: as one that another instance has. */
static int set_up(void **state)
{
    (void)state;
    world = world_make(counter_topology("counter"), 5, counter_topics, PARTITIONS, true);
    start_engine(-1);
    counter_feed(world.sim, &world.seed, 50);
    world_steps(&world, 50);
    world_stop(&world);
    run_shell("cp -r *-0 \"$(echo *-0 | sed s/-0$/-7/)\" && ln -s \"$(echo *-7)\" .gone");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void run_for(int ms)
{
    for (int i = 0; i < ms / 10; i++) {
        world_steps(&world, 2);
        usleep(10000);
    }
}

static void a_folder_that_nobody_used_for_the_time_is_removed_and_owned_ones_stay(void **state)
{
    (void)state;
    start_engine(SHORT_MS);
    world_steps(&world, 2);
    assert_true(has_folder(".gone/LOCK")); /* Not before its time, counted from the start. */
    run_for(10 * SHORT_MS);
    assert_int_equal(removed, 1);
    assert_false(has_folder(".gone/LOCK"));
    run_shell("test -e *-0/CURRENT && test -e *-1/CURRENT");
    assert_string_equal(counter_check_log(world.sim, "counter"), "");
}

static void a_day_is_the_default_and_a_negative_time_is_never(void **state)
{
    const int64_t times[] = {0, -1};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        start_engine(times[i]);
        run_for(5 * SHORT_MS);
        assert_true(has_folder(".gone/LOCK"));
        world_stop(&world);
    }
}

static void a_folder_that_another_process_has_open_stays(void **state)
{
    char path[256];
    int ready[2];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/counter/.gone/LOCK", world.dir);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(path, O_RDWR | O_CLOEXEC);
        bool locked = fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0;
        (void)!write(ready[1], locked ? "y" : "n", 1);
        pause();
        _exit(0);
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    start_engine(SHORT_MS);
    run_for(10 * SHORT_MS);
    bool stays = has_folder(".gone/CURRENT");
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(answer, 'y');
    assert_true(stays);
    run_for(10 * SHORT_MS);
    assert_int_equal(removed, 1);
    close(ready[0]);
    close(ready[1]);
}

static void a_folder_with_another_name_is_named_once_and_stays(void **state)
{
    (void)state;
    run_shell("mkdir earlier-version-0");
    start_engine(SHORT_MS);
    run_for(10 * SHORT_MS);
    assert_int_equal(foreign, 1);
    assert_true(has_folder("earlier-version-0"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_folder_that_nobody_used_for_the_time_is_removed_and_owned_ones_stay),
        TEST(a_day_is_the_default_and_a_negative_time_is_never),
        TEST(a_folder_that_another_process_has_open_stays),
        TEST(a_folder_with_another_name_is_named_once_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
