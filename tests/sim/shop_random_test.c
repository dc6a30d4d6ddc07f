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
#include "shop_harness.h"

#include <base/alloc.h>
#include <payment_connector/simulator.h>
#include <processors/views.h>
#include <tests/cmocka.h>

#include <stdlib.h>
#include <time.h>

enum {
    STEPS = 350,
    OWNERS = 5,
    PRODUCTS = 5,
    ORDERS_MAX = 512,
    COMMANDS_MAX = 2048,
    QUIET_ROUNDS_MAX = 200,
    MINUTE_MS = 60 * 1000,
};

static const char *const owners[OWNERS] = {"usr_1", "usr_2", "usr_3", "usr_4", "usr_5"};
static const char *const skus[PRODUCTS] = {"CUP", "MUG", "PAN", "POT", "TIN"};
static const char *const tokens[] = {
    "pm_approve", "pm_approve", "pm_decline", "pm_decline_hard", "pm_slow", "pm_never", "pm_twice"};
enum { TOKENS = sizeof tokens / sizeof tokens[0] };

struct sent {
    enum shop_member to;
    const char *topic;
    struct mr_bytes id, key, value;
};

static struct {
    uint64_t seed;
    struct shop *shop;
    struct psp_simulator *simulator;
    struct psp psp;
    struct {
        const char *owner;
        struct mr_bytes id;
    } orders[ORDERS_MAX];
    int orders_count;
    struct sent commands[COMMANDS_MAX];
    int commands_count;
} crowd;

static int pick_below(int below)
{
    return shop_pick(&crowd.seed, below);
}

/* -- what people do -- */

static void send_command(
    enum shop_member to, const char *topic, enum shop_type type, const char *key, const void *value)
{
    assert_true(crowd.commands_count < COMMANDS_MAX);
    struct sent *sent = &crowd.commands[crowd.commands_count++];
    *sent = (struct sent){
        .to = to,
        .topic = topic,
        .id = ((const struct shop_command_meta *)value)->command_id,
        .key = mr_cstr(key),
        .value = shop_encode(crowd.shop, topic, type, value)};
    shop_send_bytes(crowd.shop, to, topic, sent->key, sent->value);
}

/* Ids that live as long as the run. */
static struct mr_bytes product_of(const char *sku)
{
    struct shop_id id = shop_product_id(mr_cstr(sku));
    return mr_cstr(mr_arena_cstr(&crowd.shop->arena, shop_id_view(&id)));
}

static struct shop_command_meta next_meta(void)
{
    return shop_command(crowd.shop, NULL);
}

static void add_item(const char *owner)
{
    struct shop_add_cart_item add = {
        .meta = next_meta(),
        .owner_id = mr_cstr(owner),
        .product_id = product_of(skus[pick_below(PRODUCTS)]),
        .quantity = 1 + pick_below(4)};
    send_command(MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, owner, &add);
}

static void change_item(const char *owner)
{
    struct mr_bytes product = product_of(skus[pick_below(PRODUCTS)]);
    struct shop_set_cart_item_quantity set = {
        .meta = next_meta(),
        .owner_id = mr_cstr(owner),
        .product_id = product,
        .quantity = pick_below(4)};
    struct shop_remove_cart_item out = {
        .meta = set.meta, .owner_id = set.owner_id, .product_id = product};
    struct shop_clear_cart clear = {.meta = set.meta, .owner_id = set.owner_id};
    switch (pick_below(5)) {
    case 0:
        send_command(MEMBER_SALES, "sales.commands", SHOP_REMOVE_CART_ITEM, owner, &out);
        break;
    case 1:
        send_command(MEMBER_SALES, "sales.commands", SHOP_CLEAR_CART, owner, &clear);
        break;
    default:
        send_command(MEMBER_SALES, "sales.commands", SHOP_SET_CART_ITEM_QUANTITY, owner, &set);
        break;
    }
}

static void place_order(const char *owner)
{
    const char *token = tokens[pick_below(TOKENS)];
    struct shop_place_order order = {.meta = next_meta(), .owner_id = mr_cstr(owner)};
    if (pick_below(6))
        order.method_token_sealed = shop_sealed_token(crowd.shop, token);
    struct shop_id id = shop_order_id(order.owner_id, order.meta.command_id);
    order.order_id = mr_arena_copy(&crowd.shop->arena, shop_id_view(&id));
    assert_true(crowd.orders_count < ORDERS_MAX);
    crowd.orders[crowd.orders_count].owner = owner;
    crowd.orders[crowd.orders_count++].id = order.order_id;
    send_command(MEMBER_SALES, "sales.commands", SHOP_PLACE_ORDER, owner, &order);
}

/* One of the newest, which are under way. */
static int some_order(void)
{
    int newest = crowd.orders_count < 8 ? crowd.orders_count : 8;
    return crowd.orders_count - 1 - pick_below(newest);
}

static void pay_some(void)
{
    int order = some_order();
    struct shop_start_payment start = {
        .meta = next_meta(),
        .owner_id = mr_cstr(crowd.orders[order].owner),
        .order_id = crowd.orders[order].id,
        .method_token_sealed = *shop_sealed_token(crowd.shop, tokens[pick_below(TOKENS)])};
    send_command(
        MEMBER_SALES, "sales.commands", SHOP_START_PAYMENT, crowd.orders[order].owner, &start);
}

static void cancel_some(void)
{
    int order = some_order();
    struct shop_cancel_order stop = {
        .meta = next_meta(),
        .owner_id = mr_cstr(crowd.orders[order].owner),
        .order_id = crowd.orders[order].id};
    send_command(
        MEMBER_SALES, "sales.commands", SHOP_CANCEL_ORDER, crowd.orders[order].owner, &stop);
}

static void change_price(void)
{
    struct mr_bytes product = product_of(skus[pick_below(PRODUCTS)]);
    struct shop_change_price change = {
        .meta = next_meta(), .product_id = product, .price = {100 + pick_below(3), mr_cstr("GBP")}};
    send_command(
        MEMBER_CATALOG, "catalog.product.commands", SHOP_CHANGE_PRICE, product.ptr, &change);
}

static void adjust_stock(void)
{
    struct mr_bytes product = product_of(skus[pick_below(PRODUCTS)]);
    struct shop_adjust_stock adjust = {
        .meta = next_meta(), .product_id = product, .delta = pick_below(12) - 4};
    send_command(
        MEMBER_CATALOG, "inventory.stock.commands", SHOP_ADJUST_STOCK, product.ptr, &adjust);
}

static void send_again(void)
{
    const struct sent *sent = &crowd.commands[pick_below(crowd.commands_count)];
    shop_send_bytes(crowd.shop, sent->to, sent->topic, sent->key, sent->value);
}

static void step_crowd(void)
{
    const char *owner = owners[pick_below(OWNERS)];
    int what = pick_below(100);
    if (what < 34)
        add_item(owner);
    else if (what < 44)
        change_item(owner);
    else if (what < 62)
        place_order(owner);
    else if (what < 68 && crowd.orders_count)
        pay_some();
    else if (what < 75 && crowd.orders_count)
        cancel_some();
    else if (what < 80)
        change_price();
    else if (what < 85)
        adjust_stock();
    else if (what < 92)
        send_again();
    else
        shop_advance_ms(crowd.shop, pick_below(8) ? pick_below(20 * 1000) : 6 * MINUTE_MS);
}

static void make_products(void)
{
    for (int i = 0; i < PRODUCTS; i++) {
        struct mr_bytes product = product_of(skus[i]);
        struct shop_create_product create = {
            .meta = next_meta(),
            .product_id = product,
            .sku = mr_cstr(skus[i]),
            .title = mr_cstr(skus[i]),
            .price = {100, mr_cstr("GBP")},
            .publish = true};
        send_command(
            MEMBER_CATALOG, "catalog.product.commands", SHOP_CREATE_PRODUCT, product.ptr, &create);
        struct shop_adjust_stock adjust = {
            .meta = next_meta(), .product_id = product, .delta = 6 + pick_below(30)};
        send_command(
            MEMBER_CATALOG, "inventory.stock.commands", SHOP_ADJUST_STOCK, product.ptr, &adjust);
    }
}

static bool all_settled(void)
{
    for (int i = 0; i < crowd.orders_count; i++) {
        const struct shop_order_state *order = shop_order(crowd.shop, crowd.orders[i].id);
        if (order && !order->ended && !(order->confirmed && order->goal == 1))
            return false;
    }
    return true;
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
    memset(&crowd.orders, 0, sizeof crowd.orders);
    crowd.orders_count = crowd.commands_count = 0;
    crowd.shop = shop_open(&limits);
    crowd.simulator = psp_simulator_new(&(struct psp_simulator_options){0});
    crowd.psp = psp_simulator_psp(crowd.simulator);
    crowd.shop->provider = &crowd.psp;
    *state = crowd.shop;
    return 0;
}

static int close_shop(void **state)
{
    shop_close(*state);
    psp_simulator_free(crowd.simulator);
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
    assert_true(before.len > 0);
    assert_true(mr_bytes_equal(before, after));
}

/* A day of it, then quiet until every order has an end. */
static void live_once(void)
{
    make_products();
    crowd.shop->random = &crowd.seed;
    crowd.shop->crash_every = 40 + pick_below(60);
    crowd.shop->fault_every = 5;
    for (int i = 0; i < STEPS; i++) {
        step_crowd();
        if (i % (STEPS / 3) == 1)
            state_is_fold_of_events((enum shop_member)pick_below(SHOP_SERVICES));
    }
    crowd.shop->random = NULL;
    crowd.shop->crash_every = crowd.shop->fault_every = 0;
    assert_true(crowd.shop->faults > 0);
    for (int i = 0; i < QUIET_ROUNDS_MAX && !all_settled(); i++)
        shop_advance_ms(crowd.shop, MINUTE_MS);
    if (!all_settled())
        fail_msg("an order does not come to an end");
    for (int i = 0; i < 6; i++) /* Money that arrived late is on its way back. */
        shop_advance_ms(crowd.shop, 6 * MINUTE_MS);
}

/* -- the invariants -- */

static const void *event_at(size_t i, enum shop_type type)
{
    const struct codec_message *message = &crowd.shop->seen[i].message;
    return message->id == (int)type ? message->value : NULL;
}

/* Units, counted from what happened and not from what the events say was left. */
static void no_oversell(const char *sku)
{
    struct mr_bytes product = product_of(sku);
    int64_t on_hand = 0, reserved = 0;
    for (size_t i = 0; i < crowd.shop->seen_count; i++) {
        if (strcmp(crowd.shop->seen[i].topic, "inventory.stock.events") != 0 ||
            !mr_bytes_equal(crowd.shop->seen[i].key, product))
            continue;
        const struct shop_stock_adjusted *adjusted = event_at(i, SHOP_STOCK_ADJUSTED);
        const struct shop_stock_reserved *held = event_at(i, SHOP_STOCK_RESERVED);
        const struct shop_stock_committed *committed = event_at(i, SHOP_STOCK_COMMITTED);
        const struct shop_stock_released *released = event_at(i, SHOP_STOCK_RELEASED);
        const struct shop_stock_reservation_expired *expired =
            event_at(i, SHOP_STOCK_RESERVATION_EXPIRED);
        if (adjusted) {
            on_hand += adjusted->delta;
        } else if (held) {
            reserved += held->quantity;
        } else if (expired) {
            reserved -= expired->quantity;
        } else if (committed) {
            on_hand -= committed->quantity;
            /* From a hold, or from one that had expired: the number left available shows which. */
            reserved = committed->on_hand_after - committed->available_after;
        } else if (released && mr_bytes_equal(released->cause, mr_cstr("restock"))) {
            on_hand += released->quantity;
        } else if (released) {
            reserved -= released->quantity;
        }
        assert_true(on_hand >= 0 && reserved >= 0 && reserved <= on_hand);
    }
    const struct shop_stock_state *stock = shop_stock(crowd.shop, sku);
    assert_int_equal(stock->on_hand, on_hand);
    assert_int_equal(stock->reserved, reserved);
}

/* Every unit put on the shelf is there, or was sold by an order that stands. */
static void no_unit_is_lost(const char *sku)
{
    struct mr_bytes product = product_of(sku);
    int64_t put = 0, sold = 0;
    for (size_t i = 0; i < crowd.shop->seen_count; i++) {
        const struct shop_stock_adjusted *adjusted = event_at(i, SHOP_STOCK_ADJUSTED);
        const struct shop_order_placed *placed = event_at(i, SHOP_ORDER_PLACED);
        if (adjusted && mr_bytes_equal(adjusted->product_id, product))
            put += adjusted->delta;
        if (!placed || shop_order(crowd.shop, placed->order_id)->goal != 1)
            continue;
        for (size_t k = 0; k < placed->lines_count; k++)
            if (mr_bytes_equal(placed->lines[k].product_id, product))
                sold += placed->lines[k].quantity;
    }
    assert_int_equal(shop_stock(crowd.shop, sku)->on_hand, put - sold);
    assert_int_equal(shop_stock(crowd.shop, sku)->reserved, 0);
}

/* Once each, whether it was held, committed, expired or never there. */
static void every_line_of_a_cancelled_order_is_released(struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(crowd.shop, order_id);
    int released = 0;
    if (!order || !order->ended)
        return;
    for (size_t i = 0; i < crowd.shop->seen_count; i++) {
        const struct shop_stock_released *event = event_at(i, SHOP_STOCK_RELEASED);
        released += event && mr_bytes_equal(event->order_id, order_id);
    }
    assert_int_equal(released, order->lines);
}

/* Captured minus refunded, of all attempts of an order, is its total when it stands, else
 * nothing. */
static void money_is_conserved(struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(crowd.shop, order_id);
    int64_t kept = 0;
    if (!order)
        return;
    for (size_t i = 0; i < crowd.shop->seen_count; i++) {
        const struct shop_payment_captured *captured = event_at(i, SHOP_PAYMENT_CAPTURED);
        const struct shop_payment_refunded *refunded = event_at(i, SHOP_PAYMENT_REFUNDED);
        if (captured && mr_bytes_equal(captured->order_id, order_id))
            kept += captured->captured.minor;
        if (refunded && mr_bytes_equal(refunded->order_id, order_id))
            kept -= refunded->refunded.minor;
    }
    assert_int_equal(kept, order->goal == 1 ? order->grand_total.minor : 0);
}

/* At the provider, whose word counts: what is asked of a payment now is answered "captured" only
 * for the newest attempt of an order that stands. */
static void the_provider_agrees(struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(crowd.shop, order_id);
    struct psp_answer answer;
    struct mr_error error;
    for (int attempt = 1; order && attempt <= order->attempt; attempt++) {
        struct shop_id payment = shop_payment_id(order_id, attempt);
        struct psp_request query = {
            .payment_id = shop_id_view(&payment),
            .op = mr_cstr(SHOP_OP_QUERY),
            .op_key = mr_cstr("audit"),
            .method_token = mr_cstr("pm_approve"),
            .currency = mr_cstr("GBP")};
        assert_int_equal(crowd.psp.submit(crowd.psp.self, &query, 0, &error), 0);
        assert_true(crowd.psp.take(crowd.psp.self, INT64_MAX, &crowd.shop->arena, &answer));
        bool stands = order->goal == 1 && attempt == order->attempt;
        assert_int_equal(mr_bytes_equal(answer.result, mr_cstr(SHOP_PSP_CAPTURED)), stands);
        assert_false(mr_bytes_equal(answer.result, mr_cstr(SHOP_PSP_AUTHORIZED)));
    }
}

static void one_confirmation(struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(crowd.shop, order_id);
    bool captured = false;
    int confirmed = 0;
    if (!order)
        return;
    for (size_t i = 0; i < crowd.shop->seen_count; i++) {
        const struct shop_payment_captured *money = event_at(i, SHOP_PAYMENT_CAPTURED);
        const struct shop_order_confirmed *event = event_at(i, SHOP_ORDER_CONFIRMED);
        if (money && mr_bytes_equal(money->payment_id, order->payment_id))
            captured = true;
        if (event && mr_bytes_equal(event->order_id, order_id)) {
            confirmed++;
            assert_int_equal(event->captured.minor, order->grand_total.minor);
        }
    }
    assert_true(confirmed <= 1);
    assert_true(!confirmed || captured);
    assert_int_equal(confirmed, order->confirmed);
}

static void no_lost_command(void)
{
    for (int c = 0; c < crowd.commands_count; c++) {
        int outcomes = 0;
        for (size_t i = 0; i < crowd.shop->seen_count; i++) {
            const struct shop_command_outcome *outcome = event_at(i, SHOP_COMMAND_OUTCOME);
            outcomes += outcome && mr_bytes_equal(outcome->command_id, crowd.commands[c].id);
        }
        assert_int_equal(outcomes, 1);
    }
}

/* By aggregate, then version. */
static int by_version(const void *a, const void *b)
{
    const struct shop_meta *x = *(const struct shop_meta *const *)a;
    const struct shop_meta *y = *(const struct shop_meta *const *)b;
    int order = mr_bytes_compare(x->aggregate, y->aggregate);
    order = order ? order : mr_bytes_compare(x->aggregate_id, y->aggregate_id);
    return order ? order
                 : (x->aggregate_version > y->aggregate_version) -
                       (x->aggregate_version < y->aggregate_version);
}

/* Versions without gaps, no event twice; and a command adds to a cart, or makes an order, once. */
static void no_double_effect(void)
{
    size_t count = 0;
    const struct shop_meta **metas =
        mr_malloc((crowd.shop->seen_count + 1) * sizeof(struct shop_meta *));
    for (size_t i = 0; i < crowd.shop->seen_count; i++)
        if (codec_meta_of(&crowd.shop->seen[i].message))
            metas[count++] = codec_meta_of(&crowd.shop->seen[i].message);
    qsort(metas, count, sizeof *metas, by_version);
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || !mr_bytes_equal(metas[i]->aggregate, metas[i - 1]->aggregate) ||
                     !mr_bytes_equal(metas[i]->aggregate_id, metas[i - 1]->aggregate_id);
        assert_int_equal(
            metas[i]->aggregate_version, first ? 1 : metas[i - 1]->aggregate_version + 1);
    }
    free((void *)metas);
    for (int c = 0; c < crowd.commands_count; c++) {
        int added = 0, placed = 0;
        for (size_t i = 0; i < crowd.shop->seen_count; i++) {
            const struct shop_cart_item_added *add = event_at(i, SHOP_CART_ITEM_ADDED);
            const struct shop_order_placed *order = event_at(i, SHOP_ORDER_PLACED);
            added += add && mr_bytes_equal(add->meta.command_id, crowd.commands[c].id);
            placed += order && mr_bytes_equal(order->meta.command_id, crowd.commands[c].id);
        }
        assert_true(added <= 1 && placed <= 1);
    }
}

/* A position in an outcome is right behind the last event that its command made there. */
static void no_stale_lie(void)
{
    for (size_t i = 0; i < crowd.shop->seen_count; i++) {
        const struct shop_command_outcome *outcome = event_at(i, SHOP_COMMAND_OUTCOME);
        for (size_t p = 0; outcome && p < outcome->positions_count; p++) {
            int64_t last = -1;
            for (size_t k = 0; k < crowd.shop->seen_count; k++) {
                const struct shop_seen *seen = &crowd.shop->seen[k];
                const struct shop_meta *about = codec_meta_of(&seen->message);
                if (about && seen->partition == outcome->positions[p].partition &&
                    mr_bytes_equal(mr_cstr(seen->topic), outcome->positions[p].topic) &&
                    mr_bytes_equal(about->command_id, outcome->command_id) && seen->offset > last)
                    last = seen->offset;
            }
            assert_int_equal(outcome->positions[p].next_offset, last + 1);
        }
    }
}

static void fold_into(struct topo_driver *driver, bool topic_by_topic)
{
    static const char *const topics[] = {
        "catalog.product.events",
        "inventory.stock.events",
        "sales.cart.events",
        "sales.order.events"};
    struct mr_error error = {0};
    for (size_t t = 0; t < (topic_by_topic ? 4 : 1); t++)
        for (size_t i = 0; i < crowd.shop->seen_count; i++) {
            const struct shop_seen *seen = &crowd.shop->seen[i];
            size_t k = topic_by_topic ? t : 0;
            while (k < (topic_by_topic ? t + 1 : 4) && strcmp(seen->topic, topics[k]) != 0)
                k++;
            if (k == (topic_by_topic ? t + 1 : 4))
                continue;
            const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
            const struct topo_output record = {
                .key = seen->key, .value = seen->value, .headers = &by_us, .headers_count = 1};
            topo_sim_append(topo_driver_sim(driver), topics[k], -1, &record);
            assert_int_equal(topo_driver_run(driver, &error), 0);
        }
}

/* The same bytes whatever the order of the topics among each other, and after a rebuild. */
static void view_is_fold_of_events(void)
{
    struct mr_bytes dumps[3];
    struct mr_error error = {0};
    for (int i = 0; i < 2; i++) {
        struct topo_topology *topology;
        assert_int_equal(shop_views_query_topology(crowd.shop->registry, &topology, &error), 0);
        shop_make_dumpable(topology);
        struct topo_driver *driver =
            topo_driver_new(topology, &(struct topo_driver_options){.partitions = SHOP_PARTITIONS});
        fold_into(driver, i == 1);
        dumps[i] = shop_dump_of(topology, driver, &crowd.shop->arena);
        assert_int_equal(topo_driver_crash(driver, &error), 0);
        assert_int_equal(topo_driver_run(driver, &error), 0);
        dumps[2] = shop_dump_of(topology, driver, &crowd.shop->arena);
        assert_true(mr_bytes_equal(dumps[2], dumps[i]));
        topo_driver_free(driver);
        topo_topology_free(topology);
    }
    assert_true(mr_bytes_equal(dumps[0], dumps[1]));
}

static void the_invariants_hold_whatever_people_do(void **state)
{
    (void)state;
    live_once();
    for (int i = 0; i < PRODUCTS; i++) {
        no_oversell(skus[i]);
        no_unit_is_lost(skus[i]);
    }
    for (int i = 0; i < crowd.orders_count; i++) {
        every_line_of_a_cancelled_order_is_released(crowd.orders[i].id);
        money_is_conserved(crowd.orders[i].id);
        the_provider_agrees(crowd.orders[i].id);
        one_confirmation(crowd.orders[i].id);
    }
    no_lost_command();
    no_double_effect();
    no_stale_lie();
    for (int i = 0; i < SHOP_SERVICES; i++)
        state_is_fold_of_events((enum shop_member)i);
    view_is_fold_of_events();
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
