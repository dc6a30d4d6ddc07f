"""tools/down: stops the shop of a home in order, also after its tools/up was killed."""

import argparse
import os
import signal

from home import Home
from processes import wait_until
from supervisor import stop_orphans
from terminal import Failure, run_main, say

# More than the bounds of all processes together.
STOP_TIMEOUT_S = 180


def main(argv):
    argparse.ArgumentParser(prog="tools/down", description="Stops the shop of MILLRACE_HOME.").parse_args(argv)
    home = Home()
    running = home.supervisor()
    if running:
        os.kill(running.pid, signal.SIGTERM)
        if not wait_until(lambda: not running.alive(), STOP_TIMEOUT_S):
            raise Failure(f"process {running.pid} did not stop within {STOP_TIMEOUT_S} s")
    orphans = stop_orphans(home) if home.run.is_dir() else 0
    say(f"stopped {home.path}" if running or orphans else f"no shop is running in {home.path}")
    return 0


if __name__ == "__main__":
    run_main(main)
