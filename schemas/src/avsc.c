/* avsc.c - parses a schema's JSON, resolving names as the Avro specification says. */
#include "avsc.h"

#include <jansson.h>

enum { NESTING_MAX = 64, ITEMS_MAX = 4096 };

static const char *const kind_names[] = {
    [AVSC_NULL] = "null",
    [AVSC_BOOLEAN] = "boolean",
    [AVSC_INT] = "int",
    [AVSC_LONG] = "long",
    [AVSC_FLOAT] = "float",
    [AVSC_DOUBLE] = "double",
    [AVSC_BYTES] = "bytes",
    [AVSC_STRING] = "string",
    [AVSC_RECORD] = "record",
    [AVSC_ENUM] = "enum",
    [AVSC_FIXED] = "fixed",
    [AVSC_ARRAY] = "array",
    [AVSC_MAP] = "map",
    [AVSC_UNION] = "union",
};

enum { PRIMITIVES_END = AVSC_STRING + 1, KINDS_END = AVSC_UNION + 1 };

struct named {
    struct named *next;
    struct avsc_node *node;
};

struct parser {
    struct mr_arena *arena;
    struct named *names;
    struct mr_error *error;
    unsigned nesting;
};

static const struct avsc_node *
avsc_parse_type(struct parser *p, const json_t *json, const char *space);

const char *avsc_kind_name(enum avsc_kind kind)
{
    return kind_names[kind];
}

const char *avsc_simple_name(const char *full_name)
{
    const char *dot = strrchr(full_name, '.');
    return dot ? dot + 1 : full_name;
}

static const struct avsc_node *avsc_fail(struct parser *p, const char *what, const char *name)
{
    mr_fail(p->error, MR_MALFORMED, "no Avro schema: %s: %s", name ? name : "?", what);
    return NULL;
}

static int kind_of(const char *name, enum avsc_kind begin, int end)
{
    for (int kind = (int)begin; kind < end; kind++)
        if (strcmp(kind_names[kind], name) == 0)
            return kind;
    return -1;
}

static const char *avsc_qualify(struct parser *p, const char *name, const char *space)
{
    if (strchr(name, '.') || !*space)
        return mr_arena_cstr(p->arena, mr_cstr(name));
    return mr_arena_printf(p->arena, "%s.%s", space, name).ptr;
}

static struct avsc_node *add_node(struct parser *p, enum avsc_kind kind)
{
    struct avsc_node *node = mr_arena_zalloc(p->arena, sizeof *node);
    node->kind = kind;
    return node;
}

static const struct avsc_node *parse_name(struct parser *p, const char *name, const char *space)
{
    int kind = kind_of(name, AVSC_NULL, PRIMITIVES_END);
    if (kind >= 0)
        return add_node(p, (enum avsc_kind)kind);
    const char *full = avsc_qualify(p, name, space);
    for (const struct named *at = p->names; at; at = at->next)
        if (strcmp(at->node->full_name, full) == 0)
            return at->node;
    return avsc_fail(p, "a type that is not defined before", full);
}

static const struct avsc_node *parse_union(struct parser *p, const json_t *json, const char *space)
{
    struct avsc_node *node = add_node(p, AVSC_UNION);
    node->branches_count = json_array_size(json);
    if (node->branches_count > ITEMS_MAX)
        return avsc_fail(p, "too many branches", "union");
    node->branches = mr_arena_alloc(p->arena, node->branches_count * sizeof *node->branches);
    for (size_t i = 0; i < node->branches_count; i++) {
        node->branches[i] = avsc_parse_type(p, json_array_get(json, i), space);
        if (!node->branches[i])
            return NULL;
    }
    return node;
}

static const struct avsc_node *
parse_fields(struct parser *p, const json_t *json, struct avsc_node *node, const char *space)
{
    const json_t *fields = json_object_get(json, "fields");
    node->fields_count = json_array_size(fields);
    if (!json_is_array(fields) || node->fields_count > ITEMS_MAX)
        return avsc_fail(p, "a record without a list of fields", node->full_name);
    node->fields = mr_arena_zalloc(p->arena, node->fields_count * sizeof *node->fields);
    for (size_t i = 0; i < node->fields_count; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        if (!name)
            return avsc_fail(p, "a field without a name", node->full_name);
        node->fields[i].name = mr_arena_cstr(p->arena, mr_cstr(name));
        node->fields[i].has_default = json_object_get(field, "default") != NULL;
        node->fields[i].type = avsc_parse_type(p, json_object_get(field, "type"), space);
        if (!node->fields[i].type)
            return NULL;
    }
    return node;
}

static const struct avsc_node *
parse_symbols(struct parser *p, const json_t *json, struct avsc_node *node)
{
    const json_t *symbols = json_object_get(json, "symbols");
    node->symbols_count = json_array_size(symbols);
    node->has_default = json_object_get(json, "default") != NULL;
    if (!json_is_array(symbols) || node->symbols_count > ITEMS_MAX)
        return avsc_fail(p, "an enum without a list of symbols", node->full_name);
    node->symbols = mr_arena_alloc(p->arena, node->symbols_count * sizeof *node->symbols);
    for (size_t i = 0; i < node->symbols_count; i++) {
        const char *symbol = json_string_value(json_array_get(symbols, i));
        if (!symbol)
            return avsc_fail(p, "a symbol that is not a string", node->full_name);
        node->symbols[i] = mr_arena_cstr(p->arena, mr_cstr(symbol));
    }
    return node;
}

/* The enclosing namespace for what is inside `full_name`. */
static const char *space_of(struct parser *p, const char *full_name)
{
    const char *simple = avsc_simple_name(full_name);
    if (simple == full_name)
        return "";
    return mr_arena_cstr(p->arena, mr_bytes_of(full_name, (size_t)(simple - full_name) - 1));
}

static const struct avsc_node *
parse_named(struct parser *p, const json_t *json, enum avsc_kind kind, const char *space)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *own_space = json_string_value(json_object_get(json, "namespace"));
    if (!name)
        return avsc_fail(p, "a named type without a name", kind_names[kind]);
    struct avsc_node *node = add_node(p, kind);
    node->full_name = avsc_qualify(p, name, own_space ? own_space : space);
    struct named *named = mr_arena_alloc(p->arena, sizeof *named);
    *named = (struct named){p->names, node};
    p->names = named;
    if (kind == AVSC_RECORD)
        return parse_fields(p, json, node, space_of(p, node->full_name));
    if (kind == AVSC_ENUM)
        return parse_symbols(p, json, node);
    node->size = (int64_t)json_integer_value(json_object_get(json, "size"));
    return node->size >= 0 ? node : avsc_fail(p, "a size below 0", node->full_name);
}

static const struct avsc_node *parse_object(struct parser *p, const json_t *json, const char *space)
{
    const json_t *type = json_object_get(json, "type");
    if (!json_is_string(type))
        return avsc_parse_type(p, type, space);
    int kind = kind_of(json_string_value(type), AVSC_RECORD, KINDS_END);
    switch (kind) {
    case AVSC_RECORD:
    case AVSC_ENUM:
    case AVSC_FIXED:
        return parse_named(p, json, (enum avsc_kind)kind, space);
    case AVSC_ARRAY:
    case AVSC_MAP: {
        struct avsc_node *node = add_node(p, (enum avsc_kind)kind);
        node->branches = mr_arena_alloc(p->arena, sizeof *node->branches);
        node->branches_count = 1;
        const char *member = kind == AVSC_ARRAY ? "items" : "values";
        node->branches[0] = avsc_parse_type(p, json_object_get(json, member), space);
        return node->branches[0] ? node : NULL;
    }
    default:
        return parse_name(p, json_string_value(type), space);
    }
}

static const struct avsc_node *
avsc_parse_type(struct parser *p, const json_t *json, const char *space)
{
    if (p->nesting >= NESTING_MAX)
        return avsc_fail(p, "nested too deeply", space);
    p->nesting++;
    const struct avsc_node *node = NULL;
    if (json_is_string(json))
        node = parse_name(p, json_string_value(json), space);
    else if (json_is_array(json))
        node = parse_union(p, json, space);
    else if (json_is_object(json))
        node = parse_object(p, json, space);
    else
        avsc_fail(p, "a type is a string, a list or an object", space);
    p->nesting--;
    return node;
}

int avsc_parse(
    struct mr_bytes text,
    struct mr_arena *arena,
    const struct avsc_node **ret_node,
    struct mr_error *error)
{
    json_error_t problem;
    json_t *json = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &problem);
    if (!json)
        return mr_fail(error, MR_MALFORMED, "no Avro schema: no JSON: %s", problem.text);
    struct parser p = {.arena = arena, .error = error};
    const struct avsc_node *node = avsc_parse_type(&p, json, "");
    json_decref(json);
    if (!node)
        return MR_MALFORMED;
    *ret_node = node;
    return 0;
}

bool avsc_text_equal(struct mr_bytes a, struct mr_bytes b)
{
    if (mr_bytes_equal(a, b))
        return true;
    json_t *json_a = json_loadb(a.ptr, a.len, JSON_DECODE_ANY, NULL);
    json_t *json_b = json_loadb(b.ptr, b.len, JSON_DECODE_ANY, NULL);
    bool equal = json_a && json_b && json_equal(json_a, json_b);
    json_decref(json_a);
    json_decref(json_b);
    return equal;
}
