"""`millrace import` as a user sees it, and what its report must say."""

import os
import pty
import re
import subprocess

import shop


class Import:
    """On a terminal, where a bar shows its progress."""

    def __init__(self, place, path, *options):
        self.output = ""
        self._terminal, end = pty.openpty()
        self._popen = subprocess.Popen(
            [str(shop.binary("millrace")), "import", "retail", str(path), "--brokers", place.status()["broker"],
             "--secrets-dir", str(place.home / "secrets"), *options],
            stdin=subprocess.DEVNULL, stdout=end, stderr=end)
        os.close(end)

    def read_until(self, done):
        """Reads on until done(output) or the end; returns whether it was done."""
        while not done(self.output):
            try:
                part = os.read(self._terminal, 65536)
            except OSError:   # The other end is closed.
                return False
            self.output += part.decode(errors="replace").replace("\r\n", "\n")
        return True

    def orders_ended(self):
        bars = re.findall(r"orders +\[[#.]+\] (\d+)/", self.output)
        return int(bars[-1]) if bars else 0

    def kill(self):
        self._popen.kill()
        self.close()

    def close(self):
        """The exit code."""
        code = self._popen.wait()
        os.close(self._terminal)
        return code

    def run(self):
        self.read_until(lambda _: False)
        return self.close()


def table(output):
    """{"orders confirmed": ("200", "200"), ...}: what stands in the two columns beside each name."""
    return {name: (first, second) for name, first, second in
            re.findall(r"^  (\S.*?) {2,}(\S+) +(\S+)(?: +DIFFERS)?$", output, re.MULTILINE)}


def assert_exact(test, output, expected):
    """What the import says it came to is what the rules say, to the penny."""
    rows = table(output)

    def both(value):
        return (str(value), str(value))

    test.assertEqual(rows["products"], both(len(expected.products)), output)
    test.assertEqual(rows["customers"], both(len(expected.customers)), output)
    test.assertEqual(rows["orders confirmed"], both(expected.baskets), output)
    test.assertEqual(rows["units sold"], both(expected.units), output)
    test.assertEqual(
        rows["captured (GBP)"], both(f"{expected.captured // 100}.{expected.captured % 100:02}"), output)
    test.assertEqual(rows["units left on hand"], both(expected.left), output)
    test.assertEqual(rows["products with other stock"], both(0), output)
    test.assertIn(f"lines read {expected.lines}, qualifying {expected.qualifying}\n", output)
    for reason, count in expected.skipped.items():
        test.assertRegex(output, rf"skipped for {reason} +{count}\n")
