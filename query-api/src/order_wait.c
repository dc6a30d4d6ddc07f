/*
 * order_wait.c - a request that waits until an order changes, for its stream or for its status.
 *
 * Invariant: the watch is added before the order is looked at for the last time, so that no change
 * falls between.
 */
#include "query_api.h"

#include <assert.h>

static void wake_request(void *user)
{
    http_wake(user, mr_bytes_of(NULL, 0));
}

static bool has_changed(const struct query_order_wait *wait)
{
    struct query_order order = {0};
    struct mr_arena arena;
    struct mr_error error;
    mr_arena_init(&arena);
    int rc = query_order_read(wait->api, wait->order_id, false, &arena, &order, &error);
    bool changed = rc || (order.view && order.view->version > wait->version);
    mr_arena_clean_up(&arena);
    return changed;
}

bool query_order_suspend(
    struct http_request *request,
    struct query_order_wait *wait,
    int wait_ms,
    http_continue_fn *resume,
    void *user)
{
    assert(wait->api && wait->order_id.ptr && !wait->waiter && !wait->watch);
    wait->waiter = http_suspend(request, wait_ms > 0 ? wait_ms : 0, resume, user);
    if (!wait->waiter)
        return false;
    bool stopped = topo_engine_watch_key(
        wait->api->engine, VIEW_ORDERS, wait->order_id, wake_request, wait->waiter, &wait->watch);
    if (stopped || has_changed(wait))
        wake_request(wait->waiter);
    return true;
}

void query_order_resumed(struct query_order_wait *wait)
{
    topo_engine_unwatch(wait->api->engine, wait->watch);
    http_waiter_release(wait->waiter);
    wait->watch = NULL;
    wait->waiter = NULL;
}
