#!/usr/bin/env python3
"""links.py - every relative link of a .md file leads to a file, and its #anchor to a heading of that file."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```.*?^```[ \t]*$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors_of(path):
    seen = {}
    anchors = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", FENCE.sub("", path.read_text(encoding="utf-8")), re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = seen.get(slug, 0)
        seen[slug] = number + 1
        anchors.add(f"{slug}-{number}" if number else slug)
    return anchors


def findings_of(page):
    text = FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), page.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        link = match.group(1)
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        where = f"{page.relative_to(TOP)}:{text.count(chr(10), 0, match.start()) + 1}"
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists():
            yield f"{where}: {link} leads to no file"
        elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
            yield f"{where}: {link} leads to no heading of {target.relative_to(TOP)}"


def main():
    pages = [p for p in TOP.rglob("*.md") if not {"build", ".millrace", ".git"} & set(p.relative_to(TOP).parts)]
    findings = [f for page in sorted(pages) for f in findings_of(page)]
    print("\n".join(findings) if findings else f"{len(pages)} pages, every link resolves")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
