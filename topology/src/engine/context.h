/*
 * context.h - one record, or one punctuation, on its way through the graph of its task.
 *
 * Threads  The task's.
 */
#ifndef TOPOLOGY_CONTEXT_H
#define TOPOLOGY_CONTEXT_H

#include "task.h"

/* Runs the record through the children of `source`. Their outputs are kept in the context. */
int context_run(
    struct topo_context *context,
    const struct graph_node *source,
    const struct topo_record *record,
    int64_t now_ms,
    struct mr_error *error);
int context_punctuate(
    struct topo_context *context,
    const struct graph_node *node,
    int64_t now_ms,
    int64_t time_ms,
    struct mr_error *error);
/* Drops the outputs that are kept. */
void context_forget(struct topo_context *context);
/* Hands an output to a sink; an event goes through evolve at once. */
void context_add_output(
    struct topo_context *context, const struct graph_node *sink, const struct topo_output *output);
/* Says what runs from now on, and so which stores may be written. Returns what ran until now. */
enum context_phase context_enter(struct topo_context *context, enum context_phase phase);
/* Runs one node; failures are kept in the context. */
int context_node(
    struct topo_context *context, const struct graph_node *node, const struct topo_record *record);
int context_fail(
    struct topo_context *context,
    const struct graph_node *node,
    int rc,
    const struct mr_error *error);

#endif
