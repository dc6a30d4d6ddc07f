#!/usr/bin/env python3
"""pages.py - pages of docs/ that list things of the code list the same things as the code.

docs/concepts/saga.md names every test of a row, in that row. docs/reference/metrics.md names every metric.
docs/concepts/path-of-an-event.md names every function whose comment says a step of the path. docs/reference/log-events.md
names every log event of the programs. The constants of docs/operations/limits.md have the values that the code has.
"""
import itertools
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
    if numbers != list(range(1, 35)):
        yield "docs/concepts/saga.md: the rows are not 1 to 34, each once"


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


def check_limits():
    page = "docs/operations/limits.md"
    sources = [path.read_text(encoding="utf-8") for folder in ("api", "command-api", "http", "processors", "query-api")
               for path in (TOP / folder).rglob("*.[ch]")]
    for name, value in re.findall(r"^\| [^|]+ \| `([A-Z][A-Z_]+[A-Z])` \| ([^|]+) \|$", read(page), re.M):
        found = {m[1] for source in sources for m in re.finditer(rf"\b{name} = ([^,}}\n]+?)\s*[,}}]", source)}
        if found != {value}:
            yield f"{page}: {name} is {value}, in the code {', '.join(sorted(found)) or 'nothing'}"


def main():
    findings = [*check_saga(), *check_metrics(), *check_path(), *check_events(), *check_limits()]
    print("\n".join(findings) if findings else "every listed page lists what the code has")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
