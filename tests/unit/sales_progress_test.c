/* sales_progress_test.c - facts about an order only move forward: every step from every fact. */
#include "../../processors/src/sales_progress.h"

#include <tests/cmocka.h>

#include <stdio.h>

enum { LINES = 3, PAYMENT_FACTS = 5 };

static const char *const payment_facts[PAYMENT_FACTS] = {
    "none",
    SHOP_RESULT_AUTHORIZED,
    SHOP_RESULT_CAPTURED,
    SHOP_RESULT_DECLINED,
    SHOP_RESULT_RETURNED,
};

static struct order progress_order(struct mr_arena *arena)
{
    struct order order = {.id = mr_cstr("ord_x"), .state = {.lines = LINES}};
    order.progress = progress_new(arena, order.id, LINES, &order.facts);
    return order;
}

static int32_t progress_counted(const struct order *order)
{
    return order->progress.reserved + order->progress.committed + order->progress.rejected +
           order->progress.released;
}

static void a_line_moves_forward_only_and_is_counted_once(void **state)
{
    struct mr_arena arena = {0};
    (void)state;
    for (enum line_fact known = LINE_UNKNOWN; known <= LINE_RELEASED; known++)
        for (enum line_fact fact = LINE_RESERVED; fact <= LINE_RELEASED; fact++) {
            struct order order = progress_order(&arena);
            if (known != LINE_UNKNOWN)
                assert_true(progress_line(&order, 2, known));
            assert_int_equal(progress_line(&order, 2, fact), fact > known);
            assert_int_equal(order.facts[1], fact > known ? fact : known);
            assert_int_equal(progress_counted(&order), 1);
        }
    mr_arena_clean_up(&arena);
}

static void a_line_the_order_does_not_have_changes_nothing(void **state)
{
    struct mr_arena arena = {0};
    struct order order = progress_order(&arena);
    (void)state;
    assert_false(progress_line(&order, 0, LINE_RESERVED));
    assert_false(progress_line(&order, -1, LINE_RESERVED));
    assert_false(progress_line(&order, LINES + 1, LINE_RESERVED));
    assert_false(progress_line(&order, INT32_MIN, LINE_RESERVED));
    assert_int_equal(progress_counted(&order), 0);
    mr_arena_clean_up(&arena);
}

/* The table of the head of sales_progress.c: from each fact, which are news. */
static void a_payment_moves_forward_only(void **state)
{
    static const bool news[PAYMENT_FACTS][PAYMENT_FACTS] = {
        /* to:       none   authorized captured declined returned */
        [0] = {false, true, true, true, true},
        [1] = {false, false, true, false, true},
        [2] = {false, false, false, false, true},
        [3] = {false, false, false, false, true},
        [4] = {false, false, false, false, false},
    };
    struct mr_arena arena = {0};
    (void)state;
    for (int from = 0; from < PAYMENT_FACTS; from++)
        for (int to = 0; to < PAYMENT_FACTS; to++) {
            struct order order = progress_order(&arena);
            order.progress.payment_fact = mr_cstr(payment_facts[from]);
            if (progress_payment(&order, payment_facts[to]) != news[from][to])
                fail_msg("%s to %s", payment_facts[from], payment_facts[to]);
            assert_true(progress_payment_is(&order, payment_facts[news[from][to] ? to : from]));
        }
    mr_arena_clean_up(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_moves_forward_only_and_is_counted_once),
        cmocka_unit_test(a_line_the_order_does_not_have_changes_nothing),
        cmocka_unit_test(a_payment_moves_forward_only),
    };
    return cmocka_run_group_tests_name("sales_progress", tests, NULL, NULL);
}
