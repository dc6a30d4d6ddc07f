/*
 * connector.h - from the log to the provider and back: PaymentOpRequested of payments.events goes
 * to the provider, its answers come back as RecordPspResult on payments.commands.
 *
 * It keeps no state: an answer that is lost by a crash is asked for again by the payment, with the
 * same operation key.
 *
 * Threads  The connector is shared by the workers and must outlive the topology.
 */
#ifndef PAYMENT_CONNECTOR_CONNECTOR_H
#define PAYMENT_CONNECTOR_CONNECTOR_H

#include <payment_connector/psp.h>
#include <schemas/codec.h>
#include <sealing/secrets.h>
#include <topology/topology.h>

#define PAYMENTS_APPLICATION "payments-connector"

struct payments_connector {
    const struct codec_registry *registry; /* Bound. */
    const struct sealing_key *payment_key; /* Opens method tokens. */
    struct psp psp;
};

int payments_connector_topology(
    struct payments_connector *connector,
    struct topo_topology **ret_topology,
    struct mr_error *error);

#endif
