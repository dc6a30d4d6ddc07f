/*
 * payments_fold.c - how an attempt to pay follows from its events, and when its next step is due.
 *
 * Due times come from the event's own time and a fixed patience, never from a clock or an option.
 */
#include "payments.h"

enum { PATIENCE_FIRST_MS = 5000, PATIENCE_MAX_MS = 300000 };

static const struct mr_bytes no_text = MR_LITERAL("");

/* Patience for the op_no-th request of an operation: 5 s, doubled each time, at most 5 min. */
static int64_t payment_patience_ms(int32_t op_no)
{
    int64_t patience_ms = PATIENCE_FIRST_MS;
    for (int32_t i = 1; i < op_no && patience_ms < PATIENCE_MAX_MS; i++)
        patience_ms *= 2;
    return patience_ms < PATIENCE_MAX_MS ? patience_ms : PATIENCE_MAX_MS;
}

static void payment_apply_requested(
    struct shop_payment_state *state, const struct shop_payment_requested *event)
{
    state->order_id = event->order_id;
    state->owner_id = event->owner_id;
    state->attempt = event->attempt;
    state->amount = event->amount;
    state->psp = event->psp;
    state->method_token_sealed = &event->method_token_sealed;
    state->deadline = event->deadline;
    state->capture_mode = event->capture_mode;
    state->goal = state->goal ? state->goal : PAYMENT_COLLECT;
}

static void
payment_apply_op(struct shop_payment_state *state, const struct shop_payment_op_requested *event)
{
    state->op = event->op;
    state->op_no = event->attempt_no;
    state->op_due = event->meta.occurred_at + payment_patience_ms(event->attempt_no);
    if (event->refund_total) {
        state->refund_to_minor = event->refund_total->minor;
        state->refund_op_minor = event->amount.minor;
    }
    state->asked |= text_is(event->op, SHOP_OP_AUTHORIZE);
    state->capture_wanted |= text_is(event->op, SHOP_OP_CAPTURE);
}

static void payment_add_facts(struct shop_payment_state *state, int32_t bits)
{
    state->facts = (state->facts & ~FACT_NOT_FOUND) | bits;
    state->op_due = 0;
}

static void
payment_apply_result(struct shop_payment_state *state, const struct codec_message *event)
{
    switch (event->id) {
    case SHOP_PAYMENT_AUTHORIZED:
        payment_add_facts(state, FACT_AUTHORIZED);
        state->psp_ref = ((const struct shop_payment_authorized *)event->value)->psp_ref;
        break;
    case SHOP_PAYMENT_CAPTURED: {
        const struct shop_payment_captured *captured = event->value;
        payment_add_facts(state, FACT_AUTHORIZED | FACT_CAPTURED);
        state->psp_ref = captured->psp_ref;
        state->captured = &captured->captured;
        break;
    }
    case SHOP_PAYMENT_DECLINED:
        if (state->facts & FACT_AUTHORIZED)
            payment_add_facts(state, FACT_CAPTURE_DECLINED);
        else
            payment_add_facts(state, FACT_DECLINED);
        break;
    case SHOP_PAYMENT_VOIDED:
        payment_add_facts(state, FACT_VOIDED);
        break;
    case SHOP_PAYMENT_REFUNDED: {
        const struct shop_money *captured = state->captured ? state->captured : &state->amount;
        state->refunded_minor +=
            ((const struct shop_payment_refunded *)event->value)->refunded.minor;
        payment_add_facts(state, state->refunded_minor >= captured->minor ? FACT_REFUNDED : 0);
        break;
    }
    case SHOP_PAYMENT_DISPUTED: /* The operation under way goes on. */
        state->facts |= FACT_DISPUTED;
        break;
    case SHOP_PAYMENT_NOT_FOUND: /* Asked again when the next step falls due. */
        state->facts |= FACT_NOT_FOUND;
        break;
    case SHOP_PAYMENT_TIMED_OUT:
        state->op_due = 0;
        break;
    default:
        break;
    }
}

/* Results are one family: payment_apply_result. */
void payment_apply(struct shop_payment_state *state, const struct codec_message *event)
{
    const struct shop_meta *meta = event_meta(event);
    if (state->version == 0)
        state->correlation_id = meta->correlation_id;
    state->version = meta->aggregate_version;
    switch (event->id) {
    case SHOP_PAYMENT_REQUESTED:
        payment_apply_requested(state, event->value);
        break;
    case SHOP_PAYMENT_OP_REQUESTED:
        payment_apply_op(state, event->value);
        break;
    case SHOP_PAYMENT_RETURN_REQUESTED: {
        const struct shop_payment_return_requested *asked_back = event->value;
        state->goal = PAYMENT_RETURN;
        state->order_id = asked_back->order_id;
        state->owner_id = asked_back->owner_id;
        state->op_due = 0;
        break;
    }
    case SHOP_PAYMENT_REFUND_REQUESTED:
        state->refund_wanted_minor =
            ((const struct shop_payment_refund_requested *)event->value)->total.minor;
        break;
    default:
        payment_apply_result(state, event);
        break;
    }
}

static void payment_keep_timer(
    struct topo_context *context, struct mr_bytes payment_id, int64_t before, int64_t after)
{
    struct topo_store *timers = topo_context_store(context, "payment-timers");
    struct mr_arena *arena = topo_context_arena(context);
    if (before == after)
        return;
    if (before)
        topo_store_delete(timers, key_timer(arena, before, payment_id));
    if (after)
        topo_store_put(timers, key_timer(arena, after, payment_id), no_text);
}

int payment_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error)
{
    struct mr_bytes payment_id = event_meta(event)->aggregate_id;
    struct shop_payment_state state = {0};
    const void *found;
    int rc = state_get(context, "payment", SHOP_PAYMENT_STATE, payment_id, &found, error);
    if (rc)
        return rc;
    if (found)
        state = *(const struct shop_payment_state *)found;
    int64_t due_before = state.op_due;
    payment_apply(&state, event);
    state_put(context, "payment", SHOP_PAYMENT_STATE, payment_id, &state);
    payment_keep_timer(context, payment_id, due_before, state.op_due);
    return 0;
}
