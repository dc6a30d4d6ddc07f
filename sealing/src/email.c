/* email.c - what is an address, by its characters; and its key, by HMAC. */
#include <sealing/email.h>
#include <sealing/random.h>

#include <sodium.h>

enum { ADDRESS_MAX = 254, LOCAL_MAX = 64 };

static bool is_allowed(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte > ' ' && byte != 0x7f && !strchr("\"(),:;<>[\\]", c);
}

static bool is_domain(struct mr_bytes domain)
{
    bool dotted = false;
    size_t label = 0;
    for (size_t i = 0; i < domain.len; i++) {
        if (domain.ptr[i] != '.') {
            label++;
            continue;
        }
        if (label == 0)
            return false;
        dotted = true;
        label = 0;
    }
    return dotted && label > 0;
}

bool sealing_email_normalise(
    struct mr_bytes email, struct mr_arena *arena, struct mr_bytes *ret_email)
{
    if (!email.ptr || email.len > ADDRESS_MAX)
        return false;
    const char *at = memchr(email.ptr, '@', email.len);
    size_t local = at ? (size_t)(at - email.ptr) : 0;
    if (local == 0 || local > LOCAL_MAX)
        return false;
    struct mr_bytes domain = {at + 1, email.len - local - 1};
    if (memchr(domain.ptr, '@', domain.len) || !is_domain(domain))
        return false;
    char *normal = mr_arena_cstr(arena, email);
    for (size_t i = 0; i < email.len; i++) {
        if (!is_allowed(normal[i]))
            return false;
        if (normal[i] >= 'A' && normal[i] <= 'Z')
            normal[i] = (char)(normal[i] - 'A' + 'a');
    }
    *ret_email = mr_bytes_of(normal, email.len);
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
