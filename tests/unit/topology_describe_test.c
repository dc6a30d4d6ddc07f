/* topology_describe_test.c - a topology described as text, as a picture and as JSON. */
#include <tests/cmocka.h>

#include <topology/topology.h>

#include <stdio.h>
#include <stdlib.h>

static int stub_process(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)context, (void)user, (void)record, (void)error;
    return 0;
}

static struct topo_topology *build_topology(void)
{
    struct topo_builder *builder = topo_builder_new("words");
    topo_add_source(
        builder, &(struct topo_source){.name = "lines", .topics = TOPO_LIST("text", "more")});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "counts",
            .log = TOPO_LOG_CHANGELOG,
            .changelog_topic = "counts.changelog",
            .ordered = true,
        });
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "split",
            .parents = TOPO_LIST("lines"),
            .process = stub_process,
        });
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "count",
            .parents = TOPO_LIST("split"),
            .stores = TOPO_LIST("counts"),
            .process = stub_process,
        });
    topo_add_sink(
        builder,
        &(struct topo_sink){.name = "out", .parents = TOPO_LIST("count"), .topic = "totals"});
    topo_set_dead_letters(builder, "words.dead");
    struct topo_topology *topology = NULL;
    assert_int_equal(topo_build(builder, &topology, NULL), 0);
    return topology;
}

static void assert_described(enum topo_describe_format format, const char *expected)
{
    struct topo_topology *topology = build_topology();
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    topo_describe(topology, format, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    topo_topology_free(topology);
}

static void text_lists_every_node_store_and_edge(void **state)
{
    (void)state;
    assert_described(
        TOPO_DESCRIBE_TEXT,
        "topology words\n"
        "  sub-topology split\n"
        "    source lines <- text, more\n"
        "        --> split\n"
        "    processor split\n"
        "        --> count\n"
        "    processor count\n"
        "        stores: counts\n"
        "        --> out\n"
        "    sink out -> totals (messages, by key)\n"
        "    store counts (changelog counts.changelog, ordered)\n"
        "  dead letters -> words.dead\n");
}

static void json_says_the_same(void **state)
{
    (void)state;
    assert_described(
        TOPO_DESCRIBE_JSON,
        "{\"application_id\":\"words\",\"sub_topologies\":[{\"name\":\"split\",\"global\":false,"
        "\"nodes\":[{\"kind\":\"source\",\"name\":\"lines\",\"topics\":[\"text\",\"more\"],"
        "\"priority\":0,\"parents\":[],\"stores\":[]},{\"kind\":\"processor\",\"name\":\"split\","
        "\"parents\":[\"lines\"],\"stores\":[]},{\"kind\":\"processor\",\"name\":\"count\","
        "\"parents\":[\"split\"],\"stores\":[\"counts\"]},{\"kind\":\"sink\",\"name\":\"out\","
        "\"topic\":\"totals\",\"role\":\"messages\",\"partition_by\":\"key\",\"parents\":"
        "[\"count\"],\"stores\":[]}],\"stores\":[{\"name\":\"counts\",\"log\":\"changelog\","
        "\"changelog_topic\":\"counts.changelog\",\"ordered\":true,\"ttl_ms\":0}]}],"
        "\"dead_letters\":\"words.dead\"}\n");
}

/* One oval per topic, however many topologies share it. */
static void several_topologies_make_one_picture(void **state)
{
    (void)state;
    struct topo_topology *topology = build_topology();
    const struct topo_topology *both[] = {topology, topology};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    topo_describe_many(both, 2, TOPO_DESCRIBE_DOT, out);
    fclose(out);
    assert_ptr_equal(strstr(text, "digraph"), text);
    assert_null(strstr(text + 1, "digraph"));
    assert_non_null(strstr(text, "cluster_words_split"));
    assert_non_null(strstr(text, "\"topic:text\" -> \"words/split\""));
    assert_non_null(strstr(text, "\"words/count\" -> \"topic:totals\""));
    assert_non_null(strstr(text, "\"words/store/counts\" [label=\"counts\", shape=cylinder"));
    free(text);
    topo_topology_free(topology);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lists_every_node_store_and_edge),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(several_topologies_make_one_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
