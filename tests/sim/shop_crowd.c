/* shop_crowd.c - what people send, and what they are remembered for. */
#include "shop_crowd.h"

#include <tests/cmocka.h>

enum { MINUTE_MS = 60 * 1000 };

const char *const shop_crowd_owners[SHOP_CROWD_OWNERS] = {
    "usr_1", "usr_2", "usr_3", "usr_4", "usr_5"};
const char *const shop_crowd_skus[SHOP_CROWD_PRODUCTS] = {"CUP", "MUG", "PAN", "POT", "TIN"};
static const char *const tokens[] = {
    "pm_approve", "pm_approve", "pm_decline", "pm_decline_hard", "pm_slow", "pm_never", "pm_twice"};
enum { TOKENS = sizeof tokens / sizeof tokens[0] };

void shop_crowd_open(struct shop_crowd *crowd, struct shop *shop, uint64_t seed)
{
    crowd->seed = seed;
    crowd->shop = shop;
    crowd->orders_count = crowd->commands_count = 0;
}

static int pick_below(struct shop_crowd *crowd, int below)
{
    return shop_pick(&crowd->seed, below);
}

static void send_command(
    struct shop_crowd *crowd,
    enum shop_member to,
    const char *topic,
    enum shop_type type,
    const char *key,
    const void *value)
{
    assert_true(crowd->commands_count < SHOP_CROWD_COMMANDS_MAX);
    struct shop_sent *sent = &crowd->commands[crowd->commands_count++];
    *sent = (struct shop_sent){
        .to = to,
        .topic = topic,
        .id = ((const struct shop_command_meta *)value)->command_id,
        .key = mr_cstr(key),
        .value = shop_encode(crowd->shop, topic, type, value)};
    shop_send_bytes(crowd->shop, to, topic, sent->key, sent->value);
}

static void
send_to_sales(struct shop_crowd *crowd, enum shop_type type, const char *owner, const void *value)
{
    send_command(crowd, MEMBER_SALES, "sales.commands", type, owner, value);
}

/* Ids that live as long as the run. */
static struct mr_bytes product_of(struct shop_crowd *crowd, const char *sku)
{
    struct shop_id id = shop_product_id(mr_cstr(sku));
    return mr_cstr(mr_arena_cstr(&crowd->shop->arena, shop_id_view(&id)));
}

static struct shop_command_meta next_meta(struct shop_crowd *crowd)
{
    return shop_command(crowd->shop, NULL);
}

void shop_crowd_register(struct shop_crowd *crowd, const char *user, const char *email)
{
    struct shop_claim_email claim = {
        .meta = next_meta(crowd),
        .email_key = mr_cstr(email),
        .user_id = mr_cstr(user),
        .email_sealed = shop_token,
        .locale = mr_cstr("en"),
        .credential_sealed = &shop_token,
        .subject_key = {mr_cstr("k"), mr_cstr(user), mr_cstr("kek"), mr_cstr(""), mr_cstr("")}};
    send_command(
        crowd, MEMBER_IDENTITY, "identity.claim.commands", SHOP_CLAIM_EMAIL, email, &claim);
}

void shop_crowd_add_item(struct shop_crowd *crowd, const char *owner, const char *sku, int quantity)
{
    struct shop_add_cart_item add = {
        .meta = next_meta(crowd),
        .owner_id = mr_cstr(owner),
        .product_id = product_of(crowd, sku),
        .quantity = quantity};
    send_to_sales(crowd, SHOP_ADD_CART_ITEM, owner, &add);
}

static void change_item(struct shop_crowd *crowd, const char *owner, const char *sku)
{
    struct mr_bytes product = product_of(crowd, sku);
    struct shop_set_cart_item_quantity set = {
        .meta = next_meta(crowd),
        .owner_id = mr_cstr(owner),
        .product_id = product,
        .quantity = pick_below(crowd, 4)};
    struct shop_remove_cart_item out = {
        .meta = set.meta, .owner_id = set.owner_id, .product_id = product};
    struct shop_clear_cart clear = {.meta = set.meta, .owner_id = set.owner_id};
    switch (pick_below(crowd, 5)) {
    case 0:
        send_to_sales(crowd, SHOP_REMOVE_CART_ITEM, owner, &out);
        break;
    case 1:
        send_to_sales(crowd, SHOP_CLEAR_CART, owner, &clear);
        break;
    default:
        send_to_sales(crowd, SHOP_SET_CART_ITEM_QUANTITY, owner, &set);
        break;
    }
}

int shop_crowd_place_order(struct shop_crowd *crowd, const char *owner, const char *token)
{
    struct shop_place_order order = {.meta = next_meta(crowd), .owner_id = mr_cstr(owner)};
    if (token)
        order.method_token_sealed = shop_sealed_token(crowd->shop, token);
    struct shop_id id = shop_order_id(order.owner_id, order.meta.command_id);
    order.order_id = mr_arena_copy(&crowd->shop->arena, shop_id_view(&id));
    assert_true(crowd->orders_count < SHOP_CROWD_ORDERS_MAX);
    crowd->orders[crowd->orders_count].owner = owner;
    crowd->orders[crowd->orders_count].id = order.order_id;
    send_to_sales(crowd, SHOP_PLACE_ORDER, owner, &order);
    return crowd->orders_count++;
}

void shop_crowd_pay(struct shop_crowd *crowd, int order, const char *token)
{
    struct shop_start_payment start = {
        .meta = next_meta(crowd),
        .owner_id = mr_cstr(crowd->orders[order].owner),
        .order_id = crowd->orders[order].id,
        .method_token_sealed = *shop_sealed_token(crowd->shop, token)};
    send_to_sales(crowd, SHOP_START_PAYMENT, crowd->orders[order].owner, &start);
}

void shop_crowd_cancel(struct shop_crowd *crowd, int order)
{
    struct shop_cancel_order stop = {
        .meta = next_meta(crowd),
        .owner_id = mr_cstr(crowd->orders[order].owner),
        .order_id = crowd->orders[order].id};
    send_to_sales(crowd, SHOP_CANCEL_ORDER, crowd->orders[order].owner, &stop);
}

void shop_crowd_change_price(struct shop_crowd *crowd, const char *sku, int64_t minor)
{
    struct shop_change_price change = {
        .meta = next_meta(crowd),
        .product_id = product_of(crowd, sku),
        .price = {minor, mr_cstr("GBP")}};
    send_command(
        crowd,
        MEMBER_CATALOG,
        "catalog.product.commands",
        SHOP_CHANGE_PRICE,
        change.product_id.ptr,
        &change);
}

void shop_crowd_adjust_stock(struct shop_crowd *crowd, const char *sku, int64_t delta)
{
    struct shop_adjust_stock adjust = {
        .meta = next_meta(crowd), .product_id = product_of(crowd, sku), .delta = delta};
    send_command(
        crowd,
        MEMBER_CATALOG,
        "inventory.stock.commands",
        SHOP_ADJUST_STOCK,
        adjust.product_id.ptr,
        &adjust);
}

void shop_crowd_send_again(struct shop_crowd *crowd, int command)
{
    const struct shop_sent *sent = &crowd->commands[command];
    shop_send_bytes(crowd->shop, sent->to, sent->topic, sent->key, sent->value);
}

void shop_crowd_make_product(struct shop_crowd *crowd, const char *sku, int64_t units)
{
    struct mr_bytes product = product_of(crowd, sku);
    struct shop_create_product create = {
        .meta = next_meta(crowd),
        .product_id = product,
        .sku = mr_cstr(sku),
        .title = mr_cstr(sku),
        .price = {100, mr_cstr("GBP")},
        .publish = true};
    send_command(
        crowd,
        MEMBER_CATALOG,
        "catalog.product.commands",
        SHOP_CREATE_PRODUCT,
        product.ptr,
        &create);
    shop_crowd_adjust_stock(crowd, sku, units);
}

void shop_crowd_make_products(struct shop_crowd *crowd)
{
    for (int i = 0; i < SHOP_CROWD_PRODUCTS; i++)
        shop_crowd_make_product(crowd, shop_crowd_skus[i], 6 + pick_below(crowd, 30));
}

/* One of the newest, which are under way. */
static int some_order(struct shop_crowd *crowd)
{
    int newest = crowd->orders_count < 8 ? crowd->orders_count : 8;
    return crowd->orders_count - 1 - pick_below(crowd, newest);
}

static const char *some_sku(struct shop_crowd *crowd)
{
    return shop_crowd_skus[pick_below(crowd, SHOP_CROWD_PRODUCTS)];
}

static const char *some_token(struct shop_crowd *crowd)
{
    return tokens[pick_below(crowd, TOKENS)];
}

static void change_something(struct shop_crowd *crowd, int what)
{
    const char *sku = some_sku(crowd);
    if (what < 80)
        shop_crowd_change_price(crowd, sku, 100 + pick_below(crowd, 3));
    else if (what < 85)
        shop_crowd_adjust_stock(crowd, sku, pick_below(crowd, 12) - 4);
    else if (what < 92)
        shop_crowd_send_again(crowd, pick_below(crowd, crowd->commands_count));
    else if (pick_below(crowd, 8))
        shop_advance_ms(crowd->shop, pick_below(crowd, 20 * 1000));
    else
        shop_advance_ms(crowd->shop, (int64_t)6 * MINUTE_MS);
}

void shop_crowd_step(struct shop_crowd *crowd)
{
    const char *owner = shop_crowd_owners[pick_below(crowd, SHOP_CROWD_OWNERS)];
    const char *token = some_token(crowd);
    int what = pick_below(crowd, 100);
    if (what < 34)
        shop_crowd_add_item(crowd, owner, some_sku(crowd), 1 + pick_below(crowd, 4));
    else if (what < 44)
        change_item(crowd, owner, some_sku(crowd));
    else if (what < 62)
        shop_crowd_place_order(crowd, owner, pick_below(crowd, 6) ? token : NULL);
    else if (what < 68 && crowd->orders_count)
        shop_crowd_pay(crowd, some_order(crowd), token);
    else if (what < 75 && crowd->orders_count)
        shop_crowd_cancel(crowd, some_order(crowd));
    else
        change_something(crowd, what);
}

bool shop_crowd_is_settled(struct shop_crowd *crowd)
{
    for (int i = 0; i < crowd->orders_count; i++) {
        const struct shop_order_state *order = shop_order(crowd->shop, crowd->orders[i].id);
        if (order && !order->ended && !(order->confirmed && order->goal == 1))
            return false;
    }
    return true;
}
