/* json_fuzz.c - any body: read or refused with pointers, and what is read is within its bounds. */
#include "fuzz.h"

#include <http/json.h>

struct body {
    struct mr_bytes product_id;
    struct mr_bytes currency;
    struct mr_bytes address;
    int64_t quantity;
    int64_t minor;
    bool flag;
    bool has_total;
};

static int read_body(
    struct mr_bytes text,
    struct mr_arena *arena,
    struct body *body,
    struct http_json_errors *errors,
    struct mr_error *error)
{
    const struct http_json_field total[] = {
        {.name = "amount_minor", .kind = HTTP_JSON_INTEGER, .required = true, .out = &body->minor},
        {.name = "currency", .kind = HTTP_JSON_TEXT, .min = 3, .max = 3, .out = &body->currency}};
    const struct http_json_field fields[] = {
        {.name = "product_id", .kind = HTTP_JSON_TEXT, .max = 16, .out = &body->product_id},
        {.name = "quantity",
         .kind = HTTP_JSON_INTEGER,
         .required = true,
         .min = 1,
         .max = 9,
         .out = &body->quantity},
        {.name = "flag", .kind = HTTP_JSON_BOOL, .out = &body->flag},
        {.name = "total",
         .kind = HTTP_JSON_OBJECT,
         .fields = total,
         .fields_count = 2,
         .out = &body->has_total},
        {.name = "address", .kind = HTTP_JSON_ANY, .max = 256, .out = &body->address}};
    return http_json_read(text, fields, 5, arena, errors, error);
}

/* Written again, it is JSON with the same content. */
static void hold_round_trip(const struct body *body, struct mr_arena *arena)
{
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    struct body again = {0};
    struct http_json_errors errors;
    struct mr_error error;
    json_w_object(&w);
    json_w_key_text(&w, "product_id", body->product_id);
    json_w_key_integer(&w, "quantity", body->quantity);
    json_w_key_bool(&w, "flag", body->flag);
    if (body->address.ptr) {
        json_w_key(&w, "address");
        json_w_raw(&w, body->address);
    }
    json_w_object_end(&w);
    FUZZ_HOLDS(read_body(mr_buffer_view(&out), arena, &again, &errors, &error) == 0);
    FUZZ_HOLDS(mr_bytes_equal(again.product_id, body->product_id));
    FUZZ_HOLDS(mr_bytes_equal(again.address, body->address));
    FUZZ_HOLDS(again.quantity == body->quantity && again.flag == body->flag);
    mr_buffer_clean_up(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_arena arena = {0};
    struct body body = {0};
    struct http_json_errors errors = {0};
    struct mr_error error = {0};
    int code = read_body(mr_bytes_of(data, size), &arena, &body, &errors, &error);
    FUZZ_HOLDS(code == 0 || code == MR_MALFORMED || code == MR_INVALID || code == MR_TOO_LARGE);
    FUZZ_HOLDS((code == MR_INVALID) == (errors.count > 0));
    FUZZ_HOLDS(errors.count <= HTTP_JSON_ERRORS_MAX);
    FUZZ_HOLDS(http_utf8_valid(mr_cstr(error.text)));
    for (size_t i = 0; i < errors.count; i++)
        FUZZ_HOLDS(http_utf8_valid(errors.items[i].pointer));
    if (code == 0) {
        FUZZ_HOLDS(body.quantity >= 1 && body.quantity <= 9);
        FUZZ_HOLDS(body.product_id.len <= 16 && http_utf8_valid(body.product_id));
        FUZZ_HOLDS(body.address.len <= 256 && body.currency.len <= 3);
        hold_round_trip(&body, &arena);
    }
    mr_arena_clean_up(&arena);
    return 0;
}
