/*
 * query_api.h - the query program's context, and the steps of every read.
 *
 * A read goes: route -> who asks (api/caller.h) -> wait until the views have what the client has
 * seen (consistency.c) -> positions into the headers, then data from committed state (products.c,
 * listing.c, cart.c, orders.c) -> ETag, JSON. Positions are taken before the data, so that the
 * answer is never older than its token.
 *
 * Threads  Everything runs on the server's threads; the context is constant after the start.
 * Memory   Whatever a request reads is copied into its arena.
 */
#ifndef QUERY_API_QUERY_API_H
#define QUERY_API_QUERY_API_H

#include <api/caller.h>
#include <api/contract.h>
#include <api/shop_json.h>
#include <base/clock.h>
#include <http/json.h>
#include <http/server.h>
#include <http/token.h>
#include <processors/views.h>
#include <topology/engine.h>

#include <pthread.h>
#include <stdatomic.h>

enum {
    QUERY_VIEWS = 5,
    QUERY_SCAN_MAX = 5000, /* Entries looked at for one page; then the page ends early. */
};

enum { QUERY_STREAM_BUCKETS = 1024, QUERY_STREAMS_MAX = 10000, QUERY_STREAMS_OWNER_MAX = 4 };

/* The requests that wait for orders; any thread. */
struct query_streams {
    pthread_mutex_t lock;
    int64_t max;
    int64_t owner_max; /* The same for one owner. */
    int64_t count;
    struct stream_owner *owners[QUERY_STREAM_BUCKETS];
};

struct query_api {
    struct topo_engine *engine;
    struct token_keys *keys;
    struct api_auth auth;
    int64_t ready_lag_max;         /* Records behind, over all partitions, and still ready. */
    atomic_bool positions_dropped; /* It was logged. */
    /* By view, monotonic: when it was last seen not to be behind. */
    _Atomic int64_t caught_up_ms[QUERY_VIEWS];
    _Atomic uint64_t level_moves[QUERY_VIEWS]; /* topo_engine_moves of then. */
    struct topo_reader *products;
    struct topo_reader *availability;
    struct topo_reader *listings;
    struct topo_reader *words;
    struct topo_reader *categories;
    struct topo_reader *carts;
    struct topo_reader *cart_lines;
    struct topo_reader *orders;
    struct topo_reader *order_lines;
    struct topo_reader *orders_by_owner;
    struct topo_reader *sessions;
    struct topo_reader *order_timelines;
    struct topo_reader *attention;
    struct query_streams streams;
};

/* Looks the stores up. The engine must have been started with shop_views_query_topology. The bounds
 * of streams are the defaults; query_streams_init sets others. */
void query_api_init(struct query_api *api, struct topo_engine *engine, struct token_keys *keys);

extern const struct http_route query_routes[];
extern const size_t query_routes_count;

/* -- state.c ------------------------------------------------------------------------------ */

/* Reads and decodes; *ret_state is NULL when absent. */
int query_read_into(
    struct topo_reader *store,
    enum shop_type type,
    struct mr_bytes key,
    struct mr_arena *arena,
    const void **ret_state,
    struct mr_error *error);

/* The same, for a request: a failure has been answered: return. */
bool query_read_state(
    struct http_request *request,
    struct topo_reader *store,
    enum shop_type type,
    struct mr_bytes key,
    const void **ret_state);
void query_send_failure(struct http_request *request, const struct mr_error *error);

/* The owner of carts and orders who asks. False: a problem has been sent. */
bool query_authenticate(
    struct query_api *api, struct http_request *request, struct mr_bytes *ret_owner);

/* -- attention.c -------------------------------------------------------------------------- */

/* How many orders need a person, and why; from the view, as of now. */
void query_attention_metrics(struct query_api *api, struct mr_arena *arena, struct mr_buffer *out);

/* -- consistency.c ------------------------------------------------------------------------ */

/* A route's read: the topics behind its views, and the function that serves it. */
struct query_read {
    const char *const *topics; /* NULL-terminated. */
    http_handler_fn *serve;
    bool own; /* Nobody gets past query_serve without an owner. */
    /* The answer depends on those views, the target and, if `own`, the owner, and on nothing else:
     * not on the clock, a session or another field of the request. While the views have not moved
     * it is sent again as it is. */
    bool kept;
};

/* Serves when the views have reached the request's Consistency-Token; waits for it, and answers
 * view-behind when that takes too long. `read` is static. */
void query_serve(
    struct query_api *api, struct http_request *request, const struct query_read *read);

/* The positions of the topics as headers. `owner` NULL view: all partitions, else the owner's.
 * ret_generation (may be NULL): a number that changes whenever one of them moves. */
void query_set_positions(
    struct query_api *api,
    struct http_request *request,
    const char *const *topics,
    struct mr_bytes owner,
    uint64_t *ret_generation);

/* -- cursor.c ----------------------------------------------------------------------------- */

/* FNV-1a over what identifies a listing; start with QUERY_FILTER_START. */
#define QUERY_FILTER_START UINT64_C(14695981039346656037)
uint64_t query_filter_add(uint64_t filter, struct mr_bytes part);

/* A page begins behind this key (NULL view: at the start), or, backwards, ends before it. */
struct query_cursor {
    struct mr_bytes key;
    bool backwards;
};

struct mr_bytes query_cursor_write(
    struct query_api *api,
    struct http_request *request,
    uint64_t filter,
    const struct query_cursor *cursor);

/* True with an empty one when there is no cursor. False: cursor-mismatch has been sent. */
bool query_cursor_read(
    struct query_api *api,
    struct http_request *request,
    uint64_t filter,
    struct query_cursor *ret_cursor);

/* -- page.c ------------------------------------------------------------------------------- */

/* `limit` of the query, 1..max. False: answered. */
bool query_read_limit(struct http_request *request, int max, int *ret_limit);

/* Keys from `first` up to but without `end`. */
struct query_range {
    struct mr_bytes first;
    struct mr_bytes end;
};
struct query_range query_prefix_range(struct mr_arena *arena, struct mr_bytes prefix);

/* A scan of a range, from behind `last_key`, a key in it (NULL view: from the start). */
bool query_range_open(
    struct http_request *request,
    struct topo_reader *store,
    const struct query_range *range,
    struct mr_bytes last_key,
    bool reverse,
    struct topo_read_scan **ret_scan);

/* A day or a time in UTC, 2026-09-01 or 2026-09-01T10:15:00.000Z, as unix ms; absent: INT64_MIN.
 * False: answered. */
bool query_read_time(struct http_request *request, const char *parameter, int64_t *ret_unix_ms);

/* A scan of the keys with `prefix`, from behind `last_key` (NULL view: from the start). */
bool query_scan_open(
    struct http_request *request,
    struct topo_reader *store,
    struct mr_bytes prefix,
    struct mr_bytes last_key,
    bool reverse,
    struct topo_read_scan **ret_scan);

/* A page that was found. Keys are those of its listing; NULL views when it shows nothing. */
struct query_page {
    uint64_t filter;
    struct query_cursor cursor; /* The request's. */
    struct mr_bytes first_key;  /* The row that is shown first, in the order of the listing. */
    struct mr_bytes last_key;
    struct mr_bytes end_key; /* The way of the cursor goes on behind it, when there is more. */
    bool more;
    bool incomplete; /* It ended before it was full, for what it looked at. */
    bool counted;    /* Prefer: return=total-count. */
    bool total_is_exact;
    int64_t total;
};

/* "page":{"first":"/v1/...","prev":...,"next":"/v1/...?cursor=..."} and the same as Link header:
 * the first page from another one, and its neighbours when there are some. */
void query_write_page(
    struct query_api *api,
    struct http_request *request,
    struct json_w *w,
    const struct query_page *page);

/* Prefer: return=total-count, which the listing of products follows. */
extern const struct query_read query_products_read;
bool query_wants_total(const struct http_request *request);

void query_send_invalid_parameter(
    struct http_request *request, const char *parameter, const char *detail);

/* -- orders.c ----------------------------------------------------------------------------- */

extern const char *const query_order_topics[];

struct query_order {
    struct mr_bytes id;
    const struct shop_order_view *view; /* NULL: there is none. */
    const struct shop_order_lines_state *lines;
};

int query_order_read(
    struct query_api *api,
    struct mr_bytes order_id,
    bool with_lines,
    struct mr_arena *arena,
    struct query_order *ret_order,
    struct mr_error *error);

/* The order of the path, if it is the caller's; otherwise answered. */
bool query_order_find_own(
    struct query_api *api, struct http_request *request, struct query_order *ret_order);

/* Sets the ETag; true: answered with 304. */
bool query_order_not_modified(struct http_request *request, const struct query_order *order);

void query_order_json(struct json_w *w, const struct query_order *order);

/* A read of one order, without parameters: checks who asks, then query_serve. */
void query_order_get_one(struct http_request *request, void *user, const struct query_read *read);

/* -- order_wait.c ------------------------------------------------------------------------- */

struct query_order_wait {
    struct query_api *api;
    struct mr_bytes order_id; /* Lives as long as the request. */
    int64_t version;          /* A higher one ends the wait. */
    struct http_waiter *waiter;
    struct topo_watch *watch;
};

/* As http_suspend: until the order's version is higher, or wait_ms have passed. `resume` calls
 * query_order_resumed first. False: not suspended. */
bool query_order_suspend(
    struct http_request *request,
    struct query_order_wait *wait,
    int wait_ms,
    http_continue_fn *resume,
    void *user);
void query_order_resumed(struct query_order_wait *wait);

/* -- streams.c ---------------------------------------------------------------------------- */

void query_streams_init(struct query_streams *streams, int64_t max, int64_t owner_max);

/* False: too many wait already, and it was answered. */
bool query_streams_take(
    struct query_streams *streams, struct http_request *request, struct mr_bytes owner);
void query_streams_give_back(struct query_streams *streams, struct mr_bytes owner);

/* -- the routes' handlers ------------------------------------------------------------------ */

http_handler_fn query_get_products;
http_handler_fn query_get_product;
http_handler_fn query_get_availability;
http_handler_fn query_get_categories;
http_handler_fn query_get_cart;
http_handler_fn query_get_orders;
http_handler_fn query_get_order;
http_handler_fn query_get_sessions;
http_handler_fn query_get_order_stream;
http_handler_fn query_get_order_timeline;
http_handler_fn query_get_confirmation;
http_handler_fn query_get_health;
http_handler_fn query_get_ready;
http_handler_fn query_get_metrics;
http_handler_fn query_get_problem;

#define QUERY_PRODUCT_FIELDS "fields[product]"

/* Members of a product that are shown: bits in the order of the table in products.c. */
enum { QUERY_PRODUCT_ROW = 0x1F, QUERY_PRODUCT_WHOLE = 0x3FF };

/* `fields[product]` of the query, `all` when it is not there. False: answered. */
bool query_product_fields(struct http_request *request, unsigned all, unsigned *ret_fields);

void query_product_json(
    struct json_w *w,
    struct mr_bytes product_id,
    const struct shop_product_view *product,
    unsigned fields);

#endif
