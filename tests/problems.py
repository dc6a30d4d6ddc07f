#!/usr/bin/env python3
"""problems.py - every type of problem in http/src/problem_table.c can occur, and no other can.

A slug occurs as a literal of the code that answers, or as a page of the gateway, whose title is the same.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
TABLE = "http/src/problem_table.c"
# These list problems, they answer with none.
LISTS = re.compile(r"api/src/(contract_\w+|openapi\w*)\.c$")
FOLDERS = "http", "api", "command-api", "query-api"


def table():
    text = (TOP / TABLE).read_text(encoding="utf-8")
    return {m[1]: (int(m[2]), m[3]) for m in re.finditer(r'\{"([a-z-]+)",\s*(\d{3}),\s*"([^"]+)",', text)}


def literals():
    for folder in FOLDERS:
        for path in (TOP / folder).rglob("*.c"):
            name = str(path.relative_to(TOP))
            if name != TABLE and not LISTS.match(name):
                yield from re.findall(r'"([a-z]+(?:-[a-z]+)*)"', path.read_text(encoding="utf-8"))


def main():
    known = table()
    text = (TOP / "gateway/nginx.conf.in").read_text(encoding="utf-8")
    pages = re.findall(r'"type":"/problems/([a-z-]+)","title":"([^"]+)","status":(\d+)', text)
    raised = set(literals()) | {slug for slug, _, _ in pages}
    findings = [f"{TABLE}: {slug} cannot occur" for slug in known if slug not in raised]
    findings += [f"gateway/nginx.conf.in: {slug} is not {known.get(slug, 'in ' + TABLE)}"
                 for slug, title, status in pages if known.get(slug) != (int(status), title)]
    print("\n".join(findings) if findings else f"{len(known)} types of problems, and each can occur")
    return 1 if findings or len(known) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
