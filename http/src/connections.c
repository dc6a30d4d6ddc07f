/*
 * connections.c - cutting connections that are too slow to say what they want.
 *
 * libmicrohttpd's own timeout starts again with every byte, so a client that drips a byte a second
 * holds a connection without end. Here a connection has until give_up_ms for a whole request: from
 * connecting, from the request line, or from the end of the answer before. A late one is shut down
 * (not closed: the descriptor stays libmicrohttpd's).
 */
#include "server_impl.h"

#include <base/clock.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { RECEIVE_TIMEOUT_MS = 10000, KEEPALIVE_TIMEOUT_MS = 75000 };

static int64_t receive_until_ms(const struct http_server *server)
{
    int timeout = server->options.receive_timeout_ms;
    return mr_monotonic_us() / 1000 + (timeout ? timeout : RECEIVE_TIMEOUT_MS);
}

static int64_t idle_until_ms(const struct http_server *server)
{
    int timeout = server->options.keepalive_timeout_ms;
    return mr_monotonic_us() / 1000 + (timeout ? timeout : KEEPALIVE_TIMEOUT_MS);
}

/* The connections of this server thread whose request line is read and whose fields are not. A
 * connection stays with its thread. */
static _Thread_local struct {
    int count;
    struct connection *last;
} heading;

static void end_heading(struct connection *connection)
{
    if (!connection->heading)
        return;
    connection->heading = false;
    heading.count--;
    if (heading.last == connection)
        heading.last = NULL;
}

static void add_connection(struct http_server *server, struct connection *connection)
{
    pthread_mutex_lock(&server->connections_lock);
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    pthread_mutex_unlock(&server->connections_lock);
    atomic_fetch_add(&server->connections_open, 1);
}

static void take_out(struct http_server *server, struct connection *connection)
{
    pthread_mutex_lock(&server->connections_lock);
    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    pthread_mutex_unlock(&server->connections_lock);
    atomic_fetch_sub(&server->connections_open, 1);
}

void connections_notify(
    void *server,
    struct MHD_Connection *connection,
    void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct connection *added = mr_calloc(1, sizeof *added);
        added->fd = info->connect_fd;
        atomic_init(&added->give_up_ms, receive_until_ms(server));
        add_connection(server, added);
        *socket_context = added;
    } else if (*socket_context) {
        end_heading(*socket_context);
        take_out(server, *socket_context);
        free(*socket_context);
        *socket_context = NULL;
    }
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

void connections_receiving(struct MHD_Connection *connection, const struct http_server *server)
{
    struct connection *mine = connection_of(connection);
    if (!mine)
        return;
    atomic_store(&mine->give_up_ms, receive_until_ms(server));
    heading.count += !mine->heading;
    heading.last = mine;
    mine->heading = true;
}

void connections_headed(struct MHD_Connection *connection)
{
    struct connection *mine = connection_of(connection);
    if (mine)
        end_heading(mine);
}

/* The library's pages by words that are in them, and our problems; the first row that fits. */
static const struct {
    const char *word, *other_word;
    const char *status_line;
    const char *slug;
    const char *detail;
} refusals[] = {
    {"Transfer-Encoding",
     "Content-Length",
     "400 Bad Request",
     "malformed-request",
     "Content-Length and Transfer-Encoding exclude each other."},
    {"Content-Length",
     "",
     "400 Bad Request",
     "malformed-request",
     "Content-Length is not a valid length."},
    {"Transfer-Encoding",
     "",
     "501 Not Implemented",
     "not-implemented",
     "The only transfer coding here is chunked."},
    {"Host", "", "400 Bad Request", "malformed-request", "HTTP/1.1 needs one Host field."},
};

enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

/* With two that are being read it is not known whose turn it is: the library answers. */
void connections_refuse(const struct http_server *server, const char *page)
{
    struct mr_buffer body = {0};
    char head[512];
    size_t row = 0;
    while (row < REFUSALS &&
           !(strstr(page, refusals[row].word) && strstr(page, refusals[row].other_word)))
        row++;
    if (row == REFUSALS || heading.count != 1 || !heading.last)
        return;
    http_problem_render(
        &(struct http_problem){.slug = refusals[row].slug, .detail = mr_cstr(refusals[row].detail)},
        server->options.problem_base,
        mr_bytes_of(NULL, 0),
        &body);
    int len = snprintf(
        head,
        sizeof head,
        "HTTP/1.1 %s\r\nContent-Type: application/problem+json\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        "Content-Length: %zu\r\n\r\n",
        refusals[row].status_line,
        body.len);
    struct iovec parts[] = {{head, (size_t)len}, {body.ptr, body.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    (void)sendmsg(heading.last->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    mr_buffer_clean_up(&body);
    (void)shutdown(heading.last->fd, SHUT_RDWR);
}

void connections_mark(struct http_request *request, bool busy)
{
    if (!request->connection)
        return;
    struct connection *mine = connection_of(request->connection);
    if (!mine)
        return;
    if (!busy)
        atomic_store(&mine->give_up_ms, idle_until_ms(request->server));
    atomic_store(&mine->busy, busy);
}

void connections_cut_late(struct http_server *server)
{
    int64_t now_ms = mr_monotonic_us() / 1000;
    if (atomic_load(&server->held_bytes) == 0 && atomic_exchange(&server->trim_wanted, false))
        (void)malloc_trim(0);
    pthread_mutex_lock(&server->connections_lock);
    for (struct connection *at = server->connections; at; at = at->next)
        if (!atomic_load(&at->busy) && atomic_load(&at->give_up_ms) <= now_ms)
            (void)shutdown(at->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->connections_lock);
}
