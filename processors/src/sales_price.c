/*
 * sales_price.c - the price table: what sales knows of products, folded from the catalog's events.
 *
 * A quote may be a little old. The catalog confirms it when it reserves, so nothing is sold at a
 * price that the owner did not see.
 */
#include "catalog.h"
#include "sales.h"

enum { PROBLEM_LINES_MAX = 50 };

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
        return mr_fail(error, MR_INVALID, "%s is no event", event.type->name);
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
    struct topo_store *store = topo_context_global(work->context, "price");
    int rc = topo_read_get(store, product_id, work->arena, &value, error);
    if (!rc && value.ptr)
        rc =
            codec_decode_bare(&shop_types[SHOP_PRODUCT_STATE], value, work->arena, &product, error);
    if (!rc)
        *ret_product = product;
    return rc;
}

static void add_money(struct mr_buffer *out, const char *name, const struct shop_money *money)
{
    mr_buffer_printf(
        out,
        "\"%s\":{\"amount_minor\":%lld,\"currency\":\"%.*s\"}",
        name,
        (long long)money->minor,
        MR_ARG(money->currency));
}

static bool add_line(struct work *work, struct mr_buffer *out, const struct cart_item *item)
{
    const struct shop_product_state *product;
    if (price_find(work, item->product_id, &product, NULL) || !product ||
        money_equal(&product->price, &item->state.unit_price))
        return false;
    mr_buffer_printf(out, "{\"product_id\":\"%.*s\",", MR_ARG(item->product_id));
    add_money(out, "quoted", &item->state.unit_price);
    mr_buffer_add_byte(out, ',');
    add_money(out, "current", &product->price);
    mr_buffer_add_byte(out, '}');
    return true;
}

struct mr_bytes price_problem_json(
    struct work *work,
    const struct cart_item *items,
    size_t count,
    const struct shop_money *expected,
    const struct shop_money *current)
{
    struct mr_buffer out;
    int listed = 0;
    mr_buffer_init(&out);
    mr_buffer_add(&out, mr_cstr("{\"lines\":["));
    for (size_t i = 0; i < count && listed < PROBLEM_LINES_MAX; i++) {
        size_t before = out.len;
        if (listed)
            mr_buffer_add_byte(&out, ',');
        if (add_line(work, &out, &items[i]))
            listed++;
        else
            out.len = before;
    }
    mr_buffer_add(&out, mr_cstr("],"));
    /* The caller's currency is not ours to repeat: it may hold anything. */
    struct shop_money expected_money = {expected->minor, current->currency};
    add_money(&out, "expected_total", &expected_money);
    mr_buffer_add_byte(&out, ',');
    add_money(&out, "current_total", current);
    mr_buffer_add_byte(&out, '}');
    struct mr_bytes json = mr_arena_copy(work->arena, mr_buffer_view(&out));
    mr_buffer_clean_up(&out);
    return json;
}
