/*
 * shop_cluster.h - the whole write side on one simulated log: all topics of topics.json, the four
 * services in two instances each, and the payment provider's simulator, played by the test.
 *
 * Each of the eight engines is a process of its own. They make their steps in this thread, in an
 * order that the seed decides; one that died is buried, and comes back with shop_cluster_round or
 * shop_cluster_settle.
 *
 *     shop_cluster_open     a log with the topics; no engine runs yet
 *     shop_cluster_round    every engine makes a step; the provider reads and answers
 *     shop_cluster_settle   rounds until nothing is left to do, over the timeouts of the dead
 *     shop_cluster_finish   settles, and lets time pass until each order has its end
 *     shop_cluster_check    every invariant, and every state against a fold from the log alone
 */
#ifndef TESTS_SHOP_CLUSTER_H
#define TESTS_SHOP_CLUSTER_H

#include "shop_crowd.h"

enum { SHOP_INSTANCES = 2, SHOP_ENGINES = SHOP_SERVICES * SHOP_INSTANCES };

struct shop_cluster {
    struct topo_sim *sim;
    struct shop *shop;
    struct shop_crowd crowd;
    struct psp_simulator *simulator;
    struct psp psp;
    struct topo_engine *engines[SHOP_ENGINES]; /* NULL: its process does not run. */
    char *dir;                                 /* Keeps the stores; NULL: in memory. */
    uint64_t order;                            /* The seed of who steps next. */
    bool leave_dead; /* The dead stay dead until the others are idle, and have their tasks. */
    int deaths;
    int64_t read_offsets[SHOP_PARTITIONS]; /* The provider's, of payments.events. */
    const char *when;                      /* The head of a failure's text. */
};

/* The shop is shop_new's, and serves one cluster after the other. */
void shop_cluster_open(
    struct shop_cluster *cluster, struct shop *shop, uint64_t seed, bool on_disk, const char *when);
void shop_cluster_close(struct shop_cluster *cluster);

const char *shop_cluster_instance(size_t engine);
void shop_cluster_start(struct shop_cluster *cluster, size_t engine);
/* kill: as a process that dies; else a clean stop. Nothing when it does not run. */
void shop_cluster_end(struct shop_cluster *cluster, size_t engine, bool kill);

/* True: something happened. */
bool shop_cluster_round(struct shop_cluster *cluster);
void shop_cluster_settle(struct shop_cluster *cluster);
void shop_cluster_finish(struct shop_cluster *cluster);
void shop_cluster_check(struct shop_cluster *cluster);

#endif
