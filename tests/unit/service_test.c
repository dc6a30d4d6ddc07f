/*
 * service_test.c - a service's exit codes, and what is cleaned up when it does not come to serve.
 */
#include <service/service.h>
#include <tests/cmocka.h>

#include <stdlib.h>

static const struct mr_option table[] = {SERVICE_OPTIONS, SERVICE_INSTANCE_OPTION};

struct calls {
    int code; /* The code that configure fails with. */
    int configured;
    int started;
    int cleaned_up;
};

static int configure_calls(const struct service *service, void *self, struct mr_error *error)
{
    struct calls *calls = self;
    calls->configured++;
    assert_string_equal(service->kafka.brokers, "nowhere:1");
    assert_string_equal(service->kafka.client_id, "millrace-example");
    assert_string_equal(service->kafka.config_file, "/etc/kafka.conf");
    return mr_fail(error, calls->code, "as the test wants it");
}

static int start_calls(struct service *service, void *self, struct mr_error *error)
{
    struct calls *calls = self;
    (void)service;
    (void)error;
    calls->started++;
    return 0;
}

static void clean_up(void *self)
{
    struct calls *calls = self;
    calls->cleaned_up++;
}

static int run_service(struct calls *calls, int argc, const char *const *argv)
{
    const struct service_spec spec = {
        .name = "example",
        .purpose = "Shows how a program ends.",
        .options = table,
        .options_count = sizeof table / sizeof table[0],
        .configure = configure_calls,
        .start = start_calls,
        .clean_up = clean_up,
    };
    return service_main(&spec, calls, argc, (char **)(uintptr_t)argv);
}

static void help_and_version_end_it_well(void **state)
{
    struct calls calls = {0};
    (void)state;
    assert_int_equal(run_service(&calls, 2, (const char *const[]){"x", "--help"}), 0);
    assert_int_equal(run_service(&calls, 2, (const char *const[]){"x", "--version"}), 0);
    assert_int_equal(calls.configured, 0);
}

static void wrong_usage_is_2(void **state)
{
    struct calls calls = {0};
    (void)state;
    assert_int_equal(run_service(&calls, 2, (const char *const[]){"x", "--colour"}), 2);
    assert_int_equal(run_service(&calls, 2, (const char *const[]){"x", "operand"}), 2);
    assert_int_equal(calls.configured, 0);
}

static void a_wrong_configuration_is_2_and_any_other_failure_1(void **state)
{
    struct calls calls = {.code = MR_CONFIG};
    (void)state;
    assert_int_equal(setenv("MILLRACE_KAFKA_CONFIG", "/etc/kafka.conf", 1), 0);
    assert_int_equal(
        run_service(&calls, 3, (const char *const[]){"x", "--brokers", "nowhere:1"}), 2);
    calls.code = MR_UNAVAILABLE;
    assert_int_equal(
        run_service(&calls, 3, (const char *const[]){"x", "--brokers", "nowhere:1"}), 1);
    assert_int_equal(calls.cleaned_up, 2);
    assert_int_equal(calls.started, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_and_version_end_it_well),
        cmocka_unit_test(wrong_usage_is_2),
        cmocka_unit_test(a_wrong_configuration_is_2_and_any_other_failure_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
