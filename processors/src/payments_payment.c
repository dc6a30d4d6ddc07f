/*
 * payments_payment.c - an attempt to pay: a goal, and what the provider is known to have done.
 *
 * Invariants
 *   1. Facts are only added (but for FACT_NOT_FOUND, payments.h). A known fact changes nothing.
 *   2. The goal goes from none to COLLECT to RETURN, or from none to RETURN; never back.
 *   3. A request without an answer is repeated under the same key, for an unknown is not a "no".
 *      Only a query has a key per try: it asks what is true now.
 *   4. One operation at most is awaited, the newest. op_due is its time, or 0 when none is.
 *   5. A refund in hand keeps its key and its amount until the provider gave it back: with another
 *      amount a lost answer would give money back twice. More that is wanted comes after it.
 *   6. RETURNED is sent once nothing of the owner's is held: refunded, voided, declined, or never
 *      asked for; "not found" settles it provisionally, and the provider is asked on.
 *
 * Transitions
 *   (none) -> COLLECT             payment_authorize    the order asks for an authorization
 *   (none), COLLECT -> RETURN     payment_return_funds the order wants its money back
 *   capture wanted                payment_capture      the order asks for the capture
 *   more money wanted back        payment_refund       the order stands, and gives back a part
 *   + a fact                      payment_record_fact  the provider answered, or reported by itself
 *   asked, answer awaited         payment_ask_next     after each message: the operation that is
 *                                                      missing for the goal (payment_missing_op)
 *   asked again                   payment_ask_again    op_due has passed; every fourth try a query
 *   RETURN, nothing known -> VOIDED  payment_ask_again a late success is no longer possible
 *
 * Rows 24 to 29 of the saga's table. A dispute is recorded and changes no goal: an operator
 * decides what becomes of the order (row 34).
 */
#include "payments.h"

enum { QUERY_EVERY_TRIES = 4, TIMERS_PER_CALL_MAX = 500, TIMER_INTERVAL_MS = 500 };

/* A provider forgets an unanswered authorization after this; then nothing can succeed any more. */
#define AUTHORIZATION_WINDOW_MS (INT64_C(7) * 24 * 3600 * 1000)

static const int32_t final_facts =
    FACT_AUTHORIZED | FACT_CAPTURED | FACT_DECLINED | FACT_VOIDED | FACT_REFUNDED;

struct payment {
    struct work *work;
    struct mr_bytes id;
    struct shop_payment_state state; /* Kept as the fold has it. */
};

static bool payment_knows(const struct payment *payment, int32_t bits)
{
    return (payment->state.facts & bits) != 0;
}

/* -- events -- */

static struct shop_meta payment_next_meta(const struct payment *payment)
{
    return work_meta(payment->work, "payment", payment->id, payment->state.version + 1);
}

static void payment_emit(
    struct payment *payment, enum shop_type type, const struct shop_meta *meta, const void *event)
{
    const struct codec_type *kind = &shop_types[type];
    void *kept = mr_arena_alloc(payment->work->arena, kind->size);
    memcpy(kept, event, kind->size);
    payment_apply(&payment->state, &(struct codec_message){kind, (int)type, kept});
    work_emit(payment->work, "payment-events", type, payment->id, meta, event);
}

/* Authorized, voided, not found and the return have the same first fields and no others
 * that vary. */
static void payment_emit_plain(struct payment *payment, enum shop_type type)
{
    struct shop_payment_voided event = {
        payment_next_meta(payment), payment->id, payment->state.order_id, payment->state.owner_id};
    _Static_assert(
        sizeof(struct shop_payment_voided) == sizeof(struct shop_payment_not_found) &&
            sizeof(struct shop_payment_voided) == sizeof(struct shop_payment_return_requested),
        "the three have the same fields");
    payment_emit(payment, type, &event.meta, &event);
}

static void
payment_emit_authorized(struct payment *payment, const struct shop_record_psp_result *result)
{
    struct shop_payment_authorized event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = payment->state.order_id,
        .owner_id = payment->state.owner_id,
        .psp_ref = result->psp_ref,
        .amount = payment->state.amount,
    };
    payment_emit(payment, SHOP_PAYMENT_AUTHORIZED, &event.meta, &event);
}

static void
payment_emit_captured(struct payment *payment, const struct shop_record_psp_result *result)
{
    struct shop_payment_captured event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = payment->state.order_id,
        .owner_id = payment->state.owner_id,
        .psp_ref = result->psp_ref,
        .captured = payment->state.amount,
    };
    payment_emit(payment, SHOP_PAYMENT_CAPTURED, &event.meta, &event);
}

static void
payment_emit_declined(struct payment *payment, const struct shop_record_psp_result *result)
{
    struct shop_payment_declined event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = payment->state.order_id,
        .owner_id = payment->state.owner_id,
        .op = result->op,
        .decline_class = result->decline_class.ptr ? result->decline_class : mr_cstr("hard"),
        .psp_code = result->psp_code,
    };
    payment_emit(payment, SHOP_PAYMENT_DECLINED, &event.meta, &event);
}

static int64_t payment_captured_minor(const struct payment *payment)
{
    const struct shop_payment_state *state = &payment->state;
    return state->captured ? state->captured->minor : state->amount.minor;
}

/* The result's word for all that is back. */
static int64_t
payment_refunded_minor(const struct payment *payment, const struct shop_record_psp_result *result)
{
    int64_t all = payment_captured_minor(payment);
    return result->amount && result->amount->minor < all ? result->amount->minor : all;
}

static void
payment_emit_refunded(struct payment *payment, const struct shop_record_psp_result *result)
{
    int64_t more = payment_refunded_minor(payment, result) - payment->state.refunded_minor;
    struct shop_payment_refunded event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = payment->state.order_id,
        .owner_id = payment->state.owner_id,
        .refunded = {more, payment->state.amount.currency},
    };
    payment_emit(payment, SHOP_PAYMENT_REFUNDED, &event.meta, &event);
}

static void
payment_emit_disputed(struct payment *payment, const struct shop_record_psp_result *result)
{
    struct shop_payment_disputed event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = payment->state.order_id,
        .owner_id = payment->state.owner_id,
        .psp_code = result->psp_code,
        .disputed = payment->state.captured ? *payment->state.captured : payment->state.amount,
    };
    payment_emit(payment, SHOP_PAYMENT_DISPUTED, &event.meta, &event);
}

static void payment_emit_late(struct payment *payment, const char *kind)
{
    struct shop_payment_late_success event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = payment->state.order_id,
        .owner_id = payment->state.owner_id,
        .kind = mr_cstr(kind),
        .after = mr_cstr(payment->state.op_no > 1 ? "timeout" : "cancel"),
    };
    payment_emit(payment, SHOP_PAYMENT_LATE_SUCCESS, &event.meta, &event);
}

/* The refund in hand, or the next one: towards what is wanted, or all. Its key names what is back
 * when it is done; the one of the whole is as it always was. */
static void payment_set_refund(struct payment *payment, struct shop_payment_op_requested *event)
{
    const struct shop_payment_state *state = &payment->state;
    int64_t all = payment_captured_minor(payment);
    int64_t total = state->goal == PAYMENT_RETURN ? all : state->refund_wanted_minor;
    int64_t amount = total - state->refunded_minor;
    if (state->refund_to_minor > state->refunded_minor) {
        total = state->refund_to_minor;
        amount = state->refund_op_minor;
    }
    struct shop_money *refund_total = mr_arena_alloc(payment->work->arena, sizeof *refund_total);
    *refund_total = (struct shop_money){total, state->amount.currency};
    event->refund_total = refund_total;
    event->amount.minor = amount;
    if (amount < all)
        event->op_key = mr_arena_printf(
            payment->work->arena, "%.*s:refund-to:%lld", MR_ARG(payment->id), (long long)total);
}

static void payment_emit_op(struct payment *payment, const char *op, int32_t attempt_no)
{
    /* A query asks what is true now: every one is new. Others are the same request again. */
    int32_t key_no = strcmp(op, SHOP_OP_QUERY) == 0 ? attempt_no : 1;
    struct shop_payment_op_requested event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = payment->state.order_id,
        .owner_id = payment->state.owner_id,
        .op = mr_cstr(op),
        .op_key = mr_arena_printf(
            payment->work->arena, "%.*s:%s:%d", MR_ARG(payment->id), op, (int)key_no),
        .attempt_no = attempt_no,
        .amount = payment->state.amount,
        .psp = payment->state.psp,
        .method_token_sealed = payment->state.method_token_sealed,
    };
    if (strcmp(op, SHOP_OP_REFUND) == 0)
        payment_set_refund(payment, &event);
    payment_emit(payment, SHOP_PAYMENT_OP_REQUESTED, &event.meta, &event);
}

/* -- answers to the order -- */

static void
payment_reply(struct payment *payment, const char *result, struct mr_bytes decline_class)
{
    const struct shop_payment_state *state = &payment->state;
    struct shop_money nothing = {0, state->amount.currency};
    bool refunded = payment_knows(payment, FACT_REFUNDED);
    const struct shop_money *amount = state->captured ? state->captured : &state->amount;
    struct shop_money back = {state->refunded_minor, state->amount.currency};
    if (strcmp(result, SHOP_RESULT_RETURNED) == 0 && !refunded)
        amount = &nothing;
    else if (strcmp(result, SHOP_RESULT_REFUNDED) == 0)
        amount = &back;
    struct shop_payment_reply message = {
        .saga = work_saga(payment->work),
        .order_id = state->order_id,
        .owner_id = state->owner_id,
        .payment_id = payment->id,
        .result = mr_cstr(result),
        .decline_class = decline_class,
        .amount = amount,
    };
    work_send(payment->work, "replies-to-sales", SHOP_PAYMENT_REPLY, state->owner_id, &message);
}

/* Nothing of the owner's is held any more. Not found is settled provisionally (row 29). */
static bool payment_is_settled(const struct payment *payment)
{
    if (payment_knows(payment, FACT_CAPTURED))
        return payment_knows(payment, FACT_REFUNDED);
    if (payment_knows(payment, FACT_VOIDED))
        return true;
    if (payment_knows(payment, FACT_AUTHORIZED))
        return false;
    return payment_knows(payment, FACT_DECLINED | FACT_NOT_FOUND) || !payment->state.asked;
}

static void payment_report(struct payment *payment)
{
    struct mr_bytes none = {0};
    if (payment->state.goal == PAYMENT_RETURN) {
        if (payment_is_settled(payment))
            payment_reply(payment, SHOP_RESULT_RETURNED, none);
    } else if (
        payment_knows(payment, FACT_REFUNDED) &&
        payment->state.refund_wanted_minor < payment_captured_minor(payment)) {
        payment_reply(payment, SHOP_RESULT_RETURNED, none); /* By hand at the provider. */
    } else if (payment_knows(payment, FACT_CAPTURED)) {
        if (payment->state.refund_wanted_minor == 0)
            payment_reply(payment, SHOP_RESULT_CAPTURED, none);
        if (payment->state.refunded_minor > 0)
            payment_reply(payment, SHOP_RESULT_REFUNDED, none);
    } else if (payment_knows(payment, FACT_AUTHORIZED)) {
        payment_reply(payment, SHOP_RESULT_AUTHORIZED, none);
    } else if (payment_knows(payment, FACT_DECLINED | FACT_VOIDED)) {
        payment_reply(payment, SHOP_RESULT_DECLINED, mr_cstr("hard"));
    }
}

/* -- the next operation -- */

/* More is wanted back, or a refund is in hand, while the order stands. */
static bool payment_owes_refund(const struct payment *payment)
{
    const struct shop_payment_state *state = &payment->state;
    return payment_knows(payment, FACT_CAPTURED) && !payment_knows(payment, FACT_REFUNDED) &&
           (state->refund_wanted_minor > state->refunded_minor ||
            state->refund_to_minor > state->refunded_minor);
}

/* The operation that the goal needs now; NULL: none. */
static const char *payment_missing_op(const struct payment *payment)
{
    const struct shop_payment_state *state = &payment->state;
    if (state->goal == PAYMENT_COLLECT) {
        if (!payment_knows(payment, final_facts))
            return SHOP_OP_AUTHORIZE;
        if (payment_owes_refund(payment))
            return SHOP_OP_REFUND;
        bool can = payment_knows(payment, FACT_AUTHORIZED) &&
                   !payment_knows(payment, FACT_CAPTURED | FACT_VOIDED | FACT_CAPTURE_DECLINED);
        return can && state->capture_wanted ? SHOP_OP_CAPTURE : NULL;
    }
    if (payment_knows(payment, FACT_CAPTURED))
        return payment_knows(payment, FACT_REFUNDED) ? NULL : SHOP_OP_REFUND;
    if (payment_knows(payment, FACT_AUTHORIZED))
        return payment_knows(payment, FACT_VOIDED) ? NULL : SHOP_OP_VOID;
    if (payment_knows(payment, final_facts) || !state->asked)
        return NULL;
    return payment->work->service->limits.psp_has_intents ? SHOP_OP_VOID : SHOP_OP_QUERY;
}

/* Asks for it unless it has been asked for and the answer is still awaited. */
static void payment_ask_next(struct payment *payment)
{
    const char *op = payment_missing_op(payment);
    if (op && !(payment->state.op_due && text_is(payment->state.op, op)))
        payment_emit_op(payment, op, 1);
}

/* -- from the order -- */

static int payment_authorize(
    struct payment *payment, const struct shop_authorize_payment *message, struct mr_error *error)
{
    if (message->deadline < 0 || message->deadline > INT64_MAX - AUTHORIZATION_WINDOW_MS ||
        !money_is_price(&message->amount))
        return mr_fail(error, MR_INVALID, "AuthorizePayment has no amount or deadline");
    /* A repeated request, or one that ReturnFunds overtook: it is answered all the same. */
    if (payment->state.goal) {
        payment_report(payment);
        return 0;
    }
    struct shop_payment_requested event = {
        .meta = payment_next_meta(payment),
        .payment_id = payment->id,
        .order_id = message->order_id,
        .owner_id = message->owner_id,
        .attempt = message->attempt,
        .amount = message->amount,
        .psp = message->psp,
        .method_token_sealed = message->method_token_sealed,
        .deadline = message->deadline,
        .capture_mode = message->capture_mode,
    };
    payment_emit(payment, SHOP_PAYMENT_REQUESTED, &event.meta, &event);
    payment_ask_next(payment);
    return 0;
}

static void payment_capture(struct payment *payment)
{
    if (payment->state.goal == PAYMENT_COLLECT && !payment->state.capture_wanted &&
        payment_knows(payment, FACT_AUTHORIZED) &&
        !payment_knows(payment, FACT_CAPTURED | FACT_VOIDED))
        payment_emit_op(payment, SHOP_OP_CAPTURE, 1);
    else if (payment_knows(payment, FACT_CAPTURE_DECLINED))
        payment_reply(payment, SHOP_RESULT_DECLINED, mr_cstr("hard"));
    else
        payment_report(payment);
}

static void payment_return_funds(struct payment *payment, const struct shop_return_funds *message)
{
    if (payment->state.goal != PAYMENT_RETURN) {
        payment->state.order_id = message->order_id;
        payment->state.owner_id = message->owner_id;
        payment_emit_plain(payment, SHOP_PAYMENT_RETURN_REQUESTED);
    }
    payment_report(payment);
    payment_ask_next(payment);
}

/* The order names what it wants back in all, so that a message twice or late adds nothing. */
static int payment_refund(
    struct payment *payment, const struct shop_refund_payment *message, struct mr_error *error)
{
    int64_t all = payment_captured_minor(payment);
    int64_t total = message->total.minor < all ? message->total.minor : all;
    if (total < 1 || !mr_bytes_equal(message->total.currency, payment->state.amount.currency))
        return mr_fail(error, MR_INVALID, "RefundPayment has no amount of its payment's currency");
    if (payment->state.goal == PAYMENT_COLLECT && payment_knows(payment, FACT_CAPTURED) &&
        total > payment->state.refund_wanted_minor) {
        struct shop_payment_refund_requested event = {
            .meta = payment_next_meta(payment),
            .payment_id = payment->id,
            .order_id = payment->state.order_id,
            .owner_id = payment->state.owner_id,
            .total = {total, payment->state.amount.currency},
        };
        payment_emit(payment, SHOP_PAYMENT_REFUND_REQUESTED, &event.meta, &event);
    }
    payment_report(payment);
    payment_ask_next(payment);
    return 0;
}

/* -- from the provider -- */

/* The facts that a result means; 0: none that counts. */
static int32_t
payment_facts_of(const struct payment *payment, const struct shop_record_psp_result *result)
{
    if (text_is(result->result, SHOP_PSP_AUTHORIZED))
        return FACT_AUTHORIZED;
    if (text_is(result->result, SHOP_PSP_CAPTURED))
        return FACT_CAPTURED;
    if (text_is(result->result, SHOP_PSP_VOIDED))
        return FACT_VOIDED;
    if (text_is(result->result, SHOP_PSP_REFUNDED))
        return FACT_REFUNDED;
    if (text_is(result->result, SHOP_PSP_DISPUTED))
        return FACT_DISPUTED;
    if (text_is(result->result, SHOP_PSP_DECLINED)) {
        if (!payment_knows(payment, FACT_AUTHORIZED))
            return FACT_DECLINED;
        /* A refused void or refund settles nothing: it is asked for again. */
        return text_is(result->op, SHOP_OP_CAPTURE) ? FACT_CAPTURE_DECLINED : 0;
    }
    bool not_found = text_is(result->result, SHOP_PSP_NOT_FOUND);
    return not_found && payment->state.goal == PAYMENT_RETURN &&
                   !payment_knows(payment, final_facts)
               ? FACT_NOT_FOUND
               : 0;
}

static void payment_record_fact(
    struct payment *payment, int32_t fact, const struct shop_record_psp_result *result)
{
    bool returning = payment->state.goal == PAYMENT_RETURN;
    switch (fact) {
    case FACT_AUTHORIZED:
        if (returning)
            payment_emit_late(payment, "authorized");
        payment_emit_authorized(payment, result);
        break;
    case FACT_CAPTURED:
        if (returning)
            payment_emit_late(payment, "captured");
        payment_emit_captured(payment, result);
        break;
    case FACT_VOIDED:
        payment_emit_plain(payment, SHOP_PAYMENT_VOIDED);
        break;
    case FACT_REFUNDED:
    case FACT_DISPUTED:
        /* By hand at the provider, perhaps: what goes back was there. */
        if (!payment_knows(payment, FACT_CAPTURED))
            payment_emit_captured(payment, result);
        if (fact == FACT_REFUNDED)
            payment_emit_refunded(payment, result);
        else
            payment_emit_disputed(payment, result);
        break;
    case FACT_NOT_FOUND:
        payment_emit_plain(payment, SHOP_PAYMENT_NOT_FOUND);
        break;
    default:
        payment_emit_declined(payment, result);
        break;
    }
}

static void
payment_record_result(struct payment *payment, const struct shop_record_psp_result *message)
{
    static const struct mr_bytes no_text = MR_LITERAL("");
    struct shop_record_psp_result result = *message;
    result.psp_ref = result.psp_ref.ptr ? result.psp_ref : no_text;
    result.psp_code = result.psp_code.ptr ? result.psp_code : no_text;
    int32_t fact = payment_facts_of(payment, &result);
    /* A part that went back may be followed by more. */
    bool refunds_more = fact == FACT_REFUNDED && !payment_knows(payment, FACT_REFUNDED) &&
                        payment_refunded_minor(payment, &result) > payment->state.refunded_minor;
    /* Row 26: known already. */
    if (!fact || payment_knows(payment, fact) || (fact == FACT_REFUNDED && !refunds_more) ||
        (fact == FACT_AUTHORIZED && payment_knows(payment, FACT_CAPTURED)))
        return;
    payment_record_fact(payment, fact, &result);
    if (fact == FACT_DECLINED && payment->state.goal == PAYMENT_COLLECT)
        payment_reply(
            payment,
            SHOP_RESULT_DECLINED,
            result.decline_class.ptr ? result.decline_class : mr_cstr("hard"));
    else if (fact == FACT_CAPTURE_DECLINED)
        payment_reply(payment, SHOP_RESULT_DECLINED, mr_cstr("hard"));
    else
        payment_report(payment);
    payment_ask_next(payment);
}

/* -- decide -- */

static struct mr_bytes payment_id_of(const struct codec_message *message)
{
    switch (message->id) {
    case SHOP_AUTHORIZE_PAYMENT:
        return ((const struct shop_authorize_payment *)message->value)->payment_id;
    case SHOP_CAPTURE_PAYMENT:
        return ((const struct shop_capture_payment *)message->value)->payment_id;
    case SHOP_RETURN_FUNDS:
        return ((const struct shop_return_funds *)message->value)->payment_id;
    case SHOP_REFUND_PAYMENT:
        return ((const struct shop_refund_payment *)message->value)->payment_id;
    case SHOP_RECORD_PSP_RESULT:
        return ((const struct shop_record_psp_result *)message->value)->payment_id;
    default:
        return (struct mr_bytes){0};
    }
}

static int payment_load(struct payment *payment, struct mr_error *error)
{
    const void *found;
    int rc = state_get(
        payment->work->context, "payment", SHOP_PAYMENT_STATE, payment->id, &found, error);
    if (!rc && found)
        payment->state = *(const struct shop_payment_state *)found;
    return rc;
}

/* Only AuthorizePayment and ReturnFunds may come first; all others need a payment with a goal. */
static int payment_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)record;
    (void)ret_decision;
    const struct codec_message *message = command->message;
    struct work work;
    struct payment payment = {.work = &work, .id = payment_id_of(message)};
    if (!shop_id_is_valid(payment.id))
        return mr_fail(error, MR_INVALID, "%s is not a message to payments", message->type->name);
    work_begin(&work, context, user, "/shop/payments", message);
    int rc = payment_load(&payment, error);
    if (rc)
        return rc;
    switch (message->id) {
    case SHOP_AUTHORIZE_PAYMENT:
        return payment_authorize(&payment, message->value, error);
    case SHOP_RETURN_FUNDS:
        payment_return_funds(&payment, message->value);
        return 0;
    default:
        break;
    }
    if (!payment.state.goal)
        return mr_fail(error, MR_INVALID, "%s to an unknown payment", message->type->name);
    work.correlation_id = payment.state.correlation_id;
    if (message->id == SHOP_REFUND_PAYMENT)
        return payment_refund(&payment, message->value, error);
    if (message->id == SHOP_CAPTURE_PAYMENT)
        payment_capture(&payment);
    else
        payment_record_result(&payment, message->value);
    return 0;
}

/* -- time -- */

/* Rows 27 and 29: no answer, or none that is final. Ask again: mostly the same, at times a
 * query. */
static void payment_ask_again(struct payment *payment)
{
    const char *op = payment_missing_op(payment);
    int32_t next_no = payment->state.op_no + 1;
    if (!payment_knows(payment, FACT_NOT_FOUND)) {
        struct shop_payment_timed_out event = {
            .meta = payment_next_meta(payment),
            .payment_id = payment->id,
            .order_id = payment->state.order_id,
            .owner_id = payment->state.owner_id,
            .op = payment->state.op,
            .attempt_no = payment->state.op_no,
        };
        payment_emit(payment, SHOP_PAYMENT_TIMED_OUT, &event.meta, &event);
    }
    int64_t window_end = payment->state.deadline + AUTHORIZATION_WINDOW_MS;
    bool nothing_known = !payment_knows(payment, final_facts);
    if (payment->state.goal == PAYMENT_RETURN && nothing_known &&
        payment->work->now_ms > window_end) {
        payment_emit_plain(payment, SHOP_PAYMENT_VOIDED);
        payment_report(payment);
        return;
    }
    if (op)
        payment_emit_op(payment, next_no % QUERY_EVERY_TRIES == 0 ? SHOP_OP_QUERY : op, next_no);
}

static int
payment_punctuate(struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    struct mr_arena *arena = topo_context_arena(context);
    struct mr_bytes *ids = mr_arena_alloc(arena, TIMERS_PER_CALL_MAX * sizeof *ids);
    size_t count = timers_due(context, "payment-timers", now_ms, ids, TIMERS_PER_CALL_MAX);
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        struct work work;
        struct payment payment = {.work = &work, .id = ids[i]};
        work_begin_timer(&work, context, user, "/shop/payments", now_ms, (struct mr_bytes){0});
        rc = payment_load(&payment, error);
        if (rc)
            break;
        work.correlation_id = payment.state.correlation_id;
        payment_ask_again(&payment);
    }
    return rc;
}

static int payment_evolve_record(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message event;
    int rc = event_decode(context, user, record, &event, error);
    return rc ? rc : payment_evolve(context, &event, error);
}

struct topo_aggregate payments_aggregate(const struct shop_service *service)
{
    static const char *const parents[] = {"commands", NULL};
    static const char *const stores[] = {"payment", "payment-timers", NULL};
    static const struct topo_log_sink event_sinks[] = {
        {"payment-events", TOPIC_PAYMENTS_EVENTS},
        {NULL, NULL},
    };
    return (struct topo_aggregate){
        .name = "payments",
        .parents = parents,
        .stores = stores,
        .event_sinks = event_sinks,
        .event_header = WORK_EVENT_HEADER,
        .decode = work_decode,
        .decide = payment_decide,
        .evolve = payment_evolve_record,
        .punctuate = payment_punctuate,
        .punctuate_interval_ms = TIMER_INTERVAL_MS,
        .user = (void *)(uintptr_t)service,
    };
}
