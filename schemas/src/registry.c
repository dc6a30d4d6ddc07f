/*
 * registry.c - the fold of `_schemas`, and decoding by ids that are not compiled in.
 *
 * A text stays under its id for good, because old records still carry the id; deleting a
 * subject or a version only takes it out of what counts for binding and compatibility.
 */
#include <schemas/registry.h>

#include "avsc.h"
#include "foreign.h"
#include "registry_state.h"

#include <schemas/codec.h>

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

struct codec_registry *codec_registry_new(void)
{
    struct codec_registry *registry = mr_calloc(1, sizeof *registry);
    registry->state = mr_calloc(1, sizeof *registry->state);
    pthread_mutex_init(&registry->state->lock, NULL);
    pthread_mutex_init(&registry->state->reloading, NULL);
    mr_arena_init(&registry->state->arena);
    return registry;
}

void codec_registry_free(struct codec_registry *registry)
{
    if (!registry)
        return;
    struct registry_state *state = registry->state;
    struct registry_table *table = atomic_load_explicit(&registry->table, memory_order_relaxed);
    while (table) {
        struct registry_table *replaced = table->replaced;
        free(table);
        table = replaced;
    }
    for (size_t i = 0; i < state->schemas_count; i++) {
        foreign_schema_free(state->schemas[i]->foreign);
        free(state->schemas[i]);
    }
    free(state->schemas);
    free(state->versions);
    mr_arena_clean_up(&state->arena);
    if (state->reload_done)
        state->reload_done(state->reload_user);
    pthread_mutex_destroy(&state->lock);
    pthread_mutex_destroy(&state->reloading);
    free(state);
    free(registry);
}

/* The index of the id, or the index at which to insert it. */
static size_t schema_index(const struct registry_state *state, int32_t schema_id)
{
    size_t low = 0;
    size_t high = state->schemas_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->schemas[middle]->id < schema_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* NULL: none has this id. */
static struct registry_schema *find_schema(const struct registry_state *state, int32_t schema_id)
{
    size_t at = schema_index(state, schema_id);
    if (at == state->schemas_count || state->schemas[at]->id != schema_id)
        return NULL;
    return state->schemas[at];
}

int32_t registry_find_id(
    const struct registry_state *state, struct mr_bytes subject, const struct codec_type *type)
{
    for (size_t i = 0; i < state->versions_count; i++) {
        const struct registry_version *at = &state->versions[i];
        if (!at->deleted && at->schema->type == type && mr_bytes_equal(at->subject, subject))
            return at->schema->id;
    }
    return 0;
}

struct mr_bytes registry_subject(
    struct mr_arena *arena, const struct codec_topic *topic, const struct codec_type *type)
{
    return mr_arena_printf(arena, "%s-%s", topic->name, type->full_name);
}

/* The compiled-in type that has this very schema, or NULL. */
static const struct codec_type *own_type(struct mr_bytes text)
{
    const struct avsc_node *tree = NULL;
    struct mr_arena arena;
    mr_arena_init(&arena);
    const struct codec_type *type = NULL;
    if (avsc_parse(text, &arena, &tree, NULL) == 0 && tree->full_name)
        type = codec_type_of(mr_cstr(tree->full_name));
    if (type && !avsc_text_equal(text, type->schema))
        type = NULL;
    mr_arena_clean_up(&arena);
    return type;
}

static const struct registry_schema *
add_schema(struct registry_state *state, int32_t schema_id, struct mr_bytes text)
{
    struct registry_schema *schema = mr_calloc(1, sizeof *schema);
    *schema = (struct registry_schema){
        .id = schema_id, .text = mr_arena_copy(&state->arena, text), .type = own_type(text)};
    state->schemas =
        mr_grow(state->schemas, state->schemas_count, &state->schemas_capacity, sizeof(void *));
    size_t at = schema_index(state, schema_id);
    struct registry_schema **slot = state->schemas + at;
    memmove(slot + 1, slot, (state->schemas_count - at) * sizeof *slot);
    *slot = schema;
    state->schemas_count++;
    return schema;
}

static struct registry_version *
find_version(struct registry_state *state, struct mr_bytes subject, int32_t version)
{
    for (size_t i = 0; i < state->versions_count; i++)
        if (state->versions[i].version == version &&
            mr_bytes_equal(state->versions[i].subject, subject))
            return &state->versions[i];
    return NULL;
}

static struct registry_version *
add_version(struct registry_state *state, struct mr_bytes subject, int32_t version)
{
    state->versions = mr_grow(
        state->versions, state->versions_count, &state->versions_capacity, sizeof *state->versions);
    struct registry_version *added = &state->versions[state->versions_count++];
    *added = (struct registry_version){
        .subject = mr_arena_copy(&state->arena, subject), .version = version};
    return added;
}

static struct mr_bytes text_of(const json_t *json, const char *member)
{
    const json_t *text = json_object_get(json, member);
    return json_is_string(text) ? mr_bytes_of(json_string_value(text), json_string_length(text))
                                : (struct mr_bytes){0};
}

/* A positive 32-bit number, or 0. */
static int32_t number_of(const json_t *json, const char *member)
{
    json_int_t value = json_integer_value(json_object_get(json, member));
    return value > 0 && value <= INT32_MAX ? (int32_t)value : 0;
}

static int fold_schema(
    struct registry_state *state, const json_t *key, const json_t *value, struct mr_error *error)
{
    struct mr_bytes subject = text_of(key, "subject");
    int32_t version = number_of(key, "version");
    if (!subject.len || subject.len > REGISTRY_SUBJECT_MAX || !version)
        return mr_fail(error, MR_MALFORMED, "_schemas: a key without subject or version");
    struct registry_version *found = find_version(state, subject, version);
    if (!value) { /* A tombstone. */
        if (found)
            found->deleted = true;
        return 0;
    }
    int32_t schema_id = number_of(value, "id");
    struct mr_bytes text = text_of(value, "schema");
    if (!schema_id || !text.ptr || text.len > REGISTRY_TEXT_MAX)
        return mr_fail(
            error,
            MR_MALFORMED,
            "_schemas: %.*s version %d: no id or no schema",
            MR_ARG(subject),
            version);
    const struct registry_schema *schema = find_schema(state, schema_id);
    if (schema && !mr_bytes_equal(schema->text, text))
        return mr_fail(
            error,
            MR_CONFLICT,
            "_schemas: %.*s version %d: the id %d has another schema already",
            MR_ARG(subject),
            version,
            schema_id);
    if (!schema)
        schema = add_schema(state, schema_id, text);
    if (!found)
        found = add_version(state, subject, version);
    found->schema = schema;
    found->deleted = json_is_true(json_object_get(value, "deleted"));
    return 0;
}

static int fold_delete_subject(
    struct registry_state *state, const json_t *key, const json_t *value, struct mr_error *error)
{
    struct mr_bytes subject = text_of(key, "subject");
    if (!subject.ptr)
        return mr_fail(error, MR_MALFORMED, "_schemas: a deletion without subject");
    int32_t up_to = number_of(value, "version");
    for (size_t i = 0; value && i < state->versions_count; i++)
        if (state->versions[i].version <= up_to &&
            mr_bytes_equal(state->versions[i].subject, subject))
            state->versions[i].deleted = true;
    return 0;
}

static int registry_fold_record(
    struct registry_state *state, const json_t *key, const json_t *value, struct mr_error *error)
{
    const char *type = json_string_value(json_object_get(key, "keytype"));
    if (!type)
        return mr_fail(error, MR_MALFORMED, "_schemas: a key without keytype");
    if (strcmp(type, "SCHEMA") == 0)
        return fold_schema(state, key, value, error);
    if (strcmp(type, "DELETE_SUBJECT") == 0)
        return fold_delete_subject(state, key, value, error);
    return 0;
}

int codec_registry_apply(
    struct codec_registry *registry,
    struct mr_bytes key_json,
    struct mr_bytes value_json,
    struct mr_error *error)
{
    json_error_t problem;
    json_t *key = json_loadb(key_json.ptr ? key_json.ptr : "", key_json.len, 0, &problem);
    if (!key)
        return mr_fail(error, MR_MALFORMED, "_schemas: a key is not JSON: %s", problem.text);
    int rc = 0;
    json_t *value = NULL;
    if (value_json.ptr && !(value = json_loadb(value_json.ptr, value_json.len, 0, &problem)))
        rc = mr_fail(error, MR_MALFORMED, "_schemas: a value is not JSON: %s", problem.text);
    pthread_mutex_lock(&registry->state->lock);
    if (!rc)
        rc = registry_fold_record(registry->state, key, value, error);
    pthread_mutex_unlock(&registry->state->lock);
    json_decref(key);
    json_decref(value);
    return rc;
}

/* With the lock held. */
static int decode_locked(
    struct registry_schema *schema,
    struct mr_bytes bare,
    struct mr_arena *arena,
    const struct codec_type **ret_type,
    const void **ret_value,
    struct mr_error *error)
{
    if (schema->type) {
        *ret_type = schema->type;
        return 0;
    }
    int rc = 0;
    if (!schema->foreign)
        rc = foreign_schema_new(schema->text, &schema->foreign, error);
    if (rc)
        return rc;
    return foreign_schema_decode(schema->foreign, bare, arena, ret_type, ret_value, error);
}

void codec_registry_on_unknown(
    struct codec_registry *registry,
    codec_registry_reload *reload,
    void *user,
    void (*done)(void *user))
{
    assert(!registry->state->reload);
    registry->state->reload = reload;
    registry->state->reload_user = user;
    registry->state->reload_done = done;
}

static bool is_known(struct registry_state *state, int32_t schema_id)
{
    pthread_mutex_lock(&state->lock);
    bool known = find_schema(state, schema_id) != NULL;
    pthread_mutex_unlock(&state->lock);
    return known;
}

/* While this thread waited, another may have read it. */
static int
registry_learn(const struct codec_registry *registry, int32_t schema_id, struct mr_error *error)
{
    struct registry_state *state = registry->state;
    if (!state->reload || is_known(state, schema_id))
        return 0;
    pthread_mutex_lock(&state->reloading);
    int rc = 0;
    if (!is_known(state, schema_id)) /* Applying locks: to a decode nothing else changes. */
        rc = state->reload(state->reload_user, (struct codec_registry *)(uintptr_t)registry, error);
    pthread_mutex_unlock(&state->reloading);
    return rc;
}

int registry_decode_foreign(
    const struct codec_registry *registry,
    int32_t schema_id,
    struct mr_bytes bare,
    struct mr_arena *arena,
    const struct codec_type **ret_type,
    const void **ret_value,
    struct mr_error *error)
{
    struct registry_state *state = registry->state;
    int learned = registry_learn(registry, schema_id, error);
    if (learned)
        return learned;
    pthread_mutex_lock(&state->lock);
    struct registry_schema *schema = find_schema(state, schema_id);
    int rc = schema ? decode_locked(schema, bare, arena, ret_type, ret_value, error)
                    : mr_fail(error, MR_MALFORMED, "the schema id %d is not known", schema_id);
    pthread_mutex_unlock(&state->lock);
    return rc;
}

bool codec_registry_text(
    const struct codec_registry *registry, int32_t schema_id, struct mr_bytes *ret_text)
{
    pthread_mutex_lock(&registry->state->lock);
    const struct registry_schema *schema = find_schema(registry->state, schema_id);
    if (schema)
        *ret_text = schema->text;
    pthread_mutex_unlock(&registry->state->lock);
    return schema != NULL;
}

size_t codec_registry_count(const struct codec_registry *registry)
{
    const struct registry_state *state = registry->state;
    pthread_mutex_lock(&registry->state->lock);
    size_t count = 0;
    for (size_t i = 0; i < state->versions_count; i++)
        count += !state->versions[i].deleted;
    pthread_mutex_unlock(&registry->state->lock);
    return count;
}

void codec_registry_each(
    const struct codec_registry *registry, codec_registry_visit *visit, void *user)
{
    const struct registry_state *state = registry->state;
    pthread_mutex_lock(&registry->state->lock);
    for (size_t i = 0; i < state->versions_count; i++) {
        const struct registry_version *at = &state->versions[i];
        if (!at->deleted)
            visit(user, at->subject, at->version, at->schema->id, at->schema->text);
    }
    pthread_mutex_unlock(&registry->state->lock);
}
