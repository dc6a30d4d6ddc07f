/* sales_place_test.c - PlaceOrder: what it guards, what the order says, what follows from it. */
#include "sales_fixture.h"

#include <stdio.h>

static void an_empty_cart_is_not_ordered(void **state)
{
    struct fake_task *task = *state;
    struct shop_place_order command = sales_place_command(task, NULL);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_CART_EMPTY);
    sales_add(task, FIRST, 1);
    sales_clear(task);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_CART_EMPTY);
}

static void an_order_id_of_another_owner_is_refused(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    struct shop_place_order command = sales_place_command(task, NULL);
    struct shop_id other = shop_order_id(mr_cstr("usr_b"), command.meta.command_id);
    command.order_id = shop_id_view(&other);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_ORDER_ID_FOREIGN);
}

static void an_order_id_that_is_taken_is_refused(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    struct mr_bytes first = sales_place(task, NULL);
    sales_add(task, FIRST, 1);
    struct shop_place_order command = sales_place_command(task, NULL);
    command.order_id = first;
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_ORDER_ID_TAKEN);
}

static void a_total_that_differs_is_refused_also_by_its_currency(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 3);
    struct shop_place_order command = sales_place_command(task, NULL);
    struct shop_money expected = sales_pence(299);
    command.expected_total = &expected;
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_PRICE_CHANGED);
    expected = (struct shop_money){300, mr_cstr("EUR")};
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_PRICE_CHANGED);
    expected = sales_pence(300);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_accepted(task);
}

static void another_version_of_the_cart_is_refused(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    sales_add(task, SECOND, 1);
    struct shop_place_order command = sales_place_command(task, NULL);
    command.has_cart_version = true;
    command.cart_version = 1;
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_STALE_VERSION);
    command.cart_version = 2;
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_accepted(task);
}

static void the_cart_becomes_an_order_at_the_quoted_prices(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, SECOND, 2);
    sales_add(task, FIRST, 3);
    sales_set_product(
        task, FIRST, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(175)); /* After the quote. */
    struct mr_bytes id = sales_place(task, NULL);
    const struct shop_order_placed *placed = fake_task_last(task, SHOP_ORDER_PLACED);
    assert_int_equal(fake_task_count(task, SHOP_CART_CHECKED_OUT), 1);
    assert_int_equal(placed->lines_count, 2);
    assert_true(text_is(placed->lines[0].product_id, SECOND));
    assert_int_equal(placed->lines[0].line_no, 1);
    assert_true(text_is(placed->lines[1].product_id, FIRST));
    assert_int_equal(placed->lines[1].unit_price.minor, 100);
    assert_int_equal(placed->lines[1].line_total.minor, 300);
    assert_int_equal(placed->grand_total.minor, 800);
    assert_true(mr_bytes_equal(sales_cart(task)->order_id, id));
    assert_int_equal(sales_cart(task)->lines, 0);
    assert_int_equal(fake_task_entries(task, "order-timers"), 1);
}

/* A hold outlives the deadline of its order, or a payment in time could find its units gone. */
static void every_line_is_reserved_for_longer_than_the_order_waits(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 3);
    sales_add(task, SECOND, 1);
    struct mr_bytes id = sales_place(task, NULL);
    size_t reserved = 0;
    for (size_t i = 0; i < task->outputs_count; i++) {
        const struct fake_output *output = &task->outputs[i];
        if (output->message.id != SHOP_RESERVE_STOCK)
            continue;
        const struct shop_reserve_stock *reserve = output->message.value;
        assert_true(mr_bytes_equal(output->key, reserve->product_id));
        assert_int_equal(reserve->line_no, (int)++reserved);
        assert_true(reserve->reserved_until > sales_order(task, id)->pay_deadline);
    }
    assert_int_equal(reserved, 2);
}

static void a_cart_that_was_ordered_gives_the_same_order_again(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    struct mr_bytes id = sales_place(task, NULL);
    struct shop_place_order again = sales_place_command(task, NULL); /* Another key. */
    sales_tell(task, SHOP_PLACE_ORDER, &again);
    sales_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    assert_true(mr_bytes_equal(task->decision->subject_id, id));
}

static void what_is_added_after_the_order_opens_the_next_cart(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    struct mr_bytes first = mr_arena_copy(fake_task_arena(task), sales_cart(task)->cart_id);
    (void)sales_place(task, NULL);
    sales_add(task, SECOND, 1);
    assert_false(mr_bytes_equal(sales_cart(task)->cart_id, first));
    assert_int_equal(sales_cart(task)->version, 1);
    assert_int_equal(sales_cart(task)->lines, 1);
    assert_null(sales_cart(task)->order_id.ptr);
}

static void the_key_of_an_order_is_sent_once(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    struct shop_place_order command = sales_place_command(task, NULL);
    struct shop_wrapped_key key = {
        .key_id = mr_cstr("k"), .subject_id = command.order_id, .wrapped = mr_cstr("w")};
    command.order_key = &key;
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    assert_int_equal(fake_task_count(task, SHOP_WRAPPED_KEY), 1);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    assert_int_equal(fake_task_count(task, SHOP_WRAPPED_KEY), 0);
}

/* A repetition with the same key is answered again: a reply is small, whatever the order is. */
static void the_reply_has_the_lines_of_a_small_order_only(void **state)
{
    struct fake_task *task = *state;
    for (int more = 0; more <= 1; more++) {
        for (int i = 0; i < ORDER_REPLY_LINES_MAX + more; i++) {
            char id[32];
            snprintf(id, sizeof id, "prd_%d", i);
            sales_set_product(task, id, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(1));
            sales_add(task, id, 1);
        }
        struct shop_place_order command = sales_place_command(task, NULL);
        command.meta.want_body = true;
        command.meta.reply_to = mr_cstr("gateway.replies");
        sales_tell(task, SHOP_PLACE_ORDER, &command);
        sales_expect_accepted(task);
        const struct shop_command_reply *reply = fake_task_last(task, SHOP_COMMAND_REPLY);
        assert_non_null(reply->outcome.order);
        assert_int_equal(reply->outcome.order->lines_count, more ? 0 : ORDER_REPLY_LINES_MAX);
        assert_int_equal(reply->outcome.order->items_total.minor, ORDER_REPLY_LINES_MAX + more);
    }
}

/* A record that Kafka takes is refused before it is too large, with room for all that follows. */
static void lines_that_would_not_fit_into_a_record_are_refused(void **state)
{
    struct fake_task *task = *state;
    static char title[SHOP_TITLE_BYTES_MAX];
    memset(title, 'x', sizeof title);
    int count = (int)(SHOP_LINES_BYTES_MAX / sizeof title);
    task->service.limits.cart_lines_max = count + 1;
    task->service.limits.unpaid_units_max = count + 1;
    for (int i = 0; i <= count; i++) {
        char id[32];
        snprintf(id, sizeof id, "prd_%d", i);
        struct shop_product_state product = {
            .sku = mr_cstr(id),
            .title = mr_bytes_of(title, sizeof title),
            .status = SHOP_PRODUCT_STATUS_PUBLISHED,
            .price = sales_pence(1),
            .price_version = 1,
        };
        fake_task_set_global(task, "price", SHOP_PRODUCT_STATE, id, &product);
        sales_add(task, id, 1);
        sales_expect_accepted(task);
    }
    struct shop_place_order command = sales_place_command(task, NULL);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_refused(task, SHOP_REASON_ORDER_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SALES_TEST(an_empty_cart_is_not_ordered),
        SALES_TEST(an_order_id_of_another_owner_is_refused),
        SALES_TEST(an_order_id_that_is_taken_is_refused),
        SALES_TEST(a_total_that_differs_is_refused_also_by_its_currency),
        SALES_TEST(another_version_of_the_cart_is_refused),
        SALES_TEST(the_cart_becomes_an_order_at_the_quoted_prices),
        SALES_TEST(every_line_is_reserved_for_longer_than_the_order_waits),
        SALES_TEST(a_cart_that_was_ordered_gives_the_same_order_again),
        SALES_TEST(what_is_added_after_the_order_opens_the_next_cart),
        SALES_TEST(the_key_of_an_order_is_sent_once),
        SALES_TEST(the_reply_has_the_lines_of_a_small_order_only),
        SALES_TEST(lines_that_would_not_fit_into_a_record_are_refused),
    };
    return cmocka_run_group_tests_name("sales_place", tests, NULL, NULL);
}
