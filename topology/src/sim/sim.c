/*
 * sim.c - the simulated cluster as a test sees it: making it, feeding it, reading it, breaking it.
 */
#include "sim_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

static const int64_t start_ms = 1700000000000;

struct topo_sim *topo_sim_new(uint64_t seed)
{
    struct topo_sim *sim = mr_calloc(1, sizeof *sim);
    pthread_mutex_init(&sim->mutex, NULL);
    pthread_cond_init(&sim->moved, NULL);
    sim->random = seed;
    sim->now_ms = start_ms;
    sim->record_bytes_max = SIZE_MAX;
    return sim;
}

void topo_sim_free(struct topo_sim *sim)
{
    if (!sim)
        return;
    assert(!sim->members); /* Engines are freed before their cluster. */
    sim_groups_free(sim);
    sim_log_free(sim);
    free(sim->then);
    pthread_cond_destroy(&sim->moved);
    pthread_mutex_destroy(&sim->mutex);
    free(sim);
}

void topo_sim_late_markers(struct topo_sim *sim, int calls)
{
    pthread_mutex_lock(&sim->mutex);
    sim->late_markers = calls;
    pthread_mutex_unlock(&sim->mutex);
}

int64_t topo_sim_append(
    struct topo_sim *sim, const char *topic, int32_t partition, const struct topo_output *output)
{
    struct topo_record record = {
        .timestamp_ms = output->timestamp_ms,
        .key = output->key,
        .value = output->value,
        .headers = output->headers,
        .headers_count = output->headers_count,
    };
    pthread_mutex_lock(&sim->mutex);
    struct sim_topic *found = sim_topic_of(sim, topic);
    assert(found);
    int64_t offset = sim_append(sim, found, partition, &record, NULL);
    pthread_mutex_unlock(&sim->mutex);
    return offset;
}

bool topo_sim_read(
    struct topo_sim *sim,
    const char *topic,
    int32_t partition,
    int64_t *offset,
    struct topo_record *ret_record)
{
    pthread_mutex_lock(&sim->mutex);
    struct sim_partition *log = sim_partition_of(sim, topic, partition);
    const struct topo_record *record = log ? sim_read(log, offset) : NULL;
    if (record)
        *ret_record = *record;
    pthread_mutex_unlock(&sim->mutex);
    return record != NULL;
}

int32_t topo_sim_partitions(struct topo_sim *sim, const char *topic)
{
    pthread_mutex_lock(&sim->mutex);
    const struct sim_topic *found = sim_topic_of(sim, topic);
    int32_t count = found ? found->count : 0;
    pthread_mutex_unlock(&sim->mutex);
    return count;
}

int64_t topo_sim_end(struct topo_sim *sim, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&sim->mutex);
    const struct sim_partition *log = sim_partition_of(sim, topic, partition);
    int64_t end = log ? (int64_t)log->count : 0;
    pthread_mutex_unlock(&sim->mutex);
    return end;
}

void topo_sim_truncate(struct topo_sim *sim, const char *topic, int32_t partition, int64_t low)
{
    pthread_mutex_lock(&sim->mutex);
    struct sim_partition *log = sim_partition_of(sim, topic, partition);
    assert(log && low <= (int64_t)log->count);
    log->low = low;
    pthread_mutex_unlock(&sim->mutex);
}

int64_t topo_sim_committed(
    struct topo_sim *sim, const char *application_id, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&sim->mutex);
    int64_t next = sim_offset_get(
        &sim_group_of(sim, application_id)->offsets, sim_topic_of(sim, topic), partition);
    pthread_mutex_unlock(&sim->mutex);
    return next;
}

void topo_sim_expire_offsets(struct topo_sim *sim, const char *application_id)
{
    pthread_mutex_lock(&sim->mutex);
    sim_group_of(sim, application_id)->offsets.count = 0;
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_compact(struct topo_sim *sim, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&sim->mutex);
    struct sim_partition *log = sim_partition_of(sim, topic, partition);
    assert(log);
    sim_compact(log);
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_expel(struct topo_sim *sim, const char *instance_id)
{
    pthread_mutex_lock(&sim->mutex);
    for (struct sim_member *member = sim->members; member; member = member->next)
        if (strcmp(member->instance_id, instance_id) == 0)
            sim_group_expel(sim, member);
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_kill(struct topo_sim *sim, const char *instance_id)
{
    pthread_mutex_lock(&sim->mutex);
    for (struct sim_member *member = sim->members; member; member = member->next) {
        if (member->dead || strcmp(member->instance_id, instance_id) != 0)
            continue;
        member->dead = true;
        if (!member->fenced)
            sim_group_gone(member);
    }
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_hide_ends(struct topo_sim *sim, bool hidden)
{
    pthread_mutex_lock(&sim->mutex);
    sim->ends_hidden = hidden;
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_set_led(struct topo_sim *sim, const char *topic, int32_t partition, bool led)
{
    pthread_mutex_lock(&sim->mutex);
    struct sim_partition *log = sim_partition_of(sim, topic, partition);
    assert(log);
    log->leaderless = !led;
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_set_session_ms(struct topo_sim *sim, int64_t ms)
{
    pthread_mutex_lock(&sim->mutex);
    sim->session_ms = ms;
    for (struct sim_member *member = sim->members; member; member = member->next)
        member->called_ms = sim->now_ms;
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_recreate_topic(struct topo_sim *sim, const char *name)
{
    pthread_mutex_lock(&sim->mutex);
    struct sim_topic *topic = sim_topic_of(sim, name);
    assert(topic);
    sim_topic_empty(sim, topic);
    for (struct sim_group *group = sim->groups; group; group = group->next)
        sim_offset_forget(&group->offsets, topic);
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_limit_records(struct topo_sim *sim, size_t bytes_max)
{
    pthread_mutex_lock(&sim->mutex);
    sim->record_bytes_max = bytes_max;
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_set_ms(struct topo_sim *sim, int64_t ms)
{
    pthread_mutex_lock(&sim->mutex);
    sim->now_ms = ms;
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_advance_ms(struct topo_sim *sim, int64_t ms)
{
    assert(ms >= 0);
    pthread_mutex_lock(&sim->mutex);
    sim->now_ms += ms;
    pthread_cond_broadcast(&sim->moved);
    pthread_mutex_unlock(&sim->mutex);
}

int64_t topo_sim_now_ms(const struct topo_sim *sim)
{
    struct topo_sim *mine =
        (struct topo_sim *)(uintptr_t)sim; /* The mutex is not part of its value. */
    pthread_mutex_lock(&mine->mutex);
    int64_t now = sim->now_ms;
    pthread_mutex_unlock(&mine->mutex);
    return now;
}

void topo_sim_fail_at(struct topo_sim *sim, int64_t call, enum topo_sim_failure failure)
{
    assert(call > 0);
    pthread_mutex_lock(&sim->mutex);
    sim->fail_at = sim->calls + call;
    sim->failure = failure;
    pthread_mutex_unlock(&sim->mutex);
}

void topo_sim_fail_then(struct topo_sim *sim, int64_t call, enum topo_sim_failure failure)
{
    assert(call > 0);
    pthread_mutex_lock(&sim->mutex);
    assert(sim->fail_at > 0);
    sim->then = mr_realloc(sim->then, (sim->then_count + 1) * sizeof *sim->then);
    sim->then[sim->then_count++] = (struct sim_fault){call, failure};
    pthread_mutex_unlock(&sim->mutex);
}

bool topo_sim_pending(const struct topo_sim *sim)
{
    return sim->fail_at > 0;
}

bool topo_sim_crashed(const struct topo_sim *sim)
{
    return sim->crashed;
}
