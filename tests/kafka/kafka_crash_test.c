/*
 * kafka_crash_test.c - the engine on a real broker, killed again and again: every command counts
 * once.
 *
 * The program runs itself as the child that has the engine: `kafka_crash_test child BROKERS NAME
 * DIR`. The ledger gives each command of an account the next number, from a changelog store,
 * and its event is folded into an event-sourced one, which must be one behind: so the two stores,
 * the events and the outcomes all have to agree after every crash.
 */
#include "kafka_fixture.h"

#include <topology/aggregate.h>
#include <topology/engine.h>

#include <base/alloc.h>

#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { ACCOUNTS = 40, PARTITIONS = 2, ROUNDS = 8, ROUND_COMMANDS = 1500, FD_MAX = 16 };

struct topics {
    char commands[128];
    char events[128];
    char outcomes[128];
    char seen[128];
};

static void name_topics(struct topics *topics, const char *name)
{
    snprintf(topics->commands, sizeof topics->commands, "%s.commands", name);
    snprintf(topics->events, sizeof topics->events, "%s.events", name);
    snprintf(topics->outcomes, sizeof topics->outcomes, "%s.outcomes", name);
    snprintf(topics->seen, sizeof topics->seen, "%s.seen", name);
}

/* -- the ledger -- */

static int64_t number_of(struct mr_bytes bytes)
{
    char text[32] = "0";
    if (bytes.ptr && bytes.len < sizeof text) {
        memcpy(text, bytes.ptr, bytes.len);
        text[bytes.len] = '\0';
    }
    return strtoll(text, NULL, 10);
}

static struct mr_bytes text_of(struct topo_context *context, int64_t number)
{
    return mr_arena_printf(topo_context_arena(context), "%" PRId64, number);
}

static int ledger_decode(
    void *user,
    const struct topo_record *record,
    struct mr_arena *arena,
    struct topo_command *ret_command,
    struct mr_error *error)
{
    (void)user, (void)arena, (void)error;
    /* Odd ones have no id: nothing but the input's offsets keeps them from counting twice. */
    if (number_of(mr_bytes_of(record->value.ptr + record->value.len - 1, 1)) % 2 == 0)
        ret_command->id = record->value;
    ret_command->message = record;
    return 0;
}

static int ledger_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)user, (void)command, (void)error;
    struct topo_store *seen = topo_context_store(context, "seen");
    struct mr_bytes number = text_of(context, number_of(topo_store_get(seen, record->key)) + 1);
    struct mr_bytes *decision = mr_arena_alloc(topo_context_arena(context), sizeof *decision);
    *decision = number;
    *ret_decision = decision;
    topo_store_put(seen, record->key, number);
    const struct topo_output event = {.key = record->key, .value = number};
    topo_forward(context, "events", &event);
    return 0;
}

static int ledger_evolve(
    struct topo_context *context,
    void *user,
    const struct topo_record *event,
    struct mr_error *error)
{
    (void)user;
    struct topo_store *totals = topo_context_store(context, "totals");
    int64_t total = number_of(topo_store_get(totals, event->key));
    if (number_of(event->value) != total + 1)
        return mr_fail(
            error,
            MR_FATAL,
            "%.*s: event %.*s after %" PRId64,
            MR_ARG(event->key),
            MR_ARG(event->value),
            total);
    topo_store_put(totals, event->key, text_of(context, total + 1));
    return 0;
}

static int ledger_outcome(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    const void *decision,
    const struct topo_position *positions,
    size_t positions_count,
    struct mr_bytes *ret_outcome,
    struct mr_error *error)
{
    (void)context, (void)user, (void)command, (void)positions, (void)positions_count, (void)error;
    *ret_outcome = *(const struct mr_bytes *)decision;
    return 0;
}

static int ledger_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    struct mr_error *error)
{
    (void)context, (void)user, (void)command, (void)outcome, (void)replayed, (void)error;
    return 0;
}

static struct topo_topology *ledger_topology(const char *name, const struct topics *topics)
{
    struct topo_topology *topology;
    struct mr_error error = {0};
    struct topo_builder *builder = topo_builder_new(name);
    topo_add_source(
        builder, &(struct topo_source){.name = "commands", .topics = TOPO_LIST(topics->commands)});
    const struct topo_store_options stores[] = {
        {.name = "totals", .log = TOPO_LOG_EVENTS},
        {.name = "outcomes", .log = TOPO_LOG_EVENTS},
        {.name = "seen", .log = TOPO_LOG_CHANGELOG, .changelog_topic = topics->seen},
    };
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++)
        topo_add_store(builder, &stores[i]);
    topo_add_aggregate(
        builder,
        &(struct topo_aggregate){
            .name = "ledger",
            .parents = TOPO_LIST("commands"),
            .stores = TOPO_LIST("totals", "seen", "outcomes"),
            .event_sinks = (const struct topo_log_sink[]){{"events", topics->events}, {NULL, NULL}},
            .outcome_sinks =
                (const struct topo_log_sink[]){{"outcomes", topics->outcomes}, {NULL, NULL}},
            .outcome_store = "outcomes",
            .decode = ledger_decode,
            .decide = ledger_decide,
            .evolve = ledger_evolve,
            .outcome = ledger_outcome,
            .reply = ledger_reply,
        });
    fixture_check(topo_build(builder, &topology, &error), &error);
    return topology;
}

static void print_log(void *user, int level, const char *event, const char *text)
{
    (void)user;
    if (level >= 2)
        fprintf(stderr, "engine: %s %s\n", event, text);
}

/* Never returns by itself unless the engine fails. */
static int run_child(char **argv)
{
    struct topics topics;
    struct mr_error error = {0};
    struct topo_engine *engine;
    fixture_options.brokers = argv[2];
    name_topics(&topics, argv[3]);
    struct topo_topology *topology = ledger_topology(argv[3], &topics);
    const struct topo_engine_options options = {
        .instance_id = "a",
        .state_dir = argv[4],
        .io_open = topo_kafka_open,
        .io_user = &fixture_options,
        .flush_interval_ms = 100,
        .on_log = print_log,
    };
    if (topo_engine_start(topology, &options, &engine, &error)) {
        fprintf(stderr, "start: %s\n", error.text);
        return 1;
    }
    while (topo_engine_state(engine, &error) != TOPO_ENGINE_FAILED)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    fprintf(stderr, "failed: %s\n", error.text);
    return 1;
}

/* -- the parent -- */

static pid_t start_child(const char *name, const char *state_dir)
{
    char *argv[] = {
        mr_strdup("kafka_crash_test"),
        mr_strdup("child"),
        mr_strdup(fixture_options.brokers),
        mr_strdup(name),
        mr_strdup(state_dir),
        NULL};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* A test that fails leaves no engine behind. */
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    for (char **argument = argv; *argument; argument++)
        free(*argument);
    return child;
}

/* It must have run until now: a child that ended by itself is a failed engine. */
static void kill_child(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void send_commands(const struct topics *topics, int round)
{
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    char account[16];
    char id[24];
    fixture_check(topo_kafka_producer_new(&fixture_options, 1, &producer, &error), &error);
    for (int i = 0; i < ROUND_COMMANDS; i++) {
        snprintf(account, sizeof account, "account-%d", i % ACCOUNTS);
        snprintf(id, sizeof id, "%d/%d", round, i);
        struct topo_output command = text_record(account, id);
        fixture_check(
            topo_kafka_produce(producer, topics->commands, -1, &command, NULL, NULL, &error),
            &error);
    }
    fixture_check(topo_kafka_flush(producer, FIXTURE_DEADLINE_MS, &error), &error);
    topo_kafka_producer_free(producer);
}

/* A record too many may come late. */
static int one_more_look(struct topo_kafka_reader *reader)
{
    struct mr_error error = {0};
    const struct topo_record *records;
    int count = topo_kafka_reader_poll(reader, 500, &records, &error);
    fixture_check(count, &error);
    return count;
}

/* The numbers of an account in the topic must be 1, 2, 3 ...; returns how many there are in all. */
static int check_numbers(struct topo_kafka_reader *reader, const char *topic, int wanted)
{
    int64_t last[ACCOUNTS] = {0};
    struct mr_error error = {0};
    const struct topo_record *records;
    int total = 0;
    for (int32_t p = 0; p < PARTITIONS; p++)
        fixture_check(topo_kafka_reader_add(reader, topic, p, TOPO_KAFKA_BEGIN, &error), &error);
    for (int waited = 0; waited < 2 * FIXTURE_DEADLINE_MS && total < wanted;
         waited += FIXTURE_STEP_MS) {
        int count = topo_kafka_reader_poll(reader, FIXTURE_STEP_MS, &records, &error);
        fixture_check(count, &error);
        for (int i = 0; i < count; i++, total++) {
            long account = strtol(records[i].key.ptr + strlen("account-"), NULL, 10);
            assert_in_range(account, 0, ACCOUNTS - 1);
            assert_int_equal(number_of(records[i].value), last[account] + 1);
            last[account]++;
        }
    }
    return total + one_more_look(reader);
}

static int count_all(struct topo_kafka_reader *reader, const char *topic, int wanted)
{
    struct mr_error error = {0};
    const struct topo_record *records;
    int total = 0;
    for (int32_t p = 0; p < PARTITIONS; p++)
        fixture_check(topo_kafka_reader_add(reader, topic, p, TOPO_KAFKA_BEGIN, &error), &error);
    for (int waited = 0; waited < FIXTURE_DEADLINE_MS && total < wanted;
         waited += FIXTURE_STEP_MS) {
        int count = topo_kafka_reader_poll(reader, FIXTURE_STEP_MS, &records, &error);
        fixture_check(count, &error);
        total += count;
    }
    return total + one_more_look(reader);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

static void make_topics(const struct topics *topics)
{
    make_topic(topics->commands, PARTITIONS);
    make_topic(topics->events, PARTITIONS);
    make_topic(topics->outcomes, PARTITIONS);
    make_topic(topics->seen, PARTITIONS);
}

static void every_command_counts_once_however_often_the_engine_is_killed(void **state)
{
    (void)state;
    enum { WANTED = ROUNDS * ROUND_COMMANDS };
    struct topics topics;
    struct mr_error error = {0};
    struct topo_kafka_reader *reader;
    char name[96];
    char state_dir[] = "/tmp/kafka-crash-XXXXXX";
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    name_topics(&topics, test_name_unique(name, sizeof name, "ledger"));
    make_topics(&topics);
    assert_non_null(mkdtemp(state_dir));
    pid_t child = start_child(name, state_dir);
    for (int round = 0; round < ROUNDS; round++) {
        send_commands(&topics, round);
        int run_ms = 100 + (int)(rand_r(&seed) % 1400);
        nanosleep(&(struct timespec){run_ms / 1000, (long)(run_ms % 1000) * 1000000L}, NULL);
        kill_child(child);
        child = start_child(name, state_dir);
    }
    fixture_check(topo_kafka_reader_new(&fixture_options, &reader, &error), &error);
    assert_int_equal(check_numbers(reader, topics.events, WANTED), WANTED);
    topo_kafka_reader_free(reader);
    fixture_check(topo_kafka_reader_new(&fixture_options, &reader, &error), &error);
    assert_int_equal(count_all(reader, topics.outcomes, WANTED / 2), WANTED / 2);
    topo_kafka_reader_free(reader);
    kill_child(child);
    nftw(state_dir, remove_entry, FD_MAX, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0)
        return run_child(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_counts_once_however_often_the_engine_is_killed),
    };
    fixture_options.brokers = test_brokers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
