/*
 * sales_owner_test.c - what an owner may hold without having paid, and what comes back to the cart
 * when an order fails.
 */
#include "sales_fixture.h"

enum { MINUTE_MS = 60 * 1000, DAY_MS = 24 * 3600 * 1000 };

/* `quantity` of FIRST as an order, by the kind of actor; the decision is the answer. */
static struct mr_bytes owner_order(
    struct fake_task *task,
    const char *actor_kind,
    int32_t quantity,
    const struct shop_sealed *method)
{
    sales_set(task, FIRST, quantity);
    struct shop_place_order command = sales_place_command(task, method);
    command.meta.actor_kind = mr_cstr(actor_kind);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    return command.order_id;
}

static void owner_cancel(struct fake_task *task, struct mr_bytes order_id)
{
    struct shop_cancel_order command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = order_id,
        .cause = mr_cstr("")};
    sales_tell(task, SHOP_CANCEL_ORDER, &command);
    sales_expect_accepted(task);
}

static void owner_expire(struct fake_task *task)
{
    fake_task_advance_ms(task, task->service.limits.unpaid_hold_ms);
    fake_task_punctuate(task);
}

/* -- bounds -- */

static void unpaid_orders_are_bounded_and_counted_down(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.unpaid_orders_max = 2;
    struct mr_bytes first = owner_order(task, "customer", 1, &sales_method);
    owner_order(task, "customer", 1, NULL);
    sales_expect_accepted(task);
    owner_order(task, "customer", 1, &sales_method);
    sales_expect_refused(task, SHOP_REASON_UNPAID_ORDERS_LIMIT);
    assert_int_equal(task->decision->rejection->limit, 2);
    /* The money is there. */
    sales_hear_stock(task, first, 1, SHOP_RESULT_RESERVED);
    sales_hear_payment(task, first, 1, SHOP_RESULT_AUTHORIZED, NULL);
    struct mr_bytes third = owner_order(task, "customer", 1, &sales_method);
    sales_expect_accepted(task);
    owner_order(task, "guest", 1, &sales_method);
    sales_expect_refused(task, SHOP_REASON_UNPAID_ORDERS_LIMIT);
    /* The order is given up. */
    owner_cancel(task, third);
    owner_order(task, "guest", 1, &sales_method);
    sales_expect_accepted(task);
}

static void units_without_a_method_are_bounded_to_the_unit(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.unpaid_units_max = 10;
    owner_order(task, "customer", 4, NULL);
    sales_expect_accepted(task);
    owner_order(task, "customer", 7, NULL);
    sales_expect_refused(task, SHOP_REASON_UNPAID_UNITS_LIMIT);
    owner_order(task, "customer", 6, NULL);
    sales_expect_accepted(task);
    owner_order(task, "customer", 1, NULL);
    sales_expect_refused(task, SHOP_REASON_UNPAID_UNITS_LIMIT);
    owner_order(task, "customer", 1000, &sales_method);
    sales_expect_accepted(task);
}

static void staff_and_imports_are_not_bounded(void **state)
{
    static const char *const kinds[] = {"operator", "system"};
    struct fake_task *task = *state;
    task->service.limits.unpaid_orders_max = 1;
    task->service.limits.unpaid_units_max = 1;
    for (int i = 0; i < 4; i++) {
        owner_order(task, kinds[i % 2], 500, NULL);
        sales_expect_accepted(task);
    }
}

static void a_guests_cart_has_fewer_lines(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.guest_cart_lines_max = 1;
    struct shop_add_cart_item command = {
        .meta = fake_task_command(task, "guest"),
        .owner_id = mr_cstr(SALES_OWNER),
        .product_id = mr_cstr(FIRST),
        .quantity = 1};
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_accepted(task);
    command.product_id = mr_cstr(SECOND);
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    sales_expect_refused(task, SHOP_REASON_CART_FULL);
    assert_int_equal(task->decision->rejection->limit, 1);
    sales_add(task, SECOND, 1);
    sales_expect_accepted(task);
}

/* -- holds -- */

static void a_hold_is_short_until_there_is_a_method(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes without = owner_order(task, "customer", 1, NULL);
    assert_int_equal(
        sales_order(task, without)->pay_deadline, fake_task_now_ms(task) + 2 * MINUTE_MS);
    struct mr_bytes with = owner_order(task, "customer", 1, &sales_method);
    assert_int_equal(
        sales_order(task, with)->pay_deadline, fake_task_now_ms(task) + 15 * MINUTE_MS);
}

static void a_short_hold_is_never_longer_than_the_long_one(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.pay_deadline_ms = MINUTE_MS;
    struct mr_bytes id = owner_order(task, "customer", 1, NULL);
    assert_int_equal(sales_order(task, id)->pay_deadline, fake_task_now_ms(task) + MINUTE_MS);
}

static void a_method_that_comes_later_makes_the_hold_long(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = owner_order(task, "customer", 1, NULL);
    int64_t placed = fake_task_now_ms(task);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    struct shop_start_payment command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = id,
        .method_token_sealed = sales_method};
    fake_task_advance_ms(task, MINUTE_MS);
    sales_tell(task, SHOP_START_PAYMENT, &command);
    sales_expect_accepted(task);
    assert_int_equal(sales_order(task, id)->pay_deadline, placed + 15 * MINUTE_MS);
    assert_int_equal(fake_task_entries(task, "order-timers"), 1);
    fake_task_advance_ms(task, 5 * MINUTE_MS);
    fake_task_punctuate(task);
    assert_int_equal(task->outputs_count, 0);
    fake_task_advance_ms(task, 9 * MINUTE_MS);
    fake_task_punctuate(task);
    assert_int_equal(fake_task_count(task, SHOP_ORDER_ABORT_REQUESTED), 1);
}

/* -- holds that come to nothing, again and again -- */

static void holds_that_expire_again_and_again_call_for_a_method(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.expired_orders_max = 2;
    owner_order(task, "customer", 1, NULL);
    owner_expire(task);
    assert_int_equal(fake_task_count(task, SHOP_NOTIFICATION_REQUESTED), 0);
    owner_order(task, "customer", 1, NULL);
    sales_expect_accepted(task);
    owner_expire(task);
    const struct shop_notification_requested *attention =
        fake_task_last(task, SHOP_NOTIFICATION_REQUESTED);
    assert_non_null(attention);
    assert_true(text_is(attention->template, "attention_unpaid_orders"));
    owner_order(task, "customer", 1, NULL);
    sales_expect_refused(task, SHOP_REASON_PAYMENT_METHOD_REQUIRED);
    owner_order(task, "customer", 1, &sales_method);
    sales_expect_accepted(task);
    fake_task_advance_ms(task, DAY_MS);
    owner_order(task, "customer", 1, NULL);
    sales_expect_accepted(task);
}

static void an_order_that_its_owner_cancels_has_not_expired(void **state)
{
    struct fake_task *task = *state;
    task->service.limits.expired_orders_max = 1;
    owner_cancel(task, owner_order(task, "customer", 1, NULL));
    owner_order(task, "customer", 1, NULL);
    sales_expect_accepted(task);
}

/* -- what comes back -- */

static void a_short_line_is_named_and_the_cart_comes_back(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, SECOND, 2);
    struct mr_bytes id = owner_order(task, "customer", 7, &sales_method);
    struct shop_stock_reply reply = {
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = id,
        .line_no = 2,
        .product_id = mr_cstr(FIRST),
        .result = mr_cstr(SHOP_RESULT_REJECTED),
        .cause = mr_cstr("out_of_stock"),
        .available = 6};
    sales_tell(task, SHOP_STOCK_REPLY, &reply);
    assert_int_equal(sales_line(task, FIRST)->quantity, 7);
    assert_int_equal(sales_line(task, SECOND)->quantity, 2);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RELEASED);
    sales_hear_stock(task, id, 2, SHOP_RESULT_RELEASED);
    const struct shop_order_cancelled *cancelled = fake_task_last(task, SHOP_ORDER_CANCELLED);
    assert_int_equal(cancelled->short_lines_count, 1);
    assert_int_equal(cancelled->short_lines[0].line_no, 2);
    assert_int_equal(cancelled->short_lines[0].quantity, 7);
    assert_int_equal(cancelled->short_lines[0].available, 6);
}

static void what_comes_back_is_added_to_the_cart_that_was_begun_meanwhile(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, SECOND, 2);
    struct mr_bytes id = owner_order(task, "customer", 7, &sales_method);
    sales_add(task, FIRST, 1);
    sales_add(task, THIRD, 1);
    struct mr_bytes cart_id = sales_cart(task)->cart_id;
    sales_hear_stock(task, id, 1, SHOP_RESULT_REJECTED);
    assert_true(mr_bytes_equal(sales_cart(task)->cart_id, cart_id));
    assert_int_equal(sales_line(task, FIRST)->quantity, 8);
    assert_int_equal(sales_line(task, SECOND)->quantity, 2);
    assert_int_equal(sales_line(task, THIRD)->quantity, 1);
    assert_int_equal(sales_cart(task)->total_minor, 8 * 100 + 2 * 250 + 999);
}

static void lines_come_back_at_the_prices_of_now(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = owner_order(task, "customer", 3, &sales_method);
    sales_set_product(task, FIRST, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(130));
    sales_hear_stock(task, id, 1, SHOP_RESULT_REJECTED);
    assert_int_equal(sales_line(task, FIRST)->unit_price.minor, 130);
}

static void what_does_not_fit_any_more_stays_out_and_the_rest_comes_back(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, SECOND, 2);
    struct mr_bytes id = owner_order(task, "customer", 7, &sales_method);
    task->service.limits.line_quantity_max = 9;
    sales_add(task, FIRST, 5);
    sales_hear_stock(task, id, 1, SHOP_RESULT_REJECTED);
    assert_int_equal(sales_line(task, FIRST)->quantity, 5);
    assert_int_equal(sales_line(task, SECOND)->quantity, 2);
}

static void a_declined_or_expired_order_gives_its_lines_back(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes id = owner_order(task, "customer", 3, &sales_method);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    sales_hear_payment(task, id, 1, SHOP_RESULT_DECLINED, "soft");
    assert_null(sales_line(task, FIRST)); /* There may be another attempt. */
    fake_task_advance_ms(task, 15 * MINUTE_MS);
    fake_task_punctuate(task);
    assert_int_equal(sales_line(task, FIRST)->quantity, 3);
    id = owner_order(task, "customer", 4, &sales_method);
    sales_hear_stock(task, id, 1, SHOP_RESULT_RESERVED);
    sales_hear_payment(task, id, 1, SHOP_RESULT_DECLINED, "hard");
    assert_int_equal(sales_line(task, FIRST)->quantity, 4);
}

static void an_order_that_its_owner_cancels_does_not_come_back(void **state)
{
    struct fake_task *task = *state;
    owner_cancel(task, owner_order(task, "customer", 3, NULL));
    assert_null(sales_line(task, FIRST));
}

/* -- the count -- */

enum { ORDERS_MAX = 40 };

static uint32_t owner_random(uint32_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % below;
}

/* A message that may come to any order at any time, meant or not. */
static void owner_step(struct fake_task *task, struct mr_bytes id, uint32_t *random)
{
    static const char *const stock[] = {
        SHOP_RESULT_RESERVED,
        SHOP_RESULT_COMMITTED,
        SHOP_RESULT_REJECTED,
        SHOP_RESULT_COMMIT_REJECTED,
        SHOP_RESULT_RELEASED};
    static const char *const payment[] = {
        SHOP_RESULT_AUTHORIZED, SHOP_RESULT_CAPTURED, SHOP_RESULT_DECLINED, SHOP_RESULT_RETURNED};
    uint32_t kind = owner_random(random, 10);
    if (kind < 4) {
        uint32_t weighted = owner_random(random, 10);
        sales_hear_stock(task, id, 1, stock[weighted < 5 ? 0 : weighted - 5]);
    } else if (kind < 7) {
        const char *decline_class = owner_random(random, 2) ? "soft" : "hard";
        int attempt = 1 + (int)owner_random(random, 2);
        sales_hear_payment(task, id, attempt, payment[owner_random(random, 4)], decline_class);
    } else if (kind == 7) {
        owner_cancel(task, id);
    } else if (kind == 8) {
        struct shop_start_payment command = {
            .meta = fake_task_command(task, "customer"),
            .owner_id = mr_cstr(SALES_OWNER),
            .order_id = id,
            .method_token_sealed = sales_method};
        sales_tell(task, SHOP_START_PAYMENT, &command);
    } else {
        fake_task_advance_ms(task, MINUTE_MS);
        fake_task_punctuate(task);
    }
}

/* After every message the count is right: one that leaks would keep its owner from ordering. */
static void the_count_is_of_the_orders_that_wait_for_money(void **state)
{
    struct fake_task *task = *state;
    struct mr_bytes ids[ORDERS_MAX];
    uint32_t random = 88172645;
    size_t count = 0;
    task->service.limits.unpaid_orders_max = INT32_MAX;
    task->service.limits.unpaid_units_max = SHOP_STOCK_MAX;
    task->service.limits.expired_orders_max = INT32_MAX;
    for (int step = 0; step < 2000; step++) {
        if (count < ORDERS_MAX && owner_random(&random, 20) == 0) {
            const struct shop_sealed *method = owner_random(&random, 2) ? &sales_method : NULL;
            ids[count++] =
                owner_order(task, "customer", 1 + (int32_t)owner_random(&random, 9), method);
            sales_expect_accepted(task);
        } else if (count > 0) {
            owner_step(task, ids[owner_random(&random, (uint32_t)count)], &random);
        }
        int64_t orders = 0, units = 0;
        for (size_t i = 0; i < count; i++) {
            const struct shop_order_state *order = sales_order(task, ids[i]);
            bool waits = order->goal == ORDER_FULFIL && !order->authorized;
            orders += waits;
            units += waits ? order->units : 0;
        }
        const struct shop_owner_state *owner =
            fake_task_state(task, "owners", SHOP_OWNER_STATE, mr_cstr(SALES_OWNER));
        assert_int_equal(owner ? owner->unpaid_orders : 0, orders);
        assert_int_equal(owner ? owner->unpaid_units : 0, units);
        assert_int_equal(fake_task_entries(task, "order-timers"), orders);
    }
    assert_int_equal(count, ORDERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SALES_TEST(unpaid_orders_are_bounded_and_counted_down),
        SALES_TEST(units_without_a_method_are_bounded_to_the_unit),
        SALES_TEST(staff_and_imports_are_not_bounded),
        SALES_TEST(a_guests_cart_has_fewer_lines),
        SALES_TEST(a_hold_is_short_until_there_is_a_method),
        SALES_TEST(a_short_hold_is_never_longer_than_the_long_one),
        SALES_TEST(a_method_that_comes_later_makes_the_hold_long),
        SALES_TEST(holds_that_expire_again_and_again_call_for_a_method),
        SALES_TEST(an_order_that_its_owner_cancels_has_not_expired),
        SALES_TEST(a_short_line_is_named_and_the_cart_comes_back),
        SALES_TEST(what_comes_back_is_added_to_the_cart_that_was_begun_meanwhile),
        SALES_TEST(lines_come_back_at_the_prices_of_now),
        SALES_TEST(what_does_not_fit_any_more_stays_out_and_the_rest_comes_back),
        SALES_TEST(a_declined_or_expired_order_gives_its_lines_back),
        SALES_TEST(an_order_that_its_owner_cancels_does_not_come_back),
        SALES_TEST(the_count_is_of_the_orders_that_wait_for_money),
    };
    return cmocka_run_group_tests_name("sales_owner", tests, NULL, NULL);
}
