"""Starts, probes and stops one process, and finds it again by its record in a later run.

A pid alone does not identify a process, because numbers are used again. The pid and the start time that the
kernel reports do.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

from terminal import Failure, tail

LOG_BYTES_MAX = 32 << 20


def start_time(pid):
    """The start time of a process in clock ticks since boot; None when it does not exist."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def write_json(path, value):
    """Atomic: a reader sees the old file or the new one."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(part, path)


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


class Record:
    """A process that a tool has started: NAME.json in the home's run folder."""

    def __init__(self, path, fields):
        self.path = path
        self.fields = fields
        self.pid = fields["pid"]

    @staticmethod
    def read(path):
        """None when there is none, or when another user owns it: root must not stop a process that a program names."""
        fields = read_json(path)
        ours = fields and path.stat().st_uid in (os.geteuid(), 0)
        return Record(path, fields) if ours else None

    @staticmethod
    def write(path, pid, **fields):
        write_json(path, {"pid": pid, "start": start_time(pid), **fields})

    def alive(self):
        return start_time(self.pid) == self.fields["start"] and self.fields["start"] is not None

    def ask_to_stop(self):
        """Returns whether it was alive."""
        alive = self.alive()
        if alive:
            os.kill(self.pid, signal.SIGTERM)
        return alive

    def stop(self, term_s, asked=None):
        """SIGTERM, and SIGKILL to its whole session when it has not gone after term_s seconds. `asked`: it was
        asked to stop at that time."""
        if not asked:
            self.ask_to_stop()
        left_s = term_s - (time.monotonic() - asked if asked else 0)
        if not wait_until(lambda: not self.alive(), max(left_s, 0)):
            kill_session(self.pid)
        self.path.unlink(missing_ok=True)


def kill_session(pid):
    """Every process we start leads a session, so its pid is also that of its group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


class Stopped(Exception):
    """A request to stop came while we waited."""


class StopRequest:
    """Set by SIGINT, SIGTERM and SIGHUP. A flag, not an exception: a child that was just started must not be lost."""

    requested = False

    @classmethod
    def install(cls):
        def handler(_signal, _frame):
            cls.requested = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, handler)


def wait_until(condition, timeout_s, step_s=0.05):
    """False when the time is up; raises Stopped when we are asked to stop."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if StopRequest.requested:
            raise Stopped
        if time.monotonic() > deadline:
            return False
        time.sleep(step_s)
    return True


def run_to_end(name, argv, log, meanwhile=lambda: None, account=None):
    """Runs a command to its end; its output goes to `log`, or to the terminal when that is None. `meanwhile` is
    called repeatedly until then. The command survives the end of whoever reads its output."""
    def ended():
        meanwhile()
        return popen.poll() is not None

    with open(log, "ab") if log else contextlib.nullcontext() as output:
        popen = subprocess.Popen(
            [str(part) for part in argv], stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT if log else None, restore_signals=False, umask=0o077,
            **(account.popen if account else {}))
        try:
            wait_until(ended, timeout_s=float("inf"))
        except BaseException:
            popen.terminate()
            popen.wait()
            raise
    if popen.returncode != 0:
        # Ctrl-C goes to the command as well, which may end first.
        if StopRequest.requested:
            raise Stopped
        why = next((line for line in reversed(tail(log, 20)) if line.strip()), "") if log else "see above"
        raise Failure(f"{name} failed: {why}" + (f" ({log})" if log else ""))


class Process:
    """A child of ours. `ready()` returns whether it serves; `address` is where others find it."""

    def __init__(self, name, argv, log, run_dir, *, ready, address="", environment=None, term_s=20, cwd=None,
                 account=None):
        self.name = name
        self.argv = [str(part) for part in argv]
        self.log = pathlib.Path(log)
        self.address = address
        self.ready = ready
        self.term_s = term_s
        self.order = 0
        self.restarts = 0
        self.state = "stopped"
        self.was_ready = False
        self.popen = None
        self.started = 0.0
        self._log_start = 0
        self._environment = {**os.environ, **(environment or {})}
        self._cwd = cwd
        self._account = account
        self._record = pathlib.Path(run_dir) / f"{name}.json"

    def start(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            os.replace(self.log, self.log.with_suffix(".log.1"))
        try:
            with open(self.log, "ab") as log:
                # A session of its own: Ctrl-C reaches only us, and we stop the children in order.
                self._log_start = log.tell()
                self.popen = subprocess.Popen(
                    self.argv, env=self._environment, cwd=self._cwd, start_new_session=True, umask=0o077,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    **(self._account.popen if self._account else {}))
        except FileNotFoundError as error:
            raise Failure(f"{self.name} cannot start: {self.argv[0]} does not exist") from error
        except PermissionError as error:
            raise Failure(f"{self.name} cannot start: {error.filename or self.argv[0]} may not be executed") from error
        self.started = time.monotonic()
        self.was_ready = False
        self.write_record("starting")

    def write_record(self, state):
        Record.write(
            self._record, self.popen.pid, name=self.name, state=state, address=self.address,
            order=self.order, restarts=self.restarts, term_s=self.term_s)
        self.state = state
        self.was_ready = self.was_ready or state == "ready"

    def alive(self):
        """Kills the rest of its session once it has ended: workers of a killed nginx would hold its port."""
        if self.popen is None or self.popen.returncode is not None:
            return False
        if os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return True
        # Not reaped yet, so the pid is still its own.
        kill_session(self.popen.pid)
        self.popen.wait()
        return False

    def wait_ready(self, timeout_s):
        """Raises Failure with the last line of its log when it ends or does not become ready."""
        def settled():
            return not self.alive() or self.ready()

        if not wait_until(settled, timeout_s):
            raise Failure(f"{self.name} is not ready after {timeout_s} s: {self.last_line()}")
        if not self.alive():
            raise Failure(f"{self.name} {self.how_it_ended()}: {self.last_line()}")
        self.write_record("ready")

    def how_it_ended(self):
        status = self.popen.returncode
        if status < 0:
            return f"was killed by {signal.Signals(-status).name}"
        return f"ended with exit code {status}"

    def last_line(self):
        """Its last error, which lines of an orderly stop may follow; else its last line."""
        lines = [line for line in tail(self.log, 100, self._log_start) if line.strip()]
        if not lines:
            return f"it logged nothing ({self.log})"
        why = next((line for line in reversed(lines) if "level=error" in line), lines[-1])
        return f"{why} ({self.log})"

    def hang_up(self):
        """Makes nginx read its configuration again. From any thread: it reaps nothing. Returns whether it was sent."""
        if self.popen.returncode is not None:
            return False
        os.kill(self.popen.pid, signal.SIGHUP)
        return True

    def ask_to_stop(self):
        if self.alive():
            self.popen.send_signal(signal.SIGTERM)

    def stop(self, asked=None):
        """SIGTERM, then SIGKILL to its whole session. `asked`: it was asked to stop at that time."""
        if not asked:
            self.ask_to_stop()
        if self.alive():
            left_s = self.term_s - (time.monotonic() - asked if asked else 0)
            try:
                self.popen.wait(max(left_s, 0))
            except subprocess.TimeoutExpired:
                kill_session(self.popen.pid)
                self.popen.wait()
        self._record.unlink(missing_ok=True)
