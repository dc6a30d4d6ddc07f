#!/usr/bin/env python3
"""tutorial.py [--kafka] - the pages of docs/tutorial do what they say.

The pages are followed in their order, in a folder of their own: a copy of the checkout, and another HOME. A fenced block's
first line says what it is:

    sh          run, with all that ran before it in the same shell; "sh kafka" only with --kafka
    text        the output of the command block before it, to the letter
    c FILE      a piece of FILE as it stands in the checkout (json FILE too)
    c new FILE  a file that the reader writes

Blocks without a first line are pictures. --kafka needs MILLRACE_TEST_BROKERS; without it, it is skipped (exit code 77).
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted((TOP / "docs/tutorial").glob("[0-9]-*.md"))
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
MARK = "----- next block -----"
COPIED = ("CMakeLists.txt", "CMakePresets.json", "base", "cmake", "examples", "topology")
TIMEOUT_S = 600


def list_blocks():
    """(page, first line, text) of each block that has a first line, in the order in which a reader meets them."""
    for page in PAGES:
        for found in FENCE.finditer(page.read_text(encoding="utf-8")):
            if found[1]:
                yield page.name, found[1], found[2]


def check_pieces():
    """Pieces of files that the files do not have, and blocks of an unknown kind."""
    for page, kind, text in list_blocks():
        piece = re.fullmatch(r"(?:c|json) ([\w./-]+)", kind)
        if piece and text not in (TOP / piece[1]).read_text(encoding="utf-8"):
            yield f"{page}: this is not in {piece[1]}:\n{text}"
        if not piece and not re.fullmatch(r"sh( kafka)?|text|c new \w+\.c", kind):
            yield f"{page}: no block opens with {kind!r}"


def write_script(with_kafka):
    """The shell script of the whole tutorial, and (page, output) by the number of the block that prints it."""
    lines, expected, number, runs = ["set -eu"], {}, 0, False
    for page, kind, text in list_blocks():
        if kind.startswith("c new "):
            lines.append(f"cat >{kind.split()[-1]} <<'END_OF_FILE'\n{text}END_OF_FILE")
        elif kind.startswith("sh"):
            runs = kind == "sh" or with_kafka
            number += runs
            lines += [f"echo '{MARK}'", text] if runs else []
        elif kind == "text" and runs:
            expected[number] = page, text
    return "\n".join(lines) + "\n", expected


def follow_pages(with_kafka):
    with tempfile.TemporaryDirectory(prefix="millrace-tutorial-") as name:
        checkout, home = pathlib.Path(name) / "millrace", pathlib.Path(name) / "home"
        home.mkdir()
        checkout.mkdir()
        for part in COPIED:
            source = TOP / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, checkout / part)
        script, expected = write_script(with_kafka)
        environment = {**os.environ, "HOME": str(home), "BROKER": os.environ.get("MILLRACE_TEST_BROKERS", "")}
        ran = subprocess.run(
            ["bash", "-c", script], cwd=checkout, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False)
    outputs = ran.stdout.split(MARK + "\n")
    if ran.returncode:
        yield f"command block {len(outputs) - 1} ended with {ran.returncode}:\n{outputs[-1]}{ran.stderr[-2000:]}"
        return
    for number, (page, text) in expected.items():
        if outputs[number] != text:
            yield f"{page}: this is printed:\n{outputs[number]}and this is expected:\n{text}"


def main(arguments):
    with_kafka = "--kafka" in arguments
    if with_kafka and not os.environ.get("MILLRACE_TEST_BROKERS"):
        print("skipped: MILLRACE_TEST_BROKERS names no broker")
        return 77
    findings = [*check_pieces(), *follow_pages(with_kafka)]
    print("\n".join(findings) if findings else f"{len(PAGES)} pages do what they say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
