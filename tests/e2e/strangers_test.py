"""Records nobody expected in the topics: the shop goes on, comes back from a restart, and names them."""

import re
import subprocess
import threading
import unittest

import shop
from customer import Customer

KINDS = (None, "", "hello", "\\0")   # A tombstone, an empty value, text.
TOPICS = (
    "identity.claim.events", "identity.user.events", "identity.session.events", "catalog.product.events",
    "inventory.stock.events", "sales.cart.events", "sales.order.events", "payments.events",
    "identity.claim.outcomes", "catalog.product.outcomes", "sales.outcomes", "identity.credentials",
    "identity.subject-keys", "sales.order-progress.changelog", "_schemas")


class StrangersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.Shop()
        cls.addClassCleanup(cls.shop.close)
        cls.shop.up(orders="5")

    def write(self, topic, key, value):
        done = subprocess.run(
            [str(shop.binary("stray_record")), self.shop.status()["broker"], topic, "0", key,
             *([] if value is None else [value])], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def order(self):
        customer = Customer(self.shop)
        product = self.shop.get("/v1/products?q=white+hanging&limit=1").json["items"][0]["product_id"]
        cart = customer.add(product, 1).json
        order = customer.order(cart, "pm_approve").json["order_id"]
        customer.wait_for_status(order, "CONFIRMED")

    def order_while_a_stranger_writes(self):
        """Between the records of our transactions: their positions are not the foreseen ones then."""
        done = threading.Event()

        def write_on():
            while not done.is_set():
                for topic in ("sales.cart.events", "sales.order.events", "sales.outcomes", "inventory.stock.events"):
                    self.write(topic, "lab", "hello")
        writer = threading.Thread(target=write_on)
        writer.start()
        try:
            for _ in range(5):
                self.order()
        finally:
            done.set()
            writer.join()

    def test_strangers_in_every_log_change_nothing_live_or_after_a_restart(self):
        before = self.shop.get("/v1/products?limit=100").body
        for topic in TOPICS:
            for number, value in enumerate(KINDS):
                self.write(topic, f"lab-{number}", value)
        self.order()
        self.order_while_a_stranger_writes()
        self.shop.kill("processors")
        self.shop.wait_until_ready()
        self.order()
        code, output = self.shop.down()
        self.assertEqual(code, 0, output)
        self.shop.up(orders="5")
        self.assertEqual(self.shop.get("/v1/products?limit=100").body, before)
        self.order()
        log = (self.shop.home / "logs" / "processors.log").read_text()
        for topic in ("catalog.product.events", "sales.cart.events", "sales.outcomes"):
            self.assertRegex(log, rf"laid-aside.*topic={re.escape(topic)} partition=0 offset=\d+")
        done = subprocess.run(
            [str(shop.binary("millrace")), "topics", "strangers", "--brokers", self.shop.status()["broker"]],
            capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"catalog\.product\.events/0 offset \d+ time \d+ key \"lab-0\" .*a tombstone")
        self.assertRegex(done.stdout, r"\d+ records read, \d+ not ours\n$")


if __name__ == "__main__":
    unittest.main()
