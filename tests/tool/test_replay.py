#!/usr/bin/env python3
"""ashlar replay: what it calls is what was recorded; threads, memory, other allocators, mistakes."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import LIBRARY, PLAIN, TOOL, USAGE, ToolCase, ashlar

RECORDED, REPLAY = os.environ["ASHLAR_TEST_RECORDED"], os.environ["ASHLAR_TEST_REPLAY"]
BAD_TRACE, LIBRARY_MISSING = 13, 125
MIB = 1 << 20


class Replay(ToolCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.trace = Path(self.folder.name) / "trace"

    def record(self, *words, file=None):
        run = ashlar("record", "-o", file or self.trace, "--", *words)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout

    def replay(self, *arguments, file=None, **environment):
        return self.json_of("replay", file or self.trace, "--json", *arguments, env={**PLAIN, **environment})

    def replayed(self):
        """What a trace of a replay holds."""
        again = Path(self.folder.name) / "again"
        self.replay("--alloc", "ashlar", "--repeats", 1, ASHLAR_OPTIONS=f"record={again}")
        return self.json_of("trace", "--json", again)

    def test_sizes_and_live_bytes_are_exactly_those_of_the_program(self):
        did = json.loads(self.record(RECORDED, "known"))
        before, again = self.json_of("trace", "--json", self.trace), self.replayed()
        self.assertEqual(before["by_kind"]["malloc"], did["malloc"])
        before["by_kind"]["malloc"] -= 1  # a failed call is not replayed
        for what in ("by_kind", "sizes", "hottest_sizes", "alignments", "allocated_bytes"):
            self.assertEqual(again[what], before[what], what)
        for what in ("bytes", "blocks"):
            self.assertEqual((again["peak"][what], again["end"][what]), (before["peak"][what], before["end"][what]))
        self.assertEqual([row["bytes"] for row in again["live"]], [row["bytes"] for row in before["live"]][:len(again["live"])])
        row = self.replay("--repeats", 1)
        self.assertEqual((row["peak_live_bytes"], row["final_live_bytes"]), (did["peak"], did["live"]))

    def test_threads_hand_over_what_they_handed_over(self):
        self.record(RECORDED, "threads")
        before, again = self.json_of("trace", "--json", self.trace), self.replayed()
        handed = [sorted(pair["count"] for pair in trace["freed_by"] if pair["count"] >= 100) for trace in (before, again)]
        self.assertEqual(handed[0], [100, 19900])
        self.assertEqual(handed[1], handed[0])
        self.assertEqual((again["by_kind"]["realloc"], again["vanished"]), (before["by_kind"]["realloc"], 0))
        for row in self.replay("--repeats", 2)["allocators"]:
            self.assertEqual(row["failed"]["max"], 0)

    def test_the_peak_under_glibc_is_what_the_program_has_under_glibc(self):
        self.record(RECORDED, "holes")
        run = subprocess.run([RECORDED, "holes"], env=PLAIN, capture_output=True, text=True, check=True)
        wanted = json.loads(run.stdout)["peak"]
        found = self.replay("--alloc", "glibc", "--repeats", 1)["allocators"][0]["peak_bytes"]["median"]
        self.assertLess(abs(found - wanted), wanted / 10, f"{found} in the replay, {wanted} in the program")

    def test_touch_says_what_becomes_resident(self):
        self.record(RECORDED, "untouched")
        peaks = {touch: [row["peak_bytes"]["median"] for row in self.replay("--touch", touch, "--repeats", 1)["allocators"]]
                 for touch in ("first", "all")}
        self.assertLess(max(peaks["first"]), 8 * MIB)
        self.assertGreaterEqual(min(peaks["all"]), 63 * MIB)
        self.assertLess(max(peaks["all"]), 72 * MIB)

    def test_shows_a_row_for_each_allocator(self):
        self.record(RECORDED, "known")
        text = self.succeeds("replay", self.trace, "--repeats", 2, "--alloc", "glibc", "--alloc", f"mine={LIBRARY}")
        self.assertRegex(text, r"(?s)40000 calls by 1 thread.*2 runs of each.*\nglibc .*\nmine ")
        both = self.replay("--repeats", 3)
        self.assertEqual([row["name"] for row in both["allocators"]], ["glibc", "ashlar"])
        self.assertEqual(both["repeats"], 3)
        for row in both["allocators"]:
            self.assertLessEqual(row["ns"]["min"], row["ns"]["median"])
            self.assertLessEqual(row["ns"]["median"], row["ns"]["max"])
            self.assertGreater(row["peak_bytes"]["min"], both["final_live_bytes"])

    def test_programs_of_others(self):
        # A shell script in its place would be recorded as a shell.
        python = subprocess.run(["python3", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True).stdout.strip()
        programs = {"python3": [python, "-c", "print(sum(len(str(i)) for i in range(50000)))"]}
        if shutil.which("sqlite3"):
            programs["sqlite3"] = ["sqlite3", ":memory:", "create table t(a); insert into t values (1), (2); select sum(a) from t;"]
        for name, words in programs.items():
            with self.subTest(name):
                file = Path(self.folder.name) / name
                self.record(*words, file=file)
                for row in self.replay("--repeats", 1, file=file)["allocators"]:
                    self.assertEqual(row["failed"]["max"], 0)

    def test_mistakes(self):
        self.fails(BAD_TRACE, "/etc/passwd: it is no trace", "replay", "/etc/passwd")
        self.record("true")
        self.fails(BAD_TRACE, f"{self.trace}: the trace holds no call", "replay", self.trace)
        self.record(RECORDED, "call10")
        self.fails(LIBRARY_MISSING, "replay: the library of nonsense is not known", "replay", self.trace, "--alloc", "nonsense")
        self.fails(LIBRARY_MISSING, "replay: /etc/passwd: it is no shared library", "replay", self.trace, "--alloc", "x=/etc/passwd")
        self.fails(USAGE, "replay: --touch", "replay", self.trace, "--touch", "none")
        self.fails(USAGE, "replay: --repeats", "replay", self.trace, "--repeats", "0")

    def test_the_driver_refuses_what_is_no_plan(self):
        for words, said in (((), "started by ashlar replay"), (("/etc/passwd",), "no plan"), (("/no/such",), "cannot be opened"),
                            (("/dev/null",), "too short")):
            run = subprocess.run([REPLAY, *words], capture_output=True, text=True, env=PLAIN, check=False, timeout=10)
            self.assertEqual(run.returncode, 2)
            self.assertRegex(run.stderr, f"^ashlar-replay: .*{said}.*\n$")

    def test_a_missing_driver_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            tool = shutil.copy(TOOL, Path(folder) / "ashlar")
            self.record(RECORDED, "call10")
            run = subprocess.run([tool, "replay", self.trace, "--alloc", "glibc"], capture_output=True, text=True, env=PLAIN, check=False)
            self.assertEqual((run.returncode, run.stderr), (1, f"ashlar: replay: there is no ashlar-replay beside {folder}\n"))


if __name__ == "__main__":
    unittest.main()
