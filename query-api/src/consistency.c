/*
 * consistency.c - a client reads its own writes: Consistency-Token in, View-Position out.
 *
 * A request whose token is ahead of a view is suspended and watches that view's position; the
 * engine wakes it at the commit that reaches it. No thread waits. Positions of topics that the
 * route does not read do not matter to it.
 */
#include "query_api.h"

#include <api/positions.h>
#include <assert.h>
#include <base/log.h>
#include <base/murmur2.h>

struct waiting {
    struct query_api *api;
    const struct query_read *read;
    const struct topo_position *positions;
    size_t count;
    size_t at; /* Those before it are reached. */
    int64_t until_ms;
    struct http_waiter *waiter;
    struct topo_watch *watch;
};

static const char *const views[QUERY_VIEWS][2] = {
    {TOPIC_CATALOG_PRODUCT_EVENTS, VIEW_PRODUCTS},
    {TOPIC_INVENTORY_STOCK_EVENTS, VIEW_AVAILABILITY},
    {TOPIC_SALES_CART_EVENTS, VIEW_CARTS},
    {TOPIC_SALES_ORDER_EVENTS, VIEW_ORDERS},
    {TOPIC_IDENTITY_SESSION_EVENTS, VIEW_SESSIONS},
};

/* The view that folds the topic; QUERY_VIEWS: none does. */
static size_t view_of(const char *topic)
{
    size_t i = 0;
    while (i < QUERY_VIEWS && strcmp(views[i][0], topic) != 0)
        i++;
    return i;
}

/* The store of that view. */
static const char *store_of(const char *topic)
{
    size_t view = view_of(topic);
    return view < QUERY_VIEWS ? views[view][1] : NULL;
}

static bool is_read(const struct query_read *read, const char *topic)
{
    for (size_t i = 0; read->topics[i]; i++)
        if (strcmp(read->topics[i], topic) == 0)
            return true;
    return false;
}

static void send_behind(
    const struct query_api *api,
    struct http_request *request,
    const struct topo_position *needed,
    int64_t applied)
{
    size_t view = view_of(needed->topic);
    assert(view < QUERY_VIEWS); /* Only positions of views are waited for. */
    struct mr_bytes extensions = mr_arena_printf(
        http_arena(request),
        "{\"needed\":%lld,\"applied\":%lld,\"lag_ms\":%lld}",
        (long long)needed->next_offset,
        (long long)applied,
        (long long)(mr_monotonic_ms() - atomic_load(&api->caught_up_ms[view])));
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = "view-behind",
            .detail = mr_cstr("Ask again, or send Prefer: handling=lenient for what is there."),
            .extensions = extensions,
            .retry_after_s = 1,
        });
}

static void wake_waiter(void *user)
{
    http_wake(user, mr_bytes_of(NULL, 0));
}

static void go_on(struct http_request *request, struct waiting *waiting);

static void
resume_request(struct http_request *request, enum http_why why, struct mr_bytes payload, void *user)
{
    struct waiting *waiting = user;
    (void)payload;
    if (waiting->watch)
        topo_engine_unwatch(waiting->api->engine, waiting->watch);
    waiting->watch = NULL;
    http_waiter_release(waiting->waiter);
    waiting->waiter = NULL;
    if (why == HTTP_STOPPING)
        http_send_problem(request, "shutting-down", "This instance is stopping.");
    else
        go_on(request, waiting);
}

static void
suspend_request(struct http_request *request, struct waiting *waiting, const char *store)
{
    int wait_ms = (int)(waiting->until_ms - mr_monotonic_ms());
    waiting->waiter = http_suspend(request, wait_ms > 0 ? wait_ms : 0, resume_request, waiting);
    if (!waiting->waiter) {
        http_send_problem(request, "overloaded", "Too many requests wait already.");
        return;
    }
    if (topo_engine_watch(
            waiting->api->engine,
            store,
            &waiting->positions[waiting->at],
            wake_waiter,
            waiting->waiter,
            &waiting->watch))
        wake_waiter(waiting->waiter);
}

/* The deadline has passed: stale if the client takes it, else not at all. */
static void give_up(struct http_request *request, struct waiting *waiting, int64_t applied)
{
    struct mr_bytes handling = http_prefer(request, "handling");
    if (mr_bytes_equal(handling, mr_cstr("lenient"))) {
        bool counted = waiting->read == &query_products_read && query_wants_total(request);
        http_set_header(
            request,
            "Preference-Applied",
            mr_cstr(counted ? "handling=lenient, return=total-count" : "handling=lenient"));
        waiting->read->serve(request, waiting->api);
    } else {
        send_behind(waiting->api, request, &waiting->positions[waiting->at], applied);
    }
}

/* The views that the read depends on, and how often they have moved. */
static struct http_stamp stamp_read(const struct query_api *api, const struct query_read *read)
{
    struct http_stamp stamp = {{0}};
    _Static_assert(QUERY_VIEWS <= sizeof stamp.parts / sizeof stamp.parts[0], "a part for each");
    for (size_t i = 0; read->topics[i]; i++) {
        size_t view = view_of(read->topics[i]);
        assert(view < QUERY_VIEWS);
        stamp.parts[view] = topo_engine_moves(api->engine, views[view][1]);
    }
    return stamp;
}

/* An answer that is kept says that its views are not behind, and that is true now as well. */
static void note_level(struct query_api *api, const struct http_stamp *stamp)
{
    int64_t now_ms = mr_monotonic_ms();
    for (size_t view = 0; view < QUERY_VIEWS; view++)
        if (stamp->parts[view] && stamp->parts[view] == atomic_load(&api->level_moves[view]))
            atomic_store(&api->caught_up_ms[view], now_ms);
}

static void serve_read(
    struct query_api *api,
    struct http_request *request,
    const struct query_read *read,
    struct mr_bytes owner)
{
    assert(owner.len > 0 || !read->own);
    struct http_stamp stamp = stamp_read(api, read);
    if (read->kept && http_send_kept(request, owner, &stamp))
        note_level(api, &stamp);
    else
        read->serve(request, api);
}

static void go_on(struct http_request *request, struct waiting *waiting)
{
    for (; waiting->at < waiting->count; waiting->at++) {
        const struct topo_position *position = &waiting->positions[waiting->at];
        const char *store = store_of(position->topic);
        int64_t applied = 0;
        if (!store || !is_read(waiting->read, position->topic))
            continue;
        enum topo_wait_result answer =
            topo_engine_wait(waiting->api->engine, store, position, 0, &applied);
        if (answer == TOPO_WAIT_OK)
            continue;
        if (answer == TOPO_WAIT_GONE)
            http_send_problem(request, "shutting-down", "This instance is stopping.");
        else if (answer != TOPO_WAIT_BEHIND)
            http_send_problem(
                request, "partition-unavailable", "This view is not available on this instance.");
        else if (mr_monotonic_ms() >= waiting->until_ms)
            give_up(request, waiting, applied);
        else
            suspend_request(request, waiting, store);
        return;
    }
    struct mr_bytes owner = mr_bytes_of("", 0);
    /* Again: a session may have ended meanwhile. */
    if (!waiting->read->own || query_authenticate(waiting->api, request, &owner))
        serve_read(waiting->api, request, waiting->read, owner);
}

/* Without a token a read is served at once; with one it waits until the views are at its
 * positions. */
void query_serve(struct query_api *api, struct http_request *request, const struct query_read *read)
{
    assert(api && request && read && read->serve);
    struct topo_position *positions = NULL;
    size_t count = 0;
    struct mr_bytes owner = mr_bytes_of("", 0);
    if (read->own && !query_authenticate(api, request, &owner))
        return;
    if (topo_engine_state(api->engine, NULL) == TOPO_ENGINE_RESTORING) {
        http_send_problem(request, "view-behind", "The views are being restored.");
        return;
    }
    if (!api_read_positions(api->keys, request, &positions, &count))
        return;
    if (count == 0) {
        serve_read(api, request, read, owner);
        return;
    }
    struct waiting *waiting = mr_arena_zalloc(http_arena(request), sizeof *waiting);
    *waiting = (struct waiting){
        .api = api,
        .read = read,
        .positions = positions,
        .count = count,
        .until_ms = mr_monotonic_ms() + api_wait_ms(request),
    };
    go_on(request, waiting);
}

struct collected {
    const char *topic;
    struct topo_position positions[TOKEN_POSITIONS_MAX];
    size_t count;
    size_t first; /* The first of this topic. */
    bool full;
    bool behind; /* This topic's view is, or may be. */
};

static void collect_lag(void *user, const struct topo_position *position, int64_t lag)
{
    struct collected *all = user;
    if (strcmp(position->topic, all->topic) != 0)
        return;
    all->behind = all->behind || lag != 0; /* -1: not known, so perhaps. */
    if (all->count == TOKEN_POSITIONS_MAX)
        all->full = true;
    else
        all->positions[all->count++] = *position;
}

/* Keeps of this topic's partitions only the one of `owner`. */
static void keep_owner(struct collected *all, struct mr_bytes owner)
{
    int32_t partitions = (int32_t)(all->count - all->first);
    int32_t wanted = partitions > 0 ? mr_partition_of(owner, partitions) : 0;
    for (size_t i = all->first; i < all->count; i++) {
        if (all->positions[i].partition == wanted) {
            all->positions[all->first] = all->positions[i];
            all->count = all->first + 1;
            return;
        }
    }
}

/* At most so long behind: since when a read last saw that the view was not. */
static int64_t lag_ms(struct query_api *api, size_t view, bool behind, uint64_t moves)
{
    int64_t now_ms = mr_monotonic_ms();
    if (behind)
        return now_ms - atomic_load(&api->caught_up_ms[view]);
    atomic_store(&api->caught_up_ms[view], now_ms);
    atomic_store(&api->level_moves[view], moves);
    return 0;
}

void query_set_positions(
    struct query_api *api,
    struct http_request *request,
    const char *const *topics,
    struct mr_bytes owner,
    uint64_t *ret_generation)
{
    assert(api && request && topics && topics[0]);
    struct collected all = {0};
    uint64_t generation = 0;
    int64_t most_ms = 0;
    for (size_t i = 0; topics[i]; i++) {
        size_t view = view_of(topics[i]);
        assert(view < QUERY_VIEWS);
        all.topic = topics[i];
        all.first = all.count;
        all.behind = false;
        uint64_t moves = topo_engine_moves(api->engine, views[view][1]);
        topo_engine_positions(api->engine, views[view][1], collect_lag, &all);
        int64_t late_ms = lag_ms(api, view, all.behind, moves);
        if (all.behind) /* View-Lag grows. */
            http_keep_not(request);
        most_ms = late_ms > most_ms ? late_ms : most_ms;
        if (owner.ptr)
            keep_owner(&all, owner);
    }
    for (size_t i = 0; i < all.count; i++) {
        const int64_t where[] = {all.positions[i].partition, all.positions[i].next_offset};
        uint64_t one = query_filter_add(QUERY_FILTER_START, mr_cstr(all.positions[i].topic));
        generation += query_filter_add(one, mr_bytes_of(where, sizeof where)); /* In any order. */
    }
    if (!all.full)
        api_set_positions(api->keys, request, all.positions, all.count, "View-Position");
    else if (!atomic_exchange(&api->positions_dropped, true))
        mr_log(
            MR_LOG_WARN,
            "positions-dropped",
            "topic=%s max=%d reason=\"an answer reads more partitions than a token names\"",
            all.topic,
            TOKEN_POSITIONS_MAX);
    http_set_header_f(request, "View-Lag", "%lld", (long long)most_ms);
    if (ret_generation)
        *ret_generation = generation;
}
