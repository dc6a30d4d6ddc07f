/* command_login_delay_test.c - failures slow an account down, never lock it, and success forgives.
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

static void fail_times(int times, int64_t now_ms)
{
    for (int i = 0; i < times; i++)
        login_delay_failed(delay, ada, now_ms);
}

static void a_few_failures_cost_nothing(void **state)
{
    (void)state;
    fail_times(4, 1000);
    assert_int_equal(login_delay_wait_s(delay, ada, 1000), 0);
}

static void from_the_fifth_on_the_wait_doubles(void **state)
{
    (void)state;
    fail_times(5, 1000);
    assert_int_equal(login_delay_wait_s(delay, ada, 1000), 1);
    assert_int_equal(login_delay_wait_s(delay, ada, 2000), 0);
    fail_times(3, 2000);
    assert_int_equal(login_delay_wait_s(delay, ada, 2000), 8);
    assert_int_equal(login_delay_wait_s(delay, mr_cstr("bob"), 2000), 0);
}

static void it_is_never_more_than_an_hour(void **state)
{
    (void)state;
    fail_times(1000, 1000);
    assert_int_equal(login_delay_wait_s(delay, ada, 1000), 3600);
    assert_int_equal(login_delay_wait_s(delay, ada, 3601000), 0);
}

static void success_forgives(void **state)
{
    (void)state;
    fail_times(10, 1000);
    login_delay_succeeded(delay, ada);
    assert_int_equal(login_delay_wait_s(delay, ada, 1000), 0);
    fail_times(4, 1000);
    assert_int_equal(login_delay_wait_s(delay, ada, 1000), 0);
}

static void old_failures_are_forgotten(void **state)
{
    (void)state;
    fail_times(10, 1000);
    fail_times(1, 25 * INT64_C(3600) * 1000);
    assert_int_equal(login_delay_wait_s(delay, ada, 25 * INT64_C(3600) * 1000), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_few_failures_cost_nothing),
        TEST(from_the_fifth_on_the_wait_doubles),
        TEST(it_is_never_more_than_an_hour),
        TEST(success_forgives),
        TEST(old_failures_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
