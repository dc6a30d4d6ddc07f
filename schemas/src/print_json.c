/* print_json.c - a value as one JSON object, by the type's table: for people and audit tools. */
#include <schemas/codec.h>

#include <inttypes.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void add_text(struct mr_buffer *out, const char *text)
{
    mr_buffer_add(out, mr_cstr(text));
}

/* The length of the UTF-8 sequence at `at` (RFC 3629: shortest form, no surrogates); 0 if none. */
static size_t utf8_len(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
               (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f);
    return bad ? 0 : len;
}

static void print_escape(struct mr_buffer *out, uint8_t byte)
{
    switch (byte) {
    case '"':
        add_text(out, "\\\"");
        break;
    case '\\':
        add_text(out, "\\\\");
        break;
    case '\n':
        add_text(out, "\\n");
        break;
    case '\t':
        add_text(out, "\\t");
        break;
    default:
        mr_buffer_printf(out, "\\u%04x", byte);
    }
}

static void print_string(struct mr_buffer *out, struct mr_bytes text)
{
    const uint8_t *at = (const uint8_t *)text.ptr;
    mr_buffer_add_byte(out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t len = utf8_len(at + i, text.len - i);
        if (len == 1 && (at[i] < 0x20 || at[i] == '"' || at[i] == '\\' || at[i] == 0x7f))
            print_escape(out, at[i]);
        else if (len)
            mr_buffer_add(out, mr_bytes_of(at + i, len));
        else
            add_text(out, "\xef\xbf\xbd");
        i += len ? len : 1;
    }
    mr_buffer_add_byte(out, '"');
}

static void print_base64(struct mr_buffer *out, struct mr_bytes bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    mr_buffer_add_byte(out, '"');
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                         (left > 2 ? at[i + 2] : 0);
        char digits[4] = {base64_digits[group >> 18], base64_digits[group >> 12 & 63], '=', '='};
        if (left > 1)
            digits[2] = base64_digits[group >> 6 & 63];
        if (left > 2)
            digits[3] = base64_digits[group & 63];
        mr_buffer_add(out, mr_bytes_of(digits, sizeof digits));
    }
    mr_buffer_add_byte(out, '"');
}

static void print_one(const struct codec_field *field, const void *value, struct mr_buffer *out)
{
    switch (field->kind) {
    case CODEC_STRING:
        print_string(out, *(const struct mr_bytes *)value);
        break;
    case CODEC_BYTES:
        print_base64(out, *(const struct mr_bytes *)value);
        break;
    case CODEC_INT:
        mr_buffer_printf(out, "%" PRId32, *(const int32_t *)value);
        break;
    case CODEC_LONG:
        mr_buffer_printf(out, "%" PRId64, *(const int64_t *)value);
        break;
    case CODEC_BOOLEAN:
        add_text(out, *(const bool *)value ? "true" : "false");
        break;
    case CODEC_RECORD:
        codec_print_json(field->record, value, out);
        break;
    }
}

static void
print_optional(const struct codec_field *field, const char *struct_at, struct mr_buffer *out)
{
    const void *value = struct_at + field->offset;
    bool there;
    if (field->kind == CODEC_STRING || field->kind == CODEC_BYTES) {
        there = ((const struct mr_bytes *)value)->ptr != NULL;
    } else if (field->kind == CODEC_RECORD) {
        value = *(const void *const *)value;
        there = value != NULL;
    } else {
        there = *(const bool *)(const void *)(struct_at + field->beside);
    }
    if (there)
        print_one(field, value, out);
    else
        add_text(out, "null");
}

static void
print_many(const struct codec_field *field, const char *struct_at, struct mr_buffer *out)
{
    const char *items = *(const char *const *)(const void *)(struct_at + field->offset);
    size_t count = *(const size_t *)(const void *)(struct_at + field->beside);
    size_t size = field->kind == CODEC_RECORD ? field->record->size : sizeof(struct mr_bytes);
    mr_buffer_add_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            mr_buffer_add_byte(out, ',');
        print_one(field, items + i * size, out);
    }
    mr_buffer_add_byte(out, ']');
}

static void print_map(const struct codec_field *field, const char *struct_at, struct mr_buffer *out)
{
    const void *at = struct_at + field->offset;
    const struct shop_map_entry *entries = *(const struct shop_map_entry *const *)at;
    size_t count = *(const size_t *)(const void *)(struct_at + field->beside);
    mr_buffer_add_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            mr_buffer_add_byte(out, ',');
        print_string(out, entries[i].key);
        mr_buffer_add_byte(out, ':');
        print_string(out, entries[i].value);
    }
    mr_buffer_add_byte(out, '}');
}

static void
print_field(const struct codec_field *field, const char *struct_at, struct mr_buffer *out)
{
    switch (field->shape) {
    case CODEC_ONE:
        print_one(field, struct_at + field->offset, out);
        break;
    case CODEC_OPTIONAL:
        print_optional(field, struct_at, out);
        break;
    case CODEC_MANY:
        print_many(field, struct_at, out);
        break;
    case CODEC_MAP:
        print_map(field, struct_at, out);
        break;
    }
}

void codec_print_json(const struct codec_type *type, const void *value, struct mr_buffer *out)
{
    for (size_t i = 0; i < type->fields_count; i++) {
        mr_buffer_add_byte(out, i ? ',' : '{');
        print_string(out, mr_cstr(type->fields[i].name));
        mr_buffer_add_byte(out, ':');
        print_field(&type->fields[i], value, out);
    }
    mr_buffer_add_byte(out, '}');
}
