"""Customers that read and write through the gateway without a pause, and count what was lost."""

import http.client
import json
import threading
import time

import shop

TIMEOUT_S = 12


class Connection:
    """One that is kept. When the other end has closed it meanwhile the request is sent on a new one, once, as every
    client of HTTP/1.1 does (RFC 9112, 9.3.1)."""

    def __init__(self, address):
        self._address = address
        self._connection = None

    def ask(self, method, path, body=None, headers=None):
        fresh = self._connection is None
        if fresh:
            self._connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)
        try:
            self._connection.request(method, path, body, headers or {})
            answer = shop.Response(self._connection.getresponse())
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if fresh:
                raise
            return self.ask(method, path, body, headers)
        if answer.headers["Connection"] == "close":
            self.close()
        return answer

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None


class Load:
    """Within the context `count` threads call `step(connection)`, which returns an answer, again and again."""

    def __init__(self, address, count, step):
        self._address = address
        self._step = step
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        self.done = 0
        self.lost = []
        self.longest_s = 0.0

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        connection = Connection(self._address)
        while not self._ended.is_set():
            started = time.monotonic()
            try:
                answer = self._step(connection)
                if answer.status != 200:
                    self.lost.append(answer)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(error)
                connection.close()
            self.longest_s = max(self.longest_s, time.monotonic() - started)
            self.done += 1
        connection.close()


class Adder:
    """Adds one unit to a customer's cart again and again, each with a key of its own until it is answered."""

    def __init__(self, customer, product):
        self._product = product
        self._headers = {"Authorization": f"Bearer {customer.access}", "Content-Type": "application/json"}
        self._key = None
        self.added = 0
        self.repeated = 0

    def step(self, connection):
        self.repeated += self._key is not None
        self._key = self._key or shop.new_key()
        answer = connection.ask(
            "POST", "/v1/cart/items", json.dumps({"product_id": self._product, "quantity": 1}),
            {**self._headers, "Idempotency-Key": self._key})
        if answer.status == 200:
            self._key = None
            self.added += 1
        return answer
