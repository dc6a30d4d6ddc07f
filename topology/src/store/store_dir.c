/* store_dir.c - makes the directory of a store set, and finds out whether it can be used. */
#include "store_dir.h"

#include <base/alloc.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROBE_BYTES = 64 << 10 };

int store_dir_make(const char *dir, struct mr_error *error)
{
    assert(dir && dir[0]);
    char *path = mr_strdup(dir);
    int rc = 0;
    for (char *at = path + 1; rc == 0 && *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            rc = mr_fail(error, MR_IO, "%s: cannot create it: %s", path, strerror(errno));
        *at = '/';
    }
    if (rc == 0 && mkdir(path, 0777) < 0 && errno != EEXIST)
        rc = mr_fail(error, MR_IO, "%s: cannot create it: %s", path, strerror(errno));
    free(path);
    return rc;
}

/* A full disk at creation would be a failed assertion in RocksDB (as Debian builds it); so:
 * before. */
static int try_to_write(const char *dir, struct mr_error *error)
{
    static const char zeros[PROBE_BYTES];
    char *path = mr_asprintf("%s/.probe", dir);
    int rc = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0)
        errno = ENOSPC; /* A short write means a full disk, and leaves errno as it was. */
    if (fd < 0 || write(fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros)
        rc = mr_fail(error, MR_IO, "%s: cannot write there: %s", dir, strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    free(path);
    return rc;
}

bool store_dir_has_database(const char *dir)
{
    char *path = mr_asprintf("%s/CURRENT", dir);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

int store_dir_prepare(const char *dir, struct mr_error *error)
{
    int rc = store_dir_make(dir, error);
    return rc < 0 ? rc : try_to_write(dir, error);
}
