/*
 * cmd_snapshot.c - `millrace snapshot create|list|restore`: copies of the stores of running
 * programs.
 *
 * Programs with --snapshot-dir make the copies themselves; `create` asks for them through that
 * folder and waits until no task that has a snapshot there is without a new one.
 */
#include "command.h"

#include <base/alloc.h>
#include <base/clock.h>
#include <topology/snapshot.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_S_MAX = 86400, LOOK_MS = 200 };

/* -- the newest snapshot of each task -- */

struct newest {
    char *application;
    char *task;
    char *time;
    char *path;
    int64_t bytes;
};

struct newest_list {
    struct newest *items;
    size_t count;
};

static void newest_free_item(struct newest *item)
{
    free(item->application);
    free(item->task);
    free(item->time);
    free(item->path);
}

/* They come in the order of application, task and time. */
static bool newest_keep(void *user, const struct topo_snapshot *snapshot)
{
    struct newest_list *list = user;
    struct newest *last = list->count ? &list->items[list->count - 1] : NULL;
    bool same = last && strcmp(last->application, snapshot->application) == 0 &&
                strcmp(last->task, snapshot->task) == 0;
    if (same) {
        newest_free_item(last);
        list->count--;
    }
    list->items = mr_realloc(list->items, (list->count + 1) * sizeof *list->items);
    list->items[list->count++] = (struct newest){
        mr_strdup(snapshot->application),
        mr_strdup(snapshot->task),
        mr_strdup(snapshot->time),
        mr_strdup(snapshot->path),
        snapshot->bytes,
    };
    return true;
}

static void newest_free(struct newest_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        newest_free_item(&list->items[i]);
    free(list->items);
    *list = (struct newest_list){0};
}

static int
snapshot_need_dir(const struct mr_options *options, const char **ret_folder, struct mr_error *error)
{
    *ret_folder = mr_options_text(options, "snapshot-dir");
    return *ret_folder ? 0
                       : mr_fail(
                             error,
                             MR_CONFIG,
                             "--snapshot-dir: the folder that the programs have as theirs, please");
}

/* -- create -- */

static const char *newest_time(const struct newest_list *list, const struct newest *task)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].application, task->application) == 0 &&
            strcmp(list->items[i].task, task->task) == 0)
            return list->items[i].time;
    return "";
}

/* How many tasks of `now` have a newer snapshot than in `before`. */
static size_t newest_count_new(const struct newest_list *now, const struct newest_list *before)
{
    size_t count = 0;
    for (size_t i = 0; i < now->count; i++)
        count += strcmp(now->items[i].time, newest_time(before, &now->items[i])) > 0;
    return count;
}

/* One look. Ends when all that had one have a new one; the first time, when there is one at all. */
static int create_look(
    const char *folder, const struct newest_list *before, bool *ret_done, struct mr_error *error)
{
    struct newest_list now = {0};
    int rc = topo_snapshot_list(folder, newest_keep, &now, error);
    size_t fresh = newest_count_new(&now, before);
    *ret_done = !rc && now.count > 0 && fresh == now.count;
    if (*ret_done)
        printf("%zu tasks have a new snapshot in %s\n", fresh, folder);
    if (!rc && !*ret_done)
        mr_fail(error, MR_TIMEOUT, "%zu of %zu tasks have a new snapshot", fresh, now.count);
    newest_free(&now);
    return rc;
}

static int snapshot_run_create(const struct mr_options *options, struct mr_error *error)
{
    const char *folder = NULL;
    struct newest_list before = {0};
    int64_t wait_s = 0;
    bool done = false;
    int rc = snapshot_need_dir(options, &folder, error);
    rc = rc ? rc : mr_options_integer(options, "wait-s", 1, WAIT_S_MAX, &wait_s, error);
    rc = rc ? rc : topo_snapshot_list(folder, newest_keep, &before, error);
    rc = rc ? rc : topo_snapshot_request(folder, error);
    int64_t deadline_ms = mr_monotonic_ms() + wait_s * 1000;
    const struct timespec nap = {.tv_nsec = LOOK_MS * 1000000L};
    while (!rc && !done && mr_monotonic_ms() < deadline_ms) {
        nanosleep(&nap, NULL);
        rc = create_look(folder, &before, &done, error);
    }
    newest_free(&before);
    return rc || done ? rc : MR_TIMEOUT;
}

/* -- list -- */

static bool list_print(void *user, const struct topo_snapshot *snapshot)
{
    int *count = user;
    if (++*count == 1)
        printf("%-20s %-24s %-20s %14s\n", "APPLICATION", "TASK", "TIME (UTC)", "BYTES");
    printf(
        "%-20s %-24s %-20s %14" PRId64 "\n",
        snapshot->application,
        snapshot->task,
        snapshot->time,
        snapshot->bytes);
    return true;
}

static int snapshot_run_list(const struct mr_options *options, struct mr_error *error)
{
    const char *folder = NULL;
    int count = 0;
    int rc = snapshot_need_dir(options, &folder, error);
    rc = rc ? rc : topo_snapshot_list(folder, list_print, &count, error);
    if (rc == 0 && count == 0)
        printf("no snapshots in %s\n", folder);
    return rc;
}

/* -- restore -- */

/* Ends at the first failure: a program that starts then folds the tasks that got no copy. */
static int snapshot_run_restore(const struct mr_options *options, struct mr_error *error)
{
    const char *folder = NULL;
    const char *only = mr_options_text(options, "application");
    const char *state_dir = mr_options_text(options, "state-dir");
    struct newest_list list = {0};
    int copied = 0;
    int rc = snapshot_need_dir(options, &folder, error);
    if (!rc && !state_dir)
        rc = mr_fail(error, MR_CONFIG, "--state-dir: the program's folder, please");
    rc = rc ? rc : topo_snapshot_list(folder, newest_keep, &list, error);
    for (size_t i = 0; i < list.count && !rc; i++) {
        const struct newest *item = &list.items[i];
        if (only && strcmp(only, item->application) != 0)
            continue;
        const struct topo_snapshot snapshot = {
            item->application, item->task, item->time, item->path, item->bytes};
        rc = topo_snapshot_restore(&snapshot, state_dir, error);
        if (rc)
            continue;
        copied++;
        printf("%s/%s from %s\n", item->application, item->task, item->time);
    }
    newest_free(&list);
    if (!rc && copied == 0)
        rc = mr_fail(
            error,
            MR_NOT_FOUND,
            "no snapshot of %s in %s",
            only ? only : "any application",
            folder);
    return rc;
}

#define SNAPSHOT_DIR_OPTION                                                                        \
    {                                                                                              \
        "snapshot-dir", "MILLRACE_SNAPSHOT_DIR", "DIR", NULL,                                      \
            "the folder that the programs have as their --snapshot-dir"                            \
    }

static const struct mr_option create_options[] = {
    SNAPSHOT_DIR_OPTION,
    {"wait-s", NULL, "S", "60", "give up after so many seconds"},
};
static const struct mr_option list_options[] = {SNAPSHOT_DIR_OPTION};
static const struct mr_option restore_options[] = {
    SNAPSHOT_DIR_OPTION,
    {"state-dir", NULL, "DIR", NULL, "the --state-dir of a program that does not run"},
    {"application", NULL, "NAME", NULL, "of this application only; default: of all"},
};

const struct tool_command tool_snapshot_create = {
    .words = "snapshot create",
    .operands = "",
    .purpose = "have the running programs copy their stores, without stopping them",
    .notes =
        "Asks through the folder, so it must be one that the programs share. Waits until every\n"
        "task that is in the folder has a new snapshot.\n",
    .options = create_options,
    .options_count = sizeof create_options / sizeof create_options[0],
    .run = snapshot_run_create,
};

const struct tool_command tool_snapshot_list = {
    .words = "snapshot list",
    .operands = "",
    .purpose = "print the snapshots in a folder",
    .options = list_options,
    .options_count = 1,
    .run = snapshot_run_list,
};

const struct tool_command tool_snapshot_restore = {
    .words = "snapshot restore",
    .operands = "",
    .purpose = "copy the newest snapshot of each task into the state folder of a stopped program",
    .notes = "A program with --snapshot-dir does this by itself for stores that are empty.\n"
             "A state that is there is never replaced: remove it first.\n",
    .options = restore_options,
    .options_count = sizeof restore_options / sizeof restore_options[0],
    .run = snapshot_run_restore,
};
