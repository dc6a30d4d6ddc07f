"""The gateway speaks TLS 1.3 and HTTP/2, beside plain HTTP or alone."""

import contextlib
import os
import shutil
import socket
import ssl
import stat
import subprocess
import unittest
from unittest import mock

from context import HomeTest
import broker
import certificate
import gateway
import probes
import tls
from home import Home
from processes import Process, wait_until
from terminal import Failure

NGINX = "/usr/sbin/nginx"
PLAIN = b"GET /v1/cart HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@unittest.skipUnless(os.access(NGINX, os.X_OK) and shutil.which("openssl"), "nginx or openssl is not installed")
class TlsTest(HomeTest):
    def setUp(self):
        super().setUp()
        self.home = Home(self.folder / "a home $x; {b} 'd' ünïcode")
        self.home.create()
        self.port, self.https, self.http = (broker.free_port() for _ in range(3))
        self.nowhere = f"127.0.0.1:{broker.free_port()}"

    @contextlib.contextmanager
    def gateway(self, https_port=None, **environment):
        with mock.patch.dict(os.environ, {name: str(value) for name, value in environment.items()}):
            tls.check()
            config = gateway.render(self.home, self.port, self.nowhere, self.nowhere, https_port=https_port)
            scheme = "https" if tls.is_only() else "http"
        process = Process(
            "gateway", [NGINX, "-p", self.home.gateway, "-c", config, "-e", "stderr"], self.home.logs / "gateway.log",
            self.home.run, ready=lambda: probes.is_ready(f"{scheme}://127.0.0.1:{self.port}", "/healthz"))
        process.start()
        try:
            process.wait_ready(20)
            yield process
        finally:
            process.stop()

    def made(self, name="127.0.0.1", folder=None):
        return certificate.ensure(folder or self.home.tls, name)

    def ask(self, port, request=PLAIN, known=None, name="localhost", version=None):
        """The answer, in text; over TLS when `known` is given, with the protocol and its version."""
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            connection = plain
            if known:
                context = ssl.create_default_context(cafile=known)
                context.maximum_version = version or ssl.TLSVersion.MAXIMUM_SUPPORTED
                connection = context.wrap_socket(plain, server_hostname=name)
                self.assertEqual(connection.version(), "TLSv1.3")
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
            if known:
                connection.close()
        return answer.decode()

    def test_the_development_certificate_is_for_this_machine_and_its_key_for_its_owner(self):
        ours, key = self.made("192.0.2.7")
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        text = subprocess.run(["openssl", "x509", "-in", ours, "-noout", "-text"], check=True, capture_output=True,
                              text=True).stdout
        for part in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:192.0.2.7", "CA:FALSE", "TLS Web Server"):
            self.assertIn(part, text)
        before = ours.read_bytes()
        self.assertEqual(self.made("192.0.2.7")[0].read_bytes(), before)     # It is made once,
        with mock.patch.object(certificate, "RENEW_BEFORE_S", 91 * 86400):   # again before it ends,
            self.assertNotEqual(self.made("192.0.2.7")[0].read_bytes(), before)
        self.assertNotEqual(self.made("shop.test")[0].read_bytes(), before)   # and for another name.

    def test_tls_stands_beside_plain_http(self):
        with self.gateway(https_port=self.https):
            known = self.home.tls / "certificate.pem"
            for name in ("localhost", "127.0.0.1"):
                answer = self.ask(self.https, known=known, name=name)
                self.assertTrue(answer.startswith("HTTP/1.1 502 "), answer)
                self.assertNotIn("Strict-Transport-Security", answer)   # It would hold for plain HTTP on localhost too.
            self.assertTrue(self.ask(self.port).startswith("HTTP/1.1 502 "))
            with self.assertRaises(ssl.SSLError):
                self.ask(self.https, known=known, version=ssl.TLSVersion.TLSv1_2)
            answer = self.ask(self.https)   # Plain HTTP where TLS is spoken.
            self.assertTrue(answer.startswith("HTTP/1.1 308 "), answer)
            self.assertIn(f"Location: https://localhost:{self.https}/v1/cart\r\n", answer)
            answer = self.ask(self.https, b"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            self.assertTrue(answer.startswith("HTTP/1.1 400 "), answer)
            self.assertIn("/problems/https-required", answer)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_speaks_http_2_with_the_certificate(self):
        with self.gateway(https_port=self.https):
            done = subprocess.run(
                ["curl", "-s", "--http2", "--cacert", self.home.tls / "certificate.pem", "-w", "%{http_version} %{http_code}",
                 f"https://localhost:{self.https}/healthz"], check=False, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, '{"status":"ok"}\n2 200'), done.stderr)

    def test_with_a_certificate_of_ones_own_there_is_only_tls(self):
        folder = self.folder / "the $cert; of it"
        folder.mkdir()
        ours, key = self.made(folder=folder)
        with self.gateway(MILLRACE_TLS_CERT=ours, MILLRACE_TLS_KEY=key, MILLRACE_HTTP_PORT=self.http):
            answer = self.ask(self.port, known=ours)
            self.assertTrue(answer.startswith("HTTP/1.1 502 "), answer)
            self.assertIn("Strict-Transport-Security: max-age=31536000\r\n", answer)
            for method in ("GET", "POST"):
                answer = self.ask(self.http, f"{method} /v1/cart?a=%2Fb HTTP/1.1\r\nHost: localhost\r\n"
                                             "Connection: close\r\n\r\n".encode())
                self.assertTrue(answer.startswith("HTTP/1.1 308 "), answer)
                self.assertIn(f"Location: https://localhost:{self.port}/v1/cart?a=%2Fb\r\n", answer)
                self.assertNotIn("Strict-Transport", answer)

    def test_a_renewed_certificate_is_taken_up_without_a_restart(self):
        folder = self.folder / "own"
        folder.mkdir()
        ours, key = self.made(folder=folder)
        with self.gateway(MILLRACE_TLS_CERT=ours, MILLRACE_TLS_KEY=key) as process:
            old = ssl.get_server_certificate(("127.0.0.1", self.port))
            self.made("renewed.test", folder)
            process.hang_up()
            self.assertTrue(wait_until(lambda: ssl.get_server_certificate(("127.0.0.1", self.port)) != old, 20))

    def test_what_cannot_be_is_refused(self):
        for environment, reason in (
                ({"MILLRACE_HTTP_PORT": "8081"}, "needs --tls"), ({"MILLRACE_TLS_CERT": "/x"}, "MILLRACE_TLS_KEY"),
                ({"MILLRACE_HTTP_PORT": "x", "MILLRACE_TLS": "1"}, "not a port")):
            with mock.patch.dict(os.environ, environment), self.assertRaisesRegex(Failure, reason):
                tls.check()


if __name__ == "__main__":
    unittest.main()
