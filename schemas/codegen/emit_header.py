"""Emits shop.h: a struct per record, the enums of types and topics, the typed encode and decode functions."""

import re
import textwrap

C_SCALARS = {
    "string": "struct mr_bytes",
    "bytes": "struct mr_bytes",
    "int": "int32_t",
    "long": "int64_t",
    "boolean": "bool",
}

HEAD = """\
/*
 * shop.h - the records of the shop as C structs. Generated from schemas/avsc and topics.json.
 *
 * Memory   A struct owns nothing. Strings and bytes are views: of the encoded bytes after a
 *          decode, of anything that outlives the call before an encode. Optional records and
 *          arrays are pointers; a decode puts them into the arena.
 * Absence  An optional string has ptr NULL, an optional record is NULL, an optional scalar
 *          has a bool has_<name> beside it. A required string with ptr NULL encodes as empty.
 * Ids      `enum shop_type` is for switches and tables inside one build; it is never stored.
 */
#ifndef SCHEMAS_SHOP_H
#define SCHEMAS_SHOP_H

#include <schemas/types.h>

struct shop_map_entry {
    struct mr_bytes key;
    struct mr_bytes value;
};
"""


def topic_enumerator(topic):
    return "SHOP_TOPIC_" + re.sub(r"[.-]", "_", topic["name"]).upper()


def topic_name_macro(topic):
    return "TOPIC_" + topic_enumerator(topic).removeprefix("SHOP_TOPIC_")


def item_type(field):
    """The C type of the value itself, or of one item."""
    if field.shape == "map":
        return "struct shop_map_entry"
    return field.record.c_type if field.kind == "record" else C_SCALARS[field.kind]


def _members(field):
    c_type = item_type(field)
    if field.shape in ("many", "map"):
        return [f"const {c_type} *{field.name};", f"size_t {field.name}_count;"]
    if field.shape == "optional" and field.kind == "record":
        return [f"const {c_type} *{field.name};"]
    if field.shape == "optional" and field.kind not in ("string", "bytes"):
        return [f"bool has_{field.name};", f"{c_type} {field.name};"]
    return [f"{c_type} {field.name};"]


def _comment(text, indent):
    if not text:
        return []
    lines = textwrap.wrap(text, 92 - len(indent))
    if len(lines) == 1:
        return [f"{indent}/* {lines[0]} */"]
    return [f"{indent}/*"] + [f"{indent} * {line}" for line in lines] + [f"{indent} */"]


def _struct(record):
    lines = _comment(record.doc, "") + [f"{record.c_type} {{"]
    for field in record.fields:
        lines += _comment(field.doc, "    ")
        lines += ["    " + member for member in _members(field)]
    return "\n".join(lines + ["};", ""])


def _enums(records, topics):
    types = "".join(f"    {record.enumerator},\n" for record in records)
    names = "".join(f"    {topic_enumerator(topic)},\n" for topic in topics)
    macros = "".join(f'#define {topic_name_macro(topic)} "{topic["name"]}"\n' for topic in topics)
    return (
        f"enum shop_type {{\n    SHOP_NONE = 0,\n{types}}};\n"
        f"enum {{ SHOP_TYPE_COUNT = {len(records) + 1} }};\n\n"
        f"enum shop_topic {{\n{names}}};\nenum {{ SHOP_TOPIC_COUNT = {len(topics)} }};\n\n"
        f"/* Their names. A name that is not in topics.json does not compile. */\n{macros}\n"
        "/* Indexed by enum shop_type; entry 0 is empty. */\n"
        "extern const struct codec_type shop_types[SHOP_TYPE_COUNT];\n\n"
        "/* Indexed by enum shop_topic. */\n"
        "extern const struct codec_topic shop_topics[SHOP_TOPIC_COUNT];\n"
    )


def _functions(record):
    c_type, prefix = record.c_type, f"shop_{record.snake}"
    return (
        f"void {prefix}_encode(const {c_type} *value, struct mr_buffer *out);\n"
        f"int {prefix}_decode(struct codec_reader *in, struct mr_arena *arena, {c_type} *ret);\n"
    )


def header(records, topics):
    parts = [HEAD] + [_struct(record) for record in records.values()]
    parts.append(_enums(list(records.values()), topics))
    parts.append(
        "/*\n * Encode appends the bare Avro bytes. Decode reads them from `in` and leaves it behind\n"
        " * them; it returns 0, or MR_MALFORMED with `in` saying why, and `ret` is then undefined.\n */"
    )
    parts += [_functions(record) for record in records.values()]
    return "\n".join(parts) + "\n#endif\n"
