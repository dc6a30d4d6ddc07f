"""The gateway sends each method to its side, and refuses with a problem."""

import http.client
import http.server
import json
import os
import re
import socket
import threading
import time
import unittest
from unittest import mock

from context import ROOT, HomeTest
import broker
import gateway
import probes
from home import Home
from instances import Watch
from processes import Process, wait_until
from terminal import Failure

NGINX = "/usr/sbin/nginx"


class Side(http.server.BaseHTTPRequestHandler):
    """An API that answers with its own name and what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"side": self.server.side, "path": self.path, "headers": dict(self.headers)})
        self.server.reads += self.path != "/readyz"
        self.send_response(200 if self.server.ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, *_):
        pass


@unittest.skipUnless(os.access(NGINX, os.X_OK), "nginx is not installed")
class GatewayTest(HomeTest):
    def setUp(self):
        super().setUp()
        # All that is syntax in nginx's file, in a shell or in a list of paths.
        self.home = Home(self.folder / "a home $x; {b} #c 'd' \"e\" \\f, %g: ünïcode*")
        self.home.create()
        environment = mock.patch.dict(os.environ, {"MILLRACE_LOAD_TEST": "1"})
        environment.start()
        self.addCleanup(environment.stop)
        self.servers = {}
        self.command, self.query = self.side("command"), self.side("query")
        self.port = broker.free_port()
        self.address = f"127.0.0.1:{self.port}"
        config = gateway.render(self.home, self.port, self.command, self.query)
        self.gateway = Process(
            "gateway", [NGINX, "-p", self.home.gateway, "-c", config, "-e", "stderr"],
            self.home.logs / "gateway.log", self.home.run,
            ready=lambda: probes.is_ready(self.address, "/healthz"))
        self.gateway.start()
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_ready(20)

    def side(self, name):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Side)
        server.handle_error = lambda *_: None   # The gateway closes idle connections as it likes.
        server.side = name
        server.ready = True
        server.reads = 0
        self.servers[name] = server
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return f"127.0.0.1:{server.server_address[1]}"

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response, response.read()

    def side_of(self, method, path):
        response, body = self.ask(method, path)
        self.assertEqual(response.status, 200)
        return json.loads(body)["side"]

    def assert_problem(self, response, body, status, slug):
        self.assertEqual(response.status, status)
        self.assertEqual(response.getheader("Content-Type"), "application/problem+json")
        problem = json.loads(body)
        self.assertEqual((problem["status"], problem["type"]), (status, f"/problems/{slug}"))

    def test_reads_go_to_the_query_side_and_writes_to_the_command_side(self):
        for method in ("GET", "OPTIONS"):
            self.assertEqual(self.side_of(method, "/v1/cart"), "query", method)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            self.assertEqual(self.side_of(method, "/v1/cart/items"), "command", method)

    def test_the_storefronts_pages_are_one_file_and_strict(self):
        for path in ("/", "/cart", "/checkout", "/orders", "/orders/ord_1", "/products/prd_1", "/?q=a"):
            response, body = self.ask("GET", path)
            self.assertEqual((response.status, response.getheader("Content-Type")), (200, "text/html; charset=utf-8"), path)
            self.assertIn(b'src="/assets/js/main.js"', body)
            policy = response.getheader("Content-Security-Policy")
            self.assertTrue(policy.startswith("default-src 'none'; "), policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(response.getheader("Cache-Control"), "no-cache")
        for path, kind in (("/assets/js/main.js", "application/javascript"), ("/assets/css/base.css", "text/css"),
                           ("/assets/mark.svg", "image/svg+xml")):
            response, _ = self.ask("GET", path)
            self.assertEqual((response.status, response.getheader("Content-Type")), (200, f"{kind}; charset=utf-8"), path)

    def test_what_the_storefront_does_not_have_is_a_problem_or_an_apis(self):
        self.assert_problem(*self.ask("GET", "/assets/js/none.js"), 404, "not-found")
        self.assert_problem(*self.ask("GET", "/assets/..%2f..%2f..%2fREADME.md"), 400, "malformed-request")
        self.assertEqual(self.side_of("GET", "/assets/..%2fnginx.conf"), "query")
        self.assertEqual(self.side_of("POST", "/cart"), "command")
        self.assert_problem(*self.ask("PROPFIND", "/cart"), 405, "method-not-allowed")
        self.assertEqual(self.side_of("GET", "/v1/orders/ord_1"), "query")
        self.assertEqual(self.side_of("GET", "/carts"), "query")

    def test_outcomes_and_keys_are_read_on_the_command_side(self):
        self.assertEqual(self.side_of("GET", "/v1/commands/cmd_1"), "command")
        self.assertEqual(self.side_of("GET", "/v1/users/me"), "command")
        self.assertEqual(self.side_of("GET", "/.well-known/jwks.json"), "command")

    def test_the_path_and_the_query_arrive_as_they_were_sent(self):
        _, body = self.ask("GET", "/v1/products?q=a%20b&cursor=%2F")
        self.assertEqual(json.loads(body)["path"], "/v1/products?q=a%20b&cursor=%2F")

    def test_a_sane_request_id_is_passed_on_and_another_is_replaced(self):
        for given, kept in (("request-0001", True), ("no spaces allowed", False), ("short", False)):
            _, body = self.ask("GET", "/v1/cart", headers={"Request-Id": given})
            passed = json.loads(body)["headers"]["Request-Id"]
            self.assertEqual(passed == given, kept, given)
            self.assertRegex(passed, "^[A-Za-z0-9._-]{8,64}$")

    def test_an_unknown_method_is_a_problem(self):
        response, body = self.ask("TRACE", "/v1/cart")
        self.assert_problem(response, body, 405, "method-not-allowed")
        self.assertIn("PATCH", response.getheader("Allow"))

    def test_a_body_over_the_limit_is_a_problem(self):
        self.assertEqual(self.ask("POST", "/v1/x", b"x" * 65536)[0].status, 200)
        self.assert_problem(*self.ask("POST", "/v1/x", b"x" * 65537), 413, "content-too-large")

    def test_headers_and_addresses_over_the_limit_are_problems(self):
        self.assert_problem(*self.ask("GET", "/" + "a" * 9000), 414, "uri-too-long")
        self.assert_problem(*self.ask("GET", "/", headers={"X": "a" * 9000}), 431, "headers-too-large")

    def test_a_side_that_is_not_there_is_a_problem_that_says_when_to_come_back(self):
        nowhere = f"127.0.0.1:{broker.free_port()}"
        self.gateway.stop()
        gateway.render(self.home, self.port, nowhere, nowhere)
        self.gateway.start()
        self.gateway.wait_ready(20)
        response, body = self.ask("GET", "/v1/cart")
        self.assert_problem(response, body, 502, "upstream-unavailable")
        self.assertEqual(response.getheader("Retry-After"), "1")
        self.assert_problem(*self.ask("POST", "/cart"), 502, "upstream-unavailable")

    def restart(self, **environment):
        self.gateway.stop()
        with mock.patch.dict(os.environ, environment):
            gateway.render(self.home, self.port, self.command, self.query)
        self.gateway.start()

    def test_requests_are_shared_among_instances_and_survive_one_that_has_gone(self):
        nowhere = f"127.0.0.1:{broker.free_port()}"
        self.restart(
            MILLRACE_MORE_QUERY_APIS=f"{self.side('second')}, {nowhere}", MILLRACE_MORE_COMMAND_APIS=nowhere)
        self.gateway.wait_ready(20)
        self.assertEqual({self.side_of("GET", "/v1/cart") for _ in range(12)}, {"query", "second"})
        for _ in range(4):
            self.assertEqual(self.side_of("POST", "/v1/cart/items"), "command")

    def test_an_instance_that_says_it_is_not_ready_gets_no_requests_and_none_is_lost(self):
        second = self.side("second")
        self.restart(MILLRACE_MORE_QUERY_APIS=second)
        self.gateway.wait_ready(20)
        ended, answers = threading.Event(), []

        def read_on():
            while not ended.is_set():
                response, body = self.ask("GET", "/v1/cart")
                answers.append(json.loads(body)["side"] if response.status == 200 else response.status)

        def apply(away):
            gateway.render(self.home, self.port, self.command, self.query, away=away)
            self.gateway.hang_up()
            applied.append(away)
            return True

        applied = []
        with mock.patch.dict(os.environ, {"MILLRACE_MORE_QUERY_APIS": second}), \
                Watch({"query-api": [self.query, second]}, apply):
            reader = threading.Thread(target=read_on)
            reader.start()
            try:
                wait_until(lambda: {"query", "second"} <= set(answers), 20)
                self.servers["second"].ready = False   # Reads are 503 from now on, and so is /readyz.
                wait_until(lambda: applied == [{second}], 20)
                time.sleep(0.5)
                before, since = self.servers["second"].reads, len(answers)
                wait_until(lambda: len(answers) > since + 100, 20)
                self.assertEqual(self.servers["second"].reads, before)
                self.servers["second"].ready = True
                back = len(answers)
                wait_until(lambda: "second" in answers[back:], 20)
            finally:
                ended.set()
                reader.join()
        self.assertEqual(set(answers), {"query", "second"})

    def raw(self, request, port=None):
        """(status line, header fields by lower-case name, body) of what comes back for the bytes of a request."""
        with socket.create_connection(("127.0.0.1", port or self.port), 10) as connection:
            connection.sendall(request)
            connection.settimeout(10)
            answer = b""
            while True:
                part = connection.recv(65536)
                answer += part
                head, separator, body = answer.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                if not part or (separator and length and len(body) >= int(length[1])):
                    break
        status, *fields = head.decode().split("\r\n")
        return status, {n.lower(): v for n, _, v in (field.partition(": ") for field in fields)}, body

    def test_http_1_0_without_host_is_answered_on_every_route(self):
        for path in ("/v1/products?limit=1", "/readyz", "/v1/commands/x", "/.well-known/jwks.json"):
            status, _, body = self.raw(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            self.assertIn(" 200 ", status, path)
            self.assertIn("Host", json.loads(body)["headers"])
        status, _, body = self.raw(b"POST /v1/cart/items HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        self.assertIn(" 200 ", status)
        self.assertEqual(json.loads(body)["side"], "command")

    def test_whatever_nginx_refuses_itself_is_a_problem(self):
        for request, code, slug in (
                (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "http-version-not-supported"),
                (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505, "http-version-not-supported"),
                (b"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                 501, "not-implemented"),
                (b"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501, "not-implemented"),
                (b"GET /problem/500 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"),
                (b"GET /problem/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"),
                (b"GET / HTTP/1.1\r\n\r\n", 400, "malformed-request"),
                (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "malformed-request"),
                (b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", 400, "malformed-request"),
                (b"GET /../.. HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed-request"),
                (b"nonsense\r\n\r\n", 400, "malformed-request")):
            status, fields, body = self.raw(request)
            self.assertIn(f" {code} ", status, request)
            self.assertEqual(fields.get("content-type"), "application/problem+json", request)
            self.assertEqual(fields["cache-control"], "no-store")
            self.assertIn("request-id", fields)
            self.assertEqual(fields["x-content-type-options"], "nosniff")
            problem = json.loads(body)
            self.assertEqual((problem["status"], problem["type"]), (code, f"/problems/{slug}"))

    def test_the_limit_of_a_body_is_given_in_bytes(self):
        _, body = self.ask("POST", "/v1/x", b"x" * 65537)
        self.assertEqual(json.loads(body)["limit"], 65536)

    def test_a_ticket_is_not_in_the_access_log(self):
        self.restart(MILLRACE_ACCESS_LOG="all")
        self.gateway.wait_ready(20)
        self.ask("GET", "/v1/commands/cmd_1?ticket=sesame")
        self.gateway.stop()
        log = (self.home.logs / "access.log").read_text()
        self.assertIn('path="/v1/commands/cmd_1"', log)
        self.assertNotIn("sesame", log)

    def test_it_listens_on_an_ipv6_address_however_it_is_written(self):
        for bind, url in (("::1", "[::1]"), ("[::1]", "[::1]"), ("::", "[::1]"), ("localhost", "localhost")):
            with mock.patch.dict(os.environ, {"MILLRACE_BIND": bind}):
                self.assertEqual(gateway.url_host(), url)
                gateway.check_bind(broker.free_port())
            self.restart(MILLRACE_BIND=bind)
            self.gateway.ready = lambda: probes.is_ready(f"{url}:{self.port}", "/healthz")
            self.gateway.wait_ready(20)

    def test_strangers_see_whether_it_is_ready_and_no_more(self):
        self.restart(MILLRACE_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8, ::1")
        self.gateway.wait_ready(20)
        strangers = ("192.0.2.7", "127.0.0.1, 192.0.2.7", "2001:db8::1", "192.0.2.7, 10.1.2.3")
        for ready in (True, False):
            self.servers["query"].ready = ready
            _, body = self.ask("GET", "/readyz")   # From this machine.
            self.assertEqual(json.loads(body)["side"], "query")
            for stranger in strangers:
                response, body = self.ask("GET", "/readyz", headers={"X-Forwarded-For": stranger})
                self.assertEqual(response.getheader("Cache-Control"), "no-store")
                if ready:
                    self.assertEqual((response.status, body), (200, b'{"ready":true}\n'), stranger)
                else:
                    self.assert_problem(response, body, 503, "not-ready")
        _, body = self.ask("OPTIONS", "/readyz", headers={"X-Forwarded-For": strangers[0]})
        self.assertEqual(json.loads(body)["side"], "query")
        self.servers["query"].shutdown()
        self.servers["query"].server_close()
        self.assert_problem(*self.ask("GET", "/readyz", headers={"X-Forwarded-For": strangers[0]}), 503, "not-ready")
        for path in ("/metrics", "/gateway-status", "/readyz-of-query-api", "/readyz-for-strangers"):
            self.assert_problem(*self.ask("GET", path, headers={"X-Forwarded-For": strangers[0]}), 404, "not-found")
        self.assert_problem(
            *self.ask("POST", "/readyz", headers={"X-Forwarded-For": strangers[0]}), 405, "method-not-allowed")
        self.assertNotIn("auth request", (self.home.logs / "gateway.log").read_text())

    def test_the_client_of_an_untrusted_proxy_is_the_proxy(self):
        _, body = self.ask("GET", "/v1/cart", headers={"X-Forwarded-For": "192.0.2.7"})
        self.assertEqual(json.loads(body)["headers"]["X-Forwarded-For"], "127.0.0.1")

    def test_it_adds_as_many_fields_as_the_apis_allow_for(self):
        header = (ROOT / "http" / "include" / "http" / "server.h").read_text()
        allowed = int(re.search(r"HTTP_GATEWAY_HEADERS = (\d+)", header)[1])
        _, body = self.ask("GET", "/v1/cart", headers={f"X-{number}": "a" for number in range(50)})
        sent = 50 + len(("Host", "Accept-Encoding"))
        self.assertEqual(len(json.loads(body)["headers"]) - sent, allowed)

    def test_a_problem_has_the_same_title_and_status_as_from_the_apis(self):
        """RFC 9457, 3.1.3: the title of a type does not change."""
        source = (ROOT / "http" / "src" / "problem_table.c").read_text()
        theirs = {slug: (title, status) for slug, status, title in
                  re.findall(r'\{"([a-z-]+)",\s*(\d+),\s*"([^"]+)"', source)}
        ours = re.findall(r'problems/([a-z-]+)","title":"([^"]+)","status":(\d+)', gateway.TEMPLATE.read_text())
        shared = [slug for slug, _, _ in ours if slug in theirs]
        self.assertGreater(len(shared), 8)
        for slug, title, status in ours:
            self.assertEqual((title, status), theirs.get(slug, (title, status)), slug)

    def restart_for_strangers(self, **environment):
        self.gateway.stop()
        with mock.patch.dict(os.environ, {"MILLRACE_TRUSTED_PROXIES": "127.0.0.1", **environment}):
            del os.environ["MILLRACE_LOAD_TEST"]
            gateway.render(self.home, self.port, self.command, self.query)
        self.gateway.start()
        self.gateway.wait_ready(20)

    def flood(self, method, path, client, count, until_refused=False, **headers):
        """The number of requests that were let through, and the first refusal."""
        fields = {"X-Forwarded-For": client, **headers}
        connection = http.client.HTTPConnection(self.address, timeout=10)
        self.addCleanup(connection.close)
        passed, refusal = 0, None
        for _ in range(count):
            connection.request(method, path, None, fields)
            response = connection.getresponse()
            body = response.read()
            passed += response.status != 429
            refusal = refusal or (response, body) if response.status == 429 else refusal
            if refusal and until_refused:
                break
        return passed, refusal

    def test_the_limits_without_any_setting_are_safe_for_strangers(self):
        self.query = self.command = f"127.0.0.1:{broker.free_port()}"   # Quicker than a server in Python.
        self.restart_for_strangers()
        for method, path, name, burst, per_s, policy, wait in (
                ("GET", "/v1/products", "reads", 200, 10, '"reads";q=600;w=60', "1"),
                ("GET", "/cart", "reads", 200, 10, '"reads";q=600;w=60', "1"),   # A page of the storefront.
                ("POST", "/v1/cart/items", "writes", 40, 2, '"writes";q=120;w=60', "1"),
                ("POST", "/v1/sessions", "credentials", 5, 1 / 12, '"writes";q=120;w=60, "credentials";q=5;w=60', "12"),
                ("POST", "/v1/users", "credentials", 5, 1 / 12, '"writes";q=120;w=60, "credentials";q=5;w=60', "12")):
            client = f"192.0.2.{len(path)}"
            response, _ = self.ask(method, path, headers={"X-Forwarded-For": client})
            status = 200 if path == "/cart" else 502
            self.assertEqual((response.status, response.getheader("RateLimit-Policy")), (status, policy))
            self.assertIsNone(response.getheader("RateLimit"))
            started = time.monotonic()
            passed, (response, body) = self.flood(method, path, client, 5000, until_refused=True)
            self.assertLessEqual(passed, burst + 2 + per_s * (time.monotonic() - started), path)
            self.assertGreaterEqual(passed, burst, path)
            self.assert_problem(response, body, 429, "too-many-requests")
            self.assertEqual(response.getheader("Retry-After"), wait)
            self.assertEqual(json.loads(body)["retry_after"], int(wait))
            self.assertEqual(response.getheader("RateLimit"), f'"{name}";r=0;t={wait}')
            self.assertEqual(response.getheader("RateLimit-Policy"), policy)
            # Another client is not concerned; another address of the same IPv6 network is the same client.
            self.assertEqual(self.flood(method, path, "192.0.2.200", 2)[0], 2)
            self.flood(method, path, f"2001:db8:{len(path)}:7:1:2:3:4", 5000, until_refused=True)
            passed, _ = self.flood(method, path, f"2001:db8:{len(path)}:7:9:8:7:6", burst)
            self.assertLess(passed, burst, path)

    def test_one_switch_lifts_every_limit_of_a_client(self):
        self.query = self.command = f"127.0.0.1:{broker.free_port()}"
        self.restart()
        self.gateway.wait_ready(20)
        for method, path in (("GET", "/v1/products"), ("POST", "/v1/sessions")):
            self.assertEqual(self.flood(method, path, "192.0.2.1", 400), (400, None))
        response, _ = self.ask("GET", "/v1/products")
        self.assertIsNone(response.getheader("RateLimit-Policy"))

    def test_pages_of_an_allowed_origin_can_read_what_the_gateway_refuses(self):
        ours, foreign = "https://shop.example:8443", "https://evil.example"
        nowhere = f"127.0.0.1:{broker.free_port()}"
        self.restart_for_strangers(MILLRACE_CORS_ORIGINS=f"http://localhost:3000, {ours}")
        for origin in (ours, foreign):
            _, too_many = self.flood("POST", "/v1/sessions", "192.0.2.9", 20, Origin=origin)
            too_large = self.ask("POST", "/v1/x", b"x" * 65537, {"Origin": origin})
            for response, _ in (too_many, too_large):
                self.assertEqual(response.getheader("Vary"), "Origin")
                self.assertEqual(response.getheader("Access-Control-Allow-Origin"), ours if origin == ours else None)
                exposed = response.getheader("Access-Control-Expose-Headers") or ""
                self.assertEqual("RateLimit, " in exposed and "Retry-After" in exposed, origin == ours)
        self.query = self.command = nowhere
        self.restart_for_strangers(MILLRACE_CORS_ORIGINS=f"http://localhost:3000, {ours}")
        asks = {"Access-Control-Request-Method": "POST", "X-Forwarded-For": "192.0.2.10"}
        for count in range(400):   # Beyond the limit of preflights too.
            response, _ = self.ask("OPTIONS", "/v1/cart/items", headers={"Origin": ours, **asks})
            self.assertEqual(response.status, 204, count)
            self.assertEqual(response.getheader("Access-Control-Allow-Origin"), ours)
            self.assertIn("Idempotency-Key", response.getheader("Access-Control-Allow-Headers"))
            self.assertIn("POST", response.getheader("Access-Control-Allow-Methods"))
        response, _ = self.ask("POST", "/v1/cart/items", headers={"Origin": ours, "X-Forwarded-For": "192.0.2.11"})
        self.assertEqual((response.status, response.getheader("Access-Control-Allow-Origin")), (502, ours))
        response, body = self.ask("OPTIONS", "/v1/cart/items", headers={"Origin": foreign, **asks})
        self.assertIn(response.status, (429, 502))
        self.assertIsNone(response.getheader("Access-Control-Allow-Origin"))

    def test_without_a_list_no_page_of_another_origin_can_read(self):
        response, _ = self.ask("POST", "/v1/x", b"x" * 65537, {"Origin": "https://shop.example"})
        for name in ("Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"):
            self.assertIsNone(response.getheader(name))


class LimitsTest(unittest.TestCase):
    def test_a_limit_of_the_wrong_form_is_refused(self):
        with mock.patch.dict(os.environ, {"MILLRACE_LIMIT_READS": "many; deny all"}):
            with self.assertRaisesRegex(Failure, "MILLRACE_LIMIT_READS"):
                gateway.check()
        with mock.patch.dict(os.environ, {"MILLRACE_CORS_ORIGINS": "https://a.example; deny all"}):
            with self.assertRaisesRegex(Failure, "MILLRACE_CORS_ORIGINS"):
                gateway.check()

    def test_each_reason_for_which_it_cannot_listen_is_given_as_that_reason(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with self.assertRaisesRegex(Failure, f"port {port} is in use"):
                gateway.check_bind(port)
        for bind, reason in (("192.0.2.1", "192.0.2.1 is not an address of this machine"),
                             ("2001:db8::1", "2001:db8::1 is not an address of this machine"),
                             ("no such name", "no such name is not an address or a name"),
                             ("::zz", "::zz is not an address or a name")):
            with mock.patch.dict(os.environ, {"MILLRACE_BIND": bind}), self.assertRaisesRegex(Failure, reason):
                gateway.check_bind(broker.free_port())

    def test_a_certificate_needs_its_key_and_both_must_be_there(self):
        for environment, reason in (({"MILLRACE_TLS_CERT": __file__}, "needs both"),
                                    ({"MILLRACE_TLS_CERT": __file__, "MILLRACE_TLS_KEY": "/nowhere"}, "/nowhere"),
                                    ({"MILLRACE_MORE_QUERY_APIS": "here"}, "here is not of the form"),
                                    ({"MILLRACE_TRUSTED_PROXIES": "10.0.0.1; x"}, "10.0.0.1; x is not an address")):
            with mock.patch.dict(os.environ, environment), self.assertRaisesRegex(Failure, reason):
                gateway.check()


if __name__ == "__main__":
    unittest.main()
