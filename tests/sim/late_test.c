/*
 * late_test.c - the simulated log itself: a request that is late touches the next transaction of
 * its epoch, and none of a later epoch. So an engine that forgets to renew its producer is seen.
 */
#include <tests/cmocka.h>

#include <topology/sim.h>

#include <stdlib.h>

static struct topo_sim *sim;
static struct topo_io io;
static const struct topo_partition to = {"out", 0};

static int open_member(void **state)
{
    static const char *const topics[] = {"in"};
    const struct topo_io_options options = {
        .application_id = "app", .instance_id = "0", .transactional = true};
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    (void)state;
    sim = topo_sim_new(1);
    topo_sim_create_topic(sim, "in", 2);
    topo_sim_create_topic(sim, "out", 1);
    assert_int_equal(topo_sim_open(sim, &options, &io, NULL), 0);
    assert_int_equal(io.init_transactions(io.self, NULL), 0);
    assert_int_equal(io.subscribe(io.self, topics, 1, NULL), 0);
    while (poll.event != TOPO_IO_ASSIGNED)
        assert_int_equal(io.poll(io.self, 0, &poll, NULL), 0);
    return 0;
}

static int close_member(void **state)
{
    (void)state;
    io.close(io.self);
    topo_sim_free(sim);
    return 0;
}

static void write_record(const char *value)
{
    const struct topo_record record = {.key = mr_cstr("k"), .value = mr_cstr(value)};
    assert_int_equal(io.produce(io.self, &to, &record, NULL), 0);
}

static int commit_input(int32_t partition, int64_t next)
{
    const struct topo_position input = {"in", partition, next};
    return io.commit(io.self, &input, 1, NULL);
}

static int count_records(void)
{
    struct topo_record record;
    int64_t at = 0;
    int count = 0;
    while (topo_sim_read(sim, "out", 0, &at, &record))
        count++;
    return count;
}

/* A transaction whose end fails as `failure` says, is aborted, and a second one on partition 1. */
static void fail_one_and_commit_another(enum topo_sim_failure failure, bool renewed)
{
    assert_int_equal(io.begin(io.self, NULL), 0);
    write_record("first");
    topo_sim_fail_at(sim, 1, failure);
    if (failure == TOPO_SIM_LATE_WRITE)
        assert_int_equal(mr_code_class(io.flush(io.self, NULL)), MR_CLASS_RETRY);
    else
        assert_int_equal(mr_code_class(commit_input(0, 7)), MR_CLASS_RETRY);
    assert_int_equal(io.abort(io.self, NULL), 0);
    if (renewed)
        assert_int_equal(io.init_transactions(io.self, NULL), 0);
    assert_int_equal(io.begin(io.self, NULL), 0);
    write_record("second");
}

static void a_late_write_goes_into_the_next_transaction(void **state)
{
    (void)state;
    fail_one_and_commit_another(TOPO_SIM_LATE_WRITE, false);
    assert_int_equal(commit_input(1, 3), 0);
    assert_int_equal(count_records(), 2);
}

static void late_offsets_go_into_the_next_transaction(void **state)
{
    (void)state;
    fail_one_and_commit_another(TOPO_SIM_LATE_OFFSETS, false);
    assert_int_equal(commit_input(1, 3), 0);
    assert_int_equal(topo_sim_committed(sim, "app", "in", 0), 7);
    assert_int_equal(topo_sim_committed(sim, "app", "in", 1), 3);
    assert_int_equal(count_records(), 1);
}

/* Its end is a surprise to the member. */
static void a_late_end_ends_the_next_transaction(void **state)
{
    (void)state;
    fail_one_and_commit_another(TOPO_SIM_LATE, false);
    assert_int_equal(count_records(), 1);
    assert_int_equal(mr_code_class(commit_input(1, 3)), MR_CLASS_FENCED);
}

static void no_late_request_touches_a_new_epoch(void **state)
{
    static const enum topo_sim_failure kinds[] = {
        TOPO_SIM_LATE, TOPO_SIM_LATE_WRITE, TOPO_SIM_LATE_OFFSETS};
    (void)state;
    for (int i = 0; i < 3; i++) {
        fail_one_and_commit_another(kinds[i], true);
        assert_int_equal(commit_input(1, 3 + i), 0);
        assert_int_equal(count_records(), i + 1);
    }
    assert_int_equal(topo_sim_committed(sim, "app", "in", 0), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_member, close_member)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_late_write_goes_into_the_next_transaction),
        TEST(late_offsets_go_into_the_next_transaction),
        TEST(a_late_end_ends_the_next_transaction),
        TEST(no_late_request_touches_a_new_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
