/*
 * saga_world.c - the runtime's functions over interned cells: what the aggregates see of a world.
 */
#include "saga_world.h"

#include <base/alloc.h>
#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* -- interning -- */

static struct {
    struct mr_bytes *items;
    size_t count, capacity;
    uint32_t *table; /* Item + 1; 0: free. */
    size_t table_size;
    struct mr_arena arena;
} interned;

static void rehash_values(size_t size)
{
    free(interned.table);
    interned.table = mr_calloc(size, sizeof *interned.table);
    interned.table_size = size;
    for (size_t i = 0; i < interned.count; i++) {
        size_t at = mr_bytes_hash(interned.items[i]) & (size - 1);
        while (interned.table[at])
            at = (at + 1) & (size - 1);
        interned.table[at] = (uint32_t)i + 1;
    }
}

uint32_t world_intern(struct mr_bytes bytes)
{
    if (interned.count * 2 >= interned.table_size)
        rehash_values(interned.table_size ? interned.table_size * 2 : 1024);
    size_t mask = interned.table_size - 1, at = mr_bytes_hash(bytes) & mask;
    for (; interned.table[at]; at = (at + 1) & mask)
        if (mr_bytes_equal(interned.items[interned.table[at] - 1], bytes))
            return interned.table[at] - 1;
    interned.items =
        mr_grow(interned.items, interned.count, &interned.capacity, sizeof *interned.items);
    interned.items[interned.count] = mr_arena_copy(&interned.arena, bytes);
    interned.table[at] = (uint32_t)interned.count + 1;
    return (uint32_t)interned.count++;
}

struct mr_bytes world_bytes(uint32_t number)
{
    return interned.items[number];
}

/* -- tasks and stores -- */

struct topo_reader {
    struct topo_store *store;
};

struct topo_store {
    char prefix[40]; /* "<task>/<store>/": a slot's bytes begin with it. */
    size_t prefix_len;
};

struct topo_context {
    struct mr_arena arena;
    int64_t now_ms;
    int task;
    struct world *world;
    world_output_fn *output;
    void *user;
};

enum { STORES_MAX = 40 };

static struct topo_aggregate tasks[WORLD_TASKS_MAX];
static int tasks_count;
static struct topo_store stores[STORES_MAX];
static int stores_count;
static struct {
    char name[16];
    struct topo_reader reader;
} global;
static struct topo_context context;

static struct topo_store *store_of(int task, const char *name)
{
    char prefix[sizeof stores[0].prefix];
    int len = snprintf(prefix, sizeof prefix, "%d/%s/", task, name);
    for (int i = 0; i < stores_count; i++)
        if (strcmp(stores[i].prefix, prefix) == 0)
            return &stores[i];
    assert_true(stores_count < STORES_MAX && len < (int)sizeof prefix);
    struct topo_store *store = &stores[stores_count++];
    memcpy(store->prefix, prefix, sizeof prefix);
    store->prefix_len = (size_t)len;
    return store;
}

int world_add_task(const struct topo_aggregate *aggregate)
{
    assert_true(tasks_count < WORLD_TASKS_MAX);
    tasks[tasks_count] = *aggregate;
    return tasks_count++;
}

void world_set_global(const char *name, int task, const char *store)
{
    snprintf(global.name, sizeof global.name, "%s", name);
    global.reader.store = store_of(task, store);
}

void world_clean_up(void)
{
    free(interned.items);
    free(interned.table);
    mr_arena_clean_up(&interned.arena);
    mr_arena_clean_up(&context.arena);
    memset(&interned, 0, sizeof interned);
    memset(&context, 0, sizeof context);
    tasks_count = 0;
    stores_count = 0;
}

/* -- cells -- */

static uint32_t slot_of(const struct topo_store *store, struct mr_bytes key)
{
    char slot[256];
    assert_true(store->prefix_len + key.len < sizeof slot);
    memcpy(slot, store->prefix, store->prefix_len);
    memcpy(slot + store->prefix_len, key.ptr, key.len);
    return world_intern(mr_bytes_of(slot, store->prefix_len + key.len));
}

static struct world_cell *find_cell(const struct world *world, uint32_t slot)
{
    for (uint32_t i = 0; i < world->count; i++)
        if (world->cells[i].slot == slot)
            return (struct world_cell *)(uintptr_t)&world->cells[i];
    return NULL;
}

static void erase_cell(struct world *world, uint32_t slot)
{
    struct world_cell *cell = find_cell(world, slot);
    if (cell)
        *cell = world->cells[--world->count];
}

static struct mr_bytes
get_value(const struct world *world, const struct topo_store *store, struct mr_bytes key)
{
    const struct world_cell *cell = find_cell(world, slot_of(store, key));
    return cell ? world_bytes(cell->value) : (struct mr_bytes){0};
}

struct mr_bytes
world_get(const struct world *world, int task, const char *store, struct mr_bytes key)
{
    return get_value(world, store_of(task, store), key);
}

void world_erase(struct world *world, int task, const char *store, struct mr_bytes key)
{
    erase_cell(world, slot_of(store_of(task, store), key));
}

static void
put_value(struct world *world, struct topo_store *store, struct mr_bytes key, struct mr_bytes value)
{
    uint32_t slot = slot_of(store, key), number = world_intern(value);
    struct world_cell *cell = find_cell(world, slot);
    if (!cell) {
        assert_true(world->count < WORLD_CELLS_MAX);
        cell = &world->cells[world->count++];
    }
    *cell = (struct world_cell){slot, number};
}

void world_put(
    struct world *world, int task, const char *store, struct mr_bytes key, struct mr_bytes value)
{
    put_value(world, store_of(task, store), key, value);
}

/* The key of a cell if it is the store's; else a NULL view. */
static struct mr_bytes key_in(const struct topo_store *store, const struct world_cell *cell)
{
    struct mr_bytes slot = world_bytes(cell->slot);
    if (!mr_bytes_starts_with(slot, mr_bytes_of(store->prefix, store->prefix_len)))
        return (struct mr_bytes){0};
    return mr_bytes_of(slot.ptr + store->prefix_len, slot.len - store->prefix_len);
}

/* The least key > `after` (or any, when NULL); its cell, or NULL. */
static const struct world_cell *
next_cell(const struct world *world, const struct topo_store *store, struct mr_bytes after)
{
    const struct world_cell *best = NULL;
    for (uint32_t i = 0; i < world->count; i++) {
        struct mr_bytes key = key_in(store, &world->cells[i]);
        if (!key.ptr || (after.ptr && mr_bytes_compare(key, after) <= 0))
            continue;
        if (!best || mr_bytes_compare(key, key_in(store, best)) < 0)
            best = &world->cells[i];
    }
    return best;
}

struct mr_bytes world_first(const struct world *world, int task, const char *name)
{
    const struct topo_store *store = store_of(task, name);
    const struct world_cell *cell = next_cell(world, store, (struct mr_bytes){0});
    return cell ? key_in(store, cell) : (struct mr_bytes){0};
}

/* -- what the runtime gives to a node -- */

struct mr_arena *topo_context_arena(struct topo_context *c)
{
    return &c->arena;
}

int64_t topo_context_now_ms(const struct topo_context *c)
{
    return c->now_ms;
}

struct topo_store *topo_context_store(struct topo_context *c, const char *name)
{
    return store_of(c->task, name);
}

struct topo_reader *topo_context_global(struct topo_context *c, const char *name)
{
    (void)c;
    assert_string_equal(name, global.name);
    return &global.reader;
}

struct mr_bytes topo_store_get(struct topo_store *store, struct mr_bytes key)
{
    return get_value(context.world, store, key);
}

void topo_store_put(struct topo_store *store, struct mr_bytes key, struct mr_bytes value)
{
    put_value(context.world, store, key, value);
}

void topo_store_delete(struct topo_store *store, struct mr_bytes key)
{
    erase_cell(context.world, slot_of(store, key));
}

int topo_read_get(
    struct topo_reader *reader,
    struct mr_bytes key,
    struct mr_arena *arena,
    struct mr_bytes *ret_value,
    struct mr_error *error)
{
    (void)error;
    struct mr_bytes value = get_value(context.world, reader->store, key);
    *ret_value = value.ptr ? mr_arena_copy(arena, value) : value;
    return 0;
}

struct topo_scan {
    struct topo_store *store;
    struct mr_bytes first, end, at;
    bool prefix;
};

static struct topo_scan *
scan_open(struct topo_store *store, struct mr_bytes first, struct mr_bytes end, bool prefix)
{
    struct topo_scan *scan = mr_calloc(1, sizeof *scan);
    *scan = (struct topo_scan){store, first, end, {0}, prefix};
    return scan;
}

struct topo_scan *
topo_store_scan(struct topo_store *store, struct mr_bytes first, struct mr_bytes end)
{
    return scan_open(store, first, end, false);
}

struct topo_scan *topo_store_scan_prefix(struct topo_store *store, struct mr_bytes prefix)
{
    return scan_open(store, prefix, (struct mr_bytes){0}, true);
}

bool topo_scan_next(struct topo_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_value)
{
    const struct world_cell *cell;
    while ((cell = next_cell(context.world, scan->store, scan->at)) != NULL) {
        scan->at = key_in(scan->store, cell);
        if (mr_bytes_compare(scan->at, scan->first) < 0)
            continue;
        if (scan->prefix ? !mr_bytes_starts_with(scan->at, scan->first)
                         : scan->end.ptr && mr_bytes_compare(scan->at, scan->end) >= 0)
            return false;
        *ret_key = scan->at;
        *ret_value = world_bytes(cell->value);
        return true;
    }
    return false;
}

void topo_scan_close(struct topo_scan *scan)
{
    free(scan);
}

void topo_forward(struct topo_context *c, const char *child, const struct topo_output *output)
{
    const struct topo_aggregate *aggregate = &tasks[c->task];
    struct mr_error error = {0};
    for (size_t i = 0; aggregate->event_sinks[i].name; i++) {
        if (strcmp(aggregate->event_sinks[i].name, child) != 0)
            continue;
        struct topo_record event = {
            .topic = child, .offset = -1, .key = output->key, .value = output->value};
        if (aggregate->evolve(c, aggregate->user, &event, &error))
            fail_msg("%s: evolve: %s", aggregate->name, error.text);
    }
    c->output(c->user, c->task, child, output->key, output->value);
}

/* -- running -- */

static void
begin_task(struct world *world, int task, int64_t now_ms, world_output_fn *output, void *user)
{
    mr_arena_reset(&context.arena);
    context.world = world;
    context.task = task;
    context.now_ms = now_ms;
    context.output = output;
    context.user = user;
}

void world_deliver(
    struct world *world,
    int task,
    struct mr_bytes value,
    int64_t now_ms,
    world_output_fn *output,
    void *user)
{
    const struct topo_aggregate *aggregate = &tasks[task];
    struct topo_record record = {.topic = "model", .value = value};
    struct topo_command command;
    struct mr_error error = {0};
    void *decision = NULL;
    struct mr_bytes outcome;
    begin_task(world, task, now_ms, output, user);
    int rc = aggregate->decode(aggregate->user, &record, &context.arena, &command, &error);
    if (!rc)
        rc = aggregate->decide(&context, aggregate->user, &record, &command, &decision, &error);
    if (!rc && command.id.ptr)
        rc = aggregate->outcome(
            &context, aggregate->user, &command, decision, NULL, 0, &outcome, &error);
    if (rc)
        fail_msg("%s: %s", aggregate->name, error.text);
}

void world_punctuate(
    struct world *world, int task, int64_t now_ms, world_output_fn *output, void *user)
{
    const struct topo_aggregate *aggregate = &tasks[task];
    struct mr_error error = {0};
    begin_task(world, task, now_ms, output, user);
    if (aggregate->punctuate(&context, aggregate->user, now_ms, &error))
        fail_msg("%s: punctuate: %s", aggregate->name, error.text);
}
