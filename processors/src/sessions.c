/*
 * sessions.c - sessions are one short list by user: all of them are read and ended together.
 *
 * Invariant: the list has at most SHOP_SESSIONS_MAX entries. Whoever decides revokes the oldest
 * first; logs from before there was a bound have no such event, so the fold drops the oldest too.
 */
#include "sessions.h"

int sessions_get(
    struct topo_context *context,
    const char *store,
    struct mr_bytes user_id,
    const struct shop_sessions_state **ret_sessions,
    struct mr_error *error)
{
    static const struct shop_sessions_state none = {0};
    const void *found;
    int rc = state_get(context, store, SHOP_SESSIONS_STATE, user_id, &found, error);
    if (!rc)
        *ret_sessions = found ? found : &none;
    return rc;
}

const struct shop_session_state *
sessions_find(const struct shop_sessions_state *sessions, struct mr_bytes session_id)
{
    for (size_t i = 0; i < sessions->sessions_count; i++)
        if (mr_bytes_equal(sessions->sessions[i].session_id, session_id))
            return &sessions->sessions[i];
    return NULL;
}

/* The list without what is over at `now_ms` and without `gone`, with room for one more. */
static struct shop_session_state *sessions_keep(
    struct topo_context *context,
    const struct shop_sessions_state *sessions,
    struct mr_bytes gone,
    int64_t now_ms,
    size_t *ret_count)
{
    size_t room = (sessions->sessions_count + 1) * sizeof(struct shop_session_state);
    struct shop_session_state *kept = mr_arena_alloc(topo_context_arena(context), room);
    size_t count = 0;
    for (size_t i = 0; i < sessions->sessions_count; i++) {
        const struct shop_session_state *session = &sessions->sessions[i];
        if (session->expires_at > now_ms && !mr_bytes_equal(session->session_id, gone))
            kept[count++] = *session;
    }
    *ret_count = count;
    return kept;
}

static void sessions_put(
    struct topo_context *context,
    const char *store,
    struct mr_bytes user_id,
    const struct shop_session_state *kept,
    size_t count)
{
    size_t over = count > SHOP_SESSIONS_MAX ? count - SHOP_SESSIONS_MAX : 0;
    struct shop_sessions_state state = {.sessions = kept + over, .sessions_count = count - over};
    state_put(context, store, SHOP_SESSIONS_STATE, user_id, &state);
}

static void sessions_add(
    struct topo_context *context,
    const char *store,
    const struct shop_sessions_state *sessions,
    const struct shop_session_started *event)
{
    size_t count;
    struct shop_session_state *kept =
        sessions_keep(context, sessions, event->session_id, event->meta.occurred_at, &count);
    kept[count++] = (struct shop_session_state){
        .session_id = event->session_id,
        .version = event->meta.aggregate_version,
        .generation = event->generation,
        .started_at = event->meta.occurred_at,
        .renewed_at = event->meta.occurred_at,
        .expires_at = event->expires_at,
    };
    sessions_put(context, store, event->user_id, kept, count);
}

/* rotated NULL: only the version moves. */
static void sessions_change(
    struct topo_context *context,
    const char *store,
    const struct shop_sessions_state *sessions,
    const struct shop_meta *meta,
    struct mr_bytes user_id,
    const struct shop_session_rotated *rotated)
{
    size_t count;
    struct shop_session_state *kept =
        sessions_keep(context, sessions, (struct mr_bytes){0}, INT64_MIN, &count);
    for (size_t i = 0; i < count; i++) {
        if (!mr_bytes_equal(kept[i].session_id, meta->aggregate_id))
            continue;
        kept[i].version = meta->aggregate_version;
        if (rotated) {
            kept[i].generation = rotated->generation;
            kept[i].renewed_at = meta->occurred_at;
            kept[i].expires_at = rotated->expires_at;
        }
    }
    sessions_put(context, store, user_id, kept, count);
}

static void sessions_remove(
    struct topo_context *context,
    const char *store,
    const struct shop_sessions_state *sessions,
    const struct shop_session_revoked *event)
{
    size_t count;
    const struct shop_session_state *kept =
        sessions_keep(context, sessions, event->session_id, INT64_MIN, &count);
    sessions_put(context, store, event->user_id, kept, count);
}

/* The user of a session's event; a NULL view for another event. */
static struct mr_bytes sessions_owner(const struct codec_message *event)
{
    switch (event->id) {
    case SHOP_SESSION_STARTED:
        return ((const struct shop_session_started *)event->value)->user_id;
    case SHOP_SESSION_ROTATED:
        return ((const struct shop_session_rotated *)event->value)->user_id;
    case SHOP_SESSION_REUSE_DETECTED:
        return ((const struct shop_session_reuse_detected *)event->value)->user_id;
    case SHOP_SESSION_REVOKED:
        return ((const struct shop_session_revoked *)event->value)->user_id;
    default:
        return (struct mr_bytes){0};
    }
}

int sessions_fold(
    struct topo_context *context,
    const char *store,
    const struct codec_message *event,
    struct mr_error *error)
{
    const struct shop_sessions_state *sessions;
    struct mr_bytes user_id = sessions_owner(event);
    if (!user_id.ptr)
        return 0;
    int rc = sessions_get(context, store, user_id, &sessions, error);
    if (rc)
        return rc;
    if (event->id == SHOP_SESSION_STARTED)
        sessions_add(context, store, sessions, event->value);
    else if (event->id == SHOP_SESSION_REVOKED)
        sessions_remove(context, store, sessions, event->value);
    else
        sessions_change(
            context,
            store,
            sessions,
            codec_meta_of(event),
            user_id,
            event->id == SHOP_SESSION_ROTATED ? event->value : NULL);
    return 0;
}
