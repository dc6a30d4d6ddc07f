/*
 * simulator.h - a payment provider without money: what it answers follows from the method token.
 *
 *     pm_approve       authorized, captured, voided, refunded as asked
 *     pm_decline       declined, class soft: another method may do
 *     pm_decline_hard  declined, class hard
 *     pm_slow          as pm_approve, but the authorization takes slow_ms
 *     pm_never         no answer to authorize, ever; the provider does not know the payment, but
 *                      voiding it is heard (an intent), and bars an authorization that comes later
 *     pm_twice         as pm_approve, and every answer comes twice
 *     anything else    declined, class soft, code unknown_method
 *
 *     NONE --authorize--> AUTHORIZED --capture--> CAPTURED --refund--> REFUNDED
 *      |  \--authorize--> DECLINED       |
 *      +-------- void --> VOIDED <-void--+
 *
 * It remembers some tens of thousands of payments, as a provider's memory is finite too. Of a
 * payment that it has forgotten it believes the caller: a capture is captured, a void voided.
 *
 * Threads  Any; one lock.
 */
#ifndef PAYMENT_CONNECTOR_SIMULATOR_H
#define PAYMENT_CONNECTOR_SIMULATOR_H

#include <payment_connector/psp.h>

struct psp_simulator;

struct psp_simulator_options {
    int64_t slow_ms;       /* 0: 3,000. */
    bool captures_at_once; /* Authorizing captures, as some providers do. */
};

struct psp_simulator *psp_simulator_new(const struct psp_simulator_options *options);
void psp_simulator_free(struct psp_simulator *simulator); /* NULL is fine. */
struct psp psp_simulator_psp(struct psp_simulator *simulator);

#endif
