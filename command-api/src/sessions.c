/*
 * sessions.c - POST /v1/sessions: a password for an access token and a refresh token.
 *
 * An unknown account, one without a credential and a wrong password get the same body, after the
 * same work: a hash is verified in any case, against a dummy where there is none.
 */
#include "cart_merge.h"
#include "session.h"

#include <base/log.h>
#include <processors/views.h>
#include <sealing/email.h>
#include <sealing/password.h>

struct login {
    struct command_api *api;
    struct mr_bytes email;
    struct mr_bytes password;
    struct mr_bytes email_key;
    struct login_attempt attempt;
    struct mr_bytes user_id; /* NULL view: unknown. */
    struct mr_bytes session_id;
    bool by_cookie;
    struct mr_bytes guest_id; /* The cart of this guest moves; NULL view: none. */
    const char *phc;
    int64_t credential_at; /* When the password that `phc` is of was set. */
};

int credential_open(
    struct command_api *api,
    struct mr_bytes user_id,
    struct mr_arena *arena,
    struct mr_bytes *ret_framed,
    struct mr_bytes *ret_phc,
    int64_t *ret_changed_at,
    struct mr_error *error)
{
    struct codec_message message;
    int rc = topo_read_get(api->credentials, user_id, arena, ret_framed, error);
    if (rc == 0 && ret_framed->ptr)
        rc = codec_decode(api->registry, *ret_framed, arena, &message, error);
    if (rc || !ret_framed->ptr || message.id != SHOP_CREDENTIAL)
        return rc;
    const struct shop_credential *credential = message.value;
    struct sealing_context context = {"credential", user_id};
    *ret_changed_at = credential->changed_at;
    (void)sealing_unseal(&api->credential, context, &credential->phc_sealed, arena, ret_phc, NULL);
    return 0;
}

/* Leaves the dummy in place unless there is an account with a credential that opens. Negative: the
 * views cannot be read, which says nothing of the account. */
static int find_account(struct login *login, struct mr_arena *arena, struct mr_error *error)
{
    struct command_api *api = login->api;
    struct mr_bytes user_id = {0};
    struct mr_bytes framed = {0};
    struct mr_bytes phc = {0};
    login->phc = sealing_password_dummy();
    int rc = topo_read_get(api->claims, login->email_key, arena, &user_id, error);
    if (rc == 0 && user_id.ptr)
        rc = credential_open(api, user_id, arena, &framed, &phc, &login->credential_at, error);
    if (rc || !phc.ptr)
        return rc;
    login->user_id = user_id;
    login->phc = mr_arena_cstr(arena, phc);
    return 0;
}

static void send_session(struct call *call)
{
    const struct login *login = call->user;
    struct session session = {login->user_id, login->session_id, 0};
    session_send(call, &session, login->by_cookie, 201);
}

/* A cart that could not be moved in time does not fail the login: the command is in the log, or the
 * token is as good for POST /v1/cart/merge as before. */
static void
answer_merge(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    if (answer->verdict == DISPATCH_DECIDED)
        command_set_positions(call->api, request, &answer->reply->outcome);
    send_session(call);
}

/* A command of its own, named after the login's, so that a repeated login moves nothing twice. */
static void merge_cart(struct call *call)
{
    const struct login *login = call->user;
    struct mr_bytes of_login =
        mr_arena_copy(http_arena(call->request), shop_id_view(&call->command_id));
    call->command_id =
        shop_command_id(call->principal, mr_cstr("POST"), mr_cstr("/v1/cart/merge"), of_login);
    merge_send(call, login->guest_id, answer_merge);
}

static void
answer_login(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    struct login *login = call->user;
    const struct shop_command_outcome *outcome = call_accepted(call, answer);
    (void)request;
    if (!outcome)
        return;
    if (outcome->subject_id.ptr)
        login->session_id = outcome->subject_id;
    if (login->guest_id.ptr)
        merge_cart(call);
    else
        send_session(call);
}

static void start_session(struct http_request *request, struct login *login)
{
    struct mr_arena *arena = http_arena(request);
    struct call *call =
        call_begin(login->api, request, login->user_id, mr_cstr("customer"), CALL_KEY_OPTIONAL);
    if (!call)
        return;
    call->must_wait = true; /* The tokens are in this answer or nowhere. */
    struct shop_id session_id = shop_created_id("ses_", shop_id_view(&call->command_id));
    login->session_id = mr_arena_copy(arena, shop_id_view(&session_id));
    call->user = login;
    struct shop_start_session command = {
        .meta = call_meta(call),
        .user_id = login->user_id,
        .session_id = login->session_id,
        .expires_at = call->now_ms + SESSION_LIFETIME_MS,
        .has_credential_at = true,
        .credential_at = login->credential_at,
    };
    call_send(
        call,
        TOPIC_IDENTITY_USER_COMMANDS,
        login->user_id,
        SHOP_START_SESSION,
        &command,
        answer_login);
}

static void end_attempt(const struct login *login, enum login_end end)
{
    login_delay_end(login->api->delays, &login->attempt, end, mr_unix_ms());
}

static void
judge_password(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct login *login = user;
    if (why == HTTP_STOPPING) {
        end_attempt(login, LOGIN_NOT_TRIED);
        http_send_problem(request, "shutting-down", "repeat the request elsewhere");
    } else if (why != HTTP_WOKEN) {
        end_attempt(login, LOGIN_NOT_TRIED);
        command_send_overloaded(login->api, request);
    } else if (login->user_id.ptr && mr_bytes_equal(payload, mr_cstr("1"))) {
        end_attempt(login, LOGIN_RIGHT);
        start_session(request, login);
    } else {
        end_attempt(login, LOGIN_WRONG);
        http_send_problem_full(request, &(struct http_problem){.slug = "invalid-credentials"});
    }
}

static bool read_login(struct http_request *request, struct login *login)
{
    struct api_login body = {0};
    if (!http_read_shape(request, &api_shape_login, &body))
        return false;
    login->email = body.email;
    login->password = body.password;
    return session_read_mode(request, body.refresh, &login->by_cookie) &&
           (!body.cart_token.ptr || merge_read_token(request, body.cart_token, &login->guest_id));
}

/* The waiting time comes before the password: an attempt that must wait costs no hash. Whatever
 * fails after login_delay_begin ends the attempt. */
void sessions_post(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct mr_arena *arena = http_arena(request);
    struct login *login = mr_arena_zalloc(arena, sizeof *login);
    struct mr_error error;
    login->api = api;
    if (!read_login(request, login) || !command_views_are_here(api, request))
        return;
    struct mr_bytes email = login->email;
    (void)sealing_email_normalise(login->email, arena, &email);
    login->email_key = sealing_email_key(&api->email_hmac, email, arena);
    login->attempt = (struct login_attempt){login->email_key, command_network(request)};
    int wait_s = login_delay_begin(api->delays, &login->attempt, mr_unix_ms());
    if (wait_s == LOGIN_DELAY_BUSY) {
        http_send_problem_full(
            request, &(struct http_problem){.slug = "overloaded", .retry_after_s = 1});
        return;
    }
    if (wait_s) {
        http_send_problem_full(
            request, &(struct http_problem){.slug = "too-many-attempts", .retry_after_s = wait_s});
        return;
    }
    if (find_account(login, arena, &error)) {
        end_attempt(login, LOGIN_NOT_TRIED);
        mr_log(MR_LOG_ERROR, "read-failed", "error=\"%s\"", error.text);
        http_send_problem(request, "internal", "the account cannot be read");
        return;
    }
    if (!hash_pool_submit(api->pool, request, login->password, login->phc, judge_password, login)) {
        end_attempt(login, LOGIN_NOT_TRIED);
        command_send_overloaded(api, request);
    }
}
