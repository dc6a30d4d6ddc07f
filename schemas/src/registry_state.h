/*
 * registry_state.h - the part of the registry behind its lock, shared by folding, binding and
 * planning.
 *
 * Memory   Texts and subjects are in the arena and stay until the registry is freed.
 */
#ifndef SCHEMAS_REGISTRY_STATE_H
#define SCHEMAS_REGISTRY_STATE_H

#include "registry_table.h"

#include <schemas/registry.h>

#include <base/arena.h>

#include <pthread.h>

enum { REGISTRY_SUBJECT_MAX = 512, REGISTRY_TEXT_MAX = 1024 * 1024 };

struct foreign_schema;

struct registry_schema {
    int32_t id;
    struct mr_bytes text;
    const struct codec_type *type;  /* The compiled-in type with this very schema, or NULL. */
    struct foreign_schema *foreign; /* Opened when first needed. */
};

struct registry_version {
    struct mr_bytes subject; /* ptr NULL: removed. */
    int32_t version;
    const struct registry_schema *schema;
    bool deleted;
};

struct registry_state {
    pthread_mutex_t reloading; /* Taken before the lock. */
    codec_registry_reload *reload;
    void (*reload_done)(void *user);
    void *reload_user;
    pthread_mutex_t lock;
    struct mr_arena arena;
    struct registry_schema **schemas; /* In order of id. */
    size_t schemas_count;
    size_t schemas_capacity;
    struct registry_version *versions; /* In order of registration. */
    size_t versions_count;
    size_t versions_capacity;
};

/* The functions below want the lock held. */

/* The id under which the subject has the type's very schema, in a version that is not deleted; or
 * 0. */
int32_t registry_find_id(
    const struct registry_state *state, struct mr_bytes subject, const struct codec_type *type);

/* "<topic>-<full record name>", in the arena. */
struct mr_bytes registry_subject(
    struct mr_arena *arena, const struct codec_topic *topic, const struct codec_type *type);

#endif
