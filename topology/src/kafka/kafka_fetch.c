/*
 * kafka_fetch.c - fetching partitions assigned by hand, in batches, each from a given offset.
 *
 * Invariants
 *   - librdkafka fetches exactly the partitions whose `fetching` is true.
 *   - `next_offset` is beyond everything delivered since the last seek, and beyond the markers and
 *     aborted records that an end-of-partition mark has passed. Pausing takes the partition out,
 *     going on puts it back at next_offset: nothing is lost, whatever was prefetched.
 *   - A record's slot is taken from its delivery to its release; the fetcher owns all slots, so
 *     that closing frees what was never released.
 */
#include "kafka_impl.h"

#include <base/alloc.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH_MAX = 2048,
    SLOTS_PER_CHUNK = 512,
    /* librdkafka stops fetching over either of these. */
    QUEUED_MAX_RECORDS = 20000,
    QUEUED_MAX_BYTES = 16 * 1024 * 1000,
    WAKE_TIMEOUT_MS = 100,
    LEADER_TIMEOUT_MS = 1000,
    STATS_MS = 1000,             /* As in the settings. */
    LEADER_SILENT_MS_MAX = 2000, /* Its long polls are much shorter. */
};

struct slot {
    rd_kafka_message_t *message; /* NULL while free. */
    struct kafka_fetcher *owner;
    struct slot *next_free;
    struct topo_header *headers; /* Kept for the next record. */
    size_t headers_capacity;
};

struct chunk {
    struct chunk *next;
    struct slot slots[SLOTS_PER_CHUNK];
};

struct partition {
    const char *topic;
    int32_t partition;
    int64_t next_offset;
    bool fetching;
    bool paused;
    bool delivered;        /* Something, since the last seek. */
    int64_t passed_before; /* The position of librdkafka at the last seek. */
    int64_t heard_ms;      /* Monotonic: when its leader last answered anything; 0: never. */
};

struct kafka_fetcher {
    struct kafka_client client;
    rd_kafka_queue_t *queue;

    struct partition *partitions;
    size_t partitions_count;
    size_t partitions_capacity;

    /* Messages come in runs: the last one's partition is nearly always the next one's. */
    const rd_kafka_topic_t *run_rkt;
    int32_t run_partition;
    struct partition *run; /* NULL: look it up. */

    struct chunk *chunks;
    struct slot *free_slots;

    bool full;               /* librdkafka may have stopped fetching. */
    size_t record_size_mean; /* The mean of the last batch. */

    int failed; /* Returned by the next poll that has no records to give. */
    struct mr_error failure;

    rd_kafka_message_t *messages[BATCH_MAX];
    struct topo_record records[BATCH_MAX];
    void *tokens[BATCH_MAX];
};

/* -- slots -- */

static struct slot *take_slot(struct kafka_fetcher *fetcher, rd_kafka_message_t *message)
{
    if (!fetcher->free_slots) {
        struct chunk *chunk = mr_calloc(1, sizeof *chunk);
        chunk->next = fetcher->chunks;
        fetcher->chunks = chunk;
        for (size_t i = 0; i < SLOTS_PER_CHUNK; i++) {
            chunk->slots[i].owner = fetcher;
            chunk->slots[i].next_free = fetcher->free_slots;
            fetcher->free_slots = &chunk->slots[i];
        }
    }
    struct slot *slot = fetcher->free_slots;
    fetcher->free_slots = slot->next_free;
    slot->message = message;
    return slot;
}

void kafka_token_release(void *token)
{
    struct slot *slot = token;
    rd_kafka_message_destroy(slot->message);
    slot->message = NULL;
    slot->next_free = slot->owner->free_slots;
    slot->owner->free_slots = slot;
}

static void free_chunks(struct kafka_fetcher *fetcher)
{
    while (fetcher->chunks) {
        struct chunk *chunk = fetcher->chunks;
        fetcher->chunks = chunk->next;
        for (size_t i = 0; i < SLOTS_PER_CHUNK; i++) {
            if (chunk->slots[i].message)
                rd_kafka_message_destroy(chunk->slots[i].message);
            free(chunk->slots[i].headers);
        }
        free(chunk);
    }
}

static struct partition *
fetch_find(struct kafka_fetcher *fetcher, const char *topic, int32_t number)
{
    for (size_t i = 0; i < fetcher->partitions_count; i++) {
        struct partition *partition = &fetcher->partitions[i];
        if (partition->partition == number &&
            (partition->topic == topic || strcmp(partition->topic, topic) == 0))
            return partition;
    }
    return NULL;
}

/* -- whose leader is there --
 *
 * librdkafka keeps the last end of a partition without end and does not say how old it is. Its
 * statistics say which broker each partition is fetched from, and how long that one is silent. */

/* The number behind `"name":` in the text before `end`; -1: not there. */
static int64_t stats_number(const char *at, const char *end, const char *name)
{
    const char *found = strstr(at, name);
    return found && found < end ? strtoll(found + strlen(name), NULL, 10) : -1;
}

static void stats_note_partitions(
    struct kafka_fetcher *fetcher, const char *at, const char *end, int64_t heard_ms)
{
    static const char key[] = "\"topic\":\"";
    while ((at = strstr(at, key)) && at < end) {
        char topic[256];
        const char *name = at + sizeof key - 1;
        const char *quote = strchr(name, '"');
        at = quote ? quote : end;
        if (!quote || (size_t)(quote - name) >= sizeof topic)
            continue;
        (void)snprintf(topic, sizeof topic, "%.*s", (int)(quote - name), name);
        struct partition *partition =
            fetch_find(fetcher, topic, (int32_t)stats_number(quote, end, "\"partition\":"));
        if (partition)
            partition->heard_ms = heard_ms;
    }
}

static void
stats_note_broker(struct kafka_fetcher *fetcher, const char *at, const char *end, int64_t now_ms)
{
    const char *state = strstr(at, "\"state\":\"UP\"");
    int64_t silent_us = stats_number(at, end, "\"rxidle\":");
    const char *partitions = strstr(at, "\"toppars\":");
    if (state && state < end && silent_us >= 0 && partitions && partitions < end)
        stats_note_partitions(fetcher, partitions, end, now_ms - silent_us / 1000);
}

/* The brokers come one after the other, each begins with its number; the topics come after them. */
static int fetch_on_stats(rd_kafka_t *rk, char *json, size_t len, void *opaque)
{
    static const char begin[] = "\"nodeid\":";
    struct kafka_fetcher *fetcher = opaque;
    (void)rk;
    const char *end = strstr(json, "\"topics\":");
    const char *at = strstr(json, begin);
    while (at && (!end || at < end)) {
        const char *next = strstr(at + 1, begin);
        const char *limit = end ? end : json + len;
        stats_note_broker(fetcher, at, next && next < limit ? next : limit, kafka_clock_ms());
        at = next;
    }
    return 0;
}

/* -- life -- */

static rd_kafka_conf_t *fetcher_conf(
    const struct topo_kafka_options *options, enum kafka_fetch_kind kind, struct mr_error *error)
{
    static const struct kafka_setting settings[] = {
        {"isolation.level", "read_committed"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"fetch.min.bytes", "1"},
        {"fetch.error.backoff.ms", "20"},
        {"queued.min.messages", "20000"},
        {"queued.max.messages.kbytes", "16384"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf_new(options, settings, error);
    if (!conf)
        return NULL;
    /* Assigning by hand wants a group's name, though it never joins one. */
    int rc = kafka_conf_set(conf, "group.id", "millrace-fetch", error);
    if (rc == 0)
        rc = kafka_conf_set(conf, "group.instance.id", NULL, error);
    /* The broker answers at once when there is data; the wait bounds how long a partition that was
     * just added waits behind idle ones, and how soon the end of a log is seen. */
    if (rc == 0)
        rc =
            kafka_conf_set(conf, "fetch.wait.max.ms", kind == KAFKA_FETCH_LOG ? "25" : "50", error);
    if (rc == 0)
        rc = kafka_conf_set(
            conf, "enable.partition.eof", kind == KAFKA_FETCH_LOG ? "true" : "false", error);
    if (rc == 0)
        rc = kafka_conf_set(conf, "statistics.interval.ms", "1000", error);
    rd_kafka_conf_set_stats_cb(conf, fetch_on_stats);
    if (rc == 0)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

int kafka_fetcher_new(
    const struct topo_kafka_options *options,
    enum kafka_fetch_kind kind,
    struct kafka_fetcher **ret_fetcher,
    struct mr_error *error)
{
    rd_kafka_conf_t *conf = fetcher_conf(options, kind, error);
    if (!conf)
        return MR_CONFIG;
    struct kafka_fetcher *fetcher = mr_calloc(1, sizeof *fetcher);
    _Static_assert(offsetof(struct kafka_fetcher, client) == 0, "one opaque serves both");
    int rc = kafka_client_open(&fetcher->client, RD_KAFKA_CONSUMER, conf, error);
    if (rc) {
        free(fetcher);
        return rc;
    }
    rd_kafka_poll_set_consumer(fetcher->client.rk);
    fetcher->queue = rd_kafka_queue_get_consumer(fetcher->client.rk);
    *ret_fetcher = fetcher;
    return 0;
}

void kafka_fetcher_free(struct kafka_fetcher *fetcher)
{
    if (!fetcher)
        return;
    free_chunks(fetcher);
    rd_kafka_queue_destroy(fetcher->queue);
    kafka_client_close(&fetcher->client);
    free(fetcher->partitions);
    free(fetcher);
}

/* -- partitions -- */

/* In or out of what librdkafka fetches. */
static int set_fetching(
    struct kafka_fetcher *fetcher,
    struct partition *partition,
    bool fetching,
    struct mr_error *error)
{
    if (partition->fetching == fetching)
        return 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, partition->topic, partition->partition)->offset =
        partition->next_offset;
    rd_kafka_error_t *failure = fetching ? rd_kafka_incremental_assign(fetcher->client.rk, list)
                                         : rd_kafka_incremental_unassign(fetcher->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (failure)
        return kafka_fail_txn(error, failure, "assign a partition");
    partition->fetching = fetching;
    fetcher->run = NULL;
    return 0;
}

/* Assigning a partition does not make librdkafka ask who leads it: it would find out when it next
 * looks its topics through, each second. If nobody says in time, it still does. */
static void find_leaders(struct kafka_fetcher *fetcher, const char *topic)
{
    for (size_t i = 0; i < fetcher->partitions_count; i++)
        if (strcmp(fetcher->partitions[i].topic, topic) == 0)
            return;
    if (kafka_know_topic(&fetcher->client, topic))
        (void)kafka_await_leaders(&fetcher->client, LEADER_TIMEOUT_MS, NULL);
}

/* The offset that librdkafka's queue has been read to, markers and aborted records included; it may
 * be from before the last seek. Negative: not known. */
static int64_t fetch_passed(struct kafka_fetcher *fetcher, const struct partition *partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    const rd_kafka_topic_partition_t *one =
        rd_kafka_topic_partition_list_add(list, partition->topic, partition->partition);
    int64_t passed = rd_kafka_position(fetcher->client.rk, list) || one->err ? -1 : one->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return passed;
}

int kafka_fetcher_seek(
    struct kafka_fetcher *fetcher,
    struct topo_partition where,
    int64_t offset,
    struct mr_error *error)
{
    struct partition *partition = fetch_find(fetcher, where.topic, where.partition);
    if (partition) {
        int rc = set_fetching(fetcher, partition, false, error);
        if (rc)
            return rc;
    } else {
        find_leaders(fetcher, where.topic);
        fetcher->partitions = mr_grow(
            fetcher->partitions,
            fetcher->partitions_count,
            &fetcher->partitions_capacity,
            sizeof *fetcher->partitions);
        fetcher->run = NULL;
        partition = &fetcher->partitions[fetcher->partitions_count++];
        *partition = (struct partition){.topic = where.topic, .partition = where.partition};
    }
    partition->next_offset = offset;
    partition->passed_before = fetch_passed(fetcher, partition);
    partition->delivered = false;
    if (partition->paused)
        return 0;
    return set_fetching(fetcher, partition, true, error);
}

int kafka_fetcher_pause(
    struct kafka_fetcher *fetcher, struct topo_partition where, bool paused, struct mr_error *error)
{
    struct partition *partition = fetch_find(fetcher, where.topic, where.partition);
    if (!partition)
        return mr_fail(
            error,
            MR_FATAL,
            "pause of %s-%d, which is not here",
            where.topic,
            (int)where.partition);
    partition->paused = paused;
    return set_fetching(fetcher, partition, !paused, error);
}

int kafka_fetcher_remove(
    struct kafka_fetcher *fetcher, struct topo_partition where, struct mr_error *error)
{
    struct partition *partition = fetch_find(fetcher, where.topic, where.partition);
    if (!partition)
        return 0;
    int rc = set_fetching(fetcher, partition, false, error);
    if (rc)
        return rc;
    *partition = fetcher->partitions[--fetcher->partitions_count];
    fetcher->run = NULL;
    return 0;
}

int kafka_fetcher_clear(struct kafka_fetcher *fetcher, struct mr_error *error)
{
    fetcher->partitions_count = 0;
    fetcher->run = NULL;
    rd_kafka_resp_err_t err = rd_kafka_assign(fetcher->client.rk, NULL);
    return err ? kafka_fail(error, &fetcher->client, err, "unassign the input") : 0;
}

int64_t kafka_fetcher_position(struct kafka_fetcher *fetcher, struct topo_partition where)
{
    struct partition *partition = fetch_find(fetcher, where.topic, where.partition);
    return partition ? partition->next_offset : -1;
}

/* Markers at the end of the log are nobody's to read, so they do not count. */
int64_t kafka_fetcher_known_end(struct kafka_fetcher *fetcher, struct topo_partition where)
{
    int64_t low = -1;
    int64_t high = -1;
    const struct partition *partition = fetch_find(fetcher, where.topic, where.partition);
    if (!partition || kafka_clock_ms() - partition->heard_ms > LEADER_SILENT_MS_MAX + STATS_MS ||
        rd_kafka_get_watermark_offsets(
            fetcher->client.rk, where.topic, where.partition, &low, &high))
        return -1;
    if (high < 0) /* RD_KAFKA_OFFSET_INVALID before the first answer. */
        return -1;
    int64_t passed = high > partition->next_offset ? fetch_passed(fetcher, partition) : -1;
    bool current = partition->delivered || passed != partition->passed_before;
    return passed >= high && current ? partition->next_offset : high;
}

/* -- records -- */

static struct partition *
partition_of(struct kafka_fetcher *fetcher, const rd_kafka_message_t *message)
{
    if (!message->rkt)
        return NULL;
    if (!fetcher->run || fetcher->run_rkt != message->rkt ||
        fetcher->run_partition != message->partition) {
        fetcher->run = fetch_find(fetcher, rd_kafka_topic_name(message->rkt), message->partition);
        fetcher->run_rkt = message->rkt;
        fetcher->run_partition = message->partition;
    }
    return fetcher->run;
}

/* An end of partition moves the position; trouble that librdkafka gets over by itself is nothing;
 * what it does not get over is remembered. */
static void take_mark(
    struct kafka_fetcher *fetcher, struct partition *partition, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (partition && message->offset > partition->next_offset)
            partition->next_offset = message->offset;
        return;
    }
    if (message->rkt && !partition) /* No longer read: its error does not matter. */
        return;
    int code = kafka_code(message->err);
    if (mr_code_class(code) == MR_CLASS_RETRY ||
        message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || fetcher->failed)
        return;
    fetcher->failed = mr_fail(
        &fetcher->failure,
        code,
        "fetch %s-%d at %lld: %s",
        partition ? partition->topic : "?",
        partition ? (int)partition->partition : -1,
        partition ? (long long)partition->next_offset : -1,
        rd_kafka_message_errstr(message));
}

static void fill_record(
    struct topo_record *record,
    const struct partition *partition,
    const rd_kafka_message_t *message,
    struct slot *slot)
{
    *record = (struct topo_record){
        .topic = partition->topic,
        .partition = partition->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
        .key = mr_bytes_of(message->key, message->key_len),
        .value = mr_bytes_of(message->payload, message->len),
        .headers_count = kafka_headers_read(message, &slot->headers, &slot->headers_capacity),
    };
    record->headers = slot->headers;
}

static size_t take_messages(struct kafka_fetcher *fetcher, size_t count)
{
    size_t taken = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = fetcher->messages[i];
        struct partition *partition = partition_of(fetcher, message);
        if (message->err) {
            take_mark(fetcher, partition, message);
        } else if (partition && partition->fetching && message->offset >= partition->next_offset) {
            struct slot *slot = take_slot(fetcher, message);
            fill_record(&fetcher->records[taken], partition, message, slot);
            fetcher->tokens[taken++] = slot;
            bytes += message->len + message->key_len;
            partition->next_offset = message->offset + 1;
            partition->delivered = true;
            continue;
        }
        rd_kafka_message_destroy(message);
    }
    if (taken > 0)
        fetcher->record_size_mean = bytes / taken;
    return taken;
}

/* A question to every leader, for the sake of waking librdkafka's threads, not of the answer. */
static void wake_fetching(struct kafka_fetcher *fetcher)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)fetcher->partitions_count);
    for (size_t i = 0; i < fetcher->partitions_count; i++)
        if (fetcher->partitions[i].fetching)
            rd_kafka_topic_partition_list_add(
                list, fetcher->partitions[i].topic, fetcher->partitions[i].partition)
                ->offset = RD_KAFKA_OFFSET_END;
    if (list->cnt > 0)
        rd_kafka_offsets_for_times(fetcher->client.rk, list, WAKE_TIMEOUT_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

/* librdkafka 2.0 stops fetching when its queue is full, and looks again after a second, not when
 * the queue is read: 20,000 records a second is then all there is. So it is woken when half is
 * read. */
static void keep_fetching(struct kafka_fetcher *fetcher, size_t queued, size_t taken)
{
    size_t left = queued > taken ? queued - taken : 0;
    size_t most = queued + BATCH_MAX; /* It may have grown and shrunk since the last look. */
    if (most >= QUEUED_MAX_RECORDS || most * fetcher->record_size_mean >= QUEUED_MAX_BYTES)
        fetcher->full = true;
    if (!fetcher->full || left >= QUEUED_MAX_RECORDS / 2 ||
        left * fetcher->record_size_mean >= QUEUED_MAX_BYTES / 2)
        return;
    fetcher->full = false;
    wake_fetching(fetcher);
}

/* librdkafka's batch call waits until the batch is full, so: what is there, else one, then the
 * rest of what came with it. */
static size_t fetch_receive(struct kafka_fetcher *fetcher, int timeout_ms)
{
    ssize_t got = rd_kafka_consume_batch_queue(fetcher->queue, 0, fetcher->messages, BATCH_MAX);
    if (got > 0 || timeout_ms == 0)
        return got > 0 ? (size_t)got : 0;
    got = rd_kafka_consume_batch_queue(fetcher->queue, timeout_ms, fetcher->messages, 1);
    if (got <= 0)
        return 0;
    ssize_t more =
        rd_kafka_consume_batch_queue(fetcher->queue, 0, fetcher->messages + 1, BATCH_MAX - 1);
    return 1 + (more > 0 ? (size_t)more : 0);
}

int kafka_fetcher_poll(
    struct kafka_fetcher *fetcher,
    int timeout_ms,
    struct topo_io_poll *ret_poll,
    struct mr_error *error)
{
    size_t taken = 0;
    if (!fetcher->failed) {
        size_t queued = rd_kafka_queue_length(fetcher->queue);
        size_t received = fetch_receive(fetcher, timeout_ms);
        keep_fetching(fetcher, queued, received);
        taken = take_messages(fetcher, received);
    }
    if (taken == 0 && fetcher->failed) {
        int code = fetcher->failed;
        fetcher->failed = 0;
        if (error)
            *error = fetcher->failure;
        return code;
    }
    *ret_poll = (struct topo_io_poll){
        .event = taken ? TOPO_IO_RECORDS : TOPO_IO_NOTHING,
        .records = fetcher->records,
        .tokens = fetcher->tokens,
        .records_count = taken,
    };
    return 0;
}

void kafka_fetcher_wake(struct kafka_fetcher *fetcher)
{
    rd_kafka_queue_yield(fetcher->queue);
}
