/* amount_test.c - amounts as people write them: which are taken, and that they come back. */
#include <tests/cmocka.h>
#include <tools/amount.h>

enum { AMOUNT_MAX = 100000 };

static int64_t read_amount(const char *text, int exponent)
{
    int64_t minor = -1;
    return amount_read(mr_cstr(text), exponent, AMOUNT_MAX, &minor) ? minor : -1;
}

static void an_amount_is_in_the_currencys_smallest_unit(void **state)
{
    (void)state;
    assert_int_equal(read_amount("12.50", 2), 1250);
    assert_int_equal(read_amount("12.5", 2), 1250);
    assert_int_equal(read_amount("12", 2), 1200);
    assert_int_equal(read_amount("0.01", 2), 1);
    assert_int_equal(read_amount("007", 0), 7);
    assert_int_equal(read_amount("1.005", 3), 1005);
    assert_int_equal(read_amount("1000.00", 2), AMOUNT_MAX);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "0",
        "0.00",
        "-1",
        "+1",
        "1,50",
        "1.505",
        "1.",
        ".5",
        "1.2.3",
        "1e3",
        " 1",
        "1 ",
        "1000.01",
        "99999999999999999999999999",
        "0x10",
        "1_000"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (read_amount(wrong[i], 2) != -1)
            fail_msg("%s was taken", wrong[i]);
    assert_int_equal(read_amount("1.0", 0), -1);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    for (int exponent = 0; exponent <= 3; exponent++)
        for (int64_t minor = 1; minor <= 2050; minor++) {
            struct mr_bytes text = amount_write(&arena, minor, exponent);
            int64_t back = 0;
            assert_true(amount_read(text, exponent, AMOUNT_MAX, &back));
            assert_int_equal(back, minor);
        }
    assert_true(mr_bytes_equal(amount_write(&arena, -5, 2), mr_cstr("-0.05")));
    mr_arena_clean_up(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_is_in_the_currencys_smallest_unit),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
