/* walk.h - checks bare Avro bytes against any schema, so that avro-c only ever sees whole ones. */
#ifndef SCHEMAS_WALK_H
#define SCHEMAS_WALK_H

#include "avsc.h"

#include <schemas/types.h>

/*
 * MR_MALFORMED, with `in` saying why and where, unless the bytes from `at` to `end` are one
 * value of the schema and nothing more.
 */
int walk_check(const struct avsc_node *schema, struct codec_reader *in);

#endif
