/*
 * threads_test.c - the engine as programs run it: workers in threads, readers and waiters beside
 * them. Nothing here depends on how long anything takes; the thread sanitizer does the judging.
 */
#include <tests/cmocka.h>

#include "counter.h"

#include <topology/engine.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { PARTITIONS = 4, COMMANDS = 400, FACTS = 500 };

static void wait_until_running(struct topo_engine *engine)
{
    struct mr_error why = {0};
    while (topo_engine_state(engine, &why) == TOPO_ENGINE_RESTORING)
        usleep(1000);
    if (topo_engine_state(engine, &why) != TOPO_ENGINE_RUNNING)
        fail_msg("%s", why.text);
}

static void look_at(struct topo_engine *engine)
{
    struct mr_buffer text;
    mr_buffer_init(&text);
    topo_engine_metrics(engine, &text);
    topo_engine_status_json(engine, &text);
    assert_true(text.len > 0);
    mr_buffer_clean_up(&text);
}

static bool all_committed(struct topo_sim *sim)
{
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t end = topo_sim_end(sim, "counter.commands", p);
        if (end > 0 && topo_sim_committed(sim, "counter", "counter.commands", p) != end)
            return false;
    }
    return true;
}

static void two_workers_share_the_partitions_and_stop_clean(void **state)
{
    (void)state;
    static const char *const topics[] = {
        "counter.commands",
        "counter.events",
        "counter.outcomes",
        "counter.replies",
        "counter.seen",
        "counter.dead"};
    struct topo_topology *topology = counter_topology("counter");
    struct topo_sim *sim = topo_sim_new(1);
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        topo_sim_create_topic(sim, topics[i], PARTITIONS);
    const struct topo_engine_options options = {
        .io_open = topo_sim_open, .io_user = sim, .workers = 2, .commit_records_max = 20};
    for (int life = 0; life < 2; life++) {
        struct topo_engine *engine = NULL;
        struct mr_error error = {0};
        if (topo_engine_start(topology, &options, &engine, &error))
            fail_msg("%s", error.text);
        wait_until_running(engine);
        counter_feed(sim, &seed, COMMANDS);
        while (!all_committed(sim)) {
            look_at(engine);
            usleep(1000);
        }
        topo_engine_stop(engine);
        assert_int_equal(topo_engine_state(engine, NULL), TOPO_ENGINE_STOPPED);
        topo_engine_free(engine);
        const char *bad = counter_check_log(sim, "counter");
        if (bad[0])
            fail_msg("%s", bad);
    }
    topo_sim_free(sim);
    topo_topology_free(topology);
}

/* -- a global table, read and waited for by other threads -- */

static int remember_fact(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    topo_store_put(topo_context_store(context, "facts"), record->key, record->value);
    return 0;
}

static struct topo_topology *table_topology(void)
{
    struct topo_builder *builder = topo_builder_new("table");
    topo_add_source(
        builder,
        &(struct topo_source){.name = "log", .topics = TOPO_LIST("facts.log"), .global = true});
    topo_add_store(builder, &(struct topo_store_options){.name = "facts", .log = TOPO_LOG_INPUT});
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "fold",
            .parents = TOPO_LIST("log"),
            .stores = TOPO_LIST("facts"),
            .process = remember_fact,
        });
    struct topo_topology *topology = NULL;
    assert_int_equal(topo_build(builder, &topology, NULL), 0);
    return topology;
}

struct reader {
    struct topo_engine *engine;
    struct topo_sim *sim;
    atomic_int woken;
    int failures;
};

static void wake_waiter(void *user)
{
    struct reader *reader = user;
    atomic_fetch_add(&reader->woken, 1);
}

/* Writes a fact, waits for its position, and must then read it. */
static void *read_own_writes(void *user)
{
    struct reader *reader = user;
    struct mr_arena arena;
    mr_arena_init(&arena);
    struct topo_reader *store = topo_engine_global(reader->engine, "facts");
    for (int i = 0; i < FACTS; i++) {
        char text[32];
        snprintf(text, sizeof text, "%p-%d", user, i);
        const struct topo_output output = {.key = mr_cstr(text), .value = mr_cstr(text)};
        int64_t offset = topo_sim_append(reader->sim, "facts.log", 0, &output);
        const struct topo_position position = {"facts.log", 0, offset + 1};
        struct topo_watch *watch = NULL;
        bool there =
            topo_engine_watch(reader->engine, "facts", &position, wake_waiter, reader, &watch);
        if (!there && i % 3 == 0) /* Some are cancelled before, some while, some after. */
            topo_engine_unwatch(reader->engine, watch);
        enum topo_wait_result answer =
            topo_engine_wait(reader->engine, "facts", &position, 60000, NULL);
        struct mr_bytes value = {0};
        int rc = topo_read_get(store, mr_cstr(text), &arena, &value, NULL);
        reader->failures +=
            answer != TOPO_WAIT_OK || rc != 0 || !mr_bytes_equal(value, mr_cstr(text));
        if (!there && i % 3 != 0)
            topo_engine_unwatch(reader->engine, watch);
        mr_arena_reset(&arena);
    }
    mr_arena_clean_up(&arena);
    return NULL;
}

static void readers_read_what_they_waited_for(void **state)
{
    (void)state;
    struct topo_topology *topology = table_topology();
    struct topo_sim *sim = topo_sim_new(1);
    topo_sim_create_topic(sim, "facts.log", 1);
    const struct topo_engine_options options = {.io_open = topo_sim_open, .io_user = sim};
    struct topo_engine *engine = NULL;
    assert_int_equal(topo_engine_start(topology, &options, &engine, NULL), 0);
    struct reader readers[3];
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        readers[i] = (struct reader){.engine = engine, .sim = sim};
        assert_int_equal(pthread_create(&threads[i], NULL, read_own_writes, &readers[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readers[i].failures, 0);
    }
    const struct topo_position never = {"facts.log", 0, INT64_MAX};
    struct reader last = {.engine = engine, .sim = sim};
    struct topo_watch *watch = NULL;
    assert_false(topo_engine_watch(engine, "facts", &never, wake_waiter, &last, &watch));
    topo_engine_stop(engine);
    assert_int_equal(atomic_load(&last.woken), 1);
    assert_int_equal(topo_engine_wait(engine, "facts", &never, 60000, NULL), TOPO_WAIT_GONE);
    topo_engine_unwatch(engine, watch);
    topo_engine_free(engine);
    topo_sim_free(sim);
    topo_topology_free(topology);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_workers_share_the_partitions_and_stop_clean),
        cmocka_unit_test(readers_read_what_they_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
