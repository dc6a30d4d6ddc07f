/*
 * sim_io.c - a member of the simulated cluster: its io, the failures, the clock.
 *
 * Every call that can fail runs between `enter` and `leave`: enter counts it and lets the armed
 * failure happen before it, leave after it.
 */
#include "sim_impl.h"

#include <base/alloc.h>
#include <base/murmur2.h>

#include <assert.h>
#include <stdlib.h>
#include <time.h>

/* -- failures -- */

static int sim_io_die(struct sim_member *member, struct mr_error *error)
{
    struct topo_sim *sim = member->sim;
    sim->crashed = true;
    for (struct sim_member *other = sim->members; other; other = other->next) {
        if (other->dead || strcmp(other->instance_id, member->instance_id) != 0)
            continue;
        other->dead = true;
        if (!other->fenced)
            sim_group_gone(other);
    }
    return mr_fail(error, MR_FATAL, "sim: the process is dead");
}

/* The next of the set, or none. */
static void sim_io_arm_next(struct topo_sim *sim)
{
    sim->fail_at = 0;
    if (sim->then_count == 0)
        return;
    sim->fail_at = sim->calls + sim->then[0].calls;
    sim->failure = sim->then[0].failure;
    sim->then_count--;
    memmove(sim->then, sim->then + 1, sim->then_count * sizeof *sim->then);
}

/* A failure that is not over with this is noted in the member: the call itself does the rest. */
static int sim_io_fail_now(struct sim_member *member, struct mr_error *error)
{
    struct topo_sim *sim = member->sim;
    enum topo_sim_failure failure = sim->failure;
    sim_io_arm_next(sim);
    switch (failure) {
    case TOPO_SIM_RETRY:
        return mr_fail(error, MR_TIMEOUT, "sim: timed out");
    case TOPO_SIM_ABORTABLE:
        member->must_abort = member->began;
        return mr_fail(error, MR_ABORTED, "sim: must be aborted");
    case TOPO_SIM_FENCE:
        if (member->producer)
            sim_producer_bump(sim, member->producer);
        return mr_fail(error, MR_FENCED, "sim: fenced");
    case TOPO_SIM_CRASH:
        return sim_io_die(member, error);
    case TOPO_SIM_LATE:
    case TOPO_SIM_LATE_WRITE:
    case TOPO_SIM_LATE_OFFSETS:
        member->late_now = failure;
        return mr_fail(error, MR_TIMEOUT, "sim: timed out, the request is on its way");
    case TOPO_SIM_CRASH_AFTER:
    case TOPO_SIM_LOST_ANSWER:
        member->after = failure;
        return 0;
    }
    return 0;
}

static int sim_io_enter(void *self, struct mr_error *error)
{
    struct sim_member *member = self;
    struct topo_sim *sim = member->sim;
    pthread_mutex_lock(&sim->mutex);
    if (member->dead)
        return mr_fail(error, MR_FATAL, "sim: the process is dead");
    if (member->fenced)
        return mr_fail(error, MR_FENCED, "sim: another member has this id");
    sim_txns_expire(sim);
    sim_groups_expire(sim);
    member->called_ms = sim->now_ms;
    sim->calls++;
    return sim->fail_at > 0 && sim->calls == sim->fail_at ? sim_io_fail_now(member, error) : 0;
}

static int sim_io_leave(void *self, int rc, struct mr_error *error)
{
    struct sim_member *member = self;
    enum topo_sim_failure after = member->after;
    member->after = TOPO_SIM_RETRY;
    member->late_now = TOPO_SIM_RETRY;
    if (after == TOPO_SIM_CRASH_AFTER)
        rc = sim_io_die(member, error);
    else if (after == TOPO_SIM_LOST_ANSWER && rc == 0)
        rc = mr_fail(error, MR_TIMEOUT, "sim: the answer is lost");
    member->called_ms = member->sim->now_ms; /* A call that took long is not silence. */
    pthread_mutex_unlock(&member->sim->mutex);
    return rc;
}

/* For calls whose effect on the caller is their answer: losing it is as if nothing happened. */
static bool sim_io_answer_lost(const struct sim_member *member)
{
    return member->after == TOPO_SIM_LOST_ANSWER;
}

/* -- clock and randomness -- */

static uint64_t sim_io_next_random(struct topo_sim *sim)
{
    /* splitmix64 */
    uint64_t z = (sim->random += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static int64_t sim_io_now_ms(void *self)
{
    struct sim_member *member = self;
    return topo_sim_now_ms(member->sim);
}

static void sim_io_random(void *self, void *out, size_t len)
{
    struct sim_member *member = self;
    pthread_mutex_lock(&member->sim->mutex);
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)sim_io_next_random(member->sim);
    pthread_mutex_unlock(&member->sim->mutex);
}

/* -- cursors -- */

static struct sim_cursor *
sim_io_cursor_of(const struct sim_cursors *cursors, struct topo_partition partition)
{
    for (size_t i = 0; i < cursors->count; i++) {
        const struct topo_partition *own = &cursors->items[i].partition;
        if (own->partition == partition.partition && strcmp(own->topic, partition.topic) == 0)
            return &cursors->items[i];
    }
    return NULL;
}

static struct sim_cursor *sim_io_add_cursor(
    struct sim_member *member, struct sim_cursors *cursors, struct topo_partition partition)
{
    struct sim_partition *log = sim_partition_of(member->sim, partition.topic, partition.partition);
    if (!log)
        return NULL;
    cursors->items = mr_realloc(cursors->items, (cursors->count + 1) * sizeof *cursors->items);
    cursors->items[cursors->count] =
        (struct sim_cursor){.partition = partition, .log = log, .next = -1};
    return &cursors->items[cursors->count++];
}

/* Fails once, as Kafka does, and then nothing more comes of the partition. */
static int sim_io_check_range(struct sim_cursor *cursor, struct mr_error *error)
{
    const struct sim_partition *log = cursor->log;
    if (cursor->next < 0 || cursor->lost || log->leaderless ||
        (cursor->next >= log->low && cursor->next <= (int64_t)log->count))
        return 0;
    cursor->lost = true;
    return mr_fail(
        error,
        MR_NOT_FOUND,
        "sim: %s/%d: %lld is not in the log",
        cursor->partition.topic,
        (int)cursor->partition.partition,
        (long long)cursor->next);
}

/* A seeded number of records, from a seeded partition on. */
static int sim_io_read_some(
    struct sim_member *member,
    struct sim_cursors *cursors,
    struct topo_io_poll *ret_poll,
    struct mr_error *error)
{
    size_t max = 1 + sim_io_next_random(member->sim) % SIM_POLL_MAX;
    size_t first = cursors->count ? sim_io_next_random(member->sim) % cursors->count : 0;
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < cursors->count; i++)
        if (!cursors->items[i].paused && (rc = sim_io_check_range(&cursors->items[i], error)))
            return rc;
    for (size_t i = 0; i < cursors->count; i++) {
        struct sim_cursor *cursor = &cursors->items[(first + i) % cursors->count];
        bool readable = !cursor->paused && !cursor->lost && !cursor->log->leaderless;
        while (cursor->next >= 0 && readable && count < max) {
            const struct topo_record *record = sim_read(cursor->log, &cursor->next);
            if (!record)
                break;
            struct sim_entry *copy = sim_entry_new(record);
            member->records[count] = copy->record;
            member->records[count].topic = cursor->partition.topic;
            member->tokens[count++] = copy;
        }
    }
    if (count > 0)
        *ret_poll = (struct topo_io_poll){
            .event = TOPO_IO_RECORDS,
            .records = member->records,
            .tokens = member->tokens,
            .records_count = count,
        };
    return 0;
}

/* Waits for the cluster to move, at most so long. Real time: the simulated one stands still. */
static void sim_io_wait_moved(struct topo_sim *sim, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&sim->moved, &sim->mutex, &until);
}

/* -- input -- */

static int
sim_io_subscribe(void *self, const char *const *topics, size_t count, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc) {
        sim_group_gone(member); /* Asked again: its slot looks at the topics below. */
        member->topics = mr_realloc(member->topics, (count + 1) * sizeof *member->topics);
        for (size_t i = 0; i < count; i++)
            member->topics[i] = topics[i];
        member->topics_count = count;
        sim_group_join(member);
    }
    return sim_io_leave(self, rc, error);
}

static int
sim_io_poll_now(struct sim_member *member, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    const char *id = member->id;
    enum topo_io_event event = sim_group_event(member);
    *ret_poll = (struct topo_io_poll){.event = event};
    if (event == TOPO_IO_NOTHING) /* Unread input that is gone is fatal. */
        return sim_io_read_some(member, &member->inputs, ret_poll, error) ? MR_FATAL : 0;
    member->inputs.count = 0;
    if (event != TOPO_IO_ASSIGNED)
        return 0;
    const struct sim_group *group = member->group;
    for (size_t i = 0; i < group->slots_count; i++) {
        const struct sim_slot *slot = group->slots[i];
        if (strcmp(slot->id, id) != 0)
            continue;
        for (size_t k = 0; k < slot->assignment_count; k++)
            sim_io_add_cursor(member, &member->inputs, slot->assignment[k]);
        ret_poll->partitions = slot->assignment;
        ret_poll->partitions_count = slot->assignment_count;
    }
    return 0;
}

/* The process died with them, or the answer was lost. */
static void sim_io_drop_poll(const struct topo_io_poll *poll)
{
    for (size_t i = 0; i < poll->records_count; i++)
        free(poll->tokens[i]);
}

static int
sim_io_poll(void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    struct sim_member *member = self;
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    int rc = sim_io_enter(self, error);
    if (!rc && !sim_io_answer_lost(member)) {
        rc = sim_io_poll_now(member, &poll, error);
        if (!rc && poll.event == TOPO_IO_NOTHING && timeout_ms > 0) {
            sim_io_wait_moved(member->sim, timeout_ms);
            rc = sim_io_poll_now(member, &poll, error);
        }
    }
    rc = sim_io_leave(self, rc, error);
    if (!rc)
        *ret_poll = poll;
    else
        sim_io_drop_poll(&poll);
    return rc;
}

/* To view the record from now on is a use of freed memory: address sanitizers report it. */
static void sim_io_release(void *self, void *token)
{
    (void)self;
    assert(token);
    free(token);
}

static int
sim_io_seek(void *self, struct topo_partition partition, int64_t offset, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc) {
        struct sim_cursor *cursor = sim_io_cursor_of(&member->inputs, partition);
        if (cursor) {
            cursor->next = offset;
            cursor->lost = false;
        } else {
            rc = mr_fail(error, MR_INVALID, "sim: seek: %s is not assigned", partition.topic);
        }
    }
    return sim_io_leave(self, rc, error);
}

static int
sim_io_pause(void *self, struct topo_partition partition, bool paused, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    struct sim_cursor *cursor = rc ? NULL : sim_io_cursor_of(&member->inputs, partition);
    if (cursor)
        cursor->paused = paused;
    return sim_io_leave(self, rc, error);
}

static bool
sim_io_is_pending(const struct sim_member *member, const struct topo_partition *partition)
{
    const struct sim_topic *topic = sim_topic_of(member->sim, partition->topic);
    for (const struct sim_txn *txn = member->sim->txns; txn; txn = txn->next)
        if (txn->state == SIM_TXN_OPEN && txn->group == member->group &&
            sim_offset_get(&txn->offsets, topic, partition->partition) >= 0)
            return true;
    return false;
}

static int sim_io_committed(
    void *self,
    const struct topo_partition *partitions,
    size_t count,
    int64_t *ret_next_offsets,
    struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc)
        rc = sim_broker_coordinate(member->sim, error);
    for (size_t i = 0; i < count && !rc; i++)
        if (sim_io_is_pending(member, &partitions[i]))
            rc = mr_fail(error, MR_AGAIN, "sim: a transaction on the offsets is open");
    for (size_t i = 0; i < count && !rc; i++) {
        const struct sim_topic *topic = sim_topic_of(member->sim, partitions[i].topic);
        ret_next_offsets[i] =
            sim_offset_get(&member->group->offsets, topic, partitions[i].partition);
    }
    return sim_io_leave(self, rc, error);
}

/* -- output -- */

static int sim_io_init_transactions(void *self, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc)
        rc = sim_broker_coordinate(member->sim, error);
    if (!rc) {
        member->producer = sim_producer_of(member->sim, member->id);
        member->epoch = sim_producer_bump(member->sim, member->producer);
        sim_broker_forget_queue(member);
    }
    return sim_io_leave(self, rc, error);
}

static bool sim_io_is_led(const struct sim_topic *topic)
{
    for (int32_t p = 0; p < topic->count; p++)
        if (topic->partitions[p].leaderless)
            return false;
    return true;
}

static int
sim_io_prepare(void *self, const char *const *topics, size_t count, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    assert(rc || member->producer);
    for (size_t i = 0; i < count && !rc; i++)
        if (!sim_topic_of(member->sim, topics[i]))
            rc = mr_fail(error, MR_UNAVAILABLE, "sim: topic \"%s\" is not known yet", topics[i]);
    for (size_t i = 0; i < count && !rc && member->sim->brokers > 0; i++)
        if (!sim_io_is_led(sim_topic_of(member->sim, topics[i])))
            rc = sim_broker_time_out(member->sim, SIM_PREPARE_TIMEOUT_MS, topics[i], error);
    return sim_io_leave(self, rc, error);
}

/* Is the member's producer the current one, and free of errors? */
static int sim_io_check_producer(struct sim_member *member, struct mr_error *error)
{
    assert(member->producer);
    if (member->producer->epoch != member->epoch)
        return mr_fail(error, MR_FENCED, "sim: the producer is fenced");
    if (member->must_abort)
        return mr_fail(error, MR_ABORTED, "sim: the transaction must be aborted");
    return 0;
}

static int sim_io_begin(void *self, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc)
        rc = sim_io_check_producer(member, error);
    if (!rc && !member->began) {
        sim_txn_begin(member->sim, member->producer);
        member->began = true;
        member->commit_known = member->produce_known = false;
        member->delivered.count = 0;
    }
    return sim_io_leave(self, rc, error);
}

static int sim_io_produce(
    void *self,
    const struct topo_partition *to,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc)
        rc = sim_io_check_producer(member, error);
    struct sim_topic *topic = sim_topic_of(member->sim, to->topic);
    if (!rc && !topic)
        rc = mr_fail(error, MR_FATAL, "sim: there is no topic \"%s\"", to->topic);
    if (!rc && record->key.len + record->value.len > member->sim->record_bytes_max)
        rc = mr_fail(error, MR_TOO_LARGE, "sim: write to %s: too large", to->topic);
    /* A client's queue takes a record once, however often the answer to it gets lost. */
    if (!rc && member->produce_known) {
        member->produce_known = sim_io_answer_lost(member); /* Twice in a row. */
    } else if (!rc) {
        assert(member->began);
        int32_t partition =
            to->partition < 0 ? mr_partition_of(record->key, topic->count) : to->partition;
        if (!member->producer->txn) /* Ended behind our back: the broker opens another. */
            sim_txn_begin(member->sim, member->producer);
        if (!sim_broker_queue(member, topic, partition, record))
            sim_offset_put(
                &member->delivered,
                topic,
                partition,
                sim_append(member->sim, topic, partition, record, member->producer->txn));
        sim_txn_late_arrives(member->sim, member->producer);
        member->produce_known = sim_io_answer_lost(member);
    }
    return sim_io_leave(self, rc, error);
}

/* Has the member a transaction that a request of it would find? */
static bool sim_io_is_open(const struct sim_member *member)
{
    return member->began && member->producer->txn && member->producer->epoch == member->epoch;
}

static int sim_io_flush(void *self, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (member->late_now == TOPO_SIM_LATE_WRITE && sim_io_is_open(member) &&
        member->producer->txn->last)
        sim_txn_late(member->producer, TOPO_SIM_LATE_WRITE)->write = member->producer->txn->last;
    if (!rc)
        rc = sim_io_check_producer(self, error);
    if (!rc)
        rc = sim_broker_deliver(member, error);
    return sim_io_leave(self, rc, error);
}

static int64_t sim_io_last_offset(void *self, struct topo_partition partition)
{
    struct sim_member *member = self;
    pthread_mutex_lock(&member->sim->mutex);
    int64_t offset = sim_offset_get(
        &member->delivered, sim_topic_of(member->sim, partition.topic), partition.partition);
    pthread_mutex_unlock(&member->sim->mutex);
    return offset;
}

static void
sim_io_put_offsets(struct sim_member *member, const struct topo_position *inputs, size_t count)
{
    struct sim_txn *txn = member->producer->txn;
    txn->group = member->group;
    for (size_t i = 0; i < count; i++)
        sim_offset_put(
            &txn->offsets,
            sim_topic_of(member->sim, inputs[i].topic),
            inputs[i].partition,
            inputs[i].next_offset);
}

/* Its end is late, or the offsets that go before it are. */
static void
sim_io_commit_late(struct sim_member *member, const struct topo_position *inputs, size_t count)
{
    if (member->late_now == TOPO_SIM_LATE)
        sim_txn_late(member->producer, TOPO_SIM_LATE)->state = SIM_TXN_COMMITTED;
    if (member->late_now != TOPO_SIM_LATE_OFFSETS)
        return;
    struct sim_late *late = sim_txn_late(member->producer, TOPO_SIM_LATE_OFFSETS);
    late->group = member->group;
    for (size_t i = 0; i < count; i++)
        sim_offset_put(
            &late->offsets,
            sim_topic_of(member->sim, inputs[i].topic),
            inputs[i].partition,
            inputs[i].next_offset);
}

static int sim_io_commit_now(
    struct sim_member *member,
    const struct topo_position *inputs,
    size_t count,
    struct mr_error *error)
{
    int rc = sim_io_check_producer(member, error);
    if (rc)
        return rc;
    assert(member->began && count > 0 && member->queued_count == 0);
    if (!sim_group_current(member))
        return mr_fail(error, MR_FENCED, "sim: the group is in another generation");
    if (!member->producer->txn)
        return mr_fail(error, MR_FENCED, "sim: there is no open transaction");
    sim_io_put_offsets(member, inputs, count);
    sim_txn_end(member->sim, member->producer, SIM_TXN_COMMITTED);
    member->began = false;
    member->commit_known = sim_io_answer_lost(member);
    return 0;
}

static int
sim_io_commit(void *self, const struct topo_position *inputs, size_t count, struct mr_error *error)
{
    struct sim_member *member = self;
    bool was_alive = !member->dead;
    int rc = sim_io_enter(self, error);
    bool open = sim_io_is_open(member);
    if (open)
        sim_io_commit_late(member, inputs, count);
    /* Dying in a commit leaves the offsets pending: the worse half of "before it took effect". */
    if (rc && was_alive && member->dead && open)
        sim_io_put_offsets(member, inputs, count);
    if (!rc)
        rc = sim_broker_coordinate(member->sim, error);
    if (!rc && member->commit_known)
        member->commit_known = sim_io_answer_lost(member); /* Twice in a row. */
    else if (!rc)
        rc = sim_io_commit_now(member, inputs, count, error);
    return sim_io_leave(self, rc, error);
}

static int sim_io_abort(void *self, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (member->late_now == TOPO_SIM_LATE && sim_io_is_open(member))
        sim_txn_late(member->producer, TOPO_SIM_LATE)->state = SIM_TXN_ABORTED;
    if (!rc)
        rc = sim_broker_coordinate(member->sim, error);
    if (!rc && member->producer->epoch != member->epoch)
        rc = mr_fail(error, MR_FENCED, "sim: the producer is fenced");
    if (!rc) {
        if (member->began && member->producer->txn)
            sim_txn_end(member->sim, member->producer, SIM_TXN_ABORTED);
        member->began = member->must_abort = member->produce_known = false;
        sim_broker_forget_queue(member);
    }
    return sim_io_leave(self, rc, error);
}

/* -- the log -- */

static int
sim_io_partitions_of(void *self, const char *topic, int32_t *ret_count, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc) {
        const struct sim_topic *found = sim_topic_of(member->sim, topic);
        *ret_count = found ? found->count : 0;
    }
    return sim_io_leave(self, rc, error);
}

static int sim_io_watermarks(
    void *self,
    struct topo_partition partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc) {
        const struct sim_partition *log =
            sim_partition_of(member->sim, partition.topic, partition.partition);
        if (log && log->leaderless) {
            rc = sim_broker_time_out(member->sim, SIM_QUESTION_TIMEOUT_MS, partition.topic, error);
        } else if (log) {
            *ret_low = log->low;
            *ret_high = (int64_t)log->count;
        } else {
            rc = mr_fail(error, MR_CONFIG, "sim: there is no topic \"%s\"", partition.topic);
        }
    }
    return sim_io_leave(self, rc, error);
}

static int64_t sim_io_known_end(void *self, struct topo_partition partition)
{
    const struct sim_member *member = self;
    pthread_mutex_lock(&member->sim->mutex);
    const struct sim_partition *log =
        sim_partition_of(member->sim, partition.topic, partition.partition);
    int64_t end = log && !log->leaderless && !member->sim->ends_hidden ? (int64_t)log->count : -1;
    pthread_mutex_unlock(&member->sim->mutex);
    return end;
}

static int
sim_io_log_add(void *self, struct topo_partition partition, int64_t offset, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    if (!rc) {
        struct sim_cursor *cursor = sim_io_cursor_of(&member->logs, partition);
        if (!cursor)
            cursor = sim_io_add_cursor(member, &member->logs, partition);
        if (cursor) {
            cursor->next = offset;
            cursor->lost = false;
        } else {
            rc = mr_fail(error, MR_CONFIG, "sim: there is no topic \"%s\"", partition.topic);
        }
    }
    return sim_io_leave(self, rc, error);
}

static int sim_io_log_remove(void *self, struct topo_partition partition, struct mr_error *error)
{
    struct sim_member *member = self;
    int rc = sim_io_enter(self, error);
    struct sim_cursor *cursor = rc ? NULL : sim_io_cursor_of(&member->logs, partition);
    if (cursor)
        *cursor = member->logs.items[--member->logs.count];
    return sim_io_leave(self, rc, error);
}

static int
sim_io_log_poll(void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    struct sim_member *member = self;
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    int rc = sim_io_enter(self, error);
    if (!rc && !sim_io_answer_lost(member)) {
        rc = sim_io_read_some(member, &member->logs, &poll, error);
        if (!rc && poll.event == TOPO_IO_NOTHING && timeout_ms > 0) {
            sim_io_wait_moved(member->sim, timeout_ms);
            rc = sim_io_read_some(member, &member->logs, &poll, error);
        }
    }
    rc = sim_io_leave(self, rc, error);
    if (!rc)
        *ret_poll = poll;
    else
        sim_io_drop_poll(&poll);
    return rc;
}

static int64_t sim_io_log_position(void *self, struct topo_partition partition)
{
    struct sim_member *member = self;
    pthread_mutex_lock(&member->sim->mutex);
    struct sim_cursor *cursor = sim_io_cursor_of(&member->logs, partition);
    int64_t next = -1;
    if (cursor && (cursor->lost || cursor->log->leaderless || cursor->next < cursor->log->low)) {
        next = cursor->next;
    } else if (cursor) {
        /* Moves over what stays invisible, but not over a record that was not delivered yet. */
        int64_t probe = cursor->next;
        next = sim_read(cursor->log, &probe) ? cursor->next : probe;
        cursor->next = next;
    }
    pthread_mutex_unlock(&member->sim->mutex);
    return next;
}

static void sim_io_close(void *self)
{
    struct sim_member *member = self;
    struct topo_sim *sim = member->sim;
    pthread_mutex_lock(&sim->mutex);
    if (!member->dead && !member->fenced)
        sim_group_gone(member);
    struct sim_member **link = &sim->members;
    while (*link != member)
        link = &(*link)->next;
    *link = member->next;
    pthread_mutex_unlock(&sim->mutex);
    free(member->inputs.items);
    free(member->logs.items);
    free(member->delivered.items);
    sim_broker_forget_queue(member);
    free(member->queued);
    free(member->topics);
    free(member->instance_id);
    free(member->id);
    free(member);
}

/* Every call of the io has its own function, so that each counts as one that can fail. */
int topo_sim_open(
    void *user,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error)
{
    (void)error;
    struct topo_sim *sim = user;
    struct sim_member *member = mr_calloc(1, sizeof *member);
    pthread_mutex_lock(&sim->mutex);
    sim->crashed = false;
    member->sim = sim;
    member->instance_id = mr_strdup(options->instance_id);
    member->id =
        mr_asprintf("%s-%s-%d", options->application_id, options->instance_id, options->worker);
    member->group = sim_group_of(sim, options->application_id);
    member->transactional = options->transactional;
    member->after = member->late_now = TOPO_SIM_RETRY;
    member->called_ms = sim->now_ms;
    member->next = sim->members;
    sim->members = member;
    pthread_mutex_unlock(&sim->mutex);
    *ret_io = (struct topo_io){
        .self = member,
        .now_ms = sim_io_now_ms,
        .random = sim_io_random,
        .subscribe = sim_io_subscribe,
        .poll = sim_io_poll,
        .release = sim_io_release,
        .seek = sim_io_seek,
        .pause = sim_io_pause,
        .committed = sim_io_committed,
        .init_transactions = sim_io_init_transactions,
        .prepare = sim_io_prepare,
        .begin = sim_io_begin,
        .produce = sim_io_produce,
        .flush = sim_io_flush,
        .last_offset = sim_io_last_offset,
        .commit = sim_io_commit,
        .abort = sim_io_abort,
        .partitions_of = sim_io_partitions_of,
        .watermarks = sim_io_watermarks,
        .known_end = sim_io_known_end,
        .log_add = sim_io_log_add,
        .log_remove = sim_io_log_remove,
        .log_poll = sim_io_log_poll,
        .log_position = sim_io_log_position,
        .close = sim_io_close,
    };
    return 0;
}
