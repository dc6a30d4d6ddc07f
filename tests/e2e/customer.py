"""A customer of the shop under test: an account of its own, a cart, orders."""

import uuid

import shop

PASSWORD = "correct horse battery staple"


class Customer:
    def __init__(self, place):
        self.shop = place
        self.email = f"{uuid.uuid4()}@shop.example"
        created = place.post(
            "/v1/users", {"email": self.email, "password": PASSWORD, "locale": "en"})
        assert created.status == 201, created
        self.user_id = created.json["user_id"]
        self.access = self.log_in(PASSWORD).json["access_token"]

    def log_in(self, password):
        """A login may come before the credentials view has the account: ask again for a while."""
        answers = []

        def done():
            answers.append(self.shop.post("/v1/sessions", {"email": self.email, "password": password}))
            return answers[-1].status == 201

        shop.wait_until(done, 10, lambda: answers[-1])
        return answers[-1]

    def get(self, path, **more):
        return self.shop.get(path, access=self.access, **more)

    def post(self, path, body, **more):
        return self.shop.post(path, body, access=self.access, **more)

    def put(self, path, body, **more):
        return self.shop.request("PUT", path, body, access=self.access, **more)

    def request(self, method, path, body, **more):
        return self.shop.request(method, path, body, access=self.access, **more)

    def delete(self, path, **more):
        return self.shop.request("DELETE", path, access=self.access, **more)

    def add(self, product_id, quantity, **more):
        return self.post("/v1/cart/items", {"product_id": product_id, "quantity": quantity}, **more)

    def order(self, cart, method_token, **more):
        """Checks out `cart`, a cart's answer."""
        return self.post(
            "/v1/orders",
            {"expected_total": money(cart["totals"]["items"]),
             "payment": {"method_token": method_token}},
            headers={"Prefer": "wait=5"}, **more)

    def buy(self, product_id, timeout_s=60):
        """One of a product, to the confirmed order."""
        added = self.add(product_id, 1)
        assert added.status == 200, added
        placed = self.order(self.get("/v1/cart", token=added.token).json, "pm_approve")
        return self.wait_for_status(placed.json["order_id"], "CONFIRMED", timeout_s)

    def wait_for_status(self, order_id, status, timeout_s=30):
        answers = []

        def reached():
            answers.append(self.get(f"/v1/orders/{order_id}"))
            return answers[-1].status == 200 and answers[-1].json["status"] == status

        shop.wait_until(reached, timeout_s, lambda: answers[-1])
        return answers[-1].json


def money(amount):
    return {"amount_minor": amount["amount_minor"], "currency": amount["currency"]}
