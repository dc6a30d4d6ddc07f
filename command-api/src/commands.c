/* commands.c - GET /v1/commands/{id}: what became of a command that was answered with 202. */
#include "api.h"

#include <http/shop_json.h>

static const struct mr_bytes anonymous = MR_LITERAL(API_ANONYMOUS);

/* Who registers is nobody yet: the id, which cannot be guessed, is the permission. */
static bool may_see(const struct shop_command_outcome *outcome, struct mr_bytes owner)
{
    return mr_bytes_starts_with(outcome->principal, anonymous) ||
           mr_bytes_equal(outcome->principal, owner);
}

static void write_problem(
    struct json_w *w, struct http_request *request, const struct shop_command_outcome *outcome)
{
    if (!outcome->problem_type.ptr)
        return;
    struct mr_buffer problem;
    mr_buffer_init(&problem);
    http_problem_render(
        &(struct http_problem){
            .slug = mr_arena_cstr(http_arena(request), outcome->problem_type),
            .status = outcome->http_status,
            .detail = outcome->problem_detail,
            .extensions = outcome->problem_ext_json,
        },
        NULL,
        (struct mr_bytes){0},
        &problem);
    json_w_key(w, "problem");
    json_w_raw(w, mr_buffer_view(&problem));
    mr_buffer_clean_up(&problem);
}

static void send_outcome(
    struct api *api, struct http_request *request, const struct shop_command_outcome *outcome)
{
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "command_id", outcome->command_id);
    json_w_key_text(&w, "status", outcome->status);
    json_w_key_integer(&w, "http_status", outcome->http_status);
    json_w_key_time(&w, "decided_at", outcome->decided_at);
    if (outcome->subject_id.ptr)
        json_w_key_text(&w, "subject_id", outcome->subject_id);
    write_problem(&w, request, outcome);
    if (outcome->cart) {
        json_w_key(&w, "cart");
        shop_json_cart(&w, outcome->cart, NULL);
    }
    if (outcome->order) {
        json_w_key(&w, "order");
        shop_json_order(&w, outcome->order, NULL);
    }
    json_w_object_end(&w);
    api_set_positions(api, request, outcome);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, 200, NULL);
}

static void send_pending(struct http_request *request, struct mr_bytes command_id)
{
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "command_id", command_id);
    json_w_key_text(&w, "status", mr_cstr("pending"));
    json_w_object_end(&w);
    http_set_header(request, "Retry-After", mr_cstr("1"));
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, 200, NULL);
}

/* 1: found and decoded; 0: none; negative: the view cannot be read. */
static int find(
    struct api *api,
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
    struct api *api = user;
    struct api_caller caller;
    const struct shop_command_outcome *outcome = NULL;
    struct mr_bytes command_id = http_path_param(request, 0);
    if (!api_identify(api, request, &caller))
        return;
    int found =
        shop_id_is_valid(command_id) ? find(api, command_id, http_arena(request), &outcome) : 0;
    struct mr_bytes principal = caller.owner.ptr ? caller.owner : anonymous;
    if (found < 0)
        http_send_problem(request, "internal", "the outcome cannot be read");
    else if (outcome && may_see(outcome, caller.owner))
        send_outcome(api, request, outcome);
    else if (!outcome && gateway_has_sent(api->gateway, command_id, principal))
        send_pending(request, command_id);
    else
        http_send_problem(request, "not-found", "no such command of yours in the last seven days");
}
