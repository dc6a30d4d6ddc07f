/* query_api_kafka_test.c - events on a real broker, read over HTTP with the position they got. */
#include "../http/query_fixture.h"

#include <service/registry.h>
#include <topology/client.h>

#include <tests/broker.h>

#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>

struct fixture {
    struct topo_kafka_options kafka;
    struct codec_registry *registry;
    struct topo_topology *topology;
    struct topo_kafka_producer *producer;
    struct topo_engine *engine;
    struct token_keys *keys;
    struct query_api api;
    struct http_server *server;
    struct client_answer answer;
    char dir[64];
    char state_dir[80];
    char bearer[QUERY_BEARER_MAX];
    char owner[64];
};

static const char *brokers;

static void must_succeed(int code, const struct mr_error *error)
{
    if (code < 0)
        fail_msg("%s", error->text);
}

static void create_topics(struct fixture *fixture)
{
    static const char *const compact[] = {"cleanup.policy=compact", NULL};
    static const char *const events[] = {"cleanup.policy=delete", "retention.ms=-1", NULL};
    static const char *const names[] = {
        "catalog.product.events",
        "inventory.stock.events",
        "sales.cart.events",
        "sales.order.events",
        "payments.events",
        "identity.session.events"};
    enum { EVENTS = sizeof names / sizeof names[0] };
    struct topo_kafka_topic topics[EVENTS + 1] = {
        {.name = SHOP_REGISTRY_TOPIC, .partitions = 1, .configs = compact}};
    struct mr_error error;
    for (size_t i = 0; i < EVENTS; i++)
        topics[i + 1] = (struct topo_kafka_topic){
            .name = names[i],
            .partitions = codec_topic_of(mr_cstr(names[i]))->partitions_development,
            .configs = events};
    must_succeed(
        topo_kafka_create_topics(&fixture->kafka, topics, EVENTS + 1, NULL, &error), &error);
}

static void append_schema(void *user, struct mr_bytes key, struct mr_bytes value)
{
    struct fixture *fixture = user;
    struct mr_error error;
    must_succeed(
        topo_kafka_produce(
            fixture->producer,
            SHOP_REGISTRY_TOPIC,
            0,
            &(struct topo_output){.key = key, .value = value},
            NULL,
            NULL,
            &error),
        &error);
}

static void register_schemas(struct fixture *fixture)
{
    struct codec_registry *registry = NULL;
    struct mr_error error;
    must_succeed(shop_registry_read(&fixture->kafka, &registry, &error), &error);
    must_succeed(codec_registry_plan(registry, append_schema, fixture, &error), &error);
    must_succeed(topo_kafka_flush(fixture->producer, 30000, &error), &error);
    codec_registry_free(registry);
    must_succeed(shop_registry_load(&fixture->kafka, &fixture->registry, &error), &error);
}

static int get_status(struct fixture *fixture, const char *target, const char *headers)
{
    return query_get(fixture->server, target, headers, &fixture->answer);
}

static void start_api(struct fixture *fixture)
{
    struct mr_error error;
    const struct topo_engine_options options = {
        .state_dir = fixture->state_dir, .io_open = topo_kafka_open, .io_user = &fixture->kafka};
    must_succeed(topo_engine_start(fixture->topology, &options, &fixture->engine, &error), &error);
    query_api_init(&fixture->api, fixture->engine, fixture->keys);
    const struct http_server_options server = {
        .routes = query_routes, .routes_count = query_routes_count, .user = &fixture->api};
    must_succeed(http_server_start(&server, &fixture->server, &error), &error);
    for (int i = 0; i < 3000 && get_status(fixture, "/readyz", "") != 200; i++)
        usleep(10000);
    assert_int_equal(get_status(fixture, "/readyz", ""), 200);
}

static void stop_api(struct fixture *fixture)
{
    http_server_stop(fixture->server, 5000);
    topo_engine_stop(fixture->engine);
    http_server_free(fixture->server);
    topo_engine_free(fixture->engine);
}

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    struct mr_error error;
    fixture->kafka = (struct topo_kafka_options){.brokers = brokers, .client_id = "query-api-test"};
    (void)snprintf(fixture->dir, sizeof fixture->dir, "/tmp/query-api-kafka-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    (void)snprintf(fixture->state_dir, sizeof fixture->state_dir, "%s/state", fixture->dir);
    test_name_unique(fixture->owner, sizeof fixture->owner, "usr");
    fixture->keys = query_keys();
    query_bearer(fixture->keys, fixture->owner, fixture->bearer);
    must_succeed(topo_kafka_producer_new(&fixture->kafka, 0, &fixture->producer, &error), &error);
    create_topics(fixture);
    register_schemas(fixture);
    must_succeed(shop_views_query_topology(fixture->registry, &fixture->topology, &error), &error);
    start_api(fixture);
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    stop_api(fixture);
    topo_kafka_producer_free(fixture->producer);
    topo_topology_free(fixture->topology);
    codec_registry_free(fixture->registry);
    token_keys_free(fixture->keys);
    nftw(fixture->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

struct delivery {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    int code;
    int32_t partition;
    int64_t offset;
};

static void note_delivery(void *user, int code, int32_t partition, int64_t offset)
{
    struct delivery *delivery = user;
    pthread_mutex_lock(&delivery->lock);
    delivery->done = true;
    delivery->code = code;
    delivery->partition = partition;
    delivery->offset = offset;
    pthread_cond_signal(&delivery->changed);
    pthread_mutex_unlock(&delivery->lock);
}

/* Appends one event, and writes the header that asks for it: "Consistency-Token: ...". */
static void append_event(
    struct fixture *fixture,
    enum shop_type type,
    const void *event,
    char *token_line,
    size_t token_line_size)
{
    struct delivery delivery = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct mr_buffer bytes = {0};
    struct mr_buffer token = {0};
    struct mr_error error;
    const char *topic = shop_types[type].topic->name;
    const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
    codec_encode(fixture->registry, type, NULL, event, &bytes);
    const struct topo_output record = {
        .key = mr_cstr(fixture->owner),
        .value = mr_buffer_view(&bytes),
        .headers = &by_us,
        .headers_count = 1,
    };
    must_succeed(
        topo_kafka_produce(fixture->producer, topic, -1, &record, note_delivery, &delivery, &error),
        &error);
    pthread_mutex_lock(&delivery.lock);
    while (!delivery.done)
        pthread_cond_wait(&delivery.changed, &delivery.lock);
    pthread_mutex_unlock(&delivery.lock);
    assert_int_equal(delivery.code, 0);
    const struct topo_position position = {topic, delivery.partition, delivery.offset + 1};
    assert_int_equal(token_positions_write(fixture->keys, &position, 1, &token), 0);
    (void)snprintf(
        token_line, token_line_size, "Consistency-Token: %.*s\r\n", (int)token.len, token.ptr);
    mr_buffer_clean_up(&bytes);
    mr_buffer_clean_up(&token);
}

static struct shop_cart_item_added make_added(struct fixture *fixture, int32_t quantity)
{
    return (struct shop_cart_item_added){
        .meta =
            {.event_id = MR_LITERAL("e"),
             .aggregate = MR_LITERAL("cart"),
             .aggregate_id = MR_LITERAL("crt_1"),
             .aggregate_version = quantity,
             .command_id = MR_LITERAL("c"),
             .correlation_id = MR_LITERAL("c"),
             .causation_id = MR_LITERAL("c"),
             .actor_kind = MR_LITERAL("customer"),
             .actor_id = MR_LITERAL("u"),
             .occurred_at = 1},
        .owner_id = mr_cstr(fixture->owner),
        .cart_id = MR_LITERAL("crt_1"),
        .product_id = MR_LITERAL("prd_1"),
        .quantity_delta = 1,
        .quantity_after = quantity,
        .quoted_unit_price = {.minor = 100, .currency = MR_LITERAL("GBP")},
        .price_version = 1,
    };
}

static void expect_quantity(struct fixture *fixture, const char *token_line, int quantity)
{
    char headers[2048];
    char wanted[32];
    (void)snprintf(headers, sizeof headers, "%s%sPrefer: wait=10\r\n", fixture->bearer, token_line);
    (void)snprintf(wanted, sizeof wanted, "\"quantity\":%d,", quantity);
    assert_int_equal(get_status(fixture, "/v1/cart", headers), 200);
    if (!strstr(fixture->answer.body, wanted))
        fail_msg("no %s in %s", wanted, fixture->answer.body);
}

static void every_write_is_readable_with_its_position(void **state)
{
    struct fixture *fixture = *state;
    char token_line[512];
    for (int32_t quantity = 1; quantity <= 50; quantity++) {
        struct shop_cart_item_added event = make_added(fixture, quantity);
        append_event(fixture, SHOP_CART_ITEM_ADDED, &event, token_line, sizeof token_line);
        expect_quantity(fixture, token_line, quantity);
    }
}

static void views_survive_a_restart_and_an_empty_disk(void **state)
{
    struct fixture *fixture = *state;
    char token_line[512];
    struct shop_cart_item_added event = make_added(fixture, 7);
    append_event(fixture, SHOP_CART_ITEM_ADDED, &event, token_line, sizeof token_line);
    expect_quantity(fixture, token_line, 7);
    stop_api(fixture);
    start_api(fixture);
    expect_quantity(fixture, "", 7);
    stop_api(fixture);
    nftw(fixture->state_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    start_api(fixture);
    expect_quantity(fixture, "", 7);
}

static void a_schema_that_was_registered_after_the_start_is_found_when_a_record_has_it(void **state)
{
    static const char framed[] = "\x00\x00\x01\x86\xa0\x02\x06GBP"; /* The id is 100,000. */
    struct fixture *fixture = *state;
    struct codec_message message;
    struct mr_arena arena;
    struct mr_error error = {0};
    mr_arena_init(&arena);
    const struct mr_bytes record = mr_bytes_of(framed, sizeof framed - 1);
    assert_int_equal(
        codec_decode(fixture->registry, record, &arena, &message, &error), MR_MALFORMED);
    append_schema(
        fixture,
        mr_cstr("{\"keytype\":\"SCHEMA\",\"subject\":\"late\",\"version\":1,\"magic\":1}"),
        mr_cstr("{\"subject\":\"late\",\"version\":1,\"id\":100000,\"schema\":"
                "\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"shop.common.Money\\\","
                "\\\"fields\\\":[{\\\"name\\\":\\\"minor\\\",\\\"type\\\":\\\"int\\\"},"
                "{\\\"name\\\":\\\"currency\\\",\\\"type\\\":\\\"string\\\"}]}\"}"));
    must_succeed(topo_kafka_flush(fixture->producer, 30000, &error), &error);
    must_succeed(codec_decode(fixture->registry, record, &arena, &message, &error), &error);
    mr_arena_clean_up(&arena);
}

static void a_broker_that_is_not_there_is_named(void **state)
{
    struct codec_registry *registry = NULL;
    struct mr_error error;
    const struct topo_kafka_options nowhere = {.brokers = "127.0.0.1:1", .client_id = "test"};
    (void)state;
    assert_int_equal(shop_registry_load(&nowhere, &registry, &error), MR_UNAVAILABLE);
    assert_non_null(strstr(error.text, "127.0.0.1:1"));
    assert_null(registry);
}

int main(void)
{
    brokers = test_brokers();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_write_is_readable_with_its_position, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            views_survive_a_restart_and_an_empty_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_schema_that_was_registered_after_the_start_is_found_when_a_record_has_it,
            set_up,
            tear_down),
        cmocka_unit_test(a_broker_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
