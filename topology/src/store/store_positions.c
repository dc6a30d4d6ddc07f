/* store_positions.c - a handful of positions in an array; a task reads few partitions. */
#include "store_positions.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

void store_positions_init(struct store_positions *positions)
{
    *positions = (struct store_positions){0};
    pthread_mutex_init(&positions->lock, NULL);
}

void store_positions_clean_up(struct store_positions *positions)
{
    for (size_t i = 0; i < positions->count; i++)
        free(positions->items[i].topic);
    free(positions->items);
    pthread_mutex_destroy(&positions->lock);
}

static bool is_at(const struct store_position *item, const char *topic, int32_t partition)
{
    return item->partition == partition &&
           (item->topic == topic || strcmp(item->topic, topic) == 0);
}

static size_t
positions_find(const struct store_positions *positions, const char *topic, int32_t partition)
{
    size_t last = positions->last;
    if (last < positions->count && is_at(&positions->items[last], topic, partition))
        return last;
    for (size_t i = 0; i < positions->count; i++)
        if (is_at(&positions->items[i], topic, partition))
            return i;
    return positions->count;
}

static struct store_position *
find_or_add(struct store_positions *positions, const char *topic, int32_t partition)
{
    assert(topic && partition >= 0);
    size_t at = positions_find(positions, topic, partition);
    positions->last = at;
    if (at < positions->count)
        return &positions->items[at];
    pthread_mutex_lock(&positions->lock);
    positions->items =
        mr_grow(positions->items, at, &positions->capacity, sizeof *positions->items);
    positions->items[at] = (struct store_position){
        .topic = mr_strdup(topic), .partition = partition, .committed = -1, .staged = -1};
    positions->count++;
    pthread_mutex_unlock(&positions->lock);
    return &positions->items[at];
}

static void
positions_stage(struct store_positions *positions, struct store_position *item, int64_t offset)
{
    positions->staged_count -= item->staged >= 0;
    positions->staged_count += offset >= 0;
    item->staged = offset;
}

void store_positions_put(
    struct store_positions *positions,
    const char *topic,
    int32_t partition,
    int64_t next_offset,
    bool save)
{
    assert(next_offset >= 0);
    struct store_position *item = find_or_add(positions, topic, partition);
    if (save && !item->is_saved) {
        item->saved = item->staged;
        item->is_saved = true;
        positions->any_saved = true;
    }
    positions_stage(positions, item, next_offset);
}

static void positions_publish(
    struct store_positions *positions, struct store_position *item, int64_t next_offset)
{
    pthread_mutex_lock(&positions->lock);
    item->committed = next_offset;
    pthread_mutex_unlock(&positions->lock);
}

void store_positions_set(
    struct store_positions *positions,
    const char *topic,
    int32_t partition,
    int64_t next_offset,
    bool dirty)
{
    assert(next_offset >= 0);
    struct store_position *item = find_or_add(positions, topic, partition);
    positions_publish(positions, item, next_offset);
    if (dirty)
        item->dirty = positions->any_dirty = true;
}

int64_t
store_positions_get(const struct store_positions *positions, const char *topic, int32_t partition)
{
    assert(topic);
    size_t at = positions_find(positions, topic, partition);
    if (at == positions->count)
        return -1;
    const struct store_position *item = &positions->items[at];
    return item->staged >= 0 ? item->staged : item->committed;
}

int64_t
store_positions_read(struct store_positions *positions, const char *topic, int32_t partition)
{
    int64_t next_offset = -1;
    pthread_mutex_lock(&positions->lock);
    for (size_t i = 0; i < positions->count; i++)
        if (is_at(&positions->items[i], topic, partition))
            next_offset = positions->items[i].committed;
    pthread_mutex_unlock(&positions->lock);
    return next_offset;
}

void store_positions_release(struct store_positions *positions)
{
    if (!positions->any_saved)
        return;
    for (size_t i = 0; i < positions->count; i++)
        positions->items[i].is_saved = false;
    positions->any_saved = false;
}

void store_positions_rollback(struct store_positions *positions)
{
    if (!positions->any_saved)
        return;
    for (size_t i = 0; i < positions->count; i++)
        if (positions->items[i].is_saved)
            positions_stage(positions, &positions->items[i], positions->items[i].saved);
    store_positions_release(positions);
}

void store_positions_commit(struct store_positions *positions)
{
    if (positions->staged_count == 0)
        return;
    for (size_t i = 0; i < positions->count; i++) {
        struct store_position *item = &positions->items[i];
        if (item->staged < 0)
            continue;
        positions_publish(positions, item, item->staged);
        positions_stage(positions, item, -1);
        item->dirty = positions->any_dirty = true;
    }
}

void store_positions_abort(struct store_positions *positions)
{
    for (size_t i = 0; i < positions->count; i++)
        positions_stage(positions, &positions->items[i], -1);
    store_positions_release(positions);
}
