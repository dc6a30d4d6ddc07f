/*
 * shop_stock_test.c - stock under random messages in random order, with time passing and a service
 * that dies: units are neither made nor lost, and never promised twice. MILLRACE_SEED replays a
 * run.
 */
#include "shop_harness.h"

#include <tests/cmocka.h>

#include <stdlib.h>
#include <time.h>

enum { STEPS = 1500, ORDERS = 12, QUANTITY_MAX = 4 };

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int pick_below(int below)
{
    return (int)(next_random() % (uint64_t)below);
}

struct books {
    struct shop *shop;
    struct shop_id product;
    int64_t on_hand, held; /* The sums of the events. */
};

static void send_command(struct books *books, enum shop_type type, const void *value)
{
    struct shop *shop = books->shop;
    struct mr_error error = {0};
    mr_buffer_reset(&shop->scratch);
    codec_encode(shop->registry, type, "inventory.stock.commands", value, &shop->scratch);
    if (topo_driver_pipe(
            shop->drivers[MEMBER_CATALOG],
            "inventory.stock.commands",
            shop_id_view(&books->product),
            mr_buffer_view(&shop->scratch),
            &error))
        fail_msg("%s", error.text);
}

/* A random message about a random line. A line always has the same quantity, as in an order. */
static void send_random(struct books *books)
{
    int order = pick_below(ORDERS);
    struct mr_bytes order_id = mr_arena_printf(&books->shop->arena, "ord_%d", order);
    struct shop_reserve_stock reserve = {
        .order_id = order_id,
        .owner_id = mr_cstr("usr_a"),
        .line_no = 1 + pick_below(3),
        .product_id = shop_id_view(&books->product),
        .quantity = 1 + order % QUANTITY_MAX,
        .unit_price = {255, mr_cstr("GBP")},
        .reserved_until =
            topo_sim_now_ms(topo_driver_sim(books->shop->drivers[MEMBER_CATALOG])) + 5000};
    struct shop_commit_stock commit = {
        .order_id = order_id,
        .owner_id = reserve.owner_id,
        .line_no = reserve.line_no,
        .product_id = reserve.product_id,
        .quantity = reserve.quantity};
    struct shop_release_stock release = {
        .order_id = order_id,
        .owner_id = reserve.owner_id,
        .line_no = reserve.line_no,
        .product_id = reserve.product_id,
        .quantity = reserve.quantity};
    struct shop_adjust_stock adjust = {
        .meta = shop_command(books->shop, NULL),
        .product_id = reserve.product_id,
        .delta = pick_below(9) - 4};
    int what = pick_below(20);
    if (what < 9)
        send_command(books, SHOP_RESERVE_STOCK, &reserve);
    else if (what < 14)
        send_command(books, SHOP_COMMIT_STOCK, &commit);
    else if (what < 17)
        send_command(books, SHOP_RELEASE_STOCK, &release);
    else
        send_command(books, SHOP_ADJUST_STOCK, &adjust);
}

static void add_event(struct books *books, const struct codec_message *message)
{
    switch (message->id) {
    case SHOP_STOCK_RESERVED:
        books->held += ((const struct shop_stock_reserved *)message->value)->quantity;
        break;
    case SHOP_STOCK_RESERVATION_EXPIRED:
        books->held -= ((const struct shop_stock_reservation_expired *)message->value)->quantity;
        break;
    case SHOP_STOCK_ADJUSTED:
        books->on_hand += ((const struct shop_stock_adjusted *)message->value)->delta;
        break;
    case SHOP_STOCK_COMMITTED: {
        /* From a hold, or from one that had expired: the number available shows which. */
        const struct shop_stock_committed *committed = message->value;
        books->on_hand -= committed->quantity;
        books->held = committed->on_hand_after - committed->available_after;
        break;
    }
    case SHOP_STOCK_RELEASED: {
        const struct shop_stock_released *released = message->value;
        if (mr_bytes_equal(released->cause, mr_cstr("restock")))
            books->on_hand += released->quantity;
        else
            books->held -= released->quantity;
        break;
    }
    default:
        break;
    }
    assert_true(books->on_hand >= 0);
    assert_true(books->held >= 0 && books->held <= books->on_hand);
}

static void read_events(struct books *books)
{
    struct topo_record record;
    struct codec_message message;
    struct mr_error error = {0};
    while (
        topo_driver_read(books->shop->drivers[MEMBER_CATALOG], "inventory.stock.events", &record)) {
        assert_int_equal(
            codec_decode(
                books->shop->registry, record.value, &books->shop->arena, &message, &error),
            0);
        add_event(books, &message);
    }
}

static void units_are_neither_made_nor_lost_nor_promised_twice(void **state)
{
    (void)state;
    const char *given = getenv("MILLRACE_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
    print_message("MILLRACE_SEED=%llu\n", (unsigned long long)seed);
    struct mr_error error = {0};
    struct books books = {
        .shop = shop_open(NULL), .product = shop_product_id(mr_cstr("MUG")), .on_hand = 8};
    struct shop *shop = books.shop;
    shop_make_product(shop, "MUG", 255, 8);
    for (int i = 0; i < STEPS; i++) {
        send_random(&books);
        if (pick_below(8) == 0)
            assert_int_equal(
                topo_driver_advance_ms(shop->drivers[MEMBER_CATALOG], pick_below(3000), &error), 0);
        if (pick_below(100) == 0)
            assert_int_equal(topo_driver_crash(shop->drivers[MEMBER_CATALOG], &error), 0);
        read_events(&books);
    }
    assert_int_equal(topo_driver_run(shop->drivers[MEMBER_CATALOG], &error), 0);
    const struct shop_stock_state *stock = shop_stock(shop, "MUG");
    assert_int_equal(stock->on_hand, books.on_hand);
    assert_int_equal(stock->reserved, books.held);
    shop_close(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_neither_made_nor_lost_nor_promised_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
