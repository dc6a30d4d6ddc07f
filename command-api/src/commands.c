/* commands.c - GET /v1/commands/{id}: what became of a command that was answered with 202. */
#include "command_api.h"

#include <api/shop_json.h>
#include <api/shop_problem.h>
#include <assert.h>

#define TICKET "command"

enum { KEPT_MS = 7 * 24 * 3600 * 1000, TICKET_TIME_BYTES = 8 };

/* A registration has no user yet: its id, which cannot be guessed, is the permission. */
static bool command_may_see(struct mr_bytes principal, struct mr_bytes owner)
{
    return mr_bytes_starts_with(principal, mr_cstr(COMMAND_ANONYMOUS)) ||
           mr_bytes_equal(principal, owner);
}

/* A ticket: when, and "command id|principal", under our MAC. */
struct mr_bytes command_url(const struct call *call)
{
    assert(call && call->command_id.text[0] != '\0');
    struct mr_arena *arena = http_arena(call->request);
    bool anonymous = mr_bytes_starts_with(call->principal, mr_cstr(COMMAND_ANONYMOUS));
    struct mr_bytes principal = anonymous ? mr_cstr(COMMAND_ANONYMOUS) : call->principal;
    struct mr_buffer payload = {0};
    struct mr_buffer ticket = {0};
    mr_put_be64(mr_buffer_reserve(&payload, TICKET_TIME_BYTES), (uint64_t)call->now_ms);
    payload.len = TICKET_TIME_BYTES;
    mr_buffer_printf(&payload, "%s|%.*s", call->command_id.text, MR_ARG(principal));
    token_wrap(call->api->tokens, TICKET, mr_buffer_view(&payload), &ticket);
    struct mr_bytes url = mr_arena_printf(
        arena, "/v1/commands/%s?ticket=%.*s", call->command_id.text, (int)ticket.len, ticket.ptr);
    mr_buffer_clean_up(&payload);
    mr_buffer_clean_up(&ticket);
    return url;
}

/* True when the request has a ticket for this command that is the caller's and not too old. */
static bool command_has_ticket(
    const struct command_api *api,
    struct http_request *request,
    struct mr_bytes command_id,
    struct mr_bytes owner)
{
    struct mr_bytes ticket = http_query(request, "ticket");
    struct mr_bytes payload = {0};
    if (!ticket.ptr || token_unwrap(api->tokens, TICKET, ticket, http_arena(request), &payload) ||
        payload.len < TICKET_TIME_BYTES + command_id.len + 1)
        return false;
    int64_t issued_ms = (int64_t)mr_get_be64(payload.ptr);
    struct mr_bytes rest =
        mr_bytes_of(payload.ptr + TICKET_TIME_BYTES, payload.len - TICKET_TIME_BYTES);
    return mr_unix_ms() - issued_ms < KEPT_MS && mr_bytes_starts_with(rest, command_id) &&
           rest.ptr[command_id.len] == '|' &&
           command_may_see(
               mr_bytes_of(rest.ptr + command_id.len + 1, rest.len - command_id.len - 1), owner);
}

static void command_write_problem(
    struct json_w *w, struct http_request *request, const struct shop_command_outcome *outcome)
{
    if (mr_bytes_equal(outcome->status, mr_cstr("accepted")))
        return;
    struct http_problem problem = shop_outcome_problem(outcome, http_arena(request));
    struct mr_buffer text;
    mr_buffer_init(&text);
    http_problem_render(&problem, NULL, (struct mr_bytes){0}, &text);
    json_w_key(w, "problem");
    json_w_raw(w, mr_buffer_view(&text));
    mr_buffer_clean_up(&text);
}

static void command_send_outcome(
    struct command_api *api,
    struct http_request *request,
    const struct shop_command_outcome *outcome)
{
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "command_id", outcome->command_id);
    json_w_key_text(&w, "status", outcome->status);
    json_w_key_integer(&w, "http_status", shop_outcome_status(outcome));
    json_w_key_time(&w, "decided_at", outcome->decided_at);
    if (outcome->subject_id.ptr)
        json_w_key_text(&w, "subject_id", outcome->subject_id);
    command_write_problem(&w, request, outcome);
    if (outcome->cart) {
        json_w_key(&w, "cart");
        shop_json_cart(&w, outcome->cart, NULL);
    }
    if (outcome->order) {
        json_w_key(&w, "order");
        shop_json_order(&w, outcome->order, NULL);
    }
    json_w_object_end(&w);
    command_set_positions(api, request, outcome);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, 200, NULL);
}

static void command_send_pending(struct http_request *request, struct mr_bytes command_id)
{
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "command_id", command_id);
    json_w_key_text(&w, "status", mr_cstr("pending"));
    json_w_object_end(&w);
    http_set_header_f(request, "Retry-After", "%d", http_retry_after_s(1));
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, 200, NULL);
}

/* 1: found and decoded; 0: none; negative: the view cannot be read. */
static int command_find(
    struct command_api *api,
    struct mr_bytes command_id,
    struct mr_arena *arena,
    const struct shop_command_outcome **ret_outcome)
{
    struct mr_bytes framed = {0};
    struct codec_message message;
    int rc = topo_read_get(api->outcomes, command_id, arena, &framed, NULL);
    if (rc || !framed.ptr)
        return rc;
    rc = codec_decode(api->registry, framed, arena, &message, NULL);
    if (rc)
        return rc;
    *ret_outcome = message.value;
    return message.id == SHOP_COMMAND_OUTCOME;
}

void command_get(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct api_caller caller;
    const struct shop_command_outcome *outcome = NULL;
    struct mr_bytes command_id = http_path_param(request, 0);
    static const char *const known[] = {"ticket", NULL};
    if (!http_query_only(request, known) || !api_identify(&api->auth, request, &caller) ||
        !command_views_are_here(api, request))
        return;
    int found = shop_id_is_valid(command_id)
                    ? command_find(api, command_id, http_arena(request), &outcome)
                    : 0;
    if (found < 0)
        http_send_problem(request, "internal", "The outcome cannot be read.");
    else if (outcome && command_may_see(outcome->principal, caller.owner))
        command_send_outcome(api, request, outcome);
    else if (!outcome && command_has_ticket(api, request, command_id, caller.owner))
        command_send_pending(request, command_id);
    else
        http_send_problem(
            request, "not-found", "You have sent no such command in the last seven days.");
}
