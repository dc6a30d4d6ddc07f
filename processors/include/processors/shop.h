/*
 * shop.h - the write side's services, each a topology; and the words that its messages use.
 *
 *     identity   who may claim an e-mail address; users and their sessions
 *     catalog    products, prices, stock: one writer confirms price and units together
 *     sales      carts, and orders as the process manager of the checkout
 *     payments   attempts to pay, and what the provider is known to have done
 *
 * Threads  A topology is immutable and shared; so is the service struct, which must outlive it.
 */
#ifndef PROCESSORS_SHOP_H
#define PROCESSORS_SHOP_H

#include <processors/limits.h>
#include <schemas/codec.h>
#include <topology/topology.h>

struct shop_service {
    const struct codec_registry *registry; /* Bound. */
    struct shop_limits limits;
};

typedef int shop_topology_fn(
    const struct shop_service *service,
    struct topo_topology **ret_topology,
    struct mr_error *error);

shop_topology_fn shop_identity_topology;
shop_topology_fn shop_catalog_topology;
shop_topology_fn shop_sales_topology;
shop_topology_fn shop_payments_topology;

struct shop_named_topology {
    const char *name; /* As in --only. */
    shop_topology_fn *make;
};
enum { SHOP_SERVICES = 4 };
extern const struct shop_named_topology shop_services[SHOP_SERVICES];

/* StockReply.result */
#define SHOP_RESULT_RESERVED        "reserved"
#define SHOP_RESULT_REJECTED        "rejected"
#define SHOP_RESULT_COMMITTED       "committed"
#define SHOP_RESULT_COMMIT_REJECTED "commit_rejected"
#define SHOP_RESULT_RELEASED        "released"

/* PaymentReply.result */
#define SHOP_RESULT_AUTHORIZED "authorized"
#define SHOP_RESULT_CAPTURED   "captured"
#define SHOP_RESULT_DECLINED   "declined"
#define SHOP_RESULT_RETURNED   "returned"
#define SHOP_RESULT_REFUNDED   "refunded" /* As far as the order wants; it stands. */

/* PaymentOpRequested.op, RecordPspResult.op */
#define SHOP_OP_AUTHORIZE "authorize"
#define SHOP_OP_CAPTURE   "capture"
#define SHOP_OP_VOID      "void"
#define SHOP_OP_REFUND    "refund"
#define SHOP_OP_QUERY     "query"

/* RecordPspResult.result: what is true at the provider, whichever operation asked. With "refunded"
 * the amount is what is back in all; without one, all. */
#define SHOP_PSP_AUTHORIZED "authorized"
#define SHOP_PSP_CAPTURED   "captured"
#define SHOP_PSP_DECLINED   "declined"
#define SHOP_PSP_VOIDED     "voided"
#define SHOP_PSP_REFUNDED   "refunded"
#define SHOP_PSP_NOT_FOUND  "not_found"
#define SHOP_PSP_DISPUTED   "disputed" /* Captured, and taken back by the payer's bank. */

#endif
