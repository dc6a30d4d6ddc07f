/*
 * cleanup.c - looks for the folders of tasks that this instance has not had for long.
 *
 * Invariants
 *   1. A folder is removed under its claim, so no worker opens it meanwhile, and under RocksDB's
 *      lock file, so no other process has it open.
 *   2. Only what has the name of a task of this topology is removed. What else is there is named in
 *      the log once, and stays.
 *   3. The time counts from when the folder was last opened or closed (its mtime), and at the
 *      earliest from the start of the engine: a service that slept keeps what it will get back.
 */
#include "cleanup.h"

#include "snapshot_dir.h"

#include <base/alloc.h>
#include <base/clock.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 60 * 1000, FOREIGN_NAMED_MAX = 8 };

/* "<task>-<partition>" of a group task. */
static const struct graph_sub *
cleanup_parse_name(const struct topo_engine *engine, const char *name, int32_t *ret_partition)
{
    const char *dash = strrchr(name, '-');
    char *end = NULL;
    if (!dash || dash[1] < '0' || dash[1] > '9')
        return NULL;
    long partition = strtol(dash + 1, &end, 10);
    if (*end != '\0' || partition > INT32_MAX)
        return NULL;
    for (size_t i = 0; i < engine->topology->subs_count; i++) {
        const struct graph_sub *sub = &engine->topology->subs[i];
        if (strlen(sub->name) == (size_t)(dash - name) &&
            strncmp(sub->name, name, (size_t)(dash - name)) == 0) {
            *ret_partition = (int32_t)partition;
            return sub;
        }
    }
    return NULL;
}

/* How long nobody has opened or closed it; 0: it is not there. */
static int64_t cleanup_idle_ms(const struct topo_engine *engine, const char *path)
{
    struct stat known;
    if (stat(path, &known) != 0)
        return 0;
    int64_t used_ms = (int64_t)known.st_mtim.tv_sec * 1000 + known.st_mtim.tv_nsec / 1000000;
    if (used_ms < engine->cleanup.started_ms)
        used_ms = engine->cleanup.started_ms;
    return mr_unix_ms() - used_ms;
}

/* RocksDB's own lock: -1 when another process has it, or the folder is not a database. */
static int cleanup_lock_database(const char *path)
{
    char *lock = mr_asprintf("%s/LOCK", path);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    free(lock);
    if (fd >= 0 && fcntl(fd, F_SETLK, &whole) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* The lock is held until the last file is gone, and its file goes with the others. */
static void cleanup_remove(struct topo_engine *engine, const char *name, const char *path)
{
    struct mr_error error = {0};
    int64_t idle_ms = cleanup_idle_ms(engine, path);
    int64_t bytes = snapshot_dir_bytes(path);
    int lock = cleanup_lock_database(path);
    if (lock < 0)
        return;
    int rc = snapshot_dir_remove(path, &error);
    (void)close(lock);
    if (rc)
        host_log(
            engine,
            MR_LOG_WARN,
            "state-not-removed",
            "task=%s error=\"%s\" action=\"remove the folder by hand\"",
            name,
            error.text);
    else
        host_log(
            engine,
            MR_LOG_INFO,
            "state-removed",
            "task=%s bytes=%" PRId64 " idle_s=%" PRId64
            " reason=\"another instance has had the task since\"",
            name,
            bytes,
            idle_ms / 1000);
}

static void cleanup_name_foreign(struct topo_engine *engine, const char *path)
{
    if (engine->cleanup.foreign >= FOREIGN_NAMED_MAX)
        return;
    engine->cleanup.foreign++;
    host_log(
        engine,
        MR_LOG_WARN,
        "foreign-state",
        "folder=\"%s\" reason=\"no task of this topology has this name\" action=\"remove it if an "
        "earlier version of this service left it\"",
        path);
}

/* True: a folder was removed, or tried: enough for now. */
static bool cleanup_look_at(struct topo_engine *engine, const char *name, bool first)
{
    int32_t partition = 0;
    const struct graph_sub *sub = cleanup_parse_name(engine, name, &partition);
    char *path = mr_asprintf("%s/%s", engine->state_dir, name);
    bool tried = false;
    if (!sub) {
        if (first)
            cleanup_name_foreign(engine, path);
    } else if (
        !sub->global && cleanup_idle_ms(engine, path) >= engine->options.state_cleanup_ms &&
        host_claim(engine, sub, partition)) {
        cleanup_remove(engine, name, path);
        host_disclaim(engine, sub, partition);
        tried = true;
    }
    free(path);
    return tried;
}

void cleanup_step(struct topo_engine *engine)
{
    struct cleanup *own = &engine->cleanup;
    int64_t now_ms = mr_monotonic_ms();
    bool first = own->looked_ms == 0;
    int64_t every_ms = engine->options.state_cleanup_ms < LOOK_EVERY_MS
                           ? engine->options.state_cleanup_ms
                           : LOOK_EVERY_MS;
    if (!engine->state_dir || engine->options.state_cleanup_ms < 0 ||
        (!first && now_ms - own->looked_ms < every_ms))
        return;
    own->looked_ms = now_ms;
    struct snapshot_names names = {0};
    if (snapshot_dir_list(engine->state_dir, &names, NULL))
        return; /* The next task that is opened there says why. */
    bool tried = false;
    for (size_t i = 0; i < names.count && !tried; i++)
        tried = cleanup_look_at(engine, names.items[i], first);
    snapshot_dir_free_names(&names);
}

void cleanup_note_closed(const char *dir)
{
    assert(dir);
    (void)utimensat(AT_FDCWD, dir, NULL, 0); /* If it fails, its last write is its time. */
}
