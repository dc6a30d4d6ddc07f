"""Every program of a running shop: its command, its address, and when it is ready."""

import os

import broker
import build
import certificate
import gateway
import probes
import tls
from instances import Watch
from processes import Process
from terminal import Failure

BINARIES = ("millrace", "millrace-processors", "millrace-payments", "millrace-command-api", "millrace-query-api")


class Shop:
    """The programs that tools/up starts for one home."""

    def __init__(self, home, options, account=None):
        self.home = home
        self.ports = home.ports()
        self.external_broker = options.broker
        self._nodes = [self._node(number) for number in range(1, options.brokers + 1)]
        self.brokers = options.broker or ",".join(node.address for node in self._nodes)
        self.kafka_config = options.kafka_config
        self.account = account
        self.gateway_address = f"{gateway.url_host()}:{options.port}"
        self.url = f"{'https' if tls.is_only() else 'http'}://{self.gateway_address}"
        self._port = options.port
        self._gateway_process = None

    def broker_processes(self):
        """None of them with --broker."""
        if self.external_broker:
            check_broker(self.brokers, self.kafka_config)
            return []
        return broker.prepare(self._nodes, self.home.run, self.account)

    def _node(self, number):
        name, controller = (broker.node_name(each, number) for each in ("broker", "controller"))
        return broker.Node(
            number, self.home.kafka[number - 1], self.home.logs / f"{name}.log",
            self.ports[name], self.ports[controller])

    def _kafka(self):
        """The options of every program that speaks to Kafka. Passwords stay in the file."""
        return ["--brokers", self.brokers, *(["--kafka-config", self.kafka_config] if self.kafka_config else [])]

    def preparations(self):
        """(name, argv) of the commands that must succeed, in this order, before the programs start."""
        millrace = build.binary("millrace")
        return [
            ("topics", [millrace, "topics", "create", *self._kafka()]),
            ("schemas", [millrace, "schemas", "register", *self._kafka()]),
            ("secrets", [millrace, "secrets", "init", self.home.secrets]),
        ]

    def programs(self):
        """In the order of starting; they are stopped in the reverse order."""
        secrets = ["--secrets-dir", self.home.secrets]
        return [
            self._program("processors", "--status-port", self._state("processors")),
            self._program("payments", "--status-port", secrets),
            self._program("command-api", "--port", self._state("command-api") + secrets),
            self._program("query-api", "--port", self._state("query-api") + secrets),
            self._gateway(),
        ]

    def import_command(self, data, orders):
        return [
            build.binary("millrace"), "import", "retail", data, "--orders", orders,
            *self._kafka(), "--secrets-dir", self.home.secrets]

    def check_command(self, data, orders):
        """Judges a file and imports nothing; needs neither the broker nor the keys."""
        return import_check(data, orders)

    def query_api(self):
        return self._address("query-api")

    def _address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def _state(self, name):
        folder = self.home.state / name
        folder.mkdir(parents=True, exist_ok=True)
        return ["--state-dir", folder]

    def _program(self, name, port_flag, arguments):
        address = self._address(name)
        argv = [
            build.binary(f"millrace-{name}"), *self._kafka(),
            port_flag, self.ports[name], *arguments]
        return Process(
            name, argv, self.home.logs / f"{name}.log", self.home.run, address=address,
            ready=lambda: probes.is_ready(address), account=self.account)

    def watch_instances(self):
        """A context: within it an instance that is not ready gets no requests."""
        return Watch(
            {f"{side}-api": gateway.instances(self._address(f"{side}-api"), side) for side in gateway.MORE},
            self._reload_gateway)

    def _reload_gateway(self, away):
        if self._gateway_process.state != "ready":
            return False   # It reads the file when it starts, but with the instances of before.
        self._render(away)
        return self._gateway_process.hang_up()

    def _gateway_is_root(self):
        return bool(self.account) and gateway.needs_root(self._port, self.account)

    def _render(self, away=()):
        return gateway.render(
            self.home, self._port, self._address("command-api"), self._address("query-api"), self.account,
            master_is_root=self._gateway_is_root() or not self.account, away=away, https_port=self._https_port())

    def _https_port(self):
        """Of TLS beside plain HTTP; None without."""
        return None if tls.is_only() or not certificate.can_be_made() else self.ports["https"]

    def https(self):
        """(URL, certificate that a client must know, or None) of TLS; None where the gateway speaks none."""
        port = self._port if tls.is_only() else self._https_port()
        return port and (f"https://{gateway.url_host()}:{port}", tls.certificate_for_clients(self.home))

    def _gateway(self):
        as_root = self._gateway_is_root()
        argv = ["/usr/sbin/nginx", "-p", self.home.gateway, "-c", self._render(),
                "-e", self.home.logs / "gateway.log"]
        self._gateway_process = Process(
            "gateway", argv, self.home.logs / "gateway.log", self.home.run,
            address=self.gateway_address, term_s=10, account=None if as_root else self.account,
            ready=lambda: probes.is_ready(self.url, "/healthz"))
        return self._gateway_process


def import_check(data, orders):
    return [build.binary("millrace"), "import", "retail", data, "--orders", orders or "all", "--check"]


def check_broker(address, kafka_config=None):
    """A broker that asks for TLS or a password is only seen to listen: `millrace topics create` then speaks to it."""
    found = broker.listens if kafka_config else broker.answers
    if not found(address, timeout_s=5):
        raise Failure(f"no Kafka broker answers at {address}")


def missing_binaries():
    """The programs that the build did not make."""
    return [name for name in BINARIES if not os.access(build.binary(name), os.X_OK)]
