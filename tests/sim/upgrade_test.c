/*
 * upgrade_test.c - a group whose members are upgraded one by one to a topology that reads one topic
 * more: nothing fails, nothing is done twice, and in the end all is done.
 */
#include <tests/cmocka.h>

#include "engine/engine_impl.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARTITIONS = 4 };

static const char *const topics[] = {"old", "new", "out", NULL};
static const char *const instances[2] = {"left", "right"};

static int pass_on(
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

static struct topo_topology *make_topology(bool upgraded)
{
    struct topo_builder *builder = topo_builder_new("upgrade");
    topo_add_source(
        builder,
        &(struct topo_source){
            .name = "in", .topics = upgraded ? TOPO_LIST("old", "new") : TOPO_LIST("old")});
    topo_add_processor(
        builder,
        &(struct topo_processor){.name = "pass", .parents = TOPO_LIST("in"), .process = pass_on});
    topo_add_sink(
        builder, &(struct topo_sink){.name = "out", .parents = TOPO_LIST("pass"), .topic = "out"});
    return world_build(builder);
}

struct group {
    struct topo_sim *sim;
    struct topo_topology *versions[2];
    struct topo_engine *engines[2];
    int incomplete;
};

static void on_log(void *user, int level, const char *event, const char *text)
{
    struct group *group = user;
    (void)level, (void)text;
    group->incomplete += strcmp(event, "task-incomplete") == 0;
}

static void start_member(struct group *group, size_t member, size_t version)
{
    const struct topo_engine_options options = {
        .instance_id = instances[member],
        .io_open = topo_sim_open,
        .io_user = group->sim,
        .on_log = on_log,
        .log_user = group,
    };
    struct mr_error error = {0};
    if (topo_engine_new(group->versions[version], &options, &group->engines[member], &error) ||
        topo_engine_check(group->engines[member], &error))
        fail_msg("%s", error.text);
}

static void stop_member(struct group *group, size_t member)
{
    topo_engine_stop(group->engines[member]);
    topo_engine_free(group->engines[member]);
    group->engines[member] = NULL;
}

static void step_members(struct group *group)
{
    struct mr_error error = {0};
    for (int i = 0; i < 60; i++)
        for (size_t m = 0; m < 2; m++)
            if (group->engines[m] && topo_engine_step(group->engines[m], &error) < 0)
                fail_msg("%s: %s", instances[m], error.text);
}

static void append_everywhere(struct group *group, const char *topic)
{
    for (int32_t p = 0; p < PARTITIONS; p++)
        topo_sim_append(
            group->sim,
            topic,
            p,
            &(struct topo_output){.key = mr_cstr("k"), .value = mr_cstr(topic)});
}

static int count_out(struct group *group)
{
    struct topo_record record;
    int count = 0;
    for (int32_t p = 0; p < PARTITIONS; p++)
        for (int64_t offset = 0; topo_sim_read(group->sim, "out", p, &offset, &record);)
            count++;
    return count;
}

static void members_are_upgraded_one_by_one(void **state)
{
    (void)state;
    struct group group = {
        .sim = topo_sim_new(3), .versions = {make_topology(false), make_topology(true)}};
    for (size_t i = 0; topics[i]; i++)
        topo_sim_create_topic(group.sim, topics[i], PARTITIONS);
    start_member(&group, 0, 0);
    start_member(&group, 1, 0);
    append_everywhere(&group, "old");
    step_members(&group);
    assert_int_equal(count_out(&group), 4);

    stop_member(&group, 1);
    start_member(&group, 1, 1);
    append_everywhere(&group, "old");
    append_everywhere(&group, "new");
    step_members(&group);
    assert_int_equal(group.incomplete, 2); /* The old member has two of `old`. */
    assert_int_equal(count_out(&group), 10);

    stop_member(&group, 0);
    start_member(&group, 0, 1);
    append_everywhere(&group, "old");
    step_members(&group);
    assert_int_equal(group.incomplete, 2);
    assert_int_equal(count_out(&group), 16);
    for (size_t i = 0; i < 2; i++)
        stop_member(&group, i);
    topo_sim_free(group.sim);
    for (size_t i = 0; i < 2; i++)
        topo_topology_free(group.versions[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(members_are_upgraded_one_by_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
