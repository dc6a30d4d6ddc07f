/* password.c - Argon2id with OWASP's parameters: 19 MiB, two passes, one lane. */
#include <sealing/password.h>

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

enum { PASSES = 2, MEMORY_BYTES = 19456 * 1024 };

int sealing_password_hash(
    struct mr_bytes password, char ret_phc[SEALING_PHC_SIZE], struct mr_error *error)
{
    char phc[SEALING_PHC_SIZE];
    static_assert(SEALING_PHC_SIZE == crypto_pwhash_STRBYTES, "a PHC string fits");
    if (sodium_init() < 0)
        abort();
    if (crypto_pwhash_str_alg(
            phc, password.ptr, password.len, PASSES, MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13))
        return mr_fail(error, MR_UNAVAILABLE, "hashing a password: no %d bytes", MEMORY_BYTES);
    memcpy(ret_phc, phc, sizeof phc);
    return 0;
}

bool sealing_password_verify(const char *phc, struct mr_bytes password)
{
    if (sodium_init() < 0)
        abort();
    return crypto_pwhash_str_verify(phc, password.ptr, password.len) == 0;
}

const char *sealing_password_dummy(void)
{
    /* Salt and hash are zeros: no password is known to give it, and the work is the same. */
    return "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}
