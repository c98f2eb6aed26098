#!/usr/bin/env python3
"""Tests ashlar replay: it makes the recorded calls; threads, memory, other allocators and mistakes are tested too."""
import gzip
import json
import random
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from replay_case import RECORDED, REPLAY, ReplayCase
from tool_case import FAILED, LIBRARY, OK, PLAIN, TOOL, USAGE, ashlar

VERSION, BAD_TRACE, LIBRARY_MISSING = 6, 13, 125
MIB = 1 << 20
WINDOW = 4096       # calls that one thread may be ahead of another
MARK = 5
TRACES = Path(__file__).resolve().parents[2] / "bench" / "traces"
# Programs that write to all that they allocate: each with what it does more than the one that does nothing.
PYTHON = "x = [str(i) * (i % 50) for i in range(200000)]\ndel x[::2]\ny = [str(i) * (i % 90) for i in range(100000)]"
PERL = '$x[$_] = "x" x ($_ % 700) for 0..120000; for (0..120000) { $x[$_] = undef if $_ % 3 } push @y, "y" x ($_ % 900) for 0..60000;'


def steps_of(plan):
    """(kind, size, alignment) of all steps of each thread of a plan, src/tool/replay/plan.h."""
    data = Path(plan).read_bytes()
    _, threads, _, _, extents, tables, *_ = struct.unpack_from("9Q", data)
    rows = [struct.unpack_from("2Q", data, tables + 16 * i) for i in range(threads)]
    offsets = list(struct.unpack_from(f"{extents}Q", data, tables + 16 * threads))
    for count, _ in rows:
        steps = []
        while len(steps) < count:
            part = min(count - len(steps), 1 << 16)
            steps += struct.iter_unpack("QIHBB", data[offsets[0]:offsets.pop(0) + 16 * part][:16 * part])
        yield [(kind, size, alignment) for size, _, _, kind, alignment in steps if kind != MARK]


class Replay(ReplayCase):
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
            peak, samples = row["peak_bytes"], [point["resident_bytes"] for point in row["memory"]]
            self.assertGreaterEqual(peak["median"], max(samples), "a sample lies above the peak")
            self.assertGreaterEqual(peak["max"], peak["median"])

    def test_the_peak_under_glibc_is_what_the_program_has_under_glibc(self):
        self.record(RECORDED, "holes")
        run = subprocess.run([RECORDED, "holes"], env=PLAIN, capture_output=True, text=True, check=True)
        wanted = json.loads(run.stdout)["peak"]
        found = self.replay("--alloc", "glibc", "--repeats", 1)["allocators"][0]["peak_bytes"]["median"]
        self.assertLess(abs(found - wanted), wanted / 10, f"{found} in the replay, {wanted} in the program")

    def planned(self, trace):
        plan = Path(self.folder.name) / "plan"
        self.succeeds("replay", trace, "--plan", plan)
        return list(steps_of(plan))

    def test_each_thread_calls_what_it_called_in_its_order(self):
        self.record(RECORDED, "threads")
        self.replayed()
        before, again = self.planned(self.trace), self.planned(Path(self.folder.name) / "again")
        self.assertGreaterEqual(len(before), 4)
        for steps in before:
            self.assertIn(steps, [other[-len(steps):] for other in again])
        # What more there is, libc allocates for the threads that the driver starts.
        self.assertLess(sum(map(len, again)) - sum(map(len, before)), 4 * len(before) + 4)
        live = [self.json_of("trace", "--json", Path(self.folder.name) / name) for name in ("trace", "again")]
        self.assertLess(abs(live[0]["peak"]["bytes"] - live[1]["peak"]["bytes"]), WINDOW * 716)
        self.assertLess(abs(live[0]["end"]["bytes"] - live[1]["end"]["bytes"]), 2000 * len(before))

    def peak_of_program(self, *words):
        code = "import os, resource, sys; os.spawnvp(os.P_WAIT, sys.argv[1], sys.argv[1:]); " \
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        run = subprocess.run(["python3", "-c", code, *words], capture_output=True, text=True, check=True, timeout=300,
                             env={**PLAIN, "PYTHONMALLOC": "malloc"})
        return int(run.stdout) * 1024

    def test_the_peak_under_glibc_is_what_programs_of_others_have_under_glibc(self):
        python = subprocess.run(["python3", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True).stdout.strip()
        for program, nothing in (([python, "-c", PYTHON], [python, "-c", ""]), (["/usr/bin/perl", "-e", PERL], ["/usr/bin/perl", "-e", ""])):
            with self.subTest(program[0]):
                wanted = self.peak_of_program(*program) - self.peak_of_program(*nothing)
                peaks = []
                for words in (program, nothing):
                    run = ashlar("record", "-o", self.trace, "--", *words, env={**PLAIN, "PYTHONMALLOC": "malloc"})
                    self.assertEqual((run.returncode, run.stderr), (OK, ""))
                    peaks.append(self.replay("--alloc", "glibc", "--repeats", 1)["allocators"][0]["peak_bytes"]["median"])
                found = peaks[0] - peaks[1]
                self.assertGreater(wanted, 20 * MIB)
                self.assertLess(abs(found - wanted), wanted / 10, f"{found} in the replay, {wanted} in the program")

    def test_damage_gives_one_line_or_figures(self):
        run = ashlar("record", "--raw", "-o", self.trace, "--", RECORDED, "call30000")
        self.assertEqual(run.returncode, OK)
        raw, chosen = self.trace.read_bytes(), random.Random(7)
        for _ in range(25):
            damaged = bytearray(raw)
            for _ in range(chosen.choice((1, 3, 20))):
                damaged[4096 + chosen.randrange(len(raw) - 4096)] = chosen.randrange(256)
            self.trace.write_bytes(damaged)
            run = ashlar("replay", self.trace, "--repeats", 1, "--touch", "first", "--alloc", "glibc")
            self.assertIn(run.returncode, (OK, BAD_TRACE), run.stderr)
            self.assertEqual(len(run.stderr.splitlines()), 0 if run.returncode == OK else 1, run.stderr)
        self.trace.write_bytes(raw[:len(raw) // 3])
        self.fails(BAD_TRACE, f"{self.trace}: damaged trace: it was cut off", "replay", self.trace)

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

    def test_the_traces_of_the_benchmarks(self):
        rows = json.loads((TRACES / "rows.json").read_text(encoding="utf-8"))
        self.assertEqual(sorted(row["file"] for row in rows), sorted(file.name for file in TRACES.glob("*.trace")))
        plan = Path(self.folder.name) / "plan"
        for row in rows:
            with self.subTest(row["name"]):
                self.assertLessEqual((TRACES / row["file"]).stat().st_size, 2 * MIB)
                self.succeeds("replay", TRACES / row["file"], "--plan", plan)
                run = subprocess.run([REPLAY, "--lines", plan], capture_output=True, text=True, check=True, timeout=300,
                                     env={**PLAIN, "LD_PRELOAD": LIBRARY})
                self.assertRegex(run.stdout, r"^metric replay \d+\.\d+ s lower\npeak [1-9]\d{3,}\n$")

    def test_mistakes(self):
        self.fails(BAD_TRACE, "/etc/passwd: it is not a trace", "replay", "/etc/passwd")
        self.record("true")
        self.fails(BAD_TRACE, f"{self.trace}: the trace holds no call", "replay", self.trace)
        self.record(RECORDED, "call10")
        self.fails(LIBRARY_MISSING, "replay: the library of nonsense is not known", "replay", self.trace, "--alloc", "nonsense")
        self.fails(LIBRARY_MISSING, "replay: /etc/passwd: it is not a 64-bit shared library", "replay", self.trace, "--alloc", "x=/etc/passwd")
        self.fails(USAGE, "replay: --touch", "replay", self.trace, "--touch", "none")
        old = Path(self.folder.name) / "old"
        ashlar("record", "--raw", "-o", old, "--", RECORDED, "call10")
        raw = old.read_bytes()
        old.write_bytes(raw[:8] + b"\1" + raw[9:])  # the version
        self.fails(USAGE, f"{old}: replay: --touch recorded: a trace of version 1", "replay", old, "--touch", "recorded")
        old.write_bytes(raw[:8] + b"\3" + raw[9:])
        self.fails(VERSION, f"{old}: a trace of version 3; this command reads 1 to 2", "replay", old)
        self.fails(USAGE, "replay: --speed", "replay", self.trace, "--speed", "slow")
        self.fails(FAILED, "/no/such/page: No such file", "replay", self.trace, "--repeats", "1", "--html", "/no/such/page")
        begin = time.monotonic()
        self.fails(FAILED, "/no/such/page: No such file", "replay", self.trace, "--repeats", "1000", "--html", "/no/such/page")
        self.assertLess(time.monotonic() - begin, 2)  # before it runs anything
        for option in ("--plan", "--html"):
            self.fails(USAGE, f"replay: {option} .*: it is the trace", "replay", self.trace, option, self.trace)
        self.fails(FAILED, "/no/such/plan: No such file", "replay", self.trace, "--plan", "/no/such/plan")
        self.fails(USAGE, "replay: --repeats", "replay", self.trace, "--repeats", "0")

    def test_the_driver_refuses_what_is_no_plan(self):
        for words, said in (((), "started by ashlar replay"), (("/etc/passwd",), "no plan"), (("--words", "/etc/passwd"), "started by ashlar replay"), (("/no/such",), "cannot be opened"),
                            (("/dev/null",), "too short")):
            run = subprocess.run([REPLAY, *words], capture_output=True, text=True, env=PLAIN, check=False, timeout=300)
            self.assertEqual(run.returncode, 2)
            self.assertRegex(run.stderr, f"^ashlar-replay: .*{said}.*\n$")

    def driver_says(self, plan, said):
        run = subprocess.run([REPLAY, plan], capture_output=True, text=True, env=PLAIN, check=False, timeout=300)
        self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
        self.assertRegex(run.stderr, f"^ashlar-replay: .*{said}\n$")

    def test_the_driver_refuses_plans_that_lead_beyond_their_tables(self):
        self.record(RECORDED, "call10")
        plan = Path(self.folder.name) / "plan"
        self.succeeds("replay", self.trace, "--plan", plan)
        whole = plan.read_bytes()
        header = struct.unpack_from("9Q", whole)
        tables = header[5]
        first = next(at for at in range(4096, tables, 16) if whole[at + 14] != MARK)  # step
        for at, form, value, said in ((first + 8, "I", header[2], "a block beyond its slots"), (first + 8, "I", 0xffffffff, "a block beyond its slots"),
                                      (first + 14, "B", 9, "a step of an unknown kind"), (first + 15, "B", 64, "a step of an unknown kind"),
                                      (tables, "Q", 2**64 - 1, "more steps than its file"), (tables, "Q", 2**60 + 1, "more steps than its file"),
                                      (8, "Q", 2**60 + 1, "too many threads"), (16, "Q", 2**61 + 1, "no plan"), (32, "Q", 2**61 + 1, "no plan")):
            data = bytearray(whole)
            struct.pack_into(form, data, at, value)
            plan.write_bytes(data)
            with self.subTest((at, value)):
                self.driver_says(plan, said)

    def test_a_trace_of_more_threads_than_a_process_may_have_is_refused(self):
        self.record(RECORDED, "call10")
        header = gzip.decompress(self.trace.read_bytes())[:4096]
        number = lambda n: bytes([n & 0x7f | 0x80, n >> 7 & 0x7f | 0x80, n >> 14])  # a varint of three bytes
        records = b"".join(b"\x0b" + number(n) + b"\x01\x10\x02" for n in range(1, (1 << 16) + 2))  # thread, malloc(16) at the next address
        body = struct.pack("IIIIQQ", 0x6b6e6843, (32 + len(records) + 4095) // 4096 * 4096, 1, 0, 0, 0) + records
        self.trace.write_bytes(header + body + bytes(-len(body) % 4096))
        self.fails(BAD_TRACE, "replay: the trace has more than 65536 threads", "replay", self.trace, "--plan", Path(self.folder.name) / "plan")

    def test_a_missing_driver_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            tool = shutil.copy(TOOL, Path(folder) / "ashlar")
            self.record(RECORDED, "call10")
            run = subprocess.run([tool, "replay", self.trace, "--alloc", "glibc"], capture_output=True, text=True, env=PLAIN, check=False)
            self.assertEqual((run.returncode, run.stderr), (1, f"ashlar: replay: no ashlar-replay in or beside {folder}\n"))


if __name__ == "__main__":
    unittest.main()
