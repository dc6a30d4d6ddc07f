/* cmd_topics.c - `millrace topics create|list`: the topics of schemas/topics.json. */
#include "command.h"

#include <base/alloc.h>
#include <base/arena.h>
#include <schemas/shop.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPIES_MIN = 2 };

static int
topics_read_sizing(const struct mr_options *options, bool *ret_production, struct mr_error *error)
{
    const char *sizing = mr_options_text(options, "sizing");
    bool production = strcmp(sizing, "production") == 0;
    if (!production && strcmp(sizing, "development") != 0)
        return mr_fail(error, MR_CONFIG, "--sizing %s: development or production", sizing);
    *ret_production = production;
    return 0;
}

/* The settings of topics.json as "name=value", NULL-terminated. */
static const char *const *
topics_list_configs(const struct codec_topic *topic, struct mr_arena *arena)
{
    const char **configs = mr_arena_alloc(arena, (topic->configs_count + 3) * sizeof *configs);
    size_t count = 0;
    configs[count++] = mr_arena_printf(arena, "cleanup.policy=%s", topic->cleanup).ptr;
    configs[count++] = mr_arena_printf(arena, "retention.ms=%" PRId64, topic->retention_ms).ptr;
    for (size_t i = 0; i < topic->configs_count; i++)
        configs[count++] =
            mr_arena_printf(arena, "%s=%s", topic->configs[i].name, topic->configs[i].value).ptr;
    configs[count] = NULL;
    return configs;
}

/* -- settings of topics that exist -- */

struct settling {
    bool all; /* Also what makes the broker forget more. */
    int altered;
    int left;
};

/* Milliseconds; -1 means without limit. */
static bool topics_is_longer(const char *value, const char *wanted)
{
    long long now = strtoll(value, NULL, 10);
    long long then = strtoll(wanted, NULL, 10);
    return now != -1 && (then == -1 || then > now);
}

/* True when the broker keeps with the new value at least what it keeps with the old one. */
static bool topics_keeps_more(const char *name, const char *value, const char *wanted)
{
    static const char *const periods[] = {
        "retention.ms", "delete.retention.ms", "max.compaction.lag.ms"};
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++)
        if (strcmp(name, periods[i]) == 0)
            return topics_is_longer(value, wanted);
    if (strcmp(name, "cleanup.policy") == 0)
        return strcmp(wanted, "delete") == 0;
    return true;
}

static bool topics_may_alter(
    void *user, const char *topic, const char *name, const char *value, const char *wanted)
{
    struct settling *settling = user;
    bool alters = settling->all || topics_keeps_more(name, value, wanted);
    settling->altered += alters;
    settling->left += !alters;
    printf(
        "%s: %s was %s, wanted %s: %s\n",
        topic,
        name,
        value,
        wanted,
        alters ? "altered" : "kept, because records would be deleted (--alter)");
    return alters;
}

/* The error for another partition count says what to do about it. */
static int topics_create_missing(
    const struct topo_kafka_options *kafka,
    const struct topo_kafka_topic *topics,
    int *ret_created,
    struct mr_error *error)
{
    struct mr_error why = {0};
    int rc = topo_kafka_create_topics(kafka, topics, SHOP_TOPIC_COUNT, ret_created, &why);
    const char *advice = rc == MR_CONFLICT
                             ? "; keys are placed by the count, so it stays: choose the "
                               "--sizing that fits, or another Kafka"
                             : "";
    return rc ? mr_fail(error, rc, "%s%s", why.text, advice) : 0;
}

/* A record of production that one broker alone has is lost with it, and so is the money in it.
 * `topic` NULL: the cluster's defaults, which new topics get. */
static int topics_check_copies(
    const struct topo_kafka_options *kafka, const char *topic, struct mr_error *error)
{
    struct topo_kafka_copies copies;
    int rc = topo_kafka_ask_copies(kafka, topic, &copies, error);
    if (rc || (copies.replicas >= COPIES_MIN && copies.in_sync >= COPIES_MIN))
        return rc;
    return mr_fail(
        error,
        MR_CONFIG,
        "%s %s: replication factor %d, min.insync.replicas %d: a record may be lost with one "
        "broker; production wants 3 and 2 (--allow-one-copy does without)",
        topic ? "topic" : "the cluster's defaults for",
        topic ? topic : "new topics",
        copies.replicas,
        copies.in_sync);
}

/* The defaults only where a topic is missing: they do not count for those that exist. */
static int topics_check_all_copies(
    const struct topo_kafka_options *kafka,
    const struct topo_kafka_topic *topics,
    struct mr_error *error)
{
    bool missing = false;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < SHOP_TOPIC_COUNT; i++) {
        int32_t count = 0;
        rc = topo_kafka_partitions(kafka, topics[i].name, &count, error);
        if (rc == 0 && count > 0)
            rc = topics_check_copies(kafka, topics[i].name, error);
        missing = missing || count == 0;
    }
    return rc || !missing ? rc : topics_check_copies(kafka, NULL, error);
}

/* Missing topics first, then the settings of all: a topic that was just made has them already. */
static int topics_run_create(const struct mr_options *options, struct mr_error *error)
{
    struct topo_kafka_options kafka = tool_kafka(options);
    struct settling settling = {.all = mr_options_switch(options, "alter")};
    struct mr_arena arena;
    bool production = false;
    int created = 0;
    int rc = topics_read_sizing(options, &production, error);
    rc = rc ? rc : topo_kafka_ping(&kafka, TOOL_PING_TIMEOUT_MS, error);
    if (rc)
        return rc;
    mr_arena_init(&arena);
    struct topo_kafka_topic *topics = mr_arena_zalloc(&arena, SHOP_TOPIC_COUNT * sizeof *topics);
    for (size_t i = 0; i < SHOP_TOPIC_COUNT; i++) {
        const struct codec_topic *topic = &shop_topics[i];
        topics[i] = (struct topo_kafka_topic){
            .name = topic->name,
            .partitions = production ? topic->partitions_production : topic->partitions_development,
            .configs = topics_list_configs(topic, &arena),
        };
    }
    if (production && !mr_options_switch(options, "allow-one-copy"))
        rc = topics_check_all_copies(&kafka, topics, error);
    rc = rc ? rc : topics_create_missing(&kafka, topics, &created, error);
    rc = rc ? rc
            : topo_kafka_settle_topics(
                  &kafka, topics, SHOP_TOPIC_COUNT, topics_may_alter, &settling, error);
    if (rc == 0)
        printf(
            "%d topics created, %d existed, %d settings altered%s\n",
            created,
            (int)SHOP_TOPIC_COUNT - created,
            settling.altered,
            settling.left ? "; --alter alters the others, too" : "");
    mr_arena_clean_up(&arena);
    return rc;
}

static int topics_run_list(const struct mr_options *options, struct mr_error *error)
{
    bool production = false;
    int rc = topics_read_sizing(options, &production, error);
    if (rc)
        return rc;
    printf("%-34s %10s  %-8s %14s  %s\n", "TOPIC", "PARTITIONS", "CLEANUP", "RETENTION MS", "KEY");
    for (size_t i = 0; i < SHOP_TOPIC_COUNT; i++) {
        const struct codec_topic *topic = &shop_topics[i];
        printf(
            "%-34s %10d  %-8s %14" PRId64 "  %s\n",
            topic->name,
            production ? topic->partitions_production : topic->partitions_development,
            topic->cleanup,
            topic->retention_ms,
            topic->key);
    }
    return 0;
}

#define SIZING_OPTION                                                                              \
    {                                                                                              \
        "sizing", "MILLRACE_SIZING", "WHICH", "development",                                       \
            "development or production: how many partitions"                                       \
    }

static const struct mr_option create_options[] = {
    TOOL_KAFKA_OPTIONS,
    SIZING_OPTION,
    {"alter", NULL, NULL, NULL, "alter settings even if the broker then deletes records"},
    {"allow-one-copy",
     "MILLRACE_ALLOW_ONE_COPY",
     NULL,
     NULL,
     "production on a cluster that may lose data with a broker"},
};
static const struct mr_option list_options[] = {SIZING_OPTION};

const struct tool_command tool_topics_create = {
    .words = "topics create",
    .operands = "",
    .purpose = "create the missing topics, and bring the settings of the others up to date",
    .notes =
        "A topic with another number of partitions is refused, because keys are placed by it. A\n"
        "setting is altered only if the broker then keeps at least as much; --alter alters all.\n",
    .options = create_options,
    .options_count = sizeof create_options / sizeof create_options[0],
    .run = topics_run_create,
};

const struct tool_command tool_topics_list = {
    .words = "topics list",
    .operands = "",
    .purpose = "print the topics that the shop needs; asks no broker",
    .options = list_options,
    .options_count = 1,
    .run = topics_run_list,
};
