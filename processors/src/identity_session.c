/*
 * identity_session.c - a user's sessions: started, renewed, ended.
 *
 * A refresh token is good for one renewal. Its state is a generation:
 *
 *     generation g of the token, G of the session
 *     g == G                                 renewed: G + 1 counts from now on
 *     g == G - 1, within 30 s of the renewal  the same successor again: its answer was lost
 *     g < G otherwise                        stolen, by one of two holders: the session is over
 *
 * The token is derived from session and generation by a key of the API's, so no event has it.
 */
#include "identity.h"

#include "sessions.h"

/* For a client whose answer was lost, and for the tabs of one browser. */
enum { GRACE_MS = 30 * 1000 };

static void session_revoke(
    struct work *work,
    struct mr_bytes user_id,
    const struct shop_session_state *session,
    int64_t version,
    const char *cause)
{
    struct shop_session_revoked event = {
        .meta = work_meta(work, "session", session->session_id, version),
        .user_id = user_id,
        .session_id = session->session_id,
        .cause = mr_cstr(cause),
    };
    work_emit(work, "session-events", SHOP_SESSION_REVOKED, user_id, &event.meta, &event);
}

void session_revoke_others(
    struct work *work,
    struct mr_bytes user_id,
    const struct shop_sessions_state *sessions,
    struct mr_bytes kept,
    const char *cause)
{
    for (size_t i = 0; i < sessions->sessions_count; i++) {
        const struct shop_session_state *session = &sessions->sessions[i];
        if (!mr_bytes_equal(session->session_id, kept))
            session_revoke(work, user_id, session, session->version + 1, cause);
    }
}

/* The oldest make room for one more. */
static void session_make_room(
    struct work *work, struct mr_bytes user_id, const struct shop_sessions_state *sessions)
{
    size_t living = 0;
    for (size_t i = 0; i < sessions->sessions_count; i++)
        living += sessions->sessions[i].expires_at > work->now_ms;
    for (size_t i = 0; i < sessions->sessions_count && living >= SHOP_SESSIONS_MAX; i++) {
        const struct shop_session_state *session = &sessions->sessions[i];
        if (session->expires_at <= work->now_ms)
            continue;
        session_revoke(work, user_id, session, session->version + 1, "too-many");
        living--;
    }
}

static void *session_start(
    struct work *work,
    const struct shop_sessions_state *sessions,
    const struct shop_start_session *command)
{
    session_make_room(work, command->user_id, sessions);
    struct shop_session_started event = {
        .meta = work_meta(work, "session", command->session_id, 1),
        .user_id = command->user_id,
        .session_id = command->session_id,
        .family_id = command->session_id,
        .expires_at = command->expires_at,
    };
    work_emit(work, "session-events", SHOP_SESSION_STARTED, command->user_id, &event.meta, &event);
    struct decision *accepted = decision_accept(work, DECISION_CREATED, command->session_id);
    accepted->subject_id = command->session_id;
    return accepted;
}

static void *session_detect_reuse(
    struct work *work,
    const struct shop_session_state *session,
    const struct shop_rotate_session *command)
{
    struct shop_session_reuse_detected event = {
        .meta = work_meta(work, "session", session->session_id, session->version + 1),
        .user_id = command->user_id,
        .session_id = session->session_id,
        .generation = command->generation,
    };
    work_emit(
        work, "session-events", SHOP_SESSION_REUSE_DETECTED, command->user_id, &event.meta, &event);
    session_revoke(work, command->user_id, session, session->version + 2, "refresh-reused");
    return decision_reject(work, SHOP_REASON_REFRESH_REUSED, session->session_id, NULL);
}

static void *session_rotate(
    struct work *work,
    const struct shop_sessions_state *sessions,
    const struct shop_rotate_session *command)
{
    const struct shop_session_state *session = sessions_find(sessions, command->session_id);
    if (!session || session->expires_at <= work->now_ms ||
        command->generation > session->generation)
        return decision_reject(work, SHOP_REASON_SESSION_OVER, command->session_id, NULL);
    bool counts = command->generation == session->generation;
    bool again = command->generation == session->generation - 1 &&
                 work->now_ms - session->renewed_at <= GRACE_MS;
    if (!counts && !again)
        return session_detect_reuse(work, session, command);
    if (counts) {
        struct shop_session_rotated event = {
            .meta = work_meta(work, "session", session->session_id, session->version + 1),
            .user_id = command->user_id,
            .session_id = session->session_id,
            .generation = session->generation + 1,
            .expires_at = command->expires_at,
        };
        work_emit(
            work, "session-events", SHOP_SESSION_ROTATED, command->user_id, &event.meta, &event);
    }
    return decision_accept(work, DECISION_CHANGED, session->session_id);
}

/* One that is not there is over already: ending it again changes nothing. */
static void *session_end(
    struct work *work,
    const struct shop_sessions_state *sessions,
    const struct shop_revoke_session *command)
{
    const struct shop_session_state *session = sessions_find(sessions, command->session_id);
    if (!session)
        return decision_reject(work, SHOP_REASON_SESSION_UNKNOWN, command->session_id, NULL);
    session_revoke(work, command->user_id, session, session->version + 1, "logout");
    return decision_accept(work, DECISION_CHANGED, session->session_id);
}

static void *session_end_all(
    struct work *work,
    const struct shop_sessions_state *sessions,
    const struct shop_revoke_all_sessions *command)
{
    session_revoke_others(work, command->user_id, sessions, (struct mr_bytes){0}, "logout-all");
    return decision_accept(work, DECISION_CHANGED, command->user_id);
}

bool session_takes(const struct codec_message *message, struct mr_bytes *ret_user_id)
{
    switch (message->id) {
    case SHOP_START_SESSION:
        *ret_user_id = ((const struct shop_start_session *)message->value)->user_id;
        return true;
    case SHOP_ROTATE_SESSION:
        *ret_user_id = ((const struct shop_rotate_session *)message->value)->user_id;
        return true;
    case SHOP_REVOKE_SESSION:
        *ret_user_id = ((const struct shop_revoke_session *)message->value)->user_id;
        return true;
    case SHOP_REVOKE_ALL_SESSIONS:
        *ret_user_id = ((const struct shop_revoke_all_sessions *)message->value)->user_id;
        return true;
    default:
        return false;
    }
}

/* The session that the message names; NULL view: all of the user's. */
static struct mr_bytes session_named(const struct codec_message *message)
{
    switch (message->id) {
    case SHOP_START_SESSION:
        return ((const struct shop_start_session *)message->value)->session_id;
    case SHOP_ROTATE_SESSION:
        return ((const struct shop_rotate_session *)message->value)->session_id;
    case SHOP_REVOKE_SESSION:
        return ((const struct shop_revoke_session *)message->value)->session_id;
    default:
        return (struct mr_bytes){0};
    }
}

int session_decide(
    struct work *work,
    const struct codec_message *message,
    struct mr_bytes user_id,
    void **ret_decision,
    struct mr_error *error)
{
    const struct shop_sessions_state *sessions;
    struct mr_bytes session_id = session_named(message);
    if (session_id.ptr && !shop_id_is_valid(session_id))
        return mr_fail(error, MR_INVALID, "%s names no session", message->type->name);
    int rc = sessions_get(work->context, "sessions", user_id, &sessions, error);
    if (rc)
        return rc;
    if (message->id == SHOP_START_SESSION)
        *ret_decision = session_start(work, sessions, message->value);
    else if (message->id == SHOP_ROTATE_SESSION)
        *ret_decision = session_rotate(work, sessions, message->value);
    else if (message->id == SHOP_REVOKE_SESSION)
        *ret_decision = session_end(work, sessions, message->value);
    else
        *ret_decision = session_end_all(work, sessions, message->value);
    return 0;
}
