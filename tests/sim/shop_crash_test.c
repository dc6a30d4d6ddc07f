/*
 * shop_crash_test.c - whatever happens at whichever call to the outside, the shop's books balance.
 *
 * One log, the four services in two instances each, and a scripted hour of a shop: carts, orders
 * that are paid, declined, paid again and cancelled, a price that changes, a command that comes
 * twice. For k = 1, 2, 3, ...: the k-th call of any engine fails in one way; what died is started
 * again, at once or when the other instance has its tasks; everything runs to its end; and every
 * invariant is checked by name. A failure names the kind and k.
 *
 * The everyday run takes every STRIDE-th call, each kind others. MILLRACE_EVERY_CALL=1 takes all;
 * MILLRACE_CALL=k only that one.
 */
#include "failures.h"
#include "shop_cluster.h"
#include "shop_invariants.h"

#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum { STRIDE = 7, DISK_STRIDE = 199, SEED = 7 };

static struct shop *shop;
static struct shop_cluster cluster;

static void make_rounds(int rounds)
{
    for (int i = 0; i < rounds; i++)
        shop_cluster_round(&cluster);
}

/* Each verb is followed by a few rounds only, so that the next one finds it under way. */
static void fill_carts(struct shop_crowd *crowd)
{
    shop_crowd_make_product(crowd, "CUP", 9);
    shop_crowd_make_product(crowd, "MUG", 4);
    shop_crowd_make_product(crowd, "PAN", 1);
    shop_crowd_register(crowd, "usr_1", "EMAIL");
    make_rounds(5);
    shop_crowd_register(crowd, "usr_2", "EMAIL");
    shop_crowd_add_item(crowd, "usr_1", "CUP", 1);
    shop_crowd_add_item(crowd, "usr_2", "CUP", 2);
    make_rounds(1);
    shop_crowd_add_item(crowd, "usr_2", "MUG", 1);
    shop_crowd_add_item(crowd, "usr_3", "MUG", 2);
    shop_crowd_add_item(crowd, "usr_4", "PAN", 1);
    shop_crowd_add_item(crowd, "usr_5", "PAN", 1);
    make_rounds(4);
}

static void live_an_hour(void)
{
    struct shop_crowd *crowd = &cluster.crowd;
    fill_carts(crowd);
    int first = shop_crowd_place_order(crowd, "usr_1", "pm_approve");
    int second = shop_crowd_place_order(crowd, "usr_2", "pm_decline");
    int third = shop_crowd_place_order(crowd, "usr_3", "pm_twice");
    make_rounds(3);
    shop_crowd_place_order(crowd, "usr_4", "pm_approve");
    shop_crowd_change_price(crowd, "CUP", 120);
    shop_crowd_send_again(crowd, 7);
    shop_crowd_cancel(crowd, third);
    make_rounds(6);
    shop_crowd_place_order(crowd, "usr_5", "pm_approve");
    shop_crowd_pay(crowd, second, "pm_slow");
    shop_crowd_send_again(crowd, 14);
    make_rounds(6);
    shop_crowd_cancel(crowd, first);
    make_rounds(3);
    shop_crowd_adjust_stock(crowd, "PAN", 3);
    shop_cluster_settle(&cluster);
}

static void arm_failure(struct topo_sim *sim, int64_t k, enum topo_sim_failure failure)
{
    topo_sim_fail_at(sim, k, failure);
    failures_arm_late_offsets(sim, k, failure);
}

/* False: the hour was over before the failure came. */
static bool live_through(enum topo_sim_failure failure, int64_t k, bool on_disk)
{
    char when[96];
    (void)snprintf(
        when,
        sizeof when,
        "%s at MILLRACE_CALL=%lld%s",
        failure_names[failure],
        (long long)k,
        on_disk ? " on disk" : "");
    shop_cluster_open(&cluster, shop, SEED, on_disk, when);
    cluster.leave_dead = k % 2;
    arm_failure(cluster.sim, k, failure);
    live_an_hour();
    bool fired = !topo_sim_pending(cluster.sim);
    topo_sim_fail_at(cluster.sim, INT64_MAX / 2, TOPO_SIM_RETRY);
    shop_cluster_finish(&cluster);
    shop_cluster_check(&cluster);
    shop_cluster_close(&cluster);
    return fired;
}

static void fail_calls(enum topo_sim_failure failure, int64_t stride, bool on_disk)
{
    const char *one = getenv("MILLRACE_CALL");
    int64_t k = 1 + (int64_t)failure % stride;
    int64_t runs = 0;
    if (one) {
        live_through(failure, strtoll(one, NULL, 10), on_disk);
        return;
    }
    for (; live_through(failure, k, on_disk); k += stride)
        runs++;
    print_message(
        "%s: %lld runs, %lld calls\n", failure_names[failure], (long long)runs, (long long)k - 1);
    assert_true(k > 500); /* Or the failure was never in the way. */
}

static void fail_every_call(enum topo_sim_failure failure)
{
    fail_calls(failure, getenv("MILLRACE_EVERY_CALL") ? 1 : STRIDE, false);
}

/* Only a death shows what is on disk and what in memory only. */
static void death_at_every_call_on_disk(void **state)
{
    (void)state;
    fail_calls(TOPO_SIM_CRASH_AFTER, getenv("MILLRACE_EVERY_CALL") ? STRIDE : DISK_STRIDE, true);
}

#define KIND(name, failure)                                                                        \
    static void name##_at_every_call(void **state)                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        fail_every_call(failure);                                                                  \
    }
KIND(a_retriable_failure, TOPO_SIM_RETRY)
KIND(an_abortable_failure, TOPO_SIM_ABORTABLE)
KIND(fencing, TOPO_SIM_FENCE)
KIND(death_before_it, TOPO_SIM_CRASH)
KIND(death_after_it, TOPO_SIM_CRASH_AFTER)
KIND(a_lost_answer, TOPO_SIM_LOST_ANSWER)
KIND(a_late_end, TOPO_SIM_LATE)
KIND(a_late_write, TOPO_SIM_LATE_WRITE)
KIND(late_offsets, TOPO_SIM_LATE_OFFSETS)
#undef KIND

/* And that the hour has what it is for. */
static void without_a_failure(void **state)
{
    (void)state;
    shop_cluster_open(&cluster, shop, SEED, true, "no failure");
    live_an_hour();
    shop_cluster_finish(&cluster);
    shop_cluster_check(&cluster);
    shop_invariants_check_views(&cluster.crowd, "no failure");
    assert_int_equal(shop_count(shop, SHOP_ORDER_PLACED), 5);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CONFIRMED), 2);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CANCELLED), 3);
    assert_int_equal(shop_count(shop, SHOP_ORDER_PAYMENT_FAILED), 1);
    shop_cluster_close(&cluster);
}

static int make_shop(void **state)
{
    (void)state;
    shop = shop_new(NULL);
    return 0;
}

static int free_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_failure),
        cmocka_unit_test(a_retriable_failure_at_every_call),
        cmocka_unit_test(an_abortable_failure_at_every_call),
        cmocka_unit_test(fencing_at_every_call),
        cmocka_unit_test(death_before_it_at_every_call),
        cmocka_unit_test(death_after_it_at_every_call),
        cmocka_unit_test(a_lost_answer_at_every_call),
        cmocka_unit_test(a_late_end_at_every_call),
        cmocka_unit_test(a_late_write_at_every_call),
        cmocka_unit_test(late_offsets_at_every_call),
        cmocka_unit_test(death_at_every_call_on_disk),
    };
    return cmocka_run_group_tests(tests, make_shop, free_shop);
}
