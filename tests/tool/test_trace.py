#!/usr/bin/env python3
"""Tests ashlar trace: an anonymous trace, a part of a trace, several side by side, and the cost of the size classes."""
import gzip
import os
import tempfile
import unittest
from pathlib import Path

from tool_case import FAILED, USAGE, ToolCase, ashlar

RECORDED = os.environ["ASHLAR_TEST_RECORDED"]
# What tells of the process.
OF_PROCESS = ("name", "process", "seconds", "file_bytes")
# What depends on nothing that a cut changes.
KEPT = ("by_kind", "failed", "freed_unknown", "vanished", "allocated_bytes", "sizes", "alignments", "resizes", "freed_by", "lifetimes_calls",
        "rounded_at_peak")


class Trace(ToolCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = {}
        for what in ("known", "threads"):
            cls.traces[what] = Path(cls.folder.name) / what
            cls.did = ashlar("record", "-o", cls.traces[what], "--", RECORDED, what)

    def setUp(self):
        self.out = Path(self.folder.name) / "out"
        self.out.unlink(missing_ok=True)

    def shown(self, trace, *more):
        return self.json_of("trace", "--json", trace, *more)

    def written(self, what, *more):
        self.out.unlink(missing_ok=True)
        self.assertEqual(self.succeeds("trace", self.traces[what], "-o", self.out, *more), "")
        return self.shown(self.out)

    def test_a_stripped_trace_has_the_same_figures_and_no_trace_of_the_process(self):
        for what in self.traces:
            before, after = self.shown(self.traces[what]), self.written(what, "--strip")
            self.assertEqual((after["name"], after["process"], after["seconds"]), ("", 0, 0))
            # A block that one thread frees within another's realloc, and that is handed out again there, is one event when written.
            kept = KEPT if what == "known" else ("failed", "freed_unknown", "vanished")
            self.assertEqual({key: before[key] for key in before if key in kept}, {key: after[key] for key in after if key in kept})
            for moment in ("peak", "end"):
                self.assertEqual((before[moment]["bytes"], before[moment]["blocks"]), (after[moment]["bytes"], after[moment]["blocks"]))
            self.assertNotIn(before["name"].encode(), gzip.decompress(self.out.read_bytes()))
            # Threads record in leases of numbers; what is written numbers each call, which takes more where threads alternate finely.
            self.assertLess(after["file_bytes"], 1.5 * before["file_bytes"])

    def test_parts_are_together_the_whole(self):
        whole = self.shown(self.traces["known"])
        first, second = (self.shown(self.traces["known"], *more) for more in (("--to", "40%"), ("--from", "40%")))
        self.assertGreater(first["end"]["blocks"], 0)
        self.assertEqual(second["calls"], whole["calls"] - first["calls"] + first["end"]["blocks"])
        self.assertEqual(second["by_kind"]["free"] + first["by_kind"]["free"], whole["by_kind"]["free"])
        self.assertEqual((second["end"]["bytes"], second["freed_unknown"]), (whole["end"]["bytes"], 0))
        self.assertEqual(max(first["peak"]["bytes"], second["peak"]["bytes"]), whole["peak"]["bytes"])

    def test_the_head_of_a_part_is_of_the_part(self):
        trace = self.traces["known"]
        whole, first = self.shown(trace), self.shown(trace, "--to", "50%")
        self.assertEqual(whole["begin"], {"ns": 0, "blocks": 0})
        middle = whole["end"]["ns"] // 2
        part = self.shown(trace, "--from", f"{middle / 1e6}ms", "--to", "99%")
        self.assertGreaterEqual(part["begin"]["ns"], middle)
        self.assertGreater(part["end"]["ns"], part["begin"]["ns"])
        text = self.succeeds("trace", trace, "--from", f"{middle / 1e6}ms", "--to", "99%")
        self.assertRegex(text, rf"^Part of the trace of process \d+ \(tool_recorded\): {part['calls']} calls by 1 thread in (\d+ \w+)\n"
                               rf"{part['begin']['blocks']} of the calls are for blocks that are live where the part begins\.\n")
        number, unit = text.split(" in ", 1)[1].split()[:2]
        shown = int(number) * {"ns": 1, "us": 1000, "ms": 1000000, "s": 1000000000}[unit]
        took = part["end"]["ns"] - part["begin"]["ns"]
        self.assertTrue(0.9 * took - 1 <= shown <= took, (shown, took))
        self.assertEqual(self.shown(trace, "--from", "50%")["begin"]["blocks"], first["end"]["blocks"])
        self.assertRegex(self.succeeds("trace", trace), r"^Trace of process .*, [\d.]+ bytes of the file per call\n")
    def test_refuses_parts_that_the_trace_does_not_have(self):
        trace, written = self.traces["known"], Path(self.folder.name) / "part"
        for more in (("--from", "60%", "--to", "20%"), ("--from", "20%", "--to", "20%"), ("--to", "0"), ("--from", "9s", "--to", "1s"), ("--from", "9000s", "--to", "5")):
            behind = f"--from {more[1]}" if more[0] == "--from" else "the trace's begin"
            for form in ((), ("-o", written)):
                self.fails(USAGE, f"trace: --to {more[-1]}: expected a place after {behind}", "trace", trace, *more, *form)
        for place in ("100%", 10**9, "9000s"):
            for form in ((), ("-o", written)):
                self.fails(USAGE, f"trace: --from {place}: the trace ends before that", "trace", trace, "--from", place, *form)
        self.assertFalse(written.exists())
        self.fails(USAGE, "trace: --json excludes --output|trace: --output excludes --json", "trace", trace, "-o", written, "--json")
        self.fails(USAGE, "replay: --json excludes --plan|replay: --plan excludes --json", "replay", trace, "--plan", written, "--json")

    def test_what_is_written_of_a_part_is_that_part(self):
        for what in self.traces:
            for more in (("--from", "20%", "--to", "60%"), ("--to", "1000"), ("--from", "500"), ("--from", "0.1ms", "--to", "100s")):
                part, written = self.shown(self.traces[what], *more), self.written(what, *more)
                for key in ("by_kind", "failed", "freed_unknown", "allocated_bytes", "sizes", "alignments", "freed_by"):
                    self.assertEqual(part[key], written[key], (what, more, key))
                self.assertEqual((part["peak"]["bytes"], part["end"]["bytes"]), (written["peak"]["bytes"], written["end"]["bytes"]))
                self.assertEqual(part["process"], written["process"])

    def test_several_side_by_side(self):
        for what in self.traces:
            one, three = self.shown(self.traces[what]), self.written(what, "--scale", 3)
            self.assertEqual({kind: 3 * n for kind, n in one["by_kind"].items()}, three["by_kind"])
            self.assertEqual((3 * one["peak"]["bytes"], 3 * one["end"]["blocks"]), (three["peak"]["bytes"], three["end"]["blocks"]))
            self.assertEqual(3 * len(one["threads"]), len(three["threads"]))

    def test_says_what_each_allocators_classes_take(self):
        shown = self.shown(self.traces["known"])
        self.assertEqual(set(shown["rounded_at_peak"]), {"ashlar", "glibc", "jemalloc", "mimalloc", "tcmalloc"})
        for name, rounded in shown["rounded_at_peak"].items():
            self.assertGreater(rounded, shown["peak"]["bytes"], name)
            self.assertLess(rounded, 1.25 * shown["peak"]["bytes"], name)
        self.assertIn("rounded up to the size classes of", self.succeeds("trace", self.traces["known"]))

    def test_wrong_words(self):
        trace = self.traces["known"]
        for place in ("x", "-1", "101%", "5m", "%"):
            self.fails(USAGE, "trace: expected a share such as 25%", "trace", trace, f"--from={place}")
        self.fails(USAGE, ".*--output", "trace", trace, "--strip")
        self.out.write_text("precious")
        self.fails(FAILED, "trace: .*out: File exists", "trace", trace, "-o", self.out)
        self.assertEqual(self.out.read_text(), "precious")
        self.fails(FAILED, "trace: /no/such/out: No such file", "trace", trace, "-o", "/no/such/out")


if __name__ == "__main__":
    unittest.main()
