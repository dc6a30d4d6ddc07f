/*
 * view_credentials.c - what a login needs: who claimed an address, and the sealed password hash.
 *
 * Credentials stay sealed here as they are in their topic; a tombstone takes one away.
 */
#include "view_impl.h"

static int credentials_fold_claimed(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    int rc = view_decode(context, registry, record, &message, error);
    if (rc != 0 || message.id != SHOP_EMAIL_CLAIMED)
        return rc;
    const struct shop_email_claimed *event = message.value;
    topo_store_put(topo_context_store(context, VIEW_CLAIMS), event->email_key, event->user_id);
    return 0;
}

static int credentials_fold_credential(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct topo_store *store = topo_context_store(context, VIEW_CREDENTIALS);
    (void)user;
    if (record->key.len == 0)
        return mr_fail(error, MR_MALFORMED, "a credential without a key");
    if (record->value.ptr)
        topo_store_put(store, record->key, record->value);
    else
        topo_store_delete(store, record->key);
    return 0;
}

void view_credentials_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_CLAIMS, false, 0);
    view_add_store(builder, VIEW_CREDENTIALS, false, 0);
    view_add_node(
        builder,
        "claims-view",
        (const char *const[]){TOPIC_IDENTITY_CLAIM_EVENTS, NULL},
        (const char *const[]){VIEW_CLAIMS, NULL},
        credentials_fold_claimed,
        registry);
    view_add_node(
        builder,
        "credentials-view",
        (const char *const[]){TOPIC_IDENTITY_CREDENTIALS, NULL},
        (const char *const[]){VIEW_CREDENTIALS, NULL},
        credentials_fold_credential,
        registry);
}
