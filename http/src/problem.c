/* problem.c - a problem as JSON. */
#include <http/json.h>
#include <http/problem.h>

#include "server_impl.h"

#include <assert.h>
#include <sodium.h>

enum { DRAIN_S_MAX = 30 };

static void write_errors(struct json_w *w, const struct http_problem *problem)
{
    json_w_key(w, "errors");
    json_w_array(w);
    for (size_t i = 0; i < problem->errors_count; i++) {
        const struct http_field_error *error = &problem->errors[i];
        json_w_object(w);
        json_w_key_text(w, "pointer", error->pointer.ptr ? error->pointer : mr_cstr(""));
        json_w_key_text(w, "detail", mr_cstr(error->detail));
        json_w_key_text(w, "code", mr_cstr(error->code));
        json_w_object_end(w);
    }
    json_w_array_end(w);
}

/* The members of an object, without its braces. */
static struct mr_bytes members_of(struct mr_bytes object)
{
    const char *open = object.len ? memchr(object.ptr, '{', object.len) : NULL;
    const char *close = object.len ? memrchr(object.ptr, '}', object.len) : NULL;
    if (!open || !close || close <= open)
        return mr_bytes_of("", 0);
    struct mr_bytes inside = mr_bytes_of(open + 1, (size_t)(close - open - 1));
    for (size_t i = 0; i < inside.len; i++)
        if (inside.ptr[i] != ' ')
            return inside;
    return mr_bytes_of("", 0);
}

int http_drain_s(size_t waiting, size_t per_second)
{
    size_t s = waiting / (per_second ? per_second : 1);
    return s < 1 ? 1 : s < DRAIN_S_MAX ? (int)s : DRAIN_S_MAX;
}

int http_retry_after_s(int least_s)
{
    assert(least_s > 0);
    return least_s + (int)randombytes_uniform((uint32_t)least_s + 1);
}

void http_problem_render(
    const struct http_problem *problem,
    const char *type_base,
    struct mr_bytes instance,
    struct mr_buffer *out)
{
    struct json_w w = json_w_to(out);
    const char *title = http_problem_title(problem->slug);
    json_w_object(&w);
    json_w_key(&w, "type");
    mr_buffer_printf(out, "\"%s%s\"", type_base ? type_base : "/problems/", problem->slug);
    w.comma = true;
    json_w_key_text(&w, "title", mr_cstr(title ? title : problem->slug));
    json_w_key_integer(
        &w, "status", problem->status ? problem->status : http_problem_status(problem->slug));
    if (problem->detail.ptr)
        json_w_key_text(&w, "detail", problem->detail);
    if (instance.ptr)
        json_w_key_text(&w, "instance", instance);
    if (problem->errors_count)
        write_errors(&w, problem);
    struct mr_bytes members = members_of(problem->extensions);
    if (members.len) {
        mr_buffer_add_byte(out, ',');
        mr_buffer_add(out, members);
    }
    json_w_object_end(&w);
}
