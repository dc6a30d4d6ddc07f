/* kafka_admin.c - questions to the cluster, and the making of topics. */
#include "kafka_impl.h"

#include <base/alloc.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REFUSED_MS = 2000, CREATE_TIMEOUT_MS = 30000, LOOK_AGAIN_MS = 20, METADATA_STEP_MS = 250 };

/* Kafka replaces a leader that died after 9 s; the clients hear of it some seconds later. */
enum { FAILOVER_TIMEOUT_MS = 20000 };

/* In short calls, with polls between them: what the connection's trouble is comes by the poll, and
 * a broker that is just starting is found when it is there. */
static rd_kafka_resp_err_t metadata_fetch(
    struct kafka_client *client,
    rd_kafka_topic_t *topic, /* NULL: of all that the client knows. */
    int timeout_ms,
    const struct rd_kafka_metadata **ret_metadata)
{
    int64_t until = kafka_clock_ms() + timeout_ms;
    for (;;) {
        int64_t left = until - kafka_clock_ms();
        int step = left < METADATA_STEP_MS ? (int)left : METADATA_STEP_MS;
        rd_kafka_resp_err_t err =
            rd_kafka_metadata(client->rk, 0, topic, ret_metadata, step > 1 ? step : 1);
        if (!err)
            return err;
        rd_kafka_poll(client->rk, 0);
        if (mr_code_class(kafka_code(err)) != MR_CLASS_RETRY || kafka_clock_ms() >= until)
            return err;
    }
}

/* A wrong password or certificate is a configuration's fault: starting again does not help. */
static int ping_fail(
    struct kafka_client *client,
    const struct topo_kafka_options *options,
    rd_kafka_resp_err_t failure,
    struct mr_error *error)
{
    const char *advice = kafka_advice(client);
    const char *trouble = client->last_error;
    return mr_fail(
        error,
        client->refused ? MR_CONFIG : MR_UNAVAILABLE,
        "no Kafka broker answers at %s: %s%s%s",
        options->brokers,
        trouble[0] != '\0' ? trouble : rd_kafka_err2str(failure),
        advice[0] != '\0' ? "; " : "",
        advice);
}

int topo_kafka_ping(
    const struct topo_kafka_options *options, int timeout_ms, struct mr_error *error)
{
    struct kafka_client client = {0};
    const struct rd_kafka_metadata *metadata;
    int rc = kafka_client_open_query(&client, options, error);
    if (rc)
        return rc;
    int64_t until = kafka_clock_ms() + timeout_ms;
    rd_kafka_resp_err_t failure;
    do { /* Topics do not matter: the answer itself does. */
        failure = metadata_fetch(&client, NULL, METADATA_STEP_MS, &metadata);
        if (failure && client.refused && until > kafka_clock_ms() + REFUSED_MS)
            until = kafka_clock_ms() + REFUSED_MS; /* Waiting seldom helps. */
    } while (failure && kafka_clock_ms() < until);
    if (failure)
        rc = ping_fail(&client, options, failure, error);
    else
        rd_kafka_metadata_destroy(metadata);
    kafka_client_close(&client);
    return rc;
}

/* -- questions -- */

/* The count, and whether each partition has a leader. */
static int ask_topic(
    struct kafka_client *client,
    const char *topic,
    int32_t *ret_count,
    bool *ret_led,
    struct mr_error *error)
{
    const struct rd_kafka_metadata *metadata;
    char what[300];
    snprintf(what, sizeof what, "ask for topic %s", topic);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->rk, topic, NULL);
    if (!handle)
        return mr_fail(error, MR_CONFIG, "\"%s\" is not a topic's name", topic);
    rd_kafka_resp_err_t err = metadata_fetch(client, handle, KAFKA_REQUEST_TIMEOUT_MS, &metadata);
    rd_kafka_topic_destroy(handle);
    if (err)
        return kafka_fail(error, client, err, what);
    const struct rd_kafka_metadata_topic *found = &metadata->topics[0];
    bool led = metadata->topic_cnt == 1 && found->err == 0;
    int32_t count = metadata->topic_cnt == 1 ? found->partition_cnt : 0;
    rd_kafka_resp_err_t refused = metadata->topic_cnt == 1 ? found->err : 0;
    for (int i = 0; led && i < found->partition_cnt; i++)
        led = found->partitions[i].leader >= 0;
    rd_kafka_metadata_destroy(metadata);
    if (refused == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        count = 0;
    else if (refused && refused != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        return kafka_fail(error, client, refused, what);
    *ret_count = count;
    *ret_led = led;
    return 0;
}

int kafka_query_partitions(
    struct kafka_client *client, const char *topic, int32_t *ret_count, struct mr_error *error)
{
    bool led;
    return ask_topic(client, topic, ret_count, &led, error);
}

/* The topic's handle goes, the topic stays with the client. */
bool kafka_know_topic(struct kafka_client *client, const char *topic)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->rk, topic, NULL);
    if (handle)
        rd_kafka_topic_destroy(handle);
    return handle;
}

/* The first of the client's topics that is not led whole; NULL: none. */
static const char *first_not_led(const struct rd_kafka_metadata *metadata)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        bool led = topic->err == 0 && topic->partition_cnt > 0;
        for (int k = 0; led && k < topic->partition_cnt; k++)
            led = topic->partitions[k].leader >= 0;
        if (!led)
            return topic->topic;
    }
    return NULL;
}

int kafka_await_leaders(struct kafka_client *client, int timeout_ms, struct mr_error *error)
{
    int64_t until = kafka_clock_ms() + timeout_ms;
    for (;;) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_resp_err_t err = metadata_fetch(client, NULL, timeout_ms, &metadata);
        if (err)
            return kafka_fail(error, client, err, "ask who leads the topics to be written");
        const char *missing = first_not_led(metadata);
        bool over = missing && kafka_clock_ms() >= until;
        if (over)
            mr_fail(error, MR_TIMEOUT, "topic %s has no leader yet", missing);
        rd_kafka_metadata_destroy(metadata);
        if (over)
            return MR_TIMEOUT;
        if (!missing)
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_MS * 1000000L}, NULL);
    }
}

/* librdkafka's word for a partition that does not exist and for one that nobody leads just now. The
 * second is a matter of time. */
static rd_kafka_resp_err_t
classify_unknown_partition(struct kafka_client *client, struct topo_partition partition)
{
    int32_t count = 0;
    bool led = false;
    bool exists =
        ask_topic(client, partition.topic, &count, &led, NULL) == 0 && partition.partition < count;
    return exists ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE : RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* One end of a partition: `which` is RD_KAFKA_OFFSET_BEGINNING or _END. The time of
 * rd_kafka_query_watermark_offsets bounds its look for the leader only: a question that waits for a
 * broker that died never ends. This one keeps its time. */
static rd_kafka_resp_err_t ask_end(
    struct kafka_client *client,
    struct topo_partition partition,
    int64_t which,
    int64_t *ret_offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *asked =
        rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition);
    asked->offset = which;
    rd_kafka_resp_err_t err =
        rd_kafka_offsets_for_times(client->rk, list, KAFKA_REQUEST_TIMEOUT_MS);
    if (!err)
        err = asked->err;
    if (err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        err = classify_unknown_partition(client, partition);
    if (!err)
        *ret_offset = asked->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return err;
}

int kafka_query_watermarks(
    struct kafka_client *client,
    struct topo_partition partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    int64_t low = -1;
    int64_t high = -1;
    char what[300];
    if (!kafka_know_topic(client, partition.topic))
        return mr_fail(error, MR_CONFIG, "\"%s\" is not a topic's name", partition.topic);
    rd_kafka_resp_err_t err = ask_end(client, partition, RD_KAFKA_OFFSET_BEGINNING, &low);
    if (!err)
        err = ask_end(client, partition, RD_KAFKA_OFFSET_END, &high);
    if (err) {
        rd_kafka_poll(client->rk, 0);
        snprintf(
            what, sizeof what, "ask for the ends of %s-%d", partition.topic, partition.partition);
        return kafka_fail(error, client, err, what);
    }
    *ret_low = low;
    *ret_high = high;
    return 0;
}

int kafka_query_settled_watermarks(
    struct kafka_client *client,
    struct topo_partition partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    int64_t began = kafka_clock_ms();
    for (;;) {
        int rc = kafka_query_watermarks(client, partition, ret_low, ret_high, error);
        int64_t patience = 0;
        if (mr_code_class(rc) == MR_CLASS_POISON)
            patience = KAFKA_REQUEST_TIMEOUT_MS;
        else if (mr_code_class(rc) == MR_CLASS_RETRY)
            patience = FAILOVER_TIMEOUT_MS;
        if (kafka_clock_ms() - began >= patience)
            return rc;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_MS * 1000000L}, NULL);
    }
}

int topo_kafka_partitions(
    const struct topo_kafka_options *options,
    const char *topic,
    int32_t *ret_count,
    struct mr_error *error)
{
    struct kafka_client client = {0};
    int rc = kafka_client_open_query(&client, options, error);
    if (rc == 0)
        rc = kafka_query_partitions(&client, topic, ret_count, error);
    kafka_client_close(&client);
    return rc;
}

int topo_kafka_watermarks(
    const struct topo_kafka_options *options,
    const char *topic,
    int32_t partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    struct kafka_client client = {0};
    int rc = kafka_client_open_query(&client, options, error);
    if (rc == 0)
        rc = kafka_query_settled_watermarks(
            &client, (struct topo_partition){topic, partition}, ret_low, ret_high, error);
    kafka_client_close(&client);
    return rc;
}

struct ends {
    struct topo_kafka_end *array;
    size_t count;
    size_t capacity;
};

static int
add_ends(struct kafka_client *client, const char *topic, struct ends *ends, struct mr_error *error)
{
    int32_t partitions = 0;
    int rc = kafka_query_partitions(client, topic, &partitions, error);
    for (int32_t i = 0; rc == 0 && i < partitions; i++) {
        struct topo_kafka_end end = {.topic = topic, .partition = i};
        int64_t low;
        rc = kafka_query_settled_watermarks(
            client, (struct topo_partition){topic, i}, &low, &end.offset, error);
        ends->array = mr_grow(ends->array, ends->count, &ends->capacity, sizeof *ends->array);
        ends->array[ends->count++] = end;
    }
    return rc;
}

int topo_kafka_ends(
    const struct topo_kafka_options *options,
    const char *const *topics,
    size_t topics_count,
    struct topo_kafka_end **ret_ends,
    size_t *ret_count,
    struct mr_error *error)
{
    struct kafka_client client = {0};
    struct ends ends = {0};
    int rc = kafka_client_open_query(&client, options, error);
    for (size_t i = 0; rc == 0 && i < topics_count; i++)
        rc = add_ends(&client, topics[i], &ends, error);
    kafka_client_close(&client);
    if (rc) {
        free(ends.array);
        return rc;
    }
    *ret_ends = ends.array;
    *ret_count = ends.count;
    return 0;
}

/* -- making topics -- */

static int new_topic(
    const struct topo_kafka_topic *topic, rd_kafka_NewTopic_t **ret_new, struct mr_error *error)
{
    char text[256];
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, -1, text, sizeof text);
    if (!wanted)
        return mr_fail(error, MR_CONFIG, "topic %s: %s", topic->name, text);
    for (const char *const *config = topic->configs; config && *config; config++) {
        const char *equals = strchr(*config, '=');
        char *name = mr_strdup(*config);
        rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__INVALID_ARG;
        if (equals) {
            name[equals - *config] = '\0';
            err = rd_kafka_NewTopic_set_config(wanted, name, equals + 1);
        }
        free(name);
        if (err) {
            rd_kafka_NewTopic_destroy(wanted);
            return mr_fail(error, MR_CONFIG, "topic %s: bad setting \"%s\"", topic->name, *config);
        }
    }
    *ret_new = wanted;
    return 0;
}

/* The broker's verdict on each; one that somebody else made meanwhile is fine. */
static int
read_verdicts(const rd_kafka_CreateTopics_result_t *result, int *created, struct mr_error *error)
{
    size_t count;
    const rd_kafka_topic_result_t **verdicts = rd_kafka_CreateTopics_result_topics(result, &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(verdicts[i]);
        const char *why = rd_kafka_topic_result_error_string(verdicts[i]);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            ++*created;
        else if (err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return mr_fail(
                error,
                kafka_code(err),
                "create topic %s: %s",
                rd_kafka_topic_result_name(verdicts[i]),
                why ? why : rd_kafka_err2str(err));
    }
    return 0;
}

static int admin_create(
    struct kafka_client *client,
    rd_kafka_NewTopic_t **wanted,
    size_t count,
    int *created,
    struct mr_error *error)
{
    char text[256];
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d", CREATE_TIMEOUT_MS);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_operation_timeout(options, CREATE_TIMEOUT_MS, text, sizeof text);
    rd_kafka_AdminOptions_set_request_timeout(options, CREATE_TIMEOUT_MS, text, sizeof text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->rk);
    rd_kafka_CreateTopics(client->rk, wanted, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CREATE_TIMEOUT_MS + 1000);
    int rc;
    if (!event)
        rc = mr_fail(error, MR_TIMEOUT, "create topics: no answer in %s ms", timeout);
    else if (rd_kafka_event_error(event))
        rc = kafka_fail(error, client, rd_kafka_event_error(event), "create topics");
    else
        rc = read_verdicts(rd_kafka_event_CreateTopics_result(event), created, error);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    return rc;
}

static int
check_count(const struct topo_kafka_topic *topic, int32_t existing, struct mr_error *error)
{
    if (existing == topic->partitions)
        return 0;
    return mr_fail(
        error,
        MR_CONFLICT,
        "topic %s has %d partitions, not %d",
        topic->name,
        (int)existing,
        (int)topic->partitions);
}

/* Creates what is missing of `topics`; `wanted` has room for all. */
static int create_missing(
    struct kafka_client *client,
    const struct topo_kafka_topic *topics,
    size_t count,
    rd_kafka_NewTopic_t **wanted,
    int *created,
    struct mr_error *error)
{
    size_t missing = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int32_t existing = 0;
        rc = kafka_query_partitions(client, topics[i].name, &existing, error);
        if (rc == 0 && existing > 0)
            rc = check_count(&topics[i], existing, error);
        else if (rc == 0)
            rc = new_topic(&topics[i], &wanted[missing], error);
        if (rc == 0 && existing == 0)
            missing++;
    }
    if (rc == 0 && missing > 0)
        rc = admin_create(client, wanted, missing, created, error);
    rd_kafka_NewTopic_destroy_array(wanted, missing);
    return rc;
}

static int wait_for_leaders(
    struct kafka_client *client, const struct topo_kafka_topic *topic, struct mr_error *error)
{
    int64_t until = kafka_clock_ms() + CREATE_TIMEOUT_MS;
    for (;;) {
        int32_t existing = 0;
        bool led = false;
        int rc = ask_topic(client, topic->name, &existing, &led, error);
        if (rc)
            return rc;
        if (led && existing > 0)
            return check_count(topic, existing, error);
        if (kafka_clock_ms() >= until)
            return mr_fail(error, MR_TIMEOUT, "topic %s has no leader yet", topic->name);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_MS * 1000000L}, NULL);
    }
}

int topo_kafka_create_topics(
    const struct topo_kafka_options *options,
    const struct topo_kafka_topic *topics,
    size_t count,
    int *ret_created,
    struct mr_error *error)
{
    struct kafka_client client = {0};
    int created = 0;
    int rc = kafka_client_open_query(&client, options, error);
    if (rc)
        return rc;
    rd_kafka_NewTopic_t **wanted = mr_calloc(count + 1, sizeof *wanted);
    rc = create_missing(&client, topics, count, wanted, &created, error);
    for (size_t i = 0; rc == 0 && created > 0 && i < count; i++)
        rc = wait_for_leaders(&client, &topics[i], error);
    free(wanted);
    kafka_client_close(&client);
    if (rc == 0 && ret_created)
        *ret_created = created;
    return rc;
}
