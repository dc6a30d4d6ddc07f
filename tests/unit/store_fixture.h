/* store_fixture.h - a store set to test, in memory or in a directory of its own. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "store/store_set.h"

#include <tests/cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char dir[64]; /* Empty: in memory. */
    size_t table_bytes_max;
    int64_t now_ms;
    struct store_set *set;
    struct topo_store *plain;   /* With a changelog. */
    struct topo_store *ordered; /* Without. */
    struct topo_store *aging;   /* Ordered, forgets after 1000 ms. */
    struct mr_arena arena;
};

static inline int64_t fixture_now(void *user)
{
    const struct fixture *fixture = user;
    return __atomic_load_n(&fixture->now_ms, __ATOMIC_RELAXED);
}

static const struct store_spec fixture_specs[] = {
    {.name = "plain", .changelog = true},
    {.name = "ordered", .ordered = true},
    {.name = "aging", .ordered = true, .ttl_ms = 1000},
};

static inline int fixture_try_open(
    struct fixture *fixture,
    const char *fingerprint,
    struct store_set **ret_set,
    struct mr_error *error)
{
    const struct store_set_options options = {
        .dir = fixture->dir[0] ? fixture->dir : NULL,
        .fingerprint = fingerprint,
        .specs = fixture_specs,
        .specs_count = 3,
        .table_bytes_max = fixture->table_bytes_max,
        .now = fixture_now,
        .now_user = fixture,
    };
    return store_set_open(&options, ret_set, error);
}

static inline void fixture_open(struct fixture *fixture)
{
    struct mr_error error = {0};
    int result = fixture_try_open(fixture, "test", &fixture->set, &error);
    if (result < 0)
        fail_msg("%s", error.text);
    fixture->plain = store_set_store(fixture->set, "plain");
    fixture->ordered = store_set_store(fixture->set, "ordered");
    fixture->aging = store_set_store(fixture->set, "aging");
}

static inline void fixture_set_up(struct fixture *fixture, bool disk)
{
    *fixture = (struct fixture){.now_ms = 1000000};
    mr_arena_init(&fixture->arena);
    if (disk) {
        (void)snprintf(fixture->dir, sizeof fixture->dir, "/tmp/store_test.XXXXXX");
        assert_non_null(mkdtemp(fixture->dir));
    }
}

static inline void fixture_reopen(struct fixture *fixture)
{
    store_set_close(fixture->set);
    fixture->set = NULL;
    fixture_open(fixture);
}

static inline int
fixture_unlink(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

static inline void fixture_remove(const char *dir)
{
    (void)nftw(dir, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fixture_tear_down(struct fixture *fixture)
{
    store_set_close(fixture->set);
    mr_arena_clean_up(&fixture->arena);
    if (fixture->dir[0])
        fixture_remove(fixture->dir);
}

static inline void put_row(struct topo_store *store, const char *key, const char *value)
{
    topo_store_put(store, mr_cstr(key), mr_cstr(value));
}

static inline void drop_row(struct topo_store *store, const char *key)
{
    topo_store_delete(store, mr_cstr(key));
}

/* The value that the owner sees; "-" when absent. */
static inline const char *
got_row(struct fixture *fixture, struct topo_store *store, const char *key)
{
    struct mr_bytes value = topo_store_get(store, mr_cstr(key));
    return value.ptr ? mr_arena_cstr(&fixture->arena, value) : "-";
}

/* The value that other threads see; "-" when absent. */
static inline const char *
seen_row(struct fixture *fixture, struct topo_store *store, const char *key)
{
    struct mr_bytes value = {0};
    assert_int_equal(
        topo_read_get(topo_store_reader(store), mr_cstr(key), &fixture->arena, &value, NULL), 0);
    return value.ptr ? mr_arena_cstr(&fixture->arena, value) : "-";
}

static inline void flush_set(struct fixture *fixture)
{
    struct mr_error error = {0};
    if (store_set_flush(fixture->set, &error) < 0)
        fail_msg("%s", error.text);
}

#endif
