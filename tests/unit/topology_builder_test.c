/*
 * topology_builder_test.c - every mistake in a topology is refused with a sentence that names it.
 */
#include <tests/cmocka.h>

#include <topology/aggregate.h>
#include <topology/topology.h>

static int stub_process(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)context, (void)user, (void)record, (void)error;
    return 0;
}

static int
stub_punctuate(struct topo_context *context, void *user, int64_t now, struct mr_error *error)
{
    (void)context, (void)user, (void)now, (void)error;
    return 0;
}

static int stub_decode(
    void *user,
    const struct topo_record *record,
    struct mr_arena *arena,
    struct topo_command *ret_command,
    struct mr_error *error)
{
    (void)user, (void)record, (void)arena, (void)ret_command, (void)error;
    return 0;
}

static int stub_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)context, (void)user, (void)record, (void)command, (void)ret_decision, (void)error;
    return 0;
}

static int stub_outcome(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    const void *decision,
    const struct topo_position *positions,
    size_t positions_count,
    struct mr_bytes *ret_outcome,
    struct mr_error *error)
{
    (void)context, (void)user, (void)command, (void)decision, (void)positions;
    (void)positions_count, (void)ret_outcome, (void)error;
    return 0;
}

static int stub_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes bytes,
    bool replayed,
    struct mr_error *error)
{
    (void)context, (void)user, (void)command, (void)bytes, (void)replayed, (void)error;
    return 0;
}

/* Builds and expects refusal with a text that contains `part`. */
static void assert_refused(struct topo_builder *builder, const char *part)
{
    struct topo_topology *topology = NULL;
    struct mr_error error = {0};
    assert_int_equal(topo_build(builder, &topology, &error), MR_CONFIG);
    assert_null(topology);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void add_source(struct topo_builder *builder, const char *name, const char *topic)
{
    topo_add_source(builder, &(struct topo_source){.name = name, .topics = TOPO_LIST(topic)});
}

static void
add_processor(struct topo_builder *builder, const char *name, const char *parent, const char *store)
{
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = name,
            .parents = TOPO_LIST(parent),
            .stores = store ? TOPO_LIST(store) : NULL,
            .process = stub_process,
        });
}

static void
add_sink(struct topo_builder *builder, const char *name, const char *parent, const char *topic)
{
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = name,
            .parents = TOPO_LIST(parent),
            .topic = topic,
            .partition_by = TOPO_PARTITION_BY_TASK,
        });
}

static const struct topo_log_sink events[] = {{"events", "cart.events"}, {NULL, NULL}};
static const struct topo_log_sink answers[] = {{"answers", "cart.outcomes"}, {NULL, NULL}};

static const struct topo_aggregate good_aggregate = {
    .name = "cart",
    .parents = TOPO_LIST("in"),
    .stores = TOPO_LIST("carts", "outcomes"),
    .event_sinks = events,
    .outcome_sinks = answers,
    .outcome_store = "outcomes",
    .decode = stub_decode,
    .decide = stub_decide,
    .outcome = stub_outcome,
    .reply = stub_reply,
};

static struct topo_builder *aggregate_builder(const struct topo_aggregate *aggregate)
{
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "commands");
    topo_add_store(builder, &(struct topo_store_options){.name = "carts", .log = TOPO_LOG_EVENTS});
    topo_add_store(
        builder, &(struct topo_store_options){.name = "outcomes", .log = TOPO_LOG_EVENTS});
    topo_add_aggregate(builder, aggregate);
    return builder;
}

static struct topo_aggregate an_aggregate(void)
{
    struct topo_aggregate aggregate = good_aggregate;
    aggregate.evolve = stub_process;
    return aggregate;
}

static void an_empty_topology_is_refused(void **state)
{
    (void)state;
    assert_refused(topo_builder_new("app"), "is empty");
    assert_refused(topo_builder_new("no spaces"), "a name is");
    assert_refused(topo_builder_new(NULL), "(unnamed)");
}

static void bad_and_repeated_names_are_refused(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "../in", "t");
    assert_refused(builder, "source \"../in\"");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    add_source(builder, "in", "u");
    assert_refused(builder, "source \"in\": there is a node of that name already");

    builder = topo_builder_new("app");
    add_source(builder, "in", "a topic");
    assert_refused(builder, "topic \"a topic\"");

    builder = topo_builder_new("app");
    topo_add_source(builder, &(struct topo_source){.name = "in"});
    assert_refused(builder, "source \"in\": it reads no topic");
}

static void unknown_and_wrong_parents_are_refused(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    add_processor(builder, "p", "nobody", NULL);
    assert_refused(builder, "processor \"p\": its parent \"nobody\" is not known");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    add_sink(builder, "out", "in", "u");
    add_processor(builder, "p", "out", NULL);
    assert_refused(builder, "its parent \"out\" is a sink");

    builder = topo_builder_new("app");
    topo_add_processor(builder, &(struct topo_processor){.name = "p", .process = stub_process});
    assert_refused(builder, "it has no parents");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    topo_add_processor(builder, &(struct topo_processor){.name = "p", .parents = TOPO_LIST("in")});
    assert_refused(builder, "it has no process function");
}

static void a_source_nobody_reads_is_refused(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    assert_refused(builder, "source \"in\": no node reads it");
}

static void a_header_is_asked_for_by_global_sources_only(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    topo_add_source(
        builder, &(struct topo_source){.name = "in", .topics = TOPO_LIST("t"), .header = "id"});
    assert_refused(builder, "source \"in\": only a global one asks for a header");
}

static void two_sources_of_one_topic_are_refused(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "a", "t");
    add_source(builder, "b", "t");
    add_sink(builder, "out", "a", "u");
    assert_refused(builder, "topic \"t\" is read by source \"a\" already");

    builder = topo_builder_new("app");
    topo_add_source(builder, &(struct topo_source){.name = "a", .topics = TOPO_LIST("t", "t")});
    assert_refused(builder, "topic \"t\" is read by source \"a\" already");
}

static void a_punctuation_without_interval_is_refused(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "p",
            .parents = TOPO_LIST("in"),
            .process = stub_process,
            .punctuate = stub_punctuate,
        });
    assert_refused(builder, "its punctuation has no interval");
}

static void wrong_stores_are_refused(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    add_processor(builder, "p", "in", "nowhere");
    assert_refused(builder, "its store \"nowhere\" is not known");

    builder = topo_builder_new("app");
    topo_add_store(builder, &(struct topo_store_options){.name = "s", .log = TOPO_LOG_CHANGELOG});
    assert_refused(builder, "store \"s\": a changelog store needs a changelog topic");

    builder = topo_builder_new("app");
    topo_add_store(
        builder,
        &(struct topo_store_options){.name = "s", .log = TOPO_LOG_EVENTS, .changelog_topic = "c"});
    assert_refused(builder, "is not a changelog store");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    topo_add_store(builder, &(struct topo_store_options){.name = "s", .log = TOPO_LOG_EVENTS});
    add_processor(builder, "p", "in", "s");
    assert_refused(builder, "store \"s\": TOPO_LOG_EVENTS needs an aggregate");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    topo_add_store(builder, &(struct topo_store_options){.name = "s", .log = TOPO_LOG_INPUT});
    add_processor(builder, "p", "in", "s");
    assert_refused(builder, "TOPO_LOG_INPUT is for global");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    add_sink(builder, "out", "in", "u");
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "s",
            .log = TOPO_LOG_CHANGELOG,
            .changelog_topic = "c",
        });
    assert_refused(builder, "store \"s\": no node uses it");
}

static void two_stores_on_one_changelog_are_refused(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    for (int i = 0; i < 2; i++)
        topo_add_store(
            builder,
            &(struct topo_store_options){
                .name = i ? "s1" : "s0",
                .log = TOPO_LOG_CHANGELOG,
                .changelog_topic = "c",
            });
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "p",
            .parents = TOPO_LIST("in"),
            .stores = TOPO_LIST("s0", "s1"),
            .process = stub_process,
        });
    assert_refused(builder, "topic \"c\": it is the log of two");
}

static struct topo_builder *global_builder(enum topo_store_log log)
{
    struct topo_builder *builder = topo_builder_new("app");
    topo_add_source(
        builder, &(struct topo_source){.name = "g", .topics = TOPO_LIST("t"), .global = true});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "table",
            .log = log,
            .changelog_topic = log == TOPO_LOG_CHANGELOG ? "c" : NULL,
        });
    add_processor(builder, "fold", "g", "table");
    return builder;
}

static void a_global_sub_topology_only_folds(void **state)
{
    (void)state;
    struct topo_builder *builder = global_builder(TOPO_LOG_INPUT);
    add_sink(builder, "out", "fold", "u");
    assert_refused(builder, "node \"out\": a global sub-topology sends nothing");

    assert_refused(global_builder(TOPO_LOG_CHANGELOG), "are TOPO_LOG_INPUT");

    builder = global_builder(TOPO_LOG_INPUT);
    add_source(builder, "in", "u");
    add_processor(builder, "p", "in", "table");
    assert_refused(builder, "meet in one sub-topology");

    struct topo_topology *topology = NULL;
    assert_int_equal(topo_build(global_builder(TOPO_LOG_INPUT), &topology, NULL), 0);
    topo_topology_free(topology);
}

static void an_aggregate_needs_its_functions_and_sinks(void **state)
{
    (void)state;
    struct topo_aggregate aggregate = an_aggregate();
    aggregate.evolve = NULL;
    assert_refused(aggregate_builder(&aggregate), "event sinks but no evolve");

    aggregate = an_aggregate();
    aggregate.decide = NULL;
    assert_refused(aggregate_builder(&aggregate), "needs decode and decide");

    aggregate = an_aggregate();
    aggregate.outcome_store = NULL;
    assert_refused(aggregate_builder(&aggregate), "go together");

    aggregate = an_aggregate();
    aggregate.outcome_sinks = (const struct topo_log_sink[]){
        {"answers", "cart.outcomes"},
        {"more", "more.outcomes"},
        {NULL, NULL},
    };
    assert_refused(
        aggregate_builder(&aggregate),
        "it has 2 outcome sinks and 1 parents; name one for all, or one each");

    aggregate = an_aggregate();
    aggregate.outcome_sinks = events;
    assert_refused(
        aggregate_builder(&aggregate), "sink \"events\": there is a node of that name already");

    aggregate = an_aggregate();
    aggregate.outcome_sinks = (const struct topo_log_sink[]){{"answers", NULL}, {NULL, NULL}};
    assert_refused(aggregate_builder(&aggregate), "topic \"(unnamed)\"");

    aggregate = an_aggregate();
    aggregate.outcome_store = "carts2";
    assert_refused(
        aggregate_builder(&aggregate), "its outcome store \"carts2\" must be one of its stores");

    aggregate = an_aggregate();
    struct topo_builder *builder = aggregate_builder(&aggregate);
    add_sink(builder, "events", "cart", "cart.events");
    assert_refused(builder, "sink \"events\": there is a node of that name already");
}

static void another_writer_to_an_event_topic_is_refused(void **state)
{
    (void)state;
    struct topo_aggregate aggregate = an_aggregate();
    struct topo_builder *builder = aggregate_builder(&aggregate);
    add_sink(builder, "intruder", "in", "cart.events");
    assert_refused(builder, "topic \"cart.events\": it is a log of sub-topology \"cart\"");
}

static void a_right_aggregate_builds(void **state)
{
    (void)state;
    struct topo_aggregate aggregate = an_aggregate();
    struct topo_builder *builder = aggregate_builder(&aggregate);
    struct topo_topology *topology = NULL;
    struct mr_error error = {0};
    assert_int_equal(topo_build(builder, &topology, &error), 0);
    assert_string_equal(error.text, "");
    topo_topology_free(topology);
}

/* -- setup: a name that a node does not have is refused before the first record -- */

struct wanted {
    const char *store;
    const char *child;
};

static void look_up(struct topo_setup *setup, void *user)
{
    const struct wanted *wanted = user;
    topo_setup_store(setup, wanted->store);
    topo_setup_child(setup, wanted->child);
}

static struct topo_builder *builder_with_setup(struct wanted *wanted)
{
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "s", .log = TOPO_LOG_CHANGELOG, .changelog_topic = "c"});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "other", .log = TOPO_LOG_CHANGELOG, .changelog_topic = "d"});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "p",
            .parents = TOPO_LIST("in"),
            .stores = TOPO_LIST("s"),
            .process = stub_process,
            .setup = look_up,
            .user = wanted,
        });
    add_processor(builder, "q", "in", "other");
    add_sink(builder, "out", "p", "u");
    add_sink(builder, "far", "q", "v");
    return builder;
}

static void setup_finds_the_nodes_own_stores_and_children(void **state)
{
    (void)state;
    struct wanted wanted = {"s", "out"};
    struct topo_topology *topology = NULL;
    assert_int_equal(topo_build(builder_with_setup(&wanted), &topology, NULL), 0);
    topo_topology_free(topology);

    wanted = (struct wanted){"misspelt", "out"};
    assert_refused(
        builder_with_setup(&wanted), "node \"p\": its setup looks for the store \"misspelt\"");
    wanted = (struct wanted){"s", "uot"};
    assert_refused(
        builder_with_setup(&wanted), "node \"p\": its setup looks for the child \"uot\"");
    wanted = (struct wanted){"other", "out"};
    assert_refused(
        builder_with_setup(&wanted), "the store \"other\", which is not one of its stores");
    wanted = (struct wanted){"s", "far"};
    assert_refused(builder_with_setup(&wanted), "the child \"far\", which does not have it");

    struct topo_aggregate aggregate = an_aggregate();
    wanted = (struct wanted){"carts", "evnets"};
    aggregate.setup = look_up;
    aggregate.user = &wanted;
    assert_refused(aggregate_builder(&aggregate), "node \"cart\": its setup looks for the child");
}

/* -- repartition -- */

static void a_repartition_is_a_sink_and_a_source(void **state)
{
    (void)state;
    struct topo_builder *builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    topo_add_repartition(
        builder,
        &(struct topo_repartition){
            .name = "by-word", .parents = TOPO_LIST("in"), .topic = "app.by-word"});
    add_processor(builder, "count", "by-word", NULL);
    struct topo_topology *topology = NULL;
    struct mr_error error = {0};
    assert_int_equal(topo_build(builder, &topology, &error), 0);
    char text[4096] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    topo_describe(topology, TOPO_DESCRIBE_TEXT, out);
    fclose(out);
    assert_non_null(strstr(text, "by-word-source"));
    topo_topology_free(topology);
}

static void wrong_repartitions_are_refused(void **state)
{
    (void)state;
    struct topo_repartition repartition = {
        .name = "again", .parents = TOPO_LIST("nobody"), .topic = "r"};
    struct topo_builder *builder = topo_builder_new("app");
    topo_add_repartition(builder, &repartition);
    assert_refused(builder, "its parent \"nobody\" is not known");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    repartition.parents = TOPO_LIST("in");
    topo_add_repartition(builder, &repartition);
    assert_refused(builder, "source \"again-source\": no node reads it");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    repartition.topic = "t";
    topo_add_repartition(builder, &repartition);
    assert_refused(builder, "topic \"t\" is read by source \"in\" already");

    builder = topo_builder_new("app");
    add_source(builder, "in", "t");
    repartition.topic = "r";
    repartition.partitions = -1;
    topo_add_repartition(builder, &repartition);
    assert_refused(builder, "its partition count is negative");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_topology_is_refused),
        cmocka_unit_test(bad_and_repeated_names_are_refused),
        cmocka_unit_test(unknown_and_wrong_parents_are_refused),
        cmocka_unit_test(a_source_nobody_reads_is_refused),
        cmocka_unit_test(a_header_is_asked_for_by_global_sources_only),
        cmocka_unit_test(two_sources_of_one_topic_are_refused),
        cmocka_unit_test(a_punctuation_without_interval_is_refused),
        cmocka_unit_test(wrong_stores_are_refused),
        cmocka_unit_test(two_stores_on_one_changelog_are_refused),
        cmocka_unit_test(a_global_sub_topology_only_folds),
        cmocka_unit_test(an_aggregate_needs_its_functions_and_sinks),
        cmocka_unit_test(another_writer_to_an_event_topic_is_refused),
        cmocka_unit_test(a_right_aggregate_builds),
        cmocka_unit_test(setup_finds_the_nodes_own_stores_and_children),
        cmocka_unit_test(a_repartition_is_a_sink_and_a_source),
        cmocka_unit_test(wrong_repartitions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
