/* shop_cluster.c - starts, steps and buries eight engines, and reads what they committed. */
#include "shop_cluster.h"

#include "shop_invariants.h"

#include "../../topology/src/engine/engine_impl.h"
#include "../../topology/src/engine/worker.h"

#include <base/alloc.h>
#include <payment_connector/simulator.h>
#include <schemas/types.h>
#include <tests/cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    IDLE_ROUNDS = 4, /* Enough for a retry of each kind of call to be seen through. */
    ROUNDS_MAX = 20000,
    ABORTS_MAX = 200,
    SESSION_MS = 11000, /* Sessions and transactions of the dead run out. */
    MINUTE_MS = 60 * 1000,
    QUIET_MINUTES_MAX = 60,
};

static const char *const instances[SHOP_ENGINES] = {
    "identity-left",
    "identity-right",
    "catalog-left",
    "catalog-right",
    "sales-left",
    "sales-right",
    "payments-left",
    "payments-right",
};

const char *shop_cluster_instance(size_t engine)
{
    return instances[engine];
}

/* -- the shop's outside -- */

static void append_record(void *self, const char *topic, struct mr_bytes key, struct mr_bytes value)
{
    struct shop_cluster *cluster = self;
    const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
    const struct topo_output record = {
        .key = key, .value = value, .headers = &by_us, .headers_count = 1};
    topo_sim_append(cluster->sim, topic, -1, &record);
}

static struct topo_store *
store_in(const struct topo_engine *engine, const char *store, int32_t partition)
{
    const struct worker *worker = engine->workers[0];
    for (size_t i = 0; i < worker->tasks_count; i++) {
        const struct task *task = worker->tasks[i];
        for (size_t k = 0; k < task->sub->stores_count; k++)
            if (task->partition == partition && task->state == TASK_RUNNING &&
                strcmp(task->sub->stores[k]->name, store) == 0)
                return task->stores[k];
    }
    return NULL;
}

/* The store is where the task runs; a global table is in both instances. */
static struct topo_store *
store_of(void *self, enum shop_member member, const char *store, int32_t partition)
{
    struct shop_cluster *cluster = self;
    for (size_t i = 0; i < SHOP_INSTANCES; i++) {
        struct topo_engine *engine = cluster->engines[(size_t)member * SHOP_INSTANCES + i];
        struct topo_store *found = NULL;
        if (engine && partition < 0)
            found = (struct topo_store *)topo_engine_global(engine, store);
        else if (engine)
            found = store_in(engine, store, partition);
        if (found)
            return found;
    }
    return NULL;
}

static int64_t cluster_now_ms(void *self)
{
    const struct shop_cluster *cluster = self;
    return topo_sim_now_ms(cluster->sim);
}

/* The test makes the rounds. */
static void advance_time(void *self, int64_t ms)
{
    struct shop_cluster *cluster = self;
    topo_sim_advance_ms(cluster->sim, ms);
}

/* -- open and close -- */

static const char *under_way;

/* An assertion of the engine names the case, too. */
static void name_case(int signal_number)
{
    (void)signal_number;
    if (under_way && write(STDERR_FILENO, under_way, strlen(under_way)) > 0)
        (void)!write(STDERR_FILENO, "\n", 1);
}

void shop_cluster_open(
    struct shop_cluster *cluster, struct shop *shop, uint64_t seed, bool on_disk, const char *when)
{
    cluster->sim = topo_sim_new(seed);
    cluster->shop = shop;
    cluster->simulator = psp_simulator_new(&(struct psp_simulator_options){0});
    cluster->psp = psp_simulator_psp(cluster->simulator);
    cluster->order = seed * 2654435761U + 1;
    cluster->leave_dead = false;
    cluster->deaths = 0;
    cluster->when = under_way = when;
    (void)signal(SIGABRT, name_case);
    cluster->dir = NULL;
    memset(cluster->engines, 0, sizeof cluster->engines);
    memset(cluster->read_offsets, 0, sizeof cluster->read_offsets);
    shop_forget(shop);
    shop->provider = &cluster->psp;
    shop->outside =
        (struct shop_outside){cluster, append_record, store_of, cluster_now_ms, advance_time};
    shop_crowd_open(&cluster->crowd, shop, seed * 0x9e3779b97f4a7c15U + 1);
    for (size_t i = 0; i < SHOP_TOPIC_COUNT; i++)
        topo_sim_create_topic(cluster->sim, shop_topics[i].name, SHOP_PARTITIONS);
    if (!on_disk)
        return;
    cluster->dir = mr_strdup("/tmp/millrace-shop-XXXXXX");
    assert_non_null(mkdtemp(cluster->dir));
}

void shop_cluster_close(struct shop_cluster *cluster)
{
    for (size_t i = 0; i < SHOP_ENGINES; i++)
        shop_cluster_end(cluster, i, true);
    topo_sim_free(cluster->sim);
    psp_simulator_free(cluster->simulator);
    if (cluster->dir) {
        char command[128];
        (void)snprintf(command, sizeof command, "rm -r '%s'", cluster->dir);
        assert_int_equal(system(command), 0);
    }
    free(cluster->dir);
    under_way = NULL;
}

/* -- engines -- */

static void print_log(void *user, int level, const char *event, const char *text)
{
    (void)level;
    if (getenv("MILLRACE_LOG"))
        (void)fprintf(stderr, "%s: event=%s %s\n", (const char *)user, event, text);
}

/* One that cannot start (a failure was armed) starts at another round. */
void shop_cluster_start(struct shop_cluster *cluster, size_t engine)
{
    if (cluster->engines[engine])
        return;
    struct mr_error error = {0};
    char dir[128];
    if (cluster->dir)
        (void)snprintf(dir, sizeof dir, "%s/%s", cluster->dir, instances[engine]);
    const struct topo_engine_options options = {
        .instance_id = instances[engine],
        .state_dir = cluster->dir ? dir : NULL,
        .io_open = topo_sim_open,
        .io_user = cluster->sim,
        .commit_records_max = 5,
        .on_log = print_log,
        .log_user = (void *)(uintptr_t)instances[engine],
    };
    struct topo_engine *made = NULL;
    if (topo_engine_new(
            cluster->shop->topologies[engine / SHOP_INSTANCES], &options, &made, &error)) {
        if (!topo_sim_crashed(cluster->sim) && mr_code_class(error.code) == MR_CLASS_FATAL)
            fail_msg("%s: %s does not start: %s", cluster->when, instances[engine], error.text);
        return;
    }
    made->store_now = cluster_now_ms;
    made->store_now_user = cluster;
    cluster->engines[engine] = made;
    if (topo_engine_check(made, &error))
        shop_cluster_end(cluster, engine, true);
}

void shop_cluster_end(struct shop_cluster *cluster, size_t engine, bool kill)
{
    struct topo_engine *ended = cluster->engines[engine];
    if (!ended)
        return;
    if (kill) {
        topo_sim_kill(cluster->sim, instances[engine]);
        topo_engine_kill(ended);
    } else {
        topo_engine_stop(ended);
    }
    topo_engine_free(ended);
    cluster->engines[engine] = NULL;
}

/* A process that died is buried; an engine that failed alive is a fault of ours. */
static bool step_engine(struct shop_cluster *cluster, size_t engine)
{
    struct mr_error error = {0};
    struct topo_engine *stepped = cluster->engines[engine];
    if (!stepped)
        return false;
    int rc = topo_engine_step(stepped, &error);
    if (rc < 0 || topo_engine_state(stepped, &error) == TOPO_ENGINE_FAILED) {
        /* The sim forgets a death when an io is opened, by the table of prices in the same step. */
        if (!topo_sim_crashed(cluster->sim) && !strstr(error.text, "the process is dead"))
            fail_msg("%s: %s fails: %s", cluster->when, instances[engine], error.text);
        cluster->deaths++;
        shop_cluster_end(cluster, engine, true);
        return true;
    }
    return rc > 0;
}

/* At-least-once, as the connector is: it gives each request to the provider. */
static bool step_provider(struct shop_cluster *cluster)
{
    struct topo_record record;
    struct mr_error error = {0};
    bool any = false;
    for (int32_t p = 0; p < SHOP_PARTITIONS; p++)
        while (
            topo_sim_read(cluster->sim, "payments.events", p, &cluster->read_offsets[p], &record)) {
            struct codec_message message;
            any = true;
            if (codec_decode(
                    cluster->shop->registry, record.value, &cluster->shop->arena, &message, &error))
                fail_msg("%s: %s", cluster->when, error.text);
            if (message.id == SHOP_PAYMENT_OP_REQUESTED)
                shop_ask_provider(cluster->shop, message.value);
        }
    return shop_take_answers(cluster->shop) || any;
}

bool shop_cluster_round(struct shop_cluster *cluster)
{
    size_t turns[SHOP_ENGINES];
    bool any = false;
    for (size_t i = 0; i < SHOP_ENGINES; i++) {
        size_t at = (size_t)shop_pick(&cluster->order, (int)i + 1);
        turns[i] = turns[at];
        turns[at] = i;
    }
    for (size_t i = 0; i < SHOP_ENGINES; i++) {
        if (!cluster->leave_dead || cluster->deaths == 0)
            shop_cluster_start(cluster, turns[i]);
        any = step_engine(cluster, turns[i]) || any;
    }
    return step_provider(cluster) || any;
}

/* Nothing is in its way any more. */
static void check_aborts(const struct shop_cluster *cluster)
{
    for (size_t i = 0; i < SHOP_ENGINES; i++)
        if (cluster->engines[i] && topo_engine_aborts_in_a_row(cluster->engines[i]) > ABORTS_MAX)
            fail_msg("%s: %s aborts again and again", cluster->when, instances[i]);
}

void shop_cluster_settle(struct shop_cluster *cluster)
{
    bool waited = false;
    for (int rounds = 0, idle = 0; idle < IDLE_ROUNDS || !waited; rounds++) {
        idle = shop_cluster_round(cluster) ? 0 : idle + 1;
        if (idle == IDLE_ROUNDS && !waited) {
            topo_sim_advance_ms(cluster->sim, SESSION_MS);
            waited = true;
            idle = 0;
        } else if (idle == IDLE_ROUNDS && cluster->leave_dead && cluster->deaths > 0) {
            cluster->leave_dead = false;
            waited = false;
            idle = 0;
        }
        if (rounds > ABORTS_MAX)
            check_aborts(cluster);
        if (rounds > ROUNDS_MAX)
            fail_msg("%s: it does not come to rest", cluster->when);
    }
}

static void let_minutes_pass(struct shop_cluster *cluster, int minutes)
{
    topo_sim_advance_ms(cluster->sim, (int64_t)minutes * MINUTE_MS);
    for (int idle = 0; idle < IDLE_ROUNDS;)
        idle = shop_cluster_round(cluster) ? 0 : idle + 1;
}

void shop_cluster_finish(struct shop_cluster *cluster)
{
    shop_cluster_settle(cluster);
    for (int i = 0; i < QUIET_MINUTES_MAX && !shop_crowd_is_settled(&cluster->crowd); i++)
        let_minutes_pass(cluster, 1);
    if (!shop_crowd_is_settled(&cluster->crowd))
        fail_msg("%s: an order does not come to an end", cluster->when);
    for (int i = 0; i < 6; i++) /* Money that arrived late is on its way back. */
        let_minutes_pass(cluster, 6);
    shop_cluster_settle(cluster);
}

/* -- what was committed -- */

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* Facts are kept; commands and messages between services are not. */
static void read_topic(struct shop_cluster *cluster, const char *topic)
{
    struct topo_record record;
    bool facts = !ends_in(topic, ".commands") && !ends_in(topic, ".changelog") &&
                 strcmp(topic, "sales.replies") != 0;
    for (int32_t p = 0; p < SHOP_PARTITIONS; p++)
        for (int64_t at = 0; topo_sim_read(cluster->sim, topic, p, &at, &record);)
            if (strncmp(topic, "dead-letters.", 13) == 0)
                cluster->shop->dead_letters++;
            else if (facts)
                shop_remember(cluster->shop, topic, &record);
}

void shop_cluster_check(struct shop_cluster *cluster)
{
    struct mr_bytes before[SHOP_SERVICES];
    cluster->shop->seen_count = 0;
    cluster->shop->dead_letters = 0;
    for (size_t i = 0; i < SHOP_TOPIC_COUNT; i++)
        read_topic(cluster, shop_topics[i].name);
    shop_invariants_check(&cluster->crowd, cluster->when);
    for (int i = 0; i < SHOP_SERVICES; i++)
        before[i] = shop_dump(cluster->shop, (enum shop_member)i);
    for (size_t i = 0; i < SHOP_ENGINES; i++)
        shop_cluster_end(cluster, i, true);
    shop_cluster_settle(cluster);
    for (int i = 0; i < SHOP_SERVICES; i++)
        shop_invariants_check_state(
            before[i], shop_dump(cluster->shop, (enum shop_member)i), cluster->when);
}
