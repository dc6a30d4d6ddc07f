/*
 * input_test.c - how a task takes its input: merged by timestamp whatever is polled first, waiting
 * for what the broker still has, and never holding more than its bound.
 */
#include <tests/cmocka.h>

#include <topology/driver.h>
#include <topology/engine.h>

#include "engine/engine_impl.h"
#include "engine/worker.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { IDLE_MS = 100, RECORDS = 200 };

static int pass_record(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    const struct topo_output output = {.key = record->key, .value = record->value};
    topo_forward(context, "out", &output);
    return 0;
}

static struct topo_topology *make_topology(void)
{
    struct topo_builder *builder = topo_builder_new("input");
    const struct topo_source sources[] = {
        {.name = "left", .topics = TOPO_LIST("left")},
        {.name = "right", .topics = TOPO_LIST("right")},
        {.name = "later", .topics = TOPO_LIST("later"), .priority = 1},
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        topo_add_source(builder, &sources[i]);
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "pass",
            .parents = TOPO_LIST("left", "right", "later"),
            .process = pass_record});
    topo_add_sink(
        builder, &(struct topo_sink){.name = "out", .parents = TOPO_LIST("pass"), .topic = "out"});
    return world_build(builder);
}

static struct topo_io other; /* A client of another group, with a transaction of its own. */

static struct world open_world(const struct topo_driver_options *options)
{
    const struct topo_io_options other_options = {"other", "other", 0, true};
    struct world world = world_open(make_topology(), options);
    assert_int_equal(topo_sim_open(world.sim, &other_options, &other, NULL), 0);
    world_run(&world);
    return world;
}

static void close_world(struct world *world)
{
    other.close(other.self);
    world_close(world);
}

/* The key is the number, the timestamp follows it. */
static void append_number(struct world *world, const char *topic, int number)
{
    char key[8];
    snprintf(key, sizeof key, "%d", number);
    world_append_at(world, topic, key, topic, number);
}

/* Something is in the partition and cannot be read: lag, with nothing buffered. */
static void begin_unreadable(struct world *world, const char *topic, int number)
{
    char key[8];
    struct topo_io *io = &other;
    snprintf(key, sizeof key, "%d", number);
    const struct topo_record record = {
        .key = mr_cstr(key), .value = mr_cstr(topic), .timestamp_ms = world->start_ms + number};
    assert_int_equal(io->init_transactions(io->self, NULL), 0);
    assert_int_equal(io->begin(io->self, NULL), 0);
    assert_int_equal(io->produce(io->self, &(struct topo_partition){topic, 0}, &record, NULL), 0);
}

static void make_readable(void)
{
    struct topo_io *io = &other;
    assert_int_equal(io->subscribe(io->self, TOPO_LIST("out"), 1, NULL), 0);
    struct topo_io_poll poll;
    assert_int_equal(io->poll(io->self, 0, &poll, NULL), 0);
    assert_int_equal(
        io->commit(io->self, &(struct topo_position){.topic = "out", .next_offset = 0}, 1, NULL),
        0);
}

/* The next output's number; -1: none. */
static int next_out(struct world *world)
{
    struct topo_record record = {0};
    char text[8] = "";
    if (!topo_driver_read(world->driver, "out", &record))
        return -1;
    assert_true(record.key.len < sizeof text);
    memcpy(text, record.key.ptr, record.key.len);
    return (int)strtol(text, NULL, 10);
}

/* -- order -- */

/* How often an output was older than the one before it. */
static int count_disorder(uint64_t seed, int64_t idle_ms)
{
    struct world world =
        open_world(&(struct topo_driver_options){.seed = seed, .max_task_idle_ms = idle_ms});
    for (int i = 0; i < RECORDS; i++)
        append_number(&world, (i * 7 + (int)seed) % 5 < 2 ? "left" : "right", i);
    world_run(&world);
    int older = 0;
    int last = -1;
    for (int i = 0; i < RECORDS; i++) {
        int number = next_out(&world);
        assert_true(number >= 0);
        older += number < last;
        last = number;
    }
    assert_int_equal(next_out(&world), -1);
    close_world(&world);
    return older;
}

static void partitions_are_merged_by_timestamp_whichever_is_polled_first(void **state)
{
    (void)state;
    int without = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        assert_int_equal(count_disorder(seed, IDLE_MS), 0);
        without += count_disorder(seed, 0);
    }
    assert_true(without > 0); /* So it is the waiting that does it. */
}

static void what_cannot_be_had_is_waited_for_so_long_and_no_longer(void **state)
{
    (void)state;
    struct world world =
        open_world(&(struct topo_driver_options){.seed = 1, .max_task_idle_ms = IDLE_MS});
    begin_unreadable(&world, "right", 0);
    append_number(&world, "left", 1);
    world_run(&world);
    assert_int_equal(topo_driver_advance_ms(world.driver, IDLE_MS - 1, NULL), 0);
    assert_int_equal(next_out(&world), -1);
    assert_int_equal(topo_driver_advance_ms(world.driver, 1, NULL), 0);
    assert_int_equal(next_out(&world), 1);
    append_number(&world, "left", 2); /* Not for the same record once more. */
    world_run(&world);
    assert_int_equal(next_out(&world), 2);
    close_world(&world);
}

static void what_would_come_after_it_anyway_is_not_waited_for(void **state)
{
    (void)state;
    struct world world =
        open_world(&(struct topo_driver_options){.seed = 1, .max_task_idle_ms = IDLE_MS});
    begin_unreadable(&world, "later", 0);
    append_number(&world, "left", 1);
    world_run(&world);
    assert_int_equal(next_out(&world), 1);
    close_world(&world);
}

/* -- bounds -- */

static const struct queue *queue_of(const struct worker *worker, const char *topic)
{
    assert_int_equal(worker->tasks_count, 1);
    const struct queues *queues = &worker->tasks[0]->queues;
    for (size_t i = 0; i < queues->count; i++)
        if (strcmp(queues->items[i].partition.topic, topic) == 0)
            return &queues->items[i];
    fail_msg("no queue of %s", topic);
    return NULL;
}

/* One partition waits for the other and is flooded meanwhile. */
static void a_flooded_partition_is_paused_at_the_bound_and_goes_on_when_it_may(void **state)
{
    (void)state;
    const size_t one = sizeof(struct queued) + strlen("100") + strlen("right");
    const size_t bound = 50 * one;
    struct world world = open_world(&(struct topo_driver_options){
        .seed = 5, .max_task_idle_ms = IDLE_MS, .buffered_bytes_max = (int64_t)bound});
    const struct worker *worker = topo_driver_engine(world.driver)->workers[0];
    begin_unreadable(&world, "right", 150);
    for (int i = 0; i < RECORDS; i++)
        append_number(&world, "left", i);
    for (int step = 0; step < 100; step++) {
        assert_true(topo_engine_step(topo_driver_engine(world.driver), NULL) >= 0);
        /* A poll may bring more than there is room for. */
        assert_true(worker->buffered_bytes <= bound + 64 * one);
    }
    assert_true(worker->buffered_bytes > bound);
    assert_true(queue_of(worker, "left")->paused);
    assert_false(queue_of(worker, "right")->paused); /* Or the task would wait for nothing. */
    assert_int_equal(next_out(&world), -1);
    make_readable();
    world_run(&world);
    /* The marker behind the last record of the other partition looks like one that is to come. */
    assert_int_equal(topo_driver_advance_ms(world.driver, IDLE_MS, NULL), 0);
    for (int i = 0; i < RECORDS + 1; i++)
        assert_int_equal(next_out(&world), i <= 150 ? i : i - 1);
    assert_int_equal(next_out(&world), -1);
    assert_int_equal(worker->buffered_bytes, 0);
    assert_false(queue_of(worker, "left")->paused);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_are_merged_by_timestamp_whichever_is_polled_first),
        cmocka_unit_test(what_cannot_be_had_is_waited_for_so_long_and_no_longer),
        cmocka_unit_test(what_would_come_after_it_anyway_is_not_waited_for),
        cmocka_unit_test(a_flooded_partition_is_paused_at_the_bound_and_goes_on_when_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
