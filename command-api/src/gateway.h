/*
 * gateway.h - commands out, outcomes back: an HTTP request waits here for the reply to its command.
 *
 *     gateway_send --> SENT --acknowledged--> DURABLE --reply--> GATEWAY_DECIDED
 *      |                |                        '---deadline--> GATEWAY_PENDING (202)
 *      |                |---it may be in the log--> GATEWAY_UNKNOWN (503)
 *      |                '---it is not-------------> GATEWAY_UNAVAILABLE (503, nothing accepted)
 *      '---too many wait, queue full--> GATEWAY_OVERLOADED (503, nothing accepted)
 *
 * A reply that is lost costs a 202 and nothing else: the outcome is in the log. Nobody is told 202
 * before Kafka has the command, nor "nothing accepted" when it may have it; whoever is told 503 may
 * repeat it with the same key.
 *
 * Threads  gateway_send: the server thread that has the request. start, stop: main. Inside: one
 *          thread that reads replies, and the producer's own.
 * Memory   A command is copied; at most as many wait as the server suspends.
 */
#ifndef COMMAND_API_GATEWAY_H
#define COMMAND_API_GATEWAY_H

#include <http/server.h>
#include <schemas/codec.h>

struct gateway;

struct gateway_options {
    const char *brokers;
    int32_t reply_partition; /* Of gateway.replies; this instance's own. */
    const struct codec_registry *registry;
};

#define GATEWAY_REPLIES_TOPIC "gateway.replies"

enum gateway_verdict {
    GATEWAY_DECIDED,
    GATEWAY_PENDING,
    GATEWAY_UNKNOWN,
    GATEWAY_UNAVAILABLE,
    GATEWAY_OVERLOADED,
};

struct gateway_answer {
    enum gateway_verdict verdict;
    struct mr_bytes command_id;
    const struct shop_command_reply *reply; /* GATEWAY_DECIDED only; in the request's arena. */
};

/* On a server thread, exactly once: answers the request, or suspends it for something else. */
typedef void
gateway_answer_fn(struct http_request *request, const struct gateway_answer *answer, void *user);

struct gateway_command {
    const char *topic;
    struct mr_bytes key;
    struct mr_bytes value; /* Framed. */
    struct mr_bytes type;  /* Full record name, for ce_type. */
    struct mr_bytes command_id;
    struct mr_bytes requires_position; /* NULL: none. */
    int wait_ms;                       /* For the reply; 0: only for the acknowledgement. */
    gateway_answer_fn *answered;
    void *user; /* May live in the request's arena. */
};

int gateway_start(
    const struct gateway_options *options, struct gateway **ret_gateway, struct mr_error *error);

/* After the server has stopped. NULL is fine. */
void gateway_stop(struct gateway *gateway);

/* The last act of a handler or continuation. */
void gateway_send(
    struct gateway *gateway, struct http_request *request, const struct gateway_command *command);

/* False with a reason in `error` when replies are not being read. */
bool gateway_is_ready(struct gateway *gateway, struct mr_error *error);

/* True when it will never be ready again: only a new process helps. */
bool gateway_has_failed(struct gateway *gateway, struct mr_error *error);

/* Prometheus text. */
void gateway_metrics(struct gateway *gateway, struct mr_buffer *out);

#endif
