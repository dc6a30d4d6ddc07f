/*
 * walk.c - walks a schema and bytes together, allocating nothing.
 *
 * Avro has values of no bytes (null, an empty record), so a count need not be bounded by the
 * bytes that are left: items are held against a budget for the whole value instead.
 */
#include "walk.h"

#include "wire.h"

enum { NESTING_MAX = 64, SPARE_ITEMS = 1024 };

struct walk {
    struct codec_reader *in;
    int64_t items_left;
    unsigned nesting;
};

static bool walk_value(struct walk *w, const struct avsc_node *node);

static bool walk_skip(struct codec_reader *in, int64_t bytes)
{
    if (bytes > in->end - in->at)
        return codec_get_problem(in, "truncated");
    in->at += bytes;
    return true;
}

/* The index of a union branch or a symbol. */
static bool get_index(struct codec_reader *in, size_t count, int64_t *ret)
{
    if (!codec_get_long(in, ret))
        return false;
    if (*ret < 0 || (uint64_t)*ret >= count)
        return codec_get_problem(in, "a branch or symbol that does not exist");
    return true;
}

static bool get_count(struct walk *w, int64_t *ret)
{
    int64_t count;
    int64_t size = 0;
    if (!codec_get_long(w->in, &count))
        return false;
    if (count < 0 && !codec_get_long(w->in, &size))
        return false;
    if (count == INT64_MIN || size < 0)
        return codec_get_problem(w->in, "a block with a bad size");
    count = count < 0 ? -count : count;
    if (count > w->items_left)
        return codec_get_problem(w->in, "more items than there are bytes for");
    w->items_left -= count;
    *ret = count;
    return true;
}

static bool walk_items(struct walk *w, const struct avsc_node *node)
{
    int64_t count;
    do {
        if (!get_count(w, &count))
            return false;
        for (int64_t i = 0; i < count; i++) {
            struct mr_bytes key;
            if (node->kind == AVSC_MAP && !codec_get_bytes(w->in, &key))
                return false;
            if (!walk_value(w, node->branches[0]))
                return false;
        }
    } while (count);
    return true;
}

static bool walk_fields(struct walk *w, const struct avsc_node *node)
{
    for (size_t i = 0; i < node->fields_count; i++)
        if (!walk_value(w, node->fields[i].type)) {
            (void)codec_reader_fail(w->in, node->fields[i].name);
            return false;
        }
    return true;
}

/* Passes over one value of the writer's schema; false when the bytes do not fit it. */
static bool walk_node(struct walk *w, const struct avsc_node *node)
{
    struct mr_bytes text;
    int64_t number;
    int32_t small;
    bool flag;
    switch (node->kind) {
    case AVSC_NULL:
        return true;
    case AVSC_BOOLEAN:
        return codec_get_boolean(w->in, &flag);
    case AVSC_INT:
        return codec_get_int(w->in, &small);
    case AVSC_LONG:
        return codec_get_long(w->in, &number);
    case AVSC_FLOAT:
        return walk_skip(w->in, 4);
    case AVSC_DOUBLE:
        return walk_skip(w->in, 8);
    case AVSC_BYTES:
    case AVSC_STRING:
        return codec_get_bytes(w->in, &text);
    case AVSC_RECORD:
        return walk_fields(w, node);
    case AVSC_ENUM:
        return get_index(w->in, node->symbols_count, &number);
    case AVSC_FIXED:
        return walk_skip(w->in, node->size);
    case AVSC_ARRAY:
    case AVSC_MAP:
        return walk_items(w, node);
    case AVSC_UNION:
        return get_index(w->in, node->branches_count, &number) &&
               walk_value(w, node->branches[number]);
    }
    return false;
}

static bool walk_value(struct walk *w, const struct avsc_node *node)
{
    if (w->nesting == NESTING_MAX)
        return codec_get_problem(w->in, "nested too deeply");
    w->nesting++;
    bool good = walk_node(w, node);
    w->nesting--;
    return good;
}

int walk_check(const struct avsc_node *schema, struct codec_reader *in)
{
    struct walk w = {.in = in, .items_left = (in->end - in->at) + SPARE_ITEMS};
    if (!walk_value(&w, schema))
        return codec_reader_fail(in, "the start");
    if (in->at == in->end)
        return 0;
    in->problem = "bytes left over";
    return codec_reader_fail(in, "the end");
}
