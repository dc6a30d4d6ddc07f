"""The gateway before two instances of each API: one dies, hangs or is not ready, and no read is lost."""

import http.server
import os
import shutil
import signal
import sys
import threading
import time
import unittest

import shop
from customer import PASSWORD, Customer
from instance import Instance
from load import Adder, Load

sys.path.insert(0, str(shop.ROOT / "tools" / "dev"))
import browser  # noqa: E402 (of tools/dev)

READERS = 6
AWAY_S = 30   # A probe of a frozen instance takes a second, on a busy machine more.


def log(place):
    return (place.home / "logs" / "supervisor.log").read_text(errors="replace")


def line(instance, word):
    return f"{instance.name[:-2]} at {instance.address} is {word}\n"


class GatewayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.Shop()
        cls.addClassCleanup(cls.shop.close)
        ports = {name: shop.free_port() for name in ("query", "command")}
        cls.shop.environment |= {
            f"MILLRACE_MORE_{name.upper()}_APIS": f"127.0.0.1:{port}" for name, port in ports.items()}
        cls.shop.environment["MILLRACE_GATEWAY_CACHE"] = "16m"
        cls.page_port = shop.free_port()
        cls.shop.environment["MILLRACE_CORS_ORIGINS"] = f"https://shop.example,http://localhost:{cls.page_port}"
        cls.shop.up(orders="5")
        secrets = ("--secrets-dir", cls.shop.home / "secrets")
        cls.query, cls.command = (
            Instance(ClassCleanups(cls), cls.shop, f"{name}-api", "1", "--port", *secrets, port=port)
            for name, port in ports.items())
        cls.address = f"127.0.0.1:{cls.shop.port}"
        shop.wait_until(lambda: all(line(each, "ready") in log(cls.shop) for each in (cls.query, cls.command)), AWAY_S,
                        lambda: log(cls.shop))
        cls.product = cls.shop.get("/v1/products?limit=1").json["items"][0]["product_id"]

    def wait_for_change(self, instance, word, fault):
        """Does what `fault` does, and waits until `tools/up` says that the instance is ready or not."""
        before = log(self.shop).count(line(instance, word))
        fault()
        shop.wait_until(lambda: log(self.shop).count(line(instance, word)) > before, AWAY_S, lambda: log(self.shop))
        time.sleep(1.5)   # For the reload that follows.

    def readers(self):
        """None of their answers is kept: each query is another one."""
        numbers = iter(range(1 << 30))
        return Load(self.address, READERS, lambda c: c.ask("GET", f"/v1/products?limit=5&price_min={next(numbers)}"))

    def assert_none_lost(self, load):
        self.assertEqual(load.lost[:3], [], f"{len(load.lost)} of {load.done}")
        self.assertGreater(load.done, 100)

    def test_no_read_is_lost_when_an_instance_dies_starts_empty_or_hangs(self):
        query = self.query
        with self.readers() as load:
            self.wait_for_change(query, "not ready", query.kill)
            shutil.rmtree(self.shop.home / "state" / query.name)   # It restores all its views.
            self.wait_for_change(query, "ready", query.start)
            self.wait_for_change(query, "not ready", lambda: query.popen.send_signal(signal.SIGSTOP))
            with self.readers() as after:
                time.sleep(2)
            self.wait_for_change(query, "ready", lambda: query.popen.send_signal(signal.SIGCONT))
        self.assert_none_lost(load)
        self.assert_none_lost(after)
        self.assertLess(load.longest_s, 11)
        self.assertLess(after.longest_s, 3, "the frozen instance still got requests")
        print(f"\n{load.done} reads, 0 lost, the slowest took {load.longest_s:.1f} s", flush=True)

    def test_no_read_is_lost_when_the_gateway_reads_its_configuration_again(self):
        pid = self.shop.process("gateway")["pid"]
        with self.readers() as load:
            for _ in range(8):
                time.sleep(0.4)
                os.kill(pid, signal.SIGHUP)
            time.sleep(1)
        self.assert_none_lost(load)
        self.assertEqual(self.shop.process("gateway")["restarts"], 0)
        print(f"\n{load.done} reads across 8 reloads, 0 lost", flush=True)

    def test_a_public_answer_is_kept_and_a_read_with_a_token_is_the_apis(self):
        path = f"/v1/products/{self.product}"
        first, second = self.shop.get(path), self.shop.get(path)
        self.assertEqual(second.headers["Cache-Status"].partition(";")[2].strip(), "hit", first.headers)
        self.assertEqual((second.status, second.body, second.token), (200, first.body, first.token))
        self.assertNotEqual(second.headers["Request-Id"], first.headers["Request-Id"])
        self.assertEqual(self.shop.get(path, headers={"If-None-Match": second.headers["ETag"]}).status, 304)
        customer = Customer(self.shop)
        added = customer.add(self.product, 1)
        for own in (self.shop.get(path, token=added.token), customer.get(path), customer.get("/v1/cart", token=added.token)):
            self.assertEqual(own.status, 200)
            self.assertNotIn("hit", own.headers["Cache-Status"] or "")
        self.assertEqual(own.json["lines"][0]["quantity"], 1)

    def test_a_write_that_failed_with_its_instance_is_done_once_when_it_is_repeated(self):
        customer = Customer(self.shop)
        adder, command = Adder(customer, self.product), self.command
        with Load(self.address, 1, adder.step) as load:
            self.wait_for_change(command, "not ready", command.kill)
            self.wait_for_change(command, "ready", command.start)
            self.wait_for_change(command, "not ready", lambda: command.popen.send_signal(signal.SIGSTOP))
            before = adder.added
            shop.wait_until(lambda: adder.added > before + 5, 30, lambda: load.lost[-1:])
            self.wait_for_change(command, "ready", lambda: command.popen.send_signal(signal.SIGCONT))
        shop.wait_until(lambda: customer.get("/v1/cart").json["lines"][0]["quantity"] >= adder.added, 20,
                        lambda: customer.get("/v1/cart"))
        quantity = customer.get("/v1/cart").json["lines"][0]["quantity"]
        self.assertIn(quantity - adder.added, (0, 1))   # The last one may have been cut off by our end.
        print(f"\n{load.done} writes, {len(load.lost)} failed and were repeated, {quantity} done", flush=True)


    def test_a_page_of_an_allowed_origin_does_a_whole_session_in_a_browser(self):
        pages = http.server.ThreadingHTTPServer(("127.0.0.1", self.page_port), BlankPage)
        self.addCleanup(pages.server_close)
        self.addCleanup(pages.shutdown)
        threading.Thread(target=pages.serve_forever, args=(0.05,), daemon=True).start()
        session = (shop.ROOT / "tests" / "e2e" / "page_session.js").read_text()
        asked = {"url": f"http://{self.address}", "password": PASSWORD}
        api = browser.playwright()
        with api.sync_playwright() as running:
            chromium = browser.launch(running)
            page = chromium.new_page()
            complaints = []
            page.on("console", lambda line: complaints.append(line.text))
            page.on("requestfailed", lambda request: complaints.append(f"{request.method} {request.url}: {request.failure}"))
            page.goto(f"http://localhost:{self.page_port}/")
            try:
                seen = page.evaluate(session, asked)
            except api.Error as error:
                self.fail(f"{error}\n{complaints}")
            self.assertEqual(seen, {
                "registered": 201, "listing": 200, "known": 304, "added": 200, "order": 201, "quantity": 2,
                "status": "CONFIRMED", "refused": 413, "problem": "/problems/content-too-large",
                "tokens": [True, True, True]})
            page.goto(f"http://127.0.0.1:{self.page_port}/")   # The same page, but of an origin that is not on the list.
            with self.assertRaisesRegex(api.Error, "Failed to fetch"):
                page.evaluate(session, asked)
            chromium.close()


class BlankPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, *_):
        pass


class ClassCleanups:
    """What Instance wants of a test, for the whole class."""

    def __init__(self, owner):
        self.addCleanup = owner.addClassCleanup


if __name__ == "__main__":
    unittest.main()
