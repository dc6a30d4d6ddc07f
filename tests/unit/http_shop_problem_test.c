/* http_shop_problem_test.c - reasons as problems: every one has a slug and a text, and what was
 * written before there were reasons reads as it did. */
#include <api/shop_json.h>
#include <api/shop_problem.h>
#include <schemas/codec.h>

#include <tests/cmocka.h>

static struct shop_command_outcome outcome_of(const struct shop_rejection *rejection)
{
    return (struct shop_command_outcome){
        .status = mr_cstr(rejection ? "rejected" : "accepted"), .rejection = rejection};
}

/* All facts at once: a text uses those it has a place for. */
static struct shop_rejection rejection_of(enum shop_reason reason)
{
    return (struct shop_rejection){
        .reason = mr_cstr(shop_reason_name(reason)),
        .subject = mr_cstr("sub\"ject"),
        .state = mr_cstr("CONFIRMED"),
        .has_limit = true,
        .limit = 7,
        .has_actual = true,
        .actual = 12};
}

static const char *problem_json(const struct shop_command_outcome *outcome, struct mr_arena *arena)
{
    struct mr_buffer out = {0};
    struct http_problem problem = shop_outcome_problem(outcome, arena);
    http_problem_render(&problem, NULL, (struct mr_bytes){0}, &out);
    const char *json = mr_arena_cstr(arena, mr_buffer_view(&out));
    mr_buffer_clean_up(&out);
    return json;
}

static void every_reason_has_a_problem_and_a_text(void **state)
{
    struct mr_arena arena = {0};
    (void)state;
    for (int i = SHOP_REASON_NONE + 1; i < SHOP_REASON_COUNT; i++) {
        struct shop_rejection rejection = rejection_of((enum shop_reason)i);
        struct shop_command_outcome outcome = outcome_of(&rejection);
        struct http_problem problem = shop_outcome_problem(&outcome, &arena);
        assert_int_equal(shop_reason_of(rejection.reason), i);
        assert_true(http_problem_status(problem.slug) >= 400);
        assert_string_not_equal(problem.slug, "internal");
        assert_int_equal(shop_outcome_status(&outcome), http_problem_status(problem.slug));
        assert_true(problem.detail.len > 0);
        if (memchr(problem.detail.ptr, '{', problem.detail.len))
            fail_msg("%.*s", MR_ARG(problem.detail));
    }
    mr_arena_clean_up(&arena);
}

static void a_reason_of_a_newer_writer_is_internal_and_named(void **state)
{
    struct mr_arena arena = {0};
    struct shop_rejection rejection = {.reason = mr_cstr("moon-phase")};
    struct shop_command_outcome outcome = outcome_of(&rejection);
    (void)state;
    assert_int_equal(shop_outcome_status(&outcome), 500);
    assert_non_null(strstr(problem_json(&outcome, &arena), "moon-phase"));
    mr_arena_clean_up(&arena);
}

static void numbers_and_subjects_are_members(void **state)
{
    static const struct {
        enum shop_reason reason;
        const char *member;
    } expected[] = {
        {SHOP_REASON_STALE_VERSION, "\"current_version\":12"},
        {SHOP_REASON_CART_FULL, "\"limit\":7"},
        {SHOP_REASON_CART_FULL, "at most 7 lines"},
        {SHOP_REASON_ATTEMPTS_EXHAUSTED, "\"order_status\":\"CONFIRMED\""},
        {SHOP_REASON_NOT_FOR_SALE, "\"lines\":[{\"product_id\":\"sub\\\"ject\"}]"},
    };
    struct mr_arena arena = {0};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct shop_rejection rejection = rejection_of(expected[i].reason);
        struct shop_command_outcome outcome = outcome_of(&rejection);
        const char *json = problem_json(&outcome, &arena);
        if (!strstr(json, expected[i].member))
            fail_msg("%s does not say %s", json, expected[i].member);
    }
    mr_arena_clean_up(&arena);
}

static void a_changed_price_shows_both_prices_and_both_totals(void **state)
{
    struct mr_arena arena = {0};
    const struct shop_price_difference line = {
        mr_cstr("prd_a"), {1999, mr_cstr("GBP")}, {2099, mr_cstr("GBP")}};
    const struct shop_money expected = {1999, mr_cstr("GBP")}, current = {2099, mr_cstr("GBP")};
    const struct shop_money foreign = {1999, mr_cstr("EUR")};
    struct shop_rejection rejection = {
        .reason = mr_cstr("price-changed"),
        .prices = &line,
        .prices_count = 1,
        .expected_total = &expected,
        .current_total = &current};
    struct shop_command_outcome outcome = outcome_of(&rejection);
    (void)state;
    assert_non_null(strstr(
        problem_json(&outcome, &arena),
        "\"lines\":[{\"product_id\":\"prd_a\",\"quoted\":{\"amount_minor\":1999,\"currency\":"
        "\"GBP\"},\"current\":{\"amount_minor\":2099,\"currency\":\"GBP\"}}],"
        "\"expected_total\":{\"amount_minor\":1999,\"currency\":\"GBP\"},"
        "\"current_total\":{\"amount_minor\":2099,\"currency\":\"GBP\"}"));
    rejection.expected_total = &foreign;
    assert_non_null(strstr(problem_json(&outcome, &arena), "in another currency"));
    mr_arena_clean_up(&arena);
}

static void what_was_accepted_is_200_201_or_202_by_its_effect(void **state)
{
    struct shop_command_outcome outcome = outcome_of(NULL);
    (void)state;
    assert_int_equal(shop_outcome_status(&outcome), 200);
    outcome.effect = mr_cstr(SHOP_EFFECT_CREATED);
    assert_int_equal(shop_outcome_status(&outcome), 201);
    outcome.effect = mr_cstr(SHOP_EFFECT_REQUESTED);
    assert_int_equal(shop_outcome_status(&outcome), 202);
}

/* -- written before there were reasons -- */

static void an_outcome_with_a_problem_of_its_own_keeps_it(void **state)
{
    struct mr_arena arena = {0};
    struct shop_command_outcome outcome = {
        .status = mr_cstr("rejected"),
        .http_status = 422,
        .problem_type = mr_cstr("cart-full"),
        .problem_detail = mr_cstr("Allowed are 1 to 9."),
        .problem_ext_json = mr_cstr("{\"limit\":9}")};
    (void)state;
    assert_int_equal(shop_outcome_status(&outcome), 422);
    const char *json = problem_json(&outcome, &arena);
    assert_non_null(strstr(json, "\"type\":\"/problems/cart-full\""));
    assert_non_null(strstr(json, "\"detail\":\"Allowed are 1 to 9.\""));
    assert_non_null(strstr(json, "\"limit\":9"));
    outcome = (struct shop_command_outcome){.status = mr_cstr("accepted"), .http_status = 202};
    assert_int_equal(shop_outcome_status(&outcome), 202);
    mr_arena_clean_up(&arena);
}

static void money_has_the_exponent_of_its_currency(void **state)
{
    (void)state;
    assert_int_equal(shop_exponent(mr_cstr("GBP")), 2);
    assert_int_equal(shop_exponent(mr_cstr("JPY")), 0);
    assert_int_equal(shop_exponent(mr_cstr("KWD")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_has_the_exponent_of_its_currency),
        cmocka_unit_test(every_reason_has_a_problem_and_a_text),
        cmocka_unit_test(a_reason_of_a_newer_writer_is_internal_and_named),
        cmocka_unit_test(numbers_and_subjects_are_members),
        cmocka_unit_test(a_changed_price_shows_both_prices_and_both_totals),
        cmocka_unit_test(what_was_accepted_is_200_201_or_202_by_its_effect),
        cmocka_unit_test(an_outcome_with_a_problem_of_its_own_keeps_it),
    };
    return cmocka_run_group_tests_name("http_shop_problem", tests, NULL, NULL);
}
