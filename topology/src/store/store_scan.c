/* store_scan.c - the owner's ordered scans: what is in memory merged with what is on disk. */
#include "store_impl.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

struct topo_scan {
    struct topo_store *store;
    struct store_node *node;      /* The next candidate in memory. */
    struct store_disk_iter *disk; /* NULL: nothing there. */
    bool disk_shown;              /* The caller has views into the iterator: move it first. */
    struct mr_bytes end;          /* NULL: none. In `bytes`. */
    char bytes[];
};

struct topo_scan *
topo_store_scan(struct topo_store *store, struct mr_bytes first, struct mr_bytes end)
{
    assert(store->ordered);
    struct store_set *set = store->set;
    struct topo_scan *scan = mr_malloc(sizeof *scan + end.len);
    *scan = (struct topo_scan){.store = store};
    if (end.ptr) {
        if (end.len)
            memcpy(scan->bytes, end.ptr, end.len);
        scan->end = mr_bytes_of(scan->bytes, end.len);
    }
    store->owner_scans++;
    if (set->broken)
        return scan;
    scan->node = store_index_from(&store->index, first, false);
    if (set->disk && store_disk_written(set->disk, store->number))
        scan->disk = store_disk_iter_reuse(set->disk, store->number, first, end);
    return scan;
}

/* Empty: every key from there on. */
static struct mr_bytes prefix_end(struct mr_bytes prefix, char *buffer)
{
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.ptr[len - 1] == 0xff)
        len--;
    if (len == 0)
        return (struct mr_bytes){0};
    memcpy(buffer, prefix.ptr, len);
    buffer[len - 1] = (char)((unsigned char)buffer[len - 1] + 1);
    return mr_bytes_of(buffer, len);
}

struct topo_scan *topo_store_scan_prefix(struct topo_store *store, struct mr_bytes prefix)
{
    char *buffer = mr_malloc(prefix.len);
    struct topo_scan *scan = topo_store_scan(store, prefix, prefix_end(prefix, buffer));
    free(buffer);
    return scan;
}

static bool node_is_inside(const struct topo_scan *scan)
{
    return scan->node &&
           (!scan->end.ptr || mr_bytes_compare(store_entry_key(scan->node->entry), scan->end) < 0);
}

/* The value may come out as a NULL view: deleted, or too old. */
static void take_node(struct topo_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_value)
{
    const struct store_entry *entry = scan->node->entry;
    *ret_key = store_entry_key(entry);
    *ret_value = store_visible_value(
        scan->store, entry->flags & STORE_STAGED ? entry->staged : entry->committed);
    scan->node = scan->node->next[0];
}

static void
scan_take_disk(struct topo_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_value)
{
    *ret_key = store_disk_iter_key(scan->disk);
    *ret_value = store_visible(scan->store, store_disk_iter_raw(scan->disk));
    scan->disk_shown = true;
}

/* One step of the merge; of equal keys the one in memory counts. False: the end. */
static bool scan_step(struct topo_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_value)
{
    if (scan->disk_shown)
        store_disk_iter_move(scan->disk);
    scan->disk_shown = false;
    bool disk = scan->disk && store_disk_iter_valid(scan->disk);
    bool node = node_is_inside(scan);
    if (!disk && !node)
        return false;
    int order = node ? -1 : 1;
    if (disk && node)
        order =
            mr_bytes_compare(store_entry_key(scan->node->entry), store_disk_iter_key(scan->disk));
    if (order > 0) {
        scan_take_disk(scan, ret_key, ret_value);
        return true;
    }
    if (order == 0)
        store_disk_iter_move(scan->disk);
    take_node(scan, ret_key, ret_value);
    return true;
}

bool topo_scan_next(struct topo_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_value)
{
    struct mr_bytes key = {0};
    struct mr_bytes value = {0};
    while (scan_step(scan, &key, &value)) {
        if (!value.ptr)
            continue;
        *ret_key = key;
        *ret_value = value;
        return true;
    }
    struct mr_error why = {0};
    if (scan->disk && store_disk_iter_check(scan->disk, &why) < 0)
        store_set_break(scan->store->set, &why);
    return false;
}

void topo_scan_close(struct topo_scan *scan)
{
    if (!scan)
        return;
    assert(scan->store->owner_scans > 0);
    scan->store->owner_scans--;
    store_disk_iter_free(scan->disk);
    free(scan);
}
