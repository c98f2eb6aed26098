#!/usr/bin/env python3
"""Tests ashlar record PID: a running process is recorded for a while, or one line says why not."""
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tool_case import FAILED, OK, PLAIN, TOOL, USAGE, Process, ToolCase

TICKER, OLD = os.environ["ASHLAR_TEST_TICKER"], os.environ["ASHLAR_TEST_OLD_ROOT"]
VERSION, NO_ANSWER, REFUSED = 6, 10, 11
MODES = ("harden", "slob", "perturb=1", "kswapd=0")
# Allocates, and at each line has a child do so.
FORKS = """
import os, select, sys
print("ready", flush=True)
while True:
    kept = [bytearray(3000) for _ in range(300)]
    if select.select([sys.stdin], [], [], 0.01)[0]:
        if not sys.stdin.readline(): break
        if os.fork() == 0:
            kept = [bytearray(3000) for _ in range(3000)]
            os._exit(0)
        os.wait()
        print("done", flush=True)
"""


# Becomes another program at a line.
EXECUTES = """
import os, sys, threading
def allocate():
    while True: kept = [bytearray(3000) for _ in range(300)]
print("ready", flush=True)
threading.Thread(target=allocate, daemon=True).start()
sys.stdin.readline()
os.execvp("cat", ["cat"])
"""


class Ticker(Process):
    def __init__(self, what, **more):
        super().__init__(TICKER, what, **more)


class RecordLive(ToolCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.trace = Path(self.folder.name) / "trace"

    def shown(self):
        return self.json_of("trace", "--json", self.trace)

    def begun(self, pid, *options):
        """The command while it records."""
        process = subprocess.Popen([TOOL, "record", str(pid), "-o", str(self.trace), *options], env=PLAIN, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 20
        while time.monotonic() < end and not (self.trace.exists() and self.trace.stat().st_size > 4096):
            time.sleep(0.01)
        return process

    def assert_ends(self, process, code=OK, stderr=""):
        out, err = process.communicate(timeout=300)
        self.assertEqual((process.returncode, out), (code, ""), err)
        self.assertRegex(err, f"^{stderr}$")

    def test_a_process_that_allocates_is_recorded_and_goes_on(self):
        for what, calls in (("misses", 400), ("recycles", 20), ("threads", 60)):
            with self.subTest(what), Ticker(what) as ticker:
                self.assertEqual(self.succeeds("record", ticker.pid, "--seconds", 0.3, "-o", self.trace), "")
                shown = self.shown()
                self.assertGreater(shown["by_kind"]["malloc"], calls)
                self.assertGreater(shown["by_kind"]["free"], calls)
                self.assertEqual((shown["attached"], shown["forked"], shown["ended"], shown["failed"]), (True, False, 0, 0))
                self.assertLess(shown["end"]["blocks"], 500)
                self.assertNotIn(str(self.trace), Path(f"/proc/{ticker.pid}/maps").read_text())
                self.succeeds("set", ticker.pid, "decay_ms=70")

    def test_in_every_mode_again_and_again(self):
        for mode in MODES:
            with Ticker("threads", options=mode) as ticker:
                for _ in range(2):
                    self.succeeds("record", "--seconds", "0.1", "-o", self.trace, ticker.pid)
                    self.assertGreater(self.shown()["calls"], 60, mode)

    def test_an_interrupt_ends_it(self):
        with Ticker("threads") as ticker:
            process = self.begun(ticker.pid)
            process.send_signal(signal.SIGINT)
            self.assert_ends(process)
            self.assertGreater(self.shown()["calls"], 0)
            self.assertEqual(self.trace.read_bytes()[:2], b"\x1f\x8b")

    def test_one_recording_at_a_time_and_what_is_left_on_is_ended(self):
        with Ticker("recycles") as ticker:
            process = self.begun(ticker.pid, "--seconds", "100")
            other = Path(self.folder.name) / "other"
            self.fails(REFUSED, f"process {ticker.pid} .*: record: the process is recorded already, in {self.trace}", "record", ticker.pid, "-o", other)
            process.kill()
            process.communicate()
            self.succeeds("record", ticker.pid, "--end")
            self.fails(REFUSED, ".*record: it is not recorded", "record", "--end", ticker.pid)
            self.assertGreater(self.shown()["calls"], 0)

    def test_a_second_command_ends_it_and_the_first_one_compresses_it(self):
        with Ticker("threads") as ticker:
            process = self.begun(ticker.pid, "--seconds", "1000")
            self.succeeds("record", ticker.pid, "--end")
            self.assert_ends(process, stderr=f"ashlar: record: another command ended the recording of process {ticker.pid} .*\n")
            self.assertEqual(self.trace.read_bytes()[:2], b"\x1f\x8b")
            self.assertGreater(self.shown()["calls"], 0)

    def test_a_process_that_ends_meanwhile_leaves_its_trace(self):
        with Ticker("recycles") as ticker:
            process = self.begun(ticker.pid)
        self.assert_ends(process, stderr="ashlar: record: .* ended while it was recorded\n")
        self.assertGreater(self.shown()["calls"], 0)

    def test_a_process_that_nobody_waited_for_has_ended(self):
        with Ticker("recycles") as ticker:
            process = self.begun(ticker.pid)
            os.kill(ticker.pid, signal.SIGKILL)
            self.assert_ends(process, stderr="ashlar: record: .* ended while it was recorded\n")
            self.assertGreater(self.shown()["calls"], 0)

    def test_a_process_that_becomes_another_program_leaves_its_trace(self):
        with Process(sys.executable, "-c", EXECUTES) as executes:
            process = self.begun(executes.pid)
            executes.process.stdin.write("\n")
            executes.process.stdin.flush()
            self.assert_ends(process, stderr="ashlar: record: .* executed another program while it was recorded\n")
            self.assertGreater(self.shown()["calls"], 0)
            self.assertEqual(self.trace.read_bytes()[:2], b"\x1f\x8b")

    def test_a_trace_that_cannot_grow_ends_the_command(self):
        with Ticker("misses") as ticker:
            resource.prlimit(ticker.pid, resource.RLIMIT_FSIZE, (32 << 10, 32 << 10))
            process = self.begun(ticker.pid)
            self.assert_ends(process, FAILED, f"ashlar: record: {self.trace}: the trace ended early: File too large\n")
            self.assertEqual(self.shown()["ended"], 27)
            self.fails(REFUSED, ".*record: it is not recorded", "record", ticker.pid, "--end")

    def test_a_file_that_may_be_written_to_still_is_left_as_it_is(self):
        with Ticker("recycles") as ticker:
            process = self.begun(ticker.pid, "--wait", "0.3")
            os.kill(ticker.pid, signal.SIGSTOP)
            process.send_signal(signal.SIGINT)
            self.assert_ends(process, stderr=r"(?s:ashlar: .* did not answer .*ends the recording when it next allocates\n"
                             r".*/trace is not compressed\n)")
            os.kill(ticker.pid, signal.SIGCONT)
            self.assertEqual(self.trace.read_bytes()[:8], b"AshTrace")
            self.succeeds("set", ticker.pid, "decay_ms=70")

    def test_processes_of_one_name_have_files_of_their_own(self):
        with Ticker("misses") as one, Ticker("misses") as two:
            for ticker in (one, two):
                self.succeeds("record", ticker.pid, "--seconds", 0.1, cwd=self.folder.name)
            name = Path(f"/proc/{one.pid}/comm").read_text().strip()
        self.assertEqual({path.name for path in Path(self.folder.name).iterdir()}, {f"{name}.{ticker.pid}.trace" for ticker in (one, two)})

    def test_a_refusal_leaves_the_trace_that_was_there(self):
        with Ticker("misses") as ticker:
            self.succeeds("record", ticker.pid, "--seconds", 0.1, "-o", self.trace)
            before = self.trace.read_bytes()
            self.succeeds("set", ticker.pid, "profile=1m")
            self.fails(REFUSED, ".*record: a profile is on", "record", ticker.pid, "-o", self.trace)
        with Ticker("silent") as silent:
            self.fails(NO_ANSWER, ".*it did not answer", "record", silent.pid, "--wait", 0.1, "-o", self.trace)
        self.assertEqual(self.trace.read_bytes(), before)
        self.assertEqual([path.name for path in Path(self.folder.name).iterdir()], ["trace"])

    def test_a_trace_that_a_process_writes_to_is_not_written_over(self):
        with Ticker("misses") as one, Ticker("misses") as two:
            process = self.begun(one.pid, "--raw")
            for words in ((two.pid,), ("true",)):
                self.fails(FAILED, f"record: {self.trace}: a process still writes to it", "record", "-o", self.trace, *words)
            process.send_signal(signal.SIGINT)
            self.assert_ends(process)
            self.succeeds("record", two.pid, "--seconds", 0.1, "-o", self.trace)  # over one whose process runs, and writes no more
            self.assertEqual(self.shown()["process"], two.pid)

    def test_children_are_not_recorded(self):
        with Process(sys.executable, "-c", FORKS) as forks:
            process = self.begun(forks.pid)
            forks.process.stdin.write("\n")
            forks.process.stdin.flush()
            self.assertEqual(forks.process.stdout.readline(), "done\n")
            process.send_signal(signal.SIGTERM)
            self.assert_ends(process)
            self.assertEqual([path.name for path in Path(self.folder.name).iterdir()], ["trace"])

    def test_says_why_it_cannot(self):
        with Ticker("silent") as ticker:
            self.fails(NO_ANSWER, ".*it did not answer within 0.3 s", "record", ticker.pid, "--wait", 0.3, "-o", self.trace)
        with Ticker("misses", options="mmap_only") as ticker:
            self.fails(REFUSED, ".*record: recording needs system calls that the option mmap_only forbids", "record", ticker.pid, "-o", self.trace)
        with Ticker("misses") as ticker:
            self.fails(REFUSED, ".*record: /no/such/x: the folder does not exist, or not for this process", "record", ticker.pid, "-o", "/no/such/x")
            self.fails(USAGE, "record: .*--nothing", "record", ticker.pid, "--nothing")
            self.fails(USAGE, "record: --options and --library are for a program", "record", "--options", "slob", ticker.pid)
            self.fails(USAGE, "record: --seconds, --end and --wait need the PID of a running process instead of a program", "record", "--seconds", 1, "true")
            self.fails(USAGE, "record: --seconds, --end and --wait need the PID", "record", "--wait", 1, "true")
            self.fails(USAGE, '"/x{59}[.]{3}": expected at most 299 bytes', "record", ticker.pid, "-o", "/" + "x" * 200 + "/" + "y" * 200)
            for more in (("--seconds", 1), ("--raw",), ("-o", self.trace)):
                self.fails(USAGE, "record: --end writes nothing", "record", *more, ticker.pid, "--end")
            self.succeeds("set", ticker.pid, "profile=1m")
            self.fails(REFUSED, ".*record: a profile is on in the process; end it first", "record", ticker.pid, "-o", self.trace)
        with Ticker("misses", options=f"record={self.trace}") as ticker:
            self.fails(REFUSED, ".*record: it is recorded since it started", "record", ticker.pid, "--end")
        self.trace.write_text("precious")
        with Ticker("misses") as ticker:
            self.fails(FAILED, "record: .* exists and is not a trace", "record", ticker.pid, "-o", self.trace)
        self.assertEqual(self.trace.read_text(), "precious")
        with Process(OLD, library="") as old:
            self.fails(VERSION, ".*takes no requests", "record", old.pid)


if __name__ == "__main__":
    unittest.main()
