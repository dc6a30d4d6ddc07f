/*
 * fold_bench.c - the engine's fold: per record a read and a write of a store with a changelog and
 * one output, exactly-once. Prints records/s and CPU microseconds a record.
 *
 *     fold_bench HOST:PORT [records [state_dir]]
 */
#include "kafka_bench.h"

#include <topology/engine.h>

#include <unistd.h>

struct state {
    uint64_t count;
    char last[BENCH_VALUE_SIZE];
};

static int fold_event(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    (void)user, (void)error;
    struct topo_store *store = topo_context_store(context, "counts");
    struct state state = {0};
    struct mr_bytes known = topo_store_get(store, record->key);
    if (known.len == sizeof state)
        memcpy(&state, known.ptr, sizeof state);
    state.count++;
    if (record->value.len == sizeof state.last)
        memcpy(state.last, record->value.ptr, sizeof state.last);
    topo_store_put(store, record->key, mr_bytes_of(&state, sizeof state));
    const struct topo_output output = {
        .key = record->key,
        .value = mr_arena_copy(topo_context_arena(context), mr_bytes_of(&state, sizeof state)),
    };
    topo_forward(context, "out", &output);
    return 0;
}

/* The smallest topology that has every cost of a fold: a source, a store with a changelog, a
 * sink. */
static struct topo_topology *make_topology(struct bench *bench)
{
    struct topo_builder *builder = topo_builder_new(bench->input);
    const char *topics[] = {bench->input, NULL};
    const char *from_in[] = {"in", NULL};
    const char *from_fold[] = {"fold", NULL};
    const char *stores[] = {"counts", NULL};
    topo_add_source(builder, &(struct topo_source){.name = "in", .topics = topics});
    topo_add_store(
        builder,
        &(struct topo_store_options){
            .name = "counts",
            .log = TOPO_LOG_CHANGELOG,
            .changelog_topic = bench->changelog,
        });
    topo_add_processor(
        builder,
        &(struct topo_processor){
            .name = "fold",
            .parents = from_in,
            .stores = stores,
            .process = fold_event,
        });
    topo_add_sink(
        builder,
        &(struct topo_sink){
            .name = "out",
            .parents = from_fold,
            .topic = bench->output,
            .partition_by = TOPO_PARTITION_BY_TASK,
        });
    struct topo_topology *topology = NULL;
    bench_need(bench, topo_build(builder, &topology, &bench->error), "build");
    return topology;
}

static void print_log(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level;
    fprintf(stderr, "event=%s %s\n", event, text);
}

static void see_position(void *user, const struct topo_position *position, int64_t lag)
{
    (void)lag;
    *(int64_t *)user = position->next_offset;
}

/* The rate counts from the first committed position: joining the group takes seconds, whatever
 * the engine costs. */
static void run_fold(struct bench *bench, const char *state_dir)
{
    struct topo_topology *topology = make_topology(bench);
    const struct topo_engine_options options = {
        .state_dir = state_dir,
        .io_open = topo_kafka_open,
        .io_user = &bench->options,
        .on_log = print_log,
    };
    struct topo_engine *engine = NULL;
    double wall = bench_seconds(CLOCK_MONOTONIC);
    double cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    bench_need(bench, topo_engine_start(topology, &options, &engine, &bench->error), "start");
    int64_t next = 0;
    double first = 0;
    while (next < bench->records &&
           topo_engine_state(engine, &bench->error) != TOPO_ENGINE_FAILED) {
        usleep(2000);
        topo_engine_positions(engine, "counts", see_position, &next);
        if (first == 0 && next > 0)
            first = bench_seconds(CLOCK_MONOTONIC);
    }
    double end = bench_seconds(CLOCK_MONOTONIC);
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (topo_engine_state(engine, &bench->error) == TOPO_ENGINE_FAILED)
        bench_need(bench, bench->error.code, "run");
    double count = (double)bench->records;
    printf(
        "fold: %.0f records/s after the join (%.1f s), %.2f us CPU a record\n",
        count / (end - first),
        first - wall,
        cpu / count * 1e6);
    struct mr_buffer text;
    mr_buffer_init(&text);
    topo_engine_metrics(engine, &text);
    mr_buffer_add_byte(&text, '\0');
    fputs(text.ptr, stderr);
    mr_buffer_clean_up(&text);
    topo_engine_free(engine);
    topo_topology_free(topology);
}

int main(int argc, char **argv)
{
    struct bench bench = {.options = {.client_id = "bench"}};
    if (argc < 2) {
        fprintf(stderr, "usage: fold_bench HOST:PORT [records [state_dir]]\n");
        return 2;
    }
    bench.options.brokers = argv[1];
    bench.records = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
    make_topics(&bench, "fold");
    bench_fill(&bench, NULL, 0);
    run_fold(&bench, argc > 3 ? argv[3] : NULL);
    return 0;
}
