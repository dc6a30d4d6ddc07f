/*
 * server.h - the HTTP server of our programs: routes in, answers out, waiting without a thread.
 *
 * A handler runs on one of the server's threads. Before it returns it either answers
 * (http_send, http_send_problem) or suspends the request; it never blocks.
 *
 *     received --handler--> answered
 *                  |            ^
 *              http_suspend     | continuation (server thread) answers, or suspends again
 *                  v            |
 *              suspended --http_wake | deadline | stopping--> woken
 *
 * What the server does by itself: matching, 404, 405 with Allow, 406, OPTIONS, HEAD as GET without
 * a body, the limits below (414, 431, 413, timeouts), Request-Id, security headers, Cache-Control
 * no-store unless the handler sets another, counters, an access line at debug level.
 *
 * Threads  Everything with a `struct http_request *` is called only from the handler or the
 *          continuation that was given it. http_wake and http_waiter_release: any thread.
 * Memory   A request, its arena and its answer live until the answer has been sent.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <base/arena.h>
#include <base/buffer.h>
#include <base/error.h>

struct http_server;
struct http_request;
struct http_waiter;

typedef void http_handler_fn(struct http_request *request, void *user);

/* A method and path of the origin, whichever program answers it. */
struct http_path {
    const char *method; /* "GET" (answers HEAD too), "POST", "PUT", "PATCH", "DELETE". */
    const char *path;   /* "/v1/orders/{id}/confirmation": braces match one segment, at most 4. */
    size_t body_bytes_max; /* 0: HTTP_BODY_BYTES_MAX. */
    const char *produces;  /* The media type of its answers; NULL: "application/json". */
};

/* Either names one of `origin`, or has a path of its own. */
struct http_route {
    const char *method; /* As in http_path, all four. */
    const char *path;
    http_handler_fn *handle;
    size_t body_bytes_max;
    const char *produces;
    const struct http_path *named; /* NULL: the four above count. */
};

enum {
    HTTP_URI_BYTES_MAX = 8 * 1024,
    HTTP_HEADER_BYTES_MAX = 16 * 1024,
    HTTP_HEADERS_MAX = 100,
    HTTP_GATEWAY_HEADERS = 4, /* Fields that a gateway may add to a client's. */
    HTTP_BODY_BYTES_MAX = 64 * 1024,
    HTTP_QUERY_PARAMS_MAX = 32,
};

struct http_server_options {
    const char *address;             /* NULL: "127.0.0.1". IPv4 or IPv6 literal. */
    uint16_t port;                   /* 0: any free one; see http_server_port. */
    int threads;                     /* 0: 1. */
    const struct http_route *routes; /* Paths and names must outlive the server. */
    size_t routes_count;
    /* NULL: the routes are all there is. Otherwise what else there is behind the same gateway: for
     * 405 and Allow. */
    const struct http_path *const *origin;
    size_t origin_count;
    void *user; /* Given to every handler. */
    /* Origins whose pages may use the API, separated by commas; NULL or "": none but our own. */
    const char *cors_origins;
    const char *problem_base; /* Before the slug in a problem's `type`; NULL: "/problems/". */
    unsigned connections_max; /* 0: 4,096. */
    unsigned waiters_max;     /* Suspended at once; 0: 1,024. Beyond: http_suspend gives NULL. */
    int receive_timeout_ms;   /* From connect or request line to the whole request; 0: 10 s. */
    int keepalive_timeout_ms; /* Idle between requests; 0: 75 s. */
    /* Adds headers that every answer has, last before it is sent. NULL: none. */
    void (*on_response)(struct http_request *request, int status, void *user);
};

/* MR_CONFIG when the address is taken, not ours or no address: the text says which. */
int http_server_start(
    const struct http_server_options *options,
    struct http_server **ret_server,
    struct mr_error *error);

uint16_t http_server_port(const struct http_server *server);

/* New requests are answered 503 shutting-down, and streams are woken with HTTP_STOPPING. What else
 * is under way goes on, as if nothing were, for half of drain_ms; who is suspended then is woken
 * with HTTP_STOPPING, too. Returns when all are answered or after drain_ms. Idempotent; free calls
 * it. */
void http_server_stop(struct http_server *server, int drain_ms);
void http_server_free(struct http_server *server); /* NULL is fine. */

/* Prometheus text: requests by route and status, latency histogram, open connections, waiters. */
void http_server_metrics(const struct http_server *server, struct mr_buffer *out);

/* -- the request ------------------------------------------------------------------------- */

struct mr_arena *http_arena(struct http_request *request);
const struct http_server *http_request_server(const struct http_request *request);
int64_t http_age_ms(const struct http_request *request); /* Since its line was read. */
struct mr_bytes http_method(const struct http_request *request);
struct mr_bytes http_path(const struct http_request *request);   /* As sent, without the query. */
const char *http_route_path(const struct http_request *request); /* The pattern that matched. */
struct mr_bytes http_path_param(const struct http_request *request, size_t index); /* Decoded. */
struct mr_bytes http_header(const struct http_request *request, const char *name); /* NULL view. */
struct mr_bytes http_body(const struct http_request *request);
struct mr_bytes http_request_id(const struct http_request *request); /* The correlation id. */

/* traceparent when it is well formed (W3C Trace Context, version 00), NULL view otherwise. */
struct mr_bytes http_traceparent(const struct http_request *request);

/* Decoded query parameters in the order sent; http_query gives the first of that name. */
size_t http_query_count(const struct http_request *request);
struct mr_bytes http_query_name(const struct http_request *request, size_t index);
struct mr_bytes http_query_value(const struct http_request *request, size_t index);
struct mr_bytes http_query(const struct http_request *request, const char *name); /* NULL view. */

/* True when all parameters are in the NULL-terminated list, each at most once; else the problem
 * unknown-parameter has been sent. */
bool http_query_only(struct http_request *request, const char *const *names);

/* The token after "Bearer " of Authorization; NULL view when there is none. */
struct mr_bytes http_bearer(const struct http_request *request);

/* The cookie of that name (RFC 6265); NULL view when there is none. */
struct mr_bytes http_cookie(const struct http_request *request, const char *name);

/* False when a browser sends the request for a page of another origin (Origin, Sec-Fetch-Site).
 * A gateway leaves the port out of Host: hosts are compared without, which is what a site is. */
bool http_is_same_origin(const struct http_request *request);

/* Prefer (RFC 7240): `name` is "wait", "respond-async", "handling" or "return". NULL view when
 * absent, "" for a preference without value. */
struct mr_bytes http_prefer(const struct http_request *request, const char *name);

/* Prefer: wait=n as ms, cut to max_ms; default_ms when absent or not a number. */
int http_prefer_wait_ms(const struct http_request *request, int default_ms, int max_ms);

/* -- the answer -------------------------------------------------------------------------- */

/* The buffer of the body. Starts empty; http_send sends its content. */
struct mr_buffer *http_response(struct http_request *request);

/* Replaces a header of that name. `name` must be a literal; the value is copied. */
void http_set_header(struct http_request *request, const char *name, struct mr_bytes value);
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void http_set_header_f(struct http_request *request, const char *name, const char *format, ...);

/* Sets ETag (`etag` without quotes; weak: W/"..."). True when If-None-Match has it: answer with
 * http_send(request, 304, NULL) and render nothing. */
bool http_etag_matches(struct http_request *request, struct mr_bytes etag, bool weak);

/* If-Match: absent; "*"; or a list of tags of which "v17" or "v17.<whatever>" -> 17, and one that
 * is not ours -> -1, which no version is. A W/ before it is passed over: a proxy that compresses an
 * answer makes its ETag weak, and a version is exact all the same. BAD: not a list of tags, or one
 * of several versions. */
enum http_if_match {
    HTTP_IF_MATCH_NONE,
    HTTP_IF_MATCH_ANY,
    HTTP_IF_MATCH_VERSION,
    HTTP_IF_MATCH_BAD
};
enum http_if_match http_if_match(const struct http_request *request, int64_t *ret_version);

/* Sends the buffer. content_type NULL: "application/json" when there is a body. Once per
 * request. */
void http_send(struct http_request *request, int status, const char *content_type);

/* -- answers sent again -------------------------------------------------------------------- */

/* Numbers that change whenever what an answer is made of may have changed. */
struct http_stamp {
    uint64_t parts[8];
};

/* True: an answer that was kept for the same owner and target under the same stamp has been sent.
 * False: the answer that http_send is given may be kept, if it is a 200; take the stamp before
 * reading what it is made of. `owner` empty: an answer that is everybody's. Call it as the first
 * thing that may answer; `owner` lives as long as the request. */
bool http_send_kept(
    struct http_request *request, struct mr_bytes owner, const struct http_stamp *stamp);

/* The answer to come is good for this moment only. */
void http_keep_not(struct http_request *request);

/* -- waiting ----------------------------------------------------------------------------- */

/* GONE, only for a stream: the client has closed its end. */
enum http_why { HTTP_WOKEN, HTTP_DEADLINE, HTTP_STOPPING, HTTP_GONE };

/* On a server thread, once. `payload` is what http_wake was given (NULL view otherwise); it lives
 * as long as the request. Must answer or suspend again. */
typedef void http_continue_fn(
    struct http_request *request, enum http_why why, struct mr_bytes payload, void *user);

/* From a handler or continuation, as its last act. The result is the caller's reference: keep it
 * where the event will find it and release it after. NULL: too many wait already, or the server
 * stops; the request is not suspended, answer it (overloaded). */
struct http_waiter *
http_suspend(struct http_request *request, int wait_ms, http_continue_fn *resume, void *user);

/* True for the call that woke it; false when it was woken, expired or stopped before. The payload
 * is copied. */
bool http_wake(struct http_waiter *waiter, struct mr_bytes payload);
void http_waiter_release(struct http_waiter *waiter); /* NULL is fine. */

/* -- streams ----------------------------------------------------------------------------- */

/*
 * An answer whose end is not known when it begins:
 *
 *     http_stream --> `more` <--> the bytes of http_response are sent
 *                       |  ^
 *            http_suspend  continuation (as `more`)          any --http_stream_end--> ended
 *
 * As soon as all before is on its way, `more` is asked, on a server thread. It adds to
 * http_response, or suspends, or ends the stream; so does a continuation.
 */
typedef void http_stream_fn(struct http_request *request, void *user);

/* Answers 200. `ended` is called once, on a server thread, after the last call of the others: the
 * stream has ended, or the client is gone. HEAD gets the header fields, and `ended`. */
void http_stream(
    struct http_request *request,
    const char *content_type,
    http_stream_fn *more,
    http_stream_fn *ended,
    void *user);

/* From `more` or a continuation, after the last bytes. */
void http_stream_end(struct http_request *request);

#endif
