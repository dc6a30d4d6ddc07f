/* store_set_test.c - the contract of a store set, in memory and over RocksDB alike. */
#include "store_fixture.h"

static bool on_disk;

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture_set_up(fixture, on_disk);
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

static void what_is_absent_is_a_null_view_and_empty_is_not(void **state)
{
    struct fixture *f = *state;
    assert_null(topo_store_get(f->plain, mr_cstr("a")).ptr);
    put_row(f->plain, "a", "");
    struct mr_bytes value = topo_store_get(f->plain, mr_cstr("a"));
    assert_non_null(value.ptr);
    assert_int_equal(value.len, 0);
}

static void the_owner_reads_its_own_writes_and_nobody_else_does(void **state)
{
    struct fixture *f = *state;
    put_row(f->plain, "a", "1");
    assert_string_equal(got_row(f, f->plain, "a"), "1");
    assert_string_equal(seen_row(f, f->plain, "a"), "-");
    store_set_commit(f->set);
    assert_string_equal(seen_row(f, f->plain, "a"), "1");
    put_row(f->plain, "a", "2");
    drop_row(f->plain, "b");
    assert_string_equal(got_row(f, f->plain, "a"), "2");
    assert_string_equal(seen_row(f, f->plain, "a"), "1");
    drop_row(f->plain, "a");
    assert_string_equal(got_row(f, f->plain, "a"), "-");
    assert_string_equal(seen_row(f, f->plain, "a"), "1");
    store_set_commit(f->set);
    assert_string_equal(seen_row(f, f->plain, "a"), "-");
}

static void stores_of_a_set_do_not_share_keys(void **state)
{
    struct fixture *f = *state;
    put_row(f->plain, "a", "plain");
    put_row(f->ordered, "a", "ordered");
    store_set_commit(f->set);
    assert_string_equal(got_row(f, f->plain, "a"), "plain");
    assert_string_equal(got_row(f, f->ordered, "a"), "ordered");
    assert_null(store_set_store(f->set, "nothing"));
}

static void a_rolled_back_record_leaves_what_earlier_records_of_the_transaction_wrote(void **state)
{
    struct fixture *f = *state;
    put_row(f->plain, "old", "committed");
    store_set_commit(f->set);
    store_set_savepoint(f->set);
    put_row(f->plain, "a", "1");
    put_row(f->plain, "gone", "1");
    store_set_release(f->set);
    store_set_savepoint(f->set);
    put_row(f->plain, "a", "2");
    put_row(f->plain, "a", "3");
    drop_row(f->plain, "gone");
    put_row(f->plain, "new", "1");
    drop_row(f->plain, "old");
    put_row(f->plain, "old", "again");
    store_set_position_put(f->set, "t", 0, 8);
    store_set_rollback(f->set);
    assert_string_equal(got_row(f, f->plain, "a"), "1");
    assert_string_equal(got_row(f, f->plain, "gone"), "1");
    assert_string_equal(got_row(f, f->plain, "new"), "-");
    assert_string_equal(got_row(f, f->plain, "old"), "committed");
    assert_int_equal(store_set_position(f->set, "t", 0), -1);
    store_set_commit(f->set);
    assert_string_equal(seen_row(f, f->plain, "a"), "1");
    assert_string_equal(seen_row(f, f->plain, "new"), "-");
    assert_string_equal(seen_row(f, f->plain, "old"), "committed");
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    put_row(f->ordered, "kept", "1");
    store_set_position_put(f->set, "t", 0, 5);
    store_set_commit(f->set);
    put_row(f->ordered, "before", "1");
    store_set_savepoint(f->set);
    put_row(f->ordered, "a", "1");
    drop_row(f->ordered, "kept");
    store_set_position_put(f->set, "t", 0, 9);
    store_set_abort(f->set); /* In the middle of a record. */
    assert_false(store_set_has_staged(f->set));
    assert_int_equal(store_set_staged_bytes(f->set), 0);
    assert_string_equal(got_row(f, f->ordered, "kept"), "1");
    assert_string_equal(got_row(f, f->ordered, "before"), "-");
    assert_string_equal(got_row(f, f->ordered, "a"), "-");
    assert_int_equal(store_set_position(f->set, "t", 0), 5);
    store_set_commit(f->set);
    assert_string_equal(seen_row(f, f->ordered, "kept"), "1");
}

static void positions_are_committed_with_the_entries(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_set_position(f->set, "t", 3), -1);
    store_set_position_put(f->set, "t", 3, 0);
    store_set_position_put(f->set, "t", 4, 70);
    assert_true(store_set_has_staged(f->set));
    assert_int_equal(store_set_position(f->set, "t", 3), 0);
    assert_int_equal(store_set_position_read(f->set, "t", 3), -1);
    store_set_commit(f->set);
    assert_false(store_set_has_staged(f->set));
    assert_int_equal(store_set_position_read(f->set, "t", 3), 0);
    assert_int_equal(store_set_position_read(f->set, "t", 4), 70);
    assert_int_equal(store_set_position_read(f->set, "u", 4), -1);
}

struct visited {
    size_t count;
    char text[256];
};

static int visit_staged(
    void *user,
    struct topo_store *store,
    const char *name,
    struct mr_bytes key,
    struct mr_bytes value)
{
    struct visited *visited = user;
    assert_non_null(store);
    size_t len = strlen(visited->text);
    (void)snprintf(
        visited->text + len,
        sizeof visited->text - len,
        "%s.%.*s=%.*s ",
        name,
        MR_ARG(key),
        value.ptr ? (int)value.len : 1,
        value.ptr ? value.ptr : "-");
    visited->count++;
    return 0;
}

static void each_staged_key_of_a_changelog_store_is_visited_once_with_its_last_value(void **state)
{
    struct fixture *f = *state;
    struct visited visited = {0};
    store_set_savepoint(f->set);
    put_row(f->plain, "a", "1");
    put_row(f->plain, "b", "1");
    store_set_release(f->set);
    put_row(f->ordered, "c", "not in a changelog");
    put_row(f->plain, "a", "2");
    drop_row(f->plain, "b");
    store_set_savepoint(f->set);
    put_row(f->plain, "poisoned", "1");
    store_set_rollback(f->set);
    assert_int_equal(store_set_visit_staged(f->set, visit_staged, &visited), 0);
    assert_string_equal(visited.text, "plain.a=2 plain.b=- ");
    store_set_commit(f->set);
    visited = (struct visited){0};
    store_set_visit_staged(f->set, visit_staged, &visited);
    assert_int_equal(visited.count, 0);
}

static void a_value_may_be_put_that_is_a_view_of_the_one_it_replaces(void **state)
{
    struct fixture *f = *state;
    put_row(f->plain, "a", "0123456789");
    for (int i = 0; i < 2; i++) {
        struct mr_bytes value = topo_store_get(f->plain, mr_cstr("a"));
        topo_store_put(f->plain, mr_cstr("a"), mr_bytes_of(value.ptr + 1, value.len - 1));
    }
    assert_string_equal(got_row(f, f->plain, "a"), "23456789");
}

static void restored_writes_are_committed_at_once(void **state)
{
    struct fixture *f = *state;
    store_set_restore_mode(f->set, true);
    put_row(f->ordered, "a", "1");
    put_row(f->ordered, "b", "1");
    drop_row(f->ordered, "b");
    store_set_position_put(f->set, "t", 0, 12);
    assert_string_equal(seen_row(f, f->ordered, "a"), "1");
    assert_string_equal(seen_row(f, f->ordered, "b"), "-");
    assert_int_equal(store_set_position_read(f->set, "t", 0), 12);
    assert_false(store_set_has_staged(f->set));
    store_set_restore_mode(f->set, false);
    store_set_abort(f->set);
    assert_string_equal(got_row(f, f->ordered, "a"), "1");
}

static void bytes_are_accounted_for_in_the_state_they_are_in(void **state)
{
    struct fixture *f = *state;
    struct store_set_stats stats;
    put_row(f->plain, "a", "0123456789");
    assert_true(store_set_staged_bytes(f->set) > 10);
    store_set_commit(f->set);
    assert_int_equal(store_set_staged_bytes(f->set), 0);
    store_set_stats(f->set, &stats);
    assert_int_equal(stats.entries, 1);
    assert_true(on_disk ? stats.dirty_bytes > 10 : stats.clean_bytes > 10);
    drop_row(f->plain, "a");
    store_set_commit(f->set);
    flush_set(f);
    store_set_stats(f->set, &stats);
    assert_int_equal(stats.dirty_bytes, 0);
    if (!on_disk)
        assert_int_equal(stats.entries + stats.clean_bytes, 0);
}

static void entries_age_out_after_their_ttl(void **state)
{
    struct fixture *f = *state;
    put_row(f->aging, "a", "1");
    store_set_commit(f->set);
    f->now_ms += 999;
    assert_string_equal(got_row(f, f->aging, "a"), "1");
    assert_string_equal(seen_row(f, f->aging, "a"), "1");
    f->now_ms += 1;
    assert_string_equal(got_row(f, f->aging, "a"), "-");
    assert_string_equal(seen_row(f, f->aging, "a"), "-");
    struct topo_scan *scan = topo_store_scan(f->aging, (struct mr_bytes){0}, (struct mr_bytes){0});
    struct mr_bytes key;
    struct mr_bytes value;
    assert_false(topo_scan_next(scan, &key, &value));
    topo_scan_close(scan);
    put_row(f->aging, "a", "2");
    assert_string_equal(got_row(f, f->aging, "a"), "2");
}

#define CONTRACT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TEST(what_is_absent_is_a_null_view_and_empty_is_not),
        CONTRACT_TEST(the_owner_reads_its_own_writes_and_nobody_else_does),
        CONTRACT_TEST(stores_of_a_set_do_not_share_keys),
        CONTRACT_TEST(a_rolled_back_record_leaves_what_earlier_records_of_the_transaction_wrote),
        CONTRACT_TEST(an_aborted_transaction_leaves_nothing),
        CONTRACT_TEST(positions_are_committed_with_the_entries),
        CONTRACT_TEST(each_staged_key_of_a_changelog_store_is_visited_once_with_its_last_value),
        CONTRACT_TEST(a_value_may_be_put_that_is_a_view_of_the_one_it_replaces),
        CONTRACT_TEST(restored_writes_are_committed_at_once),
        CONTRACT_TEST(bytes_are_accounted_for_in_the_state_they_are_in),
        CONTRACT_TEST(entries_age_out_after_their_ttl),
    };
    int failed = cmocka_run_group_tests_name("in memory", tests, NULL, NULL);
    on_disk = true;
    return failed + cmocka_run_group_tests_name("over RocksDB", tests, NULL, NULL);
}
