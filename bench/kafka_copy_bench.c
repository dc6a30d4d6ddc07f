/*
 * kafka_copy_bench.c - what the Kafka adapter costs by itself: consume, produce one for one,
 * exactly-once, no state. Told in records/s and CPU microseconds a record; the floor of an engine.
 *
 *     kafka_copy_bench HOST:PORT [records [commit_records [headers]]]
 */
#include <topology/kafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { VALUE_SIZE = 100, POLL_MS = 100 };

struct bench {
    struct topo_kafka_options options;
    struct topo_io io;
    struct mr_error error;
    char input[64];
    char output[64];
    int64_t records;
    int64_t commit_records;
    bool headers;
};

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void need(struct bench *bench, int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, bench->error.text);
    exit(1);
}

static void make_topics(struct bench *bench)
{
    long id = (long)time(NULL);
    snprintf(bench->input, sizeof bench->input, "bench-in-%ld", id);
    snprintf(bench->output, sizeof bench->output, "bench-out-%ld", id);
    const struct topo_kafka_topic topics[] = {
        {.name = bench->input, .partitions = 1}, {.name = bench->output, .partitions = 1}};
    need(
        bench,
        topo_kafka_create_topics(&bench->options, topics, 2, NULL, &bench->error),
        "create topics");
}

static void fill(struct bench *bench)
{
    static const struct topo_header headers[] = {
        {MR_LITERAL("type"), MR_LITERAL("ItemAdded")},
        {MR_LITERAL("trace"), MR_LITERAL("0123456789abcdef")},
    };
    struct topo_kafka_producer *producer;
    char key[24];
    char value[VALUE_SIZE];
    memset(value, 'v', sizeof value);
    need(
        bench,
        topo_kafka_producer_new(&bench->options, 20, &producer, &bench->error),
        "make a producer");
    for (int64_t i = 0; i < bench->records; i++) {
        snprintf(key, sizeof key, "key-%lld", (long long)(i % 50000));
        const struct topo_output record = {
            .key = mr_cstr(key),
            .value = mr_bytes_of(value, sizeof value),
            .headers = headers,
            .headers_count = bench->headers ? 2 : 0,
        };
        int code;
        while ((code = topo_kafka_produce(
                    producer, bench->input, 0, &record, NULL, NULL, &bench->error)) == MR_AGAIN)
            topo_kafka_flush(producer, POLL_MS, NULL);
        need(bench, code, "fill");
    }
    need(bench, topo_kafka_flush(producer, 60000, &bench->error), "fill");
    topo_kafka_producer_free(producer);
}

static void start(struct bench *bench)
{
    const char *topics[] = {bench->input};
    struct topo_io *io = &bench->io;
    struct topo_io_poll poll = {.event = TOPO_IO_NOTHING};
    const struct topo_io_options options = {bench->input, "0", 0, true};
    need(bench, topo_kafka_open(&bench->options, &options, io, &bench->error), "open");
    need(bench, io->init_transactions(io->self, &bench->error), "init");
    need(bench, io->subscribe(io->self, topics, 1, &bench->error), "subscribe");
    while (poll.event != TOPO_IO_ASSIGNED)
        need(bench, io->poll(io->self, POLL_MS, &poll, &bench->error), "poll");
    const struct topo_partition partition = {bench->input, 0};
    need(bench, io->seek(io->self, partition, 0, &bench->error), "seek");
}

static void copy(struct bench *bench)
{
    struct topo_io *io = &bench->io;
    const struct topo_partition to = {bench->output, 0};
    struct topo_position position = {bench->input, 0, 0};
    int64_t open = 0; /* Records in the open transaction. */
    while (position.next_offset < bench->records) {
        struct topo_io_poll poll;
        need(bench, io->poll(io->self, POLL_MS, &poll, &bench->error), "poll");
        for (size_t i = 0; i < poll.records_count; i++) {
            if (open++ == 0)
                need(bench, io->begin(io->self, &bench->error), "begin");
            need(bench, io->produce(io->self, &to, &poll.records[i], &bench->error), "produce");
            position.next_offset = poll.records[i].offset + 1;
            io->release(io->self, poll.tokens[i]);
        }
        if (open >= bench->commit_records || position.next_offset >= bench->records) {
            need(bench, io->commit(io->self, &position, 1, &bench->error), "commit");
            open = 0;
        }
    }
}

static double consume(struct bench *bench)
{
    struct topo_io *io = &bench->io;
    const struct topo_partition partition = {bench->input, 0};
    int64_t seen = 0;
    double begin = seconds(CLOCK_MONOTONIC);
    need(bench, io->seek(io->self, partition, 0, &bench->error), "seek");
    while (seen < bench->records) {
        struct topo_io_poll poll;
        need(bench, io->poll(io->self, POLL_MS, &poll, &bench->error), "poll");
        for (size_t i = 0; i < poll.records_count; i++, seen++)
            io->release(io->self, poll.tokens[i]);
    }
    return seconds(CLOCK_MONOTONIC) - begin;
}

int main(int argc, char **argv)
{
    struct bench bench = {.options = {.client_id = "bench"}};
    if (argc < 2) {
        fprintf(stderr, "usage: kafka_copy_bench HOST:PORT [records [commit_records [headers]]]\n");
        return 2;
    }
    bench.options.brokers = argv[1];
    bench.records = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
    bench.commit_records = argc > 3 ? strtoll(argv[3], NULL, 10) : 10000;
    bench.headers = argc > 4;
    make_topics(&bench);
    fill(&bench);
    start(&bench);
    double wall = seconds(CLOCK_MONOTONIC);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    copy(&bench);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    double count = (double)bench.records;
    printf("copy: %.0f records/s, %.2f us CPU a record\n", count / wall, cpu / count * 1e6);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall = consume(&bench);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("consume: %.0f records/s, %.2f us CPU a record\n", count / wall, cpu / count * 1e6);
    bench.io.close(bench.io.self);
    return 0;
}
