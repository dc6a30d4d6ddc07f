/*
 * registry_plan.c - what to append to `_schemas`, judged whole before anything is emitted.
 *
 * Ids go on from the highest there is. A new subject also gets its compatibility level, so
 * that any other registry on the same topic keeps the same rule.
 */
#include "avsc.h"
#include "compatibility.h"
#include "registry_state.h"

#include <schemas/codec.h>

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

/* One subject that lacks our schema. */
struct step {
    struct mr_bytes subject;
    const struct codec_topic *topic;
    const struct codec_type *type;
    int32_t version; /* To register it as. */
};

struct plan {
    const struct registry_state *state;
    struct mr_arena arena;
    struct step *steps;
    size_t steps_count;
    size_t steps_capacity;
    int32_t schema_ids[SHOP_TYPE_COUNT]; /* Old or new. */
    int32_t schema_id_max;
};

static const char *rule_name(enum codec_rule rule)
{
    static const char *const names[] = {
        [CODEC_NONE] = "NONE",
        [CODEC_BACKWARD_TRANSITIVE] = "BACKWARD_TRANSITIVE",
        [CODEC_FULL_TRANSITIVE] = "FULL_TRANSITIVE",
    };
    return names[rule];
}

static int registry_fail_conflict(
    const struct step *step,
    int32_t version,
    bool backward,
    const struct mr_error *why,
    struct mr_error *error)
{
    return mr_fail(
        error,
        MR_CONFLICT,
        "%.*s: %s version %d: %s (the rule is %s)",
        MR_ARG(step->subject),
        backward ? "the new schema cannot read" : "the new schema cannot be read by",
        version,
        why->text,
        rule_name(step->topic->rule));
}

static int check_version(
    struct plan *plan,
    const struct step *step,
    const struct registry_version *old,
    struct mr_error *error)
{
    struct mr_error why = {0};
    const struct avsc_node *ours = NULL;
    const struct avsc_node *theirs = NULL;
    if (avsc_parse(step->type->schema, &plan->arena, &ours, &why) ||
        avsc_parse(old->schema->text, &plan->arena, &theirs, &why))
        return registry_fail_conflict(step, old->version, true, &why, error);
    if (compatibility_check(ours, theirs, &why))
        return registry_fail_conflict(step, old->version, true, &why, error);
    if (step->topic->rule == CODEC_FULL_TRANSITIVE && compatibility_check(theirs, ours, &why))
        return registry_fail_conflict(step, old->version, false, &why, error);
    return 0;
}

static int check_step(struct plan *plan, struct step *step, struct mr_error *error)
{
    step->version = 1;
    for (size_t i = 0; i < plan->state->versions_count; i++) {
        const struct registry_version *old = &plan->state->versions[i];
        if (!mr_bytes_equal(old->subject, step->subject))
            continue;
        if (old->version >= step->version)
            step->version = old->version + 1;
        int rc = old->deleted ? 0 : check_version(plan, step, old, error);
        if (rc)
            return rc;
    }
    return 0;
}

static int add_step(
    struct plan *plan,
    const struct codec_topic *topic,
    const struct codec_type *type,
    struct mr_error *error)
{
    struct step step = {registry_subject(&plan->arena, topic, type), topic, type, 0};
    if (registry_find_id(plan->state, step.subject, type))
        return 0;
    int rc = check_step(plan, &step, error);
    if (rc)
        return rc;
    plan->steps = mr_grow(plan->steps, plan->steps_count, &plan->steps_capacity, sizeof step);
    plan->steps[plan->steps_count++] = step;
    int32_t *schema_id = &plan->schema_ids[codec_type_id(type)];
    if (!*schema_id)
        *schema_id = ++plan->schema_id_max;
    return 0;
}

static void know_ids(struct plan *plan)
{
    for (size_t i = 0; i < plan->state->schemas_count; i++) {
        const struct registry_schema *schema = plan->state->schemas[i];
        plan->schema_id_max = schema->id; /* They are in order. */
        if (schema->type && !plan->schema_ids[codec_type_id(schema->type)])
            plan->schema_ids[codec_type_id(schema->type)] = schema->id;
    }
}

static int make_plan(struct plan *plan, struct mr_error *error)
{
    know_ids(plan);
    int rc = 0;
    for (int i = 0; !rc && i < SHOP_TOPIC_COUNT; i++) {
        const struct codec_topic *topic = &shop_topics[i];
        for (size_t j = 0; !rc && j < topic->types_count; j++)
            rc = add_step(plan, topic, topic->types[j], error);
    }
    return rc;
}

/* Takes both. */
static void emit_json(codec_registry_emit *emit, void *user, json_t *key, json_t *value)
{
    char *key_text = json_dumps(key, JSON_COMPACT);
    char *value_text = json_dumps(value, JSON_COMPACT);
    emit(user, mr_cstr(key_text), mr_cstr(value_text));
    free(key_text);
    free(value_text);
    json_decref(key);
    json_decref(value);
}

/* The first version of a subject brings its rule with it, by which a registry judges the later
 * ones. */
static void
emit_step(const struct plan *plan, const struct step *step, codec_registry_emit *emit, void *user)
{
    const char *subject = step->subject.ptr;
    if (step->version == 1)
        emit_json(
            emit,
            user,
            json_pack("{s:s,s:s,s:i}", "keytype", "CONFIG", "subject", subject, "magic", 0),
            json_pack("{s:s}", "compatibilityLevel", rule_name(step->topic->rule)));
    json_t *key = json_pack(
        "{s:s,s:s,s:i,s:i}",
        "keytype",
        "SCHEMA",
        "subject",
        subject,
        "version",
        (int)step->version,
        "magic",
        1);
    json_t *value = json_pack(
        "{s:s,s:i,s:i,s:s#,s:b}",
        "subject",
        subject,
        "version",
        (int)step->version,
        "id",
        (int)plan->schema_ids[codec_type_id(step->type)],
        "schema",
        step->type->schema.ptr,
        (int)step->type->schema.len,
        "deleted",
        0);
    emit_json(emit, user, key, value);
}

int codec_registry_plan(
    struct codec_registry *registry, codec_registry_emit *emit, void *user, struct mr_error *error)
{
    struct plan plan = {.state = registry->state};
    mr_arena_init(&plan.arena);
    pthread_mutex_lock(&registry->state->lock);
    int rc = make_plan(&plan, error);
    pthread_mutex_unlock(&registry->state->lock);
    for (size_t i = 0; !rc && i < plan.steps_count; i++)
        emit_step(&plan, &plan.steps[i], emit, user);
    free(plan.steps);
    mr_arena_clean_up(&plan.arena);
    return rc;
}

static void apply_emitted(void *user, struct mr_bytes key_json, struct mr_bytes value_json)
{
    int rc = codec_registry_apply(user, key_json, value_json, NULL);
    assert(!rc);
    (void)rc;
}

struct codec_registry *codec_registry_new_local(void)
{
    struct codec_registry *registry = codec_registry_new();
    int rc = codec_registry_plan(registry, apply_emitted, registry, NULL);
    assert(!rc);
    rc = codec_registry_bind(registry, NULL);
    assert(!rc);
    (void)rc;
    return registry;
}
