/*
 * codec_registry_test.c - folding `_schemas`, binding to it, and planning what is missing from it.
 */
#include <tests/cmocka.h>

#include <schemas/codec.h>

#include <jansson.h>
#include <pthread.h>

#define SUBJECT "gateway.replies-shop.gateway.CommandReply"

struct emitted {
    struct mr_arena arena;
    struct mr_bytes keys[1024];
    struct mr_bytes values[1024];
    size_t count;
};

struct fixture {
    struct codec_registry *registry;
    struct emitted emitted;
    struct mr_arena arena;
    struct mr_error error;
};

static int set_up_registry(void **state)
{
    struct fixture *f = mr_calloc(1, sizeof *f);
    f->registry = codec_registry_new();
    *state = f;
    return 0;
}

static int tear_down_registry(void **state)
{
    struct fixture *f = *state;
    codec_registry_free(f->registry);
    mr_arena_clean_up(&f->emitted.arena);
    mr_arena_clean_up(&f->arena);
    free(f);
    return 0;
}

static void keep_record(void *user, struct mr_bytes key, struct mr_bytes value)
{
    struct emitted *emitted = user;
    emitted->keys[emitted->count] = mr_arena_copy(&emitted->arena, key);
    emitted->values[emitted->count] = mr_arena_copy(&emitted->arena, value);
    emitted->count++;
}

static int plan_registry(struct fixture *f)
{
    f->emitted.count = 0;
    return codec_registry_plan(f->registry, keep_record, &f->emitted, &f->error);
}

static void apply_emitted(struct fixture *f)
{
    for (size_t i = 0; i < f->emitted.count; i++)
        assert_int_equal(
            codec_registry_apply(f->registry, f->emitted.keys[i], f->emitted.values[i], NULL), 0);
}

static int apply_record(struct fixture *f, const char *key, const char *value)
{
    return codec_registry_apply(f->registry, mr_cstr(key), mr_cstr(value), &f->error);
}

static void error_says(const struct fixture *f, const char *words)
{
    if (!strstr(f->error.text, words))
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, words);
}

/* Register `schema` as a version of the subject. */
static void
add_version(struct fixture *f, const char *subject, int version, int id, const char *schema)
{
    json_t *key = json_pack(
        "{s:s,s:s,s:i,s:i}",
        "keytype",
        "SCHEMA",
        "subject",
        subject,
        "version",
        version,
        "magic",
        1);
    json_t *value = json_pack("{s:i,s:s,s:b}", "id", id, "schema", schema, "deleted", 0);
    char *key_text = json_dumps(key, 0);
    char *value_text = json_dumps(value, 0);
    if (apply_record(f, key_text, value_text))
        fail_msg("%s", f->error.text);
    json_decref(key);
    json_decref(value);
    free(key_text);
    free(value_text);
}

static void an_empty_registry_binds_nothing_and_says_what_to_run(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(codec_registry_bind(f->registry, &f->error), MR_CONFIG);
    error_says(f, "identity.claim.commands-shop.identity.ClaimEmail: our schema is not registered");
    error_says(f, "millrace schemas register");
}

static void what_is_planned_makes_it_bind(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    assert_true(f->emitted.count > 2);
    apply_emitted(f);
    assert_int_equal(codec_registry_bind(f->registry, &f->error), 0);
    assert_int_equal(plan_registry(f), 0);
    assert_int_equal(f->emitted.count, 0);
}

static void planning_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    assert_int_equal(codec_registry_count(f->registry), 0);
    assert_int_equal(codec_registry_bind(f->registry, NULL), MR_CONFIG);
}

/* As a Confluent-compatible registry writes them. */
static void the_records_have_the_common_form(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    assert_true(mr_bytes_equal(
        f->emitted.keys[0],
        mr_cstr("{\"keytype\":\"CONFIG\",\"subject\":\"identity.claim.commands-shop.identity."
                "ClaimEmail\",\"magic\":0}")));
    assert_true(mr_bytes_equal(
        f->emitted.values[0], mr_cstr("{\"compatibilityLevel\":\"BACKWARD_TRANSITIVE\"}")));
    assert_true(mr_bytes_equal(
        f->emitted.keys[1],
        mr_cstr("{\"keytype\":\"SCHEMA\",\"subject\":\"identity.claim.commands-shop.identity."
                "ClaimEmail\",\"version\":1,\"magic\":1}")));
    json_t *value = json_loadb(f->emitted.values[1].ptr, f->emitted.values[1].len, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(value, "id")), 1);
    assert_int_equal(json_integer_value(json_object_get(value, "version")), 1);
    assert_true(json_is_false(json_object_get(value, "deleted")));
    assert_string_equal(
        json_string_value(json_object_get(value, "schema")),
        shop_types[SHOP_CLAIM_EMAIL].schema.ptr);
    json_decref(value);
}

static void events_keep_the_strict_rule(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    int seen = 0;
    for (size_t i = 0; i < f->emitted.count; i++)
        if (strstr(f->emitted.keys[i].ptr, "CONFIG") &&
            strstr(f->emitted.keys[i].ptr, ".events-")) {
            assert_string_equal(
                f->emitted.values[i].ptr, "{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}");
            seen++;
        }
    assert_true(seen > 20);
}

static void a_schema_in_several_topics_has_one_id(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    json_int_t id = 0;
    int seen = 0;
    for (size_t i = 0; i < f->emitted.count; i++) {
        if (!strstr(f->emitted.keys[i].ptr, "CommandOutcome") ||
            !strstr(f->emitted.keys[i].ptr, "SCHEMA"))
            continue;
        json_t *value = json_loadb(f->emitted.values[i].ptr, f->emitted.values[i].len, 0, NULL);
        json_int_t own = json_integer_value(json_object_get(value, "id"));
        assert_true(!id || id == own);
        id = own;
        json_decref(value);
        seen++;
    }
    assert_int_equal(seen, 5);
}

static void ids_go_on_from_the_highest(void **state)
{
    struct fixture *f = *state;
    add_version(f, "someone.else-value", 1, 4711, "\"string\"");
    assert_int_equal(plan_registry(f), 0);
    assert_non_null(strstr(f->emitted.values[1].ptr, "\"id\":4712,"));
    apply_emitted(f);
    assert_int_equal(codec_registry_bind(f->registry, NULL), 0);
}

#define REPLY_V1                                                                                   \
    "{\"type\":\"record\",\"name\":\"CommandReply\",\"namespace\":\"shop.gateway\",\"fields\":["   \
    "{\"name\":\"command_id\",\"type\":\"string\"}]}"

static void an_incompatible_change_is_named_and_nothing_is_emitted(void **state)
{
    struct fixture *f = *state;
    add_version(f, SUBJECT, 3, 1, REPLY_V1);
    assert_int_equal(plan_registry(f), MR_CONFLICT);
    error_says(f, SUBJECT ": the new schema cannot read version 3: ");
    error_says(f, "CommandReply.replayed: is not written and has no default");
    error_says(f, "the rule is BACKWARD_TRANSITIVE");
    assert_int_equal(f->emitted.count, 0);
}

static void a_deleted_version_is_not_held_against_the_new_one(void **state)
{
    struct fixture *f = *state;
    add_version(f, SUBJECT, 3, 1, REPLY_V1);
    assert_int_equal(
        apply_record(
            f,
            "{\"keytype\":\"DELETE_SUBJECT\",\"subject\":\"" SUBJECT "\",\"magic\":0}",
            "{\"subject\":\"" SUBJECT "\",\"version\":3}"),
        0);
    assert_int_equal(plan_registry(f), 0);
    bool seen = false;
    for (size_t i = 0; i < f->emitted.count; i++)
        seen |= strstr(f->emitted.keys[i].ptr, SUBJECT "\",\"version\":4,") != NULL;
    assert_true(seen);
}

/* An old event with a field that the new schema lacks: the new one reads it, it does not read the
 * new. */
static void full_compatibility_asks_both_ways(void **state)
{
    struct fixture *f = *state;
    const struct codec_type *type = &shop_types[SHOP_PRODUCT_PUBLISHED];
    json_t *json = json_loadb(type->schema.ptr, type->schema.len, 0, NULL);
    json_array_append_new(
        json_object_get(json, "fields"), json_pack("{s:s,s:s}", "name", "by", "type", "string"));
    char *schema = json_dumps(json, 0);
    add_version(f, "catalog.product.events-shop.catalog.ProductPublished", 1, 1, schema);
    assert_int_equal(plan_registry(f), MR_CONFLICT);
    error_says(
        f, "cannot be read by version 1: ProductPublished.by: is not written and has no default");
    error_says(f, "FULL_TRANSITIVE");
    free(schema);
    json_decref(json);
}

static void an_older_compatible_version_leads_to_the_next_version(void **state)
{
    struct fixture *f = *state;
    const struct codec_type *type = &shop_types[SHOP_PRODUCT_PUBLISHED];
    json_t *json = json_loadb(type->schema.ptr, type->schema.len, 0, NULL);
    json_object_set_new(json, "doc", json_string("Another word for it."));
    char *schema = json_dumps(json, 0);
    add_version(f, "catalog.product.events-shop.catalog.ProductPublished", 1, 1, schema);
    assert_int_equal(plan_registry(f), 0);
    apply_emitted(f);
    assert_int_equal(codec_registry_bind(f->registry, NULL), 0);
    bool second = false;
    bool config = false;
    for (size_t i = 0; i < f->emitted.count; i++) {
        if (!strstr(f->emitted.keys[i].ptr, "ProductPublished"))
            continue;
        second |= strstr(f->emitted.keys[i].ptr, "\"version\":2,") != NULL;
        config |= strstr(f->emitted.keys[i].ptr, "CONFIG") != NULL;
    }
    assert_true(second);
    assert_false(config);
    free(schema);
    json_decref(json);
}

static void a_subject_that_lacks_our_schema_is_named(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    for (size_t i = 0; i < f->emitted.count; i++)
        if (!strstr(f->emitted.keys[i].ptr, "sales.outcomes-"))
            codec_registry_apply(f->registry, f->emitted.keys[i], f->emitted.values[i], NULL);
    assert_int_equal(codec_registry_bind(f->registry, &f->error), MR_CONFIG);
    error_says(f, "sales.outcomes-shop.gateway.CommandOutcome: our schema is not registered");
}

static void a_tombstone_or_a_soft_deletion_takes_a_version_away(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    apply_emitted(f);
    size_t count = codec_registry_count(f->registry);
    const char *key =
        "{\"keytype\":\"SCHEMA\",\"subject\":\"" SUBJECT "\",\"version\":1,\"magic\":1}";
    assert_int_equal(codec_registry_apply(f->registry, mr_cstr(key), mr_cstr(NULL), NULL), 0);
    assert_int_equal(codec_registry_count(f->registry), count - 1);
    assert_int_equal(codec_registry_bind(f->registry, NULL), MR_CONFIG);
    apply_emitted(f);
    assert_int_equal(codec_registry_count(f->registry), count);
    assert_int_equal(codec_registry_bind(f->registry, NULL), 0);
    const char *soft = "{\"id\":9000,\"schema\":\"\\\"string\\\"\",\"deleted\":true}";
    assert_int_equal(codec_registry_apply(f->registry, mr_cstr(key), mr_cstr(soft), NULL), 0);
    assert_int_equal(codec_registry_count(f->registry), count - 1);
    assert_int_equal(codec_registry_bind(f->registry, NULL), MR_CONFIG);
}

static void other_keys_are_skipped(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(apply_record(f, "{\"keytype\":\"NOOP\",\"magic\":0}", NULL), 0);
    assert_int_equal(
        apply_record(
            f, "{\"keytype\":\"MODE\",\"subject\":null,\"magic\":0}", "{\"mode\":\"READONLY\"}"),
        0);
    assert_int_equal(codec_registry_count(f->registry), 0);
}

static void a_record_that_is_not_of_a_registry_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *key = "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":1,\"magic\":1}";
    assert_int_equal(apply_record(f, "hello", "{}"), MR_MALFORMED);
    assert_int_equal(apply_record(f, "[]", "{}"), MR_MALFORMED);
    assert_int_equal(apply_record(f, "{\"magic\":1}", "{}"), MR_MALFORMED);
    assert_int_equal(apply_record(f, "{\"keytype\":\"SCHEMA\"}", "{}"), MR_MALFORMED);
    assert_int_equal(apply_record(f, key, "no json"), MR_MALFORMED);
    assert_int_equal(apply_record(f, key, "{\"id\":1}"), MR_MALFORMED);
    error_says(f, "s version 1: no id or no schema");
    assert_int_equal(apply_record(f, key, "{\"id\":-1,\"schema\":\"x\"}"), MR_MALFORMED);
    assert_int_equal(apply_record(f, key, "{\"id\":4294967297,\"schema\":\"x\"}"), MR_MALFORMED);
    assert_int_equal(codec_registry_count(f->registry), 0);
}

static void an_id_with_two_texts_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    add_version(f, "a-value", 1, 1, "\"string\"");
    assert_int_equal(
        apply_record(
            f,
            "{\"keytype\":\"SCHEMA\",\"subject\":\"b-value\",\"version\":1,\"magic\":1}",
            "{\"id\":1,\"schema\":\"\\\"long\\\"\"}"),
        MR_CONFLICT);
    error_says(f, "the id 1 has another schema already");
    struct mr_bytes text = {0};
    assert_true(codec_registry_text(f->registry, 1, &text));
    assert_true(mr_bytes_equal(text, mr_cstr("\"string\"")));
    assert_false(codec_registry_text(f->registry, 2, &text));
}

static void count_visit(
    void *user, struct mr_bytes subject, int32_t version, int32_t schema_id, struct mr_bytes text)
{
    size_t *count = user;
    *count += subject.len && version > 0 && schema_id > 0 && text.len;
}

static void each_version_is_visited(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    apply_emitted(f);
    size_t count = 0;
    codec_registry_each(f->registry, count_visit, &count);
    assert_int_equal(count, codec_registry_count(f->registry));
    size_t subjects = 0;
    for (int i = 0; i < SHOP_TOPIC_COUNT; i++)
        subjects += shop_topics[i].types_count;
    assert_int_equal(count, subjects);
}

enum { THREADS = 4, THREAD_ROUNDS = 300, OLD_ID = 5000 };

struct reader_thread {
    pthread_t thread;
    const struct codec_registry *registry;
    struct mr_bytes own;
    struct mr_bytes old;
    int failures;
};

static void *read_both(void *user)
{
    struct reader_thread *t = user;
    struct mr_arena arena = {0};
    struct codec_message message;
    for (int i = 0; i < THREAD_ROUNDS; i++) {
        t->failures += codec_decode(t->registry, t->own, &arena, &message, NULL) != 0;
        t->failures += codec_decode(t->registry, t->old, &arena, &message, NULL) != 0;
        mr_arena_reset(&arena);
    }
    mr_arena_clean_up(&arena);
    return NULL;
}

/* A refresh publishes a new table under the readers' eyes, and one more version to read with. */
static void refresh_registry(struct fixture *f)
{
    const struct codec_type *type = &shop_types[SHOP_COMMAND_REPLY];
    for (int i = 0; i < 20; i++) {
        char *key = mr_asprintf(
            "{\"keytype\":\"SCHEMA\",\"subject\":\"%s\",\"version\":1,\"magic\":1}", SUBJECT);
        json_t *value = json_pack("{s:i,s:s}", "id", 6000 + i, "schema", type->schema.ptr);
        char *text = json_dumps(value, 0);
        assert_int_equal(apply_record(f, key, text), 0);
        assert_int_equal(codec_registry_bind(f->registry, &f->error), 0);
        json_decref(value);
        free(text);
        free(key);
    }
}

static const char old_money[] =
    "{\"type\":\"record\",\"name\":\"Money\",\"namespace\":\"shop.common\",\"fields\":["
    "{\"name\":\"minor\",\"type\":\"int\"},{\"name\":\"currency\",\"type\":\"string\"}]}";

static void threads_decode_while_the_registry_is_refreshed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plan_registry(f), 0);
    apply_emitted(f);
    assert_int_equal(codec_registry_bind(f->registry, NULL), 0);
    add_version(f, "old-value", 1, OLD_ID, old_money);
    struct mr_buffer own = {0};
    struct shop_command_reply reply = {.command_id = MR_LITERAL("c")};
    codec_encode(f->registry, SHOP_COMMAND_REPLY, NULL, &reply, &own);
    struct reader_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct reader_thread){
            .registry = f->registry,
            .own = mr_buffer_view(&own),
            .old = mr_bytes_of("\x00\x00\x00\x13\x88\x02\x06GBP", 10)};
        assert_int_equal(pthread_create(&threads[i].thread, NULL, read_both, &threads[i]), 0);
    }
    refresh_registry(f);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        assert_int_equal(threads[i].failures, 0);
    }
    mr_buffer_clean_up(&own);
}

struct source {
    struct fixture *f;
    int code;
    int calls;
    int done;
};

static int reload_registry(void *user, struct codec_registry *registry, struct mr_error *error)
{
    struct source *source = user;
    assert_ptr_equal(registry, source->f->registry);
    source->calls++;
    if (source->code)
        return mr_fail(error, source->code, "nobody answers");
    add_version(source->f, "old-value", 1, OLD_ID, old_money);
    return 0;
}

static void reload_done(void *user)
{
    struct source *source = user;
    source->done++;
}

/* 0x1388 is OLD_ID. */
static int decode_old(struct fixture *f, const char *framed)
{
    struct codec_message message;
    return codec_decode(f->registry, mr_bytes_of(framed, 10), &f->arena, &message, &f->error);
}

static void an_unknown_id_is_looked_up_once_more_before_it_is_refused(void **state)
{
    struct fixture *f = *state;
    struct source source = {.f = f, .code = MR_UNAVAILABLE};
    codec_registry_on_unknown(f->registry, reload_registry, &source, reload_done);
    assert_int_equal(decode_old(f, "\x00\x00\x00\x13\x88\x02\x06GBP"), MR_UNAVAILABLE);
    error_says(f, "nobody answers");
    source.code = 0;
    assert_int_equal(decode_old(f, "\x00\x00\x00\x13\x88\x02\x06GBP"), 0);
    assert_int_equal(decode_old(f, "\x00\x00\x00\x13\x88\x02\x06GBP"), 0);
    assert_int_equal(source.calls, 2); /* A known id is not asked for. */
    assert_int_equal(decode_old(f, "\x00\x00\x00\x13\x89\x02\x06GBP"), MR_MALFORMED);
    error_says(f, "5001 is not known");
    assert_int_equal(source.calls, 3);
    codec_registry_free(f->registry);
    assert_int_equal(source.done, 1);
    f->registry = codec_registry_new();
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up_registry, tear_down_registry)
    const struct CMUnitTest tests[] = {
        WITH(an_empty_registry_binds_nothing_and_says_what_to_run),
        WITH(what_is_planned_makes_it_bind),
        WITH(planning_changes_nothing),
        WITH(the_records_have_the_common_form),
        WITH(events_keep_the_strict_rule),
        WITH(a_schema_in_several_topics_has_one_id),
        WITH(ids_go_on_from_the_highest),
        WITH(an_incompatible_change_is_named_and_nothing_is_emitted),
        WITH(a_deleted_version_is_not_held_against_the_new_one),
        WITH(full_compatibility_asks_both_ways),
        WITH(an_older_compatible_version_leads_to_the_next_version),
        WITH(a_subject_that_lacks_our_schema_is_named),
        WITH(a_tombstone_or_a_soft_deletion_takes_a_version_away),
        WITH(other_keys_are_skipped),
        WITH(a_record_that_is_not_of_a_registry_is_refused),
        WITH(an_id_with_two_texts_is_a_conflict),
        WITH(each_version_is_visited),
        WITH(threads_decode_while_the_registry_is_refreshed),
        WITH(an_unknown_id_is_looked_up_once_more_before_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
