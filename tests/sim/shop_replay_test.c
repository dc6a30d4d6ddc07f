/*
 * shop_replay_test.c - events are all there is: a log that older schemas wrote folds into the same
 * bytes as the one that was written today.
 *
 * The older writer is one whose Meta had no `reason` yet: the last field of what every event begins
 * with, so that taking its byte out of a record's bytes is what that writer would have written.
 */
#include "shop_harness.h"

#include <base/alloc.h>
#include <processors/views.h>
#include <tests/cmocka.h>

#include <jansson.h>
#include <stdlib.h>

enum { OLD_ID = 9000, FRAME_BYTES = 5 };

static const char *const owner = "usr_a";

static int start_shop(void **state)
{
    struct shop *shop = shop_open(NULL);
    shop_make_product(shop, "MUG", 255, 10);
    shop_make_product(shop, "TIN", 100, 3);
    shop_add_item(shop, owner, "MUG", 2);
    shop_add_item(shop, owner, "TIN", 1);
    struct mr_bytes first = shop_place(shop, owner, &shop_token);
    shop_add_item(shop, owner, "TIN", 3);
    shop_place(shop, owner, &shop_token); /* Out of stock. */
    shop_cancel(shop, owner, first);
    shop->psp = "soft";
    shop_add_item(shop, "usr_b", "MUG", 1);
    shop_place(shop, "usr_b", &shop_token);
    *state = shop;
    return 0;
}

static int stop_shop(void **state)
{
    shop_close(*state);
    return 0;
}

/* Takes the field away wherever Meta is defined. */
static void age_schema(json_t *schema)
{
    const char *name = json_string_value(json_object_get(schema, "name"));
    json_t *fields = json_object_get(schema, "fields"), *item;
    size_t i;
    json_array_foreach(fields, i, item)
    {
        const char *field = json_string_value(json_object_get(item, "name"));
        if (name && strcmp(name, "Meta") == 0 && field && strcmp(field, "reason") == 0) {
            json_array_remove(fields, i);
            return;
        }
        age_schema(json_object_get(item, "type"));
    }
}

static void register_old(struct shop *shop, int32_t old_id, struct mr_bytes text)
{
    json_t *schema = json_loadb(text.ptr, text.len, 0, NULL);
    assert_non_null(schema);
    age_schema(schema);
    char *aged = json_dumps(schema, JSON_COMPACT);
    assert_true(strlen(aged) < text.len);
    json_t *value = json_pack("{s:i,s:s}", "id", (int)old_id, "schema", aged);
    char *value_text = json_dumps(value, 0);
    char *key_text = mr_asprintf(
        "{\"keytype\":\"SCHEMA\",\"subject\":\"old-%d\",\"version\":1,\"magic\":1}", (int)old_id);
    struct mr_error error = {0};
    if (codec_registry_apply(shop->registry, mr_cstr(key_text), mr_cstr(value_text), &error))
        fail_msg("%s", error.text);
    free(aged);
    free(value_text);
    free(key_text);
    json_decref(value);
    json_decref(schema);
}

/* The record as the older writer would have framed it. */
static struct mr_bytes aged_record(struct shop *shop, const struct shop_seen *seen)
{
    int32_t id = codec_schema_id(seen->value), old_id = OLD_ID + id;
    struct mr_bytes text;
    const struct shop_meta *meta = codec_meta_of(&seen->message);
    struct mr_buffer bytes;
    if (!meta || meta->reason.ptr)
        fail_msg("no event, or one with a reason");
    if (!codec_registry_text(shop->registry, old_id, &text)) {
        assert_true(codec_registry_text(shop->registry, id, &text));
        register_old(shop, old_id, text);
    }
    mr_buffer_init(&bytes);
    shop_types[SHOP_META].encode(meta, &bytes);
    size_t reason = FRAME_BYTES + mr_buffer_view(&bytes).len - 1;
    mr_buffer_reset(&bytes);
    mr_buffer_add(&bytes, mr_bytes_of(seen->value.ptr, reason));
    mr_buffer_add(&bytes, mr_bytes_of(seen->value.ptr + reason + 1, seen->value.len - reason - 1));
    struct mr_bytes aged = mr_arena_copy(&shop->arena, mr_buffer_view(&bytes));
    mr_put_be32((char *)(uintptr_t)aged.ptr + 1, (uint32_t)old_id);
    mr_buffer_clean_up(&bytes);
    return aged;
}

/* A driver that finds the log of `topics`, old or as it is, and folds it. */
static struct mr_bytes folded_state(
    struct shop *shop, const struct topo_topology *topology, const char *const *topics, bool old)
{
    struct topo_driver *driver =
        topo_driver_new(topology, &(struct topo_driver_options){.partitions = SHOP_PARTITIONS});
    struct mr_error error = {0};
    for (size_t i = 0; i < shop->seen_count; i++) {
        struct shop_seen seen = shop->seen[i];
        for (size_t t = 0; topics[t]; t++) {
            if (strcmp(seen.topic, topics[t]) != 0)
                continue;
            const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
            struct topo_output record = {
                .key = seen.key,
                .value = old ? aged_record(shop, &seen) : seen.value,
                .headers = &by_us,
                .headers_count = 1};
            topo_sim_append(topo_driver_sim(driver), seen.topic, seen.partition, &record);
        }
    }
    if (topo_driver_run(driver, &error))
        fail_msg("%s", error.text);
    struct mr_bytes dump = shop_dump_of(topology, shop_store_of_driver, driver, &shop->arena);
    topo_driver_free(driver);
    return dump;
}

static void the_catalog_folds_an_older_log_into_the_same_bytes(void **state)
{
    static const char *const topics[] = {"catalog.product.events", "inventory.stock.events", NULL};
    struct shop *shop = *state;
    struct mr_bytes live = shop_dump(shop, MEMBER_CATALOG);
    assert_true(
        mr_bytes_equal(folded_state(shop, shop->topologies[MEMBER_CATALOG], topics, false), live));
    assert_true(
        mr_bytes_equal(folded_state(shop, shop->topologies[MEMBER_CATALOG], topics, true), live));
}

static void payments_fold_an_older_log_into_the_same_bytes(void **state)
{
    static const char *const topics[] = {"payments.events", NULL};
    struct shop *shop = *state;
    struct mr_bytes live = shop_dump(shop, MEMBER_PAYMENTS);
    assert_true(
        mr_bytes_equal(folded_state(shop, shop->topologies[MEMBER_PAYMENTS], topics, false), live));
    assert_true(
        mr_bytes_equal(folded_state(shop, shop->topologies[MEMBER_PAYMENTS], topics, true), live));
}

static void sales_folds_an_older_log_into_the_same_bytes(void **state)
{
    static const char *const topics[] = {
        "catalog.product.events", "sales.cart.events", "sales.order.events", NULL};
    struct shop *shop = *state;
    struct mr_bytes now = folded_state(shop, shop->topologies[MEMBER_SALES], topics, false);
    assert_true(
        mr_bytes_equal(folded_state(shop, shop->topologies[MEMBER_SALES], topics, true), now));
}

static void views_fold_an_older_log_into_the_same_bytes(void **state)
{
    static const char *const topics[] = {
        "catalog.product.events",
        "inventory.stock.events",
        "sales.cart.events",
        "sales.order.events",
        NULL};
    struct shop *shop = *state;
    struct topo_topology *views;
    struct mr_error error = {0};
    assert_int_equal(shop_views_query_topology(shop->registry, &views, &error), 0);
    shop_make_dumpable(views);
    struct mr_bytes now = folded_state(shop, views, topics, false);
    assert_true(mr_bytes_equal(folded_state(shop, views, topics, true), now));
    topo_topology_free(views);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_catalog_folds_an_older_log_into_the_same_bytes),
        TEST(payments_fold_an_older_log_into_the_same_bytes),
        TEST(sales_folds_an_older_log_into_the_same_bytes),
        TEST(views_fold_an_older_log_into_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
