"""The Kafka for development and tests: fetches its pinned jars by Maven, and starts its nodes on loopback."""

import base64
import contextlib
import hashlib
import os
import pathlib
import random
import re
import shlex
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import build
from processes import Process
from terminal import Failure, run_main, say

FILES = pathlib.Path(__file__).resolve().parent / "kafka"
# Named in full: a bare "dependency:" would make Maven look up which plugin that is, and which version is new.
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
READY_TIMEOUT_S = 120
# Java decodes file names by the locale; in "C" it cannot decode letters beyond ASCII.
JAVA_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


def free_port():
    """A loopback port nobody listens on, below those the kernel hands out to clients."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if port_is_free(port):
            return port
    raise Failure("no free port between 20000 and 32000")


def bind_error(port, host="127.0.0.1"):
    """None when the port is free on that host; else the OSError of the attempt to listen."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        return error
    return None


def port_is_free(port):
    return bind_error(port) is None


def split_address(address):
    """(host, port) of HOST:PORT or [IPV6]:PORT; None when it is neither."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[A-Za-z0-9_.-]+):(\d{1,5})", address)
    if not match or not 0 < int(match[2]) < 65536:
        return None
    return match[1].strip("[]"), int(match[2])


def answers(address, timeout_s=1.0):
    """Whether a Kafka broker at HOST:PORT serves requests: it is asked for its API versions."""
    request = struct.pack(">hhih", 18, 0, 1, 8) + b"millrace"
    try:
        with socket.create_connection(split_address(address), timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            reply = b""
            while len(reply) < 10:
                part = connection.recv(10 - len(reply))
                if not part:
                    return False
                reply += part
    except OSError:
        return False
    _, correlation, error = struct.unpack(">iih", reply)
    return correlation == 1 and error == 0


def listens(address, timeout_s=1.0):
    """Whether anybody takes connections at HOST:PORT."""
    try:
        with socket.create_connection(split_address(address), timeout_s):
            return True
    except OSError:
        return False


def version():
    text = (FILES / "pom.xml").read_text()
    return re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([^<]+)", text)[1]


def fetch(log):
    """The folder with Kafka's jars, downloaded once for each pom.xml."""
    digest = hashlib.sha256((FILES / "pom.xml").read_bytes()).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("MILLRACE_CACHE", build.ROOT / ".cache")).resolve()
    jars = cache / f"kafka-{version()}-{digest}"
    if jars.is_dir():
        return jars
    say(f"downloading Kafka {version()} with Maven ...")
    started = time.monotonic()
    part = jars.with_name(f"{jars.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        shutil.copy(FILES / "pom.xml", part)
        with open(log, "w") as output:
            status = subprocess.run(
                ["mvn", "-B", "-q", "-Dstyle.color=never", "-f", "pom.xml", f"{PLUGIN}:copy-dependencies",
                 "-DincludeScope=runtime", "-DoutputDirectory=jars"],
                cwd=part, env={**os.environ, **JAVA_ENVIRONMENT},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
        if status != 0:
            lines = pathlib.Path(log).read_text(errors="replace").splitlines()
            why = next((line for line in lines if "[ERROR]" in line), "Maven gave no reason")
            raise Failure(f"Kafka could not be downloaded: {why} (Maven's log: {log})")
        with contextlib.suppress(OSError):
            os.rename(part / "jars", jars)   # Another tool may have been faster; its copy is as good.
    finally:
        shutil.rmtree(part, ignore_errors=True)
    say(f"downloaded Kafka {version()}: {len(list(jars.glob('*.jar')))} jars in {time.monotonic() - started:.0f} s")
    return jars


class Node:
    """One broker of a Kafka, the first of which is number 1, with a folder and ports of its own."""

    def __init__(self, number, data_dir, log, port, controller_port):
        self.number = number
        self.data_dir = data_dir
        self.log = log
        self.port = port
        self.controller_port = controller_port

    @property
    def name(self):
        return node_name("broker", self.number)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def identity(self):
        """The file that exists once the folder is formatted."""
        return self.data_dir / "log" / "meta.properties"


def node_name(name, number):
    """broker, broker-2, broker-3: a single one has the plain name."""
    return name if number == 1 else f"{name}-{number}"


def nodes_made(data_dir):
    """How many nodes the Kafka has whose first node's folder this is; 0 while there is none."""
    with contextlib.suppress(FileNotFoundError):
        voters = re.search(r"^controller\.quorum\.voters=(.*)$", (data_dir / "server.properties").read_text(), re.M)
        if voters and (data_dir / "log" / "meta.properties").exists():
            return voters[1].count("@")
    return 0


def _java(nodes_count, *arguments):
    """A command to be run in the data folder. It holds no absolute path: a colon would split a class path, a comma
    a configuration value."""
    default = "-Xms256m -Xmx1g" if nodes_count == 1 else "-Xms128m -Xmx384m"
    heap = shlex.split(os.environ.get("KAFKA_HEAP_OPTS", default))
    return ["java", *heap, "-Dlog4j2.configurationFile=log4j2.properties", "-cp", "jars/*", *arguments]


def _cluster_id(nodes):
    """The id of the nodes that are formatted already, for one that lost its folder comes back to its cluster."""
    for node in nodes:
        with contextlib.suppress(FileNotFoundError):
            if known := re.search(r"^cluster\.id=(\S+)$", node.identity.read_text(), re.M):
                return known[1]
    return "M" + base64.urlsafe_b64encode(os.urandom(16)).decode()[1:22]


def _format(node, nodes_count, cluster_id, account):
    """Gives an empty data folder its cluster id; one that has an id is left as it is."""
    with open(node.log, "ab") as output:
        status = subprocess.run(
            _java(nodes_count, "kafka.tools.StorageTool", "format", "--ignore-formatted",
                  "--cluster-id", cluster_id, "--config", "server.properties"),
            cwd=node.data_dir, env={**os.environ, **JAVA_ENVIRONMENT}, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, check=False, umask=0o077, **(account.popen if account else {})).returncode
    if status != 0:
        raise Failure(f"Kafka's data folder could not be formatted; {node.log} says why")


def _write_configuration(node, nodes, jars):
    """Of three nodes two must have a record before it counts as written; a single node has no copy to wait for."""
    values = {
        "NODE_ID": node.number, "BROKER_PORT": node.port, "CONTROLLER_PORT": node.controller_port,
        "VOTERS": ",".join(f"{n.number}@127.0.0.1:{n.controller_port}" for n in nodes),
        "REPLICAS": len(nodes), "IN_SYNC": len(nodes) // 2 + 1}
    text = (FILES / "server.properties.in").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    (node.data_dir / "server.properties").write_text(text)
    shutil.copy(FILES / "log4j2.properties", node.data_dir)
    link = node.data_dir / "jars"
    link.unlink(missing_ok=True)
    link.symlink_to(jars)


def prepare(nodes, run_dir, account=None):
    """The nodes of one Kafka as Processes that are not started yet; their data folders exist and have their id."""
    jars = fetch(nodes[0].log.with_name("maven.log"))
    for node in nodes:
        node.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_configuration(node, nodes, jars)
        if account:
            account.take(node.data_dir)
    cluster_id = _cluster_id(nodes)
    for node in nodes:
        if not node.identity.exists():
            _format(node, len(nodes), cluster_id, account)
    return [_process(node, len(nodes), run_dir, account) for node in nodes]


def _process(node, nodes_count, run_dir, account):
    return Process(
        node.name, _java(nodes_count, "kafka.Kafka", "server.properties"), node.log, run_dir, cwd=node.data_dir,
        environment=JAVA_ENVIRONMENT, ready=lambda: answers(node.address), address=node.address, term_s=60,
        account=account)


@contextlib.contextmanager
def temporary(folder):
    """A broker for as long as the with-block runs; yields its HOST:PORT."""
    [process] = prepare([Node(1, folder / "kafka", folder / "broker.log", free_port(), free_port())], folder)
    process.start()
    try:
        process.wait_ready(READY_TIMEOUT_S)
        yield process.address
    finally:
        process.stop()


def main(argv):
    """python3 tools/dev/broker.py COMMAND...: runs it with a broker of its own in MILLRACE_TEST_BROKERS."""
    if not argv:
        raise Failure("usage: broker.py COMMAND...: the command that needs a broker is missing")
    with tempfile.TemporaryDirectory(prefix="millrace-broker-") as folder:
        with temporary(pathlib.Path(folder)) as address:
            environment = {**os.environ, "MILLRACE_TEST_BROKERS": address}
            return subprocess.run(argv, env=environment, check=False).returncode


if __name__ == "__main__":
    run_main(main)
