/* pending.c - a hash table of waiting commands. */
#include "pending.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void pending_table_init(struct pending_table *table)
{
    *table = (struct pending_table){0};
    if (pthread_mutex_init(&table->lock, NULL))
        abort();
}

void pending_table_clean_up(struct pending_table *table)
{
    pthread_mutex_destroy(&table->lock);
}

static struct pending **pending_bucket(struct pending_table *table, struct mr_bytes command_id)
{
    return &table->buckets[mr_bytes_hash(command_id) % PENDING_BUCKETS];
}

struct pending *pending_add(
    struct pending_table *table,
    struct mr_bytes command_id,
    struct mr_bytes fingerprint,
    bool hurried)
{
    assert(fingerprint.len < PENDING_FINGERPRINT_SIZE);
    struct pending *pending = mr_calloc(1, sizeof *pending);
    pending->table = table;
    pending->references = 2;
    pending->hurried = hurried;
    snprintf(pending->command_id, sizeof pending->command_id, "%.*s", MR_ARG(command_id));
    snprintf(pending->fingerprint, sizeof pending->fingerprint, "%.*s", MR_ARG(fingerprint));
    pthread_mutex_lock(&table->lock);
    struct pending **bucket = pending_bucket(table, mr_cstr(pending->command_id));
    pending->next = *bucket;
    *bucket = pending;
    table->count++;
    pthread_mutex_unlock(&table->lock);
    return pending;
}

/* With the lock held: wakes the request if it is suspended and there is a note for it. */
static void pending_wake(struct pending *pending)
{
    if (pending->waiter && pending->note != NOTE_NONE)
        (void)http_wake(pending->waiter, mr_cstr(""));
}

static void pending_set_note(struct pending *pending, enum pending_note note)
{
    if (pending->note == NOTE_REPLY)
        return;
    pending->note = note;
    pending_wake(pending);
}

bool pending_suspend(
    struct pending *pending, struct http_request *request, int wait_ms, http_continue_fn *resume)
{
    assert(pending);
    pthread_mutex_lock(&pending->table->lock);
    struct http_waiter *waiter = http_suspend(request, wait_ms, resume, pending);
    pending->waiter = waiter;
    pending_wake(pending);
    pthread_mutex_unlock(&pending->table->lock);
    return waiter != NULL;
}

enum pending_note
pending_take(struct pending *pending, struct mr_arena *arena, struct mr_bytes *ret_reply)
{
    assert(pending && arena && ret_reply);
    pthread_mutex_lock(&pending->table->lock);
    struct http_waiter *waiter = pending->waiter;
    enum pending_note note = pending->note;
    pending->waiter = NULL;
    pending->note = NOTE_NONE;
    if (note == NOTE_REPLY) {
        *ret_reply = mr_arena_copy(arena, pending->reply);
        free((void *)(uintptr_t)pending->reply.ptr);
        pending->reply = (struct mr_bytes){0};
    }
    pthread_mutex_unlock(&pending->table->lock);
    http_waiter_release(waiter);
    return note;
}

void pending_reply(
    struct pending_table *table,
    struct mr_bytes command_id,
    struct mr_bytes fingerprint,
    struct mr_bytes reply)
{
    bool claimed = false;
    pthread_mutex_lock(&table->lock);
    for (struct pending *at = *pending_bucket(table, command_id); at; at = at->next) {
        if (!mr_bytes_equal(mr_cstr(at->command_id), command_id) ||
            !mr_bytes_equal(mr_cstr(at->fingerprint), fingerprint) || at->note == NOTE_REPLY)
            continue;
        at->reply = mr_bytes_of(mr_memdup(reply.ptr, reply.len), reply.len);
        pending_set_note(at, NOTE_REPLY);
        claimed = true;
    }
    table->unclaimed += !claimed;
    pthread_mutex_unlock(&table->lock);
}

/* With the lock held. True when it was the last reference. */
static bool pending_drop(struct pending *pending)
{
    return --pending->references == 0;
}

static void pending_destroy(struct pending *pending)
{
    free((void *)(uintptr_t)pending->reply.ptr);
    free(pending);
}

static enum pending_note pending_note_of(int rc)
{
    if (rc == 0)
        return NOTE_ACKNOWLEDGED;
    return rc == MR_TIMEOUT ? NOTE_UNCERTAIN : NOTE_FAILED;
}

void pending_delivered(struct pending *pending, int rc)
{
    assert(pending);
    pthread_mutex_t *lock = &pending->table->lock;
    pthread_mutex_lock(lock);
    pending->delivery = pending_note_of(rc);
    pending->queue_full = rc == MR_AGAIN;
    if (pending->hurried || pending->delivery == NOTE_FAILED)
        pending_set_note(pending, pending->delivery);
    bool last = pending_drop(pending);
    pthread_mutex_unlock(lock);
    if (last)
        pending_destroy(pending);
}

enum pending_note pending_hurry(struct pending *pending)
{
    assert(pending);
    pthread_mutex_lock(&pending->table->lock);
    enum pending_note delivery = pending->delivery;
    pending->hurried = true;
    pthread_mutex_unlock(&pending->table->lock);
    return delivery;
}

void pending_remove(struct pending *pending)
{
    assert(pending);
    struct pending_table *table = pending->table;
    pthread_mutex_lock(&table->lock);
    struct pending **at = pending_bucket(table, mr_cstr(pending->command_id));
    while (*at && *at != pending)
        at = &(*at)->next;
    assert(*at);
    *at = pending->next;
    table->count--;
    bool last = pending_drop(pending);
    pthread_mutex_unlock(&table->lock);
    if (last)
        pending_destroy(pending);
}
