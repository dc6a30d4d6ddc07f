/*
 * sim_log.c - the logs of the simulated cluster.
 *
 * Invariants: an entry's index is its offset; a transaction that touched a partition leaves exactly
 * one marker there; nothing at or above `stable` is read.
 */
#include "sim_impl.h"

#include <base/alloc.h>
#include <base/murmur2.h>

#include <assert.h>
#include <stdlib.h>

struct sim_topic *sim_topic_of(const struct topo_sim *sim, const char *name)
{
    for (size_t i = 0; i < sim->topics_count; i++)
        if (strcmp(sim->topics[i]->name, name) == 0)
            return sim->topics[i];
    return NULL;
}

struct sim_partition *
sim_partition_of(const struct topo_sim *sim, const char *topic, int32_t partition)
{
    struct sim_topic *found = sim_topic_of(sim, topic);
    return found && partition >= 0 && partition < found->count ? &found->partitions[partition]
                                                               : NULL;
}

void topo_sim_create_topic(struct topo_sim *sim, const char *name, int32_t partitions)
{
    assert(partitions > 0);
    pthread_mutex_lock(&sim->mutex);
    if (!sim_topic_of(sim, name)) {
        struct sim_topic *topic = mr_calloc(1, sizeof *topic);
        topic->name = mr_strdup(name);
        topic->count = partitions;
        topic->partitions = mr_calloc((size_t)partitions, sizeof *topic->partitions);
        sim->topics = mr_realloc(sim->topics, (sim->topics_count + 1) * sizeof *sim->topics);
        sim->topics[sim->topics_count++] = topic;
        sim_broker_lead(sim, topic);
    }
    pthread_mutex_unlock(&sim->mutex);
}

static struct mr_bytes log_copy_out(char **out, struct mr_bytes bytes)
{
    if (!bytes.ptr)
        return bytes;
    if (bytes.len)
        memcpy(*out, bytes.ptr, bytes.len);
    struct mr_bytes copy = {*out, bytes.len};
    *out += bytes.len;
    return copy;
}

/* One allocation per entry: headers, then all bytes. */
struct sim_entry *sim_entry_new(const struct topo_record *record)
{
    size_t headers_size = record->headers_count * sizeof *record->headers;
    size_t size = headers_size + record->key.len + record->value.len;
    for (size_t i = 0; i < record->headers_count; i++)
        size += record->headers[i].name.len + record->headers[i].value.len;
    struct sim_entry *entry = mr_calloc(1, sizeof *entry + size + 1);
    struct topo_header *headers = (struct topo_header *)(void *)entry->bytes;
    char *out = entry->bytes + headers_size;
    entry->record = *record;
    entry->record.headers = headers;
    for (size_t i = 0; i < record->headers_count; i++) {
        headers[i].name = log_copy_out(&out, record->headers[i].name);
        headers[i].value = log_copy_out(&out, record->headers[i].value);
    }
    entry->record.key = log_copy_out(&out, record->key);
    entry->record.value = log_copy_out(&out, record->value);
    return entry;
}

static void log_push_entry(struct topo_sim *sim, struct sim_partition *log, struct sim_entry *entry)
{
    entry->record.offset = (int64_t)log->count;
    log->entries = mr_grow(log->entries, log->count, &log->capacity, sizeof *log->entries);
    log->entries[log->count++] = entry;
    pthread_cond_broadcast(&sim->moved);
}

static void log_touch(struct sim_txn *txn, struct sim_partition *log)
{
    for (size_t i = 0; i < txn->touched_count; i++)
        if (txn->touched[i] == log)
            return;
    txn->touched = mr_realloc(txn->touched, (txn->touched_count + 1) * sizeof *txn->touched);
    txn->touched[txn->touched_count++] = log;
}

int64_t sim_append(
    struct topo_sim *sim,
    struct sim_topic *topic,
    int32_t partition,
    const struct topo_record *record,
    struct sim_txn *txn)
{
    if (partition < 0)
        partition = mr_partition_of(record->key, topic->count);
    assert(partition < topic->count);
    struct sim_partition *log = &topic->partitions[partition];
    struct sim_entry *entry = sim_entry_new(record);
    entry->record.topic = topic->name;
    entry->record.partition = partition;
    if (entry->record.timestamp_ms == 0)
        entry->record.timestamp_ms = sim->now_ms;
    entry->txn = txn;
    if (txn) {
        log_touch(txn, log);
        txn->last = entry;
    }
    log_push_entry(sim, log, entry);
    return entry->record.offset;
}

/* -- transactions -- */

struct sim_producer *sim_producer_of(struct topo_sim *sim, const char *id)
{
    for (struct sim_producer *producer = sim->producers; producer; producer = producer->next)
        if (strcmp(producer->id, id) == 0)
            return producer;
    struct sim_producer *producer = mr_calloc(1, sizeof *producer);
    producer->id = mr_strdup(id);
    producer->next = sim->producers;
    sim->producers = producer;
    return producer;
}

static void log_put_markers(struct topo_sim *sim, struct sim_txn *txn, enum sim_txn_state state)
{
    txn->state = state;
    for (size_t i = 0; i < txn->touched_count; i++) {
        struct sim_entry *marker = mr_calloc(1, sizeof *marker + 1);
        marker->marker = true;
        log_push_entry(sim, txn->touched[i], marker);
    }
}

static void log_put_late_markers(struct topo_sim *sim, struct sim_producer *producer)
{
    if (producer->ending)
        log_put_markers(sim, producer->ending, SIM_TXN_COMMITTED);
    producer->ending = NULL;
}

struct sim_txn *sim_txn_begin(struct topo_sim *sim, struct sim_producer *producer)
{
    log_put_late_markers(sim, producer);
    struct sim_txn *txn = mr_calloc(1, sizeof *txn);
    txn->began_ms = sim->now_ms;
    txn->next = sim->txns;
    sim->txns = txn;
    producer->txn = txn;
    return txn;
}

void sim_txn_end(struct topo_sim *sim, struct sim_producer *producer, enum sim_txn_state state)
{
    struct sim_txn *txn = producer->txn;
    assert(txn && txn->state == SIM_TXN_OPEN);
    producer->txn = NULL;
    for (size_t i = 0; state == SIM_TXN_COMMITTED && i < txn->offsets.count; i++) {
        const struct sim_offset *offset = &txn->offsets.items[i];
        sim_offset_put(&txn->group->offsets, offset->topic, offset->partition, offset->next);
    }
    if (state == SIM_TXN_COMMITTED && sim->late_markers > 0) {
        txn->offsets.count = 0; /* Those are stable already. */
        producer->ending = txn;
        producer->ending_at = sim->calls + sim->late_markers;
        return;
    }
    log_put_markers(sim, txn, state);
}

struct sim_late *sim_txn_late(struct sim_producer *producer, enum topo_sim_failure kind)
{
    struct sim_late *late = &producer->late;
    late->kind = kind;
    late->epoch = producer->epoch;
    late->txn = producer->txn;
    late->offsets.count = 0;
    return late;
}

static void log_write_late(struct topo_sim *sim, const struct sim_late *late, struct sim_txn *txn)
{
    const struct topo_record *record = &late->write->record;
    sim_append(sim, sim_topic_of(sim, record->topic), record->partition, record, txn);
}

static void log_put_late_offsets(const struct sim_late *late, struct sim_txn *txn)
{
    txn->group = late->group;
    for (size_t i = 0; i < late->offsets.count; i++) {
        const struct sim_offset *offset = &late->offsets.items[i];
        sim_offset_put(&txn->offsets, offset->topic, offset->partition, offset->next);
    }
}

void sim_txn_late_arrives(struct topo_sim *sim, struct sim_producer *producer)
{
    struct sim_late *late = &producer->late;
    enum topo_sim_failure kind = late->kind;
    if (kind == TOPO_SIM_RETRY || producer->txn == late->txn)
        return;
    late->kind = TOPO_SIM_RETRY;
    if (!producer->txn || producer->epoch != late->epoch)
        return;
    if (kind == TOPO_SIM_LATE)
        sim_txn_end(sim, producer, late->state);
    else if (kind == TOPO_SIM_LATE_WRITE)
        log_write_late(sim, late, producer->txn);
    else
        log_put_late_offsets(late, producer->txn);
}

int64_t sim_producer_bump(struct topo_sim *sim, struct sim_producer *producer)
{
    log_put_late_markers(sim, producer);
    if (producer->txn)
        sim_txn_end(sim, producer, SIM_TXN_ABORTED);
    return ++producer->epoch;
}

void sim_txns_expire(struct topo_sim *sim)
{
    for (struct sim_producer *producer = sim->producers; producer; producer = producer->next) {
        if (producer->ending && sim->calls >= producer->ending_at)
            log_put_late_markers(sim, producer);
        if (producer->txn && sim->now_ms - producer->txn->began_ms > SIM_TRANSACTION_TIMEOUT_MS)
            sim_producer_bump(sim, producer);
    }
}

/* -- reading -- */

static void log_move_stable(struct sim_partition *log)
{
    while (log->stable < (int64_t)log->count) {
        const struct sim_entry *entry = log->entries[log->stable];
        if (entry->txn && entry->txn->state == SIM_TXN_OPEN)
            return;
        log->stable++;
    }
}

const struct topo_record *sim_read(struct sim_partition *log, int64_t *offset)
{
    log_move_stable(log);
    if (*offset < log->low)
        *offset = log->low;
    while (*offset < log->stable) {
        const struct sim_entry *entry = log->entries[(*offset)++];
        if (!entry->marker && (!entry->txn || entry->txn->state == SIM_TXN_COMMITTED))
            return &entry->record;
    }
    return NULL;
}

static bool log_is_replaced(const struct sim_partition *log, int64_t offset)
{
    const struct sim_entry *entry = log->entries[offset];
    for (int64_t later = offset + 1; later < log->stable; later++) {
        const struct sim_entry *other = log->entries[later];
        bool counts = !other->marker && (!other->txn || other->txn->state == SIM_TXN_COMMITTED);
        if (counts && mr_bytes_equal(entry->record.key, other->record.key))
            return true;
    }
    return false;
}

/* The last record stays: a segment in use is not cleaned. What goes keeps its offset. */
void sim_compact(struct sim_partition *log)
{
    log_move_stable(log);
    int64_t last = log->stable - 1;
    while (last >= 0 && log->entries[last]->marker)
        last--;
    for (int64_t offset = log->low; offset < last; offset++) {
        struct sim_entry *entry = log->entries[offset];
        if (!entry->marker && (!entry->record.value.ptr || log_is_replaced(log, offset)))
            entry->marker = true;
    }
}

void sim_topic_empty(struct topo_sim *sim, struct sim_topic *topic)
{
    for (int32_t p = 0; p < topic->count; p++) {
        struct sim_partition *log = &topic->partitions[p];
        for (size_t i = 0; i < log->count; i++) {
            sim->buried =
                mr_grow(sim->buried, sim->buried_count, &sim->buried_capacity, sizeof *sim->buried);
            sim->buried[sim->buried_count++] = log->entries[i];
        }
        log->count = 0;
        log->low = log->stable = 0;
    }
}

/* -- offsets -- */

void sim_offset_forget(struct sim_offsets *offsets, const struct sim_topic *topic)
{
    size_t kept = 0;
    for (size_t i = 0; i < offsets->count; i++)
        if (offsets->items[i].topic != topic)
            offsets->items[kept++] = offsets->items[i];
    offsets->count = kept;
}

void sim_offset_put(
    struct sim_offsets *offsets, const struct sim_topic *topic, int32_t partition, int64_t next)
{
    struct sim_offset offset = {topic, partition, next};
    for (size_t i = 0; i < offsets->count; i++) {
        struct sim_offset *item = &offsets->items[i];
        if (item->topic == topic && item->partition == partition) {
            *item = offset;
            return;
        }
    }
    offsets->items = mr_realloc(offsets->items, (offsets->count + 1) * sizeof *offsets->items);
    offsets->items[offsets->count++] = offset;
}

int64_t
sim_offset_get(const struct sim_offsets *offsets, const struct sim_topic *topic, int32_t partition)
{
    for (size_t i = 0; i < offsets->count; i++)
        if (offsets->items[i].topic == topic && offsets->items[i].partition == partition)
            return offsets->items[i].next;
    return -1;
}

static void log_free_topic(struct sim_topic *topic)
{
    for (int32_t p = 0; p < topic->count; p++) {
        struct sim_partition *log = &topic->partitions[p];
        for (size_t i = 0; i < log->count; i++)
            free(log->entries[i]);
        free(log->entries);
    }
    free(topic->partitions);
    free(topic->name);
    free(topic);
}

void sim_log_free(struct topo_sim *sim)
{
    for (size_t i = 0; i < sim->topics_count; i++)
        log_free_topic(sim->topics[i]);
    free(sim->topics);
    for (size_t i = 0; i < sim->buried_count; i++)
        free(sim->buried[i]);
    free(sim->buried);
    while (sim->txns) {
        struct sim_txn *txn = sim->txns;
        sim->txns = txn->next;
        free(txn->touched);
        free(txn->offsets.items);
        free(txn);
    }
    while (sim->producers) {
        struct sim_producer *producer = sim->producers;
        sim->producers = producer->next;
        free(producer->late.offsets.items);
        free(producer->id);
        free(producer);
    }
}
