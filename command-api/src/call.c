/*
 * call.c - one request as one command: its id, its fingerprint, how long to wait, and the answer.
 */
#include "command_api.h"

#include "card_number.h"
#include "policy.h"

#include <api/positions.h>
#include <api/shop_problem.h>
#include <sealing/random.h>

#include <assert.h>
#include <stdlib.h>

enum { COMMAND_LIFETIME_MS = 24 * 3600 * 1000 };

/* False: the key is missing or malformed, and a problem has been sent. */
static bool call_read_key(struct call *call, enum call_key rule, struct mr_bytes *ret_key)
{
    if (rule == CALL_KEY_IGNORED)
        return true;
    struct mr_bytes header = http_header(call->request, "Idempotency-Key");
    if (!header.ptr && rule == CALL_KEY_REQUIRED) {
        http_set_header(
            call->request,
            "Link",
            mr_cstr("</problems/idempotency-key-required>; rel=\"describedby\""));
        http_send_problem(
            call->request,
            "idempotency-key-required",
            "Send an Idempotency-Key of 16 to 64 characters, the same for every repetition.");
        return false;
    }
    if (header.ptr && !policy_idempotency_key(header, http_arena(call->request), ret_key)) {
        http_send_problem(
            call->request,
            "malformed-header",
            "Idempotency-Key: send 16 to 64 visible characters, with or without quotes.");
        return false;
    }
    return true;
}

static void call_name_command(struct call *call, struct mr_bytes key)
{
    struct mr_bytes method = http_method(call->request);
    if (key.ptr)
        call->command_id = shop_command_id(call->principal, method, call->route, key);
    else
        mr_uuid_format(sealing_uuid_v7(call->now_ms), call->command_id.text);
    struct mr_bytes parts[] = {method, http_path(call->request), http_body(call->request)};
    call->fingerprint =
        sealing_keyed_digest(&call->api->email_hmac, parts, 3, http_arena(call->request));
}

/* Sales must have seen as much of the catalogue as the listing that the client read. */
static bool call_read_positions(struct call *call)
{
    struct topo_position *positions = NULL;
    size_t count = 0;
    if (!api_read_positions(call->api->tokens, call->request, &positions, &count))
        return false;
    if (count > 0)
        call->requires_position =
            policy_requires_position(positions, count, "catalog.", http_arena(call->request));
    return true;
}

static bool call_read_if_match(struct call *call)
{
    int64_t version = 0;
    enum http_if_match match = http_if_match(call->request, &version);
    if (match == HTTP_IF_MATCH_BAD) {
        http_send_problem(
            call->request,
            "malformed-header",
            "If-Match: send \"v<number>\", the ETag of the last answer.");
        return false;
    }
    call->has_expected_version = match == HTTP_IF_MATCH_VERSION;
    call->expected_version = version;
    call->must_exist = match == HTTP_IF_MATCH_ANY;
    return true;
}

/* Adds to what Preference-Applied says so far. */
static void call_apply_preference(struct call *call, struct mr_bytes preference)
{
    struct mr_arena *arena = http_arena(call->request);
    call->applied =
        call->applied.ptr
            ? mr_arena_printf(arena, "%.*s, %.*s", MR_ARG(call->applied), MR_ARG(preference))
            : preference;
    http_set_header(call->request, "Preference-Applied", call->applied);
}

static void call_read_waiting(struct call *call)
{
    struct http_request *request = call->request;
    if (call->must_wait) {
        call->wait_ms = API_WAIT_MS_DEFAULT;
        return;
    }
    if (http_prefer(request, "respond-async").ptr) {
        call->wait_ms = 0;
        call_apply_preference(call, mr_cstr("respond-async"));
        return;
    }
    call->wait_ms = api_wait_ms(request);
    if (http_prefer(request, "wait").ptr)
        call_apply_preference(
            call, mr_arena_printf(http_arena(request), "wait=%d", call->wait_ms / 1000));
}

static void call_read_return(struct call *call)
{
    call->minimal = mr_bytes_equal(http_prefer(call->request, "return"), mr_cstr("minimal"));
    if (call->minimal)
        call_apply_preference(call, mr_cstr("return=minimal"));
}

/* Step 1 of an event's path: one request becomes one command. */
struct call *call_begin(
    struct command_api *api,
    struct http_request *request,
    struct mr_bytes principal,
    struct mr_bytes actor_kind,
    enum call_key rule)
{
    assert(api && request && principal.len > 0 && actor_kind.len > 0);
    struct mr_bytes key = {0};
    struct call *call = mr_arena_zalloc(http_arena(request), sizeof *call);
    *call = (struct call){
        .api = api,
        .request = request,
        .principal = principal,
        .actor_kind = actor_kind,
        .route = mr_cstr(http_route_path(request)),
        .now_ms = mr_unix_ms(),
    };
    static const char *const none[] = {NULL};
    if (!http_query_only(request, none) || !call_read_key(call, rule, &key) ||
        !call_read_positions(call) || !call_read_if_match(call))
        return NULL;
    call_read_return(call);
    call_name_command(call, key);
    return call;
}

struct shop_command_meta call_meta(const struct call *call)
{
    assert(call && call->command_id.text[0] != '\0');
    return (struct shop_command_meta){
        .command_id = shop_id_view(&call->command_id),
        .fingerprint = call->fingerprint,
        .principal = call->principal,
        .actor_kind = call->actor_kind,
        .has_expected_version = call->has_expected_version,
        .expected_version = call->expected_version,
        .must_exist = call->must_exist,
        .issued_at = call->now_ms,
        .deadline = call->now_ms + COMMAND_LIFETIME_MS,
        .reply_to = mr_cstr(TOPIC_GATEWAY_REPLIES),
        .reply_partition = call->api->instance,
        .correlation_id = http_request_id(call->request),
        .traceparent = http_traceparent(call->request),
        .want_body = !call->minimal,
    };
}

void call_send(
    struct call *call,
    const char *topic,
    struct mr_bytes key,
    enum shop_type type,
    const void *command,
    dispatch_answer_fn *answered)
{
    assert(call->command_id.text[0] != '\0' && answered);
    struct mr_buffer bytes;
    call_read_waiting(call);
    mr_buffer_init(&bytes);
    codec_encode(call->api->registry, type, topic, command, &bytes);
    struct dispatch_command sending = {
        .topic = topic,
        .key = key,
        .value = mr_arena_copy(http_arena(call->request), mr_buffer_view(&bytes)),
        .type = mr_cstr(shop_types[type].full_name),
        .command_id = shop_id_view(&call->command_id),
        .fingerprint = call->fingerprint,
        .requires_position = call->requires_position,
        .wait_ms = call->wait_ms,
        .answered = answered,
        .user = call,
    };
    mr_buffer_clean_up(&bytes);
    dispatch_send(call->api->dispatch, call->request, &sending);
}

bool command_views_are_here(struct command_api *api, struct http_request *request)
{
    assert(api && request);
    if (topo_engine_state(api->engine, NULL) != TOPO_ENGINE_RESTORING)
        return true;
    http_send_problem(request, "view-behind", "this instance is starting; ask again");
    return false;
}

void command_send_overloaded(struct command_api *api, struct http_request *request)
{
    assert(api && request);
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = "overloaded",
            .detail = mr_cstr("Too many passwords wait to be checked."),
            .retry_after_s = hash_pool_drain_s(api->pool)});
}

void command_set_positions(
    struct command_api *api,
    struct http_request *request,
    const struct shop_command_outcome *outcome)
{
    assert(api && request && outcome);
    size_t count = outcome->positions_count;
    struct mr_arena *arena = http_arena(request);
    struct topo_position *positions = mr_arena_alloc(arena, (count + 1) * sizeof *positions);
    for (size_t i = 0; i < count; i++)
        positions[i] = (struct topo_position){
            .topic = mr_arena_cstr(arena, outcome->positions[i].topic),
            .partition = outcome->positions[i].partition,
            .next_offset = outcome->positions[i].next_offset,
        };
    api_set_positions(api->tokens, request, positions, count, NULL);
}

static void call_send_pending(struct call *call)
{
    struct json_w w = json_w_to(http_response(call->request));
    struct mr_bytes id = shop_id_view(&call->command_id);
    struct mr_bytes self = command_url(call);
    json_w_object(&w);
    json_w_key_text(&w, "command_id", id);
    json_w_key_text(&w, "status", mr_cstr("pending"));
    json_w_key(&w, "links");
    json_w_object(&w);
    json_w_key_text(&w, "self", self);
    json_w_object_end(&w);
    json_w_object_end(&w);
    http_set_header(call->request, "Location", self);
    int drain_s = dispatch_drain_s(call->api->dispatch);
    http_set_header_f(call->request, "Retry-After", "%d", http_retry_after_s(drain_s));
    http_send(call->request, 202, NULL);
}

static void call_send_rejection(struct call *call, const struct shop_command_outcome *outcome)
{
    struct http_problem problem = shop_outcome_problem(outcome, http_arena(call->request));
    http_send_problem_full(call->request, &problem);
}

static void call_send_unavailable(struct call *call, const char *slug, const char *detail)
{
    http_send_problem_full(
        call->request,
        &(struct http_problem){
            .slug = slug,
            .detail = mr_cstr(detail),
            .retry_after_s = dispatch_drain_s(call->api->dispatch)});
}

/* Says 503 "nothing accepted" only when that is sure, and 202 only when the log has the command. */
const struct shop_command_outcome *
call_accepted(struct call *call, const struct dispatch_answer *answer)
{
    assert(call && answer);
    switch (answer->verdict) {
    case DISPATCH_PENDING:
        if (call->must_wait)
            call_send_unavailable(
                call,
                "outcome-unknown",
                "The outcome takes longer than usual. Repeat the request with the same "
                "Idempotency-Key.");
        else
            call_send_pending(call);
        return NULL;
    case DISPATCH_UNKNOWN:
        call_send_unavailable(
            call,
            "outcome-unknown",
            "The log did not answer in time. Repeat the request with the same Idempotency-Key.");
        return NULL;
    case DISPATCH_UNAVAILABLE:
        call_send_unavailable(call, "log-unavailable", "Nothing was accepted. Repeat the request.");
        return NULL;
    case DISPATCH_OVERLOADED:
        call_send_unavailable(
            call,
            "overloaded",
            "Too many requests wait. Repeat this one with the same Idempotency-Key.");
        return NULL;
    case DISPATCH_DECIDED:
        break;
    }
    const struct shop_command_outcome *outcome = &answer->reply->outcome;
    if (answer->reply->replayed)
        http_set_header(call->request, "Idempotency-Replayed", mr_cstr("true"));
    command_set_positions(call->api, call->request, outcome);
    if (mr_bytes_equal(outcome->status, mr_cstr("accepted")))
        return outcome;
    call_send_rejection(call, outcome);
    return NULL;
}

bool command_has_no_card_numbers(struct http_request *request)
{
    assert(request);
    struct mr_bytes pointer = {0};
    if (!card_number_in_json(http_body(request), http_arena(request), &pointer))
        return true;
    struct http_field_error error = {
        .pointer = pointer,
        .detail = "This is a card number. Send a token of the payment provider.",
        .code = "card-data",
    };
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = "card-data-not-accepted", .errors = &error, .errors_count = 1});
    return false;
}

struct mr_bytes command_network(struct http_request *request)
{
    assert(request);
    return policy_network(http_header(request, "X-Forwarded-For"), http_arena(request));
}
