/*
 * listing.c - GET /v1/products: pages over the sorted listings, and batches by id.
 *
 * With q the order is by relevance unless another one is asked for: by the word of the title that
 * the last word of q begins (so the word itself comes first), then by title, then by id.
 */
#include "listing_impl.h"

#define CACHE_PRODUCTS "public, max-age=5, stale-while-revalidate=30, stale-if-error=300"

static const char *const topics[] = {TOPIC_CATALOG_PRODUCT_EVENTS, NULL};
static const char *const topics_and_stock[] = {
    TOPIC_CATALOG_PRODUCT_EVENTS, TOPIC_INVENTORY_STOCK_EVENTS, NULL};
static const struct mr_bytes nobody = {0};

static bool read_sort(struct http_request *request, struct listing *listing)
{
    struct mr_bytes text = http_query(request, "sort");
    static const struct {
        const char *name;
        enum view_sort sort;
    } sorts[] = {{"name", VIEW_BY_NAME}, {"price", VIEW_BY_PRICE}, {"created", VIEW_BY_CREATED}};
    listing->of.sort = VIEW_BY_NAME;
    listing->by_relevance = listing->search.given;
    if (!text.ptr || mr_bytes_equal(text, mr_cstr("relevance")))
        return true;
    listing->by_relevance = false;
    if (text.len > 0 && text.ptr[0] == '-') {
        listing->reverse = true;
        text = mr_bytes_of(text.ptr + 1, text.len - 1);
    }
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        if (mr_bytes_equal(text, mr_cstr(sorts[i].name))) {
            listing->of.sort = sorts[i].sort;
            return true;
        }
    }
    query_send_invalid_parameter(
        request,
        "sort",
        "sort must be relevance, name, price, created, -name, -price or -created.");
    return false;
}

static bool
read_price(struct http_request *request, const char *name, bool *ret_given, int64_t *ret_minor)
{
    struct mr_bytes text = http_query(request, name);
    int64_t minor = 0;
    if (!text.ptr)
        return true;
    bool good = text.len > 0 && text.len <= 13;
    for (size_t i = 0; good && i < text.len; i++) {
        good = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        minor = minor * 10 + (text.ptr[i] - '0');
    }
    if (!good) {
        query_send_invalid_parameter(request, name, "A price is a whole number of minor units.");
        return false;
    }
    *ret_given = true;
    *ret_minor = minor;
    return true;
}

static bool read_in_stock(struct http_request *request, struct listing *listing)
{
    struct mr_bytes text = http_query(request, "in_stock");
    listing->of.in_stock = mr_bytes_equal(text, mr_cstr("true"));
    if (!text.ptr || listing->of.in_stock || mr_bytes_equal(text, mr_cstr("false")))
        return true;
    query_send_invalid_parameter(request, "in_stock", "in_stock must be true or false.");
    return false;
}

static uint64_t filter_of(struct http_request *request)
{
    static const char *const parts[] = {
        "category", "q", "sort", "in_stock", "price_min", "price_max"};
    uint64_t filter = query_filter_add(QUERY_FILTER_START, mr_cstr("products"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        filter = query_filter_add(filter, http_query(request, parts[i]));
    return filter;
}

static bool
read_listing(struct query_api *api, struct http_request *request, struct listing *listing)
{
    struct mr_bytes category = http_query(request, "category");
    struct mr_bytes text = http_query(request, "q");
    listing->of.category = category.ptr ? category : mr_bytes_of("", 0);
    view_search_read(http_arena(request), text.ptr ? text : mr_bytes_of("", 0), &listing->search);
    listing->filter = filter_of(request);
    if (!query_cursor_read(api, request, listing->filter, &listing->cursor))
        return false;
    return read_sort(request, listing) && read_in_stock(request, listing) &&
           read_price(request, "price_min", &listing->has_price_min, &listing->price_min) &&
           read_price(request, "price_max", &listing->has_price_max, &listing->price_max) &&
           query_read_limit(request, API_PAGE_MAX, &listing->limit);
}

/* Rows in the order of the listing, whichever way they were found. */
static const struct listing_candidate *
row_of(const struct listing *listing, const struct listing_page *page, int index)
{
    return &page->rows[listing->cursor.backwards ? page->count - 1 - index : index];
}

/* Nothing is written before the page is whole: a failure has an answer of its own. */
static void serve_page(struct query_api *api, struct http_request *request, struct listing *listing)
{
    struct json_w w = json_w_to(http_response(request));
    struct listing_page page = {0};
    struct query_page shown = {.filter = listing->filter, .cursor = listing->cursor};
    shown.counted = query_wants_total(request);
    if (!listing_find_page(api, request, listing, &page) ||
        (shown.counted &&
         !listing_count_all(api, request, listing, &shown.total, &shown.total_is_exact)))
        return;
    json_w_object(&w);
    json_w_key(&w, "items");
    json_w_array(&w);
    for (int i = 0; i < page.count; i++) {
        const struct listing_candidate *row = row_of(listing, &page, i);
        query_product_json(&w, row->product_id, row->product, listing->fields);
    }
    json_w_array_end(&w);
    if (page.count > 0) {
        shown.first_key = row_of(listing, &page, 0)->key;
        shown.last_key = row_of(listing, &page, page.count - 1)->key;
    }
    shown.end_key = page.end_key;
    shown.more = page.more;
    shown.incomplete = page.incomplete;
    query_write_page(api, request, &w, &shown);
    json_w_object_end(&w);
    http_send(request, 200, NULL);
}

/* GET /v1/products?id=a,b,c: those that are there, in the order asked for. */
static void serve_batch(
    struct query_api *api, struct http_request *request, struct mr_bytes ids, unsigned fields)
{
    struct json_w w = json_w_to(http_response(request));
    int count = 0;
    json_w_object(&w);
    json_w_key(&w, "items");
    json_w_array(&w);
    while (ids.len > 0) {
        const char *comma = memchr(ids.ptr, ',', ids.len);
        size_t len = comma ? (size_t)(comma - ids.ptr) : ids.len;
        struct mr_bytes id = mr_bytes_of(ids.ptr, len);
        const void *product = NULL;
        if (++count > API_BATCH_MAX) {
            query_send_invalid_parameter(request, "id", "At most 50 ids at once.");
            return;
        }
        if (!query_read_state(request, api->products, SHOP_PRODUCT_VIEW, id, &product))
            return;
        if (view_product_is_listed(product))
            query_product_json(&w, id, product, fields);
        ids = mr_bytes_of(ids.ptr + len + (comma ? 1 : 0), ids.len - len - (comma ? 1 : 0));
    }
    json_w_array_end(&w);
    json_w_object_end(&w);
    http_send(request, 200, NULL);
}

static uint64_t hash_query(struct http_request *request)
{
    uint64_t hash = QUERY_FILTER_START;
    for (size_t i = 0; i < http_query_count(request); i++) {
        hash = query_filter_add(hash, http_query_name(request, i));
        hash = query_filter_add(hash, http_query_value(request, i));
    }
    return hash;
}

static void serve_listing(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct listing listing = {0};
    struct mr_bytes ids = http_query(request, "id");
    uint64_t generation = 0;
    if (!query_product_fields(request, QUERY_PRODUCT_ROW, &listing.fields) ||
        (!ids.ptr && !read_listing(api, request, &listing)))
        return;
    listing.downwards = listing.reverse != listing.cursor.backwards;
    query_set_positions(
        api, request, listing.of.in_stock ? topics_and_stock : topics, nobody, &generation);
    http_set_header(request, "Cache-Control", mr_cstr(CACHE_PRODUCTS));
    http_set_header(request, "Vary", mr_cstr("Accept-Encoding, Accept-Language, Prefer"));
    struct mr_bytes etag = mr_arena_printf(
        http_arena(request),
        "%llx-%llx%s",
        (unsigned long long)generation,
        (unsigned long long)hash_query(request),
        !ids.ptr && query_wants_total(request) ? "-t" : "");
    if (http_etag_matches(request, etag, true))
        http_send(request, 304, NULL);
    else if (ids.ptr)
        serve_batch(api, request, ids, listing.fields);
    else
        serve_page(api, request, &listing);
}

const struct query_read query_products_read = {
    .topics = topics_and_stock, .serve = serve_listing, .kept = true};

void query_get_products(struct http_request *request, void *user)
{
    static const char *const listing[] = {
        "category",
        "q",
        "sort",
        "in_stock",
        "price_min",
        "price_max",
        "limit",
        "cursor",
        QUERY_PRODUCT_FIELDS,
        NULL};
    static const char *const batch[] = {"id", QUERY_PRODUCT_FIELDS, NULL};
    static const struct query_read read_batch = {
        .topics = topics_and_stock, .serve = serve_listing, .kept = true};
    bool by_id = http_query(request, "id").ptr != NULL;
    if (!by_id && query_wants_total(request))
        http_set_header(request, "Preference-Applied", mr_cstr("return=total-count"));
    if (http_query_only(request, by_id ? batch : listing))
        query_serve(user, request, by_id ? &read_batch : &query_products_read);
}
