/* equal.c - comparing two values field by field, by the type's table. */
#include <schemas/codec.h>

static const void *equal_find_member(const void *value, size_t offset)
{
    return (const char *)value + offset;
}

static size_t item_size(const struct codec_field *field)
{
    if (field->shape == CODEC_MAP)
        return sizeof(struct shop_map_entry);
    return field->kind == CODEC_RECORD ? field->record->size : sizeof(struct mr_bytes);
}

static bool text_equal(const struct codec_field *field, const void *a, const void *b)
{
    struct mr_bytes left = *(const struct mr_bytes *)a;
    struct mr_bytes right = *(const struct mr_bytes *)b;
    if (field->shape != CODEC_OPTIONAL) /* A required text without a value is an empty one. */
        return left.len == right.len && (!left.len || memcmp(left.ptr, right.ptr, left.len) == 0);
    return mr_bytes_equal(left, right);
}

static bool one_equal(const struct codec_field *field, const void *a, const void *b)
{
    switch (field->kind) {
    case CODEC_STRING:
    case CODEC_BYTES:
        return text_equal(field, a, b);
    case CODEC_INT:
        return *(const int32_t *)a == *(const int32_t *)b;
    case CODEC_LONG:
        return *(const int64_t *)a == *(const int64_t *)b;
    case CODEC_BOOLEAN:
        return *(const bool *)a == *(const bool *)b;
    case CODEC_RECORD:
        return codec_equal(field->record, a, b);
    }
    return false;
}

static bool optional_equal(const struct codec_field *field, const void *a, const void *b)
{
    const void *left = equal_find_member(a, field->offset);
    const void *right = equal_find_member(b, field->offset);
    if (field->kind == CODEC_STRING || field->kind == CODEC_BYTES)
        return text_equal(field, left, right);
    if (field->kind == CODEC_RECORD) {
        left = *(const void *const *)left;
        right = *(const void *const *)right;
        return left && right ? codec_equal(field->record, left, right) : left == right;
    }
    bool there = *(const bool *)equal_find_member(a, field->beside);
    if (there != *(const bool *)equal_find_member(b, field->beside))
        return false;
    return !there || one_equal(field, left, right);
}

static bool item_equal(const struct codec_field *field, const void *a, const void *b)
{
    if (field->shape != CODEC_MAP)
        return one_equal(field, a, b);
    const struct shop_map_entry *left = a;
    const struct shop_map_entry *right = b;
    return text_equal(field, &left->key, &right->key) &&
           text_equal(field, &left->value, &right->value);
}

static bool items_equal(const struct codec_field *field, const void *a, const void *b)
{
    size_t count = *(const size_t *)equal_find_member(a, field->beside);
    if (count != *(const size_t *)equal_find_member(b, field->beside))
        return false;
    const void *left = *(const void *const *)equal_find_member(a, field->offset);
    const void *right = *(const void *const *)equal_find_member(b, field->offset);
    size_t size = item_size(field);
    for (size_t i = 0; i < count; i++)
        if (!item_equal(
                field, equal_find_member(left, i * size), equal_find_member(right, i * size)))
            return false;
    return true;
}

static bool field_equal(const struct codec_field *field, const void *a, const void *b)
{
    if (field->shape == CODEC_OPTIONAL)
        return optional_equal(field, a, b);
    if (field->shape == CODEC_MANY || field->shape == CODEC_MAP)
        return items_equal(field, a, b);
    return one_equal(
        field, equal_find_member(a, field->offset), equal_find_member(b, field->offset));
}

bool codec_equal(const struct codec_type *type, const void *a, const void *b)
{
    for (size_t i = 0; i < type->fields_count; i++)
        if (!field_equal(&type->fields[i], a, b))
            return false;
    return true;
}
