/* query_kept_test.c - answers sent again: to the same owner only, and never after a change. */
#include "query_shop.h"

enum { OWNERS = 5, TIMES = 4 };

static char names[OWNERS][16];
static char bearers[OWNERS][QUERY_BEARER_MAX];

static int set_up_owners(void **state)
{
    (void)set_up(state);
    struct fixture *fixture = *state;
    for (int i = 0; i < OWNERS; i++) {
        (void)snprintf(names[i], sizeof names[i], "usr_%d", i);
        query_bearer(fixture->keys, names[i], bearers[i]);
    }
    return 0;
}

static void ask_query(struct fixture *fixture, const char *target, const char *headers, int status)
{
    assert_int_equal(query_get(fixture->server, target, headers, &fixture->answer), status);
}

static void expect_quantity(struct fixture *fixture, int quantity)
{
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "\"quantity\":%d,", quantity);
    if (!strstr(fixture->answer.body, wanted))
        fail_msg("no %s in: %s", wanted, fixture->answer.body);
}

static void copy_text(char *to, size_t size, const char *text)
{
    assert_non_null(text);
    assert_true(strlen(text) < size);
    memcpy(to, text, strlen(text) + 1);
}

/* How many answers were sent again. */
static unsigned long long count_kept(struct fixture *fixture)
{
    static const char name[] = "\nmillrace_http_kept_sent_total ";
    struct mr_buffer metrics = {0};
    http_server_metrics(fixture->server, &metrics);
    mr_buffer_add_byte(&metrics, 0);
    const char *at = strstr(metrics.ptr, name);
    assert_non_null(at);
    unsigned long long count = strtoull(at + sizeof name - 1, NULL, 10);
    mr_buffer_clean_up(&metrics);
    return count;
}

static void set_cart(struct fixture *fixture, const char *owner, int32_t quantity, int64_t version)
{
    struct shop_cart_item_added event = {
        .meta = meta_at(version, 1),
        .owner_id = mr_cstr(owner),
        .cart_id = MR_LITERAL("crt_1"),
        .product_id = MR_LITERAL("prd_1"),
        .quantity_delta = quantity,
        .quantity_after = quantity,
        .quoted_unit_price = money_pence(100),
        .price_version = 1,
    };
    views_pipe(&fixture->views, SHOP_CART_ITEM_ADDED, owner, &event);
}

static void an_answer_is_sent_again_with_the_same_bytes_and_its_own_request_id(void **state)
{
    struct fixture *fixture = *state;
    char body[4096] = "";
    char ids[TIMES][64];
    static const char traced[] =
        "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\r\n";
    set_cart(fixture, "usr_1", 7, 1);
    for (int i = 0; i < TIMES; i++) {
        char headers[QUERY_BEARER_MAX + 128];
        (void)snprintf(headers, sizeof headers, "%s%s", bearers[1], i == 2 ? traced : "");
        ask_query(fixture, "/v1/cart", headers, 200);
        assert_true(i == 0 || strcmp(fixture->answer.body, body) == 0);
        copy_text(body, sizeof body, fixture->answer.body);
        copy_text(ids[i], sizeof ids[i], client_header(&fixture->answer, "Request-Id"));
        assert_true((client_header(&fixture->answer, "traceparent") != NULL) == (i == 2));
        assert_non_null(client_header(&fixture->answer, "ETag"));
        assert_string_equal(client_header(&fixture->answer, "View-Lag"), "0");
        assert_string_equal(client_header(&fixture->answer, "Cache-Control"), "private, no-store");
        assert_non_null(client_header(&fixture->answer, "Consistency-Token"));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
    assert_int_equal(count_kept(fixture), TIMES - 2); /* Kept the second time. */
}

static void nobody_gets_the_answer_of_another_owner(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < OWNERS; i++) {
        set_cart(fixture, names[i], 10 + i, 1);
        views_place(&fixture->views, names[i], names[i], 1000);
    }
    for (int time = 0; time < TIMES; time++)
        for (int i = 0; i < OWNERS; i++) {
            char target[64];
            ask_query(fixture, "/v1/cart", bearers[i], 200);
            expect_quantity(fixture, 10 + i);
            for (int j = 0; j < OWNERS; j++) {
                (void)snprintf(target, sizeof target, "/v1/orders/usr_%d", j);
                ask_query(fixture, target, bearers[i], i == j ? 200 : 404);
            }
        }
    ask_query(fixture, "/v1/cart", "", 401);
    ask_query(fixture, "/v1/orders/usr_1", "", 401);
    ask_query(fixture, "/v1/cart", "Authorization: Bearer abc\r\n", 401);
    ask_query(
        fixture, "/v1/cart", "Cart-Token: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", 200);
    assert_null(strstr(fixture->answer.body, "\"quantity\""));
    assert_in_range(count_kept(fixture), OWNERS, 2 * OWNERS * (TIMES - 2));
}

static void an_ended_session_gets_no_kept_answer_and_the_list_of_sessions_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    char ended[QUERY_BEARER_MAX];
    query_bearer_of(fixture->keys, "usr_1", "ses_1", ended);
    set_cart(fixture, "usr_1", 7, 1);
    for (int i = 0; i < TIMES; i++) {
        ask_query(fixture, "/v1/cart", i % 2 ? ended : bearers[1], 200);
        ask_query(fixture, "/v1/sessions", i % 2 ? ended : bearers[1], 200);
    }
    assert_int_equal(count_kept(fixture), TIMES - 2);
    struct shop_session_revoked revoked = {
        .meta = meta_at(1, 1),
        .user_id = MR_LITERAL("usr_1"),
        .session_id = MR_LITERAL("ses_1"),
        .cause = MR_LITERAL("logout")};
    views_pipe(&fixture->views, SHOP_SESSION_REVOKED, "usr_1", &revoked);
    ask_query(fixture, "/v1/cart", ended, 401);
    ask_query(fixture, "/v1/cart", bearers[1], 200);
    assert_int_equal(count_kept(fixture), TIMES - 1);
}

static void a_change_of_any_view_that_it_reads_is_seen_at_once(void **state)
{
    struct fixture *fixture = *state;
    char token[1024] = "";
    for (int32_t version = 1; version <= TIMES; version++) {
        set_cart(fixture, "usr_1", version + 2, version);
        for (int time = 0; time < TIMES; time++) {
            ask_query(fixture, "/v1/cart", bearers[1], 200);
            expect_quantity(fixture, version + 2);
            const char *given = client_header(&fixture->answer, "Consistency-Token");
            assert_true((time > 0) == (strcmp(given, token) == 0));
            copy_text(token, sizeof token, given);
        }
    }
    struct shop_product_created created = {
        .meta = meta_at(1, 1),
        .product_id = MR_LITERAL("prd_1"),
        .sku = MR_LITERAL("SKU"),
        .title = MR_LITERAL("Lantern"),
        .description = MR_LITERAL(""),
    };
    assert_null(strstr(fixture->answer.body, "Lantern"));
    views_pipe(&fixture->views, SHOP_PRODUCT_CREATED, "prd_1", &created);
    ask_query(fixture, "/v1/cart", bearers[1], 200);
    assert_non_null(strstr(fixture->answer.body, "Lantern"));
}

static void an_answer_that_is_sent_again_still_has_its_conditions(void **state)
{
    struct fixture *fixture = *state;
    char headers[QUERY_BEARER_MAX + 256];
    char etag[64];
    set_cart(fixture, "usr_1", 7, 1);
    for (int i = 0; i < TIMES; i++)
        ask_query(fixture, "/v1/cart", bearers[1], 200);
    copy_text(etag, sizeof etag, client_header(&fixture->answer, "ETag"));
    (void)snprintf(headers, sizeof headers, "%sIf-None-Match: %s\r\n", bearers[1], etag);
    ask_query(fixture, "/v1/cart", headers, 304);
    (void)snprintf(headers, sizeof headers, "%sAccept: text/html\r\n", bearers[1]);
    ask_query(fixture, "/v1/cart", headers, 406);
    ask_query(fixture, "/v1/cart?colour=red", bearers[1], 400);
    (void)snprintf(headers, sizeof headers, "%sConsistency-Token: AAAA\r\n", bearers[1]);
    ask_query(fixture, "/v1/cart", headers, 400);
    struct mr_buffer request = {0};
    mr_buffer_printf(&request, "HEAD /v1/cart HTTP/1.1\r\nHost: a\r\n%s\r\n", bearers[1]);
    mr_buffer_add_byte(&request, 0);
    client_ask(http_server_port(fixture->server), request.ptr, true, &fixture->answer);
    assert_int_equal(fixture->answer.status, 200);
    assert_int_equal(fixture->answer.body_len, 0);
    mr_buffer_clean_up(&request);
}

/* With a title that makes its page large. */
static void offer_large_product(struct fixture *fixture, int number)
{
    char id[16];
    char title[400];
    (void)snprintf(id, sizeof id, "prd_%03d", number);
    memset(title, 'a', sizeof title);
    title[sizeof title - 1] = '\0';
    offer_product(fixture, id, title, 100);
}

/* More, and larger, than there is room for. */
static void the_kept_answers_are_bounded(void **state)
{
    enum { TARGETS = 1500, PRODUCTS = 20, BYTES_MAX = 16 << 20 };
    struct fixture *fixture = *state;
    static const char name[] = "\nmillrace_http_kept_bytes ";
    struct mr_buffer metrics = {0};
    struct mr_buffer request = {0};
    for (int i = 0; i < PRODUCTS; i++)
        offer_large_product(fixture, i);
    int fd = client_connect(http_server_port(fixture->server));
    for (int i = 0; i < 2 * TARGETS; i++) {
        mr_buffer_reset(&request);
        mr_buffer_printf(
            &request, "GET /v1/products?price_max=%d HTTP/1.1\r\nHost: a\r\n\r\n", 1000000 + i / 2);
        client_send(fd, request.ptr, request.len);
        assert_true(client_read(fd, false, &fixture->answer));
        assert_int_equal(fixture->answer.status, 200);
    }
    close(fd);
    http_server_metrics(fixture->server, &metrics);
    mr_buffer_add_byte(&metrics, 0);
    unsigned long long bytes = strtoull(strstr(metrics.ptr, name) + sizeof name - 1, NULL, 10);
    assert_true(bytes > BYTES_MAX / 2 && bytes <= BYTES_MAX);
    mr_buffer_clean_up(&metrics);
    mr_buffer_clean_up(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_answer_is_sent_again_with_the_same_bytes_and_its_own_request_id,
            set_up_owners,
            tear_down),
        cmocka_unit_test_setup_teardown(
            nobody_gets_the_answer_of_another_owner, set_up_owners, tear_down),
        cmocka_unit_test_setup_teardown(
            an_ended_session_gets_no_kept_answer_and_the_list_of_sessions_is_not_kept,
            set_up_owners,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_change_of_any_view_that_it_reads_is_seen_at_once, set_up_owners, tear_down),
        cmocka_unit_test_setup_teardown(
            an_answer_that_is_sent_again_still_has_its_conditions, set_up_owners, tear_down),
        cmocka_unit_test_setup_teardown(the_kept_answers_are_bounded, set_up_owners, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
