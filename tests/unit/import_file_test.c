/* import_file_test.c - the real file has the totals that are published of it. */
#include <tests/cmocka.h>
#include <tools/retail.h>

static const struct retail *retail;

static int load_file(void **state)
{
    (void)state;
    struct mr_error error;
    return retail_load(RETAIL_FILE, &retail, &error);
}

static int unload_file(void **state)
{
    (void)state;
    retail_free(retail);
    return 0;
}

static void every_line_is_read_and_accounted_for(void **state)
{
    (void)state;
    int64_t skipped = 0;
    for (int i = 0; i < RETAIL_SKIPS; i++)
        skipped += retail->lines_skipped[i];
    assert_int_equal(retail->lines_read, 431673);
    assert_int_equal(retail->lines_qualifying, 421623);
    assert_int_equal(retail->lines_qualifying + skipped, retail->lines_read);
}

static void it_has_the_known_products_customers_and_baskets(void **state)
{
    (void)state;
    size_t free_of_charge = 0;
    int64_t units = 0;
    for (size_t i = 0; i < retail->products_count; i++) {
        free_of_charge += retail->products[i].price_minor == 0;
        units += retail->products[i].units;
    }
    assert_int_equal(retail->products_count, 3763);
    assert_int_equal(free_of_charge, 1);
    assert_int_equal(retail->customers_count, 3974);
    assert_int_equal(retail->baskets_count, 16371);
    assert_int_equal(units, 4519620);
}

static void it_comes_to_the_known_sums(void **state)
{
    (void)state;
    struct retail_sums all = retail_sums_of(retail, retail->baskets_count);
    struct retail_sums some = retail_sums_of(retail, 2000);
    assert_int_equal(all.units, 4519620);
    assert_int_equal(all.total_minor, 848114959);
    assert_int_equal(some.units, 500006);
    assert_int_equal(some.total_minor, 106568078);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_read_and_accounted_for),
        cmocka_unit_test(it_has_the_known_products_customers_and_baskets),
        cmocka_unit_test(it_comes_to_the_known_sums),
    };
    return cmocka_run_group_tests(tests, load_file, unload_file);
}
