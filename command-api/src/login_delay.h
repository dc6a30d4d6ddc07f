/*
 * login_delay.h - how long an account must wait after failed log-ins: 1, 2, 4, ... s from the fifth
 * failure on, at most an hour, and never without an end (nobody can lock somebody else out).
 *
 *     begin --0--> verifying --end--> right: half of the failures are forgotten
 *       |                     |-----> wrong: one failure more
 *       |                     '-----> not tried: as if it had not begun
 *       '-- seconds to wait, or busy
 *
 * Right passwords are let in however many come at once; only what is verified at the same time is
 * bounded, and once an account has been guessed at, to one.
 *
 * Threads  Any; one lock.
 * Memory   Fixed: 65,536 accounts of this instance. The least dangerous gives its place.
 */
#ifndef COMMAND_API_LOGIN_DELAY_H
#define COMMAND_API_LOGIN_DELAY_H

#include <base/bytes.h>

struct login_delay;

enum login_end { LOGIN_RIGHT, LOGIN_WRONG, LOGIN_NOT_TRIED };

/* Too many are being verified: not this account's fault. */
enum { LOGIN_DELAY_BUSY = -1 };

struct login_delay *login_delay_new(void);
void login_delay_free(struct login_delay *delay); /* NULL is fine. */

/* 0: go on, and call login_delay_end; the seconds until the account may try again; or
 * LOGIN_DELAY_BUSY. */
int login_delay_begin(struct login_delay *delay, struct mr_bytes account, int64_t now_ms);

void login_delay_end(
    struct login_delay *delay, struct mr_bytes account, enum login_end end, int64_t now_ms);

#endif
