/*
 * queue.h - the buffered input of a task: a queue per partition, merged into one order.
 *
 * The next record is the head with the lowest source priority; among equals the oldest timestamp;
 * among equals the first queue. Records are borrowed from the io and go back to it, token by token.
 *
 * Threads  The task's.
 */
#ifndef TOPOLOGY_QUEUE_H
#define TOPOLOGY_QUEUE_H

#include "graph/graph.h"

#include <topology/io.h>

struct queued {
    struct topo_record record;
    void *token;
    size_t bytes;
};

/* A record whose outputs the log refused: when it comes again it goes to the dead letters. */
struct queue_refusal {
    int64_t offset; /* -1: none. */
    int code;
    int times; /* More than once: its dead letter was refused too. */
    char reason[256];
};

struct queue {
    const struct graph_input *input;
    struct topo_partition partition;
    char *position_name;  /* The stores keep the position under it: "input:" and the topic. */
    struct queued *items; /* A ring; capacity is a power of two. */
    size_t first;
    size_t count;
    size_t capacity;
    size_t bytes;
    int64_t next;      /* The offset of the next record to process, at least. */
    int64_t committed; /* The group's committed offset; -1: none yet. */
    bool paused;

    /* A head that waits for a global table (header "requires-position"). */
    int64_t held_offset; /* -1: no head has been asked. */
    int64_t held_until_ms;
    /* A head gave up: until then none of the queue waits for what is as late, unless the tables
     * have come up. INT64_MIN: none did. */
    int64_t unheld_until_ms;

    /* An empty queue that others wait for (KIP-695). */
    int64_t idle_since_ms; /* -1: nobody waits. */
    int64_t idle_high;     /* The log's end then. */
    int64_t end_ms;        /* When `idle_high` was known to be the end; 0: not looked at yet. */
    bool end_unknown;      /* Too long ago: the lag is not known. */
    int64_t gave_up_high;  /* Not waited for again below this end. */

    struct queue_refusal refusal;
};

struct queues {
    struct queue *items;
    size_t count;
};

void queue_init(struct queue *queue, const struct graph_input *input, int32_t partition);
void queue_clean_up(struct queue *queue);
void queue_push(struct queue *queue, const struct topo_record *record, void *token);
const struct queued *queue_head(const struct queue *queue); /* NULL: empty. */
void queue_pop(struct queue *queue);

/* The offset to commit: of the head, or behind the last one processed. */
int64_t queue_position(const struct queue *queue);

/* The queue whose head is next; NULL: all are empty. */
struct queue *queues_next(const struct queues *queues);

/* Remembers that the record at `offset` is not to be tried again. */
void queue_refuse(struct queue *queue, int64_t offset, int code, const char *reason);

/* The memory that a record takes while it is buffered. */
size_t queue_bytes_of(const struct topo_record *record);

#endif
