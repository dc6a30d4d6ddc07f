/*
 * registry.c - folds the topic `_schemas` into a registry: when a program starts, and again when it
 * reads a record whose schema was registered later.
 */
#include <service/registry.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <topology/client.h>

#include <assert.h>
#include <stdlib.h>
#include <time.h>

enum { BROKER_TIMEOUT_MS = 10000, READ_TIMEOUT_MS = 30000, POLL_MS = 200, RELOAD_PAUSE_MS = 100 };

/* A record that no registry wrote is skipped, as a registry itself does: a compacted topic keeps
 * it. A schema of ours that is missing because of it is found when the registry is bound. */
static void registry_apply_records(
    struct codec_registry *registry, const struct topo_record *records, int count)
{
    for (int i = 0; i < count; i++) {
        struct mr_error why = {0};
        if (codec_registry_apply(registry, records[i].key, records[i].value, &why))
            mr_log(
                MR_LOG_WARN,
                "schema-record-passed-over",
                "topic=%s partition=%d offset=%lld reason=\"%s\"",
                records[i].topic,
                (int)records[i].partition,
                (long long)records[i].offset,
                why.text);
    }
}

static void registry_pause(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* A topic that was just created may have no leader yet, so this retries until `until_ms`. */
static int
registry_add_topic(struct topo_kafka_reader *reader, int64_t until_ms, struct mr_error *error)
{
    for (;;) {
        int rc = topo_kafka_reader_add(reader, SHOP_REGISTRY_TOPIC, 0, TOPO_KAFKA_BEGIN, error);
        if (rc == 0 || mr_code_class(rc) != MR_CLASS_RETRY || mr_monotonic_ms() > until_ms)
            return rc;
        registry_pause(POLL_MS);
    }
}

/* Errors that pass are retried until the time is up: at a program's start the broker may be
 * electing leaders. */
static int registry_read_to_end(
    struct topo_kafka_reader *reader,
    struct codec_registry *registry,
    const char *brokers,
    struct mr_error *error)
{
    int64_t until_ms = mr_monotonic_ms() + READ_TIMEOUT_MS;
    int rc = registry_add_topic(reader, until_ms, error);
    while (rc == 0 && !topo_kafka_reader_at_end(reader, SHOP_REGISTRY_TOPIC, 0)) {
        const struct topo_record *records = NULL;
        int count = topo_kafka_reader_poll(reader, POLL_MS, &records, error);
        if (count < 0 && mr_code_class(count) != MR_CLASS_RETRY)
            return count;
        if (count > 0)
            registry_apply_records(registry, records, count);
        if (rc == 0 && mr_monotonic_ms() > until_ms)
            return mr_fail(
                error,
                MR_UNAVAILABLE,
                "%s: topic %s could not be read in %d ms",
                brokers,
                SHOP_REGISTRY_TOPIC,
                (int)READ_TIMEOUT_MS);
    }
    return rc;
}

static int registry_read_topic(
    const struct topo_kafka_options *options,
    struct codec_registry *registry,
    bool *ret_there,
    struct mr_error *error)
{
    struct topo_kafka_reader *reader = NULL;
    int32_t partitions = 0;
    int rc = topo_kafka_ping(options, BROKER_TIMEOUT_MS, error);
    if (rc == 0)
        rc = topo_kafka_partitions(options, SHOP_REGISTRY_TOPIC, &partitions, error);
    if (rc != 0)
        return rc;
    *ret_there = partitions > 0;
    if (partitions == 0)
        return 0;
    rc = topo_kafka_reader_new(options, &reader, error);
    if (rc == 0)
        rc = registry_read_to_end(reader, registry, options->brokers, error);
    topo_kafka_reader_free(reader);
    return rc;
}

/* -- an unknown schema id -- */

struct registry_source {
    char *brokers;
    char *client_id;
    char *config_file; /* NULL: none. */
};

static void registry_free_source(void *user)
{
    struct registry_source *source = user;
    free(source->brokers);
    free(source->client_id);
    free(source->config_file);
    free(source);
}

/* Reads the whole topic: applying a record twice has no effect. A record with an id that nobody
 * registered costs a reading each time it is decoded, so the pause allows only a few a second. */
static int registry_reload(void *user, struct codec_registry *registry, struct mr_error *error)
{
    const struct registry_source *source = user;
    const struct topo_kafka_options options = {
        .brokers = source->brokers,
        .client_id = source->client_id,
        .config_file = source->config_file,
    };
    bool there = false;
    size_t before = codec_registry_count(registry);
    registry_pause(RELOAD_PAUSE_MS);
    int rc = registry_read_topic(&options, registry, &there, error);
    if (rc == 0)
        mr_log(
            MR_LOG_INFO,
            "schemas-reloaded",
            "before=%zu after=%zu",
            before,
            codec_registry_count(registry));
    return rc;
}

static void
registry_watch_unknown(struct codec_registry *registry, const struct topo_kafka_options *kafka)
{
    struct registry_source *source = mr_calloc(1, sizeof *source);
    source->brokers = mr_strdup(kafka->brokers);
    source->client_id = mr_strdup(kafka->client_id);
    source->config_file = kafka->config_file ? mr_strdup(kafka->config_file) : NULL;
    codec_registry_on_unknown(registry, registry_reload, source, registry_free_source);
}

/* -- at start -- */

/* Binding needs the topic; reading does not, since a tool creates it. */
static int registry_load(
    const struct topo_kafka_options *kafka,
    bool bind,
    struct codec_registry **ret_registry,
    struct mr_error *error)
{
    assert(kafka && kafka->brokers && kafka->client_id && ret_registry);
    struct codec_registry *registry = codec_registry_new();
    bool there = false;
    int rc = registry_read_topic(kafka, registry, &there, error);
    if (rc == 0 && bind && !there)
        rc = mr_fail(
            error,
            MR_CONFIG,
            "%s has no topic %s: run `millrace schemas register --brokers %s`",
            kafka->brokers,
            SHOP_REGISTRY_TOPIC,
            kafka->brokers);
    if (rc == 0 && bind)
        rc = codec_registry_bind(registry, error);
    if (rc != 0) {
        codec_registry_free(registry);
        return rc;
    }
    registry_watch_unknown(registry, kafka);
    *ret_registry = registry;
    return 0;
}

int shop_registry_load(
    const struct topo_kafka_options *kafka,
    struct codec_registry **ret_registry,
    struct mr_error *error)
{
    return registry_load(kafka, true, ret_registry, error);
}

int shop_registry_read(
    const struct topo_kafka_options *kafka,
    struct codec_registry **ret_registry,
    struct mr_error *error)
{
    return registry_load(kafka, false, ret_registry, error);
}
