/* policy.c - pure checks of what clients send. */
#include "policy.h"

#include "common_passwords.h"

#include <base/buffer.h>

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>

enum { KEY_MIN = 16, KEY_MAX = 64 };

/* Takes the quotes and backslashes of an RFC 8941 string off. */
static bool unquote_key(struct mr_bytes header, char *out, size_t *ret_len)
{
    size_t len = 0;
    if (header.len < 2 || header.ptr[header.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < header.len; i++) {
        char c = header.ptr[i];
        if (c == '"')
            return false;
        if (c == '\\') {
            if (++i + 1 >= header.len || (header.ptr[i] != '"' && header.ptr[i] != '\\'))
                return false;
            c = header.ptr[i];
        }
        out[len++] = c;
    }
    *ret_len = len;
    return true;
}

bool policy_idempotency_key(
    struct mr_bytes header, struct mr_arena *arena, struct mr_bytes *ret_key)
{
    assert(arena && ret_key);
    char text[2 * KEY_MAX + 2];
    size_t len = header.len;
    if (!header.ptr || len == 0 || len > sizeof text)
        return false;
    bool quoted = header.ptr[0] == '"';
    if (quoted && !unquote_key(header, text, &len))
        return false;
    if (!quoted)
        memcpy(text, header.ptr, len);
    if (len < KEY_MIN || len > KEY_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || (!quoted && strchr("\",;\\", text[i])))
            return false;
    *ret_key = mr_arena_copy(arena, mr_bytes_of(text, len));
    return true;
}

bool policy_is_locale(struct mr_bytes locale)
{
    for (size_t i = 0; i < locale.len; i++) {
        char c = locale.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return locale.len >= 2;
}

static struct mr_bytes network_of_ipv4(const uint8_t *address, struct mr_arena *arena)
{
    if (address[0] == 127)
        return mr_cstr("");
    return mr_arena_printf(arena, "%d.%d.%d.", address[0], address[1], address[2]);
}

struct mr_bytes policy_network(struct mr_bytes address, struct mr_arena *arena)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t loopback[16] = {[15] = 1};
    uint8_t bytes[16];
    const char *text = mr_arena_cstr(arena, address);
    if (inet_pton(AF_INET, text, bytes) == 1)
        return network_of_ipv4(bytes, arena);
    if (inet_pton(AF_INET6, text, bytes) != 1 || memcmp(bytes, loopback, sizeof loopback) == 0)
        return mr_cstr("");
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return network_of_ipv4(bytes + sizeof mapped, arena);
    return mr_arena_printf(
        arena,
        "%02x%02x:%02x%02x:%02x%02x:%02x",
        bytes[0],
        bytes[1],
        bytes[2],
        bytes[3],
        bytes[4],
        bytes[5],
        bytes[6]);
}

static bool equal_without_case(struct mr_bytes a, struct mr_bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        char c = a.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != b.ptr[i])
            return false;
    }
    return true;
}

const char *policy_password_problem(struct mr_bytes password, struct mr_bytes email)
{
    if (password.len < POLICY_PASSWORD_BYTES_MIN)
        return "a password has at least 8 bytes";
    if (password.len > POLICY_PASSWORD_BYTES_MAX)
        return "a password has at most 1024 bytes";
    if (equal_without_case(password, email))
        return "the e-mail address cannot be the password";
    for (size_t i = 0; i < common_passwords_count; i++)
        if (equal_without_case(password, mr_cstr(common_passwords[i])))
            return "this password is one of the most common ones";
    return NULL;
}

struct mr_bytes policy_requires_position(
    const struct topo_position *positions, size_t count, const char *prefix, struct mr_arena *arena)
{
    assert(arena && (positions || count == 0));
    struct mr_buffer list = {0};
    for (size_t i = 0; i < count; i++)
        if (mr_bytes_starts_with(mr_cstr(positions[i].topic), mr_cstr(prefix)))
            mr_buffer_printf(
                &list,
                "%s%s:%" PRId32 ":%" PRId64,
                list.len ? "," : "",
                positions[i].topic,
                positions[i].partition,
                positions[i].next_offset);
    struct mr_bytes copy = {0};
    if (list.len > 0)
        copy = mr_arena_copy(arena, mr_buffer_view(&list));
    mr_buffer_clean_up(&list);
    return copy;
}
