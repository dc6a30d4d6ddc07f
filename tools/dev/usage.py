"""The time and memory that a program of a shop uses, together with the processes that it has started."""

import os
import pathlib
import pwd
import time

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PROC = pathlib.Path("/proc")


def _stat(pid):
    """The fields of /proc/PID/stat behind the name: [0] is the state; None when it has gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _memory(pid):
    """(resident now, its peak) in bytes."""
    kib = {}
    try:
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM"):
                kib[name] = int(value.split()[0])
    except OSError:
        pass
    return kib.get("VmRSS", 0) << 10, kib.get("VmHWM", 0) << 10


def user_of(pid):
    """The effective user of a process, by name where it has one; None when the process has ended."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
        uid = int(next(line for line in lines if line.startswith("Uid:")).split()[2])
    except (OSError, StopIteration):
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _family(pid):
    """A process and its descendants: a gateway has workers."""
    yield pid
    try:
        children = (PROC / f"{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def of(program):
    """{"uptime_s", "cpu_s", "memory_bytes", "memory_peak_bytes"}; the peak is the sum of each process's own."""
    total = {"uptime_s": 0.0, "cpu_s": 0.0, "memory_bytes": 0, "memory_peak_bytes": 0}
    for pid in _family(program):
        fields = _stat(pid)
        if not fields:
            continue
        now, peak = _memory(pid)
        total["memory_bytes"] += now
        total["memory_peak_bytes"] += peak
        # Its own time, and that of its children that have ended.
        total["cpu_s"] += sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_S
        if pid == program:
            booted = time.clock_gettime(time.CLOCK_BOOTTIME)
            total["uptime_s"] = round(booted - int(fields[19]) / TICKS_PER_S, 1)
    total["cpu_s"] = round(total["cpu_s"], 2)
    return total


def span(seconds):
    """Seconds as H:MM:SS."""
    seconds = int(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def line(usage):
    return (f"up {span(usage['uptime_s'])}  CPU {usage['cpu_s']:.1f} s  "
            f"memory {usage['memory_bytes'] >> 20} MiB, at most {usage['memory_peak_bytes'] >> 20}")
