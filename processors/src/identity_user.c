/*
 * identity_user.c - users; a message to their sessions goes on to identity_session.c.
 *
 * Registering writes the public fact, and beside it, in the same transaction, the restricted
 * records: the credential and the key that opens the user's sealed fields.
 */
#include "identity.h"

#include "sessions.h"

enum { TERMS_VERSION = 1 };

static int user_load(
    struct topo_context *context,
    struct mr_bytes user_id,
    const struct shop_user_state **ret_state,
    struct mr_error *error)
{
    const void *found;
    int rc = state_get(context, "user", SHOP_USER_STATE, user_id, &found, error);
    if (!rc)
        *ret_state = found;
    return rc;
}

static void user_create(struct work *work, const struct shop_create_user *message)
{
    work->actor_kind = message->actor_kind;
    work->actor_id = message->actor_id;
    struct shop_user_registered event = {
        .meta = work_meta(work, "user", message->user_id, 1),
        .user_id = message->user_id,
        .email_key = message->email_key,
        .email_sealed = message->email_sealed,
        .name_sealed = message->name_sealed,
        .locale = message->locale,
        .terms_version = TERMS_VERSION,
        .subject_key_id = message->subject_key.key_id,
        .has_credential = message->credential_sealed != NULL,
    };
    work_emit(work, "user-events", SHOP_USER_REGISTERED, message->user_id, &event.meta, &event);
    work_send(work, "subject-keys", SHOP_WRAPPED_KEY, message->user_id, &message->subject_key);
    if (message->credential_sealed) {
        struct shop_credential credential = {
            message->user_id, *message->credential_sealed, work->now_ms};
        work_send(work, "credentials", SHOP_CREDENTIAL, message->user_id, &credential);
    }
}

static int user_decide_creation(
    struct work *work, const struct shop_create_user *message, struct mr_error *error)
{
    const struct shop_user_state *state;
    if (!shop_id_is_valid(message->user_id))
        return mr_fail(error, MR_INVALID, "user_id is not a valid id");
    int rc = user_load(work->context, message->user_id, &state, error);
    if (!rc && !state)
        user_create(work, message);
    return rc;
}

static void *user_change_profile(
    struct work *work,
    const struct shop_user_state *state,
    const struct shop_change_profile *command)
{
    struct decision *accepted = decision_accept(work, DECISION_CHANGED, command->user_id);
    accepted->has_version = true;
    accepted->version = state->version;
    if (!command->name_changes && !command->locale.ptr)
        return accepted;
    struct shop_profile_changed event = {
        .meta = work_meta(work, "user", command->user_id, state->version + 1),
        .user_id = command->user_id,
        .name_changes = command->name_changes,
        .name_sealed = command->name_sealed,
        .locale = command->locale,
    };
    work_emit(work, "user-events", SHOP_PROFILE_CHANGED, command->user_id, &event.meta, &event);
    accepted->version = event.meta.aggregate_version;
    return accepted;
}

/* All sessions end but the one that changes it: somebody else may have known the password. */
static int user_change_password(
    struct work *work,
    const struct shop_user_state *state,
    const struct shop_change_password *command,
    void **ret_decision,
    struct mr_error *error)
{
    const struct shop_sessions_state *sessions;
    int rc = sessions_get(work->context, "sessions", command->user_id, &sessions, error);
    if (rc)
        return rc;
    struct shop_password_changed event = {
        .meta = work_meta(work, "user", command->user_id, state->version + 1),
        .user_id = command->user_id,
    };
    struct shop_credential credential = {
        command->user_id, command->credential_sealed, work->now_ms};
    work_emit(work, "user-events", SHOP_PASSWORD_CHANGED, command->user_id, &event.meta, &event);
    work_send(work, "credentials", SHOP_CREDENTIAL, command->user_id, &credential);
    session_revoke_others(
        work, command->user_id, sessions, command->kept_session_id, "password-changed");
    struct decision *accepted = decision_accept(work, DECISION_CHANGED, command->user_id);
    accepted->has_version = true;
    accepted->version = event.meta.aggregate_version;
    *ret_decision = accepted;
    return 0;
}

/* Tokens carry the role of their session's start or renewal, so every session with the role before
 * ends with it. */
static int user_set_role(
    struct work *work,
    const struct shop_user_state *state,
    const struct shop_set_role *command,
    void **ret_decision,
    struct mr_error *error)
{
    const struct shop_sessions_state *sessions;
    struct mr_bytes before = state->role.ptr ? state->role : mr_cstr(SHOP_ROLE_CUSTOMER);
    struct decision *accepted = decision_accept(work, DECISION_CHANGED, command->user_id);
    accepted->has_version = true;
    accepted->version = state->version;
    *ret_decision = accepted;
    if (mr_bytes_equal(before, command->role))
        return 0;
    int rc = sessions_get(work->context, "sessions", command->user_id, &sessions, error);
    if (rc)
        return rc;
    struct shop_role_changed event = {
        .meta = work_meta(work, "user", command->user_id, state->version + 1),
        .user_id = command->user_id,
        .role = command->role,
    };
    work_emit(work, "user-events", SHOP_ROLE_CHANGED, command->user_id, &event.meta, &event);
    session_revoke_others(work, command->user_id, sessions, (struct mr_bytes){0}, "role-changed");
    accepted->version = event.meta.aggregate_version;
    return 0;
}

static int user_decide_role(
    struct work *work,
    const struct shop_user_state *state,
    const struct shop_set_role *command,
    void **ret_decision,
    struct mr_error *error)
{
    if (!text_is(work->actor_kind, "operator"))
        *ret_decision = decision_reject(work, SHOP_REASON_NOT_ALLOWED, command->user_id, NULL);
    else if (!shop_role_is_known(command->role))
        *ret_decision = decision_reject(
            work,
            SHOP_REASON_FIELD_INVALID,
            command->user_id,
            &(struct shop_rejection){.subject = mr_cstr("role")});
    else if (
        !decision_lacks_reason(work, true, command->user_id, ret_decision) &&
        !decision_stale(work, state->version, command->user_id, ret_decision))
        return user_set_role(work, state, command, ret_decision, error);
    return 0;
}

/* False: the message is to nobody here. */
static bool user_takes(const struct codec_message *message, struct mr_bytes *ret_user_id)
{
    if (message->id == SHOP_CHANGE_PROFILE)
        *ret_user_id = ((const struct shop_change_profile *)message->value)->user_id;
    else if (message->id == SHOP_CHANGE_PASSWORD)
        *ret_user_id = ((const struct shop_change_password *)message->value)->user_id;
    else if (message->id == SHOP_SET_ROLE)
        *ret_user_id = ((const struct shop_set_role *)message->value)->user_id;
    else
        return session_takes(message, ret_user_id);
    return true;
}

/* True: what was checked is no longer the password, and the command is rejected. The check is made
 * by a view, which may be behind, and it takes its time: another password may be set meanwhile. */
static bool user_rejects_credential(
    struct work *work,
    const struct shop_user_state *state,
    const struct codec_message *message,
    struct mr_bytes user_id,
    void **ret_decision)
{
    const struct shop_start_session *start = message->value;
    const struct shop_change_password *change = message->value;
    bool starts = message->id == SHOP_START_SESSION;
    bool has_time = starts ? start->has_credential_at : change->has_credential_at;
    int64_t checked_at = starts ? start->credential_at : change->credential_at;
    if (!state->has_password_changed_at || !has_time || checked_at >= state->password_changed_at)
        return false;
    *ret_decision = decision_reject(work, SHOP_REASON_PASSWORD_CHANGED, user_id, NULL);
    return true;
}

static int user_decide_known(
    struct work *work,
    const struct shop_user_state *state,
    const struct codec_message *message,
    struct mr_bytes user_id,
    void **ret_decision,
    struct mr_error *error)
{
    if (message->id == SHOP_SET_ROLE)
        return user_decide_role(work, state, message->value, ret_decision, error);
    if ((message->id == SHOP_CHANGE_PASSWORD || message->id == SHOP_START_SESSION) &&
        user_rejects_credential(work, state, message, user_id, ret_decision))
        return 0;
    if (message->id == SHOP_CHANGE_PASSWORD)
        return user_change_password(work, state, message->value, ret_decision, error);
    if (message->id != SHOP_CHANGE_PROFILE)
        return session_decide(work, message, user_id, ret_decision, error);
    if (!decision_stale(work, state->version, user_id, ret_decision))
        *ret_decision = user_change_profile(work, state, message->value);
    return 0;
}

static int user_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)record;
    const struct codec_message *message = command->message;
    const struct shop_user_state *state;
    struct mr_bytes user_id;
    struct work work;
    work_begin(&work, context, user, "/shop/identity", message);
    if (message->id == SHOP_CREATE_USER)
        return user_decide_creation(&work, message->value, error);
    if (!user_takes(message, &user_id))
        return mr_fail(error, MR_INVALID, "%s is not a message to a user", message->type->name);
    if (!shop_id_is_valid(user_id))
        return mr_fail(error, MR_INVALID, "%s names no user", message->type->name);
    int rc = user_load(context, user_id, &state, error);
    if (rc)
        return rc;
    if (state)
        return user_decide_known(&work, state, message, user_id, ret_decision, error);
    *ret_decision = decision_reject(&work, SHOP_REASON_USER_UNKNOWN, user_id, NULL);
    return 0;
}

static int user_evolve(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message event;
    const struct shop_user_state *before;
    int rc = event_decode(context, user, record, &event, error);
    if (rc)
        return rc;
    const struct shop_meta *meta = event_meta(&event);
    if (!text_is(meta->aggregate, "user"))
        return sessions_fold(context, "sessions", &event, error);
    rc = user_load(context, meta->aggregate_id, &before, error);
    if (rc)
        return rc;
    struct shop_user_state state = {0};
    if (before)
        state = *before;
    state.version = meta->aggregate_version;
    if (event.id == SHOP_ROLE_CHANGED)
        state.role = ((const struct shop_role_changed *)event.value)->role;
    state.has_password_changed_at |= event.id == SHOP_PASSWORD_CHANGED;
    if (event.id == SHOP_PASSWORD_CHANGED)
        state.password_changed_at = meta->occurred_at;
    state_put(context, "user", SHOP_USER_STATE, meta->aggregate_id, &state);
    return 0;
}

static int user_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    struct mr_error *error)
{
    return work_reply("user-replies", context, user, command, outcome, replayed, NULL, error);
}

/* Users and sessions have one key, the user's id, so one task decides on both. */
struct topo_aggregate user_aggregate(const struct shop_service *service)
{
    static const char *const parents[] = {"user-commands", NULL};
    static const char *const stores[] = {"user", "sessions", "user-outcomes", NULL};
    static const struct topo_log_sink event_sinks[] = {
        {"user-events", TOPIC_IDENTITY_USER_EVENTS},
        {"session-events", TOPIC_IDENTITY_SESSION_EVENTS},
        {NULL, NULL},
    };
    static const struct topo_log_sink outcome_sinks[] = {
        {"user-outcomes", TOPIC_IDENTITY_USER_OUTCOMES},
        {NULL, NULL},
    };
    return (struct topo_aggregate){
        .name = "user",
        .parents = parents,
        .stores = stores,
        .event_sinks = event_sinks,
        .event_header = WORK_EVENT_HEADER,
        .outcome_sinks = outcome_sinks,
        .outcome_store = "user-outcomes",
        .decode = work_decode,
        .decide = user_decide,
        .evolve = user_evolve,
        .outcome = work_outcome,
        .reply = user_reply,
        .user = (void *)(uintptr_t)service,
    };
}
