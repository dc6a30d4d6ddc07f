/*
 * cart_bench.c - the input of the carts, and the time its outputs take.
 *
 *     cart_bench topics BROKERS EVENTS TOTALS CHANGELOG
 *     cart_bench generate BROKERS EVENTS FROM COUNT RATE     (RATE 0: as fast as it goes)
 *     cart_bench latency BROKERS TOTALS SECONDS WARM         (from the topic's end on)
 *     cart_bench check BROKERS COUNT TOTALS CHANGELOG
 */
#include "cart_check.h"
#include "cart_workload.h"

#include <topology/client.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 50, FLUSH_MS = 60000, BULK_LINGER_MS = 20, SILENCE_MS = 60000 };

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
create_cart_topics(const struct topo_kafka_options *options, char **names, struct mr_error *error)
{
    static const char *const kept[] = {"retention.ms=-1", NULL};
    static const char *const compacted[] = {"cleanup.policy=compact", NULL};
    const struct topo_kafka_topic topics[] = {
        {.name = names[0], .partitions = CART_PARTITIONS, .configs = kept},
        {.name = names[1], .partitions = CART_PARTITIONS, .configs = kept},
        {.name = names[2], .partitions = CART_PARTITIONS, .configs = compacted},
    };
    return topo_kafka_create_topics(options, topics, 3, NULL, error);
}

static int send_event(
    struct topo_kafka_producer *producer,
    const char *topic,
    uint64_t number,
    struct mr_error *error)
{
    struct cart_event event;
    char key[CART_KEY_LEN + 1];
    uint8_t value[CART_EVENT_BYTES_MAX];
    cart_event_at(number, &event);
    cart_key(event.cart, key);
    const struct topo_output record = {
        .key = mr_cstr(key),
        .value = mr_bytes_of((const char *)value, cart_event_encode(&event, value)),
        .timestamp_ms = clock_us(CLOCK_REALTIME) / 1000,
    };
    int rc;
    while ((rc = topo_kafka_produce(producer, topic, -1, &record, NULL, NULL, error)) == MR_AGAIN)
        topo_kafka_flush(producer, POLL_MS, NULL);
    return rc;
}

static void wait_for_turn(int64_t start_us, uint64_t done, uint64_t rate)
{
    int64_t due = start_us + (int64_t)(done * 1000000 / rate);
    int64_t early = due - clock_us(CLOCK_MONOTONIC);
    if (early > 0)
        nanosleep(&(struct timespec){early / 1000000, early % 1000000 * 1000}, NULL);
}

static int
generate_events(const struct topo_kafka_options *options, char **words, struct mr_error *error)
{
    uint64_t from = strtoull(words[1], NULL, 10);
    uint64_t count = strtoull(words[2], NULL, 10);
    uint64_t rate = strtoull(words[3], NULL, 10);
    struct topo_kafka_producer *producer;
    int rc = topo_kafka_producer_new(options, rate ? 1 : BULK_LINGER_MS, &producer, error);
    if (rc)
        return rc;
    int64_t start_us = clock_us(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < count && rc == 0; i++) {
        if (rate)
            wait_for_turn(start_us, i, rate);
        rc = send_event(producer, words[0], from + i, error);
    }
    if (rc == 0)
        rc = topo_kafka_flush(producer, FLUSH_MS, error);
    topo_kafka_producer_free(producer);
    return rc;
}

static int compare_numbers(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void print_percentiles(int64_t *us, size_t count)
{
    static const struct {
        const char *name;
        double share;
    } shown[] = {{"p50_ms", .5}, {"p90_ms", .9}, {"p99_ms", .99}, {"max_ms", 1}};
    qsort(us, count, sizeof *us, compare_numbers);
    printf("{\"samples\": %zu", count);
    for (size_t i = 0; i < sizeof shown / sizeof *shown && count; i++) {
        size_t at = (size_t)((double)(count - 1) * shown[i].share);
        printf(", \"%s\": %.2f", shown[i].name, (double)us[at] / 1000);
    }
    puts("}");
}

/* Each record against the clock as it is handed over: its time is the event's, for both runtimes
 * give an output the time of its input. */
static int measure_latency(
    struct topo_kafka_reader *reader, int64_t seconds, int64_t warm_up, struct mr_error *error)
{
    size_t room = 1 << 16, count = 0;
    int64_t *samples = malloc(room * sizeof *samples);
    int64_t began = clock_us(CLOCK_MONOTONIC), first = 0;
    if (!samples)
        abort();
    for (;;) {
        const struct topo_record *records;
        int got = topo_kafka_reader_poll(reader, POLL_MS, &records, error);
        int64_t now = clock_us(CLOCK_MONOTONIC);
        int64_t wall = clock_us(CLOCK_REALTIME);
        if (got < 0) {
            free(samples);
            return got;
        }
        if (!first && got > 0)
            first = now;
        bool warm = first && now - first >= warm_up * 1000000;
        if (first ? now - first > seconds * 1000000 : now - began > SILENCE_MS * 1000)
            break;
        for (int i = 0; i < got && warm; i++) {
            if (count == room && !(samples = realloc(samples, (room *= 2) * sizeof *samples)))
                abort();
            samples[count++] = wall - records[i].timestamp_ms * 1000;
        }
    }
    print_percentiles(samples, count);
    free(samples);
    return count ? 0 : mr_fail(error, MR_TIMEOUT, "no output came");
}

static int
read_latency(const struct topo_kafka_options *options, char **words, struct mr_error *error)
{
    struct topo_kafka_reader *reader;
    int rc = topo_kafka_reader_new(options, &reader, error);
    if (rc)
        return rc;
    for (int32_t i = 0; i < CART_PARTITIONS && rc == 0; i++)
        rc = topo_kafka_reader_add(reader, words[0], i, TOPO_KAFKA_END, error);
    if (rc == 0)
        rc = measure_latency(
            reader, strtoll(words[1], NULL, 10), strtoll(words[2], NULL, 10), error);
    topo_kafka_reader_free(reader);
    return rc;
}

static int
check_carts(const struct topo_kafka_options *options, char **words, struct mr_error *error)
{
    return cart_check(options, strtoull(words[0], NULL, 10), words[1], words[2], error);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words;
        int (*run)(const struct topo_kafka_options *, char **, struct mr_error *);
    } commands[] = {
        {"topics", 3, create_cart_topics},
        {"generate", 4, generate_events},
        {"latency", 3, read_latency},
        {"check", 3, check_carts},
    };
    struct mr_error error = {0};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (argc != commands[i].words + 3 || strcmp(argv[1], commands[i].name) != 0)
            continue;
        const struct topo_kafka_options options = {.brokers = argv[2], .client_id = "cart-bench"};
        int rc = commands[i].run(&options, argv + 3, &error);
        if (rc)
            fprintf(stderr, "cart_bench %s: %s\n", argv[1], error.text);
        return rc ? 1 : 0;
    }
    fprintf(stderr, "usage: cart_bench topics|generate|latency|check BROKERS ...\n");
    return 2;
}
