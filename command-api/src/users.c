/*
 * users.c - POST /v1/users: the password becomes a sealed hash, the address a claim.
 *
 *     validated --hash pool--> hashed --ClaimEmail--> accepted --until log-in works--> 201
 *
 * The claim's outcome comes before the user's own partition has made the user; the answer waits for
 * that (bounded), so that a log-in right after it finds the account.
 */
#include "command_api.h"

#include "policy.h"

#include <processors/views.h>
#include <sealing/email.h>

#include <assert.h>

enum { SETTLE_POLL_MS = 10, SETTLE_MS_MAX = 2000 };

struct registration {
    struct mr_bytes email; /* Normal form. */
    struct mr_bytes email_key;
    struct mr_bytes password;
    struct mr_bytes name;
    struct mr_bytes locale;
    struct mr_bytes user_id;
    int64_t settle_until_ms;
};

static void send_created(struct call *call)
{
    const struct registration *registration = call->user;
    struct json_w w = json_w_to(http_response(call->request));
    json_w_object(&w);
    json_w_key_text(&w, "user_id", registration->user_id);
    json_w_object_end(&w);
    http_set_header(call->request, "Location", mr_cstr("/v1/users/me"));
    http_send(call->request, 201, NULL);
}

static bool can_log_in(const struct call *call)
{
    const struct registration *registration = call->user;
    struct mr_bytes credential = {0};
    int rc = topo_read_get(
        call->api->credentials,
        registration->user_id,
        http_arena(call->request),
        &credential,
        NULL);
    return rc || credential.ptr;
}

static void
users_settle(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct call *call = user;
    const struct registration *registration = call->user;
    (void)payload;
    bool over = why == HTTP_STOPPING || mr_unix_ms() >= registration->settle_until_ms;
    struct http_waiter *waiter = NULL;
    if (!over && !can_log_in(call))
        waiter = http_suspend(request, SETTLE_POLL_MS, users_settle, call);
    if (waiter)
        http_waiter_release(waiter);
    else
        send_created(call);
}

static void
users_answer_claimed(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    struct registration *registration = call->user;
    const struct shop_command_outcome *outcome = call_accepted(call, answer);
    if (!outcome)
        return;
    if (outcome->subject_id.ptr)
        registration->user_id = outcome->subject_id;
    registration->settle_until_ms = mr_unix_ms() + SETTLE_MS_MAX;
    users_settle(request, HTTP_DEADLINE, mr_cstr(""), call);
}

/* All that names a person is sealed before it leaves this program: the log has ciphertext only. */
static void users_claim(struct call *call, struct mr_bytes phc)
{
    const struct registration *registration = call->user;
    struct command_api *api = call->api;
    struct mr_arena *arena = http_arena(call->request);
    struct mr_bytes user_id = registration->user_id;
    struct sealing_key key;
    struct shop_wrapped_key wrapped = sealing_wrap_new(&api->kek, user_id, arena, &key);
    struct shop_sealed name = sealing_seal(
        &key,
        wrapped.key_id,
        (struct sealing_context){"name", user_id},
        registration->name.ptr ? registration->name : mr_cstr(""),
        arena);
    struct shop_sealed credential = sealing_seal(
        &api->credential,
        mr_cstr(SEALING_CREDENTIAL_ID),
        (struct sealing_context){"credential", user_id},
        phc,
        arena);
    struct shop_claim_email command = {
        .meta = call_meta(call),
        .email_key = registration->email_key,
        .user_id = user_id,
        .email_sealed = sealing_seal(
            &key,
            wrapped.key_id,
            (struct sealing_context){"email", user_id},
            registration->email,
            arena),
        .name_sealed = registration->name.ptr ? &name : NULL,
        .locale = registration->locale,
        .credential_sealed = &credential,
        .subject_key = wrapped,
    };
    call_send(
        call,
        TOPIC_IDENTITY_CLAIM_COMMANDS,
        registration->email_key,
        SHOP_CLAIM_EMAIL,
        &command,
        users_answer_claimed);
}

static void users_on_hashed(
    struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct call *call = user;
    if (why == HTTP_STOPPING)
        http_send_problem(request, "shutting-down", "repeat the request elsewhere");
    else if (why != HTTP_WOKEN || payload.len == 0)
        command_send_overloaded(call->api, request);
    else
        users_claim(call, payload);
}

void users_send_weak_password(
    struct http_request *request, const char *pointer, const char *problem)
{
    assert(request && pointer && problem);
    struct http_field_error error = {
        .pointer = mr_cstr(pointer), .detail = problem, .code = "too-weak"};
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = "password-too-weak",
            .detail = mr_cstr(problem),
            .errors = &error,
            .errors_count = 1});
}

/* False: a problem has been sent. */
static bool users_judge(struct http_request *request, struct registration *registration)
{
    struct mr_bytes typed = registration->email;
    if (!sealing_email_normalise(typed, http_arena(request), &registration->email)) {
        http_send_invalid(request, "/email", "format", "not a valid e-mail address");
        return false;
    }
    if (!policy_is_locale(registration->locale)) {
        http_send_invalid(request, "/locale", "format", "want a language tag such as en-GB");
        return false;
    }
    const char *problem = policy_password_problem(registration->password, registration->email);
    if (!problem)
        return true;
    users_send_weak_password(request, "/password", problem);
    return false;
}

static bool read_registration(struct http_request *request, struct registration *registration)
{
    struct api_registration body = {.locale = mr_cstr("en")};
    if (!http_read_shape(request, &api_shape_registration, &body))
        return false;
    registration->email = body.email;
    registration->password = body.password;
    registration->name = body.name;
    registration->locale = body.locale;
    return users_judge(request, registration);
}

/* The scope of the key is the address: two people who choose the same key do not meet. */
void users_post(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct mr_arena *arena = http_arena(request);
    struct registration *registration = mr_arena_zalloc(arena, sizeof *registration);
    if (!read_registration(request, registration))
        return;
    registration->email_key = sealing_email_key(&api->email_hmac, registration->email, arena);
    struct mr_bytes principal =
        mr_arena_printf(arena, COMMAND_ANONYMOUS "%.*s", MR_ARG(registration->email_key));
    struct call *call = call_begin(api, request, principal, mr_cstr("customer"), CALL_KEY_REQUIRED);
    if (!call)
        return;
    struct shop_id user_id = shop_created_id("usr_", shop_id_view(&call->command_id));
    registration->user_id = mr_arena_copy(arena, shop_id_view(&user_id));
    call->user = registration;
    if (!hash_pool_submit(api->pool, request, registration->password, NULL, users_on_hashed, call))
        command_send_overloaded(api, request);
}
