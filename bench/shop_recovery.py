#!/usr/bin/env python3
"""shop_recovery.py - how long a customer waits when a program dies by kill -9: until it answers again, and where the time goes.

Runs against a shop that is up (tools/up --detach --load-test), in the home of that shop:

    bench/shop_recovery.py [--url http://127.0.0.1:8080] [--home .millrace] [--runs 3] [PROGRAM ...]

For processors: from the kill to the first command that is decided. For the others: to the first answer. Other
customers go on writing all the time, so that it dies in the middle of a transaction. The lines that the program
logged meanwhile are shown with their time since the kill.
"""
import argparse
import datetime
import json
import os
import pathlib
import signal
import sys
import threading
import time
import uuid

from shop_latency import Shop, product_in_stock

DEADLINE_S = 60
EVENTS = ("listening", "assigned", "ready", "join-failed", "abort", "fenced", "failed")


def answered(shop, program, product_id):
    """Whether the program has done its part of one request."""
    try:
        if program == "query-api":
            return shop.call("GET", "/v1/products?limit=1", expect=None)[2][0] == 200
        headers = {"Prefer": "wait=1" if program == "processors" else "wait=5"}
        status = shop.call("POST", "/v1/cart/items", {"product_id": product_id, "quantity": 1},
                           headers, expect=None)[2][0]
        return status == 200
    except OSError:
        shop.connection.close()
        return False


class OtherCustomers:
    """Threads that fill carts, whatever is dead."""

    def __init__(self, url, product_id, count):
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(register(url), product_id)) for _ in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _write(self, shop, product_id):
        while not self._stopping.wait(0.005):
            if not answered(shop, "processors", product_id):
                self._stopping.wait(0.1)


def register(url):
    shop = Shop(url)
    who = {"email": f"bench-{uuid.uuid4()}@shop.example", "password": str(uuid.uuid4())}
    shop.call("POST", "/v1/users", who)
    shop.token = shop.call("POST", "/v1/sessions", who)[2][1]["access_token"]
    return shop


def since(line, killed_at):
    """Seconds from the kill to a line of a log; None when it has no time."""
    if not line.startswith("ts="):
        return None
    at = datetime.datetime.fromisoformat(line[3:].split(" ", 1)[0].replace("Z", "+00:00"))
    return at.timestamp() - killed_at


def show_log(log, offset, killed_at):
    with open(log, "rb") as file:
        file.seek(offset)
        lines = file.read().decode(errors="replace").splitlines()
    running = None
    for line in lines:
        at = since(line, killed_at)
        if at is None:
            continue
        if " to=running" in line:
            running = at
        if any(f"event={event} " in line + " " for event in EVENTS):
            print(f"    {at:6.2f} s  {line.split(' ', 2)[2][:110]}")
    if running is not None:
        print(f"    {running:6.2f} s  the last task runs")


def kill_once(shop, home, program, product_id):
    record = json.loads((home / "run" / f"{program}.json").read_text())
    log = home / "logs" / f"{program}.log"
    offset = log.stat().st_size
    killed_at = time.time()
    os.kill(record["pid"], signal.SIGKILL)
    while not answered(shop, program, product_id):
        if time.time() - killed_at > DEADLINE_S:
            sys.exit(f"{program} did not come back in {DEADLINE_S} s: see {log}")
        time.sleep(0.01)
    took = time.time() - killed_at
    print(f"{program}: {took:.2f} s from kill -9 to the first answer")
    show_log(log, offset, killed_at)
    return took


def measure(shop, arguments, product_id):
    for program in arguments.programs:
        times = []
        for _ in range(arguments.runs):
            times.append(kill_once(shop, arguments.home, program, product_id))
            # The supervisor takes a third quick death for a program that will not stay up.
            time.sleep(arguments.pause)
        print(f"{program}: median {sorted(times)[len(times) // 2]:.2f} s of {len(times)}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the gateway")
    parser.add_argument("--home", default=os.environ.get("MILLRACE_HOME", ".millrace"), type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pause", type=float, default=12, help="seconds between two kills")
    parser.add_argument("programs", nargs="*", default=["processors", "query-api", "command-api"])
    arguments = parser.parse_args()
    shop = register(arguments.url)
    product_id = product_in_stock(shop)
    with OtherCustomers(arguments.url, product_id, 4):
        measure(shop, arguments, product_id)


if __name__ == "__main__":
    main()
