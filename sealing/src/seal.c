/*
 * seal.c - XChaCha20-Poly1305 over a value, with its context as associated data.
 *
 * Invariant: a nonce is random and 24 bytes long, so that one key may seal any number of values.
 */
#include <sealing/random.h>
#include <sealing/seal.h>

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

static const struct mr_bytes algorithm = MR_LITERAL("XC20P");

static struct mr_bytes associated_data(struct sealing_context context, struct mr_arena *arena)
{
    return mr_arena_printf(arena, "%s|%.*s", context.what, MR_ARG(context.owner));
}

struct shop_sealed sealing_seal(
    const struct sealing_key *key,
    struct mr_bytes key_id,
    struct sealing_context context,
    struct mr_bytes plain,
    struct mr_arena *arena)
{
    struct mr_bytes bound = associated_data(context, arena);
    uint8_t *nonce = mr_arena_alloc(arena, NONCE_BYTES);
    uint8_t *ct = mr_arena_alloc(arena, plain.len + TAG_BYTES);
    sealing_random(nonce, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        ct,
        NULL,
        (const uint8_t *)plain.ptr,
        plain.len,
        (const uint8_t *)bound.ptr,
        bound.len,
        NULL,
        nonce,
        key->bytes);
    return (struct shop_sealed){
        .key_id = mr_arena_copy(arena, key_id),
        .alg = algorithm,
        .nonce = mr_bytes_of(nonce, NONCE_BYTES),
        .ct = mr_bytes_of(ct, plain.len + TAG_BYTES),
    };
}

/* Sizes are checked before libsodium sees them. It cannot tell a wrong key from changed bytes,
 * so both are MR_INVALID. */
int sealing_unseal(
    const struct sealing_key *key,
    struct sealing_context context,
    const struct shop_sealed *sealed,
    struct mr_arena *arena,
    struct mr_bytes *ret_plain,
    struct mr_error *error)
{
    if (!mr_bytes_equal(sealed->alg, algorithm))
        return mr_fail(
            error, MR_MALFORMED, "unsealing %s: algorithm %.*s", context.what, MR_ARG(sealed->alg));
    if (sealed->nonce.len != NONCE_BYTES || sealed->ct.len < TAG_BYTES)
        return mr_fail(error, MR_MALFORMED, "unsealing %s: wrong length", context.what);
    if (sodium_init() < 0)
        abort();
    struct mr_bytes bound = associated_data(context, arena);
    size_t len = sealed->ct.len - TAG_BYTES;
    uint8_t *plain = mr_arena_alloc(arena, len + 1);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain,
            NULL,
            NULL,
            (const uint8_t *)sealed->ct.ptr,
            sealed->ct.len,
            (const uint8_t *)bound.ptr,
            bound.len,
            (const uint8_t *)sealed->nonce.ptr,
            key->bytes))
        return mr_fail(
            error,
            MR_INVALID,
            "unsealing %s: key %.*s does not open it",
            context.what,
            MR_ARG(sealed->key_id));
    plain[len] = '\0';
    *ret_plain = mr_bytes_of(plain, len);
    return 0;
}

struct shop_wrapped_key sealing_wrap_new(
    const struct sealing_key *kek,
    struct mr_bytes subject_id,
    struct mr_arena *arena,
    struct sealing_key *ret_key)
{
    struct sealing_key fresh;
    sealing_random(fresh.bytes, sizeof fresh.bytes);
    struct shop_sealed sealed = sealing_seal(
        kek,
        mr_cstr(SEALING_KEK_ID),
        (struct sealing_context){"key", subject_id},
        mr_bytes_of(fresh.bytes, sizeof fresh.bytes),
        arena);
    struct shop_wrapped_key wrapped = {
        .key_id = mr_arena_printf(arena, "dek-%.*s", MR_ARG(subject_id)),
        .subject_id = mr_arena_copy(arena, subject_id),
        .kek_id = sealed.key_id,
        .nonce = sealed.nonce,
        .wrapped = sealed.ct,
    };
    *ret_key = fresh;
    sealing_wipe(&fresh, sizeof fresh);
    return wrapped;
}

int sealing_unwrap(
    const struct sealing_key *kek,
    const struct shop_wrapped_key *wrapped,
    struct sealing_key *ret_key,
    struct mr_error *error)
{
    struct mr_arena arena;
    struct mr_bytes plain = {0};
    struct shop_sealed sealed = {
        .key_id = wrapped->kek_id,
        .alg = algorithm,
        .nonce = wrapped->nonce,
        .ct = wrapped->wrapped,
    };
    mr_arena_init(&arena);
    int rc = sealing_unseal(
        kek, (struct sealing_context){"key", wrapped->subject_id}, &sealed, &arena, &plain, error);
    if (rc == 0 && plain.len != sizeof ret_key->bytes)
        rc = mr_fail(error, MR_MALFORMED, "unwrapping a key: %zu bytes", plain.len);
    if (rc == 0) {
        assert(plain.ptr);
        memcpy(ret_key->bytes, plain.ptr, plain.len);
        sealing_wipe((void *)(uintptr_t)plain.ptr, plain.len);
    }
    mr_arena_clean_up(&arena);
    return rc;
}
