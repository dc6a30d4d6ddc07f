"""The supervisor starts in order, restarts what dies, gives up on what will not stay, stops in reverse."""

import os
import signal
import sys
import time
import types
import unittest
from unittest import mock

from context import HomeTest
import filling
import probes
import processes
from home import Home
from processes import Process
from supervisor import QUICK_DEATH_S, Supervisor, stop_orphans
from terminal import Failure

# Writes "+NAME" when it starts and "-NAME" when it is asked to stop.
PROGRAM = """
import os, signal, sys, time
def write(text):
    with open(sys.argv[1], "a") as file:
        file.write(text + sys.argv[2] + "\\n")
def stop(*_):
    write("-")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
write("+")
while True:
    time.sleep(60)
"""


class FakeShop:
    url, brokers, external_broker, account = "http://gateway", "broker:1", None, None

    def __init__(self, home, journal, names, brokers=1):
        self.home, self.journal, self.names = home, journal, names
        self.broker_names = [f"broker-{n}" if n > 1 else "broker" for n in range(1, brokers + 1)]
        self.commands = []
        self.refused = {}

    def broker_processes(self):
        return [self.program(name) for name in self.broker_names]

    def preparations(self):
        return self.commands

    def programs(self):
        return [self.program(name) for name in self.names]

    def program(self, name, code=PROGRAM):
        return Process(
            name, [sys.executable, "-c", code, self.journal, name], self.home.logs / f"{name}.log",
            self.home.run, ready=lambda: f"+{name}\n" in self.events(), term_s=10)

    def events(self):
        return self.journal.read_text() if self.journal.exists() else ""

    def query_api(self):
        return "query-api:1"

    def check_command(self, data, _orders):
        why = self.refused.get(str(data))
        return ["sh", "-c", f"echo 'millrace import retail: {why}' >&2; exit 1"] if why else ["true"]

    def import_command(self, data, orders):
        return ["sh", "-c", 'echo "$1|$2" >>"$0"', f"{self.journal}.imports", str(data), str(orders)]

    def imports(self):
        """(data, orders) of each import that was run."""
        journal = self.journal.with_name(f"{self.journal.name}.imports")
        lines = journal.read_text().splitlines() if journal.exists() else []
        return [tuple(line.split("|")) for line in lines]


class SupervisorTest(HomeTest):
    def setUp(self):
        super().setUp()
        self.home = Home(self.folder / "home")
        self.home.create()
        self.shop = FakeShop(self.home, self.folder / "journal", ["first", "second"])
        self.supervisor = Supervisor(self.home, self.shop)
        self.said = []
        self.patch("supervisor.say", lambda *_: None)
        self.patch("filling.say", self.said.append)
        self.patch("probes.shop_is_empty", lambda _address: False)
        self.addCleanup(self.supervisor.stop)

    def patch(self, target, replacement):
        patcher = mock.patch(target, replacement)
        patcher.start()
        self.addCleanup(patcher.stop)

    def bring_up(self):
        self.supervisor.bring_up("data.csv", "10")

    def tick_until(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            self.supervisor.tick()
            time.sleep(0.05)

    def pid(self, name):
        return next(p for p in self.supervisor.processes if p.name == name).popen.pid

    def test_it_starts_in_order_and_stops_in_reverse(self):
        self.bring_up()
        self.supervisor.stop()
        self.assertEqual(
            self.shop.events().split(), ["+broker", "+first", "+second", "-second", "-first", "-broker"])
        self.assertEqual(list(self.home.run.glob("*.json")), [])

    def test_brokers_are_started_together_and_stopped_together(self):
        """None is ready before all have started, none ends before all were asked."""
        self.shop = FakeShop(self.home, self.folder / "journal", ["first"], brokers=3)
        self.supervisor = Supervisor(self.home, self.shop)
        self.addCleanup(self.supervisor.stop)
        waits = PROGRAM.replace(
            "    write(\"-\")\n",
            "    write(\"-\")\n    while open(sys.argv[1]).read().count(\"-broker\") < 3: time.sleep(0.01)\n")
        brokers = [self.shop.program(name, waits) for name in self.shop.broker_names]
        for process in brokers:
            process.ready = lambda: self.shop.events().count("+broker") == 3
        self.shop.broker_processes = lambda: brokers
        self.bring_up()
        names = [record.fields["name"] for record in self.home.records()]
        self.assertEqual(names, ["broker", "broker-2", "broker-3", "first"])
        self.supervisor.stop()
        events = self.shop.events().split()
        self.assertEqual(sorted(events[:3]), ["+broker", "+broker-2", "+broker-3"])
        self.assertEqual(events[3:5], ["+first", "-first"])
        self.assertEqual([process.popen.returncode for process in brokers], [0, 0, 0])

    def test_a_program_is_started_again_while_a_majority_of_its_brokers_is_ready(self):
        self.shop = FakeShop(self.home, self.folder / "journal", ["first"], brokers=3)
        self.supervisor = Supervisor(self.home, self.shop)
        self.addCleanup(self.supervisor.stop)
        self.bring_up()
        brokers, first = self.supervisor.processes[:3], self.supervisor.processes[3]
        brokers[0].write_record("not ready")
        self.assertTrue(self.supervisor._has_its_broker(first))
        brokers[2].write_record("not ready")
        self.assertFalse(self.supervisor._has_its_broker(first))
        self.assertTrue(self.supervisor._has_its_broker(brokers[2]))

    def test_what_dies_is_started_again(self):
        self.bring_up()
        before = self.pid("first")
        os.kill(before, signal.SIGKILL)
        self.tick_until(lambda: self.shop.events().count("+first") == 2)
        self.assertNotEqual(self.pid("first"), before)
        self.assertEqual(self.home.supervisor().fields["state"], "ready")

    def test_what_has_lived_is_started_again_without_a_pause(self):
        self.bring_up()
        first = self.supervisor.processes[1]
        first.started -= QUICK_DEATH_S
        os.kill(first.popen.pid, signal.SIGKILL)
        self.tick_until(lambda: "first" in self.supervisor._restart_at)
        self.supervisor.tick()
        self.assertEqual(first.restarts, 1)

    def test_a_program_is_not_started_again_before_its_broker_is_ready(self):
        self.bring_up()
        broker, first = self.supervisor.processes[:2]
        broker.ready = lambda: False
        os.kill(broker.popen.pid, signal.SIGKILL)
        os.kill(first.popen.pid, signal.SIGKILL)
        self.tick_until(lambda: self.shop.events().count("+broker") == 2)
        due = self.supervisor._restart_at["first"]
        self.tick_until(lambda: time.monotonic() > due + 0.2)
        self.assertEqual(self.shop.events().count("+first"), 1)
        broker.ready = lambda: True
        self.tick_until(lambda: self.shop.events().count("+first") == 2)

    def test_three_deaths_before_it_is_ready_are_given_up_with_the_reason(self):
        self.bring_up()
        broken = self.supervisor.processes[1]
        broken.argv = [sys.executable, "-c", "print('bad flag'); exit(2)"]
        os.kill(broken.popen.pid, signal.SIGKILL)
        with self.assertRaisesRegex(Failure, "first ended 3 times before it was ready"):
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                self.supervisor.tick()
                time.sleep(0.05)
        self.assertEqual(broken.restarts, 3)

    def test_what_is_killed_again_and_again_but_was_ready_comes_back(self):
        self.patch("supervisor.PAUSE_S", 0.01)
        self.patch("supervisor.PROBE_EVERY_S", 0)
        self.bring_up()
        first = self.supervisor.processes[1]
        for kills in range(1, 6):
            os.kill(first.popen.pid, signal.SIGKILL)
            self.tick_until(lambda: first.restarts == kills and first.state == "ready")

    def test_a_preparation_that_fails_starts_nothing_more(self):
        self.shop.commands = [("topics", ["sh", "-c", "echo wrong partition count; exit 1"])]
        with self.assertRaisesRegex(Failure, "topics failed: wrong partition count"):
            self.bring_up()
        self.assertEqual(self.shop.events().split(), ["+broker"])

    def test_an_empty_shop_is_filled_and_a_full_one_is_not(self):
        self.bring_up()
        self.assertEqual(self.shop.imports(), [])
        self.patch("probes.shop_is_empty", lambda _address: True)
        self.supervisor._fill("data.csv", "10")
        self.assertEqual(self.shop.imports(), [("data.csv", "10")])
        self.assertFalse(self.home.import_mark.exists())

    def test_an_import_that_was_cut_short_goes_on_with_its_own_data(self):
        processes.write_json(self.home.import_mark, {"data": "theirs.csv", "orders": "all"})
        self.supervisor.bring_up(None, None)
        self.assertEqual(self.shop.imports(), [("theirs.csv", "all")])

    def test_other_data_can_be_asked_for_after_an_import_that_failed(self):
        processes.write_json(self.home.import_mark, {"data": "broken.csv", "orders": "all"})
        self.supervisor.bring_up("mended.csv", None)
        self.assertEqual(self.shop.imports(), [("mended.csv", "all")])

    def test_an_import_that_fails_is_reported_and_done_again(self):
        self.patch("probes.shop_is_empty", lambda _address: True)
        self.shop.import_command = lambda *_: ["false"]
        with self.assertRaisesRegex(Failure, "the import failed.*--data FILE.*--fresh"):
            self.bring_up()
        self.assertTrue(self.home.import_mark.exists())

    def test_a_refused_file_leaves_no_mark_and_the_next_start_takes_the_default(self):
        empty = mock.Mock(return_value=True)
        self.patch("probes.shop_is_empty", empty)
        for why in ("line 5: no price", "opening data.csv: No such file or directory"):
            self.shop.refused = {"data.csv": why}
            with self.assertRaisesRegex(Failure, f"nothing is imported from data.csv: {why}"):
                self.supervisor._fill("data.csv", "10")
            self.assertFalse(self.home.import_mark.exists())
        self.supervisor._fill(None, None)
        self.assertEqual(self.shop.imports(), [(str(filling.DEFAULT["data"]), "2000")])

    def test_a_mark_whose_file_is_refused_now_counts_for_nothing_while_the_shop_is_empty(self):
        self.patch("probes.shop_is_empty", lambda _address: True)
        for why in ("line 5: no price", "opening gone.csv: No such file or directory"):
            self.shop.refused = {"gone.csv": why}
            processes.write_json(self.home.import_mark, {"data": "gone.csv", "orders": "7"})
            self.supervisor._fill(None, None)
            self.assertEqual(self.shop.imports()[-1:], [(str(filling.DEFAULT["data"]), "2000")])
            self.assertIn(f"gone.csv was not imported and is not tried again: {why}", "".join(self.said))

    def test_a_shop_half_filled_from_a_file_that_is_gone_says_how_to_go_on(self):
        self.shop.refused = {"gone.csv": "opening gone.csv: No such file or directory"}
        processes.write_json(self.home.import_mark, {"data": "gone.csv", "orders": "7"})
        with self.assertRaisesRegex(Failure, "half filled from gone.csv.*No such file.*--data FILE.*--fresh"):
            self.supervisor._fill(None, None)
        self.assertTrue(self.home.import_mark.exists())
        self.supervisor._fill("mended.csv", None)
        self.assertEqual(self.shop.imports(), [("mended.csv", "7")])

    def test_data_for_a_shop_that_has_products_is_not_imported_and_a_message_says_so(self):
        self.shop.import_command = lambda data, orders: ["millrace", "import", "retail", data, "--orders", orders]
        self.supervisor._fill("new data.csv", None)
        self.assertIn("The shop has products already: new data.csv is not imported", self.said[0])
        self.assertIn("millrace import retail 'new data.csv' --orders all", self.said[0])
        self.supervisor._fill(None, "10")
        self.assertIn("--orders 10 is for an empty one", self.said[1])
        self.said.clear()
        self.supervisor._fill(None, None)
        self.assertEqual(self.said, [])

    def test_a_request_to_stop_ends_an_import_and_keeps_its_mark(self):
        self.patch("probes.shop_is_empty", lambda _address: True)
        self.shop.import_command = lambda *_: ["sh", "-c", f"kill -TERM {os.getpid()}; exec sleep 60"]
        request = types.SimpleNamespace(requested=False)
        self.patch("processes.StopRequest", request)
        before = signal.signal(signal.SIGTERM, lambda *_: setattr(request, "requested", True))
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        with self.assertRaises(processes.Stopped):
            self.bring_up()
        request.requested = False
        self.assertTrue(self.home.import_mark.exists())

    def test_what_dies_during_an_import_is_started_again(self):
        self.patch("probes.shop_is_empty", lambda _address: True)
        again = f"until [ $(grep -c +first {self.shop.journal}) -ge 2 ]; do sleep 0.05; done"
        self.shop.import_command = lambda *_: [
            "sh", "-c", f"kill -KILL {self.pid('first')}; {again}"]
        self.bring_up()
        self.assertEqual(self.shop.events().count("+first"), 2)

    def test_a_disk_that_fills_up_stops_everything_in_order(self):
        self.bring_up()
        self.home.check_room = lambda: Home.check_room(self.home, 1 << 60)
        with self.assertRaisesRegex(Failure, "disk that holds .* is full.*Make room"):
            self.supervisor.watch()
        self.patch("processes.write_json", mock.Mock(side_effect=OSError(28, "No space left on device")))
        self.supervisor.stop()
        self.assertEqual(self.shop.events().split()[3:], ["-second", "-first", "-broker"])

    def test_a_program_whose_record_cannot_be_written_is_stopped(self):
        with mock.patch("processes.Record.write", side_effect=[None, OSError(28, "No space left on device")]):
            with self.assertRaises(OSError):
                self.bring_up()
        started = self.supervisor.processes[0].popen
        self.supervisor.stop()
        self.assertIsNotNone(started.poll())

    def test_what_a_killed_supervisor_left_is_stopped_in_reverse(self):
        self.bring_up()
        for process in self.supervisor.processes:
            process.popen.poll = lambda: None
        self.assertEqual(stop_orphans(self.home), 3)
        self.assertEqual(self.shop.events().split()[3:], ["-second", "-first", "-broker"])
        for process in self.supervisor.processes:
            del process.popen.poll


class ProbesTest(unittest.TestCase):
    def test_nobody_there_is_not_ready_and_not_empty(self):
        self.assertFalse(probes.is_ready("127.0.0.1:1"))
        self.assertFalse(probes.shop_is_empty("127.0.0.1:1"))


if __name__ == "__main__":
    unittest.main()
