/* products.c - a product, its availability, the categories. */
#include "query_api.h"

#include <assert.h>
#include <processors/product.h>

#define CACHE_PRODUCTS     "public, max-age=5, stale-while-revalidate=30, stale-if-error=300"
#define CACHE_AVAILABILITY "public, max-age=1"

enum { AVAILABLE_SHOWN_MAX = 10 };

static const char *const product_topics[] = {TOPIC_CATALOG_PRODUCT_EVENTS, NULL};
static const char *const stock_topics[] = {TOPIC_INVENTORY_STOCK_EVENTS, NULL};
static const struct mr_bytes nobody = {0};

enum field {
    FIELD_ID,
    FIELD_SKU,
    FIELD_TITLE,
    FIELD_PRICE,
    FIELD_CATEGORIES,
    FIELD_DESCRIPTION,
    FIELD_STATUS,
    FIELD_PRICE_VERSION,
    FIELD_VERSION,
    FIELD_CREATED,
    FIELDS
};

static const char *const field_names[FIELDS] = {
    [FIELD_ID] = "product_id",
    [FIELD_SKU] = "sku",
    [FIELD_TITLE] = "title",
    [FIELD_PRICE] = "price",
    [FIELD_CATEGORIES] = "category_ids",
    [FIELD_DESCRIPTION] = "description",
    [FIELD_STATUS] = "status",
    [FIELD_PRICE_VERSION] = "price_version",
    [FIELD_VERSION] = "version",
    [FIELD_CREATED] = "created_at",
};

static unsigned field_bit(struct mr_bytes name)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (mr_bytes_equal(name, mr_cstr(field_names[i])))
            return 1U << i;
    return 0;
}

bool query_product_fields(struct http_request *request, unsigned all, unsigned *ret_fields)
{
    assert(request && ret_fields && all != 0);
    struct mr_bytes left = http_query(request, QUERY_PRODUCT_FIELDS);
    unsigned fields = 1U << FIELD_ID; /* An item without its id is of no use. */
    *ret_fields = all;
    if (!left.ptr)
        return true;
    for (bool more = true; more;) {
        const char *comma = left.len ? memchr(left.ptr, ',', left.len) : NULL;
        size_t len = comma ? (size_t)(comma - left.ptr) : left.len;
        unsigned bit = field_bit(mr_bytes_of(left.ptr, len));
        if (!bit) {
            query_send_invalid_parameter(
                request, QUERY_PRODUCT_FIELDS, "Want names of a product's members, with commas.");
            return false;
        }
        fields |= bit;
        more = comma != NULL;
        if (more)
            left = mr_bytes_of(comma + 1, left.len - len - 1);
    }
    *ret_fields = fields;
    return true;
}

static void categories_json(struct json_w *w, const struct shop_product_view *product)
{
    json_w_key(w, field_names[FIELD_CATEGORIES]);
    json_w_array(w);
    for (size_t i = 0; i < product->category_ids_count; i++)
        json_w_text(w, product->category_ids[i]);
    json_w_array_end(w);
}

/* One place writes a product: a row of a listing and the page of one differ in `fields` only. */
void query_product_json(
    struct json_w *w,
    struct mr_bytes product_id,
    const struct shop_product_view *product,
    unsigned fields)
{
    assert(w && product && fields != 0);
    json_w_object(w);
    json_w_key_text(w, field_names[FIELD_ID], product_id);
    if (fields & 1U << FIELD_SKU)
        json_w_key_text(w, field_names[FIELD_SKU], product->sku);
    if (fields & 1U << FIELD_TITLE)
        json_w_key_text(w, field_names[FIELD_TITLE], product->title);
    if (fields & 1U << FIELD_PRICE && product->price)
        shop_json_key_money(w, field_names[FIELD_PRICE], product->price);
    if (fields & 1U << FIELD_CATEGORIES)
        categories_json(w, product);
    if (fields & 1U << FIELD_DESCRIPTION)
        json_w_key_text(w, field_names[FIELD_DESCRIPTION], product->description);
    if (fields & 1U << FIELD_STATUS)
        json_w_key_text(
            w,
            field_names[FIELD_STATUS],
            mr_cstr(
                product->status == SHOP_PRODUCT_STATUS_PUBLISHED ? "published" : "discontinued"));
    if (fields & 1U << FIELD_PRICE_VERSION)
        json_w_key_integer(w, field_names[FIELD_PRICE_VERSION], product->price_version);
    if (fields & 1U << FIELD_VERSION)
        json_w_key_integer(w, field_names[FIELD_VERSION], product->version);
    if (fields & 1U << FIELD_CREATED)
        json_w_key_time(w, field_names[FIELD_CREATED], product->created_at);
    json_w_object_end(w);
}

static bool is_shown(const struct shop_product_view *product)
{
    return product && product->status != SHOP_PRODUCT_STATUS_DRAFT && product->price;
}

/* False when answered. */
static bool find_product(
    struct query_api *api,
    struct http_request *request,
    const struct shop_product_view **ret_product)
{
    const void *product = NULL;
    struct mr_bytes id = http_path_param(request, 0);
    if (!query_read_state(request, api->products, SHOP_PRODUCT_VIEW, id, &product))
        return false;
    if (!is_shown(product)) {
        http_send_problem(request, "not-found", "There is no such product.");
        return false;
    }
    *ret_product = product;
    return true;
}

static void public_headers(struct http_request *request, const char *cache)
{
    http_set_header(request, "Cache-Control", mr_cstr(cache));
    http_set_header(request, "Vary", mr_cstr("Accept-Encoding, Accept-Language"));
}

static void serve_product(struct http_request *request, void *user)
{
    struct query_api *api = user;
    const struct shop_product_view *product = NULL;
    unsigned fields = 0;
    if (!query_product_fields(request, QUERY_PRODUCT_WHOLE, &fields))
        return;
    query_set_positions(api, request, product_topics, nobody, NULL);
    if (!find_product(api, request, &product))
        return;
    struct mr_bytes etag =
        mr_arena_printf(http_arena(request), "v%lld", (long long)product->version);
    if (fields != QUERY_PRODUCT_WHOLE)
        etag = mr_arena_printf(http_arena(request), "%.*s.%x", MR_ARG(etag), fields);
    public_headers(request, CACHE_PRODUCTS);
    if (http_etag_matches(request, etag, false)) {
        http_send(request, 304, NULL);
        return;
    }
    struct json_w w = json_w_to(http_response(request));
    query_product_json(&w, http_path_param(request, 0), product, fields);
    http_send(request, 200, NULL);
}

void query_get_product(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = product_topics, .serve = serve_product, .kept = true};
    static const char *const known[] = {QUERY_PRODUCT_FIELDS, NULL};
    if (http_query_only(request, known))
        query_serve(user, request, &read);
}

static void availability_json(
    struct json_w *w,
    struct mr_bytes product_id,
    const struct shop_product_view *product,
    const struct shop_stock_view *stock)
{
    int64_t available =
        stock && product->status == SHOP_PRODUCT_STATUS_PUBLISHED ? stock->available : 0;
    json_w_object(w);
    json_w_key_text(w, "product_id", product_id);
    json_w_key_text(w, "band", mr_cstr(shop_band(available)));
    json_w_key_integer(
        w, "available", available > AVAILABLE_SHOWN_MAX ? AVAILABLE_SHOWN_MAX : available);
    json_w_key(w, "as_of");
    if (stock)
        json_w_time(w, stock->as_of);
    else
        json_w_null(w);
    json_w_object_end(w);
}

static void serve_availability(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct mr_bytes id = http_path_param(request, 0);
    const struct shop_product_view *product = NULL;
    const void *stock = NULL;
    query_set_positions(api, request, stock_topics, nobody, NULL);
    if (!find_product(api, request, &product) ||
        !query_read_state(request, api->availability, SHOP_STOCK_VIEW, id, &stock))
        return;
    const struct shop_stock_view *view = stock;
    struct mr_bytes etag = mr_arena_printf(
        http_arena(request),
        "v%lld.%d",
        (long long)(view ? view->version : 0),
        (int)product->status);
    public_headers(request, CACHE_AVAILABILITY);
    if (http_etag_matches(request, etag, false)) {
        http_send(request, 304, NULL);
        return;
    }
    struct json_w w = json_w_to(http_response(request));
    availability_json(&w, id, product, view);
    http_send(request, 200, NULL);
}

void query_get_availability(struct http_request *request, void *user)
{
    static const char *const topics[] = {
        TOPIC_INVENTORY_STOCK_EVENTS, TOPIC_CATALOG_PRODUCT_EVENTS, NULL};
    static const struct query_read read = {
        .topics = topics, .serve = serve_availability, .kept = true};
    static const char *const none[] = {NULL};
    if (http_query_only(request, none))
        query_serve(user, request, &read);
}

/* Rows go into the response as they are read: only QUERY_SCAN_MAX bounds their number. */
static bool write_categories(struct query_api *api, struct http_request *request)
{
    struct topo_read_scan *scan = NULL;
    struct mr_error error;
    struct mr_bytes key;
    struct mr_bytes value;
    struct json_w w = json_w_to(http_response(request));
    int rc = topo_read_scan_open(
        api->categories, &(struct topo_read_options){0}, http_arena(request), &scan, &error);
    json_w_object(&w);
    json_w_key(&w, "items");
    json_w_array(&w);
    for (int i = 0; rc == 0 && i < QUERY_SCAN_MAX; i++) {
        int more = topo_read_scan_next(scan, &key, &value, &error);
        if (more <= 0) {
            rc = more;
            break;
        }
        if (mr_bytes_equal(key, view_count_key(mr_bytes_of("", 0))))
            continue;
        json_w_object(&w);
        json_w_key_text(&w, "category_id", key);
        json_w_key_integer(&w, "products", (int64_t)mr_get_be64(value.ptr));
        json_w_object_end(&w);
    }
    json_w_array_end(&w);
    json_w_object_end(&w);
    topo_read_scan_close(scan);
    if (rc != 0)
        query_send_failure(request, &error);
    return rc == 0;
}

static void serve_categories(struct http_request *request, void *user)
{
    struct query_api *api = user;
    uint64_t generation = 0;
    query_set_positions(api, request, product_topics, nobody, &generation);
    public_headers(request, CACHE_PRODUCTS);
    struct mr_bytes etag =
        mr_arena_printf(http_arena(request), "%llx", (unsigned long long)generation);
    if (http_etag_matches(request, etag, true))
        http_send(request, 304, NULL);
    else if (write_categories(api, request))
        http_send(request, 200, NULL);
}

void query_get_categories(struct http_request *request, void *user)
{
    static const struct query_read read = {
        .topics = product_topics, .serve = serve_categories, .kept = true};
    static const char *const none[] = {NULL};
    if (http_query_only(request, none))
        query_serve(user, request, &read);
}
