"""Configures and builds a CMake preset, with one progress line on the terminal and all output in a log."""

import fcntl
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import time

from terminal import Failure, Progress

ROOT = pathlib.Path(__file__).resolve().parents[2]
# CMake, its generator expressions, its globs, or the commands that it writes give these a meaning in a path.
CMAKE_SYNTAX = ';#"\\[]<>|*?()`@'


def build_root():
    """The folder of the presets' builds; MILLRACE_BUILD names another, for a second set."""
    return pathlib.Path(os.environ.get("MILLRACE_BUILD", ROOT / "build")).resolve()


def _cmake_can_read(path):
    return not any(letter in CMAKE_SYNTAX or ord(letter) < 32 for letter in str(path))


def sources():
    """The checkout by a path that CMake can read: a link, where the real path has a character that is syntax there."""
    if _cmake_can_read(ROOT):
        return ROOT
    links = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "millrace"
    link = links / f"checkout-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:12]}"
    try:
        links.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(ROOT)
    except (OSError, RuntimeError) as error:
        raise Failure(f"CMake cannot build in {ROOT}: its path has one of {CMAKE_SYNTAX} in it. "
                      "Move the checkout, or set HOME to a folder in which a link to it can be made") from error
    if not _cmake_can_read(link) or link.resolve() != ROOT:
        raise Failure(f"CMake cannot build in {ROOT}: its path has one of {CMAKE_SYNTAX} in it. Move the checkout")
    return link


def binary(name, preset="release"):
    return build_root() / preset / "bin" / name


def _first_error(log):
    text = pathlib.Path(log).read_text(errors="replace").splitlines()
    for sign in (" error: ", "CMake Error", "FAILED:", "No space left", "ninja: error"):
        for number, line in enumerate(text):
            if sign in line:
                # CMake prints the place on one line and the reason two lines below.
                what = [more.strip() for more in text[number + 1:number + 5] if more.strip()]
                return " ".join([line.strip(), *what[:2]]) if sign == "CMake Error" else line.strip()
    return text[-1] if text else "there is no output"


def _run(step, output, progress):
    """Returns its exit code. It leads a session of its own, so that all of it ends when we are interrupted."""
    process = subprocess.Popen(
        step, cwd=ROOT, text=True, errors="replace", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in process.stdout:
            output.write(line)
            if counted := re.match(r"\[(\d+)/(\d+)\]", line):
                progress.show(int(counted[1]), int(counted[2]))
        return process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise


def build(preset, log, targets=(), everything=True):
    """Everything and the targets, or the targets only. Raises Failure with the first line that says why."""
    folder = build_root() / preset
    source = sources()
    if source != ROOT and folder.is_relative_to(ROOT):
        folder = source / folder.relative_to(ROOT)
    compile_all = ["cmake", "--build", str(folder)]
    steps = [["cmake", "-S", str(source), "--preset", preset, "-B", str(folder)]]
    if everything:
        steps.append(compile_all)
    if targets:
        steps.append([*compile_all, "--target", *targets])
    pathlib.Path(log).parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    progress = Progress(f"building {preset}")
    started = time.monotonic()
    # When two tools run at once, the second waits, and then finds everything built.
    with open(folder / "lock", "w") as lock, open(log, "w") as output:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for step in steps:
            if _run(step, output, progress) != 0:
                output.flush()
                progress.end(f"building {preset}: failed")
                raise Failure(f"the build failed: {_first_error(log)} (all of it: {log})")
    progress.end(f"building {preset}: done in {time.monotonic() - started:.0f} s")
