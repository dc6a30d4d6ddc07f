/* command_session_test.c - a refresh token is ours, whole and for one generation, or nothing. */
#include "session.h"

#include <tests/cmocka.h>

static const struct sealing_key key = {{1, 2, 3}};
static struct mr_arena arena;

static int set_up(void **state)
{
    (void)state;
    mr_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mr_arena_clean_up(&arena);
    return 0;
}

static struct mr_bytes token_of(int generation)
{
    struct session session = {mr_cstr("usr_1"), mr_cstr("ses_1"), generation};
    return session_refresh_token(&key, &session, &arena);
}

static bool is_ours(struct mr_bytes token)
{
    struct session session;
    return session_of_refresh_token(&key, token, &arena, &session);
}

static void a_token_is_read_as_it_was_made(void **state)
{
    struct session session;
    (void)state;
    assert_true(session_of_refresh_token(&key, token_of(7), &arena, &session));
    assert_true(mr_bytes_equal(session.user_id, mr_cstr("usr_1")));
    assert_true(mr_bytes_equal(session.session_id, mr_cstr("ses_1")));
    assert_int_equal(session.generation, 7);
}

static void it_is_the_same_every_time_and_another_by_generation(void **state)
{
    (void)state;
    assert_true(mr_bytes_equal(token_of(1), token_of(1)));
    assert_false(mr_bytes_equal(token_of(1), token_of(2)));
}

static void a_changed_token_is_not_ours(void **state)
{
    struct mr_bytes token = token_of(1);
    (void)state;
    for (size_t i = 0; i < token.len; i++) {
        char *changed = mr_arena_alloc(&arena, token.len);
        memcpy(changed, token.ptr, token.len);
        changed[i] = changed[i] == '1' ? '2' : '1';
        assert_false(is_ours(mr_bytes_of(changed, token.len)));
        assert_false(is_ours(mr_bytes_of(token.ptr, i)));
    }
    assert_false(is_ours(mr_arena_printf(&arena, "%.*sx", MR_ARG(token))));
    assert_false(is_ours((struct mr_bytes){0}));
}

static void another_key_makes_another_token(void **state)
{
    const struct sealing_key other = {{1, 2, 4}};
    struct session session;
    (void)state;
    assert_false(session_of_refresh_token(&other, token_of(1), &arena, &session));
}

/* "01" and "+1" would be a second token of generation 1. */
static void a_generation_is_written_in_one_way(void **state)
{
    static const char *const written[] = {"", "01", "+1", "-1", " 1", "1e0", "9999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
        assert_false(is_ours(mr_arena_printf(&arena, "usr_1.ses_1.%s.abc", written[i])));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_read_as_it_was_made),
        TEST(it_is_the_same_every_time_and_another_by_generation),
        TEST(a_changed_token_is_not_ours),
        TEST(another_key_makes_another_token),
        TEST(a_generation_is_written_in_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
