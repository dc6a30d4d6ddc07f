/*
 * stream.c - answers that go on: bytes when there are some, else a suspended connection.
 *
 * libmicrohttpd asks stream_read for bytes whenever the socket takes some. Without any it is
 * suspended there, and asks again after the resume.
 *
 * The library does not look at the socket of a suspended connection. An epoll set of our own has
 * the streams' sockets; the timer thread (wait.c) asks it which clients have closed, and wakes
 * those. A descriptor leaves the set when the library closes it.
 */
#include "server_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1024, GONE_MAX = 256 };

int stream_descriptor(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info->connect_fd;
}

/* `more`, or the continuation of the one that was suspended. */
static void ask_more(struct http_request *request)
{
    bool resumed = request->state == REQUEST_SUSPENDED;
    mr_buffer_reset(&request->response);
    request->streamed_bytes = 0;
    request->state = REQUEST_STREAMING;
    if (resumed)
        request->resume(
            request,
            wait_why(request->waiter),
            wait_payload(request->waiter),
            request->resume_user);
    else
        request->more(request, request->stream_user);
}

static ssize_t stream_read(void *user, uint64_t position, char *out, size_t max)
{
    struct http_request *request = user;
    (void)position;
    if (request->streamed_bytes == request->response.len && request->state != REQUEST_ENDING) {
        ask_more(request);
        if (request->state == REQUEST_SUSPENDED)
            return 0;
        assert(request->response.len > 0 || request->state == REQUEST_ENDING);
    }
    size_t left = request->response.len - request->streamed_bytes;
    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t count = left < max ? left : max;
    memcpy(out, request->response.ptr + request->streamed_bytes, count);
    request->streamed_bytes += count;
    return (ssize_t)count;
}

void http_stream(
    struct http_request *request,
    const char *content_type,
    http_stream_fn *more,
    http_stream_fn *ended,
    void *user)
{
    assert(request->state == REQUEST_HANDED && content_type && more && ended);
    int fd = stream_descriptor(request);
    struct epoll_event event = {.events = EPOLLRDHUP, .data.fd = fd};
    request->state = REQUEST_STREAMING;
    request->is_stream = true;
    request->more = more;
    request->ended = ended;
    request->stream_user = user;
    atomic_fetch_add(&request->server->streams_open, 1);
    /* A second stream on the same connection is in the set already. */
    (void)epoll_ctl(request->server->streams_epoll, EPOLL_CTL_ADD, fd, &event);
    http_set_header(request, "Content-Type", mr_cstr(content_type));
    answer_queue(
        request,
        200,
        MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, BLOCK_BYTES, stream_read, request, NULL));
}

void http_stream_end(struct http_request *request)
{
    assert(request->state == REQUEST_STREAMING);
    request->state = REQUEST_ENDING;
}

void stream_finish(struct http_request *request)
{
    if (!request->is_stream)
        return;
    atomic_fetch_sub(&request->server->streams_open, 1);
    request->ended(request, request->stream_user);
}

int stream_start(struct http_server *server, struct mr_error *error)
{
    server->streams_epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->streams_epoll < 0)
        return mr_fail(error, MR_FATAL, "http server: no epoll set: %s", strerror(errno));
    return 0;
}

void stream_stop(struct http_server *server)
{
    close(server->streams_epoll);
}

void stream_wake_gone(struct http_server *server)
{
    struct epoll_event gone[GONE_MAX];
    if (atomic_load(&server->streams_open) == 0)
        return;
    int count = epoll_wait(server->streams_epoll, gone, GONE_MAX, 0);
    for (int i = 0; i < count; i++)
        wait_wake_gone(server, gone[i].data.fd);
}
