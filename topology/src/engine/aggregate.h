/*
 * aggregate.h - a command's way through an aggregate: decode, replay, decide, outcome, reply.
 *
 * Threads  The task's.
 */
#ifndef TOPOLOGY_AGGREGATE_RUN_H
#define TOPOLOGY_AGGREGATE_RUN_H

#include "task.h"

int aggregate_run(
    struct topo_context *context,
    const struct graph_node *node,
    const struct topo_record *record,
    struct mr_error *error);
int aggregate_evolve(
    struct topo_context *context,
    const struct graph_node *node,
    const struct topo_record *event,
    struct mr_error *error);
/* Whether the engine wrote this record of an outcome topic. */
bool aggregate_is_outcome(const struct topo_record *record);
/* Remembers the outcome of a command that the outcome topic names. */
int aggregate_restore_outcome(
    struct task *task,
    const struct graph_log *log,
    const struct topo_record *record,
    struct mr_error *error);

#endif
