/*
 * payments_simulator_test.c - what each method token answers, and that an answer does not change.
 */
#include <payment_connector/simulator.h>
#include <processors/shop.h>
#include <tests/cmocka.h>

#include <stdio.h>

static struct psp_simulator *simulator;
static struct psp psp;
static struct mr_arena arena;
static struct psp_answer answer;

static int set_up(void **state)
{
    (void)state;
    mr_arena_init(&arena);
    simulator = psp_simulator_new(&(struct psp_simulator_options){0});
    psp = psp_simulator_psp(simulator);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    psp_simulator_free(simulator);
    mr_arena_clean_up(&arena);
    return 0;
}

static void submit_op(const char *op, const char *token)
{
    struct mr_bytes op_key = mr_arena_printf(&arena, "pay_1:%s:1", op);
    struct psp_request request = {
        .payment_id = mr_cstr("pay_1"),
        .op = mr_cstr(op),
        .op_key = op_key,
        .method_token = mr_cstr(token),
        .amount_minor = 4297,
        .currency = mr_cstr("GBP"),
    };
    assert_int_equal(psp.submit(psp.self, &request, 1000, NULL), 0);
}

static bool take_answer(int64_t now_ms)
{
    return psp.take(psp.self, now_ms, &arena, &answer);
}

static void expect_answer(const char *op, const char *token, const char *result)
{
    submit_op(op, token);
    assert_true(take_answer(1000));
    assert_true(mr_bytes_equal(answer.result, mr_cstr(result)));
    assert_true(mr_bytes_equal(answer.op, mr_cstr(op)));
    assert_true(mr_bytes_equal(answer.payment_id, mr_cstr("pay_1")));
    assert_int_equal(answer.amount_minor, 4297);
    assert_false(take_answer(1000));
}

static void approve_does_all_that_is_asked(void **state)
{
    (void)state;
    expect_answer("query", "pm_approve", SHOP_PSP_NOT_FOUND);
    expect_answer("authorize", "pm_approve", SHOP_PSP_AUTHORIZED);
    expect_answer("query", "pm_approve", SHOP_PSP_AUTHORIZED);
    expect_answer("capture", "pm_approve", SHOP_PSP_CAPTURED);
    expect_answer("void", "pm_approve", SHOP_PSP_CAPTURED);
    expect_answer("refund", "pm_approve", SHOP_PSP_REFUNDED);
    expect_answer("query", "pm_approve", SHOP_PSP_REFUNDED);
}

static void the_same_key_has_the_same_answer(void **state)
{
    (void)state;
    expect_answer("authorize", "pm_approve", SHOP_PSP_AUTHORIZED);
    struct mr_bytes first = answer.psp_event_id;
    expect_answer("authorize", "pm_approve", SHOP_PSP_AUTHORIZED);
    assert_true(mr_bytes_equal(first, answer.psp_event_id));
}

static void declines_say_how_final_they_are(void **state)
{
    (void)state;
    expect_answer("authorize", "pm_decline", SHOP_PSP_DECLINED);
    assert_true(mr_bytes_equal(answer.decline_class, mr_cstr("soft")));
    tear_down(NULL);
    set_up(NULL);
    expect_answer("authorize", "pm_decline_hard", SHOP_PSP_DECLINED);
    assert_true(mr_bytes_equal(answer.decline_class, mr_cstr("hard")));
    tear_down(NULL);
    set_up(NULL);
    expect_answer("authorize", "pm_whatever", SHOP_PSP_DECLINED);
    assert_true(mr_bytes_equal(answer.psp_code, mr_cstr("unknown_method")));
}

static void slow_answers_when_its_time_has_come(void **state)
{
    (void)state;
    submit_op("authorize", "pm_slow");
    assert_false(take_answer(3999));
    assert_true(take_answer(4000));
    assert_true(mr_bytes_equal(answer.result, mr_cstr(SHOP_PSP_AUTHORIZED)));
    expect_answer("capture", "pm_slow", SHOP_PSP_CAPTURED);
}

static void answers_that_are_due_overtake_slow_ones(void **state)
{
    (void)state;
    submit_op("authorize", "pm_slow");
    submit_op("query", "pm_slow");
    assert_true(take_answer(1000));
    assert_true(mr_bytes_equal(answer.op, mr_cstr("query")));
    assert_false(take_answer(1000));
    assert_true(take_answer(4000));
}

static void never_is_silent_until_it_is_voided(void **state)
{
    (void)state;
    submit_op("authorize", "pm_never");
    assert_false(take_answer(INT64_MAX));
    expect_answer("query", "pm_never", SHOP_PSP_NOT_FOUND);
    expect_answer("void", "pm_never", SHOP_PSP_VOIDED);
    expect_answer("query", "pm_never", SHOP_PSP_VOIDED);
}

static void a_void_bars_a_later_authorization(void **state)
{
    (void)state;
    expect_answer("void", "pm_approve", SHOP_PSP_VOIDED);
    expect_answer("authorize", "pm_approve", SHOP_PSP_VOIDED);
    expect_answer("capture", "pm_approve", SHOP_PSP_VOIDED);
}

static void twice_says_the_same_thing_twice(void **state)
{
    (void)state;
    submit_op("authorize", "pm_twice");
    assert_true(take_answer(1000));
    struct mr_bytes first = answer.psp_event_id;
    assert_true(take_answer(1000));
    assert_true(mr_bytes_equal(first, answer.psp_event_id));
    assert_false(take_answer(INT64_MAX));
}

static void a_forgotten_payment_is_believed(void **state)
{
    (void)state;
    expect_answer("capture", "pm_approve", SHOP_PSP_CAPTURED);
    tear_down(NULL);
    set_up(NULL);
    expect_answer("refund", "pm_approve", SHOP_PSP_REFUNDED);
}

static void authorizing_may_capture_at_once(void **state)
{
    (void)state;
    psp_simulator_free(simulator);
    simulator = psp_simulator_new(&(struct psp_simulator_options){.captures_at_once = true});
    psp = psp_simulator_psp(simulator);
    expect_answer("authorize", "pm_approve", SHOP_PSP_CAPTURED);
}

static void too_many_unanswered_requests_are_refused(void **state)
{
    (void)state;
    struct psp_request request = {
        .payment_id = mr_cstr("pay_1"),
        .op = mr_cstr("query"),
        .op_key = mr_cstr("k"),
        .method_token = mr_cstr("pm_approve"),
        .currency = mr_cstr("GBP"),
    };
    int rc = 0;
    int count = 0;
    for (; rc == 0 && count < 100000; count++)
        rc = psp.submit(psp.self, &request, -count, NULL);
    assert_int_equal(rc, MR_AGAIN);
    assert_true(take_answer(1000));
    assert_true(take_answer(1000));
    assert_int_equal(psp.submit(psp.self, &request, 0, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void refund_part(int64_t amount, int64_t total)
{
    struct psp_request request = {
        .payment_id = mr_cstr("pay_1"),
        .op = mr_cstr(SHOP_OP_REFUND),
        .op_key = mr_arena_printf(&arena, "pay_1:refund-to:%d", (int)total),
        .amount_minor = amount,
        .refund_total_minor = total,
        .currency = mr_cstr("GBP"),
    };
    assert_int_equal(psp.submit(psp.self, &request, 1000, NULL), 0);
    assert_true(take_answer(1000));
    assert_true(mr_bytes_equal(answer.result, mr_cstr(SHOP_PSP_REFUNDED)));
}

/* The second time without a memory of the payment, as after a restart. */
static void parts_are_given_back_once_each_and_the_answer_is_the_whole(void **state)
{
    for (int known = 1; known >= 0; known--) {
        (void)tear_down(state);
        (void)set_up(state);
        if (known) {
            expect_answer(SHOP_OP_AUTHORIZE, "pm_approve", SHOP_PSP_AUTHORIZED);
            expect_answer(SHOP_OP_CAPTURE, "pm_approve", SHOP_PSP_CAPTURED);
        }
        for (int twice = 0; twice < 2; twice++) {
            refund_part(1000, 1000);
            assert_int_equal(answer.amount_minor, 1000);
        }
        refund_part(3297, 4297);
        assert_int_equal(answer.amount_minor, 4297);
        refund_part(1000, 1000);
        assert_int_equal(answer.amount_minor, 4297);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(approve_does_all_that_is_asked),
        TEST(the_same_key_has_the_same_answer),
        TEST(declines_say_how_final_they_are),
        TEST(slow_answers_when_its_time_has_come),
        TEST(answers_that_are_due_overtake_slow_ones),
        TEST(never_is_silent_until_it_is_voided),
        TEST(a_void_bars_a_later_authorization),
        TEST(twice_says_the_same_thing_twice),
        TEST(a_forgotten_payment_is_believed),
        TEST(authorizing_may_capture_at_once),
        TEST(parts_are_given_back_once_each_and_the_answer_is_the_whole),
        TEST(too_many_unanswered_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
