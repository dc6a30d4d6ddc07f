"""Starts a shop in order, keeps it running, and stops it in the reverse order.

    starting -> ready -> stopping        the supervisor, in run/supervisor.json
    starting -> ready <-> not ready      each process, in run/NAME.json
         ^--------+-----------> failed   (restarted, with growing pauses after quick deaths; failed after three
                                          deaths in a row before it was ready)
"""

import contextlib
import itertools
import os
import time

import filling
import usage
from processes import Record, StopRequest, run_to_end
from terminal import Failure, say, tail

READY_TIMEOUT_S = 180
QUICK_DEATH_S = 10
PAUSE_S = 0.5
PAUSE_S_MAX = 8
FUTILE_STARTS_MAX = 3
TICK_S = 0.1
PROBE_EVERY_S = 1.0


class Supervisor:
    def __init__(self, home, shop):
        self._home = home
        self._shop = shop
        self._processes = []
        self._brokers = []
        self._quick_deaths = {}
        self._futile_starts = {}
        self._restart_at = {}
        self._probed = 0.0

    @property
    def processes(self):
        return tuple(self._processes)

    def record(self, state):
        Record.write(
            self._home.run / "supervisor.json", os.getpid(), state=state, gateway=self._shop.url,
            broker=self._shop.brokers, external_broker=bool(self._shop.external_broker))

    def bring_up(self, data, orders):
        """Raises Failure with the reason. The caller calls stop() also then."""
        self.record("starting")
        started = time.monotonic()
        self._hand_over()
        self._brokers = self._shop.broker_processes()
        self._start(*self._brokers)
        for name, argv in self._shop.preparations():
            run_to_end(name, argv, self._home.logs / f"{name}.log", account=self._shop.account)
        say(f"  prepared topics, schemas and secrets ({time.monotonic() - started:.1f} s)")
        programs = self._shop.programs()
        self._hand_over()
        for process in programs:
            self._start(process)
        self._fill(data, orders)
        self.record("ready")

    def _hand_over(self):
        if self._shop.account:
            self._home.hand_to(self._shop.account)

    def _start(self, *together):
        """Brokers of one Kafka wait for each other: all are started before we wait for the first."""
        started = time.monotonic()
        order = len(self._processes)
        for process in together:
            process.order = order
            self._processes.append(process)   # Before it starts, so that stop() also covers a failed start.
            process.start()
        for process in together:
            process.wait_ready(READY_TIMEOUT_S)
            say(f"  {process.name:<12} {process.address:<22} ready in {time.monotonic() - started:.1f} s")

    def _fill(self, data, orders):
        if not filling.fill(self._home, self._shop, data, orders, self.tick):
            return
        say("\nwhat the programs have used so far:")
        for process in self._processes:
            say(f"  {process.name:<12} {usage.line(usage.of(process.popen.pid))}")

    def tick(self):
        """Restarts processes that have died; raises Failure when one dies again and again before it is ready."""
        now = time.monotonic()
        probe = now - self._probed >= PROBE_EVERY_S
        if probe:
            self._probed = now
            self._home.check_room()
        for process in self._processes:
            if process.alive():
                if probe:
                    self._observe(process)
            elif process.name not in self._restart_at:
                self._plan_restart(process, now)
            elif now >= self._restart_at[process.name] and self._has_its_broker(process):
                del self._restart_at[process.name]
                process.restarts += 1
                process.start()

    def _has_its_broker(self, process):
        """Without a majority of its brokers a program would only die again, and soon be given up."""
        ready = sum(each.state == "ready" for each in self._brokers)
        return process in self._brokers or not self._brokers or ready > len(self._brokers) // 2

    def _observe(self, process):
        state = "ready" if process.ready() else "not ready"
        if state == "not ready" and process.state == "starting":
            return
        if state != process.state:
            process.write_record(state)

    def _plan_restart(self, process, now):
        lived = now - process.started
        quick = self._quick_deaths.get(process.name, 0) + 1 if lived < QUICK_DEATH_S else 0
        self._quick_deaths[process.name] = quick
        futile = 0 if process.was_ready else self._futile_starts.get(process.name, 0) + 1
        self._futile_starts[process.name] = futile
        say(f"{process.name} {process.how_it_ended()} after {lived:.0f} s: {process.last_line()}")
        if futile >= FUTILE_STARTS_MAX:
            process.write_record("failed")
            for line in tail(process.log, 10):
                say(f"  {line}")
            raise Failure(f"{process.name} ended {futile} times before it was ready; its log: {process.log}")
        # A process that has lived for a while is restarted at once: customers wait for it.
        pause = min(PAUSE_S * 2**quick, PAUSE_S_MAX) if quick else 0
        say(f"starting {process.name} again in {pause:.1f} s" if pause else f"starting {process.name} again")
        process.write_record("restarting")
        self._restart_at[process.name] = now + pause

    def watch(self, each_second=None):
        """Returns when a request to stop comes."""
        shown = 0.0
        while not StopRequest.requested:
            self.tick()
            if each_second and time.monotonic() - shown >= 1.0:
                shown = time.monotonic()
                each_second()
            time.sleep(TICK_S)

    def stop(self):
        """Stops everything, also when something fails on the way, such as a full disk."""
        with contextlib.suppress(OSError):
            self.record("stopping")
        if self._processes:
            _try_say("\nstopping ...")
        for together in _from_last(self._processes, lambda process: process.order):
            started = time.monotonic()
            for process in together:
                process.ask_to_stop()
            for process in together:
                process.stop(started)
                _try_say(f"  {process.name:<12} stopped in {time.monotonic() - started:.1f} s")
        (self._home.run / "supervisor.json").unlink(missing_ok=True)


def _from_last(programs, order_of):
    """Groups of what was started together, the last group first. Brokers of one Kafka are asked to stop together:
    one that is left alone waits until it is killed."""
    groups = itertools.groupby(sorted(programs, key=order_of, reverse=True), order_of)
    return [list(group)[::-1] for _, group in groups]


def _try_say(line):
    """In the background our output is a file, and the disk may be full."""
    with contextlib.suppress(OSError):
        say(line)


def stop_orphans(home):
    """Stops the processes of a killed supervisor, in the order in which it would have stopped them."""
    stopped = 0
    for together in _from_last(home.records(), lambda record: record.fields["order"]):
        started = time.monotonic()
        stopped += sum(record.ask_to_stop() for record in together)
        for record in together:
            record.stop(record.fields["term_s"], started)
    (home.run / "supervisor.json").unlink(missing_ok=True)
    return stopped

