/* email.c - the form of an address that is compared, and its key, by HMAC. */
#include <sealing/email.h>
#include <sealing/random.h>
#include <text/domain.h>
#include <text/unicode.h>

#include <sodium.h>

enum { ADDRESS_BYTES_MAX = 254, LOCAL_BYTES_MAX = 64, INPUT_BYTES_MAX = 1024 };

/* Quoted local parts and comments are allowed by RFC 5321, and nobody has one. */
static bool has_special(struct mr_bytes local)
{
    for (size_t i = 0; i < local.len; i++)
        if (strchr("\"(),:;<>[\\]@", local.ptr[i]))
            return true;
    return false;
}

static void lower_ascii(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
}

bool sealing_email_normalise(
    struct mr_bytes email, struct mr_arena *arena, struct mr_bytes *ret_email)
{
    struct mr_bytes domain = {0};
    if (!email.ptr || email.len > INPUT_BYTES_MAX || !text_is_visible(email))
        return false;
    const char *at = memchr(email.ptr, '@', email.len);
    size_t local_len = at ? (size_t)(at - email.ptr) : 0;
    if (local_len == 0)
        return false;
    struct mr_bytes local = text_compose(arena, mr_bytes_of(email.ptr, local_len));
    struct mr_bytes rest = mr_bytes_of(at + 1, email.len - local_len - 1);
    if (local.len > LOCAL_BYTES_MAX || has_special(local) || has_special(rest) ||
        !text_domain_to_ascii(rest, arena, &domain) || !memchr(domain.ptr, '.', domain.len))
        return false;
    struct mr_bytes normal = mr_arena_printf(arena, "%.*s@%.*s", MR_ARG(local), MR_ARG(domain));
    if (normal.len > ADDRESS_BYTES_MAX)
        return false;
    lower_ascii((char *)(uintptr_t)normal.ptr, normal.len);
    *ret_email = normal;
    return true;
}

struct mr_bytes sealing_email_key(
    const struct sealing_key *email_hmac_key,
    struct mr_bytes normalised_email,
    struct mr_arena *arena)
{
    uint8_t digest[crypto_auth_hmacsha256_BYTES];
    char text[SEALING_BASE32_LEN + 1];
    crypto_auth_hmacsha256(
        digest, (const uint8_t *)normalised_email.ptr, normalised_email.len, email_hmac_key->bytes);
    sealing_base32(digest, text);
    return mr_arena_copy(arena, mr_bytes_of(text, SEALING_BASE32_LEN));
}
