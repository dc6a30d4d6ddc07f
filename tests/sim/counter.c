/* counter.c - the counter topology and its model. */
#include "counter.h"

#include <topology/aggregate.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *const counter_topics[] = {
    "counter.commands",
    "counter.events",
    "counter.outcomes",
    "counter.replies",
    "counter.seen",
    "counter.dead",
    NULL};

/* -- the topology -- */

struct counter_command {
    struct mr_bytes account;
    int64_t delta;
};

struct counter_decision {
    bool accepted;
};

static int64_t number_of(struct mr_bytes bytes)
{
    char text[32] = "0";
    assert(bytes.len < sizeof text);
    if (bytes.ptr)
        memcpy(text, bytes.ptr, bytes.len);
    text[bytes.ptr ? bytes.len : 1] = '\0';
    return strtoll(text, NULL, 10);
}

static int counter_decode(
    void *user,
    const struct topo_record *record,
    struct mr_arena *arena,
    struct topo_command *ret_command,
    struct mr_error *error)
{
    (void)user;
    const char *space =
        record->value.ptr ? memchr(record->value.ptr, ' ', record->value.len) : NULL;
    if (!space)
        return mr_fail(error, MR_MALFORMED, "no command: %.*s", MR_ARG(record->value));
    struct counter_command *command = mr_arena_alloc(arena, sizeof *command);
    size_t id_len = (size_t)(space - record->value.ptr);
    command->account = record->key;
    command->delta = number_of(mr_bytes_of(space + 1, record->value.len - id_len - 1));
    ret_command->id = mr_bytes_of(record->value.ptr, id_len);
    ret_command->message = command;
    return 0;
}

static int counter_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)user, (void)error;
    struct mr_arena *arena = topo_context_arena(context);
    const struct counter_command *message = command->message;
    struct topo_store *seen = topo_context_store(context, "seen");
    int64_t count = number_of(topo_store_get(seen, record->key)) + 1;
    topo_store_put(seen, record->key, mr_arena_printf(arena, "%" PRId64, count));
    struct counter_decision *decision = mr_arena_alloc(arena, sizeof *decision);
    int64_t total = number_of(topo_store_get(topo_context_store(context, "totals"), record->key));
    decision->accepted = total + message->delta >= 0;
    *ret_decision = decision;
    if (!decision->accepted)
        return 0;
    const struct topo_header by_us = {mr_cstr(COUNTER_EVENT_HEADER), mr_cstr("1")};
    struct topo_header *header = mr_arena_alloc(arena, sizeof *header);
    *header = by_us;
    const struct topo_output event = {
        .headers = header,
        .headers_count = 1,
        .key = record->key,
        .value = mr_arena_printf(arena, "%" PRId64, message->delta),
    };
    topo_forward(context, "events", &event);
    return 0;
}

int counter_later;

static int counter_evolve(
    struct topo_context *context,
    void *user,
    const struct topo_record *event,
    struct mr_error *error)
{
    (void)user;
    if (counter_later > 0 && event->offset >= 0 && event->offset % 7 == 4) {
        counter_later--;
        return mr_fail(error, MR_UNAVAILABLE, "what it needs is not here");
    }
    struct topo_store *totals = topo_context_store(context, "totals");
    int64_t total = number_of(topo_store_get(totals, event->key)) + number_of(event->value);
    topo_store_put(
        totals, event->key, mr_arena_printf(topo_context_arena(context), "%" PRId64, total));
    return 0;
}

static int counter_outcome(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    const void *decision,
    const struct topo_position *positions,
    size_t positions_count,
    struct mr_bytes *ret_outcome,
    struct mr_error *error)
{
    (void)user, (void)command, (void)error;
    const struct counter_decision *own = decision;
    struct mr_arena *arena = topo_context_arena(context);
    assert(positions_count == (own->accepted ? 1 : 0));
    *ret_outcome = own->accepted
                       ? mr_arena_printf(arena, "accepted %" PRId64, positions[0].next_offset)
                       : mr_arena_printf(arena, "rejected");
    return 0;
}

static int counter_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    struct mr_error *error)
{
    (void)user, (void)error;
    const struct topo_output reply = {
        .key = command->id,
        .value = mr_arena_printf(
            topo_context_arena(context), "%.*s%s", MR_ARG(outcome), replayed ? " again" : ""),
    };
    topo_forward(context, "replies", &reply);
    return 0;
}

/* A count has digits. */
static int counter_check(
    void *user, const struct topo_record *record, struct mr_arena *arena, struct mr_error *error)
{
    (void)user, (void)arena;
    for (size_t i = 0; i < record->value.len; i++)
        if (record->value.ptr[i] < '0' || record->value.ptr[i] > '9')
            return mr_fail(error, MR_MALFORMED, "not a number");
    return record->value.len > 0 ? 0 : mr_fail(error, MR_MALFORMED, "empty");
}

static void add_nodes(struct topo_builder *builder)
{
    topo_add_source(
        builder,
        &(struct topo_source){.name = "commands", .topics = TOPO_LIST("counter.commands")});
    topo_add_aggregate(
        builder,
        &(struct topo_aggregate){
            .name = "counter",
            .parents = TOPO_LIST("commands"),
            .stores = TOPO_LIST("totals", "seen", "outcomes"),
            .event_sinks =
                (const struct topo_log_sink[]){{"events", "counter.events"}, {NULL, NULL}},
            .event_header = COUNTER_EVENT_HEADER,
            .outcome_sinks =
                (const struct topo_log_sink[]){{"outcomes", "counter.outcomes"}, {NULL, NULL}},
            .outcome_store = "outcomes",
            .decode = counter_decode,
            .decide = counter_decide,
            .evolve = counter_evolve,
            .outcome = counter_outcome,
            .reply = counter_reply,
        });
    const struct topo_sink sinks[] = {
        {"replies", TOPO_LIST("counter"), "counter.replies", TOPO_PARTITION_BY_TASK, 0},
    };
    for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++)
        topo_add_sink(builder, &sinks[i]);
}

struct topo_topology *counter_topology(const char *application_id)
{
    struct topo_builder *builder = topo_builder_new(application_id);
    const struct topo_store_options stores[] = {
        {.name = "totals", .log = TOPO_LOG_EVENTS},
        {.name = "outcomes", .log = TOPO_LOG_EVENTS},
        {.name = "seen",
         .log = TOPO_LOG_CHANGELOG,
         .changelog_topic = "counter.seen",
         .check = counter_check},
    };
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        topo_add_store(builder, &stores[i]);
    add_nodes(builder);
    topo_set_dead_letters(builder, "counter.dead");
    struct topo_topology *topology = NULL;
    struct mr_error error = {0};
    if (topo_build(builder, &topology, &error)) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return topology;
}

/* -- input -- */

uint64_t counter_random(uint64_t *seed)
{
    /* splitmix64 */
    uint64_t z = (*seed += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

void counter_feed(struct topo_sim *sim, uint64_t *seed, int count)
{
    for (int i = 0; i < count; i++) {
        char key[8];
        char value[48] = "?";
        uint64_t account = counter_random(seed) % COUNTER_ACCOUNTS;
        uint64_t kind = counter_random(seed) % 10;
        int delta = (int)(counter_random(seed) % 20) - 8;
        /* Ids are an account's own, as a repeated one must meet its outcome; few, so they
         * repeat. */
        uint64_t id = counter_random(seed) % 10000;
        if (kind == 1)
            id %= 3;
        snprintf(key, sizeof key, "a%" PRIu64, account);
        if (kind > 0)
            snprintf(value, sizeof value, "%s/%" PRIu64 " %d", key, id, delta);
        const struct topo_output output = {.key = mr_cstr(key), .value = mr_cstr(value)};
        topo_sim_append(sim, "counter.commands", -1, &output);
    }
}

/* -- the model: what one partition of the input demands -- */

enum { MODEL_IDS_MAX = 20000 };

struct model_outcome {
    char id[24];
    char text[32];
};

struct model {
    int64_t totals[COUNTER_ACCOUNTS];
    int64_t seen[COUNTER_ACCOUNTS];
    struct model_outcome *outcomes;
    size_t outcomes_count;
};

/* Reads the outputs of one partition beside the model. */
struct reader {
    struct topo_sim *sim;
    int32_t partition;
    int64_t events;
    int64_t outcomes;
    int64_t replies;
};

/* The next record that is the engine's: a stranger's has no header. */
static bool read_own(
    struct topo_sim *sim,
    const char *topic,
    int32_t partition,
    int64_t *offset,
    struct topo_record *ret_record)
{
    bool headed = strcmp(topic, "counter.replies") != 0;
    while (topo_sim_read(sim, topic, partition, offset, ret_record))
        if (!headed || ret_record->headers_count > 0)
            return true;
    return false;
}

static char complaint[512];

#define COMPLAIN(...) (snprintf(complaint, sizeof complaint, __VA_ARGS__), complaint)

static const char *next_is(
    struct reader *reader,
    const char *topic,
    int64_t *offset,
    const char *key,
    const char *value,
    struct topo_record *ret_record)
{
    if (!read_own(reader->sim, topic, reader->partition, offset, ret_record))
        return COMPLAIN("%s/%d lacks %s=%s", topic, reader->partition, key, value);
    if (!mr_bytes_equal(ret_record->key, mr_cstr(key)) ||
        !mr_bytes_equal(ret_record->value, mr_cstr(value)))
        return COMPLAIN(
            "%s/%d@%" PRId64 " is %.*s=%.*s, wanted %s=%s",
            topic,
            reader->partition,
            ret_record->offset,
            MR_ARG(ret_record->key),
            MR_ARG(ret_record->value),
            key,
            value);
    return "";
}

static struct model_outcome *outcome_of(struct model *model, const char *id)
{
    for (size_t i = 0; i < model->outcomes_count; i++)
        if (strcmp(model->outcomes[i].id, id) == 0)
            return &model->outcomes[i];
    return NULL;
}

/* A new command: its event (if any), outcome and reply, in order, at the positions it names. */
static const char *model_decide(
    struct model *model, struct reader *reader, const char *key, const char *id, int64_t delta)
{
    size_t account = (size_t)(key[1] - '0');
    struct topo_record record = {0};
    assert(model->outcomes_count < MODEL_IDS_MAX);
    struct model_outcome *outcome = &model->outcomes[model->outcomes_count++];
    snprintf(outcome->id, sizeof outcome->id, "%.23s", id);
    snprintf(outcome->text, sizeof outcome->text, "rejected");
    model->seen[account]++;
    if (model->totals[account] + delta >= 0) {
        char value[32];
        snprintf(value, sizeof value, "%" PRId64, delta);
        const char *bad = next_is(reader, "counter.events", &reader->events, key, value, &record);
        if (bad[0])
            return bad;
        model->totals[account] += delta;
        snprintf(outcome->text, sizeof outcome->text, "accepted %" PRId64, record.offset + 1);
    }
    return next_is(reader, "counter.outcomes", &reader->outcomes, key, outcome->text, &record);
}

static const char *
model_follow(struct model *model, struct reader *reader, const struct topo_record *command)
{
    char text[64];
    char key[8];
    snprintf(text, sizeof text, "%.*s", MR_ARG(command->value));
    snprintf(key, sizeof key, "%.*s", MR_ARG(command->key));
    char *space = strchr(text, ' ');
    if (!space)
        return "";
    *space = '\0';
    struct model_outcome *known = outcome_of(model, text);
    struct topo_record record = {0};
    char reply[64];
    if (!known) {
        const char *bad = model_decide(model, reader, key, text, strtoll(space + 1, NULL, 10));
        if (bad[0])
            return bad;
    }
    snprintf(reply, sizeof reply, "%s%s", outcome_of(model, text)->text, known ? " again" : "");
    return next_is(reader, "counter.replies", &reader->replies, text, reply, &record);
}

static const char *check_partition(struct topo_sim *sim, int32_t partition, struct model *model)
{
    static const char *const outputs[] = {"counter.events", "counter.outcomes", "counter.replies"};
    struct reader reader = {.sim = sim, .partition = partition};
    struct topo_record record = {0};
    int64_t offset = 0;
    while (topo_sim_read(sim, "counter.commands", partition, &offset, &record)) {
        const char *bad = model_follow(model, &reader, &record);
        if (bad[0])
            return bad;
    }
    int64_t ends[] = {reader.events, reader.outcomes, reader.replies};
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
        if (read_own(sim, outputs[i], partition, &ends[i], &record))
            return COMPLAIN("%s/%d has one too many", outputs[i], partition);
    return "";
}

static int64_t count_records(struct topo_sim *sim, const char *topic, bool bad_commands_only)
{
    int64_t count = 0;
    struct topo_record record;
    for (int32_t p = 0; p < topo_sim_partitions(sim, topic); p++) {
        int64_t offset = 0;
        while (topo_sim_read(sim, topic, p, &offset, &record))
            count += !bad_commands_only || mr_bytes_equal(record.value, mr_cstr("?"));
    }
    return count;
}

/* The changelog's last word on an account. */
static int64_t logged_balance(struct topo_sim *sim, int32_t partition, const char *key)
{
    int64_t value = 0;
    int64_t offset = 0;
    struct topo_record record;
    while (read_own(sim, "counter.seen", partition, &offset, &record))
        if (mr_bytes_equal(record.key, mr_cstr(key)))
            value = number_of(record.value);
    return value;
}

static const char *check_changelog(struct topo_sim *sim, int32_t partition, struct model *model)
{
    for (int a = 0; a < COUNTER_ACCOUNTS; a++) {
        char key[8];
        snprintf(key, sizeof key, "a%d", a);
        int64_t value = logged_balance(sim, partition, key);
        if (value != model->seen[a])
            return COMPLAIN(
                "changelog: seen(%s) is %" PRId64 ", wanted %" PRId64, key, value, model->seen[a]);
    }
    return "";
}

const char *counter_check_log(struct topo_sim *sim, const char *application_id)
{
    const char *bad = "";
    for (int32_t p = 0; p < topo_sim_partitions(sim, "counter.commands") && !bad[0]; p++) {
        struct model model = {.outcomes = calloc(MODEL_IDS_MAX, sizeof(struct model_outcome))};
        bad = check_partition(sim, p, &model);
        if (!bad[0])
            bad = check_changelog(sim, p, &model);
        free(model.outcomes);
        int64_t end = topo_sim_end(sim, "counter.commands", p);
        int64_t committed = topo_sim_committed(sim, application_id, "counter.commands", p);
        if (!bad[0] && end > 0 && committed != end)
            bad = COMPLAIN("input %d: committed %" PRId64 " of %" PRId64, p, committed, end);
    }
    int64_t dead = count_records(sim, "counter.dead", false);
    int64_t wanted = count_records(sim, "counter.commands", true);
    if (!bad[0] && dead != wanted)
        bad = COMPLAIN("%" PRId64 " dead letters, wanted %" PRId64, dead, wanted);
    return bad;
}

static const char *check_store(
    counter_store_fn *store_of,
    void *user,
    const char *name,
    int32_t partition,
    const int64_t *wanted)
{
    struct topo_store *store = store_of(user, name, partition);
    if (!store)
        return COMPLAIN("no store %s/%d", name, partition);
    for (int a = 0; a < COUNTER_ACCOUNTS; a++) {
        char key[8];
        snprintf(key, sizeof key, "a%d", a);
        int64_t value = number_of(topo_store_get(store, mr_cstr(key)));
        if (value != wanted[a])
            return COMPLAIN(
                "%s/%d: %s is %" PRId64 ", wanted %" PRId64,
                name,
                partition,
                key,
                value,
                wanted[a]);
    }
    return "";
}

const char *counter_check_stores(struct topo_sim *sim, counter_store_fn *store_of, void *user)
{
    const char *bad = "";
    for (int32_t p = 0; p < topo_sim_partitions(sim, "counter.commands") && !bad[0]; p++) {
        struct model model = {.outcomes = calloc(MODEL_IDS_MAX, sizeof(struct model_outcome))};
        bad = check_partition(sim, p, &model);
        if (!bad[0])
            bad = check_store(store_of, user, "totals", p, model.totals);
        if (!bad[0])
            bad = check_store(store_of, user, "seen", p, model.seen);
        struct topo_store *outcomes = bad[0] ? NULL : store_of(user, "outcomes", p);
        for (size_t i = 0; outcomes && i < model.outcomes_count; i++) {
            const struct model_outcome *outcome = &model.outcomes[i];
            struct mr_bytes value = topo_store_get(outcomes, mr_cstr(outcome->id));
            if (!mr_bytes_equal(value, mr_cstr(outcome->text)))
                bad = COMPLAIN("outcome of %s is %.*s", outcome->id, MR_ARG(value));
        }
        free(model.outcomes);
    }
    return bad;
}
