"""Emits the codecs: per record the largest size it can encode to, a straight-line put, and a straight-line decode."""

from emit_header import item_type

BOUNDS = {"int": 5, "long": 10, "boolean": 1, "string": 10, "bytes": 10}
VERBS = {"int": "int", "long": "long", "boolean": "boolean", "string": "bytes", "bytes": "bytes"}


def bytes_min(record):
    """The fewest bytes one such record takes on the wire; counts are checked against it."""
    return sum(
        bytes_min(field.record) if field.shape == "one" and field.kind == "record" else 1
        for field in record.fields
    )


def internal_header(records):
    lines = [
        "/* shop_codec.h - what the generated sources share among themselves. Generated. */",
        "#ifndef SHOP_CODEC_H",
        "#define SHOP_CODEC_H",
        "",
        "#include <schemas/shop.h>",
        "",
    ]
    for record in records.values():
        prefix, c_type = f"shop_{record.snake}", record.c_type
        lines += [
            f"size_t {prefix}_bound(const {c_type} *v);",
            f"uint8_t *{prefix}_put(uint8_t *at, const {c_type} *v);",
            f"void {prefix}_encode_any(const void *value, struct mr_buffer *out);",
            f"int {prefix}_decode_any(struct codec_reader *in, struct mr_arena *arena, void *ret);",
            f"extern const struct codec_field {prefix}_fields[{len(record.fields)}];",
            "",
        ]
    return "\n".join(lines + ["#endif", ""])


def _bound_terms(record, path):
    """The constant part, and the expressions to add to it, for the record at `path`."""
    constant, terms, loops = 0, [], []
    for field in record.fields:
        at = f"{path}{field.name}"
        if field.shape in ("many", "map"):
            constant += 11
            loops.append(_bound_loop(field, at))
        elif field.kind == "record" and field.shape == "one":
            inner, inner_terms, inner_loops = _bound_terms(field.record, at + ".")
            constant, terms, loops = constant + inner, terms + inner_terms, loops + inner_loops
        elif field.kind == "record":
            constant += 1
            terms.append(f"({at} ? shop_{field.record.snake}_bound({at}) : 0)")
        else:
            constant += BOUNDS[field.kind] + (field.shape == "optional")
            if field.kind in ("string", "bytes"):
                terms.append(f"{at}.len")
    return constant, terms, loops


def _bound_loop(field, at):
    if field.shape == "map":
        size = f"20 + {at}[i].key.len + {at}[i].value.len"
    elif field.kind == "record":
        size = f"shop_{field.record.snake}_bound(&{at}[i])"
    else:
        size = f"10 + {at}[i].len"
    return f"    for (size_t i = 0; i < {at}_count; i++)\n        size += {size};\n"


def _bound(record):
    constant, terms, loops = _bound_terms(record, "v->")
    total = "".join(f"\n        + {term}" for term in terms)
    unused = "" if terms or loops else "    (void)v;\n"
    return (
        f"size_t shop_{record.snake}_bound(const {record.c_type} *v)\n{{\n{unused}"
        f"    size_t size = {constant}{total};\n{''.join(loops)}    return size;\n}}\n"
    )


def _put_value(field, at, indent):
    if field.kind == "record":
        pointer = at if field.shape == "optional" else f"&{at}"
        return f"{indent}at = shop_{field.record.snake}_put(at, {pointer});\n"
    return f"{indent}at = codec_put_{VERBS[field.kind]}(at, {at});\n"


def _put_field(field):
    at = f"v->{field.name}"
    if field.shape == "one":
        return _put_value(field, at, "    ")
    if field.shape == "optional":
        there = at
        if field.kind in ("string", "bytes"):
            there = f"{at}.ptr"
        elif field.kind != "record":
            there = f"v->has_{field.name}"
        return (
            f"    *at++ = {there} ? 2 : 0;\n    if ({there})\n" + _put_value(field, at, "        ")
        )
    if field.shape == "map":
        item = f"        at = codec_put_bytes(at, {at}[i].key);\n"
        item += f"        at = codec_put_bytes(at, {at}[i].value);\n"
    else:
        item = _put_value(field, f"{at}[i]", "        ")
    return (
        f"    if ({at}_count)\n        at = codec_put_long(at, (int64_t){at}_count);\n"
        f"    for (size_t i = 0; i < {at}_count; i++) {{\n{item}    }}\n    *at++ = 0;\n"
    )


def _put(record):
    body = "".join(_put_field(field) for field in record.fields)
    return (
        f"uint8_t *shop_{record.snake}_put(uint8_t *at, const {record.c_type} *v)\n"
        f"{{\n{body}    return at;\n}}\n"
    )


def _get_value(field, target, where, indent):
    if field.kind == "record":
        return (
            f"{indent}if (shop_{field.record.snake}_decode(in, arena, {target}))\n"
            f"{indent}    return MR_MALFORMED;\n"
        )
    return (
        f"{indent}if (!codec_get_{VERBS[field.kind]}(in, {target}))\n"
        f'{indent}    return codec_reader_fail(in, "{where}");\n'
    )


def _get_optional(field, where):
    at = f"ret->{field.name}"
    lines = (
        f"    if (!codec_get_branch(in, &present))\n"
        f'        return codec_reader_fail(in, "{where}");\n'
    )
    if field.kind == "record":
        c_type = field.record.c_type
        return (
            f"{lines}    {at} = NULL;\n    if (present) {{\n"
            f"        {c_type} *inner = mr_arena_alloc(arena, sizeof *inner);\n"
            f"{_get_value(field, 'inner', where, '        ')}        {at} = inner;\n    }}\n"
        )
    if field.kind in ("string", "bytes"):
        lines += f"    {at} = (struct mr_bytes){{0}};\n"
    else:
        lines += f"    {at} = 0;\n    ret->has_{field.name} = present;\n"
    value = _get_value(field, "&" + at, where, "        ")
    return f"{lines}    if (present) {{\n{value}    }}\n"


def _get_items(record, field):
    """A function of its own per array, so that the decode itself stays straight."""
    c_type, where = item_type(field), f"{record.name}.{field.name}"
    fewest = 1
    if field.shape == "map":
        fewest = 2
        item = _get_value(field, "&items[i].key", where, " " * 12)
        item += _get_value(field, "&items[i].value", where, " " * 12)
    else:
        if field.kind == "record":
            fewest = bytes_min(field.record)
        item = _get_value(field, "&items[i]", where, " " * 12)
    return (
        f"static int {record.snake}_get_{field.name}(struct codec_reader *in, struct mr_arena *arena, "
        f"{record.c_type} *ret)\n{{\n"
        f"    struct codec_items read = {{.item_size = sizeof({c_type}), .item_bytes_min = {fewest}}};\n"
        f"    do {{\n"
        f"        if (!codec_get_block(in, arena, &read))\n"
        f'            return codec_reader_fail(in, "{where}");\n'
        f"        {c_type} *items = read.ptr;\n"
        f"        for (size_t i = read.count; i < read.count + read.block; i++) {{\n{item}        }}\n"
        f"        read.count += read.block;\n"
        f"    }} while (read.block);\n"
        f"    ret->{field.name} = read.ptr;\n    ret->{field.name}_count = read.count;\n"
        f"    return 0;\n}}\n"
    )


def _get_field(record, field):
    where = f"{record.name}.{field.name}"
    if field.shape == "one":
        return _get_value(field, f"&ret->{field.name}", where, "    ")
    if field.shape == "optional":
        return _get_optional(field, where)
    return f"    if ({record.snake}_get_{field.name}(in, arena, ret))\n        return MR_MALFORMED;\n"


def _decode(record):
    shapes = {field.shape for field in record.fields}
    helpers = "".join(
        _get_items(record, field) + "\n" for field in record.fields if field.shape in ("many", "map")
    )
    uses_arena = shapes - {"one", "optional"} or any(f.kind == "record" for f in record.fields)
    return (
        f"{helpers}int shop_{record.snake}_decode(struct codec_reader *in, struct mr_arena *arena, "
        f"{record.c_type} *ret)\n{{\n"
        + ("" if uses_arena else "    (void)arena;\n")
        + ("    bool present;\n" if "optional" in shapes else "")
        + "".join(_get_field(record, field) for field in record.fields)
        + "    return 0;\n}\n"
    )


def _entries(record):
    prefix, c_type = f"shop_{record.snake}", record.c_type
    return (
        f"void {prefix}_encode(const {c_type} *value, struct mr_buffer *out)\n{{\n"
        f"    size_t bound = {prefix}_bound(value);\n"
        f"    char *start = mr_buffer_reserve(out, bound);\n"
        f"    size_t len = (size_t)((char *){prefix}_put((uint8_t *)start, value) - start);\n"
        f"    assert(len <= bound);\n    out->len += len;\n}}\n\n"
        f"void {prefix}_encode_any(const void *value, struct mr_buffer *out)\n{{\n"
        f"    {prefix}_encode(value, out);\n}}\n\n"
        f"int {prefix}_decode_any(struct codec_reader *in, struct mr_arena *arena, void *ret)\n{{\n"
        f"    return {prefix}_decode(in, arena, ret);\n}}\n"
    )


def codec_functions(record):
    return "\n".join((_bound(record), _put(record), _decode(record), _entries(record)))
