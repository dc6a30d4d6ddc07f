/* token_text.c - base64url without padding, canonical only. */
#include "token_parts.h"

void token_text_encode(struct mr_bytes bytes, struct mr_buffer *out)
{
    size_t room = sodium_base64_ENCODED_LEN(bytes.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *at = mr_buffer_reserve(out, room);
    sodium_bin2base64(
        at,
        room,
        (const unsigned char *)bytes.ptr,
        bytes.len,
        sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->len += room - 1; /* Without its NUL. */
}

bool token_text_decode(struct mr_bytes text, struct mr_arena *arena, struct mr_bytes *ret_bytes)
{
    size_t room = text.len / 4 * 3 + 3;
    unsigned char *bytes = mr_arena_alloc(arena, room + 1);
    const char *end = NULL;
    size_t len = 0;
    if (!text.ptr || sodium_base642bin(
                         bytes,
                         room,
                         text.ptr,
                         text.len,
                         NULL,
                         &len,
                         &end,
                         sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    if (end != text.ptr + text.len)
        return false;
    bytes[len] = 0;
    *ret_bytes = mr_bytes_of(bytes, len);
    return true;
}
