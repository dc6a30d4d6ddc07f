/* token_impl.h - what the token files share: the keys, and base64url. Private to http/src. */
#ifndef HTTP_TOKEN_IMPL_H
#define HTTP_TOKEN_IMPL_H

#include <http/token.h>

#include <sodium.h>

struct token_cache;

/* A public key, and the one JWT header of its tokens. */
struct token_public {
    uint8_t verify[crypto_sign_PUBLICKEYBYTES];
    struct mr_buffer kid;    /* base64url of the JWK thumbprint (RFC 7638). */
    struct mr_buffer header; /* Encoded, with its dot. */
};

enum { TOKEN_PUBLIC_MAX = 3 }; /* The key of now, the one before and the next. */

struct token_keys {
    unsigned parts;
    uint8_t sign[crypto_sign_SECRETKEYBYTES]; /* The secret half of public[0]. */
    struct token_public public[TOKEN_PUBLIC_MAX];
    size_t public_count;
    uint8_t mac[crypto_auth_KEYBYTES];
    struct token_cache *cache;
};

void token_text_encode(struct mr_bytes bytes, struct mr_buffer *out);
/* False unless it is canonical base64url without padding. */
bool token_text_decode(struct mr_bytes text, struct mr_arena *arena, struct mr_bytes *ret_bytes);

/* token_jwt.c */
void token_make_header(struct token_public *key);

/* token_cache.c: any thread. Key: a hash of the token. */
struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *cache);
bool token_cache_get(
    struct token_cache *cache,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct token_claims *ret_claims);
void token_cache_put(
    struct token_cache *cache,
    struct mr_bytes token,
    const struct token_claims *claims,
    int64_t now_s);

#endif
