/* query_orders_test.c - an owner's orders: since when, what is to be done, what has happened. */
#include "query_shop.h"

static void a_timeline_is_its_owners(void **state)
{
    struct fixture *fixture = *state;
    char header[QUERY_BEARER_MAX + 2304];
    views_place(&fixture->views, "usr_1", "ord_1", 1000);
    views_place(&fixture->views, "usr_2", "ord_2", 2000);
    confirm_order(fixture, "usr_1", "ord_1");
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1/timeline", fixture->bearer), 200);
    expect_in_body(
        fixture,
        "{\"order_id\":\"ord_1\",\"items\":[{\"version\":1,\"at\":\"1970-01-01T00:00:01.000Z\","
        "\"type\":\"placed\",\"actor\":\"customer\",\"amount\":{\"amount_minor\":300,");
    expect_in_body(fixture, "\"type\":\"confirmed\"");
    (void)snprintf(
        header,
        sizeof header,
        "%sIf-None-Match: %s\r\n",
        fixture->bearer,
        client_header(&fixture->answer, "ETag"));
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1/timeline", header), 304);
    assert_int_equal(get_status(fixture, "/v1/orders/ord_2/timeline", fixture->bearer), 404);
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1/timeline", ""), 401);
}

static void orders_since_a_time(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {
        "",
        "yesterday",
        "0000-00-00",
        "2026-01-32",
        "2026-13-01",
        "2026-01-01T24:00:00Z",
        "2026-01-01T10:15:00",
        "2026-01-01T10:15:00+01:00",
        "2026-01-01T10:15:00.0Z"};
    static const struct {
        const char *query;
        const char *ids;
    } cases[] = {
        {"since=1970-01-01", "3210"},
        {"since=1970-01-01T00:00:02Z", "32"},
        {"since=1970-01-01T00:00:02.001Z", "3"},
        {"since=1970-01-02", ""},
        {"since=0000-02-30", "3210"},
        {"since=1970-01-01T00:00:01Z&status=PENDING_STOCK", "321"},
    };
    char target[128];
    char id[16];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(id, sizeof id, "ord_%d", i);
        views_place(&fixture->views, "usr_1", id, 1000 * i);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char ids[16] = "";
        size_t count = 0;
        (void)snprintf(target, sizeof target, "/v1/orders?%s", cases[i].query);
        assert_int_equal(get_status(fixture, target, fixture->bearer), 200);
        for (const char *at = fixture->answer.body; (at = strstr(at, "\"order_id\":\"ord_")); at++)
            ids[count++] = at[16];
        assert_string_equal(ids, cases[i].ids);
    }
    assert_int_equal(
        get_status(fixture, "/v1/orders?limit=1&since=1970-01-01T00:00:03Z", fixture->bearer), 200);
    assert_null(strstr(fixture->answer.body, "\"next\""));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)snprintf(target, sizeof target, "/v1/orders?since=%s", wrong[i]);
        assert_int_equal(get_status(fixture, target, fixture->bearer), 400);
        expect_in_body(fixture, "\"parameter\":\"since\"");
    }
}

#define HEAD(version)                                                                              \
    .meta = meta_at(version, 100), .order_id = MR_LITERAL("ord_1"), .owner_id = MR_LITERAL("usr_1")

/* The members of ord_1 that say what its owner has to do or to know. */
static void expect_hints(struct fixture *fixture, const char *action, const char *attention)
{
    char text[64];
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1", fixture->bearer), 200);
    (void)snprintf(text, sizeof text, "\"next_action\":\"%s\"", action ? action : "");
    assert_true((strstr(fixture->answer.body, text) != NULL) == (action != NULL));
    assert_true((strstr(fixture->answer.body, "next_action") != NULL) == (action != NULL));
    (void)snprintf(text, sizeof text, "\"attention\":\"%s\"", attention ? attention : "");
    assert_true((strstr(fixture->answer.body, text) != NULL) == (attention != NULL));
    assert_true((strstr(fixture->answer.body, "attention") != NULL) == (attention != NULL));
}

static void an_order_says_what_its_owner_has_to_do(void **state)
{
    struct fixture *fixture = *state;
    struct views *views = &fixture->views;
    struct shop_order_stock_confirmed held = {HEAD(2)};
    struct shop_order_payment_started started = {
        HEAD(3),
        .payment_id = MR_LITERAL("pay_12345678"),
        .attempt = 1,
        .amount = money_pence(300),
        .method_kind = MR_LITERAL("card")};
    struct shop_order_payment_failed failed = {
        HEAD(4), .payment_id = MR_LITERAL("pay_12345678"), .decline_class = MR_LITERAL("soft")};
    struct shop_order_abort_requested aborted = {HEAD(6), .cause = MR_LITERAL("customer")};
    views_place(views, "usr_1", "ord_1", 1000);
    expect_hints(fixture, NULL, NULL);
    views_pipe(views, SHOP_ORDER_STOCK_CONFIRMED, "usr_1", &held);
    expect_hints(fixture, "pay", NULL);
    views_pipe(views, SHOP_ORDER_PAYMENT_STARTED, "usr_1", &started);
    expect_hints(fixture, NULL, NULL);
    views_pipe(views, SHOP_ORDER_PAYMENT_FAILED, "usr_1", &failed);
    expect_hints(fixture, "pay", "payment_declined");
    confirm_order(fixture, "usr_1", "ord_1");
    expect_hints(fixture, NULL, NULL);
    views_pipe(views, SHOP_ORDER_ABORT_REQUESTED, "usr_1", &aborted);
    expect_hints(fixture, NULL, "refund_pending");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_timeline_is_its_owners),
        TEST(orders_since_a_time),
        TEST(an_order_says_what_its_owner_has_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
