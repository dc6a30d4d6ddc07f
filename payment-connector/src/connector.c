/* connector.c - one processor: asks the provider, and hands on whatever it has answered by now. */
#include <base/buffer.h>
#include <payment_connector/connector.h>
#include <processors/shop.h>
#include <sealing/seal.h>

enum { ANSWERS_PER_CALL_MAX = 256, PUNCTUATE_INTERVAL_MS = 100 };

#define RESULTS_SINK "psp-results"

static struct shop_record_psp_result
connector_result_of(const struct psp_answer *answer, struct shop_money *amount, int64_t now_ms)
{
    *amount = (struct shop_money){.minor = answer->amount_minor, .currency = answer->currency};
    return (struct shop_record_psp_result){
        .saga =
            {
                .correlation_id = answer->payment_id,
                .causation_id = answer->psp_event_id,
                .issued_at = now_ms,
            },
        .payment_id = answer->payment_id,
        .op = answer->op,
        .op_key = answer->op_key,
        .result = answer->result,
        .psp_ref = answer->psp_ref,
        .psp_event_id = answer->psp_event_id,
        .decline_class = answer->decline_class,
        .psp_code = answer->psp_code,
        .amount = amount,
    };
}

static void forward_answer(
    struct topo_context *context,
    const struct payments_connector *connector,
    const struct psp_answer *answer)
{
    static const struct topo_header type = {
        .name = MR_LITERAL("ce_type"), .value = MR_LITERAL("shop.payments.RecordPspResult")};
    int64_t now_ms = topo_context_now_ms(context);
    struct shop_money amount;
    struct shop_record_psp_result result = connector_result_of(answer, &amount, now_ms);
    struct mr_buffer bytes;
    mr_buffer_init(&bytes);
    codec_encode(
        connector->registry, SHOP_RECORD_PSP_RESULT, TOPIC_PAYMENTS_COMMANDS, &result, &bytes);
    struct topo_output output = {
        .key = answer->payment_id,
        .value = mr_arena_copy(topo_context_arena(context), mr_buffer_view(&bytes)),
        .headers = &type,
        .headers_count = 1,
        .timestamp_ms = now_ms,
    };
    mr_buffer_clean_up(&bytes);
    topo_forward(context, RESULTS_SINK, &output);
}

/* Bounded, for a punctuation must be short; what is left comes with the next. */
static void forward_answers(struct topo_context *context, struct payments_connector *connector)
{
    struct psp_answer answer;
    for (int i = 0; i < ANSWERS_PER_CALL_MAX; i++) {
        if (!connector->psp.take(
                connector->psp.self,
                topo_context_now_ms(context),
                topo_context_arena(context),
                &answer))
            return;
        forward_answer(context, connector, &answer);
    }
}

/* A token that does not open does not mean "declined": the request goes to the dead letters, and
 * the payment asks again until its deadline. */
static int open_token(
    const struct payments_connector *connector,
    const struct shop_payment_op_requested *requested,
    struct mr_arena *arena,
    struct mr_bytes *ret_token,
    struct mr_error *error)
{
    if (!requested->method_token_sealed) {
        *ret_token = mr_cstr("");
        return 0;
    }
    return sealing_unseal(
        connector->payment_key,
        (struct sealing_context){"method", requested->order_id},
        requested->method_token_sealed,
        arena,
        ret_token,
        error);
}

static int connector_ask(
    struct topo_context *context,
    struct payments_connector *connector,
    const struct shop_payment_op_requested *requested,
    struct mr_error *error)
{
    struct mr_bytes token = {0};
    int rc = open_token(connector, requested, topo_context_arena(context), &token, error);
    if (rc)
        return rc;
    struct psp_request request = {
        .payment_id = requested->payment_id,
        .op = requested->op,
        .op_key = requested->op_key,
        .method_token = token,
        .amount_minor = requested->amount.minor,
        .refund_total_minor =
            requested->refund_total ? requested->refund_total->minor : requested->amount.minor,
        .currency = requested->amount.currency,
    };
    rc = connector->psp.submit(connector->psp.self, &request, topo_context_now_ms(context), error);
    /* Too much under way: the payment will ask again, as after a lost answer. */
    return rc == MR_AGAIN ? 0 : rc;
}

static int connector_process(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct payments_connector *connector = user;
    struct codec_message message;
    int rc = codec_decode(
        connector->registry, record->value, topo_context_arena(context), &message, error);
    if (rc || message.id != SHOP_PAYMENT_OP_REQUESTED)
        return rc;
    rc = connector_ask(context, connector, message.value, error);
    if (rc == 0)
        forward_answers(context, connector);
    return rc;
}

static int connector_punctuate(
    struct topo_context *context, void *user, int64_t now_ms, struct mr_error *error)
{
    (void)now_ms;
    (void)error;
    forward_answers(context, user);
    return 0;
}

int payments_connector_topology(
    struct payments_connector *connector,
    struct topo_topology **ret_topology,
    struct mr_error *error)
{
    static const char *const topics[] = {TOPIC_PAYMENTS_EVENTS, NULL};
    static const char *const from_source[] = {"payment-events", NULL};
    static const char *const from_processor[] = {"psp", NULL};
    struct topo_builder *builder = topo_builder_new(PAYMENTS_APPLICATION);
    topo_add_source(builder, &(struct topo_source){.name = "payment-events", .topics = topics});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "psp",
            .parents = from_source,
            .process = connector_process,
            .punctuate = connector_punctuate,
            .punctuate_interval_ms = PUNCTUATE_INTERVAL_MS,
            .user = connector,
        });
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = RESULTS_SINK,
            .parents = from_processor,
            .topic = TOPIC_PAYMENTS_COMMANDS,
            .partition_by = TOPO_PARTITION_BY_KEY,
        });
    topo_set_dead_letters(builder, TOPIC_DEAD_LETTERS_PAYMENTS);
    return topo_build(builder, ret_topology, error);
}
