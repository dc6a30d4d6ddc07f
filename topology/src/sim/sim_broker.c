/*
 * sim_broker.c - several brokers: who leads what, who is dead, and what waits in a client for it.
 *
 * A call that needs a leader and has none takes its whole timeout, in simulated time: that is what
 * a thread of the engine loses by it. So does a call that needs the coordinator, which is one for
 * all transactions and groups. What is written to such a partition waits in the member's
 * queue, in order, until its leader is there again or the delivery has taken too long.
 *
 * Threads  As sim_impl.h says; the public functions take the mutex themselves.
 */
#include "sim_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

static bool broker_is_dead(const struct topo_sim *sim, int broker)
{
    return sim->dead_brokers >> broker & 1;
}

void sim_broker_lead(const struct topo_sim *sim, struct sim_topic *topic)
{
    for (int32_t p = 0; sim->brokers > 0 && p < topic->count; p++) {
        topic->partitions[p].broker = p % sim->brokers;
        topic->partitions[p].leaderless = broker_is_dead(sim, topic->partitions[p].broker);
    }
}

void topo_sim_set_brokers(struct topo_sim *sim, int count)
{
    assert(count > 0 && count <= SIM_BROKERS_MAX);
    pthread_mutex_lock(&sim->mutex);
    sim->brokers = count;
    for (size_t i = 0; i < sim->topics_count; i++)
        sim_broker_lead(sim, sim->topics[i]);
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_kill_broker(struct topo_sim *sim, int broker)
{
    pthread_mutex_lock(&sim->mutex);
    assert(broker >= 0 && broker < sim->brokers);
    sim->dead_brokers |= 1U << broker;
    for (size_t i = 0; i < sim->topics_count; i++)
        for (int32_t p = 0; p < sim->topics[i]->count; p++)
            if (sim->topics[i]->partitions[p].broker == broker)
                sim->topics[i]->partitions[p].leaderless = true;
    pthread_mutex_unlock(&sim->mutex);
}

static bool broker_move_leader(struct topo_sim *sim, struct sim_partition *log)
{
    for (int i = 1; log->leaderless && i < sim->brokers; i++) {
        int next = (log->broker + i) % sim->brokers;
        if (broker_is_dead(sim, next))
            continue;
        log->broker = next;
        log->leaderless = false;
        pthread_cond_broadcast(&sim->moved);
        return true;
    }
    return false;
}

static bool broker_move_coordinator(struct topo_sim *sim)
{
    bool dead = broker_is_dead(sim, sim->coordinator);
    for (int i = 1; broker_is_dead(sim, sim->coordinator) && i < sim->brokers; i++)
        sim->coordinator = (sim->coordinator + 1) % sim->brokers;
    return dead && !broker_is_dead(sim, sim->coordinator);
}

bool topo_sim_move_leader(struct topo_sim *sim)
{
    pthread_mutex_lock(&sim->mutex);
    bool moved = broker_move_coordinator(sim);
    for (size_t i = 0; i < sim->topics_count && !moved; i++)
        for (int32_t p = 0; p < sim->topics[i]->count && !moved; p++)
            moved = broker_move_leader(sim, &sim->topics[i]->partitions[p]);
    pthread_mutex_unlock(&sim->mutex);
    return moved;
}

int sim_broker_time_out(struct topo_sim *sim, int64_t ms, const char *topic, struct mr_error *error)
{
    if (sim->brokers > 0 && ms > 0)
        sim->now_ms += ms;
    return mr_fail(error, MR_TIMEOUT, "sim: %s has no leader", topic);
}

int sim_broker_coordinate(struct topo_sim *sim, struct mr_error *error)
{
    if (!broker_is_dead(sim, sim->coordinator))
        return 0;
    return sim_broker_time_out(sim, SIM_QUESTION_TIMEOUT_MS, "the coordinator's log", error);
}

/* -- what waits in the client -- */

static bool broker_has_queued(const struct sim_member *member, const struct sim_partition *log)
{
    for (size_t i = 0; i < member->queued_count; i++)
        if (member->queued[i].log == log)
            return true;
    return false;
}

bool sim_broker_queue(
    struct sim_member *member,
    struct sim_topic *topic,
    int32_t partition,
    const struct topo_record *record)
{
    struct sim_partition *log = &topic->partitions[partition];
    if (member->sim->brokers == 0 || (!log->leaderless && !broker_has_queued(member, log)))
        return false;
    if (member->queued_count == 0)
        member->queued_since_ms = member->sim->now_ms;
    member->queued =
        mr_realloc(member->queued, (member->queued_count + 1) * sizeof *member->queued);
    member->queued[member->queued_count++] =
        (struct sim_queued){topic, partition, log, sim_entry_new(record)};
    return true;
}

void sim_broker_forget_queue(struct sim_member *member)
{
    for (size_t i = 0; i < member->queued_count; i++)
        free(member->queued[i].entry);
    member->queued_count = 0;
}

int sim_broker_deliver(struct sim_member *member, struct mr_error *error)
{
    struct topo_sim *sim = member->sim;
    for (size_t i = 0; i < member->queued_count; i++) {
        const struct sim_queued *queued = &member->queued[i];
        if (!queued->log->leaderless)
            continue;
        int64_t waited_ms = sim->now_ms - member->queued_since_ms;
        (void)sim_broker_time_out(sim, SIM_DELIVERY_TIMEOUT_MS - waited_ms, "", NULL);
        member->must_abort = true;
        return mr_fail(
            error, MR_ABORTED, "sim: a record was not delivered to %s", queued->topic->name);
    }
    for (size_t i = 0; i < member->queued_count; i++) {
        const struct sim_queued *queued = &member->queued[i];
        int64_t offset = sim_append(
            sim, queued->topic, queued->partition, &queued->entry->record, member->producer->txn);
        sim_offset_put(&member->delivered, queued->topic, queued->partition, offset);
    }
    sim_broker_forget_queue(member);
    return 0;
}
