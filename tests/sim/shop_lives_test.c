/*
 * shop_lives_test.c - seeded lives of the whole shop in two instances: random people while engines
 * die, stop, are expelled and come back, markers are late, time jumps, and calls fail, a second and
 * a third one while the first is mended. In each third life brokers die and leaders move one by
 * one, in each fifth one sessions end by themselves. Then everything comes to its end, and every
 * invariant is checked by name.
 *
 * A life that goes wrong prints its seed: MILLRACE_SEED=n repeats it (MILLRACE_LOG=1 with what the
 * engines log). MILLRACE_SEEDS=n lives so many.
 */
#include "shop_cluster.h"
#include "shop_invariants.h"

#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    LIVES = 1000,
    DEEDS = 120,
    BROKERS = 3,
    SESSION_MS = 10000,
    MINUTE_MS = 60 * 1000,
    ON_DISK_EVERY = 97,
    VIEWS_EVERY = 16,
};

static struct shop *shops[2]; /* Holds that outlive the deadline, or expire long before it. */
static struct shop_cluster cluster;
static int brokers_dead; /* -1: the cluster is one. */

static struct {
    uint64_t faults, deaths, orders, confirmed, cancelled;
} seen;

static int pick_below(uint64_t *seed, int below)
{
    return shop_pick(seed, below);
}

static void make_rounds(int rounds)
{
    for (int i = 0; i < rounds; i++)
        shop_cluster_round(&cluster);
}

/* Two of three at most; then its leaders move, now and then. */
static void harm_brokers(uint64_t *seed)
{
    if (brokers_dead < 0)
        return;
    if (brokers_dead < BROKERS - 1 && pick_below(seed, 3) == 0)
        topo_sim_kill_broker(cluster.sim, brokers_dead++);
    else
        while (topo_sim_move_leader(cluster.sim) && pick_below(seed, 4))
            make_rounds(1);
}

/* Up to three, each one soon after the one before. */
static void arm_faults(uint64_t *seed)
{
    topo_sim_fail_at(
        cluster.sim,
        1 + pick_below(seed, 150),
        (enum topo_sim_failure)pick_below(seed, TOPO_SIM_FAILURES));
    for (int more = pick_below(seed, 3); more > 0; more--)
        topo_sim_fail_then(
            cluster.sim,
            1 + pick_below(seed, 40),
            (enum topo_sim_failure)pick_below(seed, TOPO_SIM_FAILURES));
    seen.faults++;
}

static void harm_engine(uint64_t *seed)
{
    size_t engine = (size_t)pick_below(seed, SHOP_ENGINES);
    switch (pick_below(seed, 4)) {
    case 0:
        shop_cluster_end(&cluster, engine, true);
        cluster.deaths++;
        break;
    case 1:
        shop_cluster_end(&cluster, engine, false);
        break;
    default:
        topo_sim_expel(cluster.sim, shop_cluster_instance(engine));
        break;
    }
}

static void pass_time(uint64_t *seed)
{
    bool long_time = pick_below(seed, 4) == 0;
    topo_sim_advance_ms(cluster.sim, pick_below(seed, long_time ? 7 * MINUTE_MS : 15 * 1000));
}

static void do_something(uint64_t *seed)
{
    int what = pick_below(seed, 100);
    if (what < 34)
        shop_crowd_step(&cluster.crowd);
    else if (what < 40)
        harm_engine(seed);
    else if (what < 46)
        arm_faults(seed);
    else if (what < 52)
        pass_time(seed);
    else if (what < 54)
        topo_sim_late_markers(cluster.sim, pick_below(seed, 3) * 7);
    else if (what < 56)
        harm_brokers(seed);
    else if (what < 59)
        cluster.leave_dead = !cluster.leave_dead;
    else
        make_rounds(pick_below(seed, 8));
}

static void live_once(uint64_t life)
{
    char when[64];
    uint64_t seed = life * 0x9e3779b97f4a7c15U + 1;
    struct shop *shop = shops[life % 2];
    (void)snprintf(
        when, sizeof when, "MILLRACE_SEED=%llu shop_lives_test", (unsigned long long)life);
    shop_cluster_open(&cluster, shop, life, life % ON_DISK_EVERY == 0, when);
    brokers_dead = life % 3 ? -1 : 0;
    if (brokers_dead == 0)
        topo_sim_set_brokers(cluster.sim, BROKERS);
    topo_sim_set_session_ms(cluster.sim, life % 5 ? 0 : SESSION_MS);
    shop_crowd_make_products(&cluster.crowd);
    for (int i = 0; i < DEEDS; i++)
        do_something(&seed);
    topo_sim_fail_at(cluster.sim, INT64_MAX / 2, TOPO_SIM_RETRY);
    topo_sim_late_markers(cluster.sim, 0);
    topo_sim_set_session_ms(cluster.sim, 0);
    while (topo_sim_move_leader(cluster.sim))
        ;
    shop_cluster_finish(&cluster);
    seen.deaths += (uint64_t)cluster.deaths;
    shop_cluster_check(&cluster);
    if (life % VIEWS_EVERY == 0)
        shop_invariants_check_views(&cluster.crowd, when);
    seen.orders += shop_count(shop, SHOP_ORDER_PLACED);
    seen.confirmed += shop_count(shop, SHOP_ORDER_CONFIRMED);
    seen.cancelled += shop_count(shop, SHOP_ORDER_CANCELLED);
    shop_cluster_close(&cluster);
}

static void the_invariants_hold_in_every_life(void **state)
{
    (void)state;
    const char *one = getenv("MILLRACE_SEED");
    const char *asked = getenv("MILLRACE_SEEDS");
    uint64_t lives = asked ? strtoull(asked, NULL, 10) : LIVES;
    if (one) {
        live_once(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t life = 1; life <= lives; life++)
        live_once(life);
    print_message(
        "%llu lives: %llu times faults armed, %llu deaths, %llu orders, %llu confirmed, "
        "%llu cancelled\n",
        (unsigned long long)lives,
        (unsigned long long)seen.faults,
        (unsigned long long)seen.deaths,
        (unsigned long long)seen.orders,
        (unsigned long long)seen.confirmed,
        (unsigned long long)seen.cancelled);
    assert_true(seen.deaths > lives); /* Or they were not in the way. */
    assert_true(seen.confirmed > 0 && seen.cancelled > 0);
}

static int make_shops(void **state)
{
    (void)state;
    struct shop_limits limits = shop_limits_default();
    shops[0] = shop_new(&limits);
    limits.reserve_slack_ms = -14 * MINUTE_MS;
    shops[1] = shop_new(&limits);
    return 0;
}

static int free_shops(void **state)
{
    (void)state;
    shop_close(shops[0]);
    shop_close(shops[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_invariants_hold_in_every_life),
    };
    return cmocka_run_group_tests(tests, make_shops, free_shops);
}
