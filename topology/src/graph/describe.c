/* describe.c - a topology as text for a terminal, DOT for a picture, JSON for a program. */
#include "graph.h"

#include <inttypes.h>

static const char *describe_kind_name(enum graph_kind kind)
{
    static const char *const names[] = {
        [GRAPH_SOURCE] = "source",
        [GRAPH_PROCESSOR] = "processor",
        [GRAPH_AGGREGATE] = "aggregate",
        [GRAPH_SINK] = "sink",
    };
    return names[kind];
}

static const char *describe_log_name(const struct graph_store *store)
{
    static const char *const names[] = {
        [TOPO_LOG_EVENTS] = "events",
        [TOPO_LOG_CHANGELOG] = "changelog",
        [TOPO_LOG_INPUT] = "input",
    };
    return store->is_outcomes ? "outcomes" : names[store->log];
}

static const char *describe_role_name(enum graph_sink_role role)
{
    static const char *const names[] = {
        [GRAPH_PLAIN] = "messages",
        [GRAPH_EVENTS] = "events",
        [GRAPH_OUTCOMES] = "outcomes",
    };
    return names[role];
}

static const char *describe_by_name(enum topo_partition_by by)
{
    static const char *const names[] = {
        [TOPO_PARTITION_BY_KEY] = "key",
        [TOPO_PARTITION_BY_TASK] = "task",
        [TOPO_PARTITION_EXPLICIT] = "hand",
    };
    return names[by];
}

/* -- text -- */

/* Children are names only: a node with several parents is described once. */
static void describe_text_node(const struct graph_node *node, FILE *out)
{
    fprintf(out, "    %s %s", describe_kind_name(node->kind), node->name);
    for (size_t i = 0; i < node->topics.count; i++)
        fprintf(out, "%s%s", i ? ", " : " <- ", node->topics.items[i]);
    if (node->kind == GRAPH_SOURCE && node->priority)
        fprintf(out, " (priority %d)", node->priority);
    if (node->kind == GRAPH_SINK)
        fprintf(
            out,
            " -> %s (%s, by %s)",
            node->topic,
            describe_role_name(node->role),
            describe_by_name(node->partition_by));
    fputc('\n', out);
    for (size_t i = 0; i < node->stores_count; i++)
        fprintf(out, "%s%s", i ? ", " : "        stores: ", node->stores[i]->name);
    fputs(node->stores_count ? "\n" : "", out);
    if (node->punctuate)
        fprintf(
            out,
            "        punctuated: every %" PRId64 " ms of %s time\n",
            node->punctuate_interval_ms,
            node->punctuate_on_stream_time ? "stream" : "wall-clock");
    for (size_t i = 0; i < node->children_count; i++)
        fprintf(out, "%s%s", i ? ", " : "        --> ", node->children[i]->name);
    fputs(node->children_count ? "\n" : "", out);
}

static void describe_text_store(const struct graph_store *store, FILE *out)
{
    fprintf(out, "    store %s (%s", store->name, describe_log_name(store));
    if (store->changelog_topic)
        fprintf(out, " %s", store->changelog_topic);
    if (store->ordered)
        fputs(", ordered", out);
    if (store->ttl_ms)
        fprintf(out, ", ttl %" PRId64 " ms", store->ttl_ms);
    fputs(")\n", out);
}

static void describe_text(const struct topo_topology *topology, FILE *out)
{
    fprintf(out, "topology %s\n", topology->application_id);
    for (size_t i = 0; i < topology->subs_count; i++) {
        const struct graph_sub *sub = &topology->subs[i];
        fprintf(out, "  sub-topology %s%s\n", sub->name, sub->global ? " (global)" : "");
        for (size_t k = 0; k < sub->nodes_count; k++)
            describe_text_node(sub->nodes[k], out);
        for (size_t k = 0; k < sub->stores_count; k++)
            describe_text_store(sub->stores[k], out);
    }
    if (topology->dead_letters)
        fprintf(out, "  dead letters -> %s\n", topology->dead_letters);
}

/* -- DOT: names and topics are restricted to characters that need no escape in a string -- */

static void describe_dot_topic(const char *topic, FILE *out)
{
    fprintf(out, "\"topic:%s\"", topic);
}

/* A cluster per sub-topology; topics stand outside, as they join sub-topologies. */
static void
describe_dot_sub(const struct topo_topology *topology, const struct graph_sub *sub, FILE *out)
{
    const char *application = topology->application_id;
    fprintf(out, "  subgraph \"cluster_%s_%s\" {\n", application, sub->name);
    fprintf(
        out,
        "    label=\"%s%s\"; style=\"rounded\"; color=\"#8899aa\"; fontcolor=\"#445566\";\n",
        sub->name,
        sub->global ? " (global)" : "");
    for (size_t i = 0; i < sub->nodes_count; i++) {
        const struct graph_node *node = sub->nodes[i];
        if (node->kind == GRAPH_PROCESSOR || node->kind == GRAPH_AGGREGATE)
            fprintf(
                out,
                "    \"%s/%s\" [label=\"%s\", shape=box, style=\"rounded,filled\", "
                "fillcolor=\"%s\"];\n",
                application,
                node->name,
                node->name,
                node->kind == GRAPH_AGGREGATE ? "#ffe9c7" : "#ffffff");
    }
    for (size_t i = 0; i < sub->stores_count; i++)
        fprintf(
            out,
            "    \"%s/store/%s\" [label=\"%s\", shape=cylinder, style=filled, "
            "fillcolor=\"#dcebdc\"];\n",
            application,
            sub->stores[i]->name,
            sub->stores[i]->name);
    fputs("  }\n", out);
}

/* Sources and sinks are drawn as edges from and to their topics. */
static void describe_dot_edge(
    const struct topo_topology *topology,
    const struct graph_node *from,
    const struct graph_node *to,
    FILE *out)
{
    size_t topics = from->kind == GRAPH_SOURCE ? from->topics.count : 1;
    for (size_t i = 0; i < topics; i++) {
        fputs("  ", out);
        if (from->kind == GRAPH_SOURCE)
            describe_dot_topic(from->topics.items[i], out);
        else
            fprintf(out, "\"%s/%s\"", topology->application_id, from->name);
        fputs(" -> ", out);
        if (to->kind == GRAPH_SINK)
            describe_dot_topic(to->topic, out);
        else
            fprintf(out, "\"%s/%s\"", topology->application_id, to->name);
        fputs(to->kind == GRAPH_SINK && to->role == GRAPH_EVENTS ? " [penwidth=2]" : "", out);
        fputs(from->kind == GRAPH_SOURCE && from->global ? " [style=dashed];\n" : ";\n", out);
    }
}

static void describe_dot_edges(const struct topo_topology *topology, FILE *out)
{
    const char *application = topology->application_id;
    for (size_t i = 0; i < topology->nodes_count; i++) {
        const struct graph_node *node = topology->nodes[i];
        for (size_t k = 0; k < node->children_count; k++)
            describe_dot_edge(topology, node, node->children[k], out);
        for (size_t k = 0; k < node->stores_count; k++)
            fprintf(
                out,
                "  \"%s/%s\" -> \"%s/store/%s\" [dir=none, style=dotted];\n",
                application,
                node->name,
                application,
                node->stores[k]->name);
    }
}

static void describe_dot(const struct topo_topology *const *topologies, size_t count, FILE *out)
{
    fputs("digraph topology {\n", out);
    fputs("  rankdir=LR; fontname=\"Helvetica\";\n", out);
    fputs("  node [fontname=\"Helvetica\", fontsize=11]; edge [color=\"#667788\"];\n", out);
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < topologies[t]->subs_count; i++)
            describe_dot_sub(topologies[t], &topologies[t]->subs[i], out);
    /* DOT merges repeated nodes, so a topic that two topologies share is one oval. */
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < topologies[t]->nodes_count; i++) {
            const struct graph_node *node = topologies[t]->nodes[i];
            size_t topics = node->kind == GRAPH_SINK ? 1 : node->topics.count;
            for (size_t k = 0; k < topics; k++) {
                const char *topic = node->kind == GRAPH_SINK ? node->topic : node->topics.items[k];
                fputs("  ", out);
                describe_dot_topic(topic, out);
                fprintf(
                    out,
                    " [label=\"%s\", shape=oval, style=filled, fillcolor=\"#dde8f5\"];\n",
                    topic);
            }
        }
        describe_dot_edges(topologies[t], out);
    }
    fputs("}\n", out);
}

/* -- JSON -- */

static void
describe_json_names(const char *field, const char *const *names, size_t count, FILE *out)
{
    fprintf(out, ",\"%s\":[", field);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\"%s\"", i ? "," : "", names[i]);
    fputc(']', out);
}

static void describe_json_node(const struct graph_node *node, FILE *out)
{
    fprintf(out, "{\"kind\":\"%s\",\"name\":\"%s\"", describe_kind_name(node->kind), node->name);
    if (node->kind == GRAPH_SOURCE) {
        describe_json_names("topics", node->topics.items, node->topics.count, out);
        fprintf(out, ",\"priority\":%d", node->priority);
    }
    if (node->kind == GRAPH_SINK)
        fprintf(
            out,
            ",\"topic\":\"%s\",\"role\":\"%s\",\"partition_by\":\"%s\"",
            node->topic,
            describe_role_name(node->role),
            describe_by_name(node->partition_by));
    describe_json_names("parents", node->parent_names.items, node->parent_names.count, out);
    describe_json_names("stores", node->store_names.items, node->store_names.count, out);
    if (node->punctuate)
        fprintf(
            out,
            ",\"punctuate_interval_ms\":%" PRId64 ",\"punctuate_on_stream_time\":%s",
            node->punctuate_interval_ms,
            node->punctuate_on_stream_time ? "true" : "false");
    fputc('}', out);
}

static void describe_json_store(const struct graph_store *store, FILE *out)
{
    fprintf(out, "{\"name\":\"%s\",\"log\":\"%s\"", store->name, describe_log_name(store));
    if (store->changelog_topic)
        fprintf(out, ",\"changelog_topic\":\"%s\"", store->changelog_topic);
    fprintf(
        out,
        ",\"ordered\":%s,\"ttl_ms\":%" PRId64 "}",
        store->ordered ? "true" : "false",
        store->ttl_ms);
}

static void describe_json_sub(const struct graph_sub *sub, FILE *out)
{
    const char *global = sub->global ? "true" : "false";
    fprintf(out, "{\"name\":\"%s\",\"global\":%s,\"nodes\":[", sub->name, global);
    for (size_t i = 0; i < sub->nodes_count; i++) {
        fputs(i ? "," : "", out);
        describe_json_node(sub->nodes[i], out);
    }
    fputs("],\"stores\":[", out);
    for (size_t i = 0; i < sub->stores_count; i++) {
        fputs(i ? "," : "", out);
        describe_json_store(sub->stores[i], out);
    }
    fputs("]}", out);
}

static void describe_json(const struct topo_topology *topology, FILE *out)
{
    fprintf(out, "{\"application_id\":\"%s\",\"sub_topologies\":[", topology->application_id);
    for (size_t i = 0; i < topology->subs_count; i++) {
        fputs(i ? "," : "", out);
        describe_json_sub(&topology->subs[i], out);
    }
    fputs("]", out);
    if (topology->dead_letters)
        fprintf(out, ",\"dead_letters\":\"%s\"", topology->dead_letters);
    fputs("}", out);
}

void topo_describe_many(
    const struct topo_topology *const *topologies,
    size_t count,
    enum topo_describe_format format,
    FILE *out)
{
    if (format == TOPO_DESCRIBE_DOT) {
        describe_dot(topologies, count, out);
        return;
    }
    bool json = format == TOPO_DESCRIBE_JSON;
    fputs(json ? "[" : "", out);
    for (size_t i = 0; i < count; i++) {
        if (json && i > 0)
            fputc(',', out);
        if (json)
            describe_json(topologies[i], out);
        else
            describe_text(topologies[i], out);
    }
    fputs(json ? "]\n" : "", out);
}

void topo_describe(
    const struct topo_topology *topology, enum topo_describe_format format, FILE *out)
{
    if (format == TOPO_DESCRIBE_JSON) {
        describe_json(topology, out);
        fputc('\n', out);
        return;
    }
    topo_describe_many(&topology, 1, format, out);
}
