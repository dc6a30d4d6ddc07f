/*
 * openapi.c - the operations as an OpenAPI 3.1 document.
 *
 * A trait stands for the header fields and the problems that its operations have in common. The
 * problems of a status are named in its description and in x-problems.
 */
#include "openapi_impl.h"

#include <http/problem.h>

#include <assert.h>
#include <ctype.h>

#define PLAIN_PROBLEM "Problem%d"

static const struct {
    const char *name;
    const char *about;
} tags[] = {
    {"accounts", "Accounts, sessions, and the outcome of late commands."},
    {"cart", "The cart of a customer or of a guest."},
    {"catalogue", "Products, their stock, categories. For anyone."},
    {"operation", "For verifiers and operators."},
    {"orders", "Orders, payments, confirmations."},
};

/* The method in small letters, as the document wants it. */
static void operation_write_method(struct json_w *w, const char *method)
{
    char name[16] = "";
    for (size_t i = 0; method[i] && i < sizeof name - 1; i++)
        name[i] = (char)tolower((unsigned char)method[i]);
    json_w_key(w, name);
}

static void operation_write_parameters(struct json_w *w, const struct api_operation *operation)
{
    json_w_key(w, "parameters");
    json_w_array(w);
    for (const struct api_parameter *p = operation->parameters; p && p->field.name; p++)
        openapi_write_parameter(w, p);
    openapi_write_trait_parameters(w, operation->traits);
    json_w_array_end(w);
}

static void operation_write_security(struct json_w *w, unsigned traits)
{
    json_w_key(w, "security");
    json_w_array(w);
    if (traits & (API_OF_OWNER | API_OF_ANYONE | API_OF_USER)) {
        static const char *const schemes[] = {"accessToken", "cartToken"};
        for (size_t i = 0; i < (traits & API_OF_USER ? 1 : 2); i++) {
            json_w_object(w);
            json_w_key(w, schemes[i]);
            json_w_array(w);
            json_w_array_end(w);
            json_w_object_end(w);
        }
    }
    if (!(traits & (API_OF_OWNER | API_OF_USER))) {
        json_w_object(w);
        json_w_object_end(w);
    }
    json_w_array_end(w);
}

static void content_write(struct json_w *w, const char *type, const struct http_shape *shape)
{
    json_w_key(w, "content");
    json_w_object(w);
    json_w_key(w, type);
    json_w_object(w);
    json_w_key(w, "schema");
    if (shape) {
        openapi_write_ref(w, "schemas", shape->name);
    } else {
        json_w_object(w);
        json_w_key_text(w, "type", mr_cstr("string"));
        json_w_object_end(w);
    }
    json_w_object_end(w);
    json_w_object_end(w);
}

static void operation_write_body(struct json_w *w, const struct api_operation *operation)
{
    if (!operation->body)
        return;
    json_w_key(w, "requestBody");
    json_w_object(w);
    json_w_key_bool(w, "required", !operation->body_is_optional);
    content_write(w, "application/json", operation->body);
    json_w_object_end(w);
}

/* -- answers -- */

static void answer_write_key(struct json_w *w, int status)
{
    char key[8];
    (void)snprintf(key, sizeof key, "%d", status);
    json_w_key(w, key);
}

static void answer_write(
    struct json_w *w, const struct api_operation *operation, const struct api_answer *answer)
{
    const char *type = operation->http.produces ? operation->http.produces : "application/json";
    answer_write_key(w, answer->status);
    json_w_object(w);
    json_w_key_text(w, "description", mr_cstr(answer->about));
    openapi_write_headers(w, operation->traits, answer->headers, answer->status);
    if (answer->status != 304 && answer->status != 204)
        content_write(w, type, answer->shape);
    json_w_object_end(w);
}

static bool answer_is_given(const struct api_operation *operation, int status)
{
    for (const struct api_answer *answer = operation->answers; answer->status; answer++)
        if (answer->status == status)
            return true;
    return false;
}

static void answers_write_good(struct json_w *w, const struct api_operation *operation)
{
    static const char *const late[] = {"Location", "Retry-After", NULL};
    for (const struct api_answer *answer = operation->answers; answer->status; answer++)
        answer_write(w, operation, answer);
    if (operation->traits & API_ANSWERS_LATER && !answer_is_given(operation, 202))
        answer_write(
            w,
            operation,
            &(struct api_answer){202, "Accepted; the outcome is late.", &api_shape_pending, late});
    if (operation->traits & API_HAS_ETAG)
        answer_write(w, operation, &(struct api_answer){304, "The client has it.", NULL, NULL});
}

/* Visits the problems of one status: their slugs separated by commas, or as an array of JSON. */
static size_t problems_write_slugs(
    const struct api_operation *operation, int status, struct json_w *w, bool array)
{
    size_t count = 0;
    for (size_t i = 0; i < http_problem_count(); i++) {
        const char *slug = http_problem_at(i)->slug;
        if (http_problem_at(i)->status != status || !api_may_answer(operation, slug))
            continue;
        if (array)
            json_w_text(w, mr_cstr(slug));
        else if (w)
            mr_buffer_printf(w->out, "%s%s", count ? ", " : "", slug);
        count++;
    }
    return count;
}

/* An operation without traits: its problems are everybody's. */
static const struct api_operation plain = {.answers = (const struct api_answer[]){{0}}};

static void problems_write(struct json_w *w, const struct api_operation *operation, int status)
{
    json_w_object(w);
    json_w_key(w, "description");
    mr_buffer_add(w->out, mr_cstr("\""));
    (void)problems_write_slugs(operation, status, w, false);
    mr_buffer_add(w->out, mr_cstr("\""));
    w->comma = true;
    openapi_write_problem_headers(w, status);
    content_write(w, "application/problem+json", &api_shape_problem);
    json_w_key(w, "x-problems");
    json_w_array(w);
    (void)problems_write_slugs(operation, status, w, true);
    json_w_array_end(w);
    json_w_object_end(w);
}

static void
problems_write_status(struct json_w *w, const struct api_operation *operation, int status)
{
    size_t count = problems_write_slugs(operation, status, NULL, false);
    if (answer_is_given(operation, status) || count == 0)
        return;
    answer_write_key(w, status);
    if (count != problems_write_slugs(&plain, status, NULL, false)) {
        problems_write(w, operation, status);
        return;
    }
    char name[32];
    (void)snprintf(name, sizeof name, PLAIN_PROBLEM, status);
    openapi_write_ref(w, "responses", name);
}

static void document_write_plain_problems(struct json_w *w)
{
    json_w_key(w, "responses");
    json_w_object(w);
    for (int status = 400; status < 600; status++) {
        char name[32];
        if (!problems_write_slugs(&plain, status, NULL, false))
            continue;
        (void)snprintf(name, sizeof name, PLAIN_PROBLEM, status);
        json_w_key(w, name);
        problems_write(w, &plain, status);
    }
    json_w_object_end(w);
}

static void operation_write(struct json_w *w, const struct api_operation *operation)
{
    operation_write_method(w, operation->http.method);
    json_w_object(w);
    json_w_key_text(w, "operationId", mr_cstr(operation->id));
    json_w_key_text(w, "summary", mr_cstr(operation->summary));
    json_w_key(w, "tags");
    json_w_array(w);
    json_w_text(w, mr_cstr(operation->tag));
    json_w_array_end(w);
    operation_write_security(w, operation->traits);
    operation_write_parameters(w, operation);
    operation_write_body(w, operation);
    json_w_key(w, "responses");
    json_w_object(w);
    answers_write_good(w, operation);
    for (int status = 400; status < 600; status++)
        problems_write_status(w, operation, status);
    json_w_object_end(w);
    json_w_object_end(w);
}

static bool paths_are_equal(size_t a, size_t b)
{
    return strcmp(api_paths[a]->path, api_paths[b]->path) == 0;
}

static bool path_is_new(size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (paths_are_equal(i, index))
            return false;
    return true;
}

static void document_write_paths(struct json_w *w)
{
    json_w_key(w, "paths");
    json_w_object(w);
    for (size_t i = 0; i < api_operations_count; i++) {
        if (!path_is_new(i))
            continue;
        json_w_key(w, api_paths[i]->path);
        json_w_object(w);
        for (size_t j = i; j < api_operations_count; j++)
            if (paths_are_equal(i, j))
                operation_write(w, api_operations[j]);
        json_w_object_end(w);
    }
    json_w_object_end(w);
}

static void document_write_info(struct json_w *w)
{
    json_w_key_text(w, "openapi", mr_cstr("3.1.0"));
    json_w_key(w, "info");
    json_w_object(w);
    json_w_key_text(w, "title", mr_cstr("Millrace"));
    json_w_key_text(w, "version", mr_cstr("1"));
    json_w_key_text(
        w,
        "description",
        mr_cstr("A shop: catalogue, carts, orders, exactly once and with read-your-writes. Members "
                "and operations may be added within /v1; unknown members of a request are "
                "refused."));
    json_w_key(w, "license");
    json_w_object(w);
    json_w_key_text(w, "name", mr_cstr("Apache License 2.0"));
    json_w_key_text(w, "identifier", mr_cstr("Apache-2.0"));
    json_w_object_end(w);
    json_w_object_end(w);
}

static void document_write_tags(struct json_w *w)
{
    json_w_key(w, "servers");
    json_w_array(w);
    json_w_object(w);
    json_w_key_text(w, "url", mr_cstr("/"));
    json_w_object_end(w);
    json_w_array_end(w);
    json_w_key(w, "tags");
    json_w_array(w);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        json_w_object(w);
        json_w_key_text(w, "name", mr_cstr(tags[i].name));
        json_w_key_text(w, "description", mr_cstr(tags[i].about));
        json_w_object_end(w);
    }
    json_w_array_end(w);
}

void api_write_openapi(struct mr_buffer *out)
{
    assert(out);
    struct json_w w = json_w_to(out);
    json_w_object(&w);
    document_write_info(&w);
    document_write_tags(&w);
    document_write_paths(&w);
    json_w_key(&w, "components");
    json_w_object(&w);
    openapi_write_components(&w);
    document_write_plain_problems(&w);
    json_w_object_end(&w);
    json_w_object_end(&w);
}

/* The bytes are the same as long as the program is: the tag is a hash of them. */
void api_send_openapi(struct http_request *request, void *user)
{
    struct mr_buffer *out = http_response(request);
    (void)user;
    api_write_openapi(out);
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < out->len; i++)
        hash = (hash ^ (unsigned char)out->ptr[i]) * UINT64_C(1099511628211);
    struct mr_bytes etag = mr_arena_printf(http_arena(request), "%llx", (unsigned long long)hash);
    http_set_header(request, "Cache-Control", mr_cstr("public, max-age=300"));
    http_send(request, http_etag_matches(request, etag, false) ? 304 : 200, NULL);
}
