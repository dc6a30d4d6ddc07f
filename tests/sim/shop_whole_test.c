/*
 * shop_whole_test.c - the whole write side on simulated logs: from a product to a confirmed order,
 * the ways in which that fails, and the same with services that die on the way.
 */
#include "shop_harness.h"

#include <tests/cmocka.h>

static const char *const owner = "usr_a";

static int start_shop(void **state)
{
    struct shop *shop = shop_open(NULL);
    shop_make_product(shop, "MUG", 255, 10);
    shop_make_product(shop, "TIN", 100, 3);
    *state = shop;
    return 0;
}

static int stop_shop(void **state)
{
    shop_close(*state);
    return 0;
}

static void expect_stock(struct shop *shop, const char *sku, int64_t on_hand, int64_t reserved)
{
    const struct shop_stock_state *stock = shop_stock(shop, sku);
    assert_int_equal(stock->on_hand, on_hand);
    assert_int_equal(stock->reserved, reserved);
}

static void an_order_is_confirmed_once_with_stock_and_money(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    shop_add_item(shop, owner, "TIN", 1);
    shop_expect_outcome(shop, 200, NULL);
    assert_int_equal(shop_outcome(shop)->cart->lines_count, 2);
    assert_int_equal(shop_outcome(shop)->cart->total.minor, 610);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    shop_expect_outcome(shop, 201, NULL);
    const struct shop_order_state *order = shop_order(shop, id);
    assert_true(order->confirmed);
    assert_int_equal(order->captured->minor, 610);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CONFIRMED), 1);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_CAPTURED), 1);
    assert_int_equal(shop_count(shop, SHOP_NOTIFICATION_REQUESTED), 1);
    expect_stock(shop, "MUG", 8, 0);
    expect_stock(shop, "TIN", 2, 0);
}

static void the_outcome_has_the_positions_of_its_events(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    shop_place(shop, owner, NULL);
    const struct shop_command_outcome *outcome = shop_outcome(shop);
    assert_int_equal(outcome->positions_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(outcome->positions[i].next_offset > 0);
}

static void row_2_another_expected_total_is_refused_and_the_cart_stays_open(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct shop_money expected = {509, mr_cstr("GBP")};
    struct shop_place_order place = {
        .meta = shop_command(shop, NULL), .owner_id = mr_cstr(owner), .expected_total = &expected};
    struct shop_id id = shop_order_id(place.owner_id, place.meta.command_id);
    place.order_id = shop_id_view(&id);
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_PLACE_ORDER, owner, &place);
    shop_expect_outcome(shop, 409, "price-changed");
    shop_add_item(shop, owner, "MUG", 1);
    assert_int_equal(shop_outcome(shop)->cart->lines[0].quantity, 3);
}

static void row_3_a_second_place_order_gives_the_same_order(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 1);
    struct mr_bytes first = shop_place(shop, owner, NULL);
    shop_place(shop, owner, NULL);
    shop_expect_outcome(shop, 200, NULL);
    assert_true(mr_bytes_equal(shop_outcome(shop)->subject_id, first));
    assert_int_equal(shop_count(shop, SHOP_ORDER_PLACED), 1);
}

static void an_empty_cart_cannot_be_ordered(void **state)
{
    struct shop *shop = *state;
    shop_place(shop, owner, NULL);
    shop_expect_outcome(shop, 422, "cart-empty");
}

static void row_6_one_line_out_of_stock_releases_all(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    shop_add_item(shop, owner, "TIN", 4);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    const struct shop_order_state *order = shop_order(shop, id);
    assert_true(order->ended);
    assert_true(mr_bytes_equal(order->cause, mr_cstr("out_of_stock")));
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REQUESTED), 0);
    expect_stock(shop, "MUG", 10, 0);
    expect_stock(shop, "TIN", 3, 0);
}

static void what_was_short_is_named_and_the_cart_is_open_again(void **state)
{
    struct shop *shop = *state;
    shop_make_product(shop, "PLENTY", 100, 50);
    shop_add_item(shop, owner, "PLENTY", 2);
    shop_add_item(shop, owner, "MUG", 11);
    shop_add_item(shop, owner, "TIN", 4);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_true(mr_bytes_equal(shop_order(shop, id)->cause, mr_cstr("out_of_stock")));
    const struct shop_order_cancelled *over = shop_last(shop, SHOP_ORDER_CANCELLED);
    assert_int_equal(over->short_lines_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool mug = over->short_lines[i].line_no == 2;
        assert_int_equal(over->short_lines[i].quantity, mug ? 11 : 4);
        assert_int_equal(over->short_lines[i].available, mug ? 10 : 3);
    }
    assert_int_equal(shop_count(shop, SHOP_CART_ITEM_ADDED), 6);
    /* Lines put into the next cart meanwhile are kept beside it. */
    struct shop_id mug = shop_product_id(mr_cstr("MUG"));
    struct shop_set_cart_item_quantity fewer = {
        .meta = shop_command(shop, NULL),
        .owner_id = mr_cstr(owner),
        .product_id = shop_id_view(&mug),
        .quantity = 10};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_SET_CART_ITEM_QUANTITY, owner, &fewer);
    shop_expect_outcome(shop, 200, NULL);
    assert_int_equal(shop_outcome(shop)->cart->lines_count, 3);
}

static void row_7_a_changed_price_reopens_the_cart_at_the_new_one(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    shop_set_price(shop, "MUG", 300);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_true(mr_bytes_equal(shop_order(shop, id)->cause, mr_cstr("price_changed")));
    assert_true(shop_order(shop, id)->ended);
    const struct shop_cart_item_added *back = shop_last(shop, SHOP_CART_ITEM_ADDED);
    assert_int_equal(back->quoted_unit_price.minor, 300);
    assert_int_equal(back->quantity_after, 2);
    id = shop_place(shop, owner, &shop_token);
    assert_true(shop_order(shop, id)->confirmed);
    assert_int_equal(shop_order(shop, id)->captured->minor, 600);
}

static void row_8_an_unpaid_order_is_given_up_at_its_deadline(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, NULL);
    expect_stock(shop, "MUG", 10, 2);
    shop_advance_ms(shop, 110 * 1000);
    assert_int_equal(shop_order(shop, id)->goal, 1);
    shop_advance_ms(shop, 20 * 1000);
    assert_true(shop_order(shop, id)->ended);
    assert_true(mr_bytes_equal(shop_order(shop, id)->cause, mr_cstr("payment_timeout")));
    expect_stock(shop, "MUG", 10, 0);
    /* The cart is open again. */
    const struct shop_cart_item_added *back = shop_last(shop, SHOP_CART_ITEM_ADDED);
    assert_int_equal(back->quantity_after, 2);
    assert_true(shop_order(shop, shop_place(shop, owner, &shop_token))->confirmed);
}

static void start_payment(struct shop *shop, struct mr_bytes order_id)
{
    struct shop_start_payment again = {
        .meta = shop_command(shop, NULL),
        .owner_id = mr_cstr(owner),
        .order_id = order_id,
        .method_token_sealed = shop_token};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_START_PAYMENT, owner, &again);
}

static void rows_9_and_10_a_soft_decline_keeps_the_holds_for_another_attempt(void **state)
{
    struct shop *shop = *state;
    shop->psp = "soft";
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_true(shop_order(shop, id)->attempt_failed);
    expect_stock(shop, "MUG", 10, 2);
    shop->psp = SHOP_PSP_AUTHORIZED;
    start_payment(shop, id);
    shop_expect_outcome(shop, 201, NULL);
    assert_true(shop_order(shop, id)->confirmed);
    assert_int_equal(shop_order(shop, id)->attempt, 2);
    start_payment(shop, id);
    shop_expect_outcome(shop, 409, "payment-not-expected");
}

static void row_9_not_while_an_attempt_is_under_way(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    start_payment(shop, id);
    shop_expect_outcome(shop, 409, "payment-in-progress");
}

static void row_11_a_hard_decline_cancels(void **state)
{
    struct shop *shop = *state;
    shop->psp = "hard";
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    assert_true(shop_order(shop, id)->ended);
    assert_true(mr_bytes_equal(shop_order(shop, id)->cause, mr_cstr("payment_declined")));
    expect_stock(shop, "MUG", 10, 0);
}

static void row_18_cancelling_before_payment_releases(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, NULL);
    shop_cancel(shop, owner, id);
    shop_expect_outcome(shop, 202, NULL);
    assert_true(shop_order(shop, id)->ended);
    expect_stock(shop, "MUG", 10, 0);
    shop_cancel(shop, "usr_b", id);
    shop_expect_outcome(shop, 404, "not-found");
}

static void row_20_cancelling_a_confirmed_order_refunds_and_restocks(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    shop_cancel(shop, owner, id);
    assert_true(shop_order(shop, id)->ended);
    const struct shop_order_cancelled *cancelled = shop_last(shop, SHOP_ORDER_CANCELLED);
    assert_non_null(cancelled->refund);
    assert_int_equal(cancelled->refund->minor, 510);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_REFUNDED), 1);
    expect_stock(shop, "MUG", 10, 0);
}

static void row_27_a_silent_provider_is_asked_again_under_the_same_key(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    const struct shop_payment_op_requested *first = shop_last(shop, SHOP_PAYMENT_OP_REQUESTED);
    shop_advance_ms(shop, 6000);
    const struct shop_payment_op_requested *second = shop_last(shop, SHOP_PAYMENT_OP_REQUESTED);
    assert_ptr_not_equal(first, second);
    assert_true(mr_bytes_equal(first->op_key, second->op_key));
    assert_int_equal(second->attempt_no, 2);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_TIMED_OUT), 1);
    shop->psp = SHOP_PSP_AUTHORIZED;
    shop_advance_ms(shop, 11000);
    assert_true(shop_order(shop, id)->confirmed);
}

static void row_28_giving_up_on_a_silent_provider_voids_the_intent(void **state)
{
    struct shop *shop = *state;
    shop->psp = NULL;
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, &shop_token);
    shop->psp = SHOP_PSP_AUTHORIZED;
    shop_cancel(shop, owner, id);
    assert_int_equal(shop_count(shop, SHOP_PAYMENT_VOIDED), 1);
    assert_true(shop_order(shop, id)->ended);
}

static void row_30_a_hold_expires_and_row_31_is_committed_if_still_free(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 2);
    struct shop_id id = shop_product_id(mr_cstr("MUG"));
    struct shop_reserve_stock reserve = {
        .order_id = mr_cstr("ord_x"),
        .owner_id = mr_cstr(owner),
        .line_no = 1,
        .product_id = shop_id_view(&id),
        .quantity = 2,
        .unit_price = {255, mr_cstr("GBP")},
        .reserved_until = INT64_C(1700000001000)};
    mr_buffer_reset(&shop->scratch);
    struct mr_error error = {0};
    codec_encode(
        shop->registry, SHOP_RESERVE_STOCK, "inventory.stock.commands", &reserve, &shop->scratch);
    assert_int_equal(
        topo_driver_pipe(
            shop->drivers[MEMBER_CATALOG],
            "inventory.stock.commands",
            shop_id_view(&id),
            mr_buffer_view(&shop->scratch),
            &error),
        0);
    expect_stock(shop, "MUG", 10, 2);
    assert_int_equal(topo_driver_advance_ms(shop->drivers[MEMBER_CATALOG], 3000, &error), 0);
    expect_stock(shop, "MUG", 10, 0);
    struct shop_commit_stock commit = {
        .order_id = reserve.order_id,
        .owner_id = reserve.owner_id,
        .line_no = 1,
        .product_id = reserve.product_id,
        .quantity = 2};
    mr_buffer_reset(&shop->scratch);
    codec_encode(
        shop->registry, SHOP_COMMIT_STOCK, "inventory.stock.commands", &commit, &shop->scratch);
    assert_int_equal(
        topo_driver_pipe(
            shop->drivers[MEMBER_CATALOG],
            "inventory.stock.commands",
            shop_id_view(&id),
            mr_buffer_view(&shop->scratch),
            &error),
        0);
    expect_stock(shop, "MUG", 8, 0);
}

static void the_same_command_twice_has_one_effect_and_the_same_answer(void **state)
{
    struct shop *shop = *state;
    struct shop_id product = shop_product_id(mr_cstr("MUG"));
    struct shop_add_cart_item add = {
        .meta = shop_command(shop, "once"),
        .owner_id = mr_cstr(owner),
        .product_id = shop_id_view(&product),
        .quantity = 2};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, owner, &add);
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, owner, &add);
    const struct shop_command_reply *reply = shop_last(shop, SHOP_COMMAND_REPLY);
    assert_true(reply->replayed);
    assert_int_equal(reply->outcome.cart->lines[0].quantity, 2);
    assert_int_equal(shop_count(shop, SHOP_CART_ITEM_ADDED), 1);
    add.meta.fingerprint = mr_cstr("another request");
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, owner, &add);
    shop_expect_outcome(shop, 422, "idempotency-key-reused");
    assert_int_equal(shop_count(shop, SHOP_CART_ITEM_ADDED), 1);
}

static void limits_and_money_are_bounded(void **state)
{
    struct shop *shop = *state;
    shop_add_item(shop, owner, "MUG", 1000001);
    shop_expect_outcome(shop, 422, "quantity-limit");
    shop_add_item(shop, owner, "MUG", 0);
    shop_expect_outcome(shop, 422, "quantity-limit");
    shop_add_item(shop, owner, "NONE", 1);
    shop_expect_outcome(shop, 409, "product-unavailable");
    shop_make_product(shop, "GOLD", INT64_C(1000000000000), 10);
    shop_add_item(shop, owner, "GOLD", 1);
    shop_expect_outcome(shop, 200, NULL);
    shop_add_item(shop, owner, "MUG", 1);
    shop_expect_outcome(shop, 422, "validation");
    shop_make_product(shop, "DEAR", INT64_C(1000000000001), 10);
    shop_add_item(shop, owner, "DEAR", 1);
    shop_expect_outcome(shop, 409, "product-unavailable");
}

static struct shop_claim_email claim_of(struct shop *shop, const char *user)
{
    return (struct shop_claim_email){
        .meta = shop_command(shop, NULL),
        .email_key = mr_cstr("EMAIL"),
        .user_id = mr_cstr(user),
        .email_sealed = shop_token,
        .locale = mr_cstr("en"),
        .credential_sealed = &shop_token,
        .subject_key = {mr_cstr("k"), mr_cstr(user), mr_cstr("kek"), mr_cstr(""), mr_cstr("")}};
}

static void two_claims_of_one_address_make_one_user(void **state)
{
    struct shop *shop = *state;
    struct mr_error error = {0};
    struct shop_claim_email first = claim_of(shop, "usr_1"), second = claim_of(shop, "usr_2");
    shop_send(shop, MEMBER_IDENTITY, "identity.claim.commands", SHOP_CLAIM_EMAIL, "EMAIL", &first);
    shop_expect_outcome(shop, 201, NULL);
    assert_int_equal(topo_driver_crash(shop->drivers[MEMBER_IDENTITY], &error), 0);
    shop_send(shop, MEMBER_IDENTITY, "identity.claim.commands", SHOP_CLAIM_EMAIL, "EMAIL", &second);
    shop_expect_outcome(shop, 409, "email-taken");
    assert_int_equal(shop_count(shop, SHOP_USER_REGISTERED), 1);
    assert_int_equal(shop_count(shop, SHOP_CREDENTIAL), 1);
    struct shop_start_session session = {
        .meta = shop_command(shop, NULL),
        .user_id = mr_cstr("usr_1"),
        .session_id = mr_cstr("ses_1")};
    shop_send(
        shop, MEMBER_IDENTITY, "identity.user.commands", SHOP_START_SESSION, "usr_1", &session);
    shop_expect_outcome(shop, 201, NULL);
    session.meta = shop_command(shop, NULL);
    session.user_id = mr_cstr("usr_2");
    shop_send(
        shop, MEMBER_IDENTITY, "identity.user.commands", SHOP_START_SESSION, "usr_2", &session);
    shop_expect_outcome(shop, 404, "not-found");
}

static void send_rotation(struct shop *shop, const struct shop_rotate_session *command)
{
    const char *topic = "identity.user.commands";
    shop_send(shop, MEMBER_IDENTITY, topic, SHOP_ROTATE_SESSION, "usr_1", command);
}

/* A crash loses no renewal, and a command that comes twice renews once. */
static void a_stolen_refresh_token_ends_the_session_after_a_crash_too(void **state)
{
    struct shop *shop = *state;
    struct mr_error error = {0};
    struct shop_claim_email claim = claim_of(shop, "usr_1");
    shop_send(shop, MEMBER_IDENTITY, "identity.claim.commands", SHOP_CLAIM_EMAIL, "EMAIL", &claim);
    struct shop_start_session session = {
        .meta = shop_command(shop, NULL),
        .user_id = mr_cstr("usr_1"),
        .session_id = mr_cstr("ses_1"),
        .expires_at = INT64_MAX};
    shop_send(
        shop, MEMBER_IDENTITY, "identity.user.commands", SHOP_START_SESSION, "usr_1", &session);
    struct shop_rotate_session rotation = {
        .meta = shop_command(shop, NULL),
        .user_id = mr_cstr("usr_1"),
        .session_id = mr_cstr("ses_1"),
        .expires_at = INT64_MAX};
    send_rotation(shop, &rotation);
    assert_int_equal(topo_driver_crash(shop->drivers[MEMBER_IDENTITY], &error), 0);
    send_rotation(shop, &rotation);
    assert_int_equal(shop_count(shop, SHOP_SESSION_ROTATED), 1);
    shop_advance_ms(shop, 31000);
    rotation.meta = shop_command(shop, NULL);
    send_rotation(shop, &rotation);
    shop_expect_outcome(shop, 401, "refresh-reused");
    assert_int_equal(shop_count(shop, SHOP_SESSION_REUSE_DETECTED), 1);
    assert_int_equal(shop_count(shop, SHOP_SESSION_REVOKED), 1);
    assert_int_equal(topo_driver_crash(shop->drivers[MEMBER_IDENTITY], &error), 0);
    rotation.meta = shop_command(shop, NULL);
    rotation.generation = 1;
    send_rotation(shop, &rotation);
    shop_expect_outcome(shop, 401, "token-invalid");
}

/* Sums over everything that was seen: the invariants of the architecture, by name. */
static void expect_books_balance(const struct shop *shop)
{
    int64_t captured = 0, refunded = 0, confirmed = 0, returned = 0;
    for (size_t i = 0; i < shop->seen_count; i++) {
        const struct codec_message *message = &shop->seen[i].message;
        if (message->id == SHOP_PAYMENT_CAPTURED)
            captured += ((const struct shop_payment_captured *)message->value)->captured.minor;
        else if (message->id == SHOP_PAYMENT_REFUNDED)
            refunded += ((const struct shop_payment_refunded *)message->value)->refunded.minor;
        else if (message->id == SHOP_ORDER_CONFIRMED)
            confirmed += ((const struct shop_order_confirmed *)message->value)->captured.minor;
        else if (message->id == SHOP_ORDER_CANCELLED) {
            const struct shop_order_cancelled *cancelled = message->value;
            returned += cancelled->refund ? cancelled->refund->minor : 0;
        }
    }
    assert_int_equal(captured - refunded, confirmed - returned);
}

static void orders_of_many(struct shop *shop)
{
    static const char *const owners[] = {"usr_1", "usr_2", "usr_3", "usr_4", "usr_5"};
    for (int i = 0; i < 5; i++) {
        shop_add_item(shop, owners[i], "MUG", 3);
        if (i % 2)
            shop_add_item(shop, owners[i], "TIN", 1);
        struct mr_bytes id = shop_place(shop, owners[i], &shop_token);
        if (i == 1)
            shop_cancel(shop, owners[i], id);
    }
}

/* Ten mugs, three each: four are served, the second of them gives hers back, the fifth is
 * refused. */
static void expect_many(struct shop *shop)
{
    assert_int_equal(shop_count(shop, SHOP_ORDER_PLACED), 5);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CONFIRMED), 4);
    assert_int_equal(shop_count(shop, SHOP_ORDER_CANCELLED), 2);
    expect_stock(shop, "MUG", 1, 0);
    expect_stock(shop, "TIN", 2, 0);
    expect_books_balance(shop);
}

static void invariants_hold_over_many_orders(void **state)
{
    orders_of_many(*state);
    expect_many(*state);
}

static void services_that_die_in_the_middle_change_nothing(void **state)
{
    struct shop *shop = *state;
    shop->crash_every = 3;
    orders_of_many(shop);
    expect_many(shop);
}

static int outcomes_in(const struct shop *shop, const char *topic)
{
    int count = 0;
    for (size_t i = 0; i < shop->seen_count; i++)
        count += strcmp(shop->seen[i].topic, topic) == 0;
    return count;
}

static void a_stock_command_is_answered_in_the_stock_outcomes(void **state)
{
    struct shop *shop = *state;
    int products = outcomes_in(shop, "catalog.product.outcomes");
    int stocks = outcomes_in(shop, "inventory.stock.outcomes");
    shop_make_product(shop, "CUP", 100, 7);
    shop_set_price(shop, "CUP", 110);
    assert_int_equal(outcomes_in(shop, "catalog.product.outcomes"), products + 2);
    assert_int_equal(outcomes_in(shop, "inventory.stock.outcomes"), stocks + 1);
}

static void a_restart_gives_the_same_state(void **state)
{
    struct shop *shop = *state;
    struct mr_error error = {0};
    shop_add_item(shop, owner, "MUG", 2);
    struct mr_bytes id = shop_place(shop, owner, NULL);
    struct shop_order_state before = *shop_order(shop, id);
    for (int i = 0; i < SHOP_SERVICES; i++) {
        assert_int_equal(topo_driver_restart(shop->drivers[i], &error), 0);
        assert_int_equal(topo_driver_run(shop->drivers[i], &error), 0);
    }
    assert_true(codec_equal(&shop_types[SHOP_ORDER_STATE], &before, shop_order(shop, id)));
    expect_stock(shop, "MUG", 10, 2);
    shop_advance_ms(shop, 16 * 60 * 1000);
    assert_true(shop_order(shop, id)->ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_order_is_confirmed_once_with_stock_and_money),
        TEST(the_outcome_has_the_positions_of_its_events),
        TEST(row_2_another_expected_total_is_refused_and_the_cart_stays_open),
        TEST(row_3_a_second_place_order_gives_the_same_order),
        TEST(an_empty_cart_cannot_be_ordered),
        TEST(row_6_one_line_out_of_stock_releases_all),
        TEST(what_was_short_is_named_and_the_cart_is_open_again),
        TEST(row_7_a_changed_price_reopens_the_cart_at_the_new_one),
        TEST(row_8_an_unpaid_order_is_given_up_at_its_deadline),
        TEST(rows_9_and_10_a_soft_decline_keeps_the_holds_for_another_attempt),
        TEST(row_9_not_while_an_attempt_is_under_way),
        TEST(row_11_a_hard_decline_cancels),
        TEST(row_18_cancelling_before_payment_releases),
        TEST(row_20_cancelling_a_confirmed_order_refunds_and_restocks),
        TEST(row_27_a_silent_provider_is_asked_again_under_the_same_key),
        TEST(row_28_giving_up_on_a_silent_provider_voids_the_intent),
        TEST(row_30_a_hold_expires_and_row_31_is_committed_if_still_free),
        TEST(the_same_command_twice_has_one_effect_and_the_same_answer),
        TEST(limits_and_money_are_bounded),
        TEST(two_claims_of_one_address_make_one_user),
        TEST(a_stolen_refresh_token_ends_the_session_after_a_crash_too),
        TEST(invariants_hold_over_many_orders),
        TEST(services_that_die_in_the_middle_change_nothing),
        TEST(a_stock_command_is_answered_in_the_stock_outcomes),
        TEST(a_restart_gives_the_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
