"""A Kafka of several brokers under a shop: its replicas, its traffic, and how long anything stood still."""

import collections
import http.client
import json
import random
import socket
import struct
import threading
import time

import shop
from customer import PASSWORD, Customer
from importing import Import, assert_exact

BROKERS = ("broker", "broker-2", "broker-3")
# With two of three brokers away nothing is accepted; until then and some more a customer asks again.
ACCEPT_TIMEOUT_S = 180


class _Reader:
    """Takes the fields of an answer of Kafka one after the other."""

    def __init__(self, data):
        self._data, self._at = data, 0

    def number(self, form):
        [value] = struct.unpack_from(">" + form, self._data, self._at)
        self._at += struct.calcsize(">" + form)
        return value

    def text(self):
        length = max(self.number("h"), 0)
        self._at += length
        return self._data[self._at - length:self._at].decode()

    def array(self, item):
        return [item() for _ in range(self.number("i"))]


def _ask(address, api, version, body, timeout_s):
    host, port = address.rsplit(":", 1)
    request = struct.pack(">hhih", api, version, 1, 4) + b"test" + body
    with socket.create_connection((host, int(port)), timeout_s) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as stream:
            [length] = struct.unpack(">i", stream.read(4))
            return _Reader(stream.read(length)[4:])


def replicas(address, timeout_s=5):
    """[(topic, partition, replicas, those in sync)] as one broker knows them (Metadata, version 1)."""
    reader = _ask(address, 3, 1, struct.pack(">i", -1), timeout_s)
    reader.array(lambda: (reader.number("i"), reader.text(), reader.number("i"), reader.text()))
    reader.number("i")

    def partition():
        reader.number("h")
        number, _leader = reader.number("i"), reader.number("i")
        return number, *(reader.array(lambda: reader.number("i")) for _ in range(2))

    def topic():
        reader.number("h")
        name = reader.text()
        reader.number("b")
        return [(name, *each) for each in reader.array(partition)]

    return [each for partitions in reader.array(topic) for each in partitions]


def is_whole(addresses):
    """Whether each broker answers and knows every replica of every partition to be in sync."""
    try:
        return all(
            len(known) == len(in_sync) == len(addresses)
            for address in addresses for _, _, known, in_sync in replicas(address))
    except (OSError, struct.error):
        return False


class Background(threading.Thread):
    """Does something again and again until end() is called, which raises its failure."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.ending.is_set():
                self.step()
        except BaseException as failure:   # Raised again by end(), in the thread of the test.
            self.failure = failure

    def end(self, timeout_s=ACCEPT_TIMEOUT_S + 300):
        self.ending.set()
        self.join(timeout_s)
        if self.failure:
            raise self.failure
        assert not self.is_alive(), f"{self} does not end"


class Importing(Background):
    """Imports more and more baskets of a file, and compares the shop with it after each part."""

    def __init__(self, test, place, path, part, expect, *options):
        super().__init__()
        self._test, self._place, self._path, self._part, self._expect = test, place, path, part, expect
        self._options = options
        self.orders = self.parts = self.stops = 0
        self.output = ""

    def step(self):
        self.orders += self._part
        while True:
            run = Import(self._place, self._path, "--orders", str(self.orders), *self._options)
            code = run.run()
            if "goes on where this one stopped" not in run.output:
                break
            self.stops += 1   # Nothing moved for two minutes: as it says, the same command again.
        self.output = run.output
        self._test.assertEqual(code, 0, run.output)
        assert_exact(self._test, run.output, self._expect(self._path, self.orders))
        self.parts += 1


class Shopper(Background):
    """A customer who adds one thing after the other, with a key for each, until it is accepted."""

    def __init__(self, place, product):
        super().__init__()
        self.customer = Customer(place)
        self._product = product
        self.added = 0
        self.longest_s = 0.0
        self.refusals = collections.Counter()

    def step(self):
        started, key = time.monotonic(), shop.new_key()
        shop.wait_until(lambda: self._accepted(key), ACCEPT_TIMEOUT_S, lambda: f"{key}: {self.refusals}")
        self.longest_s = max(self.longest_s, time.monotonic() - started)
        self.added += 1
        self.ending.wait(0.4)

    def _accepted(self, key):
        try:
            answer = self.customer.add(self._product, 1, key=key, headers={"Prefer": "wait=5"})
            if answer.status == 401:   # An access token ends after a while; a login needs the log, too.
                session = self.customer.shop.post(
                    "/v1/sessions", {"email": self.customer.email, "password": PASSWORD})
                if session.status == 201:
                    self.customer.access = session.json["access_token"]
        except (OSError, http.client.HTTPException) as failure:
            self.refusals[type(failure).__name__] += 1
            return False
        assert answer.status in (200, 202, 401, 502, 503, 504), answer
        if answer.status != 200:
            self.refusals[answer.status] += 1
        return answer.status == 200

    def in_cart(self):
        """Read behind a write of one's own, so that the view has all."""
        answer = self.customer.delete("/v1/cart/items/prd_00000000-0000-8000-8000-000000000000")
        assert answer.status == 200, answer
        return sum(line["quantity"] for line in answer.json["lines"])


class Watch(Background):
    """How long the position of each partition of each service stood, though it had something to do or nobody to do it.
    With an end that is not known a partition may be at its end; those of the carts are not, for customers go on."""

    def __init__(self, addresses):
        super().__init__()
        self._addresses = addresses
        self._known = {}   # (service, topic, partition): (position, since when it has stood).
        self.longest_s = collections.Counter()
        self.lag_then = {}

    def step(self):
        now = time.monotonic()
        seen = {}
        for address in self._addresses:
            for key, position, lag in _inputs(address):
                seen[key] = max(seen.get(key, (-1, 0)), (position, lag))
        for key in {*self._known, *seen}:
            position, lag = seen.get(key, (-1, -1))
            before, since = self._known.get(key, (-1, now))
            idle = lag == 0 or (key in seen and lag < 0 and key[1] != "sales.commands")
            if position > before or idle:
                since = now
            self._known[key] = (max(position, before), since)
            if now - since >= self.longest_s[key]:
                self.longest_s[key] = now - since
                self.lag_then[key] = lag if key in seen else "nobody has it"
        self.ending.wait(0.5)


def _inputs(address):
    try:
        said = json.loads(shop.ask(address, "GET", "/readyz", timeout_s=2).body)
    except (OSError, ValueError, http.client.HTTPException):
        return
    for service, engine in said.items():
        for task in engine.get("tasks", []) if isinstance(engine, dict) else []:
            for given in [] if task["global"] else task["inputs"]:
                lag = -1 if given["lag"] is None else given["lag"]   # null: the end is not known.
                yield (service, given["topic"], given["partition"]), given["position"], lag


class Traffic:
    """An import, some customers and a watch at once, and what they must come to."""

    def __init__(self, test, place, importing, addresses, shoppers=6):
        self._test = test
        product = place.get("/v1/products?limit=1&in_stock=true").json["items"][0]["product_id"]
        self.importing, self.watch = importing, Watch(addresses)
        self.shoppers = [Shopper(place, product) for _ in range(shoppers)]
        self.started = time.monotonic()
        for each in (self.importing, self.watch, *self.shoppers):
            each.start()

    def check(self):
        """Whoever has failed already fails the test now."""
        for each in (self.importing, self.watch, *self.shoppers):
            if each.failure:
                raise each.failure

    def end(self):
        """Every cart has what was accepted and no more; the last part of the import is exact."""
        for each in (*self.shoppers, self.importing, self.watch):
            each.end()
        self._test.assertGreater(self.importing.parts, 0)
        for each in self.shoppers:
            self._test.assertEqual(each.in_cart(), each.added)
        self.report()

    def report(self):
        refusals = sum((each.refusals for each in self.shoppers), collections.Counter())
        print(f"\n{time.monotonic() - self.started:.0f} s, {self.importing.orders} orders in {self.importing.parts} "
              f"imports ({self.importing.stops} of them interrupted), each exact; {sum(each.added for each in self.shoppers)} cart commands by "
              f"{len(self.shoppers)} customers, each once")
        print(f"longest wait of a customer for one command: {max(e.longest_s for e in self.shoppers):.1f} s; "
              f"answers that were asked again: {dict(refusals)}")
        print("longest time without progress, the five worst partitions:")
        for key, stood in self.watch.longest_s.most_common(5):
            print(f"  {stood:5.1f} s  {key[0]} {key[1]}/{key[2]}  lag {self.watch.lag_then[key]}")


def chance(seed):
    print(f"MILLRACE_SEED={seed}")
    return random.Random(seed)
