"""A shop comes up wherever it is put and whatever is around it: an odd path, others' variables, IPv6, a terminal
that goes away. One start with all of it at once, for each start takes its time."""

import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import socket
import subprocess
import tempfile
import termios
import unittest

import shop


class PlacesTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-places-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def environment(self, place):
        """Variables that programs below us read: some mislead, some are empty, some have a blank."""
        blank = self.folder / "a blank"
        blank.mkdir()
        environment = {
            **place.environment, "MILLRACE_BIND": "[::1]", "MILLRACE_LIMIT_READS": "", "MILLRACE_CACHE": "",
            "MILLRACE_LOG_LEVEL": "", "LC_ALL": "C", "TMPDIR": str(blank), "CDPATH": f".:{self.folder}:/",
            "PYTHONPATH": str(blank), "PYTHONHOME": "/nowhere", "BASH_ENV": "/nowhere", "POSIXLY_CORRECT": "1",
            "GREP_OPTIONS": "--color=always", "JAVA_TOOL_OPTIONS": "-Dof.others=1", "KAFKA_OPTS": "-Dof.others=2",
            "MAVEN_OPTS": "-Dof.others=3", "CLASSPATH": "/nowhere", "KAFKA_HEAP_OPTS": ""}
        environment.pop("HOME", None)
        return environment

    def start_on_a_terminal_that_goes_away(self, command, environment):
        """Closes the terminal, which is the command's own, once Kafka is up. Returns what was printed until then."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            command, env=environment, cwd="/", stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        printed = b""
        try:
            while not re.search(rb"broker .* ready in", printed):
                printed += os.read(master, 4096)
        except OSError as error:   # It ended before.
            raise AssertionError(printed.decode()) from error
        finally:
            os.close(master)
            process.wait(120)
        return printed.decode()

    @unittest.skipUnless(socket.has_ipv6 and pathlib.Path("/proc/net/if_inet6").exists(), "this machine has no IPv6")
    def test_an_odd_path_others_variables_ipv6_and_a_dead_terminal(self):
        place = shop.Shop(self.folder / "%s \\ 'q' \"d\" $(x) `y` a:b, ü *")
        self.addCleanup(place.close)
        place.environment = self.environment(place)
        link = self.folder / "start it"
        link.symlink_to(shop.ROOT / "tools" / "up")
        self.start_on_a_terminal_that_goes_away([str(link), "--detach", "--orders", "1"], place.environment)
        shop.wait_until(lambda: place.tool("status")[0] == 0, 120, lambda: place.tool("status")[1])
        self.assertEqual(place.status()["gateway"], f"http://[::1]:{place.port}")
        answer = shop.ask(f"[::1]:{place.port}", "GET", "/readyz")
        self.assertEqual(answer.status, 200, answer)
        items = json.loads(shop.ask(f"[::1]:{place.port}", "GET", "/v1/products?limit=3").body)["items"]
        self.assertEqual(len(items), 3)
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            second = subprocess.run(
                ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", str(link), "--detach"], env=place.environment,
                timeout=120, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertEqual(second.returncode, 1, closed)
        self.assertEqual(place.tool("status")[0], 0)
        code, output = place.down()
        self.assertEqual(code, 0, output)
        self.assertFalse(list(pathlib.Path("/nowhere").glob("*")))


if __name__ == "__main__":
    unittest.main()
