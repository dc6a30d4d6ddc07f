/* kafka_settings.c - compares the settings of topics with what they are to be, and alters some. */
#include "kafka_impl.h"

#include <base/alloc.h>

#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_TIMEOUT_MS = 30000, NAME_BYTES_MAX = 128, SETTINGS_MAX = 32 };

/* One call of the admin API, from request to answer. */
struct question {
    struct kafka_client *client;
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *answer;
};

static struct question question_new(struct kafka_client *client, rd_kafka_admin_op_t operation)
{
    char text[256];
    struct question question = {
        .client = client,
        .queue = rd_kafka_queue_new(client->rk),
        .options = rd_kafka_AdminOptions_new(client->rk, operation),
    };
    rd_kafka_AdminOptions_set_request_timeout(
        question.options, ANSWER_TIMEOUT_MS, text, sizeof text);
    return question;
}

static void question_clean_up(struct question *question)
{
    if (question->answer)
        rd_kafka_event_destroy(question->answer);
    rd_kafka_AdminOptions_destroy(question->options);
    rd_kafka_queue_destroy(question->queue);
}

static int await_answer(struct question *question, const char *what, struct mr_error *error)
{
    question->answer = rd_kafka_queue_poll(question->queue, ANSWER_TIMEOUT_MS + 1000);
    if (!question->answer)
        return mr_fail(error, MR_TIMEOUT, "%s: no answer in %d ms", what, ANSWER_TIMEOUT_MS);
    if (rd_kafka_event_error(question->answer))
        return kafka_fail(error, question->client, rd_kafka_event_error(question->answer), what);
    return 0;
}

/* The broker's verdict on one topic. */
static int
check_verdict(const rd_kafka_ConfigResource_t *resource, const char *what, struct mr_error *error)
{
    rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(resource);
    const char *why = rd_kafka_ConfigResource_error_string(resource);
    if (!err)
        return 0;
    return mr_fail(
        error,
        kafka_code(err),
        "%s of topic %s: %s",
        what,
        rd_kafka_ConfigResource_name(resource),
        why ? why : rd_kafka_err2str(err));
}

/* A topic's settings, and those it gets. */
struct settle {
    topo_kafka_setting_fn *may_alter;
    void *user;
    rd_kafka_ConfigResource_t **altered;
    size_t altered_count;
};

static const char *value_of(const rd_kafka_ConfigEntry_t **entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

/* "name=value" taken apart. */
struct setting {
    char name[NAME_BYTES_MAX];
    const char *value;
};

static int settings_parse(
    const struct topo_kafka_topic *topic,
    const char *config,
    struct setting *ret_setting,
    struct mr_error *error)
{
    const char *equals = strchr(config, '=');
    if (!equals || equals - config >= NAME_BYTES_MAX)
        return mr_fail(error, MR_CONFIG, "topic %s: bad setting \"%s\"", topic->name, config);
    snprintf(ret_setting->name, NAME_BYTES_MAX, "%.*s", (int)(equals - config), config);
    ret_setting->value = equals + 1;
    return 0;
}

static bool is_among(const struct setting *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, name) == 0)
            return true;
    return false;
}

/* Altering replaces all settings of a topic: the others that somebody has given it are
 * given again. */
static rd_kafka_ConfigResource_t *altered_of(
    const struct topo_kafka_topic *topic,
    const rd_kafka_ConfigEntry_t **entries,
    size_t entries_count,
    const struct setting *changes,
    size_t changes_count)
{
    rd_kafka_ConfigResource_t *altered =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name);
    for (size_t i = 0; i < changes_count; i++)
        rd_kafka_ConfigResource_set_config(altered, changes[i].name, changes[i].value);
    for (size_t i = 0; i < entries_count; i++) {
        const rd_kafka_ConfigEntry_t *entry = entries[i];
        const char *name = rd_kafka_ConfigEntry_name(entry);
        if (rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
            !is_among(changes, changes_count, name))
            rd_kafka_ConfigResource_set_config(altered, name, rd_kafka_ConfigEntry_value(entry));
    }
    return altered;
}

static int settle_topic(
    struct settle *settle,
    const struct topo_kafka_topic *topic,
    const rd_kafka_ConfigResource_t *found,
    struct mr_error *error)
{
    struct setting changes[SETTINGS_MAX];
    size_t changes_count = 0;
    size_t entries_count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(found, &entries_count);
    int rc = check_verdict(found, "settings", error);
    for (size_t i = 0; rc == 0 && topic->configs && topic->configs[i]; i++) {
        struct setting *wanted = &changes[changes_count];
        if (changes_count == SETTINGS_MAX)
            return mr_fail(error, MR_TOO_LARGE, "topic %s: too many settings", topic->name);
        rc = settings_parse(topic, topic->configs[i], wanted, error);
        const char *value = rc ? NULL : value_of(entries, entries_count, wanted->name);
        if (value && strcmp(value, wanted->value) != 0)
            changes_count +=
                settle->may_alter(settle->user, topic->name, wanted->name, value, wanted->value);
    }
    if (rc == 0 && changes_count > 0)
        settle->altered[settle->altered_count++] =
            altered_of(topic, entries, entries_count, changes, changes_count);
    return rc;
}

static const rd_kafka_ConfigResource_t *
settings_find(const rd_kafka_ConfigResource_t **resources, size_t count, const char *topic)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigResource_name(resources[i]), topic) == 0)
            return resources[i];
    return NULL;
}

static int settings_compare(
    struct kafka_client *client,
    const struct topo_kafka_topic *topics,
    size_t count,
    struct settle *settle,
    struct mr_error *error)
{
    rd_kafka_ConfigResource_t **asked = mr_calloc(count + 1, sizeof(rd_kafka_ConfigResource_t *));
    struct question question = question_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    for (size_t i = 0; i < count; i++)
        asked[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i].name);
    rd_kafka_DescribeConfigs(client->rk, asked, count, question.options, question.queue);
    int rc = await_answer(&question, "ask for the settings of topics", error);
    if (rc == 0) {
        size_t found_count = 0;
        const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(question.answer), &found_count);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            const rd_kafka_ConfigResource_t *one =
                settings_find(found, found_count, topics[i].name);
            rc = one ? settle_topic(settle, &topics[i], one, error) : 0;
        }
    }
    rd_kafka_ConfigResource_destroy_array(asked, count);
    free(asked);
    question_clean_up(&question);
    return rc;
}

static int
settings_alter(struct kafka_client *client, struct settle *settle, struct mr_error *error)
{
    struct question question = question_new(client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_AlterConfigs(
        client->rk, settle->altered, settle->altered_count, question.options, question.queue);
    int rc = await_answer(&question, "alter the settings of topics", error);
    if (rc == 0) {
        size_t count = 0;
        const rd_kafka_ConfigResource_t **done = rd_kafka_AlterConfigs_result_resources(
            rd_kafka_event_AlterConfigs_result(question.answer), &count);
        for (size_t i = 0; rc == 0 && i < count; i++)
            rc = check_verdict(done[i], "new settings", error);
    }
    question_clean_up(&question);
    return rc;
}

int topo_kafka_settle_topics(
    const struct topo_kafka_options *options,
    const struct topo_kafka_topic *topics,
    size_t count,
    topo_kafka_setting_fn *may_alter,
    void *user,
    struct mr_error *error)
{
    struct kafka_client client = {0};
    struct settle settle = {.may_alter = may_alter, .user = user};
    int rc = kafka_client_open_query(&client, options, error);
    if (rc)
        return rc;
    settle.altered = mr_calloc(count + 1, sizeof(rd_kafka_ConfigResource_t *));
    rc = settings_compare(&client, topics, count, &settle, error);
    if (rc == 0 && settle.altered_count > 0)
        rc = settings_alter(&client, &settle, error);
    rd_kafka_ConfigResource_destroy_array(settle.altered, settle.altered_count);
    free(settle.altered);
    kafka_client_close(&client);
    return rc;
}
