"""A whole shop at production sizing: refused on a broker that keeps one copy, and working where that is allowed."""

import subprocess
import unittest

import shop
from customer import Customer

ONE_COPY = "a record may be lost with one broker"


class SizingTest(unittest.TestCase):
    def test_production_sizing_wants_two_copies_and_works_without_when_told_so(self):
        place = shop.Shop()
        self.addCleanup(place.close)
        place.environment["MILLRACE_SIZING"] = "production"
        code, output = place.tool("up", "--detach", "--orders", "5", timeout_s=shop.UP_TIMEOUT_S)
        self.assertEqual(code, 1, output)
        self.assertIn(ONE_COPY, output)
        place.environment["MILLRACE_ALLOW_ONE_COPY"] = "1"
        place.up(orders="5")
        broker = place.status()["broker"]
        listed = subprocess.run(["kcat", "-L", "-b", broker], capture_output=True, text=True, timeout=30, check=True).stdout
        for topic in ("sales.commands", "sales.order.events", "payments.commands", "identity.user.commands"):
            self.assertIn(f'topic "{topic}" with 24 partitions', listed)
        customer = Customer(place)
        product = place.get("/v1/products?limit=1&in_stock=true").json["items"][0]["product_id"]
        added = customer.post("/v1/cart/items", {"product_id": product, "quantity": 1})
        self.assertEqual(added.status, 200, added)
        placed = customer.order(customer.get("/v1/cart", token=added.token).json, "pm_approve")
        customer.wait_for_status(placed.json["order_id"], "CONFIRMED", timeout_s=60)
        with self.subTest("topics that exist are judged by themselves"):
            refused = subprocess.run(
                [str(shop.binary("millrace")), "topics", "create", "--sizing", "production", "--brokers", broker],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertIn("topic identity.claim.commands: replication factor 1, min.insync.replicas 1", refused.stderr)


if __name__ == "__main__":
    unittest.main()
