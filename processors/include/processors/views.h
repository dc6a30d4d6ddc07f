/*
 * views.h - the read side's folds: pure functions from events to documents, in stores that every
 * thread of a program may read (topo_read_*).
 *
 *     query side     catalog, cart, order, session views  shop_views_query_topology
 *     command side   outcomes by command id, credentials,
 *                    sessions that are over               shop_views_command_topology
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
#define VIEW_LISTINGS     "listings-3"   /* ordered: view_listing_key -> card; the third layout */
#define VIEW_WORDS        "title-words"  /* ordered: view_word_key -> card */
#define VIEW_CATEGORIES   "categories"   /* ordered: view_count_key -> be64 products listed */

enum view_sort { VIEW_BY_NAME, VIEW_BY_PRICE, VIEW_BY_CREATED };

/* The parts of a product that the orders are made of. */
struct view_entry {
    struct mr_bytes product_id;
    struct mr_bytes title; /* Folded. */
    int64_t price;
    int64_t created_at;
};

/* As titles are searched and sorted: text_fold. */
struct mr_bytes view_fold_title(struct mr_arena *arena, struct mr_bytes title);

/* A product that has a price. */
struct view_entry view_entry_of(
    struct mr_arena *arena, struct mr_bytes product_id, const struct shop_product_view *product);

/* The card of a product in the values of both indexes: price, age and categories, so that a filter
 * need not read the product. */
struct mr_bytes view_card_write(struct mr_arena *arena, const struct shop_product_view *product);
bool view_card_read(struct mr_bytes card, struct view_entry *entry);
bool view_card_may_have(struct mr_bytes card, struct mr_bytes category);

/* A listing: a category (empty: all products), an order, and whether it has only what there is. */
struct view_listing {
    struct mr_bytes category;
    enum view_sort sort;
    bool in_stock;
};

/* The start of a listing's keys. */
struct mr_bytes view_listing_prefix(struct mr_arena *arena, const struct view_listing *listing);

/* A listing by price: the least key from this price on. */
struct mr_bytes
view_listing_from(struct mr_arena *arena, const struct view_listing *listing, int64_t price);

struct mr_bytes view_listing_key(
    struct mr_arena *arena, const struct view_listing *listing, const struct view_entry *entry);

/* The product id at the end of such a key, and the title of one by name. False: neither is there.
 */
bool view_listing_key_read(struct mr_bytes key, struct view_entry *entry);

/* The first words of a title are found, as far as they are not longer. */
enum { VIEW_TITLE_WORDS_MAX = 32, VIEW_WORD_BYTES_MAX = 32 };

/* The different words of a folded title. */
size_t view_title_words(
    struct mr_arena *arena, struct mr_bytes title, struct mr_bytes ret_words[VIEW_TITLE_WORDS_MAX]);

/* A search: whole words, and last the start of one. */
struct view_search {
    bool given;   /* The text has more than blanks. */
    size_t count; /* 0: nothing matches, for there is no word or there are too many. */
    struct mr_bytes words[VIEW_TITLE_WORDS_MAX];
};
void view_search_read(struct mr_arena *arena, struct mr_bytes text, struct view_search *ret_search);

/* Whether the folded title has all words of a search that has some. *ret_word, in `buffer`: the
 * first of its words, by the alphabet, that the last one begins: by that word it is ranked. */
bool view_search_matches(
    const struct view_search *search,
    struct mr_bytes title,
    char buffer[VIEW_WORD_BYTES_MAX],
    struct mr_bytes *ret_word);

/* The start of the keys of a word, or (not whole) of all words that begin so. */
struct mr_bytes view_word_prefix(struct mr_arena *arena, struct mr_bytes word, bool whole);
struct mr_bytes
view_word_key(struct mr_arena *arena, struct mr_bytes word, const struct view_entry *entry);
bool view_word_key_read(struct mr_bytes key, struct mr_bytes *ret_word, struct view_entry *entry);

/* The key of a category's count; the empty one is all products, and sorts before the others. */
struct mr_bytes view_count_key(struct mr_bytes category);

/* Published, not discontinued, and priced: what listings show. */
bool view_product_is_listed(const struct shop_product_view *product);

bool view_is_in_stock(const struct shop_stock_view *stock); /* NULL: nothing is known, so no. */

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

#define VIEW_ORDER_TIMELINES "order-timelines" /* order_id -> OrderTimelineState */

/* An order has fewer events than that; what comes after them is not shown. */
enum { VIEW_TIMELINE_ROWS_MAX = 200 };

/* Newest first within an owner. order_id empty: the prefix of all orders of the owner. */
struct mr_bytes view_order_key(
    struct mr_arena *arena, struct mr_bytes owner_id, int64_t placed_at, struct mr_bytes order_id);
struct mr_bytes view_order_prefix(struct mr_arena *arena, struct mr_bytes owner_id);
struct mr_bytes view_order_key_id(struct mr_bytes key);

/* PENDING_STOCK, PENDING_PAYMENT, CONFIRMING, CONFIRMED, CANCELLING or CANCELLED: derived here and
 * stored nowhere. */
const char *view_order_status(const struct shop_order_view *order);

/* -- attention view: payments that may need a person -------------------------------------- */

#define VIEW_ATTENTION "attention" /* ordered: payment_id -> AttentionView */

/* A capture without an answer is known of after this long, a void or refund after so many tries. */
#define VIEW_CAPTURE_UNKNOWN_MS (INT64_C(2) * 60 * 1000)
#define VIEW_COMPENSATION_TRIES 5

enum view_attention {
    VIEW_ATTENTION_NONE,
    VIEW_ATTENTION_CAPTURE,      /* "capture-unknown" */
    VIEW_ATTENTION_COMPENSATION, /* "compensation-failing" */
    VIEW_ATTENTION_DISPUTE,      /* "disputed" */
    VIEW_ATTENTION_KINDS
};

/* Applies an event of payments. False: nothing is left that could need a person. */
bool view_attention_fold(struct shop_attention_view *row, const struct codec_message *event);

/* Why a person should look, as of now, and since when. */
enum view_attention
view_attention_of(const struct shop_attention_view *row, int64_t now_ms, int64_t *ret_since);
const char *view_attention_name(enum view_attention why);

/* -- command side ------------------------------------------------------------------------- */

#define VIEW_OUTCOMES     "command-outcomes" /* command_id -> CommandOutcome, framed as it came */
#define VIEW_CLAIMS       "email-claims"     /* email_key -> user_id */
#define VIEW_CREDENTIALS  "user-credentials" /* user_id -> Credential, framed as it came */
#define VIEW_USERS        "users"            /* user_id -> UserView */
#define VIEW_SUBJECT_KEYS "subject-keys"     /* user_id -> WrappedKey, framed as it came */

/* -- sessions ----------------------------------------------------------------------------- */

#define VIEW_REVOKED  "revoked-sessions" /* session_id -> be64 when it ended; both programs */
#define VIEW_SESSIONS "user-sessions"    /* user_id -> SessionsState; the query side */

#endif
