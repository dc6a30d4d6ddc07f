"""The shop on a Kafka with TLS, passwords, client certificates and ACLs; each fault of its configuration has a sentence."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import procedures_test
import secure_broker
import shop
from customer import Customer

PASSWORD = "hunter2-never-shown"
USERS = {"admin": f"{PASSWORD}-a", "stranger": f"{PASSWORD}-s"}


class CompanyKafkaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-company-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        os.chmod(cls.folder, 0o755)   # The programs of another account read the files themselves.
        cls.broker = secure_broker.SecureBroker(cls.folder, USERS)
        cls.addClassCleanup(cls.broker.close)

    def millrace(self, config, *command, listener="SASL", program="millrace"):
        """(exit code, output); a password is nowhere in it."""
        done = subprocess.run(
            [str(shop.binary(program)), *command, "--brokers", self.broker.address(listener),
             "--kafka-config", str(config)],
            timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertNotIn("hunter2", done.stdout)
        return done.returncode, done.stdout

    def assert_refused(self, config, *sentences, listener="SASL"):
        code, output = self.millrace(config, "schemas", "list", listener=listener)
        self.assertEqual(code, 1, output)
        for sentence in sentences:
            self.assertIn(sentence, output)

    def test_a_wrong_password_is_named(self):
        self.assert_refused(
            self.broker.password_config("admin", password="hunter2-wrong", name="wrong"),
            "check sasl.username, sasl.password and sasl.mechanisms")

    def test_scram_works_or_the_library_is_named(self):
        config = self.broker.password_config("admin", name="scram", mechanism="SCRAM-SHA-512")
        if secure_broker.SCRAM_WORKS:
            self.assertEqual(self.millrace(config, "schemas", "list")[0], 0)
        else:
            self.assert_refused(config, "SCRAM with Kafka 4 needs librdkafka 2.6.1 or later")

    def test_an_unknown_ca_is_named(self):
        self.assert_refused(
            self.broker.password_config("admin", ca=self.broker.certificates.stranger, name="ca"),
            "the broker's certificate is not from a CA of ssl.ca.location")

    def test_an_expired_certificate_is_named(self):
        self.assert_refused(
            self.broker.password_config("admin", name="expired"), "the broker's certificate has expired",
            listener="EXPIRED")

    def test_a_certificate_of_another_host_is_named(self):
        self.assert_refused(
            self.broker.password_config("admin", name="other"), "the broker's certificate is for another host",
            listener="OTHER")

    def test_our_own_certificate_expired_or_strange_is_named(self):
        for user, more in (("late", {"expired": True}), ("foreign", {"authority": "stranger"})):
            with self.subTest(user=user):
                self.assert_refused(
                    self.broker.certificate_config(user, **more), "the broker refuses our certificate",
                    listener="MTLS")

    def test_a_listener_with_tls_asked_without_is_named(self):
        config = self.broker.config("plain", client_rack="a")
        self.assert_refused(config, "security.protocol")

    def test_a_refused_topic_is_named(self):
        self.assert_refused(
            self.broker.password_config("stranger"), "_schemas", "an ACL of the cluster must allow this to our user")

    def test_a_service_ends_with_2_and_the_reason(self):
        config = self.broker.password_config("admin", password="hunter2-wrong", name="service")
        code, output = self.millrace(config, program="millrace-payments")
        self.assertEqual(code, 2, output)

    def run_shop(self, listener, config):
        """Up, an order, down; the password is in no log and in no command line."""
        home = shop.Shop()
        self.addCleanup(home.close)
        shutil.chown(config, *self.account()) if self.account() else None
        home.up("--broker", self.broker.address(listener), "--kafka-config", str(config), orders="5")
        product = home.get("/v1/products?limit=1&in_stock=true").json["items"][0]["product_id"]
        Customer(home).buy(product)
        for process in home.status()["processes"]:
            self.assertNotIn(b"hunter2", pathlib.Path(f"/proc/{process['pid']}/cmdline").read_bytes())
        for path in [p for p in home.home.rglob("*") if p.is_file()]:
            self.assertNotIn(b"hunter2", path.read_bytes(), path)
        return home

    def account(self):
        """The user that tools/up drops to when root starts it."""
        return ("millrace", "millrace") if os.geteuid() == 0 else None

    def test_the_shop_runs_with_passwords_and_with_certificates(self):
        home = self.run_shop("SASL", self.broker.password_config("admin"))
        home.down()
        code, output = self.millrace(self.broker.certificate_config("admin"), "schemas", "check", listener="MTLS")
        self.assertEqual((code, output), (0, "all schemas are registered\n"))

    def test_the_page_does_what_it_says(self):
        etc = self.folder / "etc"
        etc.mkdir(mode=0o700)
        shutil.copy(self.broker.certificates.ca, etc / "kafka-ca.pem")
        (etc / "kafka-password").write_text(USERS["admin"] + "\n")
        done = subprocess.run(
            ["bash", "-c", procedures_test.script_of("company-kafka")], cwd=shop.ROOT, timeout=120,
            env={**os.environ, "ETC": str(etc), "MILLRACE_BROKERS": self.broker.address("SASL"),
                 "MECHANISM": secure_broker.MECHANISM, "KAFKA_USER": "admin"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("SUBJECT", done.stdout)


if __name__ == "__main__":
    unittest.main()
