/*
 * kafka_txn.c - the transactional producer: what a worker writes, and the commit that makes it and
 * the input's offsets one.
 *
 * Delivery reports are served here until the queue is empty, before librdkafka's commit is called:
 * its own flush looks every 10 ms only. A commit that timed out is asked again from where it
 * stood: offsets once sent are not sent again.
 *
 * librdkafka repeats a request whose connection broke, and keeps the epoch. The first copy may lie
 * in the broker and come to effect in the next transaction: end it, write to it, or put an old
 * offset into it. So a request without an answer is noted (note_answer), and its producer is
 * replaced before it begins again (kafka_txn_is_unsettled).
 */
#include "kafka_impl.h"

#include <base/alloc.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    /* Kafka's numbers of the requests that belong to a transaction. */
    API_PRODUCE = 0,
    API_ADD_PARTITIONS_TO_TXN = 24,
    API_ADD_OFFSETS_TO_TXN = 25,
    API_END_TXN = 26,
    API_TXN_OFFSET_COMMIT = 28,
    PREPARE_MS = 2000,
    SERVE_EVERY_RECORDS = 512,
    FULL_WAIT_MS = 100,
    FLUSH_WAIT_MS = 100,
    BATCH_BYTES = 1000000, /* librdkafka's batch.size, by default. */
    BATCH_WAIT_MS = 1000,
    POLL_MS = 10,
    COUNTED_PARTITIONS_MAX = 4096,
    MARKER_PAUSE_US = 200,
};

/* The effect of a transaction on a partition. */
struct written {
    int64_t last_offset;  /* -1: nothing was delivered. */
    size_t unacked_bytes; /* As librdkafka counts a batch; only where we chose the partition. */
};

struct output {
    const char *topic; /* The engine's pointer: the key of the look-up. */
    rd_kafka_topic_t *rkt;
    struct written *partitions;
    size_t partitions_count;
};

struct kafka_txn {
    struct kafka_client client;
    struct output **outputs; /* Stable addresses: topic handles carry them. */
    size_t outputs_count;
    size_t outputs_capacity;
    struct output *last;
    unsigned unserved;

    atomic_bool unanswered; /* A request of a transaction. Threads: librdkafka's too. */
    bool initialised;
    bool unsettled; /* An end of a transaction, or a delivery, timed out. */
    bool begun;     /* And neither committed nor aborted yet. */
    bool offsets_sent;
    bool unmarked;              /* Ended, and its markers were not seen yet. */
    rd_kafka_resp_err_t failed; /* The first delivery of this transaction that failed, */
    char failed_topic[256];     /* and where it went. */
};

/* -- deliveries -- */

static struct written *written_to(struct output *output, int32_t partition)
{
    size_t index = (size_t)partition;
    if (index >= output->partitions_count) {
        output->partitions =
            mr_realloc(output->partitions, (index + 1) * sizeof *output->partitions);
        while (output->partitions_count <= index)
            output->partitions[output->partitions_count++] = (struct written){.last_offset = -1};
    }
    return &output->partitions[index];
}

static void note_delivery(struct output *output, const rd_kafka_message_t *message)
{
    struct written *written = written_to(output, message->partition);
    size_t bytes = message->len + message->key_len;
    written->unacked_bytes -= bytes < written->unacked_bytes ? bytes : written->unacked_bytes;
    if (message->offset > written->last_offset)
        written->last_offset = message->offset;
}

/* -- requests and answers -- */

static bool is_of_a_transaction(int16_t api)
{
    return api == API_PRODUCE || api == API_ADD_PARTITIONS_TO_TXN ||
           api == API_ADD_OFFSETS_TO_TXN || api == API_END_TXN || api == API_TXN_OFFSET_COMMIT;
}

/* librdkafka calls it for each request that is over. `err`: no answer came, because the connection
 * broke or the time was up. Threads: librdkafka's. */
static rd_kafka_resp_err_t note_answer(
    rd_kafka_t *rk,
    int socket,
    const char *broker,
    int32_t broker_id,
    int16_t api,
    int16_t version,
    int32_t number,
    size_t size,
    int64_t took_us,
    rd_kafka_resp_err_t err,
    void *opaque)
{
    struct kafka_txn *txn = opaque;
    (void)rk, (void)socket, (void)broker, (void)broker_id, (void)version, (void)number, (void)size;
    (void)took_us;
    if (err && is_of_a_transaction(api))
        atomic_store(&txn->unanswered, true);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t note_from_now_on(
    rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque, char *text, size_t text_size)
{
    (void)conf, (void)text, (void)text_size;
    return rd_kafka_interceptor_add_on_response_received(rk, "millrace", note_answer, opaque);
}

bool kafka_txn_is_unsettled(const struct kafka_txn *txn)
{
    return txn->initialised && (txn->unsettled || atomic_load(&txn->unanswered));
}

bool kafka_txn_is_initialised(const struct kafka_txn *txn)
{
    return txn->initialised;
}

static void txn_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_txn *txn = opaque;
    (void)rk;
    if (!message->err) {
        note_delivery(rd_kafka_topic_opaque(message->rkt), message);
        return;
    }
    /* Perhaps it was written all the same, or is yet to be. */
    if (rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED)
        txn->unsettled = true;
    if (txn->failed)
        return;
    txn->failed = message->err;
    (void)snprintf(
        txn->failed_topic, sizeof txn->failed_topic, "%s", rd_kafka_topic_name(message->rkt));
}

static int delivery_failure(struct kafka_txn *txn, struct mr_error *error)
{
    int code = kafka_fatal(&txn->client, error);
    if (code)
        return code;
    code = kafka_code(txn->failed);
    bool refused = code == MR_TOO_LARGE || txn->failed == RD_KAFKA_RESP_ERR_INVALID_RECORD;
    /* A right that is missing is still missing at the next try: only an operator helps. */
    if (code != MR_FENCED && code != MR_CONFIG && !refused)
        code = MR_ABORTED;
    return mr_fail(
        error,
        code,
        "a record was not delivered to %s: %s",
        txn->failed_topic,
        rd_kafka_err2str(txn->failed));
}

/* -- life -- */

static rd_kafka_conf_t *txn_conf(
    const struct topo_kafka_options *options,
    const struct topo_io_options *io_options,
    int lane,
    struct mr_error *error)
{
    static const struct kafka_setting settings[] = {
        {"acks", "all"},
        {"enable.idempotence", "true"},
        {"transaction.timeout.ms", "10000"},
        {"message.timeout.ms", "10000"},
        {"partitioner", "murmur2_random"},
        /* A transaction's records wait for its flush, or for a batch that is full: one request a
         * partition. Sooner sent is more requests, and worse: behind a request in flight, a batch
         * whose linger is over keeps librdkafka's thread polling without a pause. */
        {"linger.ms", "500"},
        {"compression.codec", "lz4"}, /* Replies and orders repeat themselves. */
        {"batch.num.messages", "100000"},
        {"retry.backoff.ms", "20"},
        {"queue.buffering.max.messages", "500000"},
        {"queue.buffering.max.kbytes", "131072"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf_new(options, settings, error);
    if (!conf)
        return NULL;
    char *id = mr_asprintf(
        "%s-%s-%d-%d",
        io_options->application_id,
        io_options->instance_id,
        io_options->worker,
        lane);
    int rc = kafka_conf_set(conf, "transactional.id", id, error);
    free(id);
    if (rc) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, txn_on_delivery);
    return conf;
}

int kafka_txn_new(
    const struct topo_kafka_options *options,
    const struct topo_io_options *io_options,
    int lane,
    struct kafka_txn **ret_txn,
    struct mr_error *error)
{
    rd_kafka_conf_t *conf = txn_conf(options, io_options, lane, error);
    if (!conf)
        return MR_CONFIG;
    struct kafka_txn *txn = mr_calloc(1, sizeof *txn);
    rd_kafka_conf_interceptor_add_on_new(conf, "millrace", note_from_now_on, txn);
    _Static_assert(offsetof(struct kafka_txn, client) == 0, "one opaque serves both");
    int rc = kafka_client_open(&txn->client, RD_KAFKA_PRODUCER, conf, error);
    if (rc) {
        free(txn);
        return rc;
    }
    *ret_txn = txn;
    return 0;
}

void kafka_txn_free(struct kafka_txn *txn)
{
    if (!txn)
        return;
    /* An open transaction is the next owner's to abort; what is still queued must not hold us. */
    rd_kafka_purge(txn->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(txn->client.rk, 0);
    for (size_t i = 0; i < txn->outputs_count; i++) {
        rd_kafka_topic_destroy(txn->outputs[i]->rkt);
        txn->outputs[i]->rkt = NULL;
    }
    kafka_client_close(&txn->client);
    for (size_t i = 0; i < txn->outputs_count; i++) {
        free(txn->outputs[i]->partitions);
        free(txn->outputs[i]);
    }
    free(txn->outputs);
    free(txn);
}

int kafka_txn_init(struct kafka_txn *txn, struct mr_error *error)
{
    int64_t until = kafka_clock_ms() + 2 * KAFKA_TRANSACTION_TIMEOUT_MS;
    bool asked = false;
    for (;;) {
        /* In short calls, with polls between them, so that connection trouble has a text. */
        rd_kafka_error_t *failure = rd_kafka_init_transactions(txn->client.rk, 1000);
        /* A call that timed out may have come to its end meanwhile. */
        if (!failure || (asked && rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR__STATE)) {
            if (failure)
                rd_kafka_error_destroy(failure);
            txn->initialised = true;
            return 0;
        }
        asked = true;
        rd_kafka_poll(txn->client.rk, 0);
        if (!rd_kafka_error_is_retriable(failure))
            return kafka_fail_txn(error, failure, "begin as a transactional producer");
        if (kafka_clock_ms() >= until) {
            rd_kafka_resp_err_t err = rd_kafka_error_code(failure);
            rd_kafka_error_destroy(failure);
            return kafka_fail(error, &txn->client, err, "begin as a transactional producer");
        }
        rd_kafka_error_destroy(failure);
    }
}

int kafka_txn_begin(struct kafka_txn *txn, struct mr_error *error)
{
    rd_kafka_error_t *failure = rd_kafka_begin_transaction(txn->client.rk);
    if (failure)
        return kafka_fail_txn(error, failure, "begin a transaction");
    txn->begun = true;
    txn->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    txn->offsets_sent = false;
    for (size_t i = 0; i < txn->outputs_count; i++)
        txn->outputs[i]->partitions_count = 0;
    return 0;
}

/* -- records -- */

static struct output *output_add(struct kafka_txn *txn, const char *topic)
{
    struct output *output = mr_calloc(1, sizeof *output);
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(txn->client.rk);
    rd_kafka_topic_conf_set_opaque(conf, output);
    output->topic = topic;
    output->rkt = rd_kafka_topic_new(txn->client.rk, topic, conf);
    if (!output->rkt) {
        rd_kafka_topic_conf_destroy(conf);
        free(output);
        return NULL;
    }
    txn->outputs =
        mr_grow(txn->outputs, txn->outputs_count, &txn->outputs_capacity, sizeof *txn->outputs);
    txn->outputs[txn->outputs_count++] = output;
    return output;
}

static struct output *output_find(struct kafka_txn *txn, const char *topic)
{
    if (txn->last && txn->last->topic == topic)
        return txn->last;
    for (size_t i = 0; i < txn->outputs_count; i++)
        if (txn->outputs[i]->topic == topic)
            return txn->last = txn->outputs[i];
    for (size_t i = 0; i < txn->outputs_count; i++)
        if (strcmp(rd_kafka_topic_name(txn->outputs[i]->rkt), topic) == 0)
            return txn->outputs[i];
    return NULL;
}

static struct output *output_of(struct kafka_txn *txn, const char *topic, struct mr_error *error)
{
    struct output *output = output_find(txn, topic);
    if (!output)
        output = output_add(txn, topic);
    if (!output)
        mr_fail(error, MR_CONFIG, "\"%s\" is not a topic's name", topic);
    return output;
}

int kafka_txn_prepare(
    struct kafka_txn *txn, const char *const *topics, size_t count, struct mr_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!output_of(txn, topics[i], error))
            return MR_CONFIG;
    return kafka_await_leaders(&txn->client, PREPARE_MS, error);
}

/* -- asleep while a batch is in flight --
 *
 * Of a partition one batch is in flight at a time. Another one that is ready, because it is full or
 * because of a flush, makes librdkafka's thread poll without a pause until the first is
 * acknowledged. So we count what a partition has not acknowledged, and wait for it first. */

static size_t unacked_bytes(const struct output *output, int32_t partition)
{
    size_t index = (size_t)partition;
    return index < output->partitions_count ? output->partitions[index].unacked_bytes : 0;
}

static void
await_batch(struct kafka_txn *txn, const struct output *output, int32_t partition, size_t bytes_max)
{
    int64_t until = kafka_clock_ms() + BATCH_WAIT_MS;
    while (unacked_bytes(output, partition) >= bytes_max && !txn->failed &&
           kafka_clock_ms() < until)
        rd_kafka_poll(txn->client.rk, POLL_MS);
}

static void await_batches(struct kafka_txn *txn)
{
    for (size_t i = 0; i < txn->outputs_count; i++)
        for (size_t k = 0; k < txn->outputs[i]->partitions_count; k++)
            await_batch(txn, txn->outputs[i], (int32_t)k, BATCH_BYTES);
}

static void note_sent(
    struct kafka_txn *txn,
    struct output *output,
    int32_t partition,
    const struct topo_record *record)
{
    if (partition < 0 || partition >= COUNTED_PARTITIONS_MAX)
        return;
    struct written *written = written_to(output, partition);
    written->unacked_bytes += record->key.len + record->value.len;
    if (written->unacked_bytes >= 2 * (size_t)BATCH_BYTES)
        await_batch(txn, output, partition, 2 * (size_t)BATCH_BYTES);
}

static int produce_failure(
    struct kafka_txn *txn, rd_kafka_resp_err_t err, const char *topic, struct mr_error *error)
{
    char what[300];
    int code = kafka_fatal(&txn->client, error);
    if (code)
        return code;
    if (err == RD_KAFKA_RESP_ERR__STATE)
        return mr_fail(error, MR_ABORTED, "write to %s: the transaction has failed", topic);
    snprintf(what, sizeof what, "write to %s", topic);
    code = kafka_fail(error, &txn->client, err, what);
    /* A topic that is not there is not the record's fault. */
    return code == MR_NOT_FOUND ? mr_fail(error, MR_CONFIG, "%s: no such partition", what) : code;
}

int kafka_txn_produce(
    struct kafka_txn *txn,
    const struct topo_partition *to,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct output *output = output_of(txn, to->topic, error);
    if (!output)
        return MR_CONFIG;
    const struct kafka_send send = {
        .rkt = output->rkt,
        .partition = to->partition,
        .key = record->key,
        .value = record->value,
        .headers = record->headers,
        .headers_count = record->headers_count,
        .timestamp_ms = record->timestamp_ms,
    };
    if (++txn->unserved >= SERVE_EVERY_RECORDS) {
        txn->unserved = 0;
        rd_kafka_poll(txn->client.rk, 0);
    }
    rd_kafka_resp_err_t err = kafka_send(txn->client.rk, &send);
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(txn->client.rk, FULL_WAIT_MS);
        err = kafka_send(txn->client.rk, &send);
    }
    if (err)
        return produce_failure(txn, err, to->topic, error);
    note_sent(txn, output, to->partition, record);
    return 0;
}

int kafka_txn_flush(struct kafka_txn *txn, struct mr_error *error)
{
    int64_t until = kafka_clock_ms() + KAFKA_TRANSACTION_TIMEOUT_MS;
    await_batches(txn);
    while (rd_kafka_outq_len(txn->client.rk) > 0) {
        /* It returns as soon as all is delivered; each call wakes all of its threads. */
        rd_kafka_flush(txn->client.rk, FLUSH_WAIT_MS);
        if (txn->failed)
            return delivery_failure(txn, error);
        if (kafka_clock_ms() >= until)
            return kafka_fail(
                error, &txn->client, RD_KAFKA_RESP_ERR__TIMED_OUT, "flush the transaction");
    }
    return txn->failed ? delivery_failure(txn, error) : 0;
}

int64_t kafka_txn_last_offset(struct kafka_txn *txn, struct topo_partition partition)
{
    const struct output *output = output_find(txn, partition.topic);
    if (!output || partition.partition < 0 ||
        (size_t)partition.partition >= output->partitions_count)
        return -1;
    return output->partitions[partition.partition].last_offset;
}

/* -- the end of a transaction -- */

static int send_offsets(
    struct kafka_txn *txn,
    struct kafka_member *member,
    const struct topo_position *inputs,
    size_t count,
    int64_t until,
    struct mr_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, inputs[i].topic, inputs[i].partition)->offset =
            inputs[i].next_offset;
    rd_kafka_consumer_group_metadata_t *group = kafka_member_metadata(member);
    rd_kafka_error_t *failure;
    while ((failure = rd_kafka_send_offsets_to_transaction(
                txn->client.rk, list, group, KAFKA_REQUEST_TIMEOUT_MS)) &&
           rd_kafka_error_is_retriable(failure) && kafka_clock_ms() < until)
        rd_kafka_error_destroy(failure);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    if (failure)
        return kafka_fail_txn(error, failure, "send the input's offsets");
    txn->offsets_sent = true;
    return 0;
}

/* The group may refuse the offset; the marker of the abort counts. */
int kafka_txn_clear_offsets(
    struct kafka_txn *txn,
    struct kafka_member *member,
    struct topo_partition input,
    struct mr_error *error)
{
    const struct topo_position nothing = {.topic = input.topic, .partition = input.partition};
    int64_t until = kafka_clock_ms() + KAFKA_REQUEST_TIMEOUT_MS;
    if (txn->begun)
        return 0;
    int rc = kafka_txn_begin(txn, error);
    if (rc)
        return rc;
    (void)send_offsets(txn, member, &nothing, 1, until, NULL);
    return kafka_txn_abort(txn, error);
}

int kafka_txn_commit(
    struct kafka_txn *txn,
    struct kafka_member *member,
    const struct topo_position *inputs,
    size_t count,
    struct mr_error *error)
{
    int64_t until = kafka_clock_ms() + KAFKA_TRANSACTION_TIMEOUT_MS;
    int rc = kafka_txn_flush(txn, error);
    if (rc == 0 && !txn->offsets_sent)
        rc = send_offsets(txn, member, inputs, count, until, error);
    if (rc)
        return rc;
    rd_kafka_error_t *failure;
    while ((failure = rd_kafka_commit_transaction(txn->client.rk, -1)) &&
           rd_kafka_error_is_retriable(failure) && kafka_clock_ms() < until) {
        txn->unsettled = true;
        rd_kafka_error_destroy(failure);
    }
    if (failure)
        return kafka_fail_txn(error, failure, "commit");
    txn->begun = false;
    txn->unmarked = true;
    return 0;
}

int kafka_txn_abort(struct kafka_txn *txn, struct mr_error *error)
{
    if (!txn->begun) /* Asked again: it was done, only its markers were not there in time. */
        return 0;
    int64_t until = kafka_clock_ms() + KAFKA_TRANSACTION_TIMEOUT_MS;
    rd_kafka_error_t *failure;
    while ((failure = rd_kafka_abort_transaction(txn->client.rk, -1)) &&
           rd_kafka_error_is_retriable(failure) && kafka_clock_ms() < until) {
        txn->unsettled = true;
        rd_kafka_error_destroy(failure);
    }
    if (failure)
        return kafka_fail_txn(error, failure, "abort");
    txn->begun = false;
    txn->unmarked = true;
    txn->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    txn->offsets_sent = false;
    return 0;
}

/* -- markers -- */

static rd_kafka_topic_partition_list_t *written_partitions(const struct kafka_txn *txn)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (size_t i = 0; i < txn->outputs_count; i++) {
        const struct output *output = txn->outputs[i];
        for (size_t k = 0; k < output->partitions_count; k++)
            if (output->partitions[k].last_offset >= 0)
                rd_kafka_topic_partition_list_add(
                    list, rd_kafka_topic_name(output->rkt), (int32_t)k);
    }
    return list;
}

/* Asks where the partitions end; true when all end behind a marker. */
static bool
all_marked(struct kafka_txn *txn, struct kafka_client *query, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    if (rd_kafka_offsets_for_times(query->rk, list, KAFKA_REQUEST_TIMEOUT_MS))
        return false;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *end = &list->elems[i];
        const struct output *output = output_find(txn, end->topic);
        if (end->err || end->offset < output->partitions[end->partition].last_offset + 2)
            return false;
    }
    return true;
}

int kafka_txn_await_markers(
    struct kafka_txn *txn, struct kafka_client *query, struct mr_error *error)
{
    if (!txn->unmarked)
        return 0;
    int64_t until = kafka_clock_ms() + KAFKA_TRANSACTION_TIMEOUT_MS;
    rd_kafka_topic_partition_list_t *list = written_partitions(txn);
    bool marked;
    while (!(marked = list->cnt == 0 || all_marked(txn, query, list)) && kafka_clock_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = MARKER_PAUSE_US * 1000L}, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    if (!marked)
        return mr_fail(error, MR_TIMEOUT, "the markers of the last transaction are not there yet");
    txn->unmarked = false;
    return 0;
}
