/*
 * token.h - what clients carry: access tokens (Ed25519 JWT) and our own opaque, MAC'd tokens.
 *
 * Key files, raw bytes, in the secrets directory: jwt_ed25519.key (64), jwt_ed25519.pub (32),
 * token_mac.key (32). Around a rotation also jwt_ed25519.old.pub and jwt_ed25519.next.pub: tokens
 * of these keys are valid too, none is signed with them. Comparisons of secrets take constant time.
 *
 * Threads  Keys and verifier: any thread after loading.
 */
#ifndef HTTP_TOKEN_H
#define HTTP_TOKEN_H

#include <base/arena.h>
#include <base/buffer.h>
#include <base/error.h>

#include <topology/record.h>

struct token_keys;

enum token_parts { TOKEN_SIGN = 1, TOKEN_VERIFY = 2, TOKEN_MAC = 4 };

/* Loads the named parts. MR_CONFIG names the file that is missing or of the wrong length. */
int token_keys_load(
    const char *secrets_dir,
    unsigned parts, /* Bits of enum token_parts. */
    struct token_keys **ret_keys,
    struct mr_error *error);
void token_keys_free(struct token_keys *keys); /* Wipes. NULL is fine. */

/* -- access tokens: RFC 9068 (typ at+jwt), EdDSA and nothing else ------------------------- */

#define TOKEN_ISSUER   "millrace"
#define TOKEN_AUDIENCE "millrace-api"
enum {
    TOKEN_LIFETIME_S = 600,
    TOKEN_LIFETIME_S_MAX = 24 * 3600, /* Refused beyond it, even if signed with our key. */
    TOKEN_CLOCK_SKEW_S = 5,
    TOKEN_BYTES_MAX = 2048,
    TOKEN_OPAQUE_BYTES_MAX = 4096,
};

struct token_claims {
    struct mr_bytes subject;    /* sub: "usr_..." */
    struct mr_bytes session_id; /* sid */
    struct mr_bytes token_id;   /* jti */
    struct mr_bytes scope;
    int64_t issued_at_s;
    int64_t expires_at_s;
};

/* iss and aud are the constants above. */
void token_sign(
    const struct token_keys *keys, const struct token_claims *claims, struct mr_buffer *out);

enum token_verdict { TOKEN_VALID, TOKEN_EXPIRED, TOKEN_INVALID };

/* ret_claims points into the arena. Verified tokens are remembered until they expire, by hash, in
 * a bounded table: an Ed25519 check costs 65 us, a look-up under 1. */
enum token_verdict token_verify(
    struct token_keys *keys,
    struct mr_bytes token,
    int64_t now_s,
    struct mr_arena *arena,
    struct token_claims *ret_claims);

/* {"keys":[...]} (RFC 8037). */
void token_jwks(const struct token_keys *keys, struct mr_buffer *out);

/* -- opaque tokens: base64url(version | payload | MAC) ------------------------------------ */

/* `purpose` goes into the MAC, so that a token of one kind is not valid as another. */
void token_wrap(
    const struct token_keys *keys,
    const char *purpose,
    struct mr_bytes payload,
    struct mr_buffer *out);

/* MR_INVALID: not ours, of another purpose, or changed. */
int token_unwrap(
    const struct token_keys *keys,
    const char *purpose,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct mr_bytes *ret_payload);

/* -- Consistency-Token: positions that a read must reflect -------------------------------- */

/* Room for every partition that one answer reads, however large its offset. */
enum { TOKEN_POSITIONS_MAX = 256 };

/* Positions of one topic should stand together: its name is written once. Appends nothing and
 * returns MR_TOO_LARGE when the token would be over TOKEN_OPAQUE_BYTES_MAX. */
int token_positions_write(
    const struct token_keys *keys,
    const struct topo_position *positions,
    size_t count,
    struct mr_buffer *out);

/* MR_INVALID as above. Topics are C strings in the arena. */
int token_positions_read(
    const struct token_keys *keys,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct topo_position **ret_positions,
    size_t *ret_count);

#endif
