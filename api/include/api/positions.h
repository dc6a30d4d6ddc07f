/*
 * positions.h - a client reads its own writes: Consistency-Token in and out, and how long it waits.
 *
 * Threads  Any.
 */
#ifndef API_POSITIONS_H
#define API_POSITIONS_H

#include <http/server.h>
#include <http/token.h>

/* How long an answer may take to come: Prefer: wait=S, in seconds, up to the limit. */
enum { API_WAIT_MS_DEFAULT = 2000, API_WAIT_MS_MAX = 10 * 1000 };
int api_wait_ms(struct http_request *request);

/* The positions of the request's Consistency-Token, in its arena; none without one. False: a
 * problem has been sent. */
bool api_read_positions(
    const struct token_keys *keys,
    struct http_request *request,
    struct topo_position **ret_positions,
    size_t *ret_count);

/* Consistency-Token of the answer, and the same under `also` (NULL: under no other name). Without
 * positions: no header. */
void api_set_positions(
    const struct token_keys *keys,
    struct http_request *request,
    const struct topo_position *positions,
    size_t count,
    const char *also);

#endif
