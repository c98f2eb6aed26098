"""Real runs of small programs through the launcher."""

import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

from comparison import build
from comparison.measure import measure
from comparison.model import Allocator, Row
from comparison.schedule import Durations, Schedule, plan

from .helpers import SETTINGS, session

SOURCE = Path(__file__).resolve().parents[1] / "launcher.cc"
GLIBC = Allocator("glibc")


class Measured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.launcher = build.build_launcher(SOURCE, Path(cls.folder.name))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_one(self, command, allocator=GLIBC, idle=0.0, trace=False, timeout=30):
        row = Row("r", "idle" if idle else "own", command=command, source="own", idle_seconds=idle)
        return measure(self.launcher, command, row, allocator, SETTINGS | {"timeout": timeout}, 1, idle, trace)

    def python(self, text):
        return [sys.executable, "-c", textwrap.dedent(text)]

    def test_peak_memory_is_the_programs_own_and_not_the_runners(self):
        ballast = bytearray(b"x" * (128 << 20))     # this process is large; none of it may show
        run = self.run_one(["true"])
        self.assertTrue(run.ok, run.error)
        self.assertLess(run.peak_kib, 4096)
        self.assertEqual(len(ballast), 128 << 20)

    def test_peak_memory_of_a_large_program(self):
        run = self.run_one(self.python("x = b'x' * (100 << 20)"))
        self.assertGreater(run.peak_kib, 100 << 10)
        self.assertLess(run.peak_kib, 130 << 10)

    def test_peak_memory_as_the_program_says(self):
        self.assertEqual(self.run_one(["echo", "peak 123"]).peak_kib, 123)
        self.assertGreater(self.run_one(["echo", "peak of 123"]).peak_kib, 123)

    def test_wall_and_cpu_time(self):
        run = self.run_one(["sleep", "0.3"])
        self.assertGreater(run.wall, 0.29)
        self.assertLess(run.wall, 2.0)
        self.assertLess(run.user + run.system, 0.2)
        busy = self.run_one(self.python("import time\nwhile time.process_time() < 0.3: pass"))
        self.assertGreater(busy.user + busy.system, 0.29)

    def test_failures_say_what_happened(self):
        self.assertEqual(self.run_one(["false"]).error, "exit status 1")
        self.assertEqual(self.run_one(["/nonexistent"]).error, "cannot execute: No such file or directory")
        self.assertEqual(self.run_one(["sh", "-c", "kill -SEGV $$"]).error, "killed by SIGSEGV")
        self.assertEqual(self.run_one(["sleep", "20"], timeout=1).error, "timed out")

    def test_a_library_that_does_not_load_is_a_failure(self):
        run = self.run_one(["sh", "-c", "exit 0"], Allocator("mine", "/nonexistent.so"))
        self.assertIn("could not be loaded", run.error)
        self.assertFalse(run.mapped)

    def test_a_preloaded_library_is_seen_in_the_mappings(self):
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder) / "x.c", Path(folder) / "libx.so"
            source.write_text("int nothing;")
            build._run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], folder)
            self.assertTrue(self.run_one(["sleep", "0.2"], Allocator("x", str(library.resolve()))).mapped)
            self.assertTrue(self.run_one(["sh", "-c", "sleep 0.2; true"], Allocator("x", str(library.resolve()))).mapped)

    def test_nothing_survives_a_run(self):
        began = time.monotonic()
        run = self.run_one(["sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & exit 0"])
        self.assertTrue(run.ok, run.error)
        self.assertLess(time.monotonic() - began, 20)
        self.assertLess(run.wall, 1)

    def test_lines_of_the_program_are_understood(self):
        run = self.run_one(["printf", "metric speed 12.5 ops/s higher\\nmetric bad x y lower\\nnoise\\nphase peak\\n"])
        self.assertEqual([(m.name, m.value, m.unit, m.better) for m in run.metrics], [("speed", 12.5, "ops/s", "higher")])
        self.assertEqual([name for _, name in run.phases], ["peak"])

    def test_idling_is_measured_at_its_end_and_is_no_part_of_the_time(self):
        run = self.run_one(self.python("""
            import time
            big = b'x' * (64 << 20)
            print('phase peak', flush=True)
            del big
            print('phase idle', flush=True)
            time.sleep(1)
            print('phase end', flush=True)
            """), idle=1.0, trace=True)
        self.assertGreater(run.peak_kib, 64 << 10)
        self.assertGreater(run.idle_kib, 1 << 10)
        self.assertLess(run.idle_kib, 40 << 10)
        self.assertGreater(run.wall, 1.0)
        self.assertLess(run.active, run.wall - 0.95)
        self.assertGreater(len(run.samples), 10)

    def test_a_servers_peak_is_that_of_the_printed_pid(self):
        run = self.run_one(["sh", "-c", "sleep 0.5 & echo pid $!; python3 -c \"x = b'x' * (50 << 20)\"; wait"])
        self.assertGreater(run.peak_kib, 0)
        self.assertLess(run.peak_kib, 10 << 10)

    def test_a_schedule_gives_up_on_a_failing_row_and_measures_the_rest(self):
        made = session({"good": {"glibc": []}, "bad": {"glibc": []}})
        for row, command in zip(made.rows, (["true"], ["false"])):
            row.source, row.command = "own", command
        made.settings["repeats"] = 4
        Schedule(made, Path(self.folder.name), self.launcher).execute()
        self.assertEqual([run.ok for run in made.runs if run.row == "good"], [True] * 4)
        self.assertEqual([run.error for run in made.runs if run.row == "bad"], ["exit status 1"] * 2)

    def test_a_time_budget_is_kept_and_noted(self):
        made = session({"slow": {"glibc": []}})
        made.rows[0].source, made.rows[0].command = "own", ["sleep", "0.5"]
        made.settings |= {"repeats": 20, "budget": 5.0}
        began = time.monotonic()
        Schedule(made, Path(self.folder.name), self.launcher).execute()
        self.assertLess(time.monotonic() - began, 8)
        self.assertLess(len(made.runs), 12)
        self.assertIn("budget", made.notes[0])


class Order(unittest.TestCase):
    def test_interleaved_rotating_and_complete(self):
        made = session({"a": {"x": [], "y": [], "z": []}, "b": {"x": [], "y": [], "z": []}})
        steps = [(s.round, s.row.name, s.allocator.name) for s in plan(made.rows, made.allocators, 3, 1)]
        self.assertEqual(len(steps), len(set(steps)))
        self.assertEqual(len(steps), 4 * 2 * 3)
        first = [next(a for n, row, a in steps if n == number and row == "a") for number in (1, 2, 3)]
        self.assertEqual(sorted(first), ["x", "y", "z"])
        self.assertEqual([row for _, row, _ in steps[:6]], ["a"] * 3 + ["b"] * 3)

    def test_expected_durations_come_from_the_nearest_known(self):
        known = Durations()
        known.add("a", "x", 2.0)
        known.add("b", "x", 4.0)
        self.assertEqual([known.expect("a", "x"), known.expect("a", "y"), known.expect("c", "x")], [2.0, 2.0, 3.0])
