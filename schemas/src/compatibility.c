/*
 * compatibility.c - Avro's schema resolution, as a question about schemas only.
 *
 * Recursive schemas end because a pair that is being compared further up counts as
 * compatible: if it is not, the comparison further up will find out.
 */
#include "compatibility.h"

#include <stdio.h>

struct pair {
    const struct pair *above;
    const struct avsc_node *reader;
    const struct avsc_node *writer;
    const char *where; /* "OrderLine.quantity". */
};

static int compatibility_check_pair(const struct pair *pair, struct mr_error *error);

static int compatibility_refuse(const struct pair *pair, struct mr_error *error)
{
    return mr_fail(
        error,
        MR_CONFLICT,
        "%s: %s cannot be read from %s",
        pair->where,
        avsc_kind_name(pair->reader->kind),
        avsc_kind_name(pair->writer->kind));
}

/* The promotions that the specification names. */
static bool compatibility_promotes(enum avsc_kind reader, enum avsc_kind writer)
{
    bool number = writer == AVSC_INT || writer == AVSC_LONG || writer == AVSC_FLOAT;
    if (number && (reader == AVSC_LONG || reader == AVSC_FLOAT || reader == AVSC_DOUBLE))
        return reader > writer;
    return (reader == AVSC_STRING && writer == AVSC_BYTES) ||
           (reader == AVSC_BYTES && writer == AVSC_STRING);
}

static int check_names(const struct pair *pair, struct mr_error *error)
{
    const char *reader = avsc_simple_name(pair->reader->full_name);
    const char *writer = avsc_simple_name(pair->writer->full_name);
    if (strcmp(reader, writer) == 0)
        return 0;
    return mr_fail(
        error, MR_CONFLICT, "%s: %s cannot be read from %s", pair->where, reader, writer);
}

static const struct avsc_field *find_field(const struct avsc_node *record, const char *name)
{
    for (size_t i = 0; i < record->fields_count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

static int check_record(const struct pair *pair, struct mr_error *error)
{
    int rc = check_names(pair, error);
    for (size_t i = 0; !rc && i < pair->reader->fields_count; i++) {
        const struct avsc_field *field = &pair->reader->fields[i];
        const struct avsc_field *written = find_field(pair->writer, field->name);
        char where[256];
        const char *record = avsc_simple_name(pair->reader->full_name);
        (void)snprintf(where, sizeof where, "%s.%s", record, field->name);
        if (written)
            rc = compatibility_check_pair(
                &(struct pair){pair, field->type, written->type, where}, error);
        else if (!field->has_default)
            rc = mr_fail(error, MR_CONFLICT, "%s: is not written and has no default", where);
    }
    return rc;
}

static int check_enum(const struct pair *pair, struct mr_error *error)
{
    int rc = check_names(pair, error);
    for (size_t i = 0; !rc && i < pair->writer->symbols_count; i++) {
        const char *symbol = pair->writer->symbols[i];
        bool known = pair->reader->has_default;
        for (size_t j = 0; !known && j < pair->reader->symbols_count; j++)
            known = strcmp(pair->reader->symbols[j], symbol) == 0;
        if (!known)
            rc = mr_fail(error, MR_CONFLICT, "%s: the symbol %s is not known", pair->where, symbol);
    }
    return rc;
}

/* Every branch that can have been written must be readable. */
static int check_written_union(const struct pair *pair, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < pair->writer->branches_count; i++)
        rc = compatibility_check_pair(
            &(struct pair){pair, pair->reader, pair->writer->branches[i], pair->where}, error);
    return rc;
}

/* One branch that can read it is enough. */
static int check_reading_union(const struct pair *pair, struct mr_error *error)
{
    for (size_t i = 0; i < pair->reader->branches_count; i++)
        if (compatibility_check_pair(
                &(struct pair){pair, pair->reader->branches[i], pair->writer, pair->where}, NULL) ==
            0)
            return 0;
    return compatibility_refuse(pair, error);
}

static bool is_above(const struct pair *pair)
{
    for (const struct pair *at = pair->above; at; at = at->above)
        if (at->reader == pair->reader && at->writer == pair->writer)
            return true;
    return false;
}

/* Two schemas of one kind. Scalars always match; a new kind is a compiler's warning here. */
static int check_same_kind(const struct pair *pair, struct mr_error *error)
{
    switch (pair->reader->kind) {
    case AVSC_RECORD:
        return check_record(pair, error);
    case AVSC_ENUM:
        return check_enum(pair, error);
    case AVSC_FIXED:
        if (pair->reader->size != pair->writer->size)
            return mr_fail(error, MR_CONFLICT, "%s: another size", pair->where);
        return check_names(pair, error);
    case AVSC_ARRAY:
    case AVSC_MAP:
        return compatibility_check_pair(
            &(struct pair){pair, pair->reader->branches[0], pair->writer->branches[0], pair->where},
            error);
    case AVSC_NULL:
    case AVSC_BOOLEAN:
    case AVSC_INT:
    case AVSC_LONG:
    case AVSC_FLOAT:
    case AVSC_DOUBLE:
    case AVSC_BYTES:
    case AVSC_STRING:
    case AVSC_UNION:
        break;
    }
    return 0;
}

static int compatibility_check_pair(const struct pair *pair, struct mr_error *error)
{
    if (is_above(pair))
        return 0;
    if (pair->writer->kind == AVSC_UNION)
        return check_written_union(pair, error);
    if (pair->reader->kind == AVSC_UNION)
        return check_reading_union(pair, error);
    if (pair->reader->kind == pair->writer->kind)
        return check_same_kind(pair, error);
    return compatibility_promotes(pair->reader->kind, pair->writer->kind)
               ? 0
               : compatibility_refuse(pair, error);
}

int compatibility_check(
    const struct avsc_node *reader, const struct avsc_node *writer, struct mr_error *error)
{
    const char *where = reader->full_name ? avsc_simple_name(reader->full_name) : "the schema";
    return compatibility_check_pair(&(struct pair){NULL, reader, writer, where}, error);
}
