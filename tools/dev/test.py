"""tools/test: builds and runs every test, each kind in the build that suits it, and counts them."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import build
from terminal import Failure, run_main, say, tail

LOGS = build.build_root() / "test-logs"
# Labels of the tests that need neither a broker nor the whole shop.
ALONE = "unit|sim|adapter|fuzz"
# Ends a test that hangs; far more than any test takes, so that a slow machine fails none.
TEST_TIMEOUT_S = 1200


class Tally:
    """Counts of single tests, not of test programs, and the names of those that failed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def fail(self, name, count=1):
        self.failed += count
        self.failures.append(name)

    def last_line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def cmocka_counts(output):
    """(passed, failed, skipped) as a cmocka program reports them, or None when it is something else."""
    def total(word):
        return sum(int(n) for n in re.findall(rf"\[ *{word} *\] (\d+) test\(s\)", output))

    counts = total("PASSED"), total("FAILED"), total("SKIPPED")
    return counts if any(counts) else None


def count_case(tally, title, case):
    """Adds one <testcase> of ctest's JUnit file: a test program, or a check such as tidy."""
    name = f"{title}: {case.get('name')}"
    output = case.findtext("system-out") or ""
    passed, failed, skipped = cmocka_counts(output) or unittest_counts(output) or (1, 0, 0)
    status = case.get("status")
    if status == "run":
        tally.passed += passed
        tally.skipped += skipped
        return
    reason = case.find("skipped")
    if reason is not None and "SKIP_RETURN_CODE" in reason.get("message", ""):
        tally.skipped += 1
        return
    # A program that crashed has no count of its own failures, but it has failed.
    tally.passed += passed if failed else 0
    tally.fail(name, max(failed, 1))
    say(f"  FAILED {name}")
    for line in output.splitlines()[-15:]:
        say(f"    {line}")


def run_ctest(tally, preset, title, *selection, environment=None):
    junit = LOGS / f"{title}.xml"
    junit.unlink(missing_ok=True)
    started = time.monotonic()
    command = [
        "ctest", "--test-dir", str(build.build_root() / preset), "--output-junit", str(junit),
        "--test-output-size-passed", "1000000", "--test-output-size-failed", "1000000",
        "--timeout", str(TEST_TIMEOUT_S), *selection]
    with open(LOGS / f"{title}.log", "w") as log:
        subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, check=False)
    before = tally.passed, tally.failed
    if junit.exists():
        for case in xml.etree.ElementTree.parse(junit).getroot().iter("testcase"):
            count_case(tally, title, case)
    elif "No tests were found" not in (LOGS / f"{title}.log").read_text():
        tally.fail(f"{title}: ctest itself ({LOGS / title}.log)")
    passed, failed = tally.passed - before[0], tally.failed - before[1]
    say(f"{title}: {passed} passed, {failed} failed in {time.monotonic() - started:.0f} s")


def jobs():
    return f"-j{os.cpu_count() or 1}"


def everyday(tally):
    build.build("dev", LOGS / "build-dev.log", ["all_verify_interface_header_sets"])
    run_ctest(tally, "dev", "dev", jobs(), "-LE", "kafka|e2e")


def sanitized(tally, preset):
    build.build(preset, LOGS / f"build-{preset}.log")
    suppressions = build.ROOT / "tests" / f"{preset}.supp"
    options = f"suppressions={suppressions}" if suppressions.exists() else ""
    environment = {"TSAN_OPTIONS": f"second_deadlock_stack=1 {options}"} if preset == "tsan" else {}
    run_ctest(tally, preset, preset, jobs(), "-L", ALONE, environment=environment)


def lint(tally):
    """clang-tidy on every source of ours, not on generated code."""
    started = time.monotonic()
    folder = build.build_root() / "dev"
    commands = json.loads((folder / "compile_commands.json").read_text())
    files = sorted({c["file"] for c in commands if is_ours(pathlib.Path(c["file"]))})

    def check(file):
        return subprocess.run(
            ["clang-tidy", "-p", str(folder), "--quiet", "--extra-arg=-Wno-unknown-warning-option", file],
            cwd=build.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False)

    bad = 0
    with open(LOGS / "clang-tidy.log", "w") as log, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, done in zip(files, pool.map(check, files)):
            if done.returncode == 0:
                tally.passed += 1
                continue
            bad += 1
            log.write(done.stdout)
            tally.fail(f"clang-tidy: {os.path.relpath(file, build.ROOT)}")
            for line in [line for line in done.stdout.splitlines() if " error: " in line][:3]:
                say(f"    {line}")
    say(f"clang-tidy: {len(files) - bad} passed, {bad} failed in {time.monotonic() - started:.0f} s")


def is_ours(path):
    """Not generated, and not a test: cmocka's macros do not follow our style."""
    return path.is_relative_to(build.ROOT) and not any(
        path.is_relative_to(folder) for folder in (build.build_root(), build.ROOT / "tests"))


def on_kafka(tally):
    """One broker for all tests with the label kafka; each uses topics of its own."""
    import broker

    with tempfile.TemporaryDirectory(prefix="millrace-kafka-") as folder:
        with broker.temporary(pathlib.Path(folder)) as address:
            run_ctest(
                tally, "dev", "kafka", "-L", "kafka", environment={"MILLRACE_TEST_BROKERS": address})


def end_to_end(tally):
    """The whole shop as tools/up runs it, over HTTP."""
    if not list((build.ROOT / "tests" / "e2e").glob("*_test.py")):
        return
    build.build("release", LOGS / "build-release.log")
    started = time.monotonic()
    log_path = LOGS / "e2e.log"
    command = [sys.executable, "-m", "unittest", "discover", "-v", "-s", "tests/e2e", "-p", "*_test.py"]
    with open(log_path, "w") as log:
        status = subprocess.run(
            command, cwd=build.ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False).returncode
    passed, failed, skipped = unittest_counts(log_path.read_text(errors="replace")) or (0, 0, 0)
    tally.passed += passed
    tally.skipped += skipped
    if status != 0:
        tally.fail(f"end to end ({log_path})", max(failed, 1))
        for line in tail(log_path, 30):
            say(f"    {line}")
    say(f"end to end: {passed} passed, {failed} failed in {time.monotonic() - started:.0f} s")


def unittest_counts(output):
    """(passed, failed, skipped) from the summary that Python's unittest ends with, or None."""
    ran = sum(int(n) for n in re.findall(r"^Ran (\d+) tests?", output, re.MULTILINE))
    if ran == 0:
        return None

    def total(word):
        return sum(int(n) for n in re.findall(rf"^(?:OK|FAILED) \(.*\b{word}=(\d+)", output, re.MULTILINE))

    failed, skipped = total("failures") + total("errors"), total("skipped")
    return max(ran - failed - skipped, 0), failed, skipped


def main(argv):
    parser = argparse.ArgumentParser(prog="tools/test", description="Builds and runs every test.")
    parser.add_argument("--quick", action="store_true", help="only the tests that need no broker, in one build")
    parser.add_argument("--lint", action="store_true", help="also run clang-tidy, which takes minutes")
    options = parser.parse_args(argv)
    LOGS.mkdir(parents=True, exist_ok=True)
    stages = [("dev", everyday)]
    if options.lint:
        stages.append(("clang-tidy", lint))
    if not options.quick:
        stages += [
            ("asan", lambda tally: sanitized(tally, "asan")),
            ("tsan", lambda tally: sanitized(tally, "tsan")),
            ("kafka", on_kafka),
            ("end to end", end_to_end),
        ]
    tally = Tally()
    started = time.monotonic()
    for title, stage in stages:
        try:
            stage(tally)
        except Failure as failure:
            tally.fail(f"{title}: {failure}")
            say(f"{title}: {failure}")
            if title == "dev":
                break
    say(f"\n{time.monotonic() - started:.0f} s in all; logs in {LOGS}")
    for name in tally.failures:
        say(f"FAILED {name}")
    say(tally.last_line())
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    run_main(main)
