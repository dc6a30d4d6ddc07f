/*
 * shop_forget_test.c - what is over is forgotten: holds by the time of later events, the progress
 * of orders with their end; and nothing that comes later is answered wrongly for it.
 */
#include "shop_harness.h"

#include <tests/cmocka.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static const char *const owner = "usr_a";

static int start_shop(void **state)
{
    struct shop *shop = shop_open(NULL);
    shop_make_product(shop, "MUG", 255, 10);
    *state = shop;
    return 0;
}

static int stop_shop(void **state)
{
    shop_close(*state);
    return 0;
}

static struct mr_bytes add_mug(struct shop *shop)
{
    struct shop_id id = shop_product_id(mr_cstr("MUG"));
    return mr_cstr(mr_arena_cstr(&shop->arena, shop_id_view(&id)));
}

static const struct shop_hold_state *hold_of(struct shop *shop, struct mr_bytes order_id)
{
    struct mr_bytes key =
        mr_arena_printf(&shop->arena, "%.*s/%.*s/1", MR_ARG(add_mug(shop)), MR_ARG(order_id));
    return shop_state(shop, MEMBER_CATALOG, "hold", SHOP_HOLD_STATE, key);
}

/* Events of the product, enough for what is due to be forgotten. */
static void pass_by(struct shop *shop)
{
    for (int i = 0; i < 64; i++) {
        struct shop_adjust_stock adjust = {
            .meta = shop_command(shop, NULL), .product_id = add_mug(shop), .delta = i % 2 ? -1 : 1};
        shop_send(
            shop,
            MEMBER_CATALOG,
            "inventory.stock.commands",
            SHOP_ADJUST_STOCK,
            adjust.product_id.ptr,
            &adjust);
    }
}

static struct mr_bytes buy_mug(struct shop *shop)
{
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_true(shop_order(shop, id)->confirmed);
    return id;
}

static void a_hold_that_is_over_is_forgotten_in_its_time(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = buy_mug(shop);
    shop_advance_ms(shop, 13 * DAY_MS);
    pass_by(shop);
    assert_non_null(hold_of(shop, id));
    shop_advance_ms(shop, 2 * DAY_MS);
    assert_non_null(hold_of(shop, id)); /* Time alone does nothing: a fold has no clock. */
    pass_by(shop);
    assert_null(hold_of(shop, id));
}

static void a_rebuild_forgets_the_same(void **state)
{
    struct shop *shop = *state;
    struct mr_error error = {0};
    for (int i = 0; i < 3; i++) {
        buy_mug(shop);
        shop_advance_ms(shop, 6 * DAY_MS);
        pass_by(shop);
    }
    struct mr_bytes before = shop_dump(shop, MEMBER_CATALOG);
    assert_int_equal(topo_driver_crash(shop->drivers[MEMBER_CATALOG], &error), 0);
    assert_int_equal(topo_driver_run(shop->drivers[MEMBER_CATALOG], &error), 0);
    assert_true(mr_bytes_equal(before, shop_dump(shop, MEMBER_CATALOG)));
}

static void an_open_hold_is_not_forgotten_before_it_has_expired(void **state)
{
    struct shop *shop = *state;
    struct shop_reserve_stock reserve = {
        .order_id = mr_cstr("ord_x"),
        .owner_id = mr_cstr(owner),
        .line_no = 1,
        .product_id = add_mug(shop),
        .quantity = 2,
        .unit_price = {255, mr_cstr("GBP")},
        .reserved_until = INT64_C(4000000000000)};
    shop->held = "sales.replies";
    shop_send(
        shop,
        MEMBER_CATALOG,
        "inventory.stock.commands",
        SHOP_RESERVE_STOCK,
        reserve.product_id.ptr,
        &reserve);
    shop_advance_ms(shop, 100 * DAY_MS);
    pass_by(shop);
    assert_non_null(hold_of(shop, reserve.order_id));
    assert_int_equal(shop_stock(shop, "MUG")->reserved, 2);
}

static void cancelling_an_order_whose_holds_are_forgotten_restocks_once(void **state)
{
    struct shop *shop = *state;
    struct mr_bytes id = buy_mug(shop);
    shop_advance_ms(shop, 15 * DAY_MS);
    pass_by(shop);
    assert_null(hold_of(shop, id));
    shop_cancel(shop, owner, id);
    assert_true(shop_order(shop, id)->ended);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
    struct shop_release_stock again = {
        .order_id = id,
        .owner_id = mr_cstr(owner),
        .line_no = 1,
        .product_id = add_mug(shop),
        .quantity = 2,
        .committed = true};
    shop_send(
        shop,
        MEMBER_CATALOG,
        "inventory.stock.commands",
        SHOP_RELEASE_STOCK,
        again.product_id.ptr,
        &again);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
}

static void a_reservation_after_its_time_holds_nothing_though_nothing_is_known(void **state)
{
    struct shop *shop = *state;
    struct shop_reserve_stock late = {
        .order_id = mr_cstr("ord_x"),
        .owner_id = mr_cstr(owner),
        .line_no = 1,
        .product_id = add_mug(shop),
        .quantity = 2,
        .unit_price = {255, mr_cstr("GBP")},
        .reserved_until = INT64_C(1700000000000) + DAY_MS};
    shop->held = "sales.replies";
    shop_advance_ms(shop, 15 * DAY_MS);
    shop_send(
        shop,
        MEMBER_CATALOG,
        "inventory.stock.commands",
        SHOP_RESERVE_STOCK,
        late.product_id.ptr,
        &late);
    assert_int_equal(shop_stock(shop, "MUG")->reserved, 0);
    const struct shop_stock_reservation_rejected *refused =
        shop_last(shop, SHOP_STOCK_RESERVATION_REJECTED);
    assert_true(mr_bytes_equal(refused->cause, mr_cstr("expired")));
}

/* Its bytes, as the store has them. */
static bool has_progress(struct shop *shop, struct mr_bytes order_id)
{
    for (int32_t p = 0; p < SHOP_PARTITIONS; p++) {
        struct mr_bytes value = {0};
        struct topo_store *store =
            topo_driver_store(shop->drivers[MEMBER_SALES], "order-progress", p);
        assert_int_equal(
            topo_read_get(topo_store_reader(store), order_id, &shop->arena, &value, NULL), 0);
        if (value.ptr)
            return true;
    }
    return false;
}

static void only_orders_under_way_have_progress(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes waiting = shop_place(shop, owner, NULL);
    assert_true(has_progress(shop, waiting));
    shop_cancel(shop, owner, waiting);
    assert_false(has_progress(shop, waiting));
    struct mr_bytes bought = buy_mug(shop);
    assert_false(has_progress(shop, bought));
    shop->held = "sales.replies";
    shop_cancel(shop, owner, bought);
    assert_true(has_progress(shop, bought));
    shop->held = NULL;
    shop_settle(shop);
    assert_true(shop_order(shop, bought)->ended);
    assert_false(has_progress(shop, bought));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hold_that_is_over_is_forgotten_in_its_time),
        TEST(a_rebuild_forgets_the_same),
        TEST(an_open_hold_is_not_forgotten_before_it_has_expired),
        TEST(cancelling_an_order_whose_holds_are_forgotten_restocks_once),
        TEST(a_reservation_after_its_time_holds_nothing_though_nothing_is_known),
        TEST(only_orders_under_way_have_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
