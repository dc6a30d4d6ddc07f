/* kafka_bench.h - what the benches on a broker share: a filled topic, clocks, giving up. */
#ifndef BENCH_KAFKA_BENCH_H
#define BENCH_KAFKA_BENCH_H

#include <topology/client.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BENCH_VALUE_SIZE = 100, BENCH_KEYS = 50000, BENCH_POLL_MS = 100, BENCH_FLUSH_MS = 60000 };

struct bench {
    struct topo_kafka_options options;
    struct mr_error error;
    char input[64];
    char output[64];
    char changelog[64];
    int64_t records;
};

static inline double bench_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void bench_need(struct bench *bench, int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, bench->error.text);
    exit(1);
}

/* New topics of one partition each, named after the bench and the time. */
static inline void make_topics(struct bench *bench, const char *name)
{
    long id = (long)time(NULL);
    snprintf(bench->input, sizeof bench->input, "%s-in-%ld", name, id);
    snprintf(bench->output, sizeof bench->output, "%s-out-%ld", name, id);
    snprintf(bench->changelog, sizeof bench->changelog, "%s-changelog-%ld", name, id);
    const struct topo_kafka_topic topics[] = {
        {.name = bench->input, .partitions = 1},
        {.name = bench->output, .partitions = 1},
        {.name = bench->changelog, .partitions = 1},
    };
    bench_need(
        bench,
        topo_kafka_create_topics(&bench->options, topics, 3, NULL, &bench->error),
        "create topics");
}

/* The input: records of BENCH_VALUE_SIZE bytes, their keys in turn. */
static inline void
bench_fill(struct bench *bench, const struct topo_header *headers, size_t headers_count)
{
    struct topo_kafka_producer *producer;
    char key[24];
    char value[BENCH_VALUE_SIZE];
    memset(value, 'v', sizeof value);
    bench_need(
        bench,
        topo_kafka_producer_new(&bench->options, 20, &producer, &bench->error),
        "make a producer");
    for (int64_t i = 0; i < bench->records; i++) {
        snprintf(key, sizeof key, "key-%" PRId64, i % BENCH_KEYS);
        const struct topo_output record = {
            .key = mr_cstr(key),
            .value = mr_bytes_of(value, sizeof value),
            .headers = headers,
            .headers_count = headers_count,
        };
        int code;
        while ((code = topo_kafka_produce(
                    producer, bench->input, 0, &record, NULL, NULL, &bench->error)) == MR_AGAIN)
            topo_kafka_flush(producer, BENCH_POLL_MS, NULL);
        bench_need(bench, code, "fill");
    }
    bench_need(bench, topo_kafka_flush(producer, BENCH_FLUSH_MS, &bench->error), "fill");
    topo_kafka_producer_free(producer);
}

#endif
