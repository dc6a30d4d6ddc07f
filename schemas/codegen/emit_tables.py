"""Emits the tables: fields per record, all types with their schema texts, all topics."""


from emit_header import topic_enumerator
from model import MISSING
from schema_text import schema_text


def _quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _field(record, field):
    parts = [
        f".name = {_quote(field.name)}",
        f".kind = CODEC_{field.kind.upper()}",
        f".shape = CODEC_{field.shape.upper()}",
        f".offset = offsetof({record.c_type}, {field.name})",
    ]
    if field.shape in ("many", "map"):
        parts.append(f".beside = offsetof({record.c_type}, {field.name}_count)")
    if field.shape == "optional" and field.kind in ("int", "long", "boolean"):
        parts.append(f".beside = offsetof({record.c_type}, has_{field.name})")
    if field.record:
        parts.append(f".record = &shop_types[{field.record.enumerator}]")
    if field.default is not MISSING:
        parts.append(".has_default = true")
        if isinstance(field.default, str):
            parts.append(f".default_text = MR_LITERAL({_quote(field.default)})")
        elif isinstance(field.default, (bool, int)):
            parts.append(f".default_number = {int(field.default)}")
    return "    {" + ",\n     ".join(parts) + "},\n"


def field_table(record):
    rows = "".join(_field(record, field) for field in record.fields)
    return (
        f"const struct codec_field shop_{record.snake}_fields[{len(record.fields)}] = {{\n{rows}}};\n"
    )


def _literal(text):
    """Adjacent literals of at most 80 characters."""
    pieces = [text[i : i + 80] for i in range(0, len(text), 80)]
    return "\n        ".join(_quote(piece) for piece in pieces)


def _type(record, records, topics):
    homes = [topic for topic in topics if record in topic["records"]]
    topic = f"&shop_topics[{topic_enumerator(homes[0])}]" if len(homes) == 1 else "NULL"
    prefix = f"shop_{record.snake}"
    return (
        f"    [{record.enumerator}] = {{\n"
        f"        .name = {_quote(record.name)},\n"
        f"        .full_name = {_quote(record.full_name)},\n"
        f"        .schema = MR_LITERAL({_literal(schema_text(record, records))}),\n"
        f"        .size = sizeof({record.c_type}),\n"
        f"        .fields = {prefix}_fields,\n"
        f"        .fields_count = {len(record.fields)},\n"
        f"        .topic = {topic},\n"
        f"        .encode = {prefix}_encode_any,\n"
        f"        .decode = {prefix}_decode_any,\n    }},\n"
    )


def types_table(records, topics):
    rows = "".join(_type(record, records, topics) for record in records.values())
    return (
        "/* shop_types.c - every record's description and schema text. Generated. */\n"
        '#include "shop_codec.h"\n\n'
        "/* A schema text may be longer than the 4095 characters every compiler must take. */\n"
        '#pragma GCC diagnostic ignored "-Woverlength-strings"\n\n'
        f"const struct codec_type shop_types[SHOP_TYPE_COUNT] = {{\n{rows}}};\n"
    )


def _list(prefix, index, c_type, items):
    """A static array and the initialiser that refers to it."""
    if not items:
        return "", "NULL", 0
    array = f"static const {c_type} {prefix}_{index}[] = {{{', '.join(items)}}};\n"
    return array, f"{prefix}_{index}", len(items)


def _topic(topic, index):
    configs = [
        f"{{{_quote(name)}, {_quote(value)}}}" for name, value in sorted(topic["config"].items())
    ]
    types = [f"&shop_types[{record.enumerator}]" for record in topic["records"]]
    lists = {
        "configs": _list("configs", index, "struct codec_config", configs),
        "types": _list("types", index, "struct codec_type *const", types),
        "writers": _list("writers", index, "char *const", [_quote(w) for w in topic["writers"]]),
        "readers": _list("readers", index, "char *const", [_quote(r) for r in topic["readers"]]),
    }
    rows = "".join(
        f"        .{name} = {pointer},\n        .{name}_count = {count},\n"
        for name, (_, pointer, count) in lists.items()
    )
    entry = (
        f"    [{topic_enumerator(topic)}] = {{\n"
        f"        .name = {_quote(topic['name'])},\n"
        f"        .key = {_quote(topic['key'])},\n"
        f"        .partitions_development = {topic['partitions']['development']},\n"
        f"        .partitions_production = {topic['partitions']['production']},\n"
        f"        .cleanup = {_quote(topic['cleanup'])},\n"
        f"        .retention_ms = {topic['retention_ms']},\n"
        f"        .rule = CODEC_{topic['compatibility']},\n{rows}    }},\n"
    )
    return "".join(array for array, _, _ in lists.values()), entry


def topics_table(topics):
    emitted = [_topic(topic, index) for index, topic in enumerate(topics)]
    return (
        "/* shop_topics.c - topics.json as a table. Generated. */\n"
        "#include <schemas/shop.h>\n\n"
        + "".join(arrays for arrays, _ in emitted)
        + "\nconst struct codec_topic shop_topics[SHOP_TOPIC_COUNT] = {\n"
        + "".join(entry for _, entry in emitted)
        + "};\n"
    )
