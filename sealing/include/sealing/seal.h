/*
 * seal.h - values that only the holder of a key can read (XChaCha20-Poly1305), and keys under keys.
 *
 * A sealed value is bound to its context, "WHAT|OWNER": "email|usr_...", "name|usr_...",
 * "credential|usr_...", "method|ord_...". Opening it under another context fails, so that nobody
 * with access to a topic can move a value from one person or order to another.
 *
 * Keys, by what they seal:
 *     e-mail, name    the person's own data key, wrapped by kek.key (sealing_wrap_new)
 *     password hash   credential.key, key id "credential-1"
 *     method token    payment.key, key id "payment-1"
 *
 * Threads  Any.
 * Memory   Results live in the arena given.
 */
#ifndef SEALING_SEAL_H
#define SEALING_SEAL_H

#include <schemas/shop.h>
#include <sealing/secrets.h>

#define SEALING_KEK_ID        "kek-1"
#define SEALING_CREDENTIAL_ID "credential-1"
#define SEALING_PAYMENT_ID    "payment-1"

struct sealing_context {
    const char *what;
    struct mr_bytes owner;
};

struct shop_sealed sealing_seal(
    const struct sealing_key *key,
    struct mr_bytes key_id,
    struct sealing_context context,
    struct mr_bytes plain,
    struct mr_arena *arena);

/* MR_MALFORMED when it is not a seal of ours, MR_INVALID when key, context or bytes do not fit. */
int sealing_unseal(
    const struct sealing_key *key,
    struct sealing_context context,
    const struct shop_sealed *sealed,
    struct mr_arena *arena,
    struct mr_bytes *ret_plain,
    struct mr_error *error);

/* A new random data key for `subject_id`, and its wrapped form for `identity.subject-keys`. */
struct shop_wrapped_key sealing_wrap_new(
    const struct sealing_key *kek,
    struct mr_bytes subject_id,
    struct mr_arena *arena,
    struct sealing_key *ret_key);

/* As sealing_unseal. */
int sealing_unwrap(
    const struct sealing_key *kek,
    const struct shop_wrapped_key *wrapped,
    struct sealing_key *ret_key,
    struct mr_error *error);

#endif
