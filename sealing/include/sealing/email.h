/*
 * email.h - e-mail addresses: their normal form, and the key under which one is claimed.
 *
 * Threads  Any.
 */
#ifndef SEALING_EMAIL_H
#define SEALING_EMAIL_H

#include <sealing/secrets.h>

/*
 * The form of an address that uniqueness is about: small letters (ASCII) and composed characters
 * before the '@', the domain by IDNA ("xn--..."). False for what is not an address: not exactly one
 * '@', empty or over-long sides, a character that cannot be seen (blanks, controls, zero-width and
 * direction marks of all Unicode), quotes, a domain without a dot or with a label that is not
 * valid, over 254 bytes.
 */
bool sealing_email_normalise(
    struct mr_bytes email, struct mr_arena *arena, struct mr_bytes *ret_email);

/* The claim key of an e-mail address: base32(HMAC-SHA256(key, normalised address)). */
struct mr_bytes sealing_email_key(
    const struct sealing_key *email_hmac_key,
    struct mr_bytes normalised_email,
    struct mr_arena *arena);

#endif
