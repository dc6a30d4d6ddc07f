"""The edges of HTTP at the gateway and at both APIs: every method of every route, and clients that are slow or odd."""

import concurrent.futures
import json
import socket
import time
import unittest

import shop
from customer import Customer

PATHS = json.loads((shop.ROOT / "docs" / "openapi.json").read_text())["paths"]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CUT_S = 25        # Each program gives up a slow request after 10 s.
USUAL_S = 2.0     # Of others meanwhile.


def methods_of(item):
    """As Allow lists them."""
    known = {name.upper() for name in item if name.upper() in METHODS}
    return known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())


def path_of(template):
    """With ids that nobody has."""
    return "/".join("none-000000000000" if part.startswith("{") else part for part in template.split("/"))


def listed(response, name):
    return {part.strip() for part in (response.headers[name] or "").split(",") if part.strip()}


class EdgesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop.shared()
        cls.gateway = f"127.0.0.1:{cls.shop.port}"
        cls.apis = {name: cls.shop.process(f"{name}-api")["address"] for name in ("command", "query")}
        cls.all = (cls.gateway, *cls.apis.values())
        cls.access = {"Authorization": f"Bearer {Customer(cls.shop).access}"}

    def test_options_names_the_methods_of_every_route_and_any_other_is_refused(self):
        for template, item in PATHS.items():
            path, known = path_of(template), methods_of(item)
            answer = shop.ask(self.gateway, "OPTIONS", path)
            self.assertIn(answer.status, (200, 204), path)
            self.assertEqual((listed(answer, "Allow"), answer.body), (known, b""), path)
            for method in {*METHODS, "TRACE", "PROPFIND"} - known:
                if path == "/metrics" and method != "GET":
                    continue   # The query API's own; the gateway sends it no writes.
                answer = shop.ask(self.gateway, method, path, headers=self.access)
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (405, "application/problem+json"),
                                 f"{method} {path}")
                self.assertTrue(listed(answer, "Allow"), f"{method} {path}")

    def test_head_is_get_without_the_body_on_every_route(self):
        own = ("Date", "Request-Id", "View-Lag", "View-Position", "Consistency-Token", "Content-Length", "Age")
        for template, item in PATHS.items():
            if "get" not in item or template in ("/metrics", "/readyz"):   # Their bodies change by themselves.
                continue
            path = path_of(template)
            get, head = (shop.ask(self.gateway, method, path, headers=self.access) for method in ("GET", "HEAD"))
            self.assertEqual((head.status, head.body), (get.status, b""), path)
            fields = [{name: value for name, value in each.headers.items() if name not in own} for each in (get, head)]
            self.assertEqual(fields[1], fields[0], path)
            if get.status == 200 and head.headers["Content-Length"]:
                self.assertEqual(int(head.headers["Content-Length"]), len(get.body), path)

    def raw(self, address, *pieces, pause_s=0.0, half_close=False, until_s=CUT_S):
        """(all that came back, seconds until the other side closed, or None). Pieces are sent with pauses."""
        host, port = address.split(":")
        started = time.monotonic()
        answer = b""
        with socket.create_connection((host, int(port)), 5) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause_s)
                    if time.monotonic() - started > until_s:
                        break
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass   # It was closed while we still sent.
            connection.settimeout(max(until_s - (time.monotonic() - started), 0.1))
            try:
                while part := connection.recv(65536):
                    answer += part
            except TimeoutError:
                return answer, None
            except OSError:
                pass
        return answer, time.monotonic() - started

    def test_requests_that_are_sent_at_once_are_answered_in_their_order(self):
        limits = [n % 7 + 1 for n in range(40)]
        requests = b"".join(f"GET /v1/products?limit={n} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for n in limits)
        last = b"GET /v1/products?limit=8 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        for address in (self.gateway, self.apis["query"]):
            answer, closed = self.raw(address, requests + last)
            self.assertIsNotNone(closed, address)
            bodies = [part.split(b"\r\n\r\n", 1)[1] for part in answer.split(b"HTTP/1.1 200 OK\r\n")[1:]]
            counts = [len(json.loads(body)["items"]) for body in bodies]
            self.assertEqual(counts, [*limits, 8], address)

    def test_a_chunked_body_with_a_length_is_refused_and_its_connection_closed(self):
        for pair in (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                     b"Content-Length: 5\r\nContent-Length: 6\r\n"):
            request = (b"POST /v1/guest-carts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + pair +
                       b"\r\n0\r\n\r\nGET /v1/categories HTTP/1.1\r\nHost: a\r\n\r\n")
            for address in (self.gateway, self.apis["command"]):
                answer, closed = self.raw(address, request)
                self.assertIsNotNone(closed, address)
                self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (address, answer[:200]))
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, (address, answer))   # No second request came of it.

    def test_slow_and_half_open_clients_are_cut_off_and_disturb_nobody(self):
        head = b"POST /v1/guest-carts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
        read = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        drip = [bytes([byte]) for byte in b"GET /v1/products HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 60]
        slow = {
            "half a header": ((read[:20],), {}),
            "a header by drops": (drip, {"pause_s": 0.5}),
            "a body by drops": ([head, *[b" "] * 60], {"pause_s": 0.5}),
            "half open, half a request": ((read[:20],), {"half_close": True}),
            "half open, half a body": ((head + b"{",), {"half_close": True}),
            "half open, a whole request": ((read,), {"half_close": True}),
        }
        slowest = 0.0
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            running = {pool.submit(self.raw, address, *pieces, **more): (name, address)
                       for name, (pieces, more) in slow.items() for address in self.all for _ in range(2)}
            while not all(each.done() for each in running):
                started = time.monotonic()
                self.assertEqual(self.shop.get("/v1/products?limit=1").status, 200)
                slowest = max(slowest, time.monotonic() - started)
                time.sleep(0.05)
        for each, (name, address) in running.items():
            answer, closed = each.result()
            self.assertIsNotNone(closed, f"{name} at {address}: still open")
            if name == "half open, a whole request":
                if address == self.gateway and not answer:
                    continue   # nginx may take its client for gone.
                self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:500])
            elif answer:   # The gateway says 502 where the API behind it has cut a body off.
                self.assertRegex(answer, rb"^HTTP/1\.1 (4\d\d|502) ", f"{name} at {address}")
        self.assertLess(slowest, USUAL_S)


if __name__ == "__main__":
    unittest.main()
