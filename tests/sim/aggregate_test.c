/*
 * aggregate_test.c - what aggregate.h promises: an outcome topic per command topic, one answer per
 * id, and stores that are written only where restore would write them again.
 */
#include <tests/cmocka.h>

#include "world.h"

#include <topology/aggregate.h>
#include <topology/driver.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- a ledger: "ID" by one of two command topics adds one entry to the page it is keyed by -- */

static int page_decode(
    void *user,
    const struct topo_record *record,
    struct mr_arena *arena,
    struct topo_command *ret_command,
    struct mr_error *error)
{
    (void)user, (void)arena, (void)error;
    *ret_command = (struct topo_command){.id = record->value, .message = record};
    return 0;
}

static void page_put(struct topo_context *context, const char *store, struct mr_bytes key)
{
    topo_store_put(topo_context_store(context, store), key, mr_cstr("1"));
}

static int page_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)user, (void)error;
    const struct topo_output event = {.key = record->key, .value = command->id};
    page_put(context, "drafts", record->key);
    topo_forward(context, "entries", &event);
    *ret_decision = (void *)(uintptr_t)record;
    return 0;
}

static int page_evolve(
    struct topo_context *context,
    void *user,
    const struct topo_record *event,
    struct mr_error *error)
{
    (void)user, (void)error;
    struct topo_store *pages = topo_context_store(context, "pages");
    struct mr_bytes page = topo_store_get(pages, event->key);
    topo_store_put(
        pages,
        event->key,
        mr_arena_printf(
            topo_context_arena(context), "%.*s%.*s ", MR_ARG(page), MR_ARG(event->value)));
    return 0;
}

static int page_outcome(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    const void *decision,
    const struct topo_position *positions,
    size_t positions_count,
    struct mr_bytes *ret_outcome,
    struct mr_error *error)
{
    (void)user, (void)decision, (void)error;
    assert_int_equal(positions_count, 1);
    *ret_outcome = mr_arena_printf(
        topo_context_arena(context),
        "%.*s@%lld",
        MR_ARG(command->id),
        (long long)positions[0].next_offset);
    return 0;
}

static int page_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes bytes,
    bool replayed,
    struct mr_error *error)
{
    (void)user, (void)error;
    const struct topo_output output = {
        .key = command->id,
        .value = mr_arena_printf(
            topo_context_arena(context), "%.*s%s", MR_ARG(bytes), replayed ? " again" : ""),
    };
    topo_forward(context, "replies", &output);
    return 0;
}

static const struct topo_log_sink entries_sink[] = {{"entries", "ledger.events"}, {NULL, NULL}};
static const struct topo_log_sink outcome_sinks[] = {
    {"bill-outcomes", "bills.outcomes"},
    {"note-outcomes", "notes.outcomes"},
    {NULL, NULL},
};
static const struct topo_log_sink one_outcome_sink[] = {
    {"bill-outcomes", "bills.outcomes"},
    {NULL, NULL},
};

static const struct topo_aggregate good_ledger = {
    .name = "ledger",
    .parents = TOPO_LIST("bills", "notes"),
    .stores = TOPO_LIST("pages", "drafts", "outcomes"),
    .event_sinks = entries_sink,
    .outcome_sinks = outcome_sinks,
    .outcome_store = "outcomes",
    .decode = page_decode,
    .decide = page_decide,
    .evolve = page_evolve,
    .outcome = page_outcome,
    .reply = page_reply,
};

static struct topo_topology *make_topology(const struct topo_aggregate *ledger)
{
    struct topo_builder *builder = topo_builder_new("ledger");
    topo_add_source(
        builder, &(struct topo_source){.name = "bills", .topics = TOPO_LIST("bills.commands")});
    topo_add_source(
        builder, &(struct topo_source){.name = "notes", .topics = TOPO_LIST("notes.commands")});
    const struct topo_store_options stores[] = {
        {.name = "pages", .log = TOPO_LOG_EVENTS},
        {.name = "outcomes", .log = TOPO_LOG_EVENTS},
        {.name = "drafts", .log = TOPO_LOG_CHANGELOG, .changelog_topic = "drafts.changelog"},
    };
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        topo_add_store(builder, &stores[i]);
    topo_add_aggregate(builder, ledger);
    const struct topo_sink sinks[] = {
        {"replies", TOPO_LIST("ledger"), "ledger.replies", TOPO_PARTITION_BY_KEY, 0},
    };
    for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++)
        topo_add_sink(builder, &sinks[i]);
    topo_set_dead_letters(builder, "ledger.dead");
    return world_build(builder);
}

static void send_command(struct world *world, const char *topic, const char *page, const char *id)
{
    struct mr_error error = {0};
    if (topo_driver_pipe(world->driver, topic, mr_cstr(page), mr_cstr(id), &error))
        fail_msg("%s", error.text);
}

/* The topic's next record is this one; NULL: there is none. */
static void assert_next(struct world *world, const char *topic, const char *value)
{
    struct topo_record record = {0};
    bool found = topo_driver_read(world->driver, topic, &record);
    if (found != (value != NULL) || (found && !mr_bytes_equal(record.value, mr_cstr(value))))
        fail_msg(
            "%s: %.*s, not %s",
            topic,
            MR_ARG(record.value),
            value ? value : "the end of the topic");
}

static void assert_page(struct world *world, const char *page, const char *entries)
{
    struct topo_store *pages = topo_driver_store(world->driver, "pages", 0);
    assert_true(mr_bytes_equal(topo_store_get(pages, mr_cstr(page)), mr_cstr(entries)));
}

/* -- outcomes -- */

static void outcomes_go_to_the_topic_of_the_source_the_command_came_by(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(&good_ledger), NULL);
    send_command(&world, "bills.commands", "p", "b1");
    send_command(&world, "notes.commands", "p", "n1");
    send_command(&world, "bills.commands", "p", "b2");
    assert_next(&world, "bills.outcomes", "b1@1");
    assert_next(&world, "bills.outcomes", "b2@5");
    assert_next(&world, "bills.outcomes", NULL);
    assert_next(&world, "notes.outcomes", "n1@3");
    assert_next(&world, "notes.outcomes", NULL);
    assert_page(&world, "p", "b1 n1 b2 ");
    world_close(&world);
}

static void an_id_is_answered_once_by_whichever_topic_it_comes_and_after_a_crash_too(void **state)
{
    (void)state;
    struct world world = world_open(make_topology(&good_ledger), NULL);
    send_command(&world, "bills.commands", "p", "b1");
    send_command(&world, "notes.commands", "p", "n1");
    for (int life = 0; life < 2; life++) {
        send_command(&world, "bills.commands", "p", "b1");
        send_command(&world, "notes.commands", "p", "n1");
        send_command(&world, "notes.commands", "p", "b1");
        assert_int_equal(topo_driver_crash(world.driver, NULL), 0);
    }
    assert_next(&world, "ledger.replies", "b1@1");
    assert_next(&world, "ledger.replies", "n1@3");
    for (int life = 0; life < 2; life++) {
        assert_next(&world, "ledger.replies", "b1@1 again");
        assert_next(&world, "ledger.replies", "n1@3 again");
        assert_next(&world, "ledger.replies", "b1@1 again");
    }
    assert_next(&world, "bills.outcomes", "b1@1");
    assert_next(&world, "bills.outcomes", NULL);
    assert_next(&world, "notes.outcomes", "n1@3");
    assert_next(&world, "notes.outcomes", NULL);
    assert_page(&world, "p", "b1 n1 ");
    world_close(&world);
}

static void one_outcome_sink_serves_all_sources(void **state)
{
    (void)state;
    struct topo_aggregate ledger = good_ledger;
    ledger.outcome_sinks = one_outcome_sink;
    struct world world = world_open(make_topology(&ledger), NULL);
    send_command(&world, "bills.commands", "p", "b1");
    send_command(&world, "notes.commands", "p", "n1");
    assert_next(&world, "bills.outcomes", "b1@1");
    assert_next(&world, "bills.outcomes", "n1@3");
    assert_int_equal(topo_sim_partitions(topo_driver_sim(world.driver), "notes.outcomes"), 0);
    world_close(&world);
}

/* -- what is asserted -- */

static int decide_on_pages(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    page_put(context, "pages", record->key);
    return page_decide(context, user, record, command, ret_decision, error);
}

static int decide_away_a_page(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    int rc = page_decide(context, user, record, command, ret_decision, error);
    topo_store_delete(topo_context_store(context, "pages"), record->key);
    return rc;
}

static int decide_on_outcomes(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    page_put(context, "outcomes", record->key);
    return page_decide(context, user, record, command, ret_decision, error);
}

static int evolve_drafts(
    struct topo_context *context,
    void *user,
    const struct topo_record *event,
    struct mr_error *error)
{
    page_put(context, "drafts", event->key);
    return page_evolve(context, user, event, error);
}

static int evolve_by_the_clock(
    struct topo_context *context,
    void *user,
    const struct topo_record *event,
    struct mr_error *error)
{
    (void)topo_context_stream_time_ms(context);
    return page_evolve(context, user, event, error);
}

static int evolve_and_tell(
    struct topo_context *context,
    void *user,
    const struct topo_record *event,
    struct mr_error *error)
{
    topo_forward(context, "replies", &(struct topo_output){.key = event->key});
    return page_evolve(context, user, event, error);
}

static int reply_with_a_draft(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes bytes,
    bool replayed,
    struct mr_error *error)
{
    page_put(context, "drafts", command->id);
    return page_reply(context, user, command, bytes, replayed, error);
}

static int reply_with_an_event(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes bytes,
    bool replayed,
    struct mr_error *error)
{
    (void)user, (void)bytes, (void)replayed, (void)error;
    topo_forward(context, "entries", &(struct topo_output){.key = command->id});
    return 0;
}

static int
tick_on_pages(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    (void)user, (void)now_ms, (void)error;
    page_put(context, "pages", mr_cstr("p"));
    return 0;
}

/* In a process of its own: the assertion's text, "" if it lived. */
static void run_and_catch(const struct topo_aggregate *ledger, char *ret_text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        dup2(ends[1], STDERR_FILENO);
        struct world world = world_open(make_topology(ledger), NULL);
        send_command(&world, "bills.commands", "p", "b1");
        topo_driver_advance_ms(world.driver, 1000, NULL);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; len + 1 < size && (n = read(ends[0], ret_text + len, size - len - 1)) > 0;)
        len += (size_t)n;
    ret_text[len] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        ret_text[0] = '\0';
}

static void what_a_restore_would_not_find_again_is_asserted(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct topo_aggregate with; /* Its functions replace those of the good one. */
        const char *assertion;
    } misdeeds[] = {
        {"decide writes a fold", {.decide = decide_on_pages}, "may_write"},
        {"decide deletes from a fold", {.decide = decide_away_a_page}, "may_write"},
        {"decide writes an outcome", {.decide = decide_on_outcomes}, "may_write"},
        {"evolve writes a changelog store", {.evolve = evolve_drafts}, "may_write"},
        {"reply writes", {.reply = reply_with_a_draft}, "may_write"},
        {"a timer writes a fold",
         {.punctuate = tick_on_pages, .punctuate_interval_ms = 1000},
         "may_write"},
        {"evolve looks at the time", {.evolve = evolve_by_the_clock}, "is_folding"},
        {"evolve forwards", {.evolve = evolve_and_tell}, "is_folding"},
        {"reply emits an event", {.reply = reply_with_an_event}, "CONTEXT_DECIDE"},
    };
    char text[1024];
    run_and_catch(&good_ledger, text, sizeof text);
    assert_string_equal(text, "");
    for (size_t i = 0; i < sizeof misdeeds / sizeof misdeeds[0]; i++) {
        struct topo_aggregate ledger = good_ledger;
        const struct topo_aggregate *with = &misdeeds[i].with;
        ledger.decide = with->decide ? with->decide : ledger.decide;
        ledger.evolve = with->evolve ? with->evolve : ledger.evolve;
        ledger.reply = with->reply ? with->reply : ledger.reply;
        ledger.punctuate = with->punctuate;
        ledger.punctuate_interval_ms = with->punctuate_interval_ms;
        run_and_catch(&ledger, text, sizeof text);
        if (!strstr(text, misdeeds[i].assertion))
            fail_msg("%s: \"%s\"", misdeeds[i].what, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_go_to_the_topic_of_the_source_the_command_came_by),
        cmocka_unit_test(an_id_is_answered_once_by_whichever_topic_it_comes_and_after_a_crash_too),
        cmocka_unit_test(one_outcome_sink_serves_all_sources),
        cmocka_unit_test(what_a_restore_would_not_find_again_is_asserted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
