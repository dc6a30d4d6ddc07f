"""The contract with clients: the document is linted, the shop does what it says, clients are generated from it.

The tools are pinned in tests/contract/ and installed by tools/dev/contract.py, which also runs the long
version of the first test: `python3 tools/dev/contract.py --seconds 540 URL`.
"""

import json
import subprocess
import sys
import unittest

import customer
import shop

sys.path.insert(0, str(shop.ROOT / "tools" / "dev"))
sys.path.insert(0, str(shop.ROOT / "tests" / "contract"))
import contract  # noqa: E402 (of tools/dev)
import document  # noqa: E402 (of tests/contract)

SECONDS = 60


def run(*command, timeout_s=300, **more):
    return subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=timeout_s, check=False, **more)


class ContractTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.url = f"http://127.0.0.1:{cls.shop.port}"

    def owned(self, owner):
        """The ids of an order, a command and a product of the customer, by the names of the document."""
        product = self.shop.get("/v1/products?limit=1&in_stock=true&sort=-price").json["items"][0]["product_id"]
        self.assertEqual(owner.add(product, 1).status, 200)
        placed = owner.post("/v1/orders", {"payment": {"method_token": "pm_approve"}}, headers={"Prefer": "respond-async"})
        self.assertEqual(placed.status, 202, placed)
        answers = []

        def decided():
            answers.append(owner.get(placed.headers["Location"]))
            return answers[-1].json["status"] != "pending"

        shop.wait_until(decided, 20, lambda: answers[-1])
        self.assertEqual(answers[-1].json["status"], "accepted", answers[-1])
        order = owner.get("/v1/orders", token=answers[-1].token).json["items"][0]["order_id"]
        session = owner.get("/v1/sessions").json["items"][0]["session_id"]
        return {"id": order, "order_id": order, "command_id": placed.json["command_id"], "product_id": product,
                "session_id": session}

    def succeed(self, done):
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        return done.stdout

    def test_the_document_is_linted(self):
        spectral = contract.node_modules() / ".bin" / "spectral"
        self.succeed(run(
            spectral, "lint", "--fail-severity", "warn", "-r", contract.FOLDER / "spectral.yaml",
            shop.ROOT / "docs" / "openapi.json"))

    def test_both_programs_and_the_gateway_serve_the_document_of_the_repository(self):
        kept = json.loads((shop.ROOT / "docs" / "openapi.json").read_text())
        addresses = [f"127.0.0.1:{self.shop.port}"]
        addresses += [self.shop.process(name)["address"] for name in ("command-api", "query-api")]
        for address in addresses:
            answer = shop.ask(address, "GET", "/openapi.json")
            self.assertEqual((answer.status, answer.json), (200, kept), address)

    def test_the_shop_does_what_the_document_says(self):
        done = contract.schemathesis(self.url, SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])

    def test_every_example_of_a_body_is_accepted_as_its_shape(self):
        """The rules of the shop may still refuse it, but never as malformed or invalid."""
        owner = customer.Customer(self.shop)
        ids = self.owned(owner)
        asked = 0
        for operation in document.operations():
            body = operation.example({"product_id": ids["product_id"]})
            if body is None:
                continue
            answer = self.shop.request(
                operation.method, operation.url(ids), body, key=shop.new_key(),
                access=owner.access if operation.takes_token else None)
            kind = answer.json["type"].rsplit("/", 1)[1] if answer.status >= 400 else ""
            self.assertNotIn(kind, ("validation", "malformed-json", "json-limit", "unsupported-media-type"), answer)
            self.assertLess(answer.status, 500, answer)
            asked += 1
        self.assertGreaterEqual(asked, 7)

    def test_what_belongs_to_another_customer_is_a_404_on_every_route(self):
        """Every route whose path names something of an owner: as for an id that nobody has."""
        owner, stranger = customer.Customer(self.shop), customer.Customer(self.shop)
        ids = self.owned(owner)
        nobody = {name: text[:-4] + "0000" for name, text in ids.items()}
        asked = 0
        for operation in document.operations():
            if not operation.takes_token or operation.url(ids) == operation.path or "product_id" in operation.path:
                continue
            foreign, unknown, nameless = (
                self.shop.request(operation.method, operation.url(named), operation.example({}), key=shop.new_key(), access=access)
                for named, access in ((ids, stranger.access), (nobody, stranger.access), (ids, None)))
            for answer in foreign, unknown:
                self.assertEqual(answer.status, 404, (operation.path, answer))
            self.assertEqual(foreign.json.get("detail"), unknown.json.get("detail"))
            self.assertIn(nameless.status, (401, 404), (operation.path, nameless))
            asked += 1
        self.assertGreaterEqual(asked, 5)

    def test_a_generated_python_client_does_a_whole_session(self):
        client = contract.python_client()
        out = self.succeed(run(
            contract.venv() / "bin" / "python", contract.FOLDER / "session.py", self.url, customer.PASSWORD,
            env={"PYTHONPATH": str(client)}, timeout_s=120))
        self.assertIn("confirmed", out)

    def test_a_generated_typescript_client_does_a_whole_session(self):
        script = contract.typescript_client()
        out = self.succeed(run("node", script, self.url, customer.PASSWORD, timeout_s=120))
        self.assertIn("confirmed", out)


if __name__ == "__main__":
    unittest.main()
