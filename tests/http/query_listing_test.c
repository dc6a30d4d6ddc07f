/* query_listing_test.c - pages of products: orders, filters, search, cursors and totals. */
#include "query_shop.h"

static void listings_page_through_everything_once(void **state)
{
    struct fixture *fixture = *state;
    static const char *const sorts[] = {"name", "-name", "price", "-price", "created", "-created"};
    char id[32];
    char title[32];
    for (int i = 0; i < 23; i++) {
        (void)snprintf(id, sizeof id, "prd_%02d", i);
        (void)snprintf(title, sizeof title, "Title %d", i * 7 % 5);
        offer_product(fixture, id, title, i * 13 % 11);
    }
    for (size_t s = 0; s < 6; s++) {
        int seen[23] = {0};
        int pages = 0;
        char target[2048];
        char first[128];
        (void)snprintf(target, sizeof target, "/v1/products?limit=5&sort=%s", sorts[s]);
        (void)snprintf(first, sizeof first, "\"first\":\"/v1/products?limit=5&sort=%s\"", sorts[s]);
        for (;; pages++) {
            assert_int_equal(get_status(fixture, target, ""), 200);
            for (const char *at = fixture->answer.body; (at = strstr(at, "\"prd_")); at += 5)
                seen[(at[5] - '0') * 10 + at[6] - '0']++;
            const char *next = strstr(fixture->answer.body, "\"next\":\"");
            const char *link = client_header(&fixture->answer, "Link");
            assert_true((strstr(fixture->answer.body, first) != NULL) == (pages > 0));
            assert_true((link && strstr(link, "; rel=\"first\"")) == (pages > 0));
            assert_true((link && strstr(link, "; rel=\"next\"")) == (next != NULL));
            if (!next)
                break;
            (void)snprintf(target, sizeof target, "%.*s", (int)strcspn(next + 8, "\""), next + 8);
        }
        assert_int_equal(pages, 4);
        for (int i = 0; i < 23; i++)
            assert_int_equal(seen[i], 1);
    }
}

static void filters_leave_only_what_was_asked_for(void **state)
{
    struct fixture *fixture = *state;
    offer_product(fixture, "prd_1", "Red robot", 500);
    offer_product(fixture, "prd_2", "RED  rose", 700);
    offer_product(fixture, "prd_3", "Blue robot", 900);
    stock_product(fixture, "prd_1", 0);
    stock_product(fixture, "prd_2", 5);
    static const struct {
        const char *query;
        const char *ids;
    } cases[] = {
        {"q=red", "12"},
        {"q=red%20ro", "12"},
        {"q=RED+rob", "1"},
        {"q=red&sort=-price", "21"},
        {"q=robot", "31"},
        {"q=bot", ""},
        {"q=r", "123"}, /* red, red, robot: a product once, by the first of its words. */
        {"q=rob%C3%B6t+BLUE", "3"},
        {"q=ROB%C3%96+r", ""},
        {"q=robot+r", "13"},
        {"q=r&sort=price", "123"},
        {"q=r&sort=-name", "213"},
        {"q=r&sort=relevance", "123"},
        {"sort=relevance", "312"},
        {"q=robot&price_max=600", "1"},
        {"q=robot&price_min=600&category=toys", "3"},
        {"q=robot&category=tools", ""},
        {"q=r&in_stock=true", "2"},
        {"q=+", "312"},
        {"q=-", ""},
        {"q=red&fields%5Bproduct%5D=title,price", "12"},
        {"in_stock=true", "2"},
        {"in_stock=false", "312"},
        {"price_min=600&sort=price", "23"},
        {"price_min=600&price_max=700", "2"},
        {"category=toys&sort=-name", "213"},
        {"category=tools", ""},
        {"id=prd_3,prd_9,prd_1", "31"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[256];
        char ids[32] = "";
        (void)snprintf(target, sizeof target, "/v1/products?%s", cases[i].query);
        assert_int_equal(get_status(fixture, target, ""), 200);
        size_t count = 0;
        for (const char *at = fixture->answer.body; (at = strstr(at, "\"prd_")); at += 5)
            ids[count++] = at[5];
        assert_string_equal(ids, cases[i].ids);
    }
}

/* The ids of all pages, and whether each of them was whole. */
static size_t walk_pages(struct fixture *fixture, const char *target, bool *seen, size_t max)
{
    char path[2048];
    size_t count = 0;
    (void)snprintf(path, sizeof path, "%s", target);
    for (;;) {
        assert_int_equal(get_status(fixture, path, ""), 200);
        for (const char *at = fixture->answer.body; (at = strstr(at, "\"prd_")); at += 5) {
            size_t id = strtoul(at + 5, NULL, 10);
            assert_true(id < max && !seen[id]);
            seen[id] = true;
            count++;
        }
        const char *next = strstr(fixture->answer.body, "\"next\":\"");
        if (!next)
            return count;
        (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(next + 8, "\""), next + 8);
    }
}

/* The ids of one page in their order, and its link `rel` as the next target; false: there is none.
 */
static bool read_ids(
    struct fixture *fixture,
    char *target,
    size_t size,
    const char *headers,
    const char *mark,
    const char *rel,
    char *ret_ids)
{
    char member[32];
    char link[32];
    assert_int_equal(get_status(fixture, target, headers), 200);
    for (const char *at = fixture->answer.body; (at = strstr(at, mark)); at++)
        *ret_ids++ = at[strlen(mark)];
    *ret_ids = '\0';
    (void)snprintf(member, sizeof member, "\"%s\":\"", rel);
    (void)snprintf(link, sizeof link, "; rel=\"%s\"", rel);
    const char *field = client_header(&fixture->answer, "Link");
    const char *found = strstr(fixture->answer.body, member);
    assert_int_equal(found != NULL, field && strstr(field, link) != NULL);
    if (!found)
        return false;
    found += strlen(member);
    (void)snprintf(target, size, "%.*s", (int)strcspn(found, "\""), found);
    return true;
}

/* Forwards to the end, then back to the start: the same pages. */
static void walk_there_and_back(
    struct fixture *fixture, const char *first, const char *headers, const char *mark)
{
    char ids[16][128];
    char back[128];
    char target[2048];
    int pages = 0;
    (void)snprintf(target, sizeof target, "%s", first);
    assert_false(read_ids(fixture, target, sizeof target, headers, mark, "prev", ids[0]));
    while (read_ids(fixture, target, sizeof target, headers, mark, "next", ids[pages]))
        pages++;
    assert_true(pages > 1);
    for (int page = pages; page > 0; page--) {
        assert_true(read_ids(fixture, target, sizeof target, headers, mark, "prev", back));
        assert_string_equal(back, ids[page]);
    }
    assert_false(read_ids(fixture, target, sizeof target, headers, mark, "prev", back));
    assert_string_equal(back, ids[0]);
    assert_true(read_ids(fixture, target, sizeof target, headers, mark, "next", back));
    (void)read_ids(fixture, target, sizeof target, headers, mark, "next", back);
    assert_string_equal(back, ids[1]);
}

static void pages_lead_back_the_way_they_came(void **state)
{
    struct fixture *fixture = *state;
    static const char *const queries[] = {
        "limit=3",
        "limit=3&sort=-price",
        "limit=3&q=t",
        "limit=3&q=title&sort=-name",
        "limit=3&price_min=1&sort=created"};
    for (char id = 'a'; id < 'l'; id++) {
        char name[8];
        char title[32];
        (void)snprintf(name, sizeof name, "prd_%c", id);
        (void)snprintf(title, sizeof title, "Title %d tea", id * 7 % 5);
        offer_product(fixture, name, title, 1 + id * 13 % 11);
    }
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        char target[128];
        (void)snprintf(target, sizeof target, "/v1/products?%s", queries[i]);
        walk_there_and_back(fixture, target, "", "\"product_id\":\"prd_");
    }
    for (int i = 0; i < 7; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "ord_%d", i);
        views_place(&fixture->views, "usr_1", id, 1000 + i);
    }
    walk_there_and_back(fixture, "/v1/orders?limit=3", fixture->bearer, "{\"order_id\":\"ord_");
}

static void a_listing_is_counted_for_who_asks(void **state)
{
    struct fixture *fixture = *state;
    static const char prefer[] = "Prefer: return=total-count\r\n";
    static const struct {
        const char *query;
        const char *total;
    } cases[] = {
        {"limit=2", "\"total_count\":5,\"total_count_exact\":true"},
        {"limit=2&category=toys", "\"total_count\":5,"},
        {"category=tools", "\"total_count\":0,"},
        {"q=robot&limit=1", "\"total_count\":3,"},
        {"q=robot+r&limit=1&category=toys", "\"total_count\":3,"},
        {"q=-", "\"total_count\":0,\"total_count_exact\":true"},
        {"in_stock=true", "\"total_count\":1,"},
        {"q=robot&in_stock=true", "\"total_count\":0,"},
        {"price_min=2&price_max=4&sort=name", "\"total_count\":3,"},
    };
    offer_product(fixture, "prd_1", "Robot red", 1);
    offer_product(fixture, "prd_2", "Robot", 2);
    offer_product(fixture, "prd_3", "Train", 3);
    offer_product(fixture, "prd_4", "Robot robots", 4);
    offer_product(fixture, "prd_5", "Zebra", 5);
    stock_product(fixture, "prd_3", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[128];
        (void)snprintf(target, sizeof target, "/v1/products?%s", cases[i].query);
        assert_int_equal(get_status(fixture, target, prefer), 200);
        expect_in_body(fixture, cases[i].total);
        assert_string_equal(
            client_header(&fixture->answer, "Preference-Applied"), "return=total-count");
    }
    char etag[2304];
    (void)snprintf(
        etag, sizeof etag, "If-None-Match: %s\r\n", client_header(&fixture->answer, "ETag"));
    assert_int_equal(
        get_status(fixture, "/v1/products?price_min=2&price_max=4&sort=name", etag), 200);
    assert_null(strstr(fixture->answer.body, "total_count"));
    assert_null(client_header(&fixture->answer, "Preference-Applied"));
    assert_non_null(strstr(client_header(&fixture->answer, "Vary"), "Prefer"));
}

enum { MANY = 6200 };

/* More products than one page looks at: a rare word beside a common one, and a rare word in another
 * order, are found without a walk through all; what no index leads to ends early and goes on. */
static void searches_are_bounded_and_find_everything(void **state)
{
    struct fixture *fixture = *state;
    static bool seen[MANY];
    static const struct {
        const char *query;
        size_t count;
        bool incomplete; /* The first page. */
    } cases[] = {
        {"q=common&limit=100", MANY, false},
        {"q=rare", 31, false},
        {"q=rare+c", 31, false}, /* The last one begins what all have. */
        {"q=common+r&limit=3", 31, false},
        {"q=common+rare&sort=-price&limit=3", 31, false},
        {"q=rare&sort=created&limit=3", 31, false},
        {"q=common+rare&category=toys&price_max=0", 0, false},
        {"q=common&price_min=6190&limit=3", 10, false}, /* Few have such a price. */
        {"price_max=9&limit=3", 10, false},
        {"price_min=1000&price_max=1009&sort=-created&limit=3", 10, false},
        {"price_min=99999&sort=-name", 0, false},
        {"in_stock=true&limit=3", 10, false}, /* Few are in stock. */
        {"in_stock=true&sort=-price&limit=3", 10, false},
        {"q=common&in_stock=true&limit=3", 10, false},
        {"q=c&in_stock=true&sort=created&limit=3", 10, false},
        {"in_stock=true&category=toys&price_min=6199", 0, false},
        {"q=common&price_max=3000&category=toys&limit=100", 3001, false},
        {"q=common+c&price_min=5900&category=toys&limit=100", 300, false},
        {"q=c&sort=-name&price_max=2050", 2051, true}, /* Nothing is rare here. */
    };
    for (int i = 0; i < MANY; i++) {
        char id[16];
        char title[48];
        (void)snprintf(id, sizeof id, "prd_%d", i);
        (void)snprintf(title, sizeof title, "%04d common%s", i, i % 200 == 7 ? " rare" : "");
        offer_product(fixture, id, title, i);
        if (i % 650 == 3)
            stock_product(fixture, id, 1);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[256];
        memset(seen, 0, sizeof seen);
        (void)snprintf(target, sizeof target, "/v1/products?%s", cases[i].query);
        assert_int_equal(get_status(fixture, target, ""), 200);
        bool incomplete = strstr(fixture->answer.body, "\"incomplete\":true") != NULL;
        size_t count = walk_pages(fixture, target, seen, MANY);
        if (count != cases[i].count || incomplete != cases[i].incomplete)
            fail_msg("%s: %zu, incomplete: %d", cases[i].query, count, incomplete);
    }
}

static void bad_parameters_are_400(void **state)
{
    struct fixture *fixture = *state;
    static const char *const targets[] = {
        "/v1/products?limit=0",
        "/v1/products?limit=101",
        "/v1/products?limit=x",
        "/v1/products?limit=",
        "/v1/products?limit=99999999999999999999",
        "/v1/products?sort=size",
        "/v1/products?sort=",
        "/v1/products?fields%5Bproduct%5D=colour",
        "/v1/products?fields%5Bproduct%5D=",
        "/v1/products?fields%5Bproduct%5D=title,",
        "/v1/products/prd_1?fields%5Bproduct%5D=title,,sku",
        "/v1/products?in_stock=maybe",
        "/v1/products?price_min=-1",
        "/v1/products?price_max=1.5",
        "/v1/products?colour=red",
        "/v1/products?id=a&limit=5",
        "/v1/products?q=a&q=b",
        "/v1/products/prd_1?x=1",
        "/v1/products?cursor=AAAA",
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (get_status(fixture, targets[i], "") != 400)
            fail_msg("%s: %d", targets[i], fixture->answer.status);
}

static void a_cursor_belongs_to_its_filters(void **state)
{
    struct fixture *fixture = *state;
    char cursor[512];
    char target[1024];
    for (int i = 0; i < 3; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "prd_%d", i);
        offer_product(fixture, id, "Same", 5);
    }
    assert_int_equal(get_status(fixture, "/v1/products?limit=1&q=sa", ""), 200);
    const char *found = strstr(fixture->answer.body, "\"cursor\":\"");
    assert_non_null(found);
    (void)snprintf(cursor, sizeof cursor, "%.*s", (int)strcspn(found + 10, "\""), found + 10);
    (void)snprintf(target, sizeof target, "/v1/products?limit=2&q=sa&cursor=%s", cursor);
    assert_int_equal(get_status(fixture, target, ""), 200); /* Another limit is the same listing. */
    (void)snprintf(target, sizeof target, "/v1/products?limit=2&q=s&cursor=%s", cursor);
    assert_int_equal(get_status(fixture, target, ""), 400);
    expect_in_body(fixture, "/problems/cursor-mismatch");
    (void)snprintf(target, sizeof target, "/v1/orders?cursor=%s", cursor);
    assert_int_equal(get_status(fixture, target, fixture->bearer), 400);
    cursor[10] = cursor[10] == 'A' ? 'B' : 'A';
    (void)snprintf(target, sizeof target, "/v1/products?q=sa&cursor=%s", cursor);
    assert_int_equal(get_status(fixture, target, ""), 400);
}

static void a_listings_etag_changes_with_the_catalogue_only(void **state)
{
    struct fixture *fixture = *state;
    char header[2304];
    offer_product(fixture, "prd_1", "Robot", 1999);
    assert_int_equal(get_status(fixture, "/v1/products?limit=5", ""), 200);
    (void)snprintf(
        header, sizeof header, "If-None-Match: %s\r\n", client_header(&fixture->answer, "ETag"));
    assert_non_null(strstr(header, "W/\""));
    stock_product(fixture, "prd_1", 3);
    assert_int_equal(get_status(fixture, "/v1/products?limit=5", header), 304);
    assert_int_equal(get_status(fixture, "/v1/products?limit=6", header), 200);
    offer_product(fixture, "prd_2", "Train", 1);
    assert_int_equal(get_status(fixture, "/v1/products?limit=5", header), 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(listings_page_through_everything_once),
        TEST(filters_leave_only_what_was_asked_for),
        TEST(pages_lead_back_the_way_they_came),
        TEST(a_listing_is_counted_for_who_asks),
        TEST(searches_are_bounded_and_find_everything),
        TEST(bad_parameters_are_400),
        TEST(a_cursor_belongs_to_its_filters),
        TEST(a_listings_etag_changes_with_the_catalogue_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
