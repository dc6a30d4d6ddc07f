/*
 * orders.c - an owner's orders: newest first, one by one, and the confirmation of a paid one.
 *
 * Whose an order is says its document, not the request: somebody else's is not found.
 */
#include "query_api.h"

#include <api/positions.h>

const char *const query_order_topics[] = {TOPIC_SALES_ORDER_EVENTS, NULL};

int query_order_read(
    struct query_api *api,
    struct mr_bytes order_id,
    bool with_lines,
    struct mr_arena *arena,
    struct query_order *ret_order,
    struct mr_error *error)
{
    const void *view = NULL;
    const void *lines = NULL;
    int rc = query_read_into(api->orders, SHOP_ORDER_VIEW, order_id, arena, &view, error);
    if (rc == 0 && with_lines)
        rc = query_read_into(
            api->order_lines, SHOP_ORDER_LINES_STATE, order_id, arena, &lines, error);
    if (rc == 0)
        *ret_order = (struct query_order){order_id, view, lines};
    return rc;
}

static bool read_order(
    struct query_api *api,
    struct http_request *request,
    struct mr_bytes order_id,
    bool with_lines,
    struct query_order *ret_order)
{
    struct mr_error error;
    int rc = query_order_read(api, order_id, with_lines, http_arena(request), ret_order, &error);
    if (rc)
        query_send_failure(request, &error);
    return rc == 0;
}

/* The view as the snapshot that both APIs print, so that an order looks the same from both. */
static struct shop_order_snapshot snapshot_of(const struct query_order *order)
{
    const struct shop_order_view *view = order->view;
    struct shop_order_snapshot snapshot = {
        .order_id = order->id,
        .owner_id = view->owner_id,
        .cart_id = view->cart_id,
        .version = view->version,
        .status = mr_cstr(view_order_status(view)),
        .goal = mr_cstr(view->abort_wanted || view->cancelled ? "abort" : "fulfil"),
        .items_total = view->items_total,
        .shipping_total = view->shipping_total,
        .tax_total = view->tax_total,
        .grand_total = view->grand_total,
        .placed_at = view->placed_at,
        .pay_deadline = view->pay_deadline,
        .confirmation_no = view->confirmation_no,
        .has_confirmed_at = view->has_confirmed_at,
        .confirmed_at = view->confirmed_at,
        .captured = view->captured,
        .cause = view->cause,
        .short_lines = view->short_lines,
        .short_lines_count = view->short_lines_count,
    };
    if (order->lines) {
        snapshot.lines = order->lines->lines;
        snapshot.lines_count = order->lines->lines_count;
    }
    if (view->payments_count)
        snapshot.payment_id = view->payments[view->payments_count - 1].payment_id;
    return snapshot;
}

/* The owner is expected to do this; NULL: nothing. */
static const char *next_action_of(const struct shop_order_view *order)
{
    size_t count = order->payments_count;
    if (strcmp(view_order_status(order), "PENDING_PAYMENT") != 0)
        return NULL;
    bool in_progress =
        count && mr_bytes_equal(order->payments[count - 1].status, mr_cstr("started"));
    return in_progress ? NULL : "pay";
}

/* The owner should know this; NULL: nothing. */
static const char *attention_of(const struct shop_order_view *order)
{
    size_t count = order->payments_count;
    const char *status = view_order_status(order);
    if (strcmp(status, "CANCELLING") == 0 && order->confirmed)
        return "refund_pending";
    bool declined = count && mr_bytes_equal(order->payments[count - 1].status, mr_cstr("declined"));
    return declined && strcmp(status, "PENDING_PAYMENT") == 0 ? "payment_declined" : NULL;
}

void query_order_json(struct json_w *w, const struct query_order *order)
{
    struct shop_order_snapshot snapshot = snapshot_of(order);
    struct shop_order_extra extra = {
        .payments = order->view->payments,
        .payments_count = order->view->payments_count,
        .refund = order->view->refund,
        .next_action = next_action_of(order->view),
        .attention = attention_of(order->view),
        .without_lines = order->lines == NULL,
    };
    shop_json_order(w, &snapshot, &extra);
}

bool query_order_find_own(
    struct query_api *api, struct http_request *request, struct query_order *ret_order)
{
    struct mr_bytes owner;
    struct query_order order;
    if (!query_authenticate(api, request, &owner))
        return false;
    query_set_positions(api, request, query_order_topics, owner, NULL);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_set_header(request, "Vary", mr_cstr("Authorization, Cart-Token"));
    if (!read_order(api, request, http_path_param(request, 0), true, &order))
        return false;
    if (!order.view || !mr_bytes_equal(order.view->owner_id, owner)) {
        http_send_problem(request, "not-found", "There is no such order.");
        return false;
    }
    *ret_order = order;
    return true;
}

bool query_order_not_modified(struct http_request *request, const struct query_order *order)
{
    struct mr_bytes etag =
        mr_arena_printf(http_arena(request), "v%lld", (long long)order->view->version);
    if (!http_etag_matches(request, etag, false))
        return false;
    http_send(request, 304, NULL);
    return true;
}

static http_handler_fn serve_order;

/* A GET with wait_status, while the order has none of these. */
struct status_wait {
    struct query_order_wait wait;
    struct mr_bytes owner;
};

static bool list_has_status(struct mr_bytes list, const char *status)
{
    size_t len = strlen(status);
    for (size_t at = 0; at + len <= list.len; at++) {
        bool starts = at == 0 || list.ptr[at - 1] == ',';
        bool ends = at + len == list.len || list.ptr[at + len] == ',';
        if (starts && ends && memcmp(list.ptr + at, status, len) == 0)
            return true;
    }
    return false;
}

/* Looks at the order again: it may be what is waited for, or time may be over. */
static void
resume_status(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct status_wait *waiting = user;
    struct query_api *api = waiting->wait.api;
    (void)payload;
    query_order_resumed(&waiting->wait);
    query_streams_give_back(&api->streams, waiting->owner);
    if (why == HTTP_STOPPING)
        http_send_problem(request, "shutting-down", "This instance is stopping.");
    else
        serve_order(request, api);
}

/* True: the order is to be waited for, and was answered or suspended. */
static bool
await_status(struct query_api *api, struct http_request *request, const struct query_order *order)
{
    struct mr_bytes wanted = http_query(request, "wait_status");
    int64_t left_ms = api_wait_ms(request) - http_age_ms(request);
    if (wanted.len == 0 || left_ms <= 0 || list_has_status(wanted, view_order_status(order->view)))
        return false;
    if (!query_streams_take(&api->streams, request, order->view->owner_id))
        return true;
    struct status_wait *waiting = mr_arena_alloc(http_arena(request), sizeof *waiting);
    *waiting = (struct status_wait){
        .wait = {.api = api, .order_id = order->id, .version = order->view->version},
        .owner = order->view->owner_id,
    };
    if (query_order_suspend(request, &waiting->wait, (int)left_ms, resume_status, waiting))
        return true;
    query_streams_give_back(&api->streams, waiting->owner);
    http_send_problem(request, "overloaded", "Too many requests wait already.");
    return true;
}

static void serve_order(struct http_request *request, void *user)
{
    struct query_order order;
    if (!query_order_find_own(user, request, &order) || await_status(user, request, &order) ||
        query_order_not_modified(request, &order))
        return;
    struct json_w w = json_w_to(http_response(request));
    query_order_json(&w, &order);
    http_send(request, 200, NULL);
}

static void serve_confirmation(struct http_request *request, void *user)
{
    struct query_order order;
    if (!query_order_find_own(user, request, &order))
        return;
    const char *status = view_order_status(order.view);
    if (strcmp(status, "CONFIRMED") != 0) {
        http_send_problem_full(
            request,
            &(struct http_problem){
                .slug = "not-confirmed-yet",
                .extensions =
                    mr_arena_printf(http_arena(request), "{\"order_status\":\"%s\"}", status),
            });
        return;
    }
    if (query_order_not_modified(request, &order))
        return;
    struct shop_order_snapshot snapshot = snapshot_of(&order);
    struct json_w w = json_w_to(http_response(request));
    shop_json_confirmation(&w, &snapshot);
    http_send(request, 200, NULL);
}

struct page {
    struct mr_bytes owner;
    struct mr_bytes status; /* NULL: any. */
    int64_t since;          /* Orders placed before it are not shown. */
    int limit;
    uint64_t filter;
    struct query_cursor cursor;
    struct query_order rows[API_ORDERS_PAGE_MAX]; /* As the scan finds them. */
    struct mr_bytes keys[API_ORDERS_PAGE_MAX];
    int count;
    int seen;
    bool more;
    struct mr_bytes end_key;
};

static bool read_page(struct query_api *api, struct http_request *request, struct page *page)
{
    if (!query_authenticate(api, request, &page->owner) ||
        !query_read_limit(request, API_ORDERS_PAGE_MAX, &page->limit))
        return false;
    page->status = http_query(request, "status");
    if (!query_read_time(request, "since", &page->since))
        return false;
    page->filter = query_filter_add(QUERY_FILTER_START, mr_cstr("orders"));
    page->filter = query_filter_add(page->filter, page->owner);
    page->filter = query_filter_add(page->filter, page->status);
    page->filter = query_filter_add(page->filter, http_query(request, "since"));
    return query_cursor_read(api, request, page->filter, &page->cursor);
}

/* 1: go on, 0: the page is full, -1: answered. */
static int add_order_row(
    struct query_api *api, struct http_request *request, struct mr_bytes key, struct page *page)
{
    struct query_order order;
    if (!read_order(api, request, view_order_key_id(key), false, &order))
        return -1;
    if (order.view && order.view->placed_at < page->since) {
        page->more = false; /* The others are older still. */
        return 0;
    }
    bool belongs =
        order.view &&
        (!page->status.ptr || mr_bytes_equal(page->status, mr_cstr(view_order_status(order.view))));
    page->more = page->count == page->limit ? belongs : ++page->seen == QUERY_SCAN_MAX;
    if (page->more && page->count == page->limit)
        return 0;
    page->end_key = key;
    if (belongs && page->count < page->limit) {
        page->keys[page->count] = key;
        page->rows[page->count++] = order;
    }
    return page->more ? 0 : 1;
}

static bool find_order_rows(struct query_api *api, struct http_request *request, struct page *page)
{
    struct mr_bytes prefix = view_order_prefix(http_arena(request), page->owner);
    struct topo_read_scan *scan = NULL;
    struct mr_error error;
    struct mr_bytes key;
    struct mr_bytes value;
    int step = 1;
    int rc = 1;
    if (!query_scan_open(
            request, api->orders_by_owner, prefix, page->cursor.key, page->cursor.backwards, &scan))
        return false;
    while (step == 1 && (rc = topo_read_scan_next(scan, &key, &value, &error)) == 1)
        step = add_order_row(api, request, key, page);
    topo_read_scan_close(scan);
    if (rc < 0)
        query_send_failure(request, &error);
    return rc >= 0 && step >= 0;
}

/* Newest first, whichever way they were found. */
static void
write_orders(struct query_api *api, struct http_request *request, const struct page *page)
{
    struct json_w w = json_w_to(http_response(request));
    struct query_page shown = {
        .filter = page->filter,
        .cursor = page->cursor,
        .end_key = page->end_key,
        .more = page->more,
        .incomplete = page->more && page->count < page->limit};
    int last = page->count - 1;
    json_w_object(&w);
    json_w_key(&w, "items");
    json_w_array(&w);
    for (int i = 0; i <= last; i++)
        query_order_json(&w, &page->rows[page->cursor.backwards ? last - i : i]);
    json_w_array_end(&w);
    if (page->count > 0) {
        shown.first_key = page->keys[page->cursor.backwards ? last : 0];
        shown.last_key = page->keys[page->cursor.backwards ? 0 : last];
    }
    query_write_page(api, request, &w, &shown);
    json_w_object_end(&w);
    http_send(request, 200, NULL);
}

static void serve_orders(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct page page = {0};
    if (!read_page(api, request, &page))
        return;
    query_set_positions(api, request, query_order_topics, page.owner, NULL);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_set_header(request, "Vary", mr_cstr("Authorization, Cart-Token"));
    if (find_order_rows(api, request, &page))
        write_orders(api, request, &page);
}

void query_get_orders(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = query_order_topics, .serve = serve_orders, .own = true, .kept = true};
    static const char *const known[] = {"status", "since", "limit", "cursor", NULL};
    if (http_query_only(request, known))
        query_serve(user, request, &read);
}

void query_order_get_one(struct http_request *request, void *user, const struct query_read *read)
{
    static const char *const none[] = {NULL};
    if (http_query_only(request, none))
        query_serve(user, request, read);
}

/* Each of the list is a status of orders. */
static bool check_statuses(struct http_request *request)
{
    struct mr_bytes list = http_query(request, "wait_status");
    static const struct mr_bytes known =
        MR_LITERAL("PENDING_STOCK,PENDING_PAYMENT,CONFIRMING,CONFIRMED,CANCELLING,CANCELLED");
    if (list.len == 0)
        return true; /* An empty list, as good as none. */
    while (list.ptr) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
        char status[32] = "";
        if (len > 0 && len < sizeof status)
            memcpy(status, list.ptr, len);
        if (status[0] == 0 || !list_has_status(known, status)) {
            query_send_invalid_parameter(
                request, "wait_status", "wait_status is a list of an order's statuses.");
            return false;
        }
        list = comma ? mr_bytes_of(comma + 1, list.len - len - 1) : mr_bytes_of(NULL, 0);
    }
    return true;
}

void query_get_order(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = query_order_topics, .serve = serve_order, .own = true, .kept = true};
    /* It may wait for a status, so what was sent to another is too early. */
    static const struct query_read awaited = {
        .topics = query_order_topics, .serve = serve_order, .own = true};
    static const char *const known[] = {"wait_status", NULL};
    if (http_query_only(request, known) && check_statuses(request))
        query_serve(user, request, http_query(request, "wait_status").ptr ? &awaited : &read);
}

void query_get_confirmation(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = query_order_topics, .serve = serve_confirmation, .own = true, .kept = true};
    query_order_get_one(request, user, &read);
}
