/*
 * cmd_schemas.c - `millrace schemas register|list|check`: the topic `_schemas` against the schemas
 * that are compiled in.
 */
#include "command.h"

#include <service/registry.h>

#include <stdio.h>
#include <string.h>

static int schemas_ensure_topic(const struct topo_kafka_options *kafka, struct mr_error *error)
{
    static const char *const configs[] = {"cleanup.policy=compact", NULL};
    static const struct topo_kafka_topic topic = {
        .name = SHOP_REGISTRY_TOPIC, .partitions = 1, .configs = configs};
    int rc = topo_kafka_ping(kafka, TOOL_PING_TIMEOUT_MS, error);
    return rc ? rc : topo_kafka_create_topics(kafka, &topic, 1, NULL, error);
}

/* Creates the topic if it is missing: without it, its end is unknown and nothing can be read. */
static int schemas_open_registry(
    const struct topo_kafka_options *kafka,
    struct codec_registry **ret_registry,
    struct mr_error *error)
{
    int rc = schemas_ensure_topic(kafka, error);
    return rc ? rc : shop_registry_read(kafka, ret_registry, error);
}

struct appender {
    struct topo_kafka_producer *producer;
    int rc;
    int count;
    int failed; /* Written by the producer's thread, read after the flush. */
    struct mr_error error;
};

static void schemas_note_delivery(void *user, int code, int32_t partition, int64_t offset)
{
    struct appender *appender = user;
    (void)partition;
    (void)offset;
    if (code)
        appender->failed = code;
}

/* The other records hold the compatibility rule of a subject. */
static bool schemas_is_version(struct mr_bytes key)
{
    static const char mark[] = "\"keytype\":\"SCHEMA\"";
    return memmem(key.ptr, key.len, mark, sizeof mark - 1) != NULL;
}

static void schemas_append_record(void *user, struct mr_bytes key, struct mr_bytes value)
{
    struct appender *appender = user;
    struct topo_output output = {.key = key, .value = value};
    if (appender->rc)
        return;
    appender->rc = topo_kafka_produce(
        appender->producer,
        SHOP_REGISTRY_TOPIC,
        0,
        &output,
        schemas_note_delivery,
        appender,
        &appender->error);
    appender->count += appender->rc == 0 && schemas_is_version(key);
}

/* All records are delivered before it reports success: services start on what it wrote. */
static int schemas_run_register(const struct mr_options *options, struct mr_error *error)
{
    struct topo_kafka_options kafka = tool_kafka(options);
    struct codec_registry *registry = NULL;
    struct appender appender = {0};
    int rc = schemas_open_registry(&kafka, &registry, error);
    if (rc)
        return rc;
    rc = topo_kafka_producer_new(&kafka, 5, &appender.producer, error);
    rc = rc ? rc : codec_registry_plan(registry, schemas_append_record, &appender, error);
    rc = rc ? rc : topo_kafka_flush(appender.producer, 30000, error);
    if (rc == 0 && appender.rc)
        rc = mr_fail(error, appender.rc, "%s", appender.error.text);
    if (rc == 0 && appender.failed)
        rc = mr_fail(
            error, appender.failed, "a record of %s was not delivered", SHOP_REGISTRY_TOPIC);
    if (rc == 0)
        printf(
            "%d schemas registered, %zu existed\n", appender.count, codec_registry_count(registry));
    topo_kafka_producer_free(appender.producer);
    codec_registry_free(registry);
    return rc;
}

static void schemas_print_one(
    void *user, struct mr_bytes subject, int32_t version, int32_t schema_id, struct mr_bytes text)
{
    (void)user;
    (void)text;
    printf("%5d %3d  %.*s\n", schema_id, version, MR_ARG(subject));
}

static int schemas_run_list(const struct mr_options *options, struct mr_error *error)
{
    struct topo_kafka_options kafka = tool_kafka(options);
    struct codec_registry *registry = NULL;
    int rc = schemas_open_registry(&kafka, &registry, error);
    if (rc)
        return rc;
    printf("%5s %3s  %s\n", "ID", "VER", "SUBJECT");
    codec_registry_each(registry, schemas_print_one, NULL);
    codec_registry_free(registry);
    return 0;
}

static void schemas_count_one(void *user, struct mr_bytes key, struct mr_bytes value)
{
    int *count = user;
    (void)value;
    *count += schemas_is_version(key);
}

static int schemas_run_check(const struct mr_options *options, struct mr_error *error)
{
    struct topo_kafka_options kafka = tool_kafka(options);
    struct codec_registry *registry = NULL;
    int missing = 0;
    int rc = schemas_open_registry(&kafka, &registry, error);
    if (rc)
        return rc;
    rc = codec_registry_plan(registry, schemas_count_one, &missing, error);
    if (rc == 0 && missing)
        rc = mr_fail(
            error,
            MR_CONFIG,
            "%d schemas are not registered; they are compatible: run `millrace schemas register`",
            missing);
    if (rc == 0)
        printf("all schemas are registered\n");
    codec_registry_free(registry);
    return rc;
}

static const struct mr_option schema_options[] = {TOOL_KAFKA_OPTIONS};

const struct tool_command tool_schemas_register = {
    .words = "schemas register",
    .operands = "",
    .purpose = "register the compiled-in schemas",
    .notes = "A schema that is not compatible with the registered ones is refused, and none is "
             "written.\n"
             "Creates the topic _schemas if it is missing.\n",
    .options = schema_options,
    .options_count = sizeof schema_options / sizeof schema_options[0],
    .run = schemas_run_register,
};

const struct tool_command tool_schemas_list = {
    .words = "schemas list",
    .operands = "",
    .purpose = "print id, version and subject of every registered schema",
    .options = schema_options,
    .options_count = sizeof schema_options / sizeof schema_options[0],
    .run = schemas_run_list,
};

const struct tool_command tool_schemas_check = {
    .words = "schemas check",
    .operands = "",
    .purpose = "exit with 1 unless every compiled-in schema is registered",
    .options = schema_options,
    .options_count = sizeof schema_options / sizeof schema_options[0],
    .run = schemas_run_check,
};
