"""A tool works whatever is around it: closed descriptors, variables of others, links, odd paths, dead terminals."""

import os
import pathlib
import pty
import shutil
import subprocess
import sys
import types
import unittest
from unittest import mock

from context import ROOT, HomeTest
import build
import surroundings
import up
from home import Home
from terminal import Failure

LOCK = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import terminal
from home import Home
home = Home(sys.argv[2])
home.create()
got = home.lock()
if sys.argv[3] == "stay":
    # As a supervisor that goes into the background.
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.mkdir(sys.argv[4])
    time.sleep(60)
sys.exit(0 if got else 9)
"""


class DescriptorsTest(HomeTest):
    def lock(self, how, closed=""):
        """Starts a process with the descriptors in `closed` closed, that takes the lock of a home."""
        script = "exec " + " ".join(f"{number}>&-" for number in closed) + '; exec "$@"'
        return subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", sys.executable, "-c", LOCK, str(ROOT / "tools" / "dev"),
             str(self.folder / "home"), how, str(self.folder / f"mark{closed}")])

    def test_the_lock_is_held_whichever_standard_descriptor_is_closed(self):
        for closed in ("", "0", "1", "2", "01", "02", "12", "012"):
            shutil.rmtree(self.folder / "home", ignore_errors=True)
            holder = self.lock("stay", closed)
            try:
                while not (self.folder / f"mark{closed}").exists():
                    self.assertIsNone(holder.poll(), closed)
                self.assertEqual(self.lock("try").wait(20), 9, f"closed: {closed}")
                self.assertEqual(self.lock("try", "012").wait(20), 9, f"closed: {closed}")
            finally:
                holder.kill()
                holder.wait()

    def test_a_supervisor_that_lives_keeps_others_out_without_its_lock(self):
        home = Home(self.folder / "home")
        home.create()
        from processes import Record
        Record.write(home.run / "supervisor.json", os.getpid())
        self.assertFalse(home.lock())

    def test_a_record_of_somebody_else_is_not_believed(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a file away")
        home = Home(self.folder / "home")
        home.create()
        from processes import Record
        path = home.run / "supervisor.json"
        Record.write(path, os.getpid())
        os.chown(path, 65534, 65534)
        self.assertIsNone(home.supervisor())

    def test_a_home_is_for_its_owner_only(self):
        for mode in (0o755, 0o777):
            home = Home(self.folder / f"home{mode}")
            home.path.mkdir()
            home.path.chmod(mode)
            for folder in home.kafka:
                folder.mkdir()
                folder.chmod(mode)
            with mock.patch("home.say") as said:
                home.create()
                self.assertIn("closed", said.call_args[0][0])
                home.create()
                self.assertEqual(said.call_count, 1)
            for folder in (home.path, home.run, home.logs, home.state, home.gateway, *home.kafka):
                self.assertEqual(folder.stat().st_mode & 0o777, 0o700, folder)

    def made(self, brokers):
        """A home whose Kafka was made with so many brokers."""
        home = Home(self.folder / f"home{brokers}")
        (home.kafka[0] / "log").mkdir(parents=True)
        (home.kafka[0] / "log" / "meta.properties").touch()
        voters = ",".join(f"{n}@127.0.0.1:{n}" for n in range(1, brokers + 1))
        (home.kafka[0] / "server.properties").write_text(f"node.id=1\ncontroller.quorum.voters={voters}\n")
        return home

    def test_a_home_keeps_the_number_of_its_brokers(self):
        def chosen(home, **options):
            given = {"broker": None, "brokers": None, "fresh": False, **options}
            return up.choose_brokers(home, types.SimpleNamespace(**given))

        for made, other in ((1, 3), (3, 1)):
            home = self.made(made)
            self.assertEqual(chosen(home), made)
            self.assertEqual(chosen(home, brokers=made), made)
            self.assertEqual(chosen(home, brokers=other, fresh=True), other)
            with self.assertRaisesRegex(Failure, f"made with {made} broker.*--fresh --brokers {other}"):
                chosen(home, brokers=other)
        empty = Home(self.folder / "empty")
        self.assertEqual((chosen(empty), chosen(empty, brokers=3)), (1, 3))
        with self.assertRaisesRegex(Failure, "cannot be used with --broker"):
            chosen(empty, brokers=3, broker="127.0.0.1:9092")

    def test_a_home_with_a_line_break_is_refused_with_the_reason(self):
        with self.assertRaisesRegex(Failure, "control character"):
            Home(self.folder / "a\nb")


class ToolsTest(HomeTest):
    """Each tool's --help, as the quickest that goes through all of its start."""

    TOOLS = ("up", "down", "status", "logs", "test")

    def run_tool(self, path, environment=None, **more):
        return subprocess.run(
            [str(path), "--help"], env={**os.environ, **(environment or {})}, capture_output=True, text=True,
            check=False, timeout=60, **more)

    def assert_help(self, result, tool):
        self.assertEqual((result.returncode, result.stderr), (0, ""), tool)
        self.assertIn("usage: tools/" + tool, result.stdout)

    def test_each_tool_ends_as_usual_whichever_standard_descriptor_is_closed(self):
        environment = {**os.environ, "MILLRACE_HOME": str(self.folder / "home"), "MILLRACE_PORT": "none"}
        for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            for tool, code in (("status", 3), ("up", 1), ("down", 0)):
                done = subprocess.run(
                    ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", str(ROOT / "tools" / tool)], env=environment,
                    stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
                self.assertEqual(done.returncode, code, f"{tool} {closed}: {done.stderr}")

    def test_cdpath_changes_nothing(self):
        (self.folder / "tools").mkdir()
        for tool in self.TOOLS:
            self.assert_help(self.run_tool(f"tools/{tool}", {"CDPATH": f".:{self.folder}:/"}, cwd=ROOT), tool)

    def test_what_bash_itself_reads_of_the_environment_changes_nothing(self):
        startup = self.folder / "startup"
        startup.write_text("echo startup; exit 7\n")
        for environment in ({"BASH_ENV": str(startup), "ENV": str(startup)}, {"SHELLOPTS": "noexec"},
                            {"BASH_FUNC_readlink%%": "() { echo /nowhere/tools/up; }"}, {"POSIXLY_CORRECT": "1"},
                            {"GREP_OPTIONS": "--color=always"}, {"BASHOPTS": "failglob"}, {"IFS": "/"}):
            for tool in ("up", "status"):
                self.assert_help(self.run_tool(ROOT / "tools" / tool, environment), tool)

    def test_a_symbolic_link_finds_the_checkout(self):
        for tool in self.TOOLS:
            link = self.folder / f"millrace {tool}"
            link.symlink_to(os.path.relpath(ROOT / "tools" / tool, self.folder))
            second = self.folder / f"second-{tool}"
            second.symlink_to(link)
            for path in (link, second):
                self.assert_help(self.run_tool(path, cwd="/"), tool)

    def test_what_python_itself_reads_of_the_environment_changes_nothing(self):
        (self.folder / "terminal.py").write_text("raise SystemExit('a module of somebody else')")
        for variable, value in (("PYTHONPATH", str(self.folder)), ("PYTHONHOME", "/nowhere"),
                                ("PYTHONSTARTUP", "/nowhere"), ("PYTHONOPTIMIZE", "2"), ("PYTHONSAFEPATH", "1"),
                                ("PYTHONWARNINGS", "error"), ("PYTHONIOENCODING", "ascii"), ("PYTHONUTF8", "0")):
            self.assert_help(self.run_tool(ROOT / "tools" / "status", {variable: value}), "status")

    def test_a_path_with_letters_beyond_ascii_is_printed_under_any_locale(self):
        for locale in ("C", "POSIX", "C.UTF-8", "nowhere.latin1"):
            result = subprocess.run(
                [str(ROOT / "tools" / "status")], capture_output=True, check=False, timeout=60,
                env={**os.environ, "LC_ALL": locale, "MILLRACE_HOME": str(self.folder / "größe")})
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertIn("größe".encode(), result.stdout)

    def test_a_checkout_in_any_place_runs_its_tools(self):
        place = self.folder / "my $projects; #1, 'ü' \"x\" & {y}"
        shutil.copytree(ROOT / "tools", place / "millrace" / "tools")
        for tool in self.TOOLS:
            self.assert_help(self.run_tool(place / "millrace" / "tools" / tool), tool)


class CheckoutTest(HomeTest):
    def sources(self, name, **environment):
        root = self.folder / name
        root.mkdir(exist_ok=True)
        with mock.patch("build.ROOT", root), mock.patch.dict(os.environ, environment):
            return root, build.sources()

    def test_a_path_that_cmake_can_read_is_used_as_it_is(self):
        for name in ("plain", "a blank $x, {b} 'c' & %d: ünï = ^ ~ ! +"):
            root, sources = self.sources(name)
            self.assertEqual(sources, root)

    def test_a_path_with_what_is_syntax_to_cmake_is_built_by_a_link(self):
        for letter in ";#\"\\[]<>|*?()`@\n\t":
            root, sources = self.sources(f"a{letter}b", XDG_CACHE_HOME=str(self.folder / "cache"))
            self.assertNotIn(letter, str(sources))
            self.assertEqual(sources.resolve(), root)

    def test_where_no_link_can_be_made_the_sentence_says_what_to_do(self):
        (self.folder / "file").touch()
        for cache, reason in ((self.folder / "file", "set HOME"), (self.folder / "c;d", "Move the checkout")):
            with self.assertRaisesRegex(Failure, reason):
                self.sources("a;b", XDG_CACHE_HOME=str(cache))


class EnvironmentTest(unittest.TestCase):
    def test_a_variable_that_is_set_and_empty_is_not_set(self):
        environment = {"MILLRACE_BIND": "", "MILLRACE_PORT": " ", "MILLRACE_CACHE": "", "KAFKA_HEAP_OPTS": "",
                       "MILLRACE_LIMIT_READS": "", "MILLRACE_HOME": "/x", "PYTHONPATH": "/y", "CDPATH": ".", "Z": ""}
        surroundings.clean_environment(environment)
        self.assertEqual(environment, {"MILLRACE_HOME": "/x", "Z": ""})


OUTLIVE = """
import sys, time
sys.path.insert(0, sys.argv[1])
import terminal
terminal.outlive_terminal()
import signal, pathlib
signal.signal(signal.SIGHUP, signal.SIG_IGN)
pathlib.Path(sys.argv[2]).touch()
while not pathlib.Path(sys.argv[3]).exists():
    time.sleep(0.02)
for _ in range(3):
    terminal.say("to nobody")
    print("to nobody", file=sys.stderr, flush=True)
pathlib.Path(sys.argv[4]).touch()
"""


class TerminalTest(HomeTest):
    def outlive(self, hang_up, **streams):
        here, gone, done = (self.folder / name for name in ("here", "gone", "done"))
        process = subprocess.Popen(
            [sys.executable, "-c", OUTLIVE, str(ROOT / "tools" / "dev"), *map(str, (here, gone, done))], **streams)
        while not here.exists():
            self.assertIsNone(process.poll())
        hang_up()
        gone.touch()
        self.assertEqual(process.wait(20), 0)
        self.assertTrue(done.exists())

    def test_a_terminal_that_goes_away_stops_nothing(self):
        master, slave = pty.openpty()

        def hang_up():
            os.close(master)
            os.close(slave)

        self.outlive(hang_up, stdout=slave, stderr=slave)

    def test_a_reader_that_ends_stops_nothing(self):
        read_end, write_end = os.pipe()

        def hang_up():
            os.close(read_end)
            os.close(write_end)

        self.outlive(hang_up, stdout=write_end, stderr=write_end)


if __name__ == "__main__":
    unittest.main()
