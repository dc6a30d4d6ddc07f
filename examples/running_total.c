/*
 * running_total.c - accounts that may not go below zero: an aggregate with events.
 *     commands --> account --> account.events, account.outcomes; its stores are their folds
 * A command is "ID AMOUNT", its key the account. Sent again, it gets the answer of the first time.
 */
#include "example.h"

#include <inttypes.h>
#include <stdlib.h>

static int64_t read_number(struct mr_arena *arena, struct mr_bytes text)
{
    return strtoll(mr_arena_cstr(arena, text), NULL, 10);
}

/* 1. Bytes to a command. A record that is not one goes to the dead-letter topic. */
static int decode_command(void *user, const struct topo_record *record, struct mr_arena *arena,
    struct topo_command *ret_command, struct mr_error *error)
{
    char *id = (char *)mr_arena_alloc(arena, 65);
    int64_t *amount = (int64_t *)mr_arena_alloc(arena, sizeof *amount);
    if (sscanf(mr_arena_cstr(arena, record->value), "%64s %" SCNd64, id, amount) != 2)
        return mr_fail(error, MR_MALFORMED, "a command is \"ID AMOUNT\"");
    ret_command->id = mr_cstr(id);
    ret_command->message = amount;
    return 0;
}

/* 2. The rule. It reads state and never writes it: what it forwards to events is folded at once. */
static int decide_command(struct topo_context *context, void *user,
    const struct topo_record *record, const struct topo_command *command, void **ret_decision,
    struct mr_error *error)
{
    struct mr_arena *arena = topo_context_arena(context);
    struct topo_store *balances = topo_context_store(context, "balances");
    int64_t amount = *(const int64_t *)command->message;
    bool accepted = read_number(arena, topo_store_get(balances, record->key)) + amount >= 0;
    struct topo_output event = {
        .key = record->key, .value = mr_arena_printf(arena, "%" PRId64, amount)};
    if (accepted)
        topo_forward(context, "events", &event);
    *ret_decision = (void *)(uintptr_t)accepted; /* A rejection is an answer, not an error. */
    return 0;
}

/* 3. The fold: no clock, no output, no refusal, so the same events always give the same state. */
static int evolve_balance(struct topo_context *context, void *user, const struct topo_record *event,
    struct mr_error *error)
{
    struct mr_arena *arena = topo_context_arena(context);
    struct topo_store *balances = topo_context_store(context, "balances");
    int64_t balance = read_number(arena, topo_store_get(balances, event->key));
    balance += read_number(arena, event->value);
    topo_store_put(balances, event->key, mr_arena_printf(arena, "%" PRId64, balance));
    return 0;
}

/* 4. The answer, which the engine remembers under the command's id. */
static int make_outcome(struct topo_context *context, void *user,
    const struct topo_command *command, const void *decision, const struct topo_position *positions,
    size_t positions_count, struct mr_bytes *ret_outcome, struct mr_error *error)
{
    *ret_outcome = mr_cstr(decision ? "accepted" : "rejected");
    return 0;
}

/* 5. Sends the answer to whoever waits: the remembered one when the command came before. */
static int send_reply(struct topo_context *context, void *user, const struct topo_command *command,
    struct mr_bytes outcome, bool replayed, struct mr_error *error)
{
    struct topo_output reply = {.key = command->id, .value = outcome};
    topo_forward(context, "replies", &reply);
    return 0;
}

static int make_topology(struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_log_sink events[] = {{"events", "account.events"}, {NULL, NULL}};
    struct topo_log_sink outcomes[] = {{"outcomes", "account.outcomes"}, {NULL, NULL}};
    struct topo_source commands = {
        .name = "commands", .topics = TOPO_LIST("account.commands"), .partitions = 2};
    struct topo_store_options balances = {.name = "balances", .log = TOPO_LOG_EVENTS};
    struct topo_store_options answers = {.name = "outcomes", .log = TOPO_LOG_EVENTS};
    struct topo_aggregate account = {.name = "account",
        .parents = TOPO_LIST("commands"),
        .stores = TOPO_LIST("balances", "outcomes"),
        .event_sinks = events,
        .outcome_sinks = outcomes,
        .outcome_store = "outcomes",
        .decode = decode_command,
        .decide = decide_command,
        .evolve = evolve_balance,
        .outcome = make_outcome,
        .reply = send_reply};
    struct topo_sink replies = {.name = "replies",
        .parents = TOPO_LIST("account"),
        .topic = "account.replies",
        .partitions = 1};
    struct topo_builder *builder = topo_builder_new("running-total");
    topo_add_source(builder, &commands);
    topo_add_store(builder, &balances);
    topo_add_store(builder, &answers);
    topo_add_aggregate(builder, &account); /* With its two log sinks. */
    topo_add_sink(builder, &replies);
    topo_set_dead_letters(builder, "account.dead-letters");
    return topo_build(builder, ret_topology, error);
}

static int run_on_driver(struct topo_driver *driver, struct mr_error *error)
{
    const char *const *commands = TOPO_LIST("a 100", "b -130", "c -30", "a 100");
    int rc = example_pipe(driver, "account.commands", "ada", commands, error);
    example_print(driver, "account.replies");
    return rc;
}

int main(int argc, char **argv)
{
    return example_main(argc, argv, "running-total", make_topology, run_on_driver, NULL);
}
