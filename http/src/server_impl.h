/*
 * server_impl.h - what the files of the HTTP server share. Private to http/src.
 *
 * Locks  `wait_lock` guards waiters, `connections_lock` the list of connections, `free_lock` the
 *        spare requests, those of kept.c the kept answers. None is held while another is taken,
 *        and no handler runs under one.
 */
#ifndef HTTP_SERVER_IMPL_H
#define HTTP_SERVER_IMPL_H

#include <http/problem.h>
#include <http/server.h>

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ROUTE_PARAMS_MAX = 4, ANSWER_HEADERS_MAX = 24, HISTOGRAM_BUCKETS = 12 };

/* A request:
 *     NEW --headers--> BODY --last byte--> HANDED --http_send--> ANSWERED
 *      '-- over a limit: ANSWERED            |  ^
 *                                   SUSPENDED -'
 * A stream: HANDED --http_stream--> STREAMING <--> SUSPENDED; ENDING has its last bytes.
 */
enum request_state {
    REQUEST_NEW,
    REQUEST_BODY,
    REQUEST_HANDED,
    REQUEST_SUSPENDED,
    REQUEST_STREAMING,
    REQUEST_ENDING,
    REQUEST_ANSWERED
};

struct query_param {
    struct mr_bytes name;
    struct mr_bytes value;
};

struct answer_header {
    const char *name;
    const char *value;
};

/* The answer to come is to be kept for the owner, under the stamp. */
struct kept_wish {
    bool wanted;
    uint64_t hash;
    struct mr_bytes owner; /* As given: lives as long as the request. */
    struct http_stamp stamp;
};

struct http_request {
    struct http_request *next_free;
    struct http_server *server;
    struct MHD_Connection *connection;
    enum request_state state;
    const char *method;
    const char *version;  /* "HTTP/1.1" */
    struct mr_bytes uri;  /* As sent, in the arena. */
    struct mr_bytes path; /* Its part before '?'. */
    int64_t started_us;
    size_t route; /* Index; routes_count: none matched. */
    struct mr_bytes params[ROUTE_PARAMS_MAX];
    struct query_param query[HTTP_QUERY_PARAMS_MAX];
    size_t query_count;
    size_t body_bytes_max;
    size_t body_seen_bytes;
    struct mr_buffer body;
    struct mr_buffer response;
    struct answer_header headers[ANSWER_HEADERS_MAX];
    size_t headers_count;
    int status;
    size_t held_bytes; /* Counted in the server's, until the answer is sent. */
    struct mr_bytes request_id;
    struct http_waiter *waiter; /* The last one; its payload lives as long as the request. */
    http_continue_fn *resume;
    void *resume_user;
    bool is_stream;
    http_stream_fn *more;
    http_stream_fn *ended;
    void *stream_user;
    size_t streamed_bytes; /* The library has so much of the response. */
    struct kept_wish keep;
    struct kept_answer *kept; /* The kept answer that is sent, and its form. */
    struct kept_form *form;
    struct mr_arena arena;
};

/* One TCP connection, for the timeouts that libmicrohttpd does not have. */
struct connection {
    struct connection *previous;
    struct connection *next;
    int fd;
    bool heading;               /* Its request line is read, its fields are not. */
    _Atomic bool busy;          /* A whole request is being answered. */
    _Atomic int64_t give_up_ms; /* Monotonic: cut when not busy by then. */
};

struct route_counters {
    _Atomic uint64_t by_status[500]; /* 100..599 */
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS + 1];
    _Atomic uint64_t sum_us;
};

struct http_server {
    struct http_server_options options; /* Its routes are the server's own. */
    struct MHD_Daemon *daemon;
    int listen_fd;
    uint16_t port;
    _Atomic bool stopping;       /* Nothing new is begun. */
    _Atomic bool waits_are_over; /* Nobody may be suspended any more. */
    bool stopped;
    _Atomic int requests_open;

    struct route_counters *counters; /* One per route, and one for what matched none. */

    pthread_mutex_t free_lock;
    struct http_request *free_requests;
    size_t free_count;

    struct kept_table *kept;

    pthread_mutex_t connections_lock;
    struct connection *connections;
    _Atomic int connections_open;
    _Atomic size_t held_bytes; /* Bytes of answers that are not sent yet. */
    _Atomic bool trim_wanted;  /* Much was held: give it back to the system. */
    int streams_epoll;         /* The streams' descriptors: who has closed? */
    _Atomic int streams_open;

    pthread_mutex_t wait_lock;
    pthread_cond_t wait_changed;
    struct http_waiter **heap; /* By deadline, the nearest first. */
    size_t heap_count;
    size_t heap_capacity;
    bool timer_ends;
    pthread_t timer;
};

/* server.c */

/* request.c */
struct http_request *request_take(struct http_server *server, const char *uri);
void request_give_back(struct http_request *request);
bool request_parse_query(struct http_request *request);
void request_set_id(struct http_request *request);

/* route.c: true when a route has the path and the method; otherwise `allow` (may come out empty)
 * lists the methods of the routes that have the path. */
bool route_match(struct http_request *request, char *allow, size_t allow_size);
/* The caller's to free: each with the method and path that it names. */
struct http_route *routes_resolve(const struct http_route *routes, size_t count);

/* field.c: without the blanks around it; */
struct mr_bytes field_trim(struct mr_bytes text);
/* and what stands before the first `separator`, trimmed: *text, not empty, goes on behind it. */
struct mr_bytes field_next(struct mr_bytes *text, char separator);

/* accept.c: does the client take a body of this type? NULL: "application/json". */
bool accept_admits(struct mr_bytes accept, const char *type);

/* metrics.c */
void metrics_count(struct http_request *request);

/* connections.c */
void connections_notify(
    void *server,
    struct MHD_Connection *connection,
    void **socket_context,
    enum MHD_ConnectionNotificationCode code);
void connections_mark(struct http_request *request, bool busy);
void connections_receiving(struct MHD_Connection *connection, const struct http_server *server);
void connections_headed(struct MHD_Connection *connection);
/* Answers the one connection of this thread whose fields are being read, and closes it. */
void connections_refuse(const struct http_server *server, const char *page);
void connections_cut_late(struct http_server *server);

/* cors.c: MR_CONFIG names an entry of the list that is not an origin; */
int cors_check(const char *origins, struct mr_error *error);
/* the answer to OPTIONS is a preflight's where one was asked for by an origin of the list; */
void cors_preflight(struct http_request *request, const char *allow);
/* and every answer has what its origin may read. */
void cors_set_headers(struct http_request *request);

/* The value of a header that was set; NULL view: none of that name. */
struct mr_bytes answer_value(const struct http_request *request, const char *name);

/* answer.c: gives a response with all header fields to the library, which frees it. */
void answer_queue(struct http_request *request, int status, struct MHD_Response *response);
/* what an answer holds is free for others. */
void answer_unaccount(struct http_request *request);
void answer_add_always(struct MHD_Response *response);

/* kept.c */
struct kept_table *kept_new(void);
void kept_free(struct kept_table *table); /* NULL is fine. */
/* Keeps the answer that is about to be sent, if that was wished for. */
void kept_add(struct http_request *request);
/* The answer was sent. */
void kept_release(struct http_request *request);
void kept_write_metrics(const struct kept_table *table, struct mr_buffer *out);

/* stream.c */
int stream_descriptor(const struct http_request *request);
/* The request is over. */
void stream_finish(struct http_request *request);
/* Asks which streams' clients are gone, and wakes those. */
int stream_start(struct http_server *server, struct mr_error *error);
void stream_stop(struct http_server *server);
void stream_wake_gone(struct http_server *server);

/* wait.c */
int wait_start(struct http_server *server, struct mr_error *error);
void wait_stop(struct http_server *server);
/* Wakes the streams with HTTP_STOPPING; everybody. */
void wait_wake_streams(struct http_server *server);
void wait_wake_all(struct http_server *server);
/* Wakes the stream on this descriptor with HTTP_GONE, if it waits. */
void wait_wake_gone(struct http_server *server, int fd);
size_t wait_count(const struct http_server *server);
enum http_why wait_why(const struct http_waiter *waiter);
struct mr_bytes wait_payload(const struct http_waiter *waiter);

/* percent.c: decodes %XX (and '+' to space when `plus`) into `arena`. False on a broken escape, a
 * NUL or bytes that are not UTF-8 afterwards. */
bool percent_decode(
    struct mr_arena *arena, struct mr_bytes text, bool plus, struct mr_bytes *ret_decoded);

#endif
