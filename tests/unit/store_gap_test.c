/*
 * store_gap_test.c - a scan starts behind what is known to be empty, and misses nothing that was
 * written, rolled back or aborted there.
 */
#include "store/store_impl.h"
#include "store_fixture.h"

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture_set_up(fixture, true);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_tear_down(*state);
    free(*state);
    return 0;
}

/* The keys below `end`, in one text. */
static const char *scan_keys(struct topo_store *store, const char *first, const char *end)
{
    static char text[64];
    struct mr_bytes key, value;
    size_t len = 0;
    struct topo_scan *scan = topo_store_scan(store, mr_cstr(first), mr_cstr(end));
    while (topo_scan_next(scan, &key, &value) && len + key.len < sizeof text) {
        memcpy(text + len, key.ptr, key.len);
        len += key.len;
    }
    topo_scan_close(scan);
    text[len] = '\0';
    return text;
}

static const char *scan_start(struct topo_store *store, const char *first)
{
    static char text[16];
    struct mr_bytes start = store_gaps_skip(&store->gaps, mr_cstr(first));
    (void)snprintf(text, sizeof text, "%.*s", MR_ARG(start));
    return text;
}

/* On disk and deleted: tombstones. */
static void bury_rows(struct fixture *f, const char *keys)
{
    char key[2] = {0};
    for (const char *k = keys; (key[0] = *k); k++)
        put_row(f->ordered, key, "");
    store_set_commit(f->set);
    assert_int_equal(store_set_flush(f->set, NULL), 0);
    for (const char *k = keys; (key[0] = *k); k++)
        drop_row(f->ordered, key);
    store_set_commit(f->set);
    assert_int_equal(store_set_flush(f->set, NULL), 0);
}

static void the_dead_are_walked_over_once(void **state)
{
    struct fixture *f = *state;
    bury_rows(f, "abcd");
    put_row(f->ordered, "p", "");
    store_set_commit(f->set);
    assert_string_equal(scan_start(f->ordered, ""), "");
    assert_string_equal(scan_keys(f->ordered, "", "m"), "");
    assert_string_equal(scan_start(f->ordered, ""), "m");
    assert_string_equal(scan_keys(f->ordered, "", "z"), "p");
    assert_string_equal(scan_start(f->ordered, ""), "p");
    drop_row(f->ordered, "p");
    store_set_commit(f->set);
    assert_string_equal(scan_keys(f->ordered, "", "t"), "");
    assert_string_equal(scan_start(f->ordered, ""), "t");
    assert_string_equal(scan_start(f->ordered, "u"), "u");
}

static void a_write_below_is_found(void **state)
{
    struct fixture *f = *state;
    bury_rows(f, "abcd");
    assert_string_equal(scan_keys(f->ordered, "", "m"), "");
    put_row(f->ordered, "c", "");
    assert_string_equal(scan_start(f->ordered, ""), "c");
    assert_string_equal(scan_keys(f->ordered, "", "m"), "c");
    store_set_commit(f->set);
    assert_int_equal(store_set_flush(f->set, NULL), 0);
    assert_string_equal(scan_keys(f->ordered, "b", "m"), "c");
}

static void a_deletion_that_is_taken_back_is_found(void **state)
{
    struct fixture *f = *state;
    put_row(f->ordered, "b", "");
    store_set_commit(f->set);
    store_set_savepoint(f->set);
    drop_row(f->ordered, "b");
    assert_string_equal(scan_keys(f->ordered, "", "m"), "");
    store_set_rollback(f->set);
    assert_string_equal(scan_keys(f->ordered, "", "m"), "b");
    drop_row(f->ordered, "b");
    assert_string_equal(scan_keys(f->ordered, "", "m"), "");
    store_set_abort(f->set);
    assert_string_equal(scan_keys(f->ordered, "", "m"), "b");
}

static void restored_writes_are_found(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(scan_keys(f->ordered, "", "m"), "");
    store_set_restore_mode(f->set, true);
    put_row(f->ordered, "b", "");
    store_set_restore_mode(f->set, false);
    assert_string_equal(scan_keys(f->ordered, "", "m"), "b");
}

/* A gap that is a lie hides a key: so it is the gap where a scan starts. */
static void a_scan_starts_behind_a_gap(void **state)
{
    struct fixture *f = *state;
    put_row(f->ordered, "b", "");
    store_set_commit(f->set);
    assert_int_equal(store_set_flush(f->set, NULL), 0);
    put_row(f->ordered, "c", "");
    put_row(f->ordered, "p", "");
    store_gaps_add(&f->ordered->gaps, mr_cstr(""), mr_cstr("m"));
    assert_string_equal(scan_keys(f->ordered, "", "z"), "p");
    assert_string_equal(scan_keys(f->ordered, "", "k"), "");
}

/* Two parts of a store, looked at in turn. */
static void each_part_has_its_own(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        assert_string_equal(scan_keys(f->ordered, "", "c"), "");
        assert_string_equal(scan_keys(f->ordered, "k", "m"), "");
    }
    assert_string_equal(scan_start(f->ordered, ""), "c");
    assert_string_equal(scan_start(f->ordered, "k"), "m");
    assert_string_equal(scan_start(f->ordered, "d"), "d");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_dead_are_walked_over_once),
        TEST(a_write_below_is_found),
        TEST(a_deletion_that_is_taken_back_is_found),
        TEST(restored_writes_are_found),
        TEST(a_scan_starts_behind_a_gap),
        TEST(each_part_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
