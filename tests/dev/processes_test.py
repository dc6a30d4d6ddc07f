"""A process is identified by pid and start time, stopped within a bound, and the reason of its end is found."""

import subprocess
import sys
import time
import unittest
from unittest import mock

from context import HomeTest
import processes
from processes import Process, Record
from terminal import Failure


def wait_for(condition):
    while not condition():
        time.sleep(0.01)


class ProcessesTest(HomeTest):
    def process(self, code, ready=lambda: True, term_s=5):
        process = Process(
            "thing", [sys.executable, "-c", code], self.folder / "thing.log", self.folder,
            ready=ready, term_s=term_s)
        self.addCleanup(process.stop)
        return process

    def test_a_pid_that_belongs_to_somebody_else_is_neither_alive_nor_killed(self):
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        path = self.folder / "thing.json"
        Record.write(path, other.pid)
        record = Record.read(path)
        self.assertTrue(record.alive())
        record.fields["start"] -= 1
        self.assertFalse(record.alive())
        record.stop(term_s=5)
        self.assertIsNone(other.poll())
        self.assertFalse(path.exists())

    def test_a_process_that_ignores_sigterm_is_killed(self):
        mark = self.folder / "mark"
        process = self.process(
            "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            f"pathlib.Path('{mark}').touch(); time.sleep(60)", ready=mark.exists, term_s=0.2)
        process.start()
        process.wait_ready(20)
        process.stop()
        self.assertEqual(process.popen.returncode, -9)

    def test_what_a_killed_process_leaves_behind_ends_with_it(self):
        mark = self.folder / "mark"
        process = self.process(
            "import pathlib, subprocess, time; child = subprocess.Popen(['sleep', '60']);"
            f"pathlib.Path('{mark}').write_text(str(child.pid)); time.sleep(60)",
            ready=lambda: mark.exists() and mark.read_text())
        process.start()
        process.wait_ready(20)
        child = int(mark.read_text())
        self.assertIsNotNone(processes.start_time(child))
        process.popen.kill()
        self.assertTrue(processes.wait_until(lambda: not process.alive(), 20))
        self.assertTrue(processes.wait_until(lambda: processes.start_time(child) is None, 20))

    def test_a_process_that_ends_before_it_is_ready_is_reported_with_its_last_line(self):
        process = self.process("print('first'); print('the disk is full'); exit(7)", ready=lambda: False)
        process.start()
        with self.assertRaisesRegex(Failure, "thing ended with exit code 7: the disk is full"):
            process.wait_ready(20)

    def test_a_process_that_stops_in_order_is_reported_with_the_error_of_this_run(self):
        (self.folder / "thing.log").write_text("level=error of the run before\n")
        process = self.process(
            "print('level=info'); print('level=error the port is taken'); print('level=info'); exit(2)",
            ready=lambda: False)
        process.start()
        with self.assertRaisesRegex(Failure, "exit code 2: level=error the port is taken"):
            process.wait_ready(20)
        process.argv[-1] = "print('level=info once more'); exit(1)"
        process.start()
        with self.assertRaisesRegex(Failure, "exit code 1: level=info once more"):
            process.wait_ready(20)

    def test_a_program_that_is_not_there_is_named(self):
        process = Process("thing", ["/nowhere/thing"], self.folder / "log", self.folder, ready=None)
        with self.assertRaisesRegex(Failure, "thing cannot start: /nowhere/thing does not exist"):
            process.start()

    def test_a_command_that_ends_by_the_same_ctrl_c_has_not_failed(self):
        request = mock.patch.object(processes.StopRequest, "requested", False)
        request.start()
        self.addCleanup(request.stop)

        def interrupted():
            processes.StopRequest.requested = True

        with mock.patch.object(processes, "wait_until", lambda ended, **_: interrupted() or wait_for(ended)):
            with self.assertRaises(processes.Stopped):
                processes.run_to_end("the import", ["sh", "-c", "exit 130"], log=None)

    def test_a_command_that_fails_is_reported_with_its_last_line(self):
        log = self.folder / "once.log"
        with self.assertRaisesRegex(Failure, "topics failed: no broker"):
            processes.run_to_end("topics", ["sh", "-c", "echo no broker; exit 3"], log)


if __name__ == "__main__":
    unittest.main()
