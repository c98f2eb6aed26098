#!/usr/bin/env python3
"""Tests the options profile_every, profile_peak and profile_signal: they write whole files while the program runs, at the
right time.
"""
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from test_control import REFUSED, TICKER, Ticker
from tool_case import LIBRARY, OK, PLAIN, ToolCase, ashlar

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
        return self.written_as(f"p.{number}")

    def written_as(self, name):
        path = self.folder / name
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


class Peak(Files):
    def test_files_are_written_at_new_peaks_only(self):
        with Ticker("climbs", options=f"profile=1,{self.pattern},profile_peak=2m") as ticker:
            for _ in range(7):
                ticker.told()
            held = [self.json_of("profile", self.written(n), "--json")["all"]["in_use_bytes"] for n in (1, 2, 3, 4)]
            self.none_more_than(4)
        for n, bytes_held in enumerate(held):
            self.assertAlmostEqual(bytes_held, (2 + 2 * n) * MIB, delta=MIB // 4, msg=str(held))

    def test_may_begin_at_run_time(self):
        with Ticker("misses", options=f"profile=1,{self.pattern}") as ticker:
            self.none_more_than(0)
            self.succeeds("set", ticker.pid, "profile_peak=64k")
            self.written(1)


class Whole(Files):
    def test_a_reader_never_sees_a_part(self):
        seen = 0
        pattern = f"profile_file={self.folder}/same"
        with Ticker("misses", options=f"profile=1,{pattern},profile_every=1m") as ticker:
            file = self.folder / "same"
            end = time.monotonic() + WAIT
            while seen < 200 and time.monotonic() < end:
                if file.exists():
                    lines = file.read_text().split("\nmappings\n")
                    self.assertEqual(len(lines), 2, "a part of a file")
                    self.assertRegex(lines[1], r"\[stack\].*\n(.*\n)*$")
                    seen += 1
            ticker.told()
        self.assertEqual(seen, 200)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["same"])

    def test_pipes_and_links_are_written_where_they_are(self):
        target, link = self.folder / "target", self.folder / "link"
        target.write_text("before\n")
        link.symlink_to(target)
        self.run_true(f"profile=1,profile_file={link}")
        self.assertTrue(link.is_symlink())
        self.assertTrue(target.read_text().startswith("ashlar profile 1\n"))
        run = self.run_true("profile=1,profile_file=/dev/stdout")
        self.assertTrue(run.stdout.startswith("ashlar profile 1\n"))

    def test_what_cannot_be_written_leaves_nothing(self):
        run = self.run_true(f"profile=1,profile_file={self.folder}/no/file")
        self.assertRegex(run.stderr, r"^ashlar: profile_file: cannot write .*/no/file: no such folder\n$")
        (self.folder / "folder").mkdir()
        run = self.run_true(f"profile=1,profile_file={self.folder}/folder")
        self.assertRegex(run.stderr, r"^ashlar: profile_file: cannot write .*/folder: it is a folder\n$")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["folder"])
        run = self.run_true("profile=1,profile_file=/dev/full")
        self.assertEqual(run.stderr, "ashlar: profile_file: cannot write /dev/full: no space is left on the device\n")
        run = self.run_true(f"profile=1,profile_file={self.folder}/file", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
        self.assertRegex(run.stderr, r"^ashlar: profile_file: cannot write .*/file: a file may not be larger \(RLIMIT_FSIZE, or the file system\)\n$")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["folder"])

    def test_a_temporary_file_that_cannot_be_made_leaves_the_old_file(self):
        old = self.folder / "same"
        old.write_text("before\n")
        run = self.run_true(f"profile=1,profile_file={old}", preexec_fn=lambda: os.mkdir(f"{old}.tmp{os.getpid()}"))
        self.assertEqual(old.read_text(), "before\n")
        self.assertRegex(run.stderr, r"cannot write .*/same: this name with \.tmp\d+ behind it is taken\n$")

    def test_a_name_too_long_for_a_temporary_file_is_written_where_it_is(self):
        old = self.folder / ("n" * 252)
        old.write_text("before\n" * 1000000)
        number = old.stat().st_ino
        run = self.run_true(f"profile=1,profile_file={old.name}", cwd=self.folder)
        self.assertEqual(run.stderr, "")
        self.assertEqual(old.stat().st_ino, number)
        self.assertTrue(old.read_text().startswith("ashlar profile 1\n"))
        self.assertNotIn("before", old.read_text())

    def run_true(self, options, **more):
        return subprocess.run(["true"], env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": options}, capture_output=True, text=True,
                              check=True, **more)


class Signal(Files):
    def test_a_child_does_not_write_what_its_parent_wants(self):
        with Ticker("wants", options=f"profile=1,profile_file={self.folder}/%p.%n,profile_signal=usr1") as ticker:
            self.assertEqual(list(self.folder.iterdir()), [])
            ticker.told()
            self.written_as(f"{ticker.pid}.1")
        self.assertEqual({path.name.split(".")[0] for path in self.folder.iterdir()}, {str(ticker.pid)})

    def test_without_a_profile_a_line_says_so_and_no_number_is_used(self):
        process = self.run_under([TICKER, "misses"], f"{self.pattern},profile_signal=usr1", stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.assertEqual(process.stdout.readline(), "ready\n")
        for _ in range(2):
            process.send_signal(signal.SIGUSR1)
            self.assertEqual(process.stderr.readline(), "ashlar: profile_file: no profile was started, so nothing is written\n")
        self.succeeds("set", process.pid, "profile=1")
        self.none_more_than(0)
        process.send_signal(signal.SIGUSR1)
        self.written(1)

    def test_a_signal_that_is_ignored_is_taken(self):
        ignores = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
        process = self.run_under([sys.executable, "-c", ignores, TICKER, "silent"], f"profile=1,{self.pattern}.%p,profile_signal=hup")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGHUP)
        self.written_as(f"p.1.{process.pid}")
        self.assertIsNone(process.poll())

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

    def run_under(self, words, options, **more):
        process = subprocess.Popen(words, env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": options}, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, **more)
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
            self.assertEqual(run.stderr, "ashlar: profile_every, profile_peak and profile_signal write profile_file, which is not set\n")

    def test_without_a_file_the_command_says_so(self):
        with Ticker("misses", options="profile=1") as ticker:
            for option in ("profile_signal=usr1", "profile_every=1m", "profile_peak=1m"):
                run = ashlar("set", ticker.pid, option)
                name = option.partition("=")[0]
                self.assertEqual((run.returncode, run.stderr), (OK, f"ashlar: {name} writes profile_file, which is not set\n"))
            self.succeeds("set", ticker.pid, "profile_every=0", "profile_peak=0", "profile_signal=none")
            self.succeeds("set", ticker.pid, "profile_every=1m", f"profile_file={self.folder}/late")


if __name__ == "__main__":
    unittest.main()
