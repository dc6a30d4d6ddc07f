/*
 * registry.c - folds the topic `_schemas` into a registry: at a program's start, and again when a
 * record comes whose schema was registered later.
 */
#include <service/registry.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <topology/kafka.h>

#include <stdlib.h>
#include <time.h>

enum { BROKER_TIMEOUT_MS = 10000, READ_TIMEOUT_MS = 30000, POLL_MS = 200, RELOAD_PAUSE_MS = 100 };

/* What is not a registry's record is passed over, as a registry itself does: a compacted topic
 * keeps it. A schema of ours that is missing because of it is found when the registry is bound. */
static void apply_all(struct codec_registry *registry, const struct topo_record *records, int count)
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

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* A topic that was made a moment ago may have no leader yet: asked again until `until_ms`. */
static int add_patiently(struct topo_kafka_reader *reader, int64_t until_ms, struct mr_error *error)
{
    for (;;) {
        int code = topo_kafka_reader_add(reader, SHOP_REGISTRY_TOPIC, 0, TOPO_KAFKA_BEGIN, error);
        if (code == 0 || mr_code_class(code) != MR_CLASS_RETRY || mr_monotonic_ms() > until_ms)
            return code;
        pause_ms(POLL_MS);
    }
}

static int read_to_end(
    struct topo_kafka_reader *reader,
    struct codec_registry *registry,
    const char *brokers,
    struct mr_error *error)
{
    int64_t until_ms = mr_monotonic_ms() + READ_TIMEOUT_MS;
    int code = add_patiently(reader, until_ms, error);
    while (code == 0 && !topo_kafka_reader_at_end(reader, SHOP_REGISTRY_TOPIC, 0)) {
        const struct topo_record *records = NULL;
        int count = topo_kafka_reader_poll(reader, POLL_MS, &records, error);
        if (count < 0 && mr_code_class(count) != MR_CLASS_RETRY)
            return count;
        if (count > 0)
            apply_all(registry, records, count);
        if (code == 0 && mr_monotonic_ms() > until_ms)
            return mr_fail(
                error,
                MR_UNAVAILABLE,
                "%s: topic %s could not be read in %d ms",
                brokers,
                SHOP_REGISTRY_TOPIC,
                (int)READ_TIMEOUT_MS);
    }
    return code;
}

static int read_topic(
    const struct topo_kafka_options *options,
    struct codec_registry *registry,
    bool *ret_there,
    struct mr_error *error)
{
    struct topo_kafka_reader *reader = NULL;
    int32_t partitions = 0;
    int code = topo_kafka_ping(options, BROKER_TIMEOUT_MS, error);
    if (code == 0)
        code = topo_kafka_partitions(options, SHOP_REGISTRY_TOPIC, &partitions, error);
    if (code != 0)
        return code;
    *ret_there = partitions > 0;
    if (partitions == 0)
        return 0;
    code = topo_kafka_reader_new(options, &reader, error);
    if (code == 0)
        code = read_to_end(reader, registry, options->brokers, error);
    topo_kafka_reader_free(reader);
    return code;
}

/* -- an id that is not known -- */

struct reload {
    char *brokers;
    char *client_id;
};

static void reload_free(void *user)
{
    struct reload *reload = user;
    free(reload->brokers);
    free(reload->client_id);
    free(reload);
}

/* What was applied before is applied again, to no effect. A record with an id that nobody
 * registered costs a reading each time it is decoded: so not more than a few in a second. */
static int reload(void *user, struct codec_registry *registry, struct mr_error *error)
{
    const struct reload *own = user;
    const struct topo_kafka_options options = {own->brokers, own->client_id, NULL};
    bool there = false;
    size_t before = codec_registry_count(registry);
    pause_ms(RELOAD_PAUSE_MS);
    int code = read_topic(&options, registry, &there, error);
    if (code == 0)
        mr_log(
            MR_LOG_INFO,
            "schemas-reloaded",
            "before=%zu after=%zu",
            before,
            codec_registry_count(registry));
    return code;
}

static void
reload_unknown(struct codec_registry *registry, const char *brokers, const char *client_id)
{
    struct reload *own = mr_calloc(1, sizeof *own);
    own->brokers = mr_strdup(brokers);
    own->client_id = mr_strdup(client_id);
    codec_registry_on_unknown(registry, reload, own, reload_free);
}

/* -- at start -- */

static int load(
    const char *brokers,
    const char *client_id,
    bool bind,
    struct codec_registry **ret_registry,
    struct mr_error *error)
{
    struct topo_kafka_options options = {.brokers = brokers, .client_id = client_id};
    struct codec_registry *registry = codec_registry_new();
    bool there = false;
    int code = read_topic(&options, registry, &there, error);
    if (code == 0 && bind && !there)
        code = mr_fail(
            error,
            MR_CONFIG,
            "%s has no topic %s: run `millrace schemas register --brokers %s`",
            brokers,
            SHOP_REGISTRY_TOPIC,
            brokers);
    if (code == 0 && bind)
        code = codec_registry_bind(registry, error);
    if (code != 0) {
        codec_registry_free(registry);
        return code;
    }
    reload_unknown(registry, brokers, client_id);
    *ret_registry = registry;
    return 0;
}

int shop_registry_load(
    const char *brokers,
    const char *client_id,
    struct codec_registry **ret_registry,
    struct mr_error *error)
{
    return load(brokers, client_id, true, ret_registry, error);
}

int shop_registry_read(
    const char *brokers,
    const char *client_id,
    struct codec_registry **ret_registry,
    struct mr_error *error)
{
    return load(brokers, client_id, false, ret_registry, error);
}
