/*
 * kafka_copy_bench.c - what the Kafka adapter costs by itself: consume, produce one for one,
 * exactly-once, no state. Prints records/s and CPU microseconds a record; no engine can be faster.
 *
 *     kafka_copy_bench HOST:PORT [records [commit_records [headers]]]
 */
#include "kafka_bench.h"

struct copy {
    struct bench bench;
    struct topo_io io;
    int64_t commit_records;
};

static void start_copy(struct copy *copy)
{
    struct bench *bench = &copy->bench;
    const char *topics[] = {bench->input};
    struct topo_io *io = &copy->io;
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    const struct topo_io_options options = {bench->input, "0", 0, true};
    bench_need(bench, topo_kafka_open(&bench->options, &options, io, &bench->error), "open");
    bench_need(bench, io->init_transactions(io->self, &bench->error), "init");
    bench_need(bench, io->subscribe(io->self, topics, 1, &bench->error), "subscribe");
    while (poll.event != TOPO_IO_ASSIGNED)
        bench_need(bench, io->poll(io->self, BENCH_POLL_MS, &poll, &bench->error), "poll");
    const struct topo_partition partition = {bench->input, 0};
    bench_need(bench, io->seek(io->self, partition, 0, &bench->error), "seek");
}

static void run_copy(struct copy *copy)
{
    struct bench *bench = &copy->bench;
    struct topo_io *io = &copy->io;
    const struct topo_partition to = {bench->output, 0};
    struct topo_position position = {bench->input, 0, 0};
    int64_t open = 0; /* Records in the open transaction. */
    while (position.next_offset < bench->records) {
        struct topo_io_poll poll;
        bench_need(bench, io->poll(io->self, BENCH_POLL_MS, &poll, &bench->error), "poll");
        for (size_t i = 0; i < poll.records_count; i++) {
            if (open++ == 0)
                bench_need(bench, io->begin(io->self, &bench->error), "begin");
            bench_need(
                bench, io->produce(io->self, &to, &poll.records[i], &bench->error), "produce");
            position.next_offset = poll.records[i].offset + 1;
            io->release(io->self, poll.tokens[i]);
        }
        if (open >= copy->commit_records || position.next_offset >= bench->records) {
            bench_need(bench, io->commit(io->self, &position, 1, &bench->error), "commit");
            open = 0;
        }
    }
}

static double consume_input(struct copy *copy)
{
    struct bench *bench = &copy->bench;
    struct topo_io *io = &copy->io;
    const struct topo_partition partition = {bench->input, 0};
    int64_t seen = 0;
    double begin = bench_seconds(CLOCK_MONOTONIC);
    bench_need(bench, io->seek(io->self, partition, 0, &bench->error), "seek");
    while (seen < bench->records) {
        struct topo_io_poll poll;
        bench_need(bench, io->poll(io->self, BENCH_POLL_MS, &poll, &bench->error), "poll");
        for (size_t i = 0; i < poll.records_count; i++, seen++)
            io->release(io->self, poll.tokens[i]);
    }
    return bench_seconds(CLOCK_MONOTONIC) - begin;
}

/* After the copy the input is read once more, alone: the difference is the price of producing. */
int main(int argc, char **argv)
{
    static const struct topo_header headers[] = {
        {MR_LITERAL("type"), MR_LITERAL("ItemAdded")},
        {MR_LITERAL("trace"), MR_LITERAL("0123456789abcdef")},
    };
    struct copy copy = {.bench = {.options = {.client_id = "bench"}}};
    struct bench *bench = &copy.bench;
    if (argc < 2) {
        fprintf(stderr, "usage: kafka_copy_bench HOST:PORT [records [commit_records [headers]]]\n");
        return 2;
    }
    bench->options.brokers = argv[1];
    bench->records = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
    copy.commit_records = argc > 3 ? strtoll(argv[3], NULL, 10) : 10000;
    make_topics(bench, "copy");
    bench_fill(bench, headers, argc > 4 ? 2 : 0);
    start_copy(&copy);
    double wall = bench_seconds(CLOCK_MONOTONIC);
    double cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    run_copy(&copy);
    wall = bench_seconds(CLOCK_MONOTONIC) - wall;
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    double count = (double)bench->records;
    printf("copy: %.0f records/s, %.2f us CPU a record\n", count / wall, cpu / count * 1e6);
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall = consume_input(&copy);
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("consume: %.0f records/s, %.2f us CPU a record\n", count / wall, cpu / count * 1e6);
    copy.io.close(copy.io.self);
    return 0;
}
