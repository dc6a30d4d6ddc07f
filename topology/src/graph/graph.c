/*
 * graph.c - links what the builder collected, cuts it into sub-topologies and checks each.
 *
 * Invariants of a linked graph:
 *   - parents stand before children in `nodes`;
 *   - nodes that share an edge or a store are in one sub-topology, and no others are;
 *   - a topic is read by at most one source of the group, and by at most one global source;
 *   - a topic is the log (events, outcomes, changelog) of at most one node or store.
 */
#include "graph.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

#define APPEND(array, count, item)                                                                 \
    do {                                                                                           \
        (array) = mr_realloc((array), ((count) + 1) * sizeof *(array));                            \
        (array)[(count)++] = (item);                                                               \
    } while (0)

const char *graph_intern(struct topo_topology *topology, const char *text)
{
    if (!text)
        return NULL;
    for (size_t i = 0; i < topology->strings_count; i++)
        if (strcmp(topology->strings[i], text) == 0)
            return topology->strings[i];
    APPEND(topology->strings, topology->strings_count, mr_strdup(text));
    return topology->strings[topology->strings_count - 1];
}

struct graph_node *graph_node_of(const struct topo_topology *topology, const char *name)
{
    assert(topology && name);
    for (size_t i = 0; i < topology->nodes_count; i++)
        if (strcmp(topology->nodes[i]->name, name) == 0)
            return topology->nodes[i];
    return NULL;
}

struct graph_store *graph_store_of(const struct topo_topology *topology, const char *name)
{
    assert(topology && name);
    for (size_t i = 0; i < topology->stores_count; i++)
        if (strcmp(topology->stores[i]->name, name) == 0)
            return topology->stores[i];
    return NULL;
}

const struct graph_input *graph_input_of(
    const struct topo_topology *topology,
    const char *topic,
    bool global,
    struct graph_sub **ret_sub)
{
    assert(topology && topic);
    for (size_t i = 0; i < topology->subs_count; i++) {
        struct graph_sub *sub = &topology->subs[i];
        for (size_t k = 0; sub->global == global && k < sub->inputs_count; k++) {
            if (strcmp(sub->inputs[k].topic, topic) == 0) {
                if (ret_sub)
                    *ret_sub = sub;
                return &sub->inputs[k];
            }
        }
    }
    return NULL;
}

/* -- linking -- */

static int
graph_link_stores(struct topo_topology *topology, struct graph_node *node, struct mr_error *error)
{
    for (size_t i = 0; i < node->store_names.count; i++) {
        struct graph_store *store = graph_store_of(topology, node->store_names.items[i]);
        if (!store)
            return mr_fail(
                error,
                MR_CONFIG,
                "node \"%s\": its store \"%s\" is not known",
                node->name,
                node->store_names.items[i]);
        APPEND(node->stores, node->stores_count, store);
    }
    return 0;
}

/* The builder made them, one for all parents or one each. */
static void graph_link_outcome_sinks(struct topo_topology *topology, struct graph_node *node)
{
    assert(
        node->outcome_sink_names.count == 1 ||
        node->outcome_sink_names.count == node->parent_names.count);
    size_t count = node->outcome_sink_names.count;
    node->outcome_sinks = mr_calloc(node->parent_names.count, sizeof(struct graph_node *));
    for (size_t i = 0; i < node->parent_names.count; i++) {
        const char *name = node->outcome_sink_names.items[count == 1 ? 0 : i];
        struct graph_node *sink = graph_node_of(topology, name);
        assert(sink && sink->role == GRAPH_OUTCOMES);
        node->outcome_sinks[i] = sink;
    }
}

/* One outcome topic per command topic, so that a command's waiter knows where to look. */
static int
graph_link_outcomes(struct topo_topology *topology, struct graph_node *node, struct mr_error *error)
{
    if (node->outcome_sink_names.count == 0)
        return 0;
    graph_link_outcome_sinks(topology, node);
    for (size_t i = 0; i < node->stores_count; i++)
        if (strcmp(node->stores[i]->name, node->outcome_store_name) == 0)
            node->outcome_store = node->stores[i];
    if (!node->outcome_store || node->outcome_store->log != TOPO_LOG_EVENTS)
        return mr_fail(
            error,
            MR_CONFIG,
            "aggregate \"%s\": its outcome store \"%s\" must be one of its stores and "
            "TOPO_LOG_EVENTS (the outcome topic is its log)",
            node->name,
            node->outcome_store_name);
    if (node->outcome_store->is_outcomes)
        return mr_fail(
            error,
            MR_CONFIG,
            "aggregate \"%s\": its outcome store \"%s\" belongs to another aggregate",
            node->name,
            node->outcome_store_name);
    node->outcome_store->is_outcomes = true;
    return 0;
}

static int graph_link_nodes(struct topo_topology *topology, struct mr_error *error)
{
    for (size_t i = 0; i < topology->nodes_count; i++) {
        struct graph_node *node = topology->nodes[i];
        for (size_t k = 0; k < node->parent_names.count; k++) {
            struct graph_node *parent = graph_node_of(topology, node->parent_names.items[k]);
            assert(parent); /* The builder refused it otherwise. */
            APPEND(parent->children, parent->children_count, node);
        }
        int rc = graph_link_stores(topology, node, error);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < topology->nodes_count; i++) {
        struct graph_node *node = topology->nodes[i];
        int rc = node->kind == GRAPH_AGGREGATE ? graph_link_outcomes(topology, node, error) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

/* -- sub-topologies: union-find over nodes, joined by edges and by shared stores -- */

static size_t graph_find_root(size_t *roots, size_t i)
{
    while (roots[i] != i)
        i = roots[i] = roots[roots[i]];
    return i;
}

static void graph_join(size_t *roots, size_t a, size_t b)
{
    assert(roots);
    a = graph_find_root(roots, a);
    b = graph_find_root(roots, b);
    /* The smaller index wins, so that sub-topologies come out in the order of their first node. */
    if (a < b)
        roots[b] = a;
    else
        roots[a] = b;
}

static bool graph_uses_store(const struct graph_node *node, const struct graph_store *store)
{
    for (size_t i = 0; i < node->stores_count; i++)
        if (node->stores[i] == store)
            return true;
    return false;
}

static void graph_join_all(const struct topo_topology *topology, size_t *roots)
{
    for (size_t i = 0; i < topology->nodes_count; i++) {
        const struct graph_node *node = topology->nodes[i];
        for (size_t k = 0; k < node->children_count; k++)
            graph_join(roots, i, node->children[k]->index);
        for (size_t k = 0; k < node->stores_count; k++)
            for (size_t other = 0; other < i; other++)
                if (graph_uses_store(topology->nodes[other], node->stores[k]))
                    graph_join(roots, i, other);
    }
}

static void graph_add_to_sub(struct graph_sub *sub, struct graph_node *node)
{
    APPEND(sub->nodes, sub->nodes_count, node);
    bool named = node->kind == GRAPH_PROCESSOR || node->kind == GRAPH_AGGREGATE;
    if (named && !sub->name)
        sub->name = node->name;
    for (size_t i = 0; i < node->stores_count; i++) {
        struct graph_store *store = node->stores[i];
        bool known = false;
        for (size_t k = 0; k < sub->stores_count; k++)
            known = known || sub->stores[k] == store;
        if (known)
            continue;
        store->index = sub->stores_count;
        APPEND(sub->stores, sub->stores_count, store);
    }
    for (size_t i = 0; i < node->topics.count; i++) {
        struct graph_input input = {.topic = node->topics.items[i], .source = node};
        APPEND(sub->inputs, sub->inputs_count, input);
    }
}

static void graph_cut(struct topo_topology *topology)
{
    size_t *roots = mr_calloc(topology->nodes_count + 1, sizeof *roots);
    size_t *sub_of = mr_calloc(topology->nodes_count + 1, sizeof *sub_of);
    for (size_t i = 0; i < topology->nodes_count; i++)
        roots[i] = i;
    graph_join_all(topology, roots);
    topology->subs = mr_calloc(topology->nodes_count + 1, sizeof *topology->subs);
    for (size_t i = 0; i < topology->nodes_count; i++) {
        size_t root = graph_find_root(roots, i);
        if (root == i)
            sub_of[i] = topology->subs_count++;
        graph_add_to_sub(&topology->subs[sub_of[root]], topology->nodes[i]);
    }
    free(roots);
    free(sub_of);
    for (size_t i = 0; i < topology->subs_count; i++) {
        struct graph_sub *sub = &topology->subs[i];
        sub->index = i;
        sub->name = sub->name ? sub->name : sub->nodes[0]->name;
        for (size_t k = 0; k < sub->nodes_count; k++)
            sub->nodes[k]->sub = sub;
        for (size_t k = 0; k < sub->stores_count; k++)
            sub->stores[k]->sub = sub;
    }
}

/* -- checks of a sub-topology -- */

static int graph_check_global_node(const struct graph_node *node, struct mr_error *error)
{
    const char *mistake = NULL;
    if (node->kind == GRAPH_SINK)
        mistake = "a global sub-topology sends nothing";
    else if (node->kind == GRAPH_AGGREGATE)
        mistake = "an aggregate decides, and a global sub-topology only folds";
    else if (node->kind == GRAPH_SOURCE && !node->global)
        mistake = "a global source and a source of the group meet in one sub-topology";
    else if (node->punctuate)
        mistake = "a global sub-topology is a fold of its input and has no timers";
    for (size_t i = 0; i < node->stores_count && !mistake; i++)
        if (node->stores[i]->log != TOPO_LOG_INPUT)
            mistake = "the stores of a global sub-topology are TOPO_LOG_INPUT";
    return mistake ? mr_fail(error, MR_CONFIG, "node \"%s\": %s", node->name, mistake) : 0;
}

static int graph_check_stores(const struct graph_sub *sub, struct mr_error *error)
{
    bool has_aggregate = false;
    for (size_t i = 0; i < sub->nodes_count; i++)
        has_aggregate = has_aggregate || sub->nodes[i]->kind == GRAPH_AGGREGATE;
    for (size_t i = 0; i < sub->stores_count; i++) {
        const struct graph_store *store = sub->stores[i];
        if (store->log == TOPO_LOG_INPUT)
            return mr_fail(
                error,
                MR_CONFIG,
                "store \"%s\": TOPO_LOG_INPUT is for global sub-topologies",
                store->name);
        if (store->log == TOPO_LOG_EVENTS && !has_aggregate)
            return mr_fail(
                error,
                MR_CONFIG,
                "store \"%s\": TOPO_LOG_EVENTS needs an aggregate whose events it folds",
                store->name);
    }
    return 0;
}

static int graph_check_sub(struct graph_sub *sub, struct mr_error *error)
{
    for (size_t i = 0; i < sub->nodes_count; i++)
        sub->global = sub->global || (sub->nodes[i]->kind == GRAPH_SOURCE && sub->nodes[i]->global);
    for (size_t i = 0; sub->global && i < sub->nodes_count; i++) {
        int rc = graph_check_global_node(sub->nodes[i], error);
        if (rc)
            return rc;
    }
    return sub->global ? 0 : graph_check_stores(sub, error);
}

static int graph_add_log(struct graph_sub *sub, struct graph_log log, struct mr_error *error)
{
    assert(log.topic);
    for (size_t i = 0; i < sub->logs_count; i++)
        if (sub->logs[i].topic == log.topic)
            return mr_fail(
                error,
                MR_CONFIG,
                "topic \"%s\": it is the log of two sinks or stores of sub-topology \"%s\"",
                log.topic,
                sub->name);
    APPEND(sub->logs, sub->logs_count, log);
    return 0;
}

static int
graph_add_aggregate_logs(struct graph_sub *sub, struct graph_node *node, struct mr_error *error)
{
    for (size_t i = 0; i < node->children_count; i++) {
        struct graph_node *sink = node->children[i];
        if (sink->kind != GRAPH_SINK || sink->role == GRAPH_PLAIN)
            continue;
        bool events = sink->role == GRAPH_EVENTS;
        struct graph_log log = {
            .kind = events ? GRAPH_LOG_EVENTS : GRAPH_LOG_OUTCOMES,
            .topic = sink->topic,
            .aggregate = events ? node : NULL,
            .store = events ? NULL : node->outcome_store,
        };
        sink->log = sub->logs_count;
        int rc = graph_add_log(sub, log, error);
        if (rc)
            return rc;
    }
    return 0;
}

static int graph_add_logs(struct graph_sub *sub, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < sub->nodes_count && !rc; i++)
        if (sub->nodes[i]->kind == GRAPH_AGGREGATE)
            rc = graph_add_aggregate_logs(sub, sub->nodes[i], error);
    for (size_t i = 0; i < sub->stores_count && !rc; i++) {
        struct graph_log log = {
            .kind = GRAPH_LOG_CHANGELOG,
            .topic = sub->stores[i]->changelog_topic,
            .store = sub->stores[i],
        };
        if (sub->stores[i]->log == TOPO_LOG_CHANGELOG)
            rc = graph_add_log(sub, log, error);
    }
    return rc;
}

/* Two readers in one group would each get half of it. */
static int graph_check_topics(const struct topo_topology *topology, struct mr_error *error)
{
    for (size_t i = 0; i < topology->nodes_count; i++) {
        const struct graph_node *node = topology->nodes[i];
        for (size_t k = 0; k < node->topics.count; k++) {
            const char *topic = node->topics.items[k];
            for (size_t other = 0; other <= i; other++) {
                const struct graph_node *source = topology->nodes[other];
                size_t end = other == i ? k : source->topics.count;
                for (size_t t = 0; source->global == node->global && t < end; t++)
                    if (source->topics.items[t] == topic)
                        return mr_fail(
                            error,
                            MR_CONFIG,
                            "source \"%s\": its topic \"%s\" is read by source \"%s\" already; one "
                            "source may feed several processors",
                            node->name,
                            topic,
                            source->name);
            }
        }
    }
    return 0;
}

/* A log that somebody else writes too would make every offset we foresee wrong. */
static int graph_check_writers(const struct topo_topology *topology, struct mr_error *error)
{
    for (size_t s = 0; s < topology->subs_count; s++) {
        const struct graph_sub *sub = &topology->subs[s];
        for (size_t i = 0; i < sub->logs_count; i++) {
            size_t writers = sub->logs[i].kind == GRAPH_LOG_CHANGELOG;
            for (size_t n = 0; n < topology->nodes_count; n++)
                writers += topology->nodes[n]->topic == sub->logs[i].topic;
            for (size_t o = 0; o < s; o++)
                for (size_t k = 0; k < topology->subs[o].logs_count; k++)
                    writers += topology->subs[o].logs[k].topic == sub->logs[i].topic;
            if (writers != 1)
                return mr_fail(
                    error,
                    MR_CONFIG,
                    "topic \"%s\": it is a log of sub-topology \"%s\" and has another writer",
                    sub->logs[i].topic,
                    sub->name);
        }
    }
    return 0;
}

static int graph_check_unused(const struct topo_topology *topology, struct mr_error *error)
{
    for (size_t i = 0; i < topology->stores_count; i++)
        if (!topology->stores[i]->sub)
            return mr_fail(
                error, MR_CONFIG, "store \"%s\": no node uses it", topology->stores[i]->name);
    for (size_t i = 0; i < topology->nodes_count; i++)
        if (topology->nodes[i]->kind == GRAPH_SOURCE && topology->nodes[i]->children_count == 0)
            return mr_fail(
                error, MR_CONFIG, "source \"%s\": no node reads it", topology->nodes[i]->name);
    return 0;
}

/* -- setup: nodes look up what they use, once -- */

struct topo_setup {
    const struct graph_node *node;
    struct mr_error error; /* The first name that is not there. */
};

const struct topo_store_ref *topo_setup_store(struct topo_setup *setup, const char *name)
{
    assert(setup && name);
    const struct graph_node *node = setup->node;
    for (size_t i = 0; i < node->stores_count; i++)
        if (strcmp(node->stores[i]->name, name) == 0)
            return (const struct topo_store_ref *)node->stores[i];
    if (!setup->error.code)
        mr_fail(
            &setup->error,
            MR_CONFIG,
            "node \"%s\": its setup looks for the store \"%s\", which is not one of its stores",
            node->name,
            name);
    return NULL;
}

const struct topo_child_ref *topo_setup_child(struct topo_setup *setup, const char *name)
{
    assert(setup && name);
    const struct graph_node *node = setup->node;
    for (size_t i = 0; i < node->children_count; i++)
        if (strcmp(node->children[i]->name, name) == 0)
            return (const struct topo_child_ref *)node->children[i];
    if (!setup->error.code)
        mr_fail(
            &setup->error,
            MR_CONFIG,
            "node \"%s\": its setup looks for the child \"%s\", which does not have it as a parent",
            node->name,
            name);
    return NULL;
}

static int graph_set_up(struct topo_topology *topology, struct mr_error *error)
{
    for (size_t i = 0; i < topology->nodes_count; i++) {
        const struct graph_node *node = topology->nodes[i];
        struct topo_setup setup = {.node = node};
        if (node->setup)
            node->setup(&setup, node->user);
        if (setup.error.code)
            return mr_fail(error, setup.error.code, "%s", setup.error.text);
    }
    return 0;
}

int graph_link(struct topo_topology *topology, struct mr_error *error)
{
    assert(!topology->subs);
    if (topology->nodes_count == 0)
        return mr_fail(error, MR_CONFIG, "topology \"%s\" is empty", topology->application_id);
    int rc = graph_link_nodes(topology, error);
    if (!rc)
        rc = graph_check_topics(topology, error);
    if (rc)
        return rc;
    graph_cut(topology);
    for (size_t i = 0; i < topology->subs_count && !rc; i++)
        rc = graph_check_sub(&topology->subs[i], error);
    for (size_t i = 0; i < topology->subs_count && !rc; i++)
        rc = graph_add_logs(&topology->subs[i], error);
    if (!rc)
        rc = graph_check_writers(topology, error);
    if (!rc)
        rc = graph_check_unused(topology, error);
    return rc ? rc : graph_set_up(topology, error);
}
