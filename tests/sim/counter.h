/*
 * counter.h - a small aggregate that has one of everything, and the model its tests hold it to.
 *
 * A command "ID DELTA" for an account adds to its total, unless that would make it negative; then
 * it is rejected. "?" does not decode. Totals are the fold of counter.events; `seen` counts the
 * decided commands of an account, rejected ones too, and has a changelog.
 */
#ifndef TESTS_SIM_COUNTER_H
#define TESTS_SIM_COUNTER_H

#include <topology/driver.h>
#include <topology/topology.h>

enum { COUNTER_ACCOUNTS = 5 };

#define COUNTER_EVENT_HEADER "counted"

/* All topics of it; the last one is NULL. */
extern const char *const counter_topics[];

struct topo_topology *counter_topology(const char *application_id);

/* So many times the fold of an event says that it cannot go on yet. */
extern int counter_later;

/* Appends a seeded mix of `count` commands: additions, withdrawals, repeated ids, bad ones. */
void counter_feed(struct topo_sim *sim, uint64_t *seed, int count);
uint64_t counter_random(uint64_t *seed);

/* "" when outputs, outcomes, positions, dead letters, offsets and changelog are exactly what the
 * input demands; else what is wrong. The text lives until the next call. */
const char *counter_check_log(struct topo_sim *sim, const char *application_id);

/* The same of the stores of the tasks. `store_of` finds a store by name and partition. */
typedef struct topo_store *counter_store_fn(void *user, const char *store, int32_t partition);
const char *counter_check_stores(struct topo_sim *sim, counter_store_fn *store_of, void *user);

#endif
