/* json_read.c - request bodies: jansson parses, a table of fields says what may be there. */
#include <http/json.h>

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

struct reading {
    struct mr_arena *arena;
    struct http_json_errors *errors;
    char *into; /* `at` of a field counts from here. */
};

static void *target_of(const struct reading *reading, const struct http_json_field *field)
{
    assert(field->out || reading->into);
    return field->out ? field->out : reading->into + field->at;
}

static void add_complaint(
    struct reading *reading, struct mr_bytes pointer, const char *code, const char *detail)
{
    struct http_json_errors *errors = reading->errors;
    if (errors->count < HTTP_JSON_ERRORS_MAX)
        errors->items[errors->count++] =
            (struct http_field_error){.pointer = pointer, .detail = detail, .code = code};
}

struct mr_bytes
http_json_pointer(struct mr_arena *arena, struct mr_bytes parent, struct mr_bytes name)
{
    enum { SHOWN_MAX = 128 };
    char *text = mr_arena_alloc(arena, parent.len + 2 * SHOWN_MAX + 2);
    size_t len = parent.len;
    memcpy(text, parent.ptr, parent.len);
    text[len++] = '/';
    size_t shown = name.len;
    if (shown > SHOWN_MAX) {
        shown = SHOWN_MAX;
        while (shown > 0 && ((unsigned char)name.ptr[shown] & 0xC0) == 0x80)
            shown--; /* Not in the middle of a character. */
    }
    for (size_t i = 0; i < shown; i++) {
        if (name.ptr[i] == '~' || name.ptr[i] == '/') {
            text[len++] = '~';
            text[len++] = name.ptr[i] == '~' ? '0' : '1';
        } else {
            text[len++] = name.ptr[i];
        }
    }
    text[len] = '\0';
    return mr_bytes_of(text, len);
}

static int64_t text_max(const struct http_json_field *field)
{
    return field->max ? field->max : HTTP_JSON_TEXT_MAX;
}

/* JSON Schema counts so, and so do people. */
static int64_t count_characters(const char *text, size_t len)
{
    int64_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static void read_text(
    struct reading *reading,
    struct mr_bytes pointer,
    const struct http_json_field *field,
    const json_t *value)
{
    size_t len = json_string_length(value);
    int64_t count = json_is_string(value) ? count_characters(json_string_value(value), len) : 0;
    if (!json_is_string(value)) {
        add_complaint(reading, pointer, "type", "must be a string");
    } else if (count < field->min || count > text_max(field)) {
        struct mr_bytes detail = mr_arena_printf(
            reading->arena,
            "must have %lld to %lld characters",
            (long long)field->min,
            (long long)text_max(field));
        add_complaint(reading, pointer, "length", detail.ptr);
    } else {
        struct mr_bytes text = mr_bytes_of(json_string_value(value), len);
        *(struct mr_bytes *)target_of(reading, field) = mr_arena_copy(reading->arena, text);
    }
}

/* 7.0 is a whole number as well (JSON Schema 2020-12, 6.1.1), as long as a double is exact. */
static bool get_whole(const json_t *value, int64_t *ret_number)
{
    static const double exact_max = 9007199254740991.0;
    double real = json_is_real(value) ? json_real_value(value) : 0;
    bool whole = json_is_real(value) && real >= -exact_max && real <= exact_max &&
                 (double)(int64_t)real == real;
    *ret_number = whole ? (int64_t)real : json_integer_value(value);
    return whole || json_is_integer(value);
}

static void read_integer(
    struct reading *reading,
    struct mr_bytes pointer,
    const struct http_json_field *field,
    const json_t *value)
{
    bool bounded = field->min != 0 || field->max != 0;
    int64_t number = 0;
    if (!get_whole(value, &number)) {
        add_complaint(reading, pointer, "type", "must be a whole number");
    } else if (bounded && (number < field->min || number > field->max)) {
        struct mr_bytes detail = mr_arena_printf(
            reading->arena, "must be %lld to %lld", (long long)field->min, (long long)field->max);
        add_complaint(reading, pointer, "range", detail.ptr);
    } else {
        *(int64_t *)target_of(reading, field) = number;
    }
}

static void read_any(
    struct reading *reading,
    struct mr_bytes pointer,
    const struct http_json_field *field,
    const json_t *value)
{
    if (!json_is_object(value)) {
        add_complaint(reading, pointer, "type", "must be an object");
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);
    size_t len = text ? strlen(text) : 0;
    if (text && (int64_t)len <= text_max(field))
        *(struct mr_bytes *)target_of(reading, field) =
            mr_arena_copy(reading->arena, mr_bytes_of(text, len));
    else
        add_complaint(reading, pointer, "length", "is too long");
    free(text);
}

static void read_object(
    struct reading *reading,
    struct mr_bytes pointer,
    const struct http_json_field *fields,
    size_t fields_count,
    json_t *object);

static void read_value(
    struct reading *reading,
    struct mr_bytes pointer,
    const struct http_json_field *field,
    json_t *value)
{
    switch (field->kind) {
    case HTTP_JSON_TEXT:
        read_text(reading, pointer, field, value);
        break;
    case HTTP_JSON_INTEGER:
        read_integer(reading, pointer, field, value);
        break;
    case HTTP_JSON_BOOL:
        if (json_is_boolean(value))
            *(bool *)target_of(reading, field) = json_is_true(value);
        else
            add_complaint(reading, pointer, "type", "must be true or false");
        break;
    case HTTP_JSON_ANY:
        read_any(reading, pointer, field, value);
        break;
    case HTTP_JSON_OBJECT:
        read_object(reading, pointer, field->fields, field->fields_count, value);
        if (field->out || reading->into)
            *(bool *)target_of(reading, field) = true;
        break;
    case HTTP_JSON_TIME:
        add_complaint(reading, pointer, "type", "is written only");
        break;
    }
}

static const struct http_json_field *
find_field(const struct http_json_field *fields, size_t fields_count, const char *name)
{
    for (size_t i = 0; i < fields_count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static void read_object(
    struct reading *reading,
    struct mr_bytes pointer,
    const struct http_json_field *fields,
    size_t fields_count,
    json_t *object)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) {
        add_complaint(reading, pointer, "type", "must be an object");
        return;
    }
    json_object_foreach(object, name, value)
    {
        if (!find_field(fields, fields_count, name))
            add_complaint(
                reading,
                http_json_pointer(reading->arena, pointer, mr_cstr(name)),
                "unknown",
                "is not known here");
    }
    for (size_t i = 0; i < fields_count; i++) {
        value = json_object_get(object, fields[i].name);
        bool absent = !value || (json_is_null(value) && !fields[i].required);
        struct mr_bytes at = http_json_pointer(reading->arena, pointer, mr_cstr(fields[i].name));
        if (!absent)
            read_value(reading, at, &fields[i], value);
        else if (fields[i].required)
            add_complaint(reading, at, "required", "is required");
    }
}

/* jansson's own bound is 2,048 levels and recursive: ours is checked before it runs. */
static bool too_deep(struct mr_bytes body)
{
    int depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (in_text && c == '\\')
            i++;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '{' || c == '['))
            depth++;
        else if (!in_text && (c == '}' || c == ']'))
            depth--;
        if (depth > HTTP_JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

/* It is JSON, but more than the parser takes. */
static bool is_limit(const char *why)
{
    return strncmp(why, "too big", 7) == 0 || strstr(why, "overflow") || strstr(why, "\\u0000") ||
           strstr(why, "NUL byte");
}

static int read_body(
    struct mr_bytes body,
    const struct http_json_field *fields,
    size_t fields_count,
    void *into,
    struct mr_arena *arena,
    struct http_json_errors *ret_errors,
    struct mr_error *error)
{
    json_error_t why;
    struct reading reading = {arena, ret_errors, into};
    ret_errors->count = 0;
    if (!http_utf8_valid(body)) /* jansson passes over bytes 0. */
        return mr_fail(error, MR_MALFORMED, "not UTF-8");
    if (too_deep(body))
        return mr_fail(error, MR_TOO_LARGE, "at most %d levels are read", (int)HTTP_JSON_DEPTH_MAX);
    json_t *root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        char *near = strstr(why.text, " near "); /* The client's own text follows. */
        if (near)
            *near = '\0';
        return mr_fail(
            error,
            is_limit(why.text) ? MR_TOO_LARGE : MR_MALFORMED,
            "line %d, column %d: %s",
            why.line,
            why.column,
            why.text);
    }
    read_object(&reading, mr_cstr(""), fields, fields_count, root);
    json_decref(root);
    if (ret_errors->count)
        return mr_fail(error, MR_INVALID, "%zu fields are invalid", ret_errors->count);
    return 0;
}

int http_json_read(
    struct mr_bytes body,
    const struct http_json_field *fields,
    size_t fields_count,
    struct mr_arena *arena,
    struct http_json_errors *ret_errors,
    struct mr_error *error)
{
    return read_body(body, fields, fields_count, NULL, arena, ret_errors, error);
}

/* "application/json", with or without parameters. */
static bool is_json(struct mr_bytes content_type)
{
    static const char wanted[] = "application/json";
    size_t len = sizeof wanted - 1;
    return content_type.len >= len && strncasecmp(content_type.ptr, wanted, len) == 0 &&
           (content_type.len == len || content_type.ptr[len] == ';' ||
            content_type.ptr[len] == ' ');
}

static bool read_or_refuse(
    struct http_request *request,
    const struct http_json_field *fields,
    size_t fields_count,
    void *into)
{
    struct http_json_errors errors;
    struct mr_error error;
    if (!is_json(http_header(request, "Content-Type"))) {
        http_send_problem(request, "unsupported-media-type", "Send application/json.");
        return false;
    }
    int rc = read_body(
        http_body(request), fields, fields_count, into, http_arena(request), &errors, &error);
    if (rc == MR_MALFORMED)
        http_send_problem(request, "malformed-json", "%s", error.text);
    else if (rc == MR_TOO_LARGE)
        http_send_problem(request, "json-limit", "%s", error.text);
    else if (rc != 0)
        http_send_problem_full(
            request,
            &(struct http_problem){
                .slug = "validation", .errors = errors.items, .errors_count = errors.count});
    return rc == 0;
}

bool http_read_json(
    struct http_request *request, const struct http_json_field *fields, size_t fields_count)
{
    return read_or_refuse(request, fields, fields_count, NULL);
}

bool http_read_shape(struct http_request *request, const struct http_shape *shape, void *into)
{
    assert(request && shape && into);
    return read_or_refuse(request, shape->fields, shape->fields_count, into);
}

void http_send_invalid(
    struct http_request *request, const char *pointer, const char *code, const char *detail)
{
    struct http_field_error error = {.pointer = mr_cstr(pointer), .detail = detail, .code = code};
    http_send_problem_full(
        request, &(struct http_problem){.slug = "validation", .errors = &error, .errors_count = 1});
}
