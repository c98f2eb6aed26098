#!/usr/bin/env python3
"""Tests the command on processes that are difficult to read: test_tool.py [TEST], with ASHLAR_TEST_HOLDER set to tool_holds."""
import os
import re
import resource
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tool"))
from tool_case import HOLDER, LIBRARY, PLAIN, TOOL, ToolCase  # noqa: E402

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Target:
    def __init__(self, kind, options=""):
        environment = {**PLAIN, "LD_PRELOAD": LIBRARY, "ASHLAR_OPTIONS": options}
        self.process = subprocess.Popen([HOLDER, kind], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.is_ready()

    def is_ready(self):
        line = self.process.stdout.readline()
        if line.startswith("SKIP"):
            raise unittest.SkipTest(line)
        assert line == "ready\n", line

    def become_again(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.is_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Tool(ToolCase):
    def live_of(self, options):
        with Target("freed", options) as target:
            found = re.search(r"^live +(\d+)", self.succeeds("doctor", target.pid), re.M)
        return int(found[1])

    def test_doctor_counts_what_is_live_under_each_way_of_checking(self):
        for options in ("", "harden", "slab_debug=FZP", "slob"):
            with self.subTest(options=options):
                # 800 KB are live.
                self.assertLess(self.live_of(options), 5 << 20)

    def test_doctor_sees_that_a_checked_program_allocates(self):
        for options in ("harden", "slob"):
            with self.subTest(options=options), Target("freed", options) as target:
                self.assertNotIn("nothing was allocated", self.succeeds("doctor", target.pid))

    def test_doctor_takes_no_memory_for_arenas_that_overlap(self):
        limit = 300 << 20
        with Target("overlap") as target:
            run = subprocess.run([TOOL, "doctor", str(target.pid)], env=PLAIN, capture_output=True, text=True, timeout=60,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        self.assertGreaterEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("bad_alloc", run.stderr)

    def test_map_escapes_the_names_of_processes_and_caches(self):
        with Target("named") as target:
            page = self.succeeds("map", "-o", "-", target.pid)
        self.assertNotIn("<img/src", page)
        heading = re.search(r"<title>(.*?)</title>", page, re.S)[1]
        self.assertIn("%DATA%", heading)
        self.assertNotIn("{", heading)

    def test_top_follows_a_process_that_becomes_another_program(self):
        with Target("again") as target:
            top = subprocess.Popen([TOOL, "top", "--batch", "-d", "0.4", "-n", "10", str(target.pid)], env=PLAIN,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            first = ""
            while "resident" not in first:
                first = top.stdout.readline()
            target.become_again()
            told = first + top.communicate(timeout=60)[0]
            with open(f"/proc/{target.pid}/smaps_rollup") as file:
                right = int(re.search(r"^Rss: *(\d+)", file.read(), re.M)[1]) << 10
        found = [float(number) * UNITS[unit] for number, unit in re.findall(r"^resident ([\d.]+) (\w+)", told, re.M)]
        self.assertGreater(found[0], 60 << 20, told)
        self.assertAlmostEqual(found[-1], right, delta=right / 5, msg=told)


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)
    unittest.main()
