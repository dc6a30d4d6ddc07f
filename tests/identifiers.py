#!/usr/bin/env python3
"""identifiers.py GENERATED - an identifier in a comment or in a page's code span exists.

An identifier is a word with an underscore inside, a word with `()` after it, or a source file's name, with or without
its path. It exists when the code outside comments has it as a token (one with `()` as a call), when a file has that
name, when it is another library's (EXTERNAL), or when ALLOWED lists it with the reason. `prefix_*` or `prefix_` stands
for names that begin so, NAME for any part of a name; there must be one such name.
GENERATED is the folder of generated code in the build. Prints file:line of each that is missing; exit code 1 if any is.
"""
import io
import pathlib
import re
import sys
import tokenize

TOP = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = {"build", ".git", ".millrace", ".cache", "__pycache__", "corpus"}
SOURCES = {".c", ".h", ".cpp", ".py", ".sh", ".cmake", ".avsc", ".json", ".conf", ".in", ".txt", ".yaml", ".yml", ""}
FILE_TYPES = r"c|h|py|sh|cmake|avsc|md|dot|svg"

# Names of the libraries we stand on, by their prefix: librdkafka, RocksDB, libmicrohttpd, libsodium, liblzma, POSIX.
EXTERNAL = re.compile(r"(?:rd_kafka|RD_KAFKA|rocksdb|MHD|sodium|crypto|lzma|pthread)_\w+\Z")
# Names that are not code of ours and have no prefix: where each comes from.
ALLOWED = {
    "x_impl.h": "the pattern of a private header's name, where it is explained",
    "ret_x": "the pattern of an output's name, where the rule is given",
    "civil_from_days": "Howard Hinnant's published algorithm, named as the source",
    "read_csv": "pandas.read_csv, whose words for a missing value we take",
}

WORD = re.compile(
    rf"(?<![\w./$-])(?P<file>(?:[\w.-]+/)*[A-Za-z][\w-]*\.(?:{FILE_TYPES}))(?![\w(-])"
    r"|(?<![\w$])(?P<call>[A-Za-z]\w+)\(\)"
    r"|(?<![\w$])(?P<name>[A-Za-z]\w*?_\w*)(?P<star>\*)?(?![\w])")
C_PARTS = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?P<comment>/\*.*?\*/|//[^\n]*)', re.S)
HASH_COMMENT = re.compile(r"(?:^|(?<=\s))#(?!!)[^\n]*", re.M)
CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCE = re.compile(r"^```.*?^```[ \t]*$", re.M | re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def split_c(text):
    """The code and the comments of a C file, each with the other blanked out."""
    comments = list(blank(text))
    code = list(text)
    for match in C_PARTS.finditer(text):
        if match["comment"]:
            comments[match.start():match.end()] = match.group()
            code[match.start():match.end()] = blank(match.group())
    return "".join(code), "".join(comments)


def split_python(text):
    """As split_c; a docstring is a comment."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    comments, code, opens = list(blank(text)), list(text), True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and opens):
            start = starts[token.start[0] - 1] + token.start[1]
            end = starts[token.end[0] - 1] + token.end[1]
            comments[start:end] = text[start:end]
            code[start:end] = blank(text[start:end])
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            opens = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    return "".join(code), "".join(comments)


def split_hash(text):
    comments = blank(text)
    code = HASH_COMMENT.sub(lambda m: blank(m.group()), text)
    return code, "".join(c if d == " " != c else b for c, d, b in zip(text, code, comments))


def split_page(text):
    """Of a page, the code spans are checked and the rest is not; no identifier comes to exist by being in a page."""
    text = FENCE.sub(lambda m: blank(m.group()), text)
    spans = list(blank(text))
    for match in CODE_SPAN.finditer(text):
        spans[match.start():match.end()] = match.group()
    return "", "".join(spans)


def split(path, text):
    if path.suffix in (".c", ".h", ".cpp"):
        return split_c(text)
    if path.suffix == ".py" or text.startswith("#!/usr/bin/env python"):
        return split_python(text)
    if path.suffix == ".md":
        return split_page(text)
    if path.suffix in (".avsc", ".json"):
        return text, blank(text)
    return split_hash(text)


def read_all(folder):
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not SKIPPED & set(parts) and path.suffix in SOURCES | {".md"}:
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass


class Known:
    """All tokens of the code and all paths, asked for a match of WORD."""

    def __init__(self):
        self.tokens = set()
        self.calls = set()
        self.paths = []

    def add(self, path, code):
        self.tokens.update(re.findall(r"[A-Za-z_]\w+", code))
        self.tokens.add(path.stem)
        self.calls.update(re.findall(r"([A-Za-z_]\w+)\)?\(", code))
        self.paths.append("/" + str(path))

    def has(self, match):
        name = match["file"] or match["call"] or match["name"]
        if name in ALLOWED:
            return True
        if match["file"]:
            ending = re.compile("/" + re.escape(name).replace("NAME", r"[\w-]+") + r"\Z")
            return any(ending.search(path) for path in self.paths)
        if name in (self.calls if match["call"] else self.tokens) or EXTERNAL.match(name):
            return True
        if not match["star"] and not name.endswith("_") and "NAME" not in name:
            return False
        pattern = re.compile(name.replace("NAME", r"\w+") + r"\w")
        return any(pattern.match(token) for token in self.tokens)


def main(arguments):
    if len(arguments) != 1:
        print(__doc__)
        return 2
    known, checked = Known(), []
    for folder in (TOP, pathlib.Path(arguments[0])):
        for path, text in read_all(folder):
            code, comments = split(path, text)
            known.add(path.relative_to(folder), code)
            if folder == TOP:
                checked.append((path.relative_to(TOP), comments))
    found = 0
    for path, comments in checked:
        for match in WORD.finditer(comments):
            if not known.has(match):
                print(f"{path}:{comments.count(chr(10), 0, match.start()) + 1}: {match.group()} does not exist")
                found += 1
    if not found:
        print(f"{len(checked)} files, every identifier in a comment exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
