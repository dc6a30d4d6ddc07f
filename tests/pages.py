#!/usr/bin/env python3
"""pages.py - pages of docs/ that list things of the code list the same things as the code.

docs/concepts/saga.md names every test of a row, in that row. docs/reference/metrics.md names every metric.
docs/concepts/path-of-an-event.md names every function whose comment says a step of the path. docs/reference/log-events.md
names every log event of the programs. The constants of docs/operations/limits.md have the values that the code has, and every
bound in a header is there. docs/concepts/forgetting.md has the retention of every topic,
docs/reference/exit-codes.md every exit code.
"""
import itertools
import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def compare(page, what, written, real):
    for name in sorted(real - written):
        yield f"{page}: {what} {name} is missing"
    for name in sorted(written - real):
        yield f"{page}: {what} {name} does not exist"


def rows_of_test(name):
    several = re.match(r"rows_(\d+)_and_(\d+)_", name)
    return set(several.groups()) if several else set(re.findall(r"row_(\d+)_", name))


def check_saga():
    real = set()
    for source in ("saga", "whole", "late"):
        for name in re.findall(r"static void (rows?_\d+_\w+)\(", read(f"tests/sim/shop_{source}_test.c")):
            real |= {f"{row}: {name}" for row in rows_of_test(name)}
    written, numbers = set(), []
    for row, rest in re.findall(r"^\| (\d+) \|(.*)$", read("docs/concepts/saga.md"), re.M):
        numbers.append(int(row))
        written |= {f"{row}: {name}" for name in re.findall(r"`(rows?_\w+)`", rest)}
    yield from compare("docs/concepts/saga.md", "row", written, real)
    if numbers != list(range(1, 37)):
        yield "docs/concepts/saga.md: the rows are not 1 to 36, each once"


def check_metrics():
    source = read("topology/src/engine/status.c")
    real = set(re.findall(r'"(topo_\w+)"', source))
    if "topo_commit_seconds_bucket{" in source:
        real.add("topo_commit_seconds")
    for folder in ("command-api", "http", "payment-connector", "query-api", "service"):
        for path in (TOP / folder).rglob("*.c"):
            real |= set(re.findall(r"# TYPE (millrace_\w+) ", path.read_text(encoding="utf-8")))
    written = set(re.findall(r"^\| `((?:topo|millrace)_\w+)`", read("docs/reference/metrics.md"), re.M))
    yield from compare("docs/reference/metrics.md", "metric", written, real)


def check_path():
    real = set()
    for folder in ("command-api", "processors", "query-api", "topology"):
        for path in (TOP / folder).rglob("*.c"):
            found = re.finditer(r"^/\* Step (\w+) of an event's path.*?\*/\s*[\w\s*]*?(\w+)\(", path.read_text(encoding="utf-8"), re.M | re.S)
            real |= {f"{m[1]}: {path.relative_to(TOP)}:{m[2]}" for m in found}
    written = set()
    for step, rest in re.findall(r"^\| (\d\w?) \|(.*)$", read("docs/concepts/path-of-an-event.md"), re.M):
        written |= {f"{step}: {place}" for place in re.findall(r"`([\w/-]+\.c:\w+)`", rest)}
    yield from compare("docs/concepts/path-of-an-event.md", "step", written, real)


LOG_CALL = re.compile(r"\b(?:mr_log|host_log)\(")


def events_of(source):
    """The names of the events that a C file logs: literals in lower case among the arguments of a call."""
    for call in LOG_CALL.finditer(source):
        depths = itertools.accumulate((c == "(") - (c == ")") for c in source[call.end() - 1:])
        length = next((n for n, depth in enumerate(depths) if depth == 0), 0)
        arguments = source[call.end():call.end() + length]
        yield from (text for text in re.findall(r'"((?:\\.|[^"\\])*)"', arguments) if re.fullmatch("[a-z][a-z-]*", text))


def check_events():
    page = "docs/reference/log-events.md"
    folders = "api", "command-api", "http", "payment-connector", "processors", "query-api", "service", "topology"
    sources = (path for folder in folders for path in (TOP / folder).rglob("*.c"))
    real = {event for path in sources for event in events_of(path.read_text(encoding="utf-8"))}
    yield from compare(page, "log event", set(re.findall(r"^\| `([a-z-]+)` \|", read(page), re.M)), real)


BOUND = re.compile(r"\b([A-Z][A-Z0-9_]*_(?:MAX|MIN|LIMIT))\b = |^#define ([A-Z][A-Z0-9_]*_(?:MAX|MIN|LIMIT)) ", re.M)
# Bounds of scratch space and of the schema registry, which no input of a user meets.
NOT_LISTED = {"SERVICE_ENGINES_MAX", "ROUTE_PARAMS_MAX", "ANSWER_HEADERS_MAX"}


def value_in(source, name):
    found = re.search(rf"\b{name} = ([^,}}\n]+?)\s*[,}}]|^#define {name}\s+(.+)$", source, re.M)
    return found and re.sub(r"INT64_C\((\d+)\)|\(\(size_t\)(\d+)\)", r"\1\2", found[1] or found[2])


def check_limits():
    page = "docs/operations/limits.md"
    listed = re.findall(r"^\| [^|]+ \| `([A-Z][A-Z_]+[A-Z])` \| ([^|]+) \| `([\w/.-]+)` \|$", read(page), re.M)
    for name, value, path in listed:
        found = value_in(read(path), name)
        if found != value:
            yield f"{page}: {name} is {value}, in {path} {found or 'nothing'}"
    for folder in ("api", "command-api", "http", "processors", "query-api", "service"):
        for path in (TOP / folder).rglob("*.h"):
            for found in BOUND.finditer(path.read_text(encoding="utf-8")):
                name = found[1] or found[2]
                if name not in NOT_LISTED | {name for name, _, _ in listed}:
                    yield f"{page}: {name} of {path.relative_to(TOP)} is missing"
    yield from check_engine_limits(page)


def check_engine_limits(page):
    """The defaults of struct topo_engine_options, and the command APIs that gateway.replies has partitions for."""
    source = read("topology/src/engine/engine.c")
    defaults = dict(re.findall(r"own->(\w+) = engine_or_default\(options->\w+, ([^)]+)\);", source))
    defaults |= dict(re.findall(r"own->(\w+) = options->\w+ \? options->\w+ : ([^;]+);", source))
    defaults = {name: value for name, value in defaults.items() if name.endswith(("_max", "_interval_ms"))}
    written = dict(re.findall(r"^\| [^|]+ \| `([a-z_]+)` \| ([^|]+) \|$", read(page), re.M))
    for name in sorted(defaults.keys() | written.keys()):
        defaults[name] = value_in(source, defaults.get(name)) or defaults.get(name)  # A number, or the name of one.
        plain = re.sub(r"(\d+) MiB", r"\1 << 20", written.get(name, "nothing")).replace(",", "")
        if plain != defaults.get(name):
            yield f"{page}: {name} is {plain}, in the code {defaults.get(name)}"
    replies = next(t for t in json.loads(read("schemas/topics.json")) if t["name"] == "gateway.replies")
    if {f"{count - 1}" for count in replies["partitions"].values()} != set(re.findall(r"at most (\d+) command APIs", read(page))):
        yield f"{page}: gateway.replies has {replies['partitions']} partitions"


def check_forgetting():
    """The retention of each topic that loses records; a topic's own row stands before that of a pattern."""
    page = "docs/concepts/forgetting.md"
    spans = {-1: "without end", 3600000: "an hour", 7 * 86400000: "7 days", 30 * 86400000: "30 days"}
    rows = re.findall(r"^\| ([^|]*`[^|]+`[^|]*) \| ([^|]+) \|", read(page), re.M)
    for topic in json.loads(read("schemas/topics.json")):
        if "delete" not in topic["cleanup"]:
            continue
        matching = [span for names, span in rows
                    if any(re.fullmatch(name.replace(".", r"\.").replace("*", ".*"), topic["name"]) for name in re.findall("`([^`]+)`", names))]
        if not matching or not matching[0].startswith(spans[topic["retention_ms"]]):
            yield f"{page}: {topic['name']} is kept for {topic['retention_ms']} ms, the page says {matching or 'nothing'}"


def check_exit_codes():
    page = "docs/reference/exit-codes.md"
    real = set(re.findall(r"\bEXIT_\w+ = (\d+)", read("service/src/service.c") + read("tools/command.h")))
    real |= set(re.findall(r"sys\.exit\((\d+)\)", read("tools/dev/terminal.py")))
    real |= set(re.findall(r"^ +return (\d)\b", read("tools/dev/status.py"), re.M))
    head, *rest = re.findall(r"^\|.*\|$", read(page), re.M)
    written = set(re.findall(r"\| (\d)(?= )", head.replace(" |", " | |"))) | set(re.findall(r"\b(\d+): ", "".join(rest)))
    yield from compare(page, "exit code", written, real)


def main():
    findings = [*check_saga(), *check_metrics(), *check_path(), *check_events(), *check_limits(), *check_forgetting(),
                *check_exit_codes()]
    print("\n".join(findings) if findings else "every listed page lists what the code has")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
