/* problem.c - the table of problems, and one of them as JSON. */
#include <http/json.h>
#include <http/problem.h>

#include "server_impl.h"

static const struct {
    const char *slug;
    int status;
    const char *title;
} problems[] = {
    {"validation", 422, "Validation failed"},
    {"malformed-json", 400, "The body is not JSON"},
    {"malformed-header", 400, "A header is malformed"},
    {"malformed-query", 400, "The query string is malformed"},
    {"cursor-mismatch", 400, "The cursor belongs to another listing"},
    {"unknown-parameter", 400, "Unknown query parameter"},
    {"invalid-parameter", 400, "A query parameter has an invalid value"},
    {"idempotency-key-required", 400, "An Idempotency-Key is required here"},
    {"idempotency-key-reused", 422, "The Idempotency-Key was used for another request"},
    {"authentication-required", 401, "Authentication is required"},
    {"token-expired", 401, "The access token has expired"},
    {"token-invalid", 401, "The access token is not valid"},
    {"invalid-credentials", 401, "The e-mail address or the password is wrong"},
    {"not-found", 404, "Not found"},
    {"not-confirmed-yet", 404, "The order is not confirmed yet"},
    {"method-not-allowed", 405, "The method is not allowed here"},
    {"not-acceptable", 406, "No acceptable representation"},
    {"unsupported-media-type", 415, "The body must be application/json"},
    {"content-too-large", 413, "The body is too large"},
    {"json-limit", 400, "The JSON is over a limit of the parser"},
    {"expectation-failed", 417, "The Expect header is not supported"},
    {"not-implemented", 501, "This transfer coding is not supported"},
    {"uri-too-long", 414, "The request target is too long"},
    {"headers-too-large", 431, "The headers are too large"},
    {"email-taken", 409, "The e-mail address is registered already"},
    {"password-too-weak", 422, "The password is too weak"},
    {"product-unavailable", 409, "The product cannot be bought"},
    {"out-of-stock", 409, "There is not enough in stock"},
    {"price-changed", 409, "A price changed since it was quoted"},
    {"cart-empty", 422, "The cart is empty"},
    {"cart-full", 422, "The cart is full"},
    {"too-many-unpaid-orders", 409, "Too many orders wait for payment"},
    {"too-many-unpaid-units", 409, "Too many units are held without a payment method"},
    {"payment-method-required", 409, "A payment method must come with the order"},
    {"quantity-limit", 422, "The quantity is over the limit"},
    {"payment-in-progress", 409, "A payment is in progress"},
    {"payment-not-expected", 409, "The order does not expect a payment"},
    {"attempts-exhausted", 409, "There have been too many payment attempts"},
    {"card-data-not-accepted", 422, "Card numbers are not accepted here"},
    {"precondition-failed", 412, "The resource has changed"},
    {"too-many-requests", 429, "Too many requests"},
    {"too-many-attempts", 429, "Too many attempts"},
    {"view-behind", 503, "The view has not reached the requested position yet"},
    {"partition-unavailable", 503, "This part of the data is temporarily unavailable"},
    {"log-unavailable", 503, "The log cannot be reached; nothing was accepted"},
    {"outcome-unknown", 503, "It is not known yet whether the command was accepted"},
    {"malformed-request", 400, "The request is not valid HTTP"},
    {"https-required", 400, "This port accepts HTTPS only"},
    {"length-required", 411, "A body needs a Content-Length or chunked transfer coding"},
    {"range-not-satisfiable", 416, "The range is not satisfiable"},
    {"misdirected-request", 421, "This server does not answer for this host"},
    {"http-version-not-supported", 505, "This version of HTTP is not supported"},
    {"not-ready", 503, "The shop is starting"},
    {"request-timeout", 408, "The request did not arrive in time"},
    {"upstream-unavailable", 502, "The service that answers this request is not available"},
    {"upstream-timeout", 504, "The service that answers this request took too long"},
    {"overloaded", 503, "Too many requests are under way; try again later"},
    {"shutting-down", 503, "This instance is stopping"},
    {"internal", 500, "Internal error"},
};

enum { PROBLEMS = sizeof problems / sizeof problems[0] };

static size_t find_problem(const char *slug)
{
    size_t i = 0;
    while (i < PROBLEMS && strcmp(problems[i].slug, slug) != 0)
        i++;
    return i;
}

int http_problem_status(const char *slug)
{
    size_t i = find_problem(slug);
    return i < PROBLEMS ? problems[i].status : 0;
}

const char *http_problem_title(const char *slug)
{
    size_t i = find_problem(slug);
    return i < PROBLEMS ? problems[i].title : NULL;
}

size_t http_problem_count(void)
{
    return PROBLEMS;
}

const char *http_problem_slug(size_t index)
{
    return index < PROBLEMS ? problems[index].slug : NULL;
}

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
