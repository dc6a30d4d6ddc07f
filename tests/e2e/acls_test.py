"""`millrace acls print` on a Kafka that allows nothing else: the shop works, and each program is refused what is not its own."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import kafka_wire
import secure_broker
import shop
from customer import Customer

# The parts that topics.json names, and the engines with a group and transactions. Written down a second time on purpose.
PARTS = {
    "processors": {"identity", "identity-claim", "catalog", "sales", "payments"}, "payments": {"payments-connector"},
    "command-api": {"command-api"}, "query-api": {"query-api"}, "import": {"import"}, "staff": {"staff"},
    "setup": set(), "strangers": set()}
ENGINES = {"processors": {"identity", "catalog", "sales", "payments"}, "payments": {"payments-connector"}}
ALL_ENGINES = set().union(*ENGINES.values())
READ_ALL = {"import", "strangers"}
TOPICS = json.loads((shop.ROOT / "schemas" / "topics.json").read_text(encoding="utf-8"))
NAMES = {topic["name"] for topic in TOPICS}


class AclsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-acls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.passwords = {f"millrace-{program}": f"pw-{program}" for program in PARTS} | {"admin": "pw-admin"}
        cls.broker = secure_broker.SecureBroker(cls.folder, cls.passwords)
        cls.addClassCleanup(cls.broker.close)
        cls.running = []
        cls.addClassCleanup(cls.stop_all)
        printed = subprocess.run([shop.binary("millrace"), "acls", "print", "--json"], capture_output=True, timeout=30, check=True)
        cls.acls = json.loads(printed.stdout)
        cls.user("admin").create_acls(cls.acls)
        cls.bring_up()

    @classmethod
    def user(cls, name):
        user = kafka_wire.User(cls.broker.address("SASL"), cls.broker.certificates.ca, name, cls.passwords[name])
        cls.addClassCleanup(user.close)
        return user

    @classmethod
    def kafka(cls, program):
        config = cls.broker.password_config(f"millrace-{program}")
        return ["--brokers", cls.broker.address("SASL"), "--kafka-config", str(config)]

    @classmethod
    def run_tool(cls, program, *command):
        done = subprocess.run([str(shop.binary("millrace")), *command, *cls.kafka(program)], timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{command}: {done.stdout}")
        return done.stdout

    @classmethod
    def start(cls, program, port_flag, *more):
        port = shop.free_port()
        argv = [str(shop.binary(f"millrace-{program}")), *cls.kafka(program), port_flag, str(port), *more]
        if program != "payments":
            argv += ["--state-dir", str(cls.folder / f"state-{program}")]
        with open(cls.folder / f"{program}.log", "wb") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        cls.running.append(process)
        deadline = time.monotonic() + 90

        def ready():
            try:
                return shop.ask(f"127.0.0.1:{port}", "GET", "/readyz").status == 200
            except OSError:
                return False

        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((cls.folder / f"{program}.log").read_text()[-3000:])
            time.sleep(0.2)
        return f"127.0.0.1:{port}"

    @classmethod
    def stop_all(cls):
        for process in cls.running:
            process.terminate()
        for process in cls.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @classmethod
    def bring_up(cls):
        secrets = str(cls.folder / "secrets")
        cls.run_tool("setup", "topics", "create")
        cls.run_tool("setup", "schemas", "register")
        subprocess.run([shop.binary("millrace"), "secrets", "init", secrets], check=True, timeout=30, capture_output=True)
        cls.start("processors", "--status-port")
        cls.start("payments", "--status-port", "--secrets-dir", secrets)
        command = cls.start("command-api", "--port", "--secrets-dir", secrets)
        query = cls.start("query-api", "--port", "--secrets-dir", secrets)
        cls.place = Place(command, query)
        cls.secrets = secrets

    def test_the_staff_has_the_rights_that_it_needs(self):
        self.run_tool("staff", "product", "create", "ACL-1", "--title", "A mug", "--price", "1", "--reason", "acls")
        self.run_tool("staff", "stock", "adjust", "ACL-1", "--delta", "1", "--reason", "acls")
        self.assertIn("1 on hand", self.run_tool("staff", "stock", "show", "ACL-1"))

    def test_the_shop_works_with_exactly_these_rights(self):
        output = self.run_tool("import", "import", "retail", str(shop.ROOT / "data" / "online-retail.csv.xz"),
                               "--orders", "3", "--secrets-dir", self.secrets)
        self.assertIn("the shop and the file agree", output)
        customer = Customer(self.place)
        items = []
        shop.wait_until(lambda: items.extend(self.place.get("/v1/products?limit=1&in_stock=true").json["items"]) or items,
                        30, lambda: items)
        customer.buy(items[0]["product_id"])
        self.assertIn(" 0 not ours", self.run_tool("strangers", "topics", "strangers"))
        self.run_tool("setup", "topics", "create")
        for process in self.running:
            self.assertIsNone(process.poll())
        for log in self.folder.glob("*.log"):
            self.assertNotIn("uthorization failed", log.read_text(errors="replace"), log)

    def test_each_program_is_refused_every_topic_that_is_not_its_own(self):
        for program, parts in PARTS.items():
            user = self.user(f"millrace-{program}")
            reads = {topic["name"] for topic in TOPICS if parts & set(topic["readers"])}
            writes = {topic["name"] for topic in TOPICS if parts & set(topic["writers"])}
            with self.subTest(program=program):
                self.assertEqual(
                    user.may_read(NAMES | {"_schemas"}), (NAMES if program in READ_ALL else reads) | {"_schemas"})
                self.assertEqual(
                    user.may_write(NAMES | {"_schemas"}), writes | ({"_schemas"} if program == "setup" else set()))

    def test_each_program_is_refused_the_groups_and_transactions_of_others(self):
        for program in PARTS:
            user = self.user(f"millrace-{program}")
            own = ENGINES.get(program, set())
            with self.subTest(program=program):
                self.assertEqual({engine for engine in ALL_ENGINES if user.may_join(engine)}, own)
                self.assertEqual({engine for engine in ALL_ENGINES if user.may_begin(f"{engine}-0-9-9")}, own)
                self.assertFalse(user.may_begin("sales-1-0-0"), "an instance that was not named")

    def test_a_right_that_is_missing_stops_the_program_with_its_topic(self):
        done = subprocess.run(
            [str(shop.binary("millrace")), "topics", "strangers", *self.kafka("query-api")], timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("an ACL of the cluster must allow this to our user", done.stdout)
        self.assertRegex(done.stdout, r"identity\.\w+")


class Place(shop.Shop):
    """The two APIs without a gateway before them."""

    def __init__(self, command, query):
        self.command, self.query = command, query

    def address_for(self, method):
        return self.query if method == "GET" else self.command


if __name__ == "__main__":
    unittest.main()
