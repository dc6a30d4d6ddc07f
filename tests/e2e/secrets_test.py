"""What must never happen, 8: no secret in the log. What a customer types is looked for in every byte that the shop
has written: Kafka's segments, the programs' logs, their state. Only the folder with the keys is left out."""

import re
import unittest
import uuid

import shop
from customer import money


def written(place):
    """(path, bytes) of every file in the shop's home."""
    for path in sorted(place.home.rglob("*")):
        if path.is_file() and "secrets" not in path.relative_to(place.home).parts:
            try:
                yield path, path.read_bytes()
            except FileNotFoundError:
                pass  # Deleted meanwhile: a compacted segment, a merged table.


class SecretsTest(unittest.TestCase):
    def test_nothing_that_a_customer_types_is_in_what_the_shop_writes(self):
        place = shop.shared()
        mark = uuid.uuid4().hex
        secrets = {
            "email": f"ada.{mark}@shop.example",
            "name": f"Ada {mark[:8]} Lovelace",
            "password": f"correct horse {mark}",
            "street": f"{mark[:6]} Dorset Street",
            "phone": f"+44 {mark[6:16]}",
            "method_token": f"pm_{mark}",
            "reason": f"my neighbour {mark[16:]} has one",
        }
        login = {"email": secrets["email"], "password": secrets["password"]}
        created = place.post("/v1/users", {**login, "name": secrets["name"], "locale": "en"})
        self.assertEqual(created.status, 201, created)
        sessions = []

        def logged_in():
            sessions.append(place.post("/v1/sessions", login))
            return sessions[-1].status == 201

        shop.wait_until(logged_in, 10, lambda: sessions[-1])
        for name, value in sessions[-1].json.items():
            if name.endswith("_token"):
                secrets[name] = value
        access = secrets["access_token"]
        place.post("/v1/sessions", {**login, "password": secrets["password"] + "!"})

        product = place.get("/v1/products?limit=1&in_stock=true").json["items"][0]["product_id"]
        cart = place.post("/v1/cart/items", {"product_id": product, "quantity": 1}, access=access)
        self.assertEqual(cart.status, 200, cart)
        placed = place.post("/v1/orders", {
            "expected_total": money(cart.json["totals"]["items"]),
            "shipping_address": {"street": secrets["street"]},
            "contact": {"phone": secrets["phone"]},
            "payment": {"method_token": secrets["method_token"]}}, access=access)
        self.assertIn(placed.status, (201, 202), placed)
        order = placed.json["order_id"]
        cancelled = place.post(
            f"/v1/orders/{order}/cancellation", {"reason": secrets["reason"]}, access=access)
        self.assertIn(cancelled.status, (200, 202), cancelled)

        readable = False
        for path, content in written(place):
            for name, secret in secrets.items():
                self.assertNotIn(secret.encode(), content, f"{name} is in {path}")
            self.assertIsNone(re.search(rb"\$argon2id?\$v=", content), f"a hash is in {path}")
            readable |= path.suffix == ".log" and order.encode() in content
        self.assertTrue(readable, "the segments are not readable as they are: nothing was looked for")
