/* command_policy_test.c - what the write side takes from outside, and what it refuses. */
#include "policy.h"

#include <tests/cmocka.h>

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

static bool takes_key(const char *header, const char *wanted)
{
    struct mr_bytes key = {0};
    return policy_idempotency_key(mr_cstr(header), &arena, &key) &&
           mr_bytes_equal(key, mr_cstr(wanted));
}

static bool refuses_key(const char *header)
{
    struct mr_bytes key = {0};
    return !policy_idempotency_key(mr_cstr(header), &arena, &key) && !key.ptr;
}

static void keys_may_be_quoted_or_bare(void **state)
{
    (void)state;
    assert_true(takes_key("\"0123456789abcdef\"", "0123456789abcdef"));
    assert_true(takes_key("0123456789abcdef", "0123456789abcdef"));
    assert_true(takes_key("\"0123456789\\\"\\\\cdef\"", "0123456789\"\\cdef"));
    assert_true(
        takes_key("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"));
}

static void keys_of_the_wrong_form_or_length_are_refused(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'k', sizeof longest);
    longest[65] = '\0';
    assert_true(refuses_key(longest));
    longest[64] = '\0';
    assert_true(takes_key(longest, longest));
    assert_true(refuses_key(""));
    assert_true(refuses_key("0123456789abcde"));
    assert_true(refuses_key("\"0123456789abcdef"));
    assert_true(refuses_key("\"0123456789abcdef\\\""));
    assert_true(refuses_key("\"0123456789\"abcdef\""));
    assert_true(refuses_key("0123456789 abcdef"));
    assert_true(refuses_key("0123456789abcdef\xc3\xa4"));
    assert_true(refuses_key("\"0123456789 abcdef\""));
    struct mr_bytes key = {0};
    assert_false(policy_idempotency_key((struct mr_bytes){0}, &arena, &key));
}

static bool good_password(const char *password)
{
    return policy_password_problem(mr_cstr(password), mr_cstr("ada@shop.example")) == NULL;
}

static void passwords_are_judged_by_length_and_fame_only(void **state)
{
    (void)state;
    char longest[1026];
    memset(longest, 'x', sizeof longest);
    longest[1025] = '\0';
    assert_false(good_password(longest));
    longest[1024] = '\0';
    assert_true(good_password(longest));
    assert_true(good_password("correct horse battery"));
    assert_true(good_password("        "));
    assert_false(good_password("1234567"));
    assert_false(good_password("Password1"));
    assert_false(good_password("QWERTYUIOP"));
    assert_false(good_password("Ada@Shop.example"));
}

static void only_catalogue_positions_are_required(void **state)
{
    (void)state;
    const struct topo_position positions[] = {
        {"catalog.product.events", 3, 17},
        {"sales.cart.events", 1, 5},
        {"catalog.product.events", 4, 20},
    };
    struct mr_bytes list = policy_requires_position(positions, 3, "catalog.", &arena);
    assert_true(
        mr_bytes_equal(list, mr_cstr("catalog.product.events:3:17,catalog.product.events:4:20")));
    assert_null(policy_requires_position(positions + 1, 1, "catalog.", &arena).ptr);
}

static void a_network_is_the_front_of_an_address(void **state)
{
    static const char *const expected[][2] = {
        {"192.0.2.77", "192.0.2."},
        {"192.0.2.78", "192.0.2."},
        {"::ffff:192.0.2.1", "192.0.2."},
        {"2001:db8:1:2300::5", "2001:0db8:0001:23"},
        {"2001:db8:1:23ff:8::5", "2001:0db8:0001:23"},
        {"2001:db8:1:2400::5", "2001:0db8:0001:24"},
        {"127.0.0.1", ""},
        {"::1", ""},
        {"", ""},
        {"unknown", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct mr_bytes network = policy_network(mr_cstr(expected[i][0]), &arena);
        assert_true(mr_bytes_equal(network, mr_cstr(expected[i][1])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_may_be_quoted_or_bare),
        cmocka_unit_test(keys_of_the_wrong_form_or_length_are_refused),
        cmocka_unit_test(passwords_are_judged_by_length_and_fame_only),
        cmocka_unit_test(only_catalogue_positions_are_required),
        cmocka_unit_test(a_network_is_the_front_of_an_address),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
