/*
 * session_end.c - logging out: this session, another one, all of them.
 *
 * The answer waits (bounded) until this instance's own view has the end, so that it refuses the
 * session from the answer on. The other instances follow within the lag of their views.
 */
#include "session.h"

#include <api/caller.h>
#include <assert.h>

enum { SETTLE_POLL_MS = 10, SETTLE_MS_MAX = 2000 };

struct ending {
    struct mr_bytes session_id;
    bool drops_cookie;
    int64_t settle_until_ms;
};

static void
ending_settle(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct call *call = user;
    const struct ending *ending = call->user;
    struct http_waiter *waiter = NULL;
    (void)payload;
    bool over = why == HTTP_STOPPING || mr_unix_ms() >= ending->settle_until_ms;
    if (!over && !api_session_is_over(&call->api->auth, request, ending->session_id))
        waiter = http_suspend(request, SETTLE_POLL_MS, ending_settle, call);
    if (waiter) {
        http_waiter_release(waiter);
        return;
    }
    if (ending->drops_cookie)
        session_drop_cookie(request);
    http_send(request, 204, NULL);
}

static void
ending_answer(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    struct ending *ending = call->user;
    if (!call_accepted(call, answer))
        return;
    ending->settle_until_ms = mr_unix_ms() + SETTLE_MS_MAX;
    ending_settle(request, HTTP_DEADLINE, mr_cstr(""), call);
}

/* NULL: a problem has been sent. */
static struct call *
ending_begin(struct http_request *request, struct command_api *api, struct api_caller *ret_caller)
{
    if (!api_authenticate_user(&api->auth, request, ret_caller))
        return NULL;
    struct call *call =
        call_begin(api, request, ret_caller->owner, ret_caller->actor_kind, CALL_KEY_IGNORED);
    if (call)
        call->user = mr_arena_zalloc(http_arena(request), sizeof(struct ending));
    return call;
}

static void ending_send_one(struct call *call, struct mr_bytes session_id)
{
    struct ending *ending = call->user;
    ending->session_id = session_id;
    struct shop_revoke_session command = {
        .meta = call_meta(call), .user_id = call->principal, .session_id = session_id};
    call_send(
        call,
        TOPIC_IDENTITY_USER_COMMANDS,
        call->principal,
        SHOP_REVOKE_SESSION,
        &command,
        ending_answer);
}

void session_current_delete(struct http_request *request, void *user)
{
    struct api_caller caller;
    struct call *call = ending_begin(request, user, &caller);
    if (!call)
        return;
    ((struct ending *)call->user)->drops_cookie = true;
    ending_send_one(call, caller.session_id);
}

void session_delete(struct http_request *request, void *user)
{
    struct api_caller caller;
    struct call *call = ending_begin(request, user, &caller);
    struct mr_bytes session_id = http_path_param(request, 0);
    if (!call)
        return;
    if (shop_id_is_valid(session_id))
        ending_send_one(call, session_id);
    else
        http_send_problem(request, "not-found", "There is no such session.");
}

void sessions_delete(struct http_request *request, void *user)
{
    struct api_caller caller;
    struct call *call = ending_begin(request, user, &caller);
    if (!call)
        return;
    struct ending *ending = call->user;
    *ending = (struct ending){.session_id = caller.session_id, .drops_cookie = true};
    struct shop_revoke_all_sessions command = {.meta = call_meta(call), .user_id = call->principal};
    call_send(
        call,
        TOPIC_IDENTITY_USER_COMMANDS,
        call->principal,
        SHOP_REVOKE_ALL_SESSIONS,
        &command,
        ending_answer);
}
