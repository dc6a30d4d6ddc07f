"""Turns schemas/avsc and topics.json into C: main.py SCHEMAS TOPICS OUT."""

import json
import pathlib
import sys

from emit_codec import codec_functions, internal_header
from emit_header import header
from emit_tables import field_table, topics_table, types_table
from model import SchemaError, load_records, load_topics


def unit_source(unit, records):
    mine = [record for record in records.values() if record.unit == unit]
    parts = [
        f"/* {unit}.c - codecs and field tables of {mine[0].namespace}. Generated. */\n"
        '#include "shop_codec.h"\n#include "wire.h"\n\n#include <assert.h>\n'
    ]
    for record in mine:
        parts += [codec_functions(record), field_table(record)]
    return "\n".join(parts)


def main(avsc, topics_json, out):
    records = load_records(avsc)
    topics = load_topics(topics_json, records)
    out = pathlib.Path(out)
    files = {
        "schemas/shop.h": header(records, topics),
        "shop_codec.h": internal_header(records),
        "shop_types.c": types_table(records, topics),
        "shop_topics.c": topics_table(topics),
    }
    for unit in {record.unit for record in records.values()}:
        files[f"{unit}.c"] = unit_source(unit, records)
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (SchemaError, json.JSONDecodeError, KeyError, OSError) as problem:
        sys.exit(f"schemas: {problem}")
