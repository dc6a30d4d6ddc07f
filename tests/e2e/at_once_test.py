"""The same idempotency key, twice at the same moment: one effect, and each request gets its own answer."""

import threading
import unittest

import shop
from customer import Customer

ROUNDS = 15


class AtOnceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.product = next(
            item["product_id"] for item in cls.shop.get("/v1/products?limit=100&in_stock=true").json["items"]
            if item["price"]["amount_minor"] > 0)

    def at_once(self, *requests):
        """The answers of calls that start at the same moment."""
        barrier, answers = threading.Barrier(len(requests)), [None] * len(requests)

        def run(index):
            barrier.wait()
            answers[index] = requests[index]()

        threads = [threading.Thread(target=run, args=(index,)) for index in range(len(requests))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def assert_one_is_reused(self, answers, accepted):
        self.assertEqual(sorted(answer.status for answer in answers), sorted((accepted, 422)), answers)
        refused = next(answer for answer in answers if answer.status == 422)
        self.assertEqual(refused.json["type"].rsplit("/", 1)[1], "idempotency-key-reused", refused)

    def test_two_bodies_are_one_effect_and_one_refusal(self):
        for number in range(ROUNDS):
            with self.subTest(round=number):
                customer, key = Customer(self.shop), shop.new_key()
                answers = self.at_once(
                    lambda: customer.add(self.product, 1, key=key),
                    lambda: customer.add(self.product, 700, key=key))
                self.assert_one_is_reused(answers, 200)
                kept = next(answer for answer in answers if answer.status == 200)
                self.assertIn(kept.json["lines"][0]["quantity"], (1, 700))

    def test_an_order_that_expects_another_total_does_not_learn_of_the_first(self):
        for number in range(ROUNDS):
            with self.subTest(round=number):
                customer, key = Customer(self.shop), shop.new_key()
                customer.add(self.product, 1)
                answers = self.at_once(
                    lambda: customer.post("/v1/orders", {}, key=key),
                    lambda: customer.post(
                        "/v1/orders", {"expected_total": {"amount_minor": 1, "currency": "GBP"}}, key=key))
                statuses = sorted(answer.status for answer in answers)
                self.assertIn(statuses, ([201, 422], [409, 422]), answers)

    def test_one_body_many_times_is_one_effect_and_one_answer(self):
        for number in range(ROUNDS):
            with self.subTest(round=number):
                customer, key = Customer(self.shop), shop.new_key()
                answers = self.at_once(*[lambda: customer.add(self.product, 2, key=key)] * 4)
                self.assertEqual([answer.status for answer in answers], [200] * 4, answers)
                for answer in answers:
                    self.assertEqual(answer.json["lines"][0]["quantity"], 2, answer)


if __name__ == "__main__":
    unittest.main()
