/*
 * cart.c - GET /v1/cart: the owner's lines as quoted, beside what the catalogue says now.
 *
 * The ETag's version is the cart's own, so that it can be sent back as If-Match; what follows the
 * dot stands for prices and availability, which change without the cart.
 */
#include "query_api.h"

#include <processors/limits.h>
#include <processors/product.h>

#include <stdlib.h>

static const char *const topics[] = {
    TOPIC_SALES_CART_EVENTS, TOPIC_CATALOG_PRODUCT_EVENTS, TOPIC_INVENTORY_STOCK_EVENTS, NULL};
static const char *const own_topics[] = {TOPIC_SALES_CART_EVENTS, NULL};

struct line {
    struct shop_cart_line shown;
    struct shop_line_now now;
    int32_t position;
};

struct cart {
    struct shop_cart_snapshot snapshot;
    struct line *lines;
    size_t count;
    size_t capacity;
};

static int by_position(const void *a, const void *b)
{
    int32_t left = ((const struct line *)a)->position;
    int32_t right = ((const struct line *)b)->position;
    return (left > right) - (left < right);
}

/* Beside the quote: title and price of the product now, and its units. */
static bool look_up(struct query_api *api, struct http_request *request, struct line *line)
{
    const void *found = NULL;
    const void *stock = NULL;
    if (!query_read_state(
            request, api->products, SHOP_PRODUCT_VIEW, line->shown.product_id, &found) ||
        !query_read_state(
            request, api->availability, SHOP_STOCK_VIEW, line->shown.product_id, &stock))
        return false;
    const struct shop_product_view *product = found;
    line->shown.sku = product ? product->sku : mr_bytes_of("", 0);
    line->shown.title = product ? product->title : mr_bytes_of("", 0);
    if (product && product->price) {
        line->now.known = true;
        line->now.sold = product->status == SHOP_PRODUCT_STATUS_PUBLISHED;
        line->now.price = *product->price;
        line->now.available = stock ? ((const struct shop_stock_view *)stock)->available : 0;
    }
    return true;
}

static void add_line(
    struct http_request *request,
    struct cart *cart,
    struct mr_bytes product_id,
    const struct shop_cart_line_state *state)
{
    if (cart->count == cart->capacity) {
        size_t capacity = cart->capacity ? cart->capacity * 2 : 16;
        struct line *more = mr_arena_alloc(http_arena(request), capacity * sizeof *more);
        if (cart->count)
            memcpy(more, cart->lines, cart->count * sizeof *more);
        cart->lines = more;
        cart->capacity = capacity;
    }
    struct shop_money total = state->unit_price;
    total.minor *= state->quantity;
    cart->snapshot.total.minor += total.minor;
    cart->snapshot.total.currency = total.currency;
    cart->lines[cart->count++] = (struct line){
        .position = state->position,
        .shown = {
            .product_id = product_id,
            .quantity = state->quantity,
            .unit_price = state->unit_price,
            .price_version = state->price_version,
            .line_total = total,
        }};
}

/* False when answered. */
static bool read_lines(
    struct query_api *api, struct http_request *request, struct mr_bytes owner, struct cart *cart)
{
    struct mr_arena *arena = http_arena(request);
    struct mr_bytes prefix = view_cart_line_key(arena, owner, mr_bytes_of("", 0));
    struct topo_read_scan *scan = NULL;
    struct mr_error error;
    struct mr_bytes key;
    struct mr_bytes value;
    int rc = 1;
    if (!query_scan_open(request, api->cart_lines, prefix, mr_bytes_of(NULL, 0), false, &scan))
        return false;
    while (cart->count < SHOP_CART_LINES_LIMIT &&
           (rc = topo_read_scan_next(scan, &key, &value, &error)) == 1) {
        const void *state = NULL;
        rc = codec_decode_bare(&shop_types[SHOP_CART_LINE_STATE], value, arena, &state, &error);
        if (rc != 0)
            break;
        struct mr_bytes product_id = mr_bytes_of(key.ptr + prefix.len, key.len - prefix.len);
        add_line(request, cart, product_id, state);
    }
    topo_read_scan_close(scan);
    if (rc < 0) {
        query_send_failure(request, &error);
        return false;
    }
    if (cart->count)
        qsort(cart->lines, cart->count, sizeof *cart->lines, by_position);
    for (size_t i = 0; i < cart->count; i++)
        if (!look_up(api, request, &cart->lines[i]))
            return false;
    return true;
}

static uint64_t hash_now(const struct cart *cart)
{
    uint64_t hash = QUERY_FILTER_START;
    for (size_t i = 0; i < cart->count; i++) {
        const struct line *line = &cart->lines[i];
        const int64_t facts[] = {
            line->now.known,
            line->now.sold,
            line->now.price.minor,
            line->now.available < line->shown.quantity};
        hash = query_filter_add(hash, mr_bytes_of(facts, sizeof facts));
        hash = query_filter_add(hash, mr_cstr(shop_band(line->now.available)));
        hash = query_filter_add(hash, line->shown.title);
    }
    return hash;
}

static void write_cart(struct http_request *request, const struct cart *cart)
{
    struct mr_arena *arena = http_arena(request);
    struct shop_cart_snapshot snapshot = cart->snapshot;
    struct shop_cart_line *lines = mr_arena_alloc(arena, (cart->count + 1) * sizeof *lines);
    struct shop_line_now *now = mr_arena_alloc(arena, (cart->count + 1) * sizeof *now);
    struct json_w w = json_w_to(http_response(request));
    for (size_t i = 0; i < cart->count; i++) {
        lines[i] = cart->lines[i].shown;
        now[i] = cart->lines[i].now;
    }
    snapshot.lines = lines;
    snapshot.lines_count = cart->count;
    shop_json_cart(&w, &snapshot, now);
    http_send(request, 200, NULL);
}

/* The tag has the cart's version and a hash of what changes without the cart: prices, titles,
 * stock. */
static void serve_cart(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct mr_bytes owner;
    const void *found = NULL;
    struct cart cart = {0};
    if (!query_authenticate(api, request, &owner))
        return;
    query_set_positions(api, request, own_topics, owner, NULL);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_set_header(request, "Vary", mr_cstr("Authorization, Cart-Token"));
    if (!query_read_state(request, api->carts, SHOP_CART_VIEW, owner, &found) ||
        !read_lines(api, request, owner, &cart))
        return;
    const struct shop_cart_view *head = found;
    cart.snapshot.owner_id = owner;
    cart.snapshot.version = head ? head->version : 0;
    if (head && !head->order_id.ptr)
        cart.snapshot.cart_id = head->cart_id;
    struct mr_bytes etag = mr_arena_printf(
        http_arena(request),
        "v%lld.%llx",
        (long long)cart.snapshot.version,
        (unsigned long long)hash_now(&cart));
    if (http_etag_matches(request, etag, false))
        http_send(request, 304, NULL);
    else
        write_cart(request, &cart);
}

/* Step 9 of an event's path: read once the view has come as far as the client has seen. */
void query_get_cart(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = topics, .serve = serve_cart, .own = true, .kept = true};
    static const char *const none[] = {NULL};
    if (http_query_only(request, none))
        query_serve(user, request, &read);
}
