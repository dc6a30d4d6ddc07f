/*
 * registry_bind.c - finds the ids of the compiled-in schemas and publishes the table of them.
 *
 * A type that is written to several topics has one id: equal texts share theirs. Should
 * another registry have given two, either will do, as both stand for the same text.
 */
#include "registry_state.h"

#include <schemas/codec.h>

static int registry_fail_missing(struct mr_bytes subject, struct mr_error *error)
{
    return mr_fail(
        error,
        MR_CONFIG,
        "%.*s: our schema is not registered; run `millrace schemas register`",
        MR_ARG(subject));
}

/* `ret_ids` by type. */
static int find_ids(const struct registry_state *state, int32_t *ret_ids, struct mr_error *error)
{
    struct mr_arena arena;
    mr_arena_init(&arena);
    int rc = 0;
    for (int i = 0; !rc && i < SHOP_TOPIC_COUNT; i++) {
        const struct codec_topic *topic = &shop_topics[i];
        for (size_t j = 0; !rc && j < topic->types_count; j++) {
            struct mr_bytes subject = registry_subject(&arena, topic, topic->types[j]);
            int32_t schema_id = registry_find_id(state, subject, topic->types[j]);
            if (schema_id)
                ret_ids[codec_type_id(topic->types[j])] = schema_id;
            else
                rc = registry_fail_missing(subject, error);
        }
    }
    mr_arena_clean_up(&arena);
    return rc;
}

static void add_slot(struct registry_table *table, const struct registry_schema *schema)
{
    uint32_t at = (uint32_t)schema->id;
    while (table->slots[at & table->mask].schema_id)
        at++;
    table->slots[at & table->mask] =
        (struct registry_slot){schema->id, codec_type_id(schema->type)};
}

static struct registry_table *build_table(const struct registry_state *state, const int32_t *ids)
{
    uint32_t size = 256;
    while (size < 2 * state->schemas_count)
        size *= 2;
    struct registry_table *table = mr_calloc(1, sizeof *table + size * sizeof table->slots[0]);
    table->mask = size - 1;
    memcpy(table->schema_ids, ids, sizeof table->schema_ids);
    for (size_t i = 0; i < state->schemas_count; i++)
        if (state->schemas[i]->type)
            add_slot(table, state->schemas[i]);
    return table;
}

/* True when a new table would differ: a refresh that brings nothing costs nothing. */
static bool is_current(const struct registry_table *table, const int32_t *ids)
{
    return table && memcmp(table->schema_ids, ids, sizeof table->schema_ids) == 0;
}

int codec_registry_bind(struct codec_registry *registry, struct mr_error *error)
{
    int32_t ids[SHOP_TYPE_COUNT] = {0};
    pthread_mutex_lock(&registry->state->lock);
    int rc = find_ids(registry->state, ids, error);
    struct registry_table *current = atomic_load_explicit(&registry->table, memory_order_relaxed);
    if (!rc && !is_current(current, ids)) {
        struct registry_table *table = build_table(registry->state, ids);
        table->replaced = current;
        atomic_store_explicit(&registry->table, table, memory_order_release);
    }
    pthread_mutex_unlock(&registry->state->lock);
    return rc;
}
