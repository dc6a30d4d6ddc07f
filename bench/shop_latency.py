#!/usr/bin/env python3
"""shop_latency.py - how long one customer waits: each step of a purchase, and POST item to the cart that shows it.

Runs against a shop that is up (tools/up --load-test), over one kept-alive connection through the gateway:

    bench/shop_latency.py [--url http://127.0.0.1:8080] [--runs 200]

Prints milliseconds: each step once, then p50, p99 and max over the runs of (POST /v1/cart/items, then
GET /v1/cart with the token it returned). Exits 1 when a step fails or a cart does not show what was posted.
"""
import argparse
import http.client
import json
import sys
import time
import urllib.parse
import uuid

CONFIRMATION_WAIT_S = 30


class Shop:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=30)
        self.token = None

    def call(self, method, path, body=None, headers=None, expect=(200, 201)):
        """Returns (milliseconds, headers, decoded body); exits with the problem when the status is another."""
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if method != "GET":
            sent.setdefault("Idempotency-Key", str(uuid.uuid4()))
        data = None
        if body is not None:
            data = json.dumps(body)
            sent["Content-Type"] = "application/json"
        start = time.perf_counter()
        self.connection.request(method, path, body=data, headers=sent)
        response = self.connection.getresponse()
        raw = response.read()
        took = (time.perf_counter() - start) * 1000
        if expect and response.status not in expect:
            sys.exit(f"{method} {path}: {response.status} {raw.decode(errors='replace')[:500]}")
        decoded = json.loads(raw) if raw else None
        return took, {k.lower(): v for k, v in response.getheaders()}, (response.status, decoded)


def show(step, took):
    print(f"{step:<34}{took:9.2f} ms")


def register_and_log_in(shop):
    who = {"email": f"bench-{uuid.uuid4()}@shop.example", "password": str(uuid.uuid4())}
    show("POST /v1/users", shop.call("POST", "/v1/users", who)[0])
    took, _, (_, session) = shop.call("POST", "/v1/sessions", who)
    show("POST /v1/sessions", took)
    shop.token = session["access_token"]


def product_in_stock(shop):
    took, _, (_, page) = shop.call("GET", "/v1/products?in_stock=true&sort=-price&limit=20")
    show("GET /v1/products", took)
    if not page["items"]:
        sys.exit("no product is in stock: import some data first (tools/up does)")
    return page["items"][0]["product_id"]


def add_and_read_back(shop, product_id):
    """One run: milliseconds from POST to the cart that shows it."""
    start = time.perf_counter()
    _, headers, (_, posted) = shop.call(
        "POST", "/v1/cart/items", {"product_id": product_id, "quantity": 1})
    token = headers["consistency-token"]
    _, _, (_, cart) = shop.call("GET", "/v1/cart", headers={"Consistency-Token": token})
    took = (time.perf_counter() - start) * 1000
    if cart["version"] < posted["version"]:
        sys.exit(f"the cart read with the token is older than the write: {cart['version']}")
    return took


def quantile(sorted_values, q):
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def check_out(shop, product_id):
    _, headers, (_, cart) = shop.call("PUT", f"/v1/cart/items/{product_id}", {"quantity": 1})
    start = time.perf_counter()
    took, headers, (_, order) = shop.call(
        "POST", "/v1/orders",
        {"expected_total": cart["totals"]["items"], "payment": {"method_token": "pm_approve"}})
    show("POST /v1/orders", took)
    path = f"/v1/orders/{order['order_id']}"
    show("GET " + "/v1/orders/{id}", shop.call(
        "GET", path, headers={"Consistency-Token": headers["consistency-token"]})[0])
    while time.perf_counter() - start < CONFIRMATION_WAIT_S:
        _, _, (status, confirmation) = shop.call("GET", path + "/confirmation", expect=None)
        if status == 200:
            show("POST /v1/orders to confirmation", (time.perf_counter() - start) * 1000)
            return
        time.sleep(0.005)
    sys.exit(f"{path} was not confirmed in {CONFIRMATION_WAIT_S} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the gateway")
    parser.add_argument("--runs", type=int, default=200)
    arguments = parser.parse_args()
    shop = Shop(arguments.url)
    register_and_log_in(shop)
    product_id = product_in_stock(shop)
    times = sorted(add_and_read_back(shop, product_id) for _ in range(arguments.runs))
    check_out(shop, product_id)
    print(f"\nPOST item to cart readable, {len(times)} runs: p50 {quantile(times, 0.5):.2f} ms, "
          f"p99 {quantile(times, 0.99):.2f} ms, max {times[-1]:.2f} ms")


if __name__ == "__main__":
    main()
