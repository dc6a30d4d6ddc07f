"""The gateway keeps public answers as long as they are good, and nothing that is somebody's."""

import http.client
import http.server
import os
import threading
import time
import unittest
from unittest import mock

from context import HomeTest
import broker
import gateway
import probes
from home import Home
from processes import Process, wait_until

NGINX = "/usr/sbin/nginx"
FIELDS = ("Consistency-Token", "Authorization", "Cart-Token", "Prefer", "If-None-Match", "Request-Id")


class Api(http.server.BaseHTTPRequestHandler):
    """Answers with the number of the request, which is also its ETag while the version stays."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        api = self.server
        if api.dead:
            self.close_connection = True
            return
        api.asked.append((self.command, self.path, {name: self.headers[name] for name in FIELDS if self.headers[name]}))
        time.sleep(api.delay_s)
        tag = f'"v{api.version}"'
        status = api.status if api.status != 200 else 304 if self.headers["If-None-Match"] == tag else 200
        body = b"" if status == 304 else f"{len(api.asked)} for {self.headers['Authorization']}".encode()
        self.send_response(status)
        fields = {"Content-Length": len(body), "ETag": tag, "Cache-Control": api.cache_control, "Vary": api.vary,
                  "Request-Id": self.headers["Request-Id"], "traceparent": self.headers["traceparent"], "View-Lag": 7,
                  "Consistency-Token": f"at-{api.version}"}
        for name, value in fields.items():
            if value is not None and not (status == 304 and name == "Content-Length"):
                self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_OPTIONS = do_GET

    def log_message(self, *_):
        pass


@unittest.skipUnless(os.access(NGINX, os.X_OK), "nginx is not installed")
class CacheTest(HomeTest):
    def setUp(self):
        super().setUp()
        self.home = Home(self.folder / "a home $x; {b}")
        self.home.create()
        self.api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.api.handle_error = lambda *_: None
        self.api.daemon_threads = True
        self.api.asked, self.api.version, self.api.status, self.api.delay_s = [], 1, 200, 0
        self.api.dead = False
        self.api.cache_control = "public, max-age=60, stale-while-revalidate=30, stale-if-error=300"
        self.api.vary = "Accept-Encoding, Accept-Language"
        thread = threading.Thread(target=self.api.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(self.api.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.api.shutdown)
        self.port = broker.free_port()
        self.start()

    def start(self, **environment):
        address = f"127.0.0.1:{self.api.server_address[1]}"
        with mock.patch.dict(os.environ, {"MILLRACE_LIMIT_READS": "off", "MILLRACE_LIMIT_WRITES": "off", **environment}):
            config = gateway.render(self.home, self.port, address, address)
        self.gateway = Process(
            "gateway", [NGINX, "-p", self.home.gateway, "-c", config, "-e", "stderr"], self.home.logs / "gateway.log",
            self.home.run, ready=lambda: probes.is_ready(f"127.0.0.1:{self.port}", "/healthz"))
        self.gateway.start()
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_ready(20)

    def ask(self, path="/v1/products?limit=3", method="GET", **headers):
        connection = http.client.HTTPConnection(f"127.0.0.1:{self.port}", timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, path, None, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        response.text = response.read().decode()
        return response

    def test_a_public_answer_is_kept_and_is_everybodys(self):
        first = self.ask(Request_Id="request-one", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
        second = self.ask(Request_Id="request-two")
        self.assertEqual((first.text, second.text, len(self.api.asked)), ("1 for None", "1 for None", 1))
        self.assertEqual([r.getheader("Cache-Status") for r in (first, second)], ["gateway; fwd=miss", "gateway; hit"])
        self.assertEqual([r.getheader("Request-Id") for r in (first, second)], ["request-one", "request-two"])
        self.assertEqual([r.getheader("View-Lag") for r in (first, second)], ["7", None])
        self.assertEqual([bool(r.getheader("traceparent")) for r in (first, second)], [True, False])
        self.assertEqual(first.getheader("Date"), second.getheader("Date"))
        self.assertEqual(second.getheader("Consistency-Token"), "at-1")   # The state that it shows.
        head = self.ask(method="HEAD")
        self.assertEqual((head.status, head.text, head.getheader("Cache-Status")), (200, "", "gateway; hit"))
        known = self.ask(If_None_Match=second.getheader("ETag"))
        self.assertEqual((known.status, len(self.api.asked)), (304, 1))

    def test_every_query_and_every_language_has_its_own_answer(self):
        for path in ("/v1/products?limit=4", "/v1/products?limit=3&x", "/v1/products/p1", "/v1/products/p2", "/v1/categories",
                     "/v1/products/p1/availability"):
            self.assertEqual(self.ask(path).getheader("Cache-Status"), "gateway; fwd=miss", path)
        for language in ("de", "en", "de"):
            self.ask(Accept_Language=language)
        self.assertEqual(len(self.api.asked), 8)

    def test_what_is_somebodys_is_neither_kept_nor_answered_from_what_is_kept(self):
        self.ask()
        for count, headers in enumerate((
                {"Authorization": "Bearer ada"}, {"Authorization": "Bearer bob"}, {"Cart_Token": "guest"},
                {"Consistency_Token": "at-9"}, {"Prefer": "wait=1"}), start=2):
            answer = self.ask(**headers)
            self.assertEqual(answer.text, f"{count} for {headers.get('Authorization')}")
            name, value = next(iter(headers.items()))
            self.assertEqual(self.api.asked[-1][2][name.replace("_", "-")], value)
            self.assertNotIn("hit", answer.getheader("Cache-Status") or "")
        self.assertEqual(self.ask().text, "1 for None")   # Nor has any of them replaced it.
        asked = len(self.api.asked)
        for path in ("/v1/cart", "/v1/orders", "/v1/orders/o1", "/v1/commands/c1", "/readyz", "/v1/productsx"):
            self.assertNotEqual(self.ask(path).text, self.ask(path).text, path)
        self.assertEqual(len(self.api.asked), asked + 12)

    def test_a_private_read_is_asked_for_by_its_etag(self):
        answer = self.ask("/v1/cart", Authorization="Bearer ada", If_None_Match='"v1"')
        self.assertEqual(answer.status, 304)

    def test_what_the_api_calls_private_is_not_kept(self):
        for self.api.cache_control in ("private, no-store", "no-store", "no-cache", "private, max-age=60", None):
            self.assertNotEqual(self.ask().text, self.ask().text, self.api.cache_control)
        self.api.cache_control, self.api.status = "no-store", 404
        self.assertNotEqual(self.ask().text, self.ask().text)

    def test_an_old_answer_is_asked_for_again_by_its_etag(self):
        self.api.cache_control = "public, max-age=1"
        self.ask()
        self.assertTrue(
            wait_until(lambda: self.ask().getheader("Cache-Status") == "gateway; fwd=stale; fwd-status=304", 10))
        self.assertEqual(self.api.asked[-1][2]["If-None-Match"], '"v1"')
        self.assertEqual(self.ask().text, "1 for None")
        self.api.version = 2
        self.assertTrue(wait_until(lambda: self.ask().getheader("ETag") == '"v2"', 10))

    def test_an_old_answer_does_while_a_new_one_is_fetched(self):
        self.api.cache_control = "public, max-age=1, stale-while-revalidate=30"
        self.ask()
        time.sleep(2.1)
        self.api.version, self.api.delay_s = 2, 1.5
        started = time.monotonic()
        answer = self.ask()
        self.assertEqual(answer.getheader("ETag"), '"v1"')
        self.assertEqual(answer.getheader("Cache-Status"), "gateway; hit; detail=stale")
        self.assertLess(time.monotonic() - started, 1.2)
        self.assertTrue(wait_until(lambda: self.ask().getheader("ETag") == '"v2"', 10))

    def test_an_old_answer_is_better_than_none_but_not_for_ever(self):
        self.api.cache_control = "public, max-age=1, stale-if-error=6"
        self.ask()
        self.api.dead = True
        time.sleep(2.1)
        answer = self.ask()
        self.assertEqual((answer.status, answer.getheader("ETag")), (200, '"v1"'))
        self.assertEqual(answer.getheader("Cache-Status"), "gateway; hit; detail=stale")
        self.assertEqual(self.ask("/v1/products?limit=9").status, 502)
        self.assertTrue(wait_until(lambda: self.ask().status == 502, 10))

    def test_many_who_ask_at_once_for_what_is_not_kept_cost_one_request(self):
        self.api.delay_s = 0.5
        threads = [threading.Thread(target=self.ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.api.asked), 1)

    def test_it_can_be_switched_off(self):
        self.gateway.stop()
        self.start(MILLRACE_GATEWAY_CACHE="off")
        self.assertNotEqual(self.ask().text, self.ask().text)


if __name__ == "__main__":
    unittest.main()
