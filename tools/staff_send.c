/*
 * staff_send.c - one command of the staff's: to the log, and its outcome back in words.
 *
 * The answer comes by the last partition of gateway.replies, as an import's do; it is claimed by
 * the id of the command and the digest of what it says.
 */
#include "staff.h"

#include <api/shop_problem.h>
#include <base/clock.h>
#include <http/json.h>

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

enum { COMMAND_LIFETIME_MS = 24 * 3600 * 1000, POLL_MS = 50, NOT_DELIVERED = 1 };

struct staff_call {
    struct staff *staff;
    struct topo_kafka_producer *producer;
    struct topo_kafka_reader *reader;
    int32_t reply_partition;
    struct shop_id command_id;
    struct shop_id fingerprint;
    atomic_int delivered; /* 0 or a code; NOT_DELIVERED before the report. */
    const struct shop_command_reply *reply;
};

static int call_open(struct staff_call *call, struct mr_error *error)
{
    const struct topo_kafka_options *kafka = &call->staff->kafka;
    int32_t partitions = 0;
    int64_t low = 0;
    int64_t high = 0;
    int rc = topo_kafka_partitions(kafka, TOPIC_GATEWAY_REPLIES, &partitions, error);
    if (rc == 0 && partitions == 0)
        rc = mr_fail(error, MR_CONFIG, "the topics are missing: run `millrace topics create`");
    if (rc)
        return rc;
    call->reply_partition = partitions - 1;
    rc = topo_kafka_watermarks(
        kafka, TOPIC_GATEWAY_REPLIES, call->reply_partition, &low, &high, error);
    rc = rc ? rc : topo_kafka_reader_new(kafka, &call->reader, error);
    rc = rc ? rc
            : topo_kafka_reader_add(
                  call->reader, TOPIC_GATEWAY_REPLIES, call->reply_partition, high, error);
    return rc ? rc : topo_kafka_producer_new(kafka, 0, &call->producer, error);
}

/* A digest of all but who sends it when: the same key for something else is refused. */
static struct shop_id
call_fingerprint(struct staff_call *call, enum shop_type type, void *command, struct mr_bytes key)
{
    struct mr_buffer bytes = {0};
    struct shop_command_meta *meta = command;
    *meta = (struct shop_command_meta){
        .command_id = mr_cstr(""),
        .fingerprint = mr_cstr(""),
        .principal = mr_cstr(""),
        .actor_kind = mr_cstr(""),
        .reply_to = mr_cstr(""),
        .correlation_id = mr_cstr(""),
        .reason = call->staff->reason,
    };
    if (call->staff->asked.ptr)
        mr_buffer_add(&bytes, call->staff->asked);
    else
        shop_types[type].encode(command, &bytes);
    struct shop_id id = shop_command_id(
        mr_cstr("request"), mr_cstr(shop_types[type].name), key, mr_buffer_view(&bytes));
    mr_buffer_clean_up(&bytes);
    return id;
}

static int call_set_meta(
    struct staff_call *call,
    enum shop_type type,
    void *command,
    struct mr_bytes key,
    struct mr_error *error)
{
    struct staff *staff = call->staff;
    struct shop_command_meta *meta = command;
    int64_t version = 0;
    bool expects = mr_options_text(staff->options, "if-version") != NULL;
    if (expects && mr_options_integer(staff->options, "if-version", 0, INT64_MAX, &version, error))
        return EXIT_USAGE;
    call->fingerprint = call_fingerprint(call, type, command, key);
    call->command_id =
        shop_command_id(staff->principal, mr_cstr("STAFF"), mr_cstr(staff->words), staff->key);
    *meta = (struct shop_command_meta){
        .command_id = shop_id_view(&call->command_id),
        .fingerprint = shop_id_view(&call->fingerprint),
        .principal = staff->principal,
        .actor_kind = mr_cstr("operator"),
        .has_expected_version = expects || staff->expects_version,
        .expected_version = expects ? version : staff->expected_version,
        .issued_at = staff->now_ms,
        .deadline = staff->now_ms + COMMAND_LIFETIME_MS,
        .reply_to = mr_cstr(TOPIC_GATEWAY_REPLIES),
        .reply_partition = call->reply_partition,
        .correlation_id = shop_id_view(&call->command_id),
        .reason = staff->reason,
    };
    return 0;
}

static void call_note_delivery(void *user, int code, int32_t partition, int64_t offset)
{
    struct staff_call *call = user;
    (void)partition;
    (void)offset;
    atomic_store(&call->delivered, code);
}

static bool call_is_over(const struct staff *staff)
{
    return mr_monotonic_ms() >= staff->give_up_ms;
}

static int call_produce(
    struct staff_call *call,
    const char *topic,
    struct mr_bytes key,
    enum shop_type type,
    const void *command,
    struct mr_error *error)
{
    struct staff *staff = call->staff;
    struct mr_buffer bytes = {0};
    codec_encode(staff->registry, type, topic, command, &bytes);
    struct topo_header header = {mr_cstr("ce_type"), mr_cstr(shop_types[type].full_name)};
    struct topo_output output = {
        .key = key, .value = mr_buffer_view(&bytes), .headers = &header, .headers_count = 1};
    int rc =
        topo_kafka_produce(call->producer, topic, -1, &output, call_note_delivery, call, error);
    mr_buffer_clean_up(&bytes);
    return rc;
}

static bool call_take_reply(struct staff_call *call, const struct topo_record *record)
{
    struct codec_message message;
    struct mr_bytes fingerprint = topo_record_header(record, SHOP_REPLY_FINGERPRINT);
    if (!mr_bytes_equal(record->key, shop_id_view(&call->command_id)) ||
        !mr_bytes_equal(fingerprint, shop_id_view(&call->fingerprint)))
        return false;
    struct mr_bytes value = mr_arena_copy(&call->staff->arena, record->value);
    if (codec_decode(call->staff->registry, value, &call->staff->arena, &message, NULL) ||
        message.id != SHOP_COMMAND_REPLY)
        return false;
    call->reply = message.value;
    return true;
}

/* Until the reply, the end of the time, or the report that the command is not in the log. */
static int call_await(struct staff_call *call, struct mr_error *error)
{
    while (!call->reply && !call_is_over(call->staff)) {
        const struct topo_record *records = NULL;
        int delivered = atomic_load(&call->delivered);
        if (delivered < 0 && delivered != MR_TIMEOUT)
            return mr_fail(
                error, delivered, "Kafka did not take the command: %s", mr_code_text(delivered));
        int count = topo_kafka_reader_poll(call->reader, POLL_MS, &records, error);
        if (count < 0)
            return count;
        for (int i = 0; i < count && !call->reply; i++)
            call_take_reply(call, &records[i]);
    }
    if (call->reply)
        return 0;
    mr_fail(
        error,
        MR_TIMEOUT,
        "no outcome in time; %s. Repeat the command with --key %.*s to learn it: nothing is done "
        "twice",
        atomic_load(&call->delivered) == 0 ? "the command is in the log and will be carried out"
                                           : "the command may be in the log or may not",
        MR_ARG(call->staff->key));
    return EXIT_UNKNOWN;
}

/* -- what became of it -- */

static void call_print_json(const struct staff_call *call, struct mr_bytes detail)
{
    const struct shop_command_outcome *outcome = &call->reply->outcome;
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    json_w_object(&w);
    json_w_key_text(&w, "status", outcome->status);
    json_w_key_text(&w, "id", outcome->aggregate_id);
    if (outcome->has_version)
        json_w_key_integer(&w, "version", outcome->version);
    if (outcome->effect.ptr)
        json_w_key_text(&w, "effect", outcome->effect);
    if (outcome->rejection) {
        json_w_key_text(&w, "reason", outcome->rejection->reason);
        json_w_key_text(&w, "detail", detail);
    }
    json_w_key_bool(&w, "repeated", call->reply->replayed);
    json_w_key_text(&w, "operator", call->staff->principal);
    json_w_key_text(&w, "key", call->staff->key);
    json_w_key_text(&w, "command_id", outcome->command_id);
    json_w_key_time(&w, "decided_at", outcome->decided_at);
    json_w_object_end(&w);
    printf("%.*s\n", MR_ARG(mr_buffer_view(&out)));
    mr_buffer_clean_up(&out);
}

static void call_print_text(const struct staff_call *call)
{
    const struct shop_command_outcome *outcome = &call->reply->outcome;
    const char *what = "done";
    if (mr_bytes_equal(outcome->effect, mr_cstr(SHOP_EFFECT_CREATED)))
        what = "created";
    if (mr_bytes_equal(outcome->effect, mr_cstr(SHOP_EFFECT_REQUESTED)))
        what = "under way";
    printf("%s: %.*s", what, MR_ARG(outcome->aggregate_id));
    if (outcome->has_version)
        printf(" is at version %" PRId64, outcome->version);
    printf("%s\n", call->reply->replayed ? " (decided before, by the same key)" : "");
}

static int call_report(const struct staff_call *call, struct mr_error *error)
{
    const struct shop_command_outcome *outcome = &call->reply->outcome;
    bool accepted = mr_bytes_equal(outcome->status, mr_cstr("accepted"));
    struct http_problem problem = {0};
    if (!accepted)
        problem = shop_outcome_problem(outcome, &call->staff->arena);
    if (call->staff->json)
        call_print_json(call, problem.detail);
    else if (accepted)
        call_print_text(call);
    if (accepted)
        return 0;
    mr_fail(error, MR_CONFLICT, "refused (%s): %.*s", problem.slug, MR_ARG(problem.detail));
    return EXIT_REFUSED;
}

int staff_send(
    struct staff *staff,
    const char *topic,
    struct mr_bytes key,
    enum shop_type type,
    void *command,
    struct mr_error *error)
{
    assert(
        staff->principal.ptr &&
        shop_types[type].fields[0].record == &shop_types[SHOP_COMMAND_META]);
    struct staff_call call = {.staff = staff, .delivered = NOT_DELIVERED};
    int rc = staff_connect(staff, error);
    rc = rc ? rc : call_open(&call, error);
    rc = rc ? rc : call_set_meta(&call, type, command, key, error);
    rc = rc ? rc : call_produce(&call, topic, key, type, command, error);
    rc = rc ? rc : call_await(&call, error);
    rc = rc ? rc : call_report(&call, error);
    topo_kafka_producer_free(call.producer);
    topo_kafka_reader_free(call.reader);
    return rc;
}
