/*
 * dispatch.c - where a command leaves and its reply comes back: the reply on this instance's
 * partition wakes the request.
 */
#include "dispatch.h"

#include "pending.h"

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <http/problem.h>
#include <schemas/reason.h>
#include <topology/client.h>

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    POLL_MS = 200,
    RETRY_MS = 1000,
    PREPARE_MS = 5000,
    DELIVERY_MS = 4000, /* Longer than message.timeout.ms below, so that the report comes first. */
};

struct dispatch {
    struct dispatch_options options;
    struct pending_table pending;
    struct topo_kafka_producer *producer;
    struct topo_kafka_reader *reader;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    atomic_bool reading;
    atomic_bool failed_for_good;
    atomic_llong sent;
    atomic_llong failed;
    int64_t second; /* The reading thread's: which one `replies` are of. */
    long long replies;
    atomic_llong replies_per_s; /* In the last whole second. */
};

static const char *const producer_properties[] = {"message.timeout.ms=3000", NULL};

static struct topo_kafka_options dispatch_kafka_options(const struct dispatch *dispatch)
{
    struct topo_kafka_options kafka = *dispatch->options.kafka;
    kafka.properties = producer_properties;
    return kafka;
}

/* -- replies -- */

/* A processor of an earlier version: whose reply it is stands inside only. */
static void dispatch_on_bare_reply(struct dispatch *dispatch, const struct topo_record *record)
{
    struct mr_arena arena;
    struct codec_message message;
    struct mr_error error;
    mr_arena_init(&arena);
    if (codec_decode(dispatch->options.registry, record->value, &arena, &message, &error)) {
        mr_log(
            MR_LOG_WARN,
            "bad-reply",
            "offset=%" PRId64 " error=\"%s\"",
            record->offset,
            error.text);
    } else if (message.id == SHOP_COMMAND_REPLY) {
        const struct shop_command_reply *reply = message.value;
        pending_reply(
            &dispatch->pending, reply->command_id, reply->outcome.fingerprint, record->value);
    }
    mr_arena_clean_up(&arena);
}

static void dispatch_count_reply(struct dispatch *dispatch)
{
    int64_t second = mr_monotonic_ms() / 1000;
    if (second != dispatch->second) {
        bool is_next = second == dispatch->second + 1;
        atomic_store(&dispatch->replies_per_s, is_next ? dispatch->replies : 0);
        dispatch->second = second;
        dispatch->replies = 0;
    }
    dispatch->replies++;
}

/* Step 6b of an event's path: who asked is answered. Decoding is left to the request's thread. */
static void dispatch_on_reply(struct dispatch *dispatch, const struct topo_record *record)
{
    struct mr_bytes fingerprint = topo_record_header(record, SHOP_REPLY_FINGERPRINT);
    dispatch_count_reply(dispatch);
    if (record->key.ptr && record->value.ptr && fingerprint.ptr)
        pending_reply(&dispatch->pending, record->key, fingerprint, record->value);
    else
        dispatch_on_bare_reply(dispatch, record);
}

static void dispatch_rest(void)
{
    nanosleep(&(struct timespec){.tv_sec = RETRY_MS / 1000}, NULL);
}

static void *dispatch_read_replies(void *user)
{
    struct dispatch *dispatch = user;
    while (!atomic_load(&dispatch->stopping)) {
        const struct topo_record *records = NULL;
        struct mr_error error;
        int count = topo_kafka_reader_poll(dispatch->reader, POLL_MS, &records, &error);
        bool good = count >= 0;
        if (atomic_exchange(&dispatch->reading, good) && !good)
            mr_log(MR_LOG_WARN, "replies-not-read", "error=\"%s\"", error.text);
        if (!good && mr_code_class(count) != MR_CLASS_RETRY) {
            mr_log(MR_LOG_ERROR, "replies-given-up", "error=\"%s\"", error.text);
            atomic_store(&dispatch->failed_for_good, true);
            break;
        }
        if (!good)
            dispatch_rest();
        for (int i = 0; i < count; i++)
            dispatch_on_reply(dispatch, &records[i]);
    }
    return NULL;
}

/* From the end as it is now: what came before was for requests that are gone. */
static int dispatch_open_reader(struct dispatch *dispatch, struct mr_error *error)
{
    struct topo_kafka_options kafka = dispatch_kafka_options(dispatch);
    int32_t partition = dispatch->options.reply_partition;
    int64_t low = 0;
    int64_t high = 0;
    kafka.properties = NULL;
    int rc = topo_kafka_watermarks(&kafka, TOPIC_GATEWAY_REPLIES, partition, &low, &high, error);
    rc = rc ? rc : topo_kafka_reader_new(&kafka, &dispatch->reader, error);
    return rc ? rc
              : topo_kafka_reader_add(
                    dispatch->reader, TOPIC_GATEWAY_REPLIES, partition, high, error);
}

static bool dispatch_is_writer(const struct codec_topic *topic, const char *service)
{
    for (size_t i = 0; i < topic->writers_count; i++)
        if (strcmp(topic->writers[i], service) == 0)
            return true;
    return false;
}

/* Learns the topics' leaders first, so that the first command to a topic does not wait for that. */
static int dispatch_open_producer(struct dispatch *dispatch, struct mr_error *error)
{
    const struct topo_kafka_options kafka = dispatch_kafka_options(dispatch);
    const char *topics[SHOP_TOPIC_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < SHOP_TOPIC_COUNT; i++)
        if (dispatch_is_writer(&shop_topics[i], "command-api"))
            topics[count++] = shop_topics[i].name;
    int rc = topo_kafka_producer_new(&kafka, 0, &dispatch->producer, error);
    return rc ? rc
              : topo_kafka_producer_prepare(dispatch->producer, topics, count, PREPARE_MS, error);
}

static int dispatch_open(struct dispatch *dispatch, struct mr_error *error)
{
    struct topo_kafka_options kafka = dispatch_kafka_options(dispatch);
    int32_t partitions = 0;
    int rc = topo_kafka_partitions(&kafka, TOPIC_GATEWAY_REPLIES, &partitions, error);
    if (rc == 0 && dispatch->options.reply_partition >= partitions)
        rc = mr_fail(
            error,
            MR_CONFIG,
            "instance %" PRId32 ": %s has %" PRId32 " partitions (`millrace topics create`)",
            dispatch->options.reply_partition,
            TOPIC_GATEWAY_REPLIES,
            partitions);
    rc = rc ? rc : dispatch_open_reader(dispatch, error);
    rc = rc ? rc : dispatch_open_producer(dispatch, error);
    if (rc == 0 && pthread_create(&dispatch->thread, NULL, dispatch_read_replies, dispatch))
        rc = mr_fail(error, MR_FATAL, "starting the thread that reads replies failed");
    dispatch->running = rc == 0;
    return rc;
}

int dispatch_start(
    const struct dispatch_options *options, struct dispatch **ret_dispatch, struct mr_error *error)
{
    assert(ret_dispatch);
    struct dispatch *dispatch = mr_calloc(1, sizeof *dispatch);
    dispatch->options = *options;
    pending_table_init(&dispatch->pending);
    int rc = dispatch_open(dispatch, error);
    if (rc)
        dispatch_stop(dispatch);
    else
        *ret_dispatch = dispatch;
    return rc;
}

void dispatch_stop(struct dispatch *dispatch)
{
    if (!dispatch)
        return;
    atomic_store(&dispatch->stopping, true);
    if (dispatch->running)
        pthread_join(dispatch->thread, NULL);
    topo_kafka_producer_free(dispatch->producer);
    topo_kafka_reader_free(dispatch->reader);
    pending_table_clean_up(&dispatch->pending);
    free(dispatch);
}

/* -- commands -- */

static struct dispatch *dispatch_of(struct pending *pending)
{
    return (struct dispatch *)((char *)pending->table - offsetof(struct dispatch, pending));
}

/* A command that is too large, or a partition without a leader, is that command's trouble; a
 * producer that cannot go on is everybody's. */
static void dispatch_note_failure(struct dispatch *dispatch, int rc)
{
    if (rc == 0)
        return;
    atomic_fetch_add(&dispatch->failed, 1);
    if (mr_code_class(rc) == MR_CLASS_FATAL || mr_code_class(rc) == MR_CLASS_FENCED)
        atomic_store(&dispatch->failed_for_good, true);
}

static void dispatch_on_delivered(void *user, int rc, int32_t partition, int64_t offset)
{
    struct pending *pending = user;
    (void)partition;
    (void)offset;
    dispatch_note_failure(dispatch_of(pending), rc);
    pending_delivered(pending, rc);
}

static int dispatch_produce(
    struct dispatch *dispatch,
    const struct dispatch_command *command,
    struct pending *pending,
    struct mr_error *error)
{
    struct topo_header headers[] = {
        {mr_cstr("ce_type"), command->type},
        {mr_cstr("requires-position"), command->requires_position},
    };
    struct topo_output output = {
        .key = command->key,
        .value = command->value,
        .headers = headers,
        .headers_count = command->requires_position.ptr ? 2 : 1,
    };
    return topo_kafka_produce(
        dispatch->producer, command->topic, -1, &output, dispatch_on_delivered, pending, error);
}

/* Passes the command's verdict to the request's code, once, and forgets the command. */
static void dispatch_conclude(
    struct http_request *request,
    struct pending *pending,
    enum dispatch_verdict verdict,
    const struct shop_command_reply *reply)
{
    struct dispatch_answer answer = {
        .verdict = verdict,
        .command_id = mr_arena_copy(http_arena(request), mr_cstr(pending->command_id)),
        .reply = reply,
    };
    dispatch_answer_fn *answered = pending->answered;
    void *user = pending->user;
    pending_remove(pending);
    answered(request, &answer, user);
}

static void dispatch_conclude_reply(
    struct http_request *request, struct pending *pending, struct mr_bytes framed)
{
    struct codec_message message;
    struct dispatch *dispatch = dispatch_of(pending);
    if (codec_decode(dispatch->options.registry, framed, http_arena(request), &message, NULL))
        dispatch_conclude(request, pending, DISPATCH_PENDING, NULL);
    else
        dispatch_conclude(request, pending, DISPATCH_DECIDED, message.value);
}

static enum dispatch_verdict
dispatch_verdict_of(const struct pending *pending, enum pending_note note)
{
    switch (note) {
    case NOTE_ACKNOWLEDGED:
        return DISPATCH_PENDING;
    case NOTE_FAILED:
        return pending->queue_full ? DISPATCH_OVERLOADED : DISPATCH_UNAVAILABLE;
    case NOTE_NONE:
    case NOTE_REPLY:
    case NOTE_UNCERTAIN:
        break;
    }
    return DISPATCH_UNKNOWN;
}

static void dispatch_resume(
    struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct pending *pending = user;
    struct mr_bytes framed = {0};
    (void)payload;
    enum pending_note note = pending_take(pending, http_arena(request), &framed);
    if (note == NOTE_REPLY) {
        dispatch_conclude_reply(request, pending, framed);
        return;
    }
    if (note == NOTE_NONE)
        note = pending_hurry(pending);
    if (note == NOTE_NONE && why != HTTP_STOPPING &&
        pending_suspend(pending, request, DELIVERY_MS, dispatch_resume))
        return;
    dispatch_conclude(request, pending, dispatch_verdict_of(pending, note), NULL);
}

/* Step 2 of an event's path. Suspended before it is sent: what cannot wait for its outcome is not
 * sent at all. */
void dispatch_send(
    struct dispatch *dispatch, struct http_request *request, const struct dispatch_command *command)
{
    struct pending *pending = pending_add(
        &dispatch->pending, command->command_id, command->fingerprint, command->wait_ms == 0);
    struct mr_error error;
    pending->answered = command->answered;
    pending->user = command->user;
    int wait_ms = command->wait_ms > 0 ? command->wait_ms : DELIVERY_MS;
    if (!pending_suspend(pending, request, wait_ms, dispatch_resume)) {
        pending_delivered(pending, MR_AGAIN);
        dispatch_conclude(request, pending, DISPATCH_OVERLOADED, NULL);
        return;
    }
    int rc = dispatch_produce(dispatch, command, pending, &error);
    if (rc) {
        mr_log(
            MR_LOG_WARN, "command-not-sent", "topic=%s error=\"%s\"", command->topic, error.text);
        dispatch_note_failure(dispatch, rc);
        pending_delivered(pending, rc);
        return;
    }
    atomic_fetch_add(&dispatch->sent, 1);
}

int dispatch_drain_s(struct dispatch *dispatch)
{
    assert(dispatch);
    pthread_mutex_lock(&dispatch->pending.lock);
    size_t waiting = dispatch->pending.count;
    pthread_mutex_unlock(&dispatch->pending.lock);
    return http_drain_s(waiting, (size_t)atomic_load(&dispatch->replies_per_s));
}

/* -- what an operator sees -- */

bool dispatch_is_ready(struct dispatch *dispatch, struct mr_error *error)
{
    assert(dispatch);
    if (atomic_load(&dispatch->reading))
        return true;
    (void)mr_fail(error, MR_UNAVAILABLE, "the topic %s cannot be read", TOPIC_GATEWAY_REPLIES);
    return false;
}

bool dispatch_has_failed(struct dispatch *dispatch, struct mr_error *error)
{
    assert(dispatch);
    if (!atomic_load(&dispatch->failed_for_good))
        return false;
    (void)mr_fail(error, MR_FATAL, "the connection to Kafka has failed for good");
    return true;
}

void dispatch_metrics(struct dispatch *dispatch, struct mr_buffer *out)
{
    pthread_mutex_lock(&dispatch->pending.lock);
    size_t waiting = dispatch->pending.count;
    int64_t unclaimed = dispatch->pending.unclaimed;
    pthread_mutex_unlock(&dispatch->pending.lock);
    mr_buffer_printf(
        out,
        "# TYPE millrace_commands_sent_total counter\nmillrace_commands_sent_total %lld\n"
        "# TYPE millrace_commands_failed_total counter\nmillrace_commands_failed_total %lld\n"
        "# TYPE millrace_commands_waiting gauge\nmillrace_commands_waiting %zu\n"
        "# TYPE millrace_replies_unclaimed_total counter\nmillrace_replies_unclaimed_total %" PRId64
        "\n",
        (long long)atomic_load(&dispatch->sent),
        (long long)atomic_load(&dispatch->failed),
        waiting,
        unclaimed);
}
