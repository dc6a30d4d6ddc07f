"""What a customer does, in the order of DESIGN.md's path of one event, and what the shop refuses."""

import json
import re
import unicodedata
import unittest

import shop
from customer import Customer, money


class SessionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.products = cls.in_stock()

    @classmethod
    def in_stock(cls):
        """Products that cost something and of which there are many, dearest first."""
        items = cls.shop.get("/v1/products?limit=100&in_stock=true").json["items"]
        return sorted((i for i in items if i["price"]["amount_minor"] > 0),
                      key=lambda i: i["price"]["amount_minor"], reverse=True)

    def full_cart(self, quantity=2):
        """A new customer with one product in the cart, and the answer that shows the cart."""
        customer = Customer(self.shop)
        product = self.products[0]
        added = customer.add(product["product_id"], quantity)
        self.assertEqual(added.status, 200, added)
        return customer, added

    def assert_problem(self, response, status, slug):
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.headers["Content-Type"], "application/problem+json")
        self.assertTrue(response.json["type"].endswith(f"/problems/{slug}"), response)
        self.assertEqual(response.json["status"], status)

    def test_from_registration_to_confirmation(self):
        customer, added = self.full_cart()
        price = self.products[0]["price"]["amount_minor"]

        seen = customer.get("/v1/cart", token=added.token)
        self.assertEqual(seen.status, 200, seen)
        self.assertEqual(
            [(line["product_id"], line["quantity"]) for line in seen.json["lines"]],
            [(self.products[0]["product_id"], 2)])
        self.assertEqual(seen.json["totals"]["items"]["amount_minor"], 2 * price)

        placed = customer.order(seen.json, "pm_approve")
        self.assertEqual(placed.status, 201, placed)
        order = placed.json["order_id"]
        self.assertEqual(placed.headers["Location"], f"/v1/orders/{order}")
        customer.wait_for_status(order, "CONFIRMED")

        confirmation = customer.get(f"/v1/orders/{order}/confirmation")
        self.assertEqual(confirmation.status, 200, confirmation)
        self.assertEqual(confirmation.json["captured"]["amount_minor"], 2 * price)
        orders = customer.get("/v1/orders").json["items"]
        self.assertEqual([o["order_id"] for o in orders], [order])
        self.assertEqual(customer.get("/v1/cart").json["lines"], [])

    def test_a_read_with_the_token_sees_the_write_every_time(self):
        customer = Customer(self.shop)
        for count in range(1, 21):
            added = customer.add(self.products[0]["product_id"], 1)
            seen = customer.get("/v1/cart", token=added.token)
            self.assertEqual(seen.json["lines"][0]["quantity"], count)

    def test_the_same_key_has_the_same_effect_once(self):
        customer = Customer(self.shop)
        key = shop.new_key()
        first = customer.add(self.products[0]["product_id"], 3, key=key)
        again = customer.add(self.products[0]["product_id"], 3, key=key)
        self.assertEqual((first.status, again.status), (200, 200))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        seen = customer.get("/v1/cart", token=again.token)
        self.assertEqual(seen.json["lines"][0]["quantity"], 3)
        other = customer.add(self.products[0]["product_id"], 4, key=key)
        self.assert_problem(other, 422, "idempotency-key-reused")

    def test_set_remove_and_clear(self):
        customer, _ = self.full_cart()
        first, second = (product["product_id"] for product in self.products[:2])
        self.assertEqual(customer.put(f"/v1/cart/items/{first}", {"quantity": 7}).status, 200)
        added = customer.add(second, 1)
        quantities = {i["product_id"]: i["quantity"]
                      for i in customer.get("/v1/cart", token=added.token).json["lines"]}
        self.assertEqual(quantities, {first: 7, second: 1})
        removed = customer.delete(f"/v1/cart/items/{first}")
        lines = customer.get("/v1/cart", token=removed.token).json["lines"]
        self.assertEqual([line["product_id"] for line in lines], [second])
        cleared = customer.delete("/v1/cart/items")
        self.assertEqual(customer.get("/v1/cart", token=cleared.token).json["lines"], [])

    def test_a_declined_payment_confirms_nothing(self):
        customer, added = self.full_cart()
        placed = customer.order(added.json, "pm_decline_hard")
        self.assertIn(placed.status, (201, 202), placed)
        order = placed.json["order_id"]

        def declined():
            payments = customer.get(f"/v1/orders/{order}").json.get("payments", [])
            return [p["status"].upper() for p in payments][:1] == ["DECLINED"]

        shop.wait_until(declined, 20, lambda: customer.get(f"/v1/orders/{order}"))
        self.assert_problem(
            customer.get(f"/v1/orders/{order}/confirmation"), 404, "not-confirmed-yet")

    def test_more_than_there_is_cannot_be_ordered(self):
        customer = Customer(self.shop)
        product = self.products[0]["product_id"]
        stock = self.shop.get(f"/v1/products/{product}/availability")
        self.assertEqual(stock.status, 200)
        added = customer.add(product, 99000)
        self.assertEqual(added.status, 200, added)
        placed = customer.order(added.json, "pm_approve")
        if placed.status == 409:
            self.assert_problem(placed, 409, "out-of-stock")
        else:
            customer.wait_for_status(placed.json["order_id"], "CANCELLED")

    def test_a_total_that_is_not_the_carts_is_refused(self):
        customer, added = self.full_cart()
        wrong = {**money(added.json["totals"]["items"]), "amount_minor": 1}
        placed = customer.post(
            "/v1/orders", {"expected_total": wrong, "payment": {"method_token": "pm_approve"}})
        self.assert_problem(placed, 409, "price-changed")

    def test_a_total_with_the_exponent_of_another_currency_is_refused(self):
        customer, added = self.full_cart()
        total = added.json["totals"]["items"]
        self.assertEqual(total["exponent"], 2)
        for exponent in (0, 3, 4):
            self.assert_problem(
                customer.post("/v1/orders", {"expected_total": {**total, "exponent": exponent}}), 422, "validation")
        self.assertEqual(customer.post("/v1/orders", {"expected_total": total}).status, 201)

    def test_an_empty_cart_cannot_be_ordered(self):
        placed = Customer(self.shop).post(
            "/v1/orders", {"expected_total": {"amount_minor": 0, "currency": "GBP"},
                           "payment": {"method_token": "pm_approve"}})
        self.assert_problem(placed, 422, "cart-empty")

    def test_an_order_of_somebody_else_is_not_there(self):
        customer, added = self.full_cart()
        order = customer.order(added.json, "pm_approve").json["order_id"]
        customer.wait_for_status(order, "CONFIRMED")
        self.assert_problem(Customer(self.shop).get(f"/v1/orders/{order}"), 404, "not-found")

    def test_an_address_is_registered_once(self):
        customer = Customer(self.shop)
        again = self.shop.post(
            "/v1/users", {"email": customer.email, "password": "another password", "locale": "en"})
        self.assert_problem(again, 409, "email-taken")

    def test_a_wrong_password_and_an_unknown_account_look_the_same(self):
        customer = Customer(self.shop)
        wrong = self.shop.post("/v1/sessions", {"email": customer.email, "password": "not the one"})
        unknown = self.shop.post(
            "/v1/sessions", {"email": f"x{customer.email}", "password": "not the one"})
        self.assert_problem(wrong, 401, "invalid-credentials")
        self.assert_problem(unknown, 401, "invalid-credentials")
        without = [{k: v for k, v in r.json.items() if k not in ("instance", "request_id")}
                   for r in (wrong, unknown)]
        self.assertEqual(*without)

    def test_a_cart_needs_its_owner(self):
        self.assert_problem(self.shop.get("/v1/cart"), 401, "authentication-required")
        forged = self.shop.get("/v1/cart", access="eyJhbGciOiJub25lIn0.e30.")
        self.assert_problem(forged, 401, "token-invalid")


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.customer = Customer(cls.shop)

    def refused(self, body, status, slug, pointer=None):
        answer = self.customer.post(
            "/v1/cart/items", body, headers={"Content-Type": "application/json"})
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertTrue(answer.json["type"].endswith(f"/problems/{slug}"), answer)
        if pointer is not None:
            self.assertIn(pointer, [error["pointer"] for error in answer.json["errors"]])

    def test_a_body_that_is_no_json(self):
        self.refused(b'{"product_id": ', 400, "malformed-json")

    def test_a_key_given_twice(self):
        self.refused(b'{"quantity":1,"quantity":2,"product_id":"x"}', 400, "malformed-json")

    def test_a_field_that_does_not_exist(self):
        self.refused({"product_id": "x", "quantity": 1, "colour": "red"}, 422, "validation", "/colour")

    def test_a_field_of_the_wrong_type(self):
        self.refused({"product_id": "x", "quantity": "one"}, 422, "validation", "/quantity")

    def test_a_quantity_out_of_range(self):
        self.refused({"product_id": "x", "quantity": -1}, 422, "validation", "/quantity")

    def test_a_body_over_the_limit(self):
        self.refused(json.dumps({"product_id": "x" * 70000}).encode(), 413, "content-too-large")

    def test_a_write_without_a_key(self):
        answer = self.customer.post("/v1/cart/items", {"product_id": "x", "quantity": 1}, key=None)
        self.assertEqual(answer.status, 400, answer)
        self.assertTrue(answer.json["type"].endswith("/idempotency-key-required"), answer)

    def test_a_path_that_is_not_there(self):
        self.assertEqual(self.shop.get("/v1/nowhere").status, 404)

    def test_a_cursor_of_another_listing(self):
        page = self.shop.get("/v1/products?limit=1&sort=price").json["page"]
        answer = self.shop.get(f"/v1/products?limit=1&sort=name&cursor={page['cursor']}")
        self.assertEqual(answer.status, 400, answer)
        self.assertTrue(answer.json["type"].endswith("/cursor-mismatch"), answer)


class ListingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()

    def walk(self, query):
        """All items of a listing, page by page."""
        items, path = [], f"/v1/products?limit=100&{query}"
        while path:
            page = self.shop.get(path).json
            items += page["items"]
            path = page["page"].get("next")
        return items

    def test_the_pages_of_a_listing_are_sorted_and_complete(self):
        by_price = [item["price"]["amount_minor"] for item in self.walk("sort=price")]
        dearest = [item["price"]["amount_minor"] for item in self.walk("sort=-price")]
        self.assertEqual(by_price, sorted(by_price))
        self.assertEqual(dearest, by_price[::-1])
        names = {item["product_id"] for item in self.walk("sort=name")}
        self.assertEqual(len(names), len(by_price))

    def test_a_search_finds_words_anywhere_in_a_title(self):
        products = []
        for item in self.walk("sort=name"):
            folded = unicodedata.normalize("NFKD", item["title"].casefold()).replace("'", "").replace("\u2019", "")
            products.append((" ".join(item["title"].casefold().split()), re.findall(r"[^\W_]+", folded), item))
        for text in ("heart", "HEART h", "white hang", "hanging w", "metal red s", "no-such-word", "lantern white"):
            *whole, start = re.findall(r"\w+", text.casefold())
            wanted = sorted(
                (min(word for word in words if word.startswith(start)), title, item["product_id"], item)
                for title, words, item in products
                if set(whole) <= set(words) and any(word.startswith(start) for word in words))
            query = "q=" + text.replace(" ", "+")
            with self.subTest(text):
                self.assertEqual(len(wanted) > 0, text != "no-such-word")
                self.assertEqual([item["product_id"] for item in self.walk(query)], [row[2] for row in wanted])
                dearest = [item["price"]["amount_minor"] for item in self.walk(query + "&sort=-price&in_stock=true")]
                self.assertEqual(dearest, sorted(dearest, reverse=True))
                self.assertLessEqual(len(dearest), len(wanted))

    def test_pages_lead_back_and_are_counted_for_who_asks(self):
        path, pages = "/v1/products?limit=7&q=heart&in_stock=true", []
        while path and len(pages) < 4:
            pages.append(self.shop.get(path).json)
            path = pages[-1]["page"].get("next")
        for before, page in zip(pages, pages[1:]):
            again = self.shop.get(page["page"]["prev"]).json
            self.assertEqual(again["items"], before["items"])
        self.assertNotIn("prev", pages[0]["page"])
        counted = self.shop.get("/v1/products?limit=1&q=heart", headers={"Prefer": "return=total-count"})
        self.assertEqual(counted.headers["Preference-Applied"], "return=total-count")
        self.assertEqual(counted.json["page"]["total_count"], len(self.walk("q=heart")))
        self.assertTrue(counted.json["page"]["total_count_exact"])

    def test_what_has_not_changed_is_not_sent_again(self):
        first = self.shop.get("/v1/products?limit=5")
        again = self.shop.get("/v1/products?limit=5", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))

    def test_the_query_side_itself_refuses_to_write(self):
        address = self.shop.process("query-api")["address"]
        answer = shop.ask(address, "POST", "/v1/products", b"{}")
        self.assertEqual(answer.status, 405, answer)
        self.assertIn("GET", answer.headers["Allow"])


if __name__ == "__main__":
    unittest.main()
