/*
 * openapi_traits.c - what an operation's traits stand for: header fields in and out, and problems.
 */
#include "openapi_impl.h"

#include <http/problem.h>

#include <assert.h>

#define EVERY_OPERATION (~0U)

/* -- header fields -- */

static const struct {
    unsigned traits;
    const char *component;
    struct api_parameter parameter;
} request_fields[] = {
    {EVERY_OPERATION,
     "RequestId",
     {API_IN_HEADER,
      {.name = "Request-Id",
       .kind = HTTP_JSON_TEXT,
       .about = "Is kept when it has 8 to 64 letters, digits, '.', '_' and '-'; names the request "
                "in all logs."}}},
    {EVERY_OPERATION,
     "Traceparent",
     {API_IN_HEADER,
      {.name = "traceparent", .kind = HTTP_JSON_TEXT, .about = "W3C Trace Context."}}},
    {API_READS_VIEWS | API_SENDS_COMMAND,
     "ConsistencyToken",
     {API_IN_HEADER,
      {.name = "Consistency-Token",
       .kind = HTTP_JSON_TEXT,
       .about = "Of an earlier answer: a read reflects at least as much, a command the same "
                "catalogue."}}},
    {API_READS_VIEWS | API_SENDS_COMMAND,
     "Prefer",
     {API_IN_HEADER,
      {.name = "Prefer",
       .kind = HTTP_JSON_TEXT,
       .about = "RFC 7240. Reads: wait, handling=lenient, products also return=total-count. "
                "Commands: wait, respond-async, "
                "return=minimal. Others are ignored."}}},
    {API_HAS_ETAG,
     "IfNoneMatch",
     {API_IN_HEADER,
      {.name = "If-None-Match", .kind = HTTP_JSON_TEXT, .about = "The ETag of what is there."}}},
    {API_SENDS_COMMAND,
     "IfMatch",
     {API_IN_HEADER,
      {.name = "If-Match",
       .kind = HTTP_JSON_TEXT,
       .pattern = "^(\\*|(W/)?\"[!#-~]*\")$",
       .about =
           "The ETag of what is to be changed; another version is a 412. With * it must exist."}}},
    {API_NEEDS_KEY,
     "IdempotencyKey",
     {API_IN_HEADER,
      {.name = "Idempotency-Key",
       .kind = HTTP_JSON_TEXT,
       .required = true,
       .min = 16,
       .max = 64,
       .pattern = "^[!#-+\\--:<-\\[\\]-~]+$",
       .about = "The same for every repetition of one request."}}},
    {API_SENDS_COMMAND,
     "OptionalIdempotencyKey",
     {API_IN_HEADER,
      {.name = "Idempotency-Key",
       .kind = HTTP_JSON_TEXT,
       .min = 16,
       .max = 64,
       .pattern = "^[!#-+\\--:<-\\[\\]-~]+$",
       .about = "The same for every repetition of one request."}}},
};

static bool field_is_of(size_t index, unsigned traits)
{
    unsigned wanted = request_fields[index].traits;
    if (wanted == API_SENDS_COMMAND && traits & API_NEEDS_KEY &&
        strcmp(request_fields[index].parameter.field.name, "Idempotency-Key") == 0)
        return false;
    return wanted == EVERY_OPERATION || traits & wanted;
}

void openapi_write_trait_parameters(struct json_w *w, unsigned traits)
{
    for (size_t i = 0; i < sizeof request_fields / sizeof request_fields[0]; i++)
        if (field_is_of(i, traits))
            openapi_write_ref(w, "parameters", request_fields[i].component);
}

static const struct {
    const char *name;
    unsigned traits; /* The operations whose good answers have it. */
    const char *about;
} answer_fields[] = {
    {"Request-Id", EVERY_OPERATION, "The client's, or one of ours."},
    {"Cache-Control", EVERY_OPERATION, "RFC 9111."},
    {"ETag", API_HAS_ETAG, "The version of what is shown."},
    {"Consistency-Token",
     API_READS_VIEWS | API_SENDS_COMMAND,
     "Sent with a later read, that read sees this effect."},
    {"View-Position", API_READS_VIEWS, "How far the view has come: a Consistency-Token."},
    {"View-Lag", API_READS_VIEWS, "Milliseconds that the view may be behind."},
    {"Preference-Applied", API_READS_VIEWS | API_SENDS_COMMAND, "What of Prefer was followed."},
    {"Idempotency-Replayed", API_SENDS_COMMAND, "true: the outcome of an earlier request."},
    {"Link", API_HAS_PAGES, "RFC 8288: first, prev and next."},
    {"Location", 0, "Where the result is."},
    {"Set-Cookie", 0, "The refresh token, in cookie mode only."},
    {"Retry-After", 0, "Seconds."},
    {"WWW-Authenticate", 0, "RFC 6750."},
    {"RateLimit-Policy", EVERY_OPERATION, "Of the gateway: the limits that the request counts in."},
    {"RateLimit", 0, "Of the gateway: the limit that was reached, and when to come back."},
};
enum { ANSWER_FIELDS = sizeof answer_fields / sizeof answer_fields[0] };

static void header_write_ref(struct json_w *w, const char *name)
{
    json_w_key(w, name);
    openapi_write_ref(w, "headers", name);
}

static bool name_is_in(const char *const *names, const char *name)
{
    for (size_t i = 0; names && names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

void openapi_write_headers(struct json_w *w, unsigned traits, const char *const *own, int status)
{
    json_w_key(w, "headers");
    json_w_object(w);
    for (size_t i = 0; i < ANSWER_FIELDS; i++) {
        bool given = answer_fields[i].traits == EVERY_OPERATION ||
                     (answer_fields[i].traits & traits && status < 400);
        if (given || name_is_in(own, answer_fields[i].name))
            header_write_ref(w, answer_fields[i].name);
    }
    json_w_object_end(w);
}

void openapi_write_problem_headers(struct json_w *w, int status)
{
    json_w_key(w, "headers");
    json_w_object(w);
    header_write_ref(w, "Request-Id");
    if (status == 401)
        header_write_ref(w, "WWW-Authenticate");
    if (status == 429 || status == 503)
        header_write_ref(w, "Retry-After");
    if (status == 429) {
        header_write_ref(w, "RateLimit-Policy");
        header_write_ref(w, "RateLimit");
    }
    json_w_object_end(w);
}

/* -- problems -- */

static const struct {
    unsigned traits;
    const char *slug;
} trait_problems[] = {
    /* The server's and the gateway's, before a handler is asked. */
    {EVERY_OPERATION, "malformed-request"},
    {EVERY_OPERATION, "malformed-query"},
    {EVERY_OPERATION, "not-acceptable"},
    {EVERY_OPERATION, "request-timeout"},
    {EVERY_OPERATION, "content-too-large"},
    {EVERY_OPERATION, "uri-too-long"},
    {EVERY_OPERATION, "unsupported-media-type"},
    {EVERY_OPERATION, "expectation-failed"},
    {EVERY_OPERATION, "too-many-requests"},
    {EVERY_OPERATION, "headers-too-large"},
    {EVERY_OPERATION, "internal"},
    {EVERY_OPERATION, "not-implemented"},
    {EVERY_OPERATION, "upstream-unavailable"},
    {EVERY_OPERATION, "overloaded"},
    {EVERY_OPERATION, "shutting-down"},
    {EVERY_OPERATION, "upstream-timeout"},
    {EVERY_OPERATION, "https-required"},
    {EVERY_OPERATION, "length-required"},
    {EVERY_OPERATION, "misdirected-request"},
    {EVERY_OPERATION, "http-version-not-supported"},

    {API_CHECKS_QUERY, "unknown-parameter"},
    {API_CHECKS_VALUES, "invalid-parameter"},
    {API_HAS_PAGES, "cursor-mismatch"},
    {API_NAMES_RESOURCE, "not-found"},

    {API_READS_VIEWS | API_SENDS_COMMAND | API_OF_OWNER | API_OF_ANYONE, "malformed-header"},
    /* An access token cannot be judged while the ends of sessions are restored. */
    {API_READS_VIEWS | API_OF_OWNER | API_OF_ANYONE | API_OF_USER, "view-behind"},
    {API_READS_VIEWS, "partition-unavailable"},

    {API_OF_OWNER | API_OF_USER, "authentication-required"},
    {API_OF_OWNER | API_OF_ANYONE | API_OF_USER, "token-expired"},
    {API_OF_OWNER | API_OF_ANYONE | API_OF_USER, "token-invalid"},

    {API_NEEDS_KEY, "idempotency-key-required"},
    {API_SENDS_COMMAND, "idempotency-key-reused"},
    {API_SENDS_COMMAND, "precondition-failed"},
    {API_SENDS_COMMAND, "log-unavailable"},
    {API_SENDS_COMMAND, "outcome-unknown"},
};

static const char *const body_problems[] = {"malformed-json", "json-limit", "validation", NULL};

bool api_may_answer(const struct api_operation *operation, const char *slug)
{
    assert(operation && slug);
    for (size_t i = 0; i < sizeof trait_problems / sizeof trait_problems[0]; i++)
        if ((trait_problems[i].traits == EVERY_OPERATION ||
             trait_problems[i].traits & operation->traits) &&
            strcmp(trait_problems[i].slug, slug) == 0)
            return true;
    return (operation->body && name_is_in(body_problems, slug)) ||
           name_is_in(operation->problems, slug);
}

/* -- components -- */

static void components_write_parameters(struct json_w *w)
{
    json_w_key(w, "parameters");
    json_w_object(w);
    for (size_t i = 0; i < sizeof request_fields / sizeof request_fields[0]; i++) {
        json_w_key(w, request_fields[i].component);
        openapi_write_parameter(w, &request_fields[i].parameter);
    }
    json_w_object_end(w);
}

static void components_write_headers(struct json_w *w)
{
    json_w_key(w, "headers");
    json_w_object(w);
    for (size_t i = 0; i < ANSWER_FIELDS; i++) {
        json_w_key(w, answer_fields[i].name);
        json_w_object(w);
        json_w_key_text(w, "description", mr_cstr(answer_fields[i].about));
        json_w_key(w, "schema");
        json_w_object(w);
        json_w_key_text(w, "type", mr_cstr("string"));
        json_w_object_end(w);
        json_w_object_end(w);
    }
    json_w_object_end(w);
}

static void components_write_security(struct json_w *w)
{
    json_w_key(w, "securitySchemes");
    json_w_object(w);
    json_w_key(w, "accessToken");
    json_w_object(w);
    json_w_key_text(w, "type", mr_cstr("http"));
    json_w_key_text(w, "scheme", mr_cstr("bearer"));
    json_w_key_text(w, "bearerFormat", mr_cstr("JWT"));
    json_w_key_text(w, "description", mr_cstr("A customer's, from POST /v1/sessions."));
    json_w_object_end(w);
    json_w_key(w, "cartToken");
    json_w_object(w);
    json_w_key_text(w, "type", mr_cstr("apiKey"));
    json_w_key_text(w, "in", mr_cstr("header"));
    json_w_key_text(w, "name", mr_cstr("Cart-Token"));
    json_w_key_text(w, "description", mr_cstr("A guest's, from POST /v1/guest-carts."));
    json_w_object_end(w);
    json_w_object_end(w);
}

void openapi_write_components(struct json_w *w)
{
    assert(w);
    components_write_security(w);
    components_write_parameters(w);
    components_write_headers(w);
    openapi_write_schemas(w);
}
