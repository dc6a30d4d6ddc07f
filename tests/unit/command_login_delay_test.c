/*
 * command_login_delay_test.c - failures slow an account down, never lock it, and success forgives.
 */
#include "login_delay.h"

#include <tests/cmocka.h>

#include <stdio.h>

static const struct login_attempt ada = {MR_LITERAL("ada"), MR_LITERAL("192.0.2.")};
static const struct login_attempt bob = {MR_LITERAL("bob"), MR_LITERAL("192.0.2.")};
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
    for (int i = 0; i < times; i++) {
        assert_int_equal(login_delay_begin(delay, &ada, now_ms), 0);
        login_delay_end(delay, &ada, LOGIN_WRONG, now_ms);
    }
}

/* As many attempts as are allowed, each as soon as it is. Returns when the last was made. */
static int64_t fail_for_long(int times)
{
    int64_t now_ms = 1000;
    for (int i = 0; i < times;) {
        int wait_s = login_delay_begin(delay, &ada, now_ms);
        now_ms += 1000 * (int64_t)wait_s;
        if (wait_s == 0) {
            login_delay_end(delay, &ada, LOGIN_WRONG, now_ms);
            i++;
        }
    }
    return now_ms;
}

static void a_few_failures_cost_nothing(void **state)
{
    (void)state;
    fail_times(5, 1000);
}

static void from_the_fifth_on_the_wait_doubles(void **state)
{
    (void)state;
    fail_times(5, 1000);
    assert_int_equal(login_delay_begin(delay, &ada, 1000), 1);
    fail_times(1, 2000);
    assert_int_equal(login_delay_begin(delay, &ada, 2000), 2);
    fail_times(1, 4000);
    assert_int_equal(login_delay_begin(delay, &ada, 4000), 4);
    assert_int_equal(login_delay_begin(delay, &bob, 4000), 0);
}

static void right_passwords_are_let_in_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++)
        assert_int_equal(login_delay_begin(delay, &ada, 1000), 0);
    for (int i = 0; i < 12; i++)
        login_delay_end(delay, &ada, LOGIN_RIGHT, 1000);
    for (int i = 0; i < 16; i++)
        assert_int_equal(login_delay_begin(delay, &ada, 1000), 0);
    assert_int_equal(login_delay_begin(delay, &ada, 1000), LOGIN_DELAY_BUSY);
}

static void many_guesses_at_once_are_no_way_around_it(void **state)
{
    int allowed = 0;
    (void)state;
    fail_times(4, 1000);
    for (int i = 0; i < 64; i++) /* None has been judged yet. */
        allowed += login_delay_begin(delay, &ada, 1000) == 0;
    assert_int_equal(allowed, 1);
    login_delay_end(delay, &ada, LOGIN_WRONG, 1000);
    assert_int_equal(login_delay_begin(delay, &ada, 1000), 1);
}

static void what_is_refused_does_not_lengthen_it(void **state)
{
    (void)state;
    fail_times(5, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(login_delay_begin(delay, &ada, 1500), 1);
    fail_times(1, 2000);
}

static void it_is_never_more_than_an_hour(void **state)
{
    (void)state;
    int64_t now_ms = fail_for_long(30);
    assert_int_equal(login_delay_begin(delay, &ada, now_ms), 3600);
    assert_int_equal(login_delay_begin(delay, &ada, now_ms + 3600000), 0);
}

static void success_forgives_half(void **state)
{
    (void)state;
    fail_times(4, 1000);
    assert_int_equal(login_delay_begin(delay, &ada, 1000), 0);
    login_delay_end(delay, &ada, LOGIN_RIGHT, 1000);
    fail_times(3, 1000); /* And not five. */
    assert_int_equal(login_delay_begin(delay, &ada, 1000), 1);
}

static void an_attempt_that_was_not_made_is_taken_back(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(login_delay_begin(delay, &ada, 1000), 0);
        login_delay_end(delay, &ada, LOGIN_NOT_TRIED, 1000);
    }
    fail_times(5, 1000);
}

static void old_failures_are_forgotten(void **state)
{
    (void)state;
    int64_t now_ms = fail_for_long(10);
    fail_times(5, now_ms + 25 * INT64_C(3600) * 1000);
}

static void the_log_ins_of_others_do_not_make_an_account_forgotten(void **state)
{
    (void)state;
    fail_times(5, 1000);
    for (int i = 0; i < 1000000; i++) {
        char other[16];
        struct login_attempt attempt = {
            mr_bytes_of(other, (size_t)snprintf(other, sizeof other, "%d", i)), {0}};
        (void)login_delay_begin(delay, &attempt, 1000);
        login_delay_end(delay, &attempt, LOGIN_WRONG, 1000);
    }
    assert_int_equal(login_delay_begin(delay, &ada, 1000), 1);
}

static void the_owner_is_let_in_from_another_network(void **state)
{
    static const struct login_attempt owner = {MR_LITERAL("ada"), MR_LITERAL("203.0.113.")};
    (void)state;
    int64_t now_ms = fail_for_long(30);
    assert_int_equal(login_delay_begin(delay, &ada, now_ms), 3600);
    assert_int_equal(login_delay_begin(delay, &owner, now_ms), 0);
    login_delay_end(delay, &owner, LOGIN_RIGHT, now_ms);
    assert_int_equal(login_delay_begin(delay, &ada, now_ms), 3600);
}

/* One wrong password for each of so many accounts. */
static void try_accounts(struct mr_bytes network, int count, int64_t now_ms)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        struct login_attempt attempt = {
            mr_bytes_of(name, (size_t)snprintf(name, sizeof name, "%d", i)), network};
        assert_int_equal(login_delay_begin(delay, &attempt, now_ms), 0);
        login_delay_end(delay, &attempt, LOGIN_WRONG, now_ms);
    }
}

static void one_network_that_tries_many_accounts_is_slowed(void **state)
{
    static const struct login_attempt elsewhere = {MR_LITERAL("bob"), MR_LITERAL("203.0.113.")};
    (void)state;
    try_accounts(ada.network, 31, 1000);
    assert_int_equal(login_delay_begin(delay, &bob, 1000), 1);
    assert_int_equal(login_delay_begin(delay, &elsewhere, 1000), 0);
    assert_int_equal(login_delay_begin(delay, &bob, 2000), 0);
    login_delay_end(delay, &bob, LOGIN_RIGHT, 2000); /* An account of its own helps nobody. */
    assert_int_equal(login_delay_begin(delay, &bob, 1500), 1);
}

static void a_network_waits_a_minute_at_most_and_is_forgiven(void **state)
{
    int64_t now_ms = 1000;
    (void)state;
    try_accounts(ada.network, 30, now_ms);
    for (int i = 0; i < 20; i++) {
        login_delay_end(delay, &bob, LOGIN_WRONG, now_ms);
    }
    assert_int_equal(
        login_delay_begin(delay, &(struct login_attempt){MR_LITERAL("eve"), ada.network}, now_ms),
        60);
    now_ms += 20 * 60 * 1000;
    try_accounts(ada.network, 15, now_ms);
}

/* A proxy that is not named as one would make all clients this machine. */
static void this_machine_is_not_counted_as_a_network(void **state)
{
    (void)state;
    try_accounts((struct mr_bytes){0}, 200, 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_few_failures_cost_nothing),
        TEST(from_the_fifth_on_the_wait_doubles),
        TEST(right_passwords_are_let_in_at_once),
        TEST(many_guesses_at_once_are_no_way_around_it),
        TEST(what_is_refused_does_not_lengthen_it),
        TEST(it_is_never_more_than_an_hour),
        TEST(success_forgives_half),
        TEST(an_attempt_that_was_not_made_is_taken_back),
        TEST(old_failures_are_forgotten),
        TEST(the_owner_is_let_in_from_another_network),
        TEST(one_network_that_tries_many_accounts_is_slowed),
        TEST(a_network_waits_a_minute_at_most_and_is_forgiven),
        TEST(this_machine_is_not_counted_as_a_network),
        TEST(the_log_ins_of_others_do_not_make_an_account_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
