/*
 * dispatch.h - commands out, outcomes back: an HTTP request waits here for its command's reply.
 *
 *     dispatch_send --> SENT --acknowledged--> DURABLE --reply--> DISPATCH_DECIDED
 *      |                |                        '---deadline--> DISPATCH_PENDING (202)
 *      |                |---it may be in the log--> DISPATCH_UNKNOWN (503)
 *      |                '---it is not-------------> DISPATCH_UNAVAILABLE (503, nothing accepted)
 *      '---too many wait, queue full--> DISPATCH_OVERLOADED (503, nothing accepted)
 *
 * A reply that is lost costs a 202 and nothing else: the outcome is in the log. 202 is sent only
 * when Kafka has the command, "nothing accepted" only when it cannot have it; after a 503 a client
 * may repeat the request with the same key.
 *
 * Threads  dispatch_send: the server thread that has the request. start, stop: main. Inside: one
 *          thread that reads replies, and the producer's own.
 * Memory   A command is copied; at most as many wait as the server suspends.
 */
#ifndef COMMAND_API_GATEWAY_H
#define COMMAND_API_GATEWAY_H

#include <http/server.h>
#include <schemas/codec.h>
#include <topology/kafka.h>

struct dispatch;

struct dispatch_options {
    const struct topo_kafka_options *kafka; /* Outlives the dispatch. */
    int32_t reply_partition;                /* This instance's own partition of gateway.replies. */
    const struct codec_registry *registry;
};

enum dispatch_verdict {
    DISPATCH_DECIDED,
    DISPATCH_PENDING,
    DISPATCH_UNKNOWN,
    DISPATCH_UNAVAILABLE,
    DISPATCH_OVERLOADED,
};

struct dispatch_answer {
    enum dispatch_verdict verdict;
    struct mr_bytes command_id;
    const struct shop_command_reply *reply; /* DISPATCH_DECIDED only; in the request's arena. */
};

/* On a server thread, exactly once: answers the request, or suspends it for something else. */
typedef void
dispatch_answer_fn(struct http_request *request, const struct dispatch_answer *answer, void *user);

struct dispatch_command {
    const char *topic;
    struct mr_bytes key;
    struct mr_bytes value; /* Framed. */
    struct mr_bytes type;  /* Full record name, for ce_type. */
    struct mr_bytes command_id;
    struct mr_bytes fingerprint;       /* The request's; the command has the same. */
    struct mr_bytes requires_position; /* NULL: none. */
    int wait_ms;                       /* Wait for the reply; 0: only for the acknowledgement. */
    dispatch_answer_fn *answered;
    void *user; /* May live in the request's arena. */
};

int dispatch_start(
    const struct dispatch_options *options, struct dispatch **ret_dispatch, struct mr_error *error);

/* After the server has stopped. NULL is fine. */
void dispatch_stop(struct dispatch *dispatch);

/* The last act of a handler or continuation. */
void dispatch_send(
    struct dispatch *dispatch,
    struct http_request *request,
    const struct dispatch_command *command);

/* False with a reason in `error` when replies are not being read. */
bool dispatch_is_ready(struct dispatch *dispatch, struct mr_error *error);

/* True when it will never be ready again: only a new process helps. */
bool dispatch_has_failed(struct dispatch *dispatch, struct mr_error *error);

/* In how many seconds what waits now will have been answered, at the rate of the last second. */
int dispatch_drain_s(struct dispatch *dispatch);

/* Prometheus text. */
void dispatch_metrics(struct dispatch *dispatch, struct mr_buffer *out);

#endif
