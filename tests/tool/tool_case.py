"""Contains what the tests of the ashlar command share: running it, and a process to examine."""
import json
import os
import subprocess
import unittest
from pathlib import Path

TOOL = os.environ["ASHLAR_TEST_TOOL"]
LIBRARY = os.environ["ASHLAR_TEST_LIBRARY"]
HOLDER = os.environ["ASHLAR_TEST_HOLDER"]
ROOT = Path(__file__).resolve().parents[2]
# Variables that a caller may have set must not change what is tested.
PLAIN = {name: value for name, value in os.environ.items()
         if name not in ("LD_PRELOAD", "ASHLAR_OPTIONS", "NO_COLOR", "CLICOLOR_FORCE")}

OK, FAILED, USAGE, NO_PROCESS, NOT_PERMITTED, NO_ASHLAR = range(6)
GONE = 7


def ashlar(*arguments, **more):
    """Runs the command. Returns the run, with its output as text."""
    more.setdefault("env", PLAIN)
    return subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=300, **more)


class Process:
    """A process to examine. It prints that it is ready, and ends when its input ends."""

    def __init__(self, *words, library=LIBRARY, options=""):
        environment = {**PLAIN, **({"LD_PRELOAD": library} if library else {}), "ASHLAR_OPTIONS": options}
        self.process = subprocess.Popen([*map(str, words)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=300)
        self.process.stdout.close()


class Holder(Process):
    """A process that holds blocks, under Ashlar or not."""

    def __init__(self, preload=True, options=""):
        super().__init__(HOLDER, library=LIBRARY if preload else "", options=options)

    def allocate(self, count, size):
        self.process.stdin.write(f"{count} {size}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n"


class ToolCase(unittest.TestCase):
    def succeeds(self, *arguments, **more):
        """Returns the standard output of a run that must succeed and print nothing on stderr."""
        run = ashlar(*arguments, **more)
        self.assertEqual((run.returncode, run.stderr), (OK, ""), run.stdout)
        return run.stdout

    def json_of(self, *arguments, **more):
        return json.loads(self.succeeds(*arguments, **more))

    def fails(self, code, pattern, *arguments, **more):
        """Checks a run that must fail: its code, and one line on stderr (with a hint after it for a wrong command line)."""
        run = ashlar(*arguments, **more)
        self.assertEqual(run.returncode, code, run.stderr)
        lines = run.stderr.splitlines()
        self.assertEqual(len(lines), 2 if code == USAGE else 1, run.stderr)
        self.assertRegex(lines[0], "^ashlar: " + pattern)
        return run


def no_such_pid():
    """Returns a number that no process has."""
    last = int(Path("/proc/sys/kernel/pid_max").read_text()) - 1
    return next(number for number in range(last, 1, -1) if not Path(f"/proc/{number}").exists())
