/* api_contract_test.c - every operation is answered by a program, and the document has them all. */
#include "command_api.h"

#include <api/contract.h>
#include <api/shop_problem.h>

#include <jansson.h>
#include <tests/cmocka.h>

/* In the read program's header of its own name; both headers at once are not for one file. */
extern const struct http_route query_routes[];
extern const size_t query_routes_count;

static bool is_bound(const struct http_path *path, const struct http_route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (routes[i].named == path)
            return true;
    return false;
}

static void a_program_answers_every_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_operations_count; i++) {
        assert_ptr_equal(api_paths[i], &api_operations[i]->http);
        if (!is_bound(api_paths[i], command_routes, command_routes_count) &&
            !is_bound(api_paths[i], query_routes, query_routes_count))
            fail_msg("%s %s", api_paths[i]->method, api_paths[i]->path);
    }
}

/* A parameter stands in the braces of the path, or nowhere. */
static void the_parameters_are_those_of_the_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_operations_count; i++) {
        const char *path = api_paths[i]->path;
        size_t braces = 0;
        size_t named = 0;
        for (const char *at = path; *at; at++)
            braces += *at == '{';
        for (const struct api_parameter *p = api_operations[i]->parameters; p && p->field.name;
             p++) {
            char wanted[64];
            (void)snprintf(wanted, sizeof wanted, "{%s}", p->field.name);
            named += p->place == API_IN_PATH && strstr(path, wanted);
        }
        if (braces != named)
            fail_msg("%s: %zu braces, %zu parameters", path, braces, named);
    }
}

static bool any_may_answer(const char *slug, bool commands_only)
{
    for (size_t i = 0; i < api_operations_count; i++)
        if ((!commands_only || api_operations[i]->traits & API_SENDS_COMMAND) &&
            api_may_answer(api_operations[i], slug))
            return true;
    return false;
}

static void every_problem_of_an_operation_is_in_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_operations_count; i++) {
        const char *const *slugs = api_operations[i]->problems;
        for (size_t j = 0; slugs && slugs[j]; j++)
            if (!http_problem_status(slugs[j]))
                fail_msg("%s: %s", api_operations[i]->id, slugs[j]);
    }
}

static void expect_examples(const char *where, const struct http_json_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].kind == HTTP_JSON_OBJECT)
            expect_examples(fields[i].name, fields[i].fields, fields[i].fields_count);
        else if (!fields[i].example && !fields[i].values)
            fail_msg("%s: %s", where, fields[i].name);
}

/* tests/e2e/contract_test.py sends them all. */
static void every_field_of_a_body_has_an_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_operations_count; i++) {
        const struct http_shape *body = api_operations[i]->body;
        if (body)
            expect_examples(api_operations[i]->id, body->fields, body->fields_count);
    }
}

static json_t *read_document(void)
{
    struct mr_buffer text = {0};
    json_error_t why;
    api_write_openapi(&text);
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        fail_msg("%s", why.text);
    mr_buffer_clean_up(&text);
    return root;
}

static void the_document_has_every_operation(void **state)
{
    (void)state;
    json_t *root = read_document();
    json_t *paths = json_object_get(root, "paths");
    for (size_t i = 0; i < api_operations_count; i++) {
        char method[16] = "";
        for (size_t j = 0; api_paths[i]->method[j]; j++)
            method[j] = (char)(api_paths[i]->method[j] | 0x20);
        json_t *operation = json_object_get(json_object_get(paths, api_paths[i]->path), method);
        assert_string_equal(
            json_string_value(json_object_get(operation, "operationId")), api_operations[i]->id);
    }
    json_decref(root);
}

static void a_rejection_is_a_problem_of_some_command(void **state)
{
    /* Only operators' commands end so, and the API has none of them yet. */
    static const char *const operators[] = {"out-of-stock", "not-possible-now"};
    (void)state;
    for (int reason = 0; reason < SHOP_REASON_COUNT; reason++) {
        const char *slug = shop_reason_slug((enum shop_reason)reason);
        if (strcmp(slug, operators[0]) != 0 && strcmp(slug, operators[1]) != 0 &&
            !any_may_answer(slug, true))
            fail_msg("%s", slug);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_answers_every_operation),
        cmocka_unit_test(the_parameters_are_those_of_the_path),
        cmocka_unit_test(every_problem_of_an_operation_is_in_the_table),
        cmocka_unit_test(every_field_of_a_body_has_an_example),
        cmocka_unit_test(the_document_has_every_operation),
        cmocka_unit_test(a_rejection_is_a_problem_of_some_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
