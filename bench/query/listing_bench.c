/*
 * listing_bench.c - what a page of products costs, by the number of products and what is asked.
 *
 *     listing_bench PRODUCTS STATE_DIR
 *
 * The view is filled through its own fold, from a log in memory into stores on disk; the pages are
 * asked of the real server over a connection that stays. Everything follows from PRODUCTS alone.
 */
#include "query_api.h"

#include <arpa/inet.h>
#include <assert.h>
#include <base/clock.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <topology/driver.h>
#include <unistd.h>

enum {
    VOCABULARY = 20000, /* Words of titles; the first ones are the most used. */
    CATEGORIES = 50,    /* Nothing of the last one is in stock. */
    BATCH = 20000,
    ROUNDS = 200,
    ANSWER_BYTES_MAX = 1 << 20
};

struct bench {
    struct codec_registry *registry;
    struct topo_driver *driver;
    struct mr_buffer bytes;
    struct query_api api;
    struct http_server *server;
    int connection;
    char *answer;
    int64_t taken_us[ROUNDS];
    int64_t used_us[ROUNDS]; /* The processor's, for client and server together. */
};

static void listing_need(int rc, const struct mr_error *error)
{
    if (rc == 0)
        return;
    fprintf(stderr, "listing_bench: %s\n", error->text);
    exit(1);
}

/* Other programs on the machine do not count in it. */
static int64_t processor_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t listing_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 11;
}

/* Each number has a word of its own: syllables. */
static void add_word(struct mr_buffer *title, uint64_t number)
{
    static const char consonants[] = "bcdfghjklmnprstvwz";
    static const char vowels[] = "aeiou";
    do {
        mr_buffer_add_byte(title, (uint8_t)consonants[number % 18]);
        number /= 18;
        mr_buffer_add_byte(title, (uint8_t)vowels[number % 5]);
        number /= 5;
    } while (number > 0);
}

/* "item" is in all titles, "red" and "blue" in a tenth each and never together, "unique" in one of
 * 100,000. */
static void make_title(struct mr_buffer *title, int64_t product)
{
    uint64_t seed = (uint64_t)(product + 1) * UINT64_C(0x9E3779B97F4A7C15);
    mr_buffer_reset(title);
    for (int i = 0; i < 4; i++) {
        double where = (double)(listing_random(&seed) % 1000000) / 1e6;
        add_word(title, (uint64_t)(where * where * where * VOCABULARY));
        mr_buffer_add_byte(title, ' ');
    }
    if (product % 10 == 1)
        mr_buffer_add(title, mr_cstr("red "));
    if (product % 10 == 2)
        mr_buffer_add(title, mr_cstr("blue "));
    if (product % 100000 == 7)
        mr_buffer_add(title, mr_cstr("unique "));
    mr_buffer_add(title, mr_cstr("item"));
}

static void
append_event(struct bench *bench, enum shop_type type, struct mr_bytes key, const void *event)
{
    const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
    mr_buffer_reset(&bench->bytes);
    codec_encode(bench->registry, type, NULL, event, &bench->bytes);
    const struct topo_output record = {
        .key = key, .value = mr_buffer_view(&bench->bytes), .headers = &by_us, .headers_count = 1};
    topo_sim_append(topo_driver_sim(bench->driver), shop_types[type].topic->name, -1, &record);
}

static struct shop_meta make_meta(int64_t version, int64_t at)
{
    const struct mr_bytes none = MR_LITERAL("");
    return (struct shop_meta){
        .event_id = MR_LITERAL("evt"),
        .aggregate = MR_LITERAL("product"),
        .aggregate_id = MR_LITERAL("i"),
        .aggregate_version = version,
        .command_id = none,
        .correlation_id = none,
        .causation_id = none,
        .actor_kind = MR_LITERAL("admin"),
        .actor_id = none,
        .occurred_at = at,
        .schema_rev = 1};
}

/* A product with a price from 1 to 100,000 in its category, published; two of three are in
 * stock. */
static void offer_product(struct bench *bench, int64_t product, struct mr_buffer *title)
{
    char id[32];
    char category[16];
    uint64_t seed = (uint64_t)(product + 7) * UINT64_C(0xD1B54A32D192ED03);
    int64_t minor = 1 + (int64_t)(listing_random(&seed) % 100000);
    int64_t there = product % CATEGORIES != CATEGORIES - 1 && product % 3 ? 5 : 0;
    (void)snprintf(id, sizeof id, "prd_%010" PRId64, product);
    (void)snprintf(category, sizeof category, "c%d", (int)(product % CATEGORIES));
    make_title(title, product);
    const struct mr_bytes key = mr_cstr(id);
    const struct mr_bytes of = mr_cstr(category);
    const struct shop_product_created created = {
        .meta = make_meta(1, product),
        .product_id = key,
        .sku = key,
        .title = mr_buffer_view(title),
        .description = MR_LITERAL("A thing to have."),
        .category_ids = &of,
        .category_ids_count = 1};
    const struct shop_price_changed price = {
        .meta = make_meta(2, product),
        .product_id = key,
        .price = {.minor = minor, .currency = MR_LITERAL("GBP")},
        .price_version = 1};
    const struct shop_product_published published = {
        .meta = make_meta(3, product), .product_id = key};
    const struct shop_stock_adjusted stock = {
        .meta = make_meta(1, product),
        .product_id = key,
        .cause = MR_LITERAL("delivery"),
        .on_hand_after = there,
        .available_after = there};
    append_event(bench, SHOP_PRODUCT_CREATED, key, &created);
    append_event(bench, SHOP_PRICE_CHANGED, key, &price);
    append_event(bench, SHOP_PRODUCT_PUBLISHED, key, &published);
    append_event(bench, SHOP_STOCK_ADJUSTED, key, &stock);
}

/* The time is the fold's; the events are made before it. A restart at the end: all is on disk then,
 * and nothing in the tables. */
static double fill_view(struct bench *bench, int64_t products)
{
    struct mr_buffer title = {0};
    struct mr_error error;
    int64_t taken_ns = 0;
    for (int64_t product = 0; product < products;) {
        for (int i = 0; i < BATCH && product < products; i++)
            offer_product(bench, product++, &title);
        int64_t began_ns = processor_ns();
        listing_need(topo_driver_run(bench->driver, &error), &error);
        taken_ns += processor_ns() - began_ns;
    }
    mr_buffer_clean_up(&title);
    listing_need(topo_driver_restart(bench->driver, &error), &error);
    listing_need(topo_driver_run(bench->driver, &error), &error);
    return (double)taken_ns / 1e9;
}

static struct token_keys *make_keys(const char *dir)
{
    char path[512];
    const char secret[32] = {7};
    struct token_keys *keys = NULL;
    struct mr_error error;
    (void)snprintf(path, sizeof path, "%s/token_mac.key", dir);
    int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (file < 0 || write(file, secret, sizeof secret) != (ssize_t)sizeof secret) {
        perror(path);
        exit(1);
    }
    close(file);
    listing_need(token_keys_load(dir, TOKEN_MAC, &keys, &error), &error);
    return keys;
}

static void start_server(struct bench *bench, struct token_keys *keys)
{
    struct mr_error error;
    query_api_init(&bench->api, topo_driver_engine(bench->driver), keys);
    const struct http_server_options options = {
        .threads = 1,
        .routes = query_routes,
        .routes_count = query_routes_count,
        .user = &bench->api};
    listing_need(http_server_start(&options, &bench->server, &error), &error);
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)http_server_port(bench->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bench->connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(bench->connection, (const struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
}

/* One answer with a Content-Length; its body. */
static const char *ask_page(struct bench *bench, const char *target)
{
    char request[4096];
    size_t len = 0;
    const char *body = NULL;
    size_t wanted = SIZE_MAX;
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    if (write(bench->connection, request, (size_t)size) != size)
        exit(1);
    while (!body || len < wanted) {
        ssize_t got = read(bench->connection, bench->answer + len, ANSWER_BYTES_MAX - len - 1);
        if (got <= 0)
            exit(1);
        len += (size_t)got;
        bench->answer[len] = '\0';
        char *end = strstr(bench->answer, "\r\n\r\n");
        const char *length = end ? strcasestr(bench->answer, "\r\nContent-Length: ") : NULL;
        if (!body && end && length) {
            body = end + 4;
            wanted = (size_t)(body - bench->answer) + strtoul(length + 18, NULL, 10);
        }
    }
    if (strncmp(bench->answer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "%s: %s\n", target, bench->answer);
        exit(1);
    }
    return body;
}

static int compare_times(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* The first page and those that follow it, in turn: so many answers have so many ways. */
static void measure_pages(struct bench *bench, const char *about, const char *query)
{
    char first[512];
    char target[4096];
    int items = 0;
    int incomplete = 0;
    (void)snprintf(first, sizeof first, "/v1/products?limit=20%s", query);
    (void)snprintf(target, sizeof target, "%s", first);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t began_ns = mr_monotonic_ns();
        int64_t used_ns = processor_ns();
        const char *body = ask_page(bench, target);
        bench->used_us[i] = (processor_ns() - used_ns) / 1000;
        bench->taken_us[i] = (mr_monotonic_ns() - began_ns) / 1000;
        if (i == 0)
            for (const char *at = body; (at = strstr(at, "{\"product_id\"")); at++)
                items++;
        incomplete += strstr(body, "\"incomplete\":true") != NULL;
        const char *next = strstr(body, "\"next\":\"");
        if (next)
            (void)snprintf(target, sizeof target, "%.*s", (int)strcspn(next + 8, "\""), next + 8);
        else
            (void)snprintf(target, sizeof target, "%s", first);
    }
    int64_t cold_us = bench->used_us[0];
    qsort(bench->taken_us, ROUNDS, sizeof bench->taken_us[0], compare_times);
    qsort(bench->used_us, ROUNDS, sizeof bench->used_us[0], compare_times);
    printf(
        "| %s | `%s` | %d | %.2f | %.2f | %.2f | %.2f | %d |\n",
        about,
        *query ? query + 1 : "",
        items,
        (double)bench->taken_us[ROUNDS / 2] / 1e3,
        (double)bench->used_us[ROUNDS / 2] / 1e3,
        (double)bench->used_us[ROUNDS * 99 / 100] / 1e3,
        (double)cold_us / 1e3,
        incomplete);
    fflush(stdout);
}

/* Each row is a way through the indexes, or the worst that one can meet. */
static void measure_all(struct bench *bench)
{
    static const char *const asked[][2] = {
        {"by name", ""},
        {"by price, downwards", "&sort=-price"},
        {"a word that all have", "&q=item"},
        {"one letter", "&q=b"},
        {"a tenth has it", "&q=red"},
        {"one in 100,000 has it", "&q=unique"},
        {"rare word, common start", "&q=unique+i"},
        {"two common words", "&q=item+red"},
        {"two words that nobody has both", "&q=red+blue"},
        {"common word by price", "&q=red&sort=price"},
        {"common word in stock", "&q=red&in_stock=true"},
        {"nothing in stock", "&category=c49&in_stock=true"},
        {"nothing in stock, by price", "&category=c49&in_stock=true&sort=-price"},
        {"word, nothing in stock", "&q=item&category=c49&in_stock=true"},
        {"one price in 1,000, by name", "&price_min=5000&price_max=5099"},
        {"one price in 200, by name", "&price_min=5000&price_max=5499"},
        {"half of all prices, by age", "&price_max=50000&sort=-created"},
        {"no such price, by age", "&price_min=200000&sort=-created"},
        {"all at once", "&q=item+red&category=c1&in_stock=true&price_max=500&sort=-created"},
    };
    printf("| asked | query | items | p50 ms | cpu p50 ms | cpu p99 ms | cpu first ms | ended "
           "early |\n");
    printf("|--|--|--|--|--|--|--|--|\n");
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        measure_pages(bench, asked[i][0], asked[i][1]);
}

/* The server starts last, on stores that are on disk. */
int main(int argc, char **argv)
{
    struct bench bench = {.answer = malloc(ANSWER_BYTES_MAX)};
    struct topo_topology *topology = NULL;
    struct mr_error error;
    if (argc != 3 || !bench.answer) {
        fprintf(stderr, "usage: listing_bench PRODUCTS STATE_DIR\n");
        return 2;
    }
    int64_t products = strtoll(argv[1], NULL, 10);
    (void)mkdir(argv[2], 0700);
    struct token_keys *keys = make_keys(argv[2]);
    bench.registry = codec_registry_new_local();
    listing_need(shop_views_query_topology(bench.registry, &topology, &error), &error);
    bench.driver = topo_driver_new(
        topology, &(struct topo_driver_options){.partitions = 4, .state_dir = argv[2]});
    listing_need(topo_driver_run(bench.driver, &error), &error);
    double taken_s = fill_view(&bench, products);
    printf(
        "%" PRId64 " products, %.1f us of processor time per event folded\n\n",
        products,
        taken_s * 1e6 / ((double)products * 4));
    start_server(&bench, keys);
    measure_all(&bench);
    http_server_free(bench.server);
    topo_driver_free(bench.driver);
    topo_topology_free(topology);
    return 0;
}
