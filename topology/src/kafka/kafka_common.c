/* kafka_common.c - clients of librdkafka, their settings, and its errors as ours. */
#include "kafka_impl.h"

#include <base/log.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SYSLOG_WARNING = 4, SCRAM_WORKS_FROM = 0x02060100 };

static const struct kafka_setting common_settings[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},
    {"socket.connection.setup.timeout.ms", "5000"},
    {"broker.address.family", "any"},
    {"log.connection.close", "false"},
    {NULL, NULL},
};

int64_t kafka_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int kafka_conf_set(
    rd_kafka_conf_t *conf, const char *name, const char *value, struct mr_error *error)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        return mr_fail(error, MR_CONFIG, "Kafka setting %s: %s", name, text);
    return 0;
}

/* "name=value"; an empty value gives the library's default back. */
static int set_property(rd_kafka_conf_t *conf, const char *property, struct mr_error *error)
{
    char name[128];
    const char *equals = strchr(property, '=');
    if (!equals || equals == property || (size_t)(equals - property) >= sizeof name)
        return mr_fail(error, MR_CONFIG, "Kafka property \"%s\" is not name=value", property);
    memcpy(name, property, (size_t)(equals - property));
    name[equals - property] = '\0';
    /* A dynamic member is not fenced after a lost session: its commit would carry no generation. */
    if (strcmp(name, "group.instance.id") == 0)
        return mr_fail(error, MR_CONFIG, "Kafka property %s: it is made of --instance", name);
    return kafka_conf_set(conf, name, equals[1] != '\0' ? equals + 1 : NULL, error);
}

static int
set_all(rd_kafka_conf_t *conf, const struct kafka_setting *settings, struct mr_error *error)
{
    for (; settings->name; settings++) {
        int rc = kafka_conf_set(conf, settings->name, settings->value, error);
        if (rc)
            return rc;
    }
    return 0;
}

static int fill_conf(
    rd_kafka_conf_t *conf,
    const struct topo_kafka_options *options,
    const struct kafka_setting *settings,
    struct mr_error *error)
{
    int rc = kafka_conf_set(conf, "bootstrap.servers", options->brokers, error);
    if (rc == 0 && options->client_id)
        rc = kafka_conf_set(conf, "client.id", options->client_id, error);
    if (rc == 0)
        rc = set_all(conf, common_settings, error);
    if (rc == 0)
        rc = set_all(conf, settings, error);
    if (rc == 0 && options->config_file)
        rc = kafka_config_apply(conf, options->config_file, error);
    for (const char *const *property = options->properties; rc == 0 && property && *property;
         property++)
        rc = set_property(conf, *property, error);
    return rc;
}

rd_kafka_conf_t *kafka_conf_new(
    const struct topo_kafka_options *options,
    const struct kafka_setting *settings,
    struct mr_error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (fill_conf(conf, options, settings, error) != 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    return conf;
}

/* Noise: it comes back as an error too, or one set of properties serves both kinds of client. */
static bool log_is_noise(const char *facility)
{
    static const char *const noise[] = {
        "CONFWARN", "TXNERR", "FATAL", "ADDOFFSETS", "ADDPARTS", "GETPID", NULL};
    for (const char *const *name = noise; *name; name++)
        if (strcmp(facility, *name) == 0)
            return true;
    return false;
}

/* Threads: any of librdkafka's. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    char value[512];
    const struct kafka_client *client = rd_kafka_opaque(rk);
    if (level > SYSLOG_WARNING || !client || client->quiet || log_is_noise(facility))
        return;
    snprintf(value, sizeof value, "%s", text);
    for (char *c = value; *c != '\0'; c++)
        if (*c == '"' || *c == '\n')
            *c = '\'';
    /* Never more than a warning: whether it matters is the worker's to say. */
    mr_log(MR_LOG_WARN, "kafka", "facility=%s text=\"%s\"", facility, value);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kafka_client *client = opaque;
    (void)rk;
    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        client->fatal = true;
    } else if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || client->last_error[0] == '\0') {
        snprintf(client->last_error, sizeof client->last_error, "%s", reason);
        client->refused = err == RD_KAFKA_RESP_ERR__SSL ||
                          err == RD_KAFKA_RESP_ERR__AUTHENTICATION || strstr(reason, "SSL alert");
    }
}

/* Keeps why a certificate is not believed: librdkafka's own text always blames the CA.
 * Threads: any of librdkafka's. */
static int on_certificate(
    rd_kafka_t *rk,
    const char *broker,
    int32_t broker_id,
    int *x509_error,
    int depth,
    const char *certificate,
    size_t size,
    char *text,
    size_t text_size,
    void *opaque)
{
    struct kafka_client *client = opaque;
    (void)rk;
    (void)broker;
    (void)broker_id;
    (void)depth;
    (void)certificate;
    (void)size;
    if (*x509_error == 0)
        return 1;
    atomic_store(&client->x509, *x509_error);
    snprintf(text, text_size, "the broker's certificate is not believed");
    return 0;
}

/* By OpenSSL's numbers, which are the same in every version. */
static const char *advice_on_certificate(int x509)
{
    switch (x509) {
    case 9:
        return "the broker's certificate is not valid yet: compare the clocks";
    case 10:
        return "the broker's certificate has expired: whoever runs the broker must renew it";
    case 62:
    case 64:
        return "the broker's certificate is for another host: use a name that it has in --brokers";
    default:
        return "the broker's certificate is not from a CA of ssl.ca.location: name the file with "
               "the broker's CA there";
    }
}

/* Kafka 4 refuses the nonce that older librdkafka sends; its answer is that of a wrong password. */
static bool is_scram_unable(const struct kafka_client *client)
{
    return rd_kafka_version() < SCRAM_WORKS_FROM && strstr(client->last_error, "SCRAM");
}

const char *kafka_advice(struct kafka_client *client)
{
    int x509 = atomic_load(&client->x509);
    if (x509)
        return advice_on_certificate(x509);
    if (strstr(client->last_error, "brokers are down"))
        return "the broker closed the connection: if it asks for TLS there, set security.protocol";
    if (!client->refused)
        return "";
    if (is_scram_unable(client))
        return "SCRAM with Kafka 4 needs librdkafka 2.6.1 or later: use PLAIN over TLS or a client "
               "certificate instead; with an older Kafka, check sasl.username and sasl.password";
    if (strstr(client->last_error, "SSL alert"))
        return "the broker refuses our certificate: is that of ssl.certificate.location expired, "
               "or from a CA that the broker does not know?";
    if (strstr(client->last_error, "SASL") || strstr(client->last_error, "uthentication"))
        return "the broker refuses the user: check sasl.username, sasl.password and "
               "sasl.mechanisms";
    return "check the ssl.* properties";
}

int kafka_client_open(
    struct kafka_client *client,
    rd_kafka_type_t type,
    rd_kafka_conf_t *conf,
    struct mr_error *error)
{
    char text[256];
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate); /* Fails without TLS. */
    client->last_error[0] = '\0';
    client->refused = false;
    atomic_store(&client->x509, 0);
    client->rk = rd_kafka_new(type, conf, text, sizeof text);
    if (!client->rk) {
        rd_kafka_conf_destroy(conf);
        return mr_fail(error, MR_CONFIG, "cannot make a Kafka client: %s", text);
    }
    return 0;
}

int kafka_client_open_query(
    struct kafka_client *client, const struct topo_kafka_options *options, struct mr_error *error)
{
    static const struct kafka_setting settings[] = {
        {"isolation.level", "read_uncommitted"},
        {"allow.auto.create.topics", "false"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf_new(options, settings, error);
    if (!conf)
        return MR_CONFIG;
    client->quiet = true;
    return kafka_client_open(client, RD_KAFKA_CONSUMER, conf, error);
}

void kafka_client_close(struct kafka_client *client)
{
    if (client->rk)
        rd_kafka_destroy(client->rk);
    client->rk = NULL;
}

static bool is_fenced(rd_kafka_resp_err_t err)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    /* The coordinator no longer knows this producer: a new one is the cure. */
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
    case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE:
        return true;
    default:
        return false;
    }
}

/* Errors that another attempt may cure. */
static int code_of_retriable(rd_kafka_resp_err_t err)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return MR_TIMEOUT;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
        return MR_UNAVAILABLE;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__CONFLICT:
    case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
        return MR_AGAIN;
    default:
        return 0;
    }
}

/* The code's class decides what the engine does (base/error.h). An error that is not listed
 * stops it. */
int kafka_code(rd_kafka_resp_err_t err)
{
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    if (is_fenced(err))
        return MR_FENCED;
    int code = code_of_retriable(err);
    if (code)
        return code;
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        return MR_TOO_LARGE;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__NO_OFFSET:
        return MR_NOT_FOUND;
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
        return MR_INVALID;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
        return MR_CONFIG;
    default:
        return MR_FATAL;
    }
}

/* "" when the error is not one of rights. */
static const char *advice_on_right(rd_kafka_resp_err_t err)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return "an ACL of the cluster must allow this to our user";
    default:
        return "";
    }
}

int kafka_fail(
    struct mr_error *error, struct kafka_client *client, rd_kafka_resp_err_t err, const char *what)
{
    int code = kafka_code(err);
    /* A timeout by itself says nothing; the connection's last trouble says why. */
    bool trouble =
        client && client->last_error[0] != '\0' && (code == MR_TIMEOUT || code == MR_UNAVAILABLE);
    const char *advice = trouble ? kafka_advice(client) : advice_on_right(err);
    return mr_fail(
        error,
        code,
        "%s: %s%s%s%s%s",
        what,
        rd_kafka_err2str(err),
        trouble ? ": " : "",
        trouble ? client->last_error : "",
        advice[0] != '\0' ? "; " : "",
        advice);
}

int kafka_fail_txn(struct mr_error *error, rd_kafka_error_t *failure, const char *what)
{
    rd_kafka_resp_err_t err = rd_kafka_error_code(failure);
    int code = kafka_code(err);
    bool fatal = rd_kafka_error_is_fatal(failure);
    bool retry = mr_code_class(code) == MR_CLASS_RETRY;
    if (code == MR_FENCED || code == MR_CONFIG)
        ; /* Only a new owner or an operator helps, whatever librdkafka would do next. */
    else if (!fatal && rd_kafka_error_txn_requires_abort(failure))
        code = MR_ABORTED;
    else if (!fatal && rd_kafka_error_is_retriable(failure))
        code = retry ? code : MR_AGAIN;
    else if (fatal || !retry)
        code = MR_FATAL;
    mr_fail(error, code, "%s: %s", what, rd_kafka_error_string(failure));
    rd_kafka_error_destroy(failure);
    return code;
}

int kafka_fatal(struct kafka_client *client, struct mr_error *error)
{
    char text[256];
    rd_kafka_resp_err_t err = rd_kafka_fatal_error(client->rk, text, sizeof text);
    if (!err)
        return 0;
    return mr_fail(error, is_fenced(err) ? MR_FENCED : MR_FATAL, "%s", text);
}
