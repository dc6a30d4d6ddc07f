/*
 * kafka_member.c - membership of the group: which partitions the worker has, and where the group
 * committed them. Records come by kafka_fetch.c.
 *
 *     NONE --assign--> ASSIGNED --event--> NONE
 *     NONE --revoke--> REVOKED or LOST --event--> SETTLING --settle--> NONE
 *
 * The group waits in SETTLING: librdkafka answers a revocation only when it is unassigned, and that
 * happens when the worker, having committed or aborted, polls again.
 */
#include "kafka_impl.h"

#include <base/alloc.h>

#include <stdio.h>
#include <stdlib.h>

enum { COMMITTED_TIMEOUT_MS = 1000 };

enum member_news { NEWS_NONE, NEWS_ASSIGNED, NEWS_REVOKED, NEWS_LOST, NEWS_SETTLING };

struct kafka_member {
    struct kafka_client client;
    rd_kafka_queue_t *queue;
    struct kafka_fetcher *wake;
    enum member_news news;
    bool closing;

    const char **topics; /* As the engine named them: these pointers go into events. */
    size_t topics_count;
    struct topo_partition *partitions;
    size_t partitions_count;
};

static const char *topic_named(const struct kafka_member *member, const char *name)
{
    for (size_t i = 0; i < member->topics_count; i++)
        if (strcmp(member->topics[i], name) == 0)
            return member->topics[i];
    return NULL;
}

static void
take_assignment(struct kafka_member *member, const rd_kafka_topic_partition_list_t *list)
{
    free(member->partitions);
    member->partitions = mr_calloc((size_t)list->cnt + 1, sizeof *member->partitions);
    member->partitions_count = 0;
    for (int i = 0; i < list->cnt; i++) {
        const char *topic = topic_named(member, list->elems[i].topic);
        if (topic)
            member->partitions[member->partitions_count++] =
                (struct topo_partition){topic, list->elems[i].partition};
    }
}

/* From kafka_member_serve, in the worker's thread. */
static void on_rebalance(
    rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_member *member = opaque;
    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !member->closing) {
        /* The member fetches nothing itself: an empty list, and the group has its answer. */
        rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
        rd_kafka_assign(rk, none);
        rd_kafka_topic_partition_list_destroy(none);
        take_assignment(member, list);
        member->news = NEWS_ASSIGNED;
    } else if (member->closing || member->news == NEWS_ASSIGNED) {
        rd_kafka_assign(rk, NULL); /* The worker never had it. */
        member->news = NEWS_NONE;
    } else {
        member->news = rd_kafka_assignment_lost(rk) ? NEWS_LOST : NEWS_REVOKED;
    }
}

/* Threads: librdkafka's. */
static void on_queue(rd_kafka_t *rk, void *opaque)
{
    struct kafka_member *member = opaque;
    (void)rk;
    kafka_fetcher_wake(member->wake);
}

static rd_kafka_conf_t *member_conf(
    const struct topo_kafka_options *options,
    const struct topo_io_options *io_options,
    struct mr_error *error)
{
    char *instance = mr_asprintf(
        "%s-%s-%d", io_options->application_id, io_options->instance_id, io_options->worker);
    const struct kafka_setting settings[] = {
        {"group.id", io_options->application_id},
        {"group.instance.id", instance},
        {"partition.assignment.strategy", "range"},
        {"session.timeout.ms", "10000"},
        {"heartbeat.interval.ms", "1000"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"isolation.level", "read_committed"}, /* Asks for stable offsets only. */
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf_new(options, settings, error);
    free(instance);
    if (conf)
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    return conf;
}

int kafka_member_new(
    const struct topo_kafka_options *options,
    const struct topo_io_options *io_options,
    struct kafka_member **ret_member,
    struct mr_error *error)
{
    rd_kafka_conf_t *conf = member_conf(options, io_options, error);
    if (!conf)
        return MR_CONFIG;
    struct kafka_member *member = mr_calloc(1, sizeof *member);
    _Static_assert(offsetof(struct kafka_member, client) == 0, "one opaque serves both");
    int rc = kafka_client_open(&member->client, RD_KAFKA_CONSUMER, conf, error);
    if (rc) {
        free(member);
        return rc;
    }
    rd_kafka_poll_set_consumer(member->client.rk);
    member->queue = rd_kafka_queue_get_consumer(member->client.rk);
    *ret_member = member;
    return 0;
}

void kafka_member_wakes(struct kafka_member *member, struct kafka_fetcher *wake)
{
    member->wake = wake;
    rd_kafka_queue_cb_event_enable(member->queue, wake ? on_queue : NULL, member);
}

void kafka_member_free(struct kafka_member *member)
{
    if (!member)
        return;
    member->closing = true;
    kafka_member_wakes(member, NULL);
    if (member->news == NEWS_REVOKED || member->news == NEWS_LOST || member->news == NEWS_SETTLING)
        rd_kafka_assign(member->client.rk, NULL);
    rd_kafka_queue_destroy(member->queue);
    rd_kafka_consumer_close(member->client.rk);
    kafka_client_close(&member->client);
    free(member->topics);
    free(member->partitions);
    free(member);
}

int kafka_member_subscribe(
    struct kafka_member *member, const char *const *topics, size_t count, struct mr_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(member->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err)
        return kafka_fail(error, &member->client, err, "subscribe");
    free(member->topics);
    member->topics = mr_calloc(count + 1, sizeof *member->topics);
    memcpy(member->topics, topics, count * sizeof *topics);
    member->topics_count = count;
    return 0;
}

int kafka_member_serve(struct kafka_member *member, struct mr_error *error)
{
    rd_kafka_message_t *message;
    /* No record ever comes here, only complaints; those that matter are fatal, and stay. */
    while ((message = rd_kafka_consumer_poll(member->client.rk, 0))) {
        if (message->err == RD_KAFKA_RESP_ERR__FATAL)
            member->client.fatal = true;
        rd_kafka_message_destroy(message);
    }
    return member->client.fatal ? kafka_fatal(&member->client, error) : 0;
}

void kafka_member_event(struct kafka_member *member, struct topo_io_poll *ret_poll)
{
    *ret_poll = (struct topo_io_poll){.event = TOPO_IO_NOTHING};
    switch (member->news) {
    case NEWS_ASSIGNED:
        ret_poll->event = TOPO_IO_ASSIGNED;
        ret_poll->partitions = member->partitions;
        ret_poll->partitions_count = member->partitions_count;
        member->news = NEWS_NONE;
        break;
    case NEWS_REVOKED:
    case NEWS_LOST:
        ret_poll->event = member->news == NEWS_LOST ? TOPO_IO_LOST : TOPO_IO_REVOKED;
        member->news = NEWS_SETTLING;
        break;
    case NEWS_NONE:
    case NEWS_SETTLING:
        break;
    }
}

void kafka_member_settle(struct kafka_member *member)
{
    if (member->news != NEWS_SETTLING)
        return;
    rd_kafka_assign(member->client.rk, NULL);
    member->news = NEWS_NONE;
}

int kafka_member_committed(
    struct kafka_member *member,
    const struct topo_partition *partitions,
    size_t count,
    int64_t *ret_next_offsets,
    struct mr_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, partitions[i].topic, partitions[i].partition);
    rd_kafka_resp_err_t err = rd_kafka_committed(member->client.rk, list, COMMITTED_TIMEOUT_MS);
    for (int i = 0; err == 0 && i < list->cnt; i++)
        err = list->elems[i].err;
    for (size_t i = 0; err == 0 && i < count; i++) {
        int64_t offset = list->elems[i].offset;
        ret_next_offsets[i] = offset >= 0 ? offset : -1;
    }
    rd_kafka_topic_partition_list_destroy(list);
    /* librdkafka itself asks again while offsets are unstable, until the time is up. */
    if (err == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return mr_fail(
            error, MR_AGAIN, "the committed offsets are not known yet: a transaction may be open");
    return err ? kafka_fail(error, &member->client, err, "read the committed offsets") : 0;
}

rd_kafka_consumer_group_metadata_t *kafka_member_metadata(struct kafka_member *member)
{
    return rd_kafka_consumer_group_metadata(member->client.rk);
}
