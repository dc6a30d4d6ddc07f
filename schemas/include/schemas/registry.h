/*
 * registry.h - which schema has which id, from the compacted topic `_schemas`.
 *
 * The registry is a fold of `_schemas` in the form a Confluent-compatible registry keeps:
 *
 *     key    {"keytype":"SCHEMA","subject":S,"version":V,"magic":1}
 *     value  {"subject":S,"version":V,"id":N,"schema":"<text>","deleted":false}
 *
 * A subject is `<topic>-<full record name>` (TopicRecordNameStrategy). Equal texts have one
 * id, whatever their subjects. This file knows no Kafka: whoever reads the topic applies its
 * records here in order, and then binds.
 *
 *     new --apply*--> loaded --bind--> serving --apply*, bind--> serving (refreshed)
 *                        \--plan--> records to append, then apply them (or read them back)
 *
 * A schema is registered before its first record is written. So an id that is not known when its
 * record is there is known after `_schemas` has been read again: codec_registry_on_unknown.
 *
 * Threads  apply, bind and plan lock; they may run beside encodes and decodes on other
 *          threads. free may not.
 */
#ifndef SCHEMAS_REGISTRY_H
#define SCHEMAS_REGISTRY_H

#include <base/bytes.h>
#include <base/error.h>

struct codec_registry;

/* Called by codec_registry_plan for each record to append, in order. Views die with the call. */
typedef void codec_registry_emit(void *user, struct mr_bytes key_json, struct mr_bytes value_json);

struct codec_registry *codec_registry_new(void);

/* Bound to ids of its own choice, with no `_schemas` behind it: for simulations and tests. */
struct codec_registry *codec_registry_new_local(void);

void codec_registry_free(struct codec_registry *registry);

/*
 * From now on a decode that meets an unknown id calls `reload` first, which reads `_schemas` to its
 * end and applies it; an error of it is the decode's. One at a time, in the decoding thread.
 * `done` (may be NULL) is called with `user` when the registry is freed. Before any decode.
 */
typedef int
codec_registry_reload(void *user, struct codec_registry *registry, struct mr_error *error);
void codec_registry_on_unknown(
    struct codec_registry *registry,
    codec_registry_reload *reload,
    void *user,
    void (*done)(void *user));

/*
 * Fold one record of `_schemas`; `value_json` with ptr NULL is a tombstone. Key types other
 * than SCHEMA and DELETE_SUBJECT are skipped. MR_MALFORMED for what is not such JSON,
 * MR_CONFLICT when an id turns up with a second text; the registry is then as before.
 */
int codec_registry_apply(
    struct codec_registry *registry,
    struct mr_bytes key_json,
    struct mr_bytes value_json,
    struct mr_error *error);

/*
 * Find the id of every compiled-in schema under every subject it is written to. MR_CONFIG
 * names what is missing and what to run. What was bound before stays bound.
 */
int codec_registry_bind(struct codec_registry *registry, struct mr_error *error);

/*
 * Emits the records to append to `_schemas` so that bind succeeds; none when it already would.
 * Every new version is held against all versions of its subject, by the topic's rule, before
 * the first record is emitted: MR_CONFLICT names subject, version, field and rule. The caller
 * sees to it that nobody else registers meanwhile.
 */
int codec_registry_plan(
    struct codec_registry *registry, codec_registry_emit *emit, void *user, struct mr_error *error);

/* The text behind an id; false when unknown. The view lives as long as the registry. */
bool codec_registry_text(
    const struct codec_registry *registry, int32_t schema_id, struct mr_bytes *ret_text);

/* How many versions of subjects are known (deleted ones not counted). */
size_t codec_registry_count(const struct codec_registry *registry);

/*
 * Call `visit` for each known version in order of registration: for a read-only registry API
 * and for people. Nothing may be applied meanwhile.
 */
typedef void codec_registry_visit(
    void *user, struct mr_bytes subject, int32_t version, int32_t schema_id, struct mr_bytes text);
void codec_registry_each(
    const struct codec_registry *registry, codec_registry_visit *visit, void *user);

#endif
