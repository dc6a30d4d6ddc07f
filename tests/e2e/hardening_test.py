"""The programs of the release build are hardened: tests/hardening.sh says in what."""

import pathlib
import subprocess
import unittest

import shop

PROGRAMS = ("millrace", "millrace-processors", "millrace-command-api", "millrace-query-api", "millrace-payments")


class HardeningTest(unittest.TestCase):

    def test_each_program_is_hardened(self):
        script = pathlib.Path(__file__).parents[1] / "hardening.sh"
        run = subprocess.run(
            [script, *(shop.binary(name) for name in PROGRAMS)], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, "hardening: 5 programs\n"))


if __name__ == "__main__":
    unittest.main()
