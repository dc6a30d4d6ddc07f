/*
 * kafka_group_test.c - the group on a real broker: who gets what, from where, and giving it back.
 */
#include "kafka_fixture.h"

enum { QUIET_POLLS = 15, RECORDS = 20000 };

static char topic_a[96];
static char topic_b[96];
static char application[96];
/* A static member that closes stays in the group until its session ends. */
static const char *const short_session[] = {"session.timeout.ms=6000", NULL};

static int set_up(void **state)
{
    (void)state;
    test_name_unique(topic_a, sizeof topic_a, "group-a");
    test_name_unique(topic_b, sizeof topic_b, "group-b");
    test_name_unique(application, sizeof application, "group-app");
    fixture_options.properties = NULL;
    make_topic(topic_a, 2);
    make_topic(topic_b, 2);
    return 0;
}

static void subscribe_member(struct topo_io *io)
{
    struct mr_error error = {0};
    const char *topics[] = {topic_a, topic_b};
    fixture_check(io->subscribe(io->self, topics, 2, &error), &error);
}

static void start_alone(struct topo_io *io)
{
    open_io(io, application, "a", 0);
    subscribe_member(io);
    struct topo_io_poll poll = await_event(io);
    assert_int_equal(poll.event, TOPO_IO_ASSIGNED);
    assert_int_equal(poll.partitions_count, 4);
}

static void expect_quiet(struct topo_io *io)
{
    struct mr_error error = {0};
    struct topo_io_poll poll;
    for (int i = 0; i < QUIET_POLLS; i++) {
        fixture_check(io->poll(io->self, FIXTURE_STEP_MS, &poll, &error), &error);
        assert_int_equal(poll.event, TOPO_IO_NOTHING);
    }
}

static void release_all(struct topo_io *io, const struct topo_io_poll *poll)
{
    for (size_t i = 0; i < poll->records_count; i++)
        io->release(io->self, poll->tokens[i]);
}

/* Reads on, without a gap, from `first` until `count` records of one partition are there or more;
 * returns the next offset. */
static int64_t read_on(struct topo_io *io, int64_t first, int64_t count)
{
    int64_t next = first;
    while (next < first + count) {
        struct topo_io_poll poll = await_event(io);
        assert_int_equal(poll.event, TOPO_IO_RECORDS);
        for (size_t i = 0; i < poll.records_count; i++)
            assert_int_equal(poll.records[i].offset, next++);
        release_all(io, &poll);
    }
    return next;
}

static void a_partition_delivers_nothing_until_it_has_an_offset(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    fixture_feed(topic_a, 1, 0, 10);
    start_alone(&io);
    expect_quiet(&io);
    fixture_check(io.seek(io.self, (struct topo_partition){topic_a, 1}, 3, &error), &error);
    struct topo_io_poll poll = await_event(&io);
    assert_int_equal(poll.event, TOPO_IO_RECORDS);
    assert_int_equal(poll.records[0].offset, 3);
    assert_ptr_equal(poll.records[0].topic, topic_a);
    assert_int_equal(poll.records[0].partition, 1);
    assert_true(mr_bytes_equal(poll.records[0].key, mr_cstr("key")));
    assert_true(mr_bytes_equal(poll.records[0].value, mr_cstr("3")));
    assert_true(poll.records[0].timestamp_ms > 0);
    release_all(&io, &poll);
    io.close(io.self);
}

static void a_seek_rewinds_exactly(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    const struct topo_partition partition = {topic_a, 0};
    fixture_feed(topic_a, 0, 0, RECORDS);
    start_alone(&io);
    fixture_check(io.seek(io.self, partition, 0, &error), &error);
    read_on(&io, 0, 100);
    fixture_check(io.seek(io.self, partition, 50, &error), &error);
    read_on(&io, 50, RECORDS - 50);
    fixture_check(io.seek(io.self, partition, 0, &error), &error);
    read_on(&io, 0, RECORDS);
    io.close(io.self);
}

static void a_pause_delivers_nothing_and_loses_nothing(void **state)
{
    (void)state;
    struct topo_io io;
    struct mr_error error = {0};
    const struct topo_partition partition = {topic_a, 0};
    fixture_feed(topic_a, 0, 0, RECORDS);
    start_alone(&io);
    fixture_check(io.seek(io.self, partition, 0, &error), &error);
    int64_t next = read_on(&io, 0, 1);
    for (int i = 0; i < 4; i++) {
        fixture_check(io.pause(io.self, partition, true, &error), &error);
        struct topo_io_poll poll;
        fixture_check(io.poll(io.self, FIXTURE_STEP_MS, &poll, &error), &error);
        assert_int_equal(poll.event, TOPO_IO_NOTHING);
        fixture_check(io.pause(io.self, partition, false, &error), &error);
        next = read_on(&io, next, 1);
    }
    /* Paused before anything of the new position came. */
    fixture_check(io.seek(io.self, partition, 5, &error), &error);
    fixture_check(io.pause(io.self, partition, true, &error), &error);
    expect_quiet(&io);
    fixture_check(io.pause(io.self, partition, false, &error), &error);
    read_on(&io, 5, RECORDS - 5);
    io.close(io.self);
}

static void records_live_until_they_are_released(void **state)
{
    (void)state;
    enum { HELD = 5000 };
    static struct topo_record records[HELD];
    struct topo_io io;
    struct mr_error error = {0};
    char value[16];
    size_t held = 0;
    fixture_feed(topic_a, 0, 0, HELD);
    start_alone(&io);
    fixture_check(io.seek(io.self, (struct topo_partition){topic_a, 0}, 0, &error), &error);
    while (held < HELD) {
        struct topo_io_poll poll = await_event(&io);
        for (size_t i = 0; i < poll.records_count; i++)
            records[held++] = poll.records[i];
    }
    for (int i = 0; i < HELD; i++) {
        snprintf(value, sizeof value, "%d", i);
        assert_true(mr_bytes_equal(records[i].value, mr_cstr(value)));
    }
    io.close(io.self); /* Frees what was never released. */
}

/* Serves both until each has its assignment, or the first has records or must give back. */
static enum topo_io_event serve_both(
    struct topo_io *first,
    struct topo_io *second,
    struct topo_io_poll *ret_first,
    struct topo_io_poll *ret_second)
{
    struct mr_error error = {0};
    *ret_first = *ret_second = (struct topo_io_poll){.event = TOPO_IO_NOTHING};
    for (int i = 0; i < 1500; i++) {
        if (ret_first->event == TOPO_IO_NOTHING)
            fixture_check(first->poll(first->self, FIXTURE_STEP_MS, ret_first, &error), &error);
        if (ret_second->event == TOPO_IO_NOTHING)
            fixture_check(second->poll(second->self, FIXTURE_STEP_MS, ret_second, &error), &error);
        if (ret_first->event == TOPO_IO_REVOKED || ret_first->event == TOPO_IO_RECORDS)
            break;
        if (ret_first->event != TOPO_IO_NOTHING && ret_second->event != TOPO_IO_NOTHING)
            break;
    }
    return ret_first->event;
}

static void expect_half(const struct topo_io_poll *poll)
{
    assert_int_equal(poll->event, TOPO_IO_ASSIGNED);
    assert_int_equal(poll->partitions_count, 2);
    /* Equal numbers of both topics on one member. */
    assert_int_equal(poll->partitions[0].partition, poll->partitions[1].partition);
    assert_ptr_not_equal(poll->partitions[0].topic, poll->partitions[1].topic);
}

static void two_members_share_and_the_one_that_stays_gets_all_back(void **state)
{
    (void)state;
    struct topo_io first;
    struct topo_io second;
    struct topo_io_poll of_first;
    struct topo_io_poll of_second;
    fixture_options.properties = short_session;
    start_alone(&first);
    open_io(&second, application, "b", 0);
    subscribe_member(&second);
    assert_int_equal(serve_both(&first, &second, &of_first, &of_second), TOPO_IO_REVOKED);
    serve_both(&first, &second, &of_first, &of_second);
    expect_half(&of_first);
    expect_half(&of_second);
    second.close(second.self);
    struct topo_io_poll poll = await_event(&first);
    assert_int_equal(poll.event, TOPO_IO_REVOKED);
    poll = await_event(&first);
    assert_int_equal(poll.event, TOPO_IO_ASSIGNED);
    assert_int_equal(poll.partitions_count, 4);
    first.close(first.self);
}

static void what_was_fetched_before_a_revocation_is_not_delivered_after_it(void **state)
{
    (void)state;
    struct topo_io first;
    struct topo_io second;
    struct topo_io_poll of_first;
    struct topo_io_poll of_second;
    struct mr_error error = {0};
    fixture_feed(topic_a, 0, 0, RECORDS);
    start_alone(&first);
    fixture_check(first.seek(first.self, (struct topo_partition){topic_a, 0}, 0, &error), &error);
    read_on(&first, 0, 1); /* The rest is in the queue. */
    open_io(&second, application, "b", 0);
    subscribe_member(&second);
    do {
        serve_both(&first, &second, &of_first, &of_second);
        if (of_first.event == TOPO_IO_RECORDS)
            release_all(&first, &of_first);
    } while (of_first.event == TOPO_IO_RECORDS);
    assert_int_equal(of_first.event, TOPO_IO_REVOKED);
    serve_both(&first, &second, &of_first, &of_second);
    expect_half(&of_first);
    expect_quiet(&first);
    first.close(first.self);
    second.close(second.self);
}

static void work_in_hand_commits_between_the_revocation_and_the_next_poll(void **state)
{
    (void)state;
    struct topo_io first;
    struct topo_io second;
    struct topo_io_poll of_first;
    struct topo_io_poll of_second;
    struct mr_error error = {0};
    const struct topo_position input = {topic_a, 0, 9};
    int64_t offset = -1;
    start_alone(&first);
    fixture_check(first.init_transactions(first.self, &error), &error);
    fixture_check(first.begin(first.self, &error), &error);
    open_io(&second, application, "b", 0);
    subscribe_member(&second);
    assert_int_equal(serve_both(&first, &second, &of_first, &of_second), TOPO_IO_REVOKED);
    fixture_check(first.commit(first.self, &input, 1, &error), &error);
    serve_both(&first, &second, &of_first, &of_second);
    expect_half(&of_first);
    int code = MR_AGAIN;
    for (int i = 0; i < 20 && code == MR_AGAIN; i++)
        code =
            second.committed(second.self, &(struct topo_partition){topic_a, 0}, 1, &offset, &error);
    fixture_check(code, &error);
    assert_int_equal(offset, 9);
    first.close(first.self);
    second.close(second.self);
}

static void a_member_that_comes_back_under_its_name_disturbs_nobody(void **state)
{
    (void)state;
    struct topo_io first;
    struct topo_io second;
    struct topo_io_poll of_first;
    struct topo_io_poll of_second;
    start_alone(&first);
    open_io(&second, application, "b", 0);
    subscribe_member(&second);
    assert_int_equal(serve_both(&first, &second, &of_first, &of_second), TOPO_IO_REVOKED);
    serve_both(&first, &second, &of_first, &of_second);
    expect_half(&of_second);
    int32_t number = of_second.partitions[0].partition;
    second.close(second.self);
    open_io(&second, application, "b", 0);
    subscribe_member(&second);
    struct topo_io_poll poll = await_event(&second);
    expect_half(&poll);
    assert_int_equal(poll.partitions[0].partition, number);
    expect_quiet(&first);
    first.close(first.self);
    second.close(second.self);
}

static void unread_input_that_is_gone_is_reported(void **state)
{
    (void)state;
    struct topo_io io;
    struct topo_io_poll poll;
    struct mr_error error = {0};
    int code = 0;
    start_alone(&io);
    fixture_check(io.seek(io.self, (struct topo_partition){topic_a, 0}, 1000, &error), &error);
    for (int i = 0; i < 500 && code == 0; i++)
        code = io.poll(io.self, FIXTURE_STEP_MS, &poll, &error);
    assert_int_equal(code, MR_FATAL);
    assert_int_equal(error.code, MR_FATAL);
    assert_non_null(strstr(error.text, topic_a));
    io.close(io.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_partition_delivers_nothing_until_it_has_an_offset, set_up),
        cmocka_unit_test_setup(a_seek_rewinds_exactly, set_up),
        cmocka_unit_test_setup(a_pause_delivers_nothing_and_loses_nothing, set_up),
        cmocka_unit_test_setup(records_live_until_they_are_released, set_up),
        cmocka_unit_test_setup(two_members_share_and_the_one_that_stays_gets_all_back, set_up),
        cmocka_unit_test_setup(
            what_was_fetched_before_a_revocation_is_not_delivered_after_it, set_up),
        cmocka_unit_test_setup(
            work_in_hand_commits_between_the_revocation_and_the_next_poll, set_up),
        cmocka_unit_test_setup(a_member_that_comes_back_under_its_name_disturbs_nobody, set_up),
        cmocka_unit_test_setup(unread_input_that_is_gone_is_reported, set_up),
    };
    fixture_options.brokers = test_brokers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
