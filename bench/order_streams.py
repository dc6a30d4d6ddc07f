#!/usr/bin/env python3
"""order_streams.py - what thousands of open order streams cost query-api, and how soon all of them hear of a change.

Runs against a shop that is up and allows one caller so many streams:

    MILLRACE_STREAMS_PER_OWNER=5000 tools/up --detach
    bench/order_streams.py [--url http://127.0.0.1:8080] [--streams 5000] [--quiet-s 20]

Places an order without paying it and opens that many streams of it, straight at query-api: the gateway bounds the
connections of one address. Prints memory, threads, descriptors and CPU time of query-api before, while all wait, and
after; then pays, and prints when the first and the last stream had the confirmation. Exits 1 when a stream fails.
"""
import argparse
import json
import os
import pathlib
import resource
import selectors
import socket
import subprocess
import sys
import time

from shop_latency import Shop, product_in_stock, quantile, register_and_log_in

ROOT = pathlib.Path(__file__).resolve().parents[1]
OPENING_S = 60
CONFIRMATION_S = 60


def query_api():
    """(pid, host, port) of the shop's query-api."""
    status = subprocess.run([ROOT / "tools" / "status", "--json"], stdout=subprocess.PIPE, check=False)
    for process in json.loads(status.stdout)["processes"]:
        if process["name"] == "query-api":
            host, port = process["address"].rsplit(":", 1)
            return process["pid"], host, int(port)
    return sys.exit("query-api does not run here: tools/up, and the same MILLRACE_HOME")


class Cost:
    """What the process holds now, and the CPU time it has used."""

    def __init__(self, pid):
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in text.splitlines())
        self.kib = int(fields["VmRSS"].split()[0])
        self.threads = int(fields["Threads"])
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        times = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        self.cpu_s = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")

    def show(self, when):
        print(f"{when:<26}{self.kib / 1024:9.1f} MiB  {self.threads:4} threads  {self.descriptors:6} descriptors")


class Streams:
    def __init__(self, host, port, request, count):
        self.selector = selectors.DefaultSelector()
        self.texts = {}
        self.times = {}     # When a stream had what was waited for.
        self.ended = 0
        for _ in range(count):
            stream = socket.create_connection((host, port), timeout=30)
            stream.sendall(request)
            stream.setblocking(False)
            self.texts[stream] = b""
            self.selector.register(stream, selectors.EVENT_READ)

    def read(self, stream):
        part = stream.recv(65536)
        if not part:
            self.selector.unregister(stream)
            self.ended += 1
        self.texts[stream] += part

    def wait_for(self, wanted, timeout_s):
        """Until each stream has received the bytes; how many have."""
        self.times = {}
        until = time.perf_counter() + timeout_s
        while len(self.times) < len(self.texts) and time.perf_counter() < until and self.selector.get_map():
            for key, _ in self.selector.select(0.2):
                self.read(key.fileobj)
                if key.fileobj not in self.times and wanted in self.texts[key.fileobj]:
                    self.times[key.fileobj] = time.perf_counter()
        return len(self.times)

    def drain(self, seconds):
        """Reads for so long; how many heartbeats came."""
        before = sum(text.count(b":hb\n") for text in self.texts.values())
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for key, _ in self.selector.select(0.2):
                self.read(key.fileobj)
        return sum(text.count(b":hb\n") for text in self.texts.values()) - before

    def close(self):
        for stream in self.texts:
            stream.close()


def place_unpaid(shop):
    _, _, (_, cart) = shop.call("PUT", f"/v1/cart/items/{product_in_stock(shop)}", {"quantity": 1})
    total = {key: cart["totals"]["items"][key] for key in ("amount_minor", "currency")}
    _, headers, (_, order) = shop.call("POST", "/v1/orders", {"expected_total": total})
    shop.call("GET", f"/v1/orders/{order['order_id']}", headers={"Consistency-Token": headers["consistency-token"]})
    return order["order_id"]


def check(opened, count, what, streams):
    if opened == count:
        return
    sample = next(text for stream, text in streams.texts.items() if stream not in streams.times)
    sys.exit(f"{count - opened} of {count} streams {what}; one has: {sample[:600].decode(errors='replace')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the gateway")
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--quiet-s", type=int, default=20, help="how long all wait before the payment")
    arguments = parser.parse_args()
    count = arguments.streams
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count + 100:
        sys.exit(f"only {hard} files may be open here: raise the hard limit (ulimit -Hn) over {count + 100}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, hard))
    shop = Shop(arguments.url)
    register_and_log_in(shop)
    order = place_unpaid(shop)
    pid, host, port = query_api()
    before = Cost(pid)
    before.show("before")
    request = (f"GET /v1/orders/{order}/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {shop.token}\r\n"
               "Accept: text/event-stream\r\n\r\n").encode()
    start = time.perf_counter()
    streams = Streams(host, port, request, count)
    check(streams.wait_for(b"event: snapshot\n", OPENING_S), count, "did not open", streams)
    opening = time.perf_counter() - start
    waiting = Cost(pid)
    waiting.show(f"{count} streams wait")
    print(f"{'':26}{(waiting.kib - before.kib) / count:9.1f} KiB a stream, opened in {opening:.1f} s")
    heartbeats = streams.drain(arguments.quiet_s)
    later = Cost(pid)
    later.show(f"after {arguments.quiet_s} s")
    print(f"{'':26}{heartbeats} heartbeats, {(later.cpu_s - waiting.cpu_s) / arguments.quiet_s * 100:.1f} % of a core")
    start = time.perf_counter()
    shop.call("POST", f"/v1/orders/{order}/payments", {"method_token": "pm_approve"}, expect=(201, 202))
    check(streams.wait_for(b'"status":"CONFIRMED"', CONFIRMATION_S), count, "had no confirmation", streams)
    times = sorted(streams.times.values())
    print(f"payment to confirmation   first {(times[0] - start) * 1000:.0f} ms, "
          f"p50 {(quantile(times, 0.5) - start) * 1000:.0f} ms, last {(times[-1] - start) * 1000:.0f} ms")
    streams.close()
    time.sleep(2)
    Cost(pid).show("all are closed")


if __name__ == "__main__":
    main()
