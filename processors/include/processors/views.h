/*
 * views.h - the read side's folds: pure functions from events to documents, in stores that every
 * thread of a program may read (topo_read_*).
 *
 *     query side     catalog, cart and order views        shop_views_query_topology
 *     command side   outcomes by command id, credentials  shop_views_command_topology
 *
 * All are global sub-topologies: an instance holds all partitions. A view depends on the order of
 * events within a partition only, so that any rebuild gives the same bytes.
 *
 * Threads  A topology is immutable and shared. The registry must outlive it.
 */
#ifndef PROCESSORS_VIEWS_H
#define PROCESSORS_VIEWS_H

#include <schemas/codec.h>
#include <topology/topology.h>

int shop_views_query_topology(
    const struct codec_registry *registry,
    struct topo_topology **ret_topology,
    struct mr_error *error);

int shop_views_command_topology(
    const struct codec_registry *registry,
    struct topo_topology **ret_topology,
    struct mr_error *error);

/* -- catalog view ------------------------------------------------------------------------- */

#define VIEW_PRODUCTS     "products"     /* product_id -> ProductView */
#define VIEW_AVAILABILITY "availability" /* product_id -> StockView */
#define VIEW_LISTINGS     "listings-2" /* ordered: view_listing_key -> ""; the second way to fold */
#define VIEW_CATEGORIES   "categories" /* ordered: category id -> be64 products listed */

enum view_sort { VIEW_BY_NAME, VIEW_BY_PRICE, VIEW_BY_CREATED };

/* As titles are searched and sorted: text_fold. */
struct mr_bytes view_fold_title(struct mr_arena *arena, struct mr_bytes title);

/* The listing `category` (empty: all products) in the order `sort`: what its keys start with. */
struct mr_bytes
view_listing_prefix(struct mr_arena *arena, struct mr_bytes category, enum view_sort sort);

/* The whole key of a product; its price must be there. */
struct mr_bytes view_listing_key(
    struct mr_arena *arena,
    struct mr_bytes category,
    enum view_sort sort,
    const struct shop_product_view *product,
    struct mr_bytes product_id);

/* The product id at the end of such a key. */
struct mr_bytes view_listing_id(struct mr_bytes key);

/* Published, not discontinued, and priced: what listings show. */
bool view_product_is_listed(const struct shop_product_view *product);

/* -- cart view ---------------------------------------------------------------------------- */

#define VIEW_CARTS      "carts"      /* owner_id -> CartView */
#define VIEW_CART_LINES "cart-lines" /* ordered: view_cart_line_key -> CartLineState */

/* product_id empty: the prefix of all lines of the owner. */
struct mr_bytes
view_cart_line_key(struct mr_arena *arena, struct mr_bytes owner_id, struct mr_bytes product_id);

/* -- order view --------------------------------------------------------------------------- */

#define VIEW_ORDERS          "order-heads"     /* order_id -> OrderView */
#define VIEW_ORDER_LINES     "order-lines"     /* order_id -> OrderLinesState */
#define VIEW_ORDERS_BY_OWNER "orders-by-owner" /* ordered: view_order_key -> "" */

/* Newest first within an owner. order_id empty: the prefix of all orders of the owner. */
struct mr_bytes view_order_key(
    struct mr_arena *arena, struct mr_bytes owner_id, int64_t placed_at, struct mr_bytes order_id);
struct mr_bytes view_order_prefix(struct mr_arena *arena, struct mr_bytes owner_id);
struct mr_bytes view_order_key_id(struct mr_bytes key);

/* PENDING_STOCK, PENDING_PAYMENT, CONFIRMING, CONFIRMED, CANCELLING or CANCELLED: derived here and
 * stored nowhere. */
const char *view_order_status(const struct shop_order_view *order);

/* -- command side ------------------------------------------------------------------------- */

#define VIEW_OUTCOMES    "command-outcomes" /* command_id -> CommandOutcome, framed as it came */
#define VIEW_CLAIMS      "email-claims"     /* email_key -> user_id */
#define VIEW_CREDENTIALS "user-credentials" /* user_id -> Credential, framed as it came */

#endif
