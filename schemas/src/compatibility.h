/* compatibility.h - whether one schema can read what another has written, by the rules of Avro. */
#ifndef SCHEMAS_COMPATIBILITY_H
#define SCHEMAS_COMPATIBILITY_H

#include "avsc.h"

/*
 * 0 when a reader with `reader` can read everything written with `writer`. Else MR_CONFLICT
 * with one sentence: "OrderLine.quantity: int cannot be read from string".
 */
int compatibility_check(
    const struct avsc_node *reader, const struct avsc_node *writer, struct mr_error *error);

#endif
