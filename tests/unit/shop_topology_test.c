/*
 * shop_topology_test.c - the four services build, every topic they name is in topics.json, and they
 * run on as many partitions as production has.
 */
#include <processors/shop.h>
#include <tests/cmocka.h>
#include <topology/engine.h>
#include <topology/sim.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct shop_service service = {.limits = {.psp = "simulator"}};

static char *describe_topology(const struct topo_topology *topology)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    topo_describe(topology, TOPO_DESCRIBE_JSON, out);
    fclose(out);
    return text;
}

static void every_service_builds(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHOP_SERVICES; i++) {
        struct topo_topology *topology = NULL;
        struct mr_error error = {0};
        if (shop_services[i].make(&service, &topology, &error))
            fail_msg("%s: %s", shop_services[i].name, error.text);
        topo_topology_free(topology);
    }
}

/* Strings of the JSON that look like a topic are topics that exist. */
static void every_topic_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHOP_SERVICES; i++) {
        struct topo_topology *topology = NULL;
        assert_int_equal(shop_services[i].make(&service, &topology, NULL), 0);
        char *text = describe_topology(topology);
        int topics = 0;
        for (char *save = NULL, *word = strtok_r(text, "\"", &save); word;
             word = strtok_r(NULL, "\"", &save)) {
            if (!strchr(word, '.') || strpbrk(word, " ,:{}[]"))
                continue;
            topics++;
            if (!codec_topic_of(mr_cstr(word)))
                fail_msg("%s: no topic is called %s", shop_services[i].name, word);
        }
        assert_true(topics >= 4);
        free(text);
        topo_topology_free(topology);
    }
}

/* -- the partitions of production -- */

/* All topics as topics.json sizes them for production; but `odd` has one partition more. */
static struct topo_sim *make_production(int odd)
{
    struct topo_sim *sim = topo_sim_new(1);
    for (int i = 0; i < SHOP_TOPIC_COUNT; i++)
        topo_sim_create_topic(
            sim, shop_topics[i].name, shop_topics[i].partitions_production + (i == odd));
    return sim;
}

static int count_tasks(struct topo_engine *engine, const char *name)
{
    char wanted[64];
    struct mr_buffer text;
    int count = 0;
    mr_buffer_init(&text);
    topo_engine_status_json(engine, &text);
    mr_buffer_add_byte(&text, '\0');
    snprintf(wanted, sizeof wanted, "{\"name\":\"%s\",", name);
    for (const char *at = text.ptr; (at = strstr(at, wanted)); at++)
        count++;
    mr_buffer_clean_up(&text);
    return count;
}

static void every_service_runs_on_the_partitions_of_production(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        int count;
    } wanted[SHOP_SERVICES][2] = {
        {{"claim", 12}, {"user", 24}},
        {{"catalog", 24}},
        {{"sales", 24}, {"price-table", 1}},
        {{"payments", 24}},
    };
    struct topo_sim *sim = make_production(SHOP_TOPIC_COUNT);
    const struct topo_engine_options options = {.io_open = topo_sim_open, .io_user = sim};
    for (size_t i = 0; i < SHOP_SERVICES; i++) {
        struct topo_topology *topology = NULL;
        struct topo_engine *engine = NULL;
        struct mr_error error = {0};
        assert_int_equal(shop_services[i].make(&service, &topology, NULL), 0);
        if (topo_engine_start(topology, &options, &engine, &error))
            fail_msg("%s: %s", shop_services[i].name, error.text);
        while (topo_engine_state(engine, NULL) == TOPO_ENGINE_RESTORING)
            usleep(1000);
        assert_int_equal(topo_engine_state(engine, NULL), TOPO_ENGINE_RUNNING);
        for (size_t k = 0; k < 2 && wanted[i][k].task; k++)
            assert_int_equal(count_tasks(engine, wanted[i][k].task), wanted[i][k].count);
        topo_engine_free(engine);
        topo_topology_free(topology);
    }
    topo_sim_free(sim);
}

static void an_outcome_topic_of_another_size_is_refused(void **state)
{
    (void)state;
    struct topo_sim *sim = make_production(SHOP_TOPIC_INVENTORY_STOCK_OUTCOMES);
    const struct topo_engine_options options = {.io_open = topo_sim_open, .io_user = sim};
    struct topo_topology *topology = NULL;
    struct topo_engine *engine = NULL;
    struct mr_error error = {0};
    assert_int_equal(shop_catalog_topology(&service, &topology, NULL), 0);
    assert_int_equal(topo_engine_start(topology, &options, &engine, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "\"inventory.stock.outcomes\" has 25 partitions"));
    topo_topology_free(topology);
    topo_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_service_builds),
        cmocka_unit_test(every_topic_is_known),
        cmocka_unit_test(every_service_runs_on_the_partitions_of_production),
        cmocka_unit_test(an_outcome_topic_of_another_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
