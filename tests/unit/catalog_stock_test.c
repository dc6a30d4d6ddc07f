/* catalog_stock_test.c - the rules of stock: held for a line, committed, given back, expired. */
#include "../../processors/src/catalog.h"
#include "rules_fixture.h"

#include <processors/limits.h>

#define PRODUCT "prd_tea"

enum { HOLD_MS = 60 * 1000 };

static void adjust_stock(struct fake_task *task, int64_t delta)
{
    struct shop_adjust_stock command = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), delta, mr_cstr("count")};
    rules_send(task, SHOP_ADJUST_STOCK, &command);
}

/* A published product at 100 pence, ten on hand. */
static int set_up(void **state)
{
    rules_set_up(state, catalog_aggregate);
    struct fake_task *task = *state;
    struct shop_create_product product = {
        .meta = fake_task_command(task, "operator"),
        .product_id = mr_cstr(PRODUCT),
        .sku = mr_cstr("TEA"),
        .title = mr_cstr("Tea"),
        .description = mr_cstr(""),
        .price = {100, mr_cstr("GBP")},
        .publish = true};
    rules_send(task, SHOP_CREATE_PRODUCT, &product);
    adjust_stock(task, 10);
    return 0;
}

static const char *last_result(const struct fake_task *task)
{
    const struct shop_stock_reply *reply = fake_task_last(task, SHOP_STOCK_REPLY);
    assert_non_null(reply);
    return mr_arena_cstr(fake_task_arena(task), reply->result);
}

static const char *last_cause(const struct fake_task *task)
{
    const struct shop_stock_reply *reply = fake_task_last(task, SHOP_STOCK_REPLY);
    return reply->cause.ptr ? mr_arena_cstr(fake_task_arena(task), reply->cause) : "";
}

static void reserve_units(struct fake_task *task, int32_t line_no, int32_t quantity)
{
    struct shop_reserve_stock message = {
        .saga = {mr_cstr("c"), mr_cstr("e"), 0},
        .order_id = mr_cstr("ord_1"),
        .owner_id = mr_cstr("usr_a"),
        .line_no = line_no,
        .product_id = mr_cstr(PRODUCT),
        .quantity = quantity,
        .unit_price = {100, mr_cstr("GBP")},
        .price_version = 1,
        .reserved_until = fake_task_now_ms(task) + HOLD_MS};
    rules_send(task, SHOP_RESERVE_STOCK, &message);
}

static void commit_units(struct fake_task *task, int32_t line_no, int32_t quantity)
{
    struct shop_commit_stock message = {
        {mr_cstr("c"), mr_cstr("e"), 0},
        mr_cstr("ord_1"),
        mr_cstr("usr_a"),
        line_no,
        mr_cstr(PRODUCT),
        quantity};
    rules_send(task, SHOP_COMMIT_STOCK, &message);
}

static void release_units(struct fake_task *task, int32_t line_no, int32_t quantity, bool committed)
{
    struct shop_release_stock message = {
        {mr_cstr("c"), mr_cstr("e"), 0},
        mr_cstr("ord_1"),
        mr_cstr("usr_a"),
        line_no,
        mr_cstr(PRODUCT),
        quantity,
        committed};
    rules_send(task, SHOP_RELEASE_STOCK, &message);
}

static void expect_stock(struct fake_task *task, int64_t on_hand, int64_t reserved)
{
    const struct shop_stock_state *stock =
        fake_task_state(task, "stock", SHOP_STOCK_STATE, mr_cstr(PRODUCT));
    assert_int_equal(stock->on_hand, on_hand);
    assert_int_equal(stock->reserved, reserved);
}

static void units_are_held_until_there_are_no_more(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 7);
    assert_string_equal(last_result(task), SHOP_RESULT_RESERVED);
    expect_stock(task, 10, 7);
    reserve_units(task, 2, 4);
    assert_string_equal(last_result(task), SHOP_RESULT_REJECTED);
    assert_string_equal(last_cause(task), "out_of_stock");
    reserve_units(task, 3, 3);
    assert_string_equal(last_result(task), SHOP_RESULT_RESERVED);
    expect_stock(task, 10, 10);
}

static void a_reservation_that_comes_twice_holds_once(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 7);
    reserve_units(task, 1, 7);
    assert_string_equal(last_result(task), SHOP_RESULT_RESERVED);
    assert_int_equal(fake_task_count(task, SHOP_STOCK_RESERVED), 0);
    expect_stock(task, 10, 7);
}

static void another_price_than_the_promised_one_is_refused_with_the_true_one(void **state)
{
    struct fake_task *task = *state;
    struct shop_change_price price = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), {120, mr_cstr("GBP")}};
    rules_send(task, SHOP_CHANGE_PRICE, &price);
    reserve_units(task, 1, 1);
    assert_string_equal(last_cause(task), "price_changed");
    const struct shop_stock_reply *reply = fake_task_last(task, SHOP_STOCK_REPLY);
    assert_int_equal(reply->unit_price->minor, 120);
    assert_int_equal(reply->price_version, 2);
}

static void a_product_that_is_not_sold_is_not_held(void **state)
{
    struct fake_task *task = *state;
    struct shop_discontinue_product end = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), mr_cstr("old")};
    rules_send(task, SHOP_DISCONTINUE_PRODUCT, &end);
    reserve_units(task, 1, 1);
    assert_string_equal(last_cause(task), "discontinued");
    expect_stock(task, 10, 0);
}

static void a_commit_takes_the_units_and_comes_twice_without_harm(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 4);
    commit_units(task, 1, 4);
    assert_string_equal(last_result(task), SHOP_RESULT_COMMITTED);
    expect_stock(task, 6, 0);
    commit_units(task, 1, 4);
    assert_string_equal(last_result(task), SHOP_RESULT_COMMITTED);
    expect_stock(task, 6, 0);
}

static void a_commit_of_nothing_is_refused(void **state)
{
    struct fake_task *task = *state;
    commit_units(task, 1, 4);
    assert_string_equal(last_result(task), SHOP_RESULT_COMMIT_REJECTED);
    assert_string_equal(last_cause(task), "not_held");
    expect_stock(task, 10, 0);
}

static void a_release_frees_what_was_held_and_restocks_what_was_committed(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 4);
    release_units(task, 1, 4, false);
    assert_string_equal(last_result(task), SHOP_RESULT_RELEASED);
    expect_stock(task, 10, 0);
    reserve_units(task, 2, 4);
    commit_units(task, 2, 4);
    release_units(task, 2, 4, true);
    expect_stock(task, 10, 0);
    release_units(task, 2, 4, true);
    assert_string_equal(last_result(task), SHOP_RESULT_RELEASED);
    expect_stock(task, 10, 0);
}

static void a_reservation_after_its_release_is_refused(void **state)
{
    struct fake_task *task = *state;
    release_units(task, 1, 4, false);
    reserve_units(task, 1, 4);
    assert_string_equal(last_result(task), SHOP_RESULT_REJECTED);
    assert_string_equal(last_cause(task), "released");
    expect_stock(task, 10, 0);
}

static void a_hold_ends_with_its_time(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 4);
    fake_task_advance_ms(task, HOLD_MS - 1);
    fake_task_punctuate(task);
    expect_stock(task, 10, 4);
    fake_task_advance_ms(task, 1);
    fake_task_punctuate(task);
    assert_int_equal(fake_task_count(task, SHOP_STOCK_RESERVATION_EXPIRED), 1);
    expect_stock(task, 10, 0);
}

static void a_commit_after_the_time_takes_the_units_if_they_are_still_free(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 6);
    fake_task_advance_ms(task, HOLD_MS);
    fake_task_punctuate(task);
    commit_units(task, 1, 6);
    assert_string_equal(last_result(task), SHOP_RESULT_COMMITTED);
    expect_stock(task, 4, 0);
}

static void a_commit_after_the_time_is_refused_when_the_units_are_gone(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 6);
    fake_task_advance_ms(task, HOLD_MS);
    fake_task_punctuate(task);
    reserve_units(task, 2, 6);
    commit_units(task, 1, 6);
    assert_string_equal(last_result(task), SHOP_RESULT_COMMIT_REJECTED);
    assert_string_equal(last_cause(task), "expired");
    expect_stock(task, 10, 6);
}

static void an_adjustment_leaves_the_held_units_and_has_a_bound(void **state)
{
    struct fake_task *task = *state;
    reserve_units(task, 1, 4);
    adjust_stock(task, -7);
    rules_expect_refused(task, SHOP_REASON_STOCK_HELD);
    adjust_stock(task, -6);
    rules_expect_accepted(task);
    expect_stock(task, 4, 4);
    adjust_stock(task, SHOP_STOCK_MAX);
    rules_expect_refused(task, SHOP_REASON_STOCK_LIMIT);
    adjust_stock(task, INT64_MAX);
    rules_expect_refused(task, SHOP_REASON_STOCK_LIMIT);
}

static void an_operator_adjusts_with_a_reason_only(void **state)
{
    struct fake_task *task = *state;
    struct shop_adjust_stock command = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), 1, mr_cstr("")};
    rules_send(task, SHOP_ADJUST_STOCK, &command);
    rules_expect_refused(task, SHOP_REASON_OPERATOR_GIVES_REASON);
    command.meta = fake_task_command(task, "operator");
    command.cause = mr_cstr("found behind the shelf");
    rules_send(task, SHOP_ADJUST_STOCK, &command);
    const struct shop_stock_adjusted *event = fake_task_last(task, SHOP_STOCK_ADJUSTED);
    assert_true(mr_bytes_equal(event->meta.reason, command.cause));
    assert_int_equal(task->decision->version, event->meta.aggregate_version);
    command.meta = fake_task_command(task, "system");
    command.cause = mr_cstr("");
    rules_send(task, SHOP_ADJUST_STOCK, &command);
    rules_expect_accepted(task);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, set_up, rules_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(units_are_held_until_there_are_no_more),
        RULE(a_reservation_that_comes_twice_holds_once),
        RULE(another_price_than_the_promised_one_is_refused_with_the_true_one),
        RULE(a_product_that_is_not_sold_is_not_held),
        RULE(a_commit_takes_the_units_and_comes_twice_without_harm),
        RULE(a_commit_of_nothing_is_refused),
        RULE(a_release_frees_what_was_held_and_restocks_what_was_committed),
        RULE(a_reservation_after_its_release_is_refused),
        RULE(a_hold_ends_with_its_time),
        RULE(a_commit_after_the_time_takes_the_units_if_they_are_still_free),
        RULE(a_commit_after_the_time_is_refused_when_the_units_are_gone),
        RULE(an_adjustment_leaves_the_held_units_and_has_a_bound),
        RULE(an_operator_adjusts_with_a_reason_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
