/*
 * codec_wire_test.c - single values on the wire: numbers, lengths, branches, blocks, and bad ones.
 */
#include <tests/cmocka.h>

#include "wire.h"

#include <schemas/shop.h>

static struct codec_reader reader_of(const char *bytes, size_t len)
{
    const uint8_t *at = (const uint8_t *)bytes;
    return (struct codec_reader){.at = at, .end = at + len};
}

static void numbers_of_every_size_come_back(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++)
        for (int64_t near = -2; near <= 2; near++) {
            int64_t value = (int64_t)((UINT64_C(1) << shift) + (uint64_t)near);
            uint8_t bytes[10];
            uint8_t *end = codec_put_long(bytes, value);
            struct codec_reader in = {.at = bytes, .end = end};
            int64_t back = 0;
            assert_true(codec_get_long(&in, &back));
            assert_true(back == value);
            assert_ptr_equal(in.at, end);
        }
}

static void zigzag_is_as_the_specification_shows_it(void **state)
{
    (void)state;
    const int64_t values[] = {0, -1, 1, -2, 2, -64, 64};
    const char *bytes[] = {"\x00", "\x01", "\x02", "\x03", "\x04", "\x7f", "\x80\x01"};
    for (size_t i = 0; i < 7; i++) {
        uint8_t out[10];
        size_t len = (size_t)(codec_put_long(out, values[i]) - out);
        assert_int_equal(len, i == 6 ? 2 : 1);
        assert_memory_equal(out, bytes[i], len);
    }
}

static void a_number_over_64_bits_is_refused(void **state)
{
    (void)state;
    int64_t value;
    struct codec_reader most = reader_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_true(codec_get_long(&most, &value));
    assert_true(value == INT64_MIN);
    struct codec_reader over = reader_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    assert_false(codec_get_long(&over, &value));
    struct codec_reader longer = reader_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11);
    assert_false(codec_get_long(&longer, &value));
    assert_string_equal(longer.problem, "a number over 64 bits");
    struct codec_reader cut = reader_of("\x80\x80", 2);
    assert_false(codec_get_long(&cut, &value));
    assert_string_equal(cut.problem, "truncated");
}

static void an_int_over_32_bits_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[10];
    int32_t value = 0;
    const int64_t good[] = {INT32_MIN, INT32_MAX};
    const int64_t bad[] = {(int64_t)INT32_MIN - 1, (int64_t)INT32_MAX + 1};
    for (int i = 0; i < 2; i++) {
        struct codec_reader in = {.at = bytes, .end = codec_put_long(bytes, good[i])};
        assert_true(codec_get_int(&in, &value));
        assert_true(value == good[i]);
        in = (struct codec_reader){.at = bytes, .end = codec_put_long(bytes, bad[i])};
        assert_false(codec_get_int(&in, &value));
    }
}

static void booleans_and_branches_are_one_of_two(void **state)
{
    (void)state;
    bool flag = false;
    struct codec_reader in = reader_of("\x01\x02\x02", 3);
    assert_true(codec_get_boolean(&in, &flag));
    assert_true(flag);
    assert_false(codec_get_boolean(&in, &flag));
    in = reader_of("\x02\x00\x04\x01", 4);
    assert_true(codec_get_branch(&in, &flag));
    assert_true(flag);
    assert_true(codec_get_branch(&in, &flag));
    assert_false(flag);
    assert_false(codec_get_branch(&in, &flag));
    assert_false(codec_get_branch(&in, &flag));
}

static void a_length_is_held_against_what_is_left(void **state)
{
    (void)state;
    struct mr_bytes text = {0};
    struct codec_reader in = reader_of("\x04ok", 3);
    assert_true(codec_get_bytes(&in, &text));
    assert_true(mr_bytes_equal(text, mr_cstr("ok")));
    in = reader_of("\x06ok", 3);
    assert_false(codec_get_bytes(&in, &text));
    assert_string_equal(in.problem, "truncated");
    in = reader_of("\x01ok", 3);
    assert_false(codec_get_bytes(&in, &text));
    assert_string_equal(in.problem, "a negative length");
    in = reader_of("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_false(codec_get_bytes(&in, &text));
}

static void an_empty_string_is_a_value(void **state)
{
    (void)state;
    struct mr_bytes text = {0};
    struct codec_reader in = reader_of("\x00", 1);
    assert_true(codec_get_bytes(&in, &text));
    assert_non_null(text.ptr);
    assert_int_equal(text.len, 0);
}

static bool read_slugs(const char *bytes, size_t len, struct mr_arena *arena, size_t *ret_count)
{
    struct codec_reader in = reader_of(bytes, len);
    struct codec_items items = {.item_size = sizeof(struct mr_bytes), .item_bytes_min = 1};
    do {
        if (!codec_get_block(&in, arena, &items))
            return false;
        struct mr_bytes *texts = items.ptr;
        for (size_t i = items.count; i < items.count + items.block; i++)
            if (!codec_get_bytes(&in, &texts[i]))
                return false;
        items.count += items.block;
    } while (items.block);
    *ret_count = items.count;
    return in.at == in.end;
}

static void arrays_come_in_any_number_of_blocks(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    size_t count = 0;
    assert_true(read_slugs("\x00", 1, &arena, &count));
    assert_int_equal(count, 0);
    assert_true(read_slugs("\x04\x02\x61\x02\x62\x00", 6, &arena, &count));
    assert_int_equal(count, 2);
    assert_true(read_slugs("\x02\x02\x61\x02\x02\x62\x02\x02\x63\x00", 10, &arena, &count));
    assert_int_equal(count, 3);
    assert_true(read_slugs("\x03\x08\x02\x61\x02\x62\x00", 7, &arena, &count)); /* With a size. */
    assert_int_equal(count, 2);
    mr_arena_clean_up(&arena);
}

static void a_count_without_bytes_for_it_allocates_nothing(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    size_t count = 0;
    assert_false(read_slugs("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &arena, &count));
    assert_false(read_slugs("\x80\x80\x80\x80\x10\x00\x00", 7, &arena, &count));
    assert_false(
        read_slugs("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00", 12, &arena, &count));
    assert_int_equal(arena.used_bytes, 0);
    mr_arena_clean_up(&arena);
}

static void many_small_blocks_cost_memory_in_proportion(void **state)
{
    (void)state;
    enum { BLOCKS = 20000 };
    struct mr_arena arena = {0};
    struct mr_buffer bytes = {0};
    for (int i = 0; i < BLOCKS; i++)
        mr_buffer_add(&bytes, mr_bytes_of("\x02\x00", 2));
    mr_buffer_add_byte(&bytes, 0);
    size_t count = 0;
    assert_true(read_slugs(bytes.ptr, bytes.len, &arena, &count));
    assert_int_equal(count, BLOCKS);
    assert_in_range(arena.used_bytes, 0, 8 * BLOCKS * sizeof(struct mr_bytes));
    mr_buffer_clean_up(&bytes);
    mr_arena_clean_up(&arena);
}

static void the_innermost_field_is_named(void **state)
{
    (void)state;
    struct shop_cart_line line;
    struct mr_arena arena = {0};
    /* product_id, sku, title, quantity, unit_price.minor */
    struct codec_reader in = reader_of("\x00\x00\x00\x02\x02", 5);
    assert_int_equal(shop_cart_line_decode(&in, &arena, &line), MR_MALFORMED);
    assert_string_equal(in.where, "Money.currency");
    mr_arena_clean_up(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_every_size_come_back),
        cmocka_unit_test(zigzag_is_as_the_specification_shows_it),
        cmocka_unit_test(a_number_over_64_bits_is_refused),
        cmocka_unit_test(an_int_over_32_bits_is_refused),
        cmocka_unit_test(booleans_and_branches_are_one_of_two),
        cmocka_unit_test(a_length_is_held_against_what_is_left),
        cmocka_unit_test(an_empty_string_is_a_value),
        cmocka_unit_test(arrays_come_in_any_number_of_blocks),
        cmocka_unit_test(a_count_without_bytes_for_it_allocates_nothing),
        cmocka_unit_test(many_small_blocks_cost_memory_in_proportion),
        cmocka_unit_test(the_innermost_field_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
