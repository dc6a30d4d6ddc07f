"""What a program uses of the machine is counted with all that it has started."""

import os
import pwd
import subprocess
import sys
import unittest

from context import HomeTest
import usage

HUNGRY = """
import subprocess, sys, time
held = bytearray(int(sys.argv[1]) << 20)
held[::4096] = b"x" * len(held[::4096])
child = subprocess.Popen([sys.executable, *sys.argv[2:]]) if sys.argv[2:] else None
del held
print("ready", flush=True)
sys.stdin.read()
if child:
    child.kill()
    child.wait()
"""


class UsageTest(HomeTest):
    def test_a_process_is_shown_with_its_user(self):
        self.assertEqual(usage.user_of(os.getpid()), pwd.getpwuid(os.geteuid()).pw_name)
        if os.geteuid() == 0:
            other = subprocess.Popen(["/bin/sleep", "60"], user=65534, group=65534, extra_groups=[])
            nameless = subprocess.Popen(["/bin/sleep", "60"], user=54321)
            for process, user in ((other, "nobody"), (nameless, "54321")):
                self.assertEqual(usage.user_of(process.pid), user)
                process.kill()
                process.wait()
                self.assertIsNone(usage.user_of(process.pid))

    def program(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", HUNGRY, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_the_peak_stays_when_the_memory_has_gone(self):
        taken = usage.of(self.program("64").pid)
        self.assertGreater(taken["memory_peak_bytes"], 64 << 20)
        self.assertLess(taken["memory_bytes"], 64 << 20)
        self.assertGreater(taken["cpu_s"], 0)

    def test_what_a_program_has_started_counts(self):
        alone = usage.of(self.program("1").pid)
        both = usage.of(self.program("1", "-c", "import time; time.sleep(60)").pid)
        self.assertGreater(both["memory_bytes"], alone["memory_bytes"])

    def test_a_program_that_has_gone_takes_nothing(self):
        process = subprocess.Popen(["true"])
        process.wait()
        self.assertEqual(
            usage.of(process.pid), {"uptime_s": 0, "cpu_s": 0, "memory_bytes": 0, "memory_peak_bytes": 0})

    def test_the_line_is_for_people(self):
        self.assertEqual(
            usage.line({"uptime_s": 3723.4, "cpu_s": 9.96, "memory_bytes": 3 << 20, "memory_peak_bytes": 5 << 20}),
            "up 1:02:03  CPU 10.0 s  memory 3 MiB, at most 5")

    def test_we_ourselves_have_been_up_for_a_while(self):
        self.assertGreater(usage.of(os.getpid())["uptime_s"], 0)


if __name__ == "__main__":
    unittest.main()
