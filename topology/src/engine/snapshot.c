/*
 * snapshot.c - copies of the tasks' state, made while they run, and tasks that start from one.
 *
 * Invariants
 *   1. A copy is a RocksDB checkpoint: data and positions of one commit, as after a kill.
 *   2. The thread touches no task: it knows the claims and asks for the database by its directory.
 *      A task that is closed meanwhile has no copy this time.
 *   3. A state that is there is never replaced by a snapshot.
 */
#include "snapshot.h"

#include "snapshot_dir.h"
#include "store/store_dir.h"
#include "store/store_rocksdb.h"

#include <base/alloc.h>
#include <base/clock.h>

#include <topology/snapshot.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 1000, NAP_MS = 50, LEFT_AFTER_MS = 3600 * 1000 };

static const char REQUEST_FILE[] = ".request";

/* FOLDER/<application>/<task>-<partition> */
static char *
snapshot_path(const struct topo_engine *engine, const struct graph_sub *sub, int32_t partition)
{
    return mr_asprintf(
        "%s/%s/%s-%" PRId32,
        engine->options.snapshot_dir,
        engine->topology->application_id,
        sub->name,
        partition);
}

/* -- making -- */

/* A copy begun so long ago was left behind by a process that died. */
static bool snapshot_is_left(const char *path)
{
    struct stat known;
    return stat(path, &known) == 0 &&
           (int64_t)known.st_mtim.tv_sec * 1000 + LEFT_AFTER_MS < mr_unix_ms();
}

/* Another instance may be at work in the same directory: what it has begun stays. */
static int snapshot_forget_old(const char *dir, int kept, struct mr_error *error)
{
    struct snapshot_names names = {0};
    int rc = snapshot_dir_list(dir, &names, error);
    for (size_t i = names.count; i > 0 && !rc; i--) {
        char *path = mr_asprintf("%s/%s", dir, names.items[i - 1]);
        bool whole = snapshot_dir_is_time(names.items[i - 1]);
        if (whole ? kept-- <= 0 : snapshot_is_left(path))
            rc = snapshot_dir_remove(path, error);
        free(path);
    }
    snapshot_dir_free_names(&names);
    return rc;
}

/* A path that does not exist, with the time in it: two copies of a millisecond get two. */
static char *snapshot_name_copy(const char *dir)
{
    char time_text[SNAPSHOT_TIME_SIZE];
    char *path = NULL;
    for (int64_t ms = mr_unix_ms(); !path; ms++) {
        snapshot_dir_format_time(ms, time_text);
        path = mr_asprintf("%s/%s", dir, time_text);
        if (access(path, F_OK) == 0) {
            free(path);
            path = NULL;
        }
    }
    return path;
}

/* Under a name that nobody takes for a snapshot until it is whole. */
static int snapshot_copy_task(
    const struct topo_engine *engine, const struct host_claim *claim, struct mr_error *error)
{
    char *dir = snapshot_path(engine, claim->sub, claim->partition);
    char *state =
        mr_asprintf("%s/%s-%" PRId32, engine->state_dir, claim->sub->name, claim->partition);
    char *whole = snapshot_name_copy(dir);
    char *partial = mr_asprintf("%s.partial", whole);
    int rc = store_dir_make(dir, error);
    if (!rc)
        rc = store_disk_checkpoint(state, partial, error);
    if (!rc && rename(partial, whole) != 0)
        rc = mr_fail(error, MR_IO, "cannot rename %s: %s", partial, strerror(errno));
    if (!rc)
        rc = snapshot_forget_old(dir, engine->options.snapshots_kept, error);
    free(dir);
    free(state);
    free(whole);
    free(partial);
    return rc;
}

/* A copy of the claims: the list changes while the copies are made. */
static struct host_claim *snapshot_list_claims(struct topo_engine *engine, size_t *ret_count)
{
    pthread_mutex_lock(&engine->mutex);
    size_t count = engine->claims_count;
    struct host_claim *claims = mr_calloc(count + 1, sizeof *claims);
    for (size_t i = 0; i < count; i++)
        claims[i] = engine->claims[i];
    pthread_mutex_unlock(&engine->mutex);
    *ret_count = count;
    return claims;
}

/* A task that was closed since is not a failure: its next owner makes the copy. */
int topo_engine_snapshot(struct topo_engine *engine, int *ret_count, struct mr_error *error)
{
    assert(engine);
    if (!engine->options.snapshot_dir || !engine->state_dir)
        return mr_fail(error, MR_CONFIG, "this engine has no snapshot_dir or no state_dir");
    size_t count = 0;
    int copied = 0;
    int first = 0;
    int64_t began_ms = mr_monotonic_ms();
    struct host_claim *claims = snapshot_list_claims(engine, &count);
    for (size_t i = 0; i < count; i++) {
        struct mr_error why = {0};
        int rc = snapshot_copy_task(engine, &claims[i], &why);
        copied += rc == 0;
        if (rc && rc != MR_NOT_FOUND && !first)
            first = mr_fail(error, rc, "%s", why.text);
    }
    free(claims);
    if (ret_count)
        *ret_count = copied;
    host_log(
        engine,
        first ? MR_LOG_WARN : MR_LOG_INFO,
        "snapshot",
        "tasks=%d of=%zu ms=%" PRId64 " folder=%s",
        copied,
        count,
        mr_monotonic_ms() - began_ms,
        engine->options.snapshot_dir);
    return first;
}

/* -- when: at the interval, and on request -- */

struct snapshot_thread {
    pthread_t thread;
    atomic_bool stopping;
};

/* ms UTC; 0: never. */
static int64_t snapshot_requested_ms(const char *folder)
{
    struct stat known;
    char *path = mr_asprintf("%s/%s", folder, REQUEST_FILE);
    int64_t ms = stat(path, &known) == 0
                     ? (int64_t)known.st_mtim.tv_sec * 1000 + known.st_mtim.tv_nsec / 1000000
                     : 0;
    free(path);
    return ms;
}

static void snapshot_pause(const struct snapshot_thread *own)
{
    const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
    for (int ms = 0; ms < LOOK_MS && !atomic_load(&own->stopping); ms += NAP_MS)
        nanosleep(&nap, NULL);
}

/* A failure waits for the next interval or request; the log has it. */
static void *snapshot_main(void *argument)
{
    struct topo_engine *engine = argument;
    const struct snapshot_thread *own = engine->snapshots;
    const struct topo_engine_options *options = &engine->options;
    int64_t taken_ms = mr_monotonic_ms();
    int64_t answered_ms = snapshot_requested_ms(options->snapshot_dir);
    for (snapshot_pause(own); !atomic_load(&own->stopping); snapshot_pause(own)) {
        int64_t requested_ms = snapshot_requested_ms(options->snapshot_dir);
        bool due = options->snapshot_interval_ms > 0 &&
                   mr_monotonic_ms() - taken_ms >= options->snapshot_interval_ms;
        if (!due && requested_ms == answered_ms)
            continue;
        struct mr_error error = {0};
        taken_ms = mr_monotonic_ms();
        answered_ms = requested_ms;
        if (topo_engine_snapshot(engine, NULL, &error))
            host_log(engine, MR_LOG_ERROR, "snapshot-failed", "error=\"%s\"", error.text);
    }
    return NULL;
}

int snapshot_start(struct topo_engine *engine, struct mr_error *error)
{
    assert(!engine->snapshots);
    if (!engine->options.snapshot_dir || !engine->state_dir)
        return 0;
    struct snapshot_thread *own = mr_calloc(1, sizeof *own);
    engine->snapshots = own;
    if (pthread_create(&own->thread, NULL, snapshot_main, engine) == 0)
        return 0;
    engine->snapshots = NULL;
    free(own);
    return mr_fail(error, MR_FATAL, "cannot start a thread");
}

void snapshot_stop(struct topo_engine *engine)
{
    struct snapshot_thread *own = engine->snapshots;
    if (!own)
        return;
    atomic_store(&own->stopping, true);
    pthread_join(own->thread, NULL);
    engine->snapshots = NULL;
    free(own);
}

int topo_snapshot_request(const char *folder, struct mr_error *error)
{
    assert(folder);
    int rc = store_dir_make(folder, error);
    if (rc)
        return rc;
    char *path = mr_asprintf("%s/%s", folder, REQUEST_FILE);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 || futimens(file, NULL) != 0)
        rc = mr_fail(error, MR_IO, "cannot write %s: %s", path, strerror(errno));
    if (file >= 0)
        (void)close(file);
    free(path);
    return rc;
}

/* -- a start from one -- */

/* Only into an empty directory. A failure is logged, not returned: the task folds its logs then. */
bool snapshot_place(const struct task *task)
{
    const struct topo_engine *engine = task->engine;
    if (!task->dir || !engine->options.snapshot_dir || store_dir_has_database(task->dir))
        return false;
    struct mr_error error = {0};
    int64_t began_ms = mr_monotonic_ms();
    char *dir = snapshot_path(engine, task->sub, task->partition);
    char *newest = snapshot_dir_newest(dir);
    int rc = newest ? store_dir_make(engine->state_dir, &error) : 0;
    if (newest && !rc)
        rc = snapshot_dir_copy(newest, task->dir, &error);
    if (newest)
        host_log(
            engine,
            rc ? MR_LOG_WARN : MR_LOG_INFO,
            "snapshot-placed",
            "task=%s-%" PRId32 " snapshot=%s bytes=%" PRId64 " ms=%" PRId64 " error=\"%s\"",
            task->sub->name,
            task->partition,
            newest,
            rc ? 0 : snapshot_dir_bytes(task->dir),
            mr_monotonic_ms() - began_ms,
            error.text);
    bool placed = newest && !rc;
    free(newest);
    free(dir);
    return placed;
}

int snapshot_withdraw(const struct task *task, const char *why, struct mr_error *error)
{
    host_log(
        task->engine,
        MR_LOG_WARN,
        "snapshot-refused",
        "task=%s-%" PRId32 " error=\"%s\" action=\"restored from the start of its log\"",
        task->sub->name,
        task->partition,
        why);
    return snapshot_dir_remove(task->dir, error);
}

/* -- for operators -- */

struct snapshot_walk {
    topo_snapshot_fn *visit;
    void *user;
    bool done;
};

static int snapshot_walk_times(
    struct snapshot_walk *walk,
    const char *dir,
    struct topo_snapshot *snapshot,
    struct mr_error *error)
{
    struct snapshot_names times = {0};
    int rc = snapshot_dir_list(dir, &times, error);
    for (size_t i = 0; i < times.count && !rc && !walk->done; i++) {
        if (!snapshot_dir_is_time(times.items[i]))
            continue;
        char *path = mr_asprintf("%s/%s", dir, times.items[i]);
        snapshot->time = times.items[i];
        snapshot->path = path;
        snapshot->bytes = snapshot_dir_bytes(path);
        walk->done = !walk->visit(walk->user, snapshot);
        free(path);
    }
    snapshot_dir_free_names(&times);
    return rc;
}

static int snapshot_walk_tasks(
    struct snapshot_walk *walk, const char *dir, const char *application, struct mr_error *error)
{
    struct snapshot_names tasks = {0};
    int rc = snapshot_dir_list(dir, &tasks, error);
    for (size_t i = 0; i < tasks.count && !rc && !walk->done; i++) {
        struct topo_snapshot snapshot = {.application = application, .task = tasks.items[i]};
        char *path = mr_asprintf("%s/%s", dir, tasks.items[i]);
        rc = snapshot_walk_times(walk, path, &snapshot, error);
        free(path);
    }
    snapshot_dir_free_names(&tasks);
    return rc;
}

int topo_snapshot_list(
    const char *folder, topo_snapshot_fn *visit, void *user, struct mr_error *error)
{
    assert(folder && visit);
    struct snapshot_walk walk = {visit, user, false};
    struct snapshot_names applications = {0};
    int rc = snapshot_dir_list(folder, &applications, error);
    for (size_t i = 0; i < applications.count && !rc && !walk.done; i++) {
        char *path = mr_asprintf("%s/%s", folder, applications.items[i]);
        rc = snapshot_walk_tasks(&walk, path, applications.items[i], error);
        free(path);
    }
    snapshot_dir_free_names(&applications);
    return rc;
}

int topo_snapshot_restore(
    const struct topo_snapshot *snapshot, const char *state_dir, struct mr_error *error)
{
    assert(snapshot && state_dir);
    char *parent = mr_asprintf("%s/%s", state_dir, snapshot->application);
    char *dir = mr_asprintf("%s/%s", parent, snapshot->task);
    int rc = store_dir_make(parent, error);
    if (!rc && store_dir_has_database(dir))
        rc = mr_fail(error, MR_CONFLICT, "%s has a state already; remove it first", dir);
    if (!rc)
        rc = snapshot_dir_copy(snapshot->path, dir, error);
    free(dir);
    free(parent);
    return rc;
}
