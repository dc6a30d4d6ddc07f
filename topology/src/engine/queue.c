/* queue.c - rings of borrowed records, and which one is next. */
#include "queue.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

void queue_init(struct queue *queue, const struct graph_input *input, int32_t partition)
{
    assert(input && partition >= 0);
    *queue = (struct queue){
        .input = input,
        .partition = {input->topic, partition},
        .position_name = mr_asprintf("input:%s", input->topic),
        .next = -1,
        .committed = -1,
        .held_offset = -1,
        .unheld_until_ms = INT64_MIN,
        .idle_since_ms = -1,
        .idle_high = -1,
        .gave_up_high = -1,
        .refusal = {.offset = -1},
    };
}

void queue_clean_up(struct queue *queue)
{
    assert(queue->count == 0); /* The records were given back. */
    free(queue->items);
    free(queue->position_name);
    queue->items = NULL;
    queue->position_name = NULL;
}

size_t queue_bytes_of(const struct topo_record *record)
{
    return sizeof(struct queued) + record->key.len + record->value.len;
}

static void queue_grow(struct queue *queue)
{
    size_t capacity = queue->capacity ? queue->capacity * 2 : CAPACITY_MIN;
    struct queued *items = mr_malloc(capacity * sizeof *items);
    for (size_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->first + i) & (queue->capacity - 1)];
    free(queue->items);
    queue->items = items;
    queue->capacity = capacity;
    queue->first = 0;
}

void queue_push(struct queue *queue, const struct topo_record *record, void *token)
{
    if (queue->count == queue->capacity)
        queue_grow(queue);
    struct queued *slot = &queue->items[(queue->first + queue->count) & (queue->capacity - 1)];
    *slot = (struct queued){*record, token, queue_bytes_of(record)};
    slot->record.topic = queue->partition.topic;
    queue->bytes += slot->bytes;
    queue->count++;
    queue->idle_since_ms = -1;
}

const struct queued *queue_head(const struct queue *queue)
{
    return queue->count ? &queue->items[queue->first] : NULL;
}

void queue_pop(struct queue *queue)
{
    assert(queue->count > 0);
    queue->bytes -= queue->items[queue->first].bytes;
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->count--;
    queue->held_offset = -1;
}

int64_t queue_position(const struct queue *queue)
{
    const struct queued *head = queue_head(queue);
    return head ? head->record.offset : queue->next;
}

void queue_refuse(struct queue *queue, int64_t offset, int code, const char *reason)
{
    queue->refusal.times = queue->refusal.offset == offset ? queue->refusal.times + 1 : 1;
    queue->refusal.offset = offset;
    queue->refusal.code = code;
    snprintf(queue->refusal.reason, sizeof queue->refusal.reason, "%s", reason);
}

/* Both queues have records. */
static bool queue_is_before(const struct queue *a, const struct queue *b)
{
    int a_priority = a->input->source->priority;
    int b_priority = b->input->source->priority;
    if (a_priority != b_priority)
        return a_priority < b_priority;
    return a->items[a->first].record.timestamp_ms < b->items[b->first].record.timestamp_ms;
}

struct queue *queues_next(const struct queues *queues)
{
    struct queue *best = NULL;
    for (size_t i = 0; i < queues->count; i++) {
        struct queue *queue = &queues->items[i];
        if (queue->count > 0 && (!best || queue_is_before(queue, best)))
            best = queue;
    }
    return best;
}
