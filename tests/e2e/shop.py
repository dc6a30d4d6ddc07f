"""A whole shop for the end-to-end tests, started by tools/up in a home that goes away, and asked over HTTP.

All test files share one shop (`shared`), filled with a few baskets of the real data; a test makes users and
carts of its own. A test that needs another shop makes a `Shop` itself and closes it.
"""

import atexit
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDERS = os.environ.get("MILLRACE_E2E_ORDERS", "20")
UP_TIMEOUT_S = 600


def binary(name):
    """One of the programs that tools/up has built."""
    return pathlib.Path(os.environ.get("MILLRACE_BUILD", ROOT / "build")) / "release" / "bin" / name


def free_port():
    """Outside the range that tools/up takes its own ports from, and below the kernel's."""
    while True:
        port = random.randrange(15000, 20000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Response:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def token(self):
        """The consistency token: sent with a read, it makes the read see this answer's effect."""
        return self.headers["Consistency-Token"]

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class Shop:
    def __init__(self, home=None):
        # A path with what is syntax to nginx, to Kafka's configuration or to a shell.
        self.home = pathlib.Path(home or tempfile.mkdtemp(prefix="millrace e2e $x; {b}, #ü-"))
        self.port = free_port()
        self.output = ""   # The log of the last tools/up.
        self.environment = {
            **os.environ, "MILLRACE_HOME": str(self.home), "MILLRACE_PORT": str(self.port), "MILLRACE_LOAD_TEST": "1"}

    def tool(self, name, *arguments, timeout_s=120):
        """(exit code, output) of tools/NAME in this home."""
        done = subprocess.run(
            [str(ROOT / "tools" / name), *arguments], env=self.environment, timeout=timeout_s,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False)
        return done.returncode, done.stdout

    def up(self, *arguments, orders=ORDERS):
        code, output = self.tool(
            "up", "--detach", "--orders", orders, *arguments, timeout_s=UP_TIMEOUT_S)
        if code != 0:
            raise AssertionError(f"tools/up: exit code {code}\n{output}")
        self.output = output
        return output

    def down(self):
        return self.tool("down", timeout_s=300)

    def close(self):
        """Stops it and forgets its data; the logs stay where MILLRACE_E2E_KEEP says so."""
        self.down()
        if not os.environ.get("MILLRACE_E2E_KEEP"):
            shutil.rmtree(self.home, ignore_errors=True)

    def status(self):
        return json.loads(self.tool("status", "--json")[1])

    def process(self, name):
        """{"name", "pid", "address", "state", "restarts"}"""
        return next(p for p in self.status()["processes"] if p["name"] == name)

    def kill(self, name, number=signal.SIGKILL):
        os.kill(self.process(name)["pid"], number)

    def wait_until_ready(self, timeout_s=300):
        """After a kill: until the supervisor has everything ready again."""
        wait_until(lambda: self.tool("status")[0] == 0, timeout_s, lambda: self.tool("status")[1])

    def request(self, method, path, body=None, *, headers=None, token=None, access=None, key=None):
        """Through the gateway. `body` is sent as JSON, bytes as they are; `token` is a Consistency-Token,
        `access` an access token, `key` an idempotency key."""
        fields = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        for name, value in (("Consistency-Token", token), ("Idempotency-Key", key),
                            ("Authorization", f"Bearer {access}" if access else None)):
            if value is not None:
                fields[name] = value
        return ask(self.address_for(method), method, path, body, fields)

    def address_for(self, method):
        return f"127.0.0.1:{self.port}"

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        """With a new idempotency key unless the test gives one."""
        more.setdefault("key", new_key())
        return self.request("POST", path, body, **more)


def ask(address, method, path, body=None, headers=None, timeout_s=30):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        connection.request(method, path, body, headers or {})
        return Response(connection.getresponse())
    finally:
        connection.close()


def new_key():
    return str(uuid.uuid4())


def wait_until(condition, timeout_s, describe):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {describe()}")
        time.sleep(0.1)


_shared = None


def shared():
    """The shop that all test files use; started by the first one."""
    global _shared
    if _shared is None:
        _shared = Shop()
        atexit.register(_shared.close)
        _shared.up()
    return _shared
