/* token_text.c - base64url without padding, canonical only. */
#include "token_impl.h"

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

/* libsodium 1.0.18 takes some bytes above 0x7F for '_'. */
static bool is_alphabet(struct mr_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool token_text_decode(struct mr_bytes text, struct mr_arena *arena, struct mr_bytes *ret_bytes)
{
    size_t room = text.len / 4 * 3 + 3;
    unsigned char *bytes = mr_arena_alloc(arena, room + 1);
    const char *end = NULL;
    size_t len = 0;
    if (!text.ptr || !is_alphabet(text) ||
        sodium_base642bin(
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
