"""The output of the tools: one clear sentence when something fails, and a progress line while something runs."""

import os
import sys

import surroundings  # noqa: F401  First: the others rely on it.


class Failure(Exception):
    """Its text is the sentence that the user reads; the tool then exits with code 1."""


def say(line=""):
    print(line, flush=True)


def outlive_terminal():
    """From here on output is dropped when nobody can read it any more: a terminal that goes away, or a pipe whose
    reader ends, does not stop the shop."""
    sys.stdout = _Outliving(sys.stdout)
    sys.stderr = _Outliving(sys.stderr)


class _Outliving:
    """A stream that goes to /dev/null after its first failed write."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        return self._attempt(lambda: self._stream.write(text))

    def flush(self):
        return self._attempt(self._stream.flush)

    def _attempt(self, operation):
        try:
            return operation()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            return None

    def __getattr__(self, name):
        return getattr(self._stream, name)


def run_main(main):
    """Calls main(argv) and turns what it raises into an exit code and at most one sentence."""
    name = os.path.basename(sys.argv[0]).removesuffix(".py")
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.stdout.flush()
        print(f"{name}: {failure}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has ended; /dev/null takes the rest of the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{name}: {where}{error.strerror}", file=sys.stderr, flush=True)
        sys.exit(1)


class Progress:
    """A line that is rewritten on a terminal; elsewhere a new line for each quarter."""

    def __init__(self, title):
        self._title = title
        self._quarter = 0
        self._terminal = sys.stdout.isatty()

    def show(self, done, total):
        if self._terminal:
            sys.stdout.write(f"\r{self._title}: {done}/{total}\033[K")
            sys.stdout.flush()
        elif total and done * 4 // total > self._quarter:
            self._quarter = done * 4 // total
            say(f"{self._title}: {done}/{total}")

    def end(self, line):
        if self._terminal:
            sys.stdout.write("\r\033[K")
        say(line)


def tail(path, count, since=0):
    """The last `count` lines of a file behind the byte `since`, without reading all of it."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(since, file.tell() - count * 1000))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[-count:]
