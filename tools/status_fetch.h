/* status_fetch.h - asks a program of the shop for its /readyz. */
#ifndef TOOLS_STATUS_FETCH_H
#define TOOLS_STATUS_FETCH_H

#include <base/buffer.h>
#include <base/error.h>

enum { STATUS_FETCH_TIMEOUT_MS = 5000, STATUS_FETCH_BYTES_MAX = 16 << 20 };

/* GET http://ADDRESS/readyz into `out`; a 503 has a body too: not an error. MR_UNAVAILABLE: no
 * answer in time, MR_MALFORMED: another status or too large. The text names the address. One
 * thread. */
int status_fetch(const char *address, struct mr_buffer *out, struct mr_error *error);

#endif
