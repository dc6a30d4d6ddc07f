"""codegen_test.py - the generator: names, self-contained schema texts, and what it refuses. Run: codegen_test.py FOLDER."""

import json
import pathlib
import sys
import tempfile
import unittest

SCHEMAS = pathlib.Path(sys.argv.pop(1))
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCHEMAS / "codegen"))

from emit_codec import bytes_min  # noqa: E402
from model import SchemaError, load_records, load_topics  # noqa: E402
from schema_text import schema_text  # noqa: E402


def record(name, *fields, namespace="shop.a"):
    return {"type": "record", "name": name, "namespace": namespace, "fields": list(fields)}


def field(name, avro, **more):
    return dict(name=name, type=avro, **more)


def load(*sources, file_names=None):
    with tempfile.TemporaryDirectory() as folder:
        for i, source in enumerate(sources):
            name = file_names[i] if file_names else source["name"]
            (pathlib.Path(folder) / f"{name}.avsc").write_text(json.dumps(source))
        return load_records(folder)


class Generator(unittest.TestCase):
    def refused(self, words, *sources, **more):
        with self.assertRaises(SchemaError) as raised:
            load(*sources, **more)
        self.assertIn(words, str(raised.exception))

    def test_a_record_comes_after_what_it_contains(self):
        records = load(
            record("A", field("b", "shop.b.Z")), record("Z", field("x", "int"), namespace="shop.b")
        )
        self.assertEqual(list(records), ["shop.b.Z", "shop.a.A"])

    def test_names_become_c_names(self):
        only = next(iter(load(record("RecordPspResult", field("op", "string"))).values()))
        self.assertEqual(only.c_type, "struct shop_record_psp_result")
        self.assertEqual(only.enumerator, "SHOP_RECORD_PSP_RESULT")
        self.assertEqual(only.unit, "shop_a")

    def test_a_type_is_spelt_out_where_it_is_first_used(self):
        records = load(
            record("A", field("one", "shop.b.Z"), field("two", ["null", "shop.b.Z"], default=None)),
            record("Z", field("x", "shop.b.Y"), namespace="shop.b"),
            record("Y", field("y", "int"), namespace="shop.b"),
        )
        text = json.loads(schema_text(records["shop.a.A"], records))
        one, two = (member["type"] for member in text["fields"])
        self.assertEqual((one["name"], one["namespace"]), ("Z", "shop.b"))
        self.assertNotIn("namespace", one["fields"][0]["type"])
        self.assertEqual(two, ["null", "shop.b.Z"])

    def test_a_type_of_the_same_namespace_is_named_without_it(self):
        records = load(
            record("A", field("one", "shop.a.Y"), field("two", "shop.a.Y")),
            record("Y", field("y", "int")),
        )
        text = json.loads(schema_text(records["shop.a.A"], records))
        self.assertEqual(text["fields"][1]["type"], "Y")

    def test_the_fewest_bytes_of_a_record_are_counted(self):
        records = load(
            record("A", field("z", "shop.a.Z"), field("o", ["null", "shop.a.Z"], default=None)),
            record("Z", field("x", "int"), field("y", "string")),
        )
        self.assertEqual(bytes_min(records["shop.a.A"]), 3)

    def test_what_the_codecs_cannot_carry_is_refused(self):
        self.refused("no enum", record("A", field("e", {"type": "enum", "name": "E", "symbols": []})))
        self.refused("double is not used", record("A", field("d", "double")))
        self.refused("the only union", record("A", field("u", ["null", "int", "string"])))
        self.refused("the only union", record("A", field("u", ["int", "null"])))
        self.refused("items are strings", record("A", field("l", {"type": "array", "items": "long"})))
        self.refused("string values", record("A", field("m", {"type": "map", "values": "int"})))
        self.refused(
            "use an empty one",
            record("A", field("l", ["null", {"type": "array", "items": "string"}], default=None)),
        )

    def test_a_wrong_default_is_refused(self):
        self.refused("default null", record("A", field("o", ["null", "int"])))
        self.refused("is not supported", record("A", field("o", ["null", "int"], default=1)))
        self.refused("is not supported", record("A", field("i", "int", default="1")))
        self.refused("is not supported", record("A", field("b", "boolean", default=0)))
        load(record("A", field("i", "int", default=1), field("b", "boolean", default=True)))

    def test_wrong_names_are_refused(self):
        self.refused("is named A inside", record("A", field("i", "int")), file_names=["B"])
        self.refused("snake_case", record("A", field("theName", "int")))
        self.refused("no C keyword", record("A", field("switch", "int")))
        self.refused("no file defines shop.a.B", record("A", field("b", "shop.a.B")))
        self.refused("contains itself", record("A", field("b", ["null", "shop.a.A"], default=None)))
        self.refused("has no field", record("A"))

    def test_a_topic_of_an_unknown_record_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "topics.json"
            path.write_text(json.dumps([{"name": "t", "records": ["X"], "cleanup": "delete"}]))
            with self.assertRaises(SchemaError):
                load_topics(path, {})


class Shop(unittest.TestCase):
    """The rules of the house, held against the real files."""

    def setUp(self):
        self.records = load_records(SCHEMAS / "avsc")
        self.topics = load_topics(SCHEMAS / "topics.json", self.records)

    def test_simple_names_are_unique(self):
        names = [record.name for record in self.records.values()]
        self.assertEqual(len(names), len(set(names)))

    def test_every_event_starts_with_meta_and_every_command_with_whom_it_is_from(self):
        for topic in self.topics:
            for member in topic["records"]:
                first = member.fields[0].record.name if member.fields[0].record else None
                if topic["name"].endswith(".events"):
                    self.assertEqual(first, "Meta", member.name)
                if topic["name"].endswith((".commands", ".replies")) and "gateway" not in topic["name"]:
                    self.assertIn(first, ("CommandMeta", "SagaMeta"), member.name)

    def test_events_are_kept_without_end_and_stay_compatible_both_ways(self):
        for topic in self.topics:
            if topic["name"].endswith(".events"):
                # A notification asks a connector to send something: it is not a fact, and no store folds it.
                kept = 30 * 24 * 3600 * 1000 if topic["name"] == "notifications.events" else -1
                self.assertEqual((topic["cleanup"], topic["retention_ms"]), ("delete", kept))
                self.assertEqual(topic["compatibility"], "FULL_TRANSITIVE")

    def test_topics_of_one_family_have_one_partition_count(self):
        families = {}
        for topic in self.topics:
            if topic["writers"] and topic["cleanup"] == "delete" and topic["records"]:
                counts = families.setdefault(topic["key"], set())
                counts.add(tuple(topic["partitions"].values()))
        for key in ("email_key", "product_id", "owner_id", "payment_id"):
            self.assertEqual(len(families[key]), 1, key)

    def test_times_are_marked_as_times(self):
        for record in self.records.values():
            for source in record.source["fields"]:
                if source["name"].endswith(("_at", "_until", "deadline")):
                    self.assertIn("timestamp-millis", json.dumps(source), record.name)


if __name__ == "__main__":
    unittest.main()
