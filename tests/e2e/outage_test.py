"""The log away or frozen, programs stopped and killed: every answer to a request is true, and stays so."""

import os
import signal
import threading
import time
import unittest

import shop
from customer import PASSWORD, Customer

PENDING_S = 60


class OutageTest(unittest.TestCase):
    """In a shop of its own: the other tests would not like this."""

    @classmethod
    def setUpClass(cls):
        cls.shop = shop.Shop()
        cls.addClassCleanup(cls.shop.close)
        cls.shop.up()
        cls.customer = Customer(cls.shop)
        cls.product = next(
            item["product_id"] for item in cls.shop.get("/v1/products?limit=100&in_stock=true").json["items"]
            if cls.shop.get(f"/v1/products/{item['product_id']}/availability").json["available"] == 10)

    def tearDown(self):
        self.shop.wait_until_ready(120)

    def add(self, key, **more):
        return self.customer.post(
            "/v1/cart/items", {"product_id": self.product, "quantity": 1}, key=key, **more)

    def quantity(self, **more):
        """How many are in the cart, as the log has it: read with the position of a write."""
        cart = self.customer.delete("/v1/cart/items/prd_00000000-0000-8000-8000-000000000000")
        self.assertEqual(cart.status, 200, cart)
        return sum(line["quantity"] for line in cart.json["lines"])

    def decided(self, location):
        answers = []

        def done():
            answers.append(self.customer.get(location))
            return answers[-1].status == 200 and answers[-1].json["status"] != "pending"

        shop.wait_until(done, PENDING_S, lambda: answers[-1])
        return answers[-1].json

    def repeat(self, key):
        """The same request until it is answered with its outcome."""
        answers = []

        def done():
            answers.append(self.add(key))
            return answers[-1].status == 200

        shop.wait_until(done, PENDING_S, lambda: answers[-1])
        return answers[-1]

    def wait_for(self, name):
        """After a kill: until this program is ready again, whatever the others are."""
        shop.wait_until(
            lambda: self.shop.process(name)["state"] == "ready", PENDING_S, lambda: name)

    def slug(self, answer):
        return answer.json["type"].rsplit("/", 1)[1]

    def frozen(self, name):
        """Inside, the program does not run; after, it does."""
        pid = self.shop.process(name)["pid"]

        class Frozen:
            def __enter__(self):
                os.kill(pid, signal.SIGSTOP)

            def __exit__(self, *_):
                os.kill(pid, signal.SIGCONT)

        return Frozen()

    def test_a_frozen_log_is_no_no(self):
        """Sent, not acknowledged: it may be in the log. It happens once, however often it is repeated."""
        before, key = self.quantity(), shop.new_key()
        with self.frozen("broker"):
            answer = self.add(key)
        self.assertEqual((answer.status, self.slug(answer)), (503, "outcome-unknown"))
        self.assertIn(answer.headers["Retry-After"], ("1", "2"))
        self.repeat(key)
        self.assertEqual(self.quantity(), before + 1)

    def test_what_a_dead_log_never_saw_was_not_accepted(self):
        before, unknown, answer = self.quantity(), [], None
        self.shop.kill("broker")
        while answer is None or self.slug(answer) != "log-unavailable":
            key = shop.new_key()
            answer = self.add(key)
            self.assertEqual(answer.status, 503, answer)
            if self.slug(answer) == "outcome-unknown":  # It went into the dying connection.
                unknown.append(key)
        self.assertIn(answer.headers["Retry-After"], ("1", "2"))
        self.shop.wait_until_ready(120)
        for key in unknown:
            self.repeat(key)
        self.assertEqual(self.quantity(), before + len(unknown))

    def test_reads_and_logging_in_go_on_without_the_log(self):
        with self.frozen("broker"):
            self.assertEqual(self.customer.get("/v1/cart").status, 200)
            self.assertEqual(self.shop.get("/v1/products?limit=1").status, 200)
            wrong = self.shop.post(
                "/v1/sessions", {"email": self.customer.email, "password": "not the one"})
            self.assertEqual(wrong.status, 401, wrong)

    def test_a_late_outcome_is_pending_to_every_instance(self):
        before, key = self.quantity(), shop.new_key()
        with self.frozen("processors"):
            answer = self.add(key, headers={"Prefer": "wait=1"})
            self.assertEqual(answer.status, 202, answer)
            self.assertIn(answer.headers["Retry-After"], ("1", "2"))
            location = answer.headers["Location"]
            self.assertEqual(self.customer.get(location).json["status"], "pending")
            self.shop.kill("command-api")
            self.wait_for("command-api")
            again = self.customer.get(location)
            self.assertEqual((again.status, again.json["status"]), (200, "pending"))
            self.assertIn(again.headers["Retry-After"], ("1", "2"))
        self.assertEqual(self.decided(location)["status"], "accepted")
        self.assertEqual(self.quantity(), before + 1)

    def test_a_stop_answers_what_is_under_way(self):
        """Asked of the API itself: the gateway has nowhere else to send the next request."""
        command = self.shop.process("command-api")
        before, key, answers = self.quantity(), shop.new_key(), []
        body = b'{"product_id":"%s","quantity":1}' % self.product.encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "Prefer": "wait=10",
                   "Authorization": f"Bearer {self.customer.access}"}

        def ask():
            answers.append(shop.ask(command["address"], "POST", "/v1/cart/items", body, headers))

        with self.frozen("processors"):
            asking = threading.Thread(target=ask)
            asking.start()
            shop.wait_until(lambda: self.waiting(command) == 1, 10, lambda: "nothing waits")
            os.kill(command["pid"], signal.SIGTERM)
            asking.join()
        self.assertEqual(answers[0].status, 202, answers)
        self.shop.wait_until_ready()
        self.assertEqual(self.decided(answers[0].headers["Location"])["status"], "accepted")
        self.assertEqual(self.quantity(), before + 1)
        log = self.shop.tool("logs", "command-api")[1]
        self.assertIn("event=stopping", log)

    def waiting(self, command):
        metrics = shop.ask(command["address"], "GET", "/metrics").body.decode()
        line = next(line for line in metrics.splitlines() if line.startswith("millrace_commands_waiting "))
        return int(line.split()[1])

    def test_reads_say_so_while_the_views_come_back(self):
        """Never an empty shop: 503 with Retry-After, or what was there."""
        self.shop.kill("query-api")
        seen, deadline = set(), time.monotonic() + 60
        while 200 not in seen and time.monotonic() < deadline:
            answer = self.shop.get("/v1/products?limit=1&in_stock=true")
            seen.add(answer.status)
            self.assertIn(answer.status, (200, 502, 503), answer)
            if answer.status == 200:
                self.assertEqual(len(answer.json["items"]), 1)
            else:
                self.assertIsNotNone(answer.headers["Retry-After"])
        self.assertIn(200, seen)

    def test_the_right_password_is_never_wrong(self):
        """Not even to an instance that has not yet read who there is."""
        self.shop.kill("command-api")
        answer, deadline = None, time.monotonic() + 60
        while (answer is None or answer.status != 201) and time.monotonic() < deadline:
            answer = self.shop.post("/v1/sessions", {"email": self.customer.email, "password": PASSWORD})
            self.assertIn(answer.status, (201, 502, 503), answer)
            time.sleep(0.05)  # The gateway limits how often one may try.
        self.assertEqual(answer.status, 201, answer)

    def test_a_payment_is_asked_for_again_after_the_connector_has_died(self):
        for token in ("pm_slow", "pm_twice"):
            with self.subTest(token=token):
                customer = Customer(self.shop)
                added = customer.post("/v1/cart/items", {"product_id": self.product, "quantity": 1})
                self.assertEqual(added.status, 200, added)
                placed = customer.order(customer.get("/v1/cart", token=added.token).json, token)
                self.assertIn(placed.status, (201, 202), placed)
                self.shop.kill("payments")
                order = placed.json["order_id"]
                done = customer.wait_for_status(order, "CONFIRMED", timeout_s=120)
                self.assertEqual(len(done["payments"]), 1)
                self.assertEqual(done["captured"], done["totals"]["grand"])
                self.wait_for("payments")


if __name__ == "__main__":
    unittest.main()
