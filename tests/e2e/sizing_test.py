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
        product = place.get("/v1/products?limit=1&in_stock=true").json["items"][0]["product_id"]
        Customer(place).buy(product)
        with self.subTest("topics that exist are judged by themselves"):
            refused = subprocess.run(
                [str(shop.binary("millrace")), "topics", "create", "--sizing", "production", "--brokers", broker],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertIn("topic identity.claim.commands: replication factor 1, min.insync.replicas 1", refused.stderr)


if __name__ == "__main__":
    unittest.main()
