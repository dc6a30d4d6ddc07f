/* status.h - /healthz, /readyz and /metrics for programs that have no API of their own. */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

#include <base/buffer.h>
#include <base/error.h>

#include <stdint.h>

struct http_status;

struct http_status_options {
    const char *address; /* NULL: "127.0.0.1". */
    uint16_t port;       /* 0: any free one. */
    /* 1: ready, 0: not yet. Writes a JSON object that says why into `out` (may leave it empty). */
    int (*ready)(void *user, struct mr_buffer *out);
    /* Whether the program works at all: /healthz is 503 when it is false. NULL: it does. */
    bool (*live)(void *user, struct mr_error *ret_why);
    void (*metrics)(void *user, struct mr_buffer *out); /* Prometheus text. NULL: none. */
    void *user;
};

/* Callbacks run on the server's thread. MR_CONFIG when the port is taken. */
int http_status_start(
    const struct http_status_options *options,
    struct http_status **ret_status,
    struct mr_error *error);
uint16_t http_status_port(const struct http_status *status);
void http_status_free(struct http_status *status); /* Stops it. NULL is fine. */

#endif
