/*
 * password.h - Argon2id password hashes as PHC strings ("$argon2id$v=19$m=19456,t=2,p=1$...").
 *
 * One hash takes about 26 ms of a core and 19 MiB: callers bound how many run at once.
 *
 * Threads  Any.
 */
#ifndef SEALING_PASSWORD_H
#define SEALING_PASSWORD_H

#include <base/bytes.h>
#include <base/error.h>

enum { SEALING_PHC_SIZE = 128 };

/* MR_UNAVAILABLE when the 19 MiB are not to be had. */
int sealing_password_hash(
    struct mr_bytes password, char ret_phc[SEALING_PHC_SIZE], struct mr_error *error);

/* Constant time for a given PHC string. False for anything that is not a PHC string. */
bool sealing_password_verify(const char *phc, struct mr_bytes password);

/* A well-formed hash of nothing anybody knows: an unknown account is checked against it. */
const char *sealing_password_dummy(void);

#endif
