/* refuse.c - requests that are answered with a problem. */
#include <http/json.h>
#include <http/problem.h>

#include "server_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void http_send_problem_full(struct http_request *request, const struct http_problem *problem)
{
    assert(request && problem && problem->slug);
    int status = problem->status ? problem->status : http_problem_status(problem->slug);
    const char *base = request->server->options.problem_base;
    struct mr_bytes instance =
        request->request_id.ptr
            ? mr_arena_printf(&request->arena, "/v1/requests/%.*s", MR_ARG(request->request_id))
            : mr_bytes_of(NULL, 0);
    assert(status != 0);
    mr_buffer_reset(&request->response);
    http_problem_render(problem, base, instance, &request->response);
    http_set_header(request, "Cache-Control", mr_cstr("no-store"));
    if (problem->retry_after_s)
        http_set_header_f(
            request,
            "Retry-After",
            "%d",
            status == 503 ? http_retry_after_s(problem->retry_after_s) : problem->retry_after_s);
    if (status == 401)
        http_set_header_f(
            request,
            "WWW-Authenticate",
            "Bearer realm=\"millrace\"%s",
            strncmp(problem->slug, "token-", 6) == 0 ? ", error=\"invalid_token\"" : "");
    http_set_header(request, "Content-Type", mr_cstr("application/problem+json"));
    http_send(request, status, NULL);
}

void http_send_problem(
    struct http_request *request, const char *slug, const char *detail_format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, detail_format);
    (void)vsnprintf(detail, sizeof detail, detail_format, args);
    va_end(args);
    struct http_problem problem = {.slug = slug, .detail = mr_cstr(detail)};
    if (http_problem_status(slug) == 503)
        problem.retry_after_s = 1;
    http_send_problem_full(request, &problem);
}

static bool refuse_knows_name(struct mr_bytes name, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (mr_bytes_equal(name, mr_cstr(names[i])))
            return true;
    return false;
}

static void
refuse_parameter(struct http_request *request, const char *why, struct mr_bytes parameter)
{
    struct mr_buffer extensions = {0};
    struct json_w w = json_w_to(&extensions);
    json_w_object(&w);
    json_w_key_text(&w, "parameter", parameter);
    json_w_object_end(&w);
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = "unknown-parameter",
            .detail = mr_cstr(why),
            .extensions = mr_buffer_view(&extensions),
        });
    mr_buffer_clean_up(&extensions);
}

bool http_query_only(struct http_request *request, const char *const *names)
{
    assert(request && names);
    for (size_t i = 0; i < request->query_count; i++) {
        struct mr_bytes name = request->query[i].name;
        if (!refuse_knows_name(name, names)) {
            refuse_parameter(request, "Unknown parameter.", name);
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (mr_bytes_equal(request->query[j].name, name)) {
                refuse_parameter(request, "The parameter is given twice.", name);
                return false;
            }
        }
    }
    return true;
}
