/*
 * openapi_schema.c - shapes as JSON Schema (2020-12).
 *
 * A request's members are bounded, may be null where they are optional, and are all there are. An
 * answer may grow members.
 */
#include "openapi_impl.h"

#include <assert.h>

enum { SHAPES_MAX = 64 };

/* libjansson takes no NUL in a string, and no text of ours has one. */
#define NO_NUL_PATTERN "^[^\\u0000]*$"

struct shape_list {
    const struct http_shape *items[SHAPES_MAX];
    bool of_request[SHAPES_MAX];
    size_t count;
};

void openapi_write_ref(struct json_w *w, const char *kind, const char *name)
{
    json_w_object(w);
    json_w_key(w, "$ref");
    mr_buffer_printf(w->out, "\"#/components/%s/%s\"", kind, name);
    json_w_object_end(w);
}

static void schema_write_type(struct json_w *w, const char *type, bool nullable)
{
    json_w_key(w, "type");
    if (!nullable) {
        json_w_text(w, mr_cstr(type));
        return;
    }
    json_w_array(w);
    json_w_text(w, mr_cstr(type));
    json_w_text(w, mr_cstr("null"));
    json_w_array_end(w);
}

static void schema_write_text(struct json_w *w, const struct http_json_field *field, bool bounded)
{
    if (field->values) {
        json_w_key(w, "enum");
        json_w_array(w);
        for (size_t i = 0; field->values[i]; i++)
            json_w_text(w, mr_cstr(field->values[i]));
        json_w_array_end(w);
        return;
    }
    if (field->min && !field->many)
        json_w_key_integer(w, "minLength", field->min);
    if (field->max && !field->many)
        json_w_key_integer(w, "maxLength", field->max);
    if (field->pattern || bounded)
        json_w_key_text(w, "pattern", mr_cstr(field->pattern ? field->pattern : NO_NUL_PATTERN));
}

static void schema_write_integer(struct json_w *w, const struct http_json_field *field)
{
    if (field->min == 0 && field->max == 0)
        return;
    json_w_key_integer(w, "minimum", field->min);
    json_w_key_integer(w, "maximum", field->max);
}

/* One value of the field, without regard to `many`. */
static void schema_write_value(
    struct json_w *w, const struct http_json_field *field, bool bounded, bool nullable)
{
    if (field->kind == HTTP_JSON_OBJECT && field->shape && !nullable) {
        openapi_write_ref(w, "schemas", field->shape->name);
        return;
    }
    json_w_object(w);
    if (field->kind == HTTP_JSON_OBJECT && field->shape) {
        json_w_key(w, "oneOf");
        json_w_array(w);
        openapi_write_ref(w, "schemas", field->shape->name);
        json_w_object(w);
        schema_write_type(w, "null", false);
        json_w_object_end(w);
        json_w_array_end(w);
    } else {
        static const char *const types[] = {
            [HTTP_JSON_TEXT] = "string",
            [HTTP_JSON_INTEGER] = "integer",
            [HTTP_JSON_BOOL] = "boolean",
            [HTTP_JSON_OBJECT] = "object",
            [HTTP_JSON_ANY] = "object",
            [HTTP_JSON_TIME] = "string",
        };
        schema_write_type(w, types[field->kind], nullable);
        if (field->kind == HTTP_JSON_TEXT)
            schema_write_text(w, field, bounded);
        if (field->kind == HTTP_JSON_INTEGER)
            schema_write_integer(w, field);
        if (field->kind == HTTP_JSON_TIME)
            json_w_key_text(w, "format", mr_cstr("date-time"));
    }
    if (field->about && !field->many)
        json_w_key_text(w, "description", mr_cstr(field->about));
    if (field->example) {
        json_w_key(w, "examples");
        json_w_array(w);
        json_w_raw(w, mr_cstr(field->example));
        json_w_array_end(w);
    }
    json_w_object_end(w);
}

static void schema_write(struct json_w *w, const struct http_json_field *field, bool of_request)
{
    bool nullable = field->nullable || (of_request && !field->required);
    if (!field->many) {
        schema_write_value(w, field, of_request, nullable);
        return;
    }
    json_w_object(w);
    schema_write_type(w, "array", false);
    json_w_key(w, "items");
    schema_write_value(w, field, of_request, false);
    if (field->min)
        json_w_key_integer(w, "minItems", field->min);
    if (field->max)
        json_w_key_integer(w, "maxItems", field->max);
    if (field->about)
        json_w_key_text(w, "description", mr_cstr(field->about));
    json_w_object_end(w);
}

void openapi_write_parameter(struct json_w *w, const struct api_parameter *parameter)
{
    assert(w && parameter && parameter->field.name);
    static const char *const places[] = {"path", "query", "header"};
    struct http_json_field field = parameter->field;
    json_w_object(w);
    json_w_key_text(w, "name", mr_cstr(field.name));
    json_w_key_text(w, "in", mr_cstr(places[parameter->place]));
    json_w_key_bool(w, "required", field.required);
    if (field.about)
        json_w_key_text(w, "description", mr_cstr(field.about));
    if (field.many) {
        json_w_key_text(w, "style", mr_cstr("form"));
        json_w_key_bool(w, "explode", false);
    }
    field.about = NULL;
    field.required = true; /* A parameter is there or not; it is not null. */
    json_w_key(w, "schema");
    schema_write(w, &field, parameter->place != API_IN_HEADER);
    json_w_object_end(w);
}

/* -- components -- */

static void shapes_collect(struct shape_list *list, const struct http_shape *shape, bool of_request)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == shape)
            return;
    assert(list->count < SHAPES_MAX);
    list->items[list->count] = shape;
    list->of_request[list->count++] = of_request;
    for (size_t i = 0; i < shape->fields_count; i++)
        if (shape->fields[i].shape)
            shapes_collect(list, shape->fields[i].shape, of_request);
}

static void shape_write_required(struct json_w *w, const struct http_shape *shape)
{
    bool any = false;
    for (size_t i = 0; i < shape->fields_count; i++)
        any = any || shape->fields[i].required;
    if (!any)
        return;
    json_w_key(w, "required");
    json_w_array(w);
    for (size_t i = 0; i < shape->fields_count; i++)
        if (shape->fields[i].required)
            json_w_text(w, mr_cstr(shape->fields[i].name));
    json_w_array_end(w);
}

static void shape_write(struct json_w *w, const struct http_shape *shape, bool of_request)
{
    json_w_key(w, shape->name);
    json_w_object(w);
    json_w_key_text(w, "type", mr_cstr("object"));
    json_w_key_text(w, "description", mr_cstr(shape->about));
    shape_write_required(w, shape);
    json_w_key(w, "properties");
    json_w_object(w);
    for (size_t i = 0; i < shape->fields_count; i++) {
        json_w_key(w, shape->fields[i].name);
        schema_write(w, &shape->fields[i], of_request);
    }
    json_w_object_end(w);
    if (of_request)
        json_w_key_bool(w, "additionalProperties", false);
    json_w_object_end(w);
}

void openapi_write_schemas(struct json_w *w)
{
    struct shape_list list = {.count = 0};
    assert(w);
    for (size_t i = 0; i < api_operations_count; i++)
        if (api_operations[i]->body)
            shapes_collect(&list, api_operations[i]->body, true);
    for (size_t i = 0; i < api_operations_count; i++)
        for (const struct api_answer *a = api_operations[i]->answers; a->status; a++)
            if (a->shape)
                shapes_collect(&list, a->shape, false);
    shapes_collect(&list, &api_shape_pending, false);
    shapes_collect(&list, &api_shape_problem, false);
    json_w_key(w, "schemas");
    json_w_object(w);
    for (size_t i = 0; i < list.count; i++)
        shape_write(w, list.items[i], list.of_request[i]);
    json_w_object_end(w);
}
