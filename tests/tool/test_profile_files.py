#!/usr/bin/env python3
"""The options profile_every and profile_signal: whole files while the program runs, at the time that they name."""
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from test_control import REFUSED, Ticker
from tool_case import LIBRARY, PLAIN, ToolCase

MIB = 1 << 20
WAIT = 30


class Files(ToolCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.pattern = f"profile_file={self.folder}/p.%n"

    def written(self, number):
        """A file once it is whole, that is when the next one is begun or it no longer grows."""
        path = self.folder / f"p.{number}"
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            if path.exists() and path.read_text().endswith("\n") and "\nmappings\n" in path.read_text():
                size = path.stat().st_size
                time.sleep(0.05)
                if size == path.stat().st_size:
                    return path
            time.sleep(0.02)
        self.fail(f"no {path.name} after {WAIT} s")

    def none_more_than(self, number):
        time.sleep(0.3)
        self.assertFalse((self.folder / f"p.{number + 1}").exists())

    def allocated(self, path):
        return self.json_of("profile", path, "--json")["all"]["allocated_bytes"]


class Every(Files):
    def test_files_are_so_many_bytes_apart(self):
        with Ticker("misses", options=f"profile=1,{self.pattern},profile_every=4m"):
            sums = [self.allocated(self.written(n)) for n in (1, 2, 3)]
        self.assertGreaterEqual(sums[0], 4 * MIB)
        for before, after in zip(sums, sums[1:]):
            self.assertAlmostEqual(after - before, 4 * MIB, delta=64 << 10, msg=str(sums))

    def test_at_a_rate_they_are_so_in_the_mean(self):
        with Ticker("misses", options=f"profile=64k,{self.pattern},profile_every=64m"):
            sums = [self.allocated(self.written(n)) for n in (1, 2)]
        self.assertAlmostEqual(sums[1] - sums[0], 64 * MIB, delta=2 * MIB, msg=str(sums))

    def test_may_begin_at_run_time(self):
        with Ticker("misses", options=f"profile=1,{self.pattern}") as ticker:
            self.none_more_than(0)
            self.succeeds("set", ticker.pid, "profile_every=1m")
            self.written(2)
            self.succeeds("set", ticker.pid, "profile_every=0")


class Signal(Files):
    def test_a_process_that_does_not_allocate_writes_it(self):
        with Ticker("silent", options=f"profile=1,{self.pattern},profile_signal=usr1") as ticker:
            for number in (1, 2):
                ticker.process.send_signal(signal.SIGUSR1)
                self.assertRegex(self.succeeds("profile", self.written(number)), r"recycle\(\)")
            self.none_more_than(2)

    def test_each_signal_of_the_option_does(self):
        for name in ("hup", "usr1", "usr2", "urg", "winch", "pwr"):
            with self.subTest(name), Ticker("silent", options=f"profile=1,{self.pattern}.{name},profile_signal={name}") as ticker:
                ticker.process.send_signal(getattr(signal, "SIG" + name.upper()))
                self.written(f"1.{name}")

    def test_may_be_chosen_and_left_at_run_time(self):
        with Ticker("misses", options=f"profile=1,{self.pattern}") as ticker:
            for word in ("usr1", "usr2"):
                self.succeeds("set", ticker.pid, f"profile_signal={word}")
            ticker.process.send_signal(signal.SIGUSR2)
            self.written(1)
            self.succeeds("set", ticker.pid, "profile_signal=none")
            ticker.process.send_signal(signal.SIGUSR1)
            self.assertEqual(ticker.process.wait(timeout=WAIT), -signal.SIGUSR1)

    def run_under(self, words, options):
        process = subprocess.Popen(words, env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": options}, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_a_program_that_catches_it_has_it(self):
        program = "$SIG{USR1} = sub { print qq(mine\\n) }; $| = 1; print qq(ready\\n); sleep 1 while 1"
        process = self.run_under(["perl", "-e", program], f"profile=1,{self.pattern},profile_signal=usr1")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), "mine\n")
        self.none_more_than(0)
        process.stdin.close()

    def test_is_not_taken_away_from_a_program_that_catches_it(self):
        program = ("$SIG{USR1} = sub { print qq(mine\\n) }; $| = 1; print qq(ready\\n);"
                   "while (1) { my @kept = map { 'x' x (200 * $_) } 1 .. 500; select undef, undef, undef, 0.01 }")
        process = self.run_under(["perl", "-e", program], f"profile=1,{self.pattern}")
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.fails(REFUSED, "process .*profile_signal: the program catches that signal itself", "set", process.pid, "profile_signal=usr1")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), "mine\n")

    def test_on_a_stack_of_its_own_the_next_allocation_writes_it(self):
        program = ("import faulthandler, sys; faulthandler.enable(); print('ready', flush=True)\n"
                   "for line in sys.stdin: kept = [bytes(n) for n in range(1000, 3000)]; print('done', flush=True)")
        process = self.run_under(["python3", "-c", program], f"profile=1,{self.pattern},profile_signal=usr1")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGUSR1)
        process.stdin.write("x\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), "done\n")
        self.written(1)
        process.stdin.close()

    def test_many_at_once_each_give_a_whole_file(self):
        with Ticker("threads", options=f"profile=1,{self.pattern},profile_every=256k,profile_signal=usr1") as ticker:
            for _ in range(300):
                ticker.process.send_signal(signal.SIGUSR1)
                time.sleep(0.001)
            self.written(3)
        files = list(self.folder.iterdir())
        self.assertGreater(len(files), 3)
        for path in files:
            self.succeeds("profile", path)


class Refused(Files):
    def test_what_cannot_be_is_told_in_a_line(self):
        for option, expected in (("profile_signal=kill", "none|hup|usr1|usr2|urg|winch|pwr"), ("profile_every=x", "a number from 0 to")):
            run = subprocess.run(["true"], env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": option}, capture_output=True, text=True,
                                 check=True)
            self.assertEqual(len(run.stderr.splitlines()), 1)
            self.assertIn(option.replace("=", '="') + '": expected ', run.stderr)
            self.assertIn(expected, run.stderr)

    def test_without_a_file_a_line_says_so(self):
        for option in ("profile_signal=usr1", "profile_every=1m", "profile=1,profile_every=1m,profile_signal=usr1"):
            run = subprocess.run(["true"], env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": option}, capture_output=True, text=True,
                                 check=True)
            self.assertEqual(run.stderr, "ashlar: profile_every and profile_signal write profile_file, which is not set\n")


if __name__ == "__main__":
    unittest.main()
