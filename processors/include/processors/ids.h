/*
 * ids.h - the ids of the shop, derived: the same input gives the same id in every program, so that
 * a repeated request, an import run again or a decision taken twice names the same thing.
 *
 * Every id is a prefix and a UUID: usr_ gst_ prd_ crt_ pay_ ses_; ord_<8 hex>-<UUID> carries the
 * murmur2 hash of its owner before the modulo, so that an order's partition and its owner can be
 * checked from the id alone.
 *
 * Memory   Ids are written into the caller's struct, and are valid as long as that is.
 * Threads  Any.
 */
#ifndef PROCESSORS_IDS_H
#define PROCESSORS_IDS_H

#include <base/bytes.h>
#include <base/id.h>

/* The longest id: "ord_" + 8 hex + "-" + UUID, and a NUL. */
enum { SHOP_ID_BYTES_MAX = 64 };

struct shop_id {
    char text[SHOP_ID_BYTES_MAX];
};

static inline struct mr_bytes shop_id_view(const struct shop_id *id)
{
    return mr_cstr(id->text);
}

/* Letters, digits, '_' and '-', 1 to 63 of them: what may stand in a store key. */
bool shop_id_is_valid(struct mr_bytes id);

/* "prd_..." of a SKU as the catalogue writes it (upper-cased by the caller). */
struct shop_id shop_product_id(struct mr_bytes sku);

/* "usr_...", "gst_..." (or any other prefix) of the command that creates it. */
struct shop_id shop_created_id(const char *prefix, struct mr_bytes command_id);

/* "gst_..." of a guest's Cart-Token, 43 characters of base64url: made of its hash, so that whoever
 * reads the log learns no token. False: not a valid token. */
bool shop_guest_id(struct mr_bytes cart_token, struct shop_id *ret_id);

/* "ord_<murmur2 of the owner>-<uuid>" of the PlaceOrder command. */
struct shop_id shop_order_id(struct mr_bytes owner_id, struct mr_bytes command_id);

/* True when `order_id` is well formed and carries the hash of `owner_id`. */
bool shop_order_id_is_of(struct mr_bytes order_id, struct mr_bytes owner_id);

/* The partition of an order's owner, by the hash in its id; -1: not an order's id. */
int32_t shop_order_partition(struct mr_bytes order_id, int32_t partitions);

/* "pay_..." of the attempt (1..) at paying an order. */
struct shop_id shop_payment_id(struct mr_bytes order_id, int attempt);

/* A UUID without prefix: the id of the intention "this principal sends this request with this key".
 * `route` is the template ("/v1/cart/items/{product_id}"). */
struct shop_id shop_command_id(
    struct mr_bytes principal,
    struct mr_bytes method,
    struct mr_bytes route,
    struct mr_bytes idempotency_key);

/* A UUID: the id of the aggregate's version-th event. Versions have no gaps, so it is unique. */
struct shop_id shop_event_id(struct mr_bytes aggregate_id, int64_t aggregate_version);

/* "C" and 10 characters a person can read out: the confirmation number of an order. */
struct shop_id shop_confirmation_no(struct mr_bytes order_id);

/* The roles of users, and what a token's scope holds. */
#define SHOP_ROLE_CUSTOMER "customer"
#define SHOP_ROLE_OPERATOR "operator" /* May what the staff may. */
#define SHOP_ROLE_AUDITOR  "auditor"  /* May read what the staff may. */
bool shop_role_is_known(struct mr_bytes role);

#endif
