/* sales_cart_test.c - the rules of the cart: what is added, refused, quoted and summed. */
#include "sales_fixture.h"

static void the_first_item_opens_a_cart(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 2);
    sales_expect_accepted(task);
    const struct shop_cart_item_added *added = fake_task_last(task, SHOP_CART_ITEM_ADDED);
    assert_int_equal(task->outputs_count, 1);
    assert_int_equal(added->meta.aggregate_version, 1);
    assert_int_equal(added->quantity_delta, 2);
    assert_int_equal(added->quantity_after, 2);
    assert_int_equal(added->quoted_unit_price.minor, 100);
    assert_true(mr_bytes_starts_with(added->cart_id, mr_cstr("crt_")));
    assert_int_equal(sales_cart(task)->lines, 1);
    assert_int_equal(sales_cart(task)->total_minor, 200);
}

static void adding_again_sums_and_quotes_the_price_of_now(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 2);
    sales_set_product(task, FIRST, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(110));
    sales_add(task, FIRST, 3);
    const struct shop_cart_item_added *added = fake_task_last(task, SHOP_CART_ITEM_ADDED);
    assert_int_equal(added->quantity_delta, 3);
    assert_int_equal(added->quantity_after, 5);
    assert_int_equal(sales_cart(task)->total_minor, 550);
    assert_int_equal(sales_cart(task)->lines, 1);
    assert_int_equal(sales_cart(task)->version, 2);
}

static void setting_what_is_set_already_changes_nothing(void **state)
{
    struct fake_task *task = *state;
    sales_set(task, FIRST, 4);
    assert_int_equal(task->outputs_count, 1);
    sales_set(task, FIRST, 4);
    sales_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    assert_int_equal(sales_cart(task)->version, 1);
    /* The same quantity at another price is a new quote. */
    sales_set_product(task, FIRST, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(90));
    sales_set(task, FIRST, 4);
    assert_int_equal(fake_task_count(task, SHOP_CART_ITEM_QUANTITY_SET), 1);
    assert_int_equal(sales_cart(task)->total_minor, 360);
}

static void setting_to_zero_removes_the_line(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 4);
    sales_set(task, FIRST, 0);
    assert_int_equal(fake_task_count(task, SHOP_CART_ITEM_REMOVED), 1);
    assert_null(sales_line(task, FIRST));
    assert_int_equal(sales_cart(task)->lines, 0);
    assert_int_equal(sales_cart(task)->total_minor, 0);
}

static void removing_what_is_not_there_is_accepted_and_changes_nothing(void **state)
{
    struct fake_task *task = *state;
    sales_remove(task, FIRST);
    sales_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    sales_add(task, FIRST, 1);
    sales_remove(task, SECOND);
    sales_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    assert_int_equal(sales_cart(task)->lines, 1);
}

static void clearing_empties_the_cart_and_keeps_it(void **state)
{
    struct fake_task *task = *state;
    sales_clear(task);
    sales_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    sales_add(task, FIRST, 1);
    sales_add(task, SECOND, 1);
    struct mr_bytes id = sales_cart(task)->cart_id;
    sales_clear(task);
    assert_int_equal(fake_task_count(task, SHOP_CART_CLEARED), 1);
    assert_int_equal(fake_task_entries(task, "cart-lines"), 0);
    sales_add(task, FIRST, 1);
    assert_true(mr_bytes_equal(sales_cart(task)->cart_id, id));
}

static void a_line_keeps_its_place_until_it_is_removed(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    sales_add(task, SECOND, 1);
    sales_set(task, FIRST, 5);
    assert_true(sales_line(task, FIRST)->position < sales_line(task, SECOND)->position);
    sales_remove(task, FIRST);
    sales_add(task, FIRST, 1);
    assert_true(sales_line(task, FIRST)->position > sales_line(task, SECOND)->position);
}

/* -- refusals -- */

static void a_quantity_is_one_to_the_limit(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.line_quantity_max = 10;
    sales_add(task, FIRST, 0);
    sales_expect_refused(task, SHOP_REASON_QUANTITY_LIMIT);
    sales_add(task, FIRST, -1);
    sales_expect_refused(task, SHOP_REASON_QUANTITY_LIMIT);
    sales_add(task, FIRST, 11);
    sales_expect_refused(task, SHOP_REASON_QUANTITY_LIMIT);
    sales_set(task, FIRST, -1);
    sales_expect_refused(task, SHOP_REASON_QUANTITY_LIMIT);
    sales_set(task, FIRST, 10);
    sales_expect_accepted(task);
}

/* Neither the sum of both nor an overflow of it gets past the limit. */
static void adding_up_to_more_than_the_limit_is_refused(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.line_quantity_max = 10;
    sales_add(task, FIRST, 7);
    sales_add(task, FIRST, 4);
    sales_expect_refused(task, SHOP_REASON_QUANTITY_LIMIT);
    sales_add(task, FIRST, INT32_MAX);
    sales_expect_refused(task, SHOP_REASON_QUANTITY_LIMIT);
    sales_add(task, FIRST, 3);
    sales_expect_accepted(task);
    /* Less than nothing is not a way to take some out. */
    sales_add(task, FIRST, -3);
    sales_expect_refused(task, SHOP_REASON_QUANTITY_LIMIT);
    assert_int_equal(sales_line(task, FIRST)->quantity, 10);
}

static void a_full_cart_takes_no_other_line(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.cart_lines_max = 2;
    sales_add(task, FIRST, 1);
    sales_set(task, SECOND, 1);
    sales_add(task, THIRD, 1);
    sales_expect_refused(task, SHOP_REASON_CART_FULL);
    sales_set(task, THIRD, 1);
    sales_expect_refused(task, SHOP_REASON_CART_FULL);
    sales_add(task, FIRST, 1); /* More of what is there. */
    sales_expect_accepted(task);
    sales_remove(task, SECOND);
    sales_add(task, THIRD, 1);
    sales_expect_accepted(task);
}

static void a_product_that_is_not_for_sale_is_refused(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, "prd_unknown", 1);
    sales_expect_refused(task, SHOP_REASON_NOT_FOR_SALE);
    sales_set_product(task, FIRST, SHOP_PRODUCT_STATUS_DRAFT, sales_pence(100));
    sales_add(task, FIRST, 1);
    sales_expect_refused(task, SHOP_REASON_NOT_FOR_SALE);
    sales_set_product(task, FIRST, SHOP_PRODUCT_STATUS_DISCONTINUED, sales_pence(100));
    sales_set(task, FIRST, 1);
    sales_expect_refused(task, SHOP_REASON_NOT_FOR_SALE);
}

static void what_is_no_longer_for_sale_can_still_be_removed(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    sales_set_product(task, FIRST, SHOP_PRODUCT_STATUS_DISCONTINUED, sales_pence(100));
    sales_set(task, FIRST, 2);
    sales_expect_refused(task, SHOP_REASON_NOT_FOR_SALE);
    sales_remove(task, FIRST);
    sales_expect_accepted(task);
    assert_int_equal(sales_cart(task)->lines, 0);
}

static void a_cart_has_one_currency(void **state)
{
    struct fake_task *task = *state;
    sales_set_product(
        task, SECOND, SHOP_PRODUCT_STATUS_PUBLISHED, (struct shop_money){250, mr_cstr("EUR")});
    sales_add(task, FIRST, 1);
    sales_add(task, SECOND, 1);
    sales_expect_refused(task, SHOP_REASON_CURRENCY_DIFFERS);
    sales_clear(task);
    sales_add(task, SECOND, 1);
    sales_expect_accepted(task);
}

/* The line alone, and the sum of the lines. */
static void an_amount_that_is_too_large_is_refused(void **state)
{
    struct fake_task *task = *state;
    sales_set_product(
        task, FIRST, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(SHOP_MONEY_MINOR_MAX));
    sales_add(task, FIRST, 2);
    sales_expect_refused(task, SHOP_REASON_AMOUNT_LIMIT);
    sales_add(task, FIRST, 1);
    sales_expect_accepted(task);
    sales_add(task, SECOND, 1);
    sales_expect_refused(task, SHOP_REASON_AMOUNT_LIMIT);
    assert_int_equal(sales_cart(task)->total_minor, SHOP_MONEY_MINOR_MAX);
}

static void another_version_than_expected_is_refused(void **state)
{
    struct fake_task *task = *state;
    struct shop_add_cart_item command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .product_id = mr_cstr(FIRST),
        .quantity = 1,
    };
    command.meta.has_expected_version = true;
    command.meta.expected_version = 1;
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_refused(task, SHOP_REASON_STALE_VERSION);
    command.meta.expected_version = 0; /* No cart yet. */
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_accepted(task);
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_refused(task, SHOP_REASON_STALE_VERSION);
}

static void a_cart_that_must_exist_and_does_not_is_refused(void **state)
{
    struct fake_task *task = *state;
    struct shop_add_cart_item command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .product_id = mr_cstr(FIRST),
        .quantity = 1,
    };
    command.meta.must_exist = true;
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_refused(task, SHOP_REASON_STALE_VERSION);
    command.meta.must_exist = false;
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_accepted(task);
    command.meta.must_exist = true;
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_accepted(task);
}

static void a_command_that_names_no_cart_or_product_is_poison(void **state)
{
    struct fake_task *task = *state;
    struct mr_error error = {0};
    struct shop_add_cart_item command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr("usr/a"),
        .product_id = mr_cstr(FIRST),
        .quantity = 1,
    };
    assert_int_equal(fake_task_tell(task, SHOP_ADD_CART_ITEM, &command, &error), MR_INVALID);
    command.owner_id = mr_cstr(SALES_OWNER);
    command.product_id = mr_cstr("");
    assert_int_equal(fake_task_tell(task, SHOP_ADD_CART_ITEM, &command, &error), MR_INVALID);
    assert_int_equal(task->outputs_count, 0);
}

/* -- invariants -- */

/* One owner's id is the beginning of another's: their lines stay apart. */
static void carts_of_owners_with_like_names_stay_apart(void **state)
{
    struct fake_task *task = *state;
    struct shop_add_cart_item command = {
        .owner_id = mr_cstr(SALES_OWNER "b"), .product_id = mr_cstr(SECOND), .quantity = 9};
    command.meta = fake_task_command(task, "customer");
    sales_add(task, FIRST, 1);
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_clear(task);
    assert_int_equal(fake_task_entries(task, "cart-lines"), 1);
    assert_int_equal(sales_cart(task)->lines, 0);
}

/* After every command the head is the count and the sum of the lines, and versions have no gap. */
static void the_head_is_always_the_sum_of_the_lines(void **state)
{
    static const char *const products[] = {FIRST, SECOND, THIRD, "prd_unknown"};
    struct fake_task *task = *state;
    uint32_t random = 2463534242U;
    int64_t version = 0;
    for (int i = 0; i < 500; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        const char *product = products[random % 4];
        int32_t quantity = (int32_t)(random >> 8) % 20;
        if (random % 7 == 0)
            sales_remove(task, product);
        else if (random % 3 == 0)
            sales_set(task, product, quantity);
        else
            sales_add(task, product, quantity);
        int64_t lines = 0, total = 0;
        for (int k = 0; k < 3; k++) {
            const struct shop_cart_line_state *line = sales_line(task, products[k]);
            lines += line != NULL;
            total += line ? line->quantity * line->unit_price.minor : 0;
        }
        version += (int64_t)task->outputs_count;
        const struct shop_cart_state *head = sales_cart(task);
        assert_int_equal(head ? head->lines : 0, lines);
        assert_int_equal(head ? head->total_minor : 0, total);
        assert_int_equal(head ? head->version : 0, version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SALES_TEST(the_first_item_opens_a_cart),
        SALES_TEST(adding_again_sums_and_quotes_the_price_of_now),
        SALES_TEST(setting_what_is_set_already_changes_nothing),
        SALES_TEST(setting_to_zero_removes_the_line),
        SALES_TEST(removing_what_is_not_there_is_accepted_and_changes_nothing),
        SALES_TEST(clearing_empties_the_cart_and_keeps_it),
        SALES_TEST(a_line_keeps_its_place_until_it_is_removed),
        SALES_TEST(a_quantity_is_one_to_the_limit),
        SALES_TEST(adding_up_to_more_than_the_limit_is_refused),
        SALES_TEST(a_full_cart_takes_no_other_line),
        SALES_TEST(a_product_that_is_not_for_sale_is_refused),
        SALES_TEST(what_is_no_longer_for_sale_can_still_be_removed),
        SALES_TEST(a_cart_has_one_currency),
        SALES_TEST(an_amount_that_is_too_large_is_refused),
        SALES_TEST(another_version_than_expected_is_refused),
        SALES_TEST(a_cart_that_must_exist_and_does_not_is_refused),
        SALES_TEST(a_command_that_names_no_cart_or_product_is_poison),
        SALES_TEST(carts_of_owners_with_like_names_stay_apart),
        SALES_TEST(the_head_is_always_the_sum_of_the_lines),
    };
    return cmocka_run_group_tests_name("sales_cart", tests, NULL, NULL);
}
