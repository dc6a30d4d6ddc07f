/*
 * login_delay.h - how long one must wait after failed log-ins. Two counts, and the longer wait:
 *
 *     account from a network   1, 2, 4, ... s from the fifth failure on, at most an hour
 *     network alone            1, 2, 4, ... s from the 31st failure on, at most a minute; half of
 *                              the failures are forgotten every ten minutes
 *
 * An owner is in another network than whoever guesses, so nobody can lock somebody else out. Who
 * tries one password on many accounts is slowed by the second count.
 *
 *     begin --0--> verifying --end--> right: half of the account's failures are forgotten
 *       |                     |-----> wrong: one failure more
 *       |                     '-----> not tried: as if it had not begun
 *       '-- seconds to wait, or busy
 *
 * Right passwords are let in however many come at once; only what is verified at the same time is
 * bounded, and once an account has been guessed at, to one.
 *
 * Threads  Any; one lock.
 * Memory   Fixed: 65,536 accounts and 8,192 networks of this instance. The least dangerous gives
 *          its place.
 */
#ifndef COMMAND_API_LOGIN_DELAY_H
#define COMMAND_API_LOGIN_DELAY_H

#include <base/bytes.h>

struct login_delay;

/* Somebody in this network tries to be the account. */
struct login_attempt {
    struct mr_bytes account;
    struct mr_bytes
        network; /* policy_network; empty: this machine's, which is not counted alone. */
};

enum login_end { LOGIN_RIGHT, LOGIN_WRONG, LOGIN_NOT_TRIED };

/* Too many are being verified: not this account's fault. */
enum { LOGIN_DELAY_BUSY = -1 };

struct login_delay *login_delay_new(void);
void login_delay_free(struct login_delay *delay); /* NULL is fine. */

/* 0: go on, and call login_delay_end; the seconds until the account may try again; or
 * LOGIN_DELAY_BUSY. */
int login_delay_begin(
    struct login_delay *delay, const struct login_attempt *attempt, int64_t now_ms);

void login_delay_end(
    struct login_delay *delay,
    const struct login_attempt *attempt,
    enum login_end end,
    int64_t now_ms);

#endif
