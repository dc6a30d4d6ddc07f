"""An instance that is not ready is away from the gateway until it is ready again."""

import http.server
import threading
import time
import unittest

import context  # noqa: F401 (finds tools/dev)
import instances
from instances import Instance, Watch


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class InstanceTest(unittest.TestCase):
    def away_after(self, *statuses):
        instance = Instance("query-api", "127.0.0.1:1")
        said = []
        for status in statuses:
            instance.judge(status)
            said.append(instance.away)
        return said

    def test_one_that_says_so_is_away_at_once_and_back_after_two_good_answers(self):
        self.assertEqual(self.away_after(200, 503, 200, 503, 200, 200, 200), [False, True, True, True, True, False, False])

    def test_one_that_is_silent_is_away_the_second_time(self):
        self.assertEqual(self.away_after(0, 200, 0, 0, 0, 200, 0, 200, 200),
                         [False, False, False, True, True, True, True, True, False])


class WatchTest(unittest.TestCase):
    def setUp(self):
        self.applied = []
        self.takes = True

    def apply(self, away):
        self.applied.append(away)
        return self.takes

    def instance(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready)
        server.status = 200
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        server.address = f"127.0.0.1:{server.server_address[1]}"
        return server

    def wait_for(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.applied)
            time.sleep(0.02)

    def test_the_gateway_is_told_of_each_change_until_it_takes_it(self):
        one, other = self.instance(), self.instance()
        with Watch({"query-api": [one.address, other.address], "command-api": ["127.0.0.1:1"]}, self.apply):
            other.status, self.takes = 503, False
            self.wait_for(lambda: len(self.applied) > 2)
            self.takes = True
            self.wait_for(lambda: self.applied[-1] == {other.address})
            other.status = 200
            self.wait_for(lambda: self.applied[-1] == frozenset())
        self.assertNotIn(frozenset({"127.0.0.1:1"}), self.applied)   # One alone stays whatever it says.

    def test_all_stay_while_none_is_ready(self):
        one, other = self.instance(), self.instance()
        one.status = other.status = 503
        watch = Watch({"query-api": [one.address, other.address]}, self.apply)
        with watch:
            self.wait_for(lambda: all(each.away for each in watch._instances))
            time.sleep(2 * instances.PAUSE_S)
            self.assertEqual(watch.away(), frozenset())
            other.status = 200
            self.wait_for(lambda: self.applied and self.applied[-1] == {one.address})


if __name__ == "__main__":
    unittest.main()
