"""The pages of docs/operations do what they say: their commands, each page as one shell script, on a real shop.

A block that opens with "sh" is run; a page's blocks run in their order in one shell, which stops at the first command that
fails. scaling.md and company-kafka.md have tests of their own.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import customer
import shop

PAGES = shop.ROOT / "docs" / "operations"
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.M | re.S)
RUN_HERE = {"backup", "cluster", "dead-letters", "monitoring", "rebuild", "staff", "upgrade"}
ENGINES = {"identity", "catalog", "sales", "payments", "payments-connector", "millrace-command", "millrace-query"}


def script_of(page):
    """The blocks of a page to run, as one script."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    blocks = [found[3] for found in FENCE.finditer(text) if found[2] == "sh"]
    assert blocks, page
    return "\n".join(["set -eu", "cleanup() { kill $(jobs -p) 2>&1 || true; wait; }", "trap cleanup EXIT", *blocks])


class ProceduresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()

    def follow(self, page, **variables):
        script = script_of(page).replace("--orders 20", f"--orders {shop.ORDERS}")
        done = subprocess.run(
            ["bash", "-c", script], cwd=shop.ROOT, env={**self.shop.environment, **variables}, timeout=300,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        self.assertEqual(done.returncode, 0, f"{page}.md:\n{done.stdout}")
        return done.stdout

    def products(self):
        return self.shop.get("/v1/products?limit=100").body

    def test_every_page_with_a_command_is_run(self):
        with_blocks = {path.stem for path in PAGES.glob("*.md") if "```" in path.read_text(encoding="utf-8")}
        self.assertEqual(with_blocks - {"scaling", "company-kafka", "gateway"}, RUN_HERE)   # Those have tests of their own.
        for page in RUN_HERE:
            kinds = {found[2] for found in FENCE.finditer((PAGES / f"{page}.md").read_text(encoding="utf-8"))}
            self.assertEqual(kinds, {"sh"}, page)

    def test_a_dead_letter_is_shown_with_its_place(self):
        with self.subTest("a record that is not a command"):
            subprocess.run(
                ["kcat", "-P", "-b", self.shop.status()["broker"], "-t", "sales.commands", "-k", "someone"],
                input=b"not a command", timeout=30, check=True)
        pattern = r"sales \d+, key someone, 13 bytes: dead-letter-reason=.*,dead-letter-topic=sales.commands,"
        shop.wait_until(lambda: re.search(pattern, self.follow("dead-letters")), 30, lambda: self.follow("dead-letters"))
        self.assertIn('key "someone" value 13 bytes', self.follow("dead-letters"))

    def test_monitoring_shows_every_program(self):
        output = self.follow("monitoring")
        ready = re.findall(r'^topo_ready\{application="([\w-]+)".*\} (\d)$', output, re.M)
        self.assertEqual(dict(ready), {name: "1" for name in ENGINES})
        self.assertEqual(set(re.findall(r"^127[\d.:]+ +([\w-]+) ", output, re.M)), ENGINES)

    def test_an_upgrade_restarts_each_program_and_loses_nothing(self):
        someone = customer.Customer(self.shop)
        before = {p["name"]: p["pid"] for p in self.shop.status()["processes"]}
        output = self.follow("upgrade")
        self.assertIn("all schemas are registered", output)
        self.assertIn("0 topics created", output)
        after = {p["name"]: p["pid"] for p in self.shop.status()["processes"]}
        changed = {name for name in before if before[name] != after[name]}
        self.assertEqual(changed, {"processors", "payments", "command-api", "query-api"})
        self.assertEqual(self.shop.get("/v1/cart", access=someone.access).status, 200)

    def test_a_day_of_the_staff(self):
        someone = customer.Customer(self.shop)
        product = self.shop.get("/v1/products?in_stock=true").json["items"][0]["product_id"]
        order = someone.buy(product)["order_id"]
        output = self.follow("staff", ORDER=order)
        self.assertIn("PriceChanged 10.90 EUR, by operator:anna: competitor sells at 11", output)
        self.assertIn("40 on hand, 0 held, 40 available", output)
        self.assertIn("(decided before, by the same key)", output)
        self.assertEqual(someone.wait_for_status(order, "CANCELLED")["refund"]["amount_minor"] > 0, True)

    def test_a_rebuild_and_a_snapshot_know_what_was_known(self):
        before = self.products()
        output = self.follow("rebuild")
        self.assertIn("nothing was imported", output)
        self.assertIn("the shop and the file agree", output)
        self.assertRegex(output, r"\b5 tasks have a new snapshot")   # One for each view on the disk.
        self.assertIn("millrace-query/cart-view-0 from", output)
        self.assertEqual(self.products(), before)

    def test_kafka_and_the_secrets_are_enough(self):
        someone = customer.Customer(self.shop)
        before = self.products()
        with tempfile.TemporaryDirectory(prefix="millrace-backup-") as folder:
            output = self.follow("backup", BACKUP=str(pathlib.Path(folder) / "new"))
        self.assertIn("Millrace is up", output)
        self.assertEqual(self.products(), before)
        self.assertEqual(self.shop.get("/v1/cart", access=someone.access).status, 200)

    def test_a_cluster_is_set_up_with_the_sizes_of_production(self):
        with tempfile.TemporaryDirectory(prefix="millrace-cluster-") as folder:
            ports = {name: shop.free_port() for name in ("COMMAND_PORT", "QUERY_PORT", "PROCESSORS_STATUS_PORT", "PAYMENTS_STATUS_PORT")}
            environment = {**os.environ, **{f"MILLRACE_{name}": str(port) for name, port in ports.items()},
                           "MILLRACE_PROGRAMS": ",".join(f"127.0.0.1:{port}" for port in ports.values()),
                           "MILLRACE_ALLOW_ONE_COPY": "1", "MILLRACE_SECRETS_DIR": f"{folder}/secrets", "STATE": f"{folder}/state"}
            done = subprocess.run(
                [sys.executable, shop.ROOT / "tools/dev/broker.py", "timeout", "--foreground", "150", "bash", "-c",
                 "export MILLRACE_BROKERS=$MILLRACE_TEST_BROKERS\n" + script_of("cluster")],
                cwd=shop.ROOT, env=environment, timeout=300, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        self.assertIn("29 topics created", done.stdout)


if __name__ == "__main__":
    unittest.main()
