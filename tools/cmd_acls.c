/*
 * cmd_acls.c - `millrace acls print`: the rights that each program needs on a Kafka with ACLs.
 *
 * Topics come from schemas/topics.json: its `readers` and `writers` are held against the programs
 * by tests/readers.py. A right to read or write includes the right to describe.
 */
#include "command.h"

#include <schemas/shop.h>
#include <service/registry.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A client that reads partitions by hand asks for this group's coordinator, and never joins. */
#define FETCH_GROUP "millrace-fetch"

#define ACLS_COMMAND                                                                               \
    "kafka-acls.sh --bootstrap-server \"$MILLRACE_BROKERS\" --command-config \"$ADMIN\" --add "    \
    "--allow-principal 'User:%s%s' --operation %s "

enum { NAMES_MAX = 6, INSTANCE_BYTES_MAX = 64 };

/* A program, the names that topics.json has for its parts, and the engines that have a group. */
struct acl_program {
    const char *name;
    const char *parts[NAMES_MAX];
    const char *engines[NAMES_MAX];
    bool reads_all;
    bool sets_up;
};

static const struct acl_program programs[] = {
    {.name = "processors",
     .parts = {"identity", "identity-claim", "catalog", "sales", "payments"},
     .engines = {"identity", "catalog", "sales", "payments"}},
    {.name = "payments", .parts = {"payments-connector"}, .engines = {"payments-connector"}},
    {.name = "command-api", .parts = {"command-api"}},
    {.name = "query-api", .parts = {"query-api"}},
    {.name = "import", .parts = {"import"}, .reads_all = true}, /* It counts what came of it. */
    {.name = "staff", .parts = {"staff"}},
    {.name = "setup", .sets_up = true},
    {.name = "strangers", .reads_all = true},
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

struct acl_printer {
    const char *user_prefix;
    const char *instances;
    bool json;
    int count;
    const struct acl_program *program;
};

struct acl_right {
    const char *resource; /* "topic", "group", "transactional-id" or "cluster" */
    const char *name;
    bool prefixed;
    const char *operation;
};

/* One line, since rights are granted and looked through one by one. */
static void acls_print_one(struct acl_printer *printer, struct acl_right right)
{
    const char *pattern = right.prefixed ? "prefixed" : "literal";
    if (printer->json)
        printf(
            "%s\n  {\"program\": \"%s\", \"principal\": \"User:%s%s\", \"host\": \"*\", "
            "\"permission\": \"allow\", \"operation\": \"%s\", \"resource\": \"%s\", "
            "\"pattern\": \"%s\", \"name\": \"%s\"}",
            printer->count ? "," : "[",
            printer->program->name,
            printer->user_prefix,
            printer->program->name,
            right.operation,
            right.resource,
            pattern,
            right.name);
    else if (strcmp(right.resource, "cluster") == 0)
        printf(
            ACLS_COMMAND "--cluster\n",
            printer->user_prefix,
            printer->program->name,
            right.operation);
    else
        printf(
            ACLS_COMMAND "--%s '%s' --resource-pattern-type %s\n",
            printer->user_prefix,
            printer->program->name,
            right.operation,
            right.resource,
            right.name,
            pattern);
    printer->count++;
}

static void acls_print_topic(struct acl_printer *printer, const char *topic, const char *operation)
{
    acls_print_one(printer, (struct acl_right){"topic", topic, false, operation});
}

static bool acls_is_part(const struct acl_program *program, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < NAMES_MAX && program->parts[k]; k++)
            if (strcmp(names[i], program->parts[k]) == 0)
                return true;
    return false;
}

static void acls_print_topics(struct acl_printer *printer)
{
    static const char *const setup[] = {"Create", "Describe", "DescribeConfigs", "AlterConfigs"};
    const struct acl_program *program = printer->program;
    for (size_t i = 0; i < SHOP_TOPIC_COUNT; i++) {
        const struct codec_topic *topic = &shop_topics[i];
        if (program->reads_all || acls_is_part(program, topic->readers, topic->readers_count))
            acls_print_topic(printer, topic->name, "Read");
        if (acls_is_part(program, topic->writers, topic->writers_count))
            acls_print_topic(printer, topic->name, "Write");
        for (size_t k = 0; program->sets_up && k < sizeof setup / sizeof setup[0]; k++)
            acls_print_topic(printer, topic->name, setup[k]);
    }
    acls_print_topic(printer, SHOP_REGISTRY_TOPIC, "Read");
    if (program->sets_up) {
        acls_print_topic(printer, SHOP_REGISTRY_TOPIC, "Create");
        acls_print_topic(printer, SHOP_REGISTRY_TOPIC, "Write");
        acls_print_one(
            printer, (struct acl_right){"cluster", "kafka-cluster", false, "DescribeConfigs"});
    }
}

/* The ids of a transaction are ENGINE-INSTANCE-WORKER-LANE. */
static void acls_print_engine(struct acl_printer *printer, const char *engine)
{
    const char *instance = printer->instances;
    acls_print_one(printer, (struct acl_right){"group", engine, false, "Read"});
    while (*instance != '\0') {
        char prefix[2 * INSTANCE_BYTES_MAX];
        size_t length = strcspn(instance, ",");
        snprintf(prefix, sizeof prefix, "%s-%.*s-", engine, (int)length, instance);
        acls_print_one(printer, (struct acl_right){"transactional-id", prefix, true, "Write"});
        instance += length + (instance[length] == ',');
    }
}

static void acls_print_program(struct acl_printer *printer, const struct acl_program *program)
{
    printer->program = program;
    acls_print_topics(printer);
    acls_print_one(printer, (struct acl_right){"group", FETCH_GROUP, false, "Describe"});
    for (size_t i = 0; i < NAMES_MAX && program->engines[i]; i++)
        acls_print_engine(printer, program->engines[i]);
}

/* Neither a shell nor JSON gives the text a meaning. */
static int acls_check_text(
    const struct mr_options *options, const char *name, const char *also, struct mr_error *error)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *text = mr_options_text(options, name);
    for (size_t i = 0, length = 0; text[i] != '\0'; i++) {
        if (!strchr(plain, text[i]) && !strchr(also, text[i]))
            return mr_fail(error, MR_CONFIG, "--%s: '%c' may not be in it", name, text[i]);
        length = text[i] == ',' ? 0 : length + 1;
        if (length >= INSTANCE_BYTES_MAX)
            return mr_fail(error, MR_CONFIG, "--%s has a name that is too long", name);
    }
    return 0;
}

static int acls_run_print(const struct mr_options *options, struct mr_error *error)
{
    const char *only = mr_options_text(options, "program");
    struct acl_printer printer = {
        .user_prefix = mr_options_text(options, "user-prefix"),
        .instances = mr_options_text(options, "instances"),
        .json = mr_options_switch(options, "json"),
    };
    int rc = acls_check_text(options, "user-prefix", "=@", error);
    rc = rc ? rc : acls_check_text(options, "instances", ",", error);
    if (rc)
        return rc;
    for (size_t i = 0; i < PROGRAMS; i++)
        if (!only || strcmp(only, programs[i].name) == 0)
            acls_print_program(&printer, &programs[i]);
    if (printer.count == 0)
        return mr_fail(
            error,
            MR_CONFIG,
            "--program %s: processors, payments, command-api, query-api, import, staff, setup "
            "or strangers",
            only);
    if (printer.json)
        printf("\n]\n");
    return 0;
}

static const struct mr_option print_options[] = {
    {"program", NULL, "NAME", NULL, "of this one only"},
    {"user-prefix", NULL, "TEXT", "millrace-", "the user of a program is TEXT and its name"},
    {"instances", NULL, "A,B", "0", "each --instance of the programs with transactions"},
    {"json", NULL, NULL, NULL, "as JSON, not as commands"},
};

const struct tool_command tool_acls_print = {
    .words = "acls print",
    .operands = "",
    .purpose = "print the ACLs that each program needs; asks no broker",
    .notes =
        "Programs: processors, payments, command-api, query-api, import (`millrace import`),\n"
        "staff (`millrace product`, `stock`, `order`, `user`), setup (`millrace topics create`, "
        "`millrace\n"
        "schemas`), strangers (`millrace topics strangers`). The commands are for kafka-acls.sh; "
        "ADMIN names its file of properties.\n",
    .options = print_options,
    .options_count = sizeof print_options / sizeof print_options[0],
    .run = acls_run_print,
};
