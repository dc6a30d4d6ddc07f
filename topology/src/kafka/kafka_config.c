/*
 * kafka_config.c - a company's file of librdkafka's properties: TLS, passwords, and the like.
 *
 * Invariants
 *   1. What is in the file stays there: no text of an error, and no log line, has a value of it.
 *   2. The rights are those of the file that is read: they are asked of the descriptor.
 *   3. A name that the adapter relies on is refused, never overruled.
 */
#include "kafka_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 * 1024, LINE_BYTES_MAX = 4096, LINES_MAX = 1024, NAME_BYTES_MAX = 128 };

/* Exactly-once, the group, or what an outage costs hangs on them. Aliases stand here as well. */
static const char *const owned_names[] = {
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "debug",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "enabled_events",
    "fetch.wait.max.ms",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.protocol.type",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "internal.termination.signal",
    "isolation.level",
    "linger.ms",
    "log_level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "max.poll.interval.ms",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "offset.store.method",
    "partition.assignment.strategy",
    "partitioner",
    "plugin.library.paths",
    "queue.buffering.max.ms",
    "queuing.strategy",
    "request.required.acks",
    "retries",
    "sasl.kerberos.kinit.cmd",
    "session.timeout.ms",
    "topic.blacklist",
    "transaction.timeout.ms",
    "transactional.id",
};

/* Files that hold a secret as this one does. */
static const char *const secret_files[] = {
    "sasl.kerberos.keytab",
    "ssl.key.location",
    "ssl.keystore.location",
};

/* One line: "name=value" with the blanks around both cut off, in place. */
struct config_line {
    const char *path;
    int number;
    char *name;
    char *value;
};

static bool config_contains(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

#define CONFIG_CONTAINS(names, name) config_contains(names, sizeof names / sizeof names[0], name)

/* Ours or root's, and nobody else reads it. Root may use anybody's: no property runs a command. */
static int config_check_rights(const char *path, const struct stat *info, struct mr_error *error)
{
    if (!S_ISREG(info->st_mode))
        return mr_fail(error, MR_CONFIG, "%s is not a file", path);
    uid_t self = geteuid();
    if (self != 0 && info->st_uid != self && info->st_uid != 0)
        return mr_fail(
            error,
            MR_CONFIG,
            "%s belongs to user %ld: it must belong to user %ld, who runs this, or to root",
            path,
            (long)info->st_uid,
            (long)self);
    if (info->st_mode & (S_IRWXG | S_IRWXO))
        return mr_fail(
            error,
            MR_CONFIG,
            "others may read or change %s, which holds secrets: run `chmod 600 %s`",
            path,
            path);
    return 0;
}

/* Never waits, whatever stands at the path. */
static int config_open(const char *path, int *ret_descriptor, struct mr_error *error)
{
    struct stat info;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0)
        return mr_fail(error, MR_CONFIG, "opening %s: %s", path, strerror(errno));
    int rc = fstat(descriptor, &info) == 0
                 ? config_check_rights(path, &info, error)
                 : mr_fail(error, MR_CONFIG, "looking at %s: %s", path, strerror(errno));
    if (rc)
        close(descriptor);
    else
        *ret_descriptor = descriptor;
    return rc;
}

/* The whole file, with a 0 behind it. */
static int config_read(const char *path, char *text, size_t *ret_length, struct mr_error *error)
{
    int descriptor = -1;
    size_t length = 0;
    ssize_t part = 1;
    int rc = config_open(path, &descriptor, error);
    if (rc)
        return rc;
    while (part > 0 && length <= FILE_BYTES_MAX) {
        part = read(descriptor, text + length, FILE_BYTES_MAX + 1 - length);
        length += part > 0 ? (size_t)part : 0;
    }
    int why = errno;
    close(descriptor);
    if (part < 0)
        return mr_fail(error, MR_CONFIG, "reading %s: %s", path, strerror(why));
    if (length > FILE_BYTES_MAX)
        return mr_fail(error, MR_CONFIG, "%s has more than %d bytes", path, (int)FILE_BYTES_MAX);
    if (memchr(text, '\0', length))
        return mr_fail(error, MR_CONFIG, "%s is not a text: it has a byte 0", path);
    text[length] = '\0';
    *ret_length = length;
    return 0;
}

/* -- a line -- */

static int config_refuse(const struct config_line *line, const char *why, struct mr_error *error)
{
    return mr_fail(error, MR_CONFIG, "%s line %d: %s", line->path, line->number, why);
}

static char *config_trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

/* False for a comment and an empty line. */
static bool config_split(struct config_line *line, char *text)
{
    line->name = config_trim(text);
    if (line->name[0] == '\0' || line->name[0] == '#')
        return false;
    char *equals = strchr(line->name, '=');
    line->value = NULL;
    if (!equals)
        return true;
    *equals = '\0';
    line->value = config_trim(equals + 1);
    line->name = config_trim(line->name);
    return true;
}

static int config_check_secret_file(const struct config_line *line, struct mr_error *error)
{
    struct stat info;
    struct mr_error why = {0};
    if (!CONFIG_CONTAINS(secret_files, line->name))
        return 0;
    if (stat(line->value, &info))
        mr_fail(&why, MR_CONFIG, "looking at %s: %s", line->value, strerror(errno));
    else if (config_check_rights(line->value, &info, &why) == 0)
        return 0;
    return config_refuse(line, why.text, error);
}

/* librdkafka's reason repeats the value where it is one of a list, or a number. */
static int
config_set_line(rd_kafka_conf_t *conf, const struct config_line *line, struct mr_error *error)
{
    char text[256];
    if (rd_kafka_conf_set(conf, line->name, line->value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return 0;
    if (strstr(text, line->value))
        snprintf(text, sizeof text, "librdkafka does not take this value of %s", line->name);
    return config_refuse(line, text, error);
}

static int
config_take_line(rd_kafka_conf_t *conf, const struct config_line *line, struct mr_error *error)
{
    char why[NAME_BYTES_MAX + 100];
    if (!line->value || line->name[0] == '\0')
        return config_refuse(line, "this is not name=value", error);
    if (strlen(line->name) >= NAME_BYTES_MAX)
        return config_refuse(line, "the name is too long", error);
    if (strcasecmp(line->name, "bootstrap.servers") == 0 ||
        strcasecmp(line->name, "metadata.broker.list") == 0)
        return config_refuse(line, "brokers are not given here: use --brokers", error);
    snprintf(why, sizeof why, "%s is set by the program: take the line out", line->name);
    if (CONFIG_CONTAINS(owned_names, line->name) || strncasecmp(line->name, "test.", 5) == 0)
        return config_refuse(line, why, error);
    snprintf(why, sizeof why, "%s has no value", line->name);
    if (line->value[0] == '\0')
        return config_refuse(line, why, error);
    int rc = config_check_secret_file(line, error);
    return rc ? rc : config_set_line(conf, line, error);
}

/* Ends at the first line that is refused. */
static int
config_take_lines(rd_kafka_conf_t *conf, const char *path, char *text, struct mr_error *error)
{
    struct config_line line = {.path = path};
    int rc = 0;
    while (text && rc == 0) {
        char *next = strchr(text, '\n');
        line.number++;
        if (next)
            *next++ = '\0';
        if (line.number > LINES_MAX)
            rc = config_refuse(&line, "the file has too many lines", error);
        else if (strlen(text) > LINE_BYTES_MAX)
            rc = config_refuse(&line, "the line is too long", error);
        else if (config_split(&line, text))
            rc = config_take_line(conf, &line, error);
        text = next;
    }
    return rc;
}

int kafka_config_apply(rd_kafka_conf_t *conf, const char *path, struct mr_error *error)
{
    char text[FILE_BYTES_MAX + 2];
    size_t length = 0;
    int rc = config_read(path, text, &length, error);
    rc = rc ? rc : config_take_lines(conf, path, text, error);
    explicit_bzero(text, sizeof text);
    return rc;
}

int topo_kafka_check_config(const char *path, struct mr_error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int rc = kafka_config_apply(conf, path, error);
    rd_kafka_conf_destroy(conf);
    return rc;
}
