/*
 * token_jwt.c - access tokens: RFC 9068 JWTs under Ed25519 (RFC 8037).
 *
 * There is one header for each key of ours, and only these are accepted, byte for byte: no other
 * algorithm, type or key can be talked into us. The signature is checked before the payload is
 * parsed.
 */
#include "token_impl.h"

#include <http/json.h>

#include <assert.h>
#include <jansson.h>
#include <string.h>

static void write_thumbprint(const struct token_public *key, struct mr_buffer *out)
{
    struct mr_buffer json = {0};
    uint8_t digest[crypto_hash_sha256_BYTES];
    mr_buffer_add(&json, mr_cstr("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\""));
    token_text_encode(mr_bytes_of(key->verify, sizeof key->verify), &json);
    mr_buffer_add(&json, mr_cstr("\"}"));
    crypto_hash_sha256(digest, (const unsigned char *)json.ptr, json.len);
    token_text_encode(mr_bytes_of(digest, sizeof digest), out);
    mr_buffer_clean_up(&json);
}

void token_make_header(struct token_public *key)
{
    struct mr_buffer json = {0};
    write_thumbprint(key, &key->kid);
    mr_buffer_printf(
        &json,
        "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%.*s\"}",
        (int)key->kid.len,
        key->kid.ptr);
    token_text_encode(mr_buffer_view(&json), &key->header);
    mr_buffer_add_byte(&key->header, '.');
    mr_buffer_clean_up(&json);
}

static struct mr_bytes or_empty(struct mr_bytes text)
{
    return text.ptr ? text : mr_cstr("");
}

static void write_claims(const struct token_claims *claims, struct mr_buffer *out)
{
    struct json_w w = json_w_to(out);
    json_w_object(&w);
    json_w_key_text(&w, "iss", mr_cstr(TOKEN_ISSUER));
    json_w_key_text(&w, "aud", mr_cstr(TOKEN_AUDIENCE));
    json_w_key_text(&w, "sub", claims->subject);
    json_w_key_text(&w, "sid", or_empty(claims->session_id));
    json_w_key_integer(&w, "iat", claims->issued_at_s);
    json_w_key_integer(&w, "exp", claims->expires_at_s);
    json_w_key_text(&w, "jti", or_empty(claims->token_id));
    json_w_key_text(&w, "scope", or_empty(claims->scope));
    json_w_object_end(&w);
}

void token_sign(
    const struct token_keys *keys, const struct token_claims *claims, struct mr_buffer *out)
{
    struct mr_buffer payload = {0};
    uint8_t signature[crypto_sign_BYTES];
    assert(keys->parts & TOKEN_SIGN);
    size_t start = out->len;
    write_claims(claims, &payload);
    mr_buffer_add(out, mr_buffer_view(&keys->public[0].header));
    token_text_encode(mr_buffer_view(&payload), out);
    crypto_sign_detached(
        signature, NULL, (const unsigned char *)out->ptr + start, out->len - start, keys->sign);
    mr_buffer_add_byte(out, '.');
    token_text_encode(mr_bytes_of(signature, sizeof signature), out);
    mr_buffer_clean_up(&payload);
}

static bool
text_claim(json_t *payload, const char *name, struct mr_arena *arena, struct mr_bytes *ret_text)
{
    json_t *value = json_object_get(payload, name);
    if (!json_is_string(value))
        return false;
    *ret_text =
        mr_arena_copy(arena, mr_bytes_of(json_string_value(value), json_string_length(value)));
    return true;
}

static bool
read_claims(struct mr_bytes text, struct mr_arena *arena, struct token_claims *ret_claims)
{
    json_t *payload = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    struct mr_bytes issuer = {0};
    struct mr_bytes audience = {0};
    bool good = json_is_object(payload) && text_claim(payload, "iss", arena, &issuer) &&
                text_claim(payload, "aud", arena, &audience) &&
                text_claim(payload, "sub", arena, &ret_claims->subject) &&
                text_claim(payload, "sid", arena, &ret_claims->session_id) &&
                text_claim(payload, "jti", arena, &ret_claims->token_id) &&
                text_claim(payload, "scope", arena, &ret_claims->scope) &&
                json_is_integer(json_object_get(payload, "iat")) &&
                json_is_integer(json_object_get(payload, "exp")) &&
                mr_bytes_equal(issuer, mr_cstr(TOKEN_ISSUER)) &&
                mr_bytes_equal(audience, mr_cstr(TOKEN_AUDIENCE)) && ret_claims->subject.len > 0;
    if (good) {
        ret_claims->issued_at_s = json_integer_value(json_object_get(payload, "iat"));
        ret_claims->expires_at_s = json_integer_value(json_object_get(payload, "exp"));
    }
    /* `nbf` is a time as `iat` is: whichever is later counts. */
    const json_t *not_before = json_object_get(payload, "nbf");
    if (good && not_before) {
        good = json_is_integer(not_before);
        if (good && json_integer_value(not_before) > ret_claims->issued_at_s)
            ret_claims->issued_at_s = json_integer_value(not_before);
    }
    if (good)
        good = ret_claims->issued_at_s >= 0 && ret_claims->expires_at_s > ret_claims->issued_at_s &&
               ret_claims->expires_at_s - ret_claims->issued_at_s <= TOKEN_LIFETIME_S_MAX;
    json_decref(payload);
    return good;
}

/* The key that the token says it is of; NULL: we do not have it. */
static const struct token_public *find_public(const struct token_keys *keys, struct mr_bytes token)
{
    for (size_t i = 0; i < keys->public_count; i++)
        if (mr_bytes_starts_with(token, mr_buffer_view(&keys->public[i].header)))
            return &keys->public[i];
    return NULL;
}

/* Header, signature, claims; not the times. */
static bool check_claims(
    const struct token_keys *keys,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct token_claims *ret_claims)
{
    struct mr_bytes signature;
    struct mr_bytes payload;
    const struct token_public *key = find_public(keys, token);
    if (!key)
        return false;
    const char *dot = memrchr(token.ptr, '.', token.len);
    size_t signed_len = (size_t)(dot - token.ptr);
    if (signed_len < key->header.len)
        return false;
    if (!token_text_decode(mr_bytes_of(dot + 1, token.len - signed_len - 1), arena, &signature) ||
        signature.len != crypto_sign_BYTES)
        return false;
    if (crypto_sign_verify_detached(
            (const unsigned char *)signature.ptr,
            (const unsigned char *)token.ptr,
            signed_len,
            key->verify) != 0)
        return false;
    struct mr_bytes encoded =
        mr_bytes_of(token.ptr + key->header.len, signed_len - key->header.len);
    return token_text_decode(encoded, arena, &payload) && read_claims(payload, arena, ret_claims);
}

enum token_verdict token_verify(
    struct token_keys *keys,
    struct mr_bytes token,
    int64_t now_s,
    struct mr_arena *arena,
    struct token_claims *ret_claims)
{
    struct token_claims claims = {0};
    assert(keys->parts & TOKEN_VERIFY);
    if (token.len == 0 || token.len > TOKEN_BYTES_MAX)
        return TOKEN_INVALID;
    if (!token_cache_get(keys->cache, token, arena, &claims)) {
        if (!check_claims(keys, token, arena, &claims))
            return TOKEN_INVALID;
        token_cache_put(keys->cache, token, &claims, now_s);
    }
    if (claims.issued_at_s > now_s + TOKEN_CLOCK_SKEW_S)
        return TOKEN_INVALID;
    if (claims.expires_at_s <= now_s - TOKEN_CLOCK_SKEW_S)
        return TOKEN_EXPIRED;
    *ret_claims = claims;
    return TOKEN_VALID;
}

static void write_jwk(struct json_w *w, const struct token_public *key)
{
    struct mr_buffer x = {0};
    token_text_encode(mr_bytes_of(key->verify, sizeof key->verify), &x);
    json_w_object(w);
    json_w_key_text(w, "kty", mr_cstr("OKP"));
    json_w_key_text(w, "crv", mr_cstr("Ed25519"));
    json_w_key_text(w, "use", mr_cstr("sig"));
    json_w_key_text(w, "alg", mr_cstr("EdDSA"));
    json_w_key_text(w, "kid", mr_buffer_view(&key->kid));
    json_w_key_text(w, "x", mr_buffer_view(&x));
    json_w_object_end(w);
    mr_buffer_clean_up(&x);
}

void token_jwks(const struct token_keys *keys, struct mr_buffer *out)
{
    struct json_w w = json_w_to(out);
    json_w_object(&w);
    json_w_key(&w, "keys");
    json_w_array(&w);
    for (size_t i = 0; i < keys->public_count; i++)
        write_jwk(&w, &keys->public[i]);
    json_w_array_end(&w);
    json_w_object_end(&w);
}
