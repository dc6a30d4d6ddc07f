/*
 * pending.h - commands whose requests wait, by command id. Private to dispatch*.c.
 *
 * Invariants: a note (what became of the command) reaches the request once, whether it arrives
 * while the request is suspended, just before, or between two suspensions; an entry is in the table
 * from before it is produced until its request is answered.
 *
 * Threads  Any; the table's one lock guards all entries.
 */
#ifndef COMMAND_API_PENDING_H
#define COMMAND_API_PENDING_H

#include <http/server.h>

#include "dispatch.h"

#include <pthread.h>

enum pending_note {
    NOTE_NONE,
    NOTE_REPLY,
    NOTE_FAILED,      /* It is not in the log. */
    NOTE_UNCERTAIN,   /* It may be in the log or may not. */
    NOTE_ACKNOWLEDGED /* It is in the log. */
};

enum { PENDING_FINGERPRINT_SIZE = 64 };

struct pending {
    struct pending *next; /* In the same bucket. */
    struct pending_table *table;
    int references; /* The request's and the delivery's. */
    char command_id[64];
    char fingerprint[PENDING_FINGERPRINT_SIZE]; /* The request's: two requests may have one id. */
    struct http_waiter *waiter;                 /* NULL: not suspended. */
    enum pending_note note;                     /* Arrived, not taken yet. */
    struct mr_bytes reply;                      /* malloc'd, with NOTE_REPLY. */
    enum pending_note delivery;                 /* NOTE_NONE until the delivery report. */
    bool hurried;    /* The delivery report is enough: no reply is waited for, or no more. */
    bool queue_full; /* With NOTE_FAILED: why. */
    dispatch_answer_fn *answered;
    void *user;
};

enum { PENDING_BUCKETS = 1024 };

struct pending_table {
    pthread_mutex_t lock;
    struct pending *buckets[PENDING_BUCKETS];
    size_t count;
    int64_t unclaimed; /* Replies that nobody waited for any more. */
};

void pending_table_init(struct pending_table *table);
void pending_table_clean_up(struct pending_table *table);

/* With two references. `hurried`: do not wait for the reply. */
struct pending *pending_add(
    struct pending_table *table,
    struct mr_bytes command_id,
    struct mr_bytes fingerprint,
    bool hurried);

/* Suspends the request; wakes it at once when there is a note already. False: no room. */
bool pending_suspend(
    struct pending *pending, struct http_request *request, int wait_ms, http_continue_fn *resume);

/* Takes what has arrived, and the waiter off. The reply is moved into the arena. */
enum pending_note
pending_take(struct pending *pending, struct mr_arena *arena, struct mr_bytes *ret_reply);

/* The reply to a command, for all who wait for it with this fingerprint: a request with the same id
 * and another one is refused by a reply of its own. */
void pending_reply(
    struct pending_table *table,
    struct mr_bytes command_id,
    struct mr_bytes fingerprint,
    struct mr_bytes reply);

/* The delivery report, as topo_delivered_fn has it, or why there will be none; drops the delivery's
 * reference. */
void pending_delivered(struct pending *pending, int rc);

/* The wait is over: from now on the delivery report is enough. Returns what is known of it. */
enum pending_note pending_hurry(struct pending *pending);

/* Out of the table; drops the request's reference. */
void pending_remove(struct pending *pending);

#endif
