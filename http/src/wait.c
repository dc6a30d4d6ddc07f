/*
 * wait.c - requests that wait without a thread: a heap of deadlines, one timer thread, one wake.
 *
 * Whoever changes `why` from WAITING has woken the waiter, and only that one resumes the
 * connection. It does so under the server's wait_lock, which http_server_stop takes once more
 * before it stops libmicrohttpd, so that nobody resumes what is gone.
 */
#include "server_impl.h"

#include <base/clock.h>

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum { WAITING = -1, TICK_MS = 250, WAITERS_MAX_DEFAULT = 1024 };

struct http_waiter {
    _Atomic int references;
    _Atomic int why; /* WAITING or enum http_why. */
    struct http_server *server;
    struct MHD_Connection *connection;
    int stream_fd; /* -1: no stream. */
    int64_t deadline_us;
    size_t heap_index;
    struct mr_bytes payload; /* Written before the connection is resumed, read after. */
};

static void heap_set(struct http_server *server, size_t index, struct http_waiter *waiter)
{
    server->heap[index] = waiter;
    waiter->heap_index = index;
}

static void heap_up(struct http_server *server, size_t index)
{
    struct http_waiter *waiter = server->heap[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (server->heap[parent]->deadline_us <= waiter->deadline_us)
            break;
        heap_set(server, index, server->heap[parent]);
        index = parent;
    }
    heap_set(server, index, waiter);
}

static void heap_down(struct http_server *server, size_t index)
{
    struct http_waiter *waiter = server->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= server->heap_count)
            break;
        if (child + 1 < server->heap_count &&
            server->heap[child + 1]->deadline_us < server->heap[child]->deadline_us)
            child++;
        if (waiter->deadline_us <= server->heap[child]->deadline_us)
            break;
        heap_set(server, index, server->heap[child]);
        index = child;
    }
    heap_set(server, index, waiter);
}

static void heap_add(struct http_server *server, struct http_waiter *waiter)
{
    server->heap =
        mr_grow(server->heap, server->heap_count, &server->heap_capacity, sizeof(void *));
    heap_set(server, server->heap_count++, waiter);
    heap_up(server, waiter->heap_index);
}

static void heap_remove(struct http_server *server, size_t index)
{
    struct http_waiter *last = server->heap[--server->heap_count];
    if (index == server->heap_count)
        return;
    heap_set(server, index, last);
    heap_up(server, index);
    heap_down(server, last->heap_index);
}

/* With wait_lock held, by the one that changed `why`. Drops the heap's reference. */
static void resume_locked(struct http_server *server, struct http_waiter *waiter)
{
    heap_remove(server, waiter->heap_index);
    MHD_resume_connection(waiter->connection);
}

static bool claim_waiter(struct http_waiter *waiter, enum http_why why)
{
    int expected = WAITING;
    return atomic_compare_exchange_strong(&waiter->why, &expected, (int)why);
}

struct http_waiter *
http_suspend(struct http_request *request, int wait_ms, http_continue_fn *resume, void *user)
{
    struct http_server *server = request->server;
    size_t max = server->options.waiters_max ? server->options.waiters_max : WAITERS_MAX_DEFAULT;
    assert(request->state == REQUEST_HANDED || request->state == REQUEST_STREAMING);
    assert(request->state == REQUEST_HANDED || request->response.len == 0);
    struct http_waiter *waiter = mr_calloc(1, sizeof *waiter);
    *waiter = (struct http_waiter){
        .server = server,
        .connection = request->connection,
        .stream_fd = request->is_stream ? stream_descriptor(request) : -1,
        .deadline_us = mr_monotonic_us() + (int64_t)wait_ms * 1000,
    };
    atomic_init(&waiter->references, 2); /* The caller's and the request's. */
    atomic_init(&waiter->why, WAITING);

    pthread_mutex_lock(&server->wait_lock);
    bool over = atomic_load(request->is_stream ? &server->stopping : &server->waits_are_over);
    bool room = server->heap_count < max && !over;
    if (room) {
        /* The deadline may pass at once, but a resume takes effect only on this thread, after the
         * handler has returned. */
        MHD_suspend_connection(request->connection);
        heap_add(server, waiter);
        pthread_cond_signal(&server->wait_changed);
    }
    pthread_mutex_unlock(&server->wait_lock);
    if (!room) {
        free(waiter);
        return NULL;
    }
    http_waiter_release(request->waiter);
    request->waiter = waiter;
    request->resume = resume;
    request->resume_user = user;
    request->state = REQUEST_SUSPENDED;
    return waiter;
}

bool http_wake(struct http_waiter *waiter, struct mr_bytes payload)
{
    if (!claim_waiter(waiter, HTTP_WOKEN))
        return false;
    if (payload.ptr)
        waiter->payload = mr_bytes_of(mr_memdup(payload.ptr, payload.len), payload.len);
    struct http_server *server = waiter->server;
    pthread_mutex_lock(&server->wait_lock);
    resume_locked(server, waiter);
    pthread_mutex_unlock(&server->wait_lock);
    return true;
}

void http_waiter_release(struct http_waiter *waiter)
{
    if (!waiter || atomic_fetch_sub(&waiter->references, 1) != 1)
        return;
    free((void *)(uintptr_t)waiter->payload.ptr);
    free(waiter);
}

enum http_why wait_why(const struct http_waiter *waiter)
{
    return (enum http_why)atomic_load(&waiter->why);
}

struct mr_bytes wait_payload(const struct http_waiter *waiter)
{
    return waiter->payload;
}

size_t wait_count(const struct http_server *server)
{
    struct http_server *mutable = (struct http_server *)(uintptr_t)server;
    pthread_mutex_lock(&mutable->wait_lock);
    size_t count = mutable->heap_count;
    pthread_mutex_unlock(&mutable->wait_lock);
    return count;
}

/* With wait_lock held. A waiter that http_wake has claimed but not yet resumed is left to it. */
static void wake_due(struct http_server *server, int64_t now_us, enum http_why why)
{
    for (size_t i = 0; i < server->heap_count;) {
        struct http_waiter *waiter = server->heap[i];
        if (waiter->deadline_us > now_us)
            break;
        if (claim_waiter(waiter, why))
            resume_locked(server, waiter);
        else
            i++;
    }
}

static void wake_stopping(struct http_server *server, bool streams_only)
{
    pthread_mutex_lock(&server->wait_lock);
    for (size_t i = server->heap_count; i-- > 0;) {
        struct http_waiter *waiter = i < server->heap_count ? server->heap[i] : NULL;
        if (!waiter || (streams_only && waiter->stream_fd < 0))
            continue;
        if (claim_waiter(waiter, HTTP_STOPPING)) {
            resume_locked(server, waiter);
            i = server->heap_count;
        }
    }
    pthread_mutex_unlock(&server->wait_lock);
}

void wait_wake_streams(struct http_server *server)
{
    wake_stopping(server, true);
}

void wait_wake_all(struct http_server *server)
{
    wake_stopping(server, false);
}

/* Asked again: the number may be another connection's by now. While its waiter is in the heap the
 * descriptor stays open. */
static bool has_closed(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLRDHUP};
    return poll(&one, 1, 0) == 1;
}

void wait_wake_gone(struct http_server *server, int fd)
{
    size_t i = 0;
    pthread_mutex_lock(&server->wait_lock);
    while (i < server->heap_count && server->heap[i]->stream_fd != fd)
        i++;
    if (i < server->heap_count && has_closed(fd) && claim_waiter(server->heap[i], HTTP_GONE))
        resume_locked(server, server->heap[i]);
    pthread_mutex_unlock(&server->wait_lock);
}

static struct timespec timespec_of(int64_t us)
{
    return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

static void *timer_main(void *user)
{
    struct http_server *server = user;
    pthread_mutex_lock(&server->wait_lock);
    while (!server->timer_ends) {
        int64_t now_us = mr_monotonic_us();
        wake_due(server, now_us, HTTP_DEADLINE);
        int64_t until_us = now_us + TICK_MS * 1000;
        if (server->heap_count > 0 && server->heap[0]->deadline_us > now_us &&
            server->heap[0]->deadline_us < until_us)
            until_us = server->heap[0]->deadline_us;
        struct timespec until = timespec_of(until_us);
        pthread_cond_timedwait(&server->wait_changed, &server->wait_lock, &until);
        pthread_mutex_unlock(&server->wait_lock);
        connections_cut_late(server);
        stream_wake_gone(server);
        pthread_mutex_lock(&server->wait_lock);
    }
    pthread_mutex_unlock(&server->wait_lock);
    return NULL;
}

int wait_start(struct http_server *server, struct mr_error *error)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&server->wait_lock, NULL);
    pthread_cond_init(&server->wait_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int rc = stream_start(server, error);
    if (rc == 0 && pthread_create(&server->timer, NULL, timer_main, server) != 0) {
        stream_stop(server);
        rc = mr_fail(error, MR_FATAL, "http server: cannot start the timer thread");
    }
    return rc;
}

void wait_stop(struct http_server *server)
{
    pthread_mutex_lock(&server->wait_lock);
    server->timer_ends = true;
    pthread_cond_signal(&server->wait_changed);
    pthread_mutex_unlock(&server->wait_lock);
    pthread_join(server->timer, NULL);
    stream_stop(server);
}
