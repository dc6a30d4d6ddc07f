"""A shop to measure: started by tools/up in a home that goes away, or one that is up already."""

import http.client
import json
import os
import pathlib
import subprocess
import time
import uuid

import broker
import build
from terminal import Failure, say

UP_TIMEOUT_S = 900
ORDER_TIMEOUT_S = 30
PASSWORD = "correct horse battery staple"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.getheaders()
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


def ask(address, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class House:
    """`home` given: a shop that is up, and stays up."""

    def __init__(self, options, folder):
        self.own = options.home is None
        self.home = pathlib.Path(options.home or folder / "home").resolve()
        self.environment = {**os.environ, "MILLRACE_HOME": str(self.home)}
        if self.own:
            self.environment["MILLRACE_PORT"] = str(broker.free_port())
            say(f"starting a shop with {options.orders} orders ...")
            self._tool("up", "--detach", "--load-test", "--orders", str(options.orders))
        status = json.loads(self._tool("status", "--json"))
        self.processes = {process["name"]: process for process in status["processes"]}
        self.gateway = self.address("gateway")

    def _tool(self, name, *words):
        done = subprocess.run(
            [str(build.ROOT / "tools" / name), *words], env=self.environment, timeout=UP_TIMEOUT_S,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"tools/{name}: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout

    def address(self, name):
        return self.processes[name]["address"].removeprefix("http://").rstrip("/")

    def pid(self, name):
        return self.processes[name]["pid"]

    def close(self):
        if self.own:
            self._tool("down")


class Customer:
    """Someone with an account, who asks through the gateway."""

    def __init__(self, house):
        self.house = house
        who = {"email": f"bench-{uuid.uuid4()}@shop.example", "password": PASSWORD}
        self.access = None
        self.ask("POST", "/v1/users", who)
        self.access = self.ask("POST", "/v1/sessions", who).json["access_token"]

    def ask(self, method, path, body=None, token=None, wanted=(200, 201)):
        headers = {"Accept": "application/json"}
        if self.access:
            headers["Authorization"] = f"Bearer {self.access}"
        if token:
            headers["Consistency-Token"] = token
        if method != "GET":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        answer = ask(self.house.gateway, method, path, body, headers)
        if wanted and answer.status not in wanted:
            raise Failure(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
        return answer

    def products(self, count):
        page = self.ask("GET", f"/v1/products?in_stock=true&sort=-price&limit={count}").json
        return [item["product_id"] for item in page["items"]]

    def fill_cart(self, product_ids):
        """The answer to the last line."""
        for product_id in product_ids:
            answer = self.ask("PUT", f"/v1/cart/items/{product_id}", {"quantity": 1})
        return answer

    def buy(self, product_ids):
        """An order of these, confirmed: its id."""
        cart = self.fill_cart(product_ids).json
        order = self.ask("POST", "/v1/orders", {
            "expected_total": cart["totals"]["items"], "payment": {"method_token": "pm_approve"}}).json["order_id"]
        deadline = time.monotonic() + ORDER_TIMEOUT_S
        while self.ask("GET", f"/v1/orders/{order}", wanted=None).json.get("status") != "CONFIRMED":
            if time.monotonic() > deadline:
                raise Failure(f"the order {order} was not confirmed within {ORDER_TIMEOUT_S} s")
            time.sleep(0.1)
        return order
