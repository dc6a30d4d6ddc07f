/*
 * shop_invariants.c - each invariant is a function of its name, which a failure prints.
 *
 * They are counted from what happened, in all that was committed, and compared with what the
 * services believe.
 */
#include "shop_invariants.h"

#include <base/alloc.h>
#include <processors/views.h>
#include <tests/cmocka.h>

#include <inttypes.h>
#include <stdlib.h>

static const char *checked_when;

static void must_hold(bool holds, const char *invariant, const char *what)
{
    if (!holds)
        fail_msg("%s: %s does not hold: %s", checked_when, invariant, what);
}

static void must_equal(int64_t is, int64_t wanted, const char *invariant, const char *what)
{
    if (is != wanted)
        fail_msg(
            "%s: %s does not hold: %s is %" PRId64 ", not %" PRId64,
            checked_when,
            invariant,
            what,
            is,
            wanted);
}

#define HOLDS(what)       must_hold((what), __func__, #what)
#define EQUAL(is, wanted) must_equal((is), (wanted), __func__, #is)

static struct mr_bytes product_of(struct shop_crowd *books, const char *sku)
{
    struct shop_id id = shop_product_id(mr_cstr(sku));
    return mr_arena_copy(&books->shop->arena, shop_id_view(&id));
}

static const void *event_at(const struct shop_crowd *books, size_t i, enum shop_type type)
{
    const struct codec_message *message = &books->shop->seen[i].message;
    return message->id == (int)type ? message->value : NULL;
}

/* Units, counted from what happened and not from what the events say was left. */
static void no_oversell(struct shop_crowd *books, const char *sku)
{
    struct mr_bytes product = product_of(books, sku);
    int64_t on_hand = 0, reserved = 0;
    for (size_t i = 0; i < books->shop->seen_count; i++) {
        if (strcmp(books->shop->seen[i].topic, "inventory.stock.events") != 0 ||
            !mr_bytes_equal(books->shop->seen[i].key, product))
            continue;
        const struct shop_stock_adjusted *adjusted = event_at(books, i, SHOP_STOCK_ADJUSTED);
        const struct shop_stock_reserved *held = event_at(books, i, SHOP_STOCK_RESERVED);
        const struct shop_stock_committed *committed = event_at(books, i, SHOP_STOCK_COMMITTED);
        const struct shop_stock_released *released = event_at(books, i, SHOP_STOCK_RELEASED);
        const struct shop_stock_reservation_expired *expired =
            event_at(books, i, SHOP_STOCK_RESERVATION_EXPIRED);
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
        HOLDS(on_hand >= 0 && reserved >= 0 && reserved <= on_hand);
    }
    const struct shop_stock_state *stock = shop_stock(books->shop, sku);
    EQUAL(stock ? stock->on_hand : 0, on_hand);
    EQUAL(stock ? stock->reserved : 0, reserved);
}

/* Every unit put on the shelf is there, or was sold by an order that stands. */
static void no_unit_is_lost(struct shop_crowd *books, const char *sku)
{
    struct mr_bytes product = product_of(books, sku);
    int64_t put = 0, sold = 0;
    for (size_t i = 0; i < books->shop->seen_count; i++) {
        const struct shop_stock_adjusted *adjusted = event_at(books, i, SHOP_STOCK_ADJUSTED);
        const struct shop_order_placed *placed = event_at(books, i, SHOP_ORDER_PLACED);
        if (adjusted && mr_bytes_equal(adjusted->product_id, product))
            put += adjusted->delta;
        if (!placed || shop_order(books->shop, placed->order_id)->goal != 1)
            continue;
        for (size_t k = 0; k < placed->lines_count; k++)
            if (mr_bytes_equal(placed->lines[k].product_id, product))
                sold += placed->lines[k].quantity;
    }
    const struct shop_stock_state *stock = shop_stock(books->shop, sku);
    EQUAL(stock ? stock->on_hand : 0, put - sold);
    EQUAL(stock ? stock->reserved : 0, 0);
}

/* Once each, whether it was held, committed, expired or never there. */
static void
every_line_of_a_cancelled_order_is_released(struct shop_crowd *books, struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(books->shop, order_id);
    int released = 0;
    if (!order || !order->ended)
        return;
    for (size_t i = 0; i < books->shop->seen_count; i++) {
        const struct shop_stock_released *event = event_at(books, i, SHOP_STOCK_RELEASED);
        released += event && mr_bytes_equal(event->order_id, order_id);
    }
    EQUAL(released, order->lines);
}

/* Captured minus refunded, of all attempts of an order, is its total when it stands, else
 * nothing. */
static void money_is_conserved(struct shop_crowd *books, struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(books->shop, order_id);
    int64_t kept = 0;
    if (!order)
        return;
    for (size_t i = 0; i < books->shop->seen_count; i++) {
        const struct shop_payment_captured *captured = event_at(books, i, SHOP_PAYMENT_CAPTURED);
        const struct shop_payment_refunded *refunded = event_at(books, i, SHOP_PAYMENT_REFUNDED);
        if (captured && mr_bytes_equal(captured->order_id, order_id))
            kept += captured->captured.minor;
        if (refunded && mr_bytes_equal(refunded->order_id, order_id))
            kept -= refunded->refunded.minor;
    }
    EQUAL(kept, order->goal == 1 ? order->grand_total.minor : 0);
}

/* At the provider, whose word counts: what is asked of a payment now is answered "captured" only
 * for the newest attempt of an order that stands. */
static void the_provider_agrees(struct shop_crowd *books, struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(books->shop, order_id);
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
        EQUAL(books->shop->provider->submit(books->shop->provider->self, &query, 0, &error), 0);
        HOLDS(books->shop->provider->take(
            books->shop->provider->self, INT64_MAX, &books->shop->arena, &answer));
        bool stands = order->goal == 1 && attempt == order->attempt;
        EQUAL(mr_bytes_equal(answer.result, mr_cstr(SHOP_PSP_CAPTURED)), stands);
        HOLDS(!mr_bytes_equal(answer.result, mr_cstr(SHOP_PSP_AUTHORIZED)));
    }
}

static void one_confirmation(struct shop_crowd *books, struct mr_bytes order_id)
{
    const struct shop_order_state *order = shop_order(books->shop, order_id);
    bool captured = false;
    int confirmed = 0;
    if (!order)
        return;
    for (size_t i = 0; i < books->shop->seen_count; i++) {
        const struct shop_payment_captured *money = event_at(books, i, SHOP_PAYMENT_CAPTURED);
        const struct shop_order_confirmed *event = event_at(books, i, SHOP_ORDER_CONFIRMED);
        if (money && mr_bytes_equal(money->payment_id, order->payment_id))
            captured = true;
        if (event && mr_bytes_equal(event->order_id, order_id)) {
            confirmed++;
            EQUAL(event->captured.minor, order->grand_total.minor);
        }
    }
    HOLDS(confirmed <= 1);
    HOLDS(!confirmed || captured);
    EQUAL(confirmed, order->confirmed);
}

static void no_lost_command(struct shop_crowd *books)
{
    for (int c = 0; c < books->commands_count; c++) {
        int outcomes = 0;
        for (size_t i = 0; i < books->shop->seen_count; i++) {
            const struct shop_command_outcome *outcome = event_at(books, i, SHOP_COMMAND_OUTCOME);
            outcomes += outcome && mr_bytes_equal(outcome->command_id, books->commands[c].id);
        }
        EQUAL(outcomes, 1);
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
static void no_double_effect(struct shop_crowd *books)
{
    size_t count = 0;
    const struct shop_meta **metas =
        mr_malloc((books->shop->seen_count + 1) * sizeof(struct shop_meta *));
    for (size_t i = 0; i < books->shop->seen_count; i++)
        if (codec_meta_of(&books->shop->seen[i].message))
            metas[count++] = codec_meta_of(&books->shop->seen[i].message);
    qsort(metas, count, sizeof *metas, by_version);
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || !mr_bytes_equal(metas[i]->aggregate, metas[i - 1]->aggregate) ||
                     !mr_bytes_equal(metas[i]->aggregate_id, metas[i - 1]->aggregate_id);
        EQUAL(metas[i]->aggregate_version, first ? 1 : metas[i - 1]->aggregate_version + 1);
    }
    free((void *)metas);
    for (int c = 0; c < books->commands_count; c++) {
        int added = 0, placed = 0;
        for (size_t i = 0; i < books->shop->seen_count; i++) {
            const struct shop_cart_item_added *add = event_at(books, i, SHOP_CART_ITEM_ADDED);
            const struct shop_order_placed *order = event_at(books, i, SHOP_ORDER_PLACED);
            added += add && mr_bytes_equal(add->meta.command_id, books->commands[c].id);
            placed += order && mr_bytes_equal(order->meta.command_id, books->commands[c].id);
        }
        HOLDS(added <= 1 && placed <= 1);
    }
}

/* A position in an outcome is right behind the last event that its command made there. */
static void no_stale_lie(struct shop_crowd *books)
{
    for (size_t i = 0; i < books->shop->seen_count; i++) {
        const struct shop_command_outcome *outcome = event_at(books, i, SHOP_COMMAND_OUTCOME);
        for (size_t p = 0; outcome && p < outcome->positions_count; p++) {
            int64_t last = -1;
            for (size_t k = 0; k < books->shop->seen_count; k++) {
                const struct shop_seen *seen = &books->shop->seen[k];
                const struct shop_meta *about = codec_meta_of(&seen->message);
                if (about && seen->partition == outcome->positions[p].partition &&
                    mr_bytes_equal(mr_cstr(seen->topic), outcome->positions[p].topic) &&
                    mr_bytes_equal(about->command_id, outcome->command_id) && seen->offset > last)
                    last = seen->offset;
            }
            EQUAL(outcome->positions[p].next_offset, last + 1);
        }
    }
}

static void fold_into(struct shop_crowd *books, struct topo_driver *driver, bool topic_by_topic)
{
    static const char *const topics[] = {
        "catalog.product.events",
        "inventory.stock.events",
        "sales.cart.events",
        "sales.order.events"};
    struct mr_error error = {0};
    for (size_t t = 0; t < (topic_by_topic ? 4 : 1); t++)
        for (size_t i = 0; i < books->shop->seen_count; i++) {
            const struct shop_seen *seen = &books->shop->seen[i];
            size_t k = topic_by_topic ? t : 0;
            while (k < (topic_by_topic ? t + 1 : 4) && strcmp(seen->topic, topics[k]) != 0)
                k++;
            if (k == (topic_by_topic ? t + 1 : 4))
                continue;
            const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
            const struct topo_output record = {
                .key = seen->key, .value = seen->value, .headers = &by_us, .headers_count = 1};
            topo_sim_append(topo_driver_sim(driver), topics[k], -1, &record);
            EQUAL(topo_driver_run(driver, &error), 0);
        }
}

/* The same bytes whatever the order of the topics among each other, and after a rebuild. */
static void view_is_fold_of_events(struct shop_crowd *books)
{
    struct mr_bytes dumps[3];
    struct mr_error error = {0};
    for (int i = 0; i < 2; i++) {
        struct topo_topology *topology;
        EQUAL(shop_views_query_topology(books->shop->registry, &topology, &error), 0);
        shop_make_dumpable(topology);
        struct topo_driver *driver =
            topo_driver_new(topology, &(struct topo_driver_options){.partitions = SHOP_PARTITIONS});
        fold_into(books, driver, i == 1);
        dumps[i] = shop_dump_of(topology, shop_store_of_driver, driver, &books->shop->arena);
        EQUAL(topo_driver_crash(driver, &error), 0);
        EQUAL(topo_driver_run(driver, &error), 0);
        dumps[2] = shop_dump_of(topology, shop_store_of_driver, driver, &books->shop->arena);
        HOLDS(mr_bytes_equal(dumps[2], dumps[i]));
        topo_driver_free(driver);
        topo_topology_free(topology);
    }
    HOLDS(mr_bytes_equal(dumps[0], dumps[1]));
}

/* An address has one user, and that one is registered once. */
static void one_user(struct shop_crowd *books)
{
    for (size_t i = 0; i < books->shop->seen_count; i++) {
        const struct shop_email_claimed *claimed = event_at(books, i, SHOP_EMAIL_CLAIMED);
        int claims = 0, users = 0;
        for (size_t k = 0; claimed && k < books->shop->seen_count; k++) {
            const struct shop_email_claimed *other = event_at(books, k, SHOP_EMAIL_CLAIMED);
            const struct shop_user_registered *user = event_at(books, k, SHOP_USER_REGISTERED);
            claims += other && mr_bytes_equal(other->email_key, claimed->email_key);
            users += user && mr_bytes_equal(user->user_id, claimed->user_id);
        }
        HOLDS(!claimed || (claims == 1 && users == 1));
    }
}

static void no_dead_letter(struct shop_crowd *books)
{
    EQUAL(books->shop->dead_letters, 0);
}

void shop_invariants_check(struct shop_crowd *books, const char *when)
{
    checked_when = when;
    for (int i = 0; i < SHOP_CROWD_PRODUCTS; i++) {
        no_oversell(books, shop_crowd_skus[i]);
        no_unit_is_lost(books, shop_crowd_skus[i]);
    }
    for (int i = 0; i < books->orders_count; i++) {
        every_line_of_a_cancelled_order_is_released(books, books->orders[i].id);
        money_is_conserved(books, books->orders[i].id);
        the_provider_agrees(books, books->orders[i].id);
        one_confirmation(books, books->orders[i].id);
    }
    one_user(books);
    no_lost_command(books);
    no_double_effect(books);
    no_stale_lie(books);
    no_dead_letter(books);
}

void shop_invariants_check_views(struct shop_crowd *books, const char *when)
{
    checked_when = when;
    view_is_fold_of_events(books);
}

void shop_invariants_check_state(struct mr_bytes before, struct mr_bytes after, const char *when)
{
    if (before.len == 0 || !mr_bytes_equal(before, after))
        fail_msg("%s: state_is_fold_of_events does not hold", when);
}
