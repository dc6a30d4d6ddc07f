/* cmd_topics.c - `millrace topics create|list`: the topics of schemas/topics.json. */
#include "command.h"

#include <base/alloc.h>
#include <base/arena.h>
#include <schemas/shop.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
is_production(const struct mr_options *options, bool *ret_production, struct mr_error *error)
{
    const char *sizing = mr_options_text(options, "sizing");
    bool production = strcmp(sizing, "production") == 0;
    if (!production && strcmp(sizing, "development") != 0)
        return mr_fail(error, MR_CONFIG, "--sizing %s: development or production", sizing);
    *ret_production = production;
    return 0;
}

/* "name=value" of everything that topics.json says, NULL-terminated. */
static const char *const *configs_of(const struct codec_topic *topic, struct mr_arena *arena)
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

static int run_create(const struct mr_options *options, struct mr_error *error)
{
    struct topo_kafka_options kafka = tool_kafka(options);
    struct mr_arena arena;
    bool production = false;
    int created = 0;
    int rc = is_production(options, &production, error);
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
            .configs = configs_of(topic, &arena),
        };
    }
    rc = topo_kafka_create_topics(&kafka, topics, SHOP_TOPIC_COUNT, &created, error);
    if (rc == 0)
        printf("%d topics created, %d were there\n", created, (int)SHOP_TOPIC_COUNT - created);
    mr_arena_clean_up(&arena);
    return rc;
}

static int run_list(const struct mr_options *options, struct mr_error *error)
{
    bool production = false;
    int rc = is_production(options, &production, error);
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
            "partition counts: development or production"                                          \
    }

static const struct mr_option create_options[] = {TOOL_BROKERS_OPTION, SIZING_OPTION};
static const struct mr_option list_options[] = {SIZING_OPTION};

const struct tool_command tool_topics_create = {
    .words = "topics create",
    .operands = "",
    .purpose = "create the topics that are missing; refuses another partition count",
    .options = create_options,
    .options_count = 2,
    .run = run_create,
};

const struct tool_command tool_topics_list = {
    .words = "topics list",
    .operands = "",
    .purpose = "print what topics there are to be",
    .options = list_options,
    .options_count = 1,
    .run = run_list,
};
