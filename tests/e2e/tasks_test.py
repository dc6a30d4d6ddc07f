"""`millrace tasks list` on a whole shop: every task once, where its input stands, and a program that is gone."""

import json
import subprocess
import unittest

import customer
import shop

TOPICS = json.loads((shop.ROOT / "schemas" / "topics.json").read_text())
PROGRAMS = ["processors", "payments", "command-api", "query-api"]


class TasksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.addresses = {name: cls.shop.process(name)["address"] for name in PROGRAMS}

    def tasks_list(self, *arguments, programs=None):
        addresses = programs or list(self.addresses.values())
        return subprocess.run(
            [shop.binary("millrace"), "tasks", "list", "--programs", ",".join(addresses), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    def engines(self):
        done = self.tasks_list("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [engine for program in json.loads(done.stdout) for engine in program["engines"]]

    def test_every_partition_of_every_service_has_one_owner(self):
        partitions = {t["name"]: t["partitions"]["development"] for t in TOPICS}
        seen = set()
        for engine in self.engines():
            self.assertEqual(engine["state"], "running")
            self.assertEqual(engine["instance"], "0")
            for task in engine["tasks"]:
                self.assertEqual(task["state"], "running")
                self.assertGreater(task["state_ms"], 0)
                for given in task["inputs"]:
                    key = engine["application"], task["name"], given["topic"], given["partition"]
                    self.assertNotIn(key, seen)
                    seen.add(key)
                    self.assertLess(given["partition"], partitions[given["topic"]])
        sales = {key[3] for key in seen if key[2] == "sales.commands"}
        self.assertEqual(sales, set(range(partitions["sales.commands"])))

    def test_a_position_moves_with_what_is_processed(self):
        def carts():
            return sum(
                given["position"] for engine in self.engines() for task in engine["tasks"] for given in task["inputs"]
                if given["topic"] == "sales.commands" and given["position"] > 0)

        before = carts()
        someone = customer.Customer(self.shop)
        product = self.shop.get("/v1/products?limit=1&in_stock=true").json["items"][0]["product_id"]
        self.assertEqual(someone.add(product, 1).status, 200)
        shop.wait_until(lambda: carts() > before, 20, lambda: "the position of sales.commands does not move")

    def test_the_table_names_each_task_and_its_inputs(self):
        done = self.tasks_list("--inputs")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertTrue(lines[0].startswith("ADDRESS"))
        for name in PROGRAMS:
            self.assertTrue(any(line.startswith(self.addresses[name]) for line in lines), name)
        self.assertTrue(any(line.startswith("    sales.commands/0  position ") for line in lines), done.stdout)

    def test_a_program_that_does_not_answer_is_named_and_the_others_are_shown(self):
        nobody = f"127.0.0.1:{shop.free_port()}"
        done = self.tasks_list(programs=[nobody, self.addresses["query-api"]])
        self.assertEqual(done.returncode, 1)
        self.assertIn(nobody, done.stdout)
        self.assertIn(self.addresses["query-api"], done.stdout)
        self.assertIn("1 of 2 programs are not running", done.stderr)

    def test_something_else_at_the_address_is_an_error(self):
        done = self.tasks_list(programs=[self.shop.process("broker")["address"]])
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
