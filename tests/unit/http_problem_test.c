/* http_problem_test.c - problems have a type, a title, a status and their extensions. */
#include <http/problem.h>

#include <tests/cmocka.h>

static void expect_problem(const struct http_problem *problem, const char *expected)
{
    struct mr_buffer out = {0};
    http_problem_render(problem, "https://shop.example/problems/", mr_cstr("/v1/requests/1"), &out);
    mr_buffer_add_byte(&out, 0);
    assert_string_equal(out.ptr, expected);
    mr_buffer_clean_up(&out);
}

static void a_slug_gives_type_title_and_status(void **state)
{
    (void)state;
    expect_problem(
        &(struct http_problem){.slug = "cart-empty", .detail = mr_cstr("Add \"something\".")},
        "{\"type\":\"https://shop.example/problems/cart-empty\",\"title\":\"The cart is empty\","
        "\"status\":422,\"detail\":\"Add \\\"something\\\".\",\"instance\":\"/v1/requests/1\"}");
}

static void extensions_are_members_of_the_problem(void **state)
{
    (void)state;
    expect_problem(
        &(struct http_problem){
            .slug = "cart-full", .extensions = mr_cstr(" {\"limit\":5,\"x\":{}} ")},
        "{\"type\":\"https://shop.example/problems/cart-full\",\"title\":\"The cart is full\","
        "\"status\":422,\"instance\":\"/v1/requests/1\",\"limit\":5,\"x\":{}}");
    expect_problem(
        &(struct http_problem){.slug = "cart-full", .extensions = mr_cstr("{ }")},
        "{\"type\":\"https://shop.example/problems/cart-full\",\"title\":\"The cart is full\","
        "\"status\":422,\"instance\":\"/v1/requests/1\"}");
}

static void field_errors_have_pointers(void **state)
{
    const struct http_field_error errors[] = {
        {.pointer = mr_cstr("/a"), .detail = "is required", .code = "required"},
        {.detail = "must be an object", .code = "type"}};
    (void)state;
    expect_problem(
        &(struct http_problem){.slug = "validation", .errors = errors, .errors_count = 2},
        "{\"type\":\"https://shop.example/problems/validation\",\"title\":\"Validation failed\","
        "\"status\":422,\"instance\":\"/v1/requests/1\",\"errors\":["
        "{\"pointer\":\"/a\",\"detail\":\"is required\",\"code\":\"required\"},"
        "{\"pointer\":\"\",\"detail\":\"must be an object\",\"code\":\"type\"}]}");
}

static void every_slug_has_a_status_a_title_a_cause_and_a_remedy(void **state)
{
    (void)state;
    assert_true(http_problem_count() > 40);
    for (size_t i = 0; i < http_problem_count(); i++) {
        const struct http_problem_type *type = http_problem_at(i);
        assert_in_range(type->status, 400, 599);
        assert_ptr_equal(http_problem_find(mr_cstr(type->slug)), type);
        const char *const texts[] = {type->title, type->cause, type->remedy};
        for (size_t j = 0; j < 3; j++)
            assert_int_equal(strcspn(texts[j], "<>&\""), strlen(texts[j]));
        assert_int_equal(type->cause[strlen(type->cause) - 1], '.');
        assert_int_equal(type->remedy[strlen(type->remedy) - 1], '.');
    }
    assert_null(http_problem_at(http_problem_count()));
    assert_int_equal(http_problem_status("no-such-slug"), 0);
    assert_null(http_problem_title("no-such-slug"));
}

static void a_retry_comes_when_the_queue_is_empty_and_not_all_at_once(void **state)
{
    bool seen[64] = {false};
    size_t different = 0;
    (void)state;
    assert_int_equal(http_drain_s(0, 0), 1);
    assert_int_equal(http_drain_s(5, 1000), 1);
    assert_int_equal(http_drain_s(900, 100), 9);
    assert_int_equal(http_drain_s(1000000, 1), 30);
    for (int i = 0; i < 200; i++) {
        int s = http_retry_after_s(9);
        assert_in_range(s, 9, 18);
        different += !seen[s];
        seen[s] = true;
    }
    assert_true(different > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slug_gives_type_title_and_status),
        cmocka_unit_test(extensions_are_members_of_the_problem),
        cmocka_unit_test(field_errors_have_pointers),
        cmocka_unit_test(a_retry_comes_when_the_queue_is_empty_and_not_all_at_once),
        cmocka_unit_test(every_slug_has_a_status_a_title_a_cause_and_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
