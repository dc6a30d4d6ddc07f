/*
 * kafka_producer.c - the edges' producer: idempotent, acks=all, with a thread of its own that says
 * of each record where it went or why not.
 */
#include "kafka_impl.h"

#include <base/alloc.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { FREE_FLUSH_MS = 5000, SERVE_MS = 100 };

struct topo_kafka_producer {
    struct kafka_client client;
    pthread_t thread;
    atomic_bool stopping;
};

struct delivery {
    topo_delivered_fn *done;
    void *user;
};

/* librdkafka reports "timed out" for records that were never sent, too. */
static int delivery_code(const rd_kafka_message_t *message)
{
    int code = kafka_code(message->err);
    if (code == 0)
        return 0;
    if (rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
        return MR_TIMEOUT;
    return code == MR_TIMEOUT ? MR_UNAVAILABLE : code;
}

static void producer_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct delivery *delivery = message->_private;
    (void)rk;
    (void)opaque;
    if (!delivery)
        return;
    delivery->done(
        delivery->user,
        delivery_code(message),
        message->partition,
        message->err ? -1 : message->offset);
    free(delivery);
}

static void *producer_serve(void *opaque)
{
    struct topo_kafka_producer *producer = opaque;
    while (!atomic_load(&producer->stopping))
        rd_kafka_poll(producer->client.rk, SERVE_MS);
    return NULL;
}

/* Idempotent, with acks=all: librdkafka's own retries make no duplicate. A thread of its own
 * reports deliveries, so a caller never has to poll. */
int topo_kafka_producer_new(
    const struct topo_kafka_options *options,
    int linger_ms,
    struct topo_kafka_producer **ret_producer,
    struct mr_error *error)
{
    char linger[16];
    snprintf(linger, sizeof linger, "%d", linger_ms);
    const struct kafka_setting settings[] = {
        {"acks", "all"},
        {"enable.idempotence", "true"},
        {"message.timeout.ms", "10000"},
        {"partitioner", "murmur2_random"},
        {"linger.ms", linger},
        {"compression.codec", "lz4"},
        {"retry.backoff.ms", "20"},
        {"queue.buffering.max.messages", "500000"},
        {"queue.buffering.max.kbytes", "131072"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf_new(options, settings, error);
    if (!conf)
        return MR_CONFIG;
    rd_kafka_conf_set_dr_msg_cb(conf, producer_on_delivery);
    struct topo_kafka_producer *producer = mr_calloc(1, sizeof *producer);
    int rc = kafka_client_open(&producer->client, RD_KAFKA_PRODUCER, conf, error);
    if (rc == 0 && pthread_create(&producer->thread, NULL, producer_serve, producer) != 0)
        rc = mr_fail(error, MR_FATAL, "cannot start the producer's thread");
    if (rc) {
        kafka_client_close(&producer->client);
        free(producer);
        return rc;
    }
    *ret_producer = producer;
    return 0;
}

void topo_kafka_producer_free(struct topo_kafka_producer *producer)
{
    if (!producer)
        return;
    topo_kafka_flush(producer, FREE_FLUSH_MS, NULL);
    rd_kafka_purge(producer->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    topo_kafka_flush(producer, SERVE_MS, NULL); /* The purged ones get their callbacks. */
    atomic_store(&producer->stopping, true);
    pthread_join(producer->thread, NULL);
    rd_kafka_poll(producer->client.rk, 0);
    kafka_client_close(&producer->client);
    free(producer);
}

int topo_kafka_producer_prepare(
    struct topo_kafka_producer *producer,
    const char *const *topics,
    size_t count,
    int timeout_ms,
    struct mr_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!kafka_know_topic(&producer->client, topics[i]))
            return mr_fail(error, MR_CONFIG, "\"%s\" is not a topic's name", topics[i]);
    return kafka_await_leaders(&producer->client, timeout_ms, error);
}

int topo_kafka_produce(
    struct topo_kafka_producer *producer,
    const char *topic,
    int32_t partition,
    const struct topo_output *record,
    topo_delivered_fn *done,
    void *user,
    struct mr_error *error)
{
    char what[300];
    struct delivery *delivery = NULL;
    /* A handle of our own asks for an unseen topic's leader at once. By name, librdkafka would find
     * out when it next looks its topics through: each second. */
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer->client.rk, topic, NULL);
    if (!handle)
        return mr_fail(error, MR_CONFIG, "\"%s\" is not a topic's name", topic);
    if (done) {
        delivery = mr_malloc(sizeof *delivery);
        *delivery = (struct delivery){done, user};
    }
    rd_kafka_resp_err_t err = kafka_send(
        producer->client.rk,
        &(struct kafka_send){
            .rkt = handle,
            .partition = partition,
            .key = record->key,
            .value = record->value,
            .headers = record->headers,
            .headers_count = record->headers_count,
            .timestamp_ms = record->timestamp_ms,
            .opaque = delivery,
        });
    rd_kafka_topic_destroy(handle);
    if (!err)
        return 0;
    free(delivery);
    snprintf(what, sizeof what, "write to %s", topic);
    return kafka_fail(error, NULL, err, what);
}

int topo_kafka_flush(struct topo_kafka_producer *producer, int timeout_ms, struct mr_error *error)
{
    rd_kafka_resp_err_t err = rd_kafka_flush(producer->client.rk, timeout_ms);
    if (err)
        return mr_fail(
            error,
            MR_TIMEOUT,
            "%d records are not delivered after %d ms",
            rd_kafka_outq_len(producer->client.rk),
            timeout_ms);
    return 0;
}
