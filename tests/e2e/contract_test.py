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
import contract  # noqa: E402 (of tools/dev)

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
