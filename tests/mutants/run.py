#!/usr/bin/env python3
"""python3 tests/mutants/run.py [NAME...]: plants one bug after another in a copy of the tree, and shows who catches it.

Each bug breaks one promise of the runtime or the shop in one place. Its row names the test that must turn red; one that
stays green, or a place that is not there any more, is a failure of this program. --list prints the rows; --check only
looks whether each place is still there."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEST_TIMEOUT_S = 600   # Without a bug.
HANG_FACTOR, HANG_MORE_S = 5, 30
BUILD_TIMEOUT_S = 1200

# name, file, what is replaced (found once), by what, the test that catches it, the promise
BUGS = (
    ("undo-keeps-staged", "topology/src/engine/txn.c",
     "            store_set_abort(task->set);\n", "            (void)task->set;\n",
     "crash_test", "an aborted transaction leaves the stores as of the last commit"),
    ("position-ahead", "topology/src/engine/commit.c",
     "log->partition.partition, log->next + 1);", "log->partition.partition, log->next + 2);",
     "crash_test", "a restart folds every event behind its checkpoint"),
    ("offsets-unchecked", "topology/src/engine/commit.c",
     "return last == log->next - 1 ? 0 : commit_fail_shared_log(worker, log, last, error);",
     "(void)last;\n    return 0 ? commit_fail_shared_log(worker, log, last, error) : 0;",
     "strangers_test", "an outcome names the positions that its events really have"),
    ("producer-not-renewed", "topology/src/engine/txn.c",
     "worker->unsettled ? txn_renew(worker, error) : 0;", "0 ? txn_renew(worker, error) : 0;",
     "shop_crash_test", "a request that is late touches no later transaction"),
    ("write-not-unsettled", "topology/src/engine/txn.c",
     "        rc = worker->io.flush(worker->io.self, error);\n        txn_unsettle(worker, rc);\n",
     "        rc = worker->io.flush(worker->io.self, error);\n",
     "shop_lives_test", "a record that is written late is not in a later transaction"),
    ("each-leader-waited-for", "topology/src/engine/restore.c",
     "    if (worker->asked_in_vain)\n        return false;\n", "",
     "brokers_test", "a dead broker does not hold up what living ones lead"),
    ("blocked-input-sought", "topology/src/engine/restore.c",
     "    if (task->must_block) /* Nobody knows", "    if (task->must_block && queue->next < 0) /* Nobody knows",
     "log_test", "input that was made again blocks its task, and no other"),
    ("begin-not-aborted", "topology/src/engine/txn.c",
     "worker->txn.open = rc == 0 || mr_code_class(rc) == MR_CLASS_ABORT;", "worker->txn.open = rc == 0;",
     "crash_test", "a transaction that began in a try whose answer was lost is aborted"),
    ("commit-without-input", "topology/src/engine/commit.c",
     "    if (count == 0)\n        count = commit_collect_inputs(worker, positions, false);\n", "",
     "punctuate_test", "every transaction carries an input offset, so that it is fenced"),
    ("earlier-position-rules", "topology/src/engine/resume.c",
     "        next = kept;\n    }\n    if (next < low)", "    }\n    if (next < low)",
     "resume_test", "input that the stores have done is not done again when the group's offset is set back"),
    ("outcome-forgotten", "topology/src/engine/aggregate.c",
     "    topo_store_put(aggregate_outcome_store(context, node), command->id, outcome);\n",
     "    (void)aggregate_outcome_store(context, node);\n",
     "aggregate_test", "a command that comes twice is answered from its first outcome"),
    ("position-not-flushed", "topology/src/store/store_flush.c",
     "        if (item->dirty)\n", "        if (item->dirty && i > 0)\n",
     "store_model_test", "data and positions reach the disk in one batch"),
    ("gap-not-cut", "topology/src/store/store_gap.c",
     "        if (gap_has(&gaps->items[i], key))\n            gap_set(&gaps->items[i].to, key);\n",
     "        if (gap_has(&gaps->items[i], key) && key.len == 0)\n            gap_set(&gaps->items[i].to, key);\n",
     "store_gap_test", "a scan finds the key that was put into a range that had been empty"),
    ("units-sold-twice", "processors/src/catalog_stock.c",
     "    else if (stock_available(&claim->stock) < claim->quantity)\n",
     "    else if (claim->stock.on_hand < claim->quantity)\n",
     "catalog_stock_test", "units that are held for one order are not held for another"),
    ("reply-of-another-body", "command-api/src/pending.c",
     "            !mr_bytes_equal(mr_cstr(at->fingerprint), fingerprint) || at->note == NOTE_REPLY)\n",
     "            at->note == NOTE_REPLY || fingerprint.len == 0)\n",
     "command_dispatch_test", "a reply answers only the request with its body"),
    ("token-not-awaited", "query-api/src/consistency.c",
     "        if (answer == TOPO_WAIT_OK)\n", "        if (answer == TOPO_WAIT_OK || answer == TOPO_WAIT_BEHIND)\n",
     "query_api_test", "a client reads what it wrote"),
)


def say(text):
    print(text, flush=True)


def copy_tree(folder):
    """The files that git knows, as they are now, and the build of the checkout where it has one."""
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           check=True, capture_output=True).stdout.split(b"\0")
    for name in names:
        source = ROOT / os.fsdecode(name)
        if name and source.is_file():
            target = folder / os.fsdecode(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def build(folder, targets, log):
    with open(log, "ab") as output:
        for command in (["cmake", "--preset", "dev"],
                        ["cmake", "--build", "--preset", "dev", "--target", *targets]):
            status = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    timeout=BUILD_TIMEOUT_S, check=False).returncode
            if status:
                return False
    return True


def test_is_red(folder, test, log, timeout_s=TEST_TIMEOUT_S):
    """A test that hangs is red, too: its timeout in the ordinary run would say so."""
    with open(log, "ab") as output:
        try:
            return subprocess.run([f"build/dev/bin/{test}"], cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=output, timeout=timeout_s, check=False).returncode != 0
        except subprocess.TimeoutExpired:
            return True


def plant(path, old, new):
    """The text before, or None when the place is not there exactly once."""
    text = path.read_text()
    if text.count(old) != 1:
        return None
    path.write_text(text.replace(old, new))
    return text


def try_bug(folder, bug, log, timeout_s):
    """None when it was caught; else why not."""
    _, file, old, new, test, _ = bug
    before = plant(folder / file, old, new)
    if before is None:
        return f"its place in {file} is not there any more: write the row again"
    try:
        if not build(folder, [test], log):
            return f"it does not build: {log}"
        return None if test_is_red(folder, test, log, timeout_s) else f"{test} stays green"
    finally:
        (folder / file).write_text(before)


def main(argv):
    if "--help" in argv or "-h" in argv:
        say(__doc__)
        return 0
    if "--list" in argv:
        for name, file, _, _, test, promise in BUGS:
            say(f"{name:24} {file:36} {test:24} {promise}")
        return 0
    if "--check" in argv:
        gone = [f"{name}: {file}" for name, file, old, *_ in BUGS if (ROOT / file).read_text().count(old) != 1]
        say("\n".join(["the place of a bug is not there any more:", *gone]) if gone else "every bug has its place")
        return 1 if gone else 0
    unknown = set(argv) - {bug[0] for bug in BUGS}
    if unknown:
        say(f"no such bug: {', '.join(sorted(unknown))}; --list names them")
        return 2
    bugs = [bug for bug in BUGS if not argv or bug[0] in argv]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="millrace-mutants-") as name:
        folder = pathlib.Path(name)
        log = folder / "mutants.log"
        copy_tree(folder)
        say(f"building {len(bugs)} tests without a bug ...")
        tests = sorted({bug[4] for bug in bugs})
        if not build(folder, tests, log):
            say(log.read_text(errors="replace")[-2000:])
            return 1
        hangs_after_s = {}
        for test in tests:
            started = time.monotonic()
            if test_is_red(folder, test, log):
                say(f"{test} is red without a bug")
                return 1
            hangs_after_s[test] = HANG_FACTOR * (time.monotonic() - started) + HANG_MORE_S
        for bug in bugs:
            started = time.monotonic()
            why = try_bug(folder, bug, log, hangs_after_s[bug[4]])
            failed += why is not None
            say(f"{'caught' if why is None else 'MISSED'}  {bug[0]:24} {bug[4]:24} "
                f"{time.monotonic() - started:4.0f} s  {why or bug[5]}")
    say(f"{len(bugs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
