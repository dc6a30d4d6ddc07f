/*
 * store_model_test.c - random operations on a set, each compared with a model that is an array.
 *
 * Values are numbers that are never used twice, so a value that is read says when it was written.
 * MILLRACE_SEED replays one run; a failure prints the seed.
 */
#include "store_fixture.h"

#include <inttypes.h>

enum { KEYS = 60, STEPS = 6000, RUNS = 8, SCANS = 3, ABSENT = 0 };

struct model {
    int staged[KEYS]; /* The values that the owner sees. */
    int saved[KEYS];  /* `staged` at the save point. */
    int committed[KEYS];
    int flushed[KEYS];
    int64_t position[4]; /* Staged, saved, committed, flushed. */
};

/* A scan of committed state that stays open while other things happen. */
struct open_scan {
    struct topo_read_scan *scan;
    struct mr_arena arena;
    int opened_at;
    int from;
    int to;
    bool reverse;
    int last; /* The key it showed last. */
    bool seen[KEYS];
    bool stayed[KEYS]; /* Present from open on. */
};

struct run {
    struct fixture fixture;
    struct topo_store *store;
    bool ordered;
    uint64_t random;
    struct mr_bytes keys[KEYS]; /* Sorted. */
    struct model model;
    bool in_savepoint;
    int step;
    int next_value;
    int committed_at[STEPS + 1];
    int replaced_at[STEPS + 1];
    struct open_scan scans[SCANS];
};

static uint32_t draw_below(struct run *run, uint32_t below)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return (uint32_t)(run->random >> 33) % below;
}

static int compare_keys(const void *a, const void *b)
{
    return mr_bytes_compare(*(const struct mr_bytes *)a, *(const struct mr_bytes *)b);
}

/* Keys that differ in what orders get wrong: prefixes of each other, NULs, 0xff, 8 equal bytes. */
static void make_keys(struct run *run)
{
    static const struct mr_bytes stems[] = {
        MR_LITERAL(""),
        MR_LITERAL("a"),
        MR_LITERAL("a\0"),
        MR_LITERAL("abcdefgh"),
        MR_LITERAL("abcdefgh\xff"),
        MR_LITERAL("\xff\xff"),
    };
    enum { STEMS = sizeof stems / sizeof stems[0] };
    for (size_t i = 0; i < KEYS; i++) {
        struct mr_bytes stem = stems[i % STEMS];
        char *key = mr_arena_alloc(&run->fixture.arena, stem.len + 1);
        memcpy(key, stem.ptr, stem.len);
        key[stem.len] = (char)(i / STEMS * 28);
        run->keys[i] = mr_bytes_of(key, i < STEMS ? stem.len : stem.len + 1);
    }
    qsort(run->keys, KEYS, sizeof run->keys[0], compare_keys);
}

static int number_of(struct mr_bytes value)
{
    int number = ABSENT;
    if (value.ptr) {
        assert_true(value.len >= sizeof number);
        memcpy(&number, value.ptr, sizeof number);
    }
    return number;
}

static int index_of(const struct run *run, struct mr_bytes key)
{
    for (int i = 0; i < KEYS; i++)
        if (mr_bytes_equal(run->keys[i], key))
            return i;
    fail_msg("a key nobody wrote");
    return -1;
}

static void do_put(struct run *run)
{
    char bytes[200] = {0};
    int value = run->next_value++;
    memcpy(bytes, &value, sizeof value);
    uint32_t at = draw_below(run, KEYS);
    size_t len = sizeof value + draw_below(run, sizeof bytes - sizeof value);
    topo_store_put(run->store, run->keys[at], mr_bytes_of(bytes, len));
    run->model.staged[at] = value;
}

static void do_delete(struct run *run)
{
    uint32_t at = draw_below(run, KEYS);
    topo_store_delete(run->store, run->keys[at]);
    run->model.staged[at] = ABSENT;
}

static void do_get(struct run *run)
{
    uint32_t at = draw_below(run, KEYS);
    struct mr_bytes value = topo_store_get(run->store, run->keys[at]);
    assert_int_equal(number_of(value), run->model.staged[at]);
}

static void do_read(struct run *run)
{
    uint32_t at = draw_below(run, KEYS);
    struct mr_arena arena;
    mr_arena_init(&arena);
    struct mr_bytes value = {0};
    assert_int_equal(
        topo_read_get(topo_store_reader(run->store), run->keys[at], &arena, &value, NULL), 0);
    assert_int_equal(number_of(value), run->model.committed[at]);
    mr_arena_clean_up(&arena);
}

/* A range in sorted keys: from <= i < to, and the bounds to ask for. */
static void
draw_range(struct run *run, int *ret_from, int *ret_to, struct topo_read_options *bounds)
{
    int from = (int)draw_below(run, KEYS);
    int to = from + (int)draw_below(run, (uint32_t)(KEYS - from));
    bounds->first = run->keys[from];
    bounds->end = run->keys[to];
    if (draw_below(run, 4) == 0) {
        from = 0;
        bounds->first = (struct mr_bytes){0};
    }
    if (draw_below(run, 4) == 0) {
        to = KEYS;
        bounds->end = (struct mr_bytes){0};
    }
    *ret_from = from;
    *ret_to = to;
}

static void do_scan(struct run *run)
{
    int from;
    int to;
    struct topo_read_options bounds = {0};
    draw_range(run, &from, &to, &bounds);
    struct topo_scan *scan = topo_store_scan(run->store, bounds.first, bounds.end);
    struct mr_bytes key;
    struct mr_bytes value;
    for (int i = from; i < to; i++) {
        if (run->model.staged[i] == ABSENT)
            continue;
        assert_true(topo_scan_next(scan, &key, &value));
        assert_int_equal(index_of(run, key), i);
        assert_int_equal(number_of(value), run->model.staged[i]);
    }
    assert_false(topo_scan_next(scan, &key, &value));
    topo_scan_close(scan);
}

static void do_scan_prefix(struct run *run)
{
    struct mr_bytes prefix = run->keys[draw_below(run, KEYS)];
    struct topo_scan *scan = topo_store_scan_prefix(run->store, prefix);
    struct mr_bytes key;
    struct mr_bytes value;
    for (int i = 0; i < KEYS; i++) {
        if (run->model.staged[i] == ABSENT || !mr_bytes_starts_with(run->keys[i], prefix))
            continue;
        assert_true(topo_scan_next(scan, &key, &value));
        assert_int_equal(index_of(run, key), i);
    }
    assert_false(topo_scan_next(scan, &key, &value));
    topo_scan_close(scan);
}

static void open_scan(struct run *run, struct open_scan *open)
{
    *open = (struct open_scan){.opened_at = run->step, .reverse = draw_below(run, 2)};
    mr_arena_init(&open->arena);
    struct topo_read_options options = {.reverse = open->reverse};
    draw_range(run, &open->from, &open->to, &options);
    open->last = open->reverse ? open->to : open->from - 1;
    for (int i = open->from; i < open->to; i++)
        open->stayed[i] = run->model.committed[i] != ABSENT;
    int result = topo_read_scan_open(
        topo_store_reader(run->store), &options, &open->arena, &open->scan, NULL);
    assert_int_equal(result, 0);
}

static void close_scan(struct open_scan *open)
{
    topo_read_scan_close(open->scan);
    open->scan = NULL;
    mr_arena_clean_up(&open->arena);
}

static void step_scan(struct run *run, struct open_scan *open)
{
    struct mr_bytes key;
    struct mr_bytes raw;
    int result = topo_read_scan_next(open->scan, &key, &raw, NULL);
    if (result == 0) {
        for (int i = open->from; i < open->to; i++)
            if (open->stayed[i] && !open->seen[i])
                fail_msg("key %d was there all the time and was not seen", i);
        close_scan(open);
        return;
    }
    assert_int_equal(result, 1);
    int at = index_of(run, key);
    int value = number_of(raw);
    assert_in_range(at, open->from, open->to - 1);
    assert_true(open->reverse ? at < open->last : at > open->last);
    assert_true(run->committed_at[value] > 0);
    assert_true(run->replaced_at[value] == 0 || run->replaced_at[value] >= open->opened_at);
    open->last = at;
    open->seen[at] = true;
}

static void do_read_scan(struct run *run)
{
    struct open_scan *open = &run->scans[draw_below(run, SCANS)];
    if (!open->scan)
        open_scan(run, open);
    for (uint32_t steps = draw_below(run, 12); steps > 0 && open->scan; steps--)
        step_scan(run, open);
    if (open->scan && draw_below(run, 20) == 0)
        close_scan(open);
}

static void end_record(struct run *run)
{
    struct model *model = &run->model;
    if (!run->in_savepoint)
        return;
    run->in_savepoint = false;
    if (draw_below(run, 3) > 0) {
        store_set_release(run->fixture.set);
        return;
    }
    store_set_rollback(run->fixture.set);
    memcpy(model->staged, model->saved, sizeof model->staged);
    model->position[0] = model->position[1];
}

static void begin_record(struct run *run)
{
    end_record(run);
    store_set_savepoint(run->fixture.set);
    memcpy(run->model.saved, run->model.staged, sizeof run->model.saved);
    run->model.position[1] = run->model.position[0];
    run->in_savepoint = true;
}

static void do_position(struct run *run)
{
    run->model.position[0] = run->step;
    store_set_position_put(run->fixture.set, "topic", 7, run->step);
}

static void do_commit(struct run *run)
{
    end_record(run);
    store_set_commit(run->fixture.set);
    struct model *model = &run->model;
    for (int i = 0; i < KEYS; i++) {
        if (model->committed[i] == model->staged[i])
            continue;
        run->replaced_at[model->committed[i]] = run->step;
        run->committed_at[model->staged[i]] = run->step;
        for (int scan = 0; scan < SCANS; scan++)
            run->scans[scan].stayed[i] &= model->staged[i] != ABSENT;
    }
    memcpy(model->committed, model->staged, sizeof model->committed);
    model->position[2] = model->position[0];
}

static void do_abort(struct run *run)
{
    store_set_abort(run->fixture.set);
    run->in_savepoint = false;
    memcpy(run->model.staged, run->model.committed, sizeof run->model.staged);
    run->model.position[0] = run->model.position[2];
}

static void do_flush(struct run *run)
{
    end_record(run);
    flush_set(&run->fixture);
    memcpy(run->model.flushed, run->model.committed, sizeof run->model.flushed);
    run->model.position[3] = run->model.position[2];
}

static void close_scans(struct run *run)
{
    for (int i = 0; i < SCANS; i++)
        if (run->scans[i].scan)
            close_scan(&run->scans[i]);
}

/* The flushed state comes back, with the position of that flush. */
static void do_reopen(struct run *run)
{
    struct model *model = &run->model;
    if (!run->fixture.dir[0])
        return;
    close_scans(run);
    fixture_reopen(&run->fixture);
    run->store = run->ordered ? run->fixture.ordered : run->fixture.plain;
    run->in_savepoint = false;
    for (int i = 0; i < KEYS; i++) {
        if (model->flushed[i] == model->committed[i])
            continue;
        run->replaced_at[model->committed[i]] = run->step;
        run->replaced_at[model->flushed[i]] = 0;
    }
    memcpy(model->committed, model->flushed, sizeof model->committed);
    memcpy(model->staged, model->flushed, sizeof model->staged);
    model->position[0] = model->position[2] = model->position[3];
}

static void check_positions(struct run *run)
{
    struct store_set *set = run->fixture.set;
    assert_int_equal(store_set_position(set, "topic", 7), run->model.position[0]);
    assert_int_equal(store_set_position_read(set, "topic", 7), run->model.position[2]);
}

typedef void operation_fn(struct run *run);

static const struct {
    operation_fn *operate;
    uint32_t weight;
    bool needs_order;
} operations[] = {
    {do_put, 30, false},
    {do_delete, 12, false},
    {do_get, 20, false},
    {do_read, 20, false},
    {do_scan, 4, true},
    {do_scan_prefix, 4, true},
    {do_read_scan, 20, true},
    {begin_record, 12, false},
    {end_record, 6, false},
    {do_position, 4, false},
    {do_commit, 8, false},
    {do_abort, 2, false},
    {do_flush, 5, false},
    {check_positions, 4, false},
};

static void do_operation(struct run *run)
{
    enum { OPERATIONS = sizeof operations / sizeof operations[0] };
    uint32_t sum = 0;
    for (size_t i = 0; i < OPERATIONS; i++)
        sum += operations[i].weight;
    uint32_t drawn = draw_below(run, sum);
    size_t at = 0;
    while (drawn >= operations[at].weight)
        drawn -= operations[at++].weight;
    if (run->ordered || !operations[at].needs_order)
        operations[at].operate(run);
    if (draw_below(run, 1500) == 0)
        do_reopen(run);
}

/* table_bytes_max 1: every clean entry that was not just used is evicted. */
static void random_operations_agree_with_the_model(uint64_t seed, bool disk)
{
    struct run *run = calloc(1, sizeof *run);
    print_message("MILLRACE_SEED=%" PRIu64 " %s\n", seed, disk ? "over RocksDB" : "in memory");
    fixture_set_up(&run->fixture, disk);
    run->random = (seed + 1) * 0x9e3779b97f4a7c15U;
    run->fixture.table_bytes_max = seed % 2 ? 1 : 4000;
    run->ordered = seed % 4 < 2;
    run->next_value = 1;
    make_keys(run);
    fixture_open(&run->fixture);
    run->store = run->ordered ? run->fixture.ordered : run->fixture.plain;
    for (size_t i = 0; i < 4; i++)
        run->model.position[i] = -1;
    for (run->step = 1; run->step < STEPS; run->step++)
        do_operation(run);
    struct store_set_stats stats;
    store_set_stats(run->fixture.set, &stats);
    assert_true(!disk || stats.evictions > 0);
    close_scans(run);
    fixture_tear_down(&run->fixture);
    free(run);
}

static void run_seeds(bool disk)
{
    const char *seed = getenv("MILLRACE_SEED");
    if (seed) {
        random_operations_agree_with_the_model(strtoull(seed, NULL, 10), disk);
        return;
    }
    for (uint64_t i = 0; i < RUNS; i++)
        random_operations_agree_with_the_model(i, disk);
}

static void in_memory_random_operations_agree_with_the_model(void **state)
{
    (void)state;
    run_seeds(false);
}

static void over_rocksdb_random_operations_agree_with_the_model(void **state)
{
    (void)state;
    run_seeds(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory_random_operations_agree_with_the_model),
        cmocka_unit_test(over_rocksdb_random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
