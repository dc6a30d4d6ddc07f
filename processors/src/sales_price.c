/*
 * sales_price.c - the price table: what sales knows of products, folded from the catalog's events.
 *
 * A quote may be a little old. The catalog confirms it when it reserves, so nothing is sold at a
 * price that the owner did not see.
 */
#include "sales_price.h"
#include "catalog.h"

enum { REJECTED_LINES_MAX = 50 };

int price_process(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    const struct shop_service *service = user;
    struct codec_message event;
    int rc =
        codec_decode(service->registry, record->value, topo_context_arena(context), &event, error);
    if (rc)
        return rc;
    if (!codec_meta_of(&event))
        return mr_fail(error, MR_INVALID, "%s is not an event", event.type->name);
    return product_fold(context, "price", &event, error);
}

int price_find(
    struct work *work,
    struct mr_bytes product_id,
    const struct shop_product_state **ret_product,
    struct mr_error *error)
{
    const void *product = NULL;
    struct mr_bytes value = {0};
    struct topo_reader *store = topo_context_global(work->context, "price");
    int rc = topo_read_get(store, product_id, work->arena, &value, error);
    if (!rc && value.ptr)
        rc =
            codec_decode_bare(&shop_types[SHOP_PRODUCT_STATE], value, work->arena, &product, error);
    if (!rc)
        *ret_product = product;
    return rc;
}

/* True when the price is another one now. */
static bool
price_differs(struct work *work, const struct cart_item *item, struct shop_price_difference *ret)
{
    const struct shop_product_state *product;
    if (price_find(work, item->product_id, &product, NULL) || !product ||
        money_equal(&product->price, &item->state.unit_price))
        return false;
    *ret = (struct shop_price_difference){item->product_id, item->state.unit_price, product->price};
    return true;
}

void *price_reject(
    const struct cart *cart,
    const struct cart_item *items,
    size_t count,
    const struct shop_money *expected,
    const struct shop_money *current)
{
    struct work *work = cart->work;
    struct shop_price_difference *prices =
        mr_arena_alloc(work->arena, REJECTED_LINES_MAX * sizeof *prices);
    struct shop_money *total = mr_arena_alloc(work->arena, sizeof *total);
    size_t listed = 0;
    for (size_t i = 0; i < count && listed < REJECTED_LINES_MAX; i++)
        listed += price_differs(work, &items[i], &prices[listed]);
    *total = *current;
    return decision_reject(
        work,
        SHOP_REASON_PRICE_CHANGED,
        cart->state.cart_id,
        &(struct shop_rejection){
            .prices = prices,
            .prices_count = listed,
            .expected_total = expected,
            .current_total = total});
}
