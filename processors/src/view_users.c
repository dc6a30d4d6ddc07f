/*
 * view_users.c - users' profiles as sealed as their events, and the keys that open them.
 *
 * Orders have keys in the same topic; nobody opens them here, so they are passed over.
 */
#include "view_impl.h"

static void
users_put(struct topo_context *context, struct mr_bytes user_id, const struct shop_user_view *view)
{
    state_put(context, VIEW_USERS, SHOP_USER_VIEW, user_id, view);
}

static void
users_fold_registered(struct topo_context *context, const struct shop_user_registered *event)
{
    struct shop_user_view view = {
        .version = event->meta.aggregate_version,
        .email_sealed = event->email_sealed,
        .name_sealed = event->name_sealed,
        .locale = event->locale,
        .registered_at = event->meta.occurred_at,
    };
    users_put(context, event->user_id, &view);
}

static void users_fold_changed(
    struct topo_context *context,
    const struct shop_user_view *before,
    const struct codec_message *message)
{
    struct shop_user_view view = *before;
    const struct shop_meta *meta = view_meta(message);
    view.version = meta->aggregate_version;
    if (message->id == SHOP_PROFILE_CHANGED) {
        const struct shop_profile_changed *event = message->value;
        if (event->name_changes)
            view.name_sealed = event->name_sealed;
        if (event->locale.ptr)
            view.locale = event->locale;
    }
    if (message->id == SHOP_ROLE_CHANGED)
        view.role = ((const struct shop_role_changed *)message->value)->role;
    users_put(context, meta->aggregate_id, &view);
}

static int users_fold(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    const void *before = NULL;
    int rc = view_decode(context, registry, record, &message, error);
    if (rc || !codec_meta_of(&message))
        return rc;
    if (message.id == SHOP_USER_REGISTERED) {
        users_fold_registered(context, message.value);
        return 0;
    }
    rc = state_get(
        context, VIEW_USERS, SHOP_USER_VIEW, view_meta(&message)->aggregate_id, &before, error);
    if (!rc && before)
        users_fold_changed(context, before, &message);
    return rc;
}

static int users_fold_key(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct topo_store *store = topo_context_store(context, VIEW_SUBJECT_KEYS);
    (void)user;
    (void)error;
    if (!mr_bytes_starts_with(record->key, mr_cstr("usr_")))
        return 0;
    if (record->value.ptr)
        topo_store_put(store, record->key, record->value);
    else
        topo_store_delete(store, record->key);
    return 0;
}

void view_users_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_USERS, false, 0);
    view_add_store(builder, VIEW_SUBJECT_KEYS, false, 0);
    view_add_node(
        builder,
        "users-view",
        (const char *const[]){TOPIC_IDENTITY_USER_EVENTS, NULL},
        (const char *const[]){VIEW_USERS, NULL},
        users_fold,
        registry);
    view_add_node(
        builder,
        "subject-keys-view",
        (const char *const[]){TOPIC_IDENTITY_SUBJECT_KEYS, NULL},
        (const char *const[]){VIEW_SUBJECT_KEYS, NULL},
        users_fold_key,
        registry);
}
