/*
 * token_opaque.c - tokens only we can read: base64url(version | payload | MAC).
 *
 * MAC = the first 16 bytes of HMAC-SHA-512-256(key, purpose | 0 | version | payload). A consistency
 * token's payload is a list of groups: topic length, topic, count, then partition and next offset
 * of each position as varints.
 */
#include "token_impl.h"

#include <assert.h>
#include <string.h>

enum { VERSION = 1, MAC_BYTES = 16, TOPIC_BYTES_MAX = 255 };

static void mac_of(
    const struct token_keys *keys,
    const char *purpose,
    struct mr_bytes versioned,
    uint8_t ret_mac[crypto_auth_hmacsha512256_BYTES])
{
    crypto_auth_hmacsha512256_state state;
    crypto_auth_hmacsha512256_init(&state, keys->mac, sizeof keys->mac);
    crypto_auth_hmacsha512256_update(&state, (const unsigned char *)purpose, strlen(purpose) + 1);
    crypto_auth_hmacsha512256_update(&state, (const unsigned char *)versioned.ptr, versioned.len);
    crypto_auth_hmacsha512256_final(&state, ret_mac);
}

void token_wrap(
    const struct token_keys *keys,
    const char *purpose,
    struct mr_bytes payload,
    struct mr_buffer *out)
{
    struct mr_buffer raw = {0};
    uint8_t mac[crypto_auth_hmacsha512256_BYTES];
    assert(keys->parts & TOKEN_MAC);
    mr_buffer_add_byte(&raw, VERSION);
    mr_buffer_add(&raw, payload);
    mac_of(keys, purpose, mr_buffer_view(&raw), mac);
    mr_buffer_add(&raw, mr_bytes_of(mac, MAC_BYTES));
    token_text_encode(mr_buffer_view(&raw), out);
    mr_buffer_clean_up(&raw);
}

int token_unwrap(
    const struct token_keys *keys,
    const char *purpose,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct mr_bytes *ret_payload)
{
    struct mr_bytes raw;
    uint8_t mac[crypto_auth_hmacsha512256_BYTES];
    assert(keys->parts & TOKEN_MAC);
    if (token.len > TOKEN_OPAQUE_BYTES_MAX || !token_text_decode(token, arena, &raw) ||
        raw.len < 1 + MAC_BYTES || raw.ptr[0] != VERSION)
        return MR_INVALID;
    struct mr_bytes versioned = mr_bytes_of(raw.ptr, raw.len - MAC_BYTES);
    mac_of(keys, purpose, versioned, mac);
    if (crypto_verify_16(mac, (const unsigned char *)raw.ptr + versioned.len) != 0)
        return MR_INVALID;
    *ret_payload = mr_bytes_of(raw.ptr + 1, versioned.len - 1);
    return 0;
}

static void put_varint(struct mr_buffer *out, uint64_t value)
{
    while (value >= 0x80) {
        mr_buffer_add_byte(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    mr_buffer_add_byte(out, (uint8_t)value);
}

static bool take_varint(struct mr_bytes *in, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        if (in->len == 0)
            return false;
        uint8_t byte = (uint8_t)*in->ptr++;
        in->len--;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static size_t group_len(const struct topo_position *positions, size_t count)
{
    size_t len = 1;
    while (len < count && len < 127 && strcmp(positions[len].topic, positions[0].topic) == 0)
        len++;
    return len;
}

int token_positions_write(
    const struct token_keys *keys,
    const struct topo_position *positions,
    size_t count,
    struct mr_buffer *out)
{
    struct mr_buffer payload = {0};
    for (size_t i = 0; i < count;) {
        size_t group = group_len(positions + i, count - i);
        size_t topic_len = strlen(positions[i].topic);
        assert(topic_len <= TOPIC_BYTES_MAX);
        mr_buffer_add_byte(&payload, (uint8_t)topic_len);
        mr_buffer_add(&payload, mr_bytes_of(positions[i].topic, topic_len));
        mr_buffer_add_byte(&payload, (uint8_t)group);
        for (size_t j = 0; j < group; j++) {
            put_varint(&payload, (uint32_t)positions[i + j].partition);
            put_varint(&payload, (uint64_t)positions[i + j].next_offset);
        }
        i += group;
    }
    size_t encoded = sodium_base64_ENCODED_LEN(
        1 + payload.len + MAC_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    bool fits = encoded - 1 <= TOKEN_OPAQUE_BYTES_MAX && count <= TOKEN_POSITIONS_MAX;
    if (fits)
        token_wrap(keys, "positions", mr_buffer_view(&payload), out);
    mr_buffer_clean_up(&payload);
    return fits ? 0 : MR_TOO_LARGE;
}

static bool take_group(
    struct mr_bytes *in, struct mr_arena *arena, struct topo_position *positions, size_t *count)
{
    size_t topic_len = (uint8_t)in->ptr[0];
    if (in->len < topic_len + 2)
        return false;
    const char *topic = mr_arena_cstr(arena, mr_bytes_of(in->ptr + 1, topic_len));
    size_t group = (uint8_t)in->ptr[1 + topic_len];
    *in = mr_bytes_of(in->ptr + topic_len + 2, in->len - topic_len - 2);
    for (size_t i = 0; i < group; i++) {
        uint64_t partition;
        uint64_t next_offset;
        if (*count == TOKEN_POSITIONS_MAX || !take_varint(in, &partition) ||
            !take_varint(in, &next_offset) || partition > INT32_MAX || next_offset > INT64_MAX)
            return false;
        positions[(*count)++] =
            (struct topo_position){topic, (int32_t)partition, (int64_t)next_offset};
    }
    return true;
}

int token_positions_read(
    const struct token_keys *keys,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct topo_position **ret_positions,
    size_t *ret_count)
{
    struct mr_bytes payload;
    if (token_unwrap(keys, "positions", token, arena, &payload) != 0)
        return MR_INVALID;
    struct topo_position *positions =
        mr_arena_alloc(arena, TOKEN_POSITIONS_MAX * sizeof *positions);
    size_t count = 0;
    while (payload.len > 0)
        if (!take_group(&payload, arena, positions, &count))
            return MR_INVALID;
    *ret_positions = positions;
    *ret_count = count;
    return 0;
}
