"""The self-contained text of a schema, as it is registered: compact JSON, each named type spelt out where it is first used."""

import json


def schema_text(record, records):
    return json.dumps(_record(record, "", set(), records), separators=(",", ":"), ensure_ascii=False)


def _record(record, enclosing, seen, records):
    """In the order and with the name rules of Avro's own printer, so that registries compare equal."""
    seen.add(record.full_name)
    text = {"type": "record", "name": record.name}
    if record.namespace != enclosing:
        text["namespace"] = record.namespace
    if record.doc:
        text["doc"] = record.doc
    text["fields"] = [
        _field(source, record.namespace, seen, records) for source in record.source["fields"]
    ]
    return text


def _field(source, enclosing, seen, records):
    text = {"name": source["name"], "type": _type(source["type"], enclosing, seen, records)}
    for key in ("doc", "default"):
        if key in source:
            text[key] = source[key]
    return text


def _type(avro, enclosing, seen, records):
    if isinstance(avro, list):
        return [_type(branch, enclosing, seen, records) for branch in avro]
    if isinstance(avro, dict):
        inner = {"array": "items", "map": "values"}.get(avro["type"])
        if inner:
            return dict(avro, **{inner: _type(avro[inner], enclosing, seen, records)})
        return avro
    if avro not in records:
        return avro
    record = records[avro]
    if avro not in seen:
        return _record(record, enclosing, seen, records)
    return record.name if record.namespace == enclosing else avro
