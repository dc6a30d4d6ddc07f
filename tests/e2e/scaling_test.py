"""Each service scales by itself: more processors, more APIs, and one of them may go in the middle of an import."""

import json
import pathlib
import tempfile
import unittest

import retail_file
import shop
from customer import Customer
from importing import Import, assert_exact
from instance import MOVE_TIMEOUT_S, Instance, ready, tasks


class ScalingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="millrace-scaling-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.shop = shop.Shop()
        cls.addClassCleanup(cls.shop.close)
        cls.shop.up("--data", str(retail_file.make(cls.folder / "few.csv", 5, seed=1, tag="81")), orders="all")
        cls.processors = cls.shop.process("processors")["address"]

    def test_services_are_shared_and_move_when_an_instance_dies(self):
        path = retail_file.make(self.folder / "shared.csv", 150, seed=2, tag="82")
        expected = retail_file.expect(path)
        all_sales = sorted(tasks(self.processors, "sales"))
        sales = Instance(self, self.shop, "processors", "1", "--status-port", "--only", "sales")
        others = Instance(
            self, self.shop, "processors", "2", "--status-port", "--only", "catalog,identity,payments")

        def shared():
            here, there = tasks(self.processors, "sales"), tasks(sales.address, "sales")
            return here and there and sorted(here + there) == all_sales

        shop.wait_until(shared, MOVE_TIMEOUT_S, lambda: ready(sales.address))
        self.assertEqual(sorted(ready(others.address)[1]), ["catalog", "identity", "payments"])
        run = Import(self.shop, path, "--in-flight", "8")
        self.assertTrue(run.read_until(lambda _: run.orders_ended() >= expected.baskets / 3), run.output)
        sales.kill()
        self.assertLess(run.orders_ended(), expected.baskets)
        code = run.run()
        self.assertEqual(code, 0, run.output)
        assert_exact(self, run.output, expected)
        self.assertEqual(sorted(tasks(self.processors, "sales")), all_sales)
        self.assertEqual(others.stop(), 0, others.log.read_text())

    def test_an_instance_of_each_api_beside_the_first(self):
        secrets = self.shop.home / "secrets"
        query = Instance(self, self.shop, "query-api", "1", "--port", "--secrets-dir", secrets)
        command = Instance(self, self.shop, "command-api", "1", "--port", "--secrets-dir", secrets)
        customer = Customer(self.shop)
        product = self.shop.get("/v1/products?limit=1").json["items"][0]["product_id"]
        access = {"Authorization": f"Bearer {customer.access}"}
        for number in (1, 2, 3):
            added = shop.ask(
                command.address, "POST", "/v1/cart/items",
                json.dumps({"product_id": product, "quantity": 1}),
                {**access, "Content-Type": "application/json", "Idempotency-Key": shop.new_key()})
            self.assertEqual(added.status, 200, added)
            for address in (query.address, f"127.0.0.1:{self.shop.port}"):
                cart = shop.ask(
                    address, "GET", "/v1/cart", None, {**access, "Consistency-Token": added.token})
                self.assertEqual(cart.status, 200, cart)
                self.assertEqual(cart.json["lines"][0]["quantity"], number)
        self.assertEqual(query.stop(), 0)
        self.assertEqual(command.stop(), 0)


if __name__ == "__main__":
    unittest.main()
