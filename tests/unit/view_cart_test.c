/* view_cart_test.c - a cart has the lines its events leave it with, in the order of adding. */
#include "view_fixture.h"

#define OWNER "usr_1"

static void add_item(
    struct views *views,
    const char *owner,
    const char *cart,
    int64_t version,
    const char *product,
    int32_t quantity)
{
    struct shop_cart_item_added event = {
        .meta = meta_at(version, 1),
        .owner_id = mr_cstr(owner),
        .cart_id = mr_cstr(cart),
        .product_id = mr_cstr(product),
        .quantity_delta = 1,
        .quantity_after = quantity,
        .quoted_unit_price = money_pence(quantity * 10),
        .price_version = version,
    };
    views_pipe(views, SHOP_CART_ITEM_ADDED, owner, &event);
}

static const struct shop_cart_view *cart_head(struct views *views, const char *owner)
{
    return views_get(views, VIEW_CARTS, SHOP_CART_VIEW, mr_cstr(owner));
}

static const struct shop_cart_line_state *
cart_line(struct views *views, const char *owner, const char *product)
{
    struct mr_bytes key = view_cart_line_key(&views->arena, mr_cstr(owner), mr_cstr(product));
    return views_get(views, VIEW_CART_LINES, SHOP_CART_LINE_STATE, key);
}

static void lines_keep_position_and_newest_quote(void **state)
{
    struct views *views = *state;
    add_item(views, OWNER, "crt_1", 1, "prd_b", 1);
    add_item(views, OWNER, "crt_1", 2, "prd_a", 2);
    add_item(views, OWNER, "crt_1", 3, "prd_b", 5);
    assert_int_equal(cart_line(views, OWNER, "prd_b")->position, 0);
    assert_int_equal(cart_line(views, OWNER, "prd_b")->quantity, 5);
    assert_int_equal(cart_line(views, OWNER, "prd_b")->unit_price.minor, 50);
    assert_int_equal(cart_line(views, OWNER, "prd_b")->price_version, 3);
    assert_int_equal(cart_line(views, OWNER, "prd_a")->position, 1);
    assert_int_equal(cart_head(views, OWNER)->version, 3);
    assert_true(text_equals(cart_head(views, OWNER)->cart_id, "crt_1"));
}

static void set_and_remove_change_one_line(void **state)
{
    struct views *views = *state;
    add_item(views, OWNER, "crt_1", 1, "prd_a", 1);
    add_item(views, OWNER, "crt_1", 2, "prd_b", 1);
    struct shop_cart_item_quantity_set set = {
        .meta = meta_at(3, 1),
        .owner_id = MR_LITERAL(OWNER),
        .cart_id = MR_LITERAL("crt_1"),
        .product_id = MR_LITERAL("prd_b"),
        .quantity_after = 7,
        .quoted_unit_price = money_pence(70),
        .price_version = 1,
    };
    views_pipe(views, SHOP_CART_ITEM_QUANTITY_SET, OWNER, &set);
    struct shop_cart_item_removed removed = {
        .meta = meta_at(4, 1),
        .owner_id = MR_LITERAL(OWNER),
        .cart_id = MR_LITERAL("crt_1"),
        .product_id = MR_LITERAL("prd_a"),
    };
    views_pipe(views, SHOP_CART_ITEM_REMOVED, OWNER, &removed);
    assert_null(cart_line(views, OWNER, "prd_a"));
    assert_int_equal(cart_line(views, OWNER, "prd_b")->quantity, 7);
    assert_int_equal(cart_head(views, OWNER)->version, 4);
}

static void clearing_leaves_no_line_but_the_head(void **state)
{
    struct views *views = *state;
    char product[16];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(product, sizeof product, "prd_%d", i);
        add_item(views, OWNER, "crt_1", i + 1, product, 1);
    }
    add_item(views, "usr_10", "crt_2", 1, "prd_0", 1); /* Its id starts with the other's. */
    struct shop_cart_cleared event = {
        .meta = meta_at(201, 1), .owner_id = MR_LITERAL(OWNER), .cart_id = MR_LITERAL("crt_1")};
    views_pipe(views, SHOP_CART_CLEARED, OWNER, &event);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(product, sizeof product, "prd_%d", i);
        assert_null(cart_line(views, OWNER, product));
    }
    assert_int_equal(cart_head(views, OWNER)->version, 201);
    assert_null(cart_head(views, OWNER)->order_id.ptr);
    assert_int_equal(cart_line(views, "usr_10", "prd_0")->quantity, 1);
}

static void a_checked_out_cart_names_its_order_and_the_next_one_is_new(void **state)
{
    struct views *views = *state;
    add_item(views, OWNER, "crt_1", 1, "prd_a", 1);
    struct shop_cart_checked_out event = {
        .meta = meta_at(2, 1),
        .owner_id = MR_LITERAL(OWNER),
        .cart_id = MR_LITERAL("crt_1"),
        .order_id = MR_LITERAL("ord_1"),
    };
    views_pipe(views, SHOP_CART_CHECKED_OUT, OWNER, &event);
    assert_null(cart_line(views, OWNER, "prd_a"));
    assert_true(text_equals(cart_head(views, OWNER)->order_id, "ord_1"));
    add_item(views, OWNER, "crt_2", 3, "prd_z", 1);
    assert_true(text_equals(cart_head(views, OWNER)->cart_id, "crt_2"));
    assert_null(cart_head(views, OWNER)->order_id.ptr);
    assert_int_equal(cart_line(views, OWNER, "prd_z")->position, 0);
}

static void a_rebuild_gives_the_same_bytes(void **state)
{
    struct views *views = *state;
    struct mr_buffer before = {0};
    struct mr_buffer after = {0};
    struct mr_error error;
    char owner[16];
    char product[16];
    for (int i = 0; i < 60; i++) {
        (void)snprintf(owner, sizeof owner, "usr_%d", i % 7);
        (void)snprintf(product, sizeof product, "prd_%d", i * 13 % 11);
        add_item(views, owner, "crt", i / 7 + 1, product, i + 1);
    }
    views_dump(views, VIEW_CART_LINES, mr_cstr(""), &before);
    for (int i = 0; i < 7; i++) {
        (void)snprintf(owner, sizeof owner, "usr_%d", i);
        views_dump_key(views, VIEW_CARTS, mr_cstr(owner), &before);
    }
    assert_int_equal(topo_driver_crash(views->driver, &error), 0);
    assert_int_equal(topo_driver_run(views->driver, &error), 0);
    views_dump(views, VIEW_CART_LINES, mr_cstr(""), &after);
    for (int i = 0; i < 7; i++) {
        (void)snprintf(owner, sizeof owner, "usr_%d", i);
        views_dump_key(views, VIEW_CARTS, mr_cstr(owner), &after);
    }
    assert_true(before.len > 1000);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.ptr, after.ptr, before.len);
    mr_buffer_clean_up(&before);
    mr_buffer_clean_up(&after);
}

/* Its bytes are those of an event, its headers are not. */
static void an_event_that_somebody_else_wrote_changes_no_cart(void **state)
{
    struct views *views = *state;
    struct mr_error error;
    struct mr_buffer metrics = {0};
    add_item(views, OWNER, "crt_1", 1, "prd_a", 1);
    struct shop_cart_cleared forged = {
        .meta = meta_at(2, 1), .owner_id = mr_cstr(OWNER), .cart_id = mr_cstr("crt_1")};
    mr_buffer_reset(&views->bytes);
    codec_encode(views->registry, SHOP_CART_CLEARED, NULL, &forged, &views->bytes);
    const struct mr_bytes values[] = {mr_buffer_view(&views->bytes), {0}, mr_cstr("hello")};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(
            topo_driver_pipe(views->driver, "sales.cart.events", mr_cstr(OWNER), values[i], &error),
            0);
    assert_int_equal(cart_line(views, OWNER, "prd_a")->quantity, 1);
    assert_int_equal(cart_head(views, OWNER)->version, 1);
    topo_engine_metrics(topo_driver_engine(views->driver), &metrics);
    mr_buffer_add_byte(&metrics, '\0');
    assert_non_null(
        strstr(metrics.ptr, "topo_laid_aside_total{application=\"millrace-query\"} 3\n"));
    mr_buffer_clean_up(&metrics);
    add_item(views, OWNER, "crt_1", 2, "prd_a", 4);
    assert_int_equal(cart_line(views, OWNER, "prd_a")->quantity, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, views_set_up, views_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lines_keep_position_and_newest_quote),
        TEST(set_and_remove_change_one_line),
        TEST(clearing_leaves_no_line_but_the_head),
        TEST(a_checked_out_cart_names_its_order_and_the_next_one_is_new),
        TEST(a_rebuild_gives_the_same_bytes),
        TEST(an_event_that_somebody_else_wrote_changes_no_cart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
