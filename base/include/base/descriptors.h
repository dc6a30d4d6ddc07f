/*
 * descriptors.h - the standard descriptors of a program, open before anything else is; and how many
 * it may open.
 *
 * A program may be started with 0, 1 or 2 closed. The next file it opens, such as a database or a
 * socket, would then take that number, and whoever prints would write into it.
 *
 * Threads  Before the first thread.
 */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include <stdint.h>

/* Opens /dev/null in the place of each of 0, 1 and 2 that is closed. Aborts where that fails. */
void mr_open_standard_descriptors(void);

/* Raises the limit of open descriptors to `wanted`, or as far as it may be. Returns the limit. */
int64_t mr_allow_descriptors(int64_t wanted);

#endif
