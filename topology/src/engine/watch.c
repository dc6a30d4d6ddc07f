/*
 * watch.c - positions and keys that threads wait for.
 *
 * Transitions of a watch
 *     WAITING -> FIRING   watch_wake: its position is reached, or the table was stopped
 *     FIRING  -> FIRED    watch_fire: wake has returned
 *     any     -> freed    watch_cancel; in its own wake: watch_fire, afterwards
 *
 * Invariants
 *   1. wake is called once at most, without the mutex, and never after watch_cancel returned.
 *   2. A watch in FIRING belongs to the thread that fires it; others wait for FIRED.
 *   3. A position is published after the stores that it names are committed.
 *   4. A stopped table answers every waiter.
 */
#include "watch.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum watch_state { WATCH_WAITING, WATCH_FIRING, WATCH_FIRED };

struct topo_watch {
    enum watch_state state;
    const struct graph_sub *sub; /* NULL: of a key. */
    char *topic;                 /* Or the key's store, */
    struct mr_bytes key;         /* and the key. */
    bool touched;
    int32_t partition;
    int64_t next;
    topo_wake_fn *wake;
    void *user;
    pthread_t firing;
    bool cancelled;           /* In a wake. */
    struct topo_watch **list; /* The one it is in. */
    struct topo_watch *before;
    struct topo_watch *after;
    struct topo_watch *next_firing;
};

void watch_init(struct watch_table *table, size_t subs_count)
{
    *table = (struct watch_table){.subs_count = subs_count};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&table->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&table->mutex, NULL);
    table->subs = mr_calloc(subs_count + 1, sizeof *table->subs);
    table->keys = mr_calloc(WATCH_BUCKETS, sizeof *table->keys);
}

void watch_clean_up(struct watch_table *table)
{
    assert(!table->watches && table->keys_count == 0); /* Watchers cancel before that. */
    for (size_t i = 0; i < table->subs_count; i++)
        free(table->subs[i].entries);
    free(table->subs);
    free(table->keys);
    pthread_mutex_destroy(&table->mutex);
    pthread_cond_destroy(&table->moved);
}

static struct watch_entry *watch_find_entry(
    const struct watch_table *table,
    const struct graph_sub *sub,
    const char *topic,
    int32_t partition)
{
    const struct watch_sub *own = &table->subs[sub->index];
    for (size_t i = 0; i < own->count; i++) {
        struct watch_entry *entry = &own->entries[i];
        if (entry->partition == partition &&
            (entry->topic == topic || strcmp(entry->topic, topic) == 0))
            return entry;
    }
    return NULL;
}

void watch_set(
    struct watch_table *table,
    const struct graph_sub *sub,
    const struct topo_partition *partition,
    int64_t next,
    int64_t end)
{
    assert(sub->index < table->subs_count);
    pthread_mutex_lock(&table->mutex);
    struct watch_entry *entry =
        watch_find_entry(table, sub, partition->topic, partition->partition);
    bool made = !entry;
    if (made) {
        struct watch_sub *own = &table->subs[sub->index];
        own->entries = mr_realloc(own->entries, (own->count + 1) * sizeof *own->entries);
        entry = &own->entries[own->count++];
        *entry = (struct watch_entry){partition->topic, partition->partition, -1, -1};
    }
    int64_t new_next = next >= 0 ? next : entry->next;
    int64_t new_end = end >= 0 ? end : entry->end;
    if (made || new_next != entry->next || new_end != entry->end)
        atomic_fetch_add(&table->subs[sub->index].moves, 1);
    entry->next = new_next;
    entry->end = new_end;
    pthread_mutex_unlock(&table->mutex);
}

void watch_forget_end(
    struct watch_table *table, const struct graph_sub *sub, const struct topo_partition *partition)
{
    pthread_mutex_lock(&table->mutex);
    struct watch_entry *entry =
        watch_find_entry(table, sub, partition->topic, partition->partition);
    if (entry) {
        atomic_fetch_add(&table->subs[sub->index].moves, entry->end != -1);
        entry->end = -1;
    }
    pthread_mutex_unlock(&table->mutex);
}

void watch_remove(
    struct watch_table *table, const struct graph_sub *sub, const struct topo_partition *partition)
{
    pthread_mutex_lock(&table->mutex);
    struct watch_entry *entry =
        watch_find_entry(table, sub, partition->topic, partition->partition);
    if (entry) {
        *entry = table->subs[sub->index].entries[--table->subs[sub->index].count];
        atomic_fetch_add(&table->subs[sub->index].moves, 1);
    }
    pthread_mutex_unlock(&table->mutex);
}

uint64_t watch_moves(const struct watch_table *table, const struct graph_sub *sub)
{
    assert(sub->index < table->subs_count);
    return atomic_load(&table->subs[sub->index].moves);
}

static bool watch_is_reached(const struct watch_table *table, const struct topo_watch *watch)
{
    if (!watch->sub)
        return watch->touched;
    const struct watch_entry *entry =
        watch_find_entry(table, watch->sub, watch->topic, watch->partition);
    return table->stopped || (entry && entry->next >= watch->next);
}

static void watch_link(struct topo_watch **list, struct topo_watch *watch)
{
    watch->list = list;
    watch->before = NULL;
    watch->after = *list;
    if (*list)
        (*list)->before = watch;
    *list = watch;
}

static void watch_unlink(struct topo_watch *watch)
{
    if (watch->before)
        watch->before->after = watch->after;
    else
        *watch->list = watch->after;
    if (watch->after)
        watch->after->before = watch->before;
}

static void watch_unlink_and_free(struct watch_table *table, struct topo_watch *watch)
{
    watch_unlink(watch);
    if (!watch->sub && !watch->touched)
        atomic_fetch_sub(&table->keys_count, 1);
    free((void *)(uintptr_t)watch->key.ptr);
    free(watch->topic);
    free(watch);
}

/* From the keys to those that the next watch_wake fires. */
static void watch_touch(struct watch_table *table, struct topo_watch *watch)
{
    watch_unlink(watch);
    watch->touched = true;
    atomic_fetch_sub(&table->keys_count, 1);
    watch_link(&table->watches, watch);
}

static struct topo_watch **watch_bucket(const struct watch_table *table, struct mr_bytes key)
{
    return &table->keys[mr_bytes_hash(key) % WATCH_BUCKETS];
}

/* A watch that is added after the count was read finds the new value: it is visible already. */
void watch_touch_key(struct watch_table *table, const char *store, struct mr_bytes key)
{
    if (atomic_load(&table->keys_count) == 0)
        return;
    pthread_mutex_lock(&table->mutex);
    for (struct topo_watch *next, *watch = *watch_bucket(table, key); watch; watch = next) {
        next = watch->after;
        if (mr_bytes_equal(watch->key, key) && strcmp(watch->topic, store) == 0)
            watch_touch(table, watch);
    }
    pthread_mutex_unlock(&table->mutex);
}

static void watch_touch_all(struct watch_table *table)
{
    for (size_t i = 0; i < WATCH_BUCKETS; i++)
        while (table->keys[i])
            watch_touch(table, table->keys[i]);
}

/* With the mutex held on entry and exit, and not while wake runs. */
static void watch_fire(struct watch_table *table, struct topo_watch *watch)
{
    if (!watch->cancelled) { /* By a wake before it. */
        pthread_mutex_unlock(&table->mutex);
        watch->wake(watch->user);
        pthread_mutex_lock(&table->mutex);
    }
    watch->state = WATCH_FIRED;
    if (watch->cancelled)
        watch_unlink_and_free(table, watch);
    pthread_cond_broadcast(&table->moved);
}

void watch_wake(struct watch_table *table)
{
    struct topo_watch *firing = NULL;
    pthread_mutex_lock(&table->mutex);
    for (struct topo_watch *watch = table->watches; watch; watch = watch->after) {
        if (watch->state != WATCH_WAITING || !watch_is_reached(table, watch))
            continue;
        watch->state = WATCH_FIRING;
        watch->firing = pthread_self();
        watch->next_firing = firing;
        firing = watch;
    }
    while (firing) {
        struct topo_watch *watch = firing;
        firing = watch->next_firing;
        watch_fire(table, watch);
    }
    pthread_cond_broadcast(&table->moved);
    pthread_mutex_unlock(&table->mutex);
}

void watch_stop(struct watch_table *table)
{
    pthread_mutex_lock(&table->mutex);
    table->stopped = true;
    watch_touch_all(table);
    pthread_mutex_unlock(&table->mutex);
    watch_wake(table);
}

int64_t watch_next(
    struct watch_table *table, const struct graph_sub *sub, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&table->mutex);
    const struct watch_entry *entry = watch_find_entry(table, sub, topic, partition);
    int64_t next = entry ? entry->next : -1;
    pthread_mutex_unlock(&table->mutex);
    return next;
}

static struct timespec watch_deadline(int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

static enum topo_wait_result watch_answer(
    const struct watch_table *table,
    const struct graph_sub *sub,
    const struct topo_position *position,
    const atomic_bool *globals_ready,
    int64_t *ret_applied)
{
    const struct watch_entry *entry =
        watch_find_entry(table, sub, position->topic, position->partition);
    if (!entry)
        return TOPO_WAIT_NOT_HERE;
    if (ret_applied)
        *ret_applied = entry->next;
    if (entry->next >= position->next_offset)
        return TOPO_WAIT_OK;
    if (table->stopped)
        return TOPO_WAIT_GONE;
    bool restoring = sub->global && !atomic_load(globals_ready);
    return restoring ? TOPO_WAIT_NOT_READY : TOPO_WAIT_BEHIND;
}

enum topo_wait_result watch_await(
    struct watch_table *table,
    const struct graph_sub *sub,
    const struct topo_position *position,
    int wait_ms,
    const atomic_bool *globals_ready,
    int64_t *ret_applied)
{
    struct timespec until = watch_deadline(wait_ms);
    pthread_mutex_lock(&table->mutex);
    int late = 0;
    enum topo_wait_result answer = watch_answer(table, sub, position, globals_ready, ret_applied);
    while (!late && (answer == TOPO_WAIT_BEHIND || answer == TOPO_WAIT_NOT_READY)) {
        late = pthread_cond_timedwait(&table->moved, &table->mutex, &until);
        answer = watch_answer(table, sub, position, globals_ready, ret_applied);
    }
    pthread_mutex_unlock(&table->mutex);
    return answer;
}

/* Looked at with the mutex held, so that a position published meanwhile is not missed. */
bool watch_add(
    struct watch_table *table,
    const struct graph_sub *sub,
    const struct topo_position *position,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch)
{
    assert(wake && position->topic);
    struct topo_watch *watch = mr_calloc(1, sizeof *watch);
    watch->sub = sub;
    watch->topic = mr_strdup(position->topic);
    watch->partition = position->partition;
    watch->next = position->next_offset;
    watch->wake = wake;
    watch->user = user;
    pthread_mutex_lock(&table->mutex);
    bool done = watch_is_reached(table, watch);
    watch_link(&table->watches, watch);
    if (done)
        watch_unlink_and_free(table, watch);
    *ret_watch = done ? NULL : watch;
    pthread_mutex_unlock(&table->mutex);
    return done;
}

bool watch_add_key(
    struct watch_table *table,
    const char *store,
    struct mr_bytes key,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch)
{
    assert(wake && store && key.ptr);
    struct topo_watch *watch = mr_calloc(1, sizeof *watch);
    watch->topic = mr_strdup(store);
    watch->key = mr_bytes_of(mr_memdup(key.ptr, key.len), key.len);
    watch->wake = wake;
    watch->user = user;
    pthread_mutex_lock(&table->mutex);
    bool done = table->stopped;
    atomic_fetch_add(&table->keys_count, 1);
    watch_link(watch_bucket(table, key), watch);
    if (done)
        watch_unlink_and_free(table, watch);
    *ret_watch = done ? NULL : watch;
    pthread_mutex_unlock(&table->mutex);
    return done;
}

void watch_cancel(struct watch_table *table, struct topo_watch *watch)
{
    pthread_mutex_lock(&table->mutex);
    bool own = watch->state == WATCH_FIRING && pthread_equal(watch->firing, pthread_self());
    while (!own && watch->state == WATCH_FIRING)
        pthread_cond_wait(&table->moved, &table->mutex);
    if (own)
        watch->cancelled = true;
    else
        watch_unlink_and_free(table, watch);
    pthread_mutex_unlock(&table->mutex);
}

void watch_visit(
    struct watch_table *table, const struct graph_sub *sub, topo_position_fn *visit, void *user)
{
    pthread_mutex_lock(&table->mutex);
    const struct watch_sub *own = &table->subs[sub->index];
    size_t count = own->count;
    struct watch_entry *copy = mr_calloc(count + 1, sizeof *copy);
    if (count > 0)
        memcpy(copy, own->entries, count * sizeof *copy);
    pthread_mutex_unlock(&table->mutex);
    for (size_t i = 0; i < count; i++) {
        struct topo_position position = {copy[i].topic, copy[i].partition, copy[i].next};
        int64_t lag = copy[i].end > copy[i].next ? copy[i].end - copy[i].next : 0;
        if (copy[i].end < 0)
            lag = -1;
        visit(user, &position, lag);
    }
    free(copy);
}
