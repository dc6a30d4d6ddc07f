/*
 * context_test.c - a node learns the partition of its task, and a commit follows when it asks.
 *
 * A transaction ends with a marker, which takes an offset of every partition written to: the gaps
 * between the offsets of the outputs count the commits.
 */
#include <tests/cmocka.h>

#include <topology/driver.h>
#include <topology/topology.h>

#include <stdio.h>

enum { PARTITIONS = 3 };

/* Forwards the number of its partition; asks for a commit after the value "commit". */
static int copy_partition(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    int32_t partition = topo_context_partition(context);
    struct mr_bytes value = mr_arena_printf(topo_context_arena(context), "%d", (int)partition);
    const struct topo_output output = {.key = record->key, .value = value, .partition = partition};
    topo_forward(context, "out", &output);
    if (mr_bytes_equal(record->value, mr_cstr("commit")))
        topo_request_commit(context);
    return 0;
}

static struct topo_topology *make_topology(void)
{
    struct topo_topology *topology = NULL;
    struct mr_error error = {0};
    struct topo_builder *builder = topo_builder_new("context");
    topo_add_source(builder, &(struct topo_source){.name = "in", .topics = TOPO_LIST("in")});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "copy", .parents = TOPO_LIST("in"), .process = copy_partition});
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = "out",
            .topic = "out",
            .parents = TOPO_LIST("copy"),
            .partition_by = TOPO_PARTITION_EXPLICIT});
    if (topo_build(builder, &topology, &error) != 0)
        fail_msg("%s", error.text);
    return topology;
}

static void append_record(struct topo_driver *driver, int32_t partition, const char *value)
{
    const struct topo_output record = {.key = mr_cstr("key"), .value = mr_cstr(value)};
    topo_sim_append(topo_driver_sim(driver), "in", partition, &record);
}

static void run_driver(struct topo_driver *driver)
{
    struct mr_error error = {0};
    if (topo_driver_run(driver, &error) != 0)
        fail_msg("%s", error.text);
}

static void a_task_knows_its_partition(void **state)
{
    struct topo_topology *topology = make_topology();
    const struct topo_driver_options options = {.partitions = PARTITIONS};
    struct topo_driver *driver = topo_driver_new(topology, &options);
    for (int32_t partition = 0; partition < PARTITIONS; partition++)
        append_record(driver, partition, "");
    run_driver(driver);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        struct topo_record record;
        assert_true(topo_driver_read(driver, "out", &record));
        assert_int_equal(record.partition, partition);
        assert_int_equal(record.value.ptr[0], '0' + partition);
    }
    topo_driver_free(driver);
    topo_topology_free(topology);
    (void)state;
}

/* The offsets of two outputs of one run, the first of which may ask for a commit. */
static int64_t gap_after(const char *value)
{
    struct topo_topology *topology = make_topology();
    struct topo_driver *driver = topo_driver_new(topology, &(struct topo_driver_options){0});
    struct topo_record first, second;
    append_record(driver, 0, value);
    append_record(driver, 0, "");
    run_driver(driver);
    assert_true(topo_driver_read(driver, "out", &first));
    int64_t offset = first.offset;
    assert_true(topo_driver_read(driver, "out", &second));
    int64_t gap = second.offset - offset;
    topo_driver_free(driver);
    topo_topology_free(topology);
    return gap;
}

static void a_commit_follows_the_record_that_asked_for_it(void **state)
{
    assert_int_equal(gap_after(""), 1);
    assert_int_equal(gap_after("commit"), 2); /* The marker lies between them. */
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_knows_its_partition),
        cmocka_unit_test(a_commit_follows_the_record_that_asked_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
