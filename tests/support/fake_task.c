/* fake_task.c - what the runtime gives to a node, over one sorted list of entries. */
#include "fake_task.h"

#include <base/alloc.h>
#include <tests/cmocka.h>

#include <stdlib.h>

enum { STORES_MAX = 24, FIRST_MS = 1700000000 };

struct topo_reader {
    struct topo_store *store;
};

struct topo_store {
    const char *name; /* As the rule names it: a literal. */
    bool is_global;
    struct topo_reader reader;
};

/* Sorted by store, then by key. */
struct fake_entry {
    const struct topo_store *store;
    struct mr_bytes key, value;
};

struct topo_context {
    struct mr_arena arena;
    int64_t now_ms;
    struct fake_task *task;
    struct topo_store stores[STORES_MAX];
    size_t stores_count;
    struct fake_entry *entries;
    size_t entries_count, entries_capacity;
};

static struct topo_context context;

static struct topo_store *context_find_store(const char *name, bool is_global)
{
    for (size_t i = 0; i < context.stores_count; i++)
        if (strcmp(context.stores[i].name, name) == 0 && context.stores[i].is_global == is_global)
            return &context.stores[i];
    assert_true(context.stores_count < STORES_MAX);
    struct topo_store *store = &context.stores[context.stores_count++];
    *store = (struct topo_store){name, is_global, {store}};
    return store;
}

/* The first entry of the store at or after `key`. */
static size_t context_find_entry(const struct topo_store *store, struct mr_bytes key)
{
    size_t low = 0, high = context.entries_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fake_entry *entry = &context.entries[middle];
        bool before = entry->store < store ||
                      (entry->store == store && mr_bytes_compare(entry->key, key) < 0);
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool context_has_entry(const struct topo_store *store, struct mr_bytes key, size_t at)
{
    return at < context.entries_count && context.entries[at].store == store &&
           mr_bytes_equal(context.entries[at].key, key);
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
    const char *const *stores = c->task->aggregate.stores;
    while (*stores && strcmp(*stores, name) != 0)
        stores++;
    if (!*stores)
        fail_msg("%s declares no store %s", c->task->aggregate.name, name);
    return context_find_store(name, false);
}

struct topo_reader *topo_context_global(struct topo_context *c, const char *name)
{
    (void)c;
    return &context_find_store(name, true)->reader;
}

struct mr_bytes topo_store_get(struct topo_store *store, struct mr_bytes key)
{
    size_t at = context_find_entry(store, key);
    return context_has_entry(store, key, at) ? context.entries[at].value : (struct mr_bytes){0};
}

void topo_store_put(struct topo_store *store, struct mr_bytes key, struct mr_bytes value)
{
    size_t at = context_find_entry(store, key);
    struct mr_bytes copy = mr_arena_copy(&context.arena, value);
    if (context_has_entry(store, key, at)) {
        context.entries[at].value = copy;
        return;
    }
    context.entries = mr_grow(
        context.entries, context.entries_count, &context.entries_capacity, sizeof *context.entries);
    memmove(
        &context.entries[at + 1],
        &context.entries[at],
        (context.entries_count++ - at) * sizeof *context.entries);
    context.entries[at] = (struct fake_entry){store, mr_arena_copy(&context.arena, key), copy};
}

void topo_store_delete(struct topo_store *store, struct mr_bytes key)
{
    size_t at = context_find_entry(store, key);
    if (!context_has_entry(store, key, at))
        return;
    memmove(
        &context.entries[at],
        &context.entries[at + 1],
        (--context.entries_count - at) * sizeof *context.entries);
}

int topo_read_get(
    struct topo_reader *reader,
    struct mr_bytes key,
    struct mr_arena *arena,
    struct mr_bytes *ret_value,
    struct mr_error *error)
{
    (void)error;
    struct mr_bytes value = topo_store_get(reader->store, key);
    *ret_value = value.ptr ? mr_arena_copy(arena, value) : value;
    return 0;
}

struct topo_scan {
    const struct topo_store *store;
    struct mr_bytes end, prefix; /* One of them, or neither. */
    size_t at;
};

static struct topo_scan *scan_open(
    struct topo_store *store, struct mr_bytes first, struct mr_bytes end, struct mr_bytes prefix)
{
    struct topo_scan *scan = mr_calloc(1, sizeof *scan);
    *scan = (struct topo_scan){store, end, prefix, context_find_entry(store, first)};
    return scan;
}

struct topo_scan *
topo_store_scan(struct topo_store *store, struct mr_bytes first, struct mr_bytes end)
{
    return scan_open(store, first, end, (struct mr_bytes){0});
}

struct topo_scan *topo_store_scan_prefix(struct topo_store *store, struct mr_bytes prefix)
{
    return scan_open(store, prefix, (struct mr_bytes){0}, prefix);
}

bool topo_scan_next(struct topo_scan *scan, struct mr_bytes *ret_key, struct mr_bytes *ret_value)
{
    if (scan->at >= context.entries_count)
        return false;
    const struct fake_entry *entry = &context.entries[scan->at];
    if (entry->store != scan->store ||
        (scan->end.ptr && mr_bytes_compare(entry->key, scan->end) >= 0) ||
        (scan->prefix.ptr && !mr_bytes_starts_with(entry->key, scan->prefix)))
        return false;
    *ret_key = entry->key;
    *ret_value = entry->value;
    scan->at++;
    return true;
}

void topo_scan_close(struct topo_scan *scan)
{
    free(scan);
}

static void task_fold(const char *child, const struct topo_output *output)
{
    const struct topo_aggregate *aggregate = &context.task->aggregate;
    struct mr_error error = {0};
    for (size_t i = 0; aggregate->event_sinks[i].name; i++) {
        if (strcmp(aggregate->event_sinks[i].name, child) != 0)
            continue;
        struct topo_record event = {
            .topic = child,
            .offset = -1,
            .key = output->key,
            .value = output->value,
            .headers = output->headers,
            .headers_count = output->headers_count};
        if (aggregate->evolve(&context, aggregate->user, &event, &error))
            fail_msg("%s: evolve: %s", aggregate->name, error.text);
    }
}

void topo_forward(struct topo_context *c, const char *child, const struct topo_output *output)
{
    struct fake_task *task = c->task;
    struct fake_output *kept;
    struct mr_error error = {0};
    task->outputs =
        mr_grow(task->outputs, task->outputs_count, &task->outputs_capacity, sizeof *task->outputs);
    kept = &task->outputs[task->outputs_count++];
    *kept = (struct fake_output){
        .child = child,
        .key = mr_arena_copy(&c->arena, output->key),
        .headers = output->headers,
        .headers_count = output->headers_count};
    if (output->value.ptr && codec_decode(
                                 task->service.registry,
                                 mr_arena_copy(&c->arena, output->value),
                                 &c->arena,
                                 &kept->message,
                                 &error))
        fail_msg("to %s: %s", child, error.text);
    task_fold(child, output);
}

/* -- the test's side -- */

void fake_task_open(struct fake_task *task, fake_aggregate_fn *aggregate)
{
    *task = (struct fake_task){.context = &context};
    task->service = (struct shop_service){
        .registry = codec_registry_new_local(), .limits = shop_limits_default()};
    task->aggregate = aggregate(&task->service);
    context = (struct topo_context){.now_ms = FIRST_MS, .task = task};
    mr_arena_init(&context.arena);
}

void fake_task_close(struct fake_task *task)
{
    codec_registry_free((struct codec_registry *)(uintptr_t)task->service.registry);
    free(task->outputs);
    free(context.entries);
    mr_arena_clean_up(&context.arena);
    context = (struct topo_context){0};
}

struct mr_arena *fake_task_arena(const struct fake_task *task)
{
    return &task->context->arena;
}

int64_t fake_task_now_ms(const struct fake_task *task)
{
    return task->context->now_ms;
}

void fake_task_advance_ms(struct fake_task *task, int64_t ms)
{
    task->context->now_ms += ms;
}

struct shop_command_meta fake_task_command(struct fake_task *task, const char *actor_kind)
{
    return (struct shop_command_meta){
        .command_id = mr_arena_printf(&context.arena, "command-%d", ++task->commands),
        .fingerprint = mr_cstr("f"),
        .principal = mr_cstr("usr_a"),
        .actor_kind = mr_cstr(actor_kind),
        .reply_to = mr_cstr(""),
        .correlation_id = mr_cstr("c"),
    };
}

int fake_task_tell(
    struct fake_task *task, enum shop_type type, const void *message, struct mr_error *error)
{
    const struct topo_aggregate *aggregate = &task->aggregate;
    struct mr_buffer framed = {0};
    struct topo_command command;
    struct mr_bytes outcome;
    void *decision = NULL;
    codec_encode(task->service.registry, type, NULL, message, &framed);
    struct topo_record record = {
        .topic = "fake", .value = mr_arena_copy(&context.arena, mr_buffer_view(&framed))};
    mr_buffer_clean_up(&framed);
    task->outputs_count = 0;
    task->decision = NULL;
    int rc = aggregate->decode(aggregate->user, &record, &context.arena, &command, error);
    if (!rc)
        rc = aggregate->decide(&context, aggregate->user, &record, &command, &decision, error);
    if (!rc && command.id.ptr)
        rc = aggregate->outcome(
            &context, aggregate->user, &command, decision, NULL, 0, &outcome, error);
    if (!rc && command.id.ptr) /* Goes out only where the command names somebody who waits. */
        rc = aggregate->reply(&context, aggregate->user, &command, outcome, false, error);
    if (!rc)
        task->decision = decision;
    return rc;
}

void fake_task_punctuate(struct fake_task *task)
{
    struct mr_error error = {0};
    task->outputs_count = 0;
    task->decision = NULL;
    if (task->aggregate.punctuate(&context, task->aggregate.user, context.now_ms, &error))
        fail_msg("%s: punctuate: %s", task->aggregate.name, error.text);
}

void fake_task_set_global(
    struct fake_task *task,
    const char *store,
    enum shop_type type,
    const char *key,
    const void *state)
{
    struct mr_buffer bytes = {0};
    (void)task;
    shop_types[type].encode(state, &bytes);
    topo_store_put(context_find_store(store, true), mr_cstr(key), mr_buffer_view(&bytes));
    mr_buffer_clean_up(&bytes);
}

const void *
fake_task_state(struct fake_task *task, const char *store, enum shop_type type, struct mr_bytes key)
{
    const void *state = NULL;
    struct mr_bytes stored = topo_store_get(topo_context_store(task->context, store), key);
    if (stored.ptr)
        assert_int_equal(
            codec_decode_bare(&shop_types[type], stored, &context.arena, &state, NULL), 0);
    return state;
}

size_t fake_task_entries(const struct fake_task *task, const char *store)
{
    const struct topo_store *found = topo_context_store(task->context, store);
    size_t count = 0;
    for (size_t i = 0; i < context.entries_count; i++)
        count += context.entries[i].store == found;
    return count;
}

size_t fake_task_count(const struct fake_task *task, enum shop_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < task->outputs_count; i++)
        count += task->outputs[i].message.value && task->outputs[i].message.id == (int)type;
    return count;
}

const void *fake_task_last(const struct fake_task *task, enum shop_type type)
{
    for (size_t i = task->outputs_count; i-- > 0;)
        if (task->outputs[i].message.value && task->outputs[i].message.id == (int)type)
            return task->outputs[i].message.value;
    return NULL;
}
