/*
 * context.c - one record on its way through the graph, and what a processor sees of the world.
 *
 * Calls aggregate.c, which calls back: decide forwards, and a forwarded event is folded at once.
 * That is the one circle of the engine, and it is what decide and evolve are.
 *
 * Invariants: nothing a record puts out leaves the context before the whole record has succeeded;
 * the first failure of any node fails the record, and nothing runs after it.
 */
#include "context.h"

#include "aggregate.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

enum context_phase context_enter(struct topo_context *context, enum context_phase phase)
{
    static const enum store_writer writers[] = {
        [CONTEXT_PROCESS] = STORE_BY_PROCESSORS,
        [CONTEXT_DECIDE] = STORE_BY_PROCESSORS,
        [CONTEXT_EVOLVE] = STORE_BY_EVOLVE,
        [CONTEXT_ANSWER] = STORE_BY_NOBODY,
        [CONTEXT_REMEMBER] = STORE_BY_OUTCOMES,
        [CONTEXT_RESTORE] = STORE_BY_EVOLVE,
    };
    enum context_phase before = context->phase;
    context->phase = phase;
    store_set_writer(context->task->set, writers[phase]);
    return before;
}

int context_fail(
    struct topo_context *context,
    const struct graph_node *node,
    int code,
    const struct mr_error *error)
{
    if (context->failed)
        return context->failure.code;
    context->failed = node;
    context->failure = *error;
    context->failure.code = code;
    if (error->text[0] == '\0')
        mr_fail(&context->failure, code, "%s: %s", node->name, mr_code_text(code));
    return code;
}

/* A sink's output is kept; any other node runs now, with the phase and stores that are its own. */
int context_node(
    struct topo_context *context, const struct graph_node *node, const struct topo_record *record)
{
    if (context->failed)
        return context->failure.code;
    if (node->kind == GRAPH_SINK) {
        const struct topo_output output = {
            .key = record->key,
            .value = record->value,
            .headers = record->headers,
            .headers_count = record->headers_count,
            .timestamp_ms = record->timestamp_ms,
            .partition = record->partition,
        };
        context_add_output(context, node, &output);
        return 0;
    }
    const struct graph_node *caller = context->node;
    struct mr_error error = {0};
    context->node = node;
    enum context_phase phase = context_enter(context, CONTEXT_PROCESS);
    int rc = node->kind == GRAPH_AGGREGATE ? aggregate_run(context, node, record, &error)
                                           : node->process(context, node->user, record, &error);
    context->node = caller;
    context_enter(context, phase);
    if (rc)
        context_fail(context, node, rc, &error);
    return context->failed ? context->failure.code : 0;
}

static void context_begin(
    struct topo_context *context,
    const struct graph_node *source,
    const struct topo_record *record,
    int64_t now_ms)
{
    mr_arena_reset(&context->arena);
    context_forget(context);
    context->failed = NULL;
    context->commit_requested = false;
    context->source = source;
    context->record = record;
    context->now_ms = now_ms;
    context->timestamp_ms = record ? record->timestamp_ms : now_ms;
}

static int context_end(struct topo_context *context, struct mr_error *error)
{
    context->node = context->source = NULL;
    context->record = NULL;
    if (!context->failed)
        return 0;
    context_forget(context);
    return mr_fail(error, context->failure.code, "%s", context->failure.text);
}

int context_run(
    struct topo_context *context,
    const struct graph_node *source,
    const struct topo_record *record,
    int64_t now_ms,
    struct mr_error *error)
{
    assert(source && record && !context->node);
    struct task *task = context->task;
    context_begin(context, source, record, now_ms);
    if (record->timestamp_ms > task->stream_time_ms)
        task->stream_time_ms = record->timestamp_ms;
    for (size_t i = 0; i < source->children_count && !context->failed; i++)
        context_node(context, source->children[i], record);
    return context_end(context, error);
}

int context_punctuate(
    struct topo_context *context,
    const struct graph_node *node,
    int64_t now_ms,
    int64_t time_ms,
    struct mr_error *error)
{
    assert(node->punctuate && !context->node);
    struct mr_error why = {0};
    context_begin(context, NULL, NULL, now_ms);
    context->node = node;
    context_enter(context, node->kind == GRAPH_AGGREGATE ? CONTEXT_DECIDE : CONTEXT_PROCESS);
    int rc = node->punctuate(context, node->user, time_ms, &why);
    if (rc)
        context_fail(context, node, rc, &why);
    return context_end(context, error);
}

void context_forget(struct topo_context *context)
{
    context->outputs_count = 0;
    for (size_t i = 0; i < context->task->sub->logs_count; i++)
        context->task->logs[i].pending = 0;
}

/* -- what a processor calls -- */

struct mr_arena *topo_context_arena(struct topo_context *context)
{
    return &context->arena;
}

/* A fold that asks for anything but its events is another one when it is done again. */
static bool context_is_folding(const struct topo_context *context)
{
    return context->phase == CONTEXT_EVOLVE || context->phase == CONTEXT_RESTORE;
}

int64_t topo_context_now_ms(const struct topo_context *context)
{
    assert(!context_is_folding(context));
    return context->now_ms;
}

int64_t topo_context_stream_time_ms(const struct topo_context *context)
{
    assert(!context_is_folding(context));
    return context->task->stream_time_ms;
}

int32_t topo_context_partition(const struct topo_context *context)
{
    return context->task->partition;
}

struct topo_store *topo_context_store(struct topo_context *context, const char *name)
{
    const struct graph_node *node = context->node;
    for (size_t i = 0; i < node->stores_count; i++)
        if (node->stores[i]->name == name || strcmp(node->stores[i]->name, name) == 0)
            return context->task->stores[node->stores[i]->index];
    assert(!"the node names the store it asks for");
    return NULL;
}

struct topo_store *
topo_context_store_of(struct topo_context *context, const struct topo_store_ref *store)
{
    const struct graph_store *own = (const struct graph_store *)store;
    assert(own && own->sub == context->node->sub); /* Setup of this node looked it up. */
    return context->task->stores[own->index];
}

struct topo_reader *topo_context_global(struct topo_context *context, const char *name)
{
    assert(!context_is_folding(context));
    struct topo_store *store = host_global_store(context->task->engine, name);
    assert(store);
    return topo_store_reader(store);
}

void topo_request_commit(struct topo_context *context)
{
    context->commit_requested = true;
}

static const struct graph_node *context_child_of(const struct graph_node *node, const char *name)
{
    for (size_t i = 0; i < node->children_count; i++)
        if (node->children[i]->name == name || strcmp(node->children[i]->name, name) == 0)
            return node->children[i];
    return NULL;
}

static struct topo_record
context_record_of(const struct topo_context *context, const struct topo_output *output)
{
    const struct topo_record *input = context->record;
    return (struct topo_record){
        .topic = input ? input->topic : "",
        .partition = context->task->partition,
        .offset = input ? input->offset : -1,
        .timestamp_ms = output->timestamp_ms ? output->timestamp_ms : context->timestamp_ms,
        .key = output->key,
        .value = output->value,
        .headers = output->headers,
        .headers_count = output->headers_count,
    };
}

static bool context_output_has_header(const struct topo_output *output, const char *name)
{
    for (size_t i = 0; i < output->headers_count; i++)
        if (mr_bytes_equal(output->headers[i].name, mr_cstr(name)))
            return true;
    return false;
}

/* Step 5 of an event's path: it is folded the moment it is decided, byte for byte as it will be. */
static void context_fold_event(
    struct topo_context *context, const struct graph_node *sink, const struct topo_output *output)
{
    const char *header = context->node->aggregate.event_header;
    assert(
        !header ||
        context_output_has_header(output, header)); /* Or a restore would lay it aside. */
    assert(context->phase == CONTEXT_DECIDE); /* Events are decided, not answered or folded. */
    struct task_log *log = &context->task->logs[sink->log];
    struct topo_record event = context_record_of(context, output);
    struct mr_error error = {0};
    event.topic = sink->topic;
    event.offset = -1;
    log->pending++;
    int rc = aggregate_evolve(context, context->node, &event, &error);
    if (rc)
        context_fail(context, context->node, rc, &error);
}

void context_add_output(
    struct topo_context *context, const struct graph_node *sink, const struct topo_output *output)
{
    context->outputs = mr_grow(
        context->outputs,
        context->outputs_count,
        &context->outputs_capacity,
        sizeof *context->outputs);
    context->outputs[context->outputs_count++] = (struct context_output){sink, *output};
    if (sink->role == GRAPH_EVENTS)
        context_fold_event(context, sink, output);
    else if (sink->role == GRAPH_OUTCOMES)
        context->task->logs[sink->log].pending++;
}

void topo_forward(struct topo_context *context, const char *child, const struct topo_output *output)
{
    const struct graph_node *node = context_child_of(context->node, child);
    struct mr_error error = {0};
    if (node) {
        topo_forward_to(context, (const struct topo_child_ref *)node, output);
        return;
    }
    const char *name = context->node->name;
    mr_fail(&error, MR_CONFIG, "node \"%s\" forwards to \"%s\", not a child of it", name, child);
    context_fail(context, context->node, MR_CONFIG, &error);
}

void topo_forward_to(
    struct topo_context *context,
    const struct topo_child_ref *child,
    const struct topo_output *output)
{
    const struct graph_node *node = (const struct graph_node *)child;
    assert(!context_is_folding(context));
    assert(node && node->sub == context->node->sub); /* Setup of this node looked it up. */
    if (context->failed)
        return;
    if (node->kind == GRAPH_SINK) {
        assert(node->role != GRAPH_OUTCOMES); /* The engine writes outcomes. */
        context_add_output(context, node, output);
        return;
    }
    struct topo_record record = context_record_of(context, output);
    context_node(context, node, &record);
}
