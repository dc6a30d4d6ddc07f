/*
 * json.h - request bodies read by a table of fields, answers written straight into a buffer.
 *
 * Reading is strict: UTF-8, no duplicate keys, depth <= 16, no unknown fields, exact types. Every
 * mistake has an RFC 6901 pointer. Writing never fails; keys and order are the caller's.
 *
 *     struct mr_bytes product_id;
 *     int64_t quantity;
 *     const struct http_json_field fields[] = {
 *         {.name = "product_id", .kind = HTTP_JSON_TEXT, .max = 64, .out = &product_id},
 *         {.name = "quantity", .kind = HTTP_JSON_INTEGER, .min = 1, .max = 999, .out = &quantity},
 *     };
 *     if (!http_read_json(request, fields, 2))
 *         return; // answered
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <http/problem.h>

enum { HTTP_JSON_DEPTH_MAX = 16, HTTP_JSON_TEXT_MAX = 4096, HTTP_JSON_ERRORS_MAX = 16 };

enum http_json_kind {
    HTTP_JSON_TEXT, /* out: struct mr_bytes in the arena, NUL-terminated; min, max: characters. */
    HTTP_JSON_INTEGER, /* out: int64_t. */
    HTTP_JSON_BOOL,    /* out: bool. */
    HTTP_JSON_OBJECT,  /* `fields` tell what is inside. out: bool "was there", or NULL. */
    HTTP_JSON_ANY,     /* An object of any content. out: struct mr_bytes, its compact text. */
    HTTP_JSON_TIME,    /* Written only: "2026-09-01T10:15:00.000Z". */
};

/* `out` is untouched when the field is absent. null counts as absent where not required. */
struct http_json_field {
    const char *name;
    enum http_json_kind kind;
    bool required;
    int64_t min;
    int64_t max; /* 0 with HTTP_JSON_TEXT and ANY: HTTP_JSON_TEXT_MAX; 0,0 with INTEGER: any. */
    void *out;   /* NULL: `at` bytes into the struct that the body is read into. */
    size_t at;
    const struct http_json_field *fields; /* HTTP_JSON_OBJECT only. */
    size_t fields_count;

    /* For the document of the API; reading ignores it. */
    const struct http_shape *shape; /* OBJECT: one that is described elsewhere. */
    bool many;                      /* An array of such values. */
    bool nullable;                  /* An answer may have null here. */
    const char *const *values;      /* TEXT: these only, up to NULL. */
    const char *pattern;            /* TEXT: ECMA-262. */
    const char *example;            /* JSON. */
    const char *about;
};

/* An object under a name: the body of a request or of an answer. */
struct http_shape {
    const char *name;
    const char *about;
    const struct http_json_field *fields;
    size_t fields_count;
};

struct http_json_errors {
    struct http_field_error items[HTTP_JSON_ERRORS_MAX];
    size_t count;
};

/* The RFC 6901 pointer to the member `name` of `parent`, in the arena; a long name is cut. */
struct mr_bytes
http_json_pointer(struct mr_arena *arena, struct mr_bytes parent, struct mr_bytes name);

/* MR_MALFORMED: not JSON (the text says where and why). MR_INVALID: see ret_errors, pointers live
 * in the arena. Some outputs may have been set then. */
int http_json_read(
    struct mr_bytes body,
    const struct http_json_field *fields,
    size_t fields_count,
    struct mr_arena *arena,
    struct http_json_errors *ret_errors,
    struct mr_error *error);

/* The request's body by http_json_read; sends unsupported-media-type, malformed-json or validation
 * and returns false when it is not good. */
bool http_read_json(
    struct http_request *request, const struct http_json_field *fields, size_t fields_count);

/* As http_read_json, into the struct that the shape's fields have their `at` of. */
bool http_read_shape(struct http_request *request, const struct http_shape *shape, void *into);

/* Sends `validation` with one error. */
void http_send_invalid(
    struct http_request *request, const char *pointer, const char *code, const char *detail);

/* -- writing ----------------------------------------------------------------------------- */

struct json_w {
    struct mr_buffer *out;
    bool comma; /* A value stands before the next one. */
};

static inline struct json_w json_w_to(struct mr_buffer *out)
{
    return (struct json_w){.out = out};
}

void json_w_object(struct json_w *w); /* As a value; then keys and values; then end. */
void json_w_object_end(struct json_w *w);
void json_w_array(struct json_w *w);
void json_w_array_end(struct json_w *w);
void json_w_key(struct json_w *w, const char *key);       /* A literal of plain ASCII. */
void json_w_text(struct json_w *w, struct mr_bytes text); /* NULL view: null. Must be UTF-8. */
void json_w_integer(struct json_w *w, int64_t value);
void json_w_bool(struct json_w *w, bool value);
void json_w_null(struct json_w *w);
void json_w_time(struct json_w *w, int64_t unix_ms);      /* "2026-09-01T10:15:00.000Z" */
void json_w_raw(struct json_w *w, struct mr_bytes value); /* A JSON value as it is. */

/* key and value at once. */
void json_w_key_text(struct json_w *w, const char *key, struct mr_bytes text);
void json_w_key_integer(struct json_w *w, const char *key, int64_t value);
void json_w_key_bool(struct json_w *w, const char *key, bool value);
void json_w_key_time(struct json_w *w, const char *key, int64_t unix_ms);

/* Valid UTF-8 (RFC 3629) without NUL. */
bool http_utf8_valid(struct mr_bytes text);

#endif
