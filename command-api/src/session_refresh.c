/*
 * session_refresh.c - POST /v1/sessions/refresh: a refresh token for the next pair.
 *
 * The state of the session says what a repetition is, not an idempotency key: the same token again
 * within seconds gives the same successor, later it ends the session. So a key is not read, and
 * each request is a command of its own.
 */
#include "session.h"

struct renewal {
    struct session session; /* As the token has it; then its successor. */
    bool by_cookie;
};

static void
refresh_answer(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    struct renewal *renewal = call->user;
    (void)request;
    if (!call_accepted(call, answer))
        return;
    renewal->session.generation++;
    session_send(call, &renewal->session, renewal->by_cookie, 200);
}

/* False: a problem has been sent. */
static bool
refresh_read(struct command_api *api, struct http_request *request, struct renewal *renewal)
{
    struct api_renewal body = {0};
    if (!http_read_shape(request, &api_shape_renewal, &body) ||
        !session_read_mode(request, body.refresh, &renewal->by_cookie))
        return false;
    if (renewal->by_cookie == (body.refresh_token.ptr != NULL)) {
        http_send_invalid(
            request,
            "/refresh_token",
            renewal->by_cookie ? "unknown" : "required",
            "send the refresh token here, or \"refresh\":\"cookie\" to use the cookie");
        return false;
    }
    struct mr_bytes token =
        renewal->by_cookie ? http_cookie(request, SESSION_COOKIE) : body.refresh_token;
    if (session_of_refresh_token(&api->refresh, token, http_arena(request), &renewal->session))
        return true;
    http_send_problem(request, "token-invalid", "Not a refresh token of this shop.");
    return false;
}

void sessions_refresh_post(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct renewal *renewal = mr_arena_zalloc(http_arena(request), sizeof *renewal);
    if (!refresh_read(api, request, renewal))
        return;
    struct mr_bytes user_id = renewal->session.user_id;
    struct call *call = call_begin(api, request, user_id, mr_cstr("customer"), CALL_KEY_IGNORED);
    if (!call)
        return;
    call->must_wait = true; /* The tokens are in this answer or nowhere. */
    call->user = renewal;
    struct shop_rotate_session command = {
        .meta = call_meta(call),
        .user_id = user_id,
        .session_id = renewal->session.session_id,
        .generation = renewal->session.generation,
        .expires_at = call->now_ms + SESSION_LIFETIME_MS,
    };
    call_send(
        call, TOPIC_IDENTITY_USER_COMMANDS, user_id, SHOP_ROTATE_SESSION, &command, refresh_answer);
}
