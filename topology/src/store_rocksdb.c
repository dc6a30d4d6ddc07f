/* store_rocksdb.c - the one file that knows RocksDB. */
#include "store_rocksdb.h"

#include <base/alloc.h>
#include <base/buffer.h>

#include <rocksdb/c.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_CACHE_BYTES = 128 << 20,
    WRITE_BUFFERS_BYTES = 64 << 20,
    MEMTABLE_BYTES = 16 << 20,
    WAL_BYTES = 32 << 20,
    BLOCK_BYTES = 8 << 10,
    BATCH_KEPT_BYTES = 4 << 20, /* Of a batch's memory, from one write to the next. */
    MEMTABLE_WORTH_FLUSHING = 256 << 10,
    OPEN_FILES = 256,
    PROBE_BYTES = 64 << 10,
    INFO_LOG_OFF = 6, /* One above the last of RocksDB's levels. */
};

static const char FINGERPRINT_KEY[] = "fingerprint";
static const char POSITIONS_FAMILY[] = "positions";

/* A column family, and what must live as long as it. */
struct family {
    rocksdb_column_family_handle_t *handle;
    rocksdb_compactionfilter_t *filter; /* Stores with a ttl. */
    int64_t ttl_ms;
    store_now_fn *now;
    void *now_user;
    atomic_bool written;
};

struct store_disk {
    char *dir;
    char *fingerprint;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *default_handle;
    rocksdb_column_family_handle_t *positions;
    struct family *families;
    size_t families_count;
    rocksdb_column_family_handle_t **others; /* Families of no store of ours; closed with us. */
    size_t others_count;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_writebatch_t *batch;
    size_t batch_bytes;
    struct mr_buffer position_key;
    /* Under runtime.lock: */
    struct store_disk *next_open;
    uint64_t memtable_bytes;
};

/* Process-wide, made at the first open and kept to the end. */
static struct {
    pthread_mutex_t lock;
    struct store_runtime_options options;
    rocksdb_cache_t *cache;
    struct store_disk *open;
} runtime = {.lock = PTHREAD_MUTEX_INITIALIZER};

void store_runtime_init(const struct store_runtime_options *options)
{
    pthread_mutex_lock(&runtime.lock);
    if (!runtime.cache)
        runtime.options = *options;
    pthread_mutex_unlock(&runtime.lock);
}

static rocksdb_cache_t *shared_cache(void)
{
    pthread_mutex_lock(&runtime.lock);
    if (!runtime.cache) {
        size_t bytes = runtime.options.block_cache_bytes;
        runtime.cache = rocksdb_cache_create_lru(bytes ? bytes : BLOCK_CACHE_BYTES);
    }
    pthread_mutex_unlock(&runtime.lock);
    return runtime.cache;
}

/* Takes over RocksDB's message. */
static int fail(struct mr_error *error, const char *dir, const char *doing, char *message)
{
    int code = strncmp(message, "Corruption", 10) == 0 ? MR_CORRUPT : MR_IO;
    mr_fail(error, code, "%s: %s: %s", dir, doing, message);
    rocksdb_free(message);
    return code;
}

static int make_dirs(const char *dir, struct mr_error *error)
{
    char *path = mr_strdup(dir);
    int result = 0;
    for (char *at = path + 1; result == 0 && *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            result = mr_fail(error, MR_IO, "%s: cannot create it: %s", path, strerror(errno));
        *at = '/';
    }
    if (result == 0 && mkdir(path, 0777) < 0 && errno != EEXIST)
        result = mr_fail(error, MR_IO, "%s: cannot create it: %s", path, strerror(errno));
    free(path);
    return result;
}

/* RocksDB's assertions (see below) make a full disk at creation an abort; so it is tried before. */
static int try_to_write(const char *dir, struct mr_error *error)
{
    static const char zeros[PROBE_BYTES];
    char *path = mr_asprintf("%s/.probe", dir);
    int result = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0)
        errno = ENOSPC; /* What a short write means; it sets nothing. */
    if (fd < 0 || write(fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros)
        result = mr_fail(error, MR_IO, "%s: cannot write there: %s", dir, strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    free(path);
    return result;
}

static bool exists(const char *dir)
{
    char *path = mr_asprintf("%s/CURRENT", dir);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void set_database_options(rocksdb_options_t *options)
{
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_max_open_files(options, OPEN_FILES);
    rocksdb_options_set_max_file_opening_threads(options, 1);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_max_total_wal_size(options, WAL_BYTES);
    /* No lines at all: Debian builds RocksDB with its assertions, and one of them is that a log
     * line can be written. A full disk is to be an error, not an abort. */
    rocksdb_options_set_info_log_level(options, INFO_LOG_OFF);
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
    rocksdb_block_based_options_set_block_cache(table, shared_cache());
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
    const struct family *family = user;
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
    struct family *family = &disk->families[spec - options->specs];
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
    return fail(error, options->dir, doing, message);
}

static int open_existing(
    struct store_disk *disk, const struct store_disk_options *options, struct mr_error *error)
{
    char *message = NULL;
    size_t count = 0;
    rocksdb_options_t *database = new_family_options();
    char **names = rocksdb_list_column_families(database, options->dir, &count, &message);
    rocksdb_options_destroy(database);
    if (message)
        return fail(error, options->dir, "cannot open the state", message);
    int result = open_families(disk, options, names, count, error);
    rocksdb_list_column_families_destroy(names, count);
    return result;
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
        return fail(error, options->dir, "cannot create the state", message);
    keep_handle(disk, options, name, handle);
    return 0;
}

/* The fingerprint comes last: a directory without one was not finished, and is now. */
static int create_rest(
    struct store_disk *disk, const struct store_disk_options *options, struct mr_error *error)
{
    char *message = NULL;
    int result = disk->positions ? 0 : create_family(disk, options, POSITIONS_FAMILY, error);
    for (size_t i = 0; result == 0 && i < options->specs_count; i++) {
        char *name = mr_asprintf("store:%s", options->specs[i].name);
        if (!disk->families[i].handle)
            result = create_family(disk, options, name, error);
        free(name);
    }
    if (result < 0)
        return result;
    rocksdb_put_cf(
        disk->db,
        disk->write,
        disk->default_handle,
        FINGERPRINT_KEY,
        sizeof FINGERPRINT_KEY - 1,
        disk->fingerprint,
        strlen(disk->fingerprint),
        &message);
    return message ? fail(error, options->dir, "cannot create the state", message) : 0;
}

/* What was found may be anything that somebody put there: it is quoted, bounded. */
static int refuse(const struct store_disk *disk, struct mr_bytes found, struct mr_error *error)
{
    if (found.len > 160)
        found.len = 160;
    return mr_fail(
        error,
        MR_CONFIG,
        "%s: holds the state of another topology: it was made by \"%.*s\", this is \"%.160s\"; "
        "give this one another directory, or remove that one to rebuild it from the log",
        disk->dir,
        MR_ARG(found),
        disk->fingerprint);
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
        return fail(error, options->dir, "cannot read the state", message);
    if (!found)
        return create_rest(disk, options, error);
    struct mr_bytes view = mr_bytes_of(found, len);
    int result = 0;
    if (!mr_bytes_equal(view, mr_cstr(disk->fingerprint)))
        result = refuse(disk, view, error);
    rocksdb_free(found);
    return result;
}

static int compare_names(const void *a, const void *b)
{
    const struct store_spec *const *left = a;
    const struct store_spec *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* What was given, and the stores in the order of their names, with what changes their bytes. */
static char *full_fingerprint(const struct store_disk_options *options)
{
    struct mr_buffer text = {0};
    const struct store_spec **specs = mr_calloc(options->specs_count, sizeof *specs);
    for (size_t i = 0; i < options->specs_count; i++)
        specs[i] = &options->specs[i];
    qsort(specs, options->specs_count, sizeof *specs, compare_names);
    mr_buffer_printf(&text, "%s format=1 stores=", options->fingerprint);
    for (size_t i = 0; i < options->specs_count; i++)
        mr_buffer_printf(
            &text, "%s%s%s", i ? "," : "", specs[i]->name, specs[i]->ttl_ms > 0 ? ":ttl" : "");
    mr_buffer_add_byte(&text, '\0');
    free(specs);
    return text.ptr;
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
    disk->fingerprint = full_fingerprint(options);
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
    int result = make_dirs(options->dir, error);
    if (result == 0)
        result = try_to_write(options->dir, error);
    if (result < 0)
        return result;
    struct store_disk *disk = disk_new(options);
    result =
        exists(options->dir) ? open_existing(disk, options, error) : open_new(disk, options, error);
    if (result == 0)
        result = check_fingerprint(disk, options, error);
    if (result < 0) {
        store_disk_close(disk);
        return result;
    }
    look_whether_written(disk);
    pthread_mutex_lock(&runtime.lock);
    disk->next_open = runtime.open;
    runtime.open = disk;
    pthread_mutex_unlock(&runtime.lock);
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
    pthread_mutex_lock(&runtime.lock);
    for (struct store_disk **link = &runtime.open; *link; link = &(*link)->next_open) {
        if (*link == disk) {
            *link = disk->next_open;
            break;
        }
    }
    pthread_mutex_unlock(&runtime.lock);
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

bool store_disk_written(const struct store_disk *disk, size_t store)
{
    return atomic_load_explicit(&disk->families[store].written, memory_order_acquire);
}

int store_disk_get(
    struct store_disk *disk,
    size_t store,
    struct mr_bytes key,
    struct store_disk_value *ret_value,
    struct mr_error *error)
{
    char *message = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(
        disk->db, disk->read, disk->families[store].handle, key.ptr, key.len, &message);
    if (message)
        return fail(error, disk->dir, "cannot read", message);
    if (!slice)
        return 0;
    size_t len = 0;
    const char *raw = rocksdb_pinnableslice_value(slice, &len);
    *ret_value = (struct store_disk_value){.handle = slice, .raw = mr_bytes_of(raw, len)};
    return 1;
}

void store_disk_release(struct store_disk_value *value)
{
    if (value->handle)
        rocksdb_pinnableslice_destroy(value->handle);
}

struct store_disk_iter {
    const struct store_disk *disk;
    rocksdb_readoptions_t *read;
    rocksdb_iterator_t *iter;
    bool reverse;
    char bounds[]; /* RocksDB keeps pointers to them. */
};

struct store_disk_iter *store_disk_iter_new(
    struct store_disk *disk, size_t store, struct mr_bytes first, struct mr_bytes end, bool reverse)
{
    struct store_disk_iter *iter = mr_malloc(sizeof *iter + first.len + end.len);
    *iter = (struct store_disk_iter){
        .disk = disk, .read = rocksdb_readoptions_create(), .reverse = reverse};
    if (first.ptr) {
        memcpy(iter->bounds, first.ptr, first.len);
        rocksdb_readoptions_set_iterate_lower_bound(iter->read, iter->bounds, first.len);
    }
    if (end.ptr) {
        memcpy(iter->bounds + first.len, end.ptr, end.len);
        rocksdb_readoptions_set_iterate_upper_bound(iter->read, iter->bounds + first.len, end.len);
    }
    iter->iter = rocksdb_create_iterator_cf(disk->db, iter->read, disk->families[store].handle);
    if (reverse)
        rocksdb_iter_seek_to_last(iter->iter);
    else
        rocksdb_iter_seek_to_first(iter->iter);
    return iter;
}

void store_disk_iter_free(struct store_disk_iter *iter)
{
    if (!iter)
        return;
    rocksdb_iter_destroy(iter->iter);
    rocksdb_readoptions_destroy(iter->read);
    free(iter);
}

bool store_disk_iter_valid(const struct store_disk_iter *iter)
{
    return rocksdb_iter_valid(iter->iter);
}

void store_disk_iter_move(struct store_disk_iter *iter)
{
    if (iter->reverse)
        rocksdb_iter_prev(iter->iter);
    else
        rocksdb_iter_next(iter->iter);
}

struct mr_bytes store_disk_iter_key(const struct store_disk_iter *iter)
{
    size_t len = 0;
    const char *key = rocksdb_iter_key(iter->iter, &len);
    return mr_bytes_of(key, len);
}

struct mr_bytes store_disk_iter_raw(const struct store_disk_iter *iter)
{
    size_t len = 0;
    const char *raw = rocksdb_iter_value(iter->iter, &len);
    return mr_bytes_of(raw, len);
}

int store_disk_iter_check(const struct store_disk_iter *iter, struct mr_error *error)
{
    char *message = NULL;
    rocksdb_iter_get_error(iter->iter, &message);
    return message ? fail(error, iter->disk->dir, "cannot read", message) : 0;
}

/* Key: the topic, a NUL, the partition. Value: the next offset. Both big-endian. */
static bool
parse_position(struct mr_bytes key, struct mr_bytes raw, store_disk_position_fn *visit, void *user)
{
    if (key.len < 5 || raw.len != 8 || strnlen(key.ptr, key.len) != key.len - 5)
        return false;
    int64_t next_offset = (int64_t)mr_get_be64(raw.ptr);
    if (next_offset < 0)
        return false;
    visit(user, key.ptr, (int32_t)mr_get_be32(key.ptr + key.len - 4), next_offset);
    return true;
}

int store_disk_positions(
    struct store_disk *disk, store_disk_position_fn *visit, void *user, struct mr_error *error)
{
    rocksdb_iterator_t *iter = rocksdb_create_iterator_cf(disk->db, disk->read, disk->positions);
    int result = 0;
    for (rocksdb_iter_seek_to_first(iter); result == 0 && rocksdb_iter_valid(iter);
         rocksdb_iter_next(iter)) {
        struct mr_bytes key = {0};
        struct mr_bytes raw = {0};
        key.ptr = rocksdb_iter_key(iter, &key.len);
        raw.ptr = rocksdb_iter_value(iter, &raw.len);
        if (!parse_position(key, raw, visit, user))
            result = mr_fail(error, MR_CORRUPT, "%s: a position does not parse", disk->dir);
    }
    char *message = NULL;
    rocksdb_iter_get_error(iter, &message);
    if (message)
        result = fail(error, disk->dir, "cannot read the positions", message);
    rocksdb_iter_destroy(iter);
    return result;
}

void store_disk_put(struct store_disk *disk, size_t store, struct mr_bytes key, struct mr_bytes raw)
{
    struct family *family = &disk->families[store];
    rocksdb_writebatch_put_cf(disk->batch, family->handle, key.ptr, key.len, raw.ptr, raw.len);
    disk->batch_bytes += key.len + raw.len;
    atomic_store_explicit(&family->written, true, memory_order_release); /* Before it is. */
}

void store_disk_delete(struct store_disk *disk, size_t store, struct mr_bytes key)
{
    rocksdb_writebatch_delete_cf(disk->batch, disk->families[store].handle, key.ptr, key.len);
    disk->batch_bytes += key.len;
}

void store_disk_put_position(
    struct store_disk *disk, const char *topic, int32_t partition, int64_t next_offset)
{
    char number[4];
    char value[8];
    mr_put_be32(number, (uint32_t)partition);
    mr_put_be64(value, (uint64_t)next_offset);
    mr_buffer_reset(&disk->position_key);
    mr_buffer_add(&disk->position_key, mr_bytes_of(topic, strlen(topic) + 1));
    mr_buffer_add(&disk->position_key, mr_bytes_of(number, sizeof number));
    rocksdb_writebatch_put_cf(
        disk->batch,
        disk->positions,
        disk->position_key.ptr,
        disk->position_key.len,
        value,
        sizeof value);
}

static uint64_t memtable_bytes_of(struct store_disk *disk, size_t store)
{
    uint64_t bytes = 0;
    (void)rocksdb_property_int_cf(
        disk->db, disk->families[store].handle, "rocksdb.cur-size-all-mem-tables", &bytes);
    return bytes;
}

/* In the background. One that fails shows as the error of a later write. */
static void flush_memtables(struct store_disk *disk)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 0);
    for (size_t i = 0; i < disk->families_count; i++) {
        char *message = NULL;
        if (memtable_bytes_of(disk, i) >= MEMTABLE_WORTH_FLUSHING)
            rocksdb_flush_cf(disk->db, options, disk->families[i].handle, &message);
        rocksdb_free(message);
    }
    rocksdb_flushoptions_destroy(options);
    disk->memtable_bytes = 0;
}

/* See "Memory" in the header. The lock keeps the largest one open while it is told. */
static void bound_memtables(struct store_disk *disk)
{
    uint64_t own = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < disk->families_count; i++)
        own += memtable_bytes_of(disk, i);
    pthread_mutex_lock(&runtime.lock);
    disk->memtable_bytes = own;
    struct store_disk *largest = disk;
    for (struct store_disk *other = runtime.open; other; other = other->next_open) {
        sum += other->memtable_bytes;
        if (other->memtable_bytes > largest->memtable_bytes)
            largest = other;
    }
    size_t bytes_max = runtime.options.write_buffers_bytes;
    if (sum > (bytes_max ? bytes_max : WRITE_BUFFERS_BYTES))
        flush_memtables(largest);
    pthread_mutex_unlock(&runtime.lock);
}

int store_disk_write(struct store_disk *disk, struct mr_error *error)
{
    char *message = NULL;
    rocksdb_write(disk->db, disk->write, disk->batch, &message);
    rocksdb_writebatch_clear(disk->batch);
    if (disk->batch_bytes > BATCH_KEPT_BYTES) {
        rocksdb_writebatch_destroy(disk->batch);
        disk->batch = rocksdb_writebatch_create();
    }
    disk->batch_bytes = 0;
    if (message)
        return fail(error, disk->dir, "cannot write", message);
    bound_memtables(disk);
    return 0;
}
