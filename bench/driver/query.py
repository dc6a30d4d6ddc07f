"""GET from the real query-api over a real shop, beside libmicrohttpd alone with the same bytes and headers."""

import collections
import json
import subprocess
import time

import broker
import build
import house
import machine
from terminal import Failure, say

# query-api's own.
THREADS = "2"
CONNECTIONS = "32"
CART_LINES = 8
LOAD = build.ROOT / "bench" / "query" / "load.lua"
# The library writes these itself.
LIBRARY_HEADERS = ("date", "content-length", "connection")
# They differ from answer to answer.
OWN_HEADERS = ("request-id", *LIBRARY_HEADERS)
SERVERS = ("ours", "bare", "bare-prebuilt")


def targets(place):
    """{name: (target, headers)}. A "#" is a number that is new each time."""
    customer = house.Customer(place)
    products = customer.products(CART_LINES)
    order = customer.buy(products)
    customer.fill_cart(products)
    mine = {"Authorization": f"Bearer {customer.access}"}
    return {
        "product": (f"/v1/products/{products[0]}", {}),
        "order": (f"/v1/orders/{order}", mine),
        "cart": ("/v1/cart", mine),
        "page": ("/v1/products?limit=20", {}),
        "new-page": ("/v1/products?limit=20&price_max=#", {}),
    }


class Bare:
    """libmicrohttpd with the answer that query-api gave."""

    def __init__(self, run, answer, how):
        self.address = f"127.0.0.1:{broker.free_port()}"
        file = run.folder / "answer"
        lines = [f"{name}: {value}\n" for name, value in answer.headers if name.lower() not in LIBRARY_HEADERS]
        file.write_bytes("".join(lines).encode() + b"\n" + answer.body)
        self._popen = subprocess.Popen(
            [str(build.binary("bare_server", run.options.preset)), self.address.split(":")[1], THREADS, how, str(file)],
            stdin=subprocess.DEVNULL)
        self.pid = self._popen.pid

    def wait_same(self, target, headers, answer):
        """Byte for byte what query-api sent, or there is nothing to compare."""
        deadline = time.monotonic() + 5
        while True:
            try:
                mine = house.ask(self.address, "GET", target, headers=headers)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Failure("bare_server does not answer") from error
                time.sleep(0.02)
        if (mine.status, mine.body, headers_of(mine)) != (answer.status, answer.body, headers_of(answer)):
            raise Failure(f"bare_server's answer to {target} is not query-api's")

    def stop(self):
        self._popen.terminate()
        self._popen.wait()


def headers_of(answer):
    return sorted((name.lower(), value) for name, value in answer.headers if name.lower() not in OWN_HEADERS)


def load(run, pid, address, target, headers):
    """wrk for some seconds: the rate, and the server's own time for one request."""
    words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    before = machine.cpu_seconds(pid)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{run.options.seconds}s", "-s", str(LOAD), *words,
         f"http://{address}/", "--", target],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    spent = machine.cpu_seconds(pid) - before
    if done.returncode != 0:
        raise Failure(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    counted = json.loads(done.stdout.splitlines()[-1])
    if counted["failed"] or not counted["requests"]:
        raise Failure(f"{target}: {counted['failed']} of {counted['requests']} requests failed")
    return {"requests_per_s": counted["requests"] / counted["duration_us"] * 1e6,
            "cpu_us_per_request": spent / counted["requests"] * 1e6,
            "p50_ms": counted["p50_us"] / 1000, "p99_ms": counted["p99_us"] / 1000}


def measure(run, server, target, headers):
    query_api = run.house.address("query-api")
    once = target.replace("#", "999999999999")
    answer = house.ask(query_api, "GET", once, headers=headers)
    if answer.status != 200:
        raise Failure(f"GET {once}: {answer.status}")
    if server == "ours":
        return load(run, run.house.pid("query-api"), query_api, target, headers)
    bare = Bare(run, answer, "once" if server == "bare-prebuilt" else "each")
    try:
        bare.wait_same(once, headers, answer)
        return load(run, bare.pid, bare.address, target, headers)
    finally:
        bare.stop()


def query(run):
    """{server and route: {figure: [values]}}, the servers in turn for each route."""
    build.build(run.options.preset, run.folder / "build.log", targets=["bare_server"], everything=False)
    found = {}
    # Signed for ten minutes: new in each turn.
    for turn in range(run.options.runs):
        for route, (target, headers) in targets(run.house).items():
            for server in SERVERS:
                figures = measure(run, server, target, headers)
                say(f"  {turn + 1}/{run.options.runs} {server} {route}: "
                    + ", ".join(f"{name} {value:,.2f}" for name, value in figures.items()))
                for name, value in figures.items():
                    found.setdefault(f"{server} {route}", collections.defaultdict(list))[name].append(value)
    return found


def control(run):
    """An answer with another byte is not taken for ours."""
    query_api = run.house.address("query-api")
    answer = house.ask(query_api, "GET", "/v1/products?limit=20")
    bare = Bare(run, answer, "once")
    try:
        bare.wait_same("/v1/products?limit=20", {}, answer)
        answer.body += b" "
        try:
            bare.wait_same("/v1/products?limit=20", {}, answer)
        except Failure:
            say("  an answer with another byte is seen")
            return
        raise Failure("an answer with another byte was taken for ours")
    finally:
        bare.stop()
