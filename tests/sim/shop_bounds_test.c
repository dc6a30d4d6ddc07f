/* shop_bounds_test.c - messages that are too many, too long or out of place, and messages that
 * cannot be meant, money at its limits, carts of a thousand lines and more; and each token of the
 * simulated provider, through the whole shop. */
#include "shop_harness.h"

#include <payment_connector/simulator.h>
#include <tests/cmocka.h>

static const char *const owner = "usr_a";

static int start_shop(void **state)
{
    struct shop *shop = shop_open(NULL);
    shop_make_product(shop, "MUG", 255, 10);
    *state = shop;
    return 0;
}

static int stop_shop(void **state)
{
    shop_close(*state);
    return 0;
}

static size_t dead_letters(struct shop *shop, enum shop_member member, const char *topic)
{
    struct topo_record record;
    size_t count = 0;
    while (topo_driver_read(shop->drivers[member], topic, &record))
        count++;
    return count;
}

/* -- messages that cannot be meant -- */

static void a_reservation_that_cannot_be_is_a_dead_letter(void **state)
{
    struct shop *shop = *state;
    struct shop_id product = shop_product_id(mr_cstr("MUG"));
    struct shop_reserve_stock reserve = {
        .order_id = mr_cstr("ord_x"),
        .owner_id = mr_cstr(owner),
        .line_no = 1,
        .product_id = shop_id_view(&product),
        .quantity = 1,
        .unit_price = {255, mr_cstr("GBP")},
        .reserved_until = -1};
    shop_send(
        shop,
        MEMBER_CATALOG,
        "inventory.stock.commands",
        SHOP_RESERVE_STOCK,
        product.text,
        &reserve);
    reserve.reserved_until = 1;
    reserve.line_no = -7;
    shop_send(
        shop,
        MEMBER_CATALOG,
        "inventory.stock.commands",
        SHOP_RESERVE_STOCK,
        product.text,
        &reserve);
    assert_int_equal(dead_letters(shop, MEMBER_CATALOG, "dead-letters.catalog"), 2);
    assert_int_equal(shop_stock(shop, "MUG")->reserved, 0);
}

static void an_authorization_that_cannot_be_is_a_dead_letter(void **state)
{
    struct shop *shop = *state;
    struct shop_authorize_payment authorize = {
        .payment_id = mr_cstr("pay_x"),
        .order_id = mr_cstr("ord_x"),
        .owner_id = mr_cstr(owner),
        .amount = {255, mr_cstr("GBP")},
        .deadline = INT64_MAX};
    shop_send(
        shop, MEMBER_PAYMENTS, "payments.commands", SHOP_AUTHORIZE_PAYMENT, "pay_x", &authorize);
    authorize.deadline = 0;
    authorize.amount.minor = -1;
    shop_send(
        shop, MEMBER_PAYMENTS, "payments.commands", SHOP_AUTHORIZE_PAYMENT, "pay_x", &authorize);
    assert_int_equal(dead_letters(shop, MEMBER_PAYMENTS, "dead-letters.payments"), 2);
}

static void an_order_is_not_placed_over_another(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 1);
    struct mr_bytes first = shop_place(shop, owner, &shop_token);
    shop_add_item(shop, owner, "MUG", 2);
    struct shop_place_order again = {
        .meta = shop_command(shop, NULL), .owner_id = mr_cstr(owner), .order_id = first};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_PLACE_ORDER, owner, &again);
    shop_expect_outcome(shop, 422, "validation");
    assert_int_equal(shop_count(shop, SHOP_ORDER_PLACED), 1);
    assert_true(shop_order(shop, first)->confirmed);
}

/* -- records nobody expected in a log that a state is restored from -- */

static bool is_logged(const struct shop *shop, const char *event, const char *text)
{
    for (const char *at = shop->logged.ptr; at && (at = strstr(at, event)); at++) {
        const char *found = strstr(at, text);
        if (found && found < strchr(at, '\n'))
            return true;
    }
    return false;
}

static void append_strange(
    struct shop *shop,
    enum shop_member member,
    const char *topic,
    struct mr_bytes key,
    struct mr_bytes value,
    const char *header)
{
    const struct topo_header by_us = {mr_cstr(header), mr_cstr("1")};
    shop->strangers_write = true;
    const struct topo_output record = {
        .key = key, .value = value, .headers = &by_us, .headers_count = header ? 1 : 0};
    topo_sim_append(topo_driver_sim(shop->drivers[member]), topic, 0, &record);
}

/* Each log of each kind; a tombstone, an empty value, text, an id of no schema, and a real record
 * of another type. A changelog's tombstone is a deletion, and its stranger has a key of its own. */
static void what_a_stranger_wrote_into_a_log_is_laid_aside_at_a_restart(void **state)
{
    static const struct {
        enum shop_member member;
        const char *topic;
    } logs[] = {
        {MEMBER_IDENTITY, "identity.claim.events"},
        {MEMBER_IDENTITY, "identity.user.events"},
        {MEMBER_IDENTITY, "identity.session.events"},
        {MEMBER_IDENTITY, "identity.claim.outcomes"},
        {MEMBER_CATALOG, "catalog.product.events"},
        {MEMBER_CATALOG, "inventory.stock.events"},
        {MEMBER_CATALOG, "catalog.product.outcomes"},
        {MEMBER_SALES, "sales.cart.events"},
        {MEMBER_SALES, "sales.order.events"},
        {MEMBER_SALES, "sales.outcomes"},
        {MEMBER_SALES, "sales.order-progress.changelog"},
        {MEMBER_PAYMENTS, "payments.events"},
    };
    struct shop *shop = *state;
    struct mr_error error = {0};
    struct shop_command_reply stray = {.replayed = true};
    const struct mr_bytes values[] = {
        {0},
        mr_cstr(""),
        mr_cstr("hello"),
        mr_bytes_of("\0\x0f\x0f\x0f\x0f.", 6),
        shop_encode(shop, NULL, SHOP_COMMAND_REPLY, &stray),
    };
    shop_add_item(shop, owner, "MUG", 2);
    (void)shop_place(shop, owner, &shop_token);
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++)
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
            append_strange(shop, logs[i].member, logs[i].topic, mr_cstr("lab"), values[k], NULL);
    for (int member = MEMBER_IDENTITY; member <= MEMBER_PAYMENTS; member++) {
        if (topo_driver_run(shop->drivers[member], &error))
            fail_msg("%s", error.text);
        struct mr_bytes before = shop_dump(shop, (enum shop_member)member);
        if (topo_driver_crash(shop->drivers[member], &error) ||
            topo_driver_run(shop->drivers[member], &error))
            fail_msg("%s", error.text);
        assert_true(mr_bytes_equal(shop_dump(shop, (enum shop_member)member), before));
    }
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++)
        assert_true(is_logged(shop, "laid-aside", logs[i].topic));
    shop_add_item(shop, owner, "MUG", 1);
    assert_true(shop_order(shop, shop_place(shop, owner, &shop_token))->confirmed);
}

/* The log looks as if a newer version had written it: nothing is folded behind what cannot be
 * read. */
static void a_record_of_ours_that_cannot_be_read_stops_its_partition_only(void **state)
{
    struct shop *shop = *state;
    struct mr_error error = {0};
    append_strange(
        shop, MEMBER_CATALOG, "inventory.stock.events", mr_cstr("MUG"), mr_cstr("hello"), "ce_id");
    if (topo_driver_crash(shop->drivers[MEMBER_CATALOG], &error) ||
        topo_driver_run(shop->drivers[MEMBER_CATALOG], &error))
        fail_msg("%s", error.text);
    struct mr_buffer status = {0};
    topo_engine_status_json(topo_driver_engine(shop->drivers[MEMBER_CATALOG]), &status);
    mr_buffer_add_byte(&status, '\0');
    assert_non_null(strstr(status.ptr, "\"state\":\"blocked\""));
    assert_non_null(strstr(status.ptr, "inventory.stock.events/0 at offset"));
    assert_true(is_logged(shop, "partition-blocked", "the other partitions go on"));
    mr_buffer_clean_up(&status);
    /* Its other partition, whatever product that has, and all other services. */
    shop_make_product(shop, "OTHER-0", 100, 1);
    shop_make_product(shop, "OTHER-1", 100, 1);
    shop_make_product(shop, "OTHER-2", 100, 1);
    shop_make_product(shop, "OTHER-3", 100, 1);
    assert_true(shop_count(shop, SHOP_PRODUCT_CREATED) > 1);
    assert_true(shop_count(shop, SHOP_PRODUCT_CREATED) < 5);
}

/* -- money that goes back by itself -- */

static void
psp_says(struct shop *shop, struct mr_bytes order_id, const char *op, const char *result)
{
    struct shop_id payment = shop_payment_id(order_id, 1);
    struct shop_record_psp_result message = {
        .payment_id = shop_id_view(&payment),
        .op = mr_cstr(op),
        .op_key = mr_cstr("k"),
        .result = mr_cstr(result),
        .psp_event_id = mr_cstr("e")};
    shop_send(
        shop, MEMBER_PAYMENTS, "payments.commands", SHOP_RECORD_PSP_RESULT, payment.text, &message);
}

static void money_refunded_at_the_provider_cancels_the_order(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_true(shop_order(shop, id)->confirmed);
    psp_says(shop, id, SHOP_OP_QUERY, SHOP_PSP_REFUNDED);
    assert_true(shop_order(shop, id)->ended);
    const struct shop_order_cancelled *cancelled = shop_last(shop, SHOP_ORDER_CANCELLED);
    assert_int_equal(cancelled->refund->minor, 510);
    assert_int_equal(shop_stock(shop, "MUG")->on_hand, 10);
}

/* Captured and refunded, and only the second was ever heard of. */
static void a_refund_whose_capture_was_not_heard_of_settles_the_payment(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    psp_says(shop, id, SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED);
    shop_cancel(shop, owner, id);
    psp_says(shop, id, SHOP_OP_QUERY, SHOP_PSP_REFUNDED);
    assert_true(shop_order(shop, id)->ended);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_CAPTURED), 1);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 1);
    size_t asked = shop_count(shop, SHOP_PAYMENT_OP_REQUESTED);
    shop_advance_ms(shop, 60 * 60 * 1000);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_OP_REQUESTED), asked);
}

/* -- money at its limits -- */

static void a_line_that_is_worth_too_much_is_refused(void **state)
{
    struct shop *shop = *state;
    shop_make_product(shop, "YACHT", 2 * SHOP_MONEY_MINOR_MAX / 1000000, 2000000);
    shop_add_item(shop, owner, "YACHT", 500000);
    shop_expect_outcome(shop, 200, NULL);
    assert_int_equal(shop_outcome(shop)->cart->total.minor, SHOP_MONEY_MINOR_MAX);
    shop_add_item(shop, owner, "YACHT", 1);
    shop_expect_outcome(shop, 422, "validation");
    shop_add_item(shop, owner, "MUG", 1);
    shop_expect_outcome(shop, 422, "validation");
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_int_equal(shop_order(shop, id)->captured->minor, SHOP_MONEY_MINOR_MAX);
}

static void the_largest_price_times_the_largest_quantity_does_not_overflow(void **state)
{
    struct shop *shop = *state;
    shop_make_product(shop, "GOLD", SHOP_MONEY_MINOR_MAX, 10);
    shop_add_item(shop, owner, "GOLD", 1000000);
    shop_expect_outcome(shop, 422, "validation");
}

static void a_cart_has_one_currency(void **state)
{
    struct shop *shop = *state;
    struct shop_id product = shop_product_id(mr_cstr("EURO"));
    struct shop_create_product create = {
        .meta = shop_command(shop, NULL),
        .product_id = shop_id_view(&product),
        .sku = mr_cstr("EURO"),
        .title = mr_cstr("EURO"),
        .price = {100, mr_cstr("EUR")},
        .publish = true};
    shop_send(
        shop,
        MEMBER_CATALOG,
        "catalog.product.commands",
        SHOP_CREATE_PRODUCT,
        product.text,
        &create);
    shop_add_item(shop, owner, "MUG", 1);
    shop_add_item(shop, owner, "EURO", 1);
    shop_expect_outcome(shop, 422, "validation");
    shop_add_item(shop, "usr_b", "EURO", 1);
    shop_expect_outcome(shop, 200, NULL);
}

static void a_thing_for_nothing_can_be_ordered(void **state)
{
    struct shop *shop = *state;
    shop_make_product(shop, "GIFT", 0, 5);
    shop_add_item(shop, owner, "GIFT", 5);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_true(shop_order(shop, id)->confirmed);
    assert_int_equal(shop_order(shop, id)->captured->minor, 0);
    assert_int_equal(shop_stock(shop, "GIFT")->on_hand, 0);
}

/* -- carts of a wholesaler -- */

/* `count` products with titles of `title_bytes`, one of each in the cart. The sum of the prices. */
static int64_t fill_cart(struct shop *shop, int count, size_t title_bytes)
{
    static char title[SHOP_TITLE_BYTES_MAX];
    int64_t sum = 0;
    memset(title, 'x', sizeof title);
    for (int i = 0; i < count; i++) {
        struct mr_bytes sku = mr_arena_printf(&shop->arena, "S%d", i);
        struct shop_id product = shop_product_id(sku);
        struct shop_create_product create = {
            .meta = shop_command(shop, NULL),
            .product_id = shop_id_view(&product),
            .sku = sku,
            .title = mr_bytes_of(title, title_bytes),
            .price = {100 + i, mr_cstr("GBP")},
            .publish = true};
        struct shop_adjust_stock adjust = {
            .meta = shop_command(shop, NULL), .product_id = create.product_id, .delta = 30};
        struct shop_add_cart_item add = {
            .meta = shop_command(shop, NULL),
            .owner_id = mr_cstr(owner),
            .product_id = create.product_id,
            .quantity = 1 + i % 3};
        add.meta.want_body = false;
        shop_send(
            shop,
            MEMBER_CATALOG,
            "catalog.product.commands",
            SHOP_CREATE_PRODUCT,
            product.text,
            &create);
        shop_send(
            shop,
            MEMBER_CATALOG,
            "inventory.stock.commands",
            SHOP_ADJUST_STOCK,
            product.text,
            &adjust);
        shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, owner, &add);
        shop_expect_outcome(shop, 200, NULL);
        sum += create.price.minor * add.quantity;
    }
    return sum;
}

static void an_order_of_1108_lines_is_confirmed_for_its_sum(void **state)
{
    struct shop *shop = *state;
    int64_t sum = fill_cart(shop, 1108, 35);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    shop_expect_outcome(shop, 201, NULL);
    assert_int_equal(shop_outcome(shop)->order->lines_count, 0); /* Too many for a reply. */
    assert_int_equal(shop_order(shop, id)->lines, 1108);
    assert_true(shop_order(shop, id)->confirmed);
    assert_int_equal(shop_order(shop, id)->captured->minor, sum);
}

/* The products of fill_cart, one of each. */
static void order_all(struct shop *shop, const char *who, int count)
{
    for (int i = 0; i < count; i++) {
        struct shop_id product = shop_product_id(mr_arena_printf(&shop->arena, "S%d", i));
        struct shop_add_cart_item add = {
            .meta = shop_command(shop, NULL),
            .owner_id = mr_cstr(who),
            .product_id = shop_id_view(&product),
            .quantity = 1};
        add.meta.want_body = false;
        shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, who, &add);
    }
    shop_place(shop, who, NULL);
    shop_expect_outcome(shop, 201, NULL);
}

/* Two of three owners share a partition: their orders are given up one after the other, for each
 * sends a message per line. */
static void large_orders_are_not_all_given_up_in_one_transaction(void **state)
{
    struct shop *shop = *state;
    shop->service.limits.unpaid_units_max = 10000;
    shop->service.limits.unpaid_hold_ms = shop->service.limits.pay_deadline_ms;
    fill_cart(shop, 1108, 35);
    order_all(shop, owner, 0);
    order_all(shop, "usr_b", 1108);
    order_all(shop, "usr_c", 1108);
    shop_advance_ms(shop, 15 * 60 * 1000 - 500);
    shop_advance_ms(shop, 1000);
    assert_in_range(shop_count(shop, SHOP_ORDER_ABORT_REQUESTED), 1, 2);
    shop_advance_ms(shop, 2000);
    assert_int_equal(shop_count(shop, SHOP_ORDER_ABORT_REQUESTED), 3);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CANCELLED), 3);
}

/* A Kafka client's bound; over it there would be neither the order nor a refusal. */
enum { RECORD_BYTES_MAX = 1000000 };

static void lines_that_fit_into_no_record_are_refused_with_an_outcome(void **state)
{
    struct shop *shop = *state;
    fill_cart(shop, 1300, SHOP_TITLE_BYTES_MAX);
    shop_place(shop, owner, &shop_token);
    shop_expect_outcome(shop, 422, "cart-full");
    shop_add_item(shop, owner, "MUG", 1);
    shop_expect_outcome(shop, 200, NULL);
    assert_true(shop_outcome(shop)->cart->has_lines_total);
    assert_int_equal(shop_outcome(shop)->cart->lines_count, 1);
    for (size_t i = 0; i < shop->seen_count; i++)
        assert_true(shop->seen[i].value.len < RECORD_BYTES_MAX);
}

/* -- every token of the simulated provider -- */

static void empty_cart(struct shop *shop)
{
    struct shop_clear_cart clear = {.meta = shop_command(shop, NULL), .owner_id = mr_cstr(owner)};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_CLEAR_CART, owner, &clear);
}

/* -- what is held without money -- */

static void place_unpaid(struct shop *shop, int32_t quantity)
{
    shop_add_item(shop, owner, "MANY", quantity);
    shop_place(shop, owner, NULL);
}

static void what_an_owner_holds_without_having_paid_is_bounded(void **state)
{
    struct shop *shop = *state;
    shop_make_product(shop, "MANY", 1, 5000);
    shop->service.limits.unpaid_orders_max = 2;
    place_unpaid(shop, 1001);
    shop_expect_outcome(shop, 409, "too-many-unpaid-units");
    empty_cart(shop);
    place_unpaid(shop, 600);
    shop_expect_outcome(shop, 201, NULL);
    place_unpaid(shop, 401);
    shop_expect_outcome(shop, 409, "too-many-unpaid-units");
    empty_cart(shop);
    place_unpaid(shop, 400);
    shop_expect_outcome(shop, 201, NULL);
    place_unpaid(shop, 1);
    shop_expect_outcome(shop, 409, "too-many-unpaid-orders");
    /* The holds end by themselves. With a method there is no bound on units. */
    shop_advance_ms(shop, 3 * 60 * 1000);
    assert_int_equal(shop_stock(shop, "MANY")->reserved, 0);
    empty_cart(shop);
    shop_add_item(shop, owner, "MANY", 4000);
    assert_true(shop_order(shop, shop_place(shop, owner, &shop_token))->confirmed);
}

static void who_lets_holds_expire_again_and_again_sends_a_payment_method(void **state)
{
    struct shop *shop = *state;
    shop_make_product(shop, "MANY", 1, 5000);
    shop->service.limits.expired_orders_max = 2;
    for (int i = 0; i < 2; i++) {
        place_unpaid(shop, 1);
        shop_expect_outcome(shop, 201, NULL);
        shop_advance_ms(shop, 3 * 60 * 1000);
    }
    const struct shop_notification_requested *notice = shop_last(shop, SHOP_NOTIFICATION_REQUESTED);
    size_t notices = shop_count(shop, SHOP_NOTIFICATION_REQUESTED);
    assert_int_equal(notices, 3); /* Two cancellations, and one for the staff. */
    (void)notice;
    shop_place(shop, owner, NULL);
    shop_expect_outcome(shop, 409, "payment-method-required");
    assert_true(shop_order(shop, shop_place(shop, owner, &shop_token))->confirmed);
    shop_advance_ms(shop, INT64_C(24) * 3600 * 1000);
    place_unpaid(shop, 1);
    shop_expect_outcome(shop, 201, NULL);
}

static void a_payment_method_that_comes_later_makes_the_hold_as_long_as_any(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL; /* It takes its time. */
    shop_add_item(shop, owner, "MUG", 1);
    struct mr_bytes id = shop_place(shop, owner, NULL);
    shop_advance_ms(shop, 110 * 1000);
    struct shop_start_payment start = {
        .meta = shop_command(shop, NULL),
        .owner_id = mr_cstr(owner),
        .order_id = id,
        .method_token_sealed = shop_token};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_START_PAYMENT, owner, &start);
    shop_advance_ms(shop, 12 * 60 * 1000);
    assert_int_equal(shop_order(shop, id)->goal, 1);
    shop_advance_ms(shop, 2 * 60 * 1000);
    assert_int_equal(shop_order(shop, id)->goal, 2);
}

static void a_guests_cart_has_fewer_lines(void **state)
{
    struct shop *shop = *state;
    shop->service.limits.guest_cart_lines_max = 1;
    shop_make_product(shop, "MANY", 1, 5000);
    struct shop_id mug = shop_product_id(mr_cstr("MUG"));
    struct shop_id many = shop_product_id(mr_cstr("MANY"));
    const struct shop_id *products[] = {&mug, &many};
    for (size_t i = 0; i < 2; i++) {
        struct shop_add_cart_item add = {
            .meta = shop_command(shop, NULL),
            .owner_id = mr_cstr("gst_a"),
            .product_id = shop_id_view(products[i]),
            .quantity = 1};
        add.meta.actor_kind = mr_cstr("guest");
        shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, "gst_a", &add);
        shop_expect_outcome(shop, i == 0 ? 200 : 422, i == 0 ? NULL : "cart-full");
    }
}

/* -- each token of the simulated provider -- */

static struct mr_bytes pay_with(struct shop *shop, struct psp *psp, const char *token, int minutes)
{
    shop->provider = psp;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, shop_sealed_token(shop, token));
    for (int i = 0; i < minutes * 12; i++)
        shop_advance_ms(shop, 5000);
    return id;
}

static void each_token_ends_as_it_should(void **state)
{
    static const struct {
        const char *token, *cause; /* NULL: confirmed. */
        int minutes;
    } cases[] = {
        {"pm_approve", NULL, 0},
        {"pm_twice", NULL, 0},
        {"pm_slow", NULL, 1},
        {"pm_decline", "payment_timeout", 17}, /* Soft: it waits for another method. */
        {"pm_decline_hard", "payment_declined", 0},
        {"pm_never", "payment_timeout", 17},
        {"pm_of_another_provider", "payment_timeout", 17},
    };
    struct shop *shop = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct psp_simulator *simulator = psp_simulator_new(&(struct psp_simulator_options){0});
        struct psp psp = psp_simulator_psp(simulator);
        int64_t before = shop_stock(shop, "MUG")->on_hand;
        size_t captured = shop_count(shop, SHOP_PAYMENT_CAPTURED);
        struct mr_bytes id = pay_with(shop, &psp, cases[i].token, cases[i].minutes);
        const struct shop_order_state *order = shop_order(shop, id);
        print_message("%s\n", cases[i].token);
        assert_int_equal(order->confirmed, !cases[i].cause);
        assert_int_equal(order->ended, cases[i].cause != NULL);
        assert_true(mr_bytes_equal(order->cause, mr_cstr(cases[i].cause)));
        assert_int_equal(shop_count(shop, SHOP_PAYMENT_CAPTURED) - captured, !cases[i].cause);
        assert_int_equal(shop_stock(shop, "MUG")->on_hand, before - (cases[i].cause ? 0 : 2));
        assert_int_equal(shop_stock(shop, "MUG")->reserved, 0);
        empty_cart(shop); /* An order that failed has opened it again. */
        psp_simulator_free(simulator);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reservation_that_cannot_be_is_a_dead_letter),
        TEST(an_authorization_that_cannot_be_is_a_dead_letter),
        TEST(an_order_is_not_placed_over_another),
        TEST(what_a_stranger_wrote_into_a_log_is_laid_aside_at_a_restart),
        TEST(a_record_of_ours_that_cannot_be_read_stops_its_partition_only),
        TEST(money_refunded_at_the_provider_cancels_the_order),
        TEST(a_refund_whose_capture_was_not_heard_of_settles_the_payment),
        TEST(a_line_that_is_worth_too_much_is_refused),
        TEST(the_largest_price_times_the_largest_quantity_does_not_overflow),
        TEST(a_cart_has_one_currency),
        TEST(a_thing_for_nothing_can_be_ordered),
        TEST(an_order_of_1108_lines_is_confirmed_for_its_sum),
        TEST(large_orders_are_not_all_given_up_in_one_transaction),
        TEST(lines_that_fit_into_no_record_are_refused_with_an_outcome),
        TEST(what_an_owner_holds_without_having_paid_is_bounded),
        TEST(who_lets_holds_expire_again_and_again_sends_a_payment_method),
        TEST(a_payment_method_that_comes_later_makes_the_hold_as_long_as_any),
        TEST(a_guests_cart_has_fewer_lines),
        TEST(each_token_ends_as_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
