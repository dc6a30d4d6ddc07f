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
    struct mr_bytes first;        /* In `bytes`. */
    struct mr_bytes end;          /* NULL: none. In `bytes`. */
    bool met;                     /* A key, or the end: what lies before it is empty. */
    char bytes[];
};

static struct topo_scan *
scan_new(struct topo_store *store, struct mr_bytes first, struct mr_bytes end)
{
    struct topo_scan *scan = mr_malloc(sizeof *scan + first.len + end.len);
    *scan = (struct topo_scan){.store = store};
    if (first.len)
        memcpy(scan->bytes, first.ptr, first.len);
    scan->first = mr_bytes_of(scan->bytes, first.len);
    if (!end.ptr)
        return scan;
    if (end.len)
        memcpy(scan->bytes + first.len, end.ptr, end.len);
    scan->end = mr_bytes_of(scan->bytes + first.len, end.len);
    return scan;
}

struct topo_scan *
topo_store_scan(struct topo_store *store, struct mr_bytes first, struct mr_bytes end)
{
    assert(store->ordered);
    struct store_set *set = store->set;
    struct topo_scan *scan = scan_new(store, first, end);
    store->owner_scans++;
    if (set->broken)
        return scan;
    struct mr_bytes start = scan->first;
    if (store_has_gaps(store))
        start = store_gaps_skip(&store->gaps, start);
    if (scan->end.ptr && mr_bytes_compare(start, scan->end) >= 0)
        return scan;
    scan->node = store_index_from(&store->index, start, false);
    if (set->disk && store_disk_written(set->disk, store->number))
        scan->disk = store_disk_iter_reuse(set->disk, store->number, start, scan->end);
    return scan;
}

/* `to`: the first key, or the end. Only the first one says something about what lies before. */
static void scan_meet(struct topo_scan *scan, struct mr_bytes to)
{
    if (!scan->met && to.ptr && store_has_gaps(scan->store))
        store_gaps_add(&scan->store->gaps, scan->first, to);
    scan->met = true;
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
        scan_meet(scan, key);
        *ret_key = key;
        *ret_value = value;
        return true;
    }
    struct mr_error why = {0};
    if (scan->disk && store_disk_iter_check(scan->disk, &why) < 0)
        store_set_break(scan->store->set, &why);
    if (!scan->store->set->broken)
        scan_meet(scan, scan->end);
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
