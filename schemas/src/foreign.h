/*
 * foreign.h - records whose writer had another schema than ours: avro-c reads them with the
 * writer's schema, and their fields are bound to our struct by name.
 *
 * Threads  A foreign_schema belongs to one thread at a time, and so does avro-c as a whole
 *          (its error text is global): the registry calls this under its lock.
 */
#ifndef SCHEMAS_FOREIGN_H
#define SCHEMAS_FOREIGN_H

#include <schemas/types.h>

struct foreign_schema;

/* MR_MALFORMED when the text is not a schema, or its record is not compiled in. */
int foreign_schema_new(
    struct mr_bytes text, struct foreign_schema **ret_schema, struct mr_error *error);
void foreign_schema_free(struct foreign_schema *schema);

/* Everything in `ret_value` is a copy in the arena. `bare` is checked whole before avro-c
 * sees it. */
int foreign_schema_decode(
    struct foreign_schema *schema,
    struct mr_bytes bare,
    struct mr_arena *arena,
    const struct codec_type **ret_type,
    const void **ret_value,
    struct mr_error *error);

/*
 * For codec_decode, implemented by the registry: `*ret_value` stays NULL when the id's text is
 * ours after all, and the caller decodes.
 */
struct codec_registry;
int registry_decode_foreign(
    const struct codec_registry *registry,
    int32_t schema_id,
    struct mr_bytes bare,
    struct mr_arena *arena,
    const struct codec_type **ret_type,
    const void **ret_value,
    struct mr_error *error);

#endif
