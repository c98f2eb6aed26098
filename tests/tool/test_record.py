#!/usr/bin/env python3
"""Tests ashlar record and ashlar trace: a program that knows its calls, threads, children, full disks, and damaged files."""
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from tool_case import FAILED, LIBRARY, PLAIN, TOOL, USAGE, ToolCase, ashlar

RECORDED = os.environ["ASHLAR_TEST_RECORDED"]
THREAD_DESTRUCTORS, FORK_HANDLERS = (os.environ[f"ASHLAR_TEST_{name}"] for name in ("THREAD_DESTRUCTORS", "FORK_HANDLERS"))
BAD_TRACE, NOT_FOUND = 13, 127
VERSION = 6


class RecordCase(ToolCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.trace = Path(self.folder.name) / "trace"

    def record(self, *words, code=0, stderr="", options=()):
        run = ashlar("record", "-o", self.trace, *options, "--", *words)
        self.assertEqual((run.returncode, run.stderr), (code, stderr))
        return run.stdout

    def shown(self, trace=None):
        return self.json_of("trace", "--json", trace or self.trace)

    def assert_same(self, shown, did):
        kinds = {kind: did[kind] for kind in ("malloc", "calloc", "aligned_alloc", "realloc", "free")}
        self.assertEqual({kind: shown["by_kind"][kind] for kind in kinds}, kinds)
        self.assertEqual((shown["freed_unknown"], shown["vanished"]), (0, 0))


class Record(RecordCase):
    def test_a_trace_holds_each_call_with_its_size(self):
        did = json.loads(self.record(RECORDED, "known"))
        shown = self.shown()
        self.assert_same(shown, did)
        self.assertEqual((shown["allocated_bytes"], shown["peak"]["bytes"], shown["end"]["bytes"], shown["end"]["blocks"]),
                         (did["bytes"], did["peak"], did["live"], did["blocks"]))
        self.assertEqual((shown["failed"], shown["process"], shown["forked"], shown["ended"]), (1, did["pid"], False, 0))
        self.assertEqual(sum(shown["alignments"].values()), did["aligned_alloc"])
        self.assertEqual(set(shown["alignments"]), {str(64 << i) for i in range(7)})
        self.assertLessEqual(shown["file_bytes"], 5 * shown["calls"])

    def test_options_that_see_each_call_record_the_same(self):
        first = json.loads(self.record(RECORDED, "known"))
        for option in ("slob", "harden", "perturb=7", "profile=4k"):
            with self.subTest(option):
                self.assertEqual(json.loads(self.record(RECORDED, "known", options=("--options", option)))["peak"], first["peak"])
                self.assert_same(self.shown(), first)

    def test_a_block_is_freed_after_it_is_allocated_whatever_thread_does(self):
        did = json.loads(self.record(RECORDED, "threads"))
        shown = self.shown()
        pairs = {(pair["allocated_by"], pair["freed_by"]): pair["count"] for pair in shown["freed_by"]}
        self.assertEqual(pairs, {(2, 3): 20000 - 100, (2, 4): 100})
        self.assertEqual((shown["by_kind"]["malloc"], shown["by_kind"]["free"]), (did["malloc"], did["free"]))
        self.assertEqual((shown["freed_unknown"], shown["vanished"]), (0, 0))
        self.assertIn("Who frees whose blocks", self.succeeds("trace", self.trace))

    def test_children_and_executed_programs_have_files_of_their_own(self):
        self.record(RECORDED, "children")
        found = [self.shown(path) for path in Path(self.folder.name).iterdir()]
        self.assertEqual(sorted((shown["by_kind"]["malloc"], shown["forked"]) for shown in found),
                         [(20, True), (30, True), (40, False), (60, False), (60, False)])
        self.assertEqual(self.shown()["by_kind"]["malloc"], 60)  # 10 before the children and 50 after them

    def test_programs_that_end_threads_and_fork_are_recorded_whole(self):
        for words in ((THREAD_DESTRUCTORS,), (FORK_HANDLERS, "mutex"), (FORK_HANDLERS, "streams")):
            with self.subTest(words), tempfile.TemporaryDirectory() as folder:
                run = ashlar("record", "--raw", "-o", Path(folder) / "trace", "--", *words)
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                self.assertEqual(self.shown(Path(folder) / "trace")["vanished"], 0)

    def test_threads_that_allocate_in_their_last_destructors_have_heaps_of_their_own(self):
        self.record(RECORDED, "destructors")
        shown = self.shown()
        self.assertGreater(shown["by_kind"]["malloc"], 1000)

    def test_packing_follows_no_link(self):
        other = Path(self.folder.name) / "other"
        other.write_text("not a trace")
        os.symlink(other, f"{self.trace}.gz~")
        self.record(RECORDED, "known")
        self.assertEqual(other.read_text(), "not a trace")
        self.assertEqual(self.shown()["ended"], 0)
        self.assertFalse(os.path.lexists(f"{self.trace}.gz~"))

    def test_a_process_that_is_killed_leaves_all_that_it_called(self):
        self.assert_same_after(signal.SIGKILL)

    def assert_same_after(self, number):
        did = json.loads(self.record(RECORDED, "killed", code=128 + number))
        self.assert_same(self.shown(), did)

    def test_the_program_runs_on_when_the_file_cannot_grow(self):
        limit = 64 << 10
        run = subprocess.run([RECORDED, "known"], capture_output=True, text=True, check=True, timeout=300,
                             env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": f"record={self.trace}"},
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(run.stderr, f"ashlar: record: {self.trace}: the trace ends here: "
                         "a file may not be larger (RLIMIT_FSIZE, or the file system)\n")
        self.assertLessEqual(self.trace.stat().st_size, limit)
        shown = self.shown()
        self.assertGreater(shown["calls"], 1000)
        self.assertLess(shown["calls"], json.loads(run.stdout)["malloc"] * 2)
        self.assertNotEqual(shown["ended"], 0)

    def test_says_why_there_is_no_trace(self):
        run = subprocess.run([RECORDED, "known"], capture_output=True, text=True, check=True, timeout=300,
                             env={**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": "record=/no/such/folder"})
        self.assertEqual(run.stderr, "ashlar: record: /no/such/folder: no trace is written: the folder does not exist, or not for this process\n")

    def used(self, *words, **environment):
        """(processor seconds, peak bytes) of a process."""
        out = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        child = os.posix_spawn(words[0], [str(word) for word in words], {**PLAIN, **environment}, file_actions=out)
        _, status, usage = os.wait4(child, 0)
        self.assertEqual(status, 0, words)
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024

    def test_each_of_many_calls_takes_what_a_trace_of_100_million_may_take(self):
        # 5 bytes a call, 4 GiB at 100 million of them, and 5 million a second. Times are compared with the program's
        # own, as a machine with other work is slower in all: it takes some 8 ns a call.
        replacements, may_record, may_read = 2000000, 15, 25
        calls, churn = 2 * replacements, f"churn{replacements}"
        alone, recorded, read, planned = [], [], [], []
        for _ in range(3):
            self.trace.unlink(missing_ok=True)
            alone.append(self.used(RECORDED, churn, LD_PRELOAD=LIBRARY))
            recorded.append(self.used(RECORDED, churn, LD_PRELOAD=LIBRARY, ASHLAR_OPTIONS=f"record={self.trace}"))
            read.append(self.used(TOOL, "trace", self.trace))
            planned.append(self.used(TOOL, "replay", self.trace, "--plan", f"{self.trace}.plan"))
        self.assertGreater(self.shown()["calls"], calls - 5000)
        self.assertLess(self.trace.stat().st_size, 5 * calls)
        for which, bound in ((recorded, may_record), (read, may_read), (planned, may_read)):
            self.assertLess(min(seconds for seconds, _ in which), bound * min(seconds for seconds, _ in alone))
        files = self.trace.stat().st_size + Path(f"{self.trace}.plan").stat().st_size  # the plan of a replay is in memory
        self.assertLess(max(memory for _, memory in read + planned) + files, calls * (4 << 30) / 10**8 + (32 << 20))

    def test_hands_output_and_exit_code_through(self):
        run = ashlar("record", "-o", self.trace, "sh", "-c", "echo words; exit 42")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (42, "words\n", ""))
        self.fails(NOT_FOUND, "record: no-such-program: no such program", "record", "no-such-program")
        self.fails(NOT_FOUND, 'record: "": no such program', "record", "")

    def test_starts_nothing_where_no_trace_can_be_written(self):
        touched = Path(self.folder.name) / "touched"
        for folder, why in (("/no/such", "No such file or directory"), ("/etc/passwd", "Not a directory")):
            self.fails(FAILED, f"record: {folder}/trace: {why}", "record", "-o", f"{folder}/trace", "--", "touch", touched)
        self.assertFalse(touched.exists())

    def test_writes_over_nothing_except_traces(self):
        self.record("true")
        self.record("true")  # over the trace of the run before
        self.trace.write_text("precious")
        self.fails(FAILED, "record: .* exists and is not a trace", "record", "-o", self.trace, "true")
        self.assertEqual(self.trace.read_text(), "precious")
        self.fails(USAGE, "record: ASHLAR_OPTIONS cannot name", "record", "-o", "a,b", "true")

    def test_leaves_a_trace_uncompressed_where_told(self):
        self.record(RECORDED, "call7", options=("--raw",))
        self.assertEqual(self.trace.read_bytes()[:8], b"AshTrace")
        self.assertEqual(self.shown()["by_kind"]["malloc"], 7)


class Damage(RecordCase):
    def damaged(self, data, code=BAD_TRACE, pattern=""):
        self.trace.write_bytes(data)
        return self.fails(code, pattern, "trace", self.trace)

    def test_refuses_what_is_no_trace(self):
        name = str(self.trace)
        self.damaged(b"", pattern=f"{name}: it is not a trace")
        self.damaged(b"hello\n" * 10000, pattern=f"{name}: it is not a trace")
        self.damaged(gzip.compress(b"hello\n" * 10000), pattern=f"{name}: it is not a trace")
        self.fails(FAILED, "/no/such: No such file", "trace", "/no/such")
        self.fails(BAD_TRACE, "/: it is a folder", "trace", "/")

    def test_says_that_a_trace_was_cut_off_or_is_of_another_version(self):
        self.record(RECORDED, "known")
        packed = self.trace.read_bytes()
        raw = gzip.decompress(packed)
        for part in (packed[:len(packed) // 2], raw[:4096 + 20], raw[:4096 + 9000], raw[:-4096]):
            self.damaged(part, pattern=f"{self.trace}: damaged trace: it .*cut off")
        self.damaged(raw[:8] + b"\x63" + raw[9:], code=VERSION, pattern=f"{self.trace}: a trace of version 99")
        self.damaged(raw[:4096] + b"x" * 4096, pattern=f"{self.trace}: damaged trace: no chunk begins at byte 4096")

    def test_any_damage_gives_one_line_or_figures(self):
        self.record(RECORDED, "known", options=("--raw",))
        raw, choose = self.trace.read_bytes()[:4096 + 16384], random.Random(1)
        for _ in range(60):
            data = bytearray(raw)
            for _ in range(choose.choice((1, 4, 100))):
                data[choose.randrange(len(data)) if choose.random() < 0.7 else 4096 + choose.randrange(200)] = choose.randrange(256)
            self.trace.write_bytes(data)
            run = subprocess.run([TOOL, "trace", "--json", self.trace], capture_output=True, text=True, timeout=300, env=PLAIN, check=False)
            self.assertIn(run.returncode, (0, VERSION, BAD_TRACE), run.stderr)
            self.assertEqual(len(run.stderr.splitlines()), 0 if run.returncode == 0 else 1, run.stderr)


if __name__ == "__main__":
    unittest.main()
