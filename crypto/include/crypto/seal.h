/*
 * seal.h - values that only the holder of a key can read (XChaCha20-Poly1305), and keys under keys.
 *
 * A sealed value is bound to its context, "WHAT|OWNER": "email|usr_...", "name|usr_...",
 * "credential|usr_...", "method|ord_...". Opening it under another context fails, so that nobody
 * with access to a topic can move a value from one person or order to another.
 *
 * Who seals with which key:
 *     e-mail, name    the person's own data key, wrapped by kek.key (crypto_wrap)
 *     password hash   credential.key, key id "credential-1"
 *     method token    payment.key, key id "payment-1"
 *
 * Threads  Any.
 * Memory   Results live in the arena given.
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include <crypto/secrets.h>
#include <schemas/shop.h>

#define CRYPTO_KEK_ID        "kek-1"
#define CRYPTO_CREDENTIAL_ID "credential-1"
#define CRYPTO_PAYMENT_ID    "payment-1"

struct crypto_context {
    const char *what;
    struct mr_bytes owner;
};

struct shop_sealed crypto_seal(
    const struct crypto_key *key,
    struct mr_bytes key_id,
    struct crypto_context context,
    struct mr_bytes plain,
    struct mr_arena *arena);

/* MR_MALFORMED when it is no seal of ours, MR_INVALID when key, context or bytes do not fit. */
int crypto_unseal(
    const struct crypto_key *key,
    struct crypto_context context,
    const struct shop_sealed *sealed,
    struct mr_arena *arena,
    struct mr_bytes *ret_plain,
    struct mr_error *error);

/* A new random data key for `subject_id`, and its wrapped form for `identity.subject-keys`. */
struct shop_wrapped_key crypto_wrap_new(
    const struct crypto_key *kek,
    struct mr_bytes subject_id,
    struct mr_arena *arena,
    struct crypto_key *ret_key);

/* As crypto_unseal. */
int crypto_unwrap(
    const struct crypto_key *kek,
    const struct shop_wrapped_key *wrapped,
    struct crypto_key *ret_key,
    struct mr_error *error);

#endif
