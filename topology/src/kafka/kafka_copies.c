/* kafka_copies.c - how many copies of each record the cluster keeps, and how many it waits for. */
#include "kafka_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_TIMEOUT_MS = 15000 };

/* The value of a setting in the answer's only resource; -1: it is not there. */
static int
copies_read_setting(const rd_kafka_ConfigResource_t *resource, const char *name, int *ret_value)
{
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0) {
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);
            *ret_value = value ? (int)strtol(value, NULL, 10) : -1;
            return 0;
        }
    return MR_NOT_FOUND;
}

/* min.insync.replicas of a topic, or with `ret_copies` both defaults of a broker. */
static int copies_ask_settings(
    struct kafka_client *client,
    rd_kafka_ResourceType_t type,
    const char *name,
    int *ret_in_sync,
    int *ret_copies,
    struct mr_error *error)
{
    char text[256];
    rd_kafka_ConfigResource_t *asked = rd_kafka_ConfigResource_new(type, name);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->rk);
    rd_kafka_AdminOptions_set_request_timeout(options, ASK_TIMEOUT_MS, text, sizeof text);
    rd_kafka_DescribeConfigs(client->rk, &asked, 1, options, queue);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, ASK_TIMEOUT_MS + 1000);
    rd_kafka_resp_err_t err = answer ? rd_kafka_event_error(answer) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    int rc = 0;
    if (!err) {
        size_t count = 0;
        const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(answer), &count);
        err = count == 1 ? rd_kafka_ConfigResource_error(found[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
        if (!err)
            rc = copies_read_setting(found[0], "min.insync.replicas", ret_in_sync);
        if (!err && rc == 0 && ret_copies)
            rc = copies_read_setting(found[0], "default.replication.factor", ret_copies);
    }
    if (err)
        rc = kafka_fail(error, client, err, "ask for min.insync.replicas");
    if (answer)
        rd_kafka_event_destroy(answer);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(asked);
    return rc;
}

static int copies_ask_broker(
    struct kafka_client *client, struct topo_kafka_copies *ret_copies, struct mr_error *error)
{
    const struct rd_kafka_metadata *metadata;
    char id[16];
    rd_kafka_resp_err_t err =
        rd_kafka_metadata(client->rk, 0, NULL, &metadata, KAFKA_REQUEST_TIMEOUT_MS);
    if (err)
        return kafka_fail(error, client, err, "ask for the brokers");
    int32_t broker = metadata->broker_cnt > 0 ? metadata->brokers[0].id : -1;
    rd_kafka_metadata_destroy(metadata);
    if (broker < 0)
        return mr_fail(error, MR_UNAVAILABLE, "the cluster names no broker");
    (void)snprintf(id, sizeof id, "%d", (int)broker);
    return copies_ask_settings(
        client, RD_KAFKA_RESOURCE_BROKER, id, &ret_copies->in_sync, &ret_copies->replicas, error);
}

static int copies_ask_topic(
    struct kafka_client *client,
    const char *topic,
    struct topo_kafka_copies *ret_copies,
    struct mr_error *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->rk, topic, NULL);
    if (!handle)
        return mr_fail(error, MR_CONFIG, "\"%s\" is not a topic's name", topic);
    rd_kafka_resp_err_t err =
        rd_kafka_metadata(client->rk, 0, handle, &metadata, KAFKA_REQUEST_TIMEOUT_MS);
    rd_kafka_topic_destroy(handle);
    if (err)
        return kafka_fail(error, client, err, "ask for the replicas of a topic");
    const struct rd_kafka_metadata_topic *found = &metadata->topics[0];
    bool there = metadata->topic_cnt == 1 && !found->err && found->partition_cnt > 0;
    ret_copies->replicas = there ? found->partitions[0].replica_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    if (!there)
        return mr_fail(error, MR_NOT_FOUND, "topic %s cannot be looked at", topic);
    return copies_ask_settings(
        client, RD_KAFKA_RESOURCE_TOPIC, topic, &ret_copies->in_sync, NULL, error);
}

int topo_kafka_ask_copies(
    const struct topo_kafka_options *options,
    const char *topic,
    struct topo_kafka_copies *ret_copies,
    struct mr_error *error)
{
    struct kafka_client client = {0};
    struct topo_kafka_copies copies = {0, 0};
    int rc = kafka_client_open_query(&client, options, error);
    if (rc)
        return rc;
    rc = topic ? copies_ask_topic(&client, topic, &copies, error)
               : copies_ask_broker(&client, &copies, error);
    if (rc == 0)
        *ret_copies = copies;
    kafka_client_close(&client);
    return rc;
}
