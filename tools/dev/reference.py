#!/usr/bin/env python3
"""reference.py [--check] [--bin DIR] - write docs/reference/ from what the programs are built from.

topics.md and schemas.md come from schemas/, headers.md from the public headers of libtopology; configuration.md, with --bin,
from what each program and each command of `millrace` in DIR prints for --help. problems.md and docs/openapi.json are
what `millrace api problems` and `millrace api describe` print.
--check writes nothing: exit code 1 when a page differs from what would be written.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = TOP / "docs/reference"
HEAD = "<!-- Written by tools/dev/reference.py. Edit its sources, then run it again. -->\n\n"
PROGRAMS = ["millrace-processors", "millrace-command-api", "millrace-query-api", "millrace-payments",
            "millrace"]


def duration(ms):
    if ms < 0:
        return "without limit"
    for name, size in (("days", 86400000), ("hours", 3600000), ("minutes", 60000)):
        if ms % size == 0 and ms >= size:
            count = ms // size
            return f"{count} {name if count > 1 else name[:-1]}"
    return f"{ms} ms"


def row(*cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


def topics_page():
    topics = json.loads((TOP / "schemas/topics.json").read_text(encoding="utf-8"))
    page = HEAD + "# Topics\n\nFrom `schemas/topics.json`. `millrace topics create` creates them. Records: [schemas](schemas.md).\n"
    for topic in topics:
        parts = topic["partitions"]
        page += f"\n## {topic['name']}\n\n| | |\n|--|--|\n"
        page += row("Key", f"`{topic['key']}`" if topic["key"] else "none")
        page += row("Partitions", f"{parts['development']} in development, {parts['production']} in production")
        page += row("Cleanup", topic["cleanup"])
        page += row("Kept", duration(topic["retention_ms"]) if "delete" in topic["cleanup"] else "the newest value of each key")
        page += row("Compatibility", f"`{topic['compatibility']}`")
        for name, value in topic["config"].items():
            page += row(f"`{name}`", f"`{value}`")
        links = [f"[{name}](schemas.md#{name.lower()})" for name in topic["records"]]
        page += row("Records", ", ".join(links))
        page += row("Written by", ", ".join(topic["writers"]))
        page += row("Read by", ", ".join(topic["readers"]) or "none of our programs")
    return page


def type_text(kind):
    if isinstance(kind, list):
        return " or ".join(type_text(part) for part in kind)
    if not isinstance(kind, dict):
        return kind
    if kind["type"] == "array":
        return f"array of {type_text(kind['items'])}"
    if kind["type"] == "map":
        return f"map of {type_text(kind['values'])}"
    logical = kind.get("logicalType")
    return f"{type_text(kind['type'])} ({logical})" if logical else type_text(kind.get("name", kind["type"]))


def schemas_page():
    page = HEAD + "# Schemas\n\nOne Avro record per file in `schemas/avsc/`. Topics: [topics](topics.md).\n"
    for path in sorted((TOP / "schemas/avsc").glob("*.avsc")):
        record = json.loads(path.read_text(encoding="utf-8"))
        page += f"\n## {record['name']}\n\n`{record['namespace']}.{record['name']}`. {record['doc']}\n\n"
        page += "| field | type | default | |\n|--|--|--|--|\n"
        for field in record["fields"]:
            default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
            page += row(f"`{field['name']}`", type_text(field["type"]), default, field.get("doc", ""))
    return page


def help_text(*argv):
    ran = subprocess.run([*argv, "--help"], capture_output=True, text=True, timeout=30, check=False)
    if ran.returncode or not ran.stdout:
        sys.exit(f"{' '.join(map(str, argv))} --help ended with {ran.returncode} and printed {len(ran.stdout)} characters")
    return "\n".join(line.rstrip() for line in ran.stdout.rstrip().splitlines())


def document(folder):
    return subprocess.run([folder / "millrace", "api", "describe"], capture_output=True, text=True, timeout=30, check=True).stdout


def problems_page(folder):
    ran = subprocess.run([folder / "millrace", "api", "problems"], capture_output=True, text=True, timeout=30, check=True)
    page = HEAD + "# Problems\n\nEvery refusal is `application/problem+json` (RFC 9457). Its `type` is `/problems/` and the name here; there each API\n"
    page += "explains it, as JSON or, for a browser, as HTML.\n"
    for name, status, title, cause, remedy in re.findall(r"^(\S+) (\d+): (.*)\n  cause: (.*)\n  remedy: (.*)\n", ran.stdout, re.M):
        page += f"\n## {name}\n\n{status}: {title}.\n\n{cause}\n\n{remedy}\n"
    return page


def commands_of(text):
    """The commands in a help text, without their operands: ["secrets init", ...]."""
    listed = re.search(r"^commands:\n((?:  .*\n)+)", text, re.M)
    return re.findall(r"^  ([a-z]+(?: [a-z]+)*)", listed[1], re.M) if listed else []


def configuration_page(folder):
    page = HEAD + "# Configuration\n\nWhat each program prints for `--help`. The variables of `tools/up`: [tools](tools.md).\n"
    for name in PROGRAMS:
        text = help_text(folder / name)
        page += f"\n## {name}\n\n```\n{text}\n```\n"
        for command in commands_of(text):
            page += f"\n### {name} {command}\n\n```\n{help_text(folder / name, *command.split())}\n```\n"
    return page


DECLARED = re.compile(r"^(?!typedef|(?:struct|enum) \w+ \{|enum \{|#|static)(?:[\w*]+[\s*]+)+?\**(topo_\w+)\(", re.M)
TYPE = re.compile(r"^(?:typedef [^;{]*?\b(topo_\w+)\(|(?:struct|enum) (topo_\w+)(?: \{|;))", re.M)


def sentence(comment):
    """The first sentence of a C comment, on one line; "" for a heading between functions."""
    words = re.sub(r"\n\s*\* ?", " ", comment[2:-2])
    first = re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(words.split()))[0]
    return "" if first.startswith("-") else first


TYPE_BEFORE = re.compile(r"\n(?:typedef [^;{}]*?\b(\w+_fn)\([^;{}]*;|(?:struct|enum) (\w+)(?:;| \{[^{}]*\n\};))$")


def explain_function(text, start, end):
    """The sentence above the declaration at text[start:end], above the types that it takes, or behind it."""
    above = text[:start].removesuffix("\n")
    declaration = text[start:text.index(";", end)]
    while (found := TYPE_BEFORE.search(above)) and re.search(rf"\b{found[1] or found[2]}\b", declaration):
        above = above[:found.start()]
    if above.endswith("*/"):
        return sentence(above[above.rindex("/*"):])
    behind = re.match(r"[^;]*;[ ]*(/\*[^\n]*\*/)", text[end:])
    return sentence(behind[1]) if behind else ""


def headers_page():
    """The sentence, functions and types of each public header of libtopology, as they stand in it."""
    page = HEAD + "# The headers of libtopology\n\nEach header is a contract: states, threads, memory, errors. This page lists what is\n"
    page += "in them; the comments there are the reference. [The tutorial](../tutorial/README.md) uses most of it.\n"
    for path in sorted((TOP / "topology/include/topology").glob("*.h")):
        text = path.read_text(encoding="utf-8")
        purpose = " ".join(re.search(r"/\*(?: |\n \* )\w+\.h - (.*?)(?:\n \*\n|\*/)", text, re.S)[1].replace("\n *", " ").split())
        # Comments become blanks, so that the places stay as they are.
        code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
        functions = [(m[1], explain_function(text, m.start(), m.end())) for m in DECLARED.finditer(code) if not m[1].endswith("_fn")]
        types = sorted({m[1] or m[2] for m in TYPE.finditer(code)})
        page += f"\n## topology/{path.name}\n\n{purpose[0].upper()}{purpose[1:].rstrip('.')}.\n"
        if functions:
            page += "\n| function | |\n|--|--|\n" + "".join(row(f"`{name}`", why) for name, why in functions)
        if types:
            page += f"\nTypes: {', '.join(f'`{name}`' for name in types)}.\n"
    return page


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--bin", type=pathlib.Path, metavar="DIR", help="where the built programs are")
    options = parser.parse_args()
    pages = {"topics.md": topics_page(), "schemas.md": schemas_page(), "headers.md": headers_page()}
    if options.bin:
        pages["configuration.md"] = configuration_page(options.bin)
        pages["problems.md"] = problems_page(options.bin)
        pages["../openapi.json"] = document(options.bin)
    failed = 0
    for name, text in pages.items():
        path = PAGES / name
        if not options.check:
            PAGES.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"docs/reference/{name} is out of date: run tools/dev/reference.py --bin build/dev/bin")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
