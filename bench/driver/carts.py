"""The folds of bench/cart and bench/peer: started, watched, killed, and compared with the checker."""

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import build
import machine
from terminal import Failure, say

PEER_SOURCES = build.ROOT / "bench" / "peer"
TIMEOUT_S = 600
STEP_S = 0.005


def build_ours(preset, log):
    build.build(preset, log, targets=["cart_bench", "cart_fold"], everything=False)


def build_peer(log):
    """The folder with the peer's classes and jars. Built by Maven, and again when a source has changed."""
    cache = pathlib.Path(os.environ.get("MILLRACE_CACHE", build.ROOT / ".cache")).resolve()
    target = cache / "bench-peer"
    sources = [path for folder in (PEER_SOURCES, PEER_SOURCES.parent / "cart" / "avsc")
               for path in folder.rglob("*") if path.is_file()]
    built = target / "built"
    if built.exists() and built.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return target
    say("building the peer with Maven ...")
    with open(log, "w") as output:
        status = subprocess.run(
            ["mvn", "-B", "-q", "-Dstyle.color=never", f"-Doutput={target}", "-f", "pom.xml", "package"],
            cwd=PEER_SOURCES, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if status != 0:
        raise Failure(f"the peer could not be built; {log} says why")
    built.touch()
    return target


class Side:
    """A program to measure: its name in the tables, and the command in front of the words that both take."""

    def __init__(self, name, command, cwd=None, workers=1, commit_ms=0, settings=()):
        self.name = name
        self.command = command
        self.cwd = cwd
        self.tail = [str(workers), str(commit_ms), *settings]


SIDES = ("ours", "peer", "ours-2-workers", "peer-2-threads", "peer-transactional", "peer-commit-20")


def sides(preset, peer, names):
    ours = [build.binary("cart_fold", preset)]
    # A relative class path: a colon in the checkout's path would split it.
    java = ["java", "-Xmx1g", "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=millrace.cart",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", "classes:lib/*", "millrace.bench.CartFold"]
    known = {side.name: side for side in (
        Side("ours", ours),
        Side("ours-2-workers", ours, workers=2),
        Side("peer", java, peer, commit_ms=100),
        Side("peer-commit-20", java, peer, commit_ms=20),
        Side("peer-2-threads", java, peer, workers=2, commit_ms=100),
        Side("peer-transactional", java, peer, commit_ms=100, settings=["enable.transactional.statestores=true"]))}
    return [known[name] for name in names]


class Program:
    """A running fold. It prints "EV ms what" once and "S ms committed" as it goes on."""

    def __init__(self, side, place):
        self.side = side
        self.started = time.time()
        self.times = {}
        self.committed = 0
        self._log = open(place.log, "ab")
        self.popen = subprocess.Popen(
            [*map(str, side.command), place.brokers, place.app, place.state, place.events, place.totals, *side.tail],
            cwd=side.cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True,
            start_new_session=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.popen.stdout:
            kind, ms, what = line.split(maxsplit=2)
            if kind == "S":
                self.committed = int(what)
            else:
                self.times.setdefault(what.split()[0], int(ms) / 1000)

    def wait(self, condition, what):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            if self.popen.poll() is not None:
                raise Failure(f"{self.side.name} ended before {what}; {self._log.name} says why")
            if time.monotonic() > deadline:
                raise Failure(f"{self.side.name}: no {what} within {TIMEOUT_S} s ({self._log.name})")
            time.sleep(STEP_S)

    def wait_event(self, name):
        self.wait(lambda: name in self.times, f'"{name}"')
        return self.times[name] - self.started

    def wait_committed(self, count):
        self.wait(lambda: self.committed >= count, f"{count} committed events")
        return time.time() - self.started

    def end(self, number=signal.SIGTERM):
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            self.popen.wait(60)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self._reader.join()
        self._log.close()


class Place:
    """The topics and the state of one run."""

    def __init__(self, run, side):
        run.places += 1
        self.brokers = run.brokers
        self.app = f"cart-{side.name}-{run.places}"
        self.events = run.events
        self.totals = f"{self.app}-totals"
        self.changelog = f"{self.app}-cart-store-changelog"
        self.state = run.folder / "state" / self.app
        self.state.mkdir(parents=True)
        self.log = run.folder / f"{self.app}.log"
        run.tool("topics", run.events, self.totals, self.changelog)

    def clear(self):
        shutil.rmtree(self.state)
        self.state.mkdir()


class Run:
    """A broker, an input, and the sides in turn."""

    def __init__(self, options, brokers, broker_pid, folder, peer):
        self.options = options
        self.brokers = brokers
        self.broker_pid = broker_pid
        self.folder = folder
        self.peer = peer
        self.places = 0
        self.events = None

    def tool(self, *words):
        """cart_bench's JSON, and whether it was satisfied."""
        command = [str(build.binary("cart_bench", self.options.preset)), words[0], self.brokers, *map(str, words[1:])]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0 and words[0] != "check":
            raise Failure(done.stderr.strip() or f"cart_bench {words[0]} failed")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def fill(self, name):
        self.events = f"cart-events-{name}"
        self.tool("topics", self.events, f"{self.events}-unused", f"{self.events}-unused-too")
        self.tool("generate", self.events, 0, self.options.records, 0)

    def check(self, place, count):
        verdict = self.tool("check", count, place.totals, place.changelog)
        if not verdict.get("exact"):
            raise Failure(f"{place.app}: its outputs or its state are not the fold's: {verdict}")
        return verdict

    def in_turn(self, names, measure):
        """measure(side) for each side, n times in turn: {side: {figure: [values]}}."""
        found = {}
        names = self.options.sides or (names[:2] if self.options.quick else names)
        for turn in range(self.options.runs):
            for side in sides(self.options.preset, self.peer, names):
                figures = measure(side)
                say(f"  {turn + 1}/{self.options.runs} {side.name}: "
                    + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
                for name, value in figures.items():
                    found.setdefault(side.name, collections.defaultdict(list))[name].append(value)
        return found


class Meter:
    """The processor time of a program, of the broker, and of the rest of the machine."""

    def __init__(self, run, pid):
        self._run, self._pid = run, pid
        self._own, self._broker, self._all = self._now()
        self._began = time.monotonic()

    def _now(self):
        return (machine.cpu_seconds(self._pid), machine.cpu_seconds(self._run.broker_pid), machine.busy_seconds())

    def read(self):
        own, broker, busy = (after - before for after, before in zip(self._now(), (self._own, self._broker, self._all)))
        return {"cpu_s": own, "broker_cpu_s": broker, "others_cpu_s": max(0.0, busy - own - broker),
                "span_s": time.monotonic() - self._began}


def fold(run):
    """All events from an empty store to the last commit."""
    count = run.options.records
    run.fill("fold")

    def measure(side):
        place = Place(run, side)
        broker_before, all_before = machine.cpu_seconds(run.broker_pid), machine.busy_seconds()
        program = Program(side, place)
        try:
            wall = program.wait_committed(count)
            own = machine.cpu_seconds(program.popen.pid)
            spent = machine.cpu_seconds(run.broker_pid) - broker_before
            memory = machine.peak_mib(program.popen.pid)
            others = max(0.0, machine.busy_seconds() - all_before - own - spent)
        finally:
            program.end()
        verdict = run.check(place, count)
        return {"cpu_s_per_million": own / count * 1e6, "wall_s": wall,
                "records_per_s": count / (wall - (program.times["first"] - program.started)), "memory_mib": memory,
                "broker_cpu_s": spent, "changelog_records": verdict["changelog"], "others_cpu_s": others}

    return run.in_turn(["ours", "peer", "ours-2-workers", "peer-2-threads", "peer-transactional"], measure)


def control(run):
    """The checker finds an event too many, and another event than the one that was due."""
    count = run.options.records
    for number, what in ((count, "an event too many"), (count + 2, "another event")):
        side = sides(run.options.preset, run.peer, ["ours"])[0]
        run.fill(f"control-{number}")
        run.tool("generate", run.events, number, 1, 0)
        place = Place(run, side)
        program = Program(side, place)
        try:
            program.wait_committed(count + 1)
        finally:
            program.end()
        claimed = count if number == count else count + 1
        verdict = run.tool("check", claimed, place.totals, place.changelog)
        if verdict.get("exact") is not False:
            raise Failure(f"the checker does not see {what}: {verdict}")
        say(f"  the checker sees {what}")
