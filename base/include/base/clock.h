/*
 * clock.h - the two clocks of the machine. For the edges: a decision takes its time from the
 * record or from the engine, so that it replays alike.
 *
 * Threads  Any.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include <base/api_begin.h>

/* The wall clock, UTC: for times that leave the process. It may jump. */
int64_t mr_unix_ms(void);

/* Never goes back: for spans and deadlines. Its zero means nothing. */
int64_t mr_monotonic_ns(void);
int64_t mr_monotonic_us(void);
int64_t mr_monotonic_ms(void);

#include <base/api_end.h>

#endif
