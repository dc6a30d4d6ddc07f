/* bytes_test.c - views of bytes, Kafka's partitioner, UUIDs. */
#include <base/bytes.h>
#include <base/id.h>
#include <base/murmur2.h>
#include <tests/cmocka.h>

static void no_value_differs_from_empty(void **state)
{
    (void)state;
    assert_false(mr_bytes_equal(mr_cstr(NULL), mr_cstr("")));
    assert_true(mr_bytes_equal(mr_cstr(NULL), mr_cstr(NULL)));
    assert_true(mr_bytes_equal(mr_cstr("ab"), mr_bytes_of("abc", 2)));
}

static void prefix_sorts_before_the_longer(void **state)
{
    (void)state;
    assert_true(mr_bytes_compare(mr_cstr("ab"), mr_cstr("abc")) < 0);
    assert_true(mr_bytes_compare(mr_cstr("b"), mr_cstr("abc")) > 0);
    assert_int_equal(mr_bytes_compare(mr_cstr(""), mr_cstr("")), 0);
}

static void big_endian_sorts_as_numbers(void **state)
{
    (void)state;
    char small[8];
    char large[8];
    mr_put_be64(small, 255);
    mr_put_be64(large, 256);
    assert_true(memcmp(small, large, 8) < 0);
    assert_int_equal(mr_get_be64(large), 256);
}

static void murmur2_is_javas(void **state)
{
    (void)state;
    assert_int_equal(mr_murmur2(mr_cstr("21")), -973932308);
    assert_int_equal(mr_murmur2(mr_cstr("foobar")), -790332482);
    assert_int_equal(mr_murmur2(mr_cstr("abc")), 479470107);
    assert_int_equal(mr_partition_of(mr_cstr("21"), 6), (-973932308 & 0x7fffffff) % 6);
}

static void uuid_v7_sorts_by_time_and_reads_back(void **state)
{
    (void)state;
    const uint8_t random[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    char earlier[MR_UUID_TEXT_LEN + 1];
    char later[MR_UUID_TEXT_LEN + 1];
    mr_uuid_format(mr_uuid_v7(1700000000000, random), earlier);
    mr_uuid_format(mr_uuid_v7(1700000000001, random), later);
    assert_true(strcmp(earlier, later) < 0);
    assert_int_equal(earlier[14], '7');
    struct mr_uuid back;
    assert_true(mr_uuid_parse(mr_cstr(earlier), &back));
    char again[MR_UUID_TEXT_LEN + 1];
    mr_uuid_format(back, again);
    assert_string_equal(earlier, again);
    assert_false(mr_uuid_parse(mr_cstr("0198c0de-0000-7000-8000-00000000000g"), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_differs_from_empty),
        cmocka_unit_test(prefix_sorts_before_the_longer),
        cmocka_unit_test(big_endian_sorts_as_numbers),
        cmocka_unit_test(murmur2_is_javas),
        cmocka_unit_test(uuid_v7_sorts_by_time_and_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
