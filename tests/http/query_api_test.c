/* query_api_test.c - products, carts, orders and waiting, as the read API answers them. */
#include "query_shop.h"

#include <base/murmur2.h>

#include <processors/ids.h>

/* Production sizing. */
static int set_up_24(void **state)
{
    return set_up_wide(state, 24);
}

/* More partitions than a token names. */
static int set_up_200(void **state)
{
    return set_up_wide(state, 200);
}

static void add_to_cart(
    struct fixture *fixture,
    const char *owner,
    const char *product,
    int32_t quantity,
    int64_t version)
{
    struct shop_cart_item_added event = {
        .meta = meta_at(version, 1),
        .owner_id = mr_cstr(owner),
        .cart_id = MR_LITERAL("crt_1"),
        .product_id = mr_cstr(product),
        .quantity_delta = quantity,
        .quantity_after = quantity,
        .quoted_unit_price = money_pence(100),
        .price_version = 1,
    };
    views_pipe(&fixture->views, SHOP_CART_ITEM_ADDED, owner, &event);
}

static void a_product_and_its_availability(void **state)
{
    struct fixture *fixture = *state;
    offer_product(fixture, "prd_1", "Robot", 1999);
    assert_int_equal(get_status(fixture, "/v1/products/prd_1/availability", ""), 200);
    expect_in_body(fixture, "\"band\":\"out\",\"available\":0,\"as_of\":null");
    stock_product(fixture, "prd_1", 12);
    assert_int_equal(get_status(fixture, "/v1/products/prd_1", ""), 200);
    expect_in_body(
        fixture, "\"price\":{\"amount_minor\":1999,\"currency\":\"GBP\",\"exponent\":2}");
    expect_in_body(fixture, "\"status\":\"published\"");
    assert_string_equal(client_header(&fixture->answer, "ETag"), "\"v3\"");
    assert_string_equal(
        client_header(&fixture->answer, "Cache-Control"),
        "public, max-age=5, stale-while-revalidate=30, stale-if-error=300");
    assert_int_equal(get_status(fixture, "/v1/products/prd_1", "If-None-Match: \"v3\"\r\n"), 304);
    assert_int_equal(get_status(fixture, "/v1/products/prd_1/availability", ""), 200);
    expect_in_body(fixture, "\"band\":\"in_stock\",\"available\":10");
    assert_int_equal(get_status(fixture, "/v1/products/prd_2", ""), 404);
    assert_int_equal(get_status(fixture, "/v1/products/prd_2/availability", ""), 404);
    assert_int_equal(get_status(fixture, "/v1/categories", ""), 200);
    expect_in_body(fixture, "{\"items\":[{\"category_id\":\"toys\",\"products\":1}]}");
}

static void carts_and_orders_need_a_valid_token(void **state)
{
    struct fixture *fixture = *state;
    static const char *const targets[] = {
        "/v1/cart", "/v1/orders", "/v1/orders/ord_1", "/v1/orders/ord_1/confirmation"};
    char bearer[QUERY_BEARER_MAX]; /* Signed by us, for a subject that no account can have. */
    query_bearer(fixture->keys, "usr 1/../usr_2", bearer);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(get_status(fixture, targets[i], ""), 401);
        expect_in_body(fixture, "/problems/authentication-required");
        assert_non_null(client_header(&fixture->answer, "WWW-Authenticate"));
        assert_int_equal(get_status(fixture, targets[i], "Authorization: Bearer a.b.c\r\n"), 401);
        expect_in_body(fixture, "/problems/token-invalid");
        assert_int_equal(get_status(fixture, targets[i], bearer), 401);
        expect_in_body(fixture, "/problems/token-invalid");
    }
}

static void a_cart_shows_quotes_beside_what_is_true_now(void **state)
{
    struct fixture *fixture = *state;
    char header[2304];
    assert_int_equal(get_status(fixture, "/v1/cart", fixture->bearer), 200);
    expect_in_body(fixture, "{\"cart_id\":null,\"version\":0,\"lines\":[]");
    offer_product(fixture, "prd_1", "Robot", 120); /* Quoted at 100. */
    offer_product(fixture, "prd_2", "Train", 100);
    stock_product(fixture, "prd_2", 50);
    add_to_cart(fixture, "usr_1", "prd_2", 3, 1);
    add_to_cart(fixture, "usr_1", "prd_1", 2, 2);
    add_to_cart(fixture, "usr_2", "prd_1", 9, 1);
    assert_int_equal(get_status(fixture, "/v1/cart", fixture->bearer), 200);
    expect_in_body(fixture, "\"cart_id\":\"crt_1\",\"version\":2");
    const char *first = strstr(fixture->answer.body, "\"prd_2\"");
    const char *second = strstr(fixture->answer.body, "\"prd_1\"");
    assert_true(first && second && first < second);
    expect_in_body(fixture, "\"title\":\"Robot\",\"quantity\":2");
    expect_in_body(fixture, "\"price_changed\":true,\"availability\":\"out\"");
    expect_in_body(fixture, "\"price_changed\":false,\"availability\":\"in_stock\"");
    expect_in_body(
        fixture,
        "\"totals\":{\"lines\":2,\"units\":5,\"items\":{\"amount_minor\":500,\"currency\":\"GBP\"");
    expect_in_body(fixture, "\"warnings\":[{\"code\":\"price_changed\",\"product_id\":\"prd_1\"}]");
    assert_string_equal(client_header(&fixture->answer, "Cache-Control"), "private, no-store");
    (void)snprintf(
        header, sizeof header, "If-None-Match: %s\r\n", client_header(&fixture->answer, "ETag"));
    assert_non_null(strstr(header, "\"v2."));
    char both[QUERY_BEARER_MAX + sizeof header];
    (void)snprintf(both, sizeof both, "%s%s", fixture->bearer, header);
    assert_int_equal(get_status(fixture, "/v1/cart", both), 304);
    stock_product(fixture, "prd_2", 1); /* The cart is the same, what is true now is not. */
    assert_int_equal(get_status(fixture, "/v1/cart", both), 200);
}

static void a_guest_reads_by_the_token_of_the_cart(void **state)
{
    struct fixture *fixture = *state;
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_";
    char header[128];
    struct shop_id owner = shop_created_id("gst_", mr_cstr(token));
    add_to_cart(fixture, owner.text, "prd_1", 6, 1);
    (void)snprintf(header, sizeof header, "Cart-Token: %s\r\n", token);
    assert_int_equal(get_status(fixture, "/v1/cart", header), 200);
    expect_in_body(fixture, "\"quantity\":6");
    header[15] = 'X'; /* Another token, another guest. */
    assert_int_equal(get_status(fixture, "/v1/cart", header), 200);
    expect_in_body(fixture, "\"lines\":[]");
    assert_int_equal(get_status(fixture, "/v1/cart", "Cart-Token: short\r\n"), 401);
    expect_in_body(fixture, "/problems/token-invalid");
}

static void orders_are_shown_to_their_owner_only(void **state)
{
    struct fixture *fixture = *state;
    views_place(&fixture->views, "usr_1", "ord_1", 1000);
    views_place(&fixture->views, "usr_2", "ord_2", 2000);
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1", fixture->bearer), 200);
    expect_in_body(fixture, "\"status\":\"PENDING_STOCK\"");
    expect_in_body(fixture, "\"allowed_actions\":[\"cancel\"]");
    expect_in_body(fixture, "\"links\":{\"self\":\"/v1/orders/ord_1\"}");
    assert_int_equal(get_status(fixture, "/v1/orders/ord_2", fixture->bearer), 404);
    assert_int_equal(get_status(fixture, "/v1/orders/ord_9", fixture->bearer), 404);
    assert_int_equal(get_status(fixture, "/v1/orders/ord_2/confirmation", fixture->bearer), 404);
    expect_in_body(fixture, "/problems/not-found");
    assert_int_equal(get_status(fixture, "/v1/orders", fixture->bearer), 200);
    expect_in_body(fixture, "ord_1");
    assert_null(strstr(fixture->answer.body, "ord_2"));
}

static void a_confirmation_is_there_once_confirmed(void **state)
{
    struct fixture *fixture = *state;
    views_place(&fixture->views, "usr_1", "ord_1", 1000);
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1/confirmation", fixture->bearer), 404);
    expect_in_body(fixture, "/problems/not-confirmed-yet");
    expect_in_body(fixture, "\"order_status\":\"PENDING_STOCK\"");
    confirm_order(fixture, "usr_1", "ord_1");
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1/confirmation", fixture->bearer), 200);
    expect_in_body(fixture, "\"confirmation_no\":\"C123\"");
    expect_in_body(fixture, "\"payment_reference\":\"****5678\"");
    assert_null(strstr(fixture->answer.body, "pay_1234"));
    assert_int_equal(get_status(fixture, "/v1/orders/ord_1", fixture->bearer), 200);
    expect_in_body(fixture, "\"status\":\"CONFIRMED\"");
    expect_in_body(fixture, "\"confirmation\":\"/v1/orders/ord_1/confirmation\"");
}

static void orders_page_newest_first(void **state)
{
    struct fixture *fixture = *state;
    char id[16];
    char target[1024] = "/v1/orders?limit=2";
    char got[64] = "";
    for (int i = 0; i < 5; i++) {
        (void)snprintf(id, sizeof id, "ord_%d", i);
        views_place(&fixture->views, "usr_1", id, 1000 + i);
    }
    confirm_order(fixture, "usr_1", "ord_3");
    for (size_t count = 0;;) {
        assert_int_equal(get_status(fixture, target, fixture->bearer), 200);
        for (const char *at = fixture->answer.body; (at = strstr(at, "\"order_id\":\"ord_")); at++)
            got[count++] = at[16];
        const char *next = strstr(fixture->answer.body, "\"next\":\"");
        if (!next)
            break;
        (void)snprintf(target, sizeof target, "%.*s", (int)strcspn(next + 8, "\""), next + 8);
    }
    assert_string_equal(got, "43210");
    assert_int_equal(get_status(fixture, "/v1/orders?status=CONFIRMED", fixture->bearer), 200);
    expect_in_body(fixture, "ord_3");
    assert_null(strstr(fixture->answer.body, "ord_4"));
}

static void a_listing_over_all_partitions_has_a_token_that_is_taken_back(void **state)
{
    struct fixture *fixture = *state;
    char headers[2112];
    offer_product(fixture, "prd_1", "Lantern", 100);
    stock_product(fixture, "prd_1", 5);
    assert_int_equal(get_status(fixture, "/v1/products?in_stock=true", ""), 200);
    const char *given = client_header(&fixture->answer, "Consistency-Token");
    assert_non_null(given);
    (void)snprintf(headers, sizeof headers, "Consistency-Token: %s\r\n", given);
    assert_int_equal(get_status(fixture, "/v1/products?in_stock=true", headers), 200);
    expect_in_body(fixture, "prd_1");
}

static void an_answer_over_too_many_partitions_has_no_token_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(get_status(fixture, "/v1/products?in_stock=true", ""), 200);
    assert_null(client_header(&fixture->answer, "Consistency-Token"));
    assert_true(atomic_load(&fixture->api.positions_dropped));
    assert_int_equal(get_status(fixture, "/v1/products", ""), 200);
    assert_non_null(client_header(&fixture->answer, "Consistency-Token"));
}

/* A Consistency-Token line for what the cart view of usr_1 has, and `ahead` records more. */
static void token_line(struct fixture *fixture, int64_t ahead, char *line, size_t size)
{
    struct mr_buffer token = {0};
    struct mr_arena arena = {0};
    struct topo_position *positions = NULL;
    size_t count = 0;
    assert_int_equal(get_status(fixture, "/v1/cart", fixture->bearer), 200);
    const char *given = client_header(&fixture->answer, "View-Position");
    assert_int_equal(
        token_positions_read(fixture->keys, mr_cstr(given), &arena, &positions, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(positions[0].topic, "sales.cart.events");
    assert_int_equal(positions[0].partition, mr_partition_of(mr_cstr("usr_1"), VIEW_PARTITIONS));
    positions[0].next_offset += ahead;
    assert_int_equal(token_positions_write(fixture->keys, positions, count, &token), 0);
    (void)snprintf(line, size, "Consistency-Token: %.*s\r\n", (int)token.len, token.ptr);
    mr_buffer_clean_up(&token);
    mr_arena_clean_up(&arena);
}

static void a_token_that_is_reached_costs_nothing(void **state)
{
    struct fixture *fixture = *state;
    char headers[2048];
    char line[512];
    add_to_cart(fixture, "usr_1", "prd_1", 1, 1);
    token_line(fixture, 0, line, sizeof line);
    (void)snprintf(headers, sizeof headers, "%s%s", fixture->bearer, line);
    assert_int_equal(get_status(fixture, "/v1/cart", headers), 200);
    /* A topic that the route does not read does not matter to it. */
    token_line(fixture, 100, line, sizeof line);
    assert_int_equal(get_status(fixture, "/v1/products", line), 200);
}

static void a_view_that_is_behind_says_so_or_serves_what_it_has(void **state)
{
    struct fixture *fixture = *state;
    char headers[2048];
    char line[512];
    token_line(fixture, 1, line, sizeof line);
    (void)snprintf(headers, sizeof headers, "%s%sPrefer: wait=0\r\n", fixture->bearer, line);
    assert_int_equal(get_status(fixture, "/v1/cart", headers), 503);
    expect_in_body(fixture, "/problems/view-behind");
    expect_in_body(fixture, "\"needed\":1,\"applied\":0");
    const char *retry = client_header(&fixture->answer, "Retry-After");
    assert_true(retry && (retry[0] == '1' || retry[0] == '2'));
    (void)snprintf(
        headers, sizeof headers, "%s%sPrefer: wait=0, handling=lenient\r\n", fixture->bearer, line);
    assert_int_equal(get_status(fixture, "/v1/cart", headers), 200);
    assert_string_equal(client_header(&fixture->answer, "Preference-Applied"), "handling=lenient");
}

static void a_read_waits_for_its_own_write(void **state)
{
    struct fixture *fixture = *state;
    char line[512];
    struct mr_buffer request = {0};
    struct mr_buffer metrics = {0};
    token_line(fixture, 1, line, sizeof line);
    mr_buffer_printf(
        &request,
        "GET /v1/cart HTTP/1.1\r\nHost: a\r\nPrefer: wait=10\r\n%s%s\r\n",
        fixture->bearer,
        line);
    int fd = client_connect(http_server_port(fixture->server));
    client_send(fd, request.ptr, request.len);
    do { /* Until it is seen to wait. */
        mr_buffer_reset(&metrics);
        http_server_metrics(fixture->server, &metrics);
        mr_buffer_add_byte(&metrics, 0);
    } while (!strstr(metrics.ptr, "millrace_http_waiting 1\n"));
    add_to_cart(fixture, "usr_1", "prd_1", 4, 1);
    assert_true(client_read(fd, false, &fixture->answer));
    assert_int_equal(fixture->answer.status, 200);
    expect_in_body(fixture, "\"quantity\":4");
    close(fd);
    mr_buffer_clean_up(&request);
    mr_buffer_clean_up(&metrics);
}

static void tokens_that_are_not_ours_are_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(get_status(fixture, "/v1/products", "Consistency-Token: AAAA\r\n"), 400);
    expect_in_body(fixture, "/problems/malformed-header");
}

static void health_readiness_and_metrics(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(get_status(fixture, "/healthz", ""), 200);
    assert_int_equal(get_status(fixture, "/readyz", ""), 200);
    expect_in_body(fixture, "\"ready\":true");
    expect_in_body(fixture, "{\"view\":\"cart\",\"partitions\":3,\"lag\":0}");
    assert_int_equal(get_status(fixture, "/metrics", ""), 200);
    expect_in_body(fixture, "millrace_http_requests_total");
}

static void every_type_of_problem_has_a_page_at_its_url(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < http_problem_count(); i++) {
        const struct http_problem_type *type = http_problem_at(i);
        char target[128];
        (void)snprintf(target, sizeof target, "/problems/%s", type->slug);
        assert_int_equal(get_status(fixture, target, ""), 200);
        expect_in_body(fixture, type->cause);
        expect_in_body(fixture, type->remedy);
        assert_string_equal(client_header(&fixture->answer, "Vary"), "Accept");
    }
    assert_int_equal(get_status(fixture, "/problems/unheard-of", ""), 404);
}

static void a_browser_gets_the_page_of_a_problem_as_html(void **state)
{
    struct fixture *fixture = *state;
    static const char browser[] = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    assert_int_equal(get_status(fixture, "/problems/view-behind", browser), 200);
    assert_string_equal(
        client_header(&fixture->answer, "Content-Type"), "text/html; charset=utf-8");
    expect_in_body(fixture, "<h2>Remedy</h2>");
}

static void every_route_answers_head_and_refuses_to_write(void **state)
{
    struct fixture *fixture = *state;
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    char request[512];
    for (size_t i = 0; i < query_routes_count; i++) {
        (void)snprintf(
            request,
            sizeof request,
            "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n",
            query_routes[i].named->path);
        client_ask(http_server_port(fixture->server), request, true, &fixture->answer);
        assert_int_not_equal(fixture->answer.status, 405);
        for (size_t j = 0; j < 4; j++) {
            (void)snprintf(
                request,
                sizeof request,
                "%s %s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                methods[j],
                query_routes[i].named->path);
            client_ask(http_server_port(fixture->server), request, false, &fixture->answer);
            assert_int_equal(fixture->answer.status, 405);
            assert_string_equal(client_header(&fixture->answer, "Allow"), "GET, HEAD, OPTIONS");
        }
    }
}

static void the_document_is_the_one_that_the_code_writes(void **state)
{
    struct fixture *fixture = *state;
    struct mr_buffer document = {0};
    api_write_openapi(&document);
    assert_int_equal(query_get(fixture->server, "/openapi.json", "", &fixture->answer), 200);
    assert_true(document.len > 10000);
    assert_memory_equal(fixture->answer.body, document.ptr, document.len);
    mr_buffer_clean_up(&document);
}

static void the_origin_knows_every_route(void **state)
{
    (void)state;
    for (size_t i = 0; i < query_routes_count; i++) {
        bool known = false;
        for (size_t j = 0; j < api_operations_count && !known; j++)
            known = api_paths[j] == query_routes[i].named;
        if (!known)
            fail_msg("%s %s", query_routes[i].named->method, query_routes[i].named->path);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_product_and_its_availability),
        TEST(carts_and_orders_need_a_valid_token),
        TEST(a_cart_shows_quotes_beside_what_is_true_now),
        TEST(a_guest_reads_by_the_token_of_the_cart),
        TEST(orders_are_shown_to_their_owner_only),
        TEST(a_confirmation_is_there_once_confirmed),
        TEST(orders_page_newest_first),
        TEST(a_token_that_is_reached_costs_nothing),
        TEST(a_view_that_is_behind_says_so_or_serves_what_it_has),
        TEST(a_read_waits_for_its_own_write),
        TEST(tokens_that_are_not_ours_are_refused),
        TEST(health_readiness_and_metrics),
        TEST(every_type_of_problem_has_a_page_at_its_url),
        TEST(a_browser_gets_the_page_of_a_problem_as_html),
        TEST(every_route_answers_head_and_refuses_to_write),
        TEST(the_document_is_the_one_that_the_code_writes),
        cmocka_unit_test(the_origin_knows_every_route),
        cmocka_unit_test_setup_teardown(
            a_listing_over_all_partitions_has_a_token_that_is_taken_back, set_up_24, tear_down),
        cmocka_unit_test_setup_teardown(
            an_answer_over_too_many_partitions_has_no_token_and_says_so, set_up_200, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
