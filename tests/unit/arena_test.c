/* arena_test.c - arenas and growing buffers. */
#include <base/arena.h>
#include <base/buffer.h>
#include <tests/cmocka.h>

static void allocations_do_not_overlap_across_blocks(void **state)
{
    (void)state;
    struct mr_arena arena;
    mr_arena_init(&arena);
    char *first = mr_arena_alloc(&arena, 10000);
    char *second = mr_arena_alloc(&arena, 3000000);
    memset(first, 'a', 10000);
    memset(second, 'b', 3000000);
    assert_int_equal(first[9999], 'a');
    assert_int_equal((uintptr_t)second % 16, 0);
    mr_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(mr_arena_alloc(&arena, 1));
    mr_arena_clean_up(&arena);
}

static void printf_and_copy_leave_the_nul_out(void **state)
{
    (void)state;
    struct mr_arena arena;
    mr_arena_init(&arena);
    struct mr_bytes text = mr_arena_printf(&arena, "%s-%d", "order", 7);
    assert_int_equal(text.len, 7);
    assert_string_equal(text.ptr, "order-7");
    assert_null(mr_arena_copy(&arena, mr_cstr(NULL)).ptr);
    mr_arena_clean_up(&arena);
}

static void buffer_keeps_what_was_written_while_growing(void **state)
{
    (void)state;
    struct mr_buffer buffer;
    mr_buffer_init(&buffer);
    for (int i = 0; i < 1000; i++)
        mr_buffer_printf(&buffer, "%04d", i);
    assert_int_equal(buffer.len, 4000);
    assert_memory_equal(buffer.ptr + 3996, "0999", 4);
    mr_buffer_reset(&buffer);
    mr_buffer_add_byte(&buffer, 'x');
    assert_int_equal(mr_buffer_view(&buffer).len, 1);
    mr_buffer_clean_up(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_do_not_overlap_across_blocks),
        cmocka_unit_test(printf_and_copy_leave_the_nul_out),
        cmocka_unit_test(buffer_keeps_what_was_written_while_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
