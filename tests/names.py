#!/usr/bin/env python3
"""names.py [FOLDER...] - static functions have a verb and a noun, enumerators their family's prefix.

A name has at least one underscore. A folder is a top-level folder; in topology/ each folder of src/ counts by itself.
No two static functions of a folder share a name. In PROGRAMS each file is a program with a fixture of its own, so there
two files may share a name.
Prints file:line of every name that breaks this; exit code 1 when there is one. Without FOLDER: all that have C.
"""
import collections
import os.path
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = {"examples", "tests"}
SKIPPED = {"build", "docs", "data"}
# clang-format puts a definition's name on the line of `static`, or on the next after a long type.
STATIC = re.compile(
    r"^static\s+(?:inline\s+)?(?:[\w*]+\s+)*?[*\s]*(\w+)\(([^;{]*)\)\s*(?:__attribute__\s*\(\(.*?\)\)\s*)?\{", re.M)
ENUM = re.compile(r"^enum (\w+) \{([^}]*)\}", re.M)
BLANKED = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def folder_of(path):
    parts = path.relative_to(TOP).parts
    if parts[0] == "topology" and len(parts) > 3:
        return "/".join(parts[:3])
    return parts[0]


def code_of(path):
    return BLANKED.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), path.read_text(encoding="utf-8"))


def statics_of(path):
    text = code_of(path)
    for match in STATIC.finditer(text):
        yield match.group(1), text.count("\n", 0, match.start(1)) + 1


def enums_of(path):
    """The enums of a file whose enumerators share no prefix. The last may be the count: COLUMNS behind the columns."""
    text = code_of(path)
    for match in ENUM.finditer(text):
        names = re.findall(r"(?:^|,)\s*(\w+)", match[2])
        whole = os.path.commonprefix(names).rpartition("_")[0]
        counted = os.path.commonprefix(names[:-1]).rpartition("_")[0]
        if "(" not in match[2] and not whole and not (counted and names[-1].startswith(counted)):
            yield match[1], text.count("\n", 0, match.start()) + 1


def findings_of(folder):
    seen = collections.defaultdict(list)
    for path in sorted((TOP / folder).rglob("*.[ch]")):
        for name, line in statics_of(path):
            seen[(folder_of(path), name)].append(f"{path.relative_to(TOP)}:{line}")
        for name, line in enums_of(path):
            yield f"{path.relative_to(TOP)}:{line}: the enumerators of 'enum {name}' have no common prefix"
    for (_, name), places in seen.items():
        if "_" not in name:
            for place in places:
                yield f"{place}: static function '{name}' has no underscore: a verb and the file's noun, please"
        elif len(places) > 1 and folder not in PROGRAMS:
            yield f"{places[0]}: static function '{name}' is also at {', '.join(places[1:])}"


def main(arguments):
    paths = [p for p in TOP.rglob("*.[ch]") if p.relative_to(TOP).parts[0] not in SKIPPED]
    found = 0
    for folder in arguments or sorted({folder_of(path) for path in paths}):
        if not any((TOP / folder).rglob("*.[ch]")):
            print(f"{folder}: no such folder, or no C in it")
            found += 1
        for finding in findings_of(folder):
            print(finding)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
