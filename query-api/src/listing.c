/*
 * listing.c - GET /v1/products: pages over the sorted listings, and batches by id.
 *
 * A page is a scan of one ordered listing (all products or one category, by name, price or age),
 * from the cursor's key on. Filters that the order does not answer drop rows while scanning; a scan
 * looks at no more than QUERY_SCAN_MAX entries, so a page may end early and still have a next one.
 */
#include "query_api.h"

#define CACHE_PRODUCTS "public, max-age=5, stale-while-revalidate=30, stale-if-error=300"

struct listing {
    struct mr_bytes category; /* Empty: all. */
    struct mr_bytes title;    /* Folded prefix, empty: any. */
    bool in_stock;
    bool has_price_min;
    bool has_price_max;
    int64_t price_min;
    int64_t price_max;
    enum view_sort sort;
    bool reverse;
    int limit;
    unsigned fields; /* The fields of each product. */
    uint64_t filter;
    struct mr_bytes last_key; /* The cursor's. */
};

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
    listing->sort = VIEW_BY_NAME;
    if (!text.ptr)
        return true;
    if (text.len > 0 && text.ptr[0] == '-') {
        listing->reverse = true;
        text = mr_bytes_of(text.ptr + 1, text.len - 1);
    }
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        if (mr_bytes_equal(text, mr_cstr(sorts[i].name))) {
            listing->sort = sorts[i].sort;
            return true;
        }
    }
    query_send_invalid_parameter(
        request, "sort", "sort must be name, price or created, or -those.");
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
    listing->in_stock = mr_bytes_equal(text, mr_cstr("true"));
    if (!text.ptr || listing->in_stock || mr_bytes_equal(text, mr_cstr("false")))
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
    struct mr_bytes title = http_query(request, "q");
    listing->category = category.ptr ? category : mr_bytes_of("", 0);
    listing->title = view_fold_title(http_arena(request), title.ptr ? title : mr_bytes_of("", 0));
    listing->filter = filter_of(request);
    return read_sort(request, listing) && read_in_stock(request, listing) &&
           read_price(request, "price_min", &listing->has_price_min, &listing->price_min) &&
           read_price(request, "price_max", &listing->has_price_max, &listing->price_max) &&
           query_read_limit(request, API_PAGE_MAX, &listing->limit) &&
           query_cursor_read(api, request, listing->filter, &listing->last_key);
}

/* True when answered meanwhile: *ret_wanted says whether the row belongs to the page. */
static bool want_row(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct mr_bytes product_id,
    const struct shop_product_view *product,
    bool *ret_wanted)
{
    const void *stock = NULL;
    *ret_wanted = false;
    if (!view_product_is_listed(product)) /* Taken from the listing since the scan began. */
        return false;
    int64_t price = product->price->minor;
    if ((listing->has_price_min && price < listing->price_min) ||
        (listing->has_price_max && price > listing->price_max))
        return false;
    if (listing->title.len &&
        !mr_bytes_starts_with(view_fold_title(http_arena(request), product->title), listing->title))
        return false;
    if (listing->in_stock) {
        if (!query_read_state(request, api->availability, SHOP_STOCK_VIEW, product_id, &stock))
            return true;
        const struct shop_stock_view *view = stock;
        if (!view || view->available <= 0)
            return false;
    }
    *ret_wanted = true;
    return false;
}

struct page {
    int rows;
    int seen;
    bool more;
    struct mr_bytes last_key; /* The key of the last entry looked at. */
};

/* 1: go on, 0: the page is full, -1: answered. */
static int add_product_row(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct mr_bytes key,
    struct json_w *w,
    struct page *page)
{
    struct mr_bytes id = view_listing_id(key);
    const void *product = NULL;
    bool belongs = false;
    if (!query_read_state(request, api->products, SHOP_PRODUCT_VIEW, id, &product) ||
        want_row(api, request, listing, id, product, &belongs))
        return -1;
    if (page->rows == listing->limit && belongs) {
        page->more = true;
        return 0;
    }
    page->last_key = key;
    if (belongs) {
        query_product_json(w, id, product, listing->fields);
        page->rows++;
    }
    if (++page->seen == QUERY_SCAN_MAX) {
        page->more = true;
        return 0;
    }
    return 1;
}

/* By name, a title's prefix is a prefix of the key. */
static struct mr_bytes scan_prefix(struct mr_arena *arena, const struct listing *listing)
{
    struct mr_bytes all = view_listing_prefix(arena, listing->category, listing->sort);
    if (listing->sort != VIEW_BY_NAME || listing->title.len == 0)
        return all;
    char *narrow = mr_arena_alloc(arena, all.len + listing->title.len);
    memcpy(narrow, all.ptr, all.len);
    memcpy(narrow + all.len, listing->title.ptr, listing->title.len);
    return mr_bytes_of(narrow, all.len + listing->title.len);
}

/* False when answered. */
static bool write_product_rows(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct json_w *w,
    struct page *page)
{
    struct mr_bytes prefix = scan_prefix(http_arena(request), listing);
    struct topo_read_scan *scan = NULL;
    struct mr_error error;
    struct mr_bytes key;
    struct mr_bytes value;
    int step = 1;
    int rc = 1;
    if (!query_scan_open(
            request, api->listings, prefix, listing->last_key, listing->reverse, &scan))
        return false;
    while (step == 1 && (rc = topo_read_scan_next(scan, &key, &value, &error)) == 1)
        step = add_product_row(api, request, listing, key, w, page);
    topo_read_scan_close(scan);
    if (rc < 0)
        query_send_failure(request, &error);
    return rc >= 0 && step >= 0;
}

static void serve_page(struct query_api *api, struct http_request *request, struct listing *listing)
{
    struct json_w w = json_w_to(http_response(request));
    struct page page = {0};
    json_w_object(&w);
    json_w_key(&w, "items");
    json_w_array(&w);
    if (!write_product_rows(api, request, listing, &w, &page))
        return;
    json_w_array_end(&w);
    query_write_page(
        request,
        &w,
        page.more ? query_cursor_write(api, request, listing->filter, page.last_key)
                  : mr_bytes_of(NULL, 0));
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
    query_set_positions(
        api, request, listing.in_stock ? topics_and_stock : topics, nobody, &generation);
    http_set_header(request, "Cache-Control", mr_cstr(CACHE_PRODUCTS));
    http_set_header(request, "Vary", mr_cstr("Accept-Encoding, Accept-Language"));
    struct mr_bytes etag = mr_arena_printf(
        http_arena(request),
        "%llx-%llx",
        (unsigned long long)generation,
        (unsigned long long)hash_query(request));
    if (http_etag_matches(request, etag, true))
        http_send(request, 304, NULL);
    else if (ids.ptr)
        serve_batch(api, request, ids, listing.fields);
    else
        serve_page(api, request, &listing);
}

void query_get_products(struct http_request *request, void *user)
{
    static const struct query_read read = {topics_and_stock, serve_listing};
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
    bool by_id = http_query(request, "id").ptr != NULL;
    if (http_query_only(request, by_id ? batch : listing))
        query_serve(user, request, &read);
}
