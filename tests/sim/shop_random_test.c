/*
 * shop_random_test.c - the whole write side under random customers: they fill carts, order, pay
 * with every kind of token, cancel at any moment and send commands again, while prices and stock
 * change, messages come late, twice and in any order, the provider's answers get lost, services
 * die, and calls to the outside fail in every way. Then the invariants of the architecture are
 * checked by name.
 *
 * MILLRACE_SEED replays a run, MILLRACE_RUNS makes more of them. Each of these faults was put into
 * the code once and was seen here:
 *     the fold of a release keeps the units held     the fold's assertion
 *     one unit more than there is can be reserved    the fold's assertion
 *     a release of held units does nothing           every_line_of_a_cancelled_order_is_released
 *     a release of committed units does not restock  no_unit_is_lost
 *     a result that is known is recorded again       money_is_conserved
 *     an order is confirmed before the capture       money_is_conserved
 *     a cart stays open after its checkout           the_provider_agrees
 *     a capture that comes late is kept              live: an order does not come to an end
 *     a cancelled order does not ask its money back  live
 *     a fact about a line is not kept                live
 *     a cancelled order has lost what it knew        live
 *     a command is decided again                     no_lost_command, no_double_effect
 *     evolve looks at a clock                        state_is_fold_of_events
 * And these elsewhere: an expired hold commits without a look (row 14), the attempt before keeps
 * its money (row 9), an order ends with its first line (row 21), open holds are forgotten (row 30).
 */
#include "shop_invariants.h"

#include <payment_connector/simulator.h>
#include <tests/cmocka.h>

#include <stdlib.h>
#include <time.h>

enum {
    STEPS = 350,
    QUIET_ROUNDS_MAX = 200,
    MINUTE_MS = 60 * 1000,
};

static struct shop_crowd crowd;
static struct psp_simulator *simulator;
static struct psp provider;

static int pick_below(int below)
{
    return shop_pick(&crowd.seed, below);
}

/* Holds that outlive the deadline, or expire long before it. */
static struct shop_limits some_limits(void)
{
    struct shop_limits limits = shop_limits_default();
    if (pick_below(2))
        limits.reserve_slack_ms = -14 * MINUTE_MS;
    return limits;
}

static void seed_once(void)
{
    const char *given = getenv("MILLRACE_SEED");
    if (crowd.seed == 0)
        crowd.seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
    print_message("MILLRACE_SEED=%llu\n", (unsigned long long)crowd.seed);
}

static int open_shop(void **state)
{
    seed_once();
    struct shop_limits limits = some_limits();
    shop_crowd_open(&crowd, shop_open(&limits), crowd.seed);
    simulator = psp_simulator_new(&(struct psp_simulator_options){0});
    provider = psp_simulator_psp(simulator);
    crowd.shop->provider = &provider;
    *state = crowd.shop;
    return 0;
}

static int close_shop(void **state)
{
    shop_close(*state);
    psp_simulator_free(simulator);
    return 0;
}

/* Everything again from the logs alone, into empty stores. */
static void state_is_fold_of_events(enum shop_member member)
{
    struct mr_error error = {0};
    assert_int_equal(topo_driver_run(crowd.shop->drivers[member], &error), 0);
    struct mr_bytes before = shop_dump(crowd.shop, member);
    assert_int_equal(topo_driver_crash(crowd.shop->drivers[member], &error), 0);
    assert_int_equal(topo_driver_run(crowd.shop->drivers[member], &error), 0);
    struct mr_bytes after = shop_dump(crowd.shop, member);
    shop_invariants_check_state(before, after, "a rebuild");
}

/* A day of it, then quiet until every order has an end. */
static void live_once(void)
{
    shop_crowd_make_products(&crowd);
    crowd.shop->random = &crowd.seed;
    crowd.shop->crash_every = 40 + pick_below(60);
    crowd.shop->fault_every = 5;
    for (int i = 0; i < STEPS; i++) {
        shop_crowd_step(&crowd);
        if (i % (STEPS / 3) == 1)
            state_is_fold_of_events((enum shop_member)pick_below(SHOP_SERVICES));
    }
    crowd.shop->random = NULL;
    crowd.shop->crash_every = crowd.shop->fault_every = 0;
    assert_true(crowd.shop->faults > 0);
    for (int i = 0; i < QUIET_ROUNDS_MAX && !shop_crowd_is_settled(&crowd); i++)
        shop_advance_ms(crowd.shop, MINUTE_MS);
    if (!shop_crowd_is_settled(&crowd))
        fail_msg("an order does not come to an end");
    for (int i = 0; i < 6; i++) /* Money that arrived late is on its way back. */
        shop_advance_ms(crowd.shop, 6 * MINUTE_MS);
}

static void the_invariants_hold_whatever_people_do(void **state)
{
    (void)state;
    live_once();
    shop_invariants_check(&crowd, "a day");
    for (int i = 0; i < SHOP_SERVICES; i++)
        state_is_fold_of_events((enum shop_member)i);
    shop_invariants_check_views(&crowd, "a day");
    print_message(
        "%d commands, %zu records, %zu orders, %zu confirmed, %zu cancelled, %zu late successes\n",
        crowd.commands_count,
        crowd.shop->seen_count,
        shop_count(crowd.shop, SHOP_ORDER_PLACED),
        shop_count(crowd.shop, SHOP_ORDER_CONFIRMED),
        shop_count(crowd.shop, SHOP_ORDER_CANCELLED),
        shop_count(crowd.shop, SHOP_PAYMENT_LATE_SUCCESS));
}

int main(void)
{
    const char *wanted = getenv("MILLRACE_RUNS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_invariants_hold_whatever_people_do, open_shop, close_shop),
    };
    int failed = 0;
    for (long runs = wanted ? strtol(wanted, NULL, 10) : 1; runs > 0 && !failed; runs--)
        failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
