/*
 * command_login_delay_test.c - failures slow an account down, never lock it, and success forgives.
 */
#include "login_delay.h"

#include <tests/cmocka.h>

static const struct mr_bytes ada = MR_LITERAL("ada");
static struct login_delay *delay;

static int set_up(void **state)
{
    (void)state;
    delay = login_delay_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    login_delay_free(delay);
    return 0;
}

static void try_times(int times, int64_t now_ms)
{
    for (int i = 0; i < times; i++)
        assert_int_equal(login_delay_try(delay, ada, now_ms), 0);
}

/* As many attempts as are allowed, each as soon as it is. Returns when the last was made. */
static int64_t fail_for_long(int times)
{
    int64_t now_ms = 1000;
    for (int i = 0; i < times;) {
        int wait_s = login_delay_try(delay, ada, now_ms);
        now_ms += 1000 * (int64_t)wait_s;
        i += wait_s == 0;
    }
    return now_ms;
}

static void a_few_failures_cost_nothing(void **state)
{
    (void)state;
    try_times(5, 1000);
}

static void from_the_fifth_on_the_wait_doubles(void **state)
{
    (void)state;
    try_times(5, 1000);
    assert_int_equal(login_delay_try(delay, ada, 1000), 1);
    try_times(1, 2000);
    assert_int_equal(login_delay_try(delay, ada, 2000), 2);
    try_times(1, 4000);
    assert_int_equal(login_delay_try(delay, ada, 4000), 4);
    assert_int_equal(login_delay_try(delay, mr_cstr("bob"), 4000), 0);
}

static void many_at_once_are_no_way_around_it(void **state)
{
    int allowed = 0;
    (void)state;
    for (int i = 0; i < 64; i++) /* None has been judged yet. */
        allowed += login_delay_try(delay, ada, 1000) == 0;
    assert_int_equal(allowed, 5);
}

static void what_is_refused_does_not_lengthen_it(void **state)
{
    (void)state;
    try_times(5, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(login_delay_try(delay, ada, 1500), 1);
    try_times(1, 2000);
}

static void it_is_never_more_than_an_hour(void **state)
{
    (void)state;
    int64_t now_ms = fail_for_long(30);
    assert_int_equal(login_delay_try(delay, ada, now_ms), 3600);
    assert_int_equal(login_delay_try(delay, ada, now_ms + 3600000), 0);
}

static void success_forgives(void **state)
{
    (void)state;
    int64_t now_ms = fail_for_long(10);
    login_delay_succeeded(delay, ada);
    try_times(5, now_ms);
}

static void an_attempt_that_was_not_made_is_taken_back(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        try_times(1, 1000);
        login_delay_withdraw(delay, ada);
    }
    try_times(5, 1000);
}

static void old_failures_are_forgotten(void **state)
{
    (void)state;
    int64_t now_ms = fail_for_long(10);
    try_times(5, now_ms + 25 * INT64_C(3600) * 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_few_failures_cost_nothing),
        TEST(from_the_fifth_on_the_wait_doubles),
        TEST(many_at_once_are_no_way_around_it),
        TEST(what_is_refused_does_not_lengthen_it),
        TEST(it_is_never_more_than_an_hour),
        TEST(success_forgives),
        TEST(an_attempt_that_was_not_made_is_taken_back),
        TEST(old_failures_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
