"""kill -9 in the middle: what was acknowledged stays, what was not can be asked again, nothing happens twice."""

import threading
import time
import unittest

import shop
from customer import Customer


class CrashTest(unittest.TestCase):
    def test_commands_survive_their_processors(self):
        place = shop.shared()
        customer = Customer(place)
        product = place.get("/v1/products?limit=1&in_stock=true").json["items"][0]["product_id"]
        for program in ("processors", "command-api", "broker"):
            with self.subTest(program):
                before = self.quantity(customer)
                keys = [shop.new_key() for _ in range(20)]
                killer = threading.Timer(0.1, place.kill, [program])
                killer.start()
                for key in keys:
                    self.add_until_accepted(place, customer, product, key)
                killer.join()
                place.wait_until_ready()
                self.assertEqual(self.quantity(customer), before + len(keys))

    def quantity(self, customer):
        lines = customer.get("/v1/cart").json["lines"]
        return sum(line["quantity"] for line in lines)

    def add_until_accepted(self, place, customer, product, key):
        """As a client should: the same key until there is an answer that is final. How long a busy machine needs to
        start a broker again does not count."""
        def accepted():
            try:
                answer = customer.add(product, 1, key=key, headers={"Prefer": "wait=5"})
            except OSError:
                return False
            self.assertIn(answer.status, (200, 202, 500, 502, 503, 504), answer)
            return answer.status == 200

        deadline = time.monotonic() + 30
        while not accepted():
            if time.monotonic() > deadline:
                place.wait_until_ready()
                shop.wait_until(accepted, 60, lambda: key)
                return
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
