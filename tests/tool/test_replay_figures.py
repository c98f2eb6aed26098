#!/usr/bin/env python3
"""Tests the figures of ashlar replay: memory over the program's progress, latencies, pauses, options of an allocator,
--tune.
"""
import json
import re
import unittest
from pathlib import Path

from replay_case import RECORDED, ReplayCase
from tool_case import USAGE

MIB = 1 << 20


class Figures(ReplayCase):
    def test_touch_says_what_becomes_resident(self):
        self.record(RECORDED, "untouched")
        peaks = {touch: [row["peak_bytes"]["median"] for row in self.replay("--touch", touch, "--repeats", 1)["allocators"]]
                 for touch in ("first", "all")}
        self.assertLess(max(peaks["first"]), 8 * MIB)
        self.assertGreaterEqual(min(peaks["all"]), 63 * MIB)
        self.assertLess(max(peaks["all"]), 72 * MIB)

    def test_large_blocks_are_used_as_far_as_they_were_where_asked_for(self):
        self.record(RECORDED, "partly")
        cut = Path(self.folder.name) / "cut"
        self.succeeds("trace", self.trace, "-o", cut, "--from", "0%")
        for trace in (self.trace, cut):
            found = self.replay("--touch", "recorded", "--repeats", 1, file=trace)
            self.assertEqual(found["touch"], "recorded")
            for row in found["allocators"]:
                peak = row["peak_bytes"]["median"]
                self.assertTrue(11.5 * MIB < peak < 16 * MIB, f"{row['name']}: {peak / MIB} MiB at the peak, the program used 12")
        for row in self.replay("--repeats", 1)["allocators"]:
            self.assertGreater(row["peak_bytes"]["median"], 95 * MIB)

    def test_memory_over_the_programs_progress(self):
        self.record(RECORDED, "holes")
        found = self.replay("--repeats", 1)
        for row in found["allocators"]:
            points = row["memory"]
            self.assertGreater(len(points), 200)
            self.assertEqual(points, sorted(points, key=lambda point: (point["call"], point["ns"])))
            self.assertEqual(points[-1]["live_bytes"], found["final_live_bytes"])
            self.assertLess(max(point["live_bytes"] for point in points), found["peak_live_bytes"] + 1)
            self.assertGreater(max(point["live_bytes"] for point in points), 0.95 * found["peak_live_bytes"])
            self.assertLess(max(point["resident_bytes"] for point in points), 1.05 * row["peak_bytes"]["max"])
            self.assertGreater(max(point["resident_bytes"] for point in points), 0.9 * row["peak_bytes"]["max"])
            self.assertGreater(row["mean_bytes"], row["mean_live_bytes"])

    def test_the_mean_of_a_small_trace_is_not_above_its_peak(self):
        """Runs differ by 64 KiB of a program's file, which the kernel reads around a fault."""
        self.record("sh", "-c", "echo")
        units = {"B": 1, "KiB": 1 << 10, "MiB": MIB}
        for _ in range(25):
            text = self.succeeds("replay", self.trace, "--repeats", 1)
            rows = re.findall(r"(?m)^(?:glibc|ashlar) +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+) (\w+) +([\d.]+) (\w+) ", text)
            self.assertEqual(len(rows), 2, text)
            for peak, peak_unit, mean, mean_unit in rows:
                self.assertGreaterEqual(float(peak) * units[peak_unit], float(mean) * units[mean_unit], text)

    def test_latencies_are_of_each_call(self):
        did = json.loads(self.record(RECORDED, "known"))
        found = self.replay("--repeats", 2, "--latency")
        for row in found["allocators"]:
            kinds = row["latency_ns"]
            self.assertEqual(kinds["allocate"]["calls"], 2 * (did["malloc"] + did["calloc"] + did["aligned_alloc"] - 1))  # one failed
            self.assertEqual((kinds["realloc"]["calls"], kinds["free"]["calls"]), (2 * did["realloc"], 2 * did["free"]))
            for kind in ("allocate", "realloc", "free"):
                figures = [kinds[kind][name] for name in ("p50", "p90", "p99", "p99.9", "p99.99", "max")]
                self.assertEqual(figures, sorted(figures))
                self.assertGreater(figures[0], 0)
        self.assertNotIn("latency_ns", self.replay("--repeats", 1)["allocators"][0])
        self.assertRegex(self.succeeds("replay", self.trace, "--repeats", 1, "--latency"), r"(?s)Latency in nanoseconds\n.*\nfree +ashlar +\d+")

    def test_pauses_are_those_of_the_program_where_asked_for(self):
        self.record(RECORDED, "pauses")
        ns = {}
        for speed in ("max", "recorded"):
            found = self.replay("--repeats", 1, "--alloc", "ashlar", "--speed", speed)
            ns[speed] = found["allocators"][0]["ns"]["median"]
        self.assertGreater(found["recorded_ns"], 290e6)
        self.assertGreater(ns["recorded"], 0.99 * found["recorded_ns"])
        self.assertLess(ns["max"], 0.5 * found["recorded_ns"])

    def test_a_thread_that_waits_for_others_takes_no_time_of_the_processor(self):
        self.record(RECORDED, "waits")
        row = self.replay("--repeats", 1, "--alloc", "glibc", "--speed", "recorded")["allocators"][0]
        took, cpu = row["ns"]["median"], 1000 * (row["user_us"]["median"] + row["system_us"]["median"])
        self.assertGreater(took, 390e6)
        self.assertLess(cpu, 0.4 * took, f"{cpu} ns of the processor in {took} ns")

    def test_options_follow_an_allocator(self):
        self.record(RECORDED, "known")
        again = Path(self.folder.name) / "again"
        found = self.replay("--repeats", 1, "--alloc", "ashlar", "--alloc", f"seen=?decay_ms=5,record={again}", ASHLAR_OPTIONS="decay_ms=0")
        self.assertEqual([row["options"] for row in found["allocators"]], ["", f"decay_ms=5,record={again}"])
        self.assertEqual(found["allocators"][0]["library"], found["allocators"][1]["library"])
        self.assertTrue(again.exists())

    def test_tune_shows_sets_of_options_beside_the_defaults(self):
        self.record(RECORDED, "holes")
        sets = self.replay("--repeats", 3, "--tune")["sets"]
        defaults = next(row for row in sets if row["options"] == "")
        self.assertEqual((defaults["time"]["median"], defaults["peak"]["median"]), (1, 1))
        self.assertTrue(any(row["front"] for row in sets))
        self.assertFalse(defaults["differs"])
        self.assertEqual(len({row["options"] for row in sets}), len(sets))
        # On the front the one with less memory takes more time.
        front = sorted((row["peak_bytes"], row["ns"]) for row in sets if row["front"])
        least = min(sets, key=lambda row: row["peak_bytes"])
        self.assertLess(front[0][0], 1.02 * least["peak_bytes"], "what has the least memory is on the front")
        self.assertTrue({"decay_ms=0", "slob", "hugepages=always", "purge=free"} <= {row["options"] for row in sets})
        self.record(RECORDED, "call10")
        self.assertRegex(self.succeeds("replay", self.trace, "--repeats", 3, "--tune"), r"(?m)^\(defaults\) +1\.00 ")
        self.fails(USAGE, "replay: --tune: fewer than 3 runs do not show the noise", "replay", self.trace, "--repeats", 2, "--tune")
        self.fails(USAGE, "replay: --alloc excludes --tune", "replay", self.trace, "--tune", "--alloc", "glibc")


if __name__ == "__main__":
    unittest.main()
