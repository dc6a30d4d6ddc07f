/* view_order_test.c - an order's status follows from its events, by the table of the checkout. */
#include "view_fixture.h"

#define OWNER "usr_1"
#define ORDER "ord_1"

static const struct shop_order_view *order_view(struct views *views, const char *order_id)
{
    return views_get(views, VIEW_ORDERS, SHOP_ORDER_VIEW, mr_cstr(order_id));
}

static void expect_status(struct views *views, const char *status)
{
    assert_string_equal(view_order_status(order_view(views, ORDER)), status);
}

#define HEAD(version)                                                                              \
    .meta = meta_at(version, 100), .order_id = MR_LITERAL(ORDER), .owner_id = MR_LITERAL(OWNER)

static void stock_confirmed(struct views *views, int64_t version)
{
    struct shop_order_stock_confirmed event = {HEAD(version)};
    views_pipe(views, SHOP_ORDER_STOCK_CONFIRMED, OWNER, &event);
}

static void payment_started(struct views *views, int64_t version, const char *id, int32_t attempt)
{
    struct shop_order_payment_started event = {
        HEAD(version),
        .payment_id = mr_cstr(id),
        .attempt = attempt,
        .amount = money_pence(300),
        .method_kind = MR_LITERAL("card")};
    views_pipe(views, SHOP_ORDER_PAYMENT_STARTED, OWNER, &event);
}

static void payment_authorized(struct views *views, int64_t version, const char *id)
{
    struct shop_order_payment_authorized event = {
        HEAD(version), .payment_id = mr_cstr(id), .amount = money_pence(300)};
    views_pipe(views, SHOP_ORDER_PAYMENT_AUTHORIZED, OWNER, &event);
}

static void payment_failed(struct views *views, int64_t version, const char *id)
{
    struct shop_order_payment_failed event = {
        HEAD(version), .payment_id = mr_cstr(id), .decline_class = MR_LITERAL("soft")};
    views_pipe(views, SHOP_ORDER_PAYMENT_FAILED, OWNER, &event);
}

static void confirm_order(struct views *views, int64_t version, const char *id)
{
    struct shop_order_confirmed event = {
        HEAD(version),
        .confirmation_no = MR_LITERAL("C123"),
        .payment_id = mr_cstr(id),
        .captured = money_pence(300),
        .confirmed_at = 777};
    views_pipe(views, SHOP_ORDER_CONFIRMED, OWNER, &event);
}

static void abort_requested(struct views *views, int64_t version, const char *cause)
{
    struct shop_order_abort_requested event = {HEAD(version), .cause = mr_cstr(cause)};
    views_pipe(views, SHOP_ORDER_ABORT_REQUESTED, OWNER, &event);
}

static void cancel_order(struct views *views, int64_t version, const struct shop_money *refund)
{
    struct shop_order_cancelled event = {
        HEAD(version), .cause = MR_LITERAL("customer"), .refund = refund};
    views_pipe(views, SHOP_ORDER_CANCELLED, OWNER, &event);
}

static void the_way_to_confirmation(void **state)
{
    struct views *views = *state;
    views_place(views, OWNER, ORDER, 50);
    expect_status(views, "PENDING_STOCK");
    stock_confirmed(views, 2);
    expect_status(views, "PENDING_PAYMENT");
    payment_started(views, 3, "pay_1", 1);
    expect_status(views, "PENDING_PAYMENT");
    payment_authorized(views, 4, "pay_1");
    expect_status(views, "CONFIRMING");
    confirm_order(views, 5, "pay_1");
    expect_status(views, "CONFIRMED");
    const struct shop_order_view *view = order_view(views, ORDER);
    assert_int_equal(view->version, 5);
    assert_true(text_equals(view->confirmation_no, "C123"));
    assert_int_equal(view->confirmed_at, 777);
    assert_int_equal(view->captured->minor, 300);
    assert_int_equal(view->payments_count, 1);
    assert_true(text_equals(view->payments[0].status, "captured"));
    const struct shop_order_lines_state *lines =
        views_get(views, VIEW_ORDER_LINES, SHOP_ORDER_LINES_STATE, mr_cstr(ORDER));
    assert_int_equal(lines->lines_count, 1);
    assert_true(text_equals(lines->lines[0].title, "Robot"));
}

static void a_declined_attempt_may_be_followed_by_another(void **state)
{
    struct views *views = *state;
    views_place(views, OWNER, ORDER, 50);
    stock_confirmed(views, 2);
    payment_started(views, 3, "pay_1", 1);
    payment_failed(views, 4, "pay_1");
    expect_status(views, "PENDING_PAYMENT");
    payment_started(views, 5, "pay_2", 2);
    payment_authorized(views, 6, "pay_2");
    const struct shop_order_view *view = order_view(views, ORDER);
    assert_int_equal(view->payments_count, 2);
    assert_true(text_equals(view->payments[0].status, "declined"));
    assert_true(text_equals(view->payments[0].decline_class, "soft"));
    assert_true(text_equals(view->payments[1].status, "authorized"));
    assert_int_equal(view->payments[1].attempt, 2);
    expect_status(views, "CONFIRMING");
}

static void an_abort_leads_to_cancelled_from_anywhere(void **state)
{
    struct views *views = *state;
    const struct shop_money refund = money_pence(300);
    views_place(views, OWNER, ORDER, 50);
    stock_confirmed(views, 2);
    payment_started(views, 3, "pay_1", 1);
    payment_authorized(views, 4, "pay_1");
    confirm_order(views, 5, "pay_1");
    abort_requested(views, 6, "customer");
    expect_status(views, "CANCELLING");
    assert_true(text_equals(order_view(views, ORDER)->cause, "customer"));
    cancel_order(views, 7, &refund);
    expect_status(views, "CANCELLED");
    assert_int_equal(order_view(views, ORDER)->refund->minor, 300);
}

static void an_owners_orders_are_newest_first(void **state)
{
    struct views *views = *state;
    struct mr_buffer got = {0};
    struct topo_read_scan *scan = NULL;
    struct mr_bytes prefix = view_order_prefix(&views->arena, mr_cstr("usr_1"));
    struct mr_bytes key;
    struct mr_bytes value;
    views_place(views, "usr_1", "ord_a", 100);
    views_place(views, "usr_1", "ord_b", 300);
    views_place(views, "usr_1", "ord_c", 200);
    views_place(views, "usr_1", "ord_d", 300);
    views_place(views, "usr_10", "ord_x", 250);
    assert_int_equal(
        topo_read_scan_open(
            topo_store_reader(topo_driver_store(views->driver, VIEW_ORDERS_BY_OWNER, -1)),
            &(struct topo_read_options){.first = prefix},
            &views->arena,
            &scan,
            NULL),
        0);
    while (topo_read_scan_next(scan, &key, &value, NULL) == 1 && mr_bytes_starts_with(key, prefix))
        mr_buffer_printf(&got, "%.*s ", MR_ARG(view_order_key_id(key)));
    topo_read_scan_close(scan);
    mr_buffer_add_byte(&got, 0);
    assert_string_equal(got.ptr, "ord_b ord_d ord_c ord_a ");
    mr_buffer_clean_up(&got);
}

static void an_event_without_its_order_is_skipped_and_leaves_nothing(void **state)
{
    struct views *views = *state;
    stock_confirmed(views, 2);
    assert_null(order_view(views, ORDER));
    views_place(views, OWNER, ORDER, 50); /* The view goes on. */
    expect_status(views, "PENDING_STOCK");
}

static void a_restart_continues_where_it_was(void **state)
{
    struct views *views = *state;
    struct mr_error error;
    views_place(views, OWNER, ORDER, 50);
    assert_int_equal(topo_driver_restart(views->driver, &error), 0);
    assert_int_equal(topo_driver_run(views->driver, &error), 0);
    stock_confirmed(views, 2);
    expect_status(views, "PENDING_PAYMENT");
}

static void expect_row(
    const struct shop_order_timeline_row *row, int64_t version, const char *type, const char *actor)
{
    assert_int_equal(row->version, version);
    assert_true(text_equals(row->type, type));
    assert_true(text_equals(row->actor, actor));
}

static void a_timeline_has_a_row_for_each_event(void **state)
{
    struct views *views = *state;
    struct shop_money refund = money_pence(300);
    views_place(views, OWNER, ORDER, 50);
    stock_confirmed(views, 2);
    payment_started(views, 3, "pay_1", 1);
    payment_failed(views, 4, "pay_1");
    payment_started(views, 5, "pay_2", 2);
    payment_authorized(views, 6, "pay_2");
    confirm_order(views, 7, "pay_2");
    abort_requested(views, 8, "customer");
    cancel_order(views, 9, &refund);
    const struct shop_order_timeline_state *timeline =
        views_get(views, VIEW_ORDER_TIMELINES, SHOP_ORDER_TIMELINE_STATE, mr_cstr(ORDER));
    assert_non_null(timeline);
    assert_int_equal(timeline->rows_count, 9);
    const struct shop_order_timeline_row *rows = timeline->rows;
    expect_row(&rows[0], 1, "placed", "customer");
    assert_int_equal(rows[0].at, 50);
    assert_int_equal(rows[0].amount->minor, 300);
    assert_false(rows[0].has_attempt);
    expect_row(&rows[1], 2, "stock_held", "customer");
    expect_row(&rows[3], 4, "payment_failed", "payment_provider");
    assert_true(text_equals(rows[3].cause, "soft"));
    assert_int_equal(rows[3].attempt, 1);
    expect_row(&rows[5], 6, "payment_authorized", "payment_provider");
    assert_int_equal(rows[5].attempt, 2);
    expect_row(&rows[6], 7, "confirmed", "customer");
    expect_row(&rows[7], 8, "cancelling", "customer");
    assert_true(text_equals(rows[7].cause, "customer"));
    expect_row(&rows[8], 9, "cancelled", "customer");
    assert_int_equal(rows[8].amount->minor, 300);
    assert_false(rows[8].has_attempt);
}

static void a_timeline_has_what_went_back_while_the_order_stood(void **state)
{
    struct views *views = *state;
    struct shop_money part = money_pence(100);
    views_place(views, OWNER, ORDER, 50);
    confirm_order(views, 2, "pay_1");
    struct shop_order_refund_requested asked = {HEAD(3), .amount = part, .total = part};
    asked.meta.actor_kind = mr_cstr("operator");
    views_pipe(views, SHOP_ORDER_REFUND_REQUESTED, OWNER, &asked);
    struct shop_order_refunded refunded = {HEAD(4), .refunded = part, .total = part};
    views_pipe(views, SHOP_ORDER_REFUNDED, OWNER, &refunded);
    struct shop_order_confirmation_resent resent = {HEAD(5)};
    resent.meta.actor_kind = mr_cstr("operator");
    views_pipe(views, SHOP_ORDER_CONFIRMATION_RESENT, OWNER, &resent);
    const struct shop_order_timeline_state *timeline =
        views_get(views, VIEW_ORDER_TIMELINES, SHOP_ORDER_TIMELINE_STATE, mr_cstr(ORDER));
    assert_int_equal(timeline->rows_count, 5);
    expect_row(&timeline->rows[2], 3, "refund_requested", "staff");
    assert_int_equal(timeline->rows[2].amount->minor, 100);
    expect_row(&timeline->rows[3], 4, "refunded", "payment_provider");
    assert_int_equal(timeline->rows[3].amount->minor, 100);
    expect_row(&timeline->rows[4], 5, "confirmation_resent", "staff");
}

static void who_acted_is_said_in_plain_words(void **state)
{
    static const char *const kinds[][2] = {
        {"guest", "customer"},
        {"operator", "staff"},
        {"psp", "payment_provider"},
        {"system", "system"},
        {"anything", "system"}};
    struct views *views = *state;
    views_place(views, OWNER, ORDER, 50);
    for (int64_t i = 0; i < 5; i++) {
        struct shop_order_stock_confirmed event = {HEAD(i + 2)};
        event.meta.actor_kind = mr_cstr(kinds[i][0]);
        views_pipe(views, SHOP_ORDER_STOCK_CONFIRMED, OWNER, &event);
    }
    const struct shop_order_timeline_state *timeline =
        views_get(views, VIEW_ORDER_TIMELINES, SHOP_ORDER_TIMELINE_STATE, mr_cstr(ORDER));
    for (int64_t i = 0; i < 5; i++)
        expect_row(&timeline->rows[i + 1], i + 2, "stock_held", kinds[i][1]);
}

static void a_timeline_is_bounded(void **state)
{
    struct views *views = *state;
    views_place(views, OWNER, ORDER, 50);
    for (int64_t version = 2; version < VIEW_TIMELINE_ROWS_MAX + 10; version++)
        stock_confirmed(views, version);
    const struct shop_order_timeline_state *timeline =
        views_get(views, VIEW_ORDER_TIMELINES, SHOP_ORDER_TIMELINE_STATE, mr_cstr(ORDER));
    assert_int_equal(timeline->rows_count, VIEW_TIMELINE_ROWS_MAX);
    assert_int_equal(order_view(views, ORDER)->version, VIEW_TIMELINE_ROWS_MAX + 9);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, views_set_up, views_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_way_to_confirmation),
        TEST(a_declined_attempt_may_be_followed_by_another),
        TEST(an_abort_leads_to_cancelled_from_anywhere),
        TEST(an_owners_orders_are_newest_first),
        TEST(an_event_without_its_order_is_skipped_and_leaves_nothing),
        TEST(a_restart_continues_where_it_was),
        TEST(a_timeline_has_a_row_for_each_event),
        TEST(a_timeline_has_what_went_back_while_the_order_stood),
        TEST(who_acted_is_said_in_plain_words),
        TEST(a_timeline_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
