/*
 * cmd_strangers.c - `millrace topics strangers`: the records in our topics that we did not write.
 *
 * The programs pass them over: a restore lays them aside, a view skips them, a command of theirs is
 * a dead letter. Somebody wrote them by mistake, and an operator wants to know who and what.
 */
#include "command.h"

#include <base/arena.h>
#include <schemas/codec.h>
#include <schemas/shop.h>
#include <service/registry.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { POLL_TIMEOUT_MS = 500, KEY_BYTES_SHOWN = 40 };

struct search {
    struct topo_kafka_options kafka;
    struct codec_registry *registry;
    struct mr_arena arena; /* Reset after each record. */
    int64_t read;
    int64_t found;
};

static bool strangers_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

/* The reason why a record is not ours; NULL: it is. */
static const char *strangers_find_fault(
    struct search *search, const struct codec_topic *topic, const struct topo_record *record)
{
    struct codec_message message;
    struct mr_error why = {0};
    if (!record->value.ptr && strangers_ends_with(topic->name, ".changelog"))
        return topo_record_header(record, TOPO_WRITER_HEADER).ptr
                   ? NULL
                   : "a deletion without a header " TOPO_WRITER_HEADER;
    if (!record->value.ptr)
        return strcmp(topic->cleanup, "compact") == 0 ? NULL : "a tombstone";
    if (strangers_ends_with(topic->name, ".events") && !topo_record_header(record, "ce_id").ptr)
        return "an event without a header ce_id";
    if (strangers_ends_with(topic->name, ".outcomes") &&
        !topo_record_header(record, "command-id").ptr)
        return "an outcome without a header command-id";
    if (codec_decode(search->registry, record->value, &search->arena, &message, &why) == 0)
        return NULL;
    return mr_arena_cstr(&search->arena, mr_cstr(why.text));
}

static void strangers_print_one(const struct topo_record *record, const char *fault)
{
    char key[KEY_BYTES_SHOWN + 1];
    size_t len = record->key.len < KEY_BYTES_SHOWN ? record->key.len : KEY_BYTES_SHOWN;
    for (size_t i = 0; i < len; i++)
        key[i] = record->key.ptr[i] >= ' ' && record->key.ptr[i] < 0x7f ? record->key.ptr[i] : '?';
    key[len] = '\0';
    printf(
        "%s/%" PRId32 " offset %" PRId64 " time %" PRId64 " key \"%s\" value %zu bytes: %s\n",
        record->topic,
        record->partition,
        record->offset,
        record->timestamp_ms,
        key,
        record->value.len,
        fault);
}

/* Reads to the end that the topic had at the start, so that a busy shop does not keep it going. */
static int strangers_search_topic(
    struct search *search, const struct codec_topic *topic, struct mr_error *error)
{
    struct topo_kafka_reader *reader = NULL;
    int32_t partitions = 0;
    int32_t done = 0;
    int rc = topo_kafka_partitions(&search->kafka, topic->name, &partitions, error);
    rc = rc ? rc : topo_kafka_reader_new(&search->kafka, &reader, error);
    for (int32_t i = 0; rc == 0 && i < partitions; i++)
        rc = topo_kafka_reader_add(reader, topic->name, i, TOPO_KAFKA_BEGIN, error);
    while (rc == 0 && done < partitions) {
        const struct topo_record *records = NULL;
        int count = topo_kafka_reader_poll(reader, POLL_TIMEOUT_MS, &records, error);
        rc = count < 0 ? count : 0;
        for (int i = 0; i < count; i++) {
            const char *fault = strangers_find_fault(search, topic, &records[i]);
            search->read++;
            search->found += fault != NULL;
            if (fault)
                strangers_print_one(&records[i], fault);
            mr_arena_reset(&search->arena);
        }
        while (done < partitions && topo_kafka_reader_at_end(reader, topic->name, done))
            done++;
    }
    topo_kafka_reader_free(reader);
    return rc;
}

/* Dead letters are meant to hold records of others. */
static bool strangers_is_searched(const struct codec_topic *topic)
{
    return strncmp(topic->name, "dead-letters.", strlen("dead-letters.")) != 0;
}

static int strangers_run_search(const struct mr_options *options, struct mr_error *error)
{
    struct search search = {.kafka = tool_kafka(options)};
    mr_arena_init(&search.arena);
    int rc = topo_kafka_ping(&search.kafka, TOOL_PING_TIMEOUT_MS, error);
    rc = rc ? rc : shop_registry_load(&search.kafka, &search.registry, error);
    for (size_t i = 0; rc == 0 && i < SHOP_TOPIC_COUNT; i++)
        if (strangers_is_searched(&shop_topics[i]))
            rc = strangers_search_topic(&search, &shop_topics[i], error);
    if (rc == 0)
        printf("%" PRId64 " records read, %" PRId64 " not ours\n", search.read, search.found);
    codec_registry_free(search.registry);
    mr_arena_clean_up(&search.arena);
    return rc;
}

static const struct mr_option strangers_options[] = {TOOL_KAFKA_OPTIONS};

const struct tool_command tool_topics_strangers = {
    .words = "topics strangers",
    .operands = "",
    .purpose = "list the records in our topics that none of our programs wrote",
    .options = strangers_options,
    .options_count = sizeof strangers_options / sizeof strangers_options[0],
    .run = strangers_run_search,
};
