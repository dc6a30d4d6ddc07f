/*
 * password_change.c - PUT /v1/users/me/password: the one before is checked, then every other
 * session ends.
 *
 *     read --verify--> right --hash--> sealed --ChangePassword--> accepted --until it counts--> 204
 */
#include "session.h"

#include "policy.h"

#include <base/log.h>
#include <processors/views.h>
#include <sealing/email.h>

enum { SETTLE_POLL_MS = 10, SETTLE_MS_MAX = 2000 };

struct password_change {
    struct command_api *api;
    struct api_caller caller;
    struct mr_bytes wanted;
    struct login_attempt attempt;
    struct mr_bytes before; /* The credential as it was. */
    const char *phc;
    int64_t credential_at; /* When it was set. */
    int64_t settle_until_ms;
};

/* True when the view has another credential than before, or cannot be read. */
static bool password_counts(const struct password_change *change, struct mr_arena *arena)
{
    struct mr_bytes now = {0};
    return topo_read_get(change->api->credentials, change->caller.owner, arena, &now, NULL) != 0 ||
           !mr_bytes_equal(now, change->before);
}

static void password_settle(
    struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct call *call = user;
    const struct password_change *change = call->user;
    struct http_waiter *waiter = NULL;
    (void)payload;
    bool over = why == HTTP_STOPPING || mr_unix_ms() >= change->settle_until_ms;
    if (!over && !password_counts(change, http_arena(request)))
        waiter = http_suspend(request, SETTLE_POLL_MS, password_settle, call);
    if (waiter)
        http_waiter_release(waiter);
    else
        http_send(request, 204, NULL);
}

static void
password_answer(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    struct password_change *change = call->user;
    if (!call_accepted(call, answer))
        return;
    change->settle_until_ms = mr_unix_ms() + SETTLE_MS_MAX;
    password_settle(request, HTTP_DEADLINE, mr_cstr(""), call);
}

static void password_send_change(struct call *call, struct mr_bytes phc)
{
    const struct password_change *change = call->user;
    struct mr_bytes user_id = change->caller.owner;
    struct shop_change_password command = {
        .meta = call_meta(call),
        .user_id = user_id,
        .credential_sealed = sealing_seal(
            &call->api->credential,
            mr_cstr(SEALING_CREDENTIAL_ID),
            (struct sealing_context){"credential", user_id},
            phc,
            http_arena(call->request)),
        .kept_session_id = change->caller.session_id,
        .has_credential_at = true,
        .credential_at = change->credential_at,
    };
    call_send(
        call,
        TOPIC_IDENTITY_USER_COMMANDS,
        user_id,
        SHOP_CHANGE_PASSWORD,
        &command,
        password_answer);
}

static void password_on_hashed(
    struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct call *call = user;
    if (why == HTTP_STOPPING)
        http_send_problem(request, "shutting-down", "repeat the request elsewhere");
    else if (why != HTTP_WOKEN || payload.len == 0)
        command_send_overloaded(call->api, request);
    else
        password_send_change(call, payload);
}

static void password_end_attempt(const struct password_change *change, enum login_end end)
{
    login_delay_end(change->api->delays, &change->attempt, end, mr_unix_ms());
}

static void password_on_verified(
    struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct call *call = user;
    struct password_change *change = call->user;
    bool right = why == HTTP_WOKEN && mr_bytes_equal(payload, mr_cstr("1"));
    password_end_attempt(
        change,
        right               ? LOGIN_RIGHT
        : why == HTTP_WOKEN ? LOGIN_WRONG
                            : LOGIN_NOT_TRIED);
    if (why == HTTP_STOPPING)
        http_send_problem(request, "shutting-down", "repeat the request elsewhere");
    else if (why != HTTP_WOKEN)
        command_send_overloaded(call->api, request);
    else if (!right)
        http_send_problem_full(request, &(struct http_problem){.slug = "invalid-credentials"});
    else if (!hash_pool_submit(
                 call->api->pool, request, change->wanted, NULL, password_on_hashed, call))
        command_send_overloaded(call->api, request);
}

/* Whether the new password is the user's own address: its claim leads to the user. */
static bool password_is_address(const struct password_change *change, struct mr_arena *arena)
{
    struct mr_bytes email;
    struct mr_bytes user_id = {0};
    if (!sealing_email_normalise(change->wanted, arena, &email))
        return false;
    struct mr_bytes key = sealing_email_key(&change->api->email_hmac, email, arena);
    (void)topo_read_get(change->api->claims, key, arena, &user_id, NULL);
    return user_id.ptr && mr_bytes_equal(user_id, change->caller.owner);
}

/* False: a problem has been sent. */
static bool password_judge(struct http_request *request, const struct password_change *change)
{
    const char *problem = policy_password_problem(change->wanted, mr_cstr(""));
    if (!problem && password_is_address(change, http_arena(request)))
        problem = "the e-mail address cannot be the password";
    if (!problem)
        return true;
    users_send_weak_password(request, "/new", problem);
    return false;
}

/* False: a problem has been sent. An account without a password has nothing to be right with. */
static bool password_load(struct http_request *request, struct password_change *change)
{
    struct mr_error error;
    struct mr_bytes phc = {0};
    struct mr_arena *arena = http_arena(request);
    change->phc = NULL;
    int rc = credential_open(
        change->api,
        change->caller.owner,
        arena,
        &change->before,
        &phc,
        &change->credential_at,
        &error);
    if (rc) {
        mr_log(MR_LOG_ERROR, "read-failed", "error=\"%s\"", error.text);
        http_send_problem(request, "internal", "the account cannot be read");
        return false;
    }
    if (phc.ptr)
        change->phc = mr_arena_cstr(arena, phc);
    else
        http_send_problem_full(request, &(struct http_problem){.slug = "invalid-credentials"});
    return phc.ptr != NULL;
}

/* False: a problem has been sent. With a stolen access token guessing is as slow as at a login. */
static bool password_may_try(struct http_request *request, struct password_change *change)
{
    int wait_s = login_delay_begin(change->api->delays, &change->attempt, mr_unix_ms());
    if (wait_s == 0)
        return true;
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = wait_s == LOGIN_DELAY_BUSY ? "overloaded" : "too-many-attempts",
            .retry_after_s = wait_s == LOGIN_DELAY_BUSY ? 1 : wait_s});
    return false;
}

void password_put(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct api_password body = {0};
    struct password_change *change = mr_arena_zalloc(http_arena(request), sizeof *change);
    if (!api_authenticate_user(&api->auth, request, &change->caller) ||
        !http_read_shape(request, &api_shape_password, &body) ||
        !command_views_are_here(api, request))
        return;
    change->api = api;
    change->wanted = body.wanted;
    change->attempt = (struct login_attempt){
        mr_arena_printf(http_arena(request), "password:%.*s", MR_ARG(change->caller.owner)),
        command_network(request)};
    struct call *call =
        call_begin(api, request, change->caller.owner, change->caller.actor_kind, CALL_KEY_IGNORED);
    if (!call || !password_judge(request, change) || !password_load(request, change) ||
        !password_may_try(request, change))
        return;
    call->must_wait = true; /* Whether it counts is the answer. */
    call->user = change;
    if (!hash_pool_submit(
            api->pool, request, body.current, change->phc, password_on_verified, call)) {
        password_end_attempt(change, LOGIN_NOT_TRIED);
        command_send_overloaded(api, request);
    }
}
