/*
 * view_catalog.c - the catalogue as it is browsed: documents, availability, and sorted listings.
 *
 * Product and stock events come from different topics in no common order. Each kind is folded into
 * a document of its own, and the indexes follow from the last two documents only, so that any order
 * of the two topics ends in the same bytes. A product is in the listings exactly while
 * view_product_is_listed: once in all products and once in each of its categories, in every order
 * there is, and once under each word of its title; and once more in the listings of what there is
 * while view_is_in_stock.
 */
#include "view_impl.h"

#include <processors/product.h>

static const enum view_sort sorts[] = {VIEW_BY_NAME, VIEW_BY_PRICE, VIEW_BY_CREATED};

struct change {
    struct topo_context *context;
    struct mr_bytes product_id;
};

bool view_product_is_listed(const struct shop_product_view *product)
{
    return product && product->status == SHOP_PRODUCT_STATUS_PUBLISHED && product->price;
}

bool view_is_in_stock(const struct shop_stock_view *stock)
{
    return stock && stock->available > 0;
}

static void
put_entry(const struct change *change, const char *store, struct mr_bytes key, struct mr_bytes card)
{
    if (card.ptr)
        topo_store_put(topo_context_store(change->context, store), key, card);
    else
        topo_store_delete(topo_context_store(change->context, store), key);
}

/* `card` NULL view: out of the listing. */
static void list_in(
    const struct change *change,
    struct mr_bytes category,
    bool in_stock,
    const struct view_entry *entry,
    struct mr_bytes card)
{
    struct mr_arena *arena = topo_context_arena(change->context);
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        const struct view_listing listing = {category, sorts[i], in_stock};
        put_entry(change, VIEW_LISTINGS, view_listing_key(arena, &listing, entry), card);
    }
}

static void
index_words(const struct change *change, const struct view_entry *entry, struct mr_bytes card)
{
    struct mr_arena *arena = topo_context_arena(change->context);
    struct mr_bytes words[VIEW_TITLE_WORDS_MAX];
    size_t count = view_title_words(arena, entry->title, words);
    for (size_t i = 0; i < count; i++)
        put_entry(change, VIEW_WORDS, view_word_key(arena, words[i], entry), card);
}

static void count_category(const struct change *change, struct mr_bytes category, int64_t by)
{
    struct topo_store *store = topo_context_store(change->context, VIEW_CATEGORIES);
    struct mr_bytes key = view_count_key(category);
    struct mr_bytes stored = topo_store_get(store, key);
    int64_t count = stored.len == 8 ? (int64_t)mr_get_be64(stored.ptr) : 0;
    char bytes[8];
    mr_put_be64(bytes, (uint64_t)(count + by));
    if (count + by > 0)
        topo_store_put(store, key, mr_bytes_of(bytes, sizeof bytes));
    else
        topo_store_delete(store, key);
}

/* Categories that can be part of a key; each once. */
static bool category_counts(const struct shop_product_view *product, size_t index)
{
    struct mr_bytes category = product->category_ids[index];
    if (category.len == 0 || memchr(category.ptr, '\0', category.len))
        return false;
    for (size_t i = 0; i < index; i++)
        if (mr_bytes_equal(product->category_ids[i], category))
            return false;
    return true;
}

/* In all products and in each category, of those that there are or of all. */
static void list_everywhere(
    const struct change *change,
    const struct shop_product_view *product,
    bool in_stock,
    const struct view_entry *entry,
    struct mr_bytes card)
{
    list_in(change, mr_bytes_of("", 0), in_stock, entry, card);
    for (size_t i = 0; i < product->category_ids_count; i++)
        if (category_counts(product, i))
            list_in(change, product->category_ids[i], in_stock, entry, card);
}

static void
set_in_stock(const struct change *change, const struct shop_product_view *product, bool in_stock)
{
    struct mr_arena *arena = topo_context_arena(change->context);
    struct view_entry entry = view_entry_of(arena, change->product_id, product);
    struct mr_bytes card = in_stock ? view_card_write(arena, product) : mr_bytes_of(NULL, 0);
    list_everywhere(change, product, true, &entry, card);
}

static void set_listed(
    const struct change *change,
    const struct shop_product_view *product,
    bool in_stock,
    bool listed)
{
    struct mr_arena *arena = topo_context_arena(change->context);
    struct view_entry entry = view_entry_of(arena, change->product_id, product);
    struct mr_bytes card = listed ? view_card_write(arena, product) : mr_bytes_of(NULL, 0);
    list_everywhere(change, product, false, &entry, card);
    if (in_stock)
        list_everywhere(change, product, true, &entry, card);
    index_words(change, &entry, card);
    count_category(change, mr_bytes_of("", 0), listed ? 1 : -1);
    for (size_t i = 0; i < product->category_ids_count; i++)
        if (category_counts(product, i))
            count_category(change, product->category_ids[i], listed ? 1 : -1);
}

static void save_product(
    const struct change *change,
    const struct shop_product_view *before,
    struct shop_product_view *after,
    bool in_stock,
    const struct shop_meta *meta)
{
    after->version = meta->aggregate_version;
    if (view_product_is_listed(before))
        set_listed(change, before, in_stock, false);
    if (view_product_is_listed(after))
        set_listed(change, after, in_stock, true);
    state_put(change->context, VIEW_PRODUCTS, SHOP_PRODUCT_VIEW, change->product_id, after);
}

static void
fold_created(struct shop_product_view *product, const struct shop_product_created *event)
{
    product->sku = event->sku;
    product->title = event->title;
    product->description = event->description;
    product->category_ids = event->category_ids;
    product->category_ids_count = event->category_ids_count;
    product->created_at = event->meta.occurred_at;
}

static void
fold_details(struct shop_product_view *product, const struct shop_product_details_changed *event)
{
    product->title = event->title;
    product->description = event->description;
    product->category_ids = event->category_ids;
    product->category_ids_count = event->category_ids_count;
}

static void fold_price(struct shop_product_view *product, const struct shop_price_changed *event)
{
    product->price = &event->price;
    product->price_version = event->price_version;
}

/* False for events that are not about products. */
static bool fold_product(struct shop_product_view *product, const struct codec_message *message)
{
    switch (message->id) {
    case SHOP_PRODUCT_CREATED:
        fold_created(product, message->value);
        return true;
    case SHOP_PRODUCT_DETAILS_CHANGED:
        fold_details(product, message->value);
        return true;
    case SHOP_PRICE_CHANGED:
        fold_price(product, message->value);
        return true;
    case SHOP_PRODUCT_PUBLISHED:
        product->status = SHOP_PRODUCT_STATUS_PUBLISHED;
        return true;
    case SHOP_PRODUCT_DISCONTINUED:
        product->status = SHOP_PRODUCT_STATUS_DISCONTINUED;
        return true;
    default:
        return false;
    }
}

static int process_product(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    const struct shop_product_view *before = NULL;
    const struct shop_stock_view *stock = NULL;
    struct change change = {.context = context, .product_id = record->key};
    int rc = view_decode(context, registry, record, &message, error);
    if (rc != 0)
        return rc;
    rc = state_get(
        context, VIEW_PRODUCTS, SHOP_PRODUCT_VIEW, record->key, (const void **)&before, error);
    if (!rc)
        rc = state_get(
            context, VIEW_AVAILABILITY, SHOP_STOCK_VIEW, record->key, (const void **)&stock, error);
    if (rc != 0)
        return rc;
    struct shop_product_view after = {
        .sku = MR_LITERAL(""), .title = MR_LITERAL(""), .description = MR_LITERAL("")};
    if (before)
        after = *before;
    if (fold_product(&after, &message))
        save_product(&change, before, &after, view_is_in_stock(stock), view_meta(&message));
    return 0;
}

static bool stock_after(const struct codec_message *message, struct shop_stock_view *ret_stock)
{
#define AFTER(TYPE, name)                                                                          \
    case SHOP_##TYPE: {                                                                            \
        const struct shop_##name *event = message->value;                                          \
        ret_stock->on_hand = event->on_hand_after;                                                 \
        ret_stock->available = event->available_after;                                             \
        break;                                                                                     \
    }
    switch (message->id) {
        AFTER(STOCK_RESERVED, stock_reserved)
        AFTER(STOCK_COMMITTED, stock_committed)
        AFTER(STOCK_RELEASED, stock_released)
        AFTER(STOCK_RESERVATION_EXPIRED, stock_reservation_expired)
        AFTER(STOCK_ADJUSTED, stock_adjusted)
    default:
        return false;
    }
    return true;
#undef AFTER
}

/* Only a product that sells out, or is there again, moves in the listings. */
static int move_in_stock(
    struct topo_context *context,
    struct mr_bytes product_id,
    const struct shop_stock_view *after,
    struct mr_error *error)
{
    const struct change change = {.context = context, .product_id = product_id};
    const void *before = NULL;
    const void *product = NULL;
    bool in_stock = view_is_in_stock(after);
    int rc = state_get(context, VIEW_AVAILABILITY, SHOP_STOCK_VIEW, product_id, &before, error);
    if (rc || view_is_in_stock(before) == in_stock)
        return rc;
    rc = state_get(context, VIEW_PRODUCTS, SHOP_PRODUCT_VIEW, product_id, &product, error);
    if (!rc && view_product_is_listed(product))
        set_in_stock(&change, product, in_stock);
    return rc;
}

static int process_stock(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    struct shop_stock_view stock = {0};
    int rc = view_decode(context, registry, record, &message, error);
    if (rc != 0 || !stock_after(&message, &stock))
        return rc;
    const struct shop_meta *meta = view_meta(&message);
    stock.version = meta->aggregate_version;
    stock.as_of = meta->occurred_at;
    rc = move_in_stock(context, record->key, &stock, error);
    if (!rc)
        state_put(context, VIEW_AVAILABILITY, SHOP_STOCK_VIEW, record->key, &stock);
    return rc;
}

void view_catalog_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_PRODUCTS, false, 0);
    view_add_store(builder, VIEW_LISTINGS, true, 0);
    view_add_store(builder, VIEW_WORDS, true, 0);
    view_add_store(builder, VIEW_CATEGORIES, true, 0);
    view_add_store(builder, VIEW_AVAILABILITY, false, 0);
    view_add_node(
        builder,
        "catalog-view",
        (const char *const[]){TOPIC_CATALOG_PRODUCT_EVENTS, NULL},
        (const char *const[]){
            VIEW_PRODUCTS, VIEW_LISTINGS, VIEW_WORDS, VIEW_CATEGORIES, VIEW_AVAILABILITY, NULL},
        process_product,
        registry);
    view_add_node(
        builder,
        "availability-view",
        (const char *const[]){TOPIC_INVENTORY_STOCK_EVENTS, NULL},
        (const char *const[]){VIEW_AVAILABILITY, VIEW_PRODUCTS, VIEW_LISTINGS, NULL},
        process_stock,
        registry);
}
