/*
 * server.c - the door to libmicrohttpd: its callbacks, turned into requests and handler calls.
 *
 * For one request libmicrohttpd calls, on one of its threads: on_uri (request line read),
 * on_request (headers read; then once per piece of body; then once more, at the end; and once
 * after every resume), on_completed. An early answer (a limit, no such route) is given at the first
 * on_request only where no body follows or the connection is to be closed anyway.
 */
#include "server_impl.h"

#include <base/clock.h>
#include <base/log.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Zeroed by the library after every request: no more than the limits on line and
     * headers need. */
    CONNECTION_MEMORY_BYTES = 32 * 1024,
    CONNECTIONS_MAX_DEFAULT = 4096,
    LISTEN_BACKLOG = 1024,
    STALLED_SEND_TIMEOUT_S = 90,
    /* A chunked body over its limit is read to its end, thrown away, up to this. */
    BODY_DISCARD_BYTES_MAX = 4 * 1024 * 1024,
};

static void *on_uri(void *user, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *server = user;
    connections_receiving(connection, server);
    struct http_request *request = request_take(server, uri);
    request->connection = connection;
    return request;
}

struct header_totals {
    size_t bytes;
    size_t count;
    size_t lengths;        /* Fields Content-Length, */
    size_t codings;        /* Transfer-Encoding, */
    size_t hosts;          /* Host, */
    size_t authorizations; /* and Authorization. */
};

static enum MHD_Result
add_header_size(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_totals *totals = user;
    (void)kind;
    totals->count++;
    totals->lengths += strcasecmp(name, "Content-Length") == 0;
    totals->codings += strcasecmp(name, "Transfer-Encoding") == 0;
    totals->hosts += strcasecmp(name, "Host") == 0;
    totals->authorizations += strcasecmp(name, "Authorization") == 0;
    totals->bytes += strlen(name) + (value ? strlen(value) : 0) + 4;
    return MHD_YES;
}

static bool headers_fit(const struct header_totals *totals)
{
    return totals->bytes <= HTTP_HEADER_BYTES_MAX &&
           totals->count <= HTTP_HEADERS_MAX + HTTP_GATEWAY_HEADERS;
}

/* Content-Length over the limit is refused before a byte of it is read. */
static bool length_fits(struct http_request *request)
{
    struct mr_bytes length = http_header(request, "Content-Length");
    if (!length.ptr)
        return true;
    return length.len < 18 &&
           strtoull(length.ptr, NULL, 10) <= (unsigned long long)request->body_bytes_max;
}

static bool is_token(struct mr_bytes text, const char *token)
{
    text = field_trim(text);
    return text.len == strlen(token) && strncasecmp(text.ptr, token, text.len) == 0;
}

/* A request whose end may be elsewhere than we think is refused, and its connection closed: what
 * follows on it may be anything. */
static bool refuse_framing(struct http_request *request, const struct header_totals *totals)
{
    const char *why = NULL;
    const char *slug = "malformed-request";
    if (totals->lengths && totals->codings)
        why = "Content-Length and Transfer-Encoding exclude each other.";
    else if (totals->lengths > 1)
        why = "Content-Length is given twice.";
    else if (totals->hosts > 1)
        why = "Host is given twice.";
    else if (totals->authorizations > 1)
        why = "Authorization is given twice.";
    else if (totals->hosts == 0 && strcmp(request->version, "HTTP/1.0") != 0)
        why = "HTTP/1.1 needs a Host field.";
    else if (totals->codings && !is_token(http_header(request, "Transfer-Encoding"), "chunked")) {
        slug = "not-implemented";
        why = "The only transfer coding here is chunked.";
    }
    if (!why)
        return false;
    http_set_header(request, "Connection", mr_cstr("close"));
    http_send_problem(request, slug, "%s", why);
    return true;
}

/* RFC 9110 15.5.16: the refusal lists the codings that there are. */
static bool refuse_coding(struct http_request *request)
{
    struct mr_bytes codings = http_header(request, "Content-Encoding");
    bool identity = true;
    while (codings.len > 0)
        identity = is_token(field_next(&codings, ','), "identity") && identity;
    if (identity)
        return false;
    http_set_header(request, "Accept-Encoding", mr_cstr("identity"));
    http_send_problem(
        request, "unsupported-media-type", "Send the body without a Content-Encoding.");
    return true;
}

static bool refuse_expectation(struct http_request *request)
{
    struct mr_bytes expect = http_header(request, "Expect");
    if (expect.len == 0 || is_token(expect, "100-continue"))
        return false;
    http_send_problem(request, "expectation-failed", "The only expectation here is 100-continue.");
    return true;
}

static void send_not_matched(struct http_request *request, const char *allow)
{
    if (allow[0] == '\0') {
        http_send_problem(request, "not-found", "There is nothing at this path.");
        return;
    }
    if (strcmp(request->method, "OPTIONS") == 0) {
        http_set_header(request, "Allow", mr_cstr(allow));
        cors_preflight(request, allow);
        http_send(request, 204, NULL);
        return;
    }
    http_set_header(request, "Allow", mr_cstr(allow));
    http_send_problem(request, "method-not-allowed", "Allowed here: %s.", allow);
}

static size_t body_limit(const struct http_request *request)
{
    const struct http_server_options *options = &request->server->options;
    size_t own = 0;
    if (request->route < options->routes_count)
        own = options->routes[request->route].body_bytes_max;
    return own ? own : HTTP_BODY_BYTES_MAX;
}

/* First call: the headers are there. Answers what can be refused without the body. */
static void begin_request(struct http_request *request, const char *method, const char *version)
{
    request->method = method;
    request->version = version;
    connections_headed(request->connection);
    request->state = REQUEST_BODY;
    request_set_id(request);
    char allow[64];
    bool matched = route_match(request, allow, sizeof allow);
    struct header_totals totals = {0};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_header_size, &totals);
    request->body_bytes_max = body_limit(request);
    if (refuse_framing(request, &totals))
        return;
    if (request->uri.len > HTTP_URI_BYTES_MAX)
        http_send_problem(
            request, "uri-too-long", "At most %d bytes are read.", (int)HTTP_URI_BYTES_MAX);
    else if (!headers_fit(&totals))
        http_send_problem(
            request,
            "headers-too-large",
            "At most %d bytes in %d fields are read.",
            (int)HTTP_HEADER_BYTES_MAX,
            (int)HTTP_HEADERS_MAX);
    else if (!length_fits(request))
        http_send_problem(
            request, "content-too-large", "At most %zu bytes are read.", request->body_bytes_max);
    else if (!matched)
        send_not_matched(request, allow);
    else if (!refuse_coding(request))
        (void)refuse_expectation(request);
}

/* False: so much over its limit that the connection is dropped. */
static bool keep_body(struct http_request *request, const char *data, size_t *size)
{
    request->body_seen_bytes += *size;
    if (request->body_seen_bytes <= request->body_bytes_max)
        mr_buffer_add(&request->body, mr_bytes_of(data, *size));
    *size = 0;
    return request->body_seen_bytes <= request->body_bytes_max + BODY_DISCARD_BYTES_MAX;
}

static void hand_over(struct http_request *request)
{
    struct http_server *server = request->server;
    const struct http_route *route = &server->options.routes[request->route];
    connections_mark(request, true);
    request->state = REQUEST_HANDED;
    if (request->body_seen_bytes > request->body_bytes_max)
        http_send_problem(
            request, "content-too-large", "At most %zu bytes are read.", request->body_bytes_max);
    else if (atomic_load(&server->stopping))
        http_send_problem(request, "shutting-down", "This instance is stopping.");
    else if (!request_parse_query(request))
        http_send_problem(request, "malformed-query", "The query string cannot be decoded.");
    else if (!accept_admits(http_header(request, "Accept"), route->produces))
        http_send_problem(
            request,
            "not-acceptable",
            "Answers here are %s.",
            route->produces ? route->produces : "application/json");
    else
        route->handle(request, server->options.user);
}

static void go_on(struct http_request *request)
{
    request->state = REQUEST_HANDED;
    request->resume(
        request, wait_why(request->waiter), wait_payload(request->waiter), request->resume_user);
}

/* The request's state says which of the library's calls this is. */
static enum MHD_Result on_request(
    void *user,
    struct MHD_Connection *connection,
    const char *url,
    const char *method,
    const char *version,
    const char *upload_data,
    size_t *upload_data_size,
    void **context)
{
    struct http_request *request = *context;
    (void)user;
    (void)connection;
    (void)url;
    switch (request->state) {
    case REQUEST_NEW:
        begin_request(request, method, version);
        return MHD_YES;
    case REQUEST_BODY:
        if (*upload_data_size > 0) {
            return keep_body(request, upload_data, upload_data_size) ? MHD_YES : MHD_NO;
        }
        hand_over(request);
        break;
    case REQUEST_SUSPENDED:
        go_on(request);
        break;
    case REQUEST_HANDED:
    case REQUEST_STREAMING:
    case REQUEST_ENDING:
    case REQUEST_ANSWERED:
        *upload_data_size = 0;
        return MHD_YES;
    }
    assert(request->state != REQUEST_BODY && request->state != REQUEST_HANDED);
    return MHD_YES;
}

static void on_completed(
    void *user,
    struct MHD_Connection *connection,
    void **context,
    enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *context;
    (void)user;
    (void)connection;
    (void)code;
    if (!request)
        return;
    *context = NULL;
    stream_finish(request);
    metrics_count(request);
    mr_log(
        MR_LOG_DEBUG,
        "request",
        "method=%s path=\"%.*s\" status=%d us=%lld request_id=%.*s",
        request->method,
        MR_ARG(request->path),
        request->status,
        (long long)(mr_monotonic_us() - request->started_us),
        MR_ARG(request->request_id));
    connections_mark(request, false);
    answer_unaccount(request);
    kept_release(request);
    request_give_back(request);
}

/*
 * The library announces its own answers here, right before it sends them: a page of HTML, which in
 * some versions has its head twice. Where the request is known (its line was read, its length is
 * not a number) it is answered by us instead.
 */
static void note_log(void *user, const char *format, va_list args)
{
    if (!strstr(format, "Error processing request"))
        return;
    (void)va_arg(args, unsigned); /* The status. */
    const char *page = va_arg(args, const char *);
    if (page)
        connections_refuse(user, page);
}

static size_t leave_escaped(void *user, struct MHD_Connection *connection, char *text)
{
    (void)user;
    (void)connection;
    return strlen(text);
}

/* A socket of our own, so that "the port is taken" fails before any thread runs. */
static int listen_on(struct http_server *server, struct mr_error *error)
{
    const char *address = server->options.address ? server->options.address : "127.0.0.1";
    struct sockaddr_storage where = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&where;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&where;
    socklen_t len = sizeof *v4;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(server->options.port);
    } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(server->options.port);
        len = sizeof *v6;
    } else {
        return mr_fail(error, MR_CONFIG, "listen: \"%s\" is not an IPv4 or IPv6 address", address);
    }
    int on = 1;
    int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return mr_fail(error, MR_FATAL, "listen: no socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&where, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
        int rc = mr_fail(
            error,
            MR_CONFIG,
            "cannot listen on %s port %u: %s",
            address,
            (unsigned)server->options.port,
            strerror(errno));
        close(fd);
        return rc;
    }
    getsockname(fd, (struct sockaddr *)&where, &len);
    server->port = ntohs(where.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    server->listen_fd = fd;
    return 0;
}

static struct MHD_Daemon *start_daemon(struct http_server *server)
{
    const struct http_server_options *options = &server->options;
    unsigned threads = options->threads > 1 ? (unsigned)options->threads : 0;
    unsigned connections = options->connections_max;
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
        0,
        NULL,
        NULL,
        on_request,
        server,
        MHD_OPTION_EXTERNAL_LOGGER,
        note_log,
        server,
        MHD_OPTION_LISTEN_SOCKET,
        server->listen_fd,
        MHD_OPTION_THREAD_POOL_SIZE,
        threads,
        MHD_OPTION_CONNECTION_LIMIT,
        connections ? connections : (unsigned)CONNECTIONS_MAX_DEFAULT,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)STALLED_SEND_TIMEOUT_S,
        MHD_OPTION_STRICT_FOR_CLIENT, /* Our code refuses such requests, not the library. */
        0,
        MHD_OPTION_URI_LOG_CALLBACK,
        on_uri,
        server,
        MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped,
        NULL,
        MHD_OPTION_NOTIFY_COMPLETED,
        on_completed,
        server,
        MHD_OPTION_NOTIFY_CONNECTION,
        connections_notify,
        server,
        MHD_OPTION_END);
}

/* Binds first, so that "the port is taken" fails before a thread runs. A failure undoes all
 * before it. */
int http_server_start(
    const struct http_server_options *options,
    struct http_server **ret_server,
    struct mr_error *error)
{
    struct http_server *server = mr_calloc(1, sizeof *server);
    struct http_route *routes = routes_resolve(options->routes, options->routes_count);
    server->options = *options;
    server->options.routes = routes;
    server->counters = mr_calloc(options->routes_count + 1, sizeof *server->counters);
    server->kept = kept_new();
    pthread_mutex_init(&server->free_lock, NULL);
    pthread_mutex_init(&server->connections_lock, NULL);
    int rc = cors_check(options->cors_origins ? options->cors_origins : "", error);
    if (rc == 0)
        rc = listen_on(server, error);
    if (rc == 0) {
        rc = wait_start(server, error);
        if (rc != 0)
            close(server->listen_fd);
    }
    if (rc == 0) {
        server->daemon = start_daemon(server);
        if (!server->daemon) {
            wait_stop(server);
            close(server->listen_fd);
            rc = mr_fail(error, MR_FATAL, "http server: libmicrohttpd does not start");
        }
    }
    if (rc != 0) {
        free(routes);
        kept_free(server->kept);
        free(server->counters);
        free(server);
        return rc;
    }
    *ret_server = server;
    return 0;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

static void drain_requests(struct http_server *server, int64_t until_us)
{
    while (atomic_load(&server->requests_open) > 0 && mr_monotonic_us() < until_us)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* A request that comes meanwhile is answered shutting-down. MHD_quiesce_daemon would turn it away,
 * but it takes the listening socket out of each thread's epoll set while the thread does the same,
 * and the second one ends the process. */
void http_server_stop(struct http_server *server, int drain_ms)
{
    if (server->stopped)
        return;
    atomic_store(&server->stopping, true);
    wait_wake_streams(server);
    int64_t now_us = mr_monotonic_us();
    drain_requests(server, now_us + (int64_t)drain_ms * 500);
    atomic_store(&server->waits_are_over, true);
    wait_wake_all(server);
    drain_requests(server, now_us + (int64_t)drain_ms * 1000);
    while (wait_count(server) > 0) /* Claimed by an http_wake that has not come further yet. */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    MHD_stop_daemon(server->daemon);
    wait_stop(server);
    server->stopped = true;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server, 1000);
    while (server->free_requests) {
        struct http_request *request = server->free_requests;
        server->free_requests = request->next_free;
        mr_buffer_clean_up(&request->body);
        mr_buffer_clean_up(&request->response);
        mr_arena_clean_up(&request->arena);
        free(request);
    }
    free((void *)server->options.routes);
    kept_free(server->kept);
    free(server->heap);
    free(server->counters);
    free(server);
}
