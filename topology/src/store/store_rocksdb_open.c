/* store_rocksdb_open.c - opens, checks and closes the database of a store set. */
#include "store_dir.h"
#include "store_fingerprint.h"
#include "store_rocksdb_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

enum {
    MEMTABLE_BYTES = 16 << 20,
    WAL_BYTES = 32 << 20,
    BLOCK_BYTES = 8 << 10,
    OPEN_FILES = 256,
    PERF_COUNTS_OFF = 1, /* Counting every comparison of keys is a tenth of a write. */
    INFO_LOG_OFF = 6, /* One above the last level; RocksDB 9 refuses it, and has loggers instead. */
};

static const char FINGERPRINT_KEY[] = "fingerprint";
static const char POSITIONS_FAMILY[] = "positions";

#ifdef STORE_ROCKSDB_HAS_CALLBACK_LOGGER
static void discard_line(void *user, unsigned level, char *line, size_t line_len)
{
    (void)user, (void)level, (void)line, (void)line_len;
}
#endif

/* RocksDB is to write no log at all: Debian builds it with its assertions, and one of them is that
 * a log line can be written. A full disk must be an error, not an abort. */
static void set_no_log(rocksdb_options_t *options)
{
#ifdef STORE_ROCKSDB_HAS_CALLBACK_LOGGER
    enum { FATAL_LEVEL = 4 };
    rocksdb_logger_t *logger =
        rocksdb_logger_create_callback_logger(FATAL_LEVEL, discard_line, NULL);
    rocksdb_options_set_info_log(options, logger);
    rocksdb_logger_destroy(logger); /* The options hold a reference of their own. */
    rocksdb_options_set_info_log_level(options, FATAL_LEVEL);
#else
    rocksdb_options_set_info_log_level(options, INFO_LOG_OFF);
#endif
}

static void set_database_options(rocksdb_options_t *options)
{
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_max_open_files(options, OPEN_FILES);
    rocksdb_options_set_max_file_opening_threads(options, 1);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_max_total_wal_size(options, WAL_BYTES);
    set_no_log(options);
    rocksdb_options_set_max_log_file_size(options, 1 << 20);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0); /* One writer. */
}

static rocksdb_options_t *new_family_options(void)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, store_disk_cache());
    rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
    rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_options_t *options = rocksdb_options_create();
    set_database_options(options);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_write_buffer_size(options, MEMTABLE_BYTES);
    rocksdb_options_set_max_write_buffer_number(options, 3);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.005);
    rocksdb_options_set_memtable_whole_key_filtering(options, 1);
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    return options;
}

static void destroy_nothing(void *user)
{
    (void)user;
}

static const char *filter_name(void *user)
{
    (void)user;
    return "millrace.ttl";
}

/* Drops raw values older than their store's ttl: they begin with the time they were written. */
static unsigned char filter_old(
    void *user,
    int level,
    const char *key,
    size_t key_len,
    const char *raw,
    size_t raw_len,
    char **new_value,
    size_t *new_len,
    unsigned char *changed)
{
    (void)level, (void)key, (void)key_len, (void)new_value, (void)new_len, (void)changed;
    const struct store_family *family = user;
    if (raw_len < sizeof(uint64_t))
        return 0;
    return (int64_t)mr_get_be64(raw) + family->ttl_ms <= family->now(family->now_user);
}

static const struct store_spec *
spec_of_family(const struct store_disk_options *options, const char *family)
{
    for (size_t i = 0; i < options->specs_count; i++)
        if (strncmp(family, "store:", 6) == 0 && strcmp(family + 6, options->specs[i].name) == 0)
            return &options->specs[i];
    return NULL;
}

static rocksdb_options_t *options_of_family(
    struct store_disk *disk, const struct store_disk_options *options, const char *name)
{
    rocksdb_options_t *family_options = new_family_options();
    const struct store_spec *spec = spec_of_family(options, name);
    if (!spec || spec->ttl_ms <= 0)
        return family_options;
    struct store_family *family = &disk->families[spec - options->specs];
    if (!family->filter)
        family->filter =
            rocksdb_compactionfilter_create(family, destroy_nothing, filter_old, filter_name);
    rocksdb_options_set_compaction_filter(family_options, family->filter);
    return family_options;
}

static void keep_handle(
    struct store_disk *disk,
    const struct store_disk_options *options,
    const char *name,
    rocksdb_column_family_handle_t *handle)
{
    const struct store_spec *spec = spec_of_family(options, name);
    if (spec)
        disk->families[spec - options->specs].handle = handle;
    else if (strcmp(name, "default") == 0)
        disk->default_handle = handle;
    else if (strcmp(name, POSITIONS_FAMILY) == 0)
        disk->positions = handle;
    else
        disk->others[disk->others_count++] = handle;
}

/* Opens exactly the families that there are: a foreign database must stay as it is. */
static int open_families(
    struct store_disk *disk,
    const struct store_disk_options *options,
    char **names,
    size_t count,
    struct mr_error *error)
{
    char *message = NULL;
    rocksdb_options_t *database = new_family_options();
    rocksdb_options_t **each = mr_calloc(count, sizeof *each);
    rocksdb_column_family_handle_t **handles = mr_calloc(count, sizeof *handles);
    disk->others = mr_calloc(count, sizeof *handles);
    for (size_t i = 0; i < count; i++)
        each[i] = options_of_family(disk, options, names[i]);
    disk->db = rocksdb_open_column_families(
        database,
        options->dir,
        (int)count,
        (const char *const *)names,
        (const rocksdb_options_t *const *)each,
        handles,
        &message);
    for (size_t i = 0; i < count; i++) {
        if (!message)
            keep_handle(disk, options, names[i], handles[i]);
        rocksdb_options_destroy(each[i]);
    }
    rocksdb_options_destroy(database);
    free(each);
    free(handles);
    if (!message)
        return 0;
    bool locked = strstr(message, "/LOCK") != NULL;
    const char *doing =
        locked ? "in use by another process, or twice by this one" : "cannot open the state";
    return store_disk_fail(error, options->dir, doing, message);
}

static int open_existing(
    struct store_disk *disk, const struct store_disk_options *options, struct mr_error *error)
{
    char *message = NULL;
    size_t count = 0;
    rocksdb_options_t *database = new_family_options();
    char **names = rocksdb_list_column_families(database, options->dir, &count, &message);
    rocksdb_options_destroy(database);
    if (message) {
        rocksdb_list_column_families_destroy(names, count); /* An empty list is one, too. */
        return store_disk_fail(error, options->dir, "cannot open the state", message);
    }
    int rc = open_families(disk, options, names, count, error);
    rocksdb_list_column_families_destroy(names, count);
    return rc;
}

static int
open_new(struct store_disk *disk, const struct store_disk_options *options, struct mr_error *error)
{
    char name[] = "default";
    char *names[] = {name};
    return open_families(disk, options, names, 1, error);
}

static int create_family(
    struct store_disk *disk,
    const struct store_disk_options *options,
    const char *name,
    struct mr_error *error)
{
    char *message = NULL;
    rocksdb_options_t *family_options = options_of_family(disk, options, name);
    rocksdb_column_family_handle_t *handle =
        rocksdb_create_column_family(disk->db, family_options, name, &message);
    rocksdb_options_destroy(family_options);
    if (message)
        return store_disk_fail(error, options->dir, "cannot create the state", message);
    keep_handle(disk, options, name, handle);
    return 0;
}

/* The fingerprint comes last: a directory without one was not finished, and is now. */
static int create_rest(
    struct store_disk *disk, const struct store_disk_options *options, struct mr_error *error)
{
    char *message = NULL;
    int rc = disk->positions ? 0 : create_family(disk, options, POSITIONS_FAMILY, error);
    for (size_t i = 0; rc == 0 && i < options->specs_count; i++) {
        char *name = mr_asprintf("store:%s", options->specs[i].name);
        if (!disk->families[i].handle)
            rc = create_family(disk, options, name, error);
        free(name);
    }
    if (rc < 0)
        return rc;
    rocksdb_put_cf(
        disk->db,
        disk->write,
        disk->default_handle,
        FINGERPRINT_KEY,
        sizeof FINGERPRINT_KEY - 1,
        disk->fingerprint,
        strlen(disk->fingerprint),
        &message);
    return message ? store_disk_fail(error, options->dir, "cannot create the state", message) : 0;
}

static int open_refuse(const struct store_disk *disk, struct mr_bytes found, struct mr_error *error)
{
    struct mr_buffer difference = {0};
    store_fingerprint_compare(found, mr_cstr(disk->fingerprint), &difference);
    bool same_maker = store_fingerprint_same_maker(found, mr_cstr(disk->fingerprint));
    int rc = mr_fail(
        error,
        same_maker ? MR_CONFLICT : MR_CONFIG,
        "%s: holds the state of another topology: %.*s; give this one another directory, or remove "
        "that one to rebuild it from the log",
        disk->dir,
        MR_ARG(mr_buffer_view(&difference)));
    mr_buffer_clean_up(&difference);
    return rc;
}

/* The fingerprint was written last, so a database that lacks a family now had it once. */
static int check_families(
    const struct store_disk *disk, const struct store_disk_options *options, struct mr_error *error)
{
    const char *missing = disk->positions ? NULL : POSITIONS_FAMILY;
    for (size_t i = 0; !missing && i < disk->families_count; i++)
        if (!disk->families[i].handle)
            missing = options->specs[i].name;
    if (!missing)
        return 0;
    return mr_fail(
        error,
        MR_CORRUPT,
        "%s: the column family of \"%s\" is gone; remove the directory to rebuild the state from "
        "the log",
        disk->dir,
        missing);
}

static int check_fingerprint(
    struct store_disk *disk, const struct store_disk_options *options, struct mr_error *error)
{
    char *message = NULL;
    size_t len = 0;
    char *found = rocksdb_get_cf(
        disk->db,
        disk->read,
        disk->default_handle,
        FINGERPRINT_KEY,
        sizeof FINGERPRINT_KEY - 1,
        &len,
        &message);
    if (message)
        return store_disk_fail(error, options->dir, "cannot read the state", message);
    if (!found)
        return create_rest(disk, options, error);
    struct mr_bytes view = mr_bytes_of(found, len);
    int rc = mr_bytes_equal(view, mr_cstr(disk->fingerprint)) ? check_families(disk, options, error)
                                                              : open_refuse(disk, view, error);
    rocksdb_free(found);
    return rc;
}

static void look_whether_written(struct store_disk *disk)
{
    rocksdb_readoptions_t *read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(read, 0);
    for (size_t i = 0; i < disk->families_count; i++) {
        rocksdb_iterator_t *iter =
            rocksdb_create_iterator_cf(disk->db, read, disk->families[i].handle);
        rocksdb_iter_seek_to_first(iter);
        char *message = NULL;
        rocksdb_iter_get_error(iter, &message);
        atomic_store(&disk->families[i].written, message || rocksdb_iter_valid(iter));
        rocksdb_free(message);
        rocksdb_iter_destroy(iter);
    }
    rocksdb_readoptions_destroy(read);
}

static struct store_disk *disk_new(const struct store_disk_options *options)
{
    struct store_disk *disk = mr_calloc(1, sizeof *disk);
    disk->dir = mr_strdup(options->dir);
    disk->fingerprint = store_fingerprint_make(options);
    disk->families_count = options->specs_count;
    disk->families = mr_calloc(options->specs_count, sizeof *disk->families);
    for (size_t i = 0; i < options->specs_count; i++) {
        disk->families[i].ttl_ms = options->specs[i].ttl_ms;
        disk->families[i].now = options->now;
        disk->families[i].now_user = options->now_user;
    }
    disk->read = rocksdb_readoptions_create();
    disk->write = rocksdb_writeoptions_create();
    disk->batch = rocksdb_writebatch_create();
    return disk;
}

int store_disk_open(
    const struct store_disk_options *options, struct store_disk **ret_disk, struct mr_error *error)
{
    assert(options->dir && options->fingerprint);
    int rc = store_dir_prepare(options->dir, error);
    if (rc < 0)
        return rc;
    struct store_disk *disk = disk_new(options);
    rc = store_dir_has_database(options->dir) ? open_existing(disk, options, error)
                                              : open_new(disk, options, error);
    if (rc == 0)
        rc = check_fingerprint(disk, options, error);
    if (rc < 0) {
        store_disk_close(disk);
        return rc;
    }
    look_whether_written(disk);
    /* The performance context of this thread, which will be the writer. */
    rocksdb_set_perf_level(PERF_COUNTS_OFF);
    store_disk_enlist(disk);
    *ret_disk = disk;
    return 0;
}

static void close_database(struct store_disk *disk)
{
    for (size_t i = 0; i < disk->families_count; i++)
        if (disk->families[i].handle)
            rocksdb_column_family_handle_destroy(disk->families[i].handle);
    for (size_t i = 0; i < disk->others_count; i++)
        rocksdb_column_family_handle_destroy(disk->others[i]);
    if (disk->positions)
        rocksdb_column_family_handle_destroy(disk->positions);
    if (disk->default_handle)
        rocksdb_column_family_handle_destroy(disk->default_handle);
    if (disk->db)
        rocksdb_close(disk->db);
    for (size_t i = 0; i < disk->families_count; i++)
        if (disk->families[i].filter)
            rocksdb_compactionfilter_destroy(disk->families[i].filter);
}

void store_disk_close(struct store_disk *disk)
{
    if (!disk)
        return;
    store_disk_delist(disk);
    store_disk_forget_iters(disk);
    close_database(disk);
    rocksdb_readoptions_destroy(disk->read);
    rocksdb_writeoptions_destroy(disk->write);
    rocksdb_writebatch_destroy(disk->batch);
    mr_buffer_clean_up(&disk->position_key);
    free(disk->families);
    free(disk->others);
    free(disk->fingerprint);
    free(disk->dir);
    free(disk);
}
