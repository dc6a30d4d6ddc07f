/* import_match_test.c - an invoice beside the orders of its number: what is left, what contradicts.
 */
#include <tests/cmocka.h>
#include <tools/retail_match.h>

enum { A, B, C, LINES_MAX = 4 };

/* A basket of lines, and an order of others; both end with a quantity of 0. */
static const char *match_invoice(
    const struct retail_line *invoice, const struct retail_line *order, int32_t left[LINES_MAX])
{
    struct retail retail = {.lines = invoice};
    struct retail_basket basket = {0};
    struct retail_match match = {0};
    while (invoice[basket.lines_count].quantity) {
        left[basket.lines_count] = invoice[basket.lines_count].quantity;
        basket.lines_count++;
    }
    for (; order->quantity; order++)
        retail_match_line(&match, &retail, &basket, *order, left);
    return retail_match_conflict(&match, &basket, left);
}

#define LINES(...) ((const struct retail_line[]){__VA_ARGS__, {0, 0}})

static void the_same_lines_leave_nothing(void **state)
{
    (void)state;
    int32_t left[LINES_MAX] = {0};
    assert_null(match_invoice(LINES({A, 5}, {B, 2}), LINES({B, 2}, {A, 5}), left));
    assert_int_equal(left[0] + left[1], 0);
    /* A cart makes one line of a product's lines. */
    assert_null(match_invoice(LINES({A, 5}, {A, 2}), LINES({A, 7}), left));
    assert_int_equal(left[0] + left[1], 0);
}

static void an_invoice_that_has_grown_leaves_what_is_new(void **state)
{
    (void)state;
    int32_t left[LINES_MAX] = {0};
    assert_null(match_invoice(LINES({A, 5}, {B, 2}), LINES({A, 5}), left));
    assert_int_equal(left[0], 0);
    assert_int_equal(left[1], 2);
    assert_null(match_invoice(LINES({A, 5}, {A, 3}), LINES({A, 6}), left));
    assert_int_equal(left[0], 0);
    assert_int_equal(left[1], 2);
}

static void an_invoice_that_grew_before_leaves_nothing(void **state)
{
    (void)state;
    int32_t left[LINES_MAX] = {0};
    assert_null(match_invoice(LINES({A, 5}), LINES({A, 5}, {B, 2}), left));
    assert_int_equal(left[0], 0);
}

static void an_invoice_that_was_split_over_files_is_left_whole(void **state)
{
    (void)state;
    int32_t left[LINES_MAX] = {0};
    assert_null(match_invoice(LINES({A, 5}, {B, 2}), LINES({C, 1}), left));
    assert_int_equal(left[0], 5);
    assert_int_equal(left[1], 2);
}

static void contradictions_are_named(void **state)
{
    (void)state;
    int32_t left[LINES_MAX] = {0};
    struct retail_match other = {.other_customer = true, .is_smaller = true};
    struct retail_basket basket = {0};
    assert_string_equal(match_invoice(LINES({A, 3}), LINES({A, 5}), left), "with more units of ");
    assert_string_equal(
        match_invoice(LINES({A, 3}, {B, 9}), LINES({A, 5}, {B, 9}), left), "with more units of ");
    assert_string_equal(
        match_invoice(LINES({A, 5}, {B, 1}), LINES({A, 5}, {C, 1}), left), "with other lines");
    assert_string_equal(
        match_invoice(LINES({A, 6}), LINES({A, 5}, {C, 1}), left), "with other lines");
    assert_string_equal(retail_match_conflict(&other, &basket, left), "of another customer");
}

static void no_order_leaves_everything(void **state)
{
    (void)state;
    struct retail_match none = {0};
    struct retail_basket basket = {.lines_count = 1};
    int32_t left[] = {5};
    assert_null(retail_match_conflict(&none, &basket, left));
    assert_true(retail_match_has_left(&basket, left));
    left[0] = 0;
    assert_false(retail_match_has_left(&basket, left));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_lines_leave_nothing),
        cmocka_unit_test(an_invoice_that_has_grown_leaves_what_is_new),
        cmocka_unit_test(an_invoice_that_grew_before_leaves_nothing),
        cmocka_unit_test(an_invoice_that_was_split_over_files_is_left_whole),
        cmocka_unit_test(contradictions_are_named),
        cmocka_unit_test(no_order_leaves_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
