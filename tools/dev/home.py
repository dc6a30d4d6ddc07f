"""A home: the folder of one running Millrace, with its data, logs, ports and process records."""

import errno
import fcntl
import os
import pathlib
import shutil

import broker
import build
from processes import Record, read_json, write_json
from terminal import Failure, say

FREE_BYTES_MIN = 1 << 30    # To start.
FREE_BYTES_LEAST = 128 << 20   # To go on: with less, Kafka may not be able to stop in order.
BROKERS_MAX = 3
PORT_NAMES = (
    *(broker.node_name(name, number) for number in range(1, BROKERS_MAX + 1) for name in ("broker", "controller")),
    "processors", "payments", "command-api", "query-api", "https")


class Home:
    def __init__(self, path=None):
        self.path = pathlib.Path(
            path or os.environ.get("MILLRACE_HOME") or build.ROOT / ".millrace").resolve()
        self.run = self.path / "run"
        self.logs = self.path / "logs"
        self.state = self.path / "state"
        self.secrets = self.path / "secrets"
        self.kafka = [self.path / broker.node_name("kafka", n) for n in range(1, BROKERS_MAX + 1)]   # One per broker.
        self.gateway = self.path / "gateway"
        self.tls = self.path / "tls"   # The development certificate; --fresh keeps it, for clients may trust it.
        self._lock = None
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in str(self.path)):
            raise Failure(f"{str(self.path)!r} has a line break or another control character in it; "
                          "set MILLRACE_HOME to a folder without one")

    def create(self):
        """For its owner only: orders and the gateway's log are in it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.run, self.logs, self.state, self.gateway, self.tls):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._close_to_others()
        self.check_room(FREE_BYTES_MIN)

    def _close_to_others(self):
        """A home that an earlier Millrace made, or somebody else, may be open to all."""
        closed = False
        for folder in (self.path, self.run, self.logs, self.state, self.gateway, self.tls, self.secrets, *self.kafka):
            if folder.is_dir() and folder.stat().st_mode & 0o077:
                folder.chmod(0o700)
                closed = True
        if closed:
            say(f"closed {self.path} to other users: orders and keys are in it")

    def hand_to(self, account):
        """Gives the folders that the programs write to their account. run/ stays ours: we act on its records."""
        for folder in (self.logs, self.state, self.secrets, self.gateway, self.tls, *self.kafka):
            if folder.exists():
                account.take(folder)
        os.chown(self.path, account.uid, account.gid)

    def check_room(self, wanted=FREE_BYTES_LEAST):
        """Raises Failure when the disk is nearly full."""
        free = shutil.disk_usage(self.path).free
        if free < wanted:
            raise Failure(
                f"the disk that holds {self.path} is full: {free >> 20} MiB are free, {wanted >> 20} are needed. "
                "Make room there, or set MILLRACE_HOME to a folder on another disk, and start again: nothing is lost")

    def lock(self):
        """Held by the one tools/up that runs here, until it ends. False when there is one already."""
        self._lock = open(self.run / "lock", "a")
        assert self._lock.fileno() > 2
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            return False
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise Failure(f"the file system that holds {self.path} has no locks, and without one two shops "
                              "could write one log; set MILLRACE_HOME to a folder on another file system") from error
            raise
        # A supervisor that lost its lock, say with a file system that was mounted again, still writes here.
        if self.supervisor():
            self._lock.close()
            return False
        return True

    def empty(self):
        """Deletes everything but the logs. Only under the lock."""
        for folder in (self.state, self.secrets, self.gateway, *self.kafka):
            shutil.rmtree(folder, ignore_errors=True)
        self.import_mark.unlink(missing_ok=True)
        self.create()

    def brokers(self):
        """How many brokers its Kafka has; 0 while it has none."""
        return broker.nodes_made(self.kafka[0])

    @property
    def import_mark(self):
        """Exists from the start of an import to its end: one that was cut short is continued."""
        return self.path / "import.json"

    def ports(self):
        """The ports of last time where they are still free, so that addresses stay the same."""
        remembered = read_json(self.path / "ports.json") or {}
        ports = {}
        for name in PORT_NAMES:
            port = remembered.get(name)
            while port is None or port in ports.values() or not broker.port_is_free(port):
                port = broker.free_port()
            ports[name] = port
        write_json(self.path / "ports.json", ports)
        return ports

    def supervisor(self):
        """The living tools/up of this home, or None."""
        record = Record.read(self.run / "supervisor.json")
        return record if record and record.alive() else None

    def records(self):
        """Records of the home's processes in the order of their start; some may have ended."""
        known = [Record.read(path) for path in self.run.glob("*.json") if path.stem != "supervisor"]
        return sorted((r for r in known if r), key=lambda r: (r.fields["order"], r.fields["name"]))
