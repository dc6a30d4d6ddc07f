/* problem_page.c - the page behind a problem's `type`: JSON for programs, HTML for a browser. */
#include "query_api.h"

#include <http/problem.h>
#include <string.h>

static bool wants_html(const struct http_request *request)
{
    struct mr_bytes accept = http_header(request, "Accept");
    return accept.ptr && memmem(accept.ptr, accept.len, "text/html", strlen("text/html"));
}

/* The texts of the table are constant and without markup. */
static void write_html(const struct http_problem_type *type, struct mr_buffer *out)
{
    mr_buffer_printf(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n"
        "<h1>%s</h1>\n<p>Problem type <code>%s</code>, status %d.</p>\n"
        "<h2>Cause</h2>\n<p>%s</p>\n<h2>Remedy</h2>\n<p>%s</p>\n</html>\n",
        type->title,
        type->title,
        type->slug,
        type->status,
        type->cause,
        type->remedy);
}

static void write_json(const struct http_problem_type *type, struct mr_buffer *out)
{
    struct json_w w = json_w_to(out);
    json_w_object(&w);
    json_w_key_text(&w, "slug", mr_cstr(type->slug));
    json_w_key_integer(&w, "status", type->status);
    json_w_key_text(&w, "title", mr_cstr(type->title));
    json_w_key_text(&w, "cause", mr_cstr(type->cause));
    json_w_key_text(&w, "remedy", mr_cstr(type->remedy));
    json_w_object_end(&w);
}

void query_get_problem(struct http_request *request, void *user)
{
    const struct http_problem_type *type = http_problem_find(http_path_param(request, 0));
    (void)user;
    if (!type) {
        http_send_problem(request, "not-found", "There is no such problem type.");
        return;
    }
    http_set_header(request, "Cache-Control", mr_cstr("public, max-age=86400"));
    http_set_header(request, "Vary", mr_cstr("Accept"));
    bool html = wants_html(request);
    (html ? write_html : write_json)(type, http_response(request));
    http_send(request, 200, html ? "text/html; charset=utf-8" : NULL);
}
