/*
 * work.c - decisions at work: who caused them, what they emit, how they are answered.
 *
 * Event headers are CloudEvents 1.0 in Kafka's binary mode, so that a reader can route and skip
 * without decoding; `meta` inside the value is authoritative. Messages between aggregates carry
 * ce_type only.
 */
#include "work.h"

#include <assert.h>

static const struct mr_bytes empty = MR_LITERAL("");

/* -- the common steps -- */

static int work_check_command(const struct shop_command_meta *meta, struct mr_error *error)
{
    const struct codec_topic *replies = &shop_topics[SHOP_TOPIC_GATEWAY_REPLIES];
    if (!shop_id_is_valid(meta->command_id))
        return mr_fail(error, MR_INVALID, "command_id is not a valid id");
    if (meta->reply_to.len == 0)
        return 0;
    if (!text_is(meta->reply_to, replies->name))
        return mr_fail(error, MR_INVALID, "reply_to is not %s", replies->name);
    if (meta->reply_partition < 0 || meta->reply_partition >= replies->partitions_production)
        return mr_fail(error, MR_INVALID, "reply_partition %d", (int)meta->reply_partition);
    return 0;
}

int work_decode(
    void *user,
    const struct topo_record *record,
    struct mr_arena *arena,
    struct topo_command *ret_command,
    struct mr_error *error)
{
    const struct shop_service *service = user;
    struct codec_message *message = mr_arena_alloc(arena, sizeof *message);
    if (!record->value.ptr)
        return mr_fail(error, MR_MALFORMED, "a command without a value");
    int rc = codec_decode(service->registry, record->value, arena, message, error);
    if (rc)
        return rc;
    const struct shop_command_meta *meta = codec_command_meta_of(message);
    if (meta) {
        rc = work_check_command(meta, error);
        if (rc)
            return rc;
    }
    *ret_command = (struct topo_command){
        .id = meta ? meta->command_id : (struct mr_bytes){0}, .message = message};
    return 0;
}

static struct mr_bytes work_frame(
    const struct shop_service *service,
    struct mr_arena *arena,
    enum shop_type type,
    const void *value)
{
    struct mr_buffer buffer;
    mr_buffer_init(&buffer);
    codec_encode(service->registry, type, NULL, value, &buffer);
    struct mr_bytes bytes = mr_arena_copy(arena, mr_buffer_view(&buffer));
    mr_buffer_clean_up(&buffer);
    return bytes;
}

static struct mr_bytes decision_effect_name(const struct decision *decision)
{
    static const char *const names[] = {
        [DECISION_CREATED] = SHOP_EFFECT_CREATED, [DECISION_REQUESTED] = SHOP_EFFECT_REQUESTED};
    return decision->effect == DECISION_CHANGED ? (struct mr_bytes){0}
                                                : mr_cstr(names[decision->effect]);
}

/* Positions are predicted by the engine and checked before it commits, so the outcome can hold them
 * in the transaction that it is about. */
int work_outcome(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    const void *opaque,
    const struct topo_position *positions,
    size_t positions_count,
    struct mr_bytes *ret_outcome,
    struct mr_error *error)
{
    const struct shop_service *service = user;
    const struct codec_message *message = command->message;
    const struct shop_command_meta *meta = codec_command_meta_of(message);
    const struct decision *decision = opaque;
    struct mr_arena *arena = topo_context_arena(context);
    if (!decision || !meta)
        return mr_fail(error, MR_FATAL, "%s was decided without an answer", message->type->name);

    struct shop_position *reached = mr_arena_alloc(arena, positions_count * sizeof *reached + 1);
    for (size_t i = 0; i < positions_count; i++)
        reached[i] = (struct shop_position){
            mr_cstr(positions[i].topic), positions[i].partition, positions[i].next_offset};
    struct shop_command_outcome outcome = {
        .command_id = meta->command_id,
        .fingerprint = meta->fingerprint,
        .principal = meta->principal,
        .aggregate_id = decision->aggregate_id,
        .status = mr_cstr(decision->rejection ? "rejected" : "accepted"),
        .effect = decision_effect_name(decision),
        .rejection = decision->rejection,
        .positions = reached,
        .positions_count = positions_count,
        .decided_at = topo_context_now_ms(context),
        .subject_id = decision->subject_id,
        .has_version = decision->has_version,
        .version = decision->version,
    };
    *ret_outcome = work_frame(service, arena, SHOP_COMMAND_OUTCOME, &outcome);
    return 0;
}

static struct topo_header work_header(const char *name, struct mr_bytes value)
{
    return (struct topo_header){mr_cstr(name), value};
}

static const struct shop_rejection key_reused = {.reason = MR_LITERAL("key-reused")};

/* The same key for another request: refused, and the remembered outcome stays untouched. */
static struct shop_command_outcome
work_reused_outcome(const struct shop_command_outcome *first, const struct shop_command_meta *meta)
{
    return (struct shop_command_outcome){
        .command_id = meta->command_id,
        .fingerprint = meta->fingerprint,
        .principal = meta->principal,
        .aggregate_id = first->aggregate_id,
        .status = mr_cstr("rejected"),
        .rejection = &key_reused,
        .decided_at = first->decided_at,
    };
}

bool work_outcome_is_of(
    const struct shop_service *service,
    struct topo_context *context,
    const struct topo_command *command,
    struct mr_bytes outcome)
{
    struct codec_message message;
    const struct shop_command_meta *meta = codec_command_meta_of(command->message);
    if (codec_decode(service->registry, outcome, topo_context_arena(context), &message, NULL) ||
        message.id != SHOP_COMMAND_OUTCOME)
        return false;
    const struct shop_command_outcome *first = message.value;
    return mr_bytes_equal(first->fingerprint, meta->fingerprint);
}

int work_reply(
    const char *sink,
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    work_render_fn *render,
    struct mr_error *error)
{
    const struct shop_service *service = user;
    const struct shop_command_meta *meta = codec_command_meta_of(command->message);
    struct mr_arena *arena = topo_context_arena(context);
    struct codec_message message;
    assert(meta); /* A message with an id is a command. */
    if (meta->reply_to.len == 0)
        return 0;
    int rc = codec_decode(service->registry, outcome, arena, &message, error);
    if (rc)
        return rc;
    struct shop_command_reply reply = {.command_id = meta->command_id, .replayed = replayed};
    reply.outcome = *(const struct shop_command_outcome *)message.value;
    /* Those of an earlier version have one in the outcome. */
    reply.outcome.cart = NULL;
    reply.outcome.order = NULL;
    if (!mr_bytes_equal(reply.outcome.fingerprint, meta->fingerprint))
        reply.outcome = work_reused_outcome(message.value, meta);
    else if (render && text_is(reply.outcome.status, "accepted"))
        rc = render(context, service, command->message, &reply.outcome, error);
    if (rc)
        return rc;
    struct topo_header *fingerprint = mr_arena_alloc(arena, sizeof *fingerprint);
    *fingerprint = work_header(SHOP_REPLY_FINGERPRINT, meta->fingerprint);
    struct topo_output output = {
        .key = meta->command_id,
        .value = work_frame(service, arena, SHOP_COMMAND_REPLY, &reply),
        .headers = fingerprint,
        .headers_count = 1,
        .timestamp_ms = topo_context_now_ms(context),
        .partition = meta->reply_partition,
    };
    topo_forward(context, sink, &output);
    return 0;
}

/* -- at work -- */

void work_begin_timer(
    struct work *ret_work,
    struct topo_context *context,
    const struct shop_service *service,
    const char *source,
    int64_t now_ms,
    struct mr_bytes correlation_id)
{
    *ret_work = (struct work){
        .context = context,
        .service = service,
        .arena = topo_context_arena(context),
        .now_ms = now_ms,
        .source = source,
        .command_id = empty,
        .correlation_id = correlation_id.ptr ? correlation_id : empty,
        .causation_id = mr_cstr("timer"),
        .actor_kind = mr_cstr("system"),
        .actor_id = mr_cstr(source),
    };
}

void work_begin(
    struct work *ret_work,
    struct topo_context *context,
    const struct shop_service *service,
    const char *source,
    const struct codec_message *message)
{
    work_begin_timer(ret_work, context, service, source, topo_context_now_ms(context), empty);
    const struct shop_command_meta *command = codec_command_meta_of(message);
    const struct shop_saga_meta *saga = codec_saga_meta_of(message);
    if (command) {
        ret_work->command = command;
        ret_work->command_id = command->command_id;
        ret_work->correlation_id = command->correlation_id;
        ret_work->causation_id = command->command_id;
        ret_work->actor_kind = command->actor_kind;
        ret_work->actor_id = command->principal;
        /* A customer's may be personal, and goes into no event. */
        if (text_is(command->actor_kind, "operator"))
            ret_work->reason = command->reason;
    } else if (saga) {
        ret_work->correlation_id = saga->correlation_id;
        ret_work->causation_id = saga->causation_id;
    }
}

struct shop_meta
work_meta(struct work *work, const char *aggregate, struct mr_bytes aggregate_id, int64_t version)
{
    struct shop_id id = shop_event_id(aggregate_id, version);
    struct shop_meta meta = {
        .event_id = mr_arena_copy(work->arena, shop_id_view(&id)),
        .aggregate = mr_cstr(aggregate),
        .aggregate_id = aggregate_id,
        .aggregate_version = version,
        .command_id = work->command_id,
        .correlation_id = work->correlation_id,
        .causation_id = work->causation_id,
        .actor_kind = work->actor_kind,
        .actor_id = work->actor_id,
        .occurred_at = work->now_ms,
        .schema_rev = 1,
        .reason = work->reason,
    };
    return meta;
}

/* RFC 3339 in UTC with milliseconds; days to a date as in Howard Hinnant's civil_from_days. */
static struct mr_bytes work_format_time(struct mr_arena *arena, int64_t ms)
{
    int64_t days = ms / 86400000, rest = ms % 86400000;
    int64_t shifted = days + 719468, era = shifted / 146097, day_of_era = shifted % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t parts[] = {
        year_of_era + era * 400 + (month <= 2),
        month,
        day_of_year - (153 * mp + 2) / 5 + 1,
        rest / 3600000,
        rest / 60000 % 60,
        rest / 1000 % 60,
        rest % 1000};
    static const char form[] = "yyyy-mm-ddThh:mm:ss.mmmZ";
    static const size_t ends[] = {3, 6, 9, 12, 15, 18, 22};
    static const size_t widths[] = {4, 2, 2, 2, 2, 2, 3};
    char *text = mr_arena_alloc(arena, sizeof form);
    memcpy(text, form, sizeof form);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (size_t k = 0; k < widths[i]; k++, parts[i] /= 10)
            text[ends[i] - k] = (char)('0' + parts[i] % 10);
    return mr_bytes_of(text, sizeof form - 1);
}

void work_emit(
    struct work *work,
    const char *sink,
    enum shop_type type,
    struct mr_bytes key,
    const struct shop_meta *meta,
    const void *event)
{
    assert(key.len > 0 && meta->aggregate_version > 0 && meta->aggregate_id.len > 0);
    struct topo_header *headers = mr_arena_alloc(work->arena, 7 * sizeof *headers);
    headers[0] = work_header("ce_specversion", mr_cstr("1.0"));
    headers[1] = work_header(WORK_EVENT_HEADER, meta->event_id);
    headers[2] = work_header("ce_type", mr_cstr(shop_types[type].full_name));
    headers[3] = work_header("ce_source", mr_cstr(work->source));
    headers[4] = work_header("ce_subject", meta->aggregate_id);
    headers[5] = work_header("ce_time", work_format_time(work->arena, work->now_ms));
    headers[6] = work_header("content-type", mr_cstr("application/avro"));
    struct topo_output output = {
        .key = key,
        .value = work_frame(work->service, work->arena, type, event),
        .headers = headers,
        .headers_count = 7,
        .timestamp_ms = work->now_ms,
    };
    topo_forward(work->context, sink, &output);
    work->causation_id = meta->event_id;
}

void work_send(
    struct work *work,
    const char *sink,
    enum shop_type type,
    struct mr_bytes key,
    const void *value)
{
    struct topo_header *headers = mr_arena_alloc(work->arena, sizeof *headers);
    headers[0] = work_header("ce_type", mr_cstr(shop_types[type].full_name));
    struct topo_output output = {
        .key = key,
        .value = value ? work_frame(work->service, work->arena, type, value) : (struct mr_bytes){0},
        .headers = headers,
        .headers_count = 1,
        .timestamp_ms = work->now_ms,
    };
    topo_forward(work->context, sink, &output);
}

struct shop_saga_meta work_saga(const struct work *work)
{
    return (struct shop_saga_meta){work->correlation_id, work->causation_id, work->now_ms};
}

/* -- how it ended -- */

void *decision_accept(struct work *work, enum decision_effect effect, struct mr_bytes aggregate_id)
{
    struct decision *decision = mr_arena_zalloc(work->arena, sizeof *decision);
    decision->effect = effect;
    decision->aggregate_id = aggregate_id;
    return decision;
}

void *decision_reject(
    struct work *work,
    enum shop_reason reason,
    struct mr_bytes aggregate_id,
    const struct shop_rejection *facts)
{
    assert(reason != SHOP_REASON_NONE);
    struct decision *decision = decision_accept(work, DECISION_CHANGED, aggregate_id);
    struct shop_rejection *rejection = mr_arena_zalloc(work->arena, sizeof *rejection);
    if (facts)
        *rejection = *facts;
    rejection->reason = mr_cstr(shop_reason_name(reason));
    decision->rejection = rejection;
    return decision;
}

void work_take_reason(struct work *work, struct mr_bytes reason)
{
    if (text_is(work->actor_kind, "operator") && !work->reason.ptr)
        work->reason = reason;
}

bool decision_lacks_reason(
    struct work *work, bool needed, struct mr_bytes aggregate_id, void **ret_decision)
{
    bool missing = work->reason.len == 0 && needed;
    if (!text_is(work->actor_kind, "operator") ||
        (!missing && work->reason.len <= SHOP_REASON_BYTES_MAX))
        return false;
    *ret_decision = decision_reject(
        work,
        SHOP_REASON_OPERATOR_GIVES_REASON,
        aggregate_id,
        &(struct shop_rejection){.has_limit = true, .limit = SHOP_REASON_BYTES_MAX});
    return true;
}

bool decision_stale(
    struct work *work, int64_t version, struct mr_bytes aggregate_id, void **ret_decision)
{
    const struct shop_command_meta *command = work->command;
    if (!command || (!(command->has_expected_version && command->expected_version != version) &&
                     !(command->must_exist && version == 0)))
        return false;
    *ret_decision = decision_reject(
        work,
        SHOP_REASON_STALE_VERSION,
        aggregate_id,
        &(struct shop_rejection){.has_actual = true, .actual = version});
    return true;
}

int event_decode(
    struct topo_context *context,
    const struct shop_service *service,
    const struct topo_record *record,
    struct codec_message *ret_message,
    struct mr_error *error)
{
    struct mr_error why = {.text = "it is not an event"};
    int rc = codec_decode(
        service->registry, record->value, topo_context_arena(context), ret_message, &why);
    if (mr_code_class(rc) == MR_CLASS_RETRY) /* Its schema cannot be fetched just now. */
        return mr_fail(error, rc, "%s", why.text);
    if (rc || !codec_meta_of(ret_message))
        return mr_fail(error, MR_CORRUPT, "this version cannot read the event: %s", why.text);
    return 0;
}

const struct shop_meta *event_meta(const struct codec_message *event)
{
    const struct shop_meta *meta = codec_meta_of(event);
    assert(meta);
    return meta;
}
