/*
 * login_delay.h - how long an account must wait after failed log-ins: 1, 2, 4, ... s from the fifth
 * failure on, at most an hour, and never for ever (nobody can lock somebody else out for good).
 *
 * Threads  Any; one lock.
 * Memory   Fixed: an account that collides with another in the table takes its place.
 */
#ifndef COMMAND_API_LOGIN_DELAY_H
#define COMMAND_API_LOGIN_DELAY_H

#include <base/bytes.h>

struct login_delay;

struct login_delay *login_delay_new(void);
void login_delay_free(struct login_delay *delay); /* NULL is fine. */

/* An attempt: 0, and it counts as failed from now on, so that many at once are no way around the
 * delay; or the seconds until the account may try again. */
int login_delay_try(struct login_delay *delay, struct mr_bytes account, int64_t now_ms);

void login_delay_succeeded(struct login_delay *delay, struct mr_bytes account);

/* The attempt was not made after all. */
void login_delay_withdraw(struct login_delay *delay, struct mr_bytes account);

#endif
