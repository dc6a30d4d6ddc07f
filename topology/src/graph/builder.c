/* builder.c - collects the nodes and stores of a topology; the first mistake wins. */
#include "graph.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

enum { NAME_LEN_MAX = 200 };

struct topo_builder {
    struct topo_topology *topology;
    struct mr_error error; /* code 0: no mistake so far. */
};

#define FAIL(builder, ...)                                                                         \
    do {                                                                                           \
        if ((builder)->error.code == 0)                                                            \
            mr_fail(&(builder)->error, MR_CONFIG, __VA_ARGS__);                                    \
    } while (0)

static const char *builder_or_unnamed(const char *name)
{
    return name && name[0] ? name : "(unnamed)";
}

/* Names become directories, metric labels and ids of a picture. */
static bool builder_name_is_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (!name || !name[0] || strlen(name) > NAME_LEN_MAX || name[0] == '.')
        return false;
    return strspn(name, allowed) == strlen(name);
}

static bool builder_check_name(struct topo_builder *builder, const char *what, const char *name)
{
    if (builder_name_is_valid(name))
        return true;
    FAIL(
        builder,
        "%s \"%s\": a name is 1 to %d of A-Z a-z 0-9 . _ - and does not begin with a dot",
        what,
        builder_or_unnamed(name),
        NAME_LEN_MAX);
    return false;
}

static struct graph_names
builder_copy_names(struct topo_topology *topology, const char *const *names)
{
    struct graph_names copy = {0};
    while (names && names[copy.count])
        copy.count++;
    copy.items = mr_calloc(copy.count + 1, sizeof *copy.items);
    for (size_t i = 0; i < copy.count; i++)
        copy.items[i] = graph_intern(topology, names[i]);
    return copy;
}

/* As names, but a repartition stands for the source it made. */
static struct graph_names
builder_copy_parents(struct topo_topology *topology, const char *const *parents)
{
    struct graph_names copy = builder_copy_names(topology, parents);
    for (size_t i = 0; i < copy.count; i++) {
        const struct graph_node *parent = graph_node_of(topology, copy.items[i]);
        if (parent && parent->repartition)
            copy.items[i] = parent->repartition->name;
    }
    return copy;
}

static struct graph_node *builder_add_node(
    struct topo_builder *builder, enum graph_kind kind, const char *what, const char *name)
{
    struct topo_topology *topology = builder->topology;
    if (!builder_check_name(builder, what, name))
        return NULL;
    if (graph_node_of(topology, name)) {
        FAIL(builder, "%s \"%s\": there is a node of that name already", what, name);
        return NULL;
    }
    struct graph_node *node = mr_calloc(1, sizeof *node);
    node->kind = kind;
    node->name = graph_intern(topology, name);
    node->index = topology->nodes_count;
    topology->nodes =
        mr_realloc(topology->nodes, (topology->nodes_count + 1) * sizeof *topology->nodes);
    topology->nodes[topology->nodes_count++] = node;
    return node;
}

/* Parents come first, so that the graph cannot have a cycle. */
static void
builder_check_parents(struct topo_builder *builder, const char *what, const struct graph_node *node)
{
    if (node->parent_names.count == 0)
        FAIL(builder, "%s \"%s\": it has no parents", what, node->name);
    for (size_t i = 0; i < node->parent_names.count; i++) {
        const char *name = node->parent_names.items[i];
        const struct graph_node *parent = graph_node_of(builder->topology, name);
        if (!parent || parent == node)
            FAIL(
                builder,
                "%s \"%s\": its parent \"%s\" is not known (add parents before children)",
                what,
                node->name,
                name);
        else if (parent->kind == GRAPH_SINK)
            FAIL(builder, "%s \"%s\": its parent \"%s\" is a sink", what, node->name, name);
        else if (node->kind == GRAPH_AGGREGATE && parent->kind != GRAPH_SOURCE)
            FAIL(builder, "aggregate \"%s\": its parent \"%s\" is not a source", node->name, name);
    }
}

struct topo_builder *topo_builder_new(const char *application_id)
{
    struct topo_builder *builder = mr_calloc(1, sizeof *builder);
    builder->topology = mr_calloc(1, sizeof *builder->topology);
    if (builder_check_name(builder, "application", application_id))
        builder->topology->application_id = graph_intern(builder->topology, application_id);
    return builder;
}

void topo_add_source(struct topo_builder *builder, const struct topo_source *source)
{
    assert(builder && source);
    struct graph_node *node = builder_add_node(builder, GRAPH_SOURCE, "source", source->name);
    if (!node)
        return;
    node->topics = builder_copy_names(builder->topology, source->topics);
    node->priority = source->priority;
    node->global = source->global;
    node->created_partitions = source->partitions;
    if (source->partitions < 0)
        FAIL(builder, "source \"%s\": a negative number of partitions", node->name);
    if (source->header)
        node->header = graph_intern(builder->topology, source->header);
    if (source->header && !source->global)
        FAIL(builder, "source \"%s\": only a global one asks for a header", node->name);
    if (node->topics.count == 0)
        FAIL(builder, "source \"%s\": it reads no topic", node->name);
    for (size_t i = 0; i < node->topics.count; i++)
        builder_check_name(builder, "topic", node->topics.items[i]);
}

static void
builder_check_store(struct topo_builder *builder, const struct topo_store_options *store)
{
    if (store->log == TOPO_LOG_CHANGELOG && !store->changelog_topic)
        FAIL(builder, "store \"%s\": a changelog store needs a changelog topic", store->name);
    if (store->log != TOPO_LOG_CHANGELOG && store->changelog_topic)
        FAIL(
            builder,
            "store \"%s\": it has a changelog topic but is not a changelog store",
            store->name);
    if (store->changelog_topic)
        builder_check_name(builder, "topic", store->changelog_topic);
    if (store->ttl_ms < 0)
        FAIL(builder, "store \"%s\": its ttl is negative", store->name);
}

void topo_add_store(struct topo_builder *builder, const struct topo_store_options *store)
{
    assert(builder && store);
    struct topo_topology *topology = builder->topology;
    if (!builder_check_name(builder, "store", store->name))
        return;
    if (graph_store_of(topology, store->name)) {
        FAIL(builder, "store \"%s\": there is a store of that name already", store->name);
        return;
    }
    builder_check_store(builder, store);
    struct graph_store *copy = mr_calloc(1, sizeof *copy);
    copy->name = graph_intern(topology, store->name);
    copy->log = store->log;
    copy->changelog_topic = graph_intern(topology, store->changelog_topic);
    copy->ordered = store->ordered;
    copy->ttl_ms = store->ttl_ms;
    copy->check = store->check;
    copy->check_user = store->check_user;
    topology->stores =
        mr_realloc(topology->stores, (topology->stores_count + 1) * sizeof *topology->stores);
    topology->stores[topology->stores_count++] = copy;
}

void topo_add_processor(struct topo_builder *builder, const struct topo_processor *processor)
{
    assert(builder && processor);
    struct graph_node *node =
        builder_add_node(builder, GRAPH_PROCESSOR, "processor", processor->name);
    if (!node)
        return;
    node->parent_names = builder_copy_parents(builder->topology, processor->parents);
    node->store_names = builder_copy_names(builder->topology, processor->stores);
    node->process = processor->process;
    node->setup = processor->setup;
    node->punctuate = processor->punctuate;
    node->punctuate_interval_ms = processor->punctuate_interval_ms;
    node->punctuate_on_stream_time = processor->punctuate_on_stream_time;
    node->user = processor->user;
    builder_check_parents(builder, "processor", node);
    if (!node->process)
        FAIL(builder, "processor \"%s\": it has no process function", node->name);
    if (node->punctuate && node->punctuate_interval_ms <= 0)
        FAIL(builder, "processor \"%s\": its punctuation has no interval", node->name);
}

static void builder_check_aggregate(struct topo_builder *builder, const struct graph_node *node)
{
    assert(node->kind == GRAPH_AGGREGATE);
    const struct topo_aggregate *aggregate = &node->aggregate;
    if (!aggregate->decode || !aggregate->decide)
        FAIL(builder, "aggregate \"%s\": it needs decode and decide", node->name);
    if (node->event_sink_names.count > 0 && !aggregate->evolve)
        FAIL(builder, "aggregate \"%s\": it has event sinks but no evolve", node->name);
    size_t outcomes = node->outcome_sink_names.count;
    if ((outcomes == 0) != !node->outcome_store_name)
        FAIL(
            builder,
            "aggregate \"%s\": an outcome sink and an outcome store go together",
            node->name);
    if (outcomes > 1 && outcomes != node->parent_names.count)
        FAIL(
            builder,
            "aggregate \"%s\": it has %zu outcome sinks and %zu parents; name one for all, or one "
            "each",
            node->name,
            outcomes,
            node->parent_names.count);
    if (outcomes > 0 && (!aggregate->outcome || !aggregate->reply))
        FAIL(builder, "aggregate \"%s\": outcomes need outcome and reply", node->name);
    if (node->punctuate && node->punctuate_interval_ms <= 0)
        FAIL(builder, "aggregate \"%s\": its punctuation has no interval", node->name);
}

static struct graph_node *
builder_add_sink(struct topo_builder *builder, const struct topo_sink *sink)
{
    assert(builder && sink);
    struct graph_node *node = builder_add_node(builder, GRAPH_SINK, "sink", sink->name);
    if (!node)
        return NULL;
    node->parent_names = builder_copy_parents(builder->topology, sink->parents);
    node->topic = graph_intern(builder->topology, sink->topic);
    node->created_partitions = sink->partitions;
    if (sink->partitions < 0)
        FAIL(builder, "sink \"%s\": a negative number of partitions", node->name);
    node->partition_by = sink->partition_by;
    builder_check_parents(builder, "sink", node);
    builder_check_name(builder, "topic", sink->topic);
    return node;
}

/* One sink may serve several parents: it stands in the list once for each, and is one node. */
static bool builder_has_log_sink(
    const struct graph_names *names, const struct graph_node *sink, const char *topic)
{
    for (size_t i = 0; i < names->count; i++)
        if (sink && names->items[i] == sink->name && topic && strcmp(sink->topic, topic) == 0)
            return true;
    return false;
}

static struct graph_names builder_add_log_sinks(
    struct topo_builder *builder,
    const struct graph_node *aggregate,
    const struct topo_log_sink *sinks,
    enum graph_sink_role role)
{
    assert(role != GRAPH_PLAIN);
    const char *const parents[] = {aggregate->name, NULL};
    struct graph_names names = {0};
    for (size_t i = 0; sinks && (sinks[i].name || sinks[i].topic); i++) {
        const char *name = sinks[i].name ? sinks[i].name : "";
        struct graph_node *sink = graph_node_of(builder->topology, name);
        if (!builder_has_log_sink(&names, sink, sinks[i].topic)) {
            sink = builder_add_sink(
                builder,
                &(struct topo_sink){
                    .name = name,
                    .parents = parents,
                    .topic = sinks[i].topic,
                    .partition_by = TOPO_PARTITION_BY_TASK,
                });
            if (sink)
                sink->role = role;
        }
        names.items = mr_realloc(names.items, (names.count + 1) * sizeof *names.items);
        names.items[names.count++] = graph_intern(builder->topology, name);
    }
    return names;
}

void topo_add_aggregate(struct topo_builder *builder, const struct topo_aggregate *aggregate)
{
    assert(builder && aggregate);
    struct topo_topology *topology = builder->topology;
    struct graph_node *node =
        builder_add_node(builder, GRAPH_AGGREGATE, "aggregate", aggregate->name);
    if (!node)
        return;
    node->parent_names = builder_copy_parents(topology, aggregate->parents);
    node->store_names = builder_copy_names(topology, aggregate->stores);
    node->setup = aggregate->setup;
    node->outcome_store_name = graph_intern(topology, aggregate->outcome_store);
    node->punctuate = aggregate->punctuate;
    node->punctuate_interval_ms = aggregate->punctuate_interval_ms;
    node->user = aggregate->user;
    node->aggregate = *aggregate;
    builder_check_parents(builder, "aggregate", node);
    node->event_sink_names =
        builder_add_log_sinks(builder, node, aggregate->event_sinks, GRAPH_EVENTS);
    node->outcome_sink_names =
        builder_add_log_sinks(builder, node, aggregate->outcome_sinks, GRAPH_OUTCOMES);
    builder_check_aggregate(builder, node);
}

void topo_add_sink(struct topo_builder *builder, const struct topo_sink *sink)
{
    builder_add_sink(builder, sink);
}

void topo_add_repartition(struct topo_builder *builder, const struct topo_repartition *repartition)
{
    assert(builder && repartition);
    struct graph_node *sink = builder_add_sink(
        builder,
        &(struct topo_sink){
            .name = repartition->name,
            .parents = repartition->parents,
            .topic = repartition->topic,
        });
    if (!sink || builder->error.code)
        return;
    char source_name[NAME_LEN_MAX + 1];
    snprintf(source_name, sizeof source_name, "%.*s-source", NAME_LEN_MAX - 7, sink->name);
    const char *const topics[] = {sink->topic, NULL};
    topo_add_source(builder, &(struct topo_source){.name = source_name, .topics = topics});
    sink->repartition = graph_node_of(builder->topology, source_name);
    sink->repartition_partitions = repartition->partitions;
    if (repartition->partitions < 0)
        FAIL(builder, "repartition \"%s\": its partition count is negative", sink->name);
}

void topo_set_dead_letters(struct topo_builder *builder, const char *topic)
{
    assert(builder);
    if (builder_check_name(builder, "topic", topic))
        builder->topology->dead_letters = graph_intern(builder->topology, topic);
}

int topo_build(
    struct topo_builder *builder, struct topo_topology **ret_topology, struct mr_error *error)
{
    assert(builder && ret_topology);
    struct topo_topology *topology = builder->topology;
    int rc = builder->error.code;
    if (rc)
        mr_fail(error, rc, "%s", builder->error.text);
    else
        rc = graph_link(topology, error);
    free(builder);
    if (rc) {
        topo_topology_free(topology);
        return rc;
    }
    *ret_topology = topology;
    return 0;
}

static void builder_free_node(struct graph_node *node)
{
    free(node->parent_names.items);
    free(node->store_names.items);
    free(node->topics.items);
    free(node->event_sink_names.items);
    free(node->outcome_sink_names.items);
    free(node->outcome_sinks);
    free(node->children);
    free(node->stores);
    free(node);
}

void topo_topology_free(struct topo_topology *topology)
{
    if (!topology)
        return;
    for (size_t i = 0; i < topology->nodes_count; i++)
        builder_free_node(topology->nodes[i]);
    for (size_t i = 0; i < topology->stores_count; i++)
        free(topology->stores[i]);
    for (size_t i = 0; i < topology->subs_count; i++) {
        free(topology->subs[i].nodes);
        free(topology->subs[i].stores);
        free(topology->subs[i].inputs);
        free(topology->subs[i].logs);
    }
    for (size_t i = 0; i < topology->strings_count; i++)
        free(topology->strings[i]);
    free(topology->strings);
    free(topology->nodes);
    free(topology->stores);
    free(topology->subs);
    free(topology);
}
