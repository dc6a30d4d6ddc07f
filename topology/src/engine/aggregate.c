/*
 * aggregate.c - decode, replay, decide, outcome, reply: the numbered steps of aggregate.h.
 *
 * Calls context.c, which calls back: decide forwards, and a forwarded event is folded at once.
 * That is the one circle of the engine, and it is what decide and evolve are.
 *
 * Invariants: an id gets one outcome, in the transaction of its effects; what was answered once is
 * answered again from the remembered bytes.
 */
#include "aggregate.h"

#include "context.h"

#include <assert.h>

static const char command_id_header[] = "command-id";

static struct topo_store *
aggregate_outcome_store(struct topo_context *context, const struct graph_node *node)
{
    assert(node->outcome_store);
    return context->task->stores[node->outcome_store->index];
}

/* The positions this command's events will have: foreseen, and checked before the commit. */
static const struct topo_position *
aggregate_foresee_positions(struct topo_context *context, size_t *ret_count)
{
    const struct task *task = context->task;
    struct topo_position *positions =
        mr_arena_alloc(&context->arena, (task->sub->logs_count + 1) * sizeof *positions);
    size_t count = 0;
    for (size_t i = 0; i < task->sub->logs_count; i++) {
        const struct task_log *log = &task->logs[i];
        if (log->log->kind == GRAPH_LOG_EVENTS && log->log->aggregate == context->node &&
            log->pending)
            positions[count++] = (struct topo_position){
                log->partition.topic,
                log->partition.partition,
                log->next + log->pending,
            };
    }
    *ret_count = count;
    return positions;
}

/* Every command topic has its outcome topic. */
static const struct graph_node *
aggregate_outcome_sink(const struct graph_node *node, const struct graph_node *source)
{
    size_t i = 0;
    while (node->parent_names.items[i] != source->name)
        i++;
    assert(i < node->parent_names.count);
    return node->outcome_sinks[i];
}

/* 4. To the outcome topic, and into the store that answers the next one with the same id. */
static void aggregate_remember_outcome(
    struct topo_context *context,
    const struct graph_node *node,
    const struct topo_command *command,
    struct mr_bytes outcome)
{
    struct topo_header *header = mr_arena_alloc(&context->arena, sizeof *header);
    *header = (struct topo_header){mr_cstr(command_id_header), command->id};
    const struct topo_output output = {
        .key = context->record->key,
        .value = outcome,
        .headers = header,
        .headers_count = 1,
        .timestamp_ms = context->now_ms,
    };
    context_add_output(context, aggregate_outcome_sink(node, context->source), &output);
    enum context_phase phase = context_enter(context, CONTEXT_REMEMBER);
    topo_store_put(aggregate_outcome_store(context, node), command->id, outcome);
    context_enter(context, phase);
}

static int aggregate_decide(
    struct topo_context *context,
    const struct graph_node *node,
    const struct topo_record *record,
    const struct topo_command *command,
    struct mr_error *error)
{
    const struct topo_aggregate *aggregate = &node->aggregate;
    void *decision = NULL;
    context_enter(context, CONTEXT_DECIDE);
    int rc = aggregate->decide(context, node->user, record, command, &decision, error);
    context_enter(context, CONTEXT_ANSWER);
    if (rc || context->failed || !command->id.ptr || !node->outcome_sinks)
        return rc;
    size_t count = 0;
    const struct topo_position *positions = aggregate_foresee_positions(context, &count);
    struct mr_bytes outcome = {0};
    rc = aggregate->outcome(
        context, node->user, command, decision, positions, count, &outcome, error);
    if (rc)
        return rc;
    assert(outcome.ptr);
    aggregate_remember_outcome(context, node, command, outcome);
    return aggregate->reply(context, node->user, command, outcome, false, error);
}

/* Step 4 of an event's path: a decision, or the outcome of the one there was. */
int aggregate_run(
    struct topo_context *context,
    const struct graph_node *node,
    const struct topo_record *record,
    struct mr_error *error)
{
    assert(node->kind == GRAPH_AGGREGATE);
    const struct topo_aggregate *aggregate = &node->aggregate;
    struct topo_command command = {0};
    int rc = aggregate->decode(node->user, record, &context->arena, &command, error);
    if (rc)
        return rc;
    struct mr_bytes known = {0};
    if (command.id.ptr && node->outcome_store)
        known = topo_store_get(aggregate_outcome_store(context, node), command.id);
    if (known.ptr) {
        known = mr_arena_copy(&context->arena, known);
        context_enter(context, CONTEXT_ANSWER);
        rc = aggregate->reply(context, node->user, &command, known, true, error);
    } else {
        rc = aggregate_decide(context, node, record, &command, error);
    }
    return rc;
}

int aggregate_evolve(
    struct topo_context *context,
    const struct graph_node *node,
    const struct topo_record *event,
    struct mr_error *error)
{
    assert(node->kind == GRAPH_AGGREGATE);
    bool restore = context->phase == CONTEXT_RESTORE;
    const struct graph_node *caller = context->node;
    enum context_phase phase = context_enter(context, restore ? CONTEXT_RESTORE : CONTEXT_EVOLVE);
    context->node = node;
    int rc = node->aggregate.evolve(context, node->user, event, error);
    context_enter(context, phase);
    context->node = caller;
    return rc;
}

bool aggregate_is_outcome(const struct topo_record *record)
{
    return topo_record_header(record, command_id_header).ptr != NULL;
}

int aggregate_restore_outcome(
    struct task *task,
    const struct graph_log *log,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct mr_bytes id = topo_record_header(record, command_id_header);
    assert(id.ptr);
    if (!record->value.ptr)
        return mr_fail(error, MR_CORRUPT, "an outcome without a value");
    topo_store_put(task->stores[log->store->index], id, record->value);
    return 0;
}
