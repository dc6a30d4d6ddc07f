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
    if (!session_takes(message, &user_id))
        return mr_fail(error, MR_INVALID, "%s is not a message to a user", message->type->name);
    if (!shop_id_is_valid(user_id))
        return mr_fail(error, MR_INVALID, "%s names no user", message->type->name);
    int rc = user_load(context, user_id, &state, error);
    if (rc)
        return rc;
    if (state)
        return session_decide(&work, message, user_id, ret_decision, error);
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
    int rc = event_decode(context, user, record, &event, error);
    if (rc)
        return rc;
    if (event.id != SHOP_USER_REGISTERED)
        return sessions_fold(context, "sessions", &event, error);
    const struct shop_user_registered *registered = event.value;
    struct shop_user_state state = {.version = registered->meta.aggregate_version};
    state_put(context, "user", SHOP_USER_STATE, registered->user_id, &state);
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
