#!/usr/bin/env python3
"""pages.py - pages of docs/ that list things of the code list the same things as the code.

docs/concepts/saga.md names every test of a row, in that row. docs/reference/metrics.md names every metric of the runtime.
docs/concepts/path-of-an-event.md names every function whose comment says a step of the path.
"""
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
    written = set(re.findall(r"^\| `(topo_\w+)`", read("docs/reference/metrics.md"), re.M))
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


def main():
    findings = [*check_saga(), *check_metrics(), *check_path()]
    print("\n".join(findings) if findings else "every listed page lists what the code has")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
