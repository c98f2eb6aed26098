#!/usr/bin/env python3
"""Tests that ashlar doctor describes a process correctly."""
import os
import subprocess
import unittest
from pathlib import Path

from tool_case import HOLDER, LIBRARY, USAGE, Holder, Process, ToolCase

HOSTILE, OTHER = os.environ["ASHLAR_TEST_HOSTILE"], os.environ["ASHLAR_TEST_OTHER_MALLOC"]
MIB = 1 << 20


class Doctor(ToolCase):
    def advice(self, process, about):
        return [a["text"] for a in self.json_of("doctor", process.pid, "--json")["advice"] if a["about"] == about]

    def test_names_the_file_whose_malloc_comes_first(self):
        with Process(HOLDER, library=f"{OTHER}:{LIBRARY}") as process:
            words = self.advice(process, "serving")
            self.assertEqual(len(words), 1)
            self.assertIn(OTHER + " defines malloc", words[0])

    def test_names_a_second_malloc_in_the_process(self):
        with Process(HOLDER, library=f"{LIBRARY}:{OTHER}") as process:
            self.assertIn(OTHER + " defines malloc", self.advice(process, "allocators")[0])
        with Holder() as process:
            self.assertEqual(self.advice(process, "allocators"), [])

    def test_rounding_is_known_where_sizes_are(self):
        with Holder() as holder:
            holder.allocate(1000, 1000)
            self.assertIn("Requested sizes are not recorded", self.succeeds("doctor", holder.pid))
            self.assertNotIn("profiled", self.json_of("doctor", holder.pid, "--json"))
        with Holder(options="profile=1") as holder:
            before = self.json_of("doctor", holder.pid, "--json")["profiled"]
            holder.allocate(1000, 1000)
            holder.allocate(3, 100000)
            after = self.json_of("doctor", holder.pid, "--json")["profiled"]
            self.assertEqual(after["requested"] - before["requested"], 1000 * 1000 + 3 * 100000)
            self.assertEqual(after["in_use"] - before["in_use"], 1000 * 1024 + 3 * 25 * 4096)
            self.assertTrue(after["exact"])
            text = self.succeeds("doctor", holder.pid)
            self.assertRegex(text, r"Of the [\d.]+ MiB in use that were allocated while a profile was on, [\d.]+ KiB \([\d.]+ %\) is rounding\.")
            self.assertNotIn("not recorded", text)
        with Holder(options="harden") as holder:
            holder.allocate(1000, 1000)
            self.assertRegex(self.succeeds("doctor", holder.pid), r"Of the checked blocks, [\d.]+ KiB is rounding and zones")

    def test_pages_given_back_lazily_are_not_called_huge(self):
        with Holder(options="purge=free,decay_ms=0,dirty_min=0,dirty_ratio=0") as holder:
            holder.allocate(400, 250000)
            holder.allocate(400, 0)
            holder.allocate(1, 100)
            report = self.json_of("doctor", holder.pid, "--json")
        if report["split"]["clean_free"] < 16 * MIB:
            self.skipTest("the system took the pages at once, or MADV_FREE is refused")
        words = [a["text"] for a in report["advice"] if a["about"] == "clean_free"][0]
        self.assertIn("purge=free", words)
        self.assertNotIn("huge", words)

    def test_a_heap_of_another_kind_is_not_called_glibcs(self):
        with Process(HOSTILE, "reserve", 8) as process:
            report = self.json_of("doctor", process.pid, "--json")
            self.assertNotIn("glibc arenas", report["smaps"]["others"])
            self.assertEqual([a for a in report["advice"] if a["about"] == "glibc"], [])
        with Process(HOSTILE, "arena", 8) as process:
            report = self.json_of("doctor", process.pid, "--json")
            self.assertEqual(report["smaps"]["others"]["glibc arenas"], 8 * MIB)

    def test_limits_that_cannot_be_read_are_told(self):
        hide = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /sys/fs/cgroup && exec " + HOLDER]
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8")
        paths = [line.split(":", 2)[2] for line in groups.splitlines() if ":memory:" in line or line.startswith("0::")]
        if not any(path != "/" for path in paths):
            self.skipTest("this process is in the root of the memory cgroups")
        try_it = [*hide[:4], "mount -t tmpfs none /sys/fs/cgroup"]
        if subprocess.run(try_it, capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespace to be had here")
        with Process(*hide) as process:
            words = self.advice(process, "memcg")
            self.assertEqual(len(words), 1)
            self.assertRegex(words[0], r"cannot be read \(/sys/fs/cgroup.*: No such file or directory\)")
        with Process(*hide, options="memcg=0") as process:
            self.assertEqual(self.advice(process, "memcg"), [])
        with Holder() as process:
            self.assertEqual(self.advice(process, "memcg"), [])

    def test_a_core_file_for_a_number_is_told_the_option(self):
        self.fails(USAGE, ".*a core file is named by --core FILE", "doctor", "x.core")

    def test_a_report_without_rows_has_its_head(self):
        with Holder() as holder:
            self.assertRegex(self.succeeds("vmallocinfo", holder.pid), r"^# address range")


if __name__ == "__main__":
    unittest.main()
