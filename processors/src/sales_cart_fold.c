/*
 * sales_cart_fold.c - how a cart follows from its events: the head, and one key per line.
 *
 * Invariant: the head's `lines` and `total_minor` are the count and the sum of the lines.
 */
#include "sales_cart.h"

#include <assert.h>

static const struct mr_bytes no_text = MR_LITERAL("");

struct fold {
    struct topo_context *context;
    struct mr_arena *arena;
    struct mr_bytes owner_id;
    struct shop_cart_state head;
};

static struct mr_bytes cart_fold_key(const struct fold *fold, struct mr_bytes product_id)
{
    return key_join(fold->arena, fold->owner_id, product_id);
}

static int cart_fold_get_line(
    const struct fold *fold,
    struct mr_bytes product_id,
    const struct shop_cart_line_state **ret_line,
    struct mr_error *error)
{
    const void *found;
    int rc = state_get(
        fold->context,
        "cart-lines",
        SHOP_CART_LINE_STATE,
        cart_fold_key(fold, product_id),
        &found,
        error);
    if (!rc)
        *ret_line = found;
    return rc;
}

static int cart_fold_put_line(
    struct fold *fold,
    struct mr_bytes product_id,
    int32_t quantity,
    const struct shop_money *price,
    int64_t price_version,
    struct mr_error *error)
{
    const struct shop_cart_line_state *old;
    int rc = cart_fold_get_line(fold, product_id, &old, error);
    if (rc)
        return rc;
    struct shop_cart_line_state line = {
        .position = old ? old->position : fold->head.next_position++,
        .quantity = quantity,
        .unit_price = *price,
        .price_version = price_version,
    };
    if (old)
        fold->head.total_minor -= old->unit_price.minor * old->quantity;
    else
        fold->head.lines++;
    fold->head.total_minor += price->minor * quantity;
    fold->head.currency = price->currency;
    state_put(
        fold->context, "cart-lines", SHOP_CART_LINE_STATE, cart_fold_key(fold, product_id), &line);
    return 0;
}

static int
cart_fold_remove_line(struct fold *fold, struct mr_bytes product_id, struct mr_error *error)
{
    const struct shop_cart_line_state *old;
    int rc = cart_fold_get_line(fold, product_id, &old, error);
    if (rc)
        return rc;
    assert(old);
    fold->head.lines--;
    fold->head.total_minor -= old->unit_price.minor * old->quantity;
    topo_store_delete(
        topo_context_store(fold->context, "cart-lines"), cart_fold_key(fold, product_id));
    return 0;
}

static void cart_fold_remove_all(struct fold *fold)
{
    struct topo_store *store = topo_context_store(fold->context, "cart-lines");
    struct mr_bytes key, value;
    size_t max = (size_t)fold->head.lines, count = 0;
    struct mr_bytes *keys = mr_arena_alloc(fold->arena, (max + 1) * sizeof *keys);
    struct topo_scan *scan =
        topo_store_scan_prefix(store, key_join(fold->arena, fold->owner_id, no_text));
    while (count < max && topo_scan_next(scan, &key, &value))
        keys[count++] = mr_arena_copy(fold->arena, key);
    topo_scan_close(scan);
    for (size_t i = 0; i < count; i++)
        topo_store_delete(store, keys[i]);
    fold->head.lines = 0;
    fold->head.total_minor = 0;
}

/* An event that empties a cart takes its lines; the head stays, for its id and version. */
static int
cart_fold_apply(struct fold *fold, const struct codec_message *event, struct mr_error *error)
{
    switch (event->id) {
    case SHOP_CART_ITEM_ADDED: {
        const struct shop_cart_item_added *added = event->value;
        return cart_fold_put_line(
            fold,
            added->product_id,
            added->quantity_after,
            &added->quoted_unit_price,
            added->price_version,
            error);
    }
    case SHOP_CART_ITEM_QUANTITY_SET: {
        const struct shop_cart_item_quantity_set *set = event->value;
        return cart_fold_put_line(
            fold,
            set->product_id,
            set->quantity_after,
            &set->quoted_unit_price,
            set->price_version,
            error);
    }
    case SHOP_CART_ITEM_REMOVED:
        return cart_fold_remove_line(
            fold, ((const struct shop_cart_item_removed *)event->value)->product_id, error);
    case SHOP_CART_CHECKED_OUT:
        fold->head.order_id = ((const struct shop_cart_checked_out *)event->value)->order_id;
        cart_fold_remove_all(fold);
        return 0;
    default:
        cart_fold_remove_all(fold);
        return 0;
    }
}

static struct mr_bytes cart_fold_owner(const struct codec_message *event)
{
    switch (event->id) {
    case SHOP_CART_ITEM_ADDED:
        return ((const struct shop_cart_item_added *)event->value)->owner_id;
    case SHOP_CART_ITEM_QUANTITY_SET:
        return ((const struct shop_cart_item_quantity_set *)event->value)->owner_id;
    case SHOP_CART_ITEM_REMOVED:
        return ((const struct shop_cart_item_removed *)event->value)->owner_id;
    case SHOP_CART_CLEARED:
        return ((const struct shop_cart_cleared *)event->value)->owner_id;
    case SHOP_CART_MERGED:
        return ((const struct shop_cart_merged *)event->value)->owner_id;
    case SHOP_CART_CHECKED_OUT:
        return ((const struct shop_cart_checked_out *)event->value)->owner_id;
    default:
        return (struct mr_bytes){0};
    }
}

/* Step 5 of an event's path: the same fold for an event just decided and for one restored. */
int cart_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error)
{
    const struct shop_meta *meta = event_meta(event);
    struct fold fold = {
        .context = context,
        .arena = topo_context_arena(context),
        .owner_id = cart_fold_owner(event)};
    const void *found;
    if (!fold.owner_id.ptr)
        return 0;
    int rc = state_get(context, "cart", SHOP_CART_STATE, fold.owner_id, &found, error);
    if (rc)
        return rc;
    if (found)
        fold.head = *(const struct shop_cart_state *)found;
    /* Another cart than the head's: the next one. The lines of the last went at its checkout. */
    if (!found || !mr_bytes_equal(fold.head.cart_id, meta->aggregate_id))
        fold.head = (struct shop_cart_state){.cart_id = meta->aggregate_id, .currency = no_text};
    rc = cart_fold_apply(&fold, event, error);
    if (rc)
        return rc;
    fold.head.version = meta->aggregate_version;
    assert(fold.head.lines > 0 || fold.head.total_minor == 0);
    state_put(context, "cart", SHOP_CART_STATE, fold.owner_id, &fold.head);
    return 0;
}
