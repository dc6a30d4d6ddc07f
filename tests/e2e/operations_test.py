"""Running it: tools/up, status, logs and down, as their users and their scripts meet them."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

import shop

PROGRAMS = ["broker", "processors", "payments", "command-api", "query-api", "gateway"]


class OperationsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()

    def products(self):
        response = self.shop.get("/v1/products?limit=100")
        self.assertEqual(response.status, 200)
        return response.body

    def test_status_names_every_program_and_where_it_is(self):
        status = self.shop.status()
        self.assertEqual(status["state"], "ready")
        self.assertEqual(status["gateway"], f"http://127.0.0.1:{self.shop.port}")
        self.assertEqual([p["name"] for p in status["processes"]], PROGRAMS)
        self.assertEqual({p["state"] for p in status["processes"]}, {"ready"})
        self.assertEqual(status["broker"], self.shop.process("broker")["address"])

    def test_logs_shows_a_programs_log(self):
        code, output = self.shop.tool("logs", "broker")
        self.assertEqual(code, 0)
        self.assertIn("Kafka Server started", output)
        code, output = self.shop.tool("logs", "nobody")
        self.assertEqual(code, 1)
        self.assertIn("query-api", output)

    def test_a_second_up_in_the_same_home_is_refused(self):
        code, output = self.shop.tool("up", "--detach")
        self.assertEqual(code, 1)
        self.assertIn("already up", output)

    def test_a_second_up_with_closed_descriptors_is_refused_and_the_first_goes_on(self):
        before = self.shop.status()
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", str(shop.ROOT / "tools" / "up"), "--detach"],
            env=self.shop.environment, timeout=120, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual([p["pid"] for p in self.shop.status()["processes"]],
                         [p["pid"] for p in before["processes"]])
        self.assertEqual(self.shop.tool("status")[0], 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give programs to another user")
    def test_started_by_root_the_programs_are_not_root(self):
        if "the programs run as root" in self.shop.output:
            self.skipTest("this checkout is closed to other users")
        for process in self.shop.status()["processes"]:
            fields = pathlib.Path(f"/proc/{process['pid']}/status").read_text()
            self.assertNotRegex(fields, r"Uid:(\t\d+)*\t0\b", process["name"])
            self.assertEqual(process["user"], "millrace")

    def test_programs_write_no_core_files_and_gain_no_privileges(self):
        for process in self.shop.status()["processes"]:
            proc = pathlib.Path(f"/proc/{process['pid']}")
            self.assertRegex((proc / "limits").read_text(), r"Max core file size +0 ", process["name"])
            if process["name"] not in ("broker", "gateway"):
                self.assertRegex((proc / "status").read_text(), r"NoNewPrivs:\s1", process["name"])
                self.assertEqual((proc / "environ").stat().st_uid, 0, "root owns it where a process is not dumpable")

    def test_the_home_is_closed_to_others(self):
        self.assertEqual(self.shop.home.stat().st_mode & 0o777, 0o700)
        loose = [path for path in self.shop.home.rglob("*")
                 if path.parent == self.shop.home and path.is_dir() and path.stat().st_mode & 0o077]
        self.assertEqual(loose, [])

    def raw(self, request):
        """The status line of the answer to the bytes of a request."""
        with socket.create_connection(("127.0.0.1", self.shop.port), 10) as connection:
            connection.sendall(request)
            return connection.recv(200).split(b"\r\n")[0].decode()

    def test_a_request_of_100_header_fields_is_answered_and_one_of_101_refused(self):
        def request(count):
            more = b"".join(b"X-%d: a\r\n" % number for number in range(count - 1))
            return b"GET /v1/products?limit=1 HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n"

        self.assertIn(" 200 ", self.raw(request(100)))
        self.assertIn(" 431 ", self.raw(request(101)))

    def test_bodies_that_come_a_byte_a_second_are_cut_on_every_route(self):
        routes = ("POST /v1/sessions", "POST /v1/cart/items", "PUT /v1/cart/items/x", "GET /v1/products",
                  "POST /healthz", "TRACE /v1/cart", "GET /readyz", "POST /v1/nowhere")
        waiting = {}
        for number in range(200):
            connection = socket.create_connection(("127.0.0.1", self.shop.port), 10)
            self.addCleanup(connection.close)
            chunked = number // len(routes) % 2
            how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 60000"
            connection.sendall(routes[number % len(routes)].encode() + b" HTTP/1.1\r\nHost: x\r\n"
                               b"Content-Type: application/json\r\n" + how + b"\r\n\r\n")
            connection.setblocking(False)
            waiting[connection] = b"1\r\nx\r\n" if chunked else b"x"
        began = time.monotonic()
        while waiting and time.monotonic() - began < 25:
            for connection in list(waiting):
                if not self.goes_on(connection, waiting[connection]):
                    del waiting[connection]
            time.sleep(1)
        self.assertEqual(len(waiting), 0)
        self.assertLess(time.monotonic() - began, 16)
        self.assertEqual(self.shop.tool("status")[0], 0)

    def goes_on(self, connection, part):
        """Sends the next part of a body; False when the other side has ended the connection."""
        try:
            while connection.recv(65536):
                pass
            return False
        except BlockingIOError:
            pass
        except OSError:
            return False
        try:
            connection.send(part)
        except OSError:
            return False
        return True

    def test_a_port_in_use_is_one_clear_sentence(self):
        other = shop.Shop()
        self.addCleanup(other.close)
        with socket.create_server(("127.0.0.1", other.port)):
            code, output = other.tool("up", "--detach")
        self.assertEqual(code, 1)
        self.assertIn(f"port {other.port} is in use", output)

    def test_a_broker_that_is_not_there_is_one_clear_sentence(self):
        other = shop.Shop()
        self.addCleanup(other.close)
        code, output = other.tool("up", "--detach", "--broker", "127.0.0.1:1", timeout_s=300)
        self.assertEqual(code, 1)
        self.assertIn("no Kafka broker answers at 127.0.0.1:1", output)
        self.assertEqual(other.tool("status")[0], 3)

    def test_what_is_killed_comes_back_with_all_it_knew(self):
        before = self.products()
        for name in PROGRAMS:
            with self.subTest(name):
                killed = self.shop.process(name)
                self.shop.kill(name)
                shop.wait_until(
                    lambda: self.shop.process(name)["restarts"] > killed["restarts"], 60,
                    lambda: self.shop.tool("status")[1])
                self.shop.wait_until_ready()
                self.assertEqual(self.products(), before)

    def test_down_and_up_again_finds_everything(self):
        before = self.products()
        code, _ = self.shop.down()
        self.assertEqual(code, 0)
        self.assertEqual(self.shop.tool("status")[0], 3)
        output = self.shop.up()
        self.assertNotIn("importing", output)
        self.assertEqual(self.products(), before)

    def test_data_for_a_shop_that_has_products_is_named_as_not_imported(self):
        self.shop.down()
        output = self.shop.up("--data", str(shop.ROOT / "data" / "online-retail.csv.xz"))
        self.assertIn("online-retail.csv.xz is not imported", output)
        self.assertIn("import retail", output)

    def test_a_refused_file_is_one_sentence_before_anything_is_started(self):
        other = shop.Shop()
        self.addCleanup(other.close)
        file = other.home / "bad.csv"
        file.write_text("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
                        "1,2,a cup,many,2010-12-01 08:26:00,1.50,1,France\n")
        code, output = other.tool("up", "--detach", "--data", str(file))
        self.assertEqual(code, 1)
        self.assertIn("bad.csv is refused: line 2: Quantity", output)
        self.assertFalse((other.home / "import.json").exists())
        self.assertFalse((other.home / "kafka").exists())

    def test_fresh_forgets_everything_but_what_is_asked_for(self):
        other = shop.Shop()
        self.addCleanup(other.close)
        other.up(orders="8")
        code, output = other.tool("up", "--detach", "--fresh")
        self.assertEqual(code, 1)
        self.assertIn("already up", output)
        other.down()
        output = other.up("--fresh", orders="3")
        self.assertRegex(output, r"orders confirmed +3 +3\n")
        self.assertIn("the shop and the file agree", output)

    def test_what_a_killed_supervisor_leaves_is_taken_over(self):
        before = self.products()
        supervisor = self.shop.status()["supervisor"]
        os.kill(supervisor, signal.SIGKILL)
        shop.wait_until(lambda: self.shop.tool("status")[0] == 3, 10, lambda: "still there")
        output = self.shop.up()
        self.assertIn("left behind", output)
        self.assertEqual(self.products(), before)


if __name__ == "__main__":
    unittest.main()
