/*
 * profile.c - GET and PATCH /v1/users/me: what a user says about himself, unsealed for him alone.
 *
 * This program answers the read too: it is the only one that has the key of the users' keys.
 */
#include "command_api.h"

#include "policy.h"

#include <base/log.h>
#include <processors/views.h>

enum { SETTLE_POLL_MS = 10, SETTLE_MS_MAX = 2000 };

struct profile {
    struct mr_bytes user_id;
    const struct shop_user_view *view;
    struct mr_bytes key_id;
    struct sealing_key key; /* The user's own. */
    int64_t wanted_version; /* PATCH: answers with a profile that has it. */
    int64_t settle_until_ms;
};

static void profile_send_unreadable(struct http_request *request, const struct mr_error *error)
{
    mr_log(
        MR_LOG_ERROR,
        "read-failed",
        "request_id=%.*s error=\"%s\"",
        MR_ARG(http_request_id(request)),
        error->text);
    http_send_problem(request, "internal", "The profile cannot be read.");
}

/* The view's row; a NULL view when it is not there yet. */
static int profile_load(
    struct command_api *api,
    struct mr_arena *arena,
    struct profile *profile,
    struct mr_error *error)
{
    struct mr_bytes row = {0};
    const void *view = NULL;
    int rc = topo_read_get(api->users, profile->user_id, arena, &row, error);
    if (rc == 0 && row.ptr)
        rc = codec_decode_bare(&shop_types[SHOP_USER_VIEW], row, arena, &view, error);
    profile->view = rc ? NULL : view;
    return rc;
}

static int profile_load_key(
    struct command_api *api,
    struct mr_arena *arena,
    struct profile *profile,
    struct mr_error *error)
{
    struct mr_bytes framed = {0};
    struct codec_message message = {0};
    int rc = topo_read_get(api->subject_keys, profile->user_id, arena, &framed, error);
    if (rc == 0 && framed.ptr)
        rc = codec_decode(api->registry, framed, arena, &message, error);
    if (rc == 0 && message.id != SHOP_WRAPPED_KEY)
        rc = mr_fail(error, MR_CORRUPT, "there is no key of %.*s", MR_ARG(profile->user_id));
    if (rc)
        return rc;
    const struct shop_wrapped_key *wrapped = message.value;
    profile->key_id = wrapped->key_id;
    return sealing_unwrap(&api->kek, wrapped, &profile->key, error);
}

/* False: a problem has been sent. */
static bool
profile_open(struct command_api *api, struct http_request *request, struct profile *profile)
{
    struct mr_error error;
    struct mr_arena *arena = http_arena(request);
    int rc = profile_load(api, arena, profile, &error);
    if (rc == 0 && profile->view)
        rc = profile_load_key(api, arena, profile, &error);
    if (rc)
        profile_send_unreadable(request, &error);
    else if (!profile->view)
        http_send_problem_full(
            request, &(struct http_problem){.slug = "view-behind", .retry_after_s = 1});
    return rc == 0 && profile->view;
}

static int profile_unseal(
    const struct profile *profile,
    const char *what,
    const struct shop_sealed *sealed,
    struct mr_arena *arena,
    struct mr_bytes *ret_text,
    struct mr_error *error)
{
    struct sealing_context context = {what, profile->user_id};
    return sealed ? sealing_unseal(&profile->key, context, sealed, arena, ret_text, error) : 0;
}

/* The ETag is the version of the user, so a password that changes makes a new one too. */
static void profile_send(struct http_request *request, const struct profile *profile)
{
    struct mr_error error;
    struct mr_bytes email = {0};
    struct mr_bytes name = {0};
    const struct shop_user_view *view = profile->view;
    struct mr_arena *arena = http_arena(request);
    int rc = profile_unseal(profile, "email", &view->email_sealed, arena, &email, &error);
    if (rc == 0)
        rc = profile_unseal(profile, "name", view->name_sealed, arena, &name, &error);
    if (rc) {
        profile_send_unreadable(request, &error);
        return;
    }
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_set_header(request, "Vary", mr_cstr("Authorization"));
    if (http_etag_matches(
            request, mr_arena_printf(arena, "v%lld", (long long)view->version), false)) {
        http_send(request, 304, NULL);
        return;
    }
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "user_id", profile->user_id);
    json_w_key_text(&w, "email", email);
    json_w_key_text(&w, "name", name);
    json_w_key_text(&w, "locale", view->locale);
    json_w_key_text(&w, "role", view->role.ptr ? view->role : mr_cstr(SHOP_ROLE_CUSTOMER));
    json_w_key_time(&w, "registered_at", view->registered_at);
    json_w_key_integer(&w, "version", view->version);
    json_w_object_end(&w);
    http_send(request, 200, NULL);
}

void profile_get(struct http_request *request, void *user)
{
    static const char *const none[] = {NULL};
    struct command_api *api = user;
    struct profile profile = {0};
    struct api_caller caller;
    if (!http_query_only(request, none) || !api_authenticate_user(&api->auth, request, &caller))
        return;
    profile.user_id = caller.owner;
    if (profile_open(api, request, &profile))
        profile_send(request, &profile);
}

/* The change is in the log; the answer waits (bounded) until this program's view has it. */
static void
profile_settle(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct call *call = user;
    struct profile *profile = call->user;
    struct http_waiter *waiter = NULL;
    (void)payload;
    if (!profile_open(call->api, request, profile))
        return;
    bool over = why == HTTP_STOPPING || mr_unix_ms() >= profile->settle_until_ms;
    if (!over && profile->view->version < profile->wanted_version)
        waiter = http_suspend(request, SETTLE_POLL_MS, profile_settle, call);
    if (waiter)
        http_waiter_release(waiter);
    else
        profile_send(request, profile);
}

static void
profile_answer(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    struct profile *profile = call->user;
    const struct shop_command_outcome *outcome = call_accepted(call, answer);
    if (!outcome)
        return;
    profile->wanted_version = outcome->version;
    profile->settle_until_ms = mr_unix_ms() + SETTLE_MS_MAX;
    profile_settle(request, HTTP_DEADLINE, mr_cstr(""), call);
}

/* False: a problem has been sent. */
static bool profile_read(struct http_request *request, struct api_profile_patch *ret_patch)
{
    if (!http_read_shape(request, &api_shape_profile_patch, ret_patch))
        return false;
    if (!ret_patch->locale.ptr || policy_is_locale(ret_patch->locale))
        return true;
    http_send_invalid(request, "/locale", "format", "want a language tag such as en-GB");
    return false;
}

static void profile_send_change(struct call *call, const struct api_profile_patch *patch)
{
    const struct profile *profile = call->user;
    struct shop_sealed name = {0};
    bool has_name = patch->name.len > 0;
    if (has_name)
        name = sealing_seal(
            &profile->key,
            profile->key_id,
            (struct sealing_context){"name", profile->user_id},
            patch->name,
            http_arena(call->request));
    struct shop_change_profile command = {
        .meta = call_meta(call),
        .user_id = profile->user_id,
        .name_changes = patch->name.ptr != NULL,
        .name_sealed = has_name ? &name : NULL,
        .locale = patch->locale,
    };
    call_send(
        call,
        TOPIC_IDENTITY_USER_COMMANDS,
        profile->user_id,
        SHOP_CHANGE_PROFILE,
        &command,
        profile_answer);
}

void profile_patch(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct api_profile_patch patch = {0};
    struct api_caller caller;
    struct profile *profile = mr_arena_zalloc(http_arena(request), sizeof *profile);
    if (!api_authenticate_user(&api->auth, request, &caller) || !profile_read(request, &patch))
        return;
    profile->user_id = caller.owner;
    if (!profile_open(api, request, profile))
        return;
    struct call *call =
        call_begin(api, request, caller.owner, caller.actor_kind, CALL_KEY_OPTIONAL);
    if (!call)
        return;
    call->must_wait = true; /* The answer is the profile. */
    call->user = profile;
    profile_send_change(call, &patch);
}
