/* engine_impl.h - the engine as the driver makes it: without threads, step by step. */
#ifndef TOPOLOGY_ENGINE_IMPL_H
#define TOPOLOGY_ENGINE_IMPL_H

#include "host.h"

#include <base/api_begin.h>

/* Everything but the threads: opens the stores and ios of the globals, checks the topics. */
int topo_engine_new(
    const struct topo_topology *topology,
    const struct topo_engine_options *options,
    struct topo_engine **ret_engine,
    struct mr_error *error);
int topo_engine_check(struct topo_engine *engine, struct mr_error *error);

/* Without threads: each worker makes one step. 1: something happened; 0: nothing to do; negative:
 * the engine has failed. */
int topo_engine_step(struct topo_engine *engine, struct mr_error *error);

/* As a process that dies: no commit, no flush. */
void topo_engine_kill(struct topo_engine *engine);

/* The worst consecutive aborts of any worker: the driver's guard against an endless loop. */
int topo_engine_aborts_in_a_row(const struct topo_engine *engine);

#include <base/api_end.h>

#endif
