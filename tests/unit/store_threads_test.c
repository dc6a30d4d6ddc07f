/*
 * store_threads_test.c - readers on other threads while the owner writes, commits, flushes, evicts.
 *
 * Each value says which commit wrote it, twice and in every byte, so a torn one shows, and so does
 * one that goes back in time. No key may be missing from a scan, and a commit that was announced is
 * seen by every get that begins after.
 */
#include "store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { KEYS = 200, COMMITS = 1500, READERS = 3, FLUSH_EVERY = 7, ABORT_EVERY = 5 };

struct stamp {
    uint64_t commit;
    uint64_t again;
    char filler[100]; /* Copies of the commit's low byte. */
};

struct shared {
    struct fixture fixture;
    atomic_uint_fast64_t committed; /* The last commit that readers may see all of. */
    atomic_bool done;
    atomic_size_t looks;
};

static struct mr_bytes key_of(uint32_t number, char key[4])
{
    mr_put_be32(key, number);
    return mr_bytes_of(key, 4);
}

static struct stamp stamp_of(uint64_t commit)
{
    struct stamp stamp = {.commit = commit, .again = commit};
    memset(stamp.filler, (int)(commit & 0xff), sizeof stamp.filler);
    return stamp;
}

/* 0: torn. */
static uint64_t commit_in(struct mr_bytes value)
{
    struct stamp stamp;
    if (value.len != sizeof stamp)
        return 0;
    memcpy(&stamp, value.ptr, sizeof stamp);
    struct stamp whole = stamp_of(stamp.commit);
    return memcmp(&stamp, &whole, sizeof stamp) == 0 ? stamp.commit : 0;
}

static void require_that(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "not so: %s\n", what);
    abort();
}

static void look_up(struct shared *shared, uint64_t latest[KEYS], uint32_t number)
{
    char key[4];
    struct mr_arena arena;
    struct mr_bytes value = {0};
    mr_arena_init(&arena);
    uint64_t floor = atomic_load(&shared->committed);
    struct topo_store *store = shared->fixture.ordered;
    require_that(
        topo_read_get(topo_store_reader(store), key_of(number, key), &arena, &value, NULL) == 0,
        "a read succeeds");
    require_that(value.ptr != NULL, "every key is there");
    uint64_t commit = commit_in(value);
    require_that(commit != 0, "no value is torn");
    require_that(commit >= latest[number], "no key goes back in time");
    require_that(commit >= floor, "a commit that was announced is seen");
    latest[number] = commit;
    mr_arena_clean_up(&arena);
}

static void look_through(struct shared *shared, bool reverse)
{
    struct mr_arena arena;
    struct topo_read_scan *scan = NULL;
    struct mr_bytes key;
    struct mr_bytes value;
    mr_arena_init(&arena);
    const struct topo_read_options options = {.reverse = reverse};
    int result = topo_read_scan_open(
        topo_store_reader(shared->fixture.ordered), &options, &arena, &scan, NULL);
    require_that(result == 0, "a scan opens");
    for (uint32_t i = 0; i < KEYS; i++) {
        require_that(topo_read_scan_next(scan, &key, &value, NULL) == 1, "a scan sees every key");
        uint32_t number = mr_get_be32(key.ptr);
        require_that(number == (reverse ? KEYS - 1 - i : i), "in order");
        require_that(commit_in(value) != 0, "untorn");
    }
    require_that(topo_read_scan_next(scan, &key, &value, NULL) == 0, "and no more");
    topo_read_scan_close(scan);
    mr_arena_clean_up(&arena);
}

static void *reader_thread(void *user)
{
    struct shared *shared = user;
    uint64_t latest[KEYS] = {0};
    uint32_t number = 0;
    while (!atomic_load(&shared->done)) {
        for (int i = 0; i < 50; i++)
            look_up(shared, latest, number++ % KEYS);
        look_through(shared, number & 64);
        int64_t position = store_set_position_read(shared->fixture.set, "topic", 0);
        require_that(position >= 1, "the position is there");
        atomic_fetch_add(&shared->looks, 1);
    }
    return NULL;
}

static void write_all(struct shared *shared, uint64_t commit, uint32_t step)
{
    char key[4];
    struct stamp stamp = stamp_of(commit);
    struct mr_bytes value = mr_bytes_of(&stamp, sizeof stamp);
    store_set_savepoint(shared->fixture.set);
    for (uint32_t i = 0; i < KEYS; i += step)
        topo_store_put(shared->fixture.ordered, key_of(i, key), value);
    store_set_release(shared->fixture.set);
}

/* Every commit writes every key, so that it can be announced; aborted ones must never be seen. */
static void write_commits(struct shared *shared)
{
    struct store_set *set = shared->fixture.set;
    for (uint64_t commit = 2; commit < COMMITS; commit++) {
        write_all(shared, commit % ABORT_EVERY ? commit : UINT64_MAX, 1);
        store_set_position_put(set, "topic", 0, (int64_t)commit);
        if (commit % ABORT_EVERY == 0) {
            store_set_abort(set);
            continue;
        }
        store_set_commit(set);
        atomic_store(&shared->committed, commit);
        if (commit % FLUSH_EVERY == 0)
            require_that(store_set_flush(set, NULL) == 0, "a flush succeeds");
    }
}

static void readers_see_whole_committed_values_and_never_the_past(bool disk)
{
    struct shared *shared = calloc(1, sizeof *shared);
    fixture_set_up(&shared->fixture, disk);
    shared->fixture.table_bytes_max = 1;
    fixture_open(&shared->fixture);
    write_all(shared, 1, 1);
    store_set_position_put(shared->fixture.set, "topic", 0, 1);
    store_set_commit(shared->fixture.set);
    atomic_store(&shared->committed, 1);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader_thread, shared), 0);
    while (atomic_load(&shared->looks) < READERS)
        (void)usleep(1000);
    write_commits(shared);
    atomic_store(&shared->done, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    fixture_tear_down(&shared->fixture);
    free(shared);
}

static void in_memory_readers_see_whole_committed_values_and_never_the_past(void **state)
{
    (void)state;
    readers_see_whole_committed_values_and_never_the_past(false);
}

static void over_rocksdb_readers_see_whole_committed_values_and_never_the_past(void **state)
{
    (void)state;
    readers_see_whole_committed_values_and_never_the_past(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory_readers_see_whole_committed_values_and_never_the_past),
        cmocka_unit_test(over_rocksdb_readers_see_whole_committed_values_and_never_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
