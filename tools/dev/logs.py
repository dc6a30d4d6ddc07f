"""tools/logs: shows the log of one program of a home, and follows it."""

import argparse
import collections
import os
import sys
import time

from home import Home
from terminal import Failure, run_main


def names(home):
    return sorted(path.stem for path in home.logs.glob("*.log"))


def follow(path, file):
    """Prints what is added to `file`, and goes on with the new file when the log is rotated."""
    while True:
        line = file.readline()
        if line:
            sys.stdout.write(line)
            continue
        sys.stdout.flush()
        time.sleep(0.2)
        if path.stat().st_ino != inode_of(file):
            file.close()
            file = open(path, errors="replace")


def inode_of(file):
    return os.fstat(file.fileno()).st_ino


def main(argv):
    parser = argparse.ArgumentParser(prog="tools/logs", description="Shows the log of one program.")
    parser.add_argument("name", nargs="?", help="a name that tools/status shows, or supervisor, build, ...")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with new lines as they are written")
    parser.add_argument("-n", "--lines", type=int, help="only the last N lines", metavar="N")
    options = parser.parse_args(argv)
    home = Home()
    if options.name not in names(home):
        what = f"there is no log of {options.name}" if options.name else "which log?"
        known = ", ".join(names(home))
        raise Failure(f"{what}; the logs in {home.logs}: {known or 'none'}")
    path = home.logs / f"{options.name}.log"
    file = open(path, errors="replace")
    wanted = file if options.lines is None else collections.deque(file, maxlen=max(options.lines, 0))
    sys.stdout.writelines(wanted)
    if options.follow:
        follow(path, file)
    return 0


if __name__ == "__main__":
    run_main(main)
