"""Reads the .avsc files and topics.json into records, fields and topics, and refuses what the codecs cannot carry."""

import json
import pathlib
import re
from dataclasses import dataclass, field

SCALARS = ("string", "bytes", "int", "long", "boolean")
MISSING = object()
C_KEYWORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while bool".split()
)


class SchemaError(Exception):
    """A sentence for the person who edited the schema."""


@dataclass
class Field:
    name: str
    doc: str
    kind: str  # One of SCALARS, or "record": of the value, or of each item.
    shape: str  # "one", "optional", "many" or "map".
    record: "Record | None"
    default: object


@dataclass
class Record:
    name: str
    namespace: str
    doc: str
    source: dict
    fields: list = field(default_factory=list)

    @property
    def full_name(self):
        return f"{self.namespace}.{self.name}"

    @property
    def snake(self):
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).lower()

    @property
    def c_type(self):
        return f"struct shop_{self.snake}"

    @property
    def enumerator(self):
        return f"SHOP_{self.snake.upper()}"

    @property
    def unit(self):
        """The generated source file it goes to: one per namespace."""
        return "shop_" + self.namespace.split(".")[-1]


def load_records(folder):
    """Every record by full name, each after the records that it contains."""
    sources = {}
    for path in sorted(pathlib.Path(folder).glob("*.avsc")):
        source = json.loads(path.read_text())
        record = Record(source["name"], source["namespace"], source.get("doc", ""), source)
        if path.stem != record.name:
            raise SchemaError(f"{path.name}: is named {record.name} inside")
        if source["type"] != "record":
            raise SchemaError(f"{path.name}: is not a record")
        sources[record.full_name] = record
    ordered = {}
    for name in sorted(sources):
        _resolve(name, sources, ordered, [])
    return ordered


def _resolve(name, sources, ordered, within):
    if name in ordered:
        return ordered[name]
    if name in within:
        raise SchemaError(f"{name}: contains itself")
    if name not in sources:
        raise SchemaError(f"{within[-1]}: no file defines {name}")
    record = sources[name]
    for source in record.source["fields"]:
        where = f"{record.name}.{source['name']}"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", source["name"]) or source["name"] in C_KEYWORDS:
            raise SchemaError(f"{where}: a field name is snake_case and no C keyword")
        shape, kind = _shape(source["type"], where)
        nested = None
        if kind not in SCALARS:
            nested, kind = _resolve(kind, sources, ordered, within + [name]), "record"
        default = source.get("default", MISSING)
        _check_default(default, shape, kind, where)
        record.fields.append(Field(source["name"], source.get("doc", ""), kind, shape, nested, default))
    if not record.fields:
        raise SchemaError(f"{record.name}: has no field")
    ordered[name] = record
    return record


def _shape(avro, where):
    """The shape and the name of the type inside it."""
    if isinstance(avro, list):
        if len(avro) != 2 or avro[0] != "null":
            raise SchemaError(f'{where}: the only union is ["null", T]')
        shape, inner = _shape(avro[1], where)
        if shape != "one":
            raise SchemaError(f"{where}: an optional {shape} is not supported; use an empty one")
        return "optional", inner
    if isinstance(avro, dict):
        if avro["type"] == "array":
            shape, inner = _shape(avro["items"], where)
            if shape != "one" or inner not in ("string",) and inner in SCALARS:
                raise SchemaError(f"{where}: items are strings or records")
            return "many", inner
        if avro["type"] == "map":
            if avro["values"] != "string":
                raise SchemaError(f"{where}: a map has string values")
            return "map", "string"
        if avro["type"] in ("record", "enum", "fixed"):
            raise SchemaError(f"{where}: named types have their own file; no enum, no fixed")
        return _shape(avro["type"], where)
    if avro in ("float", "double", "null"):
        raise SchemaError(f"{where}: {avro} is not used here")
    return "one", avro


def _check_default(default, shape, kind, where):
    if default is MISSING:
        if shape == "optional":
            raise SchemaError(f"{where}: an optional field has the default null")
        return
    fits = {
        "optional": default is None,
        "many": default == [],
        "map": default == {},
    }.get(shape)
    if fits is None:
        python = {"string": str, "int": int, "long": int, "boolean": bool}.get(kind)
        fits = python is not None and type(default) is python
    if not fits:
        raise SchemaError(f"{where}: the default {json.dumps(default)} is not supported")


def load_topics(path, records):
    """The topics as topics.json has them, `records` replaced by the records themselves."""
    by_name = {record.name: record for record in records.values()}
    topics = json.loads(pathlib.Path(path).read_text())
    for topic in topics:
        for name in topic["records"]:
            if name not in by_name:
                raise SchemaError(f"topics.json: {topic['name']}: no file defines {name}")
        topic["records"] = [by_name[name] for name in topic["records"]]
        if topic["cleanup"] not in ("delete", "compact"):
            raise SchemaError(f"topics.json: {topic['name']}: cleanup is delete or compact")
    names = [topic["name"] for topic in topics]
    if len(set(names)) != len(names):
        raise SchemaError("topics.json: a topic is there twice")
    return topics
