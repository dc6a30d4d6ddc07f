/*
 * error.h - what went wrong, and what may be done about it.
 *
 * Every function that can fail returns 0 or one of the negative codes below. The class
 * beside a code is the whole error policy: no call site decides "retry or abort?";
 * only a worker acts on classes. Functions that can say more than a code take
 * `struct mr_error *error` last (may be NULL); they fill it only when they fail.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <base/api_begin.h>

enum mr_class {
    MR_CLASS_NONE,   /* Success. */
    MR_CLASS_RETRY,  /* The same call, later, may work. */
    MR_CLASS_POISON, /* This record or request is bad: dead-letter or refuse it, go on. */
    MR_CLASS_ABORT,  /* Abort the transaction, go back to the last commit. */
    MR_CLASS_FENCED, /* Somebody else owns this now: give the tasks up, rejoin. */
    MR_CLASS_FATAL,  /* Stop the process; a supervisor restarts it. */
};

#define MR_CODES(X)                                                                                \
    X(MR_OK, 0, NONE, "ok")                                                                        \
    X(MR_AGAIN, -1, RETRY, "not ready, try again")                                                 \
    X(MR_TIMEOUT, -2, RETRY, "timed out")                                                          \
    X(MR_UNAVAILABLE, -3, RETRY, "not reachable")                                                  \
    X(MR_MALFORMED, -4, POISON, "malformed")                                                       \
    X(MR_INVALID, -5, POISON, "invalid")                                                           \
    X(MR_TOO_LARGE, -6, POISON, "over a configured limit")                                         \
    X(MR_NOT_FOUND, -7, POISON, "not found")                                                       \
    X(MR_CONFLICT, -8, POISON, "conflict")                                                         \
    X(MR_ABORTED, -9, ABORT, "the transaction must be aborted")                                    \
    X(MR_FENCED, -10, FENCED, "another instance owns this")                                        \
    X(MR_IO, -11, FATAL, "disk error")                                                             \
    X(MR_CORRUPT, -12, FATAL, "stored data is corrupt")                                            \
    X(MR_CONFIG, -13, FATAL, "configuration error")                                                \
    X(MR_FATAL, -14, FATAL, "fatal")

#define MR_ENUM_(code, value, class, text) code = (value),
enum mr_code { MR_CODES(MR_ENUM_) };
#undef MR_ENUM_

struct mr_error {
    int code;       /* One of enum mr_code. */
    char text[512]; /* The attempt, then the message of the library below. */
};

const char *mr_code_text(int code);
enum mr_class mr_code_class(int code);

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
/* Fill `error` (may be NULL) and return `code`, so that a failure is one line to report. */
int mr_fail(struct mr_error *error, int code, const char *format, ...);

#include <base/api_end.h>

#endif
