/*
 * sim_group.c - consumer groups of the simulated cluster: static members, eager range assignment.
 *
 *     a member joins, or one is gone for the session timeout --> preparing
 *     preparing: each holder polls and gets REVOKED, polls again and has joined
 *     all have joined --> next generation, each gets ASSIGNED
 *
 * A member that comes back under its id within the session timeout, and reads the same topics, gets
 * what it had; whoever used that id before is fenced.
 */
#include "sim_impl.h"

#include <base/alloc.h>
#include <base/buffer.h>

#include <assert.h>
#include <stdlib.h>

struct sim_group *sim_group_of(struct topo_sim *sim, const char *id)
{
    for (struct sim_group *group = sim->groups; group; group = group->next)
        if (strcmp(group->id, id) == 0)
            return group;
    struct sim_group *group = mr_calloc(1, sizeof *group);
    group->id = mr_strdup(id);
    group->next = sim->groups;
    sim->groups = group;
    return group;
}

static struct sim_slot *group_slot_of(const struct sim_group *group, const char *id)
{
    for (size_t i = 0; i < group->slots_count; i++)
        if (strcmp(group->slots[i]->id, id) == 0)
            return group->slots[i];
    return NULL;
}

static void group_prepare(struct sim_group *group)
{
    group->preparing = true;
    for (size_t i = 0; i < group->slots_count; i++) {
        group->slots[i]->joined = false;
        group->slots[i]->deliver = false;
    }
}

static struct sim_slot *group_add_slot(struct sim_group *group, const char *id)
{
    struct sim_slot *slot = mr_calloc(1, sizeof *slot);
    slot->id = mr_strdup(id);
    group->slots = mr_realloc(group->slots, (group->slots_count + 1) * sizeof(struct sim_slot *));
    size_t at = group->slots_count++;
    for (; at > 0 && strcmp(group->slots[at - 1]->id, id) > 0; at--)
        group->slots[at] = group->slots[at - 1];
    group->slots[at] = slot;
    return slot;
}

static void group_free_slot(struct sim_slot *slot)
{
    free(slot->assignment);
    free(slot->subscription);
    free(slot->id);
    free(slot);
}

static void group_remove_slot(struct sim_group *group, struct sim_slot *slot)
{
    size_t at = 0;
    while (group->slots[at] != slot)
        at++;
    for (; at + 1 < group->slots_count; at++)
        group->slots[at] = group->slots[at + 1];
    group->slots_count--;
    group_free_slot(slot);
    group_prepare(group);
}

/* As one text, to compare: it outlives the member, as the broker's memory of it does. */
static char *group_list_topics(const struct sim_member *member)
{
    struct mr_buffer buffer;
    mr_buffer_init(&buffer);
    for (size_t i = 0; i < member->topics_count; i++)
        mr_buffer_printf(&buffer, "%s ", member->topics[i]);
    mr_buffer_add_byte(&buffer, '\0');
    return buffer.ptr;
}

void sim_group_join(struct sim_member *member)
{
    struct sim_group *group = member->group;
    struct sim_slot *slot = group_slot_of(group, member->id);
    char *subscription = group_list_topics(member);
    bool stays = slot && slot->assignment && !group->preparing &&
                 strcmp(slot->subscription, subscription) == 0;
    if (!slot)
        slot = group_add_slot(group, member->id);
    if (slot->member && slot->member != member)
        slot->member->fenced = true;
    slot->member = member;
    free(slot->subscription);
    slot->subscription = subscription;
    slot->topics = member->topics;
    slot->topics_count = member->topics_count;
    slot->holding = false;
    slot->joined = false;
    slot->deliver = stays;
    member->expelled = false;
    if (!stays)
        group_prepare(group);
}

/* -- range: topic by topic, consecutive partitions to members in the order of their ids -- */

static void group_give_topic(struct sim_slot *slot, const char *topic, int32_t partition)
{
    slot->assignment =
        mr_realloc(slot->assignment, (slot->assignment_count + 1) * sizeof *slot->assignment);
    slot->assignment[slot->assignment_count++] = (struct topo_partition){topic, partition};
}

static bool group_wants(const struct sim_slot *slot, const char *topic)
{
    for (size_t i = 0; i < slot->topics_count; i++)
        if (strcmp(slot->topics[i], topic) == 0)
            return true;
    return false;
}

/* Among the members that subscribe to it. */
static void group_assign_topic(struct topo_sim *sim, struct sim_group *group, const char *name)
{
    const struct sim_topic *topic = sim_topic_of(sim, name);
    int32_t members = 0;
    if (!topic)
        return;
    for (size_t i = 0; i < group->slots_count; i++)
        members += group_wants(group->slots[i], name);
    int32_t each = topic->count / members;
    int32_t extra = topic->count % members;
    int32_t next = 0;
    for (size_t i = 0; i < group->slots_count; i++) {
        if (!group_wants(group->slots[i], name))
            continue;
        for (int32_t n = each + (extra > 0); n > 0; n--)
            group_give_topic(group->slots[i], topic->name, next++);
        extra -= extra > 0;
    }
}

/* Each topic once, at the first member that subscribes to it. */
static void group_assign_topics(struct topo_sim *sim, struct sim_group *group, size_t member)
{
    const struct sim_slot *slot = group->slots[member];
    for (size_t i = 0; i < slot->topics_count; i++) {
        bool given = false;
        for (size_t k = 0; k < member; k++)
            given = given || group_wants(group->slots[k], slot->topics[i]);
        if (!given)
            group_assign_topic(sim, group, slot->topics[i]);
    }
}

static void group_assign(struct topo_sim *sim, struct sim_group *group)
{
    group->generation++;
    group->preparing = false;
    for (size_t i = 0; i < group->slots_count; i++) {
        struct sim_slot *slot = group->slots[i];
        free(slot->assignment);
        slot->assignment = mr_calloc(1, sizeof *slot->assignment);
        slot->assignment_count = 0;
        slot->deliver = true;
    }
    for (size_t i = 0; i < group->slots_count; i++)
        group_assign_topics(sim, group, i);
    pthread_cond_broadcast(&sim->moved);
}

static void group_try_assign(struct topo_sim *sim, struct sim_group *group)
{
    for (size_t i = 0; i < group->slots_count; i++)
        if (!group->slots[i]->joined)
            return;
    if (group->preparing && group->slots_count > 0)
        group_assign(sim, group);
}

enum topo_io_event sim_group_event(struct sim_member *member)
{
    struct sim_group *group = member->group;
    if (member->topics_count == 0)
        return TOPO_IO_NOTHING;
    if (member->expelled) {
        sim_group_join(member);
        return TOPO_IO_LOST;
    }
    struct sim_slot *slot = group_slot_of(group, member->id);
    assert(slot && slot->member == member);
    if (group->preparing && slot->holding) {
        slot->holding = false;
        return TOPO_IO_REVOKED;
    }
    if (group->preparing)
        slot->joined = true;
    group_try_assign(member->sim, group);
    if (!slot->deliver)
        return TOPO_IO_NOTHING;
    slot->deliver = false;
    slot->holding = true;
    member->generation = group->generation;
    return TOPO_IO_ASSIGNED;
}

bool sim_group_current(const struct sim_member *member)
{
    const struct sim_slot *slot = group_slot_of(member->group, member->id);
    return slot && slot->member == member && !member->expelled &&
           member->generation == member->group->generation;
}

void sim_group_gone(struct sim_member *member)
{
    struct sim_slot *slot = group_slot_of(member->group, member->id);
    if (!slot || slot->member != member)
        return;
    slot->member = NULL;
    slot->topics = NULL;
    slot->topics_count = 0;
    slot->joined = false; /* A group that is preparing waits for it, or for its session to end. */
    slot->gone_ms = member->sim->now_ms;
}

void sim_group_expel(struct topo_sim *sim, struct sim_member *member)
{
    struct sim_slot *slot = group_slot_of(member->group, member->id);
    if (!slot || slot->member != member)
        return;
    member->expelled = true;
    group_remove_slot(member->group, slot);
    pthread_cond_broadcast(&sim->moved);
}

/* Members that made no call for as long as a session lasts. */
static void group_expel_silent(struct topo_sim *sim)
{
    for (struct sim_member *member = sim->members; member; member = member->next)
        if (!member->dead && !member->fenced && member->topics_count > 0 &&
            sim->now_ms - member->called_ms > sim->session_ms)
            sim_group_expel(sim, member);
}

void sim_groups_expire(struct topo_sim *sim)
{
    if (sim->session_ms > 0)
        group_expel_silent(sim);
    for (struct sim_group *group = sim->groups; group; group = group->next) {
        size_t i = 0;
        while (i < group->slots_count) {
            struct sim_slot *slot = group->slots[i];
            if (!slot->member && sim->now_ms - slot->gone_ms > SIM_SESSION_TIMEOUT_MS)
                group_remove_slot(group, slot);
            else
                i++;
        }
    }
}

void sim_groups_free(struct topo_sim *sim)
{
    while (sim->groups) {
        struct sim_group *group = sim->groups;
        sim->groups = group->next;
        for (size_t i = 0; i < group->slots_count; i++)
            group_free_slot(group->slots[i]);
        free(group->slots);
        free(group->offsets.items);
        free(group->id);
        free(group);
    }
}
