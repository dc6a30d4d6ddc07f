/*
 * view_sessions.c - which sessions are over, for both APIs, and each user's sessions to show.
 *
 * A session that was revoked is remembered for as long as an access token of it could count.
 */
#include "view_impl.h"

#include "sessions.h"

/* Beyond the longest life that an access token may have, a day. */
#define REVOKED_KEPT_MS (INT64_C(25) * 3600 * 1000)

enum { TIME_BYTES = 8 };

static void sessions_keep_end(struct topo_context *context, const struct codec_message *message)
{
    if (message->id != SHOP_SESSION_REVOKED)
        return;
    const struct shop_session_revoked *event = message->value;
    char at[TIME_BYTES];
    mr_put_be64(at, (uint64_t)event->meta.occurred_at);
    topo_store_put(
        topo_context_store(context, VIEW_REVOKED), event->session_id, mr_bytes_of(at, sizeof at));
}

static int sessions_fold_revoked(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    int rc = view_decode(context, registry, record, &message, error);
    if (rc == 0)
        sessions_keep_end(context, &message);
    return rc;
}

static int sessions_fold_both(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    int rc = view_decode(context, registry, record, &message, error);
    if (rc == 0)
        rc = sessions_fold(context, VIEW_SESSIONS, &message, error);
    if (rc == 0)
        sessions_keep_end(context, &message);
    return rc;
}

void view_revoked_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_REVOKED, false, REVOKED_KEPT_MS);
    view_add_node(
        builder,
        "revoked-view",
        (const char *const[]){TOPIC_IDENTITY_SESSION_EVENTS, NULL},
        (const char *const[]){VIEW_REVOKED, NULL},
        sessions_fold_revoked,
        registry);
}

void view_sessions_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_REVOKED, false, REVOKED_KEPT_MS);
    view_add_store(builder, VIEW_SESSIONS, false, 0);
    view_add_node(
        builder,
        "sessions-view",
        (const char *const[]){TOPIC_IDENTITY_SESSION_EVENTS, NULL},
        (const char *const[]){VIEW_REVOKED, VIEW_SESSIONS, NULL},
        sessions_fold_both,
        registry);
}
