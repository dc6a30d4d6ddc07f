/*
 * identity_claim.c - an e-mail address belongs to one user: the first who claims it.
 *
 * A refused claim is an outcome only. An event would let everybody who reads events count probes.
 */
#include "identity.h"

static void claim_emit_claimed(struct work *work, const struct shop_claim_email *command)
{
    struct shop_email_claimed event = {
        .meta = work_meta(work, "claim", command->email_key, 1),
        .email_key = command->email_key,
        .user_id = command->user_id,
    };
    work_emit(work, "claim-events", SHOP_EMAIL_CLAIMED, command->email_key, &event.meta, &event);
}

static void claim_send_create_user(struct work *work, const struct shop_claim_email *command)
{
    struct shop_create_user message = {
        .saga = work_saga(work),
        .user_id = command->user_id,
        .email_key = command->email_key,
        .email_sealed = command->email_sealed,
        .name_sealed = command->name_sealed,
        .locale = command->locale,
        .credential_sealed = command->credential_sealed,
        .subject_key = command->subject_key,
        .actor_kind = work->actor_kind,
        .actor_id = work->actor_id,
    };
    work_send(work, "create-user", SHOP_CREATE_USER, command->user_id, &message);
}

static int claim_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)record;
    const struct codec_message *message = command->message;
    const void *found;
    struct work work;
    if (message->id != SHOP_CLAIM_EMAIL)
        return mr_fail(error, MR_INVALID, "%s is not a message to a claim", message->type->name);
    const struct shop_claim_email *claim = message->value;
    if (!shop_id_is_valid(claim->email_key) || !shop_id_is_valid(claim->user_id))
        return mr_fail(error, MR_INVALID, "ClaimEmail names no address or user");
    work_begin(&work, context, user, "/shop/identity", message);
    int rc = state_get(context, "claim", SHOP_CLAIM_STATE, claim->email_key, &found, error);
    if (rc)
        return rc;
    const struct shop_claim_state *holder = found;
    if (holder && !mr_bytes_equal(holder->user_id, claim->user_id)) {
        *ret_decision = decision_reject(&work, SHOP_REASON_EMAIL_TAKEN, claim->email_key, NULL);
        return 0;
    }
    if (!holder)
        claim_emit_claimed(&work, claim);
    /* Also for a claim that was made before: CreateUser does nothing twice. */
    claim_send_create_user(&work, claim);
    struct decision *accepted = decision_accept(&work, DECISION_CREATED, claim->email_key);
    accepted->subject_id = claim->user_id;
    *ret_decision = accepted;
    return 0;
}

static int claim_evolve(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message event;
    int rc = event_decode(context, user, record, &event, error);
    if (rc || event.id != SHOP_EMAIL_CLAIMED)
        return rc;
    const struct shop_email_claimed *claimed = event.value;
    struct shop_claim_state state = {claimed->user_id, claimed->meta.aggregate_version};
    state_put(context, "claim", SHOP_CLAIM_STATE, claimed->email_key, &state);
    return 0;
}

static int claim_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    struct mr_error *error)
{
    return work_reply("claim-replies", context, user, command, outcome, replayed, NULL, error);
}

struct topo_aggregate claim_aggregate(const struct shop_service *service)
{
    static const char *const parents[] = {"claim-commands", NULL};
    static const char *const stores[] = {"claim", "claim-outcomes", NULL};
    static const struct topo_log_sink event_sinks[] = {
        {"claim-events", TOPIC_IDENTITY_CLAIM_EVENTS},
        {NULL, NULL},
    };
    static const struct topo_log_sink outcome_sinks[] = {
        {"claim-outcomes", TOPIC_IDENTITY_CLAIM_OUTCOMES},
        {NULL, NULL},
    };
    return (struct topo_aggregate){
        .name = "claim",
        .parents = parents,
        .stores = stores,
        .event_sinks = event_sinks,
        .event_header = WORK_EVENT_HEADER,
        .outcome_sinks = outcome_sinks,
        .outcome_store = "claim-outcomes",
        .decode = work_decode,
        .decide = claim_decide,
        .evolve = claim_evolve,
        .outcome = work_outcome,
        .reply = claim_reply,
        .user = (void *)(uintptr_t)service,
    };
}
