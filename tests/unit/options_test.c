/* options_test.c - flags beat the environment, which beats the default; errors name the flag. */
#include <base/options.h>
#include <tests/cmocka.h>

#include <stdlib.h>
#include <string.h>

static const struct mr_option table[] = {
    {"brokers", "TEST_BROKERS", "HOST:PORT", "localhost:9092", "Kafka"},
    {"port", NULL, "PORT", "8080", "where to listen"},
    {"quiet", NULL, NULL, NULL, "say less"},
};

static int
parse_options(struct mr_options *options, struct mr_error *error, int argc, const char **argv)
{
    return mr_options_parse(options, table, 3, argc, (char **)(uintptr_t)argv, error);
}

static void flag_beats_environment_beats_default(void **state)
{
    (void)state;
    struct mr_options options;
    const char *plain[] = {"prog"};
    const char *flagged[] = {"prog", "--brokers=c:3", "--quiet", "operand"};
    assert_int_equal(parse_options(&options, NULL, 1, plain), 0);
    assert_string_equal(mr_options_text(&options, "brokers"), "localhost:9092");
    mr_options_clean_up(&options);
    setenv("TEST_BROKERS", "b:2", 1);
    assert_int_equal(parse_options(&options, NULL, 1, plain), 0);
    assert_string_equal(mr_options_text(&options, "brokers"), "b:2");
    assert_false(mr_options_switch(&options, "quiet"));
    mr_options_clean_up(&options);
    assert_int_equal(parse_options(&options, NULL, 4, flagged), 0);
    assert_string_equal(mr_options_text(&options, "brokers"), "c:3");
    assert_true(mr_options_switch(&options, "quiet"));
    assert_int_equal(options.operands_count, 1);
    mr_options_clean_up(&options);
    unsetenv("TEST_BROKERS");
}

static void errors_name_the_flag(void **state)
{
    (void)state;
    struct mr_options options;
    struct mr_error error;
    const char *unknown[] = {"prog", "--colour"};
    const char *dangling[] = {"prog", "--port"};
    assert_int_equal(parse_options(&options, &error, 2, unknown), MR_CONFIG);
    assert_non_null(strstr(error.text, "--colour"));
    assert_int_equal(parse_options(&options, &error, 2, dangling), MR_CONFIG);
    assert_non_null(strstr(error.text, "--port PORT"));
}

static void integers_are_bounded(void **state)
{
    (void)state;
    struct mr_options options;
    struct mr_error error;
    int64_t port = 0;
    const char *high[] = {"prog", "--port", "65536"};
    const char *letters[] = {"prog", "--port", "80x"};
    assert_int_equal(parse_options(&options, NULL, 3, high), 0);
    assert_int_equal(mr_options_integer(&options, "port", 1, 65535, &port, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "65535"));
    mr_options_clean_up(&options);
    assert_int_equal(parse_options(&options, NULL, 3, letters), 0);
    assert_int_equal(mr_options_integer(&options, "port", 1, 65535, &port, &error), MR_CONFIG);
    assert_int_equal(port, 0);
    mr_options_clean_up(&options);
}

static void mebibytes_are_returned_as_bytes_and_bounded(void **state)
{
    (void)state;
    struct mr_options options;
    struct mr_error error;
    size_t bytes = 0;
    const char *some[] = {"prog", "--port", "3"};
    const char *none[] = {"prog", "--port", "0"};
    const char *high[] = {"prog", "--port", "1048577"};
    assert_int_equal(parse_options(&options, NULL, 3, some), 0);
    assert_int_equal(mr_options_mebibytes(&options, "port", &bytes, &error), 0);
    assert_int_equal(bytes, 3 << 20);
    mr_options_clean_up(&options);
    assert_int_equal(parse_options(&options, NULL, 3, none), 0);
    assert_int_equal(mr_options_mebibytes(&options, "port", &bytes, &error), MR_CONFIG);
    mr_options_clean_up(&options);
    assert_int_equal(parse_options(&options, NULL, 3, high), 0);
    assert_int_equal(mr_options_mebibytes(&options, "port", &bytes, &error), MR_CONFIG);
    assert_int_equal(bytes, 3 << 20);
    mr_options_clean_up(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flag_beats_environment_beats_default),
        cmocka_unit_test(errors_name_the_flag),
        cmocka_unit_test(integers_are_bounded),
        cmocka_unit_test(mebibytes_are_returned_as_bytes_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
