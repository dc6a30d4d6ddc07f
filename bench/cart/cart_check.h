/* cart_check.h - compares what a runtime wrote with the fold of cart_workload.h. */
#ifndef BENCH_CART_CHECK_H
#define BENCH_CART_CHECK_H

#include <topology/client.h>

/* Reads both topics as far as they are committed and prints one line of JSON. MR_CONFLICT when an
 * output is missing, twice, out of order or wrong, or when the last state of a cart is not its own:
 * the first `count` events are the input. */
int cart_check(
    const struct topo_kafka_options *options,
    uint64_t count,
    const char *totals,
    const char *changelog,
    struct mr_error *error);

#endif
