"""The staff's commands on a running shop: what each changes, who did it and why, and what is refused."""

import json
import subprocess
import unittest
import uuid

import shop
from customer import Customer

REFUSED, UNKNOWN, USAGE = 3, 4, 2


class StaffTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.broker = cls.shop.status()["broker"]
        cls.customer = Customer(cls.shop)

    def call(self, *words, operator="anna"):
        """(exit code, output, standard error)"""
        who = [] if words[1] in ("show", "attention") else ["--operator", operator]
        done = subprocess.run(
            [str(shop.binary("millrace")), *words, "--brokers", self.broker, *who], timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def do(self, *words, **more):
        code, output, why = self.call(*words, "--json", **more)
        self.assertEqual(code, 0, why)
        return json.loads(output)

    def refuse(self, code, *words):
        got, output, why = self.call(*words)
        self.assertEqual(got, code, output + why)
        self.assertEqual(output, "")
        self.assertEqual(why.count("\n"), 1, why)
        return why

    def product(self, *options):
        """The SKU of a new product."""
        sku = f"STAFF-{uuid.uuid4().hex[:12].upper()}"
        self.do("product", "create", sku, "--title", "A mug", "--price", "12.50", "--currency", "GBP", *options)
        return sku

    def shown(self, product_id):
        answers = []

        def there():
            answers.append(self.shop.get(f"/v1/products/{product_id}"))
            return answers[-1].status == 200

        shop.wait_until(there, 20, lambda: answers[-1])
        return answers[-1].json

    def history(self, *words):
        return [(event["event"], event["actor_id"], event["reason"]) for event in self.do(*words)["events"]]

    def test_a_product_from_draft_to_its_end(self):
        sku = self.product("--reason", "autumn list")
        made = self.do("product", "show", sku)
        self.assertEqual((made["status"], made["version"], made["price"]["amount_minor"]), ("draft", 2, 1250))
        product_id = made["product_id"]
        self.assertEqual(self.shop.get(f"/v1/products/{product_id}").status, 404)
        self.assertEqual(self.do("product", "publish", sku)["version"], 3)
        self.do("product", "price", product_id, "--price", "10.9", "--reason", "a competitor", operator="bert")
        self.do("product", "details", sku, "--description", "Holds 300 ml.", "--categories", "kitchen,gifts")
        now = self.do("product", "show", sku)
        self.assertEqual((now["title"], now["description"], now["category_ids"]), ("A mug", "Holds 300 ml.", ["kitchen", "gifts"]))
        shop.wait_until(lambda: self.shown(product_id)["description"] == "Holds 300 ml.", 20, lambda: self.shown(product_id))
        self.assertEqual(self.shown(product_id)["price"]["amount_minor"], 1090)
        self.do("product", "discontinue", sku, "--reason", "recalled")
        self.assertEqual(self.history("product", "show", sku), [
            ("ProductCreated", "operator:anna", "autumn list"), ("PriceChanged", "operator:anna", "autumn list"),
            ("ProductPublished", "operator:anna", None), ("PriceChanged", "operator:bert", "a competitor"),
            ("ProductDetailsChanged", "operator:anna", None), ("ProductDiscontinued", "operator:anna", "recalled")])
        self.assertIn("refused (product-unavailable)", self.refuse(REFUSED, "product", "publish", sku))

    def test_an_act_with_a_key_is_done_once(self):
        sku = self.product()
        act = ["stock", "adjust", sku, "--delta", "40", "--reason", "delivery 4711", "--key", f"delivery-{sku}"]
        self.assertEqual([self.do(*act)["repeated"] for _ in range(3)], [False, True, True])
        stock = self.do("stock", "show", sku)
        self.assertEqual((stock["on_hand"], stock["available"], len(stock["events"])), (40, 40, 1))
        act[4] = "41"
        self.assertIn("refused (idempotency-key-reused)", self.refuse(REFUSED, *act))
        self.do("stock", "adjust", sku, "--delta", "-3", "--reason", "broken", "--if-version", "1")
        why = self.refuse(REFUSED, "stock", "adjust", sku, "--delta", "-3", "--reason", "broken", "--if-version", "1")
        self.assertIn("it is at version 2 now", why)
        self.assertIn("refused (out-of-stock)", self.refuse(REFUSED, "stock", "adjust", sku, "--delta", "-38", "--reason", "x"))
        self.assertEqual(self.do("stock", "show", sku)["on_hand"], 37)

    def test_what_cannot_be_is_refused_in_a_sentence(self):
        sku = self.product()
        for words, what in (
                (["product", "create", "X", "--title", "X", "--price", "1.505"], "at most 2 digits"),
                (["product", "create", "X", "--title", "X"], "--price is needed"),
                (["product", "price", sku, "--price", "-1"], "is not an amount"),
                (["product", "discontinue", sku], "--reason is needed"),
                (["product", "publish", sku, "--reason", "x" * 201], "1 to 200 bytes"),
                (["product", "publish", sku, "--key", "short"], "8 to 64 letters"),
                (["product", "publish", sku, "--if-version", "x"], "if-version"),
                (["stock", "adjust", sku, "--delta", "0", "--reason", "x"], "changes nothing"),
                (["stock", "adjust", sku, "--delta", "1"], "--reason is needed"),
                (["order", "cancel", "ord_1", "--reason", "x"], "is not the id of an order")):
            with self.subTest(words=words):
                self.assertIn(what, self.refuse(USAGE, *words))
        self.assertIn("exists already", self.refuse(REFUSED, "product", "create", sku, "--title", "X", "--price", "1"))
        self.assertIn("no such product", self.refuse(REFUSED, "product", "publish", "STAFF-NONE"))
        self.assertIn("there is no product", self.refuse(REFUSED, "stock", "adjust", "STAFF-NONE", "--delta", "1", "--reason", "x"))
        nobodys = "ord_00000000-0198c0de-0000-7000-8000-000000000001"
        self.assertIn("there is no order", self.refuse(REFUSED, "order", "cancel", nobodys, "--reason", "x"))
        self.assertEqual(self.do("product", "show", sku)["version"], 2)

    def test_no_order_needs_a_person(self):
        self.assertEqual(self.do("order", "attention"), [])
        metrics = shop.ask(self.shop.process("query-api")["address"], "GET", "/metrics").body.decode()
        for why in ("capture-unknown", "compensation-failing", "disputed"):
            self.assertIn(f'millrace_orders_attention{{why="{why}"}} 0', metrics)

    def test_an_order_is_cancelled_with_a_reason(self):
        sku = self.product("--publish")
        self.do("stock", "adjust", sku, "--delta", "5", "--reason", "delivery")
        product_id = self.do("product", "show", sku)["product_id"]
        self.shown(product_id)
        order = self.customer.buy(product_id)["order_id"]
        self.assertEqual(self.do("stock", "show", sku)["on_hand"], 4)
        self.assertEqual(self.do("order", "refund", order, "--amount", "2.50", "--reason", "scratched")["effect"], "requested")
        part = []
        shop.wait_until(lambda: part.append(self.customer.get(f"/v1/orders/{order}").json.get("refund")) or part[-1], 20, lambda: part)
        self.assertEqual(part[-1]["amount_minor"], 250)
        self.assertIn("At most 1000 minor", self.refuse(REFUSED, "order", "refund", order, "--amount", "10.01", "--reason", "x"))
        self.assertIn("refused (not-possible-now)", self.refuse(REFUSED, "order", "close", order, "--reason", "x"))
        self.do("order", "resend", order, "--reason", "the mail was lost")
        self.assertEqual(self.do("order", "cancel", order, "--reason", "case 7")["effect"], "requested")
        ended = self.customer.wait_for_status(order, "CANCELLED")
        self.assertEqual((ended["cause"], ended["refund"]["amount_minor"]), ("operator", 1250))
        self.assertEqual(self.do("stock", "show", sku)["on_hand"], 5)
        told = self.do("order", "show", order)
        self.assertEqual((told["status"], told["owner_id"]), ("CANCELLED", self.customer.user_id))
        history = self.history("order", "show", order)
        for event, reason in (("OrderRefundRequested", "scratched"), ("OrderConfirmationResent", "the mail was lost"),
                              ("OrderAbortRequested", "case 7")):
            self.assertIn((event, "operator:anna", reason), history)
        self.assertIn("OrderRefunded", [event for event, _, _ in history])


if __name__ == "__main__":
    unittest.main()
