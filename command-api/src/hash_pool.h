/*
 * hash_pool.h - the few threads that hash passwords, with a short queue before them: a flood of
 * log-ins fills the queue and is turned away, and the cart path does not notice.
 *
 * Threads  submit: the server thread that has the request. The rest: the thread that made it.
 * Memory   19 MiB a worker while it hashes; passwords are copied and wiped.
 */
#ifndef COMMAND_API_HASH_POOL_H
#define COMMAND_API_HASH_POOL_H

#include <http/server.h>

struct hash_pool;

int hash_pool_start(int workers, struct hash_pool **ret_pool, struct mr_error *error);

/* Jobs not begun are dropped: their requests run into their deadlines. NULL is fine. */
void hash_pool_stop(struct hash_pool *pool);

/*
 * Suspends the request until the job is done; the last act of a handler. phc NULL: hash, and the
 * continuation's payload is the PHC string ("" when there was no memory). Else: verify, and the
 * payload is "1" or "0". False: the queue is full, the request is not suspended.
 */
bool hash_pool_submit(
    struct hash_pool *pool,
    struct http_request *request,
    struct mr_bytes password,
    const char *phc,
    http_continue_fn *resume,
    void *user);

/* In how many seconds the queue will be empty. */
int hash_pool_drain_s(struct hash_pool *pool);

/* Prometheus text. */
void hash_pool_metrics(struct hash_pool *pool, struct mr_buffer *out);

#endif
