/* store_dir.h - the directory of a store set, looked at before RocksDB gets it. */
#ifndef TOPOLOGY_STORE_DIR_H
#define TOPOLOGY_STORE_DIR_H

#include <base/error.h>

#include <stdbool.h>

/* With its parents; one that exists is fine. MR_IO names the path. */
int store_dir_make(const char *dir, struct mr_error *error);

/* Makes it and tries whether it can be written. MR_IO names the path. */
int store_dir_prepare(const char *dir, struct mr_error *error);

bool store_dir_has_database(const char *dir);

#endif
