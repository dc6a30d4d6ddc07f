/* view_catalog_test.c - the catalogue as it is browsed is what its events say, in any order. */
#include "view_fixture.h"

static void create_product(struct views *views, const char *id, const char *title, int64_t at)
{
    static const struct mr_bytes categories[] = {
        MR_LITERAL("toys"), MR_LITERAL("gifts"), MR_LITERAL("toys")};
    struct shop_product_created event = {
        .meta = meta_at(1, at),
        .product_id = mr_cstr(id),
        .sku = MR_LITERAL("SKU"),
        .title = mr_cstr(title),
        .description = MR_LITERAL("of wood"),
        .category_ids = categories,
        .category_ids_count = 3,
    };
    views_pipe(views, SHOP_PRODUCT_CREATED, id, &event);
}

static void set_price(struct views *views, const char *id, int64_t version, int64_t minor)
{
    struct shop_price_changed event = {
        .meta = meta_at(version, 1000),
        .product_id = mr_cstr(id),
        .price = money_pence(minor),
        .price_version = version - 1,
    };
    views_pipe(views, SHOP_PRICE_CHANGED, id, &event);
}

static void publish_product(struct views *views, const char *id, int64_t version)
{
    struct shop_product_published event = {
        .meta = meta_at(version, 1000), .product_id = mr_cstr(id)};
    views_pipe(views, SHOP_PRODUCT_PUBLISHED, id, &event);
}

static void discontinue_product(struct views *views, const char *id, int64_t version)
{
    struct shop_product_discontinued event = {
        .meta = meta_at(version, 1000), .product_id = mr_cstr(id), .cause = MR_LITERAL("old")};
    views_pipe(views, SHOP_PRODUCT_DISCONTINUED, id, &event);
}

static void
offer_product(struct views *views, const char *id, const char *title, int64_t minor, int64_t at)
{
    create_product(views, id, title, at);
    set_price(views, id, 2, minor);
    publish_product(views, id, 3);
}

static void adjust_stock(struct views *views, const char *id, int64_t version, int64_t available)
{
    struct shop_stock_adjusted event = {
        .meta = meta_at(version, 2000 + version),
        .product_id = mr_cstr(id),
        .delta = 1,
        .cause = MR_LITERAL("delivery"),
        .on_hand_after = available + 2,
        .available_after = available,
    };
    views_pipe(views, SHOP_STOCK_ADJUSTED, id, &event);
}

/* The ids of a listing, joined by blanks. */
static void expect_ids(struct views *views, const struct view_listing *listing, const char *ids)
{
    struct mr_bytes prefix = view_listing_prefix(&views->arena, listing);
    struct mr_buffer got = {0};
    struct topo_read_scan *scan = NULL;
    struct mr_bytes key;
    struct mr_bytes value;
    assert_int_equal(
        topo_read_scan_open(
            topo_store_reader(topo_driver_store(views->driver, VIEW_LISTINGS, -1)),
            &(struct topo_read_options){.first = prefix},
            &views->arena,
            &scan,
            NULL),
        0);
    while (topo_read_scan_next(scan, &key, &value, NULL) == 1 &&
           mr_bytes_starts_with(key, prefix)) {
        struct view_entry entry = {0};
        assert_true(view_listing_key_read(key, &entry) && view_card_read(value, &entry));
        mr_buffer_printf(&got, "%s%.*s", got.len ? " " : "", MR_ARG(entry.product_id));
    }
    topo_read_scan_close(scan);
    mr_buffer_add_byte(&got, 0);
    assert_string_equal(got.ptr, ids);
    mr_buffer_clean_up(&got);
}

static void
expect_listing(struct views *views, const char *category, enum view_sort sort, const char *ids)
{
    expect_ids(views, &(struct view_listing){mr_cstr(category), sort, false}, ids);
}

static void
expect_in_stock(struct views *views, const char *category, enum view_sort sort, const char *ids)
{
    expect_ids(views, &(struct view_listing){mr_cstr(category), sort, true}, ids);
}

/* All postings, "word:id" joined by blanks. */
static void expect_postings(struct views *views, const char *postings)
{
    struct mr_buffer got = {0};
    struct topo_read_scan *scan = NULL;
    struct mr_bytes key;
    struct mr_bytes card;
    assert_int_equal(
        topo_read_scan_open(
            topo_store_reader(topo_driver_store(views->driver, VIEW_WORDS, -1)),
            &(struct topo_read_options){.first = mr_cstr("")},
            &views->arena,
            &scan,
            NULL),
        0);
    while (topo_read_scan_next(scan, &key, &card, NULL) == 1) {
        struct view_entry entry = {0};
        struct mr_bytes word;
        assert_true(view_word_key_read(key, &word, &entry) && view_card_read(card, &entry));
        mr_buffer_printf(
            &got, "%s%.*s:%.*s", got.len ? " " : "", MR_ARG(word), MR_ARG(entry.product_id));
    }
    topo_read_scan_close(scan);
    mr_buffer_add_byte(&got, 0);
    assert_string_equal(got.ptr, postings);
    mr_buffer_clean_up(&got);
}

static int64_t products_in(struct views *views, const char *category)
{
    struct mr_bytes value = {0};
    struct topo_store *store = topo_driver_store(views->driver, VIEW_CATEGORIES, -1);
    assert_int_equal(
        topo_read_get(
            topo_store_reader(store),
            view_count_key(mr_cstr(category)),
            &views->arena,
            &value,
            NULL),
        0);
    return value.ptr ? (int64_t)mr_get_be64(value.ptr) : 0;
}

static void a_product_is_listed_from_publication_to_discontinuation(void **state)
{
    struct views *views = *state;
    create_product(views, "prd_1", "Robot", 10);
    expect_listing(views, "", VIEW_BY_NAME, "");
    publish_product(views, "prd_1", 2);
    expect_listing(views, "", VIEW_BY_NAME, ""); /* It has no price yet. */
    set_price(views, "prd_1", 3, 500);
    expect_listing(views, "", VIEW_BY_NAME, "prd_1");
    assert_int_equal(products_in(views, "toys"), 1); /* Named twice, counted once. */
    discontinue_product(views, "prd_1", 4);
    for (int sort = VIEW_BY_NAME; sort <= VIEW_BY_CREATED; sort++) {
        expect_listing(views, "", (enum view_sort)sort, "");
        expect_listing(views, "toys", (enum view_sort)sort, "");
    }
    assert_int_equal(products_in(views, "toys"), 0);
    assert_int_equal(products_in(views, ""), 0);
    const struct shop_product_view *product =
        views_get(views, VIEW_PRODUCTS, SHOP_PRODUCT_VIEW, mr_cstr("prd_1"));
    assert_int_equal(product->status, 2);
    assert_int_equal(product->version, 4);
}

static void listings_are_sorted_by_name_price_and_age(void **state)
{
    struct views *views = *state;
    offer_product(views, "prd_1", "robot  RED", 900, 30);
    offer_product(views, "prd_2", "Robot", 70000, 10);
    offer_product(views, "prd_3", "Apple", 0, 20);
    offer_product(views, "prd_4", "Robot", 899, 10);
    expect_listing(views, "", VIEW_BY_NAME, "prd_3 prd_2 prd_4 prd_1");
    expect_listing(views, "", VIEW_BY_PRICE, "prd_3 prd_4 prd_1 prd_2");
    expect_listing(views, "gifts", VIEW_BY_CREATED, "prd_2 prd_4 prd_3 prd_1");
    assert_int_equal(products_in(views, "gifts"), 4);
    assert_int_equal(products_in(views, ""), 4);
}

static void titles_are_folded_in_more_than_one_alphabet(void **state)
{
    static const char *const rows[][2] = {
        {"  RED \t Robot ", "red robot"},
        {"CR\u00c8ME BR\u00dbL\u00c9E \u00d7 \u00ff", "creme brulee \u00d7 y"},
        {"Cre\u0300me", "creme"},
        {"\u0386\u039d\u0395\u039c\u039f\u03a3 LAMP", "\u03b1\u03bd\u03b5\u03bc\u03bf\u03c3 lamp"},
        {"\u0388\u03bb\u03b1\u03c4\u03bf", "\u03b5\u03bb\u03b1\u03c4\u03bf"},
        {"\u039f\u03b4\u03c5\u03c3\u03c3\u03b5\u03c5\u03c2",
         "\u03bf\u03b4\u03c5\u03c3\u03c3\u03b5\u03c5\u03c3"},
        {"STRASSE Stra\u00dfe", "strasse strasse"},
        {"\u041c\u0410\u0442\u0420\u0401\u0428\u041a\u0410",
         "\u043c\u0430\u0442\u0440\u0435\u0448\u043a\u0430"},
        {"\uff26\uff35\uff2c\uff2c \ufb01ne", "full fine"},
        {"Vi\u1ec7t Nam", "viet nam"},
        {"soft\u00adhyphen", "softhyphen"},
        {"\u6771", "\u6771"},
    };
    struct mr_arena arena = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mr_bytes folded = view_fold_title(&arena, mr_cstr(rows[i][0]));
        if (!mr_bytes_equal(folded, mr_cstr(rows[i][1])))
            fail_msg("\"%s\" is folded to \"%.*s\"", rows[i][0], MR_ARG(folded));
        assert_true(mr_bytes_equal(view_fold_title(&arena, folded), folded));
    }
    mr_arena_clean_up(&arena);
}

static void changes_move_a_product_in_its_listings(void **state)
{
    struct views *views = *state;
    offer_product(views, "prd_1", "Robot", 100, 1);
    offer_product(views, "prd_2", "Train", 200, 2);
    set_price(views, "prd_1", 4, 300);
    expect_listing(views, "", VIEW_BY_PRICE, "prd_2 prd_1");
    struct shop_product_details_changed event = {
        .meta = meta_at(5, 1000),
        .product_id = MR_LITERAL("prd_1"),
        .title = MR_LITERAL("Zebra"),
        .description = MR_LITERAL("of cloth"),
    };
    views_pipe(views, SHOP_PRODUCT_DETAILS_CHANGED, "prd_1", &event);
    expect_listing(views, "", VIEW_BY_NAME, "prd_2 prd_1");
    expect_listing(views, "toys", VIEW_BY_NAME, "prd_2");
    assert_int_equal(products_in(views, "toys"), 1);
    const struct shop_product_view *product =
        views_get(views, VIEW_PRODUCTS, SHOP_PRODUCT_VIEW, mr_cstr("prd_1"));
    assert_true(text_equals(product->title, "Zebra"));
    assert_int_equal(product->created_at, 1);
    assert_int_equal(product->price->minor, 300);
    assert_int_equal(product->price_version, 3);
}

static void the_words_of_a_title_lead_to_its_product_while_it_is_listed(void **state)
{
    struct views *views = *state;
    create_product(views, "prd_1", "Red robot, RED!", 1);
    publish_product(views, "prd_1", 2);
    expect_postings(views, ""); /* It has no price yet. */
    set_price(views, "prd_1", 3, 100);
    offer_product(views, "prd_2", "A robot", 100, 2);
    expect_postings(views, "a:prd_2 red:prd_1 robot:prd_2 robot:prd_1");
    struct shop_product_details_changed event = {
        .meta = meta_at(5, 1000),
        .product_id = MR_LITERAL("prd_1"),
        .title = MR_LITERAL("Robot blue"),
        .description = MR_LITERAL("of cloth"),
    };
    views_pipe(views, SHOP_PRODUCT_DETAILS_CHANGED, "prd_1", &event);
    expect_postings(views, "a:prd_2 blue:prd_1 robot:prd_2 robot:prd_1");
    discontinue_product(views, "prd_2", 4);
    expect_postings(views, "blue:prd_1 robot:prd_1");
}

static void what_there_is_has_listings_of_its_own(void **state)
{
    struct views *views = *state;
    adjust_stock(views, "prd_2", 1, 5); /* Before the product itself is known. */
    offer_product(views, "prd_1", "Robot", 900, 1);
    offer_product(views, "prd_2", "Train", 100, 2);
    expect_in_stock(views, "", VIEW_BY_NAME, "prd_2");
    adjust_stock(views, "prd_1", 1, 1);
    for (int sort = VIEW_BY_NAME; sort <= VIEW_BY_CREATED; sort++) {
        const char *ids = sort == VIEW_BY_PRICE ? "prd_2 prd_1" : "prd_1 prd_2";
        expect_in_stock(views, "", (enum view_sort)sort, ids);
        expect_in_stock(views, "toys", (enum view_sort)sort, ids);
    }
    set_price(views, "prd_1", 4, 50);
    expect_in_stock(views, "", VIEW_BY_PRICE, "prd_1 prd_2");
    adjust_stock(views, "prd_1", 2, 0);
    expect_in_stock(views, "", VIEW_BY_PRICE, "prd_2");
    expect_in_stock(views, "gifts", VIEW_BY_NAME, "prd_2");
    expect_listing(views, "gifts", VIEW_BY_NAME, "prd_1 prd_2");
    discontinue_product(views, "prd_2", 5);
    expect_in_stock(views, "", VIEW_BY_NAME, "");
    adjust_stock(views, "prd_2", 3, 0);
    adjust_stock(views, "prd_2", 4, 9);
    expect_in_stock(views, "", VIEW_BY_NAME, "");
    assert_int_equal(products_in(views, "toys"), 1);
}

static void prices_are_found_from_one_on(void **state)
{
    struct views *views = *state;
    const struct view_listing listing = {mr_cstr("toys"), VIEW_BY_PRICE, true};
    const struct view_entry entry = {.product_id = mr_cstr("p"), .price = 200};
    struct mr_bytes key = view_listing_key(&views->arena, &listing, &entry);
    assert_true(mr_bytes_compare(view_listing_from(&views->arena, &listing, 200), key) <= 0);
    assert_true(mr_bytes_compare(view_listing_from(&views->arena, &listing, 201), key) > 0);
}

static void a_card_has_price_age_and_categories(void **state)
{
    struct views *views = *state;
    const struct mr_bytes categories[] = {MR_LITERAL("toys"), MR_LITERAL("gifts")};
    const struct shop_money price = money_pence(1999);
    const struct shop_product_view product = {
        .category_ids = categories, .category_ids_count = 2, .price = &price, .created_at = 77};
    struct view_entry entry = {0};
    struct mr_bytes card = view_card_write(&views->arena, &product);
    assert_true(view_card_read(card, &entry));
    assert_int_equal(entry.price, 1999);
    assert_int_equal(entry.created_at, 77);
    assert_true(view_card_may_have(card, mr_cstr("toys")));
    assert_true(view_card_may_have(card, mr_cstr("gifts")));
    assert_false(view_card_may_have(card, mr_cstr("tools")));
    assert_false(view_card_read(mr_bytes_of(card.ptr, 15), &entry));
}

static void availability_is_what_the_newest_stock_event_says(void **state)
{
    struct views *views = *state;
    adjust_stock(views, "prd_1", 1, 12); /* No product needs to be known for it. */
    struct shop_stock_reserved reserved = {
        .meta = meta_at(2, 5000),
        .product_id = MR_LITERAL("prd_1"),
        .order_id = MR_LITERAL("ord_1"),
        .line_no = 1,
        .quantity = 4,
        .unit_price = money_pence(1),
        .on_hand_after = 14,
        .available_after = 8,
    };
    views_pipe(views, SHOP_STOCK_RESERVED, "prd_1", &reserved);
    struct shop_stock_reservation_rejected rejected = {
        .meta = meta_at(3, 6000),
        .product_id = MR_LITERAL("prd_1"),
        .order_id = MR_LITERAL("ord_2"),
        .cause = MR_LITERAL("out_of_stock"),
        .available = 8,
    };
    views_pipe(views, SHOP_STOCK_RESERVATION_REJECTED, "prd_1", &rejected);
    const struct shop_stock_view *stock =
        views_get(views, VIEW_AVAILABILITY, SHOP_STOCK_VIEW, mr_cstr("prd_1"));
    assert_int_equal(stock->on_hand, 14);
    assert_int_equal(stock->available, 8);
    assert_int_equal(stock->version, 2);
    assert_int_equal(stock->as_of, 5000);
}

enum { PRODUCTS = 6, STEPS = 40 };

/* The next event of a product; its history depends on the product only. */
static void step_product(struct views *views, int product, int number)
{
    char id[16];
    char title[32];
    uint64_t seed = (uint64_t)(product * 1000 + number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    (void)snprintf(id, sizeof id, "prd_%d", product);
    (void)snprintf(title, sizeof title, "Title %u", view_random(&seed) % 5);
    if (number == 0)
        create_product(views, id, title, product);
    else if (number % 4 == 1)
        set_price(views, id, number + 1, view_random(&seed) % 1000);
    else if (number % 4 == 2)
        adjust_stock(views, id, number + 1, view_random(&seed) % 3);
    else if (number == STEPS - 1 && product % 3 == 0)
        discontinue_product(views, id, number + 1);
    else
        publish_product(views, id, number + 1);
}

/* All histories, taking turns as the seed says; each product's own order is always the same. */
static void play_history(struct views *views, uint64_t seed)
{
    int next[VIEW_PARTITIONS] = {0};
    for (int left = PRODUCTS / VIEW_PARTITIONS * STEPS * VIEW_PARTITIONS; left > 0;) {
        int lane = (int)(view_random(&seed) % VIEW_PARTITIONS);
        int per_lane = PRODUCTS / VIEW_PARTITIONS;
        if (next[lane] == per_lane * STEPS)
            continue;
        step_product(views, lane * per_lane + next[lane] % per_lane, next[lane] / per_lane);
        next[lane]++;
        left--;
    }
}

static void dump_views(struct views *views, struct mr_buffer *out)
{
    views_dump(views, VIEW_LISTINGS, mr_cstr(""), out);
    views_dump(views, VIEW_WORDS, mr_cstr(""), out);
    views_dump(views, VIEW_CATEGORIES, mr_cstr(""), out);
    for (int i = 0; i < PRODUCTS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "prd_%d", i);
        views_dump_key(views, VIEW_PRODUCTS, mr_cstr(id), out);
        views_dump_key(views, VIEW_AVAILABILITY, mr_cstr(id), out);
    }
    mr_buffer_add_byte(out, 0);
}

static void any_interleaving_and_any_rebuild_give_the_same_bytes(void **state)
{
    struct views *views = *state;
    struct mr_buffer first = {0};
    struct mr_buffer again = {0};
    struct mr_error error;
    play_history(views, 1);
    dump_views(views, &first);
    assert_true(first.len > 1000);
    assert_int_equal(topo_driver_crash(views->driver, &error), 0); /* Memory is lost. */
    assert_int_equal(topo_driver_run(views->driver, &error), 0);
    dump_views(views, &again);
    assert_string_equal(first.ptr, again.ptr);
    for (uint64_t seed = 2; seed < 5; seed++) {
        struct views other;
        views_open(&other, shop_views_query_topology);
        play_history(&other, seed);
        mr_buffer_reset(&again);
        dump_views(&other, &again);
        assert_string_equal(first.ptr, again.ptr);
        views_close(&other);
    }
    mr_buffer_clean_up(&first);
    mr_buffer_clean_up(&again);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, views_set_up, views_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_product_is_listed_from_publication_to_discontinuation),
        TEST(listings_are_sorted_by_name_price_and_age),
        TEST(titles_are_folded_in_more_than_one_alphabet),
        TEST(changes_move_a_product_in_its_listings),
        TEST(the_words_of_a_title_lead_to_its_product_while_it_is_listed),
        TEST(what_there_is_has_listings_of_its_own),
        TEST(prices_are_found_from_one_on),
        TEST(a_card_has_price_age_and_categories),
        TEST(availability_is_what_the_newest_stock_event_says),
        TEST(any_interleaving_and_any_rebuild_give_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
