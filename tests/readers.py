#!/usr/bin/env python3
"""readers.py --bin DIR - `readers` and `writers` of schemas/topics.json are those that really read and write the topic.

Programs with an engine say it themselves: `millrace topology describe` in DIR prints the sources and sinks that they are
built of, and an aggregate reads its own events and outcomes when it is restored. The others name their topics as constants
in calls that read or send (CALLS). The tools that look at every topic, `millrace import` when it counts and `millrace topics
strangers`, are not readers of any. Prints each difference; exit code 1 when there is one.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
# The name in topics.json of an application of `describe`, if it is another one. A sub-topology may have its own.
NAMES = {"millrace-command": "command-api", "millrace-query": "query-api", "identity/claim": "identity-claim"}
READS = r"(?:import_read_topic|staff_read|topo_kafka_reader_add)\((?:[^;()]|\([^()]*\))*?\b(TOPIC_\w+)"
CALLS = {  # program: (files, calls that read, calls that send)
    "import": ("tools/import_*.c", READS, r"\bimport_send_\w+\((?:[^;()]|\([^()]*\))*?\b(TOPIC_\w+)|^\s+(TOPIC_\w+_COMMANDS),$"),
    "staff": ("tools/staff_*.c tools/cmd_product.c tools/cmd_stock.c tools/cmd_order.c tools/cmd_attention.c tools/cmd_user.c", READS,
              r"\bstaff_send\((?:[^;()]|\([^()]*\))*?\b(TOPIC_\w+)"),
    "command-api": ("command-api/src/*.c", READS, r"\bcall_send\((?:[^;()]|\([^()]*\))*?\b(TOPIC_\w+)"),
}
# They read or write whatever topic they are given: all of the shop's, or the registry's own, which is not in topics.json.
GENERAL = {"service/src/registry.c", "tools/cmd_schemas.c", "tools/cmd_strangers.c", "tools/import_count.c"}
FOLDERS = "api", "command-api", "payment-connector", "processors", "query-api", "service", "tools"


def describe(folder, topics):
    """Adds the readers and writers that the engines are built of."""
    printed = subprocess.run(
        [folder / "millrace", "topology", "describe", "--format", "json"], capture_output=True, text=True, timeout=60, check=True)
    for application in json.loads(printed.stdout):
        for sub in application["sub_topologies"]:
            own = application["application_id"]
            name = NAMES.get(f"{own}/{sub['name']}", NAMES.get(own, own))
            for node in sub["nodes"]:
                for topic in node.get("topics", []):
                    topics[topic]["readers"].add(name)
                if node["kind"] == "sink":
                    topics[node["topic"]]["writers"].add(name)
                    if node["role"] in ("events", "outcomes"):
                        topics[node["topic"]]["readers"].add(name)
            for store in sub["stores"]:
                if "changelog_topic" in store:
                    topics[store["changelog_topic"]]["readers"].add(name)
                    topics[store["changelog_topic"]]["writers"].add(name)
        if application.get("dead_letters"):
            topics[application["dead_letters"]]["writers"].add(application["application_id"])


def find_sources(patterns):
    return [path for pattern in patterns.split() for path in TOP.glob(pattern)]


def search_calls(topics):
    """Adds what the programs without a source for it read and send by hand."""
    constants = {"TOPIC_" + re.sub(r"[^A-Z0-9]", "_", topic.upper()): topic for topic in list(topics)}
    for program, (pattern, reads, sends) in CALLS.items():
        for path in find_sources(pattern):
            source = path.read_text(encoding="utf-8")
            for key, regex in (("readers", reads), ("writers", sends)):
                for found in re.finditer(regex, source, re.M):
                    topics[constants[next(filter(None, found.groups()))]][key].add(program)


def find_unknown_files():
    """Files that read or write Kafka by hand and that CALLS does not search."""
    searched = {path for pattern, _, _ in CALLS.values() for path in find_sources(pattern)} | {TOP / name for name in GENERAL}
    for folder in FOLDERS:
        for path in sorted(set((TOP / folder).rglob("*.c")) - searched):
            if re.search(r"\btopo_kafka_(?:reader_add|produce)\(", path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(TOP)}: reads or writes Kafka; CALLS or GENERAL of tests/readers.py must name it"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, metavar="DIR")
    options = parser.parse_args()
    written = json.loads((TOP / "schemas/topics.json").read_text(encoding="utf-8"))
    topics = collections.defaultdict(lambda: {"readers": set(), "writers": set()})
    for topic in written:
        topics[topic["name"]]  # In any case, even if nobody uses it.
    describe(options.bin, topics)
    search_calls(topics)
    differences = 0
    for topic in written:
        for key, real in topics[topic["name"]].items():
            if set(topic[key]) != real:
                differences += 1
                print(f"{topic['name']}: {key} are {sorted(topic[key])} in topics.json, really {sorted(real)}")
    for name in sorted(set(topics) - {topic["name"] for topic in written}):
        differences += 1
        print(f"{name}: used, and not in topics.json")
    unknown = list(find_unknown_files())
    print("".join(f"{line}\n" for line in unknown), end="")
    return 1 if differences or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
