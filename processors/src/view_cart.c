/*
 * view_cart.c - an owner's cart: a head, and a key per line, so that a change of one line of a
 * thousand writes one line. Checkout and clearing take the lines away; the head stays and says
 * which order the cart became.
 */
#include "view_impl.h"

struct cart {
    struct topo_context *context;
    struct mr_bytes owner_id;
    struct shop_cart_view head;
};

/* The head after `meta`'s event; a new cart id starts a new cart. */
static int view_cart_open(
    struct cart *cart,
    struct topo_context *context,
    struct mr_bytes owner_id,
    struct mr_bytes cart_id,
    const struct shop_meta *meta,
    struct mr_error *error)
{
    const struct shop_cart_view *stored = NULL;
    int rc =
        state_get(context, VIEW_CARTS, SHOP_CART_VIEW, owner_id, (const void **)&stored, error);
    if (rc != 0)
        return rc;
    *cart = (struct cart){.context = context, .owner_id = owner_id};
    if (stored && mr_bytes_equal(stored->cart_id, cart_id))
        cart->head = *stored;
    cart->head.cart_id = cart_id;
    cart->head.version = meta->aggregate_version;
    return 0;
}

static void view_cart_save_head(const struct cart *cart)
{
    state_put(cart->context, VIEW_CARTS, SHOP_CART_VIEW, cart->owner_id, &cart->head);
}

static int view_cart_set_line(
    struct cart *cart,
    struct mr_bytes product_id,
    int32_t quantity,
    struct shop_money unit_price,
    int64_t price_version,
    struct mr_error *error)
{
    struct mr_bytes key =
        view_cart_line_key(topo_context_arena(cart->context), cart->owner_id, product_id);
    const struct shop_cart_line_state *stored = NULL;
    int rc = state_get(
        cart->context, VIEW_CART_LINES, SHOP_CART_LINE_STATE, key, (const void **)&stored, error);
    if (rc != 0)
        return rc;
    struct shop_cart_line_state line = {
        .position = stored ? stored->position : cart->head.next_position++,
        .quantity = quantity,
        .unit_price = unit_price,
        .price_version = price_version,
    };
    state_put(cart->context, VIEW_CART_LINES, SHOP_CART_LINE_STATE, key, &line);
    view_cart_save_head(cart);
    return 0;
}

static void view_cart_remove_line(struct cart *cart, struct mr_bytes product_id)
{
    struct mr_bytes key =
        view_cart_line_key(topo_context_arena(cart->context), cart->owner_id, product_id);
    topo_store_delete(topo_context_store(cart->context, VIEW_CART_LINES), key);
    view_cart_save_head(cart);
}

struct line_key {
    struct line_key *next;
    struct mr_bytes key;
};

static void view_cart_remove_lines(struct cart *cart)
{
    struct mr_arena *arena = topo_context_arena(cart->context);
    struct topo_store *store = topo_context_store(cart->context, VIEW_CART_LINES);
    struct mr_bytes prefix = view_cart_line_key(arena, cart->owner_id, mr_bytes_of("", 0));
    struct topo_scan *scan = topo_store_scan_prefix(store, prefix);
    struct line_key *keys = NULL;
    struct mr_bytes key;
    struct mr_bytes value;
    while (topo_scan_next(scan, &key, &value)) { /* No writes while a scan is open. */
        struct line_key *found = mr_arena_alloc(arena, sizeof *found);
        *found = (struct line_key){.next = keys, .key = mr_arena_copy(arena, key)};
        keys = found;
    }
    topo_scan_close(scan);
    for (; keys; keys = keys->next)
        topo_store_delete(store, keys->key);
    view_cart_save_head(cart);
}

/* Step 8 of an event's path: the event, as the cart that a customer sees. */
static int view_cart_process(
    struct topo_context *context,
    void *registry,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    struct cart cart;
    int rc = view_decode(context, registry, record, &message, error);
    if (rc != 0)
        return rc;
#define OPEN(event)                                                                                \
    view_cart_open(&cart, context, (event)->owner_id, (event)->cart_id, &(event)->meta, error)
    switch (message.id) {
    case SHOP_CART_ITEM_ADDED: {
        const struct shop_cart_item_added *event = message.value;
        rc = OPEN(event);
        if (rc == 0)
            rc = view_cart_set_line(
                &cart,
                event->product_id,
                event->quantity_after,
                event->quoted_unit_price,
                event->price_version,
                error);
        return rc;
    }
    case SHOP_CART_ITEM_QUANTITY_SET: {
        const struct shop_cart_item_quantity_set *event = message.value;
        rc = OPEN(event);
        if (rc == 0)
            rc = view_cart_set_line(
                &cart,
                event->product_id,
                event->quantity_after,
                event->quoted_unit_price,
                event->price_version,
                error);
        return rc;
    }
    case SHOP_CART_ITEM_REMOVED: {
        const struct shop_cart_item_removed *event = message.value;
        rc = OPEN(event);
        if (rc == 0)
            view_cart_remove_line(&cart, event->product_id);
        return rc;
    }
    case SHOP_CART_CLEARED: {
        const struct shop_cart_cleared *event = message.value;
        rc = OPEN(event);
        if (rc == 0)
            view_cart_remove_lines(&cart);
        return rc;
    }
    case SHOP_CART_MERGED: {
        const struct shop_cart_merged *event = message.value;
        rc = OPEN(event);
        if (rc == 0)
            view_cart_remove_lines(&cart);
        return rc;
    }
    case SHOP_CART_CHECKED_OUT: {
        const struct shop_cart_checked_out *event = message.value;
        rc = OPEN(event);
        if (rc == 0) {
            cart.head.order_id = event->order_id;
            view_cart_remove_lines(&cart);
        }
        return rc;
    }
    default:
        return rc;
    }
#undef OPEN
}

void view_cart_add(struct topo_builder *builder, const struct codec_registry *registry)
{
    view_add_store(builder, VIEW_CARTS, false, 0);
    view_add_store(builder, VIEW_CART_LINES, true, 0);
    view_add_node(
        builder,
        "cart-view",
        (const char *const[]){TOPIC_SALES_CART_EVENTS, NULL},
        (const char *const[]){VIEW_CARTS, VIEW_CART_LINES, NULL},
        view_cart_process,
        registry);
}
