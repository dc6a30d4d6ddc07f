"""What the shop refuses, at its exact limits, and whose things are whose: through the gateway, as a stranger comes."""

import base64
import json
import socket
import unittest

import shop
from customer import PASSWORD, Customer, money

ALWAYS = {
    "Strict-Transport-Security": None, "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"}


class RefusalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.customer = Customer(cls.shop)
        cls.products = [item for item in cls.shop.get(
            "/v1/products?limit=100&in_stock=true").json["items"] if item["price"]["amount_minor"] > 0]
        cls.product = cls.products[0]["product_id"]

    def assert_problem(self, answer, status, slug):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["type"].rsplit("/", 1)[1], slug, answer)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        for name, value in ALWAYS.items():
            self.assertEqual(answer.headers[name], value, f"{name} of {answer}")

    def add(self, quantity, **more):
        return self.customer.post(
            "/v1/cart/items",
            b'{"product_id":"%s","quantity":%s}' % (self.product.encode(), quantity.encode()),
            headers={"Content-Type": "application/json"}, **more)


class NumbersTest(RefusalTest):
    def test_a_quantity_is_a_whole_number_that_fits(self):
        for quantity in ("0", "-1", "1.5", "1e-1", "1e18", '"1"', "true", "null", "[1]", "{}",
                         "2147483648", "9223372036854775807"):
            with self.subTest(quantity=quantity):
                answer = self.add(quantity)
                self.assert_problem(answer, 422, "validation")
                self.assertEqual(answer.json["errors"][0]["pointer"], "/quantity")
        for quantity in ("1.0", "1e0"):  # Integers, says JSON Schema, and clients in JavaScript cannot see a difference.
            with self.subTest(quantity=quantity):
                self.assertEqual(self.add(quantity).status, 200)
        for quantity in ("9223372036854775808", "1" * 400, "1e999"):
            with self.subTest(quantity=quantity):
                self.assert_problem(self.add(quantity), 400, "json-limit")
        for quantity in ("01", "+1", "0x1", "NaN"):
            with self.subTest(quantity=quantity):
                self.assert_problem(self.add(quantity), 400, "malformed-json")

    def test_a_quantity_over_the_shops_limit_is_no_failure(self):
        answer = self.add("2147483647")
        self.assertEqual(answer.status, 422, answer)
        self.assertEqual(answer.json["type"].rsplit("/", 1)[1], "quantity-limit")

    def test_a_limit_is_within_its_bounds(self):
        for limit in ("0", "-1", "101", "1.0", "", "abc", "1a", "99999999999999999999", "%2B1", "0x10"):
            with self.subTest(limit=limit):
                self.assert_problem(
                    self.shop.get(f"/v1/products?limit={limit}"), 400, "invalid-parameter")
        for limit, path in ((1, "/v1/products"), (100, "/v1/products"), (50, "/v1/orders")):
            self.assertEqual(self.customer.get(f"{path}?limit={limit}").status, 200)
        self.assert_problem(self.customer.get("/v1/orders?limit=51"), 400, "invalid-parameter")


class BodyTest(RefusalTest):
    def body_of(self, size):
        """A valid body of `size` bytes: JSON may have any blanks."""
        body = json.dumps({"product_id": self.product, "quantity": 1}).encode()
        return body + b" " * (size - len(body))

    def test_64_kib_are_read_and_one_byte_more_is_not(self):
        headers = {"Content-Type": "application/json"}
        for size, status in ((65535, 200), (65536, 200), (65537, 413)):
            answer = self.customer.post("/v1/cart/items", self.body_of(size), headers=headers)
            self.assertEqual(answer.status, status, answer)
        self.assert_problem(answer, 413, "content-too-large")

    def test_sixteen_levels_are_read_and_seventeen_are_not(self):
        for depth, slug in ((16, "validation"), (17, "json-limit")):
            nested = b'{"product_id":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b',"quantity":1}'
            answer = self.customer.post(
                "/v1/cart/items", nested, headers={"Content-Type": "application/json"})
            self.assert_problem(answer, 400 if slug == "json-limit" else 422, slug)

    def test_text_is_utf8_without_nul(self):
        for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\\ud800", b"\x00", b"a\nb"):
            with self.subTest(text=text):
                answer = self.customer.post(
                    "/v1/cart/items", b'{"product_id":"' + text + b'","quantity":1}',
                    headers={"Content-Type": "application/json"})
                self.assert_problem(answer, 400, "malformed-json")

    def test_an_unknown_field_is_pointed_at(self):
        answer = self.customer.post(
            "/v1/cart/items", {"product_id": self.product, "quantity": 1, "a/b~c": 1})
        self.assert_problem(answer, 422, "validation")
        self.assertEqual(answer.json["errors"][0]["pointer"], "/a~1b~0c")

    def test_a_body_is_json_and_says_so(self):
        for kind, status in (("application/json", 200), ("application/json; charset=utf-8", 200),
                             ("APPLICATION/JSON", 200), ("text/plain", 415), ("application/jsonx", 415),
                             ("application/merge-patch+json", 415), ("", 415)):
            with self.subTest(kind=kind):
                answer = self.customer.post(
                    "/v1/cart/items", self.body_of(200), headers={"Content-Type": kind})
                self.assertEqual(answer.status, status, answer)
        self.assert_problem(answer, 415, "unsupported-media-type")

    def test_a_card_number_goes_nowhere(self):
        answer = self.customer.post("/v1/orders", {"payment": {"method_token": "4111 1111 1111 1111"}})
        self.assert_problem(answer, 422, "card-data-not-accepted")
        self.assertNotIn("4111", answer.body.decode())


class RequestTest(RefusalTest):
    def raw(self, request):
        """(status line, rest) of what the gateway says to these bytes."""
        with socket.create_connection(("127.0.0.1", self.shop.port), timeout=10) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        return answer

    def test_a_known_path_with_another_method_is_405_on_either_side(self):
        for method, path, allow in (
                ("POST", "/v1/products", "GET, HEAD, OPTIONS"),
                ("DELETE", "/v1/cart", "GET, HEAD, OPTIONS"),
                ("GET", "/v1/guest-carts", "POST, OPTIONS"),
                ("PATCH", "/v1/orders", "POST, GET, HEAD, OPTIONS"),
                ("GET", "/v1/cart/items", "POST, DELETE, OPTIONS"),
                ("PUT", "/v1/commands/x", "GET, HEAD, OPTIONS")):
            with self.subTest(method=method, path=path):
                answer = self.shop.request(method, path)
                self.assert_problem(answer, 405, "method-not-allowed")
                self.assertEqual(answer.headers["Allow"], allow)

    def test_options_lists_the_methods(self):
        answer = self.shop.request("OPTIONS", "/v1/orders")
        self.assertEqual(answer.status, 204, answer)
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, POST, OPTIONS")

    def test_head_is_get_without_a_body(self):
        for path in ("/v1/products?limit=1", "/.well-known/jwks.json", "/v1/nowhere"):
            get, head = self.shop.get(path), self.shop.request("HEAD", path)
            self.assertEqual((head.status, head.body), (get.status, b""))
            self.assertEqual(head.headers["Content-Type"], get.headers["Content-Type"])

    def test_unknown_parameters_are_refused_on_either_side(self):
        for method, path in (("GET", "/v1/products?colour=red"), ("GET", "/v1/cart?x=1"),
                             ("GET", "/v1/products?limit=1&limit=2"), ("DELETE", "/v1/cart/items?all=1"),
                             ("GET", "/v1/commands/x?y=1"), ("POST", "/v1/guest-carts?x")):
            with self.subTest(path=path):
                answer = self.customer.shop.request(method, path, access=self.customer.access)
                self.assert_problem(answer, 400, "unknown-parameter")
                self.assertIn("parameter", answer.json)

    def test_what_is_not_taken_is_406(self):
        answer = self.shop.get("/v1/products?limit=1", headers={"Accept": "text/html"})
        self.assert_problem(answer, 406, "not-acceptable")

    def test_headers_cannot_be_smuggled_in(self):
        for header in ("Request-Id", "traceparent", "Consistency-Token", "Prefer"):
            answer = self.raw(
                f"GET /v1/products?limit=1 HTTP/1.1\r\nHost: a\r\n{header}: a\x0bb\r\n"
                "Connection: close\r\n\r\n".encode())
            self.assertNotIn(b"a\x0bb", answer)
        answer = self.raw(
            b"GET /v1/products?category=%0d%0aX-Evil:%201&limit=1 HTTP/1.1\r\nHost: a\r\n"
            b"Connection: close\r\n\r\n")
        self.assertNotIn(b"\nX-Evil", answer)

    def test_one_request_is_one_request(self):
        inner = b"GET /v1/nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
        for framing in (
                b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
                b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + inner,
                b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
                b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner,
                b"Content-Length: +4\r\n\r\nabcd" + inner,
                b"Content-Length: 4\n\n\r\nabcd" + inner):
            with self.subTest(framing=framing):
                answer = self.raw(b"POST /v1/guest-carts HTTP/1.1\r\nHost: a\r\n" + framing)
                self.assertNotIn(b"/problems/not-found", answer)

    def test_too_long_is_named(self):
        self.assert_problem(self.shop.get("/v1/products?q=" + "a" * 9000), 414, "uri-too-long")
        self.assert_problem(
            self.shop.get("/v1/products", headers={"X-Long": "a" * 20000}), 431, "headers-too-large")
        many = {f"X-{i}": "a" for i in range(120)}
        self.assert_problem(self.shop.get("/v1/products", headers=many), 431, "headers-too-large")

    def test_every_problem_type_is_documented_at_its_url(self):
        for path in ("/v1/nowhere", "/v1/products?colour=red", "/v1/products?limit=0", "/v1/cart"):
            kind = self.shop.get(path).json["type"]
            said = self.shop.get(kind)
            self.assertEqual(said.status, 200, said)
            self.assertEqual(said.json["slug"], kind.rsplit("/", 1)[1])
        for slug in ("malformed-request", "upstream-unavailable", "upstream-timeout", "request-timeout"):
            self.assertEqual(self.shop.get(f"/problems/{slug}").status, 200, slug)


class KeyTest(RefusalTest):
    def test_a_key_belongs_to_its_owner_method_and_route(self):
        key, other = shop.new_key(), Customer(self.shop)
        first = self.add("1", key=key)
        self.assertEqual(first.status, 200, first)
        again = self.add("1", key=key)
        self.assertEqual((again.status, again.json), (200, first.json))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.assert_problem(self.add("2", key=key), 422, "idempotency-key-reused")
        body = {"product_id": self.product, "quantity": 1}
        elsewhere = other.post("/v1/cart/items", body, key=key)
        self.assertEqual(elsewhere.status, 200, elsewhere)
        self.assertIsNone(elsewhere.headers["Idempotency-Replayed"])
        put = self.customer.put(f"/v1/cart/items/{self.product}", {"quantity": 3}, key=key)
        self.assertEqual(put.status, 200, put)
        self.assertIsNone(put.headers["Idempotency-Replayed"])

    def test_a_key_has_its_form(self):
        for key, status in (("x" * 15, 400), ("x" * 16, 200), ("x" * 64, 200), ("x" * 65, 400),
                            ('"%s"' % ("y" * 16), 200), ('"%s' % ("y" * 16), 400), ("a b" * 8, 400),
                            ("\xe4" * 16, 400)):
            with self.subTest(key=key):
                customer = Customer(self.shop)
                answer = customer.post(
                    "/v1/cart/items", {"product_id": self.product, "quantity": 1}, key=key)
                self.assertEqual(answer.status, status, answer)


class OwnershipTest(RefusalTest):
    def place(self, customer, **more):
        added = customer.add(self.product, 1)
        return customer.order(customer.get("/v1/cart", token=added.token).json, "pm_decline", **more)

    def test_what_is_somebody_elses_is_not_found(self):
        other = Customer(self.shop)
        order = self.place(self.customer).json["order_id"]
        for answer in (
                other.get(f"/v1/orders/{order}"), other.get(f"/v1/orders/{order}/confirmation"),
                other.post(f"/v1/orders/{order}/cancellation", {}),
                other.post(f"/v1/orders/{order}/payments", {"method_token": "pm_approve"})):
            self.assert_problem(answer, 404, "not-found")
        self.assertEqual(self.customer.get(f"/v1/orders/{order}").status, 200)

    def test_a_command_is_its_senders(self):
        other = Customer(self.shop)
        added = self.customer.add(self.product, 1, headers={"Prefer": "respond-async"})
        self.assertEqual(added.status, 202, added)
        self.assertEqual(added.headers["Preference-Applied"], "respond-async")
        location = added.headers["Location"]
        bare = location.split("?")[0]
        for path in (location, bare):
            self.assert_problem(other.get(path), 404, "not-found")
            self.assert_problem(self.shop.get(path), 404, "not-found")
        shop.wait_until(
            lambda: self.customer.get(location).json["status"] == "accepted", 10, lambda: location)
        self.assertEqual(self.customer.get(bare).json["status"], "accepted")
        self.assert_problem(other.get(location), 404, "not-found")

    def test_a_command_that_nobody_sent_is_not_pending(self):
        added = self.customer.add(self.product, 1, headers={"Prefer": "respond-async"})
        ticket = added.headers["Location"].split("=")[1]
        for path in ("/v1/commands/00000000-0000-8000-8000-000000000000",
                     "/v1/commands/00000000-0000-8000-8000-000000000000?ticket=" + ticket,
                     "/v1/commands/00000000-0000-8000-8000-000000000000?ticket=AAAA"):
            self.assert_problem(self.customer.get(path), 404, "not-found")

    def test_tokens_are_ours_to_the_last_byte(self):
        head, payload, signature = self.customer.access.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

        def encoded(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

        none = encoded({"alg": "none", "typ": "at+jwt"})
        other = encoded({**claims, "sub": "usr_00000000-0000-8000-8000-000000000000"})
        for token in (f"{none}.{payload}.", f"{none}.{payload}.{signature}", f"{head}.{other}.{signature}",
                      f"{head}.{payload}.{signature[:-1]}", f"{head}.{payload}", f"{head}.{payload}.",
                      self.customer.access + "=", "a.b.c", "." * 3000):
            answer = self.shop.get("/v1/cart", access=token)
            self.assert_problem(answer, 401, "token-invalid")
            self.assertIn("invalid_token", answer.headers["WWW-Authenticate"])
            self.assert_problem(
                self.shop.request("DELETE", "/v1/cart/items", access=token), 401, "token-invalid")

    def test_a_forged_position_makes_nobody_wait(self):
        token = self.customer.add(self.product, 1).token
        raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        for at in range(0, len(raw), 7):
            forged = bytearray(raw)
            forged[at] ^= 1
            text = base64.urlsafe_b64encode(bytes(forged)).rstrip(b"=").decode()
            self.assert_problem(self.customer.get("/v1/cart", token=text), 400, "malformed-header")
            self.assert_problem(
                self.customer.add(self.product, 1, token=text), 400, "malformed-header")


class PreconditionTest(RefusalTest):
    def test_a_cart_that_has_moved_is_not_changed(self):
        customer = Customer(self.shop)
        path = f"/v1/cart/items/{self.product}"
        self.assert_problem(
            customer.put(path, {"quantity": 1}, headers={"If-Match": "*"}), 412, "precondition-failed")
        first = customer.add(self.product, 1)
        etag = first.headers["ETag"]
        seen = customer.get("/v1/cart", token=first.token)
        self.assertEqual(seen.headers["ETag"].split(".")[0], etag.rstrip('"'))
        again = customer.get("/v1/cart", headers={"If-None-Match": seen.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        changed = customer.put(path, {"quantity": 2}, headers={"If-Match": seen.headers["ETag"]})
        self.assertEqual(changed.status, 200, changed)
        self.assertEqual(customer.put(path, {"quantity": 2}, headers={"If-Match": "*"}).status, 200)
        late = customer.put(path, {"quantity": 3}, headers={"If-Match": etag})
        self.assert_problem(late, 412, "precondition-failed")
        self.assertEqual(f'"v{late.json["current_version"]}"', changed.headers["ETag"])
        weak = customer.put(path, {"quantity": 3}, headers={"If-Match": "W/" + changed.headers["ETag"]})
        self.assertEqual(weak.status, 200, weak)
        self.assert_problem(
            customer.put(path, {"quantity": 4}, headers={"If-Match": "v1"}), 400, "malformed-header")
        order = customer.post(
            "/v1/orders", {"payment": {"method_token": "pm_approve"}}, headers={"If-Match": etag})
        self.assert_problem(order, 412, "precondition-failed")

    def test_a_price_that_is_not_expected_is_reported(self):
        customer = Customer(self.shop)
        cart = customer.add(self.product, 1).json
        total = money(cart["totals"]["items"])
        answer = customer.post("/v1/orders", {"expected_total": {**total, "amount_minor": 1}})
        self.assert_problem(answer, 409, "price-changed")


class PaymentTest(RefusalTest):
    def test_a_declined_order_is_paid_by_another_method(self):
        customer = Customer(self.shop)
        added = customer.add(self.product, 1)
        cart = customer.get("/v1/cart", token=added.token).json
        order = customer.order(cart, "pm_decline").json["order_id"]
        path = f"/v1/orders/{order}"
        shop.wait_until(
            lambda: [p["status"] for p in customer.get(path).json.get("payments", [])] == ["declined"], 30,
            lambda: customer.get(path))
        paid = customer.post(f"{path}/payments", {"method_token": "pm_approve"})
        self.assertEqual(paid.status, 201, paid)
        self.assertEqual((paid.json["attempt"], paid.json["status"]), (2, "started"))
        self.assertEqual(paid.headers["Location"], path)
        done = customer.wait_for_status(order, "CONFIRMED")
        self.assertEqual([p["status"] for p in done["payments"]], ["declined", "captured"])
        late = customer.post(f"{path}/payments", {"method_token": "pm_approve"})
        self.assert_problem(late, 409, "payment-not-expected")
        self.assertEqual(late.json["order_status"], "CONFIRMED")
        self.assertEqual(late.body.count(b'"status"'), 1)


class AccountTest(RefusalTest):
    def test_an_imported_account_has_no_password_to_guess(self):
        for password in ("", " ", PASSWORD):
            answer = self.shop.post(
                "/v1/sessions", {"email": "customer-17850@retail.example", "password": password or "x"})
            self.assert_problem(answer, 401, "invalid-credentials")

    def test_guessing_gets_slower(self):
        email = f"{shop.new_key()}@shop.example"
        answers = [self.shop.post("/v1/sessions", {"email": email, "password": f"guess {i}"})
                   for i in range(6)]
        self.assertEqual([a.status for a in answers], [401] * 5 + [429])
        self.assert_problem(answers[-1], 429, "too-many-attempts")
        self.assertGreaterEqual(int(answers[-1].headers["Retry-After"]), 1)

    def test_a_session_is_never_reported_later(self):
        answer = self.shop.post(
            "/v1/sessions", {"email": self.customer.email, "password": PASSWORD},
            headers={"Prefer": "respond-async"})
        self.assertEqual(answer.status, 201, answer)
        self.assertIsNone(answer.headers["Preference-Applied"])

    def test_a_weak_password_is_refused(self):
        for password in ("1234567", "password1", "x" * 1025):
            answer = self.shop.post(
                "/v1/users", {"email": f"{shop.new_key()}@shop.example", "password": password})
            self.assert_problem(answer, 422, "password-too-weak")


# The cases are in the classes above; their base has none of its own.
del RefusalTest

if __name__ == "__main__":
    unittest.main()
