/*
 * payments.h - attempts to pay: one aggregate per attempt, keyed by payment_id.
 *
 * Stores, folds of payments.events:
 *     payment          payment_id              -> PaymentState
 *     payment-timers   be64 op_due | payment_id -> ""
 */
#ifndef PROCESSORS_PAYMENTS_H
#define PROCESSORS_PAYMENTS_H

#include "work.h"

enum payment_goal { PAYMENT_COLLECT = 1, PAYMENT_RETURN = 2 };

/* PaymentState.facts: what the provider is known to have done. Bits are only ever added, but for
 * FACT_NOT_FOUND, which any other fact takes away. */
enum payment_facts {
    FACT_AUTHORIZED = 1,
    FACT_CAPTURED = 2,
    FACT_DECLINED = 4,
    FACT_VOIDED = 8,
    FACT_REFUNDED = 16,
    FACT_NOT_FOUND = 32,
    FACT_CAPTURE_DECLINED = 64,
    FACT_DISPUTED = 128,
};

struct topo_aggregate payments_aggregate(const struct shop_service *service);

/* Applies a payment event to the state: the fold and the decision at work use the same code. */
void payment_apply(struct shop_payment_state *state, const struct codec_message *event);

int payment_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error);

#endif
