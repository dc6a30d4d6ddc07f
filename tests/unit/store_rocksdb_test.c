/*
 * store_rocksdb_test.c - what is on disk: after a reopening, a kill, and when something is wrong.
 */
#include "store/store_fingerprint.h"
#include "store_fixture.h"

#include <glob.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char *program;

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

static const char *scanned_rows(struct fixture *f, struct topo_store *store)
{
    struct mr_bytes key;
    struct mr_bytes value;
    struct mr_bytes text = mr_cstr("");
    struct topo_scan *scan = topo_store_scan(store, (struct mr_bytes){0}, (struct mr_bytes){0});
    while (topo_scan_next(scan, &key, &value))
        text =
            mr_arena_printf(&f->arena, "%.*s%.*s=%.*s ", MR_ARG(text), MR_ARG(key), MR_ARG(value));
    topo_scan_close(scan);
    return mr_arena_cstr(&f->arena, text);
}

static void a_reopened_set_is_what_was_flushed_with_its_positions(void **state)
{
    struct fixture *f = *state;
    put_row(f->plain, "a", "1");
    put_row(f->ordered, "b", "2");
    put_row(f->ordered, "gone", "1");
    store_set_position_put(f->set, "topic", 0, 10);
    store_set_position_put(f->set, "topic", 258, 20);
    store_set_commit(f->set);
    flush_set(f);
    drop_row(f->ordered, "gone");
    store_set_commit(f->set);
    flush_set(f);
    put_row(f->plain, "a", "committed, not flushed");
    store_set_position_put(f->set, "topic", 0, 11);
    store_set_commit(f->set);
    put_row(f->plain, "a", "staged");
    fixture_reopen(f);
    assert_string_equal(got_row(f, f->plain, "a"), "1");
    assert_string_equal(seen_row(f, f->plain, "a"), "1");
    assert_string_equal(scanned_rows(f, f->ordered), "b=2 ");
    assert_int_equal(store_set_position(f->set, "topic", 0), 10);
    assert_int_equal(store_set_position(f->set, "topic", 258), 20);
    assert_int_equal(store_set_position(f->set, "topic", 1), -1);
}

static void what_is_staged_is_not_flushed(void **state)
{
    struct fixture *f = *state;
    put_row(f->plain, "a", "1");
    store_set_position_put(f->set, "topic", 0, 10);
    store_set_commit(f->set);
    put_row(f->plain, "a", "2");
    put_row(f->plain, "b", "2");
    store_set_position_put(f->set, "topic", 0, 11);
    flush_set(f);
    assert_int_equal(store_set_dirty_bytes(f->set), 0);
    assert_string_equal(got_row(f, f->plain, "a"), "2");
    fixture_reopen(f);
    assert_string_equal(got_row(f, f->plain, "a"), "1");
    assert_string_equal(got_row(f, f->plain, "b"), "-");
    assert_int_equal(store_set_position(f->set, "topic", 0), 10);
}

static void a_flush_with_nothing_to_write_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_set_stats stats;
    flush_set(f);
    put_row(f->plain, "a", "1");
    store_set_commit(f->set);
    flush_set(f);
    flush_set(f);
    put_row(f->plain, "never on disk", "1");
    store_set_abort(f->set);
    flush_set(f);
    store_set_stats(f->set, &stats);
    assert_int_equal(stats.flushes, 1);
}

/* In a process of its own: makes `commits` commits, flushes all but the last, and is killed. */
static void write_and_die(const char *dir, int commits)
{
    struct fixture fixture = {.now_ms = 1000000};
    struct fixture *f = &fixture;
    (void)snprintf(f->dir, sizeof f->dir, "%s", dir);
    fixture_open(f);
    for (int i = 1; i <= commits; i++) {
        char value[16];
        (void)snprintf(value, sizeof value, "%d", i);
        put_row(f->plain, "a", value);
        put_row(f->ordered, "b", value);
        store_set_position_put(f->set, "topic", 0, i);
        store_set_commit(f->set);
        if (i < commits)
            flush_set(f);
    }
    put_row(f->plain, "a", "staged");
    (void)raise(SIGKILL);
}

static void a_killed_process_leaves_exactly_the_last_flush(void **state)
{
    struct fixture *f = *state;
    store_set_close(f->set);
    f->set = NULL;
    for (int commits = 2; commits < 6; commits++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", commits);
        char *arguments[] = {program, f->dir, number, NULL};
        pid_t child = 0;
        int status = 0;
        assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        char expected[16];
        (void)snprintf(expected, sizeof expected, "%d", commits - 1);
        fixture_open(f);
        assert_string_equal(got_row(f, f->plain, "a"), expected);
        assert_string_equal(got_row(f, f->ordered, "b"), expected);
        assert_int_equal(store_set_position(f->set, "topic", 0), commits - 1);
        store_set_close(f->set);
        f->set = NULL;
    }
}

static void the_table_stays_within_its_bound_and_forgets_nothing(void **state)
{
    struct fixture *f = *state;
    enum { KEYS = 2000 };
    store_set_close(f->set);
    f->table_bytes_max = 20000;
    fixture_open(f);
    char key[16];
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        put_row(f->plain, key, key);
        if (i % 100 == 99)
            store_set_commit(f->set);
    }
    flush_set(f);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS; i++) {
            store_set_savepoint(f->set);
            (void)snprintf(key, sizeof key, "%d", i);
            assert_string_equal(got_row(f, f->plain, key), key);
            store_set_release(f->set);
        }
    }
    struct store_set_stats stats;
    store_set_savepoint(f->set);
    store_set_release(f->set);
    store_set_stats(f->set, &stats);
    assert_in_range(stats.clean_bytes, 10000, 20000);
    assert_true(stats.evictions > KEYS);
    assert_true(stats.entries < KEYS / 4);
}

static void what_a_get_hands_out_stays_for_the_record_whatever_else_is_read(void **state)
{
    struct fixture *f = *state;
    store_set_close(f->set);
    f->table_bytes_max = 1;
    fixture_open(f);
    char key[16];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        put_row(f->plain, key, key);
    }
    store_set_commit(f->set);
    flush_set(f);
    store_set_savepoint(f->set);
    struct mr_bytes first = topo_store_get(f->plain, mr_cstr("0"));
    for (int i = 1; i < 500; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        assert_string_equal(got_row(f, f->plain, key), key);
    }
    assert_memory_equal(first.ptr, "0", 1);
    store_set_release(f->set);
}

static void absent_keys_are_asked_of_the_disk_once(void **state)
{
    struct fixture *f = *state;
    struct store_set_stats stats;
    put_row(f->plain, "a", "1");
    store_set_commit(f->set);
    assert_string_equal(got_row(f, f->plain, "b"), "-");
    store_set_stats(f->set, &stats);
    assert_int_equal(stats.misses, 0); /* Nothing was ever written there. */
    flush_set(f);
    for (int i = 0; i < 5; i++)
        assert_string_equal(got_row(f, f->plain, "b"), "-");
    store_set_stats(f->set, &stats);
    assert_int_equal(stats.misses, 1);
}

static void a_ttl_counts_from_the_write_whatever_was_reopened_since(void **state)
{
    struct fixture *f = *state;
    put_row(f->aging, "old", "1");
    store_set_commit(f->set);
    f->now_ms += 600;
    put_row(f->aging, "young", "1");
    store_set_commit(f->set);
    flush_set(f);
    fixture_reopen(f);
    assert_string_equal(scanned_rows(f, f->aging), "old=1 young=1 ");
    f->now_ms += 600;
    fixture_reopen(f);
    assert_string_equal(got_row(f, f->aging, "old"), "-");
    assert_string_equal(seen_row(f, f->aging, "old"), "-");
    assert_string_equal(scanned_rows(f, f->aging), "young=1 ");
}

static void foreign_state_is_refused_with_both_names_and_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    struct store_set *other = NULL;
    put_row(f->plain, "a", "1");
    store_set_commit(f->set);
    flush_set(f);
    store_set_close(f->set);
    f->set = NULL;
    assert_int_equal(fixture_try_open(f, "sales v2", &other, &error), MR_CONFIG);
    assert_null(other);
    assert_non_null(strstr(error.text, "the directory has \"test\""));
    assert_non_null(strstr(error.text, "this program has \"sales v2\""));
    assert_non_null(strstr(error.text, f->dir));
    assert_non_null(strstr(error.text, "rebuild it from the log"));
    const struct store_spec fewer = {.name = "plain"};
    const struct store_set_options options = {
        .dir = f->dir, .fingerprint = "test", .specs = &fewer, .specs_count = 1};
    assert_int_equal(store_set_open(&options, &other, &error), MR_CONFLICT);
    assert_non_null(strstr(error.text, "this program has \"stores=plain\""));
    fixture_open(f);
    assert_string_equal(got_row(f, f->plain, "a"), "1");
}

static void drop_family(const char *dir, const char *name)
{
    char *message = NULL;
    size_t count = 0;
    rocksdb_options_t *options = rocksdb_options_create();
    char **names = rocksdb_list_column_families(options, dir, &count, &message);
    rocksdb_options_t *each[16];
    rocksdb_column_family_handle_t *handles[16];
    assert_true(count > 0 && count < 16);
    for (size_t i = 0; i < count; i++)
        each[i] = options;
    rocksdb_t *db = rocksdb_open_column_families(
        options,
        dir,
        (int)count,
        (const char *const *)names,
        (const rocksdb_options_t *const *)each,
        handles,
        &message);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            rocksdb_drop_column_family(db, handles[i], &message);
        rocksdb_column_family_handle_destroy(handles[i]);
    }
    assert_null(message);
    rocksdb_close(db);
    rocksdb_list_column_families_destroy(names, count);
    rocksdb_options_destroy(options);
}

static void a_family_that_vanished_is_reported(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    struct store_set *other = NULL;
    put_row(f->plain, "a", "1");
    store_set_commit(f->set);
    flush_set(f);
    store_set_close(f->set);
    f->set = NULL;
    drop_family(f->dir, "store:plain");
    assert_int_equal(fixture_try_open(f, "test", &other, &error), MR_CORRUPT);
    assert_non_null(strstr(error.text, f->dir));
    assert_non_null(strstr(error.text, "\"plain\" is gone"));
    drop_family(f->dir, "positions");
    assert_int_equal(fixture_try_open(f, "test", &other, &error), MR_CORRUPT);
    assert_non_null(strstr(error.text, "positions"));
}

/* The words of a task: one for each store. */
static void the_difference_of_two_fingerprints_is_named_and_bounded(void **state)
{
    struct mr_buffer out = {0};
    char noise[4096];
    (void)state;
    store_fingerprint_compare(
        mr_cstr("shop/sales: carts(events) orders(events) format=1 stores=carts,orders"),
        mr_cstr("shop/sales: carts(changelog) format=1 stores=carts"),
        &out);
    mr_buffer_add_byte(&out, 0);
    assert_string_equal(
        out.ptr,
        "the directory has \"carts(events) orders(events)\", this program has "
        "\"carts(changelog)\"");
    memset(noise, '"', sizeof noise);
    out.len = 0;
    store_fingerprint_compare(mr_bytes_of(noise, sizeof noise), mr_cstr("own"), &out);
    assert_true(out.len < 512);
    assert_null(memmem(out.ptr, out.len, "\"\"\"", 3));
    mr_buffer_clean_up(&out);
}

static void a_directory_in_use_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    struct store_set *other = NULL;
    assert_int_equal(fixture_try_open(f, "test", &other, &error), MR_IO);
    assert_non_null(strstr(error.text, f->dir));
    assert_non_null(strstr(error.text, "in use"));
}

static void a_path_that_cannot_be_a_directory_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    struct store_set *other = NULL;
    struct fixture below = {0};
    (void)snprintf(below.dir, sizeof below.dir, "%.40s/CURRENT/state", f->dir);
    assert_int_equal(fixture_try_open(&below, "test", &other, &error), MR_IO);
    assert_non_null(strstr(error.text, "CURRENT"));
}

static void directories_are_created_with_their_parents(void **state)
{
    struct fixture *f = *state;
    struct fixture below = {0};
    (void)snprintf(below.dir, sizeof below.dir, "%.40s/one/two", f->dir);
    fixture_open(&below);
    store_set_close(below.set);
}

/* Turns bytes over in the middle of every file of the kind. */
static void damage_file(const struct fixture *f, const char *pattern)
{
    char path[128];
    glob_t files = {0};
    (void)snprintf(path, sizeof path, "%s/%s", f->dir, pattern);
    assert_int_equal(glob(path, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *file = fopen(files.gl_pathv[i], "r+");
        assert_non_null(file);
        for (long at = 0; at < 64; at++) {
            (void)fseek(file, at, SEEK_SET);
            int byte = fgetc(file);
            if (byte == EOF)
                break;
            (void)fseek(file, at, SEEK_SET);
            (void)fputc(~byte & 0xff, file);
        }
        (void)fclose(file);
    }
    globfree(&files);
}

static void a_damaged_manifest_is_reported_as_corrupt(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    store_set_close(f->set);
    f->set = NULL;
    damage_file(f, "MANIFEST-*");
    assert_int_equal(fixture_try_open(f, "test", &f->set, &error), MR_CORRUPT);
    assert_non_null(strstr(error.text, f->dir));
}

static void a_set_that_met_damage_is_broken_and_takes_no_more_writes(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    for (int i = 0; i < 100; i++)
        put_row(f->plain, (char[]){'a', (char)i, '\0'}, "some value or other");
    store_set_commit(f->set);
    flush_set(f);
    fixture_reopen(f); /* Moves it from the write-ahead log into a table. */
    store_set_close(f->set);
    damage_file(f, "*.sst");
    fixture_open(f);
    assert_int_equal(store_set_check(f->set, NULL), 0);
    assert_string_equal(got_row(f, f->plain, "a\1"), "-");
    assert_int_equal(store_set_check(f->set, &error), MR_CORRUPT);
    assert_non_null(strstr(error.text, f->dir));
    struct mr_bytes value = {0};
    assert_int_equal(
        topo_read_get(topo_store_reader(f->plain), mr_cstr("a\1"), &f->arena, &value, NULL),
        MR_CORRUPT);
    put_row(f->plain, "b", "1");
    assert_false(store_set_has_staged(f->set));
    assert_int_equal(store_set_flush(f->set, NULL), MR_CORRUPT);
}

/* A limit on file sizes fails writes as a full disk does. */
static void a_full_disk_breaks_the_set_and_leaves_the_flush_before(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    struct rlimit before;
    char big[100000];
    memset(big, 'x', sizeof big);
    put_row(f->plain, "a", "1");
    store_set_position_put(f->set, "topic", 0, 1);
    store_set_commit(f->set);
    flush_set(f);
    put_row(f->plain, "a", "2");
    topo_store_put(f->plain, mr_cstr("big"), mr_bytes_of(big, sizeof big));
    store_set_position_put(f->set, "topic", 0, 2);
    store_set_commit(f->set);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {.rlim_cur = 20000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int result = store_set_flush(f->set, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, MR_IO);
    assert_non_null(strstr(error.text, f->dir));
    assert_int_equal(store_set_check(f->set, NULL), MR_IO);
    fixture_reopen(f);
    assert_string_equal(got_row(f, f->plain, "a"), "1");
    assert_int_equal(store_set_position(f->set, "topic", 0), 1);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 3) {
        write_and_die(argv[1], (int)strtol(argv[2], NULL, 10));
        return 1;
    }
    const struct CMUnitTest tests[] = {
        DISK_TEST(a_reopened_set_is_what_was_flushed_with_its_positions),
        DISK_TEST(what_is_staged_is_not_flushed),
        DISK_TEST(a_flush_with_nothing_to_write_writes_nothing),
        DISK_TEST(a_killed_process_leaves_exactly_the_last_flush),
        DISK_TEST(the_table_stays_within_its_bound_and_forgets_nothing),
        DISK_TEST(what_a_get_hands_out_stays_for_the_record_whatever_else_is_read),
        DISK_TEST(absent_keys_are_asked_of_the_disk_once),
        DISK_TEST(a_ttl_counts_from_the_write_whatever_was_reopened_since),
        DISK_TEST(foreign_state_is_refused_with_both_names_and_left_as_it_is),
        cmocka_unit_test(the_difference_of_two_fingerprints_is_named_and_bounded),
        DISK_TEST(a_family_that_vanished_is_reported),
        DISK_TEST(a_directory_in_use_is_refused),
        DISK_TEST(a_path_that_cannot_be_a_directory_is_refused),
        DISK_TEST(directories_are_created_with_their_parents),
        DISK_TEST(a_damaged_manifest_is_reported_as_corrupt),
        DISK_TEST(a_set_that_met_damage_is_broken_and_takes_no_more_writes),
        DISK_TEST(a_full_disk_breaks_the_set_and_leaves_the_flush_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
