#!/usr/bin/env python3
"""english.py [FOLDER...] - comments, pages and messages are in plain English, as far as a list of phrases can show it.

A comment starts with its subject: it does not open with one of OPENINGS. No comment, page or string of a program has
one of PHRASES, each of which stands here with the plain word for it. Prints file:line of each; exit code 1 if any is.
Without FOLDER the whole tree.
"""
import pathlib
import re
import sys

import identifiers

TOP = identifiers.TOP
OPENINGS = re.compile(r"[/*#\s]*((?:What|Who|Where)(?:ever)?|Whose|Of)\b")
PHRASES = {
    r"(?<!there )(?:is|are|was|were) no\b(?! (?:longer|more))": "is not a",
    r"for ever": "always, without limit, without end",
    r"anew": "again, from zero",
    r"in vain": "without success",
    r"none of ours": "not one of ours, invalid",
    r"(?:is|are|was|were|be|been) told|tells|told|said": "is notified, returns, reports, logs, means",
}
PHRASE = re.compile(r"\b(?:" + "|".join(f"({phrase})" for phrase in PHRASES) + r")\b", re.I)
GENERATED = "Written by"
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def comments_of(path, text):
    """The comments of a file, each with its offset; comment lines that follow each other are one."""
    _, comments = identifiers.split(path, text)
    if path.suffix in (".c", ".h"):
        pattern = r"/\*.*?\*/|//[^\n]*"
    elif path.suffix == ".py":
        pattern = r"(?:#[^\n]*\n?[ \t]*)+|\"\"\".*?\"\"\""
    else:
        pattern = r"(?:#[^\n]*\n?[ \t]*)+"
    return [(m.start(), m.group()) for m in re.finditer(pattern, comments, re.S)]


def texts_of(path, text):
    """Where PHRASES are looked for."""
    if path.suffix == ".md":
        prose = identifiers.FENCE.sub(lambda m: identifiers.blank(m.group()), text)
        return [] if GENERATED in text[:400] else [(0, identifiers.CODE_SPAN.sub(lambda m: identifiers.blank(m.group()), prose))]
    found = comments_of(path, text)
    if path.suffix in (".c", ".py") and path.relative_to(TOP).parts[0] != "tests":
        code, _ = identifiers.split(path, text)
        found += [(m.start(), m.group()) for m in STRING.finditer(code)]
    return found


def findings_of(path, text):
    def place(offset):
        return f"{path.relative_to(TOP)}:{text.count(chr(10), 0, offset) + 1}"

    if path.suffix != ".md":
        for start, comment in comments_of(path, text):
            opening = OPENINGS.match(comment)
            if opening:
                yield f"{place(start)}: a comment opens with '{opening[1]}': its subject first, please"
    for start, part in texts_of(path, text):
        for match in PHRASE.finditer(re.sub(r"\n[ \t]*[*#]", lambda m: "\n" + " " * (len(m.group()) - 1), part)):
            plain = list(PHRASES.values())[match.lastindex - 1]
            yield f"{place(start + match.start())}: '{match[0]}': better {plain}"


def main(arguments):
    files = found = 0
    for path, text in identifiers.read_all(TOP):
        name = str(path.relative_to(TOP))
        if arguments and not any(name.startswith(folder.rstrip("/") + "/") for folder in arguments):
            continue
        if path.suffix in (".avsc", ".json") or name == "tests/english.py":
            continue
        files += 1
        for finding in findings_of(path, text):
            print(finding)
            found += 1
    if not found:
        print(f"{files} files in plain English")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
