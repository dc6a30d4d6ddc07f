"""What people type: addresses, card numbers, words of other alphabets, and right passwords all at once."""

import concurrent.futures
import unittest
import uuid

import shop
from customer import PASSWORD, Customer, money

# Blanks, controls and invisible characters: no address holds one, wherever it stands.
INVISIBLE = "\u200b\u00a0\u202e\u00ad\u2003\ufeff\u2066\u180e\u0085\u3164"
# Numbers that pass the check digit and are not a card's: a time in ms, a parcel's number, an IMEI.
OTHERS_NUMBERS = ("1548138160707", "123456789012347", "490154203237518")


class TextsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.product = next(
            item["product_id"] for item in cls.shop.get("/v1/products?limit=100&in_stock=true").json["items"]
            if item["price"]["amount_minor"] > 0)

    def register(self, email):
        return self.shop.post("/v1/users", {"email": email, "password": PASSWORD, "locale": "en"})

    def order_with(self, **fields):
        customer = Customer(self.shop)
        cart = customer.get("/v1/cart", token=customer.add(self.product, 1).token).json
        return customer.post(
            "/v1/orders",
            {"expected_total": money(cart["totals"]["items"]), "payment": {"method_token": "pm_approve"}, **fields},
            headers={"Prefer": "wait=5"})

    def test_an_address_with_a_character_that_nobody_sees_is_refused(self):
        name = uuid.uuid4()
        for character in INVISIBLE:
            for email in (f"{character}{name}@shop.example", f"{name}@shop.example{character}",
                          f"{name}@sh{character}op.example"):
                with self.subTest(email=ascii(email)):
                    answer = self.register(email)
                    self.assertEqual(answer.status, 422, answer)
                    self.assertEqual(answer.json["errors"][0]["pointer"], "/email")

    def test_two_spellings_of_one_address_are_one_account(self):
        name = uuid.uuid4()
        pairs = ((f"{name}@b\u00fccher.example", f"{name}@xn--bcher-kva.example"),
                 (f"jos\u00e9-{name}@shop.example", f"jose\u0301-{name}@shop.example"),
                 (f"case-{name}@shop.example", f"Case-{name}@SHOP.Example"))
        for first, second in pairs:
            with self.subTest(first=first):
                self.assertEqual(self.register(first).status, 201)
                self.assertEqual(self.register(second).status, 409)

    def test_a_number_that_is_not_a_cards_stops_no_order(self):
        for number in OTHERS_NUMBERS:
            with self.subTest(number=number):
                answer = self.order_with(contact={"client_ref": number})
                self.assertEqual(answer.status, 201, answer)

    def test_a_card_number_is_refused_and_its_field_is_named(self):
        spellings = ("4111111111111111", "4111 1111 1111 1111", "4111.1111.1111.1111", "ref 378282246310005 thanks")
        for text in spellings:
            with self.subTest(text=text):
                answer = self.order_with(contact={"client_ref": text})
                self.assertEqual(answer.status, 422, answer)
                self.assertEqual(answer.json["type"].rsplit("/", 1)[1], "card-data-not-accepted")
                self.assertIn("/contact/client_ref", str(answer.json))

    def test_right_passwords_all_at_once_are_all_let_in(self):
        customer = Customer(self.shop)
        body = {"email": customer.email, "password": PASSWORD}
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.shop.post("/v1/sessions", body), range(12)))
        self.assertEqual([answer.status for answer in answers], [201] * 12, answers)


if __name__ == "__main__":
    unittest.main()
