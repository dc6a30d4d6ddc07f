"""The gateway before two instances of each API: one dies, hangs or is not ready, and no read is lost."""

import os
import shutil
import signal
import time
import unittest

import shop
from customer import Customer
from instance import Instance
from load import Adder, Load

READERS = 6
AWAY_S = 30   # A probe of a frozen instance takes a second, on a busy machine more.


def log(place):
    return (place.home / "logs" / "supervisor.log").read_text(errors="replace")


def line(instance, word):
    return f"{instance.name[:-2]} at {instance.address} is {word}\n"


class GatewayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.Shop()
        cls.addClassCleanup(cls.shop.close)
        ports = {name: shop.free_port() for name in ("query", "command")}
        cls.shop.environment |= {
            f"MILLRACE_MORE_{name.upper()}_APIS": f"127.0.0.1:{port}" for name, port in ports.items()}
        cls.shop.up(orders="5")
        secrets = ("--secrets-dir", cls.shop.home / "secrets")
        cls.query, cls.command = (
            Instance(ClassCleanups(cls), cls.shop, f"{name}-api", "1", "--port", *secrets, port=port)
            for name, port in ports.items())
        cls.address = f"127.0.0.1:{cls.shop.port}"
        shop.wait_until(lambda: all(line(each, "ready") in log(cls.shop) for each in (cls.query, cls.command)), AWAY_S,
                        lambda: log(cls.shop))
        cls.product = cls.shop.get("/v1/products?limit=1").json["items"][0]["product_id"]

    def wait_for_change(self, instance, word, fault):
        """Does what `fault` does, and waits until `tools/up` says that the instance is ready or not."""
        before = log(self.shop).count(line(instance, word))
        fault()
        shop.wait_until(lambda: log(self.shop).count(line(instance, word)) > before, AWAY_S, lambda: log(self.shop))
        time.sleep(1.5)   # For the reload that follows.

    def readers(self):
        paths = ("/v1/products?limit=5", f"/v1/products/{self.product}", "/v1/categories")
        numbers = iter(range(1 << 30))
        return Load(self.address, READERS, lambda c: c.ask("GET", paths[next(numbers) % len(paths)]))

    def assert_none_lost(self, load):
        self.assertEqual(load.lost[:3], [], f"{len(load.lost)} of {load.done}")
        self.assertGreater(load.done, 100)

    def test_no_read_is_lost_when_an_instance_dies_starts_empty_or_hangs(self):
        query = self.query
        with self.readers() as load:
            self.wait_for_change(query, "not ready", query.kill)
            shutil.rmtree(self.shop.home / "state" / query.name)   # It restores all its views.
            self.wait_for_change(query, "ready", query.start)
            self.wait_for_change(query, "not ready", lambda: query.popen.send_signal(signal.SIGSTOP))
            after = Load(self.address, READERS, lambda c: c.ask("GET", "/v1/categories"))
            with after:
                time.sleep(2)
            self.wait_for_change(query, "ready", lambda: query.popen.send_signal(signal.SIGCONT))
        self.assert_none_lost(load)
        self.assert_none_lost(after)
        self.assertLess(load.longest_s, 11)
        self.assertLess(after.longest_s, 3, "the frozen instance still got requests")
        print(f"\n{load.done} reads, 0 lost, the slowest took {load.longest_s:.1f} s", flush=True)

    def test_no_read_is_lost_when_the_gateway_reads_its_configuration_again(self):
        pid = self.shop.process("gateway")["pid"]
        with self.readers() as load:
            for _ in range(8):
                time.sleep(0.4)
                os.kill(pid, signal.SIGHUP)
            time.sleep(1)
        self.assert_none_lost(load)
        self.assertEqual(self.shop.process("gateway")["restarts"], 0)
        print(f"\n{load.done} reads across 8 reloads, 0 lost", flush=True)

    def test_a_write_that_failed_with_its_instance_is_done_once_when_it_is_repeated(self):
        customer = Customer(self.shop)
        adder, command = Adder(customer, self.product), self.command
        with Load(self.address, 1, adder.step) as load:
            self.wait_for_change(command, "not ready", command.kill)
            self.wait_for_change(command, "ready", command.start)
            self.wait_for_change(command, "not ready", lambda: command.popen.send_signal(signal.SIGSTOP))
            before = adder.added
            shop.wait_until(lambda: adder.added > before + 5, 30, lambda: load.lost[-1:])
            self.wait_for_change(command, "ready", lambda: command.popen.send_signal(signal.SIGCONT))
        shop.wait_until(lambda: customer.get("/v1/cart").json["lines"][0]["quantity"] >= adder.added, 20,
                        lambda: customer.get("/v1/cart"))
        quantity = customer.get("/v1/cart").json["lines"][0]["quantity"]
        self.assertIn(quantity - adder.added, (0, 1))   # The last one may have been cut off by our end.
        print(f"\n{load.done} writes, {len(load.lost)} failed and were repeated, {quantity} done", flush=True)


class ClassCleanups:
    """What Instance wants of a test, for the whole class."""

    def __init__(self, owner):
        self.addCleanup = owner.addClassCleanup


if __name__ == "__main__":
    unittest.main()
