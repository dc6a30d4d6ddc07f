"""An order as Server-Sent Events through the gateway: from placing to its end, resumed, and nobody else's."""

import contextlib
import http.client
import json
import unittest

import shop
from customer import Customer


class Event:
    def __init__(self, lines):
        fields = dict(line.split(": ", 1) for line in lines)
        self.kind = fields["event"]
        self.id = fields.get("id")
        self.data = json.loads(fields["data"])


class Stream:
    """The events as they come: a read returns what is there, so a buffering proxy would be seen."""

    def __init__(self, response):
        self.response = response
        self.lines = []

    def __iter__(self):
        while line := self.response.readline():
            line = line.decode().rstrip("\n")
            if line and not line.startswith((":", "retry:")):
                self.lines.append(line)
            elif self.lines and not line:
                lines, self.lines = self.lines, []
                yield Event(lines)


@contextlib.contextmanager
def stream(customer, order, *, token=None, last=None):
    connection = http.client.HTTPConnection(customer.shop.address_for("GET"), timeout=20)
    fields = {"Authorization": f"Bearer {customer.access}", "Accept": "text/event-stream"}
    fields |= {"Consistency-Token": token} if token else {}
    fields |= {"Last-Event-ID": last} if last else {}
    try:
        connection.request("GET", f"/v1/orders/{order}/stream", headers=fields)
        yield connection.getresponse()
    finally:
        connection.close()


class StreamTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.products = [item["product_id"] for item in
                        cls.shop.get("/v1/products?limit=20&in_stock=true&sort=-price").json["items"]]

    def place(self, method_token):
        customer = Customer(self.shop)
        added = customer.add(self.products[0], 1)
        placed = customer.order(customer.get("/v1/cart", token=added.token).json, method_token)
        self.assertEqual(placed.status, 201, placed)
        return customer, placed.json["order_id"], placed.token

    def place_unpaid(self):
        """An order that waits for its payment."""
        customer = Customer(self.shop)
        added = customer.add(self.products[1], 1)
        cart = customer.get("/v1/cart", token=added.token).json
        placed = customer.post("/v1/orders", {"expected_total": {
            key: cart["totals"]["items"][key] for key in ("amount_minor", "currency")}},
            headers={"Prefer": "wait=5"})
        self.assertEqual(placed.status, 201, placed)
        return customer, placed.json["order_id"], placed.token

    def assert_story(self, events):
        """Versions rise, the first event is the snapshot, and each shows a whole order."""
        versions = [int(event.id) for event in events]
        self.assertEqual(versions, sorted(set(versions)))
        self.assertEqual(versions, [event.data["version"] for event in events])
        self.assertTrue(all(event.data["lines"] for event in events))

    def test_from_placing_to_confirmed_resumed_in_between(self):
        customer, order, token = self.place_unpaid()
        with stream(customer, order, token=token) as response:
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers["Content-Type"], "text/event-stream")
            events = []
            for event in Stream(response):
                events.append(event)
                if event.data["status"] == "PENDING_PAYMENT":
                    break
        self.assertEqual(events[0].kind, "snapshot")
        paid = customer.post(f"/v1/orders/{order}/payments", {"method_token": "pm_approve"})
        self.assertIn(paid.status, (201, 202), paid)
        with stream(customer, order, last=events[-1].id) as response:
            rest = list(Stream(response))   # To the end of the body: the stream ends by itself.
        self.assertEqual(rest[-1].kind, "end")
        self.assertEqual(rest[-1].data, {"reason": "final"})
        self.assertTrue(all(event.kind == "change" for event in rest[:-1]))
        self.assert_story(events + rest[:-1])
        self.assertEqual(rest[-2].data["status"], "CONFIRMED")
        self.assertEqual(rest[-2].data, customer.get(f"/v1/orders/{order}").json)
        with stream(customer, order, last=rest[-2].id) as response:
            self.assertEqual(response.status, 204)
        self.assert_timeline(customer, order, [
            ("placed", "customer"), ("stock_held", "system"), ("payment_started", "customer"),
            ("payment_authorized", "payment_provider"), ("confirmed", "system")])

    def assert_timeline(self, customer, order, expected):
        """The rows' types and actors, one for each version, and nobody else may read them."""
        timeline = customer.get(f"/v1/orders/{order}/timeline")
        self.assertEqual(timeline.status, 200, timeline)
        rows = timeline.json["items"]
        self.assertEqual([(row["type"], row["actor"]) for row in rows], expected)
        self.assertEqual([row["version"] for row in rows], list(range(1, len(rows) + 1)))
        self.assertEqual(Customer(self.shop).get(f"/v1/orders/{order}/timeline").status, 404)

    def test_a_read_waits_for_a_status(self):
        customer, order, token = self.place("pm_approve")
        seen = customer.get(
            f"/v1/orders/{order}?wait_status=CONFIRMED,CANCELLED", token=token, headers={"Prefer": "wait=10"})
        self.assertEqual((seen.status, seen.json["status"]), (200, "CONFIRMED"), seen)

    def test_a_decline_is_told_and_the_cancellation_ends_it(self):
        customer, order, token = self.place("pm_decline_hard")
        events = []
        with stream(customer, order, token=token) as response:
            for event in Stream(response):
                events.append(event)
                if event.kind == "end":
                    break
                payments = event.data["payments"]
                if payments and payments[-1]["status"] == "declined" and "cancel" in event.data["allowed_actions"]:
                    customer.post(f"/v1/orders/{order}/cancellation", None)
        self.assertEqual(events[-1].data, {"reason": "final"})
        self.assertEqual(events[-2].data["status"], "CANCELLED")
        self.assertEqual(events[-2].data["payments"][0]["status"], "declined")
        self.assert_story(events[:-1])

    def test_a_foreign_order_is_not_found_and_only_reading_is_allowed(self):
        _, order, token = self.place("pm_approve")
        with stream(Customer(self.shop), order, token=token) as response:
            self.assertEqual(response.status, 404)
            self.assertTrue(json.load(response)["type"].endswith("/problems/not-found"))
        refused = self.shop.post(f"/v1/orders/{order}/stream", {})
        self.assertEqual((refused.status, refused.headers["Allow"]), (405, "GET, HEAD, OPTIONS"))

    def test_five_streams_of_one_customer_are_one_too_many(self):
        customer, order, token = self.place_unpaid()
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                response = stack.enter_context(stream(customer, order, token=token))
                self.assertEqual(next(iter(Stream(response))).kind, "snapshot")
            refused = stack.enter_context(stream(customer, order))
            self.assertEqual(refused.status, 429)
            self.assertTrue(json.load(refused)["type"].endswith("/problems/too-many-streams"))


if __name__ == "__main__":
    unittest.main()
