"""An account's life: sessions that are renewed and ended, in one running shop."""

import base64
import json
import subprocess
import time
import unittest

import shop
from customer import PASSWORD, Customer

COOKIE = "millrace_refresh"


def cookie_of(response):
    """The value and the attributes of the refresh cookie that the answer sets."""
    value, *attributes = response.headers["Set-Cookie"].split("; ")
    name, _, token = value.partition("=")
    assert name == COOKIE, response
    return token, set(attributes)


class AccountTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()

    def assert_problem(self, response, status, slug):
        self.assertEqual(response.status, status, response)
        self.assertTrue(response.json["type"].endswith(f"/problems/{slug}"), response)

    def refresh(self, token):
        return self.shop.post("/v1/sessions/refresh", {"refresh_token": token}, key=None)

    def by_cookie(self, token, **headers):
        fields = {"Cookie": f"theme=dark; {COOKIE}={token}", **headers}
        return self.shop.post("/v1/sessions/refresh", {"refresh": "cookie"}, key=None, headers=fields)


class RefreshTest(AccountTest):
    def test_a_session_is_renewed_and_a_stolen_token_ends_it(self):
        customer = Customer(self.shop)
        first = customer.log_in(PASSWORD).json
        second = self.refresh(first["refresh_token"])
        self.assertEqual(second.status, 200, second)
        self.assertEqual(second.json["session_id"], first["session_id"])
        self.assertNotEqual(second.json["refresh_token"], first["refresh_token"])
        self.assertEqual(self.shop.get("/v1/cart", access=second.json["access_token"]).status, 200)

        again = self.refresh(first["refresh_token"])  # Its answer might have been lost.
        self.assertEqual(again.json["refresh_token"], second.json["refresh_token"])

        third = self.refresh(second.json["refresh_token"]).json["refresh_token"]
        self.assert_problem(self.refresh(first["refresh_token"]), 401, "refresh-reused")
        self.assert_problem(self.refresh(third), 401, "token-invalid")  # The honest holder logs in again.
        self.assert_problem(self.refresh(third[:-1] + ("a" if third[-1] != "a" else "b")), 401, "token-invalid")
        self.assert_problem(self.refresh("usr_1.ses_1.0.x"), 401, "token-invalid")

    def test_in_cookie_mode_no_script_sees_the_token(self):
        customer = Customer(self.shop)
        login = {"email": customer.email, "password": PASSWORD, "refresh": "cookie"}
        started = self.shop.post("/v1/sessions", login)
        self.assertEqual(started.status, 201, started)
        self.assertNotIn("refresh_token", started.json)
        token, attributes = cookie_of(started)
        self.assertLessEqual({"HttpOnly", "Secure", "SameSite=Strict", "Path=/v1/sessions"}, attributes)

        renewed = self.by_cookie(token, Origin=f"http://127.0.0.1:{self.shop.port}")
        self.assertEqual(renewed.status, 200, renewed)
        self.assertNotIn("refresh_token", renewed.json)
        self.assertNotEqual(cookie_of(renewed)[0], token)
        self.assertEqual(self.shop.get("/v1/cart", access=renewed.json["access_token"]).status, 200)

    def test_another_origins_page_cannot_use_the_cookie(self):
        customer = Customer(self.shop)
        login = {"email": customer.email, "password": PASSWORD, "refresh": "cookie"}
        token, _ = cookie_of(self.shop.post("/v1/sessions", login))
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = self.by_cookie(token, **headers)
            self.assert_problem(answer, 403, "forbidden")
            self.assertIsNone(answer.headers["Set-Cookie"])
        form = {"Content-Type": "text/plain"}  # A page may send such a form without asking first.
        self.assert_problem(self.by_cookie(token, **form), 415, "unsupported-media-type")
        self.assert_problem(
            self.shop.post("/v1/sessions", login, headers={"Origin": "https://evil.example"}), 403, "forbidden")
        body = {"refresh": "cookie", "refresh_token": token}
        self.assert_problem(self.shop.post("/v1/sessions/refresh", body, key=None), 422, "validation")
        self.assert_problem(self.shop.post("/v1/sessions/refresh", {}, key=None), 422, "validation")
        self.assertEqual(self.by_cookie(token).status, 200)


class LogoutTest(AccountTest):
    def refused(self, access):
        """Both APIs refuse the token; the query API within the lag of its view."""
        def gone():
            answers.append(self.shop.get("/v1/cart", access=access))
            return answers[-1].status == 401

        answers = []
        shop.wait_until(gone, 2, lambda: answers[-1])
        self.assert_problem(answers[-1], 401, "token-invalid")
        self.assert_problem(
            self.shop.request("DELETE", "/v1/cart/items", access=access), 401, "token-invalid")

    def test_logging_out_here_there_and_everywhere(self):
        customer = Customer(self.shop)
        here, there, third = (customer.log_in(PASSWORD).json for _ in range(3))
        listed = self.shop.get("/v1/sessions", access=here["access_token"]).json["items"]
        self.assertEqual([s["session_id"] for s in listed if s["current"]], [here["session_id"]])
        self.assertEqual(
            [s["session_id"] for s in listed][:3], [s["session_id"] for s in (third, there, here)])

        ended = self.shop.request("DELETE", f"/v1/sessions/{there['session_id']}", access=here["access_token"])
        self.assertEqual((ended.status, ended.body), (204, b""), ended)
        self.refused(there["access_token"])
        self.assert_problem(self.refresh(there["refresh_token"]), 401, "token-invalid")
        self.assert_problem(
            self.shop.request("DELETE", f"/v1/sessions/{there['session_id']}", access=here["access_token"]),
            404, "not-found")

        ended = self.shop.request("DELETE", "/v1/sessions/current", access=here["access_token"])
        self.assertEqual(ended.status, 204, ended)
        self.assertIn("Max-Age=0", cookie_of(ended)[1])
        self.refused(here["access_token"])

        self.assertEqual(self.shop.get("/v1/cart", access=third["access_token"]).status, 200)
        self.assertEqual(
            self.shop.request("DELETE", "/v1/sessions", access=third["access_token"]).status, 204)
        self.refused(third["access_token"])
        self.refused(customer.access)

    def test_nobody_ends_the_session_of_another(self):
        customer, other = Customer(self.shop), Customer(self.shop)
        session = customer.log_in(PASSWORD).json
        self.assert_problem(
            self.shop.request("DELETE", f"/v1/sessions/{session['session_id']}", access=other.access),
            404, "not-found")
        self.assertEqual(self.shop.get("/v1/cart", access=session["access_token"]).status, 200)
        self.assert_problem(self.shop.request("DELETE", "/v1/sessions/current"), 401, "authentication-required")


class ProfileTest(AccountTest):
    def test_a_user_reads_and_changes_the_profile(self):
        customer = Customer(self.shop)
        seen = customer.get("/v1/users/me")  # As the Location of the 201 has it.
        self.assertEqual(seen.status, 200, seen)
        self.assertEqual(
            (seen.json["user_id"], seen.json["email"], seen.json["name"], seen.json["locale"]),
            (customer.user_id, customer.email, None, "en"))
        changed = customer.request("PATCH", "/v1/users/me", {"name": "Ada Lovelace", "locale": "en-GB"})
        self.assertEqual(changed.status, 200, changed)
        self.assertEqual((changed.json["name"], changed.json["locale"]), ("Ada Lovelace", "en-GB"))
        self.assertEqual(customer.get("/v1/users/me").json, changed.json)
        stale = customer.request("PATCH", "/v1/users/me", {"name": "x"}, headers={"If-Match": seen.headers["ETag"]})
        self.assert_problem(stale, 412, "precondition-failed")
        self.assertIsNone(customer.request("PATCH", "/v1/users/me", {"name": ""}).json["name"])
        self.assert_problem(self.shop.get("/v1/users/me"), 401, "authentication-required")

    def test_another_password_ends_the_other_sessions(self):
        customer, new = Customer(self.shop), "nine bottles of green ink"
        here, there = (customer.log_in(PASSWORD).json for _ in range(2))
        path, access = "/v1/users/me/password", here["access_token"]

        def change(current, wanted):
            return self.shop.request("PUT", path, {"current": current, "new": wanted}, access=access)

        self.assert_problem(change("wrong wrong wrong", new), 401, "invalid-credentials")
        self.assert_problem(change(PASSWORD, "password1"), 422, "password-too-weak")
        self.assert_problem(change(PASSWORD, customer.email), 422, "password-too-weak")
        done = change(PASSWORD, new)
        self.assertEqual((done.status, done.body), (204, b""), done)
        login = {"email": customer.email, "password": new}
        self.assertEqual(self.shop.post("/v1/sessions", login).status, 201)
        login["password"] = PASSWORD
        self.assert_problem(self.shop.post("/v1/sessions", login), 401, "invalid-credentials")
        self.assertEqual(self.shop.get("/v1/cart", access=access).status, 200)
        self.assert_problem(self.refresh(there["refresh_token"]), 401, "token-invalid")


class DelayTest(AccountTest):
    def log_in_from(self, address, email, password):
        """As the gateway would say it of a client at this address."""
        body = json.dumps({"email": email, "password": password}).encode()
        return shop.ask(
            self.shop.process("command-api")["address"], "POST", "/v1/sessions", body,
            {"Content-Type": "application/json", "X-Forwarded-For": address})

    def test_nobody_locks_an_owner_out_from_another_address(self):
        customer = Customer(self.shop)
        wait_s = 0
        while wait_s < 8:  # Long enough for the rest of the test, however slow the machine.
            guess = self.log_in_from("192.0.2.1", customer.email, "wrong wrong")
            self.assertIn(guess.status, (401, 429), guess)
            wait_s = int(guess.headers["Retry-After"] or 0)
            time.sleep(wait_s if wait_s < 8 else 0)
        for address in ("192.0.2.1", "192.0.2.200"):
            refused = self.log_in_from(address, customer.email, PASSWORD)
            self.assert_problem(refused, 429, "too-many-attempts")
        for address in ("198.51.100.7", "2001:db8::7"):
            self.assertEqual(self.log_in_from(address, customer.email, PASSWORD).status, 201)


class RoleTest(AccountTest):
    def scope(self, access):
        payload = access.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["scope"]

    def millrace(self, *words):
        kafka = self.shop.status()["broker"]
        return subprocess.run(
            [shop.binary("millrace"), *words, "--brokers", kafka, "--operator", "anna"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)

    def test_the_first_operator_is_made_on_the_command_line(self):
        customer = Customer(self.shop)
        self.assertEqual(self.scope(customer.access), "customer")
        done = self.millrace("user", "role", customer.user_id, "operator", "--reason", "new in the team")
        self.assertEqual(done.returncode, 0, done.stderr)
        shop.wait_until(lambda: customer.get("/v1/users/me").status == 401, 2, lambda: "the old session goes on")
        access = customer.log_in(PASSWORD).json["access_token"]
        self.assertEqual(self.scope(access), "operator")
        self.assertEqual(self.shop.get("/v1/users/me", access=access).json["role"], "operator")
        self.assertEqual(self.millrace("user", "role", customer.user_id, "operator").returncode, 2)  # No reason.
        self.assertEqual(
            self.millrace("user", "role", "usr_nobody", "operator", "--reason", "x").returncode, 3)


class MergeTest(AccountTest):
    def guest_with(self, product_id):
        """The token of a guest who has one of the product in the cart."""
        token = self.shop.post("/v1/guest-carts", None).json["cart_token"]
        added = self.shop.post(
            "/v1/cart/items", {"product_id": product_id, "quantity": 1}, headers={"Cart-Token": token})
        self.assertEqual(added.status, 200, added)
        return token

    def quantities(self, cart):
        return {line["product_id"]: line["quantity"] for line in cart.json["lines"]}

    def test_a_guests_cart_moves_at_the_login_and_by_its_own_route(self):
        customer = Customer(self.shop)
        first, second = (
            p["product_id"] for p in self.shop.get("/v1/products?limit=2&in_stock=true&sort=-price").json["items"])
        customer.add(first, 2)
        token = self.guest_with(first)
        login = self.shop.post(
            "/v1/sessions", {"email": customer.email, "password": PASSWORD, "cart_token": token})
        self.assertEqual(login.status, 201, login)
        self.assertEqual(self.quantities(customer.get("/v1/cart", token=login.token)), {first: 3})
        guest = self.shop.get("/v1/cart", headers={"Cart-Token": token})
        self.assertEqual(self.quantities(guest), {})

        key, body = shop.new_key(), {"cart_token": self.guest_with(second)}
        merged = customer.post("/v1/cart/merge", body, key=key)
        self.assertEqual((merged.status, self.quantities(merged)), (200, {first: 3, second: 1}))
        again = customer.post("/v1/cart/merge", body, key=key)
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (200, "true"))
        self.assertEqual(self.quantities(again), {first: 3, second: 1})
        self.assert_problem(self.shop.post("/v1/cart/merge", body), 401, "authentication-required")
        self.assert_problem(customer.post("/v1/cart/merge", {"cart_token": "x" * 43 + "!"}), 422, "validation")


if __name__ == "__main__":
    unittest.main()
