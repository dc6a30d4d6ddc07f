/*
 * problem.h - what went wrong, as application/problem+json (RFC 9457): one table of slugs.
 *
 * A slug has one status and one title; `type` is the server's problem_base and the slug.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include <http/server.h>

struct http_field_error {
    struct mr_bytes pointer; /* RFC 6901: "/lines/0/quantity"; "" is the whole body. */
    const char *detail;
    const char *code; /* "required", "type", "range", "unknown", "format", ... */
};

struct http_problem {
    const char *slug;
    int status;             /* 0: the slug's. */
    struct mr_bytes detail; /* NULL: none. */
    /* A JSON object whose members are added as extensions; NULL: none. */
    struct mr_bytes extensions;
    const struct http_field_error *errors;
    size_t errors_count;
    /* 0: no Retry-After. A 503 adds up to as many seconds, by chance: else all clients that were
     * turned away together would come back together. */
    int retry_after_s;
};

/* One row of the table: constant texts in plain English, without markup. */
struct http_problem_type {
    const char *slug;
    int status;
    const char *title;
    const char *cause;
    const char *remedy;
};

/* NULL for a slug that is not in the table. */
const struct http_problem_type *http_problem_find(struct mr_bytes slug);

/* 0 and NULL for a slug that is not in the table. */
int http_problem_status(const char *slug);
const char *http_problem_title(const char *slug);

/* Visits the table, for documents; NULL behind its end. */
size_t http_problem_count(void);
const struct http_problem_type *http_problem_at(size_t index);

/* How many seconds a queue with so many in it needs at this rate: 1 to 30. */
int http_drain_s(size_t waiting, size_t per_second);

/* Seconds for the Retry-After of a 503 or a 202: between `least_s` and twice as many. */
int http_retry_after_s(int least_s);

/* Writes the JSON. `type_base` and `instance` may be NULL. An unknown slug needs a status. */
void http_problem_render(
    const struct http_problem *problem,
    const char *type_base,
    struct mr_bytes instance,
    struct mr_buffer *out);

/* Drops what the response buffer holds and answers. 401s get WWW-Authenticate. */
void http_send_problem_full(struct http_request *request, const struct http_problem *problem);

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void http_send_problem(
    struct http_request *request, const char *slug, const char *detail_format, ...);

#endif
