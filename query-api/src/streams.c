/* streams.c - how many requests wait for an order: in all, and of one owner. */
#include "query_api.h"

#include <assert.h>
#include <base/alloc.h>
#include <stdlib.h>

struct stream_owner {
    struct stream_owner *next;
    struct mr_bytes owner;
    int count;
};

void query_streams_init(struct query_streams *streams, int64_t max, int64_t owner_max)
{
    assert(streams && max > 0 && owner_max > 0);
    *streams = (struct query_streams){.max = max, .owner_max = owner_max};
    pthread_mutex_init(&streams->lock, NULL);
}

/* The owner's place, also when it is empty. */
static struct stream_owner **find_owner(struct query_streams *streams, struct mr_bytes owner)
{
    struct stream_owner **at = &streams->owners[mr_bytes_hash(owner) % QUERY_STREAM_BUCKETS];
    while (*at && !mr_bytes_equal((*at)->owner, owner))
        at = &(*at)->next;
    return at;
}

static struct stream_owner *make_owner(struct mr_bytes owner)
{
    struct stream_owner *made = mr_calloc(1, sizeof *made);
    made->owner = mr_bytes_of(mr_memdup(owner.ptr, owner.len), owner.len);
    return made;
}

static void remove_owner(struct stream_owner **at)
{
    struct stream_owner *gone = *at;
    *at = gone->next;
    free((void *)(uintptr_t)gone->owner.ptr);
    free(gone);
}

/* Counts one more; or returns the problem: it is over a bound. */
static const char *try_stream(struct query_streams *streams, struct mr_bytes owner)
{
    const char *slug = NULL;
    pthread_mutex_lock(&streams->lock);
    struct stream_owner **at = find_owner(streams, owner);
    if (*at && (*at)->count >= streams->owner_max)
        slug = "too-many-streams";
    else if (streams->count >= streams->max)
        slug = "overloaded";
    else if (!*at)
        *at = make_owner(owner);
    if (!slug) {
        (*at)->count++;
        streams->count++;
    }
    pthread_mutex_unlock(&streams->lock);
    return slug;
}

bool query_streams_take(
    struct query_streams *streams, struct http_request *request, struct mr_bytes owner)
{
    assert(streams && request && owner.ptr);
    const char *slug = try_stream(streams, owner);
    if (!slug)
        return true;
    bool own = strcmp(slug, "overloaded") != 0;
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = slug,
            .detail = mr_arena_printf(
                http_arena(request),
                own ? "At most %lld requests of one caller wait for orders at a time."
                    : "At most %lld requests wait for orders at a time.",
                (long long)(own ? streams->owner_max : streams->max)),
            .retry_after_s = own ? 5 : 1,
        });
    return false;
}

void query_streams_give_back(struct query_streams *streams, struct mr_bytes owner)
{
    pthread_mutex_lock(&streams->lock);
    struct stream_owner **at = find_owner(streams, owner);
    assert(*at && (*at)->count > 0);
    streams->count--;
    if (--(*at)->count == 0)
        remove_owner(at);
    pthread_mutex_unlock(&streams->lock);
}
