/*
 * view_attention.c - payments that may need a person: a request of which nothing is known, or a
 * dispute.
 *
 * A row is there from a request to its answer, so the store has the payments under way and the
 * disputed ones. Whether a person should look depends on the time, and is decided by the reader.
 */
#include "view_impl.h"

#include "work.h"

static bool attention_is_watched(struct mr_bytes op)
{
    return text_is(op, SHOP_OP_CAPTURE) || text_is(op, SHOP_OP_VOID) || text_is(op, SHOP_OP_REFUND);
}

static void
attention_name(struct shop_attention_view *row, struct mr_bytes order_id, struct mr_bytes owner_id)
{
    if (row->order_id.len > 0)
        return;
    row->order_id = order_id;
    row->owner_id = owner_id;
}

/* The same operation asked for again has waited since its first time; a query counts as a try. */
static void attention_fold_op(
    struct shop_attention_view *row, const struct shop_payment_op_requested *event, int64_t at)
{
    attention_name(row, event->order_id, event->owner_id);
    if (attention_is_watched(event->op) && !(row->op.ptr && mr_bytes_equal(row->op, event->op))) {
        row->op = event->op;
        row->op_since = at;
    }
    if (row->op.ptr)
        row->op_tries = event->attempt_no;
}

bool view_attention_fold(struct shop_attention_view *row, const struct codec_message *event)
{
    const struct shop_meta *meta = codec_meta_of(event);
    switch (event->id) {
    case SHOP_PAYMENT_OP_REQUESTED:
        attention_fold_op(row, event->value, meta ? meta->occurred_at : 0);
        break;
    case SHOP_PAYMENT_CAPTURED:
    case SHOP_PAYMENT_DECLINED:
    case SHOP_PAYMENT_VOIDED:
    case SHOP_PAYMENT_REFUNDED:
        row->op = (struct mr_bytes){0};
        row->op_tries = 0;
        break;
    case SHOP_PAYMENT_DISPUTED: {
        const struct shop_payment_disputed *disputed = event->value;
        attention_name(row, disputed->order_id, disputed->owner_id);
        row->has_disputed_at = true;
        row->disputed_at = meta ? meta->occurred_at : 0;
        break;
    }
    default:
        break;
    }
    return row->op.ptr || row->has_disputed_at;
}

enum view_attention
view_attention_of(const struct shop_attention_view *row, int64_t now_ms, int64_t *ret_since)
{
    *ret_since = row->op_since;
    bool captures = row->op.ptr && text_is(row->op, SHOP_OP_CAPTURE);
    if (captures && now_ms - row->op_since >= VIEW_CAPTURE_UNKNOWN_MS)
        return VIEW_ATTENTION_CAPTURE;
    if (row->op.ptr && !captures && row->op_tries > VIEW_COMPENSATION_TRIES)
        return VIEW_ATTENTION_COMPENSATION;
    *ret_since = row->disputed_at;
    return row->has_disputed_at ? VIEW_ATTENTION_DISPUTE : VIEW_ATTENTION_NONE;
}

const char *view_attention_name(enum view_attention why)
{
    static const char *const names[VIEW_ATTENTION_KINDS] = {
        [VIEW_ATTENTION_NONE] = "",
        [VIEW_ATTENTION_CAPTURE] = "capture-unknown",
        [VIEW_ATTENTION_COMPENSATION] = "compensation-failing",
        [VIEW_ATTENTION_DISPUTE] = "disputed"};
    return names[why];
}

static int attention_process(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    static const struct mr_bytes no_text = MR_LITERAL("");
    struct codec_message message;
    const void *stored = NULL;
    int rc = view_decode(context, registry, record, &message, error);
    if (rc)
        return rc;
    struct mr_bytes payment_id = view_meta(&message)->aggregate_id;
    rc = state_get(context, VIEW_ATTENTION, SHOP_ATTENTION_VIEW, payment_id, &stored, error);
    if (rc)
        return rc;
    struct shop_attention_view row = {.order_id = no_text, .owner_id = no_text};
    if (stored)
        row = *(const struct shop_attention_view *)stored;
    if (view_attention_fold(&row, &message))
        state_put(context, VIEW_ATTENTION, SHOP_ATTENTION_VIEW, payment_id, &row);
    else if (stored)
        topo_store_delete(topo_context_store(context, VIEW_ATTENTION), payment_id);
    return 0;
}

void view_attention_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_ATTENTION, true, 0);
    view_add_node(
        builder,
        "attention-view",
        (const char *const[]){TOPIC_PAYMENTS_EVENTS, NULL},
        (const char *const[]){VIEW_ATTENTION, NULL},
        attention_process,
        registry);
}
