/*
 * kafka_topics.c - the topics that are a topology's own, created before its engine starts.
 *
 * Invariants
 *   1. All topics of a sub-topology's tasks have one partition count: that of its first input.
 *   2. A sub-topology is planned when the counts of all its inputs are known; a round that plans
 *      none ends the search, and the first topic that is missing is the answer.
 *   3. A topic that exists is never changed.
 */
#include "graph/graph.h"
#include "kafka_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

static const char *const changelog_configs[] = {"cleanup.policy=compact", NULL};
static const char *const event_configs[] = {"cleanup.policy=delete", "retention.ms=-1", NULL};
static const char *const default_configs[] = {NULL};
static const char *const outcome_configs[] = {"cleanup.policy=delete", NULL};
static const char *const dead_letter_configs[] = {
    "cleanup.policy=delete", "retention.ms=2592000000", NULL};
static const char *const repartition_configs[] = {
    "cleanup.policy=delete", "retention.ms=604800000", NULL};

struct topics_plan {
    const struct topo_kafka_options *options;
    struct topo_kafka_topic *missing;
    size_t missing_count;
};

/* 0 when the topic neither exists nor is planned. */
static int topics_count_partitions(
    const struct topics_plan *plan, const char *topic, int32_t *ret_count, struct mr_error *error)
{
    for (size_t i = 0; i < plan->missing_count; i++) {
        if (strcmp(plan->missing[i].name, topic) == 0) {
            *ret_count = plan->missing[i].partitions;
            return 0;
        }
    }
    return topo_kafka_partitions(plan->options, topic, ret_count, error);
}

static int topics_plan_one(
    struct topics_plan *plan,
    const char *topic,
    int32_t partitions,
    const char *const *configs,
    struct mr_error *error)
{
    int32_t count = 0;
    int rc = topics_count_partitions(plan, topic, &count, error);
    if (rc || count > 0)
        return rc;
    plan->missing = mr_realloc(plan->missing, (plan->missing_count + 1) * sizeof *plan->missing);
    plan->missing[plan->missing_count++] = (struct topo_kafka_topic){topic, partitions, configs};
    return 0;
}

static int topics_plan_log(
    struct topics_plan *plan,
    const struct graph_log *log,
    int32_t partitions,
    struct mr_error *error)
{
    static const char *const *const configs[] = {
        [GRAPH_LOG_EVENTS] = event_configs,
        [GRAPH_LOG_OUTCOMES] = outcome_configs,
        [GRAPH_LOG_CHANGELOG] = changelog_configs,
    };
    return topics_plan_one(plan, log->topic, partitions, configs[log->kind], error);
}

/* The inputs must exist, or their source says how many partitions they get: that is the number of
 * tasks. The sub-topology's own topics get the same. */
static int
topics_plan_sub(struct topics_plan *plan, const struct graph_sub *sub, struct mr_error *error)
{
    int32_t partitions = 0;
    for (size_t i = 0; i < sub->inputs_count; i++) {
        int32_t count = 0;
        const char *topic = sub->inputs[i].topic;
        int32_t wanted = sub->inputs[i].source->created_partitions;
        int rc = wanted ? topics_plan_one(plan, topic, wanted, default_configs, error) : 0;
        rc = rc ? rc : topics_count_partitions(plan, topic, &count, error);
        if (!rc && count <= 0)
            rc = mr_fail(
                error,
                MR_NOT_FOUND,
                "topic \"%s\" does not exist; create it first: its partition count is the number "
                "of tasks",
                topic);
        if (rc)
            return rc;
        partitions = partitions ? partitions : count;
    }
    int rc = 0;
    for (size_t i = 0; i < sub->logs_count && !rc; i++)
        rc = topics_plan_log(plan, &sub->logs[i], partitions, error);
    for (size_t i = 0; i < sub->nodes_count && !rc; i++) {
        const struct graph_node *node = sub->nodes[i];
        int32_t own = node->repartition_partitions ? node->repartition_partitions : partitions;
        if (node->repartition)
            rc = topics_plan_one(plan, node->topic, own, repartition_configs, error);
        else if (node->kind == GRAPH_SINK && node->created_partitions)
            rc = topics_plan_one(
                plan, node->topic, node->created_partitions, default_configs, error);
    }
    return rc;
}

/* Repartitions make it rounds: one sub-topology's output is the next one's input. */
static int topics_plan_all(
    struct topics_plan *plan, const struct topo_topology *topology, struct mr_error *error)
{
    bool *done = mr_calloc(topology->subs_count + 1, sizeof *done);
    bool progress = true;
    int rc = MR_NOT_FOUND;
    while (rc == MR_NOT_FOUND && progress) {
        progress = false;
        rc = 0;
        for (size_t i = 0; i < topology->subs_count && (!rc || rc == MR_NOT_FOUND); i++) {
            if (done[i])
                continue;
            struct mr_error why = {0};
            int sub_rc = topics_plan_sub(plan, &topology->subs[i], &why);
            done[i] = sub_rc == 0;
            progress = progress || done[i];
            if (sub_rc && (!rc || sub_rc != MR_NOT_FOUND))
                rc = mr_fail(error, sub_rc, "%s", why.text);
        }
    }
    free(done);
    return rc;
}

int topo_engine_create_topics(
    const struct topo_topology *topology,
    const struct topo_kafka_options *options,
    int *ret_created,
    struct mr_error *error)
{
    assert(topology && options);
    struct topics_plan plan = {.options = options};
    int created = 0;
    int rc = topics_plan_all(&plan, topology, error);
    if (!rc && topology->dead_letters)
        rc = topics_plan_one(&plan, topology->dead_letters, 1, dead_letter_configs, error);
    if (!rc && plan.missing_count > 0)
        rc = topo_kafka_create_topics(options, plan.missing, plan.missing_count, &created, error);
    free(plan.missing);
    if (!rc && ret_created)
        *ret_created = created;
    return rc;
}
