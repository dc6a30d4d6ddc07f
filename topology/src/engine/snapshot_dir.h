/* snapshot_dir.h - the folder of snapshots: names, lists, copies. */
#ifndef TOPOLOGY_SNAPSHOT_DIR_H
#define TOPOLOGY_SNAPSHOT_DIR_H

#include <base/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names in a directory, sorted; those that begin with a dot are left out. A directory that does not
 * exist is empty. */
struct snapshot_names {
    char **items;
    size_t count;
};
int snapshot_dir_list(const char *path, struct snapshot_names *ret_names, struct mr_error *error);
void snapshot_dir_free_names(struct snapshot_names *names);

/* "20261127T153300.123Z": names sort by time. */
enum { SNAPSHOT_TIME_SIZE = 24 };
void snapshot_dir_format_time(int64_t unix_ms, char *out);
bool snapshot_dir_is_time(const char *name);

/* The path of the newest snapshot in `dir`, the caller's to free; NULL: none. */
char *snapshot_dir_newest(const char *dir);

/* A flat directory's files, and itself. One that does not exist is fine. */
int snapshot_dir_remove(const char *path, struct mr_error *error);

int64_t snapshot_dir_bytes(const char *path);

/* Copies the flat directory `from` to `to`, which must not exist or be empty: whole or not at all.
 * Files that RocksDB never changes are linked where the file system allows it. */
int snapshot_dir_copy(const char *from, const char *to, struct mr_error *error);

#endif
