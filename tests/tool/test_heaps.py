#!/usr/bin/env python3
"""Tests ashlar heaps, which lists the heaps that a program made, as text and as JSON, for an honest process and for a
hostile one.
"""
import os
import re
import subprocess
import tempfile
import unittest

from tool_case import NO_ASHLAR, NO_PROCESS, USAGE, Holder, Process, ToolCase, no_such_pid

VERSION = 6
GCORE = "/usr/bin/gcore"
PROGRAM, OLD_ROOT, HOSTILE = (os.environ[f"ASHLAR_TEST_{name}"] for name in ("HEAPS", "OLD_ROOT", "HOSTILE"))
FIGURES = ("bytes", "peak_bytes", "limit", "blocks", "used_bytes", "kept_bytes", "chunks", "large")
MODES = ("", "harden", "slab_debug", "slob", "guard_sample=20", "profile=1", "numa_fake=2,cpus_fake=4", "mmap_threshold=64k",
         "purge=free,decay_ms=0", "hugepages=always,perturb=85", "leaks", "record=/dev/null")


class Heaps(ToolCase):
    def start(self, options=""):
        process = Process(PROGRAM, library="", options=options)
        self.addCleanup(process.__exit__)
        return process

    def step(self, process):
        """What the program says of its heaps, and of how many blocks a deleted one left."""
        process.process.stdin.write("\n")
        process.process.stdin.flush()
        heaps, left = [], 0
        for line in iter(process.process.stdout.readline, "ready\n"):
            words = line.split()
            if words[0] == "heap":
                heaps.append({"address": int(words[1], 16), "name": words[2], **dict(zip(FIGURES, map(int, words[3:])))})
            else:
                left = int(words[1])
        return heaps, left

    def test_shows_what_the_library_says_in_every_mode(self):
        for mode in MODES:
            with self.subTest(mode=mode or "default"):
                process = self.start(mode)
                self.assertEqual(self.json_of("heaps", process.pid, "--json"), {"approximate": False, "heaps": []})
                for _ in range(2):
                    said, left = self.step(process)
                    report = self.json_of("heaps", process.pid, "--json")
                    self.assertFalse(report["approximate"])
                    *rows, deleted = report["heaps"]
                    self.assertEqual([{name: row[name] for name in ("address", "name", *FIGURES)} for row in rows], said)
                    self.assertEqual((deleted["state"], deleted["blocks"]), ("deleted", left))
                    self.assertNotIn("address", deleted)

    def test_the_table_tells_heaps_of_one_name_apart(self):
        process = self.start()
        said, left = self.step(process)
        head, *lines = self.succeeds("heaps", process.pid).splitlines()
        self.assertEqual(head.split(), ["heap", "address", "state", "blocks", "used", "kept", "pages", "peak", "limit", "chunks", "slabs",
                                        "spans", "large"])
        rows = [re.split(r"  +", line) for line in lines]
        self.assertEqual([row[:2] for row in rows[:3]], [[heap["name"], hex(heap["address"])] for heap in said])
        self.assertEqual(rows[0][0], rows[1][0])
        self.assertEqual([row[2] for row in rows], ["owned", "free", "free", "deleted"])
        self.assertEqual([int(row[3]) for row in rows], [*(heap["blocks"] for heap in said), left])
        self.assertEqual((rows[0][8], rows[1][8]), ("-", "1.0 MiB"))

    def test_a_program_without_heaps_has_none(self):
        with Holder() as holder:
            self.assertEqual(self.succeeds("heaps", holder.pid), "The program has no heap of its own (ashlar/heap.h).\n")

    def test_lists_that_are_made_up_end(self):
        for mode in ("ring", "ring-of-chunks", "ring-of-large", "outside", "sizes"):
            with self.subTest(mode=mode), Process(HOSTILE, f"heaps-{mode}") as process:
                report = self.json_of("heaps", process.pid, "--json")
                self.assertTrue(report["approximate"])
                self.assertLessEqual(len(report["heaps"]), 2)
                for heap in report["heaps"]:
                    self.assertLess(heap["used_bytes"], 1 << 48)
                    self.assertNotRegex(heap["name"], "[\x00-\x1f]")
                    self.assertLess(len(heap["name"]), 80)
                self.assertNotRegex(self.succeeds("heaps", process.pid), "\x1b")

    def test_failures_have_their_lines(self):
        self.fails(NO_PROCESS, r"process \d+: no such process|no process", "heaps", no_such_pid())
        self.fails(USAGE, "give the number of a process, or --core FILE", "heaps")
        self.fails(USAGE, "heaps: ", "heaps", "1", "--nothing")
        with Holder(preload=False) as holder:
            self.fails(NO_ASHLAR, ".*: Ashlar is not loaded in it", "heaps", holder.pid)
        with Process(OLD_ROOT, library="") as old:
            self.fails(VERSION, r".*: its Ashlar, version 0\.1\.9, does not tell of heaps that the program made", "heaps", old.pid)

    def test_a_core_file_tells_the_same(self):
        if not os.access(GCORE, os.X_OK):
            self.skipTest("gcore is not installed (Debian package gdb)")
        process = self.start()
        self.step(process)
        live = self.json_of("heaps", process.pid, "--json")
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run([GCORE, "-o", f"{folder}/core", str(process.pid)], capture_output=True, text=True, timeout=300, check=False)
            if "Operation not permitted" in made.stderr:
                self.skipTest("ptrace is forbidden here")
            self.assertEqual(self.json_of("heaps", "--core", f"{folder}/core.{process.pid}", "--json"), live)


if __name__ == "__main__":
    unittest.main()
