/*
 * store_bench.c - what the store costs per operation, in ns of CPU time of its thread.
 *
 *     cmake --build build/release --target store_bench && build/release/bin/store_bench [DIR]
 *
 * A record is a save point, a get, a put of a value as big, and a release; a commit every 1,000
 * records. 50,000 keys of 16 bytes, values of 100. With DIR over RocksDB, else in memory.
 */
#include "store/store_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    KEYS = 50000,
    VALUE_BYTES = 100,
    RECORDS = 2000000,
    RECORDS_PER_COMMIT = 1000,
    RECORDS_PER_FLUSH = 250000,
    PAGE = 100,
};

struct bench {
    struct store_set *set;
    struct topo_store *plain;
    struct topo_store *ordered;
    struct mr_arena arena;
    uint64_t random;
    char key[16];
    char value[VALUE_BYTES];
};

static int64_t cpu_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void print_time(const char *what, int64_t since_ns, int64_t count)
{
    printf("%-48s %8.0f ns\n", what, (double)(cpu_ns() - since_ns) / (double)count);
}

static struct mr_bytes key_of(struct bench *bench, uint64_t number)
{
    mr_put_be64(bench->key, 0x0198c0de00000000U);
    mr_put_be64(bench->key + 8, number * 0x9e3779b97f4a7c15U);
    return mr_bytes_of(bench->key, sizeof bench->key);
}

static uint64_t draw_number(struct bench *bench)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return (bench->random >> 20) % KEYS;
}

static struct mr_bytes value_of(struct bench *bench)
{
    return mr_bytes_of(bench->value, sizeof bench->value);
}

static void flush_store(struct bench *bench)
{
    struct mr_error error = {0};
    if (store_set_flush(bench->set, &error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
}

static void measure_fill(struct bench *bench, struct topo_store *store, const char *what)
{
    int64_t start = cpu_ns();
    for (uint64_t i = 0; i < KEYS; i++)
        topo_store_put(store, key_of(bench, i), value_of(bench));
    store_set_commit(bench->set);
    print_time(what, start, KEYS);
    start = cpu_ns();
    flush_store(bench);
    print_time("  flushed, per entry", start, KEYS);
}

static void measure_get(struct bench *bench, struct topo_store *store, const char *what)
{
    int64_t start = cpu_ns();
    size_t sum = 0;
    for (int i = 0; i < RECORDS; i++)
        sum += topo_store_get(store, key_of(bench, draw_number(bench))).len;
    print_time(what, start, RECORDS);
    if (sum != (size_t)RECORDS * VALUE_BYTES)
        exit(1);
}

static void fold_record(struct bench *bench, struct topo_store *store)
{
    store_set_savepoint(bench->set);
    struct mr_bytes key = key_of(bench, draw_number(bench));
    struct mr_bytes value = topo_store_get(store, key);
    bench->value[0] = (char)(value.ptr[0] + 1);
    topo_store_put(store, key, value_of(bench));
    store_set_release(bench->set);
}

static void measure_fold(struct bench *bench, struct topo_store *store, const char *what)
{
    int64_t flush_ns = 0;
    int64_t start = cpu_ns();
    for (int i = 1; i <= RECORDS; i++) {
        fold_record(bench, store);
        if (i % RECORDS_PER_COMMIT == 0) {
            store_set_position_put(bench->set, "topic", 0, i);
            store_set_commit(bench->set);
        }
        if (i % RECORDS_PER_FLUSH == 0) {
            int64_t before = cpu_ns();
            flush_store(bench);
            flush_ns += cpu_ns() - before;
        }
    }
    print_time(what, start + flush_ns, RECORDS);
    printf("%-48s %8.0f ns\n", "  its share of the flushes", (double)flush_ns / RECORDS);
}

static void read_committed(struct bench *bench, struct topo_store *store, const char *what)
{
    int64_t start = cpu_ns();
    for (int i = 0; i < RECORDS; i++) {
        struct mr_bytes value;
        mr_arena_reset(&bench->arena);
        if (topo_read_get(
                topo_store_reader(store),
                key_of(bench, draw_number(bench)),
                &bench->arena,
                &value,
                NULL) < 0)
            exit(1);
    }
    print_time(what, start, RECORDS);
}

static void read_pages(struct bench *bench)
{
    enum { PAGES = 2000 };
    int64_t start = cpu_ns();
    for (int i = 0; i < PAGES; i++) {
        struct mr_bytes key;
        struct mr_bytes value;
        struct topo_read_scan *scan = NULL;
        mr_arena_reset(&bench->arena);
        const struct topo_read_options options = {.first = key_of(bench, draw_number(bench))};
        if (topo_read_scan_open(
                topo_store_reader(bench->ordered), &options, &bench->arena, &scan, NULL) < 0)
            exit(1);
        for (int at = 0; at < PAGE; at++)
            if (topo_read_scan_next(scan, &key, &value, NULL) <= 0)
                break;
        topo_read_scan_close(scan);
    }
    print_time("a page of 100 by another thread's scan", start, PAGES);
}

static void scan_prefixes(struct bench *bench)
{
    enum { SCANS = 100000 };
    int64_t start = cpu_ns();
    for (int i = 0; i < SCANS; i++) {
        struct mr_bytes key;
        struct mr_bytes value;
        struct topo_scan *scan =
            topo_store_scan_prefix(bench->ordered, key_of(bench, draw_number(bench)));
        if (!topo_scan_next(scan, &key, &value))
            exit(1);
        topo_scan_close(scan);
    }
    print_time("the owner's prefix scan of one entry", start, SCANS);
}

static void run_store(struct bench *bench)
{
    measure_fill(bench, bench->plain, "put and commit of a new key");
    measure_get(bench, bench->plain, "get");
    measure_fold(bench, bench->plain, "record: save point, get, put, release, commit");
    read_committed(bench, bench->plain, "committed get");
    measure_fill(bench, bench->ordered, "put and commit of a new key, ordered");
    measure_fold(bench, bench->ordered, "record, ordered");
    scan_prefixes(bench);
    read_pages(bench);
}

int main(int argc, char **argv)
{
    static const struct store_spec specs[] = {
        {.name = "plain", .changelog = true}, {.name = "ordered", .ordered = true}};
    const struct store_set_options options = {
        .dir = argc > 1 ? argv[1] : NULL,
        .fingerprint = "store_bench",
        .specs = specs,
        .specs_count = 2,
    };
    struct bench bench = {.random = 88172645463325252U};
    struct mr_error error = {0};
    mr_arena_init(&bench.arena);
    if (store_set_open(&options, &bench.set, &error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    bench.plain = store_set_store(bench.set, "plain");
    bench.ordered = store_set_store(bench.set, "ordered");
    run_store(&bench);
    store_set_close(bench.set);
    mr_arena_clean_up(&bench.arena);
    return 0;
}
