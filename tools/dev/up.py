"""tools/up: builds and starts the whole shop, fills it when it is empty, and keeps it running until Ctrl-C."""

import argparse
import contextlib
import os
import resource
import shlex
import signal
import sys
import time

import account
import broker
import build
import filling
import gateway
import probes
import services
import tls
import usage
from home import BROKERS_MAX, Home
from processes import StopRequest, Stopped
from supervisor import Supervisor, stop_orphans
from terminal import Failure, outlive_terminal, run_main, say

# Requests that the supervisor itself sends to the gateway each second: the health check, and this count.
OUR_REQUESTS = 2


def orders_count(text):
    if text != "all" and not (text.isdigit() and int(text) <= 10**9):
        raise argparse.ArgumentTypeError("it must be a number of orders, or all")
    return text


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="tools/up", description="Starts a whole Millrace: Kafka, processors, APIs and gateway.",
        epilog="Environment: MILLRACE_HOME is the folder of its data (default: .millrace in the checkout), "
               "MILLRACE_PORT the gateway's port (8080), MILLRACE_BIND its address (127.0.0.1). "
               "docs/reference/tools.md lists the others.")
    parser.add_argument("--detach", action="store_true", help="run it in the background, and return when it is up")
    parser.add_argument("--fresh", action="store_true", help="delete the data first: start with an empty Kafka")
    parser.add_argument("--data", metavar="FILE",
                        help="fill an empty shop from this .csv or .csv.xz (default: data/online-retail.csv.xz)")
    parser.add_argument("--orders", type=orders_count, metavar="N|all",
                        help="how many of the file's baskets to import (default: 2000)")
    parser.add_argument("--brokers", type=int, choices=(1, BROKERS_MAX),
                        help="how many brokers Kafka has (default: 1, or what the home was made with)")
    parser.add_argument("--broker", metavar="HOST:PORT", help="use this Kafka instead of starting one")
    parser.add_argument("--kafka-config", metavar="FILE", default=os.environ.get("MILLRACE_KAFKA_CONFIG"),
                        help="librdkafka's properties for the Kafka of --broker: TLS, passwords")
    parser.add_argument("--load-test", action="store_true",
                        help="without limits per client address and without a cache (MILLRACE_LOAD_TEST=1): all requests "
                             "of a load test come from one, and it is to measure the APIs")
    parser.add_argument("--tls", action="store_true",
                        help="HTTPS only (MILLRACE_TLS=1), with a development certificate or that of MILLRACE_TLS_CERT and "
                             "_KEY; MILLRACE_HTTP_PORT redirects to it")
    options = parser.parse_args(argv)
    if options.tls:
        os.environ["MILLRACE_TLS"] = "1"
    if options.load_test:
        os.environ["MILLRACE_LOAD_TEST"] = "1"
    options.port = gateway_port()
    options.data = options.data and os.path.abspath(options.data)
    options.kafka_config = options.kafka_config and os.path.abspath(options.kafka_config)
    return options


def gateway_port():
    text = os.environ.get("MILLRACE_PORT", "8080")
    if not (text.isdigit() and 0 < int(text) < 65536):
        raise Failure(f"MILLRACE_PORT={text} is not a port: a number from 1 to 65535")
    return int(text)


def check(home, options):
    """Refuses before the build what would fail after it."""
    if options.fresh and options.broker:
        raise Failure("--fresh deletes only the data of our own Kafka; it cannot be used with --broker")
    if options.data and not (os.path.isfile(options.data) and os.access(options.data, os.R_OK)):
        raise Failure(f"{options.data} cannot be read: it is not a file, or you may not read it")
    if options.kafka_config and not options.broker:
        raise Failure("--kafka-config (MILLRACE_KAFKA_CONFIG) is for the Kafka of --broker; our own asks for nothing")
    if options.broker:
        check_broker(options.broker, options.kafka_config)
    options.brokers = choose_brokers(home, options)
    if orphans := stop_orphans(home):
        say(f"stopped {orphans} processes that were left behind by a tools/up that was killed")
    gateway.check()
    for port in filter(None, (options.port, tls.http_port())):
        gateway.check_bind(port)
    if not tls.is_only() and not gateway.is_loopback():
        say(f"the gateway speaks plain HTTP on {gateway.bind_host()}: passwords cross the network in clear. "
            "--tls is for that")


def choose_brokers(home, options):
    """How many brokers to start. A Kafka that exists keeps its number: its logs are where they are."""
    if options.broker and options.brokers:
        raise Failure("--brokers is for our own Kafka; it cannot be used with --broker")
    made = 0 if options.fresh else home.brokers()
    if made and options.brokers not in (None, made):
        raise Failure(f"the Kafka in {home.path} was made with {made} broker{'s' * (made > 1)}, and that cannot be "
                      f"changed: start it without --brokers, or empty it with --fresh --brokers {options.brokers}")
    return options.brokers or made or 1


def check_broker(address, kafka_config):
    """Before the build: a wrong address is found within a second."""
    if not broker.split_address(address):
        raise Failure(f"--broker {address} is not of the form HOST:PORT")
    services.check_broker(address, kafka_config)


def check_kafka_config(options):
    """The programs of another account read the file themselves."""
    if options.kafka_config and options.account and not options.account.may("-r", options.kafka_config):
        name = options.account.name
        raise Failure(f"the programs run as {name}, who cannot read {options.kafka_config}: run `chown {name} "
                      f"{options.kafka_config}`, and the same for the files that it names")


def set_limits():
    """For us and all that we start. RocksDB and Kafka keep many files open; the soft limit is often 1024. A core
    file would hold keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))


def path_from_here(path):
    where = os.path.relpath(path)
    return path if where.startswith("..") else where


def print_address(home, shop):
    """Each line can be pasted: a certificate that nobody knows is named to curl."""
    url, https = shop.url, shop.https()
    known = f"--cacert {shlex.quote(str(path_from_here(https[1])))} " if https and https[1] else ""
    curl = f"curl {known if url == (https or [None])[0] else ''}"
    beside = f"\n  TLS    curl {known}{https[0]}/v1/categories" if https and https[0] != url else ""
    say(f"""
Millrace is up: {url}
  shop   {url}/  (for a browser)
  Kafka  {shop.brokers}
  logs   {path_from_here(home.logs)}/  (tools/logs NAME){beside}

Try:
  {curl}'{url}/v1/products?limit=3'
  {curl}'{url}/v1/products?sort=-price&limit=3'
  {curl}-i -X POST {url}/v1/users -H 'Content-Type: application/json' -H "Idempotency-Key: $(date +%s%N)" \\
       -d '{{"email":"ada@shop.example","password":"correct horse battery","locale":"en"}}'
""")


class StatusLine:
    """The line that the foreground shows once a second; rewritten in place on a terminal."""

    def __init__(self, shop, processes):
        self._shop = shop
        self._processes = processes
        self._started = time.monotonic()
        self._requests = None

    def show(self):
        line = f"up {usage.span(time.monotonic() - self._started)}  {self._states()}  {self._load()}"
        if sys.stdout.isatty():
            sys.stdout.write(f"\r{line}\033[K")
            sys.stdout.flush()
        else:
            say(line)

    def _states(self):
        waiting = [f"{p.name}: {p.state}" for p in self._processes if p.state != "ready"]
        return ", ".join(waiting) or f"all {len(self._processes)} ready"

    def _load(self):
        total = probes.gateway_requests(self._shop.url)
        known = total is not None and self._requests is not None
        rate = total - self._requests - OUR_REQUESTS if known else 0
        self._requests = total
        memory = sum(usage.of(process.popen.pid)["memory_bytes"] for process in self._processes)
        return f"{max(rate, 0)} requests/s  {memory >> 20} MiB"


def supervise(home, options, on_ready):
    """Starts the shop, calls on_ready(shop, supervisor), which may run for long, and stops the shop.
    Returns the exit code."""
    StopRequest.install()
    outlive_terminal()
    shop = services.Shop(home, options, options.account)
    supervisor = Supervisor(home, shop)
    try:
        supervisor.bring_up(options.data, options.orders)
        with shop.watch_instances():
            on_ready(shop, supervisor)
    except Stopped:
        pass
    finally:
        supervisor.stop()
    return 0


def foreground(home, options):
    def on_ready(shop, supervisor):
        print_address(home, shop)
        supervisor.watch(StatusLine(shop, supervisor.processes).show)

    return supervise(home, options, on_ready)


def detached(home, options):
    """A child stays as the supervisor; the parent waits until it is ready. Until then the child writes to the
    terminal, where the import shows its progress; afterwards to its log."""
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        os.setsid()
        sys.exit(stay(home, options, write_end))
    os.close(write_end)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: os.kill(child, signal.SIGTERM))
    with os.fdopen(read_end) as pipe:
        if pipe.read() == "ready":
            return 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or 130


def stay(home, options, pipe):
    def on_ready(shop, supervisor):
        print_address(home, shop)
        sys.stdout.flush()
        with open(home.logs / "supervisor.log", "ab") as log, open(os.devnull, "rb") as nothing:
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
            os.dup2(nothing.fileno(), 0)
        with contextlib.suppress(BrokenPipeError):   # The parent has ended.
            os.write(pipe, b"ready")
        os.close(pipe)
        supervisor.watch()

    return supervise(home, options, on_ready)


def main(argv):
    options = parse(argv)
    # Until the supervisor handles it: an interrupted build or download ends with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home = Home()
    home.create()
    if not home.lock():
        running = home.supervisor()
        where = f" at {running.fields['gateway']}, process {running.pid}" if running else ""
        raise Failure(f"Millrace is already up in {home.path}{where}; tools/down stops it")
    check(home, options)
    build.build("release", home.logs / "build.log", services.BINARIES, everything=False)
    if missing := services.missing_binaries():
        raise Failure(f"the build did not make {', '.join(missing)}")
    if options.data and (why := filling.refusal(services.import_check(options.data, options.orders))):
        raise Failure(f"nothing is started, for {options.data} is refused: {why}")
    jars = [] if options.broker else [broker.fetch(home.logs / "maven.log")]
    if options.fresh:
        home.empty()
    options.account = account.choose([home.path.parent, gateway.STOREFRONT, *map(build.binary, services.BINARIES), *jars])
    check_kafka_config(options)
    set_limits()
    return detached(home, options) if options.detach else foreground(home, options)


if __name__ == "__main__":
    run_main(main)
