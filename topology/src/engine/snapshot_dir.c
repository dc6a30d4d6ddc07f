/*
 * snapshot_dir.c - the folder of snapshots: names, lists, copies.
 *
 * Invariants
 *   1. A directory with a time for a name is whole: it is made under another name, and renamed.
 *   2. A file of a snapshot is never written: only tables, which RocksDB never changes, are linked.
 */
#include "snapshot_dir.h"

#include "store/store_dir.h"

#include <base/alloc.h>

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20 };

/* -- names -- */

static int names_compare(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

int snapshot_dir_list(const char *path, struct snapshot_names *ret_names, struct mr_error *error)
{
    struct snapshot_names names = {0};
    DIR *dir = opendir(path);
    if (!dir && errno != ENOENT)
        return mr_fail(error, MR_IO, "%s: %s", path, strerror(errno));
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        names.items = mr_realloc(names.items, (names.count + 1) * sizeof *names.items);
        names.items[names.count++] = mr_strdup(entry->d_name);
    }
    if (dir)
        closedir(dir);
    if (names.count)
        qsort(names.items, names.count, sizeof *names.items, names_compare);
    *ret_names = names;
    return 0;
}

void snapshot_dir_free_names(struct snapshot_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct snapshot_names){0};
}

void snapshot_dir_format_time(int64_t unix_ms, char *out)
{
    assert(unix_ms >= 0);
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    char text[16]; /* "20261127T153300" */
    gmtime_r(&seconds, &parts);
    size_t len = strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
    assert(len == 15);
    (void)snprintf(out, SNAPSHOT_TIME_SIZE, "%s.%03dZ", text, (int)(unix_ms % 1000));
}

bool snapshot_dir_is_time(const char *name)
{
    static const char form[] = "00000000T000000.000Z";
    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
            return false;
    return true;
}

char *snapshot_dir_newest(const char *dir)
{
    struct snapshot_names names = {0};
    char *newest = NULL;
    if (snapshot_dir_list(dir, &names, NULL))
        return NULL;
    for (size_t i = names.count; i > 0 && !newest; i--)
        if (snapshot_dir_is_time(names.items[i - 1]))
            newest = mr_asprintf("%s/%s", dir, names.items[i - 1]);
    snapshot_dir_free_names(&names);
    return newest;
}

/* -- directories -- */

int snapshot_dir_remove(const char *path, struct mr_error *error)
{
    struct snapshot_names names = {0};
    int rc = snapshot_dir_list(path, &names, error);
    for (size_t i = 0; i < names.count && !rc; i++) {
        char *file = mr_asprintf("%s/%s", path, names.items[i]);
        if (unlink(file) != 0)
            rc = mr_fail(error, MR_IO, "cannot remove %s: %s", file, strerror(errno));
        free(file);
    }
    snapshot_dir_free_names(&names);
    if (!rc && rmdir(path) != 0 && errno != ENOENT)
        rc = mr_fail(error, MR_IO, "cannot remove %s: %s", path, strerror(errno));
    return rc;
}

int64_t snapshot_dir_bytes(const char *path)
{
    struct snapshot_names names = {0};
    int64_t bytes = 0;
    (void)snapshot_dir_list(path, &names, NULL);
    for (size_t i = 0; i < names.count; i++) {
        char *file = mr_asprintf("%s/%s", path, names.items[i]);
        struct stat known;
        if (stat(file, &known) == 0)
            bytes += known.st_size;
        free(file);
    }
    snapshot_dir_free_names(&names);
    return bytes;
}

/* -- copies -- */

static int copy_fail(struct mr_error *error, const char *path)
{
    return mr_fail(error, MR_IO, "cannot copy %s: %s", path, strerror(errno));
}

/* The bytes, and that they are on the disk. */
static int copy_bytes(int from, int to, const char *path, struct mr_error *error)
{
    char *buffer = mr_malloc(COPY_BYTES);
    ssize_t got = 0;
    int rc = 0;
    while (!rc && (got = read(from, buffer, COPY_BYTES)) > 0) {
        for (ssize_t at = 0, put = 0; at < got && !rc; at += put) {
            put = write(to, buffer + at, (size_t)(got - at));
            if (put < 0)
                rc = copy_fail(error, path);
        }
    }
    if (!rc && (got < 0 || fsync(to) != 0))
        rc = copy_fail(error, path);
    free(buffer);
    return rc;
}

static int copy_file(const char *from, const char *to, struct mr_error *error)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int rc = out < 0 ? copy_fail(error, in < 0 ? from : to) : copy_bytes(in, out, to, error);
    if (in >= 0)
        (void)close(in);
    if (out >= 0 && close(out) != 0 && !rc)
        rc = copy_fail(error, to);
    return rc;
}

static bool copy_may_link(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".sst") == 0;
}

static int copy_files(const char *from, const char *to, struct mr_error *error)
{
    struct snapshot_names names = {0};
    int rc = snapshot_dir_list(from, &names, error);
    if (!rc && names.count == 0)
        rc = mr_fail(error, MR_IO, "%s is empty", from);
    for (size_t i = 0; i < names.count && !rc; i++) {
        char *source = mr_asprintf("%s/%s", from, names.items[i]);
        char *target = mr_asprintf("%s/%s", to, names.items[i]);
        bool linked = copy_may_link(names.items[i]) && link(source, target) == 0;
        rc = linked ? 0 : copy_file(source, target, error);
        free(source);
        free(target);
    }
    snapshot_dir_free_names(&names);
    return rc;
}

int snapshot_dir_copy(const char *from, const char *to, struct mr_error *error)
{
    char *partial = mr_asprintf("%s.partial", to);
    int rc = snapshot_dir_remove(partial, error);
    if (!rc)
        rc = store_dir_make(partial, error);
    if (!rc)
        rc = copy_files(from, partial, error);
    if (!rc && rename(partial, to) != 0)
        rc = mr_fail(
            error,
            errno == ENOTEMPTY || errno == EEXIST ? MR_CONFLICT : MR_IO,
            "cannot put a copy to %s: %s",
            to,
            strerror(errno));
    if (rc)
        (void)snapshot_dir_remove(partial, NULL);
    free(partial);
    return rc;
}
