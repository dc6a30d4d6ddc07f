/*
 * secrets.h - the key files of one installation: made once, read by the programs.
 *
 *     jwt_ed25519.key  64  signs access tokens           command-api
 *     jwt_ed25519.pub  32  checks access tokens          command-api, query-api
 *     token_mac.key    32  consistency tokens, cursors   command-api, query-api
 *     email_hmac.key   32  e-mail address -> claim key   command-api, import
 *     kek.key          32  wraps the data keys           command-api, import
 *     credential.key   32  seals password hashes         command-api
 *     payment.key      32  seals method tokens           command-api, import, payments
 *     refresh.key      32  derives refresh tokens        command-api
 *
 * Around a rotation also jwt_ed25519.old.pub, jwt_ed25519.next.key and .next.pub (below).
 *
 * All are raw bytes. The directory is 0700, a file 0600.
 */
#ifndef SEALING_SECRETS_H
#define SEALING_SECRETS_H

#include <base/arena.h>
#include <base/bytes.h>
#include <base/error.h>

enum { SEALING_KEY_BYTES = 32 };

struct sealing_key {
    uint8_t bytes[SEALING_KEY_BYTES];
};

/*
 * Makes what is missing in `dir` (and `dir` itself); what is there stays as it is. ret_made (may
 * be NULL) counts the files made. MR_IO, MR_CONFIG with the path. Half of the signing pair alone
 * is MR_CONFIG: a new half would not fit the old one.
 */
int sealing_secrets_init(const char *dir, int *ret_made, struct mr_error *error);

enum sealing_rotation {
    SEALING_ROTATION_BEGUN, /* The next pair is there: programs that are started again accept it. */
    SEALING_ROTATION_DONE,  /* It is the pair of now; the public key before it is kept as old. */
};

/*
 * One step of replacing the pair that signs access tokens. Between the two steps every program is
 * started again, and once more after the second, so that none is met by a token whose key it does
 * not know. A step that was cut off is finished by the next call.
 */
int sealing_secrets_rotate(
    const char *dir, enum sealing_rotation *ret_rotation, struct mr_error *error);

/* Reads a file of exactly 32 bytes: MR_CONFIG names the path and what is wrong with it. */
int sealing_key_load(
    const char *dir, const char *name, struct sealing_key *ret_key, struct mr_error *error);

/* HMAC-SHA256 over the parts, each with its length before it, in lower-case base32: a digest that
 * reveals nothing to those who can guess the parts but have no key. */
struct mr_bytes sealing_keyed_digest(
    const struct sealing_key *key,
    const struct mr_bytes *parts,
    size_t count,
    struct mr_arena *arena);

#endif
