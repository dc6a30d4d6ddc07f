/* view_fixture.h - views on the simulated log: events in, stores out. */
#ifndef TESTS_VIEW_FIXTURE_H
#define TESTS_VIEW_FIXTURE_H

#include <processors/views.h>
#include <topology/driver.h>

#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum { VIEW_PARTITIONS = 3 };

typedef int view_topology_fn(
    const struct codec_registry *registry,
    struct topo_topology **ret_topology,
    struct mr_error *error);

struct views {
    struct codec_registry *registry;
    struct topo_topology *topology;
    struct topo_driver *driver;
    struct mr_arena arena;
    struct mr_buffer bytes;
};

static inline void views_open_wide(struct views *views, view_topology_fn *make, int partitions)
{
    struct mr_error error;
    *views = (struct views){.registry = codec_registry_new_local()};
    if (make(views->registry, &views->topology, &error) != 0)
        fail_msg("%s", error.text);
    views->driver =
        topo_driver_new(views->topology, &(struct topo_driver_options){.partitions = partitions});
    assert_non_null(views->driver);
    assert_int_equal(topo_driver_run(views->driver, &error), 0);
}

static inline void views_open(struct views *views, view_topology_fn *make)
{
    views_open_wide(views, make, VIEW_PARTITIONS);
}

static inline void views_close(struct views *views)
{
    topo_driver_free(views->driver);
    topo_topology_free(views->topology);
    codec_registry_free(views->registry);
    mr_arena_clean_up(&views->arena);
    mr_buffer_clean_up(&views->bytes);
}

static inline int views_set_up_with(void **state, view_topology_fn *make)
{
    struct views *views = mr_calloc(1, sizeof *views);
    views_open(views, make);
    *state = views;
    return 0;
}

/* The query side's views: a test's set-up and tear-down. */
static inline int views_set_up(void **state)
{
    return views_set_up_with(state, shop_views_query_topology);
}

static inline int views_tear_down(void **state)
{
    views_close(*state);
    free(*state);
    return 0;
}

/* One event into its topic. */
static inline void
views_pipe(struct views *views, enum shop_type type, const char *key, const void *event)
{
    struct mr_error error;
    mr_buffer_reset(&views->bytes);
    codec_encode(views->registry, type, NULL, event, &views->bytes);
    const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
    const struct topo_output record = {
        .key = mr_cstr(key),
        .value = mr_buffer_view(&views->bytes),
        .headers = &by_us,
        .headers_count = 1,
    };
    topo_sim_append(topo_driver_sim(views->driver), shop_types[type].topic->name, -1, &record);
    if (topo_driver_run(views->driver, &error) != 0)
        fail_msg("%s", error.text);
}

/* The decoded document, NULL when absent. */
static inline const void *
views_get(struct views *views, const char *store, enum shop_type type, struct mr_bytes key)
{
    struct mr_bytes stored = {0};
    const void *state = NULL;
    struct topo_store *opened = topo_driver_store(views->driver, store, -1);
    assert_non_null(opened);
    assert_int_equal(
        topo_read_get(topo_store_reader(opened), key, &views->arena, &stored, NULL), 0);
    if (stored.ptr)
        assert_int_equal(
            codec_decode_bare(&shop_types[type], stored, &views->arena, &state, NULL), 0);
    return state;
}

/* Every key and value of an ordered store that starts with `prefix`, as hexadecimal lines. */
static inline void
views_dump(struct views *views, const char *store, struct mr_bytes prefix, struct mr_buffer *out)
{
    struct topo_read_scan *scan = NULL;
    struct mr_bytes key;
    struct mr_bytes value;
    mr_buffer_printf(out, "%s\n", store);
    assert_int_equal(
        topo_read_scan_open(
            topo_store_reader(topo_driver_store(views->driver, store, -1)),
            &(struct topo_read_options){.first = prefix},
            &views->arena,
            &scan,
            NULL),
        0);
    while (topo_read_scan_next(scan, &key, &value, NULL) == 1) {
        if (!mr_bytes_starts_with(key, prefix))
            break;
        for (size_t i = 0; i < key.len; i++)
            mr_buffer_printf(out, "%02x", (unsigned char)key.ptr[i]);
        mr_buffer_printf(out, "=");
        for (size_t i = 0; i < value.len; i++)
            mr_buffer_printf(out, "%02x", (unsigned char)value.ptr[i]);
        mr_buffer_printf(out, "\n");
    }
    topo_read_scan_close(scan);
}

/* The value of one key, the same way. */
static inline void
views_dump_key(struct views *views, const char *store, struct mr_bytes key, struct mr_buffer *out)
{
    struct mr_bytes value = {0};
    assert_int_equal(
        topo_read_get(
            topo_store_reader(topo_driver_store(views->driver, store, -1)),
            key,
            &views->arena,
            &value,
            NULL),
        0);
    mr_buffer_printf(out, "%s/%.*s=%s", store, MR_ARG(key), value.ptr ? "" : "absent");
    for (size_t i = 0; value.ptr && i < value.len; i++)
        mr_buffer_printf(out, "%02x", (unsigned char)value.ptr[i]);
    mr_buffer_printf(out, "\n");
}

static inline struct shop_meta meta_at(int64_t version, int64_t occurred_at)
{
    return (struct shop_meta){
        .event_id = MR_LITERAL("evt"),
        .aggregate = MR_LITERAL("a"),
        .aggregate_id = MR_LITERAL("i"),
        .aggregate_version = version,
        .command_id = MR_LITERAL(""),
        .correlation_id = MR_LITERAL(""),
        .causation_id = MR_LITERAL(""),
        .actor_kind = MR_LITERAL("customer"),
        .actor_id = MR_LITERAL(""),
        .occurred_at = occurred_at,
        .schema_rev = 1,
    };
}

static inline struct shop_money money_pence(int64_t minor)
{
    return (struct shop_money){.minor = minor, .currency = MR_LITERAL("GBP")};
}

/* The owner's order of two robots at 1.50. */
static inline void
views_place(struct views *views, const char *owner, const char *order, int64_t at)
{
    const struct shop_order_line line = {
        .line_no = 1,
        .product_id = MR_LITERAL("prd_1"),
        .sku = MR_LITERAL("S"),
        .title = MR_LITERAL("Robot"),
        .quantity = 2,
        .unit_price = money_pence(150),
        .price_version = 1,
        .line_total = money_pence(300),
    };
    struct shop_order_placed event = {
        .meta = meta_at(1, at),
        .order_id = mr_cstr(order),
        .owner_id = mr_cstr(owner),
        .cart_id = MR_LITERAL("crt_1"),
        .lines = &line,
        .lines_count = 1,
        .items_total = money_pence(300),
        .shipping_total = money_pence(0),
        .tax_total = money_pence(0),
        .grand_total = money_pence(300),
        .pay_deadline = at + 900000,
        .reserve_ttl_s = 1200,
    };
    views_pipe(views, SHOP_ORDER_PLACED, owner, &event);
}

static inline bool text_equals(struct mr_bytes text, const char *expected)
{
    return mr_bytes_equal(text, mr_cstr(expected));
}

/* xorshift: the same seed, the same order. */
static inline uint32_t view_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 32);
}

#endif
