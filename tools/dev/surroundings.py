"""Repairs the surroundings of a tool before anything else runs: descriptors and environment.

Imported by terminal.py, and so by every tool before it opens a file or starts a program.
"""

import fcntl
import os
import sys

# They change how the programs that we start find files or print.
MEANT_FOR_OTHERS = ("CDPATH", "GREP_OPTIONS", "POSIXLY_CORRECT", "MAVEN_PROJECTBASEDIR", "CLASSPATH")


def open_standard_descriptors():
    """A file opened while 0, 1 or 2 is closed would take that number, and a later dup2 would close it: a lock would
    be lost."""
    nothing = os.open(os.devnull, os.O_RDWR)
    while nothing <= 2:
        os.set_inheritable(nothing, True)
        nothing = os.open(os.devnull, os.O_RDWR)
    # bash gives a closed descriptor to the script that it reads, and leaves it there.
    for output in (1, 2):
        if fcntl.fcntl(output, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            os.dup2(nothing, output)
    os.close(nothing)
    # Python sets them to None for closed descriptors.
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)


def clean_environment(environment):
    """Empty variables count as not set: docker compose passes those of the host that are not set in this way."""
    for name in list(environment):
        if name.startswith("PYTHON") or name in MEANT_FOR_OTHERS:
            del environment[name]
        elif name.startswith(("MILLRACE_", "KAFKA_", "TOPO_")) and not environment[name].strip():
            del environment[name]


open_standard_descriptors()
clean_environment(os.environ)
