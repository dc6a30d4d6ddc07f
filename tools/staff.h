/*
 * staff.h - what the commands of the shop's staff share: a command is sent to the log as an
 * operator's, and its outcome is waited for and printed in words; a thing is read from its events.
 *
 * A command's id is made of the operator, the words of the command and the key (--key), so that the
 * same command with the same key is decided once, and its outcome printed again.
 *
 * Threads  One, and the producer's own for the delivery report.
 */
#ifndef TOOLS_STAFF_H
#define TOOLS_STAFF_H

#include "command.h"

#include <processors/ids.h>
#include <schemas/codec.h>

struct staff {
    const struct mr_options *options;
    const char *words; /* "product price" */
    struct topo_kafka_options kafka;
    struct codec_registry *registry;
    struct mr_arena arena;   /* As long as the command. */
    struct mr_arena scratch; /* Reset after each record. */
    struct mr_bytes principal;
    struct mr_bytes key;
    struct mr_bytes reason; /* NULL: none. */
    int64_t now_ms;
    int64_t give_up_ms;    /* On the monotonic clock. */
    struct mr_bytes asked; /* The request, where the command has more; NULL: the command is it. */
    bool json;
    bool expects_version; /* The version that it was made of; --if-version has precedence. */
    int64_t expected_version;
};

/* Options of all commands of the staff, and of those that change something. */
#define STAFF_OPTIONS                                                                              \
    TOOL_KAFKA_OPTIONS,                                                                            \
        {"timeout", NULL, "SECONDS", "15", "how long to wait for Kafka and for the outcome"},      \
    {                                                                                              \
        "json", NULL, NULL, NULL, "print JSON"                                                     \
    }
#define STAFF_CHANGE_OPTIONS                                                                       \
    STAFF_OPTIONS,                                                                                 \
        {"operator", "MILLRACE_OPERATOR", "NAME", NULL, "who does it (default: the login name)"},  \
        {"key", NULL, "TEXT", NULL, "names this act: the same again changes nothing twice"},       \
        {"if-version", NULL, "N", NULL, "refuse unless it is at this version"},                    \
    {                                                                                              \
        "reason", NULL, "TEXT", NULL, "why; kept in the event"                                     \
    }

#define STAFF_EXIT_NOTES                                                                           \
    "Exit code 3: the shop refused it, and says why. Exit code 4: no outcome came in time; the\n"  \
    "message says how to ask again without doing it twice.\n"

/* Checks the common options, runs `run` and cleans up. Returns what `run` returns: 0, a
 * code, or an exit code above 0. */
int staff_run(
    const struct mr_options *options, const char *words, staff_run_fn *run, struct mr_error *error);

/* Once; staff_send and staff_read do it, too. */
int staff_connect(struct staff *staff, struct mr_error *error);

/* The value of an option as text of 1 to `max` bytes of UTF-8; NULL view: not given. EXIT_USAGE
 * names the option. */
int staff_text(
    const struct staff *staff,
    const char *option,
    size_t max,
    struct mr_bytes *ret_text,
    struct mr_error *error);

/* "12.50" in a currency's smallest unit, above 0. EXIT_USAGE: it is none. */
int staff_amount(
    const char *option,
    struct mr_bytes text,
    struct mr_bytes currency,
    int64_t *ret_minor,
    struct mr_error *error);

/* "12.50 EUR", in the arena. */
struct mr_bytes staff_money(struct mr_arena *arena, const struct shop_money *money);

/* "2026-09-01 10:15:00" in UTC, in the arena. */
struct mr_bytes staff_time(struct mr_arena *arena, int64_t unix_ms);

/* Says that an option is needed. Returns EXIT_USAGE. */
int staff_refuse_missing(const char *option, struct mr_error *error);

/* A SKU as the catalogue writes it: in capitals. */
struct mr_bytes staff_sku(struct staff *staff, const char *operand);

/* "prd_..." of an operand that is an id or a SKU. */
struct mr_bytes staff_product_id(struct staff *staff, const char *operand);

/* -- staff_send.c -- */

/* Fills the meta at the head of `command`, sends it, waits, and prints what became of it. 0:
 * accepted. EXIT_REFUSED, EXIT_UNKNOWN: `error` has the sentence. */
int staff_send(
    struct staff *staff,
    const char *topic,
    struct mr_bytes key,
    enum shop_type type,
    void *command,
    struct mr_error *error);

/* -- staff_read.c -- */

/* `key` is the record's. */
typedef void staff_take_fn(
    void *user,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes key);

/* Every committed event of an aggregate, from the first to the newest, of one partition. A subject
 * that is a NULL view: of all aggregates. With `keeps` what `take` gets lives as long as the
 * command, else until take returns. MR_CONFIG: the topic is not there. */
int staff_read(
    struct staff *staff,
    const char *topic,
    int32_t partition,
    struct mr_bytes subject,
    bool keeps,
    staff_take_fn *take,
    void *user,
    struct mr_error *error);
int32_t staff_partitions(struct staff *staff, const char *topic, struct mr_error *error);

/* The events of a thing: who did what when and why, a line or JSON object for each event. */
struct staff_history {
    struct staff *staff;
    struct staff_deed {
        const char *event; /* "PriceChanged" */
        int64_t at;
        int64_t version;
        struct mr_bytes actor_kind, actor_id, reason, detail;
    } * deeds;
    size_t count;
    size_t capacity;
};

void staff_history_add(
    struct staff_history *history,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes detail);
void staff_history_print(const struct staff_history *history);
struct json_w;
void staff_history_write(const struct staff_history *history, struct json_w *w);
void staff_history_clean_up(struct staff_history *history);

/* -- cmd_product.c -- */

/* A product as its events have it. */
struct staff_product {
    struct staff_history history;
    bool exists;
    struct mr_bytes sku, title, description;
    const struct mr_bytes *category_ids;
    size_t category_ids_count;
    struct shop_money price;
    int64_t price_version;
    int64_t version;
    int status; /* enum shop_product_status */
};

int staff_read_product(
    struct staff *staff,
    struct mr_bytes product_id,
    struct staff_product *ret_product,
    struct mr_error *error);

#endif
